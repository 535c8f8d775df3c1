//! Reads a `Batch` in place, without building it.
//!
//! A thousand sockets get tens of thousands of publications a second and care about few of them, so a publication is
//! looked at as borrowed bytes first, and only what a client acts on is decoded in full by prost. Field numbers are those
//! of `live.proto`, `charity.proto` and `room.proto`; the tests compare with prost.

/// The bytes were not protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotProtobuf;

/// The field numbers of `Publication.body`.
pub mod body {
    pub const REPLY: u32 = 10;
    pub const JOINED: u32 = 11;
    pub const ORDER: u32 = 12;
    pub const SKIPPED: u32 = 13;
    pub const CLOSING: u32 = 14;
    pub const NOTICE: u32 = 22;
    pub const STATE: u32 = 30;
    pub const CHAT: u32 = 40;
}

/// One field: its number, and its value as a varint or as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The fields of one message, in the order they were written.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), NotProtobuf>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = next_field(&mut self.0);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

fn next_field<'a>(rest: &mut &'a [u8]) -> Result<(u32, Value<'a>), NotProtobuf> {
    let tag = varint(rest)?;
    let number = u32::try_from(tag >> 3).map_err(|_| NotProtobuf)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => take(rest, 8).map(|_| Value::Fixed)?,
        2 => {
            let length = usize::try_from(varint(rest)?).map_err(|_| NotProtobuf)?;
            Value::Bytes(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| Value::Fixed)?,
        _ => return Err(NotProtobuf),
    };
    Ok((number, value))
}

fn varint(rest: &mut &[u8]) -> Result<u64, NotProtobuf> {
    let mut value = 0u64;
    for (index, byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *rest = &rest[index + 1..];
            return Ok(value);
        }
    }
    Err(NotProtobuf)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], NotProtobuf> {
    let (head, tail) = rest.split_at_checked(length).ok_or(NotProtobuf)?;
    *rest = tail;
    Ok(head)
}

/// A publication: its header, and the body still encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peek<'a> {
    pub lane: i32,
    pub offset: u64,
    pub body: u32,
    pub bytes: &'a [u8],
}

/// The publications of one batch.
pub fn publications(batch: &[u8]) -> impl Iterator<Item = Result<Peek<'_>, NotProtobuf>> {
    Fields(batch).filter_map(|field| match field {
        Ok((1, Value::Bytes(bytes))) => Some(publication(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// The publications of one batch, each still encoded.
pub fn whole(batch: &[u8]) -> impl Iterator<Item = Result<&[u8], NotProtobuf>> {
    Fields(batch).filter_map(|field| match field {
        Ok((1, Value::Bytes(bytes))) => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// Lane and offset alone. Quick where they come first, in one byte each and as written by prost; right in any case.
pub fn head(bytes: &[u8]) -> Result<(i32, u64), NotProtobuf> {
    if let [0x08, lane @ 0..0x80, 0x10, rest @ ..] = bytes {
        let mut rest = rest;
        return Ok((i32::from(*lane), varint(&mut rest)?));
    }
    publication(bytes).map(|peek| (peek.lane, peek.offset))
}

pub fn publication(bytes: &[u8]) -> Result<Peek<'_>, NotProtobuf> {
    let mut peek = Peek::default();
    for field in Fields(bytes) {
        match field? {
            (1, Value::Varint(lane)) => peek.lane = i32::try_from(lane).map_err(|_| NotProtobuf)?,
            (2, Value::Varint(offset)) => peek.offset = offset,
            (number, Value::Bytes(bytes)) if number >= body::REPLY => {
                peek.body = number;
                peek.bytes = bytes;
            }
            _ => {}
        }
    }
    Ok(peek)
}

/// The charity totals inside a `LiveState`, as borrowed bytes of `CharityTotal`.
pub fn charity_totals(state: &[u8]) -> impl Iterator<Item = &[u8]> {
    Fields(state).filter_map(|field| match field {
        Ok((4, Value::Bytes(bytes))) => Some(bytes),
        Ok(_) | Err(NotProtobuf) => None,
    })
}

/// The stocks inside a `LiveState`, as borrowed bytes of `SaleStock`.
pub fn stocks(state: &[u8]) -> impl Iterator<Item = &[u8]> {
    Fields(state).filter_map(|field| match field {
        Ok((3, Value::Bytes(bytes))) => Some(bytes),
        Ok(_) | Err(NotProtobuf) => None,
    })
}

/// One string field of a message, as bytes: `ChatLine.text` is 5, `HostNotice.text` is 2.
pub fn text(message: &[u8], number: u32) -> Option<&[u8]> {
    Fields(message).find_map(|field| match field {
        Ok((found, Value::Bytes(bytes))) if found == number => Some(bytes),
        Ok(_) | Err(NotProtobuf) => None,
    })
}

/// One integer field of a message; 0 when it was left out.
pub fn integer(message: &[u8], number: u32) -> u64 {
    Fields(message)
        .find_map(|field| match field {
            Ok((found, Value::Varint(value))) if found == number => Some(value),
            Ok(_) | Err(NotProtobuf) => None,
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use apricot_proto::v1;
    use prost::Message as _;

    use super::*;

    fn chat(offset: u64, text: &str) -> v1::Publication {
        v1::Publication {
            lane: v1::Lane::Chat as i32,
            offset,
            at_ms: 1_790_000_000_000,
            body: Some(v1::publication::Body::Chat(v1::ChatLine {
                id: "line".into(),
                author_name: "小林".into(),
                text: text.into(),
                ..Default::default()
            })),
        }
    }

    #[test]
    fn a_peek_says_what_prost_says() {
        let state = v1::Publication {
            lane: v1::Lane::State as i32,
            body: Some(v1::publication::Body::State(v1::LiveState {
                viewers: 7,
                stocks: vec![v1::SaleStock { sale_id: "sale".into(), left: 5, ..Default::default() }],
                charity: vec![v1::CharityTotal {
                    sequence: 300,
                    gross_accrued_minor: 12_345,
                    ..Default::default()
                }],
                ..Default::default()
            })),
            ..Default::default()
        };
        let batch = v1::Batch { publications: vec![chat(0, "新鲜吗？"), state, chat(9, "")] };
        let bytes = batch.encode_to_vec();
        let seen: Vec<Peek> = publications(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(seen.len(), 3);
        let heads: Vec<(i32, u64)> = whole(&bytes).map(|bytes| head(bytes.unwrap()).unwrap()).collect();
        assert_eq!(heads, seen.iter().map(|peek| (peek.lane, peek.offset)).collect::<Vec<_>>());
        assert_eq!((seen[0].lane, seen[0].body), (v1::Lane::Chat as i32, body::CHAT));
        assert_eq!(text(seen[0].bytes, 5), Some("新鲜吗？".as_bytes()));
        assert_eq!(seen[1].body, body::STATE);
        let total = charity_totals(seen[1].bytes).next().unwrap();
        assert_eq!((integer(total, 3), integer(total, 5), integer(total, 6)), (300, 12_345, 0));
        let stock = stocks(seen[1].bytes).next().unwrap();
        assert_eq!((text(stock, 1), integer(stock, 2)), (Some("sale".as_bytes()), 5));
        assert_eq!((seen[2].offset, text(seen[2].bytes, 5)), (9, None));
    }

    #[test]
    fn a_cut_batch_is_refused() {
        let bytes = v1::Batch { publications: vec![chat(1, "cut")] }.encode_to_vec();
        for length in 1..bytes.len() {
            let outcome: Result<Vec<Peek>, NotProtobuf> = publications(&bytes[..length]).collect();
            assert_eq!(outcome, Err(NotProtobuf), "cut at {length}");
        }
    }
}
