//! Decides in memory, in nanoseconds. One lock per lot makes it one writer per lot.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dashmap::DashMap;

use super::lot::Lot;
use super::{EndRefused, Ending, Grant, HoldRefused, LotSnapshot, Reading, Request};
use crate::model::{OrderId, SaleId, Subject, Timestamp};
use crate::store::journal::HoldOutcome;

/// A lot that is being read again is there by then.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The lots of this process.
#[derive(Clone, Default)]
pub struct Embedded {
    lots: Arc<DashMap<SaleId, Arc<Gate>>>,
}

struct Gate {
    lot: Mutex<Lot>,
    /// While `now` is before this, every request is refused without taking the lock. `i64::MIN`: units are free.
    sold_out_until: AtomicI64,
    /// held << 32 | sold, and stock << 32 | waiting: readings for the state lane.
    held_sold: AtomicU64,
    stock_waiting: AtomicU64,
}

impl Embedded {
    pub fn open(&self, sale: SaleId, snapshot: LotSnapshot) {
        let gate = Gate {
            lot: Mutex::new(Lot::from_record(snapshot)),
            sold_out_until: AtomicI64::new(i64::MIN),
            held_sold: AtomicU64::new(0),
            stock_waiting: AtomicU64::new(0),
        };
        gate.publish(&gate.lock());
        self.lots.insert(sale, Arc::new(gate));
    }

    pub fn forget(&self, sale: SaleId) {
        self.lots.remove(&sale);
    }

    pub fn hold(&self, sale: SaleId, request: Request, now: Timestamp) -> Result<Grant, HoldRefused> {
        self.gate(sale)
            .ok_or(HoldRefused::NotReady { retry_after: RETRY_AFTER })?
            .with(|lot| lot.hold(request, now))
    }

    pub fn is_sold_out(&self, sale: SaleId, now: Timestamp) -> bool {
        let gate = self.lots.get(&sale);
        gate.is_some_and(|gate| now.millis() < gate.sold_out_until.load(Ordering::Acquire))
    }

    pub fn claim(&self, sale: SaleId, order: OrderId, now: Timestamp) -> Result<(), EndRefused> {
        self.gate(sale)
            .ok_or(EndRefused::NotReady { retry_after: RETRY_AFTER })?
            .with(|lot| lot.claim(order, now))
    }

    pub fn end(&self, sale: SaleId, order: OrderId) -> Result<(), EndRefused> {
        self.gate(sale).ok_or(EndRefused::NotReady { retry_after: RETRY_AFTER })?.with(|lot| lot.end(order))
    }

    pub fn free(&self, sale: SaleId, order: OrderId, outcome: HoldOutcome) {
        if let Some(gate) = self.gate(sale) {
            gate.with(|lot| lot.free(order, outcome));
        }
    }

    pub fn wait(
        &self,
        sale: SaleId,
        request: Request,
        max: usize,
        now: Timestamp,
    ) -> Result<u32, HoldRefused> {
        self.gate(sale)
            .ok_or(HoldRefused::NotReady { retry_after: RETRY_AFTER })?
            .with(|lot| lot.wait(request, max, now))
    }

    pub fn adopt_hold(&self, sale: SaleId, request: Request) {
        if let Some(gate) = self.gate(sale) {
            gate.with(|lot| lot.adopt_hold(request));
        }
    }

    pub fn adopt_claimed(&self, sale: SaleId, order: OrderId, buyer: &Subject, quantity: u32) {
        if let Some(gate) = self.gate(sale) {
            gate.with(|lot| lot.adopt_claimed(order, buyer, quantity));
        }
    }

    pub fn adopt_waiting(&self, sale: SaleId, request: Request) {
        if let Some(gate) = self.gate(sale) {
            gate.with(|lot| lot.adopt_waiting(request));
        }
    }

    pub fn leave(&self, sale: SaleId, order: OrderId) -> bool {
        self.gate(sale).is_some_and(|gate| gate.with(|lot| lot.leave(order)))
    }

    pub fn waiting_place(&self, sale: SaleId, order: OrderId) -> u32 {
        self.gate(sale).map_or(0, |gate| gate.lock().waiting_place(order))
    }

    pub fn next_offer(&self, sale: SaleId, until: Timestamp) -> Option<Request> {
        self.gate(sale)?.with(|lot| lot.next_offer(until))
    }

    pub fn take_expired(&self, sale: SaleId, now: Timestamp, max: usize) -> Vec<Ending> {
        self.gate(sale).map_or_else(Vec::new, |gate| gate.with(|lot| lot.take_expired(now, max)))
    }

    pub fn take_back(&self, sale: SaleId, units: u32) -> Result<(), HoldRefused> {
        self.gate(sale)
            .ok_or(HoldRefused::NotReady { retry_after: RETRY_AFTER })?
            .with(|lot| lot.take_back(units))
    }

    pub fn restock(&self, sale: SaleId, stock: u32, version: u64) {
        if let Some(gate) = self.gate(sale) {
            gate.with(|lot| lot.restock(stock, version));
        }
    }

    pub fn close(&self, sale: SaleId) -> Vec<OrderId> {
        self.gate(sale).map_or_else(Vec::new, |gate| gate.with(Lot::close))
    }

    pub fn reading(&self, sale: SaleId) -> Option<Reading> {
        let gate = self.gate(sale)?;
        let (held, sold) = unpack(gate.held_sold.load(Ordering::Relaxed));
        let (stock, waiting) = unpack(gate.stock_waiting.load(Ordering::Relaxed));
        Some(Reading { stock, held, sold, waiting })
    }

    fn gate(&self, sale: SaleId) -> Option<Arc<Gate>> {
        self.lots.get(&sale).map(|gate| Arc::clone(&gate))
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Lot> {
        // A panic inside `Lot` would have left numbers half changed: stop rather than oversell.
        self.lot.lock().expect("no panic while a lot was locked")
    }

    fn with<T>(&self, change: impl FnOnce(&mut Lot) -> T) -> T {
        let mut lot = self.lock();
        let answer = change(&mut lot);
        self.publish(&lot);
        answer
    }

    fn publish(&self, lot: &Lot) {
        let Reading { stock, held, sold, waiting } = lot.reading();
        self.held_sold.store(pack(held, sold), Ordering::Relaxed);
        self.stock_waiting.store(pack(stock, waiting), Ordering::Relaxed);
        self.sold_out_until.store(lot.sold_out_until().millis(), Ordering::Release);
    }
}

pub(super) fn pack(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

pub(super) fn unpack(both: u64) -> (u32, u32) {
    ((both >> 32) as u32, both as u32)
}
