//! The gate that many nodes share: each lot is in Redis, decided by a Function (src/store/redis/gate), with what was asked meanwhile
//! gathered in one call.
//!
//! Each node keeps the newest reading of the lots that it knows. It comes with every answer, and by a channel when other nodes change
//! something. While the channel is not heard, nothing is answered from the reading.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dashmap::DashMap;
use redis::Value;
use tokio::sync::{mpsc, oneshot, watch};

use super::{EndRefused, Ending, Grant, HoldRefused, LotSnapshot, NotNow, Reading, Request, Seen};
use crate::clock::random_u64;
use crate::model::{OrderId, SaleId, Subject, Timestamp};
use crate::store::journal::HoldOutcome;
use crate::store::redis::{Redis, Subscriber};

mod gather;
mod keys;
mod listen;
mod operation;
mod reading;
#[cfg(test)]
mod tests;

use gather::{Asked, QUEUE_MAX, QUEUE_RETRY_AFTER, RETRY_AFTER};
use keys::Keys;
use operation::{Operation, Strange, ended, endings, granted, number, offered, orders, placed};
use reading::Newest;

/// What the record says of a lot goes over in calls of so many orders: a call takes about two milliseconds, in which nobody else is
/// answered.
const GATHERED_AT_ONCE: usize = 1_000;
/// How long who opens a lot waits until it is heard. Without it, sold-out answers are asked for until it is.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct RedisGate(Arc<Shared>);

struct Shared {
    redis: Redis,
    subscriber: Subscriber,
    lots: DashMap<SaleId, Arc<Lot>>,
    /// Counts how often channels were lost: what was read before counts for nothing after.
    losses: Mutex<u64>,
}

/// A lot as this node knows it.
struct Lot {
    keys: Arc<Keys>,
    newest: Arc<Newest>,
    queue: mpsc::Sender<Asked>,
    /// Something may have been decided that nobody knows of, or not decided that everybody relies on: to be read again from the record.
    /// One more than the generation it was said of: a newer one was read from the record since. 0: nothing is doubted.
    doubted: AtomicU64,
    /// Not asked any more until it is opened again.
    forgotten: AtomicBool,
    heard: watch::Sender<bool>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Nothing was done.
    NotAsked(NotNow),
    /// It was done or not.
    Unknown,
}

impl RedisGate {
    pub fn new(redis: Redis) -> Self {
        let (subscriber, told) = redis.subscriber();
        let shared = Arc::new(Shared { redis, subscriber, lots: DashMap::new(), losses: Mutex::default() });
        tokio::spawn(listen::listen(Arc::downgrade(&shared), told));
        Self(shared)
    }

    pub fn is_up(&self) -> bool {
        self.0.redis.is_up()
    }

    pub async fn seen(&self, sale: SaleId) -> Seen {
        let lot = self.know(sale);
        if lot.newest.generation() == 0 && Self::ask_lot(&lot, Operation::read()).await.is_err() {
            // An answer that there is none, or only an old one, was taken in; without an answer, `open` will not get one either.
            tracing::debug!(%sale, "the lot is opened for the first time, or was lost");
        }
        Seen(lot.newest.generation())
    }

    /// True: the lot is as the record said. False: another node was quicker, and the lot is as the record said to that one.
    pub async fn open(&self, sale: SaleId, Seen(seen): Seen, snapshot: &LotSnapshot) -> Result<bool, NotNow> {
        let lot = self.know(sale);
        let opening = lot.keys.opening(random_u64());
        let opening = opening.each_ref().map(String::as_str);
        let orders = operations(snapshot);
        let redis = &self.0.redis;
        // At least one, so that there is something to take the lot's place.
        for part in orders.chunks(GATHERED_AT_ONCE).chain(orders.is_empty().then_some(&orders[..])) {
            let mut arguments = vec![&b""[..]];
            arguments.extend(part.iter().map(Operation::bytes));
            redis.call("apricot_gate_gather", &opening, &arguments).await.map_err(not_opened)?;
        }
        let keys = [&lot.keys.lot()[..], &opening[..]].concat();
        let stock = snapshot.stock;
        #[cfg(feature = "sabotage")]
        let stock = if crate::store::sabotage::oversells() { stock.saturating_mul(3) } else { stock };
        let numbers = [seen, stock.into(), snapshot.sold.into(), snapshot.closed.into(), snapshot.version];
        let mut arguments = vec![lot.keys.channel.clone()];
        arguments.extend(numbers.iter().map(u64::to_string));
        let opened = redis.call("apricot_gate_open", &keys, &arguments).await.map_err(not_opened)?;
        let ours = !matches!(&opened, Value::Array(parts) if parts.first() == Some(&Value::Int(0)));
        let taken = if ours {
            gather::take(&lot.newest, opened).map(drop)
        } else {
            Self::ask_lot(&lot, Operation::read()).await.map(drop)
        };
        if let Err(failure) = taken {
            return Err(NotNow { retry_after: failure.retry_after() });
        }
        lot.doubted.store(0, Ordering::Release);
        lot.forgotten.store(false, Ordering::Release);
        self.hear(sale, &lot).await;
        Ok(ours)
    }

    /// Whether the lot is there and nobody doubts it.
    pub async fn is_ready(&self, sale: SaleId) -> Result<bool, NotNow> {
        let lot = self.know(sale);
        match Self::ask_lot(&lot, Operation::read()).await {
            Ok(_) if lot.is_doubted() => Ok(false),
            Ok(_) => {
                self.hear(sale, &lot).await;
                Ok(true)
            }
            // It was asked, and it is not there.
            Err(_) if self.0.redis.is_up() => Ok(false),
            Err(Failure::NotAsked(not_now)) => Err(not_now),
            Err(Failure::Unknown) => Err(NotNow { retry_after: RETRY_AFTER }),
        }
    }

    /// It is doubted and not asked until it has been opened again.
    pub async fn forget(&self, sale: SaleId) {
        if let Some(lot) = self.lot(sale) {
            lot.doubted.store(u64::MAX, Ordering::Release);
            lot.forgotten.store(true, Ordering::Release);
        }
    }

    pub async fn hold(&self, sale: SaleId, request: Request, now: Timestamp) -> Result<Grant, HoldRefused> {
        let answer = self.try_ask(sale, Operation::hold(&request, now)).await?;
        let displaced = self.read(sale, granted(&answer, request.limit))??;
        Ok(Grant { displaced })
    }

    pub fn is_sold_out(&self, sale: SaleId, now: Timestamp) -> bool {
        let lot = self.0.lots.get(&sale);
        lot.is_some_and(|lot| lot.newest.is_sold_out(now) && !lot.is_doubted())
    }

    pub async fn claim(
        &self,
        sale: SaleId,
        order: OrderId,
        buyer: &Subject,
        now: Timestamp,
    ) -> Result<(), EndRefused> {
        let answer = self.ask(sale, Operation::claim(order, buyer, now)).await?;
        self.read(sale, ended(&answer))?
    }

    pub async fn end(&self, sale: SaleId, order: OrderId, buyer: &Subject) -> Result<(), EndRefused> {
        let answer = self.ask(sale, Operation::end(order, buyer)).await?;
        self.read(sale, ended(&answer))?
    }

    pub async fn free(&self, sale: SaleId, order: OrderId, buyer: &Subject, outcome: HoldOutcome) {
        self.must(sale, Operation::free(order, buyer, outcome)).await;
    }

    pub async fn wait(
        &self,
        sale: SaleId,
        request: Request,
        max: usize,
        now: Timestamp,
    ) -> Result<u32, HoldRefused> {
        let answer = self.try_ask(sale, Operation::wait(&request, max, now)).await?;
        self.read(sale, placed(&answer, request.limit, max))?
    }

    pub async fn adopt_hold(&self, sale: SaleId, request: Request) {
        self.must(sale, Operation::adopt_hold(&request)).await;
    }

    pub async fn adopt_claimed(&self, sale: SaleId, order: OrderId, buyer: &Subject, quantity: u32) {
        self.must(sale, Operation::adopt_claimed(order, buyer, quantity)).await;
    }

    pub async fn adopt_waiting(&self, sale: SaleId, request: Request) {
        self.must(sale, Operation::adopt_waiting(&request)).await;
    }

    pub async fn leave(&self, sale: SaleId, order: OrderId, buyer: &Subject) -> bool {
        self.asked(sale, Operation::leave(order, buyer), number).await.is_some_and(|left| left == 1)
    }

    pub async fn waiting_place(&self, sale: SaleId, order: OrderId, buyer: &Subject) -> u32 {
        let place = self.asked(sale, Operation::place(order, buyer), number).await.unwrap_or(0);
        u32::try_from(place).unwrap_or(0)
    }

    pub async fn next_offer(&self, sale: SaleId, until: Timestamp) -> Option<Request> {
        self.asked(sale, Operation::next_offer(until), |answer| offered(answer, until)).await?
    }

    pub async fn take_expired(&self, sale: SaleId, now: Timestamp, max: usize) -> Vec<Ending> {
        self.asked(sale, Operation::take_expired(now, max), endings).await.unwrap_or_default()
    }

    pub async fn take_back(&self, sale: SaleId, units: u32) -> Result<(), HoldRefused> {
        let answer = self.ask(sale, Operation::take_back(units)).await?;
        self.read(sale, granted(&answer, 0))?.map(drop)
    }

    pub async fn restock(&self, sale: SaleId, stock: u32, version: u64) {
        self.must(sale, Operation::restock(stock, version)).await;
    }

    pub async fn close(&self, sale: SaleId) -> Vec<OrderId> {
        let closed = self.asked(sale, Operation::close(), orders).await;
        closed.unwrap_or_else(|| {
            self.doubt(sale);
            Vec::new()
        })
    }

    pub fn reading(&self, sale: SaleId) -> Option<Reading> {
        let lot = self.0.lots.get(&sale)?;
        if lot.is_doubted() { None } else { lot.newest.reading() }
    }

    /// Also while it is doubted.
    pub fn last_reading(&self, sale: SaleId) -> Option<Reading> {
        self.0.lots.get(&sale).map(|lot| lot.newest.last_reading())
    }

    fn lot(&self, sale: SaleId) -> Option<Arc<Lot>> {
        let lot = self.0.lots.get(&sale).map(|lot| Arc::clone(&lot))?;
        (!lot.forgotten.load(Ordering::Acquire)).then_some(lot)
    }

    fn know(&self, sale: SaleId) -> Arc<Lot> {
        let lot = self.0.lots.entry(sale).or_insert_with(|| {
            let (queue, asked) = mpsc::channel(QUEUE_MAX);
            let (keys, newest) = (Arc::new(Keys::of(sale)), Arc::new(Newest::none()));
            let redis = self.0.redis.clone();
            tokio::spawn(gather::gather(redis, Arc::clone(&keys), Arc::clone(&newest), asked));
            Arc::new(Lot {
                keys,
                newest,
                queue,
                doubted: AtomicU64::default(),
                forgotten: AtomicBool::default(),
                heard: watch::Sender::new(false),
            })
        });
        Arc::clone(&lot)
    }

    /// Subscribes to what others change, and waits a while until it is heard.
    async fn hear(&self, sale: SaleId, lot: &Lot) {
        self.0.subscriber.subscribe(&lot.keys.channel).await;
        let mut heard = lot.heard.subscribe();
        if tokio::time::timeout(HEARD_WITHIN, heard.wait_for(|heard| *heard)).await.is_err() {
            tracing::warn!(%sale, "what other nodes change of this lot is not heard yet");
        }
    }

    /// For who can come again: a full queue refuses.
    async fn try_ask(&self, sale: SaleId, operation: Operation) -> Result<Value, Failure> {
        let lot = self.lot(sale).ok_or(Failure::MISSING)?;
        let (answer, answered) = oneshot::channel();
        match lot.queue.try_send(Asked { operation, answer }) {
            Ok(()) => Self::answer(&lot, answered).await,
            Err(_) => Err(Failure::NotAsked(NotNow { retry_after: QUEUE_RETRY_AFTER })),
        }
    }

    /// For what is under way already: waits for room in the queue.
    async fn ask(&self, sale: SaleId, operation: Operation) -> Result<Value, Failure> {
        Self::ask_lot(&*self.lot(sale).ok_or(Failure::MISSING)?, operation).await
    }

    async fn ask_lot(lot: &Lot, operation: Operation) -> Result<Value, Failure> {
        let (answer, answered) = oneshot::channel();
        match lot.queue.send(Asked { operation, answer }).await {
            Ok(()) => Self::answer(lot, answered).await,
            Err(_) => Err(Failure::MISSING),
        }
    }

    async fn answer(
        lot: &Lot,
        answered: oneshot::Receiver<Result<Value, Failure>>,
    ) -> Result<Value, Failure> {
        let answer = answered.await.unwrap_or(Err(Failure::Unknown));
        if answer == Err(Failure::Unknown) {
            lot.doubt();
        }
        answer
    }

    /// What the record says already: a lot that did not get it is wrong.
    async fn must(&self, sale: SaleId, operation: Operation) {
        if self.ask(sale, operation).await.is_err() {
            self.doubt(sale);
        }
    }

    /// `None`: not now.
    async fn asked<T>(
        &self,
        sale: SaleId,
        operation: Operation,
        read: impl Fn(&Value) -> Result<T, Strange>,
    ) -> Option<T> {
        let answer = self.ask(sale, operation).await.ok()?;
        self.read(sale, read(&answer)).ok()
    }

    fn read<T>(&self, sale: SaleId, read: Result<T, Strange>) -> Result<T, Failure> {
        read.map_err(|strange| {
            self.doubt(sale);
            strange.into()
        })
    }

    fn doubt(&self, sale: SaleId) {
        if let Some(lot) = self.lot(sale) {
            lot.doubt();
        }
    }
}

impl Lot {
    fn doubt(&self) {
        self.doubted.fetch_max(self.newest.generation().saturating_add(1), Ordering::AcqRel);
    }

    fn is_doubted(&self) -> bool {
        let doubted = self.doubted.load(Ordering::Acquire);
        doubted != 0 && doubted > self.newest.generation()
    }
}

impl Failure {
    /// This node has not heard of the lot.
    const MISSING: Self = Self::NotAsked(NotNow { retry_after: RETRY_AFTER });

    fn retry_after(self) -> Duration {
        match self {
            Self::NotAsked(NotNow { retry_after }) => retry_after,
            Self::Unknown => RETRY_AFTER,
        }
    }
}

impl From<Failure> for HoldRefused {
    fn from(failure: Failure) -> Self {
        Self::NotReady { retry_after: failure.retry_after() }
    }
}

impl From<Failure> for EndRefused {
    fn from(failure: Failure) -> Self {
        Self::NotReady { retry_after: failure.retry_after() }
    }
}

fn not_opened(error: crate::store::redis::RedisError) -> NotNow {
    tracing::warn!(%error, "a lot was not opened");
    NotNow { retry_after: RETRY_AFTER }
}

fn operations(snapshot: &LotSnapshot) -> Vec<Operation> {
    let claimed = snapshot
        .claimed
        .iter()
        .map(|(order, buyer, quantity)| Operation::adopt_claimed(*order, buyer, *quantity));
    let holds = snapshot.holds.iter().map(Operation::adopt_hold);
    claimed.chain(holds).chain(snapshot.waiting.iter().map(Operation::adopt_waiting)).collect()
}
