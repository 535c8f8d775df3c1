//! Sockets, HTTP, JSON and protobuf, pages: what reaches the layers below is checked, what leaves them is encoded here.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};

use crate::clock::Clock;
use crate::ledger::log::PublicLog;
use crate::ops::Ops;
use crate::room::Hub;
use crate::sale::Sales;
use crate::sale::outbox::Provider;

pub mod codec;
pub mod guard;
pub mod key_folder;
pub mod listener;
pub mod live;
pub mod log;
pub mod log_keys;
pub mod meters;
pub mod openapi;
pub mod pages;
pub mod problem;
pub mod rest;
pub mod tls;
pub mod token;
pub mod webhook;
pub mod websocket;

use guard::Origins;
use live::Sockets;
use problem::Kind;
use token::Keys;
use webhook::WebhookSecrets;

/// What requests are answered with.
pub struct Wire {
    pub clock: Clock,
    pub keys: Keys,
    pub webhooks: WebhookSecrets,
    pub hub: Hub,
    pub sales: Sales,
    pub provider: Provider,
    pub ops: Ops,
    pub log: PublicLog,
    /// What links begin with, when the configuration says so.
    pub public_url: Option<String>,
    /// Behind TLS of this program.
    pub secure: bool,
    /// For sales that do not say.
    pub hold_default: Duration,
}

/// `secure`: behind TLS of this program.
pub fn router(wire: Arc<Wire>, sockets: Sockets, origins: Origins, secure: bool) -> Router {
    let router = rest::router()
        .merge(log::router())
        .merge(pages::router())
        .with_state(Arc::clone(&wire))
        .merge(sockets.router());
    let router = router.fallback(nothing_here).method_not_allowed_fallback(wrong_method);
    // Other hosts' pages may read answers when they are listed.
    let router = if origins.is_empty() { router } else { router.layer(origins.cors()) };
    let router = if secure { router.layer(middleware::from_fn(guard::stay_secure)) } else { router };
    router
        .layer(middleware::from_fn_with_state(origins, guard::origin))
        .layer(middleware::from_fn(guard::headers))
        .layer(middleware::from_fn_with_state(wire, guard::watch))
}

/// What the payment provider that lives in this program may reach without TLS: its webhooks, which are signed, and nothing else.
pub fn webhooks_only(wire: Arc<Wire>) -> Router {
    let router = rest::webhooks().with_state(Arc::clone(&wire));
    let router = router.fallback(nothing_here).method_not_allowed_fallback(wrong_method);
    router
        .layer(middleware::from_fn(guard::headers))
        .layer(middleware::from_fn_with_state(wire, guard::watch))
}

async fn nothing_here() -> Response {
    rest::Refused(Kind::NotFound.because("There is nothing here; /openapi.json lists what there is."))
        .into_response()
}

/// The router adds `Allow`.
async fn wrong_method() -> Response {
    rest::Refused(Kind::MethodNotAllowed.because("Use one of the methods in the `Allow` header."))
        .into_response()
}
