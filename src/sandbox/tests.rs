//! The provider as its callers see it: requests on one side, a receiver on a real socket on the other. The clock stands still
//! where a test is about time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::model::Currency;
use receiver::{Receiver, Told, target};

mod receiver;

const SEED: u64 = 20_260_101;
const NONE: Backlog = Backlog { waiting: 0, given_up: 0 };
const ALWAYS: u32 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

struct Desk {
    folder: TempDir,
    receiver: Receiver,
    clock: Clock,
    sandbox: Sandbox,
}

impl Desk {
    /// The clock stands at the present, since the receiver compares signatures with its own.
    async fn still(knobs: Knobs, status: u16) -> Self {
        Self::with(knobs, Clock::manual(Clock::System.now()), status).await
    }

    async fn live(knobs: Knobs, status: u16) -> Self {
        Self::with(knobs, Clock::System, status).await
    }

    async fn with(knobs: Knobs, clock: Clock, status: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start(status).await;
        let sandbox = open(folder.path().join("sandbox.db"), &receiver, knobs, &clock).await.unwrap();
        Self { folder, receiver, clock, sandbox }
    }

    async fn pay(&self, n: u128, method: Method) {
        assert_eq!(self.sandbox.authorise(payment(n), yuan(1_250), method).await, Ok(()));
    }

    async fn paid(&mut self, n: u128) {
        self.pay(n, Method::SandboxApprove).await;
        assert_eq!(self.told().await, ("payment.authorised".to_owned(), payment(n).to_string()));
    }

    async fn told(&mut self) -> (String, String) {
        let told = self.receiver.told().await;
        (told.kind().to_owned(), told.payment().to_owned())
    }

    /// Everything was delivered and the receiver has read it all.
    async fn nothing_more(&mut self) {
        assert_eq!(self.sandbox.drain(PATIENCE).await, NONE);
        assert_eq!(self.receiver.told_already(), None);
    }
}

async fn open(
    path: PathBuf,
    receiver: &Receiver,
    knobs: Knobs,
    clock: &Clock,
) -> Result<Sandbox, SandboxError> {
    Sandbox::open(&path, receiver.target(), knobs, Chance::seeded(SEED), clock.clone()).await
}

fn payment(n: u128) -> PaymentId {
    PaymentId(Uuid::from_u128(n))
}

fn refund(n: u128) -> RefundId {
    RefundId(Uuid::from_u128(n))
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

#[tokio::test]
async fn approved_then_captured_with_a_fee_then_refunded_in_parts() {
    let mut desk = Desk::still(Knobs::default(), 204).await;
    let at = desk.clock.now().millis().to_string();
    desk.paid(1).await;

    assert_eq!(desk.sandbox.capture(payment(1)).await, Ok(()));
    let captured = desk.receiver.told().await;
    assert_eq!((captured.kind(), captured.data("feeMinor")), ("payment.captured", "8"));
    assert_eq!(captured.body["timestamp"], at);

    assert_eq!(desk.sandbox.refund(refund(1), payment(1), yuan(450)).await, Ok(()));
    let refunded = desk.receiver.told().await;
    assert_eq!((refunded.kind(), refunded.data("amountMinor")), ("refund.succeeded", "450"));
    assert_eq!(refunded.data("refund"), refund(1).to_string());

    let too_much = desk.sandbox.refund(refund(2), payment(1), yuan(801)).await;
    assert_eq!(too_much, Err(ProviderError::OverRefund { left: yuan(800) }));
    assert_eq!(desk.sandbox.refund(refund(2), payment(1), yuan(800)).await, Ok(()));
    assert_eq!(desk.told().await.0, "refund.succeeded");
    let nothing_left = desk.sandbox.refund(refund(3), payment(1), yuan(1)).await;
    assert_eq!(nothing_left, Err(ProviderError::OverRefund { left: yuan(0) }));
    desk.nothing_more().await;
}

#[tokio::test]
async fn declined_says_why_and_moves_no_money() {
    let mut desk = Desk::still(Knobs::default(), 204).await;
    desk.pay(1, Method::SandboxDecline).await;
    let declined = desk.receiver.told().await;
    assert_eq!(
        (declined.kind(), declined.data("reason")),
        ("payment.declined", "insufficient funds (sandbox)")
    );
    assert_eq!(desk.sandbox.capture(payment(1)).await, Err(ProviderError::NotAuthorised));
    let refused = desk.sandbox.refund(refund(1), payment(1), yuan(1)).await;
    assert_eq!(refused, Err(ProviderError::NotAuthorised));
    desk.nothing_more().await;
}

#[tokio::test]
async fn slow_is_authorised_after_the_hold_and_not_before() {
    for (slow_ms, wait_ms) in [(0, 150_000), (60_000, 60_000)] {
        let mut desk = Desk::still(Knobs { slow_ms, ..Knobs::default() }, 204).await;
        desk.pay(1, Method::SandboxSlow).await;
        desk.clock.advance(Duration::from_millis(wait_ms - 1));
        desk.paid(2).await;
        assert_eq!(desk.sandbox.capture(payment(1)).await, Err(ProviderError::NotAuthorised));
        desk.sandbox.inner.backlog.clone().wait_for(|left| left.waiting == 1).await.unwrap();
        desk.clock.advance(Duration::from_millis(1));
        assert_eq!(desk.sandbox.capture(payment(1)).await, Ok(()));
        let mut kinds = [desk.told().await.0, desk.told().await.0];
        kinds.sort();
        assert_eq!(kinds, ["payment.authorised", "payment.captured"]);
        desk.nothing_more().await;
    }
}

#[tokio::test]
async fn the_same_request_again_has_one_effect_and_another_under_its_id_is_refused() {
    let mut desk = Desk::still(Knobs::default(), 204).await;
    let sandbox = desk.sandbox.clone();
    desk.paid(1).await;
    desk.pay(1, Method::SandboxApprove).await;
    for (amount, method) in [
        (yuan(1_251), Method::SandboxApprove),
        (yuan(1_250), Method::SandboxSlow),
        (dollars(1_250), Method::SandboxApprove),
    ] {
        assert_eq!(sandbox.authorise(payment(1), amount, method).await, Err(ProviderError::ContentDiffers));
    }
    assert_eq!((sandbox.capture(payment(1)).await, sandbox.capture(payment(1)).await), (Ok(()), Ok(())));
    assert_eq!(desk.told().await.0, "payment.captured");
    for _ in 0..2 {
        assert_eq!(sandbox.refund(refund(1), payment(1), yuan(1_250)).await, Ok(()));
    }
    assert_eq!(desk.told().await.0, "refund.succeeded");
    desk.paid(2).await;
    for (of, amount) in [(payment(1), yuan(1)), (payment(2), yuan(1_250))] {
        assert_eq!(sandbox.refund(refund(1), of, amount).await, Err(ProviderError::ContentDiffers));
    }
    desk.nothing_more().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let mut desk = Desk::still(Knobs::default(), 204).await;
    let sandbox = desk.sandbox.clone();
    for minor in [0, -1, i64::MIN, i64::MAX] {
        let refused = sandbox.authorise(payment(1), yuan(minor), Method::SandboxApprove).await;
        assert!(matches!(refused, Err(ProviderError::Amount(_))), "{minor}: {refused:?}");
        let refused = sandbox.refund(refund(1), payment(1), yuan(minor)).await;
        assert!(matches!(refused, Err(ProviderError::Amount(_))), "{minor}: {refused:?}");
    }
    assert_eq!(sandbox.capture(payment(1)).await, Err(ProviderError::UnknownPayment));
    assert_eq!(sandbox.refund(refund(1), payment(1), yuan(1)).await, Err(ProviderError::UnknownPayment));
    desk.paid(1).await;
    let other_currency = sandbox.refund(refund(1), payment(1), dollars(1)).await;
    assert_eq!(other_currency, Err(ProviderError::OverRefund { left: yuan(1_250) }));
    let knobs = Knobs { delay_ms: 600_001, ..Knobs::default() };
    assert_eq!(sandbox.set_knobs(knobs).map_err(|bound| bound.field), Err("delayMs"));
    assert_eq!(sandbox.knobs(), Knobs::default());
    desk.nothing_more().await;
}

#[tokio::test]
async fn a_refund_before_capture_leaves_the_rest_to_capture() {
    let mut desk = Desk::still(Knobs::default(), 204).await;
    desk.paid(1).await;
    assert_eq!(desk.sandbox.refund(refund(1), payment(1), yuan(250)).await, Ok(()));
    assert_eq!(desk.told().await.0, "refund.succeeded");
    assert_eq!(desk.sandbox.capture(payment(1)).await, Ok(()));
    let captured = desk.receiver.told().await;
    assert_eq!((captured.data("amountMinor"), captured.data("feeMinor")), ("1000", "6"));
    desk.paid(2).await;
    assert_eq!(desk.sandbox.refund(refund(2), payment(2), yuan(1_250)).await, Ok(()));
    assert_eq!(desk.sandbox.capture(payment(2)).await, Err(ProviderError::Refunded));
}

#[tokio::test]
async fn delay_holds_a_webhook_back_and_not_the_payment() {
    let mut desk = Desk::still(Knobs { delay_ms: 5_000, ..Knobs::default() }, 204).await;
    desk.pay(1, Method::SandboxApprove).await;
    desk.sandbox.set_knobs(Knobs::default()).unwrap();
    assert_eq!(desk.sandbox.capture(payment(1)).await, Ok(()));
    assert_eq!(desk.told().await.0, "payment.captured");
    desk.clock.advance(Duration::from_secs(5));
    assert_eq!(desk.told().await.0, "payment.authorised");
}

#[tokio::test]
async fn duplicate_sends_the_same_event_twice() {
    let mut desk = Desk::still(Knobs { duplicate_ppm: ALWAYS, ..Knobs::default() }, 204).await;
    desk.pay(1, Method::SandboxApprove).await;
    assert_eq!(desk.receiver.told().await, desk.receiver.told().await);
    desk.nothing_more().await;
}

#[tokio::test]
async fn reordered_and_lost_events_are_overtaken_and_come_all_the_same() {
    for knobs in
        [Knobs { reorder_ppm: ALWAYS, ..Knobs::default() }, Knobs { lost_ppm: ALWAYS, ..Knobs::default() }]
    {
        let mut desk = Desk::still(knobs, 204).await;
        desk.pay(1, Method::SandboxApprove).await;
        desk.sandbox.set_knobs(Knobs::default()).unwrap();
        desk.paid(2).await;
        desk.clock.advance(books::OVERTAKE_WITHIN);
        assert_eq!(desk.told().await.1, payment(1).to_string(), "{knobs:?}");
        desk.nothing_more().await;
    }
}

#[tokio::test]
async fn a_refused_event_is_sent_again_under_its_id() {
    let mut desk = Desk::live(Knobs::default(), 503).await;
    desk.pay(1, Method::SandboxApprove).await;
    let first = desk.receiver.told().await;
    desk.receiver.answer(404);
    assert_eq!(desk.receiver.told().await, first);
    desk.receiver.answer(302);
    assert_eq!(desk.receiver.told().await, first);
    desk.receiver.answer(204);
    assert_eq!(desk.sandbox.drain(PATIENCE).await, NONE);
}

#[tokio::test]
async fn an_event_is_given_up_after_a_day_and_counted() {
    let mut desk = Desk::still(Knobs::default(), 503).await;
    desk.pay(1, Method::SandboxApprove).await;
    desk.receiver.told().await;
    desk.clock.advance(books::GIVE_UP_AFTER);
    let given_up = Backlog { waiting: 0, given_up: 1 };
    assert_eq!(desk.sandbox.drain(PATIENCE).await, given_up);
    desk.sandbox.shutdown().await;
    let again =
        open(desk.folder.path().join("sandbox.db"), &desk.receiver, Knobs::default(), &desk.clock).await;
    assert_eq!(again.unwrap().backlog(), given_up);
}

#[tokio::test]
async fn a_restart_sends_what_was_not_taken() {
    let mut desk = Desk::live(Knobs::default(), 503).await;
    desk.pay(1, Method::SandboxApprove).await;
    let first = desk.receiver.told().await;
    desk.sandbox.shutdown().await;
    desk.sandbox.shutdown().await;
    assert_eq!(desk.sandbox.capture(payment(1)).await, Err(ProviderError::Stopped));
    while desk.receiver.told_already().is_some() {}

    desk.receiver.answer(204);
    let path = desk.folder.path().join("sandbox.db");
    desk.sandbox = open(path, &desk.receiver, Knobs::default(), &desk.clock).await.unwrap();
    assert_eq!(desk.receiver.told().await, first);
    desk.pay(1, Method::SandboxApprove).await;
    desk.nothing_more().await;
}

/// The files as a `kill -9` would leave them, right after the answer.
#[tokio::test]
async fn what_was_accepted_survives_a_kill() {
    let mut desk = Desk::still(Knobs { delay_ms: 1_000, ..Knobs::default() }, 204).await;
    desk.pay(1, Method::SandboxApprove).await;
    for file in ["sandbox.db", "sandbox.db-wal"] {
        std::fs::copy(desk.folder.path().join(file), desk.folder.path().join(format!("killed-{file}")))
            .unwrap();
    }
    let path = desk.folder.path().join("killed-sandbox.db");
    let revived = open(path, &desk.receiver, Knobs::default(), &desk.clock).await.unwrap();
    assert_eq!(revived.backlog().waiting, 1);
    desk.sandbox.shutdown().await;
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(desk.told().await, ("payment.authorised".to_owned(), payment(1).to_string()));
    assert_eq!(revived.capture(payment(1)).await, Ok(()));
    assert_eq!(desk.told().await.0, "payment.captured");
}

#[tokio::test]
async fn a_receiver_that_comes_later_is_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let path = folder.path().join("sandbox.db");
    let chance = Chance::seeded(SEED);
    let sandbox =
        Sandbox::open(&path, target(address), Knobs::default(), chance, Clock::System).await.unwrap();
    assert_eq!(sandbox.authorise(payment(1), yuan(1), Method::SandboxApprove).await, Ok(()));
    let mut receiver = Receiver::start_at(address, 204).await;
    assert_eq!(receiver.told().await.payment(), payment(1).to_string());
    assert_eq!(sandbox.drain(PATIENCE).await, NONE);
}

#[tokio::test]
async fn the_books_have_one_owner_and_a_known_version() {
    let desk = Desk::still(Knobs::default(), 204).await;
    let path = desk.folder.path().join("sandbox.db");
    let second = open(path.clone(), &desk.receiver, Knobs::default(), &desk.clock).await.err();
    assert!(matches!(second, Some(SandboxError::Open { .. })), "{second:?}");
    desk.sandbox.shutdown().await;
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    let newer = open(path, &desk.receiver, Knobs::default(), &desk.clock).await.err();
    assert!(matches!(newer, Some(SandboxError::Version { found: 7, known: 1 })), "{newer:?}");
}

#[tokio::test]
async fn in_bad_weather_every_event_comes_at_least_once() {
    println!("seed {SEED}");
    let knobs = Knobs { duplicate_ppm: 200_000, reorder_ppm: 200_000, lost_ppm: 200_000, ..Knobs::default() };
    let mut desk = Desk::live(knobs, 204).await;
    let payments = 1_000;
    let mut asking = tokio::task::JoinSet::new();
    for n in 1..=payments {
        let sandbox = desk.sandbox.clone();
        asking.spawn(async move { sandbox.authorise(payment(n), yuan(1_250), Method::SandboxApprove).await });
    }
    assert!(asking.join_all().await.into_iter().all(|answer| answer == Ok(())));
    assert_eq!(desk.sandbox.drain(PATIENCE).await, NONE);
    let mut times: HashMap<String, u32> = HashMap::new();
    while let Some(Told { id, .. }) = desk.receiver.told_already() {
        *times.entry(id).or_default() += 1;
    }
    let twice = times.values().filter(|times| **times == 2).count();
    let fated = (1..=payments)
        .filter(|n| Chance::seeded(SEED).fate(knobs, &format!("evt_authorised_{:032x}", n)).twice)
        .count();
    assert_eq!((times.len(), twice), (1_000, fated));
}

fn dollars(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}
