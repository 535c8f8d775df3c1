//! Rules that must always be true, read from the record again and again beside the server: not what the program believes, but what stands
//! there. One of them is of what the program believes: that what it tells rooms of a charity total is what stands there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use apricot_proto::v1;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Ops, meters};
use crate::audit::audit;
use crate::clock::{self, Clock};
use crate::ledger::CharityTotal;
use crate::model::Timestamp;
use crate::sale::Keeping;
use crate::store::journal::{Key, PostgresSettings, Snapshot, Total};
use crate::store::{StoreError, Write};

/// The shortest time between two audits.
const EVERY: Duration = Duration::from_secs(15);
/// An audit of 1 s is followed by 20 s of none: never more than 5 % of the time.
const REST: u32 = 20;
/// Holds and tasks are counted at least so far apart.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// A sweep ends a hold within a tenth of a second.
const HOLD_OVERDUE: Duration = Duration::from_secs(10);
/// The provider is asked again many times by then.
const TASK_OVERDUE: Duration = Duration::from_secs(60);
/// A commit takes far less, and then a node has what others posted within a tenth of a second.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);
const EXAMPLES_MAX: usize = 5;
/// `apricot check` does not know it: only a node that runs has something to compare.
const COUNTER: &str = "counter_is_the_ledger";
/// What one audit found may take so much of a message.
const EXAMPLE_CHARACTERS_MAX: usize = 200;

/// Where a snapshot of the record is had from.
#[derive(Clone)]
pub enum Record {
    File(PathBuf),
    Postgres(PostgresSettings),
}

impl Record {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        match self {
            Self::File(path) => Snapshot::of_file(path),
            Self::Postgres(settings) => Snapshot::of_postgres(settings).await,
        }
    }

    /// On a thread of its own: SQLite answers when it is done, and a process that ends does not wait for it. `counted` was read before.
    async fn audited(
        &self,
        counted: Vec<(Key, Total)>,
        now: Timestamp,
    ) -> Result<Vec<v1::Light>, StoreError> {
        let record = self.clone();
        let (told, report) = oneshot::channel();
        let looking = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let report = runtime.map_err(|error| StoreError::Unavailable(error.to_string()));
            let report = report.and_then(|runtime| {
                runtime.block_on(async {
                    let snapshot = record.snapshot().await?;
                    let recorded = snapshot.charity_totals(&counted, now - COUNTED_WITHIN).await?;
                    Ok((audit(&snapshot).await?, counter_is_the_ledger(&counted, &recorded)))
                })
            });
            // Whoever asked may have stopped.
            drop(told.send(report));
        };
        let failed = |error: String| StoreError::Unavailable(error);
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(looking)
            .map_err(|error| failed(error.to_string()))?;
        let (report, counter) = report.await.map_err(|error| failed(error.to_string()))??;
        let light = |check: crate::audit::Check| v1::Light {
            name: check.name,
            rule: check.rule,
            violations: u32::try_from(check.violations).unwrap_or(u32::MAX),
            examples: check
                .examples
                .into_iter()
                .map(|example| example.chars().take(EXAMPLE_CHARACTERS_MAX).collect())
                .collect(),
        };
        Ok(report.checks.into_iter().map(light).chain([counter]).collect())
    }
}

/// What rooms are told of each pledge, made of the cached totals, against the same made of the record's transfers.
fn counter_is_the_ledger(counted: &[(Key, Total)], recorded: &[(Key, Total)]) -> v1::Light {
    let (told, recorded) = (CharityTotal::of_all(counted), CharityTotal::of_all(recorded));
    let amounts = |of: Option<&CharityTotal>| of.map_or([0; 4], CharityTotal::amounts);
    let pledges: BTreeSet<_> = told.keys().chain(recorded.keys()).copied().collect();
    let mut violations = 0;
    let mut examples = Vec::new();
    for key in pledges {
        let (told, recorded) = (amounts(told.get(&key)), amounts(recorded.get(&key)));
        if told == recorded {
            continue;
        }
        violations += 1;
        if examples.len() < EXAMPLES_MAX {
            let (pledge, currency) = (key.0, key.1.as_str());
            let example = format!(
                "pledge {pledge}: rooms are told {told:?} {currency} accrued, reversed, confirmed, remitted; the record says {recorded:?}"
            );
            examples.push(example);
        }
    }
    let rule = "the charity totals that rooms are told are the sums of the record's transfers".to_owned();
    v1::Light { name: COUNTER.to_owned(), rule, violations, examples }
}

impl Ops {
    /// By the node that holds the lease: the record is one, so one audit of it is enough, and what it found is in the record for all.
    pub async fn keep_lights(
        self,
        kept: watch::Receiver<Option<Keeping>>,
        clock: Clock,
        stop: CancellationToken,
    ) {
        let mut lease = kept.clone();
        let audits = async {
            loop {
                if !keeps(&kept) {
                    self.forget_lights();
                    // Said each second, also when it is the same.
                    if lease.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                let took = self.look_at_lights(&clock).await;
                sleep(EVERY.max(took * REST)).await;
            }
        };
        let counts = async {
            loop {
                let began = clock::instant();
                if keeps(&kept) {
                    self.count_overdue(&clock).await;
                }
                sleep(COUNT_EVERY.max(began.elapsed() * REST)).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = audits => {}
            () = counts => {}
            () = self.keep_disclosures(&kept, &clock) => {}
        }
    }

    async fn look_at_lights(&self, clock: &Clock) -> Duration {
        let (began, at) = (clock::instant(), clock.now());
        let audited = self.0.record.audited(self.0.sales.ledger().charity_totals(), at).await;
        let took = began.elapsed();
        metrics::gauge!(meters::AUDIT_SECONDS).set(took.as_secs_f64());
        let lights = match audited {
            Ok(lights) => lights,
            Err(error) => {
                tracing::warn!(%error, "the record was not audited; the next look tries again");
                return took;
            }
        };
        for light in &lights {
            metrics::gauge!(meters::RULE_VIOLATIONS, "rule" => light.name.clone())
                .set(f64::from(light.violations));
        }
        let broken = lights.iter().filter(|light| light.violations > 0);
        let broken: Vec<_> = broken.map(|light| (light.name.clone(), light.violations)).collect();
        let before = std::mem::replace(&mut self.noticed().broken, broken.clone());
        for (rule, violations) in
            broken.iter().filter(|(rule, _)| before.iter().all(|(known, _)| known != rule))
        {
            tracing::error!(rule, violations, "the record breaks a rule; run `apricot check`");
        }
        let body = serde_json::to_string(&lights).expect("text and numbers");
        let took_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = self.journal().commit(vec![Write::Lights { at, took_ms, body }]).await {
            tracing::warn!(%error, "what an audit found was not recorded");
        }
        took
    }

    /// Another node looks now.
    fn forget_lights(&self) {
        let mut noticed = self.noticed();
        for (rule, _) in noticed.broken.drain(..) {
            metrics::gauge!(meters::RULE_VIOLATIONS, "rule" => rule).set(0.0);
        }
        if noticed.holds_overdue + noticed.tasks_overdue > 0 || noticed.log_waits_s > 0.0 {
            metrics::gauge!(meters::HOLDS_OVERDUE).set(0.0);
            metrics::gauge!(meters::TASKS_OVERDUE).set(0.0);
            metrics::gauge!(meters::LOG_WAITS_SECONDS).set(0.0);
            (noticed.holds_overdue, noticed.tasks_overdue, noticed.log_waits_s) = (0, 0, 0.0);
        }
        if !noticed.disclosures.is_empty() {
            metrics::gauge!(meters::DISCLOSURES_DUE).set(0.0);
            noticed.disclosures.clear();
        }
    }

    async fn count_overdue(&self, clock: &Clock) {
        let now = clock.now();
        match self.journal().overdue(now - HOLD_OVERDUE, now - TASK_OVERDUE).await {
            Ok((holds, tasks)) => {
                metrics::gauge!(meters::HOLDS_OVERDUE).set(holds as f64);
                metrics::gauge!(meters::TASKS_OVERDUE).set(tasks as f64);
                let mut noticed = self.noticed();
                (noticed.holds_overdue, noticed.tasks_overdue) = (holds, tasks);
            }
            Err(error) => tracing::debug!(%error, "holds and tasks were not counted"),
        }
        match self.journal().log_waits_since().await {
            Ok(since) => {
                let waits_s =
                    since.map_or(0.0, |since| ((now.millis() - since.millis()) as f64 / 1_000.0).max(0.0));
                metrics::gauge!(meters::LOG_WAITS_SECONDS).set(waits_s);
                self.noticed().log_waits_s = waits_s;
            }
            Err(error) => tracing::debug!(%error, "what waits for the log was not looked at"),
        }
    }
}

pub(super) fn keeps(kept: &watch::Receiver<Option<Keeping>>) -> bool {
    kept.borrow().is_some_and(Keeping::stands)
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;
    use crate::model::{Account, Code, Currency, PartRef, PledgeId};

    #[test]
    fn a_counter_that_is_off_is_named_with_both_readings() {
        let pledge = PledgeId(uuid::Uuid::from_u128(7));
        let line = |account: fn(PartRef) -> Account, code, debits, credits| {
            ((account(pledge.into()), Currency::CNY, code), Total { debits, credits, newest: 9 })
        };
        let told = [
            line(Account::CharityAccrued, Code::Accrue, 0, 900),
            line(Account::CharityAccrued, Code::Reverse, 100, 0),
            line(Account::CharityAccrued, Code::Confirm, 500, 0),
            line(Account::CharityPayable, Code::Confirm, 0, 500),
        ];
        assert_eq!(counter_is_the_ledger(&[], &[]).violations, 0);
        assert_eq!(counter_is_the_ledger(&told, &told).violations, 0);
        for (told, recorded, said) in [
            (
                &told[..],
                &told[1..],
                "told [900, 100, 500, 0] CNY accrued, reversed, confirmed, remitted; the record says [0, 100, 500, 0]",
            ),
            (
                &told[..3],
                &told[..],
                "told [900, 100, 0, 0] CNY accrued, reversed, confirmed, remitted; the record says [900, 100, 500, 0]",
            ),
            (
                &[],
                &told[..1],
                "told [0, 0, 0, 0] CNY accrued, reversed, confirmed, remitted; the record says [900, 0, 0, 0]",
            ),
        ] {
            let light = counter_is_the_ledger(told, recorded);
            assert_eq!((light.name.as_str(), light.violations), (COUNTER, 1));
            assert!(light.examples[0].ends_with(said), "{light:?}");
        }
    }

    #[test]
    fn the_page_has_a_name_for_each_light_in_each_language() {
        let lights: BTreeSet<&str> = crate::audit::names().chain([COUNTER]).collect();
        for words in words::OF_ALL {
            assert_eq!(words::names_in(words, "lightNames"), lights);
        }
    }
}
