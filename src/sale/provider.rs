//! The payment provider, as the sale layer asks it. What it answers comes by webhook.

use crate::model::payment::{Payment, Refund};
use crate::sandbox::{HttpSandbox, Knobs, ProviderError, Sandbox};

/// A real provider becomes a third variant.
#[derive(Clone)]
pub enum Provider {
    /// Lives in this program; one node alone.
    Sandbox(Sandbox),
    /// A process of its own, which all nodes ask.
    Http(HttpSandbox),
}

impl Provider {
    pub async fn authorise(&self, payment: &Payment) -> Result<(), ProviderError> {
        let Payment { id, amount, method, .. } = *payment;
        match self {
            Self::Sandbox(sandbox) => sandbox.authorise(id, amount, method).await,
            Self::Http(sandbox) => sandbox.authorise(id, amount, method).await,
        }
    }

    pub async fn capture(&self, payment: &Payment) -> Result<(), ProviderError> {
        match self {
            Self::Sandbox(sandbox) => sandbox.capture(payment.id).await,
            Self::Http(sandbox) => sandbox.capture(payment.id).await,
        }
    }

    pub async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        let Refund { id, payment, amount, .. } = *refund;
        match self {
            Self::Sandbox(sandbox) => sandbox.refund(id, payment, amount).await,
            Self::Http(sandbox) => sandbox.refund(id, payment, amount).await,
        }
    }

    pub async fn knobs(&self) -> Result<Knobs, ProviderError> {
        match self {
            Self::Sandbox(sandbox) => Ok(sandbox.knobs()),
            Self::Http(sandbox) => sandbox.knobs().await,
        }
    }

    /// `knobs` are within their bounds.
    pub async fn set_knobs(&self, knobs: Knobs) -> Result<(), ProviderError> {
        match self {
            Self::Sandbox(sandbox) => sandbox.set_knobs(knobs).map_err(ProviderError::Knobs),
            Self::Http(sandbox) => sandbox.set_knobs(knobs).await,
        }
    }

    /// One that lives elsewhere goes on.
    pub async fn shutdown(&self) {
        match self {
            Self::Sandbox(sandbox) => sandbox.shutdown().await,
            Self::Http(_) => {}
        }
    }
}
