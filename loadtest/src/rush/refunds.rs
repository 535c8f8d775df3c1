//! `--refunds`: while buyers buy, ops give some of them their money back, in part or whole, now and then twice.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use apricot_proto::v1;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use tokio::time::sleep;

use super::stage::Stage;
use crate::contract::Answer;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Of the orders that are seen paid, in thousandths.
const REFUNDED_PERMILLE: u32 = 250;

/// Those that were accepted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refunds {
    pub whole: u64,
    pub partial: u64,
}

/// Until `over`: newest orders first, each looked at once. What a kill leaves unanswered is asked again with its key.
pub async fn run(stage: Stage, seed: u64, over: Arc<AtomicBool>) -> Refunds {
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x7265_6675);
    let (mut seen, mut done) = (HashSet::new(), Refunds::default());
    let path = format!("/v1/rooms/{}/orders?limit=100", stage.room);
    loop {
        let last = over.load(Relaxed);
        if let Answer::Ok(list) = stage.ops.get_patiently::<v1::OrderList>(&path).await {
            let paid = list.orders.into_iter().filter(|order| order.state == v1::OrderState::Paid as i32);
            for order in paid {
                if seen.insert(order.id.clone()) && chance.random_range(0..1_000) < REFUNDED_PERMILLE {
                    refund(&stage, &order, &mut chance, &mut done).await;
                }
            }
        }
        if last {
            return done;
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn refund(stage: &Stage, order: &v1::Order, chance: &mut ChaCha8Rng, done: &mut Refunds) {
    let total = order.total.clone().unwrap_or_default();
    let mut left = total.minor;
    let pieces = if chance.random_range(0..3) == 0 { 2 } else { 1 };
    for piece in 0..pieces {
        let whole = chance.random_range(0..2) == 0;
        let minor = if whole { left } else { chance.random_range(1..=left.max(1)) };
        if left == 0 {
            return;
        }
        let body = v1::RefundOrder {
            amount: Some(v1::Money { minor, currency: total.currency.clone() }),
            reason: "rush".into(),
        };
        let key = format!("refund-{}-{piece}", order.id);
        let path = format!("/v1/orders/{}/refunds", order.id);
        let mut answer = stage.ops.post::<_, v1::Order>(&path, &body, Some(&key)).await;
        for _ in 0..20 {
            if !matches!(&answer, Answer::Unknown(_)) {
                break;
            }
            sleep(LOOK_EVERY).await;
            answer = stage.ops.post(&path, &body, Some(&key)).await;
        }
        // A refusal is the record's right: the order may have changed meanwhile.
        if !matches!(answer, Answer::Ok(_)) {
            return;
        }
        left -= minor;
        if left == 0 { done.whole += 1 } else { done.partial += 1 }
    }
}
