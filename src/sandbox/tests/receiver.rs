//! A real receiver on a real socket. It checks every signature and hands on what it was told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing};
use bytes::Bytes;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::sandbox::WebhookTarget;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// Only a broken test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Receiver {
    pub address: SocketAddr,
    status: Arc<AtomicU16>,
    told: mpsc::Receiver<Told>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub id: String,
    pub body: serde_json::Value,
}

#[derive(Clone)]
struct Desk {
    signer: Arc<Webhook>,
    status: Arc<AtomicU16>,
    tell: mpsc::Sender<Told>,
}

impl Receiver {
    pub async fn start(status: u16) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), status).await
    }

    pub async fn start_at(address: SocketAddr, status: u16) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let status = Arc::new(AtomicU16::new(status));
        let (tell, told) = mpsc::channel(32_768);
        let desk = Desk { signer: Arc::new(Webhook::new(SECRET).unwrap()), status: status.clone(), tell };
        let app = Router::new().route("/hook", routing::post(take)).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, status, told }
    }

    pub fn target(&self) -> WebhookTarget {
        target(self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub async fn told(&mut self) -> Told {
        tokio::time::timeout(PATIENCE, self.told.recv()).await.expect("an event in time").unwrap()
    }

    /// Without waiting.
    pub fn told_already(&mut self) -> Option<Told> {
        self.told.try_recv().ok()
    }
}

impl Told {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    pub fn payment(&self) -> &str {
        self.data("payment")
    }

    pub fn data(&self, field: &str) -> &str {
        self.body["data"][field].as_str().unwrap_or("absent")
    }
}

pub fn target(address: SocketAddr) -> WebhookTarget {
    WebhookTarget { url: format!("http://{address}/hook"), secret: SECRET.parse().unwrap() }
}

async fn take(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = StatusCode::from_u16(desk.status.load(Ordering::SeqCst)).unwrap();
    if status.is_success() && desk.signer.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    desk.tell.send(Told { id, body: serde_json::from_slice(&body).unwrap() }).await.unwrap();
    status
}
