//! Reads a record in SQLite, and the provider's books.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use uuid::Uuid;

use super::{
    record::{ProviderPayment, Record},
    row::{Cell, Row},
    tables::{Table, Tables},
};
use crate::failure::Failure;

const BOOKS: &str = "SELECT id, captured_at IS NOT NULL, refunded_minor FROM payment";
/// The sandbox provider keeps its books beside the record, or in a data folder of its own.
const BOOKS_FILE: &str = "sandbox.db";

/// Finds the record inside a server's data folder: the one SQLite file that has the table `lots`.
pub fn find(dir: &Path) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(dir).map_err(Failure::file(dir))?;
    for entry in entries {
        let path = entry.map_err(Failure::file(dir))?.path();
        let is_database = path
            .extension()
            .is_some_and(|extension| extension == "db" || extension == "sqlite" || extension == "sqlite3");
        if is_database && has_lots(&path) {
            return Ok(path);
        }
    }
    Err(Failure::RecordMissing { dir: dir.into() })
}

fn has_lots(path: &Path) -> bool {
    open(path).and_then(|record| record.prepare(Table::Lots.sql()).map(drop)).is_ok()
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

/// Reads everything in one transaction, so that a running server may go on writing.
pub fn read(path: &Path, read_at_ms: i64) -> Result<Record, Failure> {
    let wrong = |source| Failure::Record { path: path.into(), source };
    let mut connection = open(path).map_err(wrong)?;
    let snapshot = connection.transaction().map_err(wrong)?;
    let mut tables = Tables::default();
    for table in Table::ALL {
        tables.put(table, rows(&snapshot, table.sql()).map_err(wrong)?);
    }
    tables.into_record(read_at_ms)
}

/// What the sandbox provider has in its books, when they lie in this folder.
pub fn read_books(dir: &Path) -> Result<Option<Vec<ProviderPayment>>, Failure> {
    let path = dir.join(BOOKS_FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let rows = open(&path).and_then(|books| rows(&books, BOOKS));
    let rows = rows.map_err(|source| Failure::Record { path, source })?;
    let payments = rows.iter().map(|row| {
        Ok(ProviderPayment { id: row.id(0)?, captured: row.boolean(1)?, refunded_minor: row.integer(2)? })
    });
    payments.collect::<Result<_, _>>().map(Some)
}

fn rows(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells = (0..columns).map(|column| cell(row.get_ref(column)?, column));
        Ok(Row(cells.collect::<rusqlite::Result<_>>()?))
    })?;
    rows.collect()
}

/// A blob is an id.
fn cell(value: ValueRef<'_>, column: usize) -> rusqlite::Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Text(_) => Cell::Text(value.as_str()?.into()),
        ValueRef::Blob(bytes) => {
            let wrong = |error| rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), error);
            Cell::Id(Uuid::from_slice(bytes).map_err(|error| wrong(error.into()))?)
        }
        ValueRef::Real(_) => {
            return Err(rusqlite::Error::InvalidColumnType(
                column,
                "a number with a point".into(),
                value.data_type(),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_record_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(dir.path()).unwrap_err();
        assert!(error.to_string().contains("--record"), "{error}");
    }
}
