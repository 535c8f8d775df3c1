//! `apricot import`: brings in a spreadsheet while no server runs on the data folder.

use std::borrow::Cow;
use std::io::Read;
use std::path::PathBuf;

use apricot_proto::v1;
use clap::{Args, Subcommand};

use super::{Failed, Source, runtime};
use crate::app::{DataLock, open_record};
use crate::clock::Clock;
use crate::contract::{self, parse};
use crate::model::{Currency, Money, OutOfBound, Product, Subject};
use crate::store::Write;

pub mod registry;
pub mod table;

pub use table::Wrong;
use table::{Cells, Shape, nothing_imported, tell};

const PRODUCTS: Shape = Shape {
    columns: "sku,title,unit,price,currency,on_hand,origin,category,image_url",
    name: "sku",
    // Of one file; a county has fewer.
    lines_max: 100_000,
};

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
    /// Charities from a CSV file in UTF-8; what is there already is brought up to date
    #[command(after_help = "Columns, by name in the first line, in any order:
  registration   number in the public register, 4..=40 characters
  name           1..=100 characters
  qualification  may be left out: 0..=100 characters, such as \"public fundraising\"
  platform       may be left out: its designated platform, 0..=100 characters
  platform_url   may be left out: an https address")]
    Charities(registry::Registry),
    /// Projects of charities from a CSV file in UTF-8; what is there already is brought up to date
    #[command(after_help = "Columns, by name in the first line, in any order:
  id                   1..=64 of a-z, 0-9 and '-'
  charity              registration number of a registered charity; it cannot change later
  title                1..=100 characters
  started_on           a date such as 2026-09-01, begin of the day in UTC
  ended_on             may be left out: it runs
  summary              may be left out: 0..=500 characters
  target               may be left out: in yuan, or in the currency's unit: 50000.00
  currency             may be left out: CNY
  place                may be left out: 0..=80 characters
  record_number        may be left out: under which it was filed, 0..=60 characters
  give_url             may be left out: an https address at the host of its charity's platform_url, where to give to it directly
  disclose_every_days  may be left out: 90; a report is due so long after the one before, 1..=366")]
    Projects(registry::Registry),
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

impl Import {
    pub(super) fn run(self) -> Result<(), Failed> {
        match self {
            Self::Products(products) => products.run(),
            Self::Charities(charities) => charities.charities(),
            Self::Projects(projects) => projects.projects(),
        }
    }
}

impl Products {
    fn run(self) -> Result<(), Failed> {
        let data = self.source.load(None)?.config.data;
        let (right, wrong) = PRODUCTS.open(&self.file, |cells| product(cells, &self.host))?;
        tell(&self.file, &wrong);
        if !wrong.is_empty() && !self.partial {
            return Err(nothing_imported(&wrong, right.len(), ", or bring in the others with --partial"));
        }
        let _lock = DataLock::take(&data)?;
        let (imported, there) = runtime()?.block_on(record(&data, without_lines(right)))?;
        eprintln!(
            "apricot: {imported} products imported, {there} were there already and are unchanged, {} lines wrong",
            wrong.len()
        );
        Ok(())
    }
}

/// The right lines and the wrong ones of a CSV file. `Err`: the file as a whole is not such a table.
pub fn products(text: impl Read, host: &Subject) -> Result<(Vec<Product>, Vec<Wrong>), String> {
    let (right, wrong) = PRODUCTS.read(text, |cells| product(cells, host))?;
    Ok((without_lines(right), wrong))
}

fn without_lines<T>(lines: Vec<(u64, T)>) -> Vec<T> {
    lines.into_iter().map(|(_, thing)| thing).collect()
}

fn product(cells: &Cells, host: &Subject) -> Result<Product, OutOfBound> {
    let currency: Currency = cells.or("currency", "CNY").parse()?;
    let price = Money::parse("price", cells.get("price"), currency)?;
    let on_hand = cells.get("on_hand").parse().map_err(|_| OutOfBound::new("on_hand", "0..=1000000"))?;
    let message = v1::CreateProduct {
        sku: cells.get("sku").to_owned(),
        title: cells.get("title").to_owned(),
        unit: cells.get("unit").to_owned(),
        image_url: cells.get("image_url").to_owned(),
        origin: cells.get("origin").to_owned(),
        price: Some(contract::money(price)),
        on_hand,
        category: cells.or("category", "farm").to_owned(),
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
