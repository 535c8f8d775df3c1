//! The provider as its callers see it: requests on one side, a receiver on a real socket on the other. The laws at the top hold in the same
//! program and over HTTP. The clock stands still where a test is about time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::model::Currency;
use receiver::{Receiver, Told, target};

mod http;
mod receiver;

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod in_this_program {
            $(#[tokio::test]
            async fn $law() {
                super::$law(super::Way::Here).await;
            })*
        }
        mod over_http {
            $(#[tokio::test]
            async fn $law() {
                super::$law(super::Way::Http).await;
            })*
        }
    };
}

laws! {
    approved_then_captured_with_a_fee_then_refunded_in_parts,
    declined_says_why_and_moves_no_money,
    slow_is_authorised_after_the_hold_and_not_before,
    the_same_request_again_has_one_effect_and_another_under_its_id_is_refused,
    what_cannot_be_is_refused,
    a_refund_before_capture_leaves_the_rest_to_capture,
    delay_holds_a_webhook_back_and_not_the_payment,
    duplicate_sends_the_same_event_twice,
    reordered_and_lost_events_are_overtaken_and_come_all_the_same,
    a_restart_sends_what_was_not_taken,
    in_bad_weather_every_event_comes_at_least_once,
}

/// How the provider is asked.
#[derive(Clone, Copy)]
enum Way {
    Here,
    Http,
}

#[derive(Clone)]
enum Door {
    Here(Sandbox),
    Http(HttpSandbox),
}

impl Door {
    async fn of(way: Way, sandbox: &Sandbox) -> Self {
        match way {
            Way::Here => Self::Here(sandbox.clone()),
            Way::Http => Self::Http(http::served(sandbox).await),
        }
    }

    async fn authorise(
        &self,
        payment: PaymentId,
        amount: Money,
        method: Method,
    ) -> Result<(), ProviderError> {
        match self {
            Self::Here(sandbox) => sandbox.authorise(payment, amount, method).await,
            Self::Http(sandbox) => sandbox.authorise(payment, amount, method).await,
        }
    }

    async fn capture(&self, payment: PaymentId) -> Result<(), ProviderError> {
        match self {
            Self::Here(sandbox) => sandbox.capture(payment).await,
            Self::Http(sandbox) => sandbox.capture(payment).await,
        }
    }

    async fn refund(&self, refund: RefundId, payment: PaymentId, amount: Money) -> Result<(), ProviderError> {
        match self {
            Self::Here(sandbox) => sandbox.refund(refund, payment, amount).await,
            Self::Http(sandbox) => sandbox.refund(refund, payment, amount).await,
        }
    }

    async fn knobs(&self) -> Knobs {
        match self {
            Self::Here(sandbox) => sandbox.knobs(),
            Self::Http(sandbox) => sandbox.knobs().await.unwrap(),
        }
    }

    async fn set_knobs(&self, knobs: Knobs) -> Result<(), ProviderError> {
        match self {
            Self::Here(sandbox) => sandbox.set_knobs(knobs).map_err(ProviderError::Knobs),
            Self::Http(sandbox) => sandbox.set_knobs(knobs).await,
        }
    }
}

const SEED: u64 = 20_260_101;
const NONE: Backlog = Backlog { waiting: 0, given_up: 0 };
const ALWAYS: u32 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

struct Desk {
    folder: TempDir,
    receiver: Receiver,
    clock: Clock,
    sandbox: Sandbox,
    provider: Door,
}

impl Desk {
    /// The clock stands at the present, since the receiver compares signatures with its own.
    async fn still(way: Way, knobs: Knobs, status: u16) -> Self {
        Self::with(way, knobs, Clock::manual(Clock::System.now()), status).await
    }

    async fn live(way: Way, knobs: Knobs, status: u16) -> Self {
        Self::with(way, knobs, Clock::System, status).await
    }

    async fn with(way: Way, knobs: Knobs, clock: Clock, status: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start(status).await;
        let sandbox = open(folder.path().join("sandbox.db"), &receiver, knobs, &clock).await.unwrap();
        let provider = Door::of(way, &sandbox).await;
        Self { folder, receiver, clock, sandbox, provider }
    }

    async fn pay(&self, n: u128, method: Method) {
        assert_eq!(self.provider.authorise(payment(n), yuan(1_250), method).await, Ok(()));
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

async fn approved_then_captured_with_a_fee_then_refunded_in_parts(way: Way) {
    let mut desk = Desk::still(way, Knobs::default(), 204).await;
    let at = desk.clock.now().millis().to_string();
    desk.paid(1).await;

    assert_eq!(desk.provider.capture(payment(1)).await, Ok(()));
    let captured = desk.receiver.told().await;
    assert_eq!((captured.kind(), captured.data("feeMinor")), ("payment.captured", "8"));
    assert_eq!(captured.body["timestamp"], at);

    assert_eq!(desk.provider.refund(refund(1), payment(1), yuan(450)).await, Ok(()));
    let refunded = desk.receiver.told().await;
    assert_eq!((refunded.kind(), refunded.data("amountMinor")), ("refund.succeeded", "450"));
    assert_eq!(refunded.data("refund"), refund(1).to_string());

    let too_much = desk.provider.refund(refund(2), payment(1), yuan(801)).await;
    assert_eq!(too_much, Err(ProviderError::OverRefund { left: yuan(800) }));
    assert_eq!(desk.provider.refund(refund(2), payment(1), yuan(800)).await, Ok(()));
    assert_eq!(desk.told().await.0, "refund.succeeded");
    let nothing_left = desk.provider.refund(refund(3), payment(1), yuan(1)).await;
    assert_eq!(nothing_left, Err(ProviderError::OverRefund { left: yuan(0) }));
    desk.nothing_more().await;
}

async fn declined_says_why_and_moves_no_money(way: Way) {
    let mut desk = Desk::still(way, Knobs::default(), 204).await;
    desk.pay(1, Method::SandboxDecline).await;
    let declined = desk.receiver.told().await;
    assert_eq!(
        (declined.kind(), declined.data("reason")),
        ("payment.declined", "insufficient funds (sandbox)")
    );
    assert_eq!(desk.provider.capture(payment(1)).await, Err(ProviderError::NotAuthorised));
    let refused = desk.provider.refund(refund(1), payment(1), yuan(1)).await;
    assert_eq!(refused, Err(ProviderError::NotAuthorised));
    desk.nothing_more().await;
}

async fn slow_is_authorised_after_the_hold_and_not_before(way: Way) {
    for (slow_ms, wait_ms) in [(0, 150_000), (60_000, 60_000)] {
        let mut desk = Desk::still(way, Knobs { slow_ms, ..Knobs::default() }, 204).await;
        desk.pay(1, Method::SandboxSlow).await;
        desk.clock.advance(Duration::from_millis(wait_ms - 1));
        desk.paid(2).await;
        assert_eq!(desk.provider.capture(payment(1)).await, Err(ProviderError::NotAuthorised));
        desk.sandbox.inner.backlog.clone().wait_for(|left| left.waiting == 1).await.unwrap();
        desk.clock.advance(Duration::from_millis(1));
        assert_eq!(desk.provider.capture(payment(1)).await, Ok(()));
        let mut kinds = [desk.told().await.0, desk.told().await.0];
        kinds.sort();
        assert_eq!(kinds, ["payment.authorised", "payment.captured"]);
        desk.nothing_more().await;
    }
}

async fn the_same_request_again_has_one_effect_and_another_under_its_id_is_refused(way: Way) {
    let mut desk = Desk::still(way, Knobs::default(), 204).await;
    let provider = desk.provider.clone();
    desk.paid(1).await;
    desk.pay(1, Method::SandboxApprove).await;
    for (amount, method) in [
        (yuan(1_251), Method::SandboxApprove),
        (yuan(1_250), Method::SandboxSlow),
        (dollars(1_250), Method::SandboxApprove),
    ] {
        assert_eq!(provider.authorise(payment(1), amount, method).await, Err(ProviderError::ContentDiffers));
    }
    assert_eq!((provider.capture(payment(1)).await, provider.capture(payment(1)).await), (Ok(()), Ok(())));
    assert_eq!(desk.told().await.0, "payment.captured");
    for _ in 0..2 {
        assert_eq!(provider.refund(refund(1), payment(1), yuan(1_250)).await, Ok(()));
    }
    assert_eq!(desk.told().await.0, "refund.succeeded");
    desk.paid(2).await;
    for (of, amount) in [(payment(1), yuan(1)), (payment(2), yuan(1_250))] {
        assert_eq!(provider.refund(refund(1), of, amount).await, Err(ProviderError::ContentDiffers));
    }
    desk.nothing_more().await;
}

async fn what_cannot_be_is_refused(way: Way) {
    let mut desk = Desk::still(way, Knobs::default(), 204).await;
    let provider = desk.provider.clone();
    for minor in [0, -1, i64::MIN, i64::MAX] {
        let refused = provider.authorise(payment(1), yuan(minor), Method::SandboxApprove).await;
        assert!(matches!(refused, Err(ProviderError::Amount(_))), "{minor}: {refused:?}");
        let refused = provider.refund(refund(1), payment(1), yuan(minor)).await;
        assert!(matches!(refused, Err(ProviderError::Amount(_))), "{minor}: {refused:?}");
    }
    assert_eq!(provider.capture(payment(1)).await, Err(ProviderError::UnknownPayment));
    assert_eq!(provider.refund(refund(1), payment(1), yuan(1)).await, Err(ProviderError::UnknownPayment));
    desk.paid(1).await;
    let other_currency = provider.refund(refund(1), payment(1), dollars(1)).await;
    assert_eq!(other_currency, Err(ProviderError::OverRefund { left: yuan(1_250) }));
    let knobs = Knobs { delay_ms: 600_001, ..Knobs::default() };
    let refused = provider.set_knobs(knobs).await.unwrap_err();
    assert!(matches!(&refused, ProviderError::Knobs(bound) if bound.field == "delayMs"), "{refused:?}");
    assert_eq!(provider.knobs().await, Knobs::default());
    let turned = Knobs { delay_ms: 7, slow_ms: 9, ..Knobs::default() };
    assert_eq!(provider.set_knobs(turned).await, Ok(()));
    assert_eq!(provider.knobs().await, turned);
    assert_eq!(provider.set_knobs(Knobs::default()).await, Ok(()));
    desk.nothing_more().await;
}

async fn a_refund_before_capture_leaves_the_rest_to_capture(way: Way) {
    let mut desk = Desk::still(way, Knobs::default(), 204).await;
    desk.paid(1).await;
    assert_eq!(desk.provider.refund(refund(1), payment(1), yuan(250)).await, Ok(()));
    assert_eq!(desk.told().await.0, "refund.succeeded");
    assert_eq!(desk.provider.capture(payment(1)).await, Ok(()));
    let captured = desk.receiver.told().await;
    assert_eq!((captured.data("amountMinor"), captured.data("feeMinor")), ("1000", "6"));
    desk.paid(2).await;
    assert_eq!(desk.provider.refund(refund(2), payment(2), yuan(1_250)).await, Ok(()));
    assert_eq!(desk.provider.capture(payment(2)).await, Err(ProviderError::Refunded));
}

async fn delay_holds_a_webhook_back_and_not_the_payment(way: Way) {
    let mut desk = Desk::still(way, Knobs { delay_ms: 5_000, ..Knobs::default() }, 204).await;
    desk.pay(1, Method::SandboxApprove).await;
    desk.provider.set_knobs(Knobs::default()).await.unwrap();
    assert_eq!(desk.provider.capture(payment(1)).await, Ok(()));
    assert_eq!(desk.told().await.0, "payment.captured");
    desk.clock.advance(Duration::from_secs(5));
    assert_eq!(desk.told().await.0, "payment.authorised");
}

async fn duplicate_sends_the_same_event_twice(way: Way) {
    let mut desk = Desk::still(way, Knobs { duplicate_ppm: ALWAYS, ..Knobs::default() }, 204).await;
    desk.pay(1, Method::SandboxApprove).await;
    assert_eq!(desk.receiver.told().await, desk.receiver.told().await);
    desk.nothing_more().await;
}

async fn reordered_and_lost_events_are_overtaken_and_come_all_the_same(way: Way) {
    for knobs in
        [Knobs { reorder_ppm: ALWAYS, ..Knobs::default() }, Knobs { lost_ppm: ALWAYS, ..Knobs::default() }]
    {
        let mut desk = Desk::still(way, knobs, 204).await;
        desk.pay(1, Method::SandboxApprove).await;
        desk.provider.set_knobs(Knobs::default()).await.unwrap();
        desk.paid(2).await;
        desk.clock.advance(books::OVERTAKE_WITHIN);
        assert_eq!(desk.told().await.1, payment(1).to_string(), "{knobs:?}");
        desk.nothing_more().await;
    }
}

#[tokio::test]
async fn a_refused_event_is_sent_again_under_its_id() {
    let mut desk = Desk::live(Way::Here, Knobs::default(), 503).await;
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
    let mut desk = Desk::still(Way::Here, Knobs::default(), 503).await;
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

async fn a_restart_sends_what_was_not_taken(way: Way) {
    let mut desk = Desk::live(way, Knobs::default(), 503).await;
    desk.pay(1, Method::SandboxApprove).await;
    let first = desk.receiver.told().await;
    desk.sandbox.shutdown().await;
    desk.sandbox.shutdown().await;
    assert_eq!(desk.provider.capture(payment(1)).await, Err(ProviderError::Stopped));
    while desk.receiver.told_already().is_some() {}

    desk.receiver.answer(204);
    let path = desk.folder.path().join("sandbox.db");
    desk.sandbox = open(path, &desk.receiver, Knobs::default(), &desk.clock).await.unwrap();
    desk.provider = Door::of(way, &desk.sandbox).await;
    assert_eq!(desk.receiver.told().await, first);
    desk.pay(1, Method::SandboxApprove).await;
    desk.nothing_more().await;
}

/// The files as a `kill -9` would leave them, right after the answer.
#[tokio::test]
async fn what_was_accepted_survives_a_kill() {
    let mut desk = Desk::still(Way::Here, Knobs { delay_ms: 1_000, ..Knobs::default() }, 204).await;
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
    let desk = Desk::still(Way::Here, Knobs::default(), 204).await;
    let path = desk.folder.path().join("sandbox.db");
    let second = open(path.clone(), &desk.receiver, Knobs::default(), &desk.clock).await.err();
    assert!(matches!(second, Some(SandboxError::Open { .. })), "{second:?}");
    desk.sandbox.shutdown().await;
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    let newer = open(path, &desk.receiver, Knobs::default(), &desk.clock).await.err();
    assert!(matches!(newer, Some(SandboxError::Version { found: 7, known: 1 })), "{newer:?}");
}

async fn in_bad_weather_every_event_comes_at_least_once(way: Way) {
    println!("seed {SEED}");
    let knobs = Knobs { duplicate_ppm: 200_000, reorder_ppm: 200_000, lost_ppm: 200_000, ..Knobs::default() };
    let mut desk = Desk::live(way, knobs, 204).await;
    let payments = 1_000;
    // As many at once as an outbox asks; a thousand would be a test of time-outs.
    let turns = std::sync::Arc::new(tokio::sync::Semaphore::new(64));
    let mut asking = tokio::task::JoinSet::new();
    for n in 1..=payments {
        let (provider, turns) = (desk.provider.clone(), std::sync::Arc::clone(&turns));
        asking.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            provider.authorise(payment(n), yuan(1_250), Method::SandboxApprove).await
        });
    }
    let refused: Vec<_> = asking.join_all().await.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused, []);
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
