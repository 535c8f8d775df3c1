//! One socket's talk with a room: what each message means, decided without the socket. The socket's loop carries out what comes back.

use std::sync::Arc;
use std::time::Duration;

use apricot_proto::v1::{self, ClientMessage, client_message::Command};
use bytes::Bytes;
use tokio::time::timeout;

use super::close::CloseCode;
use super::lanes::{Cursor, FellBehind, Flush, Recovery};
use super::limits::Meter;
use super::live_room::{LiveRoom, SeatKey};
use super::moderation::Moderation;
use super::outlet::{InFlight, Outlet};
use super::publication::Format;
use super::refused::RoomRefused;
use super::{Connection, Hub, count_refusal, meters, snapshot};
use crate::contract::{self, parse};
use crate::model::order::ShipTo;
use crate::model::payment::Method;
use crate::model::{Caller, OrderId, OutOfBound, Role, RoomId, StreamPosition, Timestamp};
use crate::sale::{OrderView, Sales, Wish};

/// Orders, payments and moderations of one session that wait for the record at the same time.
pub const IN_FLIGHT_MAX: usize = 8;
/// Messages above the rate that are answered with a problem before the socket is closed with 4009.
pub const WARNINGS_MAX: u32 = 10;
/// A client that behaves this long starts with a clean sheet.
const WARNINGS_LAST: Duration = Duration::from_secs(60);
/// Who comes in does not wait longer for its open orders, and others do not wait behind it.
const ORDERS_WITHIN: Duration = Duration::from_millis(500);
/// Hearts in one message.
const HEARTS_MAX: u32 = 50;

/// A socket that has not joined yet.
pub struct Arrival {
    hub: Hub,
    room: RoomId,
    format: Format,
    manners: Manners,
    connection: Connection,
}

/// What the first message must be.
#[derive(Debug, PartialEq)]
pub struct Join {
    pub id: u32,
    /// Empty: a guest.
    pub token: String,
    pub position: Option<StreamPosition>,
}

/// A socket in its room. The seat is given back when dropped.
pub struct Session {
    hub: Hub,
    room: Arc<LiveRoom>,
    caller: Arc<Caller>,
    seat: SeatKey,
    cursor: Cursor,
    outlet: Arc<Outlet>,
    manners: Manners,
    _connection: Connection,
}

/// How fast a client sends, over all kinds of messages.
#[derive(Debug, Default)]
struct Manners {
    messages: Meter,
    warned_at: Timestamp,
    warnings: u32,
}

/// What the socket's loop does next.
#[derive(Debug)]
pub enum Next {
    Nothing,
    Answer(Answer),
    /// Run it beside the socket; its answer goes to the outlet.
    Run(Errand),
}

#[derive(Debug)]
pub struct Answer {
    /// The client's message; 0 when it is not known.
    pub id: u32,
    pub outcome: Result<Outcome, RoomRefused>,
}

#[derive(Debug, PartialEq)]
pub enum Outcome {
    Done,
    Pong { client_time_ms: i64 },
    Order(Box<OrderView>),
}

/// A request that waits for the record. Once started it should run to its end, also when the socket is gone.
pub struct Errand {
    id: u32,
    hub: Hub,
    room: RoomId,
    caller: Arc<Caller>,
    task: Task,
    now: Timestamp,
    _in_flight: InFlight,
}

#[derive(Debug, PartialEq)]
enum Task {
    Place(Wish),
    Pay(OrderId, Method, ShipTo),
    Cancel(OrderId),
    Moderate(Moderation),
}

impl Arrival {
    pub fn new(hub: Hub, connection: Connection, room: RoomId, format: Format) -> Self {
        Self { hub, room, format, manners: Manners::default(), connection }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// To be asked before a message is parsed, so that parsing has a rate too. `Err`: too many, in spite of warnings.
    pub fn admit_message(&mut self, now: Timestamp) -> Result<Result<(), Answer>, CloseCode> {
        self.manners.admit(&self.hub, now)
    }

    /// `Err`: `None` when no answer is wanted.
    pub fn on_message(&self, message: ClientMessage) -> Result<Join, Option<Answer>> {
        let refused = match message.command {
            Some(Command::Join(join)) => {
                let position = join.position.map(|at| StreamPosition { epoch: at.epoch, offset: at.offset });
                return Ok(Join { id: message.id, token: join.token, position });
            }
            None => RoomRefused::NoCommand,
            Some(_) => RoomRefused::WrongState("the first message must be join"),
        };
        Err((message.id != 0).then_some(Answer { id: message.id, outcome: Err(refused) }))
    }

    /// With the first publication of the session. `caller` is verified, or a guest.
    pub async fn join(
        self,
        caller: Caller,
        position: Option<StreamPosition>,
        now: Timestamp,
    ) -> Result<(Session, Bytes), CloseCode> {
        let Self { hub, room: id, format, manners, connection } = self;
        let (outlet, caller) = (Arc::new(Outlet::new(format)), Arc::new(caller));
        hub.ensure(&id).await;
        let expected = hub.attend(&id).await;
        let (room, entrance) = hub.enter(&id, &caller, position, &outlet, now)?;
        drop(expected);
        // News of these orders goes to the outlet from now on, so that none is missed while they are read.
        let session = Session {
            hub,
            room,
            caller,
            seat: entrance.seat,
            cursor: entrance.cursor,
            outlet,
            manners,
            _connection: connection,
        };
        let caller = &session.caller;
        let orders = match caller.may_chat_and_buy() {
            true => timeout(ORDERS_WITHIN, session.hub.sales().open_orders(&caller.subject, &id)).await,
            false => Ok(Ok(Vec::new())),
        };
        let orders = match orders {
            Ok(Ok(orders)) => orders,
            Ok(Err(refusal)) => {
                tracing::warn!(room = %id, %refusal, "joined without the viewer's open orders");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(room = %id, "joined without the viewer's open orders: the record is slow");
                Vec::new()
            }
        };
        session.room.shown(&orders, now);
        let StreamPosition { epoch, offset } = entrance.position;
        let personal = v1::Joined {
            position: Some(v1::StreamPosition { epoch, offset }),
            recovered: entrance.recovery == Recovery::Recovered,
            subject: caller.subject.to_string(),
            role: caller.role.name().to_owned(),
            name: caller.name.clone(),
            orders: orders.iter().map(contract::order).collect(),
            server_time_ms: now.millis(),
            ..v1::Joined::default()
        };
        let recovery = match entrance.recovery {
            Recovery::Fresh => "fresh",
            Recovery::Recovered => "recovered",
            Recovery::Lost => "lost",
        };
        metrics::counter!(meters::JOINS, "recovery" => recovery).increment(1);
        Ok((session, snapshot::joined(format, &entrance.snapshot, &personal)))
    }
}

impl Manners {
    fn admit(&mut self, hub: &Hub, now: Timestamp) -> Result<Result<(), Answer>, CloseCode> {
        let Some(rate) = hub.limits().messages() else { return Ok(Ok(())) };
        let Err(retry_after) = self.messages.admit(rate, now) else { return Ok(Ok(())) };
        if self.warned_at + WARNINGS_LAST < now {
            self.warnings = 0;
        }
        (self.warnings, self.warned_at) = (self.warnings + 1, now);
        let refused = RoomRefused::RateLimited { what: "messages", retry_after };
        count_refusal(&refused);
        if self.warnings > WARNINGS_MAX {
            return Err(CloseCode::TooManyMessages);
        }
        Ok(Err(Answer { id: 0, outcome: Err(refused) }))
    }
}

impl Session {
    pub fn outlet(&self) -> &Arc<Outlet> {
        &self.outlet
    }

    pub fn room(&self) -> &Arc<LiveRoom> {
        &self.room
    }

    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// To be asked before a message is parsed, so that parsing has a rate too. `Err`: too many, in spite of warnings.
    pub fn admit_message(&mut self, now: Timestamp) -> Result<Result<(), Answer>, CloseCode> {
        self.manners.admit(&self.hub, now)
    }

    pub fn on_message(&mut self, message: ClientMessage, now: Timestamp) -> Next {
        let id = message.id;
        let outcome = match self.decide(message, now) {
            Ok(Decided::Now(outcome)) => Ok(outcome),
            Ok(Decided::Later(task)) => match self.errand(id, task, now) {
                Ok(errand) => return Next::Run(errand),
                Err(refused) => Err(refused),
            },
            Err(refused) => Err(refused),
        };
        if id == 0 { Next::Nothing } else { Next::Answer(Answer { id, outcome }) }
    }

    /// All that this viewer has not read up to `head`. It counts as read when `has_read` is told.
    pub fn flush(&self, head: Cursor) -> Result<Option<Flush>, CloseCode> {
        let flush = self.room.flush(self.cursor, head, self.outlet.format());
        flush.map_err(|FellBehind| CloseCode::TooSlow)
    }

    pub fn has_read(&mut self, cursor: Cursor) {
        self.cursor = cursor;
    }

    fn decide(&mut self, message: ClientMessage, now: Timestamp) -> Result<Decided, RoomRefused> {
        let command = message.command.ok_or(RoomRefused::NoCommand)?;
        let (caller, room) = (&self.caller, &self.room);
        match command {
            Command::Join(_) => Err(RoomRefused::WrongState("this socket has joined already")),
            Command::Ping(ping) => Ok(Decided::Now(Outcome::Pong { client_time_ms: ping.client_time_ms })),
            Command::Heart(heart) if !(1..=HEARTS_MAX).contains(&heart.count) => {
                Err(OutOfBound::new("heart.count", format!("1..={HEARTS_MAX}")).into())
            }
            Command::Heart(heart) => {
                room.heart(heart.count);
                Ok(Decided::Now(Outcome::Done))
            }
            Command::Say(say) => {
                self.hub.say(room, caller, &say.text, now)?;
                Ok(Decided::Now(Outcome::Done))
            }
            Command::PostNotice(message) => {
                self.hub.post_notice(room, caller, &message.text, now)?;
                Ok(Decided::Now(Outcome::Done))
            }
            Command::PlaceOrder(message) => {
                buyer(caller)?;
                let wish = parse::wish(&message)?;
                self.hub.admit_order(&room.record().id, &caller.subject, now)?;
                Ok(Decided::Later(Task::Place(wish)))
            }
            Command::PayOrder(message) => {
                buyer(caller)?;
                let (order, method, ship_to) = parse::pay_order(&message)?;
                Ok(Decided::Later(Task::Pay(order, method, ship_to)))
            }
            Command::CancelOrder(message) => {
                buyer(caller)?;
                Ok(Decided::Later(Task::Cancel(parse::cancel_order(&message)?)))
            }
            Command::Moderate(message) => Ok(Decided::Later(Task::Moderate(Moderation::parse(&message)?))),
        }
    }

    fn errand(&self, id: u32, task: Task, now: Timestamp) -> Result<Errand, RoomRefused> {
        let in_flight = self.outlet.start(IN_FLIGHT_MAX);
        let _in_flight = in_flight.ok_or(RoomRefused::InFlight { max: IN_FLIGHT_MAX })?;
        let (hub, room, caller) = (self.hub.clone(), self.room.record().id.clone(), self.caller.clone());
        Ok(Errand { id, hub, room, caller, task, now, _in_flight })
    }
}

enum Decided {
    Now(Outcome),
    Later(Task),
}

impl Errand {
    /// `None`: the client wants no answer.
    pub async fn run(self) -> Option<Answer> {
        let Self { id, hub, room, caller, task, now, _in_flight } = self;
        let outcome = task.carry_out(&hub, &room, &caller, now).await;
        if let (Ok(Outcome::Order(view)), Ok(room)) = (&outcome, hub.find(&room)) {
            room.shown([&**view], now);
        }
        (id != 0).then_some(Answer { id, outcome })
    }
}

impl Task {
    /// Each is about this room: a token for one room is a seat in that room.
    async fn carry_out(
        self,
        hub: &Hub,
        room: &RoomId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Outcome, RoomRefused> {
        let order = |view| Outcome::Order(Box::new(view));
        let (sales, buyer) = (hub.sales(), &caller.subject);
        match self {
            Self::Place(wish) => {
                sales.ensure(wish.sale).await?;
                if sales.view(wish.sale).is_some_and(|view| view.sale.room != *room) {
                    return Err(RoomRefused::NotFound("sale in this room"));
                }
                Ok(order(sales.place(buyer, wish, now).await?.view))
            }
            Self::Pay(id, method, to) => {
                bought_here(sales, id, room).await?;
                Ok(order(sales.pay(buyer, id, method, to, now).await?))
            }
            Self::Cancel(id) => {
                bought_here(sales, id, room).await?;
                Ok(order(sales.cancel(buyer, id, now).await?))
            }
            Self::Moderate(act) => hub.moderate(room, act, caller, None, now).await.map(|_| Outcome::Done),
        }
    }
}

impl std::fmt::Debug for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Errand").field("id", &self.id).field("task", &self.task).finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.room.leave(&self.seat);
        self.hub.left(&self.caller);
    }
}

async fn bought_here(sales: &Sales, id: OrderId, room: &RoomId) -> Result<(), RoomRefused> {
    match sales.order(id).await? {
        Some(view) if view.order.room != *room => Err(RoomRefused::NotFound("order in this room")),
        // Whose it is, the sale layer asks.
        Some(_) | None => Ok(()),
    }
}

fn buyer(caller: &Caller) -> Result<(), RoomRefused> {
    match caller.role {
        _ if caller.may_chat_and_buy() => Ok(()),
        Role::Guest => Err(RoomRefused::TokenRequired),
        _ => Err(RoomRefused::Forbidden("this role does not buy")),
    }
}

#[cfg(test)]
mod tests;
