//! Connections for reading: a bounded pool, a bounded wait.

use std::time::Duration;

use deadpool_postgres::{Pool, PoolError, Runtime, TimeoutType};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::line::Line;
use super::session::said_by;
use crate::store::journal::query::Value;
use crate::store::{StoreError, meters};

const CONNECTION_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Reader(Pool);

impl Reader {
    pub fn new(line: &Line, connections: u32) -> Result<Self, StoreError> {
        let pool = Pool::builder(line.manager())
            .max_size(usize::try_from(connections.max(1)).unwrap_or(1))
            .wait_timeout(Some(CONNECTION_WITHIN))
            .create_timeout(Some(CONNECTION_WITHIN))
            .recycle_timeout(Some(CONNECTION_WITHIN))
            .runtime(Runtime::Tokio1)
            .build();
        pool.map(Self).map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    pub async fn rows(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let client = self.0.get().await.map_err(refused)?;
        let sql = sql.replace('?', "$");
        let read = async {
            let statement = client.prepare_cached(&sql).await?;
            let values: Vec<&(dyn ToSql + Sync)> =
                values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            client.query(&statement, &values).await
        };
        let rows = tokio::time::timeout(ANSWER_WITHIN, read).await;
        let rows = rows.map_err(|_| StoreError::Unavailable("PostgreSQL does not answer".into()));
        match rows {
            Ok(rows) => rows.map_err(|error| StoreError::Unavailable(said_by(&error))),
            Err(late) => {
                // Whoever gets it next would wait for the same answer.
                drop(deadpool_postgres::Object::take(client));
                Err(late)
            }
        }
    }

    pub fn measure(&self) {
        let status = self.0.status();
        meters::pool(status.size, status.size.saturating_sub(status.available), status.waiting);
    }

    pub fn close(&self) {
        self.0.close();
    }
}

fn refused(error: PoolError) -> StoreError {
    StoreError::Unavailable(match error {
        PoolError::Timeout(TimeoutType::Wait) => "all connections for reading are in use".into(),
        PoolError::Backend(error) => said_by(&error),
        other => other.to_string(),
    })
}
