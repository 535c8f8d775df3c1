//! Double entry, pledges and charity totals.

use crate::model::{Currency, PledgeId};

/// A reading of the ledger for one pledge, in minor units. `gross_*` only grow; keep the highest sequence of the newest epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharityTotal {
    pub pledge: PledgeId,
    pub epoch: u64,
    pub sequence: u64,
    pub currency: Currency,
    pub gross_accrued: i64,
    pub gross_reversed: i64,
    pub confirmed: i64,
    pub remitted: i64,
}
