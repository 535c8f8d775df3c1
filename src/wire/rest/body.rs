//! Request bodies: canonical protobuf JSON, of bounded size, without fields that the message does not have.

use apricot_proto::v1::Problem;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::wire::openapi::bound_of;
use crate::wire::problem::Kind;

/// Checked before parsing. The largest message, a run sheet with 50 notes of 200 characters, is below 60 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// A body of that size from a slow telephone.
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);
/// The longest path of a field is below 50; the list of a message's fields may be cut.
const QUOTED_CHARACTERS_MAX: usize = 200;

/// What is read of a body that is too large.
const DISCARD_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
const DISCARD_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// What a handler takes: a message of the contract, `NoBody`, or either.
pub trait Body: Sized + Send + 'static {
    const MESSAGE: Option<&'static str>;
    const REQUIRED: bool = true;

    fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem>;
}

pub struct NoBody;

/// A message whose fields may all be left out; so may the body.
pub struct Optional<M>(pub M);

/// The body as it came, for signatures.
pub struct Raw {
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl<M: prost::Name + DeserializeOwned + 'static> Body for M {
    const MESSAGE: Option<&'static str> = Some(M::NAME);

    fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(
                Kind::Malformed.because("Send the body as JSON with `Content-Type: application/json`.")
            );
        }
        from_json(bytes).map_err(|problem| with_bound::<M>(problem))
    }
}

impl Body for NoBody {
    const MESSAGE: Option<&'static str> = None;

    fn decode(_: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        match bytes.as_ref() {
            // Some clients cannot send nothing.
            b"" | b"{}" => Ok(Self),
            _ => Err(Kind::Malformed.because("This takes no body; send none.")),
        }
    }
}

impl<M: prost::Name + Default + DeserializeOwned + 'static> Body for Optional<M> {
    const MESSAGE: Option<&'static str> = Some(M::NAME);
    const REQUIRED: bool = false;

    fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        if bytes.is_empty() { Ok(Self(M::default())) } else { <M as Body>::decode(headers, bytes).map(Self) }
    }
}

impl Body for Raw {
    const MESSAGE: Option<&'static str> = None;

    fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        Ok(Self { headers: headers.clone(), bytes: bytes.clone() })
    }
}

pub async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Problem> {
    let too_large = || Problem {
        bound: format!("0..={BODY_BYTES_MAX} bytes"),
        ..Kind::TooLarge.because(format!("Send at most {BODY_BYTES_MAX} bytes."))
    };
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
        discard(body).await;
        return Err(too_large());
    }
    let mut body = Limited::new(body, BODY_BYTES_MAX);
    let read = tokio::time::timeout(BODY_TIMEOUT, (&mut body).collect()).await;
    let read =
        read.map_err(|_| Kind::Malformed.because("The body did not arrive in 15 s; send it again."))?;
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Kind::Malformed.because("The body broke off; send it again.")),
    }
}

/// A client that is still sending does not read; closing then would cost it the answer.
async fn discard(body: axum::body::Body) {
    let rest = tokio::time::timeout(DISCARD_TIMEOUT, Limited::new(body, DISCARD_BYTES_MAX).collect()).await;
    if !matches!(rest, Ok(Ok(_))) {
        tracing::debug!("a body that is too large was not read to its end");
    }
}

/// Names the field at fault as the contract spells it ("shipTo.phone").
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        unreadable(path.trim_start_matches('.'), error.inner())
    })?;
    json.end().map_err(|error| unreadable("", &error))?;
    Ok(value)
}

fn unreadable(path: &str, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        let detail =
            format!("Send one JSON object; line {}, column {} is not JSON.", error.line(), error.column());
        return Kind::Malformed.because(detail);
    }
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    let (path, reason) = (&quoted(path), quoted(reason));
    let unknown = reason.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let field = match (path.as_str(), unknown) {
        ("" | "?", Some(name)) => name.to_owned(),
        (path, Some(name)) if !path.ends_with(name) => format!("{}.{name}", path.trim_end_matches(".?")),
        (path, _) => path.trim_end_matches(".?").to_owned(),
    };
    let detail = format!("Correct the message: {reason}.");
    Problem { field: quoted(&field), ..Kind::Malformed.because(detail) }
}

/// What the field must be, when the contract knows.
fn with_bound<M: prost::Name>(problem: Problem) -> Problem {
    if problem.field.is_empty() {
        return problem;
    }
    let Some(bound) = bound_of(M::NAME, &problem.field) else { return problem };
    // Numbers are tried as numbers and as text; which of both failed says nothing.
    let detail = match problem.detail.contains("untagged enum") {
        true => format!("Send `{}` as {bound}.", problem.field),
        false => problem.detail,
    };
    Problem { bound, detail, ..problem }
}

/// Reasons and paths repeat what was sent, and are answered and logged.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(QUOTED_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use apricot_proto::v1::{CreateProduct, PayOrder};

    fn refused<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> (String, String) {
        let problem = from_json::<T>(json.as_bytes()).unwrap_err();
        assert_eq!(problem.r#type, "malformed");
        (problem.field, problem.detail)
    }

    #[test]
    fn the_field_at_fault_is_named() {
        assert_eq!(refused::<CreateProduct>(r#"{"sku": 5}"#).0, "sku");
        assert_eq!(
            refused::<CreateProduct>(r#"{"price": {"minor": "x", "currency": "CNY"}}"#).0,
            "price.minor"
        );
        assert_eq!(refused::<CreateProduct>(r#"{"onHand": -1}"#).0, "onHand");
        assert_eq!(refused::<PayOrder>(r#"{"method": "CASH"}"#).0, "method");
    }

    #[test]
    fn the_bound_of_the_field_is_named_when_the_contract_knows_it() {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse().unwrap())]);
        let refused = |json: &'static str| CreateProduct::decode(&headers, &json.into()).unwrap_err();
        let problem = refused(r#"{"onHand": -1}"#);
        assert_eq!((problem.field.as_str(), problem.bound.as_str()), ("onHand", "0..=4294967295"));
        assert_eq!(problem.detail, "Send `onHand` as 0..=4294967295.");
        let problem = refused(r#"{"sku": 5}"#);
        assert_eq!((problem.field.as_str(), problem.bound.as_str()), ("sku", "text"));
        let problem = refused(r#"{"colour": "red"}"#);
        assert!(problem.bound.starts_with("one of category, imageUrl, "), "{}", problem.bound);
        assert_eq!(refused("[]").bound, "");
    }

    #[test]
    fn an_unknown_field_is_refused_and_named() {
        let (field, detail) = refused::<CreateProduct>(r#"{"sku": "a", "colour": "red"}"#);
        assert_eq!(field, "colour");
        assert!(detail.contains("unknown field `colour`"), "{detail}");
        assert_eq!(refused::<CreateProduct>(r#"{"price": {"minro": "1"}}"#).0, "price.minro");
    }

    #[test]
    fn a_field_of_the_sender_s_making_is_quoted_within_bounds() {
        let long = refused::<CreateProduct>(&format!(r#"{{"{}": 1}}"#, "x".repeat(60_000)));
        assert_eq!(long.0, "x".repeat(QUOTED_CHARACTERS_MAX));
        assert_eq!(refused::<CreateProduct>(r#"{"a\u000ab": 1}"#).0, "ab");
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        let (field, detail) = refused::<CreateProduct>("{\"sku\": \"a\"");
        assert!(field.is_empty() && detail.contains("line 1"), "{detail}");
        for text in ["", "[]", "null", "{} {}", "\u{feff}{}"] {
            refused::<CreateProduct>(text);
        }
        refused::<CreateProduct>(&"[".repeat(10_000));
    }
}
