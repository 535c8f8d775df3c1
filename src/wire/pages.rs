//! The web pages, built from `web/` and embedded. Without them the server works; `/` then says how to make them.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::not_found;
use super::rest::Refused;

#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[allow_missing = true]
struct Built;

const NOT_BUILT: &str = "Apricot is running. Its pages are not built into this program: run `make pages`, then build again.\n\
     The API is described at /openapi.json.\n";
/// Names of assets contain a hash of their content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { page("index.html", &headers) }))
        .route("/rooms/{room}", get(|headers: HeaderMap| async move { page("index.html", &headers) }))
        .route("/host", get(|headers: HeaderMap| async move { page("host.html", &headers) }))
        .route("/ops", get(|headers: HeaderMap| async move { page("ops.html", &headers) }))
        .route("/assets/{*path}", get(asset))
}

fn page(name: &str, headers: &HeaderMap) -> Response {
    match Built::get(name) {
        Some(file) => answer(file, "text/html; charset=utf-8", ASK_AGAIN, headers),
        None => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], NOT_BUILT).into_response(),
    }
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match Built::get(&format!("assets/{path}")) {
        Some(file) => answer(file, content_type(&path), FOR_EVER, &headers),
        None => Refused(not_found("file")).into_response(),
    }
}

fn answer(file: EmbeddedFile, kind: &'static str, cache: HeaderValue, headers: &HeaderMap) -> Response {
    let tag: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let unchanged = known.is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let tag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""));
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, cache),
        (header::ETAG, tag),
    ];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, file.data).into_response()
}

/// What the build makes; anything else is only to be saved.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        Some(_) | None => "application/octet-stream",
    }
}
