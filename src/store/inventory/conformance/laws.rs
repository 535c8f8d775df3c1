//! One law each. Most are a story that reads as it runs: `check(&gate, "stock 1 | a hold 1 -> held | b hold 1 -> sold_out 0")`.

pub use super::crowds::{
    buyers_who_hold_end_and_claim_at_once_never_pass_the_stock, hundred_buyers_ten_pieces_sell_ten,
};
pub use super::model::answers_are_those_of_the_model;
use super::*;

pub async fn expired_hold_is_free_before_any_sweep(gate: Inventory) {
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b hold 1 -> sold_out 0 | +59s | b hold 1 -> sold_out 0 | +1s | b hold 1 -> held for a",
    )
    .await;
    check(
        &gate,
        "stock 3 | a hold 3 -> held | +60s | b hold 2 -> held for a | reading -> stock 3 held 3 sold 0 waiting 0",
    )
    .await;
    // For its own buyer too: an overdue hold does not count towards the limit.
    check(
        &gate,
        "stock 2 limit 2 | a hold 2 -> held | a2 hold 1 -> limit 2 | +60s | a2 hold 2 -> held for a",
    )
    .await;
    check(
        &gate,
        "stock 4 limit 2 | a hold 2 -> held | +60s | a2 hold 2 -> held | a3 hold 1 -> limit 2 | b hold 1 -> held for a",
    )
    .await;
}

pub async fn longest_overdue_goes_first_and_no_more_than_needed(gate: Inventory) {
    check(
        &gate,
        "stock 3 | a hold 1 -> held | +1s | b hold 1 -> held | +1s | c hold 1 -> held | +58s | d hold 1 -> held for a | +10s | e hold 2 -> held for b,c",
    )
    .await;
    check(&gate, "stock 3 | a hold 1 -> held | +60s | b hold 4 -> sold_out 3 | b hold 3 -> held for a").await;
}

pub async fn claim_after_expiry_is_refused(gate: Inventory) {
    check(
        &gate,
        "stock 1 | a hold 1 -> held | +60s | a claim -> ran_out | reading -> stock 1 held 1 sold 0 waiting 0",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | +60s | b hold 1 -> held for a | a claim -> ending | a free expired | a claim -> was expired | b claim -> ok",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | +59s | a claim -> ok | reading -> stock 1 held 0 sold 1 waiting 0",
    )
    .await;
}

pub async fn second_end_gets_a_distinct_answer(gate: Inventory) {
    check(&gate, "stock 1 | a claim -> unknown | a end -> unknown").await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | a claim -> ok | a claim -> was claimed | a end -> was claimed",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | a end -> ok | a end -> ending | a claim -> ending | a free released | a end -> was released | a claim -> was released",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | +60s | sweep 9 -> a | a end -> ending | a free expired | a end -> was expired | sweep 9 -> nobody",
    )
    .await;
    // What was claimed is not freed by a late word.
    check(
        &gate,
        "stock 1 | a hold 1 -> held | a claim -> ok | a free released | b hold 1 -> sold_out 0 | reading -> stock 1 held 0 sold 1 waiting 0",
    )
    .await;
}

pub async fn same_order_is_held_once(gate: Inventory) {
    check(
        &gate,
        "stock 9 | a hold 1 -> held | a hold 1 -> known | a wait 1 -> known | a end -> ok | a hold 1 -> known | a free released | a hold 1 -> known",
    )
    .await;
    check(&gate, "stock 1 | a hold 1 -> held | a claim -> ok | a hold 1 -> known").await;
    check(&gate, "stock 2 | a hold 2 -> held | b wait 1 -> place 1 | b wait 1 -> known | b hold 1 -> known")
        .await;
    // After expiry it may be held again: a payment that came late.
    check(
        &gate,
        "stock 1 | a hold 1 -> held | +60s | sweep 9 -> a | a free expired | a hold 1 -> held | a claim -> ok",
    )
    .await;
}

pub async fn units_come_free_only_after_free(gate: Inventory) {
    check(
        &gate,
        "stock 1 | a hold 1 -> held | a end -> ok | b hold 1 -> sold_out 0 | a free released | b hold 1 -> held",
    )
    .await;
    check(
        &gate,
        "stock 2 | a hold 2 -> held | +60s | sweep 9 -> a | b hold 1 -> sold_out 0 | a free expired | b hold 1 -> held",
    )
    .await;
    // Units of a displaced hold that the grant did not need wait for the commit as well.
    check(
        &gate,
        "stock 3 | a hold 3 -> held | +60s | b hold 1 -> held for a | c hold 2 -> sold_out 0 | a free expired | c hold 2 -> held",
    )
    .await;
    check(
        &gate,
        "stock 1 | a free expired | a hold 1 -> held | a free released | reading -> stock 1 held 0 sold 0 waiting 0",
    )
    .await;
}

pub async fn sweep_takes_at_most_so_many(gate: Inventory) {
    check(
        &gate,
        "stock 3 | a hold 1 -> held | +1s | b hold 1 -> held | +1s | c hold 1 -> held | +60s | sweep 2 -> a,b | sweep 2 -> c | sweep 2 -> nobody",
    )
    .await;
}

pub async fn limit_counts_waiting_held_and_claimed(gate: Inventory) {
    check(
        &gate,
        "stock 5 limit 2 | a hold 1 -> held | a2 hold 2 -> limit 2 | a2 hold 1 -> held | a3 hold 1 -> limit 2",
    )
    .await;
    check(
        &gate,
        "stock 5 limit 2 | a hold 2 -> held | a claim -> ok | a2 hold 1 -> limit 2 | b hold 2 -> held",
    )
    .await;
    check(
        &gate,
        "stock 1 limit 2 | b hold 1 -> held | a wait 1 -> place 1 | a2 wait 2 -> limit 2 | a2 wait 1 -> place 2 | a3 wait 1 -> limit 2",
    )
    .await;
    check(
        &gate,
        "stock 2 limit 2 | a hold 2 -> held | a end -> ok | a2 hold 1 -> limit 2 | a free released | a2 hold 2 -> held",
    )
    .await;
    check(
        &gate,
        "stock 1 limit 1 | b hold 1 -> held | a wait 1 -> place 1 | a leave -> left | a2 wait 1 -> place 1",
    )
    .await;
    check(&gate, "stock 1 limit 1 | a hold 1 -> held | +60s | a2 wait 1 -> place 1").await;
}

pub async fn first_in_line_whom_the_units_suffice_is_offered(gate: Inventory) {
    check(
        &gate,
        "stock 3 | a hold 3 -> held | b wait 2 -> place 1 | c wait 1 -> place 2 | d wait 1 -> place 3 | offer -> nobody | a end -> ok | offer -> nobody | a free released | offer -> b | c place -> 1 | offer -> c | offer -> nobody | d place -> 1",
    )
    .await;
    check(
        &gate,
        "stock 3 | a hold 2 -> held | x hold 1 -> held | b wait 2 -> place 1 | c wait 1 -> place 2 | x end -> ok | x free released | offer -> c | offer -> nobody | b place -> 1",
    )
    .await;
    // An offer is a hold like any other.
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | offer -> b | b place -> 0 | b claim -> ok | reading -> stock 1 held 0 sold 1 waiting 0",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | offer -> b | +60s | b claim -> ran_out",
    )
    .await;
}

pub async fn who_waits_goes_before_a_newcomer(gate: Inventory) {
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | c hold 1 -> sold_out 0 | offer -> b",
    )
    .await;
    // Even while the units are only overdue: nobody overtakes the line between expiry and sweep.
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | +60s | c hold 1 -> sold_out 0 | sweep 9 -> a | a free expired | c hold 1 -> sold_out 0 | offer -> b",
    )
    .await;
    // Units that are too few for anyone in line are free for who comes.
    check(
        &gate,
        "stock 3 | a hold 2 -> held | b hold 1 -> held | c wait 2 -> place 1 | b end -> ok | b free released | d hold 1 -> held",
    )
    .await;
    check(
        &gate,
        "stock 3 | a hold 1 -> held | +30s | b hold 2 -> held | c wait 2 -> place 1 | +30s | d hold 1 -> held for a",
    )
    .await;
}

pub async fn waiting_list_is_bounded_and_may_be_left(gate: Inventory) {
    check(
        &gate,
        "stock 1 | x hold 1 -> held | a wait 1 -> place 1 | b wait 1 -> place 2 | c wait 1 -> place 3 | d wait 1 -> full 3 | b leave -> left | b leave -> not there | b place -> 0 | c place -> 2 | d wait 1 -> place 3",
    )
    .await;
    check(&gate, "stock 1 | x hold 1 -> held | x claim -> ok | a wait 1 -> sold_out 0").await;
}

pub async fn close_dismisses_who_waits_and_refuses_who_comes(gate: Inventory) {
    check(
        &gate,
        "stock 2 | a hold 2 -> held | b wait 1 -> place 1 | c wait 1 -> place 2 | close -> b,c | close -> nobody | d hold 1 -> closed | d wait 1 -> sold_out 0 | b place -> 0 | a claim -> ok",
    )
    .await;
    check(
        &gate,
        "stock 2 | a hold 1 -> held | close -> nobody | b hold 1 -> closed | a end -> ok | a free released | offer -> nobody | b hold 1 -> closed",
    )
    .await;
    check(&gate, "stock 1 | a hold 1 -> held | close -> nobody | +60s | b hold 1 -> closed | sweep 9 -> a")
        .await;
}

pub async fn sold_out_flag_agrees_with_hold(gate: Inventory) {
    check(
        &gate,
        "stock 1 | sold_out -> false | a hold 1 -> held | sold_out -> true | +59s | sold_out -> true | +1s | sold_out -> false | b hold 1 -> held for a | sold_out -> true",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | a claim -> ok | sold_out -> true | +3600s | sold_out -> true | b hold 1 -> sold_out 0",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | a end -> ok | sold_out -> true | a free released | sold_out -> false",
    )
    .await;
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | sold_out -> true | b leave -> left | sold_out -> false",
    )
    .await;
    // With two units too few for the one in line, there is something to be had.
    check(
        &gate,
        "stock 3 | a hold 3 -> held | b wait 3 -> place 1 | a end -> ok | a free released | sold_out -> true | offer -> b | b end -> ok | b free released | sold_out -> false",
    )
    .await;
}

pub async fn what_nobody_has_can_be_taken_back(gate: Inventory) {
    check(
        &gate,
        "stock 4 | a hold 1 -> held | b hold 1 -> held | b claim -> ok | take_back 3 -> sold_out 2 | take_back 2 -> ok | reading -> stock 2 held 1 sold 1 waiting 0 | sold_out -> true | c hold 1 -> sold_out 0 | take_back 1 -> sold_out 0",
    )
    .await;
    // Units of an ended hold are somebody's until its end is committed, those of an overdue one until it is swept.
    check(
        &gate,
        "stock 2 | a hold 1 -> held | b hold 1 -> held | a end -> ok | take_back 1 -> sold_out 0 | a free released | take_back 1 -> ok | +60s | take_back 1 -> sold_out 0 | c hold 1 -> held for b",
    )
    .await;
    check(&gate, "stock 2 | close -> nobody | take_back 1 -> closed").await;
    assert!(matches!(gate.take_back(new_sale(), 1).await, Err(HoldRefused::NotReady { .. })));
}

pub async fn units_that_come_open_a_lot_that_was_sold_out(gate: Inventory) {
    check(
        &gate,
        "stock 1 | a hold 1 -> held | sold_out -> true | restock 3 by 2 | sold_out -> false | reading -> stock 3 held 1 sold 0 waiting 0 | b hold 2 -> held | sold_out -> true",
    )
    .await;
    // Who stands in line is before a newcomer.
    check(
        &gate,
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | restock 3 by 2 | sold_out -> true | c hold 1 -> sold_out 0 | offer -> b | c hold 1 -> held | offer -> nobody",
    )
    .await;
    check(&gate, "stock 1 | a hold 1 -> held | a claim -> ok | b wait 1 -> sold_out 0 | restock 2 by 2 | b hold 1 -> held")
        .await;
}

pub async fn late_word_of_the_stock_changes_nothing(gate: Inventory) {
    check(
        &gate,
        "stock 5 | restock 7 by 3 | restock 6 by 2 | restock 9 by 3 | reading -> stock 7 held 0 sold 0 waiting 0 | take_back 2 -> ok | restock 7 by 3 | reading -> stock 5 held 0 sold 0 waiting 0 | restock 5 by 4 | reading -> stock 5 held 0 sold 0 waiting 0",
    )
    .await;
    let mut desk = Desk::new(gate, 9);
    let snapshot = |stock, version| LotSnapshot { stock, version, ..LotSnapshot::default() };
    desk.opened(snapshot(5, 3)).await;
    desk.ask("restock 9 by 3").await;
    assert_eq!(desk.ask("reading").await, "stock 5 held 0 sold 0 waiting 0");
    // Read again while the next stock was on its way.
    desk.gate.adopt(desk.sale, &snapshot(5, 3), snapshot(8, 4)).await;
    assert_eq!(desk.ask("reading").await, "stock 8 held 0 sold 0 waiting 0");
    desk.opened(snapshot(6, 5)).await;
    desk.ask("restock 8 by 4").await;
    assert_eq!(desk.ask("reading").await, "stock 6 held 0 sold 0 waiting 0");
}

pub async fn unknown_lot_refuses_everything(gate: Inventory) {
    let desk = Desk::new(gate, 9);
    assert_eq!(desk.hold("a", 1).await, "not_ready");
    assert!(matches!(
        desk.gate.wait(desk.sale, desk.request("a", 1), 9, START).await,
        Err(HoldRefused::NotReady { .. })
    ));
    assert!(matches!(
        desk.gate.claim(desk.sale, order("a"), &buyer("a"), START).await,
        Err(EndRefused::NotReady { .. })
    ));
    assert!(matches!(
        desk.gate.end(desk.sale, order("a"), &buyer("a")).await,
        Err(EndRefused::NotReady { .. })
    ));
    assert_eq!(desk.gate.reading(desk.sale), None);
    assert_eq!(desk.gate.next_offer(desk.sale, START).await, None);
    assert!(!desk.gate.leave(desk.sale, order("a"), &buyer("a")).await);
    assert!(!desk.gate.is_sold_out(desk.sale, START));
    desk.opened(LotSnapshot { stock: 1, ..LotSnapshot::default() }).await;
    assert_eq!(desk.hold("a", 1).await, "held");
    desk.gate.forget(desk.sale).await;
    assert_eq!(desk.hold("b", 1).await, "not_ready");
}

pub async fn lot_goes_on_as_the_record_says(gate: Inventory) {
    let desk = Desk::new(gate, 3);
    let snapshot = LotSnapshot {
        stock: 6,
        version: 1,
        sold: 3,
        closed: false,
        holds: vec![
            desk.request("a", 2),
            Request { until: START + Duration::from_secs(5), ..desk.request("b", 1) },
        ],
        claimed: vec![(order("c"), buyer("c"), 1), (order("c2"), buyer("c"), 1), (order("d"), buyer("d"), 1)],
        waiting: vec![desk.request("e", 2), desk.request("f", 1)],
        ended: Vec::new(),
    };
    let mut desk = desk;
    desk.opened(snapshot.clone()).await;
    for story in [
        "reading -> stock 6 held 3 sold 3 waiting 2 | sold_out -> true | e place -> 1 | f place -> 2",
        // Both orders of c count: 2 bought, 1 left of the limit.
        "c3 wait 2 -> limit 3 | a2 wait 2 -> limit 3 | f2 wait 3 -> limit 3",
        "a claim -> ok | +5s | b claim -> ran_out | sweep 9 -> b | b free expired | offer -> f | offer -> nobody",
        "reading -> stock 6 held 1 sold 5 waiting 1",
    ] {
        for step in story.split('|') {
            let (asked, expected) = step.split_once("->").unwrap_or((step, ""));
            assert_eq!(desk.ask(asked.trim()).await, expected.trim(), "{step}");
        }
    }
    // Rebuilt: what happened since then is forgotten.
    desk.opened(LotSnapshot { closed: true, ..snapshot }).await;
    assert_eq!(desk.ask("reading").await, "stock 6 held 3 sold 3 waiting 2");
    assert_eq!(desk.ask("z hold 1").await, "closed");
    assert_eq!(desk.ask("a claim").await, "ok");
}

pub async fn lot_read_again_learns_what_was_on_its_way(gate: Inventory) {
    let mut desk = Desk::new(gate, 2);
    desk.opened(LotSnapshot { stock: 3, waiting: vec![desk.request("b", 1)], ..LotSnapshot::default() })
        .await;
    for (who, quantity) in [("a", 2), ("a", 2), ("b", 1)] {
        desk.gate.adopt_hold(desk.sale, desk.request(who, quantity)).await;
    }
    assert_eq!(desk.ask("reading").await, "stock 3 held 3 sold 0 waiting 0");
    assert_eq!(desk.ask("a2 wait 1").await, "limit 2");
    desk.gate.adopt_waiting(desk.sale, desk.request("c", 1)).await;
    desk.gate.adopt_waiting(desk.sale, desk.request("c", 1)).await;
    desk.gate.adopt_waiting(desk.sale, desk.request("a", 2)).await;
    assert_eq!(desk.ask("reading").await, "stock 3 held 3 sold 0 waiting 1");
    // What has ended is not held again.
    assert_eq!((desk.ask("a claim").await, desk.ask("b end").await), ("ok".into(), "ok".into()));
    desk.ask("b free released").await;
    desk.gate.adopt_hold(desk.sale, desk.request("a", 2)).await;
    desk.gate.adopt_hold(desk.sale, desk.request("b", 1)).await;
    assert_eq!(desk.ask("reading").await, "stock 3 held 0 sold 2 waiting 1");
    assert_eq!(desk.ask("close").await, "c");
    desk.gate.adopt_waiting(desk.sale, desk.request("d", 1)).await;
    assert_eq!(desk.ask("reading").await, "stock 3 held 0 sold 2 waiting 0");
}

pub async fn lot_catches_up_with_what_was_recorded_while_it_was_opened(gate: Inventory) {
    let mut desk = Desk::new(gate, 9);
    let claimed = |who: &str| (order(who), buyer(who), 1);
    let before = LotSnapshot {
        stock: 6,
        sold: 1,
        holds: ["a", "b", "c"].map(|who| desk.request(who, 1)).into(),
        claimed: vec![claimed("d")],
        waiting: ["e", "f"].map(|who| desk.request(who, 1)).into(),
        ..LotSnapshot::default()
    };
    // Claimed, expired, as before, recorded since; offered, left, waiting since.
    let after = LotSnapshot {
        stock: 6,
        sold: 2,
        holds: ["c", "g", "e"].map(|who| desk.request(who, 1)).into(),
        claimed: vec![claimed("d"), claimed("a")],
        waiting: vec![desk.request("h", 1)],
        ended: vec![(order("b"), HoldOutcome::Expired)],
        ..LotSnapshot::default()
    };
    desk.opened(before.clone()).await;
    desk.gate.adopt(desk.sale, &before, after.clone()).await;
    // Whoever finds that another node opened it makes known all that the record has.
    for before in [after.clone(), LotSnapshot::default()] {
        assert_eq!(desk.ask("reading").await, "stock 6 held 3 sold 2 waiting 1");
        assert_eq!(desk.ask("h place").await, "1");
        assert_eq!(desk.ask("a claim").await, "was claimed");
        assert_eq!(desk.ask("b claim").await, "was expired");
        desk.gate.adopt(desk.sale, &before, after.clone()).await;
    }
    assert_eq!((desk.ask("e claim").await, desk.ask("g claim").await), ("ok".into(), "ok".into()));
    assert_eq!(desk.ask("reading").await, "stock 6 held 1 sold 4 waiting 1");
}
