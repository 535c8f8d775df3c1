//! Why a socket is closed, and whether the client should come back. docs/api.md has the same table; a test compares.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    ClientClosed,
    Draining,
    ProtocolError,
    UnknownKind,
    NotUtf8,
    TooLarge,
    JoinTimeout,
    TokenRefused,
    NotAllowed,
    NoSuchRoom,
    TooSlow,
    TooManyMessages,
    RoomEnded,
    Full,
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComeBack {
    AsYouLike,
    /// After a wait that the server jitters between the two, so that a herd does not come at once.
    Between(Duration, Duration),
    No,
}

impl CloseCode {
    pub const ALL: [Self; 15] = [
        Self::ClientClosed,
        Self::Draining,
        Self::ProtocolError,
        Self::UnknownKind,
        Self::NotUtf8,
        Self::TooLarge,
        Self::JoinTimeout,
        Self::TokenRefused,
        Self::NotAllowed,
        Self::NoSuchRoom,
        Self::TooSlow,
        Self::TooManyMessages,
        Self::RoomEnded,
        Self::Full,
        Self::Silent,
    ];

    fn row(self) -> (u16, &'static str, ComeBack) {
        let between = |least_ms, most_ms| {
            ComeBack::Between(Duration::from_millis(least_ms), Duration::from_millis(most_ms))
        };
        match self {
            Self::ClientClosed => (1000, "client closed", ComeBack::AsYouLike),
            Self::Draining => (1001, "draining", between(500, 5_000)),
            Self::ProtocolError => (1002, "protocol error", ComeBack::No),
            Self::UnknownKind => (1003, "unknown subprotocol or message kind", ComeBack::No),
            Self::NotUtf8 => (1007, "text is not UTF-8", ComeBack::No),
            Self::TooLarge => (1009, "message larger than 16 KiB", ComeBack::No),
            Self::JoinTimeout => (4000, "join timeout", between(500, 2_000)),
            Self::TokenRefused => (4001, "token refused", ComeBack::No),
            Self::NotAllowed => (4003, "banned, or not allowed into this room", ComeBack::No),
            Self::NoSuchRoom => (4004, "no such room", ComeBack::No),
            Self::TooSlow => (4008, "too slow for the critical lane", between(200, 2_000)),
            Self::TooManyMessages => (4009, "too many messages after warnings", between(30_000, 40_000)),
            Self::RoomEnded => (4010, "room ended", ComeBack::No),
            Self::Full => (4013, "room or server full", between(5_000, 30_000)),
            Self::Silent => (4014, "no sign of life for 60 s", between(200, 2_000)),
        }
    }

    pub fn number(self) -> u16 {
        self.row().0
    }

    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn come_back(self) -> ComeBack {
        self.row().2
    }

    /// Zero: do not come back. `chance` is any random number.
    pub fn retry_after(self, chance: u64) -> Duration {
        match self.come_back() {
            ComeBack::AsYouLike | ComeBack::No => Duration::ZERO,
            ComeBack::Between(least, most) => {
                let span_ms = u64::try_from((most - least).as_millis()).unwrap_or(u64::MAX);
                least + Duration::from_millis(chance % (span_ms + 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_documents() {
        let document = include_str!("../../docs/api.md");
        for code in CloseCode::ALL {
            let start = format!("| {} | {}", code.number(), code.name());
            let row = document.lines().find(|line| line.starts_with(&start));
            let row = row.unwrap_or_else(|| panic!("docs/api.md has no row that starts with: {start}"));
            let yes = row.contains("| yes");
            assert_eq!(yes, matches!(code.come_back(), ComeBack::Between(..)), "{row}");
        }
    }

    #[test]
    fn a_wait_is_inside_its_bounds() {
        for chance in [0, 1, 4_500, 4_501, u64::MAX] {
            let wait = CloseCode::Draining.retry_after(chance);
            assert!((Duration::from_millis(500)..=Duration::from_secs(5)).contains(&wait), "{wait:?}");
        }
        assert_eq!(CloseCode::RoomEnded.retry_after(7), Duration::ZERO);
    }
}
