//! The sandbox as a process of its own: what nodes ask it over HTTP, in JSON.
//!
//! ```text
//! POST /v1/authorisations {"payment":"…","amountMinor":"1250","currency":"CNY","method":"approve"}
//! POST /v1/captures       {"payment":"…"}
//! POST /v1/refunds        {"refund":"…","payment":"…","amountMinor":"450","currency":"CNY"}
//! GET, PUT /v1/knobs      {"delayMs":300,…}
//! ```
//!
//! 204 says that the request is durable; any other answer is an object with `refused`. A request is signed with a secret that both sides
//! read from the folder of keys, so that not everybody moves money. There is no time in the signature: ids make a repetition harmless, and a
//! node whose clock is wrong can pay all the same.

use axum::http::{Method as HttpMethod, StatusCode};
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;
use subtle::ConstantTimeEq;

use super::{ProviderError, WebhookSecret};
use crate::model::payment::Method;
use crate::model::{Money, OutOfBound};

mod client;
mod server;

pub use client::HttpSandbox;
pub use server::router;

const AUTHORISATIONS: &str = "/v1/authorisations";
const CAPTURES: &str = "/v1/captures";
const REFUNDS: &str = "/v1/refunds";
const KNOBS: &str = "/v1/knobs";
/// Carries the signature in the form of Standard Webhooks: `v1,` and base64.
const SIGNATURE: &str = "apricot-signature";
/// Requests and answers are below 300 bytes.
const BODY_BYTES_MAX: usize = 4 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Authorisation {
    payment: String,
    /// A string, as all 64-bit numbers of the contract are.
    amount_minor: String,
    currency: String,
    method: AskedMethod,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Capture {
    payment: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Refund {
    refund: String,
    payment: String,
    amount_minor: String,
    currency: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AskedMethod {
    Approve,
    Decline,
    Slow,
}

/// The body of every answer that is not a success.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "refused", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Refused {
    Malformed { reason: String },
    NotSigned,
    Amount { bound: String },
    ContentDiffers,
    UnknownPayment,
    NotAuthorised,
    Refunded,
    OverRefund { left_minor: String, currency: String },
    Busy,
    Stopped,
    Unavailable { reason: String },
}

/// Signs and checks; the method and the path are part of what is signed.
struct Signer(Webhook);

impl Signer {
    fn new(secret: &WebhookSecret) -> Result<Self, OutOfBound> {
        secret.signer().map(Self)
    }

    fn sign(&self, method: &HttpMethod, path: &str, body: &[u8]) -> Result<String, ProviderError> {
        let about = format!("{method} {path}");
        self.0.sign(&about, 0, body).map_err(|error| ProviderError::NotUnderstood(error.to_string()))
    }

    fn made(&self, signature: &[u8], method: &HttpMethod, path: &str, body: &[u8]) -> bool {
        self.sign(method, path, body).is_ok_and(|own| bool::from(own.as_bytes().ct_eq(signature)))
    }
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::NotSigned => StatusCode::UNAUTHORIZED,
            Self::UnknownPayment => StatusCode::NOT_FOUND,
            Self::NotAuthorised | Self::Refunded | Self::OverRefund { .. } => StatusCode::CONFLICT,
            Self::Amount { .. } | Self::ContentDiffers => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy | Self::Stopped | Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<OutOfBound> for Refused {
    fn from(bound: OutOfBound) -> Self {
        Self::Malformed { reason: bound.to_string() }
    }
}

impl From<ProviderError> for Refused {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Amount(OutOfBound { bound, .. }) => Self::Amount { bound },
            ProviderError::ContentDiffers => Self::ContentDiffers,
            ProviderError::UnknownPayment => Self::UnknownPayment,
            ProviderError::NotAuthorised => Self::NotAuthorised,
            ProviderError::Refunded => Self::Refunded,
            ProviderError::OverRefund { left } => Self::OverRefund {
                left_minor: left.minor.to_string(),
                currency: left.currency.as_str().to_owned(),
            },
            ProviderError::Busy => Self::Busy,
            ProviderError::Stopped => Self::Stopped,
            ProviderError::NotSigned => Self::NotSigned,
            ProviderError::Unavailable(reason) => Self::Unavailable { reason },
            ProviderError::Knobs(bound) => bound.into(),
            ProviderError::Unreachable(reason) | ProviderError::NotUnderstood(reason) => {
                Self::Malformed { reason }
            }
        }
    }
}

impl From<Refused> for ProviderError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Malformed { reason } => Self::NotUnderstood(reason),
            Refused::NotSigned => Self::NotSigned,
            Refused::Amount { bound } => Self::Amount(OutOfBound::new("amount", bound)),
            Refused::ContentDiffers => Self::ContentDiffers,
            Refused::UnknownPayment => Self::UnknownPayment,
            Refused::NotAuthorised => Self::NotAuthorised,
            Refused::Refunded => Self::Refunded,
            Refused::OverRefund { left_minor, currency } => match money(&left_minor, &currency) {
                Ok(left) => Self::OverRefund { left },
                Err(bound) => Self::NotUnderstood(bound.to_string()),
            },
            Refused::Busy => Self::Busy,
            Refused::Stopped => Self::Stopped,
            Refused::Unavailable { reason } => Self::Unavailable(reason),
        }
    }
}

impl From<Method> for AskedMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::SandboxApprove => Self::Approve,
            Method::SandboxDecline => Self::Decline,
            Method::SandboxSlow => Self::Slow,
        }
    }
}

impl From<AskedMethod> for Method {
    fn from(method: AskedMethod) -> Self {
        match method {
            AskedMethod::Approve => Self::SandboxApprove,
            AskedMethod::Decline => Self::SandboxDecline,
            AskedMethod::Slow => Self::SandboxSlow,
        }
    }
}

/// Any number: what may be paid is decided in the books.
fn money(minor: &str, currency: &str) -> Result<Money, OutOfBound> {
    let minor = minor.parse().map_err(|_| OutOfBound::new("amountMinor", "a whole number in a string"))?;
    Ok(Money::new(minor, currency.parse()?))
}

/// As a node would understand it.
#[cfg(test)]
pub(super) fn over_the_wire(error: ProviderError) -> ProviderError {
    let said = serde_json::to_vec(&Refused::from(error)).unwrap();
    serde_json::from_slice::<Refused>(&said).unwrap().into()
}
