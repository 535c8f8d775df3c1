//! From the record into memory: at start, for a new sale, and when a lot has to be read again.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use dashmap::mapref::entry::Entry as MapEntry;

use super::{KnownOrder, LiveSale, Refusal, Sales};
use crate::model::{FlashSale, Order, Payment, SaleId, SaleState, Stage};
use crate::store::Write;
use crate::store::inventory::{LotSnapshot, Request};
use crate::store::journal::HoldOutcome;

impl Sales {
    /// Holds go on where they were.
    pub async fn load(&self) -> Result<(), Refusal> {
        for sale in self.0.journal.live_sales().await? {
            let id = sale.id;
            if matches!(sale.state, SaleState::Closed { .. }) {
                // A crash between a close and the end of what it overtook.
                self.0.journal.commit(vec![Write::ReturnLeftovers(id)]).await?;
            }
            self.load_sale(sale).await?;
            self.open_lot(id).await?;
        }
        Ok(())
    }

    /// As `load_lot`, unless the gate cannot be asked now: then the next sweep opens it.
    pub(super) async fn open_lot(&self, sale: SaleId) -> Result<(), Refusal> {
        let opened = async {
            if !self.0.inventory.is_ready(sale).await? {
                return self.load_lot(sale).await;
            }
            // Another node has it open: only its orders are to be known here.
            self.read_lot(sale).await.map(drop)
        };
        match opened.await {
            Err(Refusal::NotNow(error)) => {
                tracing::warn!(%error, %sale, "nobody can buy until a sweep has opened the lot");
                Ok(())
            }
            loaded => loaded,
        }
    }

    pub(super) async fn load_sale(&self, sale: FlashSale) -> Result<(), Refusal> {
        let product = self.0.journal.product(sale.sku.clone()).await?.ok_or(Refusal::NotFound("product"))?;
        let pledge = match sale.pledge {
            Some(reference) => Some(self.0.ledger.pledge(reference).await.map_err(Refusal::Ledger)?),
            None => None,
        };
        let (id, room) = (sale.id, sale.room.clone());
        let live = LiveSale {
            sale: RwLock::new(sale),
            product,
            pledge,
            told_sold_out: AtomicBool::new(false),
            rebuilding: tokio::sync::Mutex::default(),
            rebuilds: AtomicU64::new(0),
            mending: AtomicBool::new(false),
            difference: Mutex::default(),
            closed_at_gate_since: Mutex::default(),
        };
        match self.0.live.entry(id) {
            MapEntry::Vacant(free) => drop(free.insert(Arc::new(live))),
            // Two looks at once: the newer one counts.
            MapEntry::Occupied(known) => known.get().become_(live.sale()),
        }
        let mut sales = self.0.rooms.entry(room).or_default();
        if !sales.contains(&id) {
            sales.push(id);
        }
        Ok(())
    }

    /// Replaces the gate's lot by what the record says, and knows all its orders from then on.
    pub(super) async fn load_lot(&self, sale: SaleId) -> Result<(), Refusal> {
        let seen = self.0.inventory.seen(sale).await;
        let before = self.read_lot(sale).await?;
        let ours = self.0.inventory.open(sale, seen, &before).await?;
        // Whoever was recorded since that reading and before the lot opened told the old lot.
        let after = self.read_lot(sale).await?;
        let before = if ours { before } else { LotSnapshot::default() };
        self.0.inventory.adopt(sale, &before, after).await;
        Ok(())
    }

    async fn read_lot(&self, sale: SaleId) -> Result<LotSnapshot, Refusal> {
        let live = self.live(sale).ok_or(Refusal::NotFound("sale"))?;
        let (stock, version) = self.0.journal.stock(sale).await?.ok_or(Refusal::NotFound("lot"))?;
        let orders = self.0.journal.orders_of_sale(sale).await?;
        let payments = self.0.journal.payments_of_sale(sale).await?;
        let limit = live.sale().limit_per_buyer;
        let mut snapshot = LotSnapshot {
            stock,
            version,
            closed: matches!(live.sale().state, SaleState::Closed { .. }),
            ..LotSnapshot::default()
        };
        for order in &orders {
            let request = |until| Request {
                order: order.id,
                buyer: order.buyer.clone(),
                quantity: order.quantity,
                limit,
                until,
            };
            match order.stage {
                Stage::Held { until, .. } => snapshot.holds.push(request(until)),
                Stage::Waiting => snapshot.waiting.push(request(order.placed_at)),
                Stage::Released => snapshot.ended.push((order.id, HoldOutcome::Released)),
                Stage::Expired => snapshot.ended.push((order.id, HoldOutcome::Expired)),
                Stage::Paid
                | Stage::Packed
                | Stage::Shipped(_)
                | Stage::Delivered(_)
                | Stage::Confirmed { .. }
                | Stage::Refunded => {
                    snapshot.claimed.push((order.id, order.buyer.clone(), order.quantity));
                }
            }
        }
        // From the same reading as the holds, so that a claim made meanwhile is on one side or the other.
        snapshot.sold = snapshot.claimed.iter().map(|(_, _, quantity)| quantity).sum();
        self.know_all(orders, payments);
        Ok(snapshot)
    }

    fn know_all(&self, orders: Vec<Order>, payments: Vec<Payment>) {
        let mut by_order = std::collections::HashMap::new();
        for payment in payments {
            let newest = by_order.entry(payment.order).or_insert((None, 0));
            *newest = (Some(payment), newest.1 + 1);
        }
        for order in orders {
            self.0.buyers.add(&order.room, &order.buyer);
            let (payment, payments) = by_order.remove(&order.id).unwrap_or((None, 0));
            self.remember(KnownOrder { order, payment, payments });
        }
    }
}
