//! What is over is put where nobody looks for it again. Every node does it now and then; none minds that another was faster.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use crate::store::StoreError;
use crate::store::journal::query::Value;
use crate::store::journal::read::LIVES;

const TIDY_EVERY: Duration = Duration::from_secs(300);

/// Rows of `commits` are needed for as long as a node may ask for them.
const FORGET_COMMITS: &str = "DELETE FROM commits WHERE at < clock_ms() - 600000";

/// A day after its close nothing about a sale is under way any more.
const SETTLED_AFTER_MS: i64 = 24 * 3_600 * 1_000;
/// Sales settled in one statement, for some ten milliseconds.
const SETTLED_AT_ONCE: usize = 1_000;

#[derive(Clone)]
pub struct Tidying(pub Reader);

impl Tidying {
    pub async fn run(self, ended: CancellationToken) {
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(TIDY_EVERY) => {}
            }
            if let Err(error) = self.tidy().await {
                tracing::debug!(%error, "what is over stays where it is for now");
            }
        }
    }

    pub async fn tidy(&self) -> Result<(), StoreError> {
        self.0.rows(FORGET_COMMITS, &[]).await?;
        while self.settle_sales().await? == SETTLED_AT_ONCE {}
        Ok(())
    }

    /// How many were settled.
    async fn settle_sales(&self) -> Result<usize, StoreError> {
        let sql = format!(
            "UPDATE sales SET settled = true WHERE id IN (
                 SELECT s.id FROM sales s JOIN lots l ON l.sale = s.id JOIN rooms r ON r.id = s.room
                 WHERE NOT s.settled AND s.state = 'closed' AND s.closes_at < clock_ms() - ?1 AND NOT {LIVES}
                 ORDER BY s.id LIMIT {SETTLED_AT_ONCE})
             RETURNING 1"
        );
        Ok(self.0.rows(&sql, &[Value::Int(SETTLED_AFTER_MS)]).await?.len())
    }
}
