//! After the rush: purchases come to their ends, willing buyers top up, and the last readings are taken.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::sleep};

use super::{
    board::Board,
    buyer::Inbox,
    plan::{self, Attempt},
    unix_ms,
};
use crate::{
    checker::FREE_FOR_GOOD_MS,
    failure::Failure,
    history::{End, Reading},
    progress::Progress,
    spawn::Cluster,
};

const STEP: Duration = Duration::from_millis(50);
/// Beyond the holds: late payments, lost webhooks that the provider sends again, refunds.
const QUIET_WAIT: Duration = Duration::from_secs(30);
/// Rounds without a unit more before the rest is taken as unsellable.
const FRUITLESS_ROUNDS: u32 = 3;
const ROUNDS_MAX: u32 = 60;

/// What the top-up did.
#[derive(Debug, Clone, Copy, Default)]
pub struct TopUp {
    pub rounds: u32,
    pub wishes: u64,
    pub units_before: u32,
    pub units_after: u32,
    pub left: u32,
}

impl TopUp {
    pub fn to_json(self) -> Value {
        json!({
            "rounds": self.rounds, "wishes": self.wishes, "sold_before": self.units_before,
            "sold_after": self.units_after, "unsold": self.left,
        })
    }
}

pub async fn until_dispatched(
    board: &Board,
    plan: &[Attempt],
    progress: &Progress,
    server: &mut Option<Cluster>,
) -> Result<(), Failure> {
    while board.dispatched.load(Relaxed) < plan.len() as u64 {
        progress.at(board.dispatched.load(Relaxed));
        alive(server)?;
        sleep(STEP).await;
    }
    progress.at(plan.len() as u64);
    Ok(())
}

/// Until no purchase is under way, or none moves any more: then false.
pub async fn until_quiet(
    board: &Board,
    progress: &Progress,
    server: &mut Option<Cluster>,
) -> Result<bool, Failure> {
    let longest = QUIET_WAIT + Duration::from_secs(2 * u64::from(board.stage.hold_seconds));
    let began = Instant::now();
    while board.active.load(Relaxed) > 0 && began.elapsed() < longest {
        progress.say(&format!("{} purchases come to their ends", board.active.load(Relaxed)));
        for _ in 0..10 {
            alive(server)?;
            sleep(STEP).await;
            if board.active.load(Relaxed) == 0 {
                break;
            }
        }
    }
    Ok(board.active.load(Relaxed) == 0)
}

/// Willing buyers, under their limit, try for what came back until all is sold or nothing moves.
pub async fn top_up(
    board: &Board,
    inboxes: &[mpsc::Sender<Inbox>],
    seed: u64,
    progress: &Progress,
    server: &mut Option<Cluster>,
) -> Result<TopUp, Failure> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x746f_7075);
    let mut sale = board.stage.read_sale().await?;
    let mut top_up = TopUp {
        units_before: sale.sold,
        units_after: sale.sold,
        // A broken gate sells more than there is.
        left: sale.stock.saturating_sub(sale.sold),
        ..TopUp::default()
    };
    let mut fruitless = 0;
    while sale.sold < sale.stock && fruitless < FRUITLESS_ROUNDS && top_up.rounds < ROUNDS_MAX {
        progress.say(&format!("top-up: {} of {} sold, {} left", sale.sold, sale.stock, sale.left));
        top_up.rounds += 1;
        // Units that nobody's purchase holds come back when their hold runs out: that is waiting, not a fruitless round.
        let held = sale.stock - sale.sold - sale.left.min(sale.stock - sale.sold);
        let wishes = wish(board, inboxes, sale.left.max(1), &mut chance).await;
        top_up.wishes += wishes;
        let quiet = until_quiet(board, progress, server).await?;
        if held > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        let before = sale.sold;
        sale = board.stage.read_sale().await?;
        if sale.sold == before && !quiet {
            // Purchases hang for good, as when the server has lost them: more rounds would hang as well.
            break;
        }
        let strays = board.strays_until_ms().is_some_and(|until| until + FREE_FOR_GOOD_MS > unix_ms());
        if strays {
            sleep(Duration::from_secs(1)).await;
        } else if sale.sold == before && held == 0 {
            fruitless += 1;
            sleep(Duration::from_millis(FREE_FOR_GOOD_MS.unsigned_abs())).await;
        }
    }
    top_up.units_after = sale.sold;
    top_up.left = sale.stock.saturating_sub(sale.sold);
    Ok(top_up)
}

/// One wish for one unit by each of as many buyers as there are units left.
async fn wish(board: &Board, inboxes: &[mpsc::Sender<Inbox>], units: u32, chance: &mut ChaCha8Rng) -> u64 {
    let mut wishes = 0;
    let first = chance.random_range(0..inboxes.len());
    for turn in 0..inboxes.len() {
        let buyer = (first + turn) % inboxes.len();
        if wishes == u64::from(units) {
            break;
        }
        if board.units[buyer].load(Relaxed) >= board.stage.limit_per_buyer {
            continue;
        }
        let now_us = board.now_us();
        let at = Duration::from_micros(now_us);
        let attempt = plan::willing(chance, buyer as u32, at, unix_ms().unsigned_abs());
        board.active.fetch_add(1, Relaxed);
        match inboxes[buyer].send(Inbox::TopUp(Box::new(attempt), now_us)).await {
            Ok(()) => wishes += 1,
            Err(_) => {
                board.active.fetch_sub(1, Relaxed);
            }
        }
    }
    wishes
}

/// The last readings, once the total stands still.
pub async fn end(board: &Board) -> Result<End, Failure> {
    let mut total = board.stage.read_total().await?;
    for _ in 0..20 {
        sleep(Duration::from_millis(500)).await;
        let again = board.stage.read_total().await?;
        if again.sequence == total.sequence {
            break;
        }
        total = again;
    }
    let books = board.stage.read_trial_balance().await?;
    let sale = board.stage.read_sale().await?;
    Ok(End {
        total: Reading::of(&total),
        trial_balance_minor: books.sum_minor.into_iter().collect(),
        sale_sold: sale.sold,
        sale_left: sale.left,
    })
}

fn alive(server: &mut Option<Cluster>) -> Result<(), Failure> {
    match server.as_mut().and_then(Cluster::died) {
        Some(died) => Err(died),
        None => Ok(()),
    }
}
