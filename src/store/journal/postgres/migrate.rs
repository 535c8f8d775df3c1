//! Brings the tables up to date, and tells whether they are.

use tokio_postgres::Client;

use super::line::{Line, PostgresSettings};
use super::session::said_by;
use crate::store::StoreError;

refinery::embed_migrations!("migrations/postgres");

/// One node migrates at a time; the others wait and then find nothing to do.
const LOCK: &str = "SELECT pg_advisory_lock(4702111234474983745)";

/// Of the oldest PostgreSQL that is tried: 14.
const OLDEST: i32 = 140_000;

/// What `migrate` did, or that there was nothing to do: one line each.
pub async fn migrate(settings: &PostgresSettings) -> Result<Vec<String>, StoreError> {
    let line = Line::new(settings).map_err(StoreError::Unavailable)?;
    let (mut client, _connection) = line.connect().await.map_err(StoreError::Unavailable)?;
    check_server(&client).await?;
    client.batch_execute(LOCK).await.map_err(failed)?;
    let runner = migrations::runner().set_grouped(true);
    let report = runner.run_async(&mut client).await.map_err(|error| {
        StoreError::Unavailable(format!("the tables cannot be brought up to date: {error}"))
    })?;
    let applied = report.applied_migrations().iter();
    Ok(applied.map(|done| format!("version {}, {}", done.version(), done.name())).collect())
}

/// Refuses servers and tables that this program does not fit.
pub async fn check(client: &Client) -> Result<(), StoreError> {
    check_server(client).await?;
    let newest = migrations::runner().get_migrations().iter().map(refinery::Migration::version).max();
    let newest = newest.unwrap_or(0);
    let sql = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    let begun: bool = client.query_one(sql, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    let mut version = 0;
    if begun {
        let sql = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
        version = client.query_one(sql, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    }
    match version.cmp(&newest) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(StoreError::Unavailable(format!(
            "the record is of version {version}, this program wants {newest}: run `apricot migrate`"
        ))),
        std::cmp::Ordering::Greater => Err(StoreError::Unavailable(format!(
            "the record is of version {version}, newer than this program, which knows {newest}: install a newer apricot"
        ))),
    }
}

async fn check_server(client: &Client) -> Result<(), StoreError> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('server_version'),
                      current_setting('synchronous_commit')";
    let row = client.query_one(sql, &[]).await.map_err(failed)?;
    let (number, name, commits): (i32, String, String) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?, row.try_get(2).map_err(failed)?);
    if number < OLDEST {
        return Err(StoreError::Unavailable(format!("PostgreSQL is {name}; 14 or newer is needed")));
    }
    if commits == "off" {
        let why = "PostgreSQL's synchronous_commit is off: what it acknowledges would not survive a crash";
        return Err(StoreError::Unavailable(why.into()));
    }
    Ok(())
}

fn failed(error: tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(said_by(&error))
}
