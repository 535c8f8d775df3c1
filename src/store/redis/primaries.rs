//! Which server has which keys.

use std::ops::RangeInclusive;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, from_redis_value};
use tokio_util::sync::CancellationToken;

use super::settings::Address;
use super::{RedisError, RedisMode, RedisSettings, server};

const SLOTS: u16 = 16_384;

/// The servers as they were last seen. Every slot is in one range; a range without a server cannot be asked now.
#[derive(Clone, Default)]
pub(super) struct Primaries {
    pub ranges: Vec<(RangeInclusive<u16>, Arc<Primary>)>,
}

pub(super) struct Primary {
    pub address: Address,
    pub connection: MultiplexedConnection,
    /// Cancelled when the connection broke, or when the server no longer is what it was.
    pub lost: CancellationToken,
}

impl Primaries {
    /// `None`: nobody is there for this key now.
    pub fn of_key(&self, key: &str) -> Option<&Arc<Primary>> {
        let slot = slot(key);
        let (_, primary) = self.ranges.iter().find(|(range, _)| range.contains(&slot))?;
        (!primary.lost.is_cancelled()).then_some(primary)
    }

    /// Whether every key has a server.
    pub fn all_there(&self) -> bool {
        let slots: u32 = self
            .ranges
            .iter()
            .filter(|(_, primary)| !primary.lost.is_cancelled())
            .map(|(range, _)| u32::from(*range.end()) - u32::from(*range.start()) + 1)
            .sum();
        slots == u32::from(SLOTS)
    }

    pub fn at(&self, address: &Address) -> Option<&Arc<Primary>> {
        let mut primaries = self.ranges.iter().map(|(_, primary)| primary);
        primaries.find(|primary| primary.address == *address && !primary.lost.is_cancelled())
    }
}

/// Asks who has what. `known` are servers that were there before, asked first in a cluster.
pub(super) async fn discover(
    settings: &RedisSettings,
    known: &Primaries,
) -> Result<Vec<(RangeInclusive<u16>, Address)>, RedisError> {
    let seeds = settings.seeds()?;
    let mut failed = RedisError::Down;
    match &settings.mode {
        RedisMode::Single => {
            return Ok(seeds.into_iter().map(|(address, _)| (0..=SLOTS - 1, address)).collect());
        }
        RedisMode::Sentinel { master } => {
            for (sentinel, info) in seeds {
                let asked = async {
                    let mut connection = server::dial(settings, &sentinel, info, |_| Ok(())).await?;
                    master_of(&mut connection, &sentinel, master).await
                };
                match asked.await {
                    Ok(address) => return Ok(vec![(0..=SLOTS - 1, address)]),
                    Err(error) => failed = error,
                }
            }
        }
        RedisMode::Cluster => {
            for (_, primary) in &known.ranges {
                if primary.lost.is_cancelled() {
                    continue;
                }
                match slots_of(&mut primary.connection.clone(), &primary.address).await {
                    Ok(ranges) => return Ok(ranges),
                    Err(error) => failed = error,
                }
            }
            for (seed, _) in seeds {
                let asked = async {
                    let mut connection = server::open(settings, &seed, |_| Ok(())).await?;
                    slots_of(&mut connection, &seed).await
                };
                match asked.await {
                    Ok(ranges) => return Ok(ranges),
                    Err(error) => failed = error,
                }
            }
        }
    }
    Err(failed)
}

async fn master_of(
    connection: &mut MultiplexedConnection,
    sentinel: &Address,
    master: &str,
) -> Result<Address, RedisError> {
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer = server::ask(connection, &question).await;
    let answer = answer.map_err(|error| RedisError::unreachable(sentinel, &error))?;
    match from_redis_value::<Option<(String, u16)>>(answer) {
        Ok(Some((host, port))) => Ok(Address { host, port, tls: sentinel.tls }),
        _ => Err(RedisError::Settings {
            reason: format!("the sentinel at {sentinel} watches no primary of the name {master}"),
        }),
    }
}

async fn slots_of(
    connection: &mut MultiplexedConnection,
    asked: &Address,
) -> Result<Vec<(RangeInclusive<u16>, Address)>, RedisError> {
    let answer = server::ask(connection, cmd("CLUSTER").arg("SLOTS")).await;
    let answer = answer.map_err(|error| match error.detail() {
        Some(detail) if detail.contains("cluster support disabled") => {
            RedisError::WrongMode { address: asked.to_string(), is: "standalone".into() }
        }
        _ => RedisError::unreachable(asked, &error),
    })?;
    let strange = || RedisError::unreachable(asked, &"its answer to CLUSTER SLOTS cannot be read");
    let Value::Array(entries) = answer else { return Err(strange()) };
    entries.into_iter().map(|entry| range_of(entry, asked).ok_or_else(strange)).collect()
}

/// First and last slot, then the primary, then its replicas; each server is host, port, id and more.
fn range_of(entry: Value, asked: &Address) -> Option<(RangeInclusive<u16>, Address)> {
    let Value::Array(parts) = entry else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = parts.as_slice() else {
        return None;
    };
    let [host, Value::Int(port), ..] = primary.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) if !host.is_empty() => String::from_utf8(host.clone()).ok()?,
        // The server does not know its own name: it is the one we asked.
        _ => asked.host.clone(),
    };
    let address = Address { host, port: u16::try_from(*port).ok()?, tls: asked.tls };
    Some((u16::try_from(*first).ok()?..=u16::try_from(*last).ok()?, address))
}

/// As Redis Cluster counts: CRC-16 (XMODEM) of the part in braces, or of the whole key.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(byte) << 8,
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 },
        )
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_into_the_slots_of_the_specification() {
        // CRC-16/XMODEM of 123456789 is 0x31C3.
        for (key, expected) in
            [("123456789", 0x31C3), ("a{123456789}b", 0x31C3), ("foo", 12_182), ("{}foo", 9_500)]
        {
            assert_eq!(slot(key), expected, "{key}");
        }
    }
}
