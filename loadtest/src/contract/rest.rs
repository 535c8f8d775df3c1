//! The REST API under `/v1`, with the same messages as canonical JSON.

use std::time::Duration;

use apricot_proto::v1;
use reqwest::{Client, Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::sleep;

use super::Target;
use crate::failure::Failure;

/// What came back, short of what this program cannot understand.
#[derive(Debug, Clone)]
pub enum Answer<T> {
    Ok(T),
    Problem(v1::Problem),
    /// Nothing came back; whether it was done is not known.
    Unknown(String),
}

impl<T> Answer<T> {
    /// For steps that cannot go on after a refusal.
    pub fn required(self, what: &str) -> Result<T, Failure> {
        match self {
            Answer::Ok(value) => Ok(value),
            Answer::Problem(problem) => Err(Failure::Refused {
                what: what.into(),
                status: problem.status.try_into().unwrap_or(u16::MAX),
                kind: problem.r#type,
                detail: format!("{} {}", problem.detail, problem.field).trim().into(),
            }),
            Answer::Unknown(source) => Err(Failure::Unreachable { what: what.into(), source }),
        }
    }
}

/// One person's REST client. Clones share connections.
#[derive(Debug, Clone)]
pub struct Rest {
    http: Client,
    target: Target,
    token: String,
}

/// Longer than any pause of a healthy server, so that a lost answer is noticed within a run.
const REQUEST_WAIT: Duration = Duration::from_secs(5);

const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

fn worth_another_try<T>(answer: &Answer<T>) -> bool {
    match answer {
        Answer::Ok(_) => false,
        Answer::Problem(problem) => matches!(problem.status, 429 | 503),
        Answer::Unknown(_) => true,
    }
}

impl Rest {
    pub fn new(target: Target, token: String) -> Result<Rest, Failure> {
        let http = Client::builder()
            .timeout(REQUEST_WAIT)
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .map_err(|error| Failure::Unreachable {
                what: "making an HTTP client".into(),
                source: error.to_string(),
            })?;
        Ok(Rest { http, target, token })
    }

    /// The same connections for another person.
    pub fn with_token(&self, token: &str) -> Rest {
        Rest { token: token.into(), ..self.clone() }
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.call(Method::GET, path, None::<&()>, None).await
    }

    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        key: Option<&str>,
    ) -> Answer<T> {
        self.call(Method::POST, path, Some(body), key).await
    }

    pub async fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        key: Option<&str>,
    ) -> Answer<T> {
        self.call(Method::PUT, path, Some(body), key).await
    }

    /// Reads until something is read: right after a restart a kept connection is dead and the record may still open.
    pub async fn get_patiently<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        let mut answer = self.get(path).await;
        for _ in 0..PATIENCE {
            if !worth_another_try(&answer) {
                break;
            }
            sleep(PAUSE).await;
            answer = self.get(path).await;
        }
        answer
    }

    /// Puts until it is taken; for what may be put twice.
    pub async fn put_patiently<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        key: &str,
    ) -> Answer<T> {
        let mut answer = self.put(path, body, Some(key)).await;
        for _ in 0..PATIENCE {
            if !worth_another_try(&answer) {
                break;
            }
            sleep(PAUSE).await;
            answer = self.put(path, body, Some(key)).await;
        }
        answer
    }

    /// Whether `/readyz` says 200.
    pub async fn ready(&self) -> bool {
        match self.http.get(self.target.http("/readyz")).send().await {
            Ok(response) => response.status() == StatusCode::OK,
            Err(_) => false,
        }
    }

    async fn call<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        key: Option<&str>,
    ) -> Answer<T> {
        let mut request = self.http.request(method, self.target.http(path));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::Unknown(causes(&error)),
        };
        let status = response.status();
        let bytes = match response.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return Answer::Unknown(causes(&error)),
        };
        if status.is_success() {
            match serde_json::from_slice(&bytes) {
                Ok(value) => Answer::Ok(value),
                Err(error) => off_contract(status, &bytes, &error.to_string()),
            }
        } else {
            match serde_json::from_slice::<v1::Problem>(&bytes) {
                Ok(problem) => Answer::Problem(problem),
                Err(error) => off_contract(status, &bytes, &error.to_string()),
            }
        }
    }
}

/// An answer outside the contract, as a problem of its own type, so that a report can name it.
fn off_contract<T>(status: StatusCode, bytes: &[u8], why: &str) -> Answer<T> {
    let body: String = String::from_utf8_lossy(bytes).chars().take(300).collect();
    Answer::Problem(v1::Problem {
        r#type: "off-contract".into(),
        status: status.as_u16().into(),
        detail: format!("{why}; the body was {body:?}"),
        ..Default::default()
    })
}

/// reqwest hides the reason ("connection refused") behind its own sentence.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
