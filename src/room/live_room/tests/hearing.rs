//! What is made of other nodes' words, late ones too.

use super::*;
use crate::model::StreamPosition;
use crate::room::parcel::{Critical, Heard, Line, NodeId};
use crate::room::scene::sale_view;
use crate::room::sequence::Kept;
use crate::store::broker::Standing;

const EPOCH: u64 = 5;

/// A room that follows the order of all nodes; another one speaks.
struct Scene {
    room: LiveRoom,
    said: u64,
}

impl Scene {
    /// The record at this version.
    fn at(record: Room) -> Self {
        let outbox = Arc::new(Outbox::new(NodeId(1)));
        let room = LiveRoom::new(record, Vec::new(), 9, Limits::default().readable_lines(), Some(outbox));
        room.fill(kept(0), Vec::new());
        Self { room, said: 0 }
    }

    fn hear(&mut self, body: Body, fact: Fact, closes: Option<Closes>) {
        self.said += 1;
        let (node, number, once) = (NodeId(2), self.said, String::new());
        let critical = Critical { node, number, at: NOW, body: Some(body), fact, closes, once, tried: false };
        let heard = Heard { critical: vec![critical], ..nothing() };
        self.room.hear(standing(self.said), heard, NOW).expect("the next");
    }

    fn hear_room(&mut self, record: &Room) {
        let fact = Fact { room_version: record.version, ..Fact::default() };
        self.hear(Body::Room(contract::room(record, &[], false)), fact, Closes::of(record.state));
    }
}

fn kept(last: u64) -> Kept {
    let before = StreamPosition { epoch: EPOCH, offset: 0 };
    Kept { standing: standing(last), before, critical: Vec::new() }
}

fn standing(last: u64) -> Standing {
    Standing { epoch: EPOCH, since: 0, last, hearts: 0 }
}

fn nothing() -> Heard {
    Heard {
        node: NodeId(2),
        viewers: 0,
        lines_passed: 0,
        critical: Vec::new(),
        lines: Vec::new(),
        personal: Vec::new(),
        facts: Vec::new(),
    }
}

fn at_version(version: u64, state: RoomState) -> Room {
    Room { version, ..room(state) }
}

fn rooms(bodies: &[Body]) -> Vec<(u64, v1::RoomState)> {
    let room = |body: &Body| match body {
        Body::Room(room) => Some((room.version, room.state())),
        _ => None,
    };
    bodies.iter().filter_map(room).collect()
}

#[test]
fn a_change_that_is_told_late_neither_turns_the_room_back_nor_sends_anybody_away() {
    let (rehearsal, now_live) = (at_version(5, RoomState::Rehearsal), at_version(6, RoomState::Live));
    let mut scene = Scene::at(now_live.clone());
    let mut lin = enter(&scene.room, &viewer("lin")).expect("inside");
    scene.hear_room(&now_live);
    let before = scene.room.floor().lanes.position();
    scene.hear_room(&rehearsal);
    assert_eq!(rooms(&lin.read(&scene.room)), [(6, v1::RoomState::Live); 2]);
    assert_eq!(lin.outlet.closing(), None);
    let (_, recovery) = scene.room.floor().lanes.recover(Some(before));
    assert_eq!(recovery, crate::room::lanes::Recovery::Recovered, "its place in the order is kept");

    // The record could not be read: what was told last stays.
    let mut scene = Scene::at(at_version(4, RoomState::Scheduled));
    let mut host = enter(&scene.room, &host()).expect("inside");
    scene.hear_room(&now_live);
    scene.hear_room(&rehearsal);
    assert_eq!(rooms(&host.read(&scene.room)), [(6, v1::RoomState::Live)]);
}

#[test]
fn what_this_node_recorded_does_not_take_the_place_of_what_another_recorded_later() {
    let scene = Scene::at(at_version(4, RoomState::Scheduled));
    let record = at_version(5, RoomState::Rehearsal);
    scene.room.know(at_version(6, RoomState::Live), Vec::new());
    let late = Amendment { record: Some(record), ..Amendment::new("change-state", String::new()) };
    scene.room.apply(late, NOW);
    assert_eq!(scene.room.record().state, RoomState::Live);
}

#[test]
fn the_stock_is_said_again_behind_news_of_a_sale() {
    let mut scene = Scene::at(room(RoomState::Live));
    let mut lin = enter(&scene.room, &viewer("lin")).expect("inside");
    let mut states = |scene: &Scene| {
        scene.room.tick(true, Reading::default, NOW);
        lin.read(&scene.room).iter().filter(|body| matches!(body, Body::State(_))).count()
    };
    assert_eq!((states(&scene), states(&scene)), (1, 0), "once while nothing changes");
    let sale = "0190a000-0000-7000-8000-000000000002".parse().expect("an id");
    let fact = Fact { sale: Some((sale, 3)), ..Fact::default() };
    scene.hear(Body::Sale(v1::FlashSale::default()), fact, None);
    assert_eq!((states(&scene), states(&scene)), (1, 0));
}

#[test]
fn news_of_a_sale_that_is_found_in_the_record_is_told_once_it_was_not_heard_for_a_while() {
    let mut scene = Scene::at(room(RoomState::Live));
    scene.room.remind_sale(&sale_view(2), NOW);
    let mut lin = enter(&scene.room, &viewer("lin")).expect("inside");
    let later = NOW + Duration::from_secs(1);
    let mut told = |scene: &Scene| {
        let bodies = lin.read(&scene.room);
        let version = |body: &Body| if let Body::Sale(sale) = body { Some(sale.version) } else { None };
        bodies.iter().filter_map(version).collect::<Vec<u64>>()
    };
    scene.room.remind(later);
    assert_eq!(told(&scene), [0; 0], "lin has seen it with the snapshot");
    scene.room.remind_sale(&sale_view(3), NOW);
    scene.room.remind(NOW);
    assert_eq!(told(&scene), [0; 0], "the word may be on its way");
    scene.room.remind(later);
    scene.room.remind(later);
    assert_eq!(told(&scene), [3]);
    let hear = |scene: &mut Scene, version| {
        let view = sale_view(version);
        let fact = Fact { sale: Some((view.sale.id, version)), ..Fact::default() };
        scene.hear(Body::Sale(contract::sale(&view)), fact, None);
    };
    hear(&mut scene, 2);
    assert_eq!(told(&scene), [0; 0], "no sale goes back");
    scene.room.remind_sale(&sale_view(4), later);
    hear(&mut scene, 4);
    scene.room.remind(later + Duration::from_secs(1));
    assert_eq!(told(&scene), [4], "once");
}

#[test]
fn a_ban_that_is_found_in_the_record_closes_the_sockets() {
    let scene = Scene::at(room(RoomState::Live));
    let [lin, wu] = ["lin", "wu"].map(|name| enter(&scene.room, &viewer(name)).expect("inside"));
    let banned = vec![(viewer("lin").subject, Sanction::Banned)];
    scene.room.lay_all(banned.clone(), scene.room.sanction_changes() + 1);
    assert_eq!(lin.outlet.closing(), None, "something changed meanwhile");
    scene.room.lay_all(banned, scene.room.sanction_changes());
    assert_eq!((lin.outlet.closing(), wu.outlet.closing()), (Some(CloseCode::NotAllowed), None));
}

#[test]
fn a_line_that_the_backlog_had_is_kept_once() {
    let scene = Scene::at(room(RoomState::Live));
    let author = viewer("wu").subject;
    let (author_name, author_role) = ("Wu".to_owned(), "viewer".to_owned());
    let line = ChatLine { id: "9-1".into(), author, author_name, author_role, text: "杏".into(), at: NOW };
    scene.room.fill(kept(0), vec![line.clone()]);
    let heard = Heard { lines: vec![Line { line, always: false }], ..nothing() };
    scene.room.hear(standing(0), heard, NOW).expect("heard");
    let shown = || enter(&scene.room, &viewer("lin")).expect("inside").snapshot().lines.len();
    assert_eq!(shown(), 1);
    scene.room.heed(&Fact { deleted_line: Some("9-1".into()), ..Fact::default() });
    assert_eq!(shown(), 0);
}

#[test]
fn what_was_not_taken_is_said_before_what_came_since() {
    let scene = Scene::at(room(RoomState::Live));
    let now = crate::clock::instant();
    let told = |versions: &[u64]| {
        for version in versions {
            scene.room.tell_order(&OrderView { revision: *version, ..order_view(&viewer("lin")) }, NOW);
            let until = Timestamp(i64::try_from(*version).expect("small"));
            let muted = (viewer("wu").subject, Some(Sanction::Muted { until }));
            let fact = Fact { sanction: Some(muted), ..Fact::default() };
            scene.room.floor().shared.as_mut().expect("shared").put_fact(fact);
        }
    };
    told(&[1, 2]);
    let taken = scene.room.take_parcel(7, now).expect("something");
    told(&[3]);
    scene.room.was_not_taken(taken);
    let parcel = scene.room.take_parcel(7, now).expect("something").parcel;
    let heard = Heard::read(&parcel.rest).expect("ours");
    let orders: Vec<u64> = heard.personal.iter().map(|personal| personal.order.version).collect();
    let until = |fact: &Fact| match &fact.sanction {
        Some((_, Some(Sanction::Muted { until }))) => until.millis(),
        _ => 0,
    };
    assert_eq!(orders, [1, 2, 3]);
    assert_eq!(heard.facts.iter().map(until).collect::<Vec<_>>(), [1, 2, 3]);
}
