//! Payloads of a socket, and what a session makes of them. Errands are decided and not run: nothing is written.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use apricot::ledger::{CommissionRules, Ledger};
use apricot::model::room::ChatRules;
use apricot::model::{Caller, Role, Room, RoomState, Share, Timestamp};
use apricot::room::session::{Answer, Arrival, Join, Next};
use apricot::room::{Format, Hub, Limits, Session};
use apricot::sale::{SaleRules, Sales};
use apricot::store::{Broker, Inventory, Journal};
use apricot::wire::codec::{self, MESSAGE_BYTES_MAX};
use apricot_proto::v1::{self, ClientMessage, client_message::Command, publication::Body, reply::Outcome};
use prost::Message;
use tokio::sync::mpsc;

use super::well_said;

pub const NOW: Timestamp = Timestamp(1_790_000_000_000);
const BOTH: [Format; 2] = [Format::Proto, Format::Json];

pub fn socket_proto(data: &[u8]) {
    socket(Format::Proto, data);
}

pub fn socket_json(data: &[u8]) {
    socket(Format::Json, data);
}

fn socket(format: Format, data: &[u8]) {
    if data.len() > MESSAGE_BYTES_MAX {
        return;
    }
    match codec::decode(format, data) {
        Err(unreadable) => {
            let said = said(format, &codec::unreadable(format, unreadable, NOW));
            let Some(Outcome::Problem(problem)) = &reply(&said, 0).outcome else { panic!("{said:?}") };
            assert_eq!(problem.r#type, "malformed");
            well_said(problem);
        }
        Ok(message) => {
            survives(&message);
            STAGE.with_borrow_mut(|stage| stage.hear(&message));
        }
    }
}

fn survives(message: &ClientMessage) {
    let proto = message.encode_to_vec();
    assert_eq!(codec::decode(Format::Proto, &proto).expect("written by us"), *message);
    match serde_json::to_vec(message) {
        Ok(json) => assert_eq!(codec::decode(Format::Json, &json).expect("written by us"), *message),
        // Protobuf keeps numbers of an enum that have no name, and JSON cannot write them.
        Err(error) => {
            let Some(Command::PayOrder(pay)) = &message.command else { panic!("{message:?}: {error}") };
            assert!(v1::PaymentMethod::try_from(pay.method).is_err(), "{message:?}: {error}");
        }
    }
}

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::new());
}

/// A live room with a session for each kind of caller, and one that has not joined.
struct Stage {
    hub: Hub,
    outside: Arrival,
    inside: Vec<Session>,
    now: Timestamp,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(Self::open())
    }

    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(&folder.path().join("record.db"), 1, NOW).expect("a record");
        let other = Share::ppm(50_000).expect("in bounds");
        let ledger = Ledger::new(journal.clone(), CommissionRules { by_category: HashMap::new(), other });
        let rules = SaleRules {
            waiting_list_max: 10,
            offer_for: Duration::from_secs(60),
            auto_confirm_after: Duration::from_secs(86_400),
        };
        let (news, outbox) = (mpsc::channel(64).0, mpsc::channel(64).0);
        let sales = Sales::new(ledger, Inventory::default(), rules, news, outbox);
        let limits = Limits { rates: false, ..Limits::default() };
        let hub = Hub::open(journal, sales, Broker::Local, limits, || 7).await.expect("a hub");
        let li = caller("li", Role::Host);
        hub.create_room(orchard(), &li, None, NOW).await.expect("a room");
        hub.change_state(&orchard().id, RoomState::Live, String::new(), &li, None, NOW).await.expect("live");
        let open = |format| Arrival::new(hub.clone(), hub.connect().expect("space"), orchard().id, format);
        let outside = open(Format::Json);
        let mut inside = Vec::new();
        let callers = Role::ALL.into_iter().skip(1).map(|role| caller(role.name(), role));
        for (number, who) in callers.chain([Caller::guest(), li]).enumerate() {
            let entered = open(BOTH[number % 2]).join(who, None, NOW).await;
            inside.push(entered.expect("inside").0);
        }
        Self { hub, outside, inside, now: NOW, _folder: folder }
    }

    fn hear(&mut self, message: &ClientMessage) {
        self.now = self.now + Duration::from_secs(1);
        let now = self.now;
        match (self.outside.on_message(message.clone()), &message.command) {
            (Ok(Join { id, token, .. }), Some(Command::Join(join))) => {
                assert_eq!((id, token.as_str()), (message.id, join.token.as_str()));
            }
            (Ok(join), _) => panic!("made of something else: {join:?}"),
            (Err(Some(answer)), command) => {
                assert!(!matches!(command, Some(Command::Join(_))));
                let format = self.outside.format();
                assert!(
                    !granted(format, message, answer, now),
                    "the first message must be join: {message:?}"
                );
            }
            (Err(None), _) => assert_eq!(message.id, 0),
        }
        for session in &mut self.inside {
            assert!(session.admit_message(now).is_ok_and(|admitted| admitted.is_ok()), "rates are lifted");
            match session.on_message(message.clone(), now) {
                Next::Nothing => assert_eq!(message.id, 0),
                Next::Answer(answer) => {
                    granted(session.outlet().format(), message, answer, now);
                }
                Next::Run(errand) => assert!(format!("{errand:?}").contains("task")),
            }
        }
        self.hub.tick(now);
        for session in &mut self.inside {
            let format = session.outlet().format();
            let flush = session.flush(session.room().head()).expect("reads after every message");
            if let Some(flush) = flush {
                said(format, &flush.bytes);
                session.has_read(flush.cursor);
            }
        }
    }
}

/// Whether it was granted. A refusal says why.
fn granted(format: Format, message: &ClientMessage, answer: Answer, now: Timestamp) -> bool {
    let said = said(format, &codec::answer(format, answer, now));
    match &reply(&said, message.id).outcome {
        Some(Outcome::Problem(problem)) => {
            well_said(problem);
            false
        }
        Some(Outcome::Done(_) | Outcome::Pong(_) | Outcome::Order(_)) => true,
        None => panic!("an answer without an outcome: {said:?}"),
    }
}

fn said(format: Format, bytes: &[u8]) -> Vec<v1::Publication> {
    match format {
        Format::Proto => v1::Batch::decode(bytes).expect("a batch").publications,
        Format::Json => {
            let text = std::str::from_utf8(bytes).expect("text");
            text.lines().map(|line| serde_json::from_str(line).expect("a publication")).collect()
        }
    }
}

fn reply(said: &[v1::Publication], id: u32) -> &v1::Reply {
    match said {
        [v1::Publication { body: Some(Body::Reply(reply)), .. }] if reply.id == id => reply,
        other => panic!("one reply to {id}, not {other:?}"),
    }
}

fn caller(name: &str, role: Role) -> Caller {
    let subject = name.parse().expect("a subject");
    Caller { subject, name: name.to_owned(), role, room: None, county: None }
}

fn orchard() -> Room {
    Room {
        place: "Gansu".into(),
        chat_rules: ChatRules { slow_mode_seconds: 0, blocked_words: vec!["WeChat".into()] },
        moderators: vec!["moderator".parse().expect("a subject")],
        ..Room::new("orchard".parse().expect("an id"), "Apricots", "li".parse().expect("a subject"), "Li")
    }
}
