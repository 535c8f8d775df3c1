//! The broker on Redis: one call of a Function for a parcel, one for a backlog; sharded pub/sub for what is heard. The keys of a room have one
//! hash tag, so that Redis Cluster keeps them together.

use bytes::{Buf, Bytes};
use redis::{Value, cmd};
use tokio::sync::mpsc;

use super::{Backlog, Broker, Heard, Parcel, Standing};
use crate::model::{RoomId, StreamPosition};
use crate::store::redis::{Redis, RedisError, Subscriber, Told};

const PUBLISH: &str = "apricot_broker_publish";
const READ: &str = "apricot_broker_read";
/// All nodes listen here.
const NODES: &str = "apricot:{nodes}:live";
/// Four numbers of 8 bytes.
const STANDING_BYTES: usize = 32;
/// More than a node ever says in one message (`room::parcel`, tested there). What is longer is not ours.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone)]
pub struct RedisBroker {
    redis: Redis,
    subscriber: Subscriber,
}

/// What the other nodes say, and this one's own words in their place among them.
pub enum Listener {
    Nobody,
    Redis(mpsc::Receiver<Told>),
}

impl Broker {
    pub fn local() -> (Self, Listener) {
        (Self::Local, Listener::Nobody)
    }

    pub fn redis(redis: Redis) -> (Self, Listener) {
        let (subscriber, told) = redis.subscriber();
        (Self::Redis(RedisBroker { redis, subscriber }), Listener::Redis(told))
    }
}

impl RedisBroker {
    /// One message to all who attend the room, and where its order stands with it. `Err`: it may have been said or not.
    pub async fn publish(&self, room: &RoomId, parcel: &Parcel) -> Result<Standing, RedisError> {
        let (keys, numbers) = (keys(room), Numbers::of(parcel));
        let answer = self.call(PUBLISH, &keys, &numbers.arguments(parcel)).await?;
        let Value::BulkString(bytes) = answer else { return Err(unreadable(PUBLISH)) };
        standing(&mut Bytes::from(bytes)).ok_or_else(|| unreadable(PUBLISH))
    }

    /// What came after `told`, where `told_name` stands, and the last lines. A room without an order gets one, of `new_epoch`, and one whose
    /// order is another from there.
    pub async fn read(
        &self,
        room: &RoomId,
        told: Option<StreamPosition>,
        told_name: &str,
        new_epoch: u64,
    ) -> Result<Backlog, RedisError> {
        let (new_epoch, told_epoch, told_offset) = (new_epoch.to_le_bytes(), epoch(told), offset(told));
        let arguments: [&[u8]; 4] = [&new_epoch, &told_epoch, told_offset.as_bytes(), told_name.as_bytes()];
        let keys = keys(room);
        let answer = self.call(READ, &keys[..3], &arguments).await?;
        backlog(answer).ok_or_else(|| unreadable(READ))
    }

    /// When Redis was gone and is there again.
    pub async fn comes_back(&self) {
        let mut up = self.redis.watch();
        up.mark_unchanged();
        while up.changed().await.is_ok() {
            if *up.borrow_and_update() {
                return;
            }
        }
    }

    /// To all nodes.
    pub async fn announce(&self, announcement: &[u8]) -> Result<(), RedisError> {
        let mut publish = cmd("SPUBLISH");
        publish.arg(NODES).arg(announcement);
        self.redis.command(NODES, &publish).await.map(|_| ())
    }

    pub async fn hear_nodes(&self) {
        self.subscriber.subscribe(NODES).await;
    }

    /// `Heard::Attending` says when it is so, and again after every break.
    pub async fn attend(&self, room: &RoomId) {
        self.subscriber.subscribe(&live(room)).await;
    }

    pub async fn leave(&self, room: &RoomId) {
        self.subscriber.unsubscribe(&live(room)).await;
    }

    async fn call(&self, function: &str, keys: &[String], arguments: &[&[u8]]) -> Result<Value, RedisError> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.redis.call(function, &keys, arguments).await
    }
}

impl Listener {
    /// `None`: there is nobody to be heard, or not any more.
    pub async fn hear(&mut self) -> Option<Heard> {
        let Self::Redis(told) = self else { return None };
        loop {
            match told.recv().await? {
                Told::Message { channel, payload } if payload.len() > MESSAGE_BYTES_MAX => {
                    tracing::warn!(channel, bytes = payload.len(), "a message is too long to be a node's");
                }
                Told::Message { channel, payload } if channel == NODES => {
                    return Some(Heard::Announcement { bytes: payload });
                }
                Told::Message { channel, payload } => match parcel(&channel, payload) {
                    Some(heard) => return Some(heard),
                    None => tracing::warn!(channel, "a message is not a node's"),
                },
                Told::Subscribed { channel } => {
                    if let Some(room) = room(&channel) {
                        return Some(Heard::Attending { room });
                    }
                }
                // Each channel that is heard again says so.
                Told::Lost => {}
            }
        }
    }
}

/// The numbers of a parcel as the Function takes them.
struct Numbers {
    new_epoch: [u8; 8],
    told_epoch: Vec<u8>,
    told_offset: String,
    renews: Vec<u8>,
    hearts: [String; 2],
    room_version: String,
    counts: [String; 3],
}

impl Numbers {
    fn of(parcel: &Parcel) -> Self {
        let counts = [parcel.critical.len(), parcel.lines.len(), parcel.deleted_lines.len()];
        Self {
            new_epoch: parcel.new_epoch.to_le_bytes(),
            told_epoch: epoch(parcel.told),
            told_offset: offset(parcel.told),
            renews: parcel.renews.map_or_else(Vec::new, |epoch| epoch.to_le_bytes().to_vec()),
            hearts: [parcel.hearts.more, parcel.hearts.known].map(|count| count.to_string()),
            room_version: parcel.room_version.to_string(),
            counts: counts.map(|count| count.to_string()),
        }
    }

    /// In the order that broker.lua reads them.
    fn arguments<'a>(&'a self, parcel: &'a Parcel) -> Vec<&'a [u8]> {
        let flag = |is: bool| -> &'static [u8] { if is { b"1" } else { b"0" } };
        let [more, known] = &self.hearts;
        let [critical, lines, deleted] = &self.counts;
        let mut arguments: Vec<&[u8]> = vec![
            &self.new_epoch,
            &self.told_epoch,
            self.told_offset.as_bytes(),
            parcel.told_name.as_bytes(),
            &self.renews,
            flag(parcel.raises),
            flag(parcel.again),
            more.as_bytes(),
            known.as_bytes(),
            self.room_version.as_bytes(),
            critical.as_bytes(),
        ];
        for said in &parcel.critical {
            arguments.extend([said.name.as_bytes(), said.once.as_bytes(), &said.bytes]);
        }
        arguments.push(lines.as_bytes());
        for line in &parcel.lines {
            arguments.extend([line.name.as_bytes(), &line.bytes]);
        }
        arguments.push(deleted.as_bytes());
        arguments.extend(parcel.deleted_lines.iter().map(String::as_bytes));
        arguments.push(&parcel.rest);
        arguments
    }
}

fn keys(room: &RoomId) -> [String; 4] {
    ["head", "critical", "chat", "live"].map(|key| format!("apricot:{{room:{room}}}:{key}"))
}

fn live(room: &RoomId) -> String {
    let [.., live] = keys(room);
    live
}

/// Whose channel it is.
fn room(channel: &str) -> Option<RoomId> {
    channel.strip_prefix("apricot:{room:")?.strip_suffix("}:live")?.parse().ok()
}

fn epoch(told: Option<StreamPosition>) -> Vec<u8> {
    told.map_or_else(Vec::new, |told| told.epoch.to_le_bytes().to_vec())
}

fn offset(told: Option<StreamPosition>) -> String {
    told.map_or(0, |told| told.offset).to_string()
}

fn parcel(channel: &str, mut bytes: Bytes) -> Option<Heard> {
    let (room, standing) = (room(channel)?, standing(&mut bytes)?);
    Some(Heard::Parcel { room, standing, bytes })
}

/// From the front of the bytes.
fn standing(bytes: &mut Bytes) -> Option<Standing> {
    if bytes.len() < STANDING_BYTES {
        return None;
    }
    let mut number = || bytes.get_u64_le();
    Some(Standing { epoch: number(), since: number(), last: number(), hearts: number() })
}

fn backlog(answer: Value) -> Option<Backlog> {
    let Value::Array(parts) = answer else { return None };
    let [standing, before, version, critical, lines]: [Value; 5] = parts.try_into().ok()?;
    let mut before = string(before)?;
    let critical = strings(critical)?.into_iter().map(|mut bytes| {
        let offset = bytes.try_get_u64_le().ok()?;
        Some((offset, bytes))
    });
    Some(Backlog {
        standing: self::standing(&mut string(standing)?)?,
        before: StreamPosition {
            epoch: before.try_get_u64_le().ok()?,
            offset: before.try_get_u64_le().ok()?,
        },
        room_version: std::str::from_utf8(&string(version)?).ok()?.parse().ok()?,
        critical: critical.collect::<Option<_>>()?,
        lines: strings(lines)?,
    })
}

fn strings(value: Value) -> Option<Vec<Bytes>> {
    let Value::Array(values) = value else { return None };
    values.into_iter().map(string).collect()
}

fn string(value: Value) -> Option<Bytes> {
    let Value::BulkString(bytes) = value else { return None };
    Some(bytes.into())
}

fn unreadable(function: &str) -> RedisError {
    RedisError::Refused { reason: format!("{function} answered something else") }
}
