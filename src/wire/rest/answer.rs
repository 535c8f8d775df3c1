//! What a handler gives: a message as canonical JSON, with the status that its wrapper says.

use std::sync::LazyLock;

use apricot_proto::v1::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::sheet::STYLE;

use crate::wire::problem::Kind;

pub struct Made<M>(pub M);

/// 201, or 200 for the answer to a retry.
pub struct MadeOrFound<M> {
    pub message: M,
    pub fresh: bool,
}

/// Under way: the outcome comes later.
pub struct Accepted<M>(pub M);

pub struct NoContent;

/// A file to save.
pub struct Csv {
    pub file_name: String,
    pub text: String,
}

pub struct Plain(pub String);

/// A page with the style of statements and no script.
pub struct Html(pub String);

/// A picture of ours; what people wrote is escaped in it.
pub struct Svg(pub String);

/// JSON that was written before.
pub struct Document(pub &'static str);

/// A problem on its way to an HTTP client. Whatever becomes a `Problem` becomes this, so that `?` is enough in a handler.
#[derive(Debug)]
pub struct Refused(pub Problem);

/// A status and what comes with it, for `/openapi.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub status: u16,
    pub content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Message(&'static str),
    Csv,
    /// Of this content type.
    Text(&'static str),
    Nothing,
}

pub trait Answer: Send {
    fn gives() -> Vec<Given>;
    fn into_response(self) -> Response;
}

impl<M: prost::Name + Serialize> Answer for M {
    fn gives() -> Vec<Given> {
        vec![message::<M>(200)]
    }

    fn into_response(self) -> Response {
        json(StatusCode::OK, &self)
    }
}

impl<M: prost::Name + Serialize> Answer for Made<M> {
    fn gives() -> Vec<Given> {
        vec![message::<M>(201)]
    }

    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

impl<M: prost::Name + Serialize> Answer for MadeOrFound<M> {
    fn gives() -> Vec<Given> {
        vec![message::<M>(201), message::<M>(200)]
    }

    fn into_response(self) -> Response {
        json(if self.fresh { StatusCode::CREATED } else { StatusCode::OK }, &self.message)
    }
}

impl<M: prost::Name + Serialize> Answer for Accepted<M> {
    fn gives() -> Vec<Given> {
        vec![message::<M>(202)]
    }

    fn into_response(self) -> Response {
        json(StatusCode::ACCEPTED, &self.0)
    }
}

impl Answer for NoContent {
    fn gives() -> Vec<Given> {
        vec![Given { status: 204, content: Content::Nothing }]
    }

    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answer for Csv {
    fn gives() -> Vec<Given> {
        vec![Given { status: 200, content: Content::Csv }]
    }

    fn into_response(self) -> Response {
        let disposition = format!("attachment; filename=\"{}\"", self.file_name);
        let disposition =
            HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("attachment"));
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], self.text)
            .into_response()
    }
}

impl Answer for Plain {
    fn gives() -> Vec<Given> {
        vec![Given { status: 200, content: Content::Text("text/plain") }]
    }

    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], self.0)
            .into_response()
    }
}

impl Answer for Html {
    fn gives() -> Vec<Given> {
        vec![Given { status: 200, content: Content::Text("text/html") }]
    }

    fn into_response(self) -> Response {
        static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
            let style = STANDARD.encode(Sha256::digest(STYLE));
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            );
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
        });
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY.clone())], self.0)
            .into_response()
    }
}

impl Answer for Svg {
    fn gives() -> Vec<Given> {
        vec![Given { status: 200, content: Content::Text("image/svg+xml") }]
    }

    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"))], self.0).into_response()
    }
}

impl Answer for Document {
    fn gives() -> Vec<Given> {
        vec![Given { status: 200, content: Content::Text("application/json") }]
    }

    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.0).into_response()
    }
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(refused: E) -> Self {
        Self(refused.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = u16::try_from(problem.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let mut response = json(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &problem);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if problem.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if problem.retry_after_ms > 0 {
            headers.insert(header::RETRY_AFTER, problem.retry_after_ms.div_ceil(1_000).into());
        }
        // For the line that the boundary logs.
        response.extensions_mut().insert(Failure { problem: problem.r#type, field: problem.field });
        response
    }
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub problem: String,
    pub field: String,
}

fn message<M: prost::Name>(status: u16) -> Given {
    Given { status, content: Content::Message(M::NAME) }
}

fn json(status: StatusCode, message: &impl Serialize) -> Response {
    match serde_json::to_vec(message) {
        Ok(bytes) => {
            let kind = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, kind)], bytes).into_response()
        }
        Err(error) => {
            // Only an enum number without a name can do this, and those are made from enums of the model.
            tracing::error!(%error, "a message could not be written as JSON");
            let problem = Kind::RecordUnavailable.because("The answer could not be written; read it again.");
            Refused(problem).into_response()
        }
    }
}
