//! The public log as static files under /log/, for whoever wants to read all of it: checkpoint, tiles and keys, as c2sp.org/tlog-tiles has them.
//! Pages of other hosts may read them too, so that a verifier can live anywhere.

use std::io::ErrorKind;
use std::sync::Arc;

use apricot_tlog::tile::{Kind, Tile};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Wire;
use super::pages::{packed, takes_gzip};
use super::problem::{Kind as ProblemKind, not_found};
use super::rest::Refused;

/// A checkpoint is overtaken within a second.
const BRIEFLY: HeaderValue = HeaderValue::from_static("public, max-age=1");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const ANYBODY: (HeaderName, HeaderValue) =
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

pub fn router() -> Router<Arc<Wire>> {
    Router::new()
        .route("/log/checkpoint", get(checkpoint))
        .route("/log/keys", get(keys))
        .route("/log/tile/{*path}", get(tile))
}

async fn checkpoint(State(wire): State<Arc<Wire>>) -> Response {
    let (_, note) = wire.log.checkpoint();
    if note.is_empty() {
        return missing("checkpoint");
    }
    ([ANYBODY, (header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, BRIEFLY)], note).into_response()
}

/// A verifier key on each line, the newest first.
async fn keys(State(wire): State<Arc<Wire>>) -> Response {
    let keys: String = wire.log.keys().map(|key| format!("{key}\n")).collect();
    ([ANYBODY, (header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, BRIEFLY)], keys).into_response()
}

async fn tile(State(wire): State<Arc<Wire>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Ok(tile) = format!("tile/{path}").parse::<Tile>() else { return missing("tile") };
    let read = || {
        let folder = wire.log.folder().clone();
        tokio::task::spawn_blocking(move || folder.read_or_cut(tile))
    };
    let mut bytes = read().await;
    // Another node may have published a checkpoint that this one has not heard of.
    if matches!(&bytes, Ok(Err(error)) if error.kind() == ErrorKind::NotFound)
        && wire.log.follow().await.is_ok()
    {
        bytes = read().await;
    }
    let bytes = match bytes {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return missing("tile"),
        Ok(Err(error)) => return broken(&error.to_string()),
        Err(error) => return broken(&error.to_string()),
    };
    let common = [ANYBODY, (header::CONTENT_TYPE, BYTES), (header::CACHE_CONTROL, FOR_EVER)];
    // Hashes do not shrink.
    if tile.kind == Kind::Entries && takes_gzip(&headers) {
        let encoded = [
            (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
            (header::VARY, HeaderValue::from_static("Accept-Encoding")),
        ];
        return (common, encoded, packed(&bytes)).into_response();
    }
    (common, bytes).into_response()
}

fn missing(what: &'static str) -> Response {
    Refused(not_found(what)).into_response()
}

fn broken(error: &str) -> Response {
    tracing::error!(error, "a tile of the public log cannot be read");
    let mut answer =
        Refused(ProblemKind::RecordUnavailable.because("The log cannot be read now; ask again."))
            .into_response();
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer
}
