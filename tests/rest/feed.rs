//! A socket in a room, as a person with a token has it: one JSON publication a line.

use std::collections::VecDeque;

use apricot::model::Role;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::server::Server;

pub struct Feed {
    socket: WebSocketStream<TcpStream>,
    heard: VecDeque<Value>,
    /// As it was closed, when it is.
    pub closed: Option<u16>,
}

impl Feed {
    pub async fn join(server: &Server, room: &str, role: Role, position: Value) -> Self {
        Self::join_as(server, room, role, "someone", position).await
    }

    pub async fn join_as(server: &Server, room: &str, role: Role, subject: &str, position: Value) -> Self {
        let address = server.running.address;
        let stream = TcpStream::connect(address).await.unwrap();
        let mut request = format!("ws://{address}/v1/rooms/{room}/live").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "apricot.v1.json".parse().unwrap());
        let (socket, _) = client_async(request, stream).await.unwrap();
        let token = match role {
            Role::Guest => String::new(),
            role => server.token(&server.caller(role, subject)),
        };
        let mut join = json!({"id": 1, "join": {"token": token}});
        if !position.is_null() {
            join["join"]["position"] = position;
        }
        let mut feed = Self { socket, heard: VecDeque::new(), closed: None };
        feed.send(join).await;
        feed
    }

    pub async fn send(&mut self, message: Value) {
        self.socket.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    /// `None`: closed.
    pub async fn next(&mut self) -> Option<Value> {
        while self.heard.is_empty() {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.heard.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
                }
                Some(Ok(Message::Close(frame))) => {
                    self.closed = frame.map(|frame| frame.code.into());
                    return None;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
        self.heard.pop_front()
    }

    /// The first publication that has what is wanted.
    pub async fn until<T>(&mut self, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let listening = async {
            loop {
                let said = self.next().await.expect("the socket stays open");
                if let Some(found) = wanted(&said) {
                    return found;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), listening).await.expect("it is said")
    }

    pub async fn reading(&mut self) -> Value {
        self.until(|said| said.get("opsReading").map(|_| said.clone())).await
    }
}
