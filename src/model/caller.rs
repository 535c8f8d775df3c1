//! Who is asking, as a verified token says.

use super::{OutOfBound, Room, RoomId, Subject};

#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    pub subject: Subject,
    pub name: String,
    pub role: Role,
    /// The token is good for this room only.
    pub room: Option<RoomId>,
    /// A commissioner's county, compared with the beginning of a room's place.
    pub county: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Guest,
    Viewer,
    Host,
    Moderator,
    Commissioner,
    Ops,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 7] = [
        Self::Guest,
        Self::Viewer,
        Self::Host,
        Self::Moderator,
        Self::Commissioner,
        Self::Ops,
        Self::Auditor,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Viewer => "viewer",
            Self::Host => "host",
            Self::Moderator => "moderator",
            Self::Commissioner => "commissioner",
            Self::Ops => "ops",
            Self::Auditor => "auditor",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            OutOfBound::new("role", "one of guest, viewer, host, moderator, commissioner, ops, auditor")
        })
    }
}

/// The subject of everybody without a token.
const GUEST: &str = "guest";

impl Caller {
    /// The name that all guests share is no person's: who bought under it would buy as everybody.
    pub fn check(self) -> Result<Self, OutOfBound> {
        match self.role {
            Role::Guest => Ok(self),
            _ if self.subject.as_str() != GUEST => Ok(self),
            _ => Err(OutOfBound::new("subject", "not `guest`, unless the role is guest too")),
        }
    }

    pub fn guest() -> Self {
        Self {
            subject: GUEST.parse().expect("within bounds"),
            name: String::new(),
            role: Role::Guest,
            room: None,
            county: None,
        }
    }

    fn may_enter(&self, room: &Room) -> bool {
        let watches = matches!(self.role, Role::Ops | Role::Auditor);
        self.room.as_ref().is_none_or(|only| *only == room.id) && (watches || !room.id.is_feed())
    }

    /// Runs the room: its state, cards, sales and orders.
    pub fn may_host(&self, room: &Room) -> bool {
        self.may_enter(room)
            && !room.id.is_feed()
            && (self.role == Role::Ops || (self.role == Role::Host && self.subject == room.host))
    }

    pub fn may_moderate(&self, room: &Room) -> bool {
        self.may_host(room) || self.works_in(room)
    }

    /// The room is its own, or it was appointed there, or the room is of its county. Ops may run every room and have none.
    pub fn works_in(&self, room: &Room) -> bool {
        let own = matches!(self.role, Role::Host | Role::Ops) && self.subject == room.host;
        self.role != Role::Guest
            && self.may_enter(room)
            && !room.id.is_feed()
            && (own || room.is_moderator(&self.subject) || self.helps_the_county_of(room))
    }

    /// May read what the room has sold. A commissioner reads it too, and has no right to move any of it.
    pub fn may_read_figures(&self, room: &Room) -> bool {
        self.may_host(room)
            || self.may_enter(room)
                && !room.id.is_feed()
                && (self.role == Role::Auditor || self.helps_the_county_of(room))
    }

    /// May read the room's books, order by order.
    pub fn may_read_books(&self, room: &Room) -> bool {
        self.may_host(room) || self.may_enter(room) && !room.id.is_feed() && self.role == Role::Auditor
    }

    fn helps_the_county_of(&self, room: &Room) -> bool {
        let county = self.county.as_deref().filter(|county| !county.is_empty());
        self.role == Role::Commissioner && county.is_some_and(|county| room.place.starts_with(county))
    }

    /// Rehearsals are for those who run the room.
    pub fn may_see(&self, room: &Room) -> bool {
        self.may_enter(room) && (room.state != super::RoomState::Rehearsal || self.may_moderate(room))
    }

    pub fn may_chat_and_buy(&self) -> bool {
        !matches!(self.role, Role::Guest | Role::Auditor)
    }
}
