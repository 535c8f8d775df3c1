//! A thing said to a room, encoded once for each format. Above this file nothing knows what the bytes mean.

use apricot_proto::v1::{self, publication::Body};
use bytes::Bytes;
use prost::Message;

use crate::model::Timestamp;

/// What a viewer reads: chosen by the socket's subprotocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Concatenated `Batch` messages are one `Batch`.
    Proto,
    /// One `Publication` a line.
    Json,
}

/// Both encodings of one publication, shared by everybody who gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    proto: Bytes,
    json: Bytes,
}

impl Encoded {
    /// `offset` is 0 outside the critical lane, and on it for what stands outside the order that nodes share.
    pub fn new(lane: v1::Lane, offset: u64, at: Timestamp, body: Body) -> Self {
        let publication = publication(lane, offset, at, body);
        let json = json_line(&publication);
        let proto = v1::Batch { publications: vec![publication] }.encode_to_vec().into();
        Self { proto, json }
    }

    pub fn bytes(&self, format: Format) -> &Bytes {
        match format {
            Format::Proto => &self.proto,
            Format::Json => &self.json,
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.proto.len() + self.json.len()
    }
}

/// For one viewer alone, in the one format that it reads.
pub fn direct(format: Format, at: Timestamp, body: Body) -> Bytes {
    one(format, publication(v1::Lane::Direct, 0, at, body))
}

/// Tells a viewer how many chat lines it did not get.
pub fn skipped(format: Format, lines: u64) -> Bytes {
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    one(format, publication(v1::Lane::Chat, 0, Timestamp::ZERO, Body::Skipped(v1::Skipped { lines })))
}

fn one(format: Format, publication: v1::Publication) -> Bytes {
    match format {
        Format::Proto => v1::Batch { publications: vec![publication] }.encode_to_vec().into(),
        Format::Json => json_line(&publication),
    }
}

fn publication(lane: v1::Lane, offset: u64, at: Timestamp, body: Body) -> v1::Publication {
    v1::Publication { lane: lane.into(), offset, at_ms: at.millis(), body: Some(body) }
}

fn json_line(publication: &v1::Publication) -> Bytes {
    let mut line =
        serde_json::to_vec(publication).expect("enums of ours have names, and memory does not fail");
    line.push(b'\n');
    line.into()
}
