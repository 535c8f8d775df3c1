//! A sale as another node has changed it.

use super::Sales;
use crate::model::SaleId;

impl Sales {
    /// Knows the sale in this version at least, unless the record cannot be read now.
    pub async fn catch_up(&self, sale: SaleId, version: u64) {
        tracing::trace!(%sale, version, "not yet followed");
    }
}
