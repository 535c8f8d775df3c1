//! A sponsor of the demo doubles what the first room gives, up to a budget.

use std::time::Duration;

use apricot_tlog::leaf::{Rule, Terms};

use crate::app::Running;
use crate::clock::{Clock, random_bytes};
use crate::model::{Currency, MatchPool, PoolId, PoolSeed, PoolSlot, Role, Subject};

const DOUBLED_PPM: u32 = 1_000_000;
const BUDGET_MINOR: i64 = 200_000;
const BUYER_DAY_CAP_MINOR: i64 = 20_000;
const OPEN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

pub async fn prepare(running: &Running, project: &str, sponsor: &str, clock: &Clock) -> Result<(), String> {
    let now = clock.now();
    let terms = Terms {
        project: project.into(),
        buyer_day_cap: BUYER_DAY_CAP_MINOR,
        project_cap: 0,
        buyer_minute_limit: 30,
        rule: Rule::Ratio { ppm: DOUBLED_PPM },
    };
    let slot = PoolSlot {
        opens_at: now,
        closes_at: now + OPEN_FOR,
        budget: BUDGET_MINOR,
        seed: PoolSeed(random_bytes()),
    };
    let pool = MatchPool {
        id: PoolId(clock.new_id()),
        sponsor: sponsor.into(),
        currency: Currency::CNY,
        terms,
        slots: vec![slot],
    };
    let ops: Subject = super::caller("ops", "Ops", Role::Ops).subject;
    let made = running.sales.ledger().add_pool(pool, None, &ops, now).await;
    made.map(|_| ()).map_err(|error| error.to_string())
}
