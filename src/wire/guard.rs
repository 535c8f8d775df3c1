//! What every answer carries, and which pages may ask: security headers, origins, request ids, one log line for each failure.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::CorsLayer;
use tracing::Instrument;

use super::rest::{Failure, Refused};
use super::{Wire, meters, problem::Kind};

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; \
     font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Of a room's page: its picture comes from wherever the host streams to, and a playlist may name yet another host for its segments.
pub const ROOM_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self' https:; \
     media-src 'self' https: blob:; worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
/// A week: whoever turns TLS off again is not locked out for long. The host's other ports are meant too, so a proxy on 443 may say more.
const STAY_SECURE: HeaderValue = HeaderValue::from_static("max-age=604800");
const REQUEST_ID: &str = "x-request-id";

/// Origins that may write and connect; the server's own host always may.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<[String]>);

impl Origins {
    pub fn new(allowed: &[String]) -> Self {
        Self(allowed.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A browser says where a page is from; other clients say nothing, and have no cookies that a page could abuse.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = given.next() else { return true };
        let Some(origin) = origin.to_str().ok().filter(|_| given.next().is_none()) else { return false };
        let origin = origin.to_ascii_lowercase();
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let page = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let own = matches!((page, host), (Some(page), Some(host)) if page.eq_ignore_ascii_case(host));
        own || self.0.contains(&origin)
    }

    /// Lets pages of the listed origins read answers too.
    pub fn cors(&self) -> CorsLayer {
        let origins: Vec<HeaderValue> = self.0.iter().filter_map(|origin| origin.parse().ok()).collect();
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::HeaderName::from_static("idempotency-key"),
            ])
            .expose_headers([header::RETRY_AFTER, header::HeaderName::from_static(REQUEST_ID)])
    }
}

/// Refuses writes and sockets of pages from elsewhere.
pub async fn origin(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let socket = request.headers().contains_key(header::UPGRADE);
    if (!reads || socket) && !origins.allow(request.headers()) {
        let detail = "Open the page from this server, or add its origin to `allowed_origins`.";
        return Refused(Kind::Forbidden.because(detail)).into_response();
    }
    next.run(request).await
}

pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// HSTS, for answers under TLS: the browser asks this host by https from now on. Not for `localhost`, which other programs share.
pub async fn stay_secure(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let shared = host.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case("localhost"));
    let mut response = next.run(request).await;
    if !shared {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STAY_SECURE);
    }
    response
}

/// Names each request, counts it, and logs those that failed: here and nowhere else.
pub async fn watch(State(wire): State<Arc<Wire>>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers(), || wire.clock.new_id().simple().to_string());
    let value = HeaderValue::try_from(id.as_str()).unwrap_or(HeaderValue::from_static("unnamed"));
    request.headers_mut().insert(REQUEST_ID, value.clone());
    let route =
        request.extensions().get::<MatchedPath>().map_or("none".into(), |path| path.as_str().to_owned());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let began = tokio::time::Instant::now();
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    let took = began.elapsed();
    let status = response.status();
    meters::request(&method, &route, status, took);
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let took_ms = took.as_millis();
        failed(&id, &method, uri.path(), status.as_u16(), took_ms, &failure);
    }
    response.headers_mut().insert(REQUEST_ID, value);
    response
}

/// Neither the query nor the problem's detail: they may quote what a person sent.
fn failed(id: &str, method: &Method, path: &str, status: u16, took_ms: u128, failure: &Failure) {
    let Failure { problem, field } = failure;
    if status >= 500 {
        tracing::warn!(id, %method, path, status, took_ms, problem, field, "request failed");
    } else {
        tracing::info!(id, %method, path, status, took_ms, problem, field, "request refused");
    }
}

/// A proxy's id is kept when it is one.
fn request_id(headers: &HeaderMap, new: impl FnOnce() -> String) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let usable = given.filter(|id| (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
    usable.map_or_else(new, str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_pages_and_listed_origins_may_ask() {
        let origins = Origins::new(&["https://shop.example".into()]);
        let check = |origin: Option<&str>, allowed: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "live.example:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(origins.allow(&headers), allowed, "{origin:?}");
        };
        check(None, true);
        check(Some("http://live.example:8080"), true);
        check(Some("https://LIVE.example:8080"), true);
        check(Some("https://shop.example"), true);
        check(Some("https://shop.example.evil"), false);
        check(Some("http://live.example"), false);
        check(Some("http://shop.example"), false);
        check(Some("null"), false);
    }
}
