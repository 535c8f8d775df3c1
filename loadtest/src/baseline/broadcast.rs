//! axum with `ws` and `tokio::sync::broadcast`, a task for each connection, as most people write it.

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::any,
};
use tokio::{net::TcpListener, sync::broadcast};

use super::print_listening;
use crate::failure::Failure;

/// Well above what a closed loop keeps in flight, so that nobody lags.
const CHANNEL_MESSAGES: usize = 4_096;

pub async fn serve() -> Result<(), Failure> {
    let (said, _) = broadcast::channel::<Message>(CHANNEL_MESSAGES);
    let router = Router::new().fallback(any(upgrade)).with_state(said);
    let listener =
        TcpListener::bind("127.0.0.1:0").await.map_err(Failure::system("listening for the baseline"))?;
    print_listening(listener.local_addr().map_err(Failure::system("reading the baseline's address"))?)?;
    axum::serve(listener, router).await.map_err(Failure::system("serving the baseline"))
}

async fn upgrade(State(said): State<broadcast::Sender<Message>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| converse(socket, said))
}

async fn converse(mut socket: WebSocket, said: broadcast::Sender<Message>) {
    let mut heard = said.subscribe();
    loop {
        tokio::select! {
            message = heard.recv() => match message {
                Ok(message) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            message = socket.recv() => match message {
                Some(Ok(message @ Message::Binary(_))) => {
                    // This task listens, so there is a receiver.
                    if said.send(message).is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}
