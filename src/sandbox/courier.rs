//! Delivers events by HTTP POST until the receiver answers 2xx. At least once: a crash between an answer and the commit sends again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header, redirect};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::books::{Due, Outcome};
use super::writer::Writer;
use super::{Chance, SandboxError, WebhookTarget};
use crate::clock::Clock;
use crate::model::Timestamp;

/// Requests under way at once, one connection each.
const SENDING_MAX: usize = 64;
/// Events read ahead: four rounds of requests, about 100 KiB.
const PAGE_EVENTS: usize = 256;
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
/// No nap is longer, so that a clock that was set does not hold events back.
const NAP_LONGEST: Duration = Duration::from_secs(1);
/// A clock moved by hand wakes nobody; it is looked at this often.
const NAP_BY_HAND: Duration = Duration::from_millis(5);
const NAP_BROKEN: Duration = Duration::from_secs(1);
const WARN_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Courier {
    pub writer: Writer,
    pub post: Arc<Post>,
    pub wake: Arc<Notify>,
    pub stop: CancellationToken,
}

/// What one delivery needs.
pub(super) struct Post {
    client: Client,
    url: Url,
    signer: Webhook,
    clock: Clock,
    chance: Chance,
    /// No warning before this time, in milliseconds.
    quiet_until: AtomicI64,
    failed_since_warning: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
enum AttemptFailed {
    #[error("dropped on purpose: the lostPpm knob")]
    Lost,
    #[error("the receiver answered {0}")]
    Answered(StatusCode),
    #[error("the receiver cannot be reached: {cause}")]
    Unreachable { cause: String },
    #[error("the event cannot be signed: {0}")]
    Unsigned(standardwebhooks::WebhookError),
}

impl Courier {
    pub async fn run(self) {
        let mut sending = JoinSet::new();
        let mut ready = VecDeque::new();
        let mut look = true;
        let mut nap = NAP_LONGEST;
        while !self.stop.is_cancelled() {
            if look && ready.is_empty() {
                (ready, nap, look) = self.next_page().await;
            }
            while sending.len() < SENDING_MAX
                && let Some(event) = ready.pop_front()
            {
                sending.spawn(deliver(self.writer.clone(), self.post.clone(), self.stop.clone(), event));
            }
            if look && ready.is_empty() {
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                Some(done) = sending.join_next(), if !sending.is_empty() => report_panic(done),
                () = self.wake.notified() => look = true,
                () = tokio::time::sleep(nap), if !look => look = true,
            }
        }
        // Each ends within `ANSWER_WITHIN`.
        while let Some(done) = sending.join_next().await {
            report_panic(done);
        }
    }

    /// The events due now, how long to nap when there are none, and whether there may be more at once.
    async fn next_page(&self) -> (VecDeque<Due>, Duration, bool) {
        match self.writer.take_due(PAGE_EVENTS).await {
            Ok(page) => {
                let more = page.events.len() == PAGE_EVENTS;
                (page.events.into(), self.post.nap(page.next_at), more)
            }
            // The writer has logged why.
            Err(_) => (VecDeque::new(), NAP_BROKEN, false),
        }
    }
}

impl Post {
    pub fn new(target: &WebhookTarget, clock: Clock, chance: Chance) -> Result<Self, SandboxError> {
        let client = Client::builder()
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(SENDING_MAX)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(SandboxError::Client)?;
        Ok(Self {
            client,
            url: target.checked_url()?,
            signer: target.secret.signer()?,
            clock,
            chance,
            quiet_until: AtomicI64::new(i64::MIN),
            failed_since_warning: AtomicU64::new(0),
        })
    }

    fn nap(&self, next_at: Option<Timestamp>) -> Duration {
        let longest = match self.clock {
            Clock::System | Clock::Corrected(_) => NAP_LONGEST,
            Clock::Manual(_) => return NAP_BY_HAND,
        };
        next_at.map_or(longest, |at| self.clock.now().until(at).min(longest))
    }

    async fn attempt(&self, event: &Due) -> Result<(), AttemptFailed> {
        if event.lost && event.attempts == 0 {
            return Err(AttemptFailed::Lost);
        }
        self.send(event).await
    }

    async fn send(&self, event: &Due) -> Result<(), AttemptFailed> {
        let seconds = self.clock.now().millis().div_euclid(1_000);
        let signature =
            self.signer.sign(&event.id, seconds, event.body.as_bytes()).map_err(AttemptFailed::Unsigned)?;
        let answer = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, &event.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(event.body.clone())
            .send()
            .await
            .map_err(|error| AttemptFailed::Unreachable { cause: root_cause(&error) })?;
        if answer.status().is_success() { Ok(()) } else { Err(AttemptFailed::Answered(answer.status())) }
    }

    fn after_failure(&self, event: &Due, cause: &AttemptFailed) -> Outcome {
        let now = self.clock.now();
        let attempts = event.attempts.saturating_add(1);
        if now >= event.give_up_at {
            tracing::error!(event = %event.id, attempts, %cause, "a webhook is given up");
            return Outcome::GivenUp;
        }
        if !matches!(cause, AttemptFailed::Lost) {
            self.warn_now_and_then(event, cause, now);
        }
        Outcome::RetryAt(now + self.chance.back_off(&event.id, attempts))
    }

    fn warn_now_and_then(&self, event: &Due, cause: &AttemptFailed, now: Timestamp) {
        let failed = self.failed_since_warning.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let quiet_until = self.quiet_until.load(Ordering::Relaxed);
        let until = (now + WARN_EVERY).millis();
        let mine = now.millis() >= quiet_until
            && self
                .quiet_until
                .compare_exchange(quiet_until, until, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            self.failed_since_warning.store(0, Ordering::Relaxed);
            tracing::warn!(event = %event.id, failed_attempts = failed, %cause, "webhooks are not taken; they are kept and sent again");
        }
    }
}

async fn deliver(writer: Writer, post: Arc<Post>, stop: CancellationToken, event: Due) {
    let result = post.attempt(&event).await;
    let outcome = match &result {
        Ok(()) => Outcome::Delivered,
        Err(cause) => post.after_failure(&event, cause),
    };
    metrics::counter!("apricot_sandbox_webhooks_total", "outcome" => outcome_name(outcome)).increment(1);
    if outcome == Outcome::Delivered
        && event.twice
        && let Err(cause) = post.send(&event).await
    {
        tracing::debug!(event = %event.id, %cause, "the duplicate was not taken");
    }
    // Until this is written the event stays taken, so that a broken disk does not make it go round and round.
    while writer.settle(event.seq, outcome).await.is_err() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(NAP_BROKEN) => {}
        }
    }
}

/// Its event stays taken until the next start; the panic itself is a fault of this program.
fn report_panic(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!(%error, "a webhook's delivery died");
    }
}

/// "connection refused" says more than "error sending request".
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::RetryAt(_) => "failed",
        Outcome::GivenUp => "given_up",
    }
}
