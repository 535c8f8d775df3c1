//! What all buyers of a rush share: the clock, the addresses, and the counts.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use super::{recovery::Recovery, stage::Stage};
use crate::{
    contract::{Rest, Target},
    history::{Act, Counter, EVENTS_MAX, Exchange, Outcome, Refusal, Stock, Via},
    latency::Latency,
};

/// REST calls under way at once; the rest wait their turn, which their latency shows.
const REST_CALLS_MAX: usize = 64;
/// Distinct counter readings kept: a correct run has at most one for each transfer.
const READINGS_MAX: usize = 1_000_000;
/// Steps of the timeline, 100 ms each: ten minutes.
const TIMELINE_STEPS: usize = 6_000;
pub const TIMELINE_STEP: Duration = Duration::from_millis(100);

pub struct Board {
    pub origin: Instant,
    /// The origin as Unix milliseconds.
    pub started_ms: i64,
    /// The nodes; a server that is alone is the only one.
    pub nodes: Vec<Target>,
    pub stage: Stage,
    /// Anyone's REST client; a buyer puts its own token in.
    pub rest: Rest,
    pub rest_calls: Semaphore,
    /// Units each buyer holds or has bought, as far as it was told.
    pub units: Vec<AtomicU32>,
    /// Purchases under way.
    pub active: AtomicI64,
    pub dispatched: AtomicU64,
    pub retries: AtomicU64,
    pub reconnects: AtomicU64,
    pub given_up: AtomicU64,
    pub refusals_not_kept: AtomicU64,
    /// A state frame carried an older reading than the one before; clients keep the newest.
    pub older_readings: AtomicU64,
    kept: AtomicU64,
    tally: Mutex<Tally>,
    counters: Mutex<HashSet<Counter>>,
    stocks: Mutex<HashSet<Stock>>,
    pub recovery: Recovery,
    /// 0: nothing broke that could leave a hold behind at the gate.
    strays_until_ms: AtomicI64,
}

#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub won: Latency,
    pub sold_out: Latency,
    pub won_over_rest: Latency,
    pub sold_out_over_rest: Latency,
    /// From a sent PayOrder to its answer.
    pub paying: Latency,
    /// From the intended to the actual sending: the client's own lateness.
    pub lag: Latency,
    pub waiting: u64,
    pub refused: BTreeMap<String, u64>,
    pub close_codes: BTreeMap<String, u64>,
    /// Per step: arrivals, won, sold out.
    pub timeline: Vec<[u32; 3]>,
    /// When each of the first `stock` units was granted, and the first intended sending.
    pub granted_us: Vec<u64>,
    pub first_intended_us: Option<u64>,
    pub last_answer_us: u64,
}

impl Board {
    pub fn new(started_ms: i64, nodes: Vec<Target>, stage: Stage, rest: Rest, buyers: u32) -> Board {
        Board {
            origin: Instant::now(),
            started_ms,
            recovery: Recovery::of(nodes.len()),
            nodes,
            stage,
            rest,
            rest_calls: Semaphore::new(REST_CALLS_MAX),
            units: (0..buyers).map(|_| AtomicU32::new(0)).collect(),
            active: AtomicI64::new(0),
            dispatched: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            refusals_not_kept: AtomicU64::new(0),
            older_readings: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            tally: Mutex::default(),
            counters: Mutex::default(),
            stocks: Mutex::default(),
            strays_until_ms: AtomicI64::new(0),
        }
    }

    pub fn now_us(&self) -> u64 {
        self.us(Instant::now())
    }

    pub fn us(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.origin).as_micros() as u64
    }

    /// From here on a fault is over. What it left held at the gate and nowhere else runs out within the time of a hold.
    pub fn fault_is_over(&self) {
        let now_us = self.now_us();
        self.recovery.begin(now_us);
        let now_ms = self.started_ms + (now_us / 1_000).cast_signed();
        self.strays_until_ms.store(now_ms + i64::from(self.stage.hold_seconds) * 1_000, Relaxed);
    }

    pub fn strays_until_ms(&self) -> Option<i64> {
        Some(self.strays_until_ms.load(Relaxed)).filter(|until| *until != 0)
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub fn saw_total(&self, counter: Counter) {
        let mut counters = lock(&self.counters);
        if counters.len() < READINGS_MAX {
            counters.insert(counter);
        }
    }

    /// As many as there are units, for each node.
    pub fn saw_stock(&self, stock: Stock) {
        let mut stocks = lock(&self.stocks);
        if stocks.len() < READINGS_MAX {
            stocks.insert(stock);
        }
    }

    /// In the order of their sequence.
    pub fn counters(&self) -> Vec<Counter> {
        let mut counters: Vec<Counter> = lock(&self.counters).iter().copied().collect();
        counters.sort();
        counters
    }

    pub fn stocks(&self) -> Vec<Stock> {
        let mut stocks: Vec<Stock> = lock(&self.stocks).iter().copied().collect();
        stocks.sort();
        stocks
    }

    /// Whether there is room for another refusal in the history. What was accepted is always kept.
    pub fn keeps(&self, exchange: &Exchange) -> bool {
        if self.kept.fetch_add(1, Relaxed) < EVENTS_MAX as u64 {
            return true;
        }
        match exchange.outcome {
            Outcome::Order(_) | Outcome::Unknown => true,
            Outcome::Refused(_) => {
                self.refusals_not_kept.fetch_add(1, Relaxed);
                false
            }
        }
    }

    /// The first answer to a wish that decides it.
    pub fn decided(&self, exchange: &Exchange) {
        let mut tally = self.tally();
        let us = exchange.answered_us.saturating_sub(exchange.intended_us);
        tally.last_answer_us = tally.last_answer_us.max(exchange.answered_us);
        match (&exchange.outcome, exchange.via) {
            (Outcome::Order(seen), via) if seen.stage != crate::history::Stage::Waiting => {
                match via {
                    Via::Socket => tally.won.record_us(us),
                    Via::Rest => tally.won_over_rest.record_us(us),
                }
                tally.step(exchange.answered_us, 1);
                let missing = (self.stage.stock as usize).saturating_sub(tally.granted_us.len());
                let units = (seen.quantity as usize).min(missing);
                tally.granted_us.extend(std::iter::repeat_n(exchange.answered_us, units));
            }
            (Outcome::Order(_), _) => tally.waiting += 1,
            (Outcome::Refused(Refusal::SoldOut), via) => {
                match via {
                    Via::Socket => tally.sold_out.record_us(us),
                    Via::Rest => tally.sold_out_over_rest.record_us(us),
                }
                tally.step(exchange.answered_us, 2);
            }
            (Outcome::Refused(_) | Outcome::Unknown, _) => {}
        }
    }

    pub fn sent_first(&self, intended_us: u64, sent_us: u64) {
        let mut tally = self.tally();
        tally.lag.record_us(sent_us.saturating_sub(intended_us));
        tally.step(intended_us, 0);
        let first = tally.first_intended_us.unwrap_or(u64::MAX);
        tally.first_intended_us = Some(first.min(intended_us));
    }

    pub fn refused(&self, act: Act, refusal: &Refusal) {
        let key = format!("{act:?} {}", refusal.as_str()).to_lowercase();
        *self.tally().refused.entry(key).or_default() += 1;
    }

    pub fn closed(&self, code: String) {
        *self.tally().close_codes.entry(code).or_default() += 1;
    }
}

impl Tally {
    fn step(&mut self, at_us: u64, column: usize) {
        let step = (at_us / TIMELINE_STEP.as_micros() as u64) as usize;
        if step < TIMELINE_STEPS {
            if self.timeline.len() <= step {
                self.timeline.resize(step + 1, [0; 3]);
            }
            self.timeline[step][column] += 1;
        }
    }

    /// Units granted a second, from the first wish to the grant by which the whole stock had once been granted (or to the
    /// last grant).
    pub fn accepted_per_s(&self) -> f64 {
        let last = self.granted_us.iter().max().copied().unwrap_or(0);
        let first = self.first_intended_us.unwrap_or(0);
        if last <= first {
            return 0.0;
        }
        self.granted_us.len() as f64 / ((last - first) as f64 / 1e6)
    }
}

/// A panic elsewhere ends the run by itself; the counts are still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
