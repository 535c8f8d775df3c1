//! People of the demo's crowd. Each has a socket of the JSON subprotocol and does what viewers do, at the pace of people.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use super::stalls::Stall;
use super::{caller, pause};
use crate::clock::{Clock, random_u64};
use crate::model::{Caller, Role};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub fn person(number: u64, name: &str) -> Caller {
    caller(&format!("crowd-{number}"), name, Role::Viewer)
}

/// Comes back after a while whenever the socket ends.
pub async fn live(
    server: SocketAddr,
    token: String,
    number: u64,
    stall: &'static Stall,
    stop: CancellationToken,
) {
    // Not all at once.
    if !pause(Duration::from_millis(300 * number), &stop).await {
        return;
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            visited = visit(server, &token, stall) => {
                if let Err(error) = visited {
                    tracing::debug!(%error, person = number, "a person of the crowd left");
                }
            }
        }
        if !pause(Duration::from_secs(5), &stop).await {
            return;
        }
    }
}

async fn visit(
    server: SocketAddr,
    token: &str,
    stall: &Stall,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut request = format!("ws://{server}/v1/rooms/{}/live", stall.room).into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "apricot.v1.json".parse()?);
    let (mut socket, _) = connect_async(request).await?;
    send(&mut socket, json!({ "id": 1, "join": { "token": token } })).await?;
    let mut sale: Option<String> = None;
    let mut held: Option<String> = None;
    let mut next = Box::pin(tokio::time::sleep(between(2_000, 9_000)));
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    for line in text.lines() {
                        notice(&serde_json::from_str(line)?, &mut sale, &mut held);
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            },
            () = &mut next => {
                if let Some(order) = held.take() {
                    send(&mut socket, pay(&order, stall)).await?;
                } else {
                    send(&mut socket, deed(sale.as_deref(), stall)).await?;
                }
                next = Box::pin(tokio::time::sleep(between(3_000, 16_000)));
            }
        }
    }
}

/// Remembers which sale is open and which order waits to be paid.
fn notice(publication: &Value, sale: &mut Option<String>, held: &mut Option<String>) {
    let sales = publication["joined"]["sales"].as_array().into_iter().flatten().chain([&publication["sale"]]);
    for shown in sales.filter(|shown| shown.is_object()) {
        match shown["state"].as_str() {
            Some("SALE_STATE_OPEN") => *sale = shown["id"].as_str().map(Into::into),
            _ if shown["id"].as_str() == sale.as_deref() => *sale = None,
            _ => {}
        }
    }
    let order = &publication["reply"]["order"];
    if order["state"] == "ORDER_STATE_HELD" && order["paymentState"].is_null() {
        *held = order["id"].as_str().map(Into::into);
    }
}

fn deed(sale: Option<&str>, stall: &Stall) -> Value {
    match (chance(100), sale) {
        (0..40, _) => json!({ "heart": { "count": 1 + chance(6) } }),
        (40..55, Some(sale)) => {
            let order = Clock::System.new_id().to_string();
            json!({ "id": 2, "placeOrder": { "orderId": order, "saleId": sale, "quantity": 1 } })
        }
        _ => json!({ "id": 3, "say": { "text": stall.lines[chance(stall.lines.len() as u64) as usize] } }),
    }
}

/// One in ten cards is declined; then the hold runs out and the unit comes back.
fn pay(order: &str, stall: &Stall) -> Value {
    let method =
        if chance(10) == 0 { "PAYMENT_METHOD_SANDBOX_DECLINE" } else { "PAYMENT_METHOD_SANDBOX_APPROVE" };
    let ship_to = json!({ "name": stall.people[0], "phone": "13800000000", "address": stall.address });
    json!({ "id": 4, "payOrder": { "orderId": order, "method": method, "shipTo": ship_to } })
}

async fn send(socket: &mut Socket, message: Value) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    socket.send(Message::text(message.to_string())).await
}

fn between(min_ms: u64, max_ms: u64) -> Duration {
    Duration::from_millis(min_ms + chance(max_ms - min_ms))
}

fn chance(of: u64) -> u64 {
    random_u64() % of
}
