//! Laws of the gate, one by one. Most are a story that reads as it runs: `check("stock 1 | a hold 1 -> held | b hold 1 -> sold_out 0")`.
//! A second backend runs this file too: it changes `gate()` and nothing else.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::model::Subject;

mod model;

const START: Timestamp = Timestamp(1_800_000_000_000);
const SALE: SaleId = SaleId(Uuid::from_u128(1));
const WAITING_MAX: usize = 3;

fn gate() -> Inventory {
    Inventory::default()
}

/// The letters name the buyer, the whole word the order: `a` and `a2` are two orders of buyer a.
fn order(word: &str) -> OrderId {
    let bytes = word.bytes().fold(0_u128, |id, byte| id << 8 | u128::from(byte));
    OrderId(Uuid::from_u128(bytes))
}

fn word(order: OrderId) -> String {
    order.0.into_bytes().iter().filter(|byte| **byte > 0).map(|byte| char::from(*byte)).collect()
}

fn words(orders: &[OrderId]) -> String {
    let words: Vec<String> = orders.iter().map(|order| word(*order)).collect();
    if words.is_empty() { "nobody".into() } else { words.join(",") }
}

/// A story of one lot: what was asked and what was answered, step by step. `limit` and `hold` (seconds) have defaults.
async fn check(story: &str) {
    let mut steps = story.split('|').map(str::trim);
    let first = steps.next().expect("a story begins with its lot");
    let setting = |name: &str| {
        let mut words = first.split_whitespace().skip_while(|word| *word != name);
        words.nth(1).map(|number| number.parse::<u32>().expect("a number"))
    };
    let mut desk = Desk {
        gate: gate(),
        now: START,
        limit: setting("limit").unwrap_or(99),
        hold_for: Duration::from_secs(u64::from(setting("hold").unwrap_or(60))),
    };
    let stock = setting("stock").expect("a story begins with its stock");
    desk.gate.open(SALE, LotSnapshot { stock, ..LotSnapshot::default() }).await;
    for step in steps {
        let (asked, expected) = step.split_once("->").unwrap_or((step, ""));
        let answer = desk.ask(asked.trim()).await;
        assert_eq!(answer, expected.trim(), "step `{step}` of story `{story}`");
        let Reading { stock, held, sold, .. } = desk.gate.reading(SALE).expect("a lot");
        assert!(
            sold + held <= stock,
            "{sold} sold, {held} held of {stock} after `{step}` of story `{story}`"
        );
    }
}

struct Desk {
    gate: Inventory,
    now: Timestamp,
    limit: u32,
    hold_for: Duration,
}

impl Desk {
    async fn ask(&mut self, asked: &str) -> String {
        let asked_words: Vec<&str> = asked.split_whitespace().collect();
        let number = |index: usize| asked_words[index].parse::<u32>().expect("a number");
        match asked_words.as_slice() {
            [by] if by.starts_with('+') => {
                let seconds = by.trim_start_matches('+').trim_end_matches('s');
                self.now = self.now + Duration::from_secs(seconds.parse().expect("seconds"));
                String::new()
            }
            ["sold_out"] => self.gate.is_sold_out(SALE, self.now).to_string(),
            ["close"] => words(&self.gate.close(SALE).await),
            ["offer"] => {
                let offered = self.gate.next_offer(SALE, self.now + self.hold_for).await;
                offered.map_or("nobody".into(), |request| word(request.order))
            }
            ["sweep", _] => words(&self.gate.take_expired(SALE, self.now, number(1) as usize).await),
            ["reading"] => {
                let Reading { stock, held, sold, waiting } = self.gate.reading(SALE).expect("a lot");
                format!("stock {stock} held {held} sold {sold} waiting {waiting}")
            }
            [who, "hold", _] => self.hold(who, number(2)).await,
            [who, "wait", _] => {
                let request = self.request(who, number(2));
                match self.gate.wait(SALE, request, WAITING_MAX, self.now).await {
                    Ok(place) => format!("place {place}"),
                    Err(refused) => refusal(refused),
                }
            }
            [who, "claim"] => ended(self.gate.claim(SALE, order(who), self.now).await),
            [who, "end"] => ended(self.gate.end(SALE, order(who)).await),
            [who, "free", outcome] => {
                let all = [HoldOutcome::Claimed, HoldOutcome::Released, HoldOutcome::Expired];
                let outcome = all.into_iter().find(|it| it.name() == *outcome).expect("an outcome");
                self.gate.free(SALE, order(who), outcome).await;
                String::new()
            }
            [who, "leave"] => {
                if self.gate.leave(SALE, order(who)).await { "left" } else { "not there" }.into()
            }
            [who, "place"] => self.gate.waiting_place(SALE, order(who)).await.to_string(),
            _ => panic!("a story does not know `{asked}`"),
        }
    }

    async fn hold(&self, who: &str, quantity: u32) -> String {
        let flagged = self.gate.is_sold_out(SALE, self.now);
        let answer = self.gate.hold(SALE, self.request(who, quantity), self.now).await;
        assert!(!(flagged && answer.is_ok()), "the flag said sold out, and {who} was granted {quantity}");
        match answer {
            Ok(grant) if grant.displaced.is_empty() => "held".into(),
            Ok(grant) => format!("held for {}", words(&grant.displaced)),
            Err(refused) => refusal(refused),
        }
    }

    fn request(&self, who: &str, quantity: u32) -> Request {
        let buyer = who.trim_end_matches(|c: char| c.is_ascii_digit()).parse().expect("a buyer");
        Request { order: order(who), buyer, quantity, limit: self.limit, until: self.now + self.hold_for }
    }
}

fn refusal(refused: HoldRefused) -> String {
    match refused {
        HoldRefused::NotReady => "not_ready".into(),
        HoldRefused::Closed => "closed".into(),
        HoldRefused::SoldOut { left } => format!("sold_out {left}"),
        HoldRefused::LimitReached { limit } => format!("limit {limit}"),
        HoldRefused::Known => "known".into(),
        HoldRefused::WaitingListFull { max } => format!("full {max}"),
    }
}

fn ended(answer: Result<(), EndRefused>) -> String {
    match answer {
        Ok(()) => "ok".into(),
        Err(EndRefused::Unknown) => "unknown".into(),
        Err(EndRefused::RanOut) => "ran_out".into(),
        Err(EndRefused::Ending) => "ending".into(),
        Err(EndRefused::Ended(outcome)) => format!("was {}", outcome.name()),
    }
}

#[tokio::test]
async fn expired_hold_is_free_before_any_sweep() {
    check(
        "stock 1 | a hold 1 -> held | b hold 1 -> sold_out 0 | +59s | b hold 1 -> sold_out 0 | +1s | b hold 1 -> held for a",
    ).await;
    check(
        "stock 3 | a hold 3 -> held | +60s | b hold 2 -> held for a | reading -> stock 3 held 3 sold 0 waiting 0",
    ).await;
    // For its own buyer too: an overdue hold does not count towards the limit.
    check("stock 2 limit 2 | a hold 2 -> held | a2 hold 1 -> limit 2 | +60s | a2 hold 2 -> held for a").await;
    check(
        "stock 4 limit 2 | a hold 2 -> held | +60s | a2 hold 2 -> held | a3 hold 1 -> limit 2 | b hold 1 -> held for a",
    ).await;
}

#[tokio::test]
async fn longest_overdue_goes_first_and_no_more_than_needed() {
    check(
        "stock 3 | a hold 1 -> held | +1s | b hold 1 -> held | +1s | c hold 1 -> held | +58s | d hold 1 -> held for a | +10s | e hold 2 -> held for b,c",
    ).await;
    check("stock 3 | a hold 1 -> held | +60s | b hold 4 -> sold_out 3 | b hold 3 -> held for a").await;
}

#[tokio::test]
async fn claim_after_expiry_is_refused() {
    check(
        "stock 1 | a hold 1 -> held | +60s | a claim -> ran_out | reading -> stock 1 held 1 sold 0 waiting 0",
    )
    .await;
    check(
        "stock 1 | a hold 1 -> held | +60s | b hold 1 -> held for a | a claim -> ending | a free expired | a claim -> was expired | b claim -> ok",
    ).await;
    check("stock 1 | a hold 1 -> held | +59s | a claim -> ok | reading -> stock 1 held 0 sold 1 waiting 0")
        .await;
}

#[tokio::test]
async fn second_end_gets_a_distinct_answer() {
    check("stock 1 | a claim -> unknown | a end -> unknown").await;
    check("stock 1 | a hold 1 -> held | a claim -> ok | a claim -> was claimed | a end -> was claimed").await;
    check(
        "stock 1 | a hold 1 -> held | a end -> ok | a end -> ending | a claim -> ending | a free released | a end -> was released | a claim -> was released",
    ).await;
    check(
        "stock 1 | a hold 1 -> held | +60s | sweep 9 -> a | a end -> ending | a free expired | a end -> was expired | sweep 9 -> nobody",
    ).await;
    // What was claimed is not freed by a late word.
    check(
        "stock 1 | a hold 1 -> held | a claim -> ok | a free released | b hold 1 -> sold_out 0 | reading -> stock 1 held 0 sold 1 waiting 0",
    ).await;
}

#[tokio::test]
async fn same_order_is_held_once() {
    check(
        "stock 9 | a hold 1 -> held | a hold 1 -> known | a wait 1 -> known | a end -> ok | a hold 1 -> known | a free released | a hold 1 -> known",
    ).await;
    check("stock 1 | a hold 1 -> held | a claim -> ok | a hold 1 -> known").await;
    check("stock 2 | a hold 2 -> held | b wait 1 -> place 1 | b wait 1 -> known | b hold 1 -> known").await;
    // After expiry it may be held again: a payment that came late.
    check(
        "stock 1 | a hold 1 -> held | +60s | sweep 9 -> a | a free expired | a hold 1 -> held | a claim -> ok",
    ).await;
}

#[tokio::test]
async fn units_come_free_only_after_free() {
    check(
        "stock 1 | a hold 1 -> held | a end -> ok | b hold 1 -> sold_out 0 | a free released | b hold 1 -> held",
    ).await;
    check(
        "stock 2 | a hold 2 -> held | +60s | sweep 9 -> a | b hold 1 -> sold_out 0 | a free expired | b hold 1 -> held",
    ).await;
    // Units of a displaced hold that the grant did not need wait for the commit as well.
    check(
        "stock 3 | a hold 3 -> held | +60s | b hold 1 -> held for a | c hold 2 -> sold_out 0 | a free expired | c hold 2 -> held",
    ).await;
    check(
        "stock 1 | a free expired | a hold 1 -> held | a free released | reading -> stock 1 held 0 sold 0 waiting 0",
    ).await;
}

#[tokio::test]
async fn sweep_takes_at_most_so_many() {
    check(
        "stock 3 | a hold 1 -> held | +1s | b hold 1 -> held | +1s | c hold 1 -> held | +60s | sweep 2 -> a,b | sweep 2 -> c | sweep 2 -> nobody",
    ).await;
}

#[tokio::test]
async fn limit_counts_waiting_held_and_claimed() {
    check(
        "stock 5 limit 2 | a hold 1 -> held | a2 hold 2 -> limit 2 | a2 hold 1 -> held | a3 hold 1 -> limit 2",
    ).await;
    check("stock 5 limit 2 | a hold 2 -> held | a claim -> ok | a2 hold 1 -> limit 2 | b hold 2 -> held")
        .await;
    check(
        "stock 1 limit 2 | b hold 1 -> held | a wait 1 -> place 1 | a2 wait 2 -> limit 2 | a2 wait 1 -> place 2 | a3 wait 1 -> limit 2",
    ).await;
    check(
        "stock 2 limit 2 | a hold 2 -> held | a end -> ok | a2 hold 1 -> limit 2 | a free released | a2 hold 2 -> held",
    ).await;
    check(
        "stock 1 limit 1 | b hold 1 -> held | a wait 1 -> place 1 | a leave -> left | a2 wait 1 -> place 1",
    )
    .await;
    check("stock 1 limit 1 | a hold 1 -> held | +60s | a2 wait 1 -> place 1").await;
}

#[tokio::test]
async fn first_in_line_whom_the_units_suffice_is_offered() {
    check(
        "stock 3 | a hold 3 -> held | b wait 2 -> place 1 | c wait 1 -> place 2 | d wait 1 -> place 3 | offer -> nobody | a end -> ok | offer -> nobody | a free released | offer -> b | c place -> 1 | offer -> c | offer -> nobody | d place -> 1",
    ).await;
    check(
        "stock 3 | a hold 2 -> held | x hold 1 -> held | b wait 2 -> place 1 | c wait 1 -> place 2 | x end -> ok | x free released | offer -> c | offer -> nobody | b place -> 1",
    ).await;
    // An offer is a hold like any other.
    check(
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | offer -> b | b place -> 0 | b claim -> ok | reading -> stock 1 held 0 sold 1 waiting 0",
    ).await;
    check(
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | offer -> b | +60s | b claim -> ran_out",
    ).await;
}

#[tokio::test]
async fn who_waits_goes_before_a_newcomer() {
    check(
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | c hold 1 -> sold_out 0 | offer -> b",
    ).await;
    // Even while the units are only overdue: nobody overtakes the line between expiry and sweep.
    check(
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | +60s | c hold 1 -> sold_out 0 | sweep 9 -> a | a free expired | c hold 1 -> sold_out 0 | offer -> b",
    ).await;
    // Units that are too few for anyone in line are free for who comes.
    check(
        "stock 3 | a hold 2 -> held | b hold 1 -> held | c wait 2 -> place 1 | b end -> ok | b free released | d hold 1 -> held",
    ).await;
    check(
        "stock 3 | a hold 1 -> held | +30s | b hold 2 -> held | c wait 2 -> place 1 | +30s | d hold 1 -> held for a",
    ).await;
}

#[tokio::test]
async fn waiting_list_is_bounded_and_may_be_left() {
    check(
        "stock 1 | x hold 1 -> held | a wait 1 -> place 1 | b wait 1 -> place 2 | c wait 1 -> place 3 | d wait 1 -> full 3 | b leave -> left | b leave -> not there | b place -> 0 | c place -> 2 | d wait 1 -> place 3",
    ).await;
    check("stock 1 | x hold 1 -> held | x claim -> ok | a wait 1 -> sold_out 0").await;
}

#[tokio::test]
async fn close_dismisses_who_waits_and_refuses_who_comes() {
    check(
        "stock 2 | a hold 2 -> held | b wait 1 -> place 1 | c wait 1 -> place 2 | close -> b,c | close -> nobody | d hold 1 -> closed | d wait 1 -> sold_out 0 | b place -> 0 | a claim -> ok",
    ).await;
    check(
        "stock 2 | a hold 1 -> held | close -> nobody | b hold 1 -> closed | a end -> ok | a free released | offer -> nobody | b hold 1 -> closed",
    ).await;
    check("stock 1 | a hold 1 -> held | close -> nobody | +60s | b hold 1 -> closed | sweep 9 -> a").await;
}

#[tokio::test]
async fn sold_out_flag_agrees_with_hold() {
    check(
        "stock 1 | sold_out -> false | a hold 1 -> held | sold_out -> true | +59s | sold_out -> true | +1s | sold_out -> false | b hold 1 -> held for a | sold_out -> true",
    ).await;
    check(
        "stock 1 | a hold 1 -> held | a claim -> ok | sold_out -> true | +3600s | sold_out -> true | b hold 1 -> sold_out 0",
    ).await;
    check(
        "stock 1 | a hold 1 -> held | a end -> ok | sold_out -> true | a free released | sold_out -> false",
    )
    .await;
    check(
        "stock 1 | a hold 1 -> held | b wait 1 -> place 1 | a end -> ok | a free released | sold_out -> true | b leave -> left | sold_out -> false",
    ).await;
    // With two units too few for the one in line, there is something to be had.
    check(
        "stock 3 | a hold 3 -> held | b wait 3 -> place 1 | a end -> ok | a free released | sold_out -> true | offer -> b | b end -> ok | b free released | sold_out -> false",
    ).await;
}

#[tokio::test]
async fn unknown_lot_refuses_everything() {
    let desk = Desk { gate: gate(), now: START, limit: 9, hold_for: Duration::from_secs(60) };
    assert_eq!(desk.hold("a", 1).await, "not_ready");
    assert_eq!(desk.gate.wait(SALE, desk.request("a", 1), 9, START).await, Err(HoldRefused::NotReady));
    assert_eq!(desk.gate.claim(SALE, order("a"), START).await, Err(EndRefused::Unknown));
    assert_eq!(desk.gate.end(SALE, order("a")).await, Err(EndRefused::Unknown));
    assert_eq!(desk.gate.reading(SALE), None);
    assert_eq!(desk.gate.next_offer(SALE, START).await, None);
    assert!(!desk.gate.leave(SALE, order("a")).await);
    assert!(!desk.gate.is_sold_out(SALE, START));
    desk.gate.open(SALE, LotSnapshot { stock: 1, ..LotSnapshot::default() }).await;
    assert_eq!(desk.hold("a", 1).await, "held");
    desk.gate.forget(SALE).await;
    assert_eq!(desk.hold("b", 1).await, "not_ready");
}

#[tokio::test]
async fn lot_goes_on_as_the_record_says() {
    let desk = Desk { gate: gate(), now: START, limit: 3, hold_for: Duration::from_secs(60) };
    let buyer = |name: &str| -> Subject { name.parse().unwrap() };
    let snapshot = LotSnapshot {
        stock: 6,
        sold: 3,
        closed: false,
        holds: vec![
            desk.request("a", 2),
            Request { until: START + Duration::from_secs(5), ..desk.request("b", 1) },
        ],
        claimed: vec![(order("c"), buyer("c"), 1), (order("c2"), buyer("c"), 1), (order("d"), buyer("d"), 1)],
        waiting: vec![desk.request("e", 2), desk.request("f", 1)],
    };
    let mut desk = desk;
    desk.gate.open(SALE, snapshot.clone()).await;
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
    desk.gate.open(SALE, LotSnapshot { closed: true, ..snapshot }).await;
    assert_eq!(desk.ask("reading").await, "stock 6 held 3 sold 3 waiting 2");
    assert_eq!(desk.ask("z hold 1").await, "closed");
    assert_eq!(desk.ask("a claim").await, "ok");
}

#[tokio::test]
async fn lot_read_again_learns_what_was_on_its_way() {
    let mut desk = Desk { gate: gate(), now: START, limit: 2, hold_for: Duration::from_secs(60) };
    desk.gate
        .open(SALE, LotSnapshot { stock: 3, waiting: vec![desk.request("b", 1)], ..LotSnapshot::default() })
        .await;
    for (who, quantity) in [("a", 2), ("a", 2), ("b", 1)] {
        desk.gate.adopt_hold(SALE, desk.request(who, quantity)).await;
    }
    assert_eq!(desk.ask("reading").await, "stock 3 held 3 sold 0 waiting 0");
    assert_eq!(desk.ask("a2 wait 1").await, "limit 2");
    desk.gate.adopt_waiting(SALE, desk.request("c", 1)).await;
    desk.gate.adopt_waiting(SALE, desk.request("c", 1)).await;
    desk.gate.adopt_waiting(SALE, desk.request("a", 2)).await;
    assert_eq!(desk.ask("reading").await, "stock 3 held 3 sold 0 waiting 1");
    // What has ended is not held again.
    assert_eq!((desk.ask("a claim").await, desk.ask("b end").await), ("ok".into(), "ok".into()));
    desk.ask("b free released").await;
    desk.gate.adopt_hold(SALE, desk.request("a", 2)).await;
    desk.gate.adopt_hold(SALE, desk.request("b", 1)).await;
    assert_eq!(desk.ask("reading").await, "stock 3 held 0 sold 2 waiting 1");
    assert_eq!(desk.ask("close").await, "c");
    desk.gate.adopt_waiting(SALE, desk.request("d", 1)).await;
    assert_eq!(desk.ask("reading").await, "stock 3 held 0 sold 2 waiting 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn hundred_buyers_ten_pieces_sell_ten() {
    let gate = gate();
    gate.open(SALE, LotSnapshot { stock: 10, ..LotSnapshot::default() }).await;
    let all_here = Arc::new(tokio::sync::Barrier::new(100));
    let buyers: Vec<_> = (0..100_u32)
        .map(|n| {
            let (gate, all_here) = (gate.clone(), Arc::clone(&all_here));
            tokio::spawn(async move {
                let id = OrderId(Uuid::from_u128(1_000 + u128::from(n)));
                let buyer = format!("b{n}").parse().unwrap();
                let until = START + Duration::from_secs(60);
                let request = Request { order: id, buyer, quantity: 1, limit: 1, until };
                all_here.wait().await;
                match gate.hold(SALE, request, START).await {
                    Ok(_) => {
                        assert_eq!(gate.claim(SALE, id, START).await, Ok(()));
                        true
                    }
                    Err(HoldRefused::SoldOut { left: 0 }) => false,
                    Err(other) => panic!("buyer {n} was refused: {other}"),
                }
            })
        })
        .collect();
    let mut granted = 0;
    for buyer in buyers {
        granted += u32::from(buyer.await.unwrap());
    }
    assert_eq!(granted, 10);
    assert_eq!(gate.reading(SALE), Some(Reading { stock: 10, held: 0, sold: 10, waiting: 0 }));
    assert!(gate.is_sold_out(SALE, START));
}

/// Buyers who cancel at once make room: with enough tries everything is sold, and never more.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn buyers_who_hold_end_and_claim_at_once_never_pass_the_stock() {
    let gate = gate();
    gate.open(SALE, LotSnapshot { stock: 20, ..LotSnapshot::default() }).await;
    let buyers: Vec<_> = (0..8_u32)
        .map(|n| {
            let gate = gate.clone();
            tokio::spawn(async move {
                let mut claimed = 0;
                for round in 0..500_u32 {
                    let id = OrderId(Uuid::from_u128(u128::from(n) << 32 | u128::from(round) | 1 << 64));
                    let buyer = format!("b{n}").parse().unwrap();
                    let (quantity, until) = (1 + round % 3, START + Duration::from_secs(60));
                    let request = Request { order: id, buyer, quantity, limit: 99, until };
                    if gate.hold(SALE, request, START).await.is_ok() {
                        if round % 7 == 0 {
                            gate.claim(SALE, id, START).await.unwrap();
                            claimed += quantity;
                        } else {
                            gate.end(SALE, id).await.unwrap();
                            gate.free(SALE, id, HoldOutcome::Released).await;
                        }
                    }
                    let Reading { stock, sold, .. } = gate.reading(SALE).unwrap();
                    assert!(sold <= stock);
                }
                claimed
            })
        })
        .collect();
    let mut sold = 0;
    for buyer in buyers {
        sold += buyer.await.unwrap();
    }
    assert_eq!(gate.reading(SALE), Some(Reading { stock: 20, held: 0, sold, waiting: 0 }));
    assert!(sold >= 18, "units that came back were not sold: {sold}");
}
