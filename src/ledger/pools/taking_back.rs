//! A refund takes back what sponsors added, in proportion to the price that goes back.

use super::super::{Ledger, in_order};
use crate::model::pool::still_matched;
use crate::model::{Account, Code, Money, Order, OrderId, Timestamp, Transfer};
use crate::store::journal::GivenMatch;
use crate::store::{StoreError, Write};

/// What goes back to pools with a refund's entry.
pub struct TakenBack {
    order: Order,
    at: Timestamp,
    parts: Vec<(GivenMatch, i64)>,
}

impl Ledger {
    /// What sponsors added to an order, less what refunds took back; in minor units of its currency.
    pub async fn matched(&self, order: OrderId) -> Result<i64, StoreError> {
        Ok(self.0.journal.matches_of(order).await?.iter().map(|given| given.kept).sum())
    }

    /// Of `order`, as it is before the refund that leaves `kept` of its price.
    pub async fn take_back(&self, order: &Order, kept: i64, at: Timestamp) -> Result<TakenBack, StoreError> {
        let given = self.0.journal.matches_of(order.id).await?;
        let paid = order.total().minor;
        let parts = given.into_iter().map(|given| {
            let back = given.kept - still_matched(given.amount, paid, kept);
            (given, back)
        });
        let parts = parts.filter(|(_, back)| *back > 0).collect();
        Ok(TakenBack { order: order.clone(), at, parts })
    }

    /// The record has it: the budget has room again.
    pub fn taken_back(&self, back: TakenBack) {
        let mut books = self.books();
        let Some(books) = books.as_mut() else { return };
        for (given, amount) in &back.parts {
            if let Some(book) = books.running.get_mut(&given.pool) {
                book.give_back(given.slot, &given.project, *amount);
            }
        }
    }
}

impl TakenBack {
    pub fn writes(&self) -> impl Iterator<Item = Write> {
        self.parts.iter().flat_map(|(given, amount)| {
            let transfer = Transfer {
                debit: Account::CharityMatched(given.pledge),
                credit: Account::SponsorPool(given.pool),
                amount: Money::new(*amount, given.currency),
                code: Code::Unmatch,
                order: Some(self.order.id),
                at: self.at,
            };
            let unmatch = Write::Unmatch { claim: self.order.id, pool: given.pool, amount: *amount };
            [unmatch, in_order(given.pledge, given.currency), Write::Transfer(transfer)]
        })
    }
}
