//! What is said is heard, and what nobody said is not.

use proptest::prelude::*;

use super::*;

fn critical(number: u64) -> Critical {
    let notice = v1::HostNotice { id: number.to_string(), text: "杏".into() };
    Critical {
        node: NodeId(7),
        number,
        at: Timestamp(1_790_000_000_000),
        body: Some(Body::Notice(notice)),
        fact: Fact {
            room_version: 3,
            sale: Some(("0190a000-0000-7000-8000-000000000001".parse().expect("an id"), 2)),
            sanction: Some((
                "lin".parse().expect("a subject"),
                Some(Sanction::Muted { until: Timestamp(5) }),
            )),
            deleted_line: Some("a-1".into()),
        },
        closes: Some(Closes::Viewers),
        once: String::new(),
        tried: false,
    }
}

fn outgoing() -> Outgoing {
    let buyer: Subject = "lin".parse().expect("a subject");
    let line = ChatLine {
        id: "9-1".into(),
        author: buyer.clone(),
        author_name: "Lin".into(),
        author_role: "viewer".into(),
        text: "杏".into(),
        at: Timestamp(2),
    };
    Outgoing {
        critical: [critical(1), critical(2)].into(),
        lines: vec![Line { line, always: true }],
        lines_passed: 4,
        personal: [Personal { buyer: buyer.clone(), at: Timestamp(3), order: v1::Order::default() }].into(),
        facts: vec![Fact { sanction: Some((buyer, None)), ..Fact::default() }],
        hearts: 5,
        anything: false,
    }
}

/// The bytes as the broker puts them together.
fn bytes(parcel: &broker::Parcel) -> Vec<u8> {
    let said = parcel.critical.iter().chain(&parcel.lines).map(|said| &said.bytes);
    said.chain([&parcel.rest]).flatten().copied().collect()
}

#[test]
fn what_is_said_is_heard() {
    let said = outgoing();
    let parcel = said.encode(NodeId(7), 12);
    assert_eq!(parcel.deleted_lines, ["a-1", "a-1"]);
    assert_eq!((parcel.room_version, parcel.again), (3, false));
    let heard = Heard::read(&bytes(&parcel)).expect("ours");
    let Outgoing { critical, lines, lines_passed, personal, facts, .. } = said;
    let expected = Heard {
        node: NodeId(7),
        viewers: 12,
        lines_passed,
        critical: critical.into(),
        lines,
        personal: personal.into(),
        facts,
    };
    assert_eq!(heard, expected);
}

#[test]
fn a_parcel_takes_so_much_and_the_rest_waits() {
    let mut outgoing = outgoing();
    outgoing.critical.extend((3..=100).map(critical));
    let taken = outgoing.take();
    assert_eq!((taken.critical.len(), outgoing.critical.len(), taken.lines.len()), (64, 36, 1));
    assert!(!outgoing.is_empty());
    assert_eq!(outgoing.take().critical.front().map(|critical| critical.number), Some(65));
    assert!(outgoing.is_empty());
}

/// Words as long as they may be, of letters that take three bytes.
#[test]
fn the_largest_parcel_is_a_node_s() {
    let long = |letters| "杏".repeat(letters);
    let lin: Subject = "l".repeat(80).parse().expect("a subject");
    let order = v1::Order {
        id: "0".repeat(36),
        sale_id: "0".repeat(36),
        room_id: "r".repeat(64),
        sku: "s".repeat(64),
        title: long(80),
        buyer_id: lin.to_string(),
        carrier: long(40),
        tracking_number: "t".repeat(64),
        decline_reason: long(100),
        version: u64::MAX,
        ..v1::Order::default()
    };
    let line = outgoing().lines.remove(0);
    let line = Line {
        line: ChatLine { author: lin.clone(), author_name: long(40), text: long(200), ..line.line },
        ..line
    };
    // A room with three cards and a pinned line.
    let room = v1::Room { title: long(1_000), ..v1::Room::default() };
    let mut most = Outgoing {
        critical: (1..=1_000)
            .map(|n| Critical { body: Some(Body::Room(room.clone())), ..critical(n) })
            .collect(),
        lines: vec![line; LINES_WAITING_MAX],
        personal: vec![Personal { buyer: lin, at: Timestamp(3), order }; PERSONAL_WAITING_MAX].into(),
        facts: vec![critical(1).fact; FACTS_WAITING_MAX],
        ..outgoing()
    };
    let size_bytes = most.take().encode(NodeId(7), 1).size_bytes();
    assert!(size_bytes < broker::MESSAGE_BYTES_MAX, "{size_bytes} B");
}

#[test]
fn only_what_is_critical_is_read_as_such() {
    let order = Critical { body: Some(Body::Order(v1::Order::default())), ..critical(1) };
    let said = Outgoing { critical: [order].into(), ..Outgoing::default() };
    let heard = Heard::read(&bytes(&said.encode(NodeId(7), 0))).expect("readable");
    assert_eq!(heard.critical[0].body, None, "its place in the order stays");
}

proptest! {
    #[test]
    fn nothing_that_comes_in_panics(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        at in 0..400usize,
        flip in 1..=255u8,
    ) {
        Heard::read(&noise);
        let mut real = bytes(&outgoing().encode(NodeId(7), 1));
        let at = at % real.len();
        real[at] ^= flip;
        Heard::read(&real);
        Heard::read(&real[..at]);
    }
}
