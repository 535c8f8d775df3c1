//! The REST API. A handler has the shape `async fn(Call<Body>) -> Result<Answer, Refused>`: decode, one call, encode. The adapter
//! here does what all of them need (token, role, body, idempotency key, time), and the table of routes is also the source of
//! `/openapi.json`.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use apricot_proto::v1::Problem;
use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, header};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Wire;
use super::problem::Kind;
use crate::model::{Caller, OutOfBound, Role, RoomId, Timestamp};
use crate::store::journal::Once;

mod answer;
mod board;
mod body;
mod books;
mod charity;
mod figures;
mod ops;
mod orders;
pub mod page;
mod payments;
mod pools;
mod products;
mod qr;
mod receipts;
mod registry;
mod regulator;
mod remittances;
mod rooms;
mod sales;
mod sheet;
mod statements;
mod table;

pub use answer::{Accepted, Answer, Content, Csv, Failure, Given, Made, MadeOrFound, NoContent, Refused};
pub use body::{BODY_BYTES_MAX, Body, NoBody};
pub use payments::event;
pub use table::routes;

/// Where the payment provider tells its news.
pub const WEBHOOKS: &str = "/v1/payments/webhooks/sandbox";

/// Makes a UUID of a subject, a route and a key of that subject's choice: the namespace of Apricot's idempotency keys.
const KEY_NAMESPACE: Uuid = Uuid::from_u128(0x6c7f_2f0a_9d3e_5b41_a6c8_13e5_70b9_2d44);

/// One line of the table: who may call what, what it takes and what it gives.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub who: &'static [Role],
    pub summary: &'static str,
    /// Takes `?cursor=` and `?limit=`.
    pub paged: bool,
    /// What else may follow the `?`, all of it optional.
    pub asks: &'static [Asks],
    pub takes: Option<&'static str>,
    /// Whether what it takes may be left out.
    pub takes_nothing_too: bool,
    pub gives: Vec<Given>,
    handler: MethodRouter<Arc<Wire>>,
}

/// A part of a query, for `/openapi.json`.
#[derive(Clone, Copy, Debug)]
pub struct Asks {
    pub name: &'static str,
    /// "string", "integer" or "boolean", as JSON Schema has it.
    pub kind: &'static str,
    pub what: &'static str,
}

/// A request whose token, role and body were checked.
pub struct Call<B = NoBody> {
    pub wire: Arc<Wire>,
    pub caller: Caller,
    pub body: B,
    pub now: Timestamp,
    /// From `Idempotency-Key`: committed with the effect, so that a retry has none.
    pub once: Option<Once>,
    path: BTreeMap<String, String>,
    uri: axum::http::Uri,
    headers: axum::http::HeaderMap,
}

impl Route {
    fn new<B, A, F, Fut>(
        method: Method,
        path: &'static str,
        who: &'static [Role],
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        B: Body,
        A: Answer,
        F: Fn(Call<B>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Refused>> + Send + 'static,
    {
        let adapter = move |State(wire): State<Arc<Wire>>, path: RawPathParams, request: Request| async move {
            match Call::<B>::read(wire, who, path, request).await {
                Ok(call) => handler(call).await.map_or_else(IntoResponse::into_response, A::into_response),
                Err(refused) => refused.into_response(),
            }
        };
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum routes");
        let (takes, gives) = (B::MESSAGE, A::gives());
        Self {
            method,
            path,
            who,
            summary,
            paged: false,
            asks: &[],
            takes,
            takes_nothing_too: !B::REQUIRED,
            gives,
            handler: on(filter, adapter),
        }
    }

    fn paged(self) -> Self {
        Self { paged: true, ..self }
    }

    fn asking(self, asks: &'static [Asks]) -> Self {
        Self { asks, ..self }
    }
}

/// All routes of the table.
pub fn router() -> Router<Arc<Wire>> {
    router_of(routes())
}

/// The provider's route alone.
pub fn webhooks() -> Router<Arc<Wire>> {
    router_of(routes().into_iter().filter(|route| route.path == WEBHOOKS))
}

/// Routes of one path must not be merged one by one: the router wants them together.
fn router_of(routes: impl IntoIterator<Item = Route>) -> Router<Arc<Wire>> {
    let mut by_path: BTreeMap<&'static str, MethodRouter<Arc<Wire>>> = BTreeMap::new();
    for Route { path, handler, .. } in routes {
        let methods = by_path.remove(path).unwrap_or_default().merge(handler);
        by_path.insert(path, methods);
    }
    by_path.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods))
}

impl<B: Body> Call<B> {
    async fn read(
        wire: Arc<Wire>,
        who: &[Role],
        path: RawPathParams,
        request: Request,
    ) -> Result<Self, Refused> {
        let (head, body) = request.into_parts();
        let caller = caller(&wire, &head.headers, wire.clock.now())?;
        admit(&caller, who)?;
        let key = idempotency_key(&head.headers)?;
        let bytes = body::read(&head.headers, body).await?;
        // A body may take its time; what is decided is decided when it is here.
        let now = wire.clock.now();
        let once = key.map(|key| {
            let name = format!("{}\n{}\n{}\n{key}", caller.subject, head.method, head.uri.path());
            Once {
                key: Uuid::new_v5(&KEY_NAMESPACE, name.as_bytes()),
                content: Sha256::digest(&bytes).into(),
            }
        });
        let body = B::decode(&head.headers, &bytes)?;
        let path: BTreeMap<_, _> =
            path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        meet(&wire, &path).await?;
        Ok(Self { wire, caller, body, now, once, path, uri: head.uri, headers: head.headers })
    }
}

/// What another node has just made is asked of the record. A name that cannot exist is left to the handler.
async fn meet(wire: &Wire, path: &BTreeMap<String, String>) -> Result<(), Refused> {
    if let Some(Ok(room)) = path.get("room").map(|name| name.parse()) {
        wire.hub.ensure(&room).await;
    }
    if let Some(Ok(sale)) = path.get("sale").map(|name| name.parse()) {
        wire.sales.ensure(sale).await?;
    }
    Ok(())
}

impl<B> Call<B> {
    /// A part of the path. A thing whose name cannot exist is not found.
    pub fn part<T: std::str::FromStr<Err = OutOfBound>>(&self, name: &'static str) -> Result<T, Refused> {
        let text = self.path.get(name).map(String::as_str).unwrap_or_default();
        text.parse().map_err(|_| super::problem::not_found(name).into())
    }

    /// A part of the path as it came.
    pub fn text(&self, name: &'static str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The id of what this request makes. A retry with the same key makes the same id.
    pub fn new_id(&self) -> Uuid {
        self.once.map_or_else(|| self.wire.clock.new_id(), |once| once.key)
    }

    /// A token for one room does not act outside it.
    pub fn everywhere(&self) -> Result<(), Refused> {
        match &self.caller.room {
            None => Ok(()),
            Some(room) => Err(forbidden(format!("This token is good for the room {room} only."))),
        }
    }

    pub fn in_room(&self, room: &RoomId) -> Result<(), Refused> {
        match &self.caller.room {
            Some(only) if only != room => {
                Err(forbidden(format!("This token is good for the room {only} only.")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

pub fn forbidden(detail: impl Into<String>) -> Refused {
    Refused(Kind::Forbidden.because(detail))
}

/// No header: a guest.
fn caller(wire: &Wire, headers: &axum::http::HeaderMap, now: Timestamp) -> Result<Caller, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Caller::guest()) };
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(wire.keys.verify(token.trim(), now)?.caller)
        }
        Some(_) | None => Err(Kind::TokenInvalid.because("Send `Authorization: Bearer` and a token.")),
    }
}

fn admit(caller: &Caller, who: &[Role]) -> Result<(), Problem> {
    if who.contains(&caller.role) {
        return Ok(());
    }
    let names: Vec<_> = who.iter().map(|role| role.name()).collect();
    let names = names.join(", ");
    match caller.role {
        Role::Guest => Err(Kind::TokenRequired.because(format!("Send a token of one of the roles {names}."))),
        role => Err(Kind::Forbidden
            .because(format!("This is for the roles {names}; the token says {}.", role.name()))),
    }
}

/// `None`: no such header, and a retry is a request of its own.
pub fn idempotency_key(headers: &axum::http::HeaderMap) -> Result<Option<&str>, OutOfBound> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let visible = |text: &&str| (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let key = value.to_str().ok().filter(visible);
    key.map(Some).ok_or_else(|| OutOfBound::new("Idempotency-Key", "8..=64 visible characters"))
}
