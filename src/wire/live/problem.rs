//! The room layer's refusals as problems, for the socket and for REST.

use std::time::Duration;

use apricot_proto::v1::Problem;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::room::RoomRefused;
use crate::wire::problem::{Kind, not_found};
use crate::wire::websocket::HandshakeRefused;

/// About one commit of the record.
const IN_FLIGHT_RETRY_MS: u32 = 100;
const DRAINING_RETRY_MS: u32 = 1_000;

impl From<RoomRefused> for Problem {
    fn from(refused: RoomRefused) -> Self {
        match refused {
            RoomRefused::OutOfBound(refused) => refused.into(),
            RoomRefused::NoCommand => Kind::Malformed.because(
                "Send a command: join, say, heart, placeOrder, payOrder, cancelOrder, moderate, ping or postNotice.",
            ),
            RoomRefused::TokenRequired => {
                Kind::TokenRequired.because("Get a token and join with it; guests may watch.")
            }
            RoomRefused::NotFound(what) => not_found(what),
            RoomRefused::Forbidden(why) => Kind::Forbidden.because(sentence(why)),
            RoomRefused::Banned => Kind::Banned.because("A moderator banned you from this room."),
            RoomRefused::Muted { retry_after, .. } => {
                Kind::Muted.for_now("A moderator muted you. Wait until it is over.", millis(retry_after))
            }
            RoomRefused::BlockedWord => Kind::BlockedWord.because("Say it in other words."),
            RoomRefused::WrongState(why) => Kind::WrongState.because(sentence(why)),
            RoomRefused::ChangedMeanwhile => crate::store::StoreError::Stale.into(),
            RoomRefused::SlowMode { wait } => {
                Kind::SlowMode.for_now("Wait before the next line; the room is in slow mode.", millis(wait))
            }
            RoomRefused::RateLimited { what, retry_after } => Kind::RateLimited
                .for_now(format!("Send fewer {what}; wait before the next one."), millis(retry_after)),
            RoomRefused::InFlight { max } => Kind::Busy.for_now(
                format!(
                    "{max} of your requests are being worked on. Wait for an answer, then send this again."
                ),
                IN_FLIGHT_RETRY_MS,
            ),
            RoomRefused::Sale(refusal) => refusal.into(),
            RoomRefused::Store(error) => error.into(),
        }
    }
}

/// Somebody opened the address without asking for a WebSocket, or asked wrongly.
pub fn not_a_socket(refused: &HandshakeRefused) -> Response {
    let problem = Kind::Malformed.because(format!("Open this address as a WebSocket. {refused}."));
    let mut response = response(refused.status(), &problem);
    response.headers_mut().extend(refused.response_headers());
    response
}

pub fn draining() -> Response {
    let problem = Kind::Busy.for_now("The server is stopping; ask another.", DRAINING_RETRY_MS);
    response(StatusCode::SERVICE_UNAVAILABLE, &problem)
}

fn response(status: StatusCode, problem: &Problem) -> Response {
    let body = serde_json::to_string(problem).expect("a message of ours is serialisable");
    (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// Never 0, which would mean that trying again does not help.
fn millis(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
