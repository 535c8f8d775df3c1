//! Meters of the wire. docs/metrics.md lists all meters of all layers; a test compares.

use std::time::Duration;

use axum::http::{Method, StatusCode};

pub const REQUESTS: &str = "apricot_http_requests_total";
pub const REQUEST_SECONDS: &str = "apricot_http_request_seconds";

/// `route` is the pattern, not the path: the number of series stays bounded.
pub fn request(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let method = match *method {
        Method::GET | Method::HEAD => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        _ => "other",
    };
    let route = route.to_owned();
    metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    metrics::histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(took);
}
