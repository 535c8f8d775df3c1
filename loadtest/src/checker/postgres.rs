//! Reads a record in PostgreSQL.

use std::time::Duration;

use tokio_postgres::{Config, IsolationLevel, NoTls, Transaction, types::Type};
use uuid::Uuid;

use super::{
    record::Record,
    row::{Cell, Row},
    tables::{Table, Tables},
};
use crate::failure::Failure;

const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Reads everything in one transaction, so that running nodes may go on writing.
pub async fn read(url: &str, read_at_ms: i64) -> Result<Record, Failure> {
    let mut config: Config = url.parse().map_err(Failure::postgres("reading its address"))?;
    config.connect_timeout(CONNECT_WAIT).application_name("apricot loadtest check");
    let (mut client, connection) = config.connect(NoTls).await.map_err(Failure::postgres("connecting"))?;
    // It ends with the client; what went wrong, the client's own calls say.
    let connection = tokio::spawn(connection);
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let snapshot = snapshot.start().await.map_err(Failure::postgres("beginning to read"))?;
    let mut tables = Tables::default();
    for table in Table::ALL {
        tables.put(table, rows(&snapshot, table).await?);
    }
    drop(snapshot);
    drop(client);
    match connection.await {
        Ok(Ok(())) => tables.into_record(read_at_ms),
        Ok(Err(error)) => Err(Failure::postgres("ending the connection")(error)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn rows(snapshot: &Transaction<'_>, table: Table) -> Result<Vec<Row>, Failure> {
    let rows = snapshot.query(table.sql(), &[]).await.map_err(Failure::postgres("reading a table"))?;
    rows.iter()
        .map(|row| Ok(Row((0..row.len()).map(|column| cell(row, column)).collect::<Result<_, _>>()?)))
        .collect()
}

fn cell(row: &tokio_postgres::Row, column: usize) -> Result<Cell, Failure> {
    let integer = |number: Option<i64>| number.map_or(Cell::Null, Cell::Integer);
    let cell = match row.columns()[column].type_() {
        &Type::INT8 => row.try_get(column).map(integer),
        &Type::INT4 => row.try_get::<_, Option<i32>>(column).map(|it| integer(it.map(i64::from))),
        &Type::INT2 => row.try_get::<_, Option<i16>>(column).map(|it| integer(it.map(i64::from))),
        &Type::BOOL => row.try_get::<_, Option<bool>>(column).map(|it| integer(it.map(i64::from))),
        &Type::UUID => row.try_get::<_, Option<Uuid>>(column).map(|it| it.map_or(Cell::Null, Cell::Id)),
        &Type::TEXT | &Type::VARCHAR => {
            row.try_get::<_, Option<String>>(column).map(|it| it.map_or(Cell::Null, Cell::Text))
        }
        other => {
            let name = row.columns()[column].name();
            return Err(Failure::RecordShape { what: format!("column {name} is of type {other}") });
        }
    };
    cell.map_err(Failure::postgres("reading a column"))
}
