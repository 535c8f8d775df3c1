//! Prepared statements of the writer, found by the address of their text: a look-up by the text itself costs as much as a small write.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, Params, Row, Statement};

pub struct Statements<'c> {
    connection: &'c Connection,
    prepared: HashMap<(*const u8, usize), Statement<'c>>,
}

impl<'c> Statements<'c> {
    pub fn new(connection: &'c Connection) -> Self {
        Self { connection, prepared: HashMap::new() }
    }

    /// How many rows changed.
    pub fn execute(&mut self, sql: &'static str, values: impl Params) -> rusqlite::Result<usize> {
        self.prepared(sql)?.execute(values)
    }

    pub fn one<T>(
        &mut self,
        sql: &'static str,
        values: impl Params,
        parse: impl FnOnce(&Row) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepared(sql)?.query_row(values, parse)
    }

    pub fn last_insert_rowid(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    fn prepared(&mut self, sql: &'static str) -> rusqlite::Result<&mut Statement<'c>> {
        match self.prepared.entry((sql.as_ptr(), sql.len())) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(self.connection.prepare(sql)?)),
        }
    }
}
