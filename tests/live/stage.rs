//! A server on a port of its own and clients in both subprotocols.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use apricot::clock::Clock;
use apricot::ledger::{CommissionRules, Ledger};
use apricot::model::{Caller, Role, Room, RoomId, RoomState, Share, Timestamp};
use apricot::room::{Format, Hub, Limits};
use apricot::sale::{NEWS_MAX, News, SaleRules, Sales};
use apricot::store::{Broker, Inventory, Journal};
use apricot::wire::codec::{JSON, PROTO};
use apricot::wire::live::{Patience, Sockets, Verifier};
use apricot::wire::token::{TokenRefused, Verified};
use apricot_proto::v1::{self, ClientMessage, client_message::Command, publication::Body};
use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

pub const BOTH: [Format; 2] = [Format::Proto, Format::Json];
/// Longer than anything here takes; a test that waits for it has failed.
const TOO_LONG: Duration = Duration::from_secs(20);

pub struct Stage {
    pub hub: Hub,
    pub sockets: Sockets,
    pub clock: Clock,
    pub address: SocketAddr,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// A live room "orchard" of the host li, with the moderator mo.
    pub async fn new(patience: Patience, limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::System;
        let now = clock.now();
        let journal = Journal::open(&folder.path().join("record.db"), 1, now).expect("a record");
        let other = Share::ppm(50_000).expect("in bounds");
        let ledger = Ledger::new(journal.clone(), CommissionRules { by_category: HashMap::new(), other });
        let rules = SaleRules {
            waiting_list_max: 10,
            offer_for: Duration::from_secs(60),
            auto_confirm_after: Duration::from_secs(86_400),
        };
        let (news, told) = mpsc::channel::<News>(NEWS_MAX);
        let sales = Sales::new(ledger, Inventory::default(), rules, news, mpsc::channel(16).0);
        let hub = Hub::open(journal, sales, Broker::Local, limits, apricot::clock::random_u64)
            .await
            .expect("a hub");
        let stop = CancellationToken::new();
        let running = hub.clone();
        let ticking = clock.clone();
        tokio::spawn(running.run(told, move || ticking.now(), stop.clone()));
        hub.create_room(orchard(), &host(), None, now).await.expect("a room");
        hub.change_state(&id(), RoomState::Live, String::new(), &host(), None, now).await.expect("live");
        let sockets =
            Sockets::new(hub.clone(), Verifier::new(verify), clock.clone(), patience).expect("threads");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = sockets.clone().router();
        tokio::spawn(apricot::wire::listener::run(listener, router, None, stop.clone()));
        Self { hub, sockets, clock, address, stop, _folder: folder }
    }

    pub async fn usual() -> Self {
        Self::new(Patience::default(), Limits { rates: false, ..Limits::default() }).await
    }

    pub async fn open(&self, format: Format) -> Client {
        self.open_at("orchard", Some(format)).await
    }

    pub async fn open_at(&self, room: &str, format: Option<Format>) -> Client {
        let stream = TcpStream::connect(self.address).await.expect("a connection");
        self.over(stream, room, format).await
    }

    /// Its system keeps little for it.
    pub async fn open_narrow(&self, format: Format) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(8 * 1024).expect("a small buffer");
        let stream = socket.connect(self.address).await.expect("a connection");
        self.over(stream, "orchard", Some(format)).await
    }

    async fn over(&self, stream: TcpStream, room: &str, format: Option<Format>) -> Client {
        let address = format!("ws://{}/v1/rooms/{room}/live", self.address);
        let mut request = address.into_client_request().expect("a request");
        if let Some(format) = format {
            let name = match format {
                Format::Proto => PROTO,
                Format::Json => JSON,
            };
            request.headers_mut().insert("sec-websocket-protocol", name.parse().expect("a header"));
        }
        let (socket, response) = client_async(request, stream).await.expect("upgraded");
        assert_eq!(response.headers().contains_key("sec-websocket-protocol"), format.is_some());
        Client { socket, format: format.unwrap_or(Format::Json), waiting: Vec::new() }
    }

    pub async fn join(&self, format: Format, token: &str) -> Client {
        self.join_at(format, token, None).await.0
    }

    pub async fn join_at(
        &self,
        format: Format,
        token: &str,
        position: Option<v1::StreamPosition>,
    ) -> (Client, v1::Joined) {
        let mut client = self.open(format).await;
        client.send(1, Command::Join(v1::Join { token: token.into(), position })).await;
        let joined = client.until(|body| match body {
            Body::Joined(joined) => Some(joined),
            _ => None,
        });
        let joined = joined.await;
        (client, joined)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
    pub format: Format,
    waiting: Vec<v1::Publication>,
}

#[derive(Debug)]
pub enum Heard {
    Said(Vec<v1::Publication>),
    /// `None`: without a close frame.
    Closed(Option<u16>),
}

impl Client {
    pub async fn send(&mut self, id: u32, command: Command) {
        let message = ClientMessage { id, command: Some(command) };
        let message = match self.format {
            Format::Proto => Message::binary(message.encode_to_vec()),
            Format::Json => Message::text(serde_json::to_string(&message).expect("serialisable")),
        };
        self.socket.send(message).await.expect("sent");
    }

    pub async fn heard(&mut self) -> Heard {
        if !self.waiting.is_empty() {
            return Heard::Said(std::mem::take(&mut self.waiting));
        }
        let next = tokio::time::timeout(TOO_LONG, async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => {
                        assert_eq!(self.format, Format::Proto);
                        return Heard::Said(v1::Batch::decode(bytes).expect("a batch").publications);
                    }
                    Some(Ok(Message::Text(text))) => {
                        assert_eq!(self.format, Format::Json);
                        let line = |line| serde_json::from_str(line).expect("a publication");
                        return Heard::Said(text.lines().map(line).collect());
                    }
                    Some(Ok(Message::Close(frame))) => {
                        return Heard::Closed(frame.map(|frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Heard::Closed(None),
                }
            }
        });
        next.await.expect("something within the time")
    }

    /// The first body that `wanted` likes; what comes before it is dropped, what comes after it is kept.
    pub async fn until<T>(&mut self, wanted: impl Fn(Body) -> Option<T>) -> T {
        loop {
            match self.heard().await {
                Heard::Said(publications) => {
                    let mut publications = publications.into_iter();
                    while let Some(publication) = publications.next() {
                        if let Some(found) = publication.body.and_then(&wanted) {
                            self.waiting = publications.collect();
                            return found;
                        }
                    }
                }
                Heard::Closed(code) => panic!("closed with {code:?}"),
            }
        }
    }

    pub async fn reply(&mut self, id: u32) -> v1::reply::Outcome {
        let wanted = |body| match body {
            Body::Reply(reply) if reply.id == id => reply.outcome,
            _ => None,
        };
        self.until(wanted).await
    }

    pub async fn problem(&mut self, id: u32) -> v1::Problem {
        match self.reply(id).await {
            v1::reply::Outcome::Problem(problem) => problem,
            other => panic!("{other:?}"),
        }
    }

    /// The close code, and the `Closing` before it.
    pub async fn closed(&mut self) -> (Option<u16>, Option<v1::Closing>) {
        let mut closing = None;
        loop {
            match self.heard().await {
                Heard::Closed(code) => return (code, closing),
                Heard::Said(publications) => {
                    for publication in publications {
                        if let Some(Body::Closing(said)) = publication.body {
                            closing = Some(said);
                        }
                    }
                }
            }
        }
    }
}

pub fn id() -> RoomId {
    "orchard".parse().expect("an id")
}

pub fn host() -> Caller {
    caller("li:host").expect("a caller")
}

pub fn say(text: &str) -> Command {
    Command::Say(v1::Say { text: text.into() })
}

pub fn chat(body: Body) -> Option<String> {
    match body {
        Body::Chat(line) => Some(line.text),
        _ => None,
    }
}

/// "lin:viewer", good for an hour, or "lin:viewer:1", for a second.
fn verify(token: &str, now: Timestamp) -> Result<Verified, TokenRefused> {
    let (who, seconds) = match token.rsplit_once(':').map(|(who, last)| (who, last.parse())) {
        Some((who, Ok(seconds))) => (who, seconds),
        _ => (token, 3_600),
    };
    Ok(Verified { caller: caller(who)?, until: now + Duration::from_secs(seconds) })
}

fn caller(token: &str) -> Result<Caller, TokenRefused> {
    let (name, role) = token.split_once(':').ok_or(TokenRefused::Malformed)?;
    let role: Role = role.parse().map_err(TokenRefused::Claim)?;
    let subject = name.parse().map_err(TokenRefused::Claim)?;
    Ok(Caller { subject, name: name.to_owned(), role, room: None, county: None })
}

pub fn orchard() -> Room {
    Room {
        place: "Gansu".into(),
        moderators: vec!["mo".parse().expect("a subject")],
        ..Room::new(id(), "Apricots", host().subject, "Li")
    }
}

/// Tells the room a large critical publication, as the sale layer would.
pub fn shout(hub: &Hub, number: u32, now: Timestamp) {
    hub.tell(&News::Sale(Arc::new(super::goods::view(number, now))), now);
}
