//! Rooms: what only people read is one JSON column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ROOM_STATES, named, to_json};
use crate::model::room::{ChatLine, ChatRules};
use crate::model::{Money, PledgeId, Room, RunSheetItem, Timestamp};
use crate::store::journal::query::{Parsed, Row, parse};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomBody {
    title: String,
    host_name: String,
    place: String,
    scheduled_at: Option<i64>,
    live_at: Option<i64>,
    ended_at: Option<i64>,
    playback_url: String,
    poster_url: String,
    slow_mode_seconds: u32,
    blocked_words: Vec<String>,
    cards: Vec<String>,
    pinned_line: Option<LineBody>,
    moderators: Vec<String>,
    /// Rooms of before have neither; those without stay readable for programs of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    run_sheet: Vec<ItemBody>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moderator_names: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemBody {
    sku: String,
    /// Minor units and currency.
    price: Option<(i64, String)>,
    stock: u32,
    limit_per_buyer: u32,
    hold_seconds: u32,
    duration_seconds: u32,
    pledge: Option<Uuid>,
    note: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineBody {
    id: String,
    author: String,
    author_name: String,
    author_role: String,
    text: String,
    at: i64,
}

pub fn room_body(room: &Room) -> String {
    to_json(&RoomBody {
        title: room.title.clone(),
        host_name: room.host_name.clone(),
        place: room.place.clone(),
        scheduled_at: room.scheduled_at.map(Timestamp::millis),
        live_at: room.live_at.map(Timestamp::millis),
        ended_at: room.ended_at.map(Timestamp::millis),
        playback_url: room.playback_url.clone(),
        poster_url: room.poster_url.clone(),
        slow_mode_seconds: room.chat_rules.slow_mode_seconds,
        blocked_words: room.chat_rules.blocked_words.clone(),
        cards: room.cards.iter().map(ToString::to_string).collect(),
        pinned_line: room.pinned_line.as_ref().map(|line| LineBody {
            id: line.id.clone(),
            author: line.author.to_string(),
            author_name: line.author_name.clone(),
            author_role: line.author_role.clone(),
            text: line.text.clone(),
            at: line.at.millis(),
        }),
        moderators: room.moderators.iter().map(ToString::to_string).collect(),
        run_sheet: room.run_sheet.iter().map(item_body).collect(),
        moderator_names: room
            .moderator_names
            .iter()
            .map(|(subject, name)| (subject.to_string(), name.clone()))
            .collect(),
    })
}

fn item_body(item: &RunSheetItem) -> ItemBody {
    ItemBody {
        sku: item.sku.to_string(),
        price: item.price.map(|price| (price.minor, price.currency.as_str().to_owned())),
        stock: item.stock,
        limit_per_buyer: item.limit_per_buyer,
        hold_seconds: item.hold_seconds,
        duration_seconds: item.duration_seconds,
        pledge: item.pledge.map(|pledge| pledge.0),
        note: item.note.clone(),
    }
}

fn item(body: ItemBody) -> Parsed<RunSheetItem> {
    let price = |(minor, currency): (i64, String)| Ok(Money::new(minor, parse(3, &currency)?));
    Ok(RunSheetItem {
        sku: parse(3, &body.sku)?,
        price: body.price.map(price).transpose()?,
        stock: body.stock,
        limit_per_buyer: body.limit_per_buyer,
        hold_seconds: body.hold_seconds,
        duration_seconds: body.duration_seconds,
        pledge: body.pledge.map(PledgeId),
        note: body.note,
    })
}

/// Columns: id, host, state, body, version.
pub fn room(row: &Row) -> Parsed<Room> {
    let body: RoomBody = row.json(3)?;
    let line = |line: LineBody| -> Parsed<ChatLine> {
        Ok(ChatLine {
            id: line.id,
            author: parse(3, &line.author)?,
            author_name: line.author_name,
            author_role: line.author_role,
            text: line.text,
            at: Timestamp(line.at),
        })
    };
    Ok(Room {
        id: row.parsed(0)?,
        host: row.parsed(1)?,
        state: named(row, 2, &ROOM_STATES)?,
        title: body.title,
        host_name: body.host_name,
        place: body.place,
        scheduled_at: body.scheduled_at.map(Timestamp),
        live_at: body.live_at.map(Timestamp),
        ended_at: body.ended_at.map(Timestamp),
        playback_url: body.playback_url,
        poster_url: body.poster_url,
        chat_rules: ChatRules {
            slow_mode_seconds: body.slow_mode_seconds,
            blocked_words: body.blocked_words,
        },
        cards: body.cards.iter().map(|sku| parse(3, sku)).collect::<Parsed<_>>()?,
        pinned_line: body.pinned_line.map(line).transpose()?,
        moderators: body.moderators.iter().map(|subject| parse(3, subject)).collect::<Parsed<_>>()?,
        run_sheet: body.run_sheet.into_iter().map(item).collect::<Parsed<_>>()?,
        moderator_names: body
            .moderator_names
            .into_iter()
            .map(|(subject, name)| Ok((parse(3, &subject)?, name)))
            .collect::<Parsed<_>>()?,
        version: row.unsigned(4)?,
    })
}
