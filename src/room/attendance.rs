//! A room that this node attends: it hears what the others say to it. One task for each, so that a room that waits for the record keeps no
//! other waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apricot_proto::v1::publication::Body;
use bytes::Bytes;
use dashmap::Entry as Slot;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::exchange::Exchange;
use super::parcel::{Critical, Fact, Heard};
use super::sequence::Kept;
use super::{Hub, LiveRoom, meters};
use crate::clock;
use crate::model::{RoomId, SaleId, Timestamp};
use crate::store::broker::{Backlog, Standing};

/// Who comes to a room that this node does not hear yet waits so long; then it comes in with what this node knows.
const ATTEND_WITHIN: Duration = Duration::from_millis(300);
/// A room without viewers is heard for a while: they often come back.
const STAY_FOR: Duration = Duration::from_secs(30);
/// What nodes say waits so long for the record to say what it is about. Then it is told, and the read goes on beside it.
const READ_WITHIN: Duration = Duration::from_millis(250);
/// After a read that took longer none is begun for a while: each look of a second makes up for it.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);
const FILL_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Parcels that wait for one room: 200 in a second from each of a few nodes. When it is full the backlog is read instead.
const PARCELS_WAITING_MAX: usize = 1_024;

pub struct Attendance {
    inbox: mpsc::Sender<Word>,
    /// A word did not fit.
    missed: Arc<AtomicBool>,
    state: watch::Sender<State>,
    /// Those who are on their way in.
    expected: u32,
    empty_since: Option<Timestamp>,
    leaving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Coming,
    /// The room is heard, and its backlog has been read.
    Here,
    /// Not in time; nobody is kept waiting for it.
    Late,
}

enum Word {
    Attending,
    Parcel { standing: Standing, bytes: Bytes, now: Timestamp },
    Leave,
}

/// Somebody on the way in, for whom the room is attended until it has a seat, and a while longer.
pub struct Expected {
    hub: Hub,
    room: RoomId,
}

impl Drop for Expected {
    fn drop(&mut self) {
        let Some(exchange) = &self.hub.0.exchange else { return };
        if let Some(mut attendance) = exchange.attendances.get_mut(&self.room) {
            attendance.expected = attendance.expected.saturating_sub(1);
        }
    }
}

impl Hub {
    /// Hears the room from now on, also what was said to it before. To be held until the one who comes has a seat.
    pub async fn attend(&self, id: &RoomId) -> Option<Expected> {
        let exchange = self.0.exchange.as_ref()?;
        let room = self.0.rooms.get(id)?.value().clone();
        let mut state = match exchange.attendances.entry(id.clone()) {
            Slot::Occupied(mut slot) => {
                let attendance = slot.get_mut();
                attendance.expected += 1;
                attendance.state.subscribe()
            }
            Slot::Vacant(slot) => {
                let attendance = self.begin_attending(exchange, id, room);
                slot.insert(attendance).state.subscribe()
            }
        };
        let expected = Expected { hub: self.clone(), room: id.clone() };
        if !matches!(timeout(ATTEND_WITHIN, state.wait_for(|state| *state != State::Coming)).await, Ok(Ok(_)))
        {
            tracing::debug!(room = %id, "somebody comes in before the room is heard");
        }
        Some(expected)
    }

    fn begin_attending(&self, exchange: &Exchange, id: &RoomId, room: Arc<LiveRoom>) -> Attendance {
        let (inbox, words) = mpsc::channel(PARCELS_WAITING_MAX);
        let (missed, state) = (Arc::new(AtomicBool::new(false)), watch::Sender::new(State::Coming));
        let attendant = Attendant {
            hub: self.clone(),
            id: id.clone(),
            room,
            words,
            missed: missed.clone(),
            state: state.clone(),
            reads_from: clock::instant(),
        };
        let over = exchange.over.clone();
        exchange.attending.spawn(async move {
            over.run_until_cancelled(attendant.attend()).await;
        });
        Attendance { inbox, missed, state, expected: 1, empty_since: None, leaving: false }
    }

    pub(super) fn pass_on_parcel(&self, id: &RoomId, standing: Standing, bytes: Bytes, now: Timestamp) {
        self.pass_on(id, Word::Parcel { standing, bytes, now });
    }

    pub(super) fn pass_on_attending(&self, id: &RoomId) {
        self.pass_on(id, Word::Attending);
    }

    fn pass_on(&self, id: &RoomId, word: Word) {
        let Some(exchange) = &self.0.exchange else { return };
        if let Some(attendance) = exchange.attendances.get(id)
            && attendance.inbox.try_send(word).is_err()
        {
            attendance.missed.store(true, Ordering::Release);
        }
    }

    /// Rooms that nobody has been in for a while are not heard any more.
    pub(super) fn leave_empty_rooms(&self, now: Timestamp) {
        let Some(exchange) = &self.0.exchange else { return };
        for mut slot in exchange.attendances.iter_mut() {
            let in_use =
                slot.expected > 0 || self.0.rooms.get(slot.key()).is_some_and(|room| room.viewers() > 0);
            let attendance = slot.value_mut();
            if in_use {
                attendance.empty_since = None;
            } else if *attendance.empty_since.get_or_insert(now) + STAY_FOR <= now && !attendance.leaving {
                // When the inbox is full it is tried again at the next look.
                attendance.leaving = attendance.inbox.try_send(Word::Leave).is_ok();
            }
        }
    }
}

struct Attendant {
    hub: Hub,
    id: RoomId,
    room: Arc<LiveRoom>,
    words: mpsc::Receiver<Word>,
    missed: Arc<AtomicBool>,
    state: watch::Sender<State>,
    /// Until then the record is left alone.
    reads_from: Instant,
}

impl Attendant {
    async fn attend(mut self) {
        let Some(exchange) = self.hub.0.exchange.clone() else { return };
        loop {
            exchange.broker.attend(&self.id).await;
            self.listen(&exchange).await;
            exchange.broker.leave(&self.id).await;
            let Slot::Occupied(mut slot) = exchange.attendances.entry(self.id.clone()) else { return };
            if slot.get().expected == 0 && self.room.viewers() == 0 {
                slot.remove();
                return;
            }
            // Somebody came at the last moment.
            let attendance = slot.get_mut();
            (attendance.leaving, attendance.empty_since) = (false, None);
            self.state.send_replace(State::Coming);
        }
    }

    /// Until it is time to leave.
    async fn listen(&mut self, exchange: &Exchange) {
        // Until the channel is heard there is no use in reading what was said before.
        let (mut hears, mut behind) = (false, true);
        loop {
            let patience = if hears { FILL_AGAIN_AFTER } else { ATTEND_WITHIN };
            let word = match behind {
                true => timeout(patience, self.words.recv()).await,
                false => Ok(self.words.recv().await),
            };
            match word {
                Ok(None | Some(Word::Leave)) => return,
                Ok(Some(Word::Attending)) => (hears, behind) = (true, true),
                Ok(Some(Word::Parcel { standing, bytes, now })) => {
                    let in_order = self.hear(exchange, standing, &bytes, now).await;
                    behind |= !in_order || self.missed.swap(false, Ordering::AcqRel);
                }
                Err(_) if !hears => {
                    self.state.send_replace(State::Late);
                }
                Err(_) => {}
            }
            if hears && behind {
                behind = !self.fill(exchange).await;
            }
        }
    }

    /// False: what was missed has to be read.
    async fn hear(&mut self, exchange: &Exchange, standing: Standing, bytes: &[u8], now: Timestamp) -> bool {
        let Some(heard) = Heard::read(bytes) else {
            tracing::warn!(room = %self.id, bytes = bytes.len(), "a parcel is not a node's");
            return false;
        };
        metrics::counter!(meters::PARCELS, "outcome" => "heard").increment(1);
        let (node, us) = (heard.node, exchange.outbox.node);
        if node != us {
            if exchange.nodes.count(node, &self.id, heard.viewers, now) {
                self.hub.recount(vec![self.id.clone()]);
            }
            for personal in &heard.personal {
                self.hub.sales().heard_of_buyer(&self.id, &personal.buyer);
            }
            self.catch_up(exchange, 0, &heard.critical, &heard.facts).await;
        }
        let critical = heard.critical.clone();
        if self.room.hear(standing, heard, now).is_ok() {
            return true;
        }
        let filled = self.fill(exchange).await;
        if filled {
            // What is not even there is told outside of the order.
            self.room.hear_beside(&critical);
        }
        filled
    }

    async fn fill(&mut self, exchange: &Exchange) -> bool {
        let (told, name) = self.room.begin_filling();
        let backlog = match exchange.broker.read(&self.id, told, &name, self.hub.chance()).await {
            Ok(backlog) => backlog,
            Err(error) => {
                tracing::debug!(room = %self.id, %error, "what was said to the room cannot be read yet");
                self.room.give_up_filling();
                self.state.send_if_modified(|state| {
                    *state == State::Coming && std::mem::replace(state, State::Late) == State::Coming
                });
                return false;
            }
        };
        let Backlog { standing, before, room_version, critical, lines } = backlog;
        let critical: Vec<(u64, Critical)> =
            critical.into_iter().map(|(offset, bytes)| (offset, read_kept(offset, &bytes))).collect();
        let lines = lines.iter().filter_map(|bytes| Heard::read(bytes)).flat_map(|heard| heard.lines);
        let lines = lines.map(|line| line.line).collect();
        let said: Vec<Critical> = critical.iter().map(|(_, critical)| critical.clone()).collect();
        self.catch_up(exchange, room_version, &said, &[]).await;
        let (hub, id, room) = (self.hub.clone(), self.id.clone(), self.room.clone());
        self.read(exchange, async move { hub.read_sanctions(&id, &room).await }).await;
        self.room.fill(Kept { standing, before, critical }, lines);
        metrics::counter!(meters::GAPS, "outcome" => "filled").increment(1);
        self.state.send_replace(State::Here);
        true
    }

    /// What is told here should not be newer than what this node knows: who joins right after it gets no older snapshot.
    async fn catch_up(
        &mut self,
        exchange: &Exchange,
        room_version: u64,
        critical: &[Critical],
        facts: &[Fact],
    ) {
        let us = exchange.outbox.node;
        let told = critical.iter().filter(|critical| critical.node != us).map(|critical| &critical.fact);
        let (mut version, mut sales) = (room_version, HashMap::<SaleId, u64>::new());
        for fact in told.chain(facts) {
            version = version.max(fact.room_version);
            if let Some((sale, of_sale)) = fact.sale {
                let newest = sales.entry(sale).or_default();
                *newest = of_sale.max(*newest);
            }
        }
        let (hub, id, room) = (self.hub.clone(), self.id.clone(), self.room.clone());
        let read = async move {
            if room.record().version < version {
                hub.read_record(&id, &room).await;
            }
            for (sale, version) in sales {
                if let Err(error) = hub.sales().catch_up(sale, version).await {
                    tracing::warn!(%sale, %error, "a sale is shown as it was; the next look tries again");
                }
            }
        };
        self.read(exchange, read).await;
        for Critical { node, fact, body, .. } in critical {
            if let (true, Some((id, _)), Some(Body::Sale(sale))) = (*node != us, fact.sale, body) {
                self.hub.sales().heard_left(id, sale.left);
            }
        }
    }

    /// What a node without its record is told goes on all the same. A read is never broken off half way.
    async fn read(&mut self, exchange: &Exchange, read: impl Future<Output = ()> + Send + 'static) {
        if clock::instant() < self.reads_from {
            return;
        }
        let over = exchange.over.clone();
        let reads = exchange.attending.spawn(async move { over.run_until_cancelled(read).await });
        if timeout(READ_WITHIN, reads).await.is_err() {
            tracing::debug!(room = %self.id, "the record is slow; the room does not wait for it");
            self.reads_from = clock::instant() + READ_AGAIN_AFTER;
        }
    }
}

/// Something that cannot be read keeps its place.
fn read_kept(offset: u64, bytes: &[u8]) -> Critical {
    let read = Heard::read(bytes).and_then(|heard| heard.critical.into_iter().next());
    read.unwrap_or_else(|| Critical::unreadable(offset))
}
