//! A change of a room, decided but not yet made: what is recorded, and what is told once it is.

use apricot_proto::v1::publication::Body;

use super::close::CloseCode;
use super::parcel::Fact;
use crate::model::room::Sanction;
use crate::model::{Caller, Product, Room, RoomState, Subject, Timestamp};
use crate::store::journal::Once;
use crate::store::{Entry, Write};

#[derive(Clone, Debug, PartialEq)]
pub struct Amendment {
    /// For the audit trail.
    pub action: &'static str,
    pub about: String,
    pub reason: String,
    /// The next version of the record. It is published when it is made.
    pub record: Option<Room>,
    /// The pinned products, when they change.
    pub cards: Option<Vec<Product>>,
    /// `None` inside lifts it.
    pub sanction: Option<(Subject, Option<Sanction>)>,
    pub deleted_line: Option<String>,
    pub publication: Option<Body>,
    /// Not empty: the publication is told once, whoever tries, also again.
    pub once: String,
    pub closes: Option<Closes>,
}

/// Whose sockets are closed after the publications.
#[derive(Clone, Debug, PartialEq)]
pub enum Closes {
    Everyone,
    /// Those who do not run the room: a rehearsal is not for them.
    Viewers,
    Person(Subject),
}

impl Closes {
    /// Who must go when a room is in this state.
    pub fn of(state: RoomState) -> Option<Self> {
        match state {
            RoomState::Ended => Some(Self::Everyone),
            RoomState::Rehearsal => Some(Self::Viewers),
            RoomState::Scheduled | RoomState::Live | RoomState::Paused => None,
        }
    }

    pub fn code(&self) -> CloseCode {
        match self {
            Self::Everyone => CloseCode::RoomEnded,
            Self::Viewers | Self::Person(_) => CloseCode::NotAllowed,
        }
    }
}

impl Amendment {
    pub fn new(action: &'static str, about: String) -> Self {
        Self {
            action,
            about,
            reason: String::new(),
            record: None,
            cards: None,
            sanction: None,
            deleted_line: None,
            publication: None,
            once: String::new(),
            closes: None,
        }
    }

    /// `room` is the record as it shall be; its version is still the one that it was read at.
    pub fn of_record(action: &'static str, about: String, room: Room) -> Self {
        Self { record: Some(Self::next_version(room)), ..Self::new(action, about) }
    }

    pub fn next_version(room: Room) -> Room {
        Room { version: room.version + 1, ..room }
    }

    /// What other nodes must know before they tell it.
    pub fn fact(&self) -> Fact {
        Fact {
            room_version: self.record.as_ref().map_or(0, |record| record.version),
            sale: None,
            sanction: self.sanction.clone(),
            deleted_line: self.deleted_line.clone(),
        }
    }

    /// What makes it durable, all or nothing.
    pub fn entry(&self, room: &Room, caller: &Caller, once: Option<Once>, now: Timestamp) -> Entry {
        let mut entry: Entry = once.map(Write::Once).into_iter().collect();
        entry.extend(self.record.clone().map(|record| Write::Room(Box::new(record))));
        if let Some((subject, sanction)) = &self.sanction {
            let (room, subject) = (room.id.clone(), subject.clone());
            entry.push(Write::Sanction { room, subject, sanction: sanction.clone() });
        }
        entry.push(Write::Audit {
            at: now,
            actor: caller.subject.clone(),
            action: self.action,
            subject: format!("{} {}", room.id, self.about).trim_end().to_owned(),
            reason: self.reason.clone(),
        });
        entry
    }
}
