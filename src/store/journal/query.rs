//! One reading for two engines: SQL that both speak, values to put in, rows to take out. Placeholders are written `?1`.

use std::borrow::Cow;
use std::str::FromStr;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde::Deserialize;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::{Journal, StoreError};

#[derive(Clone, Debug)]
pub enum Value {
    Id(Uuid),
    Int(i64),
    Text(String),
    Null,
}

/// One row of an answer, its columns counted from `first`.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    engine: Engine<'r>,
    first: usize,
}

#[derive(Clone, Copy)]
enum Engine<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// A row that is not what the program wrote: an error of the record, reported with its column.
#[derive(Debug, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct RowBroken {
    column: usize,
    reason: String,
}

pub type Parsed<T> = Result<T, RowBroken>;

impl Journal {
    pub(super) async fn list<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
        parse: impl Fn(&Row) -> Parsed<T> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        let sql = sql.into();
        match self {
            Self::Sqlite(sqlite) => sqlite.list(sql, values, parse).await,
            Self::Postgres(postgres) => {
                let rows = postgres.rows(&sql, &values).await?;
                Ok(rows.iter().map(|row| parse(&Row::from(row))).collect::<Parsed<_>>()?)
            }
        }
    }

    /// The first row of the answer.
    pub(super) async fn one<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
        parse: impl Fn(&Row) -> Parsed<T> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.list(sql, values, parse).await?.into_iter().next())
    }

    /// Of two texts the one for this engine, where they cannot be the same.
    pub(super) fn either(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }
}

impl Row<'_> {
    /// The same row, its columns counted from `first`.
    pub fn starting_at(&self, first: usize) -> Self {
        Self { first: self.first + first, ..*self }
    }

    pub fn id(&self, column: usize) -> Parsed<Uuid> {
        present(column, self.maybe_id(column)?)
    }

    pub fn maybe_id(&self, column: usize) -> Parsed<Option<Uuid>> {
        let at = self.first + column;
        match self.engine {
            Engine::Sqlite(row) => match row.get_ref(at).map_err(broken(column))? {
                ValueRef::Null => Ok(None),
                value => {
                    let bytes = value.as_blob().map_err(broken(column))?;
                    Uuid::from_slice(bytes).map(Some).map_err(broken(column))
                }
            },
            Engine::Postgres(row) => row.try_get(at).map_err(broken(column)),
        }
    }

    pub fn int(&self, column: usize) -> Parsed<i64> {
        present(column, self.maybe_int(column)?)
    }

    pub fn maybe_int(&self, column: usize) -> Parsed<Option<i64>> {
        let at = self.first + column;
        match self.engine {
            Engine::Sqlite(row) => row.get(at).map_err(broken(column)),
            Engine::Postgres(row) => row.try_get(at).map_err(broken(column)),
        }
    }

    pub fn unsigned(&self, column: usize) -> Parsed<u64> {
        self.int(column).map(i64::cast_unsigned)
    }

    /// A number that fits a smaller type.
    pub fn number<N: TryFrom<i64>>(&self, column: usize) -> Parsed<N> {
        let number = self.int(column)?;
        N::try_from(number).map_err(|_| RowBroken::new(column, format!("{number} is out of bounds")))
    }

    pub fn text(&self, column: usize) -> Parsed<&str> {
        present(column, self.maybe_text(column)?)
    }

    pub fn maybe_text(&self, column: usize) -> Parsed<Option<&str>> {
        let at = self.first + column;
        match self.engine {
            Engine::Sqlite(row) => {
                let value = row.get_ref(at).map_err(broken(column))?;
                value.as_str_or_null().map_err(broken(column))
            }
            Engine::Postgres(row) => row.try_get(at).map_err(broken(column)),
        }
    }

    pub fn bytes(&self, column: usize) -> Parsed<&[u8]> {
        let at = self.first + column;
        match self.engine {
            Engine::Sqlite(row) => row.get_ref(at).map_err(broken(column))?.as_blob().map_err(broken(column)),
            Engine::Postgres(row) => row.try_get(at).map_err(broken(column)),
        }
    }

    pub fn parsed<T>(&self, column: usize) -> Parsed<T>
    where
        T: FromStr,
        T::Err: ToString,
    {
        parse(column, self.text(column)?)
    }

    pub fn json<T: for<'de> Deserialize<'de>>(&self, column: usize) -> Parsed<T> {
        serde_json::from_str(self.text(column)?).map_err(broken(column))
    }
}

pub fn parse<T>(column: usize, text: &str) -> Parsed<T>
where
    T: FromStr,
    T::Err: ToString,
{
    text.parse().map_err(broken(column))
}

fn present<T>(column: usize, value: Option<T>) -> Parsed<T> {
    value.ok_or_else(|| RowBroken::new(column, "NULL"))
}

fn broken<E: ToString>(column: usize) -> impl FnOnce(E) -> RowBroken {
    move |error| RowBroken::new(column, error.to_string())
}

impl RowBroken {
    pub fn new(column: usize, reason: impl Into<String>) -> Self {
        Self { column, reason: reason.into() }
    }
}

impl<'r> From<&'r rusqlite::Row<'r>> for Row<'r> {
    fn from(row: &'r rusqlite::Row<'r>) -> Self {
        Self { engine: Engine::Sqlite(row), first: 0 }
    }
}

impl<'r> From<&'r tokio_postgres::Row> for Row<'r> {
    fn from(row: &'r tokio_postgres::Row) -> Self {
        Self { engine: Engine::Postgres(row), first: 0 }
    }
}

impl From<RowBroken> for StoreError {
    fn from(broken: RowBroken) -> Self {
        Self::Unavailable(format!("a row of the record is broken: {broken}"))
    }
}

impl From<RowBroken> for rusqlite::Error {
    fn from(broken: RowBroken) -> Self {
        Self::FromSqlConversionFailure(broken.column, rusqlite::types::Type::Text, Box::new(broken))
    }
}

impl Value {
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Id(id) => ValueRef::Blob(id.as_bytes()),
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Null => ValueRef::Null,
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Id(id) => id.to_sql_checked(kind, out),
            Self::Int(number) => number.to_sql_checked(kind, out),
            Self::Text(text) => text.to_sql_checked(kind, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    /// The value itself decides, when it is written.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
