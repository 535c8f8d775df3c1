//! The provider's side.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::de::DeserializeOwned;

use super::{
    AUTHORISATIONS, Authorisation, BODY_BYTES_MAX, CAPTURES, Capture, KNOBS, REFUNDS, Refund, Refused,
    SIGNATURE, Signer, money,
};
use crate::model::OutOfBound;
use crate::sandbox::{Knobs, Sandbox, WebhookSecret};

/// From the end of the head to the answer. A commit takes milliseconds; a body that does not arrive ends here.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

struct Desk {
    sandbox: Sandbox,
    signers: Vec<Signer>,
}

/// A request with a signature that was checked.
struct Asked<T>(T);

/// `secrets`: a request signed with any of them is believed. `/healthz` answers everybody.
pub fn router(sandbox: Sandbox, secrets: &[WebhookSecret]) -> Result<Router, OutOfBound> {
    let signers = secrets.iter().map(Signer::new).collect::<Result<_, _>>()?;
    let router = Router::new()
        .route(AUTHORISATIONS, routing::post(authorise))
        .route(CAPTURES, routing::post(capture))
        .route(REFUNDS, routing::post(refund))
        .route(KNOBS, routing::get(knobs).put(turn_knobs))
        .with_state(Arc::new(Desk { sandbox, signers }))
        .route("/healthz", routing::get(async || "ok\n"));
    Ok(router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).layer(middleware::from_fn(in_time)))
}

async fn authorise(State(desk): State<Arc<Desk>>, request: Request) -> Result<StatusCode, Refused> {
    let Asked(Authorisation { payment, amount_minor, currency, method }) = desk.read(request).await?;
    let amount = money(&amount_minor, &currency)?;
    desk.sandbox.authorise(payment.parse()?, amount, method.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn capture(State(desk): State<Arc<Desk>>, request: Request) -> Result<StatusCode, Refused> {
    let Asked(Capture { payment }) = desk.read(request).await?;
    desk.sandbox.capture(payment.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn refund(State(desk): State<Arc<Desk>>, request: Request) -> Result<StatusCode, Refused> {
    let Asked(Refund { refund, payment, amount_minor, currency }) = desk.read(request).await?;
    let amount = money(&amount_minor, &currency)?;
    desk.sandbox.refund(refund.parse()?, payment.parse()?, amount).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn knobs(State(desk): State<Arc<Desk>>, request: Request) -> Result<Json<Knobs>, Refused> {
    desk.signed(request).await?;
    Ok(Json(desk.sandbox.knobs()))
}

async fn turn_knobs(State(desk): State<Arc<Desk>>, request: Request) -> Result<StatusCode, Refused> {
    let Asked(knobs) = desk.read(request).await?;
    desk.sandbox.set_knobs(knobs)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
    answered.unwrap_or_else(|_| Refused::Unavailable { reason: "no answer in 5 s".into() }.into_response())
}

impl Desk {
    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<Asked<T>, Refused> {
        let body = self.signed(request).await?;
        let read = serde_json::from_slice(&body);
        read.map(Asked).map_err(|error| Refused::Malformed { reason: error.to_string() })
    }

    /// Nothing of a body is looked at before its signature.
    async fn signed(&self, request: Request) -> Result<Bytes, Refused> {
        let (method, uri, headers) =
            (request.method().clone(), request.uri().clone(), request.headers().clone());
        let body = axum::RequestExt::extract::<Bytes, _>(request).await;
        let body = body.map_err(|rejection| Refused::Malformed { reason: rejection.body_text() })?;
        if self.believes(&method, &uri, &headers, &body) { Ok(body) } else { Err(Refused::NotSigned) }
    }

    fn believes(&self, method: &HttpMethod, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(given) = headers.get(SIGNATURE) else { return false };
        self.signers.iter().any(|signer| signer.made(given.as_bytes(), method, uri.path(), body))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status(), Json(self)).into_response()
    }
}
