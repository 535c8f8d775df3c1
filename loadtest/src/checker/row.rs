//! Rows as both databases give them: the same columns, in two ways of storing ids and booleans.

use uuid::Uuid;

use crate::failure::Failure;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    /// Also a boolean, as 0 or 1.
    Integer(i64),
    Text(String),
    Id(Uuid),
}

/// One row of a query; a column is named by its place.
#[derive(Debug, Clone)]
pub struct Row(pub Vec<Cell>);

impl Row {
    pub fn integer(&self, column: usize) -> Result<i64, Failure> {
        self.optional_integer(column)?.ok_or_else(|| self.wrong(column, "a number"))
    }

    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, Failure> {
        match self.0.get(column) {
            Some(Cell::Integer(number)) => Ok(Some(*number)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(_) | Cell::Id(_)) | None => Err(self.wrong(column, "a number")),
        }
    }

    pub fn boolean(&self, column: usize) -> Result<bool, Failure> {
        Ok(self.integer(column)? != 0)
    }

    pub fn text(&self, column: usize) -> Result<&str, Failure> {
        self.optional_text(column)?.ok_or_else(|| self.wrong(column, "text"))
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, Failure> {
        match self.0.get(column) {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Integer(_) | Cell::Id(_)) | None => Err(self.wrong(column, "text")),
        }
    }

    pub fn id(&self, column: usize) -> Result<Uuid, Failure> {
        self.optional_id(column)?.ok_or_else(|| self.wrong(column, "an id"))
    }

    pub fn optional_id(&self, column: usize) -> Result<Option<Uuid>, Failure> {
        match self.0.get(column) {
            Some(Cell::Id(id)) => Ok(Some(*id)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Integer(_) | Cell::Text(_)) | None => Err(self.wrong(column, "an id")),
        }
    }

    fn wrong(&self, column: usize, wanted: &str) -> Failure {
        let found = self.0.get(column);
        Failure::RecordShape { what: format!("column {column} should be {wanted}, and is {found:?}") }
    }
}
