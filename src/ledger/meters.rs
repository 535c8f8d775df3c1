//! Names of the ledger's metrics; `docs/metrics.md` lists them all.

use super::Ledger;

/// Debits less credits over all accounts of a currency, in minor units. Anything but 0 is an alarm.
pub const IMBALANCE: &str = "apricot_ledger_imbalance_minor";
/// Transfers in the record, as the id of the newest.
pub const TRANSFERS: &str = "apricot_ledger_transfers";

impl Ledger {
    /// To be called now and then; reads the cached totals.
    pub fn measure(&self) {
        let mut sums = std::collections::BTreeMap::new();
        let mut newest = 0;
        for ((_, currency, _), total) in self.journal().totals().all() {
            *sums.entry(currency).or_insert(0) += total.debits - total.credits;
            newest = newest.max(total.newest);
        }
        for (currency, sum) in sums {
            metrics::gauge!(IMBALANCE, "currency" => currency.as_str().to_owned()).set(sum as f64);
        }
        metrics::gauge!(TRANSFERS).set(newest as f64);
    }
}
