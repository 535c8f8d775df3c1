//! What a pass over the sales does when the record refuses it.

use super::*;
use crate::store::journal::Deadline;

impl Shop {
    /// How often the lots were read again.
    fn rebuilds(&self) -> u64 {
        self.sales.0.live.iter().map(|live| live.rebuilds.load(Ordering::Acquire)).sum()
    }

    /// Two sales with five overdue holds each.
    async fn overdue() -> Self {
        let mut shop = Self::open(5, 9).await;
        let first = shop.sale;
        let second = shop.add_sale(2, 5, 9, None).await;
        shop.sales.open_sale(second, shop.now()).await.unwrap();
        for (sale, who) in [(first, "ann"), (second, "bo")] {
            shop.sale = sale;
            for n in 0..5 {
                shop.place(&format!("{who}{n}"), 1).await.unwrap();
            }
        }
        shop.pass(HOLD);
        shop
    }

    async fn stages(&self) -> [&'static str; 2] {
        [self.stage("ann0").await, self.stage("bo4").await]
    }
}

#[tokio::test]
async fn pass_that_is_fenced_ends_after_one_reading() {
    let shop = Shop::overdue().await;
    let slept = Keeping::Leased { fence: 1, until: Deadline::after(HOLD) };
    shop.sales.sweep(slept, shop.now()).await;
    assert_eq!((shop.rebuilds(), shop.stages().await), (1, ["held", "held"]));
    shop.audit();
    // Nothing is left half done: whoever has the duty ends them.
    shop.sweep().await;
    assert_eq!((shop.rebuilds(), shop.stages().await), (1, ["expired", "expired"]));
    assert_eq!(shop.sql("SELECT count(*) FROM holds WHERE outcome = 'expired'"), 10);
    shop.audit();
}

#[tokio::test]
async fn lease_that_was_not_renewed_in_time_is_not_used() {
    let shop = Shop::overdue().await;
    shop.sales.sweep(Keeping::Leased { fence: 1, until: Deadline::after(Duration::ZERO) }, shop.now()).await;
    assert_eq!((shop.rebuilds(), shop.stages().await), (0, ["held", "held"]));
}

/// One order that the record does not end is no reason to read the lot for each of the others.
#[tokio::test]
async fn hold_that_cannot_be_ended_costs_one_reading() {
    let shop = Shop::overdue().await;
    let released = shop.view("ann0").await.order.release().unwrap();
    let entry =
        super::super::place::end_hold(&released, crate::store::journal::HoldOutcome::Released, shop.now());
    shop.sales.0.journal.commit(entry).await.unwrap();
    shop.sweep().await;
    assert_eq!((shop.rebuilds(), shop.stages().await), (1, ["released", "expired"]));
    shop.audit();
}
