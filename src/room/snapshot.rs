//! What a viewer gets at the door. The part that is equal for all is encoded once and kept until something changes; the personal
//! part is put beside it. In protobuf two halves of a message are one message; in JSON two objects become one by a comma.

use apricot_proto::v1;
use bytes::{Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::lanes::Cursor;
use super::publication::Format;

const JOINED_TAG: u32 = 11;
const PUBLICATIONS_TAG: u32 = 1;

/// The encoded common half of `Joined`, by format and by whether it has what is for those who run or moderate the room. Good while viewers who keep up
/// stand at `at`: every change moves that cursor.
#[derive(Debug, Default)]
pub struct Snapshots {
    at: Option<Cursor>,
    kept: [Option<Bytes>; 4],
}

impl Snapshots {
    /// Something changed that nobody is told of.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    pub fn at(
        &mut self,
        cursor: Cursor,
        format: Format,
        for_staff: bool,
        make: impl FnOnce() -> v1::Joined,
    ) -> Bytes {
        if self.at != Some(cursor) {
            *self = Self { at: Some(cursor), kept: Default::default() };
        }
        let slot = usize::from(for_staff) + 2 * usize::from(format == Format::Json);
        self.kept[slot].get_or_insert_with(|| half(format, &make())).clone()
    }
}

/// The whole publication: `common` from `Snapshots`, `personal` with only the fields that the common half leaves out.
pub fn joined(format: Format, common: &Bytes, personal: &v1::Joined) -> Bytes {
    let personal_half = half(format, personal);
    let shell = v1::Publication {
        lane: v1::Lane::Direct.into(),
        offset: 0,
        at_ms: personal.server_time_ms,
        body: None,
    };
    match format {
        Format::Proto => {
            let head = shell.encode_to_vec();
            let joined_len = common.len() + personal_half.len();
            let mut publication = BytesMut::from(&head[..]);
            encode_key(JOINED_TAG, WireType::LengthDelimited, &mut publication);
            encode_varint(joined_len as u64, &mut publication);
            publication.extend_from_slice(common);
            publication.extend_from_slice(&personal_half);
            let mut batch = BytesMut::with_capacity(publication.len() + 8);
            encode_key(PUBLICATIONS_TAG, WireType::LengthDelimited, &mut batch);
            encode_varint(publication.len() as u64, &mut batch);
            batch.extend_from_slice(&publication);
            batch.freeze()
        }
        Format::Json => {
            let mut line = BytesMut::from(&half(format, &shell)[..]);
            line.truncate(line.len() - 1);
            line.extend_from_slice(b",\"joined\":");
            line.extend_from_slice(&beside(common, &personal_half));
            line.extend_from_slice(b"}\n");
            line.freeze()
        }
    }
}

fn half<M: Message + serde::Serialize>(format: Format, message: &M) -> Bytes {
    match format {
        Format::Proto => message.encode_to_vec().into(),
        Format::Json => serde_json::to_vec(message).expect("enums of ours have names").into(),
    }
}

/// `{a}` and `{b}` as `{a,b}`.
fn beside(one: &[u8], other: &[u8]) -> Vec<u8> {
    let (one, other) = (&one[1..one.len() - 1], &other[1..other.len() - 1]);
    let comma: &[u8] = if one.is_empty() || other.is_empty() { b"" } else { b"," };
    [b"{", one, comma, other, b"}"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_are_one_message_in_both_formats() {
        let common = v1::Joined {
            room: Some(v1::Room { id: "orchard".into(), title: "杏".into(), ..Default::default() }),
            state: Some(v1::LiveState { viewers: 3, ..Default::default() }),
            lines: vec![v1::ChatLine { text: "a, \"b\" {c}".into(), ..Default::default() }],
            ..Default::default()
        };
        let personal = v1::Joined {
            position: Some(v1::StreamPosition { epoch: u64::MAX, offset: 9 }),
            recovered: true,
            subject: "li".into(),
            role: "viewer".into(),
            server_time_ms: 1_790_000_000_000,
            ..Default::default()
        };
        let whole = v1::Joined {
            room: common.room.clone(),
            state: common.state.clone(),
            lines: common.lines.clone(),
            ..personal.clone()
        };
        for (common, whole) in [(common, whole), (v1::Joined::default(), personal.clone())] {
            let mut snapshots = Snapshots::default();
            let cursor = Cursor { critical: 1, state: 1, chat: 1 };
            let mut bytes = |format| {
                let half = snapshots.at(cursor, format, false, || common.clone());
                joined(format, &half, &personal)
            };
            let batch = v1::Batch::decode(bytes(Format::Proto)).expect("a batch");
            let line: v1::Publication = serde_json::from_slice(&bytes(Format::Json)).expect("a line");
            assert_eq!(batch.publications, std::slice::from_ref(&line));
            assert_eq!(line.body, Some(v1::publication::Body::Joined(whole)));
            assert_eq!((line.lane(), line.at_ms), (v1::Lane::Direct, personal.server_time_ms));
        }
    }
}
