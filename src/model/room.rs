//! A live room and the life it goes through.

use std::collections::BTreeMap;

use super::product::picture_address;
use super::{OutOfBound, RoomId, RunSheetItem, Sku, Subject, Timestamp, bounded_text};

pub const CARDS_MAX: usize = 3;
pub const MODERATORS_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    pub id: RoomId,
    pub title: String,
    pub host: Subject,
    pub host_name: String,
    pub place: String,
    pub state: RoomState,
    pub scheduled_at: Option<Timestamp>,
    pub live_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub playback_url: String,
    pub poster_url: String,
    pub chat_rules: ChatRules,
    pub cards: Vec<Sku>,
    pub pinned_line: Option<ChatLine>,
    pub moderators: Vec<Subject>,
    /// What the host means to sell, in this order. For those who run or moderate the room.
    pub run_sheet: Vec<RunSheetItem>,
    /// Of moderators who were invited by link. For those who run or moderate the room.
    pub moderator_names: BTreeMap<Subject, String>,
    /// Grows with every change; the record refuses a change made from an older one.
    pub version: u64,
}

impl Room {
    /// Scheduled, without a time; nobody has been here yet.
    pub fn new(id: RoomId, title: impl Into<String>, host: Subject, host_name: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            host,
            host_name: host_name.into(),
            place: String::new(),
            state: RoomState::Scheduled,
            scheduled_at: None,
            live_at: None,
            ended_at: None,
            playback_url: String::new(),
            poster_url: String::new(),
            chat_rules: ChatRules::default(),
            cards: Vec::new(),
            pinned_line: None,
            moderators: Vec::new(),
            run_sheet: Vec::new(),
            moderator_names: BTreeMap::new(),
            version: 1,
        }
    }
}

/// What of a room may change before and during a stream, beside what it says and shows.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomEdit {
    pub title: String,
    pub host_name: String,
    pub place: String,
    pub scheduled_at: Option<Timestamp>,
    pub playback_url: String,
    pub poster_url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomState {
    Scheduled,
    /// Only the host and moderators see it.
    Rehearsal,
    Live,
    Paused,
    Ended,
}

impl RoomState {
    /// The arrows of a room's life: ended is final, and a live room never becomes a rehearsal again.
    pub fn may_become(self, next: Self) -> bool {
        use RoomState::{Ended, Live, Paused, Rehearsal, Scheduled};
        matches!(
            (self, next),
            (Scheduled, Rehearsal | Live | Ended)
                | (Rehearsal, Scheduled | Live | Ended)
                | (Live, Paused | Ended)
                | (Paused, Live | Ended)
        )
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRules {
    pub slow_mode_seconds: u32,
    pub blocked_words: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChatLine {
    pub id: String,
    pub author: Subject,
    pub author_name: String,
    pub author_role: String,
    pub text: String,
    pub at: Timestamp,
}

/// Where a client or a node stands in the order of a room: the last offset that it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    pub epoch: u64,
    pub offset: u64,
}

/// What a moderator laid on a person in one room. A pardon removes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Sanction {
    Muted { until: Timestamp },
    Banned,
}

impl ChatRules {
    pub fn check(&self) -> Result<(), OutOfBound> {
        if self.slow_mode_seconds > 300 {
            return Err(OutOfBound::new("chatRules.slowModeSeconds", "0..=300"));
        }
        if self.blocked_words.len() > 200 {
            return Err(OutOfBound::new("chatRules.blockedWords", "at most 200 words"));
        }
        for word in &self.blocked_words {
            bounded_text("chatRules.blockedWords", word, 1..=40)?;
        }
        Ok(())
    }

    /// Case and spacing do not hide a word.
    pub fn blocks(&self, text: &str) -> bool {
        let folded = |s: &str| -> String {
            s.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
        };
        let text = folded(text);
        self.blocked_words.iter().any(|word| text.contains(&folded(word)))
    }
}

impl Room {
    pub fn check(&self) -> Result<(), OutOfBound> {
        bounded_text("title", &self.title, 1..=80)?;
        bounded_text("hostName", &self.host_name, 1..=40)?;
        bounded_text("place", &self.place, 0..=80)?;
        picture_address("playbackUrl", &self.playback_url)?;
        picture_address("posterUrl", &self.poster_url)?;
        self.chat_rules.check()
    }

    pub fn is_moderator(&self, subject: &Subject) -> bool {
        self.moderators.contains(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_is_final_and_rehearsal_never_follows_live() {
        use RoomState::*;
        let all = [Scheduled, Rehearsal, Live, Paused, Ended];
        assert!(all.iter().all(|next| !Ended.may_become(*next)));
        assert!(!Live.may_become(Rehearsal) && !Paused.may_become(Rehearsal));
        assert!(Scheduled.may_become(Live) && Live.may_become(Paused) && Paused.may_become(Live));
    }

    #[test]
    fn spacing_and_case_do_not_hide_a_blocked_word() {
        let rules = ChatRules { slow_mode_seconds: 0, blocked_words: vec!["WeChat".into()] };
        assert!(rules.blocks("add me on we chat"));
        assert!(!rules.blocks("we talk"));
    }
}
