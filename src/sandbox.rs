//! A payment provider that lives in this program but behaves like a real one: it keeps books of its own, takes a request and
//! says how it went later, by a signed webhook that may come late, twice, out of order or only at a retry. It knows `model`
//! and nothing of sales, orders or the record.
//!
//! ```text
//! authorise, capture, refund -> writer (one thread, group commit) -> books (SQLite)
//!                                                                      | events due
//!                               receiver <- signed HTTP POST <- courier
//! ```
//!
//! Several nodes need it as a process of its own, `apricot sandbox`; `http` is what is said between.
//!
//! `Ok` means that the request is durable, not that the money moved. Every request may be sent again: the same id with the same
//! content has one effect and the same answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::model::payment::Method;
use crate::model::{Money, OutOfBound, PaymentId, RefundId};

mod books;
mod chance;
mod courier;
pub mod http;
mod knobs;
#[cfg(test)]
mod tests;
mod webhook;
mod writer;

pub use chance::Chance;
pub use http::HttpSandbox;
pub use knobs::Knobs;
pub use webhook::{WebhookSecret, WebhookTarget};

use courier::{Courier, Post};
use writer::{Ask, Surroundings, Writer};

/// A handle; clones are the same provider. When the last one goes without `shutdown`, the provider stops by itself, unawaited.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    knobs: watch::Sender<Knobs>,
    backlog: watch::Receiver<Backlog>,
    courier: TaskTracker,
    stop: CancellationToken,
    closed: CancellationToken,
    _stop_when_dropped: DropGuard,
}

/// Events that are not delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// To be sent, or sent again; those of slow payments wait here for their time.
    pub waiting: u64,
    /// Not taken for 24 hours. They stay in the books.
    pub given_up: u64,
}

/// What the provider says at once. Whatever it says later comes by webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    #[error("{0}")]
    Amount(OutOfBound),
    #[error("the same id was used for something else")]
    ContentDiffers,
    #[error("there is no such payment")]
    UnknownPayment,
    #[error("the payment is not authorised")]
    NotAuthorised,
    #[error("the payment was refunded in whole; nothing is left to capture")]
    Refunded,
    #[error("at most {left} of the payment is left to refund")]
    OverRefund { left: Money },
    #[error("too much is waiting at the provider")]
    Busy,
    #[error("the provider has stopped")]
    Stopped,
    #[error("{0}")]
    Knobs(OutOfBound),
    #[error("the provider cannot write its books: {0}")]
    Unavailable(String),
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    #[error("the provider does not believe the signature; give it and the nodes the same folder of keys")]
    NotSigned,
    #[error("the provider is not understood: {0}; let it and the nodes be of the same version")]
    NotUnderstood(String),
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the sandbox's {0}")]
    Setting(#[from] OutOfBound),
    #[error("the sandbox's books at {} cannot be opened: {source}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("the sandbox's books are of version {found}; this program knows {known}")]
    Version { found: i64, known: i64 },
    #[error("the sandbox's thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("the sandbox's thread died while it opened the books")]
    Died,
    #[error("the sandbox's HTTP client cannot be made: {0}")]
    Client(reqwest::Error),
}

impl Sandbox {
    /// Opens or makes the books at `path` and begins to deliver what an earlier run left undelivered. Needs a tokio runtime.
    /// The file has one owner: a second `open` of it is refused while the first lives.
    pub async fn open(
        path: &Path,
        webhook: WebhookTarget,
        knobs: Knobs,
        chance: Chance,
        clock: Clock,
    ) -> Result<Self, SandboxError> {
        let post = Arc::new(Post::new(&webhook, clock.clone(), chance)?);
        let (knobs, seen_knobs) = watch::channel(knobs.checked()?);
        let (counted, backlog) = watch::channel(Backlog::default());
        let wake = Arc::new(Notify::new());
        let closed = CancellationToken::new();
        let surroundings = Surroundings {
            clock,
            chance,
            knobs: seen_knobs,
            backlog: counted,
            wake: wake.clone(),
            closed: closed.clone(),
        };
        let writer = Writer::start(path, surroundings).await?;
        let stop = CancellationToken::new();
        let courier = TaskTracker::new();
        courier.spawn(Courier { writer: writer.clone(), post, wake, stop: stop.clone() }.run());
        courier.close();
        let Backlog { waiting, given_up } = *backlog.borrow();
        tracing::info!(
            seed = chance.seed(),
            waiting_events = waiting,
            given_up_events = given_up,
            "sandbox provider opened"
        );
        let _stop_when_dropped = stop.clone().drop_guard();
        Ok(Self {
            inner: Arc::new(Inner { writer, knobs, backlog, courier, stop, closed, _stop_when_dropped }),
        })
    }

    /// The answer is told by webhook: authorised at once, declined, or authorised late, as `method` wishes.
    pub async fn authorise(
        &self,
        payment: PaymentId,
        amount: Money,
        method: Method,
    ) -> Result<(), ProviderError> {
        self.inner.writer.ask(Ask::Authorise { payment, amount, method }).await
    }

    /// Takes the money of an authorised payment, less what was refunded of it.
    pub async fn capture(&self, payment: PaymentId) -> Result<(), ProviderError> {
        self.inner.writer.ask(Ask::Capture { payment }).await
    }

    /// Gives back a part of a payment, captured or only authorised; all refunds together are at most the payment.
    pub async fn refund(
        &self,
        refund: RefundId,
        payment: PaymentId,
        amount: Money,
    ) -> Result<(), ProviderError> {
        self.inner.writer.ask(Ask::Refund { refund, payment, amount }).await
    }

    pub fn knobs(&self) -> Knobs {
        *self.inner.knobs.borrow()
    }

    /// For what is asked from now on. They are not stored: a restart begins with those of the configuration.
    pub fn set_knobs(&self, knobs: Knobs) -> Result<(), OutOfBound> {
        self.inner.knobs.send_replace(knobs.checked()?);
        Ok(())
    }

    pub fn backlog(&self) -> Backlog {
        *self.inner.backlog.borrow()
    }

    /// Waits until every event is delivered or given up, at most `within`; the answer is what is left.
    pub async fn drain(&self, within: Duration) -> Backlog {
        let mut backlog = self.inner.backlog.clone();
        let empty = backlog.wait_for(|backlog| backlog.waiting == 0);
        match tokio::time::timeout(within, empty).await {
            Ok(Ok(backlog)) => *backlog,
            // Out of time, or stopped meanwhile.
            Ok(Err(_)) | Err(_) => self.backlog(),
        }
    }

    /// Lets requests under way end (at most 5 s each, a duplicate as long again), then closes the books. What is not delivered
    /// is sent after the next start. Requests from now on are refused as `Stopped`. A second call waits for the first.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.courier.wait().await;
        self.inner.writer.close().await;
        self.inner.closed.cancelled().await;
    }
}

impl ProviderError {
    /// The same request may succeed later, unchanged.
    pub fn may_retry(&self) -> bool {
        match self {
            // A slow payment is authorised in time.
            Self::NotAuthorised
            | Self::Busy
            | Self::Stopped
            | Self::Unavailable(_)
            | Self::Unreachable(_) => true,
            // Somebody has to repair it; no buyer's payment is declined for it.
            Self::NotSigned | Self::NotUnderstood(_) => true,
            Self::Amount(_)
            | Self::Knobs(_)
            | Self::ContentDiffers
            | Self::UnknownPayment
            | Self::Refunded
            | Self::OverRefund { .. } => false,
        }
    }
}
