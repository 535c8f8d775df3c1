//! Projects that owe the public a report soon: warned of a week before, until they told.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::lights::keeps;
use super::{Ops, meters};
use crate::clock::Clock;
use crate::model::{ProjectId, Timestamp};
use crate::sale::Keeping;

/// A clock counts in days.
const EVERY: Duration = Duration::from_secs(10);
const WARNED_BEFORE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest due; a reading has room for 20 alerts of all kinds.
const NAMED_MAX: u32 = 10;

impl Ops {
    pub(super) async fn keep_disclosures(&self, kept: &watch::Receiver<Option<Keeping>>, clock: &Clock) {
        loop {
            if keeps(kept) {
                self.look_at_disclosures(clock.now()).await;
            }
            sleep(EVERY).await;
        }
    }

    async fn look_at_disclosures(&self, now: Timestamp) {
        match self.journal().disclosures_due(now + WARNED_BEFORE, NAMED_MAX).await {
            Ok((due, count)) => {
                metrics::gauge!(meters::DISCLOSURES_DUE).set(count as f64);
                self.noticed().disclosures =
                    due.into_iter().map(|(project, at)| named(&project, at, now)).collect();
            }
            Err(error) => tracing::debug!(%error, "disclosure clocks were not looked at"),
        }
    }
}

/// "school-lunches, 2026-12-07", and for how many days it is warned of.
fn named(project: &ProjectId, due: Timestamp, now: Timestamp) -> (String, f64) {
    const DAY_MS: f64 = 86_400_000.0;
    let warned = (now.millis() - (due - WARNED_BEFORE).millis()) as f64 / DAY_MS;
    (format!("{project}, {}", due.date()), warned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_with_the_day_its_clock_runs_out() {
        let due = Timestamp::from_date("2026-12-07").unwrap();
        let (about, warned) = named(&"school-lunches".parse().unwrap(), due, due - WARNED_BEFORE / 7);
        assert_eq!((about.as_str(), warned), ("school-lunches, 2026-12-07", 6.0));
        assert_eq!(named(&"a".parse().unwrap(), due, due + WARNED_BEFORE).1, 14.0);
    }
}
