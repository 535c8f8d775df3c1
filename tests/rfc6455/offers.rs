//! RFC 7692 sections 5 and 7.1: what is offered, and what may be agreed on.

use super::deflate::{Deflater, Inflater};
use super::peer::Peer;
use super::request::{Head, Request};

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
/// What Chromium and Firefox offer.
pub const BROWSERS: &str = "permessage-deflate; client_max_window_bits";

/// The parameters of the server's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreed {
    pub server_no_context_takeover: bool,
    pub client_no_context_takeover: bool,
    pub server_max_window_bits: Option<u8>,
    pub client_max_window_bits: Option<u8>,
}

impl Agreed {
    /// Section 7.1 for a server: one extension, known parameters, each once, with a value where one belongs.
    #[track_caller]
    pub fn read(head: &Head) -> Option<Self> {
        let said = head.value(EXTENSIONS)?;
        assert!(!said.contains(','), "one at most: {said}");
        let mut parts = said.split(';').map(str::trim);
        assert_eq!(parts.next(), Some("permessage-deflate"), "{said}");
        let mut agreed = Self::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (part, None),
            };
            let bits = || match value.map(str::parse::<u8>) {
                Some(Ok(bits @ 8..=15)) if value == Some(bits.to_string().as_str()) => Some(bits),
                _ => panic!("7.1.2: {said}"),
            };
            let new = match name {
                "server_max_window_bits" => {
                    agreed.server_max_window_bits.replace(bits().expect("bits")).is_none()
                }
                "client_max_window_bits" => {
                    agreed.client_max_window_bits.replace(bits().expect("bits")).is_none()
                }
                "server_no_context_takeover" if value.is_none() => {
                    !std::mem::replace(&mut agreed.server_no_context_takeover, true)
                }
                "client_no_context_takeover" if value.is_none() => {
                    !std::mem::replace(&mut agreed.client_no_context_takeover, true)
                }
                _ => panic!("7.1: {said}"),
            };
            assert!(new, "7.1: twice in {said}");
        }
        Some(agreed)
    }

    pub fn deflater(&self) -> Deflater {
        let reach = 1 << self.client_max_window_bits.unwrap_or(15);
        Deflater::new(self.client_no_context_takeover, reach)
    }
}

/// Shakes hands with an offer.
#[track_caller]
pub fn offer(offered: &str) -> (Option<Agreed>, Peer) {
    let (head, peer) = Request::new().and(EXTENSIONS, offered).open();
    let agreed = Agreed::read(&head);
    let inflating = |agreed: &Agreed| Inflater::new(agreed.server_no_context_takeover);
    let peer = match agreed.as_ref().map(inflating) {
        Some(inflater) => peer.inflating(inflater),
        None => peer,
    };
    (agreed, peer)
}

#[track_caller]
pub fn agreed(offered: &str) -> (Agreed, Peer) {
    let (agreed, peer) = offer(offered);
    (agreed.unwrap_or_else(|| panic!("7.1: `{offered}` is not accepted")), peer)
}

#[track_caller]
fn declined(offered: &str) {
    let (agreed, mut peer) = offer(offered);
    assert_eq!(agreed, None, "7.1: `{offered}` may not be accepted");
    peer.join("");
}

#[test]
fn rfc7692_7_1_a_plain_offer_is_accepted() {
    let (said, mut peer) = agreed("permessage-deflate");
    assert_eq!(said.client_max_window_bits, None, "7.1.2.2: the client did not say that it knows this one");
    peer.join("");
}

#[test]
fn rfc7692_7_1_the_offer_of_browsers_is_accepted() {
    agreed(BROWSERS).1.join("");
}

#[test]
fn rfc7692_7_1_1_1_a_server_that_must_forget_says_so() {
    assert!(agreed("permessage-deflate; server_no_context_takeover").0.server_no_context_takeover);
    let (said, _) = agreed("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    assert!(said.server_no_context_takeover);
}

#[test]
fn rfc7692_7_1_1_2_a_client_that_will_forget_is_accepted() {
    agreed("permessage-deflate; client_no_context_takeover").1.join("");
}

/// A server that cannot keep to it declines; one that accepts says how far it will reach.
#[test]
fn rfc7692_7_1_2_1_the_servers_window_is_not_larger_than_asked() {
    for bits in 8..=15 {
        let (said, mut peer) = offer(&format!("permessage-deflate; server_max_window_bits={bits}"));
        if let Some(said) = said {
            assert!(said.server_max_window_bits.is_some_and(|ours| ours <= bits), "{said:?} for {bits}");
        }
        peer.join("");
    }
}

#[test]
fn rfc7692_7_1_2_2_the_clients_window_is_not_larger_than_it_has() {
    for bits in 8..=15 {
        let (said, mut peer) = offer(&format!("permessage-deflate; client_max_window_bits={bits}"));
        let ours = said.and_then(|said| said.client_max_window_bits);
        assert!(ours.is_none_or(|ours| ours <= bits), "{said:?} for {bits}");
        peer.join("");
    }
}

#[test]
fn rfc7692_7_1_a_parameter_that_is_not_known_is_declined() {
    declined("permessage-deflate; level=9");
    declined("permessage-deflate; client_max_window_bits; x");
}

#[test]
fn rfc7692_7_1_a_parameter_with_a_wrong_value_is_declined() {
    for offered in [
        "server_no_context_takeover=1",
        "client_no_context_takeover=true",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=ten",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=010",
        "client_max_window_bits=-9",
    ] {
        declined(&format!("permessage-deflate; {offered}"));
    }
}

#[test]
fn rfc7692_7_1_a_parameter_that_stands_twice_is_declined() {
    declined("permessage-deflate; client_max_window_bits; client_max_window_bits");
    declined("permessage-deflate; server_max_window_bits=10; server_max_window_bits=10");
    declined("permessage-deflate; server_no_context_takeover; server_no_context_takeover");
}

/// 5: the offers are in the order of the client's wishes.
#[test]
fn rfc7692_5_1_the_next_offer_is_taken_when_the_first_cannot_be() {
    agreed("permessage-deflate; mode=best, permessage-deflate");
    agreed("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits");
    let (head, _) = Request::new().and(EXTENSIONS, "x-mux").and(EXTENSIONS, "permessage-deflate").open();
    assert!(Agreed::read(&head).is_some(), "RFC 6455 9.1: two lines are one list");
}

/// RFC 6455 9.1: a value may be quoted, and spaces are free.
#[test]
fn rfc7692_5_1_an_offer_may_be_quoted_and_spaced() {
    agreed("permessage-deflate;client_max_window_bits=\"12\"");
    agreed("  permessage-deflate ;  server_no_context_takeover  ");
}
