//! The web pages, built from `web/` and embedded. Without them the server works; `/` then says how to make them.
//!
//! What is text is packed once, when the server starts: a request costs a look into a map.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

use super::guard::ROOM_POLICY;
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

const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");

static FILES: LazyLock<BTreeMap<String, BuiltFile>> = LazyLock::new(|| {
    let file = |name: Cow<'static, str>| {
        let file = Built::get(&name)?;
        let tag: String =
            file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Some((name.to_string(), BuiltFile::new(&name, &tag, bytes)))
    };
    Built::iter().filter_map(file).collect()
});

struct BuiltFile {
    kind: &'static str,
    cache: HeaderValue,
    plain: Form,
    /// When that is shorter.
    packed: Option<Form>,
}

/// Bytes under an entity tag of their own.
struct Form {
    tag: String,
    bytes: Bytes,
}

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    LazyLock::force(&FILES);
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { page("index.html", &headers) }))
        .route("/rooms/{room}", get(room))
        .route("/pledges/{pledge}", get(|headers: HeaderMap| async move { page("index.html", &headers) }))
        .route("/p/{project}", get(|headers: HeaderMap| async move { page("index.html", &headers) }))
        .route("/projects", get(|headers: HeaderMap| async move { page("index.html", &headers) }))
        .route("/host", get(|headers: HeaderMap| async move { page("host.html", &headers) }))
        .route("/ops", get(|headers: HeaderMap| async move { page("ops.html", &headers) }))
        .route("/receipts", get(|headers: HeaderMap| async move { page("receipts.html", &headers) }))
        .route("/verify", get(|headers: HeaderMap| async move { page("verify.html", &headers) }))
        .route("/board", get(|headers: HeaderMap| async move { page("board.html", &headers) }))
        .route("/assets/{*path}", get(asset))
}

fn page(name: &str, headers: &HeaderMap) -> Response {
    match FILES.get(name) {
        Some(file) => file.answer(headers),
        None => {
            (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], NOT_BUILT).into_response()
        }
    }
}

async fn room(headers: HeaderMap) -> Response {
    let mut response = page("index.html", &headers);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, ROOM_POLICY);
    response
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match FILES.get(&format!("assets/{path}")) {
        Some(file) => file.answer(&headers),
        None => Refused(not_found("file")).into_response(),
    }
}

impl BuiltFile {
    fn new(name: &str, tag: &str, bytes: Bytes) -> Self {
        let kind = content_type(name);
        let cache = if name.starts_with("assets/") { FOR_EVER } else { ASK_AGAIN };
        let packed = if is_text(kind) { pack(&bytes).ok() } else { None };
        let packed = packed.filter(|packed| packed.len() < bytes.len());
        let packed = packed.map(|bytes| Form { tag: format!("\"{tag}-gzip\""), bytes: bytes.into() });
        Self { kind, cache, plain: Form { tag: format!("\"{tag}\""), bytes }, packed }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let packed = self.packed.as_ref().filter(|_| takes_gzip(headers));
        let form = packed.unwrap_or(&self.plain);
        let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let is_known =
            |tags: &str| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == form.tag);
        let mut response = if known.is_some_and(is_known) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            form.bytes.clone().into_response()
        };
        let head = response.headers_mut();
        head.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        head.insert(header::CACHE_CONTROL, self.cache.clone());
        head.insert(
            header::ETAG,
            HeaderValue::try_from(&form.tag).unwrap_or(HeaderValue::from_static("\"\"")),
        );
        if self.packed.is_some() {
            head.insert(header::VARY, BY_ENCODING);
        }
        if packed.is_some() {
            head.insert(header::CONTENT_ENCODING, GZIP);
        }
        response
    }
}

/// For what is packed at each request: quick rather than small.
pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    packer.write_all(bytes).and_then(|()| packer.finish()).expect("memory takes what it is given")
}

fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes)?;
    packer.finish()
}

/// RFC 9110, 12.5.3: named with a weight above zero, or meant by `*`.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut named, mut any) = (None, false);
    for coding in lines.flat_map(|line| line.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches(['q', 'Q', '=']).parse::<f32>();
        let wanted = weight.is_ok_and(|weight| weight > 0.0) || !coding.contains(';');
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => named = Some(wanted),
            "*" => any = wanted,
            _ => {}
        }
    }
    named.unwrap_or(any)
}

/// The others are packed already.
fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind.contains("json") || kind.contains("svg")
}

/// What the build makes; anything else is only to be saved.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;

    fn headers(lines: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    async fn bytes(response: Response) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn text_is_sent_packed_to_those_who_take_it() {
        let script = "console.log('apricots');\n".repeat(100);
        let file = BuiltFile::new("assets/a.js", "abc", script.clone().into());
        let packed = file.answer(&headers(&[(header::ACCEPT_ENCODING, "br, gzip;q=0.8")]));
        let head = packed.headers();
        assert_eq!(
            (&head["content-encoding"], &head["vary"], &head["etag"]),
            (&GZIP, &BY_ENCODING, &"\"abc-gzip\"".parse().unwrap())
        );
        assert_eq!(
            (&head["cache-control"], head["content-type"].as_bytes()),
            (&FOR_EVER, b"text/javascript; charset=utf-8".as_slice())
        );
        let packed = bytes(packed).await;
        assert!(packed.len() < script.len() / 10);
        let mut read = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut read).unwrap();
        assert_eq!(read, script);
        let plain = file.answer(&HeaderMap::new());
        assert_eq!((plain.headers().get("content-encoding"), &plain.headers()["vary"]), (None, &BY_ENCODING));
        assert_eq!(bytes(plain).await, script.as_bytes());
    }

    #[tokio::test]
    async fn only_a_room_may_fetch_a_picture_from_elsewhere() {
        let policy = |response: Response| {
            response
                .headers()
                .get(header::CONTENT_SECURITY_POLICY)
                .map(|policy| policy.to_str().unwrap().to_owned())
        };
        let of_room = policy(room(HeaderMap::new()).await).unwrap();
        for wanted in ["connect-src 'self' https:;", "media-src 'self' https: blob:;", "script-src 'self';"] {
            assert!(of_room.contains(wanted), "{of_room}");
        }
        assert!(!of_room.contains("unsafe"));
        // The others get the strict one, which the guard sets where there is none.
        assert_eq!(policy(page("index.html", &HeaderMap::new())), None);
    }

    #[tokio::test]
    async fn a_known_tag_is_known_for_its_form_only() {
        let file = BuiltFile::new("index.html", "abc", "<p>apricots</p>".repeat(100).into());
        let status = |tag, encoding| {
            file.answer(&headers(&[(header::IF_NONE_MATCH, tag), (header::ACCEPT_ENCODING, encoding)]))
                .status()
        };
        assert_eq!(status("\"x\", W/\"abc-gzip\"", "gzip"), StatusCode::NOT_MODIFIED);
        assert_eq!(status("\"abc\"", "identity"), StatusCode::NOT_MODIFIED);
        assert_eq!(status("\"abc\"", "gzip"), StatusCode::OK);
    }

    #[test]
    fn pictures_and_what_does_not_shrink_stay_as_they_are() {
        assert!(BuiltFile::new("assets/a.png", "abc", vec![0; 1_000].into()).packed.is_none());
        assert!(BuiltFile::new("assets/a.txt", "abc", "a".into()).packed.is_none());
    }

    #[test]
    fn a_client_says_whether_it_takes_gzip() {
        for (said, takes) in [
            ("gzip", true),
            ("deflate, GZIP, br", true),
            ("gzip;q=0", false),
            ("gzip; q=0.001", true),
            ("*", true),
            ("*;q=0", false),
            ("*, gzip;q=0.0", false),
            ("br", false),
            ("gzip;q=much", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&headers(&[(header::ACCEPT_ENCODING, said)])), takes, "{said}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
