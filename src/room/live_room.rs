//! One room while it is in memory: the record as it was last committed, who is inside, and the lanes that they read.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apricot_proto::v1::{self, publication::Body};

use super::amendment::{Amendment, Closes};
use super::bell::{Bell, Rung, Urgency};
use super::close::CloseCode;
use super::history::History;
use super::lanes::{Cursor, FellBehind, Flush, Lanes};
use super::limits::Rate;
use super::milestone::Milestones;
use super::outbox::Outbox;
use super::outlet::Outlet;
use super::parcel::{Fact, Personal};
use super::publication::Format;
use super::refused::RoomRefused;
use super::snapshot::Snapshots;
use super::turnout::Turnout;
use crate::contract;
use crate::ledger::CharityTotal;
use crate::model::room::{ChatLine, Sanction};
use crate::model::{Caller, Product, Role, Room, RoomState, Subject, Timestamp, bounded_text};
use crate::sale::{OrderView, SaleStock, SaleView};

mod door;
mod hearing;
mod shared;

pub use door::{Entrance, SeatKey, Visitor};
use shared::Shared;
pub use shared::Taken;

pub struct LiveRoom {
    /// One change of the record at a time; held until it is committed.
    pub(super) desk: tokio::sync::Mutex<()>,
    floor: Mutex<Floor>,
    /// Given on this node.
    hearts: AtomicU64,
    /// Viewers on other nodes.
    elsewhere: AtomicU32,
    /// What the state lane says may have changed.
    stirred: AtomicBool,
    /// Locked under the floor, never around it.
    turnout: Mutex<Turnout>,
}

/// Held for microseconds, never over an await.
struct Floor {
    record: Arc<Room>,
    cards: Vec<Product>,
    sanctions: HashMap<Subject, Sanction>,
    /// How often they changed.
    sanction_changes: u64,
    lanes: Lanes,
    history: History,
    snapshots: Snapshots,
    milestones: Milestones,
    state: v1::LiveState,
    /// Something told since may say less than the state does.
    state_due: bool,
    seats: BTreeMap<SeatKey, Seat>,
    seats_made: u64,
    /// When somebody last came into the empty room.
    opened_at: Timestamp,
    readers: Vec<Reader>,
    /// `None`: this node is alone.
    shared: Option<Shared>,
}

/// Serves many seats of this room.
struct Reader {
    bell: Arc<Bell>,
    /// Its own name for this room.
    room: usize,
    rung: Option<Urgency>,
}

struct Seat {
    outlet: Arc<Outlet>,
    /// What they may do is asked of the room as it is: a right may be lost while they sit.
    caller: Arc<Caller>,
}

/// A room as others are shown it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomView {
    pub room: Arc<Room>,
    pub cards: Vec<Product>,
}

/// What the state lane says beside viewers and hearts.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub stocks: Vec<SaleStock>,
    pub charity: Vec<CharityTotal>,
}

impl LiveRoom {
    /// `epoch` is a number that no other process had for this room. `outbox`: where it is sent from, when there are other nodes.
    pub fn new(
        record: Room,
        cards: Vec<Product>,
        epoch: u64,
        readable: Rate,
        outbox: Option<Arc<Outbox>>,
    ) -> Self {
        let shared = outbox.map(|outbox| Shared::new(record.id.clone(), outbox));
        Self {
            desk: tokio::sync::Mutex::default(),
            floor: Mutex::new(Floor {
                record: Arc::new(record),
                cards,
                sanctions: HashMap::new(),
                sanction_changes: 0,
                lanes: Lanes::new(epoch, readable),
                history: History::default(),
                snapshots: Snapshots::default(),
                milestones: Milestones::default(),
                state: v1::LiveState::default(),
                state_due: false,
                seats: BTreeMap::new(),
                seats_made: 0,
                opened_at: Timestamp::ZERO,
                readers: Vec::new(),
                shared,
            }),
            hearts: AtomicU64::new(0),
            elsewhere: AtomicU32::new(0),
            stirred: AtomicBool::new(false),
            turnout: Mutex::default(),
        }
    }

    pub fn record(&self) -> Arc<Room> {
        self.floor().record.clone()
    }

    pub fn view(&self) -> RoomView {
        let floor = self.floor();
        RoomView { room: floor.record.clone(), cards: floor.cards.clone() }
    }

    /// On this node.
    pub fn viewers(&self) -> u32 {
        self.floor().viewers()
    }

    pub fn all_viewers(&self) -> u32 {
        self.viewers().saturating_add(self.elsewhere.load(Ordering::Relaxed))
    }

    pub fn line(&self, id: &str) -> Option<ChatLine> {
        self.floor().history.find(id).cloned()
    }

    pub fn is_banned(&self, subject: &Subject) -> bool {
        matches!(self.floor().sanctions.get(subject), Some(Sanction::Banned))
    }

    /// As the record has it at the start.
    pub fn lay(&self, subject: Subject, sanction: Sanction) {
        self.floor().lay(subject, Some(sanction));
    }

    /// `admit` is asked last before the line is published: it may take from the person's rate.
    pub fn say(
        &self,
        caller: &Caller,
        text: &str,
        admit: impl FnOnce() -> Result<(), RoomRefused>,
        now: Timestamp,
    ) -> Result<(), RoomRefused> {
        let record = self.may_say(caller, now)?;
        let text = bounded_text("text", text, 1..=200)?;
        let moderates = caller.may_moderate(&record);
        // Up to 200 words are compared: not while others wait for the floor.
        if !moderates && record.chat_rules.blocks(&text) {
            return Err(RoomRefused::BlockedWord);
        }
        admit()?;
        let slow_mode = Duration::from_secs(record.chat_rules.slow_mode_seconds.into());
        let mut floor = self.floor();
        if !moderates && !slow_mode.is_zero() {
            let wait = floor.history.wait(&caller.subject, slow_mode, now);
            if !wait.is_zero() {
                return Err(RoomRefused::SlowMode { wait });
            }
            floor.history.talked(&caller.subject, now);
        }
        floor.publish_line(caller, text, moderates, now);
        Ok(())
    }

    pub fn heart(&self, count: u32) {
        self.hearts.fetch_add(count.into(), Ordering::Relaxed);
        self.stir();
    }

    /// Makes a committed amendment visible: the record first, then what else is said, then who has to go.
    pub fn apply(&self, amendment: Amendment, now: Timestamp) {
        let fact = amendment.fact();
        let mut floor = self.floor();
        let mut bodies = Vec::new();
        if let Some((subject, sanction)) = amendment.sanction {
            floor.lay(subject, sanction);
        }
        if let Some(line_id) = amendment.deleted_line {
            floor.take_back(&line_id);
            bodies.push(Body::LineDeleted(v1::LineDeleted { line_id }));
        }
        if let Some(record) = amendment.record {
            // Another node's may be there already, when this one was paused after its own was recorded.
            if record.version > floor.record.version {
                floor.record = Arc::new(record);
                floor.cards = amendment.cards.unwrap_or_else(|| std::mem::take(&mut floor.cards));
            }
            bodies.push(Body::Room(contract::room(&floor.record, &floor.cards, false)));
        }
        bodies.extend(amendment.publication);
        floor.snapshots.forget();
        floor.tell_change(bodies, fact, amendment.closes, &amendment.once, now);
    }

    /// News of a sale goes to everybody, on the critical lane.
    pub fn tell_sale(&self, view: &SaleView, now: Timestamp) {
        let fact = Fact { sale: Some((view.sale.id, view.sale.version)), ..Fact::default() };
        self.floor().publish(Body::Sale(contract::sale(view)), &fact, None, "", now);
        self.stir();
    }

    /// On the critical lane, without anything else that changes.
    pub(super) fn publish_alone(&self, body: Body, now: Timestamp) {
        self.floor().publish(body, &Fact::default(), None, "", now);
    }

    /// News of an order goes to its buyer alone, on every socket that the buyer has; never to a guest.
    pub fn tell_order(&self, view: &OrderView, now: Timestamp) {
        let mut floor = self.floor();
        let (buyer, order) = (view.order.buyer.clone(), contract::order(view));
        let personal = Personal { buyer, at: now, order };
        floor.hand_over(&personal);
        if let Some(shared) = &mut floor.shared {
            shared.put_personal(personal);
        }
    }

    /// Says the state when it differs. `reading` is asked only when somebody is here and something may have changed; `moves` says that
    /// stock or totals may, without this room being told.
    pub fn tick(&self, moves: bool, reading: impl FnOnce() -> Reading, now: Timestamp) {
        if !self.stirred.swap(false, Ordering::AcqRel) && !moves {
            return;
        }
        let mut floor = self.floor();
        let hearts = self.hearts.load(Ordering::Relaxed);
        if let Some(shared) = &mut floor.shared {
            shared.send_hearts(hearts);
        }
        if !floor.seats.is_empty() {
            floor.read_state(hearts, self.elsewhere.load(Ordering::Relaxed), reading(), now);
        }
    }

    /// From now on `bell` is rung with the reader's own number of this room.
    pub fn read_by(&self, bell: &Arc<Bell>, room: usize) {
        self.floor().readers.push(Reader { bell: bell.clone(), room, rung: None });
    }

    pub fn not_read_by(&self, bell: &Arc<Bell>) {
        self.floor().readers.retain(|reader| !Arc::ptr_eq(&reader.bell, bell));
    }

    /// Where the lanes stand; the reader is rung again when they move.
    pub fn look(&self, bell: &Arc<Bell>) -> Cursor {
        let mut floor = self.floor();
        if let Some(reader) = floor.readers.iter_mut().find(|reader| Arc::ptr_eq(&reader.bell, bell)) {
            reader.rung = None;
        }
        floor.lanes.head()
    }

    pub fn head(&self) -> Cursor {
        self.floor().lanes.head()
    }

    pub fn flush(&self, cursor: Cursor, head: Cursor, format: Format) -> Result<Option<Flush>, FellBehind> {
        self.floor().lanes.flush(cursor, head, format)
    }

    pub fn fell_behind(&self, cursor: Cursor) -> bool {
        self.floor().lanes.fell_behind(cursor)
    }

    /// Every session is told to close.
    pub fn close_all(&self, code: CloseCode) {
        for seat in self.floor().seats.values() {
            seat.outlet.close(code);
        }
    }

    fn may_say(&self, caller: &Caller, now: Timestamp) -> Result<Arc<Room>, RoomRefused> {
        if !caller.may_chat_and_buy() {
            return Err(match caller.role {
                Role::Guest => RoomRefused::TokenRequired,
                _ => RoomRefused::Forbidden("this role does not chat"),
            });
        }
        let floor = self.floor();
        if floor.record.id.is_feed() {
            return Err(RoomRefused::Forbidden("nobody chats in the feed"));
        }
        if floor.record.state == RoomState::Ended {
            return Err(RoomRefused::WrongState("the room has ended"));
        }
        match floor.sanctions.get(&caller.subject) {
            Some(Sanction::Banned) => Err(RoomRefused::Banned),
            Some(Sanction::Muted { until }) if now < *until => {
                Err(RoomRefused::Muted { until: *until, retry_after: now.until(*until) })
            }
            Some(Sanction::Muted { .. }) | None => Ok(floor.record.clone()),
        }
    }

    fn floor(&self) -> MutexGuard<'_, Floor> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turnout(&self) -> MutexGuard<'_, Turnout> {
        self.turnout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next tick reads the state.
    fn stir(&self) {
        if !self.stirred.load(Ordering::Relaxed) {
            self.stirred.store(true, Ordering::Release);
        }
    }
}

impl Floor {
    fn viewers(&self) -> u32 {
        u32::try_from(self.seats.len()).unwrap_or(u32::MAX)
    }

    /// When the first of those came in who are here.
    fn seated_since(&self) -> Option<Timestamp> {
        (!self.seats.is_empty()).then_some(self.opened_at)
    }

    /// On the critical lane: at once where there is one node, and otherwise when it has its place among what all nodes say. `once`: not
    /// empty where every node would say the same.
    fn publish(&mut self, body: Body, fact: &Fact, closes: Option<&Closes>, once: &str, now: Timestamp) {
        if self.share(&body, fact, closes, once, now) {
            return;
        }
        self.lanes.publish_critical(body, now);
        self.ring(Urgency::Now);
        if let Some(closes) = closes {
            self.close(closes);
        }
    }

    /// Who has to go goes after the last of them.
    fn tell_change(
        &mut self,
        bodies: Vec<Body>,
        fact: Fact,
        closes: Option<Closes>,
        once: &str,
        now: Timestamp,
    ) {
        let last = bodies.len().checked_sub(1);
        let Some(last) = last else {
            if let Some(shared) = &mut self.shared {
                shared.put_fact(fact);
            }
            if let Some(closes) = closes {
                self.close(&closes);
            }
            return;
        };
        for (index, body) in bodies.into_iter().enumerate() {
            let closes = closes.as_ref().filter(|_| index == last);
            self.publish(body, &fact, closes, once, now);
        }
    }

    fn lay(&mut self, subject: Subject, sanction: Option<Sanction>) {
        self.sanction_changes += 1;
        match sanction {
            Some(sanction) => self.sanctions.insert(subject, sanction),
            None => self.sanctions.remove(&subject),
        };
    }

    fn take_back(&mut self, line_id: &str) {
        if let Some(sequence) = self.history.remove(line_id) {
            self.lanes.take_back_line(sequence);
        }
    }

    /// Once, until the reader has looked.
    fn ring(&mut self, urgency: Urgency) {
        for reader in &mut self.readers {
            if reader.rung < Some(urgency) {
                reader.rung = Some(urgency);
                reader.bell.ring(Rung::Room(reader.room, urgency));
            }
        }
    }

    fn publish_line(&mut self, caller: &Caller, text: String, moderates: bool, now: Timestamp) {
        let line = ChatLine {
            id: self.lanes.next_line_id(),
            author: caller.subject.clone(),
            author_name: caller.name.clone(),
            author_role: shown_role(caller, &self.record).to_owned(),
            text,
            at: now,
        };
        match self.lanes.publish_chat(contract::chat_line(&line), moderates, now) {
            Some(sequence) => {
                if let Some(shared) = &mut self.shared {
                    shared.put_line(line.clone(), moderates);
                }
                self.history.keep(sequence, line);
            }
            // Other nodes' viewers are told that there was one.
            None => {
                if let Some(shared) = &mut self.shared {
                    shared.pass_line();
                }
            }
        }
        self.ring(Urgency::Soon);
    }

    fn read_state(&mut self, hearts: u64, elsewhere: u32, reading: Reading, now: Timestamp) {
        for total in &reading.charity {
            if let Some(reached) = self.milestones.crossed(total) {
                let once = format!("milestone {} {}", total.pledge, reached.minor);
                let reached = Some(contract::money(reached));
                let milestone = v1::Milestone { pledge_id: total.pledge.to_string(), reached };
                self.publish(Body::Milestone(milestone), &Fact::default(), None, &once, now);
            }
        }
        let state = v1::LiveState {
            viewers: self.viewers().saturating_add(elsewhere),
            hearts: self.shared.as_mut().map_or(hearts, |shared| shared.hearts(hearts)),
            stocks: reading.stocks.iter().map(contract::sale_stock).collect(),
            charity: reading.charity.iter().map(contract::charity_total).collect(),
        };
        if std::mem::take(&mut self.state_due) || state != self.state {
            self.state = state.clone();
            self.lanes.publish_state(state, now);
            self.ring(Urgency::Soon);
        }
    }

    fn close(&self, closes: &Closes) {
        let code = closes.code();
        match closes {
            Closes::Everyone => self.seats.values().for_each(|seat| seat.outlet.close(code)),
            Closes::Viewers => {
                let viewers = self.seats.values().filter(|seat| !seat.caller.may_moderate(&self.record));
                viewers.for_each(|seat| seat.outlet.close(code));
            }
            Closes::Person(subject) => {
                let theirs = self.seats.range(SeatKey::of(subject));
                theirs.for_each(|(_, seat)| seat.outlet.close(code));
            }
        }
    }
}

/// The badge beside a line.
fn shown_role(caller: &Caller, room: &Room) -> &'static str {
    match caller.role {
        Role::Host if caller.may_host(room) => "host",
        Role::Commissioner if caller.may_moderate(room) => "commissioner",
        _ if caller.may_moderate(room) => "moderator",
        _ => "viewer",
    }
}

#[cfg(test)]
mod tests;
