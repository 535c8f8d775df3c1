//! A CSV file with named columns: every line is read, and each that cannot be brought in is told with its number.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use crate::cli::Failed;
use crate::model::OutOfBound;

const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A line that cannot be brought in.
#[derive(Debug)]
pub struct Wrong {
    pub line: u64,
    pub reason: String,
}

/// What a file may look like.
pub struct Shape {
    /// By name, separated by commas.
    pub columns: &'static str,
    /// The column that names a thing; no two lines have the same.
    pub name: &'static str,
    pub lines_max: usize,
}

/// The cells of one line, by the names of the first.
pub struct Cells<'a> {
    names: &'a [String],
    record: &'a StringRecord,
}

impl Cells<'_> {
    /// Empty when there is no such column.
    pub fn get(&self, name: &str) -> &str {
        let at = self.names.iter().position(|known| known == name);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    pub fn or<'s>(&'s self, name: &str, default: &'s str) -> &'s str {
        Some(self.get(name)).filter(|text| !text.is_empty()).unwrap_or(default)
    }
}

/// Things with the lines they stand on, and the wrong ones.
pub type Lines<T> = (Vec<(u64, T)>, Vec<Wrong>);

impl Shape {
    pub(super) fn open<T>(
        &self,
        path: &Path,
        parse: impl Fn(&Cells) -> Result<T, OutOfBound>,
    ) -> Result<Lines<T>, Failed> {
        let failed = |reason: String| Failed::because(format!("{}: {reason}", path.display()));
        let size = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(failed(format!("{size} bytes; split it into files of at most {FILE_BYTES_MAX}")));
        }
        let file = std::fs::File::open(path).map_err(|e| failed(e.to_string()))?;
        self.read(file, parse).map_err(failed)
    }

    /// `Err`: the file as a whole is not such a table.
    pub fn read<T>(
        &self,
        text: impl Read,
        parse: impl Fn(&Cells) -> Result<T, OutOfBound>,
    ) -> Result<Lines<T>, String> {
        let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text);
        let names = table.headers().map_err(|e| e.to_string())?.clone();
        let names: Vec<String> =
            names.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase()).collect();
        let columns = self.columns;
        if let Some(unknown) = names.iter().find(|name| !columns.split(',').any(|column| column == *name)) {
            // A quote that is never closed makes the whole file one name.
            let unknown: String = unknown.chars().take(20).collect();
            return Err(format!("line 1: {unknown:?} is not a column; the columns are {columns}"));
        }
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        if let Some((_, twice)) = twice {
            return Err(format!("line 1: {twice} is there twice; which one counts?"));
        }
        let (mut right, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for record in table.records() {
            if right.len() + wrong.len() == self.lines_max {
                return Err(format!("more than {} lines; split it", self.lines_max));
            }
            let (line, read) = match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    (line, self.line(&names, &record, &parse, &mut seen))
                }
                Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
            };
            match read {
                Ok(thing) => right.push((line, thing)),
                Err(reason) => wrong.push(Wrong { line, reason }),
            }
        }
        Ok((right, wrong))
    }

    fn line<T>(
        &self,
        names: &[String],
        record: &StringRecord,
        parse: impl Fn(&Cells) -> Result<T, OutOfBound>,
        seen: &mut HashSet<String>,
    ) -> Result<T, String> {
        if record.len() != names.len() {
            return Err(format!("line must be {} cells, as the first line has", names.len()));
        }
        let cells = Cells { names, record };
        let thing = parse(&cells).map_err(|refused| refused.to_string())?;
        let name = cells.get(self.name);
        if seen.insert(name.to_owned()) {
            return Ok(thing);
        }
        Err(format!("{} {name} is in an earlier line too", self.name))
    }
}

/// One line for each that is wrong.
pub(super) fn tell(path: &Path, wrong: &[Wrong]) {
    for Wrong { line, reason } in wrong {
        eprintln!("{}: line {line}: {reason}", path.display());
    }
}

/// `else_`: what else than correcting them may be done.
pub(super) fn nothing_imported(wrong: &[Wrong], right: usize, else_: &str) -> Failed {
    let (wrong, lines) = (wrong.len(), wrong.len() + right);
    Failed::because(format!("{wrong} of {lines} lines are wrong; nothing was imported. Correct them{else_}"))
}
