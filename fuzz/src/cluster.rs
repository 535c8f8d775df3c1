//! What nodes say to each other: the first byte chooses between a parcel of a room and an announcement.

use apricot::room::nodes::Announcement;
use apricot::room::parcel::{Heard, Outgoing};

pub fn cluster(data: &[u8]) {
    let [kind, said @ ..] = data else { return };
    if kind & 1 == 1 {
        if let Some(heard) = Heard::read(said) {
            assert_eq!(Heard::read(&said_again(&heard)), Some(heard), "said again it is something else");
        }
    } else if let Some(announcement) = Announcement::read(said) {
        assert_eq!(Announcement::read(&announcement.encode()), Some(announcement));
    }
}

fn said_again(heard: &Heard) -> Vec<u8> {
    let outgoing = Outgoing {
        critical: heard.critical.clone().into(),
        lines: heard.lines.clone(),
        lines_passed: heard.lines_passed,
        personal: heard.personal.clone().into(),
        facts: heard.facts.clone(),
        ..Outgoing::default()
    };
    let parcel = outgoing.encode(heard.node, heard.viewers);
    let said = parcel.critical.iter().chain(&parcel.lines).map(|said| &said.bytes);
    said.chain([&parcel.rest]).flatten().copied().collect()
}
