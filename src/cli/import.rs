//! `apricot import`: brings in a spreadsheet while no server runs on the data folder.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;
use std::path::PathBuf;

use apricot_proto::v1;
use clap::{Args, Subcommand};
use csv::StringRecord;

use super::{Failed, Source, runtime};
use crate::app::{DataLock, open_record};
use crate::clock::Clock;
use crate::contract::{self, parse};
use crate::model::{Currency, Money, OutOfBound, Product, Subject};
use crate::store::Write;

const COLUMNS: &str = "sku,title,unit,price,currency,on_hand,origin,category,image_url";
/// Of one file; a county has fewer.
const LINES_MAX: usize = 100_000;
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Subcommand)]
pub enum Import {
    /// Products of a host from a CSV file in UTF-8
    #[command(after_help = "Columns, by name in the first line, in any order:
  sku        1..=40 of A-Z, a-z, 0-9, '-', '_' and '.'
  title      1..=80 characters
  unit       what one unit is, 1..=60 characters: \"box of 12, 2.5 kg\"
  price      in yuan, or in the currency's unit: 12.50
  on_hand    units, 0..=1000000
  currency   may be left out: CNY
  origin     may be left out: 0..=80 characters
  category   may be left out: farm
  image_url  may be left out: a path from '/', or an https address")]
    Products(Products),
}

#[derive(Args)]
pub struct Products {
    file: PathBuf,
    /// Whose products they are: the subject of the host's tokens
    #[arg(long)]
    host: Subject,
    /// Bring in the lines that are right, also when others are wrong
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    source: Source,
}

/// A line that cannot be brought in.
#[derive(Debug)]
pub struct Wrong {
    pub line: u64,
    pub reason: String,
}

impl Import {
    pub(super) fn run(self) -> Result<(), Failed> {
        let Self::Products(products) = self;
        products.run()
    }
}

impl Products {
    fn run(self) -> Result<(), Failed> {
        let data = self.source.load(None)?.config.data;
        let (right, wrong) = self.read()?;
        for Wrong { line, reason } in &wrong {
            eprintln!("{}: line {line}: {reason}", self.file.display());
        }
        if !wrong.is_empty() && !self.partial {
            return Err(Failed::because(format!(
                "{} of {} lines are wrong; nothing was imported. Correct them, or bring in the others with --partial",
                wrong.len(),
                wrong.len() + right.len()
            )));
        }
        let _lock = DataLock::take(&data)?;
        let (imported, there) = runtime()?.block_on(record(&data, right))?;
        eprintln!(
            "apricot: {imported} products imported, {there} were there already and are unchanged, {} lines wrong",
            wrong.len()
        );
        Ok(())
    }

    fn read(&self) -> Result<(Vec<Product>, Vec<Wrong>), Failed> {
        let failed = |reason: String| Failed::because(format!("{}: {reason}", self.file.display()));
        let size = std::fs::metadata(&self.file).map_err(|e| failed(e.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(failed(format!("{size} bytes; split it into files of at most {FILE_BYTES_MAX}")));
        }
        let file = std::fs::File::open(&self.file).map_err(|e| failed(e.to_string()))?;
        products(file, &self.host).map_err(failed)
    }
}

/// The right lines and the wrong ones of a CSV file. `Err`: the file as a whole is not such a table.
pub fn products(text: impl Read, host: &Subject) -> Result<(Vec<Product>, Vec<Wrong>), String> {
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text);
    let names = table.headers().map_err(|e| e.to_string())?.clone();
    let names: Vec<String> =
        names.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase()).collect();
    if let Some(unknown) = names.iter().find(|name| !COLUMNS.split(',').any(|column| column == *name)) {
        // A quote that is never closed makes the whole file one name.
        let unknown: String = unknown.chars().take(40).collect();
        return Err(format!("line 1: {unknown:?} is not a column; the columns are {COLUMNS}"));
    }
    let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    if let Some((_, twice)) = twice {
        return Err(format!("line 1: {twice} is there twice; which one counts?"));
    }
    let (mut right, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for record in table.records() {
        if right.len() + wrong.len() == LINES_MAX {
            return Err(format!("more than {LINES_MAX} lines; split it"));
        }
        let read = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                product(&names, &record, host)
                    .map_err(|error| Wrong { line, reason: error.to_string() })
                    .and_then(|product| match seen.insert(product.sku.clone()) {
                        true => Ok(product),
                        false => Err(Wrong {
                            line,
                            reason: format!("sku {} is in an earlier line too", product.sku),
                        }),
                    })
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                Err(Wrong { line, reason: error.to_string() })
            }
        };
        match read {
            Ok(product) => right.push(product),
            Err(reason) => wrong.push(reason),
        }
    }
    Ok((right, wrong))
}

fn product(names: &[String], record: &StringRecord, host: &Subject) -> Result<Product, OutOfBound> {
    if record.len() != names.len() {
        return Err(OutOfBound::new("line", format!("{} cells, as the first line has", names.len())));
    }
    let cell = |name: &str| {
        names.iter().position(|known| known == name).and_then(|at| record.get(at)).unwrap_or_default()
    };
    let or = |name: &str, default: &str| {
        if cell(name).is_empty() { default.to_owned() } else { cell(name).to_owned() }
    };
    let currency: Currency = or("currency", "CNY").parse()?;
    let price = Money::parse("price", cell("price"), currency)?;
    let on_hand = cell("on_hand").parse().map_err(|_| OutOfBound::new("on_hand", "0..=1000000"))?;
    let message = v1::CreateProduct {
        sku: cell("sku").to_owned(),
        title: cell("title").to_owned(),
        unit: cell("unit").to_owned(),
        image_url: cell("image_url").to_owned(),
        origin: cell("origin").to_owned(),
        price: Some(contract::money(price)),
        on_hand,
        category: or("category", "farm"),
    };
    parse::product(&message, host.clone())
        .map_err(|refused| OutOfBound { field: column(refused.field), ..refused })
}

/// The contract's name of a field as the name of its column.
fn column(field: Cow<'static, str>) -> Cow<'static, str> {
    match field.as_ref() {
        "onHand" => "on_hand".into(),
        "imageUrl" => "image_url".into(),
        _ => field,
    }
}

/// How many were new, and how many were there already. All new ones in one entry: all or nothing.
async fn record(data: &std::path::Path, products: Vec<Product>) -> Result<(usize, usize), Failed> {
    let journal = open_record(data, &Clock::System)?;
    let (mut entry, mut there) = (Vec::with_capacity(products.len()), 0);
    for product in products {
        match journal.product(product.sku.clone()).await.map_err(Failed::because)? {
            Some(_) => there += 1,
            None => entry.push(Write::NewProduct(product)),
        }
    }
    let imported = entry.len();
    journal.commit(entry).await.map_err(|error| Failed::because(format!("nothing was imported: {error}")))?;
    journal.close().await;
    Ok((imported, there))
}
