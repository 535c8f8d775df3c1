//! The laws of the gate, run on every backend.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use apricot_servers::or_skip;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::model::Subject;
use crate::store::redis::{Redis, RedisMode, RedisSettings};

mod crowds;
mod laws;
mod model;

const START: Timestamp = Timestamp(1_800_000_000_000);
const WAITING_MAX: usize = 3;

#[derive(Clone, Copy)]
enum Backend {
    Embedded,
    Redis,
    /// Three primaries.
    RedisCluster,
}

impl Backend {
    /// `None`: the server is not installed, and the law is skipped.
    async fn gate(self) -> Option<Inventory> {
        let settings = match self {
            Self::Embedded => return Some(Inventory::default()),
            Self::Redis => RedisSettings { urls: vec![REDIS.as_ref()?.url()], ..RedisSettings::default() },
            Self::RedisCluster => RedisSettings {
                mode: RedisMode::Cluster,
                urls: CLUSTER.as_ref()?.urls(),
                ..RedisSettings::default()
            },
        };
        let redis = Redis::connect(settings).await.expect("a server that was just started");
        Some(Inventory::Redis(RedisGate::new(redis)))
    }

    async fn keeps(self, law: impl AsyncFnOnce(Inventory)) {
        if let Some(gate) = self.gate().await {
            law(gate).await;
        }
    }
}

/// One for all laws: each has a sale of its own.
static REDIS: LazyLock<Option<apricot_servers::Redis>> =
    LazyLock::new(|| or_skip(apricot_servers::Redis::start()));
static CLUSTER: LazyLock<Option<apricot_servers::RedisCluster>> =
    LazyLock::new(|| or_skip(apricot_servers::RedisCluster::start(0)));

async fn open(gate: &Inventory, sale: SaleId, snapshot: &LotSnapshot) {
    let seen = gate.seen(sale).await;
    assert_eq!(gate.open(sale, seen, snapshot).await, Ok(true));
}

fn new_sale() -> SaleId {
    SaleId(Clock::System.new_id())
}

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod embedded {
            use super::{Backend, laws};
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $law() {
                    Backend::Embedded.keeps(laws::$law).await;
                }
            )*
        }
        mod redis {
            use super::{Backend, laws};
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $law() {
                    Backend::Redis.keeps(laws::$law).await;
                }
            )*
        }
        mod redis_cluster {
            use super::{Backend, laws};
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $law() {
                    Backend::RedisCluster.keeps(laws::$law).await;
                }
            )*
        }
    };
}

laws! {
    expired_hold_is_free_before_any_sweep,
    longest_overdue_goes_first_and_no_more_than_needed,
    claim_after_expiry_is_refused,
    second_end_gets_a_distinct_answer,
    same_order_is_held_once,
    units_come_free_only_after_free,
    sweep_takes_at_most_so_many,
    limit_counts_waiting_held_and_claimed,
    first_in_line_whom_the_units_suffice_is_offered,
    who_waits_goes_before_a_newcomer,
    waiting_list_is_bounded_and_may_be_left,
    close_dismisses_who_waits_and_refuses_who_comes,
    sold_out_flag_agrees_with_hold,
    unknown_lot_refuses_everything,
    lot_goes_on_as_the_record_says,
    lot_read_again_learns_what_was_on_its_way,
    what_nobody_has_can_be_taken_back,
    units_that_come_open_a_lot_that_was_sold_out,
    late_word_of_the_stock_changes_nothing,
    hundred_buyers_ten_pieces_sell_ten,
    buyers_who_hold_end_and_claim_at_once_never_pass_the_stock,
    lot_catches_up_with_what_was_recorded_while_it_was_opened,
    answers_are_those_of_the_model,
}

/// The letters name the buyer, the whole word the order: `a` and `a2` are two orders of buyer a.
fn order(word: &str) -> OrderId {
    let bytes = word.bytes().fold(0_u128, |id, byte| id << 8 | u128::from(byte));
    OrderId(Uuid::from_u128(bytes))
}

fn buyer(word: &str) -> Subject {
    word.trim_end_matches(|c: char| c.is_ascii_digit()).parse().expect("a buyer")
}

fn word(order: OrderId) -> String {
    order.0.into_bytes().iter().filter(|byte| **byte > 0).map(|byte| char::from(*byte)).collect()
}

fn words(orders: &[OrderId]) -> String {
    let words: Vec<String> = orders.iter().map(|order| word(*order)).collect();
    if words.is_empty() { "nobody".into() } else { words.join(",") }
}

fn endings(endings: &[Ending]) -> String {
    words(&endings.iter().map(|ending| ending.order).collect::<Vec<_>>())
}

/// A story of one lot: what was asked and what was answered, step by step. `limit` and `hold` (seconds) have defaults.
async fn check(gate: &Inventory, story: &str) {
    let mut steps = story.split('|').map(str::trim);
    let first = steps.next().expect("a story begins with its lot");
    let setting = |name: &str| {
        let mut words = first.split_whitespace().skip_while(|word| *word != name);
        words.nth(1).map(|number| number.parse::<u32>().expect("a number"))
    };
    let mut desk = Desk::new(gate.clone(), setting("limit").unwrap_or(99));
    desk.hold_for = Duration::from_secs(u64::from(setting("hold").unwrap_or(60)));
    let stock = setting("stock").expect("a story begins with its stock");
    desk.opened(LotSnapshot { stock, ..LotSnapshot::default() }).await;
    for step in steps {
        let (asked, expected) = step.split_once("->").unwrap_or((step, ""));
        let answer = desk.ask(asked.trim()).await;
        assert_eq!(answer, expected.trim(), "step `{step}` of story `{story}`");
        let Reading { stock, held, sold, .. } = desk.gate.reading(desk.sale).expect("a lot");
        assert!(
            sold + held <= stock,
            "{sold} sold, {held} held of {stock} after `{step}` of story `{story}`"
        );
    }
}

struct Desk {
    gate: Inventory,
    sale: SaleId,
    now: Timestamp,
    limit: u32,
    hold_for: Duration,
}

impl Desk {
    fn new(gate: Inventory, limit: u32) -> Self {
        Self { gate, sale: new_sale(), now: START, limit, hold_for: Duration::from_secs(60) }
    }

    async fn opened(&self, snapshot: LotSnapshot) {
        open(&self.gate, self.sale, &snapshot).await;
    }

    async fn ask(&mut self, asked: &str) -> String {
        let asked_words: Vec<&str> = asked.split_whitespace().collect();
        let number = |index: usize| asked_words[index].parse::<u32>().expect("a number");
        match asked_words.as_slice() {
            [by] if by.starts_with('+') => {
                let seconds = by.trim_start_matches('+').trim_end_matches('s');
                self.now = self.now + Duration::from_secs(seconds.parse().expect("seconds"));
                String::new()
            }
            ["sold_out"] => self.gate.is_sold_out(self.sale, self.now).to_string(),
            ["close"] => words(&self.gate.close(self.sale).await),
            ["offer"] => {
                let offered = self.gate.next_offer(self.sale, self.now + self.hold_for).await;
                offered.map_or("nobody".into(), |request| word(request.order))
            }
            ["sweep", _] => endings(&self.gate.take_expired(self.sale, self.now, number(1) as usize).await),
            ["take_back", _] => match self.gate.take_back(self.sale, number(1)).await {
                Ok(()) => "ok".into(),
                Err(refused) => refusal(refused),
            },
            ["restock", _, "by", _] => {
                self.gate.restock(self.sale, number(1), number(3).into()).await;
                String::new()
            }
            ["reading"] => {
                let Reading { stock, held, sold, waiting } = self.gate.reading(self.sale).expect("a lot");
                format!("stock {stock} held {held} sold {sold} waiting {waiting}")
            }
            [who, "hold", _] => self.hold(who, number(2)).await,
            [who, "wait", _] => {
                let request = self.request(who, number(2));
                match self.gate.wait(self.sale, request, WAITING_MAX, self.now).await {
                    Ok(place) => format!("place {place}"),
                    Err(refused) => refusal(refused),
                }
            }
            [who, "claim"] => ended(self.gate.claim(self.sale, order(who), &buyer(who), self.now).await),
            [who, "end"] => ended(self.gate.end(self.sale, order(who), &buyer(who)).await),
            [who, "free", outcome] => {
                let all = [HoldOutcome::Claimed, HoldOutcome::Released, HoldOutcome::Expired];
                let outcome = all.into_iter().find(|it| it.name() == *outcome).expect("an outcome");
                self.gate.free(self.sale, order(who), &buyer(who), outcome).await;
                String::new()
            }
            [who, "leave"] => {
                if self.gate.leave(self.sale, order(who), &buyer(who)).await { "left" } else { "not there" }
                    .into()
            }
            [who, "place"] => self.gate.waiting_place(self.sale, order(who), &buyer(who)).await.to_string(),
            _ => panic!("a story does not know `{asked}`"),
        }
    }

    async fn hold(&self, who: &str, quantity: u32) -> String {
        let flagged = self.gate.is_sold_out(self.sale, self.now);
        let answer = self.gate.hold(self.sale, self.request(who, quantity), self.now).await;
        assert!(!(flagged && answer.is_ok()), "the flag said sold out, and {who} was granted {quantity}");
        match answer {
            Ok(grant) if grant.displaced.is_empty() => "held".into(),
            Ok(grant) => format!("held for {}", endings(&grant.displaced)),
            Err(refused) => refusal(refused),
        }
    }

    fn request(&self, who: &str, quantity: u32) -> Request {
        Request {
            order: order(who),
            buyer: buyer(who),
            quantity,
            limit: self.limit,
            until: self.now + self.hold_for,
        }
    }
}

fn refusal(refused: HoldRefused) -> String {
    match refused {
        HoldRefused::NotReady { .. } => "not_ready".into(),
        HoldRefused::Closed => "closed".into(),
        HoldRefused::SoldOut { left } => format!("sold_out {left}"),
        HoldRefused::LimitReached { limit } => format!("limit {limit}"),
        HoldRefused::Known => "known".into(),
        HoldRefused::WaitingListFull { max } => format!("full {max}"),
    }
}

fn ended(answer: Result<(), EndRefused>) -> String {
    match answer {
        Ok(()) => "ok".into(),
        Err(EndRefused::NotReady { .. }) => "not_ready".into(),
        Err(EndRefused::Unknown) => "unknown".into(),
        Err(EndRefused::RanOut) => "ran_out".into(),
        Err(EndRefused::Ending) => "ending".into(),
        Err(EndRefused::Ended(outcome)) => format!("was {}", outcome.name()),
    }
}
