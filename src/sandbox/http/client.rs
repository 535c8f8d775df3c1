//! The node's side.

use std::time::Duration;

use axum::http::Method as HttpMethod;
use bytes::Bytes;
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use serde::Serialize;

use super::{
    AUTHORISATIONS, Authorisation, BODY_BYTES_MAX, CAPTURES, Capture, KNOBS, REFUNDS, Refund, Refused,
    SIGNATURE, Signer,
};
use crate::model::payment::Method;
use crate::model::{Money, OutOfBound, PaymentId, RefundId};
use crate::sandbox::{Knobs, ProviderError, SandboxError, WebhookSecret};

/// A neighbour answers a SYN in a millisecond; one that is gone should be noticed by the retry, not by the buyer.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// The provider itself gives up after 5 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// As many as the outbox asks at one time.
const IDLE_MAX: usize = 64;
/// Shorter than the 30 s after which the provider closes a silent connection.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// Asks a sandbox that is a process of its own. An error that may be retried says nothing of whether the request had an effect; asking again
/// under the same ids finds out.
#[derive(Clone)]
pub struct HttpSandbox {
    client: Client,
    url: Url,
    signer: std::sync::Arc<Signer>,
}

impl HttpSandbox {
    /// `url`: `http://host:port`. Nothing is asked yet.
    pub fn new(url: &str, secret: &WebhookSecret) -> Result<Self, SandboxError> {
        let bound = || OutOfBound::new("url", "http://host:port");
        let url =
            Url::parse(url).ok().filter(|url| url.scheme() == "http" && url.has_host()).ok_or_else(bound)?;
        let client = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_FOR)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(SandboxError::Client)?;
        Ok(Self { client, url, signer: Signer::new(secret)?.into() })
    }

    pub async fn authorise(
        &self,
        payment: PaymentId,
        amount: Money,
        method: Method,
    ) -> Result<(), ProviderError> {
        let (amount_minor, currency) = (amount.minor.to_string(), amount.currency.as_str().to_owned());
        let asked =
            Authorisation { payment: payment.to_string(), amount_minor, currency, method: method.into() };
        self.ask(HttpMethod::POST, AUTHORISATIONS, &asked).await
    }

    pub async fn capture(&self, payment: PaymentId) -> Result<(), ProviderError> {
        self.ask(HttpMethod::POST, CAPTURES, &Capture { payment: payment.to_string() }).await
    }

    pub async fn refund(
        &self,
        refund: RefundId,
        payment: PaymentId,
        amount: Money,
    ) -> Result<(), ProviderError> {
        let (amount_minor, currency) = (amount.minor.to_string(), amount.currency.as_str().to_owned());
        let asked =
            Refund { refund: refund.to_string(), payment: payment.to_string(), amount_minor, currency };
        self.ask(HttpMethod::POST, REFUNDS, &asked).await
    }

    pub async fn knobs(&self) -> Result<Knobs, ProviderError> {
        let body = self.answered(HttpMethod::GET, KNOBS, Vec::new()).await?;
        serde_json::from_slice(&body).map_err(not_understood)
    }

    pub async fn set_knobs(&self, knobs: Knobs) -> Result<(), ProviderError> {
        self.ask(HttpMethod::PUT, KNOBS, &knobs.checked().map_err(ProviderError::Knobs)?).await
    }

    async fn ask(&self, method: HttpMethod, path: &str, asked: &impl Serialize) -> Result<(), ProviderError> {
        let body = serde_json::to_vec(asked).map_err(not_understood)?;
        self.answered(method, path, body).await.map(drop)
    }

    async fn answered(&self, method: HttpMethod, path: &str, body: Vec<u8>) -> Result<Bytes, ProviderError> {
        let mut url = self.url.clone();
        url.set_path(path);
        let signature = self.signer.sign(&method, path, &body)?;
        let request = self.client.request(method, url).header(SIGNATURE, signature);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        let mut answer = request.send().await.map_err(unreachable)?;
        let body = bounded(&mut answer).await?;
        if answer.status().is_success() {
            return Ok(body);
        }
        Err(refusal(answer.status(), &body))
    }
}

/// Something else may listen there, or stand between.
fn refusal(status: StatusCode, body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Refused>(body) {
        Ok(refused) => refused.into(),
        Err(_) if status.is_server_error() => ProviderError::Unreachable(format!("the answer was {status}")),
        Err(_) => ProviderError::NotUnderstood(format!("the answer was {status}")),
    }
}

async fn bounded(answer: &mut Response) -> Result<Bytes, ProviderError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + part.len() > BODY_BYTES_MAX {
            return Err(ProviderError::NotUnderstood(format!(
                "an answer of more than {BODY_BYTES_MAX} bytes"
            )));
        }
        body.extend_from_slice(&part);
    }
    Ok(body.into())
}

fn not_understood(error: serde_json::Error) -> ProviderError {
    ProviderError::NotUnderstood(error.to_string())
}

fn unreachable(error: reqwest::Error) -> ProviderError {
    ProviderError::Unreachable(crate::sandbox::courier::root_cause(&error))
}
