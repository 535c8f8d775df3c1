//! A payment of one order. An order may have several: a declined one keeps the hold for another try.

use super::{Money, OrderId, PaymentId, RefundId, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    pub id: PaymentId,
    pub order: OrderId,
    pub amount: Money,
    pub method: Method,
    pub state: PaymentState,
    pub created_at: Timestamp,
    /// Grows with every change; the record refuses a change made from an older one.
    pub version: u64,
}

/// How the sandbox provider is to behave. A real provider adds variants of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    SandboxApprove,
    SandboxDecline,
    /// Succeeds after the hold has run out.
    SandboxSlow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentState {
    Authorising,
    Declined {
        reason: String,
    },
    /// The claim is made; the provider is asked to capture.
    Authorised,
    Captured,
    /// Came too late and no stock was left: the money goes back.
    Refunding,
    Refunded,
}

/// A whole or partial refund of a paid order.
#[derive(Clone, Debug, PartialEq)]
pub struct Refund {
    pub id: RefundId,
    pub payment: PaymentId,
    pub order: OrderId,
    pub amount: Money,
    pub reason: String,
    pub requested_at: Timestamp,
    /// When the provider said that it is done.
    pub done_at: Option<Timestamp>,
}

/// What a provider tells by webhook. `id` is the provider's own: the same id again has no second effect.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderEvent {
    pub id: String,
    pub news: ProviderNews,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ProviderNews {
    Authorised { payment: PaymentId },
    Declined { payment: PaymentId, reason: String },
    Captured { payment: PaymentId, fee: Money },
    Refunded { refund: RefundId },
}

impl PaymentState {
    /// As it stands in the record and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authorising => "authorising",
            Self::Declined { .. } => "declined",
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }
}

impl Payment {
    pub fn into(self, state: PaymentState) -> Self {
        Self { state, version: self.version + 1, ..self }
    }
}
