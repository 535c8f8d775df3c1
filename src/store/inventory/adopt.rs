//! What the record learnt while a lot was being opened.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;

use super::{Inventory, LotSnapshot};
use crate::model::{OrderId, SaleId, Subject};
use crate::store::journal::HoldOutcome;

impl Inventory {
    /// Makes known to a lot what differs between two readings of the record: the one it was opened with and one from after. Who was
    /// recorded in between told the lot that was there before. For a lot that another node opened, `before` is empty.
    pub async fn adopt(&self, sale: SaleId, before: &LotSnapshot, after: LotSnapshot) {
        self.restock(sale, after.stock, after.version).await;
        let claimed_before: HashSet<OrderId> = before.claimed.iter().map(|(order, _, _)| *order).collect();
        let held_before: HashSet<OrderId> = before.holds.iter().map(|hold| hold.order).collect();
        let mut gone: HashMap<OrderId, &Subject> =
            before.waiting.iter().map(|request| (request.order, &request.buyer)).collect();
        let ended: HashMap<OrderId, HoldOutcome> = after.ended.into_iter().collect();
        for hold in &before.holds {
            if let Some(outcome) = ended.get(&hold.order) {
                self.free(sale, hold.order, &hold.buyer, *outcome).await;
            }
        }
        let known =
            after.claimed.iter().map(|(order, _, _)| *order).chain(after.holds.iter().map(|it| it.order));
        for order in known {
            gone.remove(&order);
        }
        // All at once: a gate far away takes them together.
        let claimed = after.claimed.iter().filter(|(order, _, _)| !claimed_before.contains(order));
        join_all(claimed.map(|(order, buyer, quantity)| self.adopt_claimed(sale, *order, buyer, *quantity)))
            .await;
        let holds = after.holds.into_iter().filter(|hold| !held_before.contains(&hold.order));
        join_all(holds.map(|hold| self.adopt_hold(sale, hold))).await;
        for request in after.waiting {
            if gone.remove(&request.order).is_none() {
                self.adopt_waiting(sale, request).await;
            }
        }
        for (order, buyer) in gone {
            self.leave(sale, order, buyer).await;
        }
    }
}
