//! What a host or a moderator may do to lines and people, as rules over values.

use std::time::Duration;

use apricot_proto::v1::{self, moderation::Action as Sent};

use super::amendment::{Amendment, Closes};
use super::refused::RoomRefused;
use crate::contract::parse;
use crate::model::room::{ChatLine, ChatRules, Sanction};
use crate::model::{Caller, OutOfBound, Room, Subject, Timestamp, bounded_text};

#[derive(Clone, Debug, PartialEq)]
pub struct Moderation {
    pub act: Act,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    DeleteLine { line: String },
    Mute { subject: Subject, lasts: Duration },
    Ban { subject: Subject },
    Pardon { subject: Subject },
    PinLine { line: String },
    UnpinLine,
    ChatRules(ChatRules),
}

impl Moderation {
    pub fn parse(message: &v1::Moderation) -> Result<Self, OutOfBound> {
        let none = || {
            OutOfBound::new("action", "one of deleteLine, mute, ban, pardon, pinLine, unpinLine, chatRules")
        };
        let act = match message.action.as_ref().ok_or_else(none)? {
            Sent::DeleteLine(sent) => Act::DeleteLine { line: line_id("deleteLine.lineId", &sent.line_id)? },
            Sent::Mute(sent) if !(1..=86_400).contains(&sent.seconds) => {
                return Err(OutOfBound::new("mute.seconds", "1..=86400"));
            }
            Sent::Mute(sent) => Act::Mute {
                subject: subject("mute.subject", &sent.subject)?,
                lasts: Duration::from_secs(sent.seconds.into()),
            },
            Sent::Ban(sent) => Act::Ban { subject: subject("ban.subject", &sent.subject)? },
            Sent::Pardon(sent) => Act::Pardon { subject: subject("pardon.subject", &sent.subject)? },
            Sent::PinLine(sent) => Act::PinLine { line: line_id("pinLine.lineId", &sent.line_id)? },
            Sent::UnpinLine(_) => Act::UnpinLine,
            Sent::ChatRules(sent) => Act::ChatRules(parse::chat_rules(sent)?),
        };
        Ok(Self { act, reason: bounded_text("reason", &message.reason, 0..=200)? })
    }
}

/// `line` finds one of the room's last lines.
pub fn moderate(
    room: &Room,
    caller: &Caller,
    moderation: Moderation,
    line: impl Fn(&str) -> Option<ChatLine>,
    now: Timestamp,
) -> Result<Amendment, RoomRefused> {
    if !caller.may_moderate(room) {
        return Err(RoomRefused::Forbidden("only the host, its moderators and ops may moderate this room"));
    }
    let Moderation { act, reason } = moderation;
    let amendment = match act {
        Act::DeleteLine { line: id } => delete_line(room, &id, line)?,
        Act::Mute { subject, lasts } => {
            may_sanction(room, caller, &subject)?;
            sanction("mute", subject, Some(Sanction::Muted { until: now + lasts }))
        }
        Act::Ban { subject } => {
            may_sanction(room, caller, &subject)?;
            Amendment {
                closes: Some(Closes::Person(subject.clone())),
                ..sanction("ban", subject, Some(Sanction::Banned))
            }
        }
        Act::Pardon { subject } => sanction("pardon", subject, None),
        Act::PinLine { line: id } => {
            let pinned = line(&id).ok_or(RoomRefused::NotFound("line; only recent lines can be pinned"))?;
            Amendment::of_record("pin-line", id, Room { pinned_line: Some(pinned), ..room.clone() })
        }
        Act::UnpinLine => {
            Amendment::of_record("unpin-line", String::new(), Room { pinned_line: None, ..room.clone() })
        }
        Act::ChatRules(chat_rules) => {
            Amendment::of_record("chat-rules", String::new(), Room { chat_rules, ..room.clone() })
        }
    };
    Ok(Amendment { reason, ..amendment })
}

fn delete_line(
    room: &Room,
    id: &str,
    line: impl Fn(&str) -> Option<ChatLine>,
) -> Result<Amendment, RoomRefused> {
    let pinned = room.pinned_line.as_ref().is_some_and(|pinned| pinned.id == id);
    if !pinned && line(id).is_none() {
        return Err(RoomRefused::NotFound("line; only recent lines can be deleted"));
    }
    let record = pinned.then(|| Room { pinned_line: None, ..room.clone() });
    Ok(Amendment {
        record: record.map(Amendment::next_version),
        deleted_line: Some(id.to_owned()),
        ..Amendment::new("delete-line", id.to_owned())
    })
}

/// A moderator may not silence the host or a fellow moderator.
fn may_sanction(room: &Room, caller: &Caller, subject: &Subject) -> Result<(), RoomRefused> {
    if *subject == room.host {
        return Err(RoomRefused::Forbidden("the host of a room cannot be muted or banned in it"));
    }
    if *subject == Caller::guest().subject {
        return Err(RoomRefused::Forbidden(
            "guests have no name; they cannot chat, so there is nothing to mute",
        ));
    }
    if room.is_moderator(subject) && !caller.may_host(room) {
        return Err(RoomRefused::Forbidden("only the host may mute or ban a moderator"));
    }
    Ok(())
}

fn sanction(action: &'static str, subject: Subject, sanction: Option<Sanction>) -> Amendment {
    Amendment { sanction: Some((subject.clone(), sanction)), ..Amendment::new(action, subject.to_string()) }
}

fn subject(field: &'static str, text: &str) -> Result<Subject, OutOfBound> {
    text.parse().map_err(|error: OutOfBound| OutOfBound::new(field, error.bound))
}

fn line_id(field: &'static str, text: &str) -> Result<String, OutOfBound> {
    if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(OutOfBound::new(field, "the id of a chat line"))
}
