//! The program with TLS: REST and sockets as without, certificates exchanged while it runs, and a door for webhooks.

#[path = "tls/pair.rs"]
mod pair;

use std::path::Path;

use apricot::app::{App, Running};
use apricot::clock::Clock;
use apricot::config::{Config, TlsConfig};
use apricot::model::{Caller, Role};
use apricot::wire::listener;
use apricot::wire::tls::Certificates;
use axum::Router;
use axum::extract::Request;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use pair::{Pair, connect, connector, shown};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

const HTTP: &[u8] = b"http/1.1";
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

struct Server {
    running: Running,
    pair: Pair,
    folder: tempfile::TempDir,
}

async fn start() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    pair.write(folder.path());
    let mut config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: folder.path().join("data"),
        tls: Some(tls(folder.path())),
        ..Config::default()
    };
    config.provider.delay_ms = 0;
    let running = App::start(config, Clock::System).await.unwrap();
    Server { running, pair, folder }
}

fn tls(folder: &Path) -> TlsConfig {
    TlsConfig { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

impl Server {
    fn token(&self, role: Role, subject: &str) -> String {
        let subject = subject.parse().unwrap();
        let caller = Caller { subject, name: "".into(), role, room: None, county: None };
        let now = Clock::System.now();
        self.running.keys.sign(&caller, now, now + DAY).unwrap()
    }

    async fn post(&self, role: Role, subject: &str, path: &str, body: Value) -> Value {
        let mut stream = connect(&connector(&[&self.pair], HTTP), self.running.address).await.unwrap();
        let (body, token) = (body.to_string(), self.token(role, subject));
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: apricot.test\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = ask(&mut stream, &head).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

/// Sends a request and reads its answer, whose length must be told; the connection stays.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{:?}", String::from_utf8_lossy(&read));
    }
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_and_browsers_are_told_to_stay() {
    let server = start().await;
    assert_eq!(server.running.base(), format!("https://{}", server.running.address));
    let mut stream = connect(&connector(&[&server.pair], HTTP), server.running.address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(HTTP));
    let answer = ask(&mut stream, &get("/healthz", "apricot.test")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=604800\r\n"), "{answer}");
    let answer = ask(&mut stream, &get("/healthz", "localhost:8443")).await;
    assert!(!answer.contains("strict-transport-security"), "{answer}");
    let refused = connect(&connector(&[&server.pair], b"h2"), server.running.address).await;
    assert!(refused.is_err());
    server.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_on_this_port_is_told_to_use_https() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.running.address).await.unwrap();
    stream.write_all(get("/rooms/hill", "apricot.test").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("This port speaks HTTPS"), "{answer}");
}

/// The provider's webhook says that the order is paid, and it comes without TLS.
#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_joins_talks_buys_and_pays() {
    let server = start().await;
    let room = json!({"id": "hill", "title": "Apricots", "hostName": "Li", "place": "Gansu"});
    server.post(Role::Host, "li", "/v1/rooms", room).await;
    server.post(Role::Host, "li", "/v1/rooms/hill/state", json!({"state": "ROOM_STATE_LIVE"})).await;
    let price = json!({"minor": "1990", "currency": "CNY"});
    let product = json!({"sku": "apricot", "title": "Apricots", "unit": "box", "onHand": 9, "price": price,
        "category": "farm"});
    server.post(Role::Host, "li", "/v1/products", product).await;
    let sale = json!({"sku": "apricot", "price": price, "stock": 3, "limitPerBuyer": 2, "durationSeconds": 600,
        "openNow": true});
    let sale = server.post(Role::Host, "li", "/v1/rooms/hill/sales", sale).await;

    let stream = connect(&connector(&[&server.pair], HTTP), server.running.address).await.unwrap();
    let mut request = "wss://apricot.test/v1/rooms/hill/live".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "apricot.v1.json".parse().unwrap());
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    tell(&mut socket, json!({"id": 1, "join": {"token": server.token(Role::Viewer, "wang")}})).await;
    tell(&mut socket, json!({"id": 2, "say": {"text": "新鲜吗？"}})).await;
    hear(&mut socket, |said| said["chat"]["text"] == "新鲜吗？").await;
    let order = Clock::System.new_id().to_string();
    let place = json!({"orderId": order, "saleId": sale["id"], "quantity": 1});
    tell(&mut socket, json!({"id": 3, "placeOrder": place})).await;
    hear(&mut socket, |said| said["reply"]["order"]["state"] == "ORDER_STATE_HELD").await;
    let ship_to = json!({"name": "王", "phone": "13800000000", "address": "县城东街 1"});
    let pay = json!({"orderId": order, "method": "PAYMENT_METHOD_SANDBOX_APPROVE", "shipTo": ship_to});
    tell(&mut socket, json!({"id": 4, "payOrder": pay})).await;
    hear(&mut socket, |said| said.to_string().contains("ORDER_STATE_PAID")).await;
}

async fn tell<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn hear<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    wanted: impl Fn(&Value) -> bool,
) {
    let heard = async {
        while let Some(message) = socket.next().await {
            let text = message.unwrap().into_text().unwrap();
            if text.lines().any(|line| wanted(&serde_json::from_str(line).unwrap())) {
                return;
            }
        }
        panic!("the socket ended");
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_for_new_connections() {
    let server = start().await;
    let next = Pair::new();
    let client = connector(&[&server.pair, &next], HTTP);
    let mut old = connect(&client, server.running.address).await.unwrap();
    assert_eq!(shown(&old), server.pair.der);
    next.write(server.folder.path());
    server.running.reload_certificate(Clock::System.now());
    let fresh = connector(&[&server.pair, &next], HTTP);
    assert_eq!(shown(&connect(&fresh, server.running.address).await.unwrap()), next.der);
    let answer = ask(&mut old, &get("/healthz", "apricot.test")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_fit_changes_nothing() {
    let server = start().await;
    let (folder, other) = (server.folder.path(), Pair::new());
    for (file, content) in [
        ("certificate.pem", other.certificate.as_str()),
        ("certificate.pem", "-----BEGIN CERTIFICATE-----\nhalf"),
        ("key.pem", ""),
    ] {
        server.pair.write(folder);
        std::fs::write(folder.join(file), content).unwrap();
        server.running.reload_certificate(Clock::System.now());
        let stream = connect(&connector(&[&server.pair], HTTP), server.running.address).await.unwrap();
        assert_eq!(shown(&stream), server.pair.der, "{file}: {content}");
    }
}

#[test]
fn a_change_is_noticed_once() {
    let folder = tempfile::tempdir().unwrap();
    Pair::new().write(folder.path());
    let TlsConfig { certificate, key } = tls(folder.path());
    let certificates = Certificates::open(&certificate, &key).unwrap();
    assert!(!certificates.changed());
    std::fs::write(&key, "no key").unwrap();
    assert!(certificates.changed());
    certificates.reload().unwrap_err();
    assert!(!certificates.changed(), "each change is tried once");
    std::fs::remove_file(&key).unwrap();
    assert!(certificates.changed());
    certificates.reload().unwrap_err();
    Pair::new().write(folder.path());
    assert!(certificates.changed());
    certificates.reload().unwrap();
    assert!(!certificates.changed());
}

/// A listener that answers an upgrade with what it found below HTTP.
async fn upgrading(certificates: Option<Certificates>) -> (std::net::SocketAddr, CancellationToken) {
    async fn upgrade(mut request: Request) -> axum::http::Response<axum::body::Body> {
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            match upgraded.await.unwrap().downcast::<TokioIo<TcpStream>>() {
                Ok(parts) => parts.io.into_inner().write_all(b"TcpStream").await.unwrap(),
                Err(upgraded) => {
                    type Tls = TokioIo<tokio_rustls::server::TlsStream<TcpStream>>;
                    let mut stream = upgraded.downcast::<Tls>().unwrap().io.into_inner();
                    stream.write_all(b"TlsStream").await.unwrap();
                    stream.shutdown().await.unwrap();
                }
            }
        });
        let answer = axum::http::Response::builder().status(101).header("upgrade", "it");
        answer.header("connection", "upgrade").body(axum::body::Body::empty()).unwrap()
    }
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (socket.local_addr().unwrap(), CancellationToken::new());
    let router = Router::new().fallback(upgrade);
    tokio::spawn(listener::run(socket, router, certificates, stop.clone()));
    (address, stop)
}

#[tokio::test]
async fn an_upgrade_gives_the_stream_back() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    pair.write(folder.path());
    let TlsConfig { certificate, key } = tls(folder.path());
    let request = "GET / HTTP/1.1\r\nhost: a\r\nupgrade: it\r\nconnection: upgrade\r\n\r\n";
    let (address, _stop) = upgrading(None).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(till_end(&mut stream, request).await.ends_with("TcpStream"));
    let (address, _stop) = upgrading(Some(Certificates::open(&certificate, &key).unwrap())).await;
    let mut stream = connect(&connector(&[&pair], HTTP), address).await.unwrap();
    assert!(till_end(&mut stream, request).await.ends_with("TlsStream"));
}

async fn till_end(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
