//! Random schedules: several buyers, retries, events told twice, time that jumps, restarts. Whatever they do, the auditor's rules hold
//! after every step, every answer agrees with the record, and no unit stays unsold while somebody wants it.

use proptest::prelude::*;

use super::*;

const WORDS: [&str; 8] = ["ann", "ann2", "bo", "bo2", "cy", "cy2", "di", "di2"];

#[derive(Clone, Debug)]
enum Step {
    Place {
        who: usize,
        quantity: u32,
        wait: bool,
    },
    Cancel(usize),
    Pay(usize),
    /// Yes or no to the newest payment, and how often it is told.
    Answer {
        who: usize,
        yes: bool,
        times: usize,
    },
    Capture(usize),
    /// Every refund that was asked for is done.
    PaidBack,
    Refund {
        who: usize,
        share: i64,
    },
    Ship(usize),
    Confirm(usize),
    Pass(u64),
    Sweep,
    Close,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..WORDS.len();
    let step = prop_oneof![
        14 => (who.clone(), 1..3_u32, any::<bool>()).prop_map(|(who, quantity, wait)| Step::Place { who, quantity, wait }),
        4 => who.clone().prop_map(Step::Cancel),
        10 => who.clone().prop_map(Step::Pay),
        10 => (who.clone(), prop::bool::weighted(0.75), 1..3_usize).prop_map(|(who, yes, times)| Step::Answer { who, yes, times }),
        3 => who.clone().prop_map(Step::Capture),
        2 => Just(Step::PaidBack),
        2 => (who.clone(), 1..4_i64).prop_map(|(who, share)| Step::Refund { who, share }),
        2 => who.clone().prop_map(Step::Ship),
        2 => who.prop_map(Step::Confirm),
        8 => (1..45_u64).prop_map(Step::Pass),
        5 => Just(Step::Sweep),
        1 => Just(Step::Close),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..60)
}

/// The arrows of an order's life that one step may take, several at a time.
fn may_become(from: &str, to: &str) -> bool {
    let follows: &[&str] = match from {
        "waiting" => &["held", "released", "expired", "paid"],
        "held" => &["paid", "released", "expired"],
        "expired" => &["paid"],
        "paid" => &["shipped", "refunded"],
        "shipped" => &["confirmed", "refunded"],
        "confirmed" => &["refunded"],
        _ => &[],
    };
    from == to || follows.contains(&to)
}

struct Run {
    shop: Shop,
    stages: std::collections::HashMap<&'static str, &'static str>,
    events: u64,
}

impl Run {
    async fn step(&mut self, step: &Step) {
        let shop = &self.shop;
        match *step {
            Step::Place { who, quantity, wait } => {
                let who = WORDS[who];
                let before = shop.sales.order(order(who)).await.unwrap();
                let answer =
                    if wait { shop.wait(who, quantity).await } else { shop.place(who, quantity).await };
                match (before, answer) {
                    (Some(before), Ok(again)) => {
                        assert!(!again.fresh);
                        assert_eq!(again.view.order, before.order, "a retry changes nothing");
                    }
                    (Some(before), Err(refused)) => {
                        assert_eq!(refused, StoreError::ContentDiffers.into());
                        assert!(before.order.quantity != quantity || before.order.wait != wait);
                    }
                    (None, Ok(placed)) => assert!(placed.fresh),
                    (None, Err(Refusal::SoldOut { left })) => assert!(left < quantity),
                    (None, Err(Refusal::LimitReached { limit: 3 } | Refusal::Sale(SaleRefused::Closed))) => {}
                    (None, Err(Refusal::WaitingListFull { .. })) => assert!(wait),
                    (None, Err(other)) => panic!("{who} was refused: {other}"),
                }
            }
            Step::Cancel(who) => drop(shop.cancel(WORDS[who]).await),
            Step::Pay(who) => drop(shop.pay(WORDS[who]).await),
            Step::Answer { who, yes, times } => {
                let Ok(payment) = shop.sales.payment_of(order(WORDS[who])).await else { return };
                self.events += 1;
                for _ in 0..times {
                    let news = match yes {
                        true => ProviderNews::Authorised { payment },
                        false => ProviderNews::Declined { payment, reason: "no funds".into() },
                    };
                    assert_eq!(shop.tell(&format!("evt-{}", self.events), news).await, Ok(()));
                }
            }
            Step::Capture(who) => {
                let Ok(payment) = shop.sales.payment_of(order(WORDS[who])).await else { return };
                let news = ProviderNews::Captured { payment, fee: cny(12) };
                let told = shop.tell(&format!("cap-{payment}"), news).await;
                assert!(told == Ok(()) || told == Err(StoreError::Stale.into()), "{told:?}");
            }
            Step::PaidBack => {
                for task in shop.sales.0.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap() {
                    if let Task::Refund(refund) = task {
                        for _ in 0..2 {
                            shop.tell(&format!("back-{refund}"), ProviderNews::Refunded { refund })
                                .await
                                .unwrap();
                        }
                    }
                }
            }
            Step::Refund { who, share } => {
                self.events += 1;
                let id = RefundId(Uuid::from_u128(u128::from(self.events)));
                let (amount, ops) = (cny(PRICE * share / 3), "ops".parse().unwrap());
                drop(
                    shop.sales
                        .refund(order(WORDS[who]), Some(amount), "bruised".into(), id, None, &ops, shop.now())
                        .await,
                );
            }
            Step::Ship(who) => {
                let step = ShipStep::Ship { carrier: "SF".into(), tracking_number: "SF12345".into() };
                drop(shop.sales.ship(order(WORDS[who]), step, shop.now()).await);
            }
            Step::Confirm(who) => {
                drop(shop.sales.ship(order(WORDS[who]), ShipStep::Confirm, shop.now()).await)
            }
            Step::Pass(seconds) => shop.pass(Duration::from_secs(seconds)),
            Step::Sweep => shop.sweep().await,
            Step::Close => drop(shop.close().await),
            Step::Restart => {}
        }
    }

    /// Memory and record say the same, and every order went along an arrow.
    async fn compare(&mut self, step: &Step) {
        for who in WORDS {
            let Some(view) = self.shop.sales.order(order(who)).await.unwrap() else { continue };
            let recorded = self.shop.sales.0.journal.order(order(who)).await.unwrap();
            assert_eq!(Some(&view.order), recorded.as_ref(), "{who} after {step:?}");
            let stage = view.order.stage.name();
            if let Some(before) = self.stages.insert(who, stage) {
                assert!(may_become(before, stage), "{who} went from {before} to {stage} by {step:?}");
            }
        }
        let [_, held, sold, waiting] = self.shop.stock();
        let recorded = self.shop.sql("SELECT held * 10000 + sold * 100 + (SELECT count(*) FROM orders WHERE stage = 'waiting') FROM lots");
        assert_eq!(i64::from(held * 10_000 + sold * 100 + waiting), recorded, "after {step:?}");
    }

    /// Holds run out, offers are made and refused: in the end everything that is left can be had by who comes fresh.
    async fn nothing_is_left_unsold(&self) {
        let shop = &self.shop;
        for _ in 0..10 {
            shop.pass(HOLD);
            // Only holds and offers run out here, not the sale.
            let SaleState::Open { closes_at } = shop.sales.view(shop.sale).unwrap().sale.state else {
                return;
            };
            if closes_at <= shop.now() {
                return;
            }
            shop.sweep().await;
            let [left, held, sold, waiting] = shop.stock();
            if held == 0 && waiting == 0 && sold < 5 {
                assert_eq!(left + sold, 5);
                for n in 0..left {
                    let who = format!("fresh{}", char::from(b'a' + u8::try_from(n).unwrap()));
                    assert!(shop.place(&who, 1).await.unwrap().fresh, "{left} left, and {who} got none");
                }
                assert_eq!(shop.stock(), [0, left, sold, 0]);
                shop.audit();
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rules_hold_after_every_step(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run { shop: Shop::open(5, 3).await, stages: Default::default(), events: 0 };
            for step in &steps {
                if matches!(step, Step::Restart) {
                    let Run { shop, stages, events } = run;
                    run = Run { shop: shop.restarted().await, stages, events };
                } else {
                    run.step(step).await;
                }
                run.compare(step).await;
                run.shop.audit();
            }
            run.nothing_is_left_unsold().await;
        });
    }
}
