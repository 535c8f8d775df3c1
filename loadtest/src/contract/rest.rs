//! The REST API under `/v1`, with the same messages as canonical JSON.

use std::{sync::Arc, time::Duration};

use apricot_proto::v1;
use reqwest::{Client, Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{task::spawn_blocking, time::sleep};

use super::{Target, tls::Trust};
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
    nodes: Arc<[Target]>,
    /// The node that is asked.
    node: usize,
    token: String,
}

/// Longer than any pause of a healthy server, so that a lost answer is noticed within a run.
const REQUEST_WAIT: Duration = Duration::from_secs(5);

const PATIENCE: usize = 20;
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
        Rest::over(&[target], token)
    }

    /// Asks the first node, until told otherwise.
    pub fn over(nodes: &[Target], token: String) -> Result<Rest, Failure> {
        let http = Client::builder()
            .timeout(REQUEST_WAIT)
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .map_err(|error| Failure::Unreachable {
                what: "making an HTTP client".into(),
                source: error.to_string(),
            })?;
        Ok(Rest { http, nodes: nodes.into(), node: 0, token })
    }

    /// The same person at another node; numbers beyond the last begin again with the first.
    pub fn at(&self, node: usize) -> Rest {
        Rest { node: node % self.nodes.len(), ..self.clone() }
    }

    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    fn target(&self) -> &Target {
        &self.nodes[self.node]
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

    /// Reads until something is read, each try at another node: right after a restart a kept connection is dead and the record may
    /// still open.
    pub async fn get_patiently<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        let mut answer = self.get(path).await;
        for attempt in 1..=PATIENCE {
            if !worth_another_try(&answer) {
                break;
            }
            sleep(PAUSE).await;
            answer = self.at(self.node + attempt).get(path).await;
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
        for attempt in 1..=PATIENCE {
            if !worth_another_try(&answer) {
                break;
            }
            sleep(PAUSE).await;
            answer = self.at(self.node + attempt).put(path, body, Some(key)).await;
        }
        answer
    }

    /// Whether `/readyz` says 200.
    pub async fn ready(&self) -> bool {
        let answered = self.send(Method::GET, "/readyz", None::<&()>, None).await;
        answered.is_ok_and(|(status, _)| status == StatusCode::OK)
    }

    async fn call<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        key: Option<&str>,
    ) -> Answer<T> {
        let (status, bytes) = match self.send(method, path, body, key).await {
            Ok(answered) => answered,
            Err(why) => return Answer::Unknown(why),
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

    /// An error says that nothing came back.
    async fn send<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        key: Option<&str>,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        if let Some(trust) = &self.target().trust {
            return self.send_sealed(trust, method, path, body, key).await;
        }
        let mut request = self.http.request(method, self.target().http(path));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| causes(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| causes(&error))?;
        Ok((status, bytes.into()))
    }

    /// A connection for each: with TLS only a few rooms are opened.
    async fn send_sealed<B: Serialize>(
        &self,
        trust: &Trust,
        method: Method,
        path: &str,
        body: Option<&B>,
        key: Option<&str>,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.target().host);
        if !self.token.is_empty() {
            request += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        if let Some(key) = key {
            request += &format!("Idempotency-Key: {key}\r\n");
        }
        let mut bytes = Vec::new();
        if let Some(body) = body {
            bytes = serde_json::to_vec(body).map_err(|error| error.to_string())?;
            request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", bytes.len());
        }
        let request = [(request + "\r\n").into_bytes(), bytes].concat();
        let (trust, address) = (trust.clone(), self.target().address);
        let answered = spawn_blocking(move || trust.ask(address, &request, REQUEST_WAIT)).await;
        let (status, bytes) =
            answered.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        Ok((StatusCode::from_u16(status).map_err(|error| error.to_string())?, bytes))
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
