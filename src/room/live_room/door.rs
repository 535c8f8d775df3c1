//! Coming in and going out.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use apricot_proto::v1;
use bytes::Bytes;

use super::{LiveRoom, Reading, Seat};
use crate::contract;
use crate::model::room::Sanction;
use crate::model::{Caller, Role, RoomState, StreamPosition, Subject, Timestamp};
use crate::room::close::CloseCode;
use crate::room::lanes::{Cursor, Recovery};
use crate::room::outlet::Outlet;
use crate::sale::SaleView;

/// Sorted by person, so that all sockets of one person stand together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeatKey {
    subject: Subject,
    number: u64,
}

impl SeatKey {
    pub fn of(subject: &Subject) -> RangeInclusive<Self> {
        let at = |number| Self { subject: subject.clone(), number };
        at(0)..=at(u64::MAX)
    }
}

/// Who knocks, and where it stood when it was last here.
pub struct Visitor {
    pub caller: Arc<Caller>,
    pub position: Option<StreamPosition>,
    pub outlet: Arc<Outlet>,
    pub now: Timestamp,
}

/// Where a viewer starts, and the half of its snapshot that all share.
pub struct Entrance {
    pub seat: SeatKey,
    pub cursor: Cursor,
    pub recovery: Recovery,
    pub position: StreamPosition,
    pub snapshot: Bytes,
}

impl LiveRoom {
    /// Snapshot, seat and cursor are of one instant: what is published after it is read from the cursor, what was published before it
    /// is in the snapshot.
    pub fn enter(
        &self,
        visitor: Visitor,
        viewers_max: u32,
        read: impl FnOnce() -> Reading,
        sales: impl FnOnce() -> Vec<SaleView>,
    ) -> Result<Entrance, CloseCode> {
        let Visitor { caller, position, outlet, now } = visitor;
        let mut floor = self.floor();
        let banned = matches!(floor.sanctions.get(&caller.subject), Some(Sanction::Banned));
        if banned || !caller.may_see(&floor.record) {
            return Err(CloseCode::NotAllowed);
        }
        if floor.record.state == RoomState::Ended {
            return Err(CloseCode::RoomEnded);
        }
        let runs_the_room = caller.may_moderate(&floor.record);
        if floor.viewers() >= viewers_max && !runs_the_room {
            return Err(CloseCode::Full);
        }
        if floor.seats.is_empty() {
            floor.opened_at = now;
            // Nobody was here to read it for.
            let (hearts, elsewhere) = (&self.hearts, &self.elsewhere);
            let of_others = elsewhere.load(Ordering::Relaxed);
            floor.read_state(hearts.load(Ordering::Relaxed), of_others, read(), now);
        }
        let (cursor, recovery) = floor.lanes.recover(position);
        let floor = &mut *floor;
        let head = floor.lanes.head();
        let snapshot = floor.snapshots.at(head, outlet.format(), runs_the_room, || v1::Joined {
            room: Some(contract::room(&floor.record, &floor.cards, runs_the_room)),
            sales: sales().iter().map(contract::sale).collect(),
            state: Some(floor.state.clone()),
            lines: floor.history.shown().map(contract::chat_line).collect(),
            ..v1::Joined::default()
        });
        let named = caller.role != Role::Guest;
        let sits = named && floor.seats.range(SeatKey::of(&caller.subject)).next().is_some();
        floor.seats_made += 1;
        let seat = SeatKey { subject: caller.subject.clone(), number: floor.seats_made };
        self.stir();
        floor.seats.insert(seat.clone(), Seat { outlet, caller: Arc::clone(&caller) });
        let viewers = floor.viewers().saturating_add(self.elsewhere.load(Ordering::Relaxed));
        let mut turnout = self.turnout();
        turnout.sighted(viewers, now);
        // Who says where it stood was here before.
        let was_here = position.is_some() || sits || named && turnout.knows(&caller.subject);
        if !runs_the_room && !was_here {
            turnout.seen(now);
        }
        drop(turnout);
        // A client that is cut off again before it reads what it missed asks for the same once more.
        let asked = position.filter(|_| recovery == Recovery::Recovered);
        let position = asked.unwrap_or(floor.lanes.position());
        Ok(Entrance { seat, cursor, recovery, position, snapshot })
    }

    pub fn leave(&self, seat: &SeatKey) {
        self.floor().seats.remove(seat);
        self.turnout().left(seat.subject.clone());
        self.stir();
    }
}
