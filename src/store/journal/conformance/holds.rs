//! Holds, lots and leftovers: the record has the last word.

use super::*;

laws! {
    hold_ends_once,
    record_refuses_what_a_wrong_gate_granted,
    rush_of_grants_never_passes_the_stock,
    lot_takes_its_units_from_the_product_and_gives_leftovers_back,
    leftovers_are_counted_where_they_stand_in_the_queue,
    running_lot_gets_units_from_the_product_and_gives_back_what_nobody_has,
    units_that_come_and_go_are_counted_where_they_stand_in_the_queue,
    nobody_puts_units_into_a_closed_lot,
}

fn restock(change: i64) -> Write {
    Write::Restock { sale: SALE, sku: "apricots".parse().unwrap(), change }
}

/// All that is read of a lot, and the product's units.
async fn units(desk: &Desk) -> ((u32, u32, u32), u32, u32) {
    let set_aside = desk.journal.sale(SALE).await.unwrap().unwrap().stock;
    (desk.lot().await, set_aside, desk.on_hand().await)
}

async fn running_lot_gets_units_from_the_product_and_gives_back_what_nobody_has(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    desk.commit(placed(&order(1, 3))).await.unwrap();
    desk.commit(placed(&order(2, 2))).await.unwrap();
    desk.commit(vec![end_hold(&order(2, 2), HoldOutcome::Claimed)]).await.unwrap();
    assert_eq!(units(&desk).await, ((10, 3, 2), 10, 90));
    assert_eq!(desk.commit(vec![restock(91)]).await, Err(StoreError::StockShort));
    assert_eq!(desk.commit(vec![restock(-6)]).await, Err(StoreError::OverStock));
    assert_eq!(units(&desk).await, ((10, 3, 2), 10, 90), "all or nothing");
    assert_eq!(desk.commit(vec![restock(-5)]).await, Ok(()));
    assert_eq!(units(&desk).await, ((5, 3, 2), 5, 95));
    assert_eq!(desk.commit(placed(&order(3, 1))).await, Err(StoreError::OverStock));
    assert_eq!(desk.commit(vec![restock(95)]).await, Ok(()));
    assert_eq!(units(&desk).await, ((100, 3, 2), 100, 0));
    assert_eq!(desk.commit(placed(&order(4, 95))).await, Ok(()));
    assert_eq!(desk.journal.stock(SALE).await, Ok(Some((100, 1))));
    let empty = Desk::with_lot(on, 4).await;
    assert_eq!(empty.commit(vec![restock(-4)]).await, Err(StoreError::OverStock), "one stays");
    assert_eq!(empty.commit(vec![restock(-3)]).await, Ok(()));
    assert_eq!(units(&empty).await, ((1, 0, 0), 1, 99));
}

/// Grants and changes of the stock in one batch.
async fn units_that_come_and_go_are_counted_where_they_stand_in_the_queue(on: Engine) {
    let desk = Desk::with_lot(on, 2).await;
    let entries = [
        (placed(&order(1, 2)), Ok(())),
        (placed(&order(2, 1)), Err(StoreError::OverStock)),
        (vec![restock(-1)], Err(StoreError::OverStock)),
        (vec![restock(3)], Ok(())),
        (placed(&order(3, 1)), Ok(())),
        (vec![restock(-2)], Ok(())),
        (placed(&order(4, 1)), Err(StoreError::OverStock)),
        (vec![end_hold(&order(1, 2), HoldOutcome::Released)], Ok(())),
        (placed(&order(5, 2)), Ok(())),
        (vec![transfer(1), restock(-1)], Err(StoreError::OverStock)),
    ];
    let submit = |(entry, _): &(Entry, _)| desk.journal.submit(entry.clone()).unwrap();
    let pending: Vec<Pending> = entries.iter().map(submit).collect();
    for (index, (pending, (_, expected))) in pending.into_iter().zip(&entries).enumerate() {
        assert_eq!(pending.committed().await, *expected, "entry {index}");
    }
    assert_eq!(units(&desk).await, ((3, 3, 0), 3, 97));
    assert_eq!(desk.count("SELECT count(*) FROM transfers").await, 0);
}

async fn nobody_puts_units_into_a_closed_lot(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let next = |state, version| Write::Sale(FlashSale { state, version, ..sale(SALE, 10) });
    let closed = SaleState::Closed { at: NOW, reason: crate::model::CloseReason::Host };
    desk.commit(vec![next(closed, 2), Write::ReturnLeftovers(SALE)]).await.unwrap();
    let late = vec![next(SaleState::Scheduled, 2), restock(5)];
    assert_eq!(desk.commit(late).await, Err(StoreError::Stale));
    assert_eq!((desk.lot().await, desk.on_hand().await), ((0, 0, 0), 100));
}

async fn hold_ends_once(on: Engine) {
    let desk = Desk::with_lot(on, 3).await;
    let outcomes = [HoldOutcome::Claimed, HoldOutcome::Released, HoldOutcome::Expired];
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let order = order(n as u128, 1);
        assert_eq!(
            desk.commit(vec![end_hold(&order, outcome)]).await,
            Err(StoreError::HoldEnded),
            "no such hold"
        );
        desk.commit(placed(&order)).await.unwrap();
        assert_eq!(desk.commit(placed(&order)).await, Err(StoreError::Exists));
        assert_eq!(desk.commit(vec![hold(&order)]).await, Err(StoreError::Exists));
        assert_eq!(desk.commit(vec![end_hold(&order, outcome)]).await, Ok(()));
        for again in outcomes {
            assert_eq!(desk.commit(vec![end_hold(&order, again)]).await, Err(StoreError::HoldEnded));
        }
    }
    assert_eq!(desk.lot().await, (3, 0, 1));
    assert_eq!(desk.count("SELECT count(DISTINCT outcome) FROM holds WHERE ended_at IS NOT NULL").await, 3);
    // A second hold of the same order is a hold of its own.
    let again = Order { hold: 2, ..order(2, 1) };
    assert_eq!(desk.commit(vec![hold(&again)]).await, Ok(()));
    assert_eq!(desk.commit(vec![end_hold(&again, HoldOutcome::Claimed)]).await, Ok(()));
    assert_eq!(desk.lot().await, (3, 0, 2));
}

async fn record_refuses_what_a_wrong_gate_granted(on: Engine) {
    let desk = Desk::with_lot(on, 3).await;
    assert_eq!(desk.commit(placed(&order(1, 2))).await, Ok(()));
    assert_eq!(desk.commit(placed(&order(2, 2))).await, Err(StoreError::OverStock));
    assert_eq!(desk.journal.order(order(2, 2).id).await.unwrap(), None);
    assert_eq!(desk.commit(placed(&order(3, 1))).await, Ok(()));
    assert_eq!(desk.lot().await, (3, 3, 0));
    assert_eq!(desk.commit(vec![end_hold(&order(1, 2), HoldOutcome::Claimed)]).await, Ok(()));
    assert_eq!(desk.commit(placed(&order(4, 1))).await, Err(StoreError::OverStock));
    assert_eq!(desk.lot().await, (3, 1, 2));
}

/// A hundred grants for ten units in one rush: ten stand, whatever batches they fall into.
async fn rush_of_grants_never_passes_the_stock(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let grants: Vec<Pending> = (0..100).map(|n| desk.journal.submit(placed(&order(n, 1))).unwrap()).collect();
    let mut answers = Vec::new();
    for grant in grants {
        answers.push(grant.committed().await);
    }
    // In order of submission: the first ten.
    let expected = (0..100).map(|n| if n < 10 { Ok(()) } else { Err(StoreError::OverStock) });
    assert_eq!(answers, expected.collect::<Vec<_>>());
    assert_eq!(desk.lot().await, (10, 10, 0));
    assert_eq!(desk.count("SELECT count(*) FROM orders").await, 10);
}

async fn lot_takes_its_units_from_the_product_and_gives_leftovers_back(on: Engine) {
    let desk = Desk::with_lot(on, 60).await;
    assert_eq!(desk.on_hand().await, 40);
    let other = SaleId(Uuid::from_u128(2));
    assert_eq!(desk.commit(vec![Write::Sale(sale(other, 41))]).await, Err(StoreError::StockShort));
    assert_eq!(desk.journal.sale(other).await.unwrap(), None);
    assert_eq!(desk.journal.lot(other).await.unwrap(), None);
    let less = |change| vec![Write::Stock { sku: "apricots".parse().unwrap(), change }];
    assert_eq!(desk.commit(less(-41)).await, Err(StoreError::StockShort));
    assert_eq!(desk.commit(less(-40)).await, Ok(()));
    assert_eq!(desk.commit(less(40)).await, Ok(()));

    let (claimed, held) = (order(1, 5), order(2, 7));
    desk.commit(placed(&claimed)).await.unwrap();
    desk.commit(placed(&held)).await.unwrap();
    desk.commit(vec![end_hold(&claimed, HoldOutcome::Claimed)]).await.unwrap();
    assert_eq!(desk.commit(vec![Write::ReturnLeftovers(SALE)]).await, Ok(()));
    assert_eq!((desk.lot().await, desk.on_hand().await), ((12, 7, 5), 88));
    assert_eq!(desk.commit(vec![Write::ReturnLeftovers(SALE)]).await, Ok(()));
    assert_eq!((desk.lot().await, desk.on_hand().await), ((12, 7, 5), 88));
    assert_eq!(desk.commit(placed(&order(3, 1))).await, Err(StoreError::OverStock));
    // A hold that ends after the close brings its units back with it.
    let end = vec![end_hold(&held, HoldOutcome::Expired), Write::ReturnLeftovers(SALE)];
    assert_eq!(desk.commit(end).await, Ok(()));
    assert_eq!((desk.lot().await, desk.on_hand().await), ((5, 0, 5), 95));
    assert!(is_rule(&desk.commit(vec![Write::ReturnLeftovers(other)]).await));
    assert_eq!(desk.journal.sale(SALE).await.unwrap().unwrap().stock, 60, "what was set aside stays known");
}

/// Grants and leftovers in one batch: what stands ahead of the leftovers in the queue is counted, what stands behind is refused.
async fn leftovers_are_counted_where_they_stand_in_the_queue(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let entries = [placed(&order(1, 3)), vec![Write::ReturnLeftovers(SALE)], placed(&order(2, 1))];
    let pending: Vec<Pending> =
        entries.into_iter().map(|entry| desk.journal.submit(entry).unwrap()).collect();
    let mut answers = Vec::new();
    for entry in pending {
        answers.push(entry.committed().await);
    }
    assert_eq!(answers, vec![Ok(()), Ok(()), Err(StoreError::OverStock)]);
    assert_eq!((desk.lot().await, desk.on_hand().await), ((3, 3, 0), 97));
}
