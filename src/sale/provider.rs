//! The payment provider, as the sale layer asks it. What it answers comes by webhook.

use crate::model::payment::{Payment, Refund};
use crate::sandbox::{ProviderError, Sandbox};

/// A real provider becomes a second variant.
#[derive(Clone)]
pub enum Provider {
    Sandbox(Sandbox),
}

impl Provider {
    pub async fn authorise(&self, payment: &Payment) -> Result<(), ProviderError> {
        let Self::Sandbox(sandbox) = self;
        sandbox.authorise(payment.id, payment.amount, payment.method).await
    }

    pub async fn capture(&self, payment: &Payment) -> Result<(), ProviderError> {
        let Self::Sandbox(sandbox) = self;
        sandbox.capture(payment.id).await
    }

    pub async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        let Self::Sandbox(sandbox) = self;
        sandbox.refund(refund.id, refund.payment, refund.amount).await
    }
}
