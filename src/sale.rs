//! Flash sales, checkout, holds, orders: what may be bought, by whom, and what happened to it.
//!
//! The gate (`Inventory`) decides fast, the record (`Journal`) decides last, and the buyer is answered after the commit. What changed
//! comes up as `News`; nothing here knows who watches.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ledger::{CharityTotal, Ledger, LedgerRefused};
use crate::model::order::{OrderRefused, ShipTo};
use crate::model::sale::SaleRefused;
use crate::model::{
    FlashSale, Money, Order, OrderId, OutOfBound, Payment, PaymentId, PaymentState, Pledge, Product, RoomId,
    SaleId, SaleState, Stage, Timestamp,
};
use crate::store::inventory::{NotNow, Reading};
use crate::store::journal::Task;
use crate::store::{Inventory, Journal, StoreError};

mod after;
mod buyers;
mod cancel;
mod compare;
mod known;
mod life;
mod load;
pub mod meters;
mod nodes;
pub mod outbox;
mod pause;
mod pay;
mod place;
mod provider;
mod restock;
mod standing;
#[cfg(test)]
mod tests;

pub use nodes::Keeping;
pub use standing::Standing;

/// A flash sale with all that is needed to show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SaleView {
    pub sale: FlashSale,
    pub product: Product,
    pub pledge: Option<Pledge>,
    pub stock: SaleStock,
}

/// A reading of a lot. `left` is what can be held now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleStock {
    pub sale: SaleId,
    pub left: u32,
    pub held: u32,
    pub sold: u32,
    pub waiting: u32,
}

/// An order with all that its buyer is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderView {
    pub order: Order,
    pub title: String,
    /// 1 is next; 0 when not waiting.
    pub waiting_place: u32,
    pub payment: Option<PaymentState>,
    /// Only for those who may see it; reads by id leave it out unless asked.
    pub ship_to: Option<ShipTo>,
    /// Grows with every change of the order or of its payments.
    pub revision: u64,
}

/// The wish to buy, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub order: OrderId,
    pub sale: SaleId,
    pub quantity: u32,
    pub wait: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub view: OrderView,
    /// False: it was there already; this is the answer to a retry.
    pub fresh: bool,
}

/// What changed. Read by the room layer, which tells the room (`Sale`) or the buyer (`Order`).
#[derive(Clone, Debug)]
pub enum News {
    Sale(Arc<SaleView>),
    Order(Arc<OrderView>),
}

/// Why something was refused, with the numbers of the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    OutOfBound(#[from] OutOfBound),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("{0}")]
    WrongState(&'static str),
    #[error(transparent)]
    Order(#[from] OrderRefused),
    #[error(transparent)]
    Sale(#[from] SaleRefused),
    #[error("{left} left, fewer than asked for")]
    SoldOut { left: u32 },
    #[error("{free} are neither held nor sold, fewer than to be taken back")]
    Promised { free: u32 },
    #[error("the waiting list is full at {max}")]
    WaitingListFull { max: u32 },
    #[error("at most {limit} for one buyer")]
    LimitReached { limit: u32 },
    /// The gate cannot be asked; nothing was done.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    #[error(transparent)]
    Ledger(LedgerRefused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A step on the way to the buyer.
#[derive(Clone, Debug, PartialEq)]
pub enum ShipStep {
    Pack,
    Ship { carrier: String, tracking_number: String },
    Deliver,
    Confirm,
}

impl SaleView {
    /// What one unit gives at this price.
    pub fn charity_per_unit(&self) -> Option<Money> {
        self.pledge.as_ref().map(|pledge| pledge.share_of(self.sale.price, 1))
    }

    /// Open, but every unit is held or sold.
    pub fn is_sold_out(&self) -> bool {
        self.stock.left == 0
    }
}

/// How the sale layer behaves where the host does not choose.
#[derive(Clone, Debug)]
pub struct SaleRules {
    pub waiting_list_max: usize,
    /// How long a unit is offered to the next in line.
    pub offer_for: Duration,
    /// Shipped this long ago and not confirmed: confirmed by itself.
    pub auto_confirm_after: Duration,
}

/// Changes that may wait for the room layer. It drains them without waiting for any viewer, so this is seconds of a rush; when it is
/// full, the change that comes next waits.
pub const NEWS_MAX: usize = 16_384;

#[derive(Clone)]
pub struct Sales(Arc<Shared>);

struct Shared {
    journal: Journal,
    inventory: Inventory,
    ledger: Ledger,
    rules: SaleRules,
    live: DashMap<SaleId, Arc<LiveSale>>,
    /// Sales of a room in the order of their making.
    rooms: DashMap<RoomId, Vec<SaleId>>,
    /// Complete for live sales, so that a retry is recognised without asking the record.
    orders: DashMap<OrderId, Slot>,
    /// Whose payment it is, for orders that are cached.
    payments: DashMap<PaymentId, OrderId>,
    news: mpsc::Sender<News>,
    outbox: mpsc::Sender<Task>,
    buyers: buyers::Buyers,
    /// Of many nodes, this one has the duties of time.
    keeps: AtomicBool,
    /// Work that must not stop half-way because a client hung up.
    underway: TaskTracker,
}

/// A sale in memory. The record has the last word.
struct LiveSale {
    sale: RwLock<FlashSale>,
    product: Product,
    pledge: Option<Arc<Pledge>>,
    told_sold_out: AtomicBool,
    /// One rebuild of the lot or change of its stock at a time; the number counts rebuilds that began.
    rebuilding: tokio::sync::Mutex<()>,
    rebuilds: AtomicU64,
    /// Somebody is looking whether the lot has to be read again.
    mending: AtomicBool,
    /// Where gate and record were found to differ.
    difference: Mutex<Option<compare::Difference>>,
    closed_at_gate_since: Mutex<Option<Timestamp>>,
}

/// What is known of an order id.
enum Slot {
    /// On its way to the record; the token is cancelled when it has arrived or failed.
    Placing(CancellationToken),
    Known(Arc<KnownOrder>),
}

/// A cache of the record for one order.
#[derive(Clone, Debug)]
struct KnownOrder {
    order: Order,
    /// The newest.
    payment: Option<Payment>,
    payments: u32,
}

impl Sales {
    pub fn new(
        ledger: Ledger,
        inventory: Inventory,
        rules: SaleRules,
        news: mpsc::Sender<News>,
        outbox: mpsc::Sender<Task>,
    ) -> Self {
        Self(Arc::new(Shared {
            journal: ledger.journal().clone(),
            inventory,
            ledger,
            rules,
            live: DashMap::new(),
            rooms: DashMap::new(),
            orders: DashMap::new(),
            payments: DashMap::new(),
            news,
            outbox,
            buyers: buyers::Buyers::default(),
            keeps: AtomicBool::new(false),
            underway: TaskTracker::new(),
        }))
    }

    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The room's sales in the order of their making.
    pub fn views(&self, room: &RoomId) -> Vec<SaleView> {
        let sales = self.0.rooms.get(room).map(|sales| sales.clone()).unwrap_or_default();
        sales.into_iter().filter_map(|sale| self.view(sale)).collect()
    }

    pub fn view(&self, sale: SaleId) -> Option<SaleView> {
        let live = self.live(sale)?;
        let stock = self.stock(sale, &live);
        let pledge = live.pledge.as_deref().cloned();
        Some(SaleView { sale: live.sale(), product: live.product.clone(), pledge, stock })
    }

    /// False: there is no stock and no total in this room that could change.
    pub fn has_sales(&self, room: &RoomId) -> bool {
        self.0.rooms.contains_key(room)
    }

    /// Cheap enough for every state flush: reads atomics.
    pub fn stocks(&self, room: &RoomId) -> Vec<SaleStock> {
        let Some(sales) = self.0.rooms.get(room) else {
            return Vec::new();
        };
        let stock = |sale: &SaleId| {
            let live = self.live(*sale)?;
            let stock = self.stock(*sale, &live);
            (!live.is_over(&stock)).then_some(stock)
        };
        sales.iter().filter_map(stock).collect()
    }

    /// Totals of the pledges of the room's sales, each once.
    pub fn charity_totals(&self, room: &RoomId, now: Timestamp) -> Vec<CharityTotal> {
        let Some(sales) = self.0.rooms.get(room) else {
            return Vec::new();
        };
        let mut totals: Vec<CharityTotal> = Vec::new();
        for live in sales.iter().filter_map(|sale| self.live(*sale)) {
            let Some(pledge) = &live.pledge else { continue };
            let currency = live.product.price.currency;
            if !totals.iter().any(|total| total.pledge == pledge.id && total.currency == currency) {
                totals.push(self.0.ledger.charity_total(pledge.id, currency).at(pledge, now));
            }
        }
        totals
    }

    /// Waits for what must not stop half-way. New work is still taken: stop its sources first.
    pub async fn settle(&self) {
        self.0.underway.close();
        self.0.underway.wait().await;
    }

    fn live(&self, sale: SaleId) -> Option<Arc<LiveSale>> {
        self.0.live.get(&sale).map(|live| Arc::clone(&live))
    }

    fn stock(&self, sale: SaleId, live: &LiveSale) -> SaleStock {
        let Reading { stock, held, sold, waiting } = self.0.inventory.shown(sale);
        let closed = matches!(live.sale().state, SaleState::Closed { .. });
        let left = if closed { 0 } else { stock.saturating_sub(held + sold) };
        SaleStock { sale, left, held, sold, waiting }
    }

    /// Runs to its end even when nobody waits for the answer any more.
    async fn uninterrupted<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = self.0.underway.spawn(work).await;
        done.unwrap_or_else(|stopped| Err(StoreError::Unavailable(stopped.to_string()).into()))
    }

    async fn tell(&self, news: News) {
        // The room layer ends after the sale layer; a closed channel means that nobody watches any more.
        if self.0.news.send(news).await.is_err() {
            tracing::debug!("nobody listens to news any more");
        }
    }

    async fn tell_sale(&self, sale: SaleId) {
        if let Some(view) = self.view(sale) {
            self.tell(News::Sale(Arc::new(view))).await;
        }
    }

    /// Tells the room when the sale has become sold out, or has units again, and how a closed sale came out once its last hold has ended:
    /// the state says nothing of it from then on.
    async fn tell_if_turned(&self, sale: SaleId) {
        let Some(live) = self.live(sale) else { return };
        let stock = self.stock(sale, &live);
        let sold_out = stock.left == 0;
        let turned = live.told_sold_out.swap(sold_out, Ordering::AcqRel) != sold_out;
        if turned || live.is_over(&stock) {
            self.tell_sale(sale).await;
        }
    }

    async fn tell_order(&self, known: &KnownOrder) {
        match self.order_view(known).await {
            Ok(view) => self.tell(News::Order(Arc::new(view))).await,
            Err(error) => tracing::warn!(%error, order = %known.order.id, "an order's news was not told"),
        }
    }

    async fn waiting_place(&self, order: &Order) -> u32 {
        self.0.inventory.waiting_place(order.sale, order.id, &order.buyer).await
    }

    async fn order_view(&self, known: &KnownOrder) -> Result<OrderView, Refusal> {
        let order = known.order.clone();
        let title = match self.live(order.sale) {
            Some(live) => live.product.title.clone(),
            None => self.0.journal.product(order.sku.clone()).await?.map_or_else(String::new, |it| it.title),
        };
        let waiting_place = match order.stage {
            Stage::Waiting => self.waiting_place(&order).await,
            _ => 0,
        };
        let payment = known.payment.as_ref().map(|payment| payment.state.clone());
        Ok(OrderView { revision: known.revision(), order, title, waiting_place, payment, ship_to: None })
    }
}

impl KnownOrder {
    /// A payment has fewer than eight versions, so that a new one counts for more than the last of the one before.
    fn revision(&self) -> u64 {
        let payment = self.payment.as_ref().map_or(0, |payment| payment.version);
        self.order.version + u64::from(self.payments) * 8 + payment
    }
}

impl LiveSale {
    /// Its stock does not change any more.
    fn is_over(&self, stock: &SaleStock) -> bool {
        matches!(self.sale().state, SaleState::Closed { .. }) && stock.held == 0
    }

    fn sale(&self) -> FlashSale {
        self.sale.read().expect("no panic while locked").clone()
    }
}
