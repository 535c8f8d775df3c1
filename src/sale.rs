//! Flash sales, checkout, holds, orders: what may be bought, by whom, and what happened to it.
//!
//! The gate (`Inventory`) decides fast, the record (`Journal`) decides last, and the buyer is answered after the commit. What changed
//! comes up as `News`; nothing here knows who watches.

use std::sync::Arc;

use crate::model::order::{OrderRefused, ShipTo};
use crate::model::sale::SaleRefused;
use crate::model::{
    FlashSale, Money, Order, OrderId, OutOfBound, PaymentState, Pledge, Product, RoomId, SaleId, Subject,
};
use crate::store::StoreError;

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
    #[error("the waiting list is full at {max}")]
    WaitingListFull { max: u32 },
    #[error("at most {limit} for one buyer")]
    LimitReached { limit: u32 },
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

#[derive(Clone)]
pub struct Sales {}

#[allow(unused_variables)]
impl Sales {
    pub fn views(&self, room: &RoomId) -> Vec<SaleView> {
        todo!()
    }
    pub fn view(&self, sale: SaleId) -> Option<SaleView> {
        todo!()
    }
    /// Cheap enough for every state flush: reads atomics.
    pub fn stocks(&self, room: &RoomId) -> Vec<SaleStock> {
        todo!()
    }
    /// Totals of the pledges of the room's sales, in the order of the sales.
    pub fn charity_totals(&self, room: &RoomId) -> Vec<crate::ledger::CharityTotal> {
        todo!()
    }
    pub async fn place(&self, buyer: &Subject, wish: Wish, now: crate::model::Timestamp) -> Result<Placed, Refusal> {
        todo!()
    }
    pub async fn pay(
        &self,
        buyer: &Subject,
        order: OrderId,
        method: crate::model::payment::Method,
        ship_to: ShipTo,
        now: crate::model::Timestamp,
    ) -> Result<OrderView, Refusal> {
        todo!()
    }
    pub async fn cancel(&self, buyer: &Subject, order: OrderId, now: crate::model::Timestamp) -> Result<OrderView, Refusal> {
        todo!()
    }
    /// The buyer's orders of this room that are waiting, held or on their way; newest first, at most 20.
    pub async fn open_orders(&self, buyer: &Subject, room: &RoomId) -> Result<Vec<OrderView>, Refusal> {
        todo!()
    }
}
