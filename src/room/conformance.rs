//! Laws of a room over its nodes: on one node alone, on two with a Redis between them, and on two with a Redis Cluster. `here` and `there`
//! are two nodes, or the same one twice.

use std::sync::LazyLock;

use apricot_proto::v1::{self, publication::Body};
use apricot_servers::{Redis as Server, RedisCluster, or_skip};

use tokio::sync::Mutex;

use super::company::{Company, Guest, eventually, orchard};
use super::moderation::{Act, Moderation};
use super::scene::{NOW, host, order_view, room, viewer};
use super::{CloseCode, Hub};
use crate::model::room::ChatRules;
use crate::model::{Caller, Room, RoomState, StreamPosition};
use crate::room::{Amendment, RoomRefused};
use crate::sale::News;
use crate::store::journal::Once;
use crate::store::redis::{RedisMode, RedisSettings};

mod cost;
mod faults;
mod record;

static REDIS: LazyLock<Option<Mutex<Server>>> = LazyLock::new(|| or_skip(Server::start()).map(Mutex::new));
static CLUSTER: LazyLock<Option<Mutex<RedisCluster>>> =
    LazyLock::new(|| or_skip(RedisCluster::start(0)).map(Mutex::new));

enum Backend {
    Local,
    Redis,
    RedisCluster,
}

impl Backend {
    /// One law at a time has the servers, and finds them empty.
    async fn keeps(self, law: impl AsyncFnOnce(Company)) {
        match self {
            Self::Local => law(Company::of(&[]).await).await,
            Self::Redis => {
                let Some(server) = &*REDIS else { return };
                let server = server.lock().await;
                server.command(&["FLUSHALL"]).expect("flushed");
                law(Company::of(&[single(&server), single(&server)]).await).await;
            }
            Self::RedisCluster => {
                let Some(cluster) = &*CLUSTER else { return };
                let cluster = cluster.lock().await;
                for node in &cluster.nodes {
                    node.command(&["FLUSHALL"]).expect("flushed");
                }
                law(Company::of(&[clustered(&cluster), clustered(&cluster)]).await).await;
            }
        }
    }
}

/// Each law on each backend.
macro_rules! laws {
    ($($law:ident)*) => {
        mod local { $(#[tokio::test] async fn $law() { super::Backend::Local.keeps(super::$law).await; })* }
        mod redis { $(#[tokio::test] async fn $law() { super::Backend::Redis.keeps(super::$law).await; })* }
        mod redis_cluster {
            $(#[tokio::test] async fn $law() { super::Backend::RedisCluster.keeps(super::$law).await; })*
        }
    };
}

laws! {
    a_line_is_read_on_every_node
    publications_have_one_order_on_every_node
    who_comes_back_on_another_node_gets_exactly_what_it_missed
    who_comes_late_to_a_node_sees_what_was_said_before
    a_position_of_another_life_is_lost
    viewers_and_hearts_add_up
    news_of_an_order_finds_its_buyer
    a_change_is_known_and_told_everywhere
    a_line_of_another_node_is_taken_back
    a_ban_is_everywhere_and_closes_the_sockets
    slow_mode_counts_the_lines_of_all_nodes
    the_end_is_told_before_the_doors_close
    a_room_made_on_one_node_is_found_on_the_other
    a_notice_that_is_tried_again_is_told_once
}

fn single(server: &Server) -> RedisSettings {
    RedisSettings { urls: vec![server.url()], ..RedisSettings::default() }
}

fn clustered(cluster: &RedisCluster) -> RedisSettings {
    RedisSettings { mode: RedisMode::Cluster, urls: cluster.urls(), ..RedisSettings::default() }
}

async fn say(hub: &Hub, who: &Caller, text: &str) {
    let room = live(hub);
    hub.say(&room, who, text, NOW).expect("said");
}

fn live(hub: &Hub) -> std::sync::Arc<super::LiveRoom> {
    hub.find(&orchard()).expect("the room")
}

async fn notice(hub: &Hub, text: &str) {
    hub.notice(&orchard(), text.into(), text, &host(), None, NOW).await.expect("posted");
}

async fn act(hub: &Hub, act: Act) -> Result<(), RoomRefused> {
    let moderation = Moderation { act, reason: "because".into() };
    hub.moderate(&orchard(), moderation, &host(), None, NOW).await.map(|_| ())
}

async fn a_line_is_read_on_every_node(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    say(company.here(), &viewer("lin"), "甜吗？").await;
    wu.until("the question is there", |wu| wu.lines() == ["甜吗？"]).await;
    say(company.there(), &viewer("wu"), "甜！").await;
    lin.until("the answer is here", |lin| lin.lines() == ["甜吗？", "甜！"]).await;
    wu.until("its own line is there", |wu| wu.lines().len() == 2).await;
    assert_eq!(wu.lines(), ["甜吗？", "甜！"], "each once");
}

async fn publications_have_one_order_on_every_node(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    let (before, count) = (lin.position(), 40);
    assert_eq!(before, wu.position());
    let talk = async |hub: &Hub, name: &str| {
        for number in 0..count {
            notice(hub, &format!("{name} {number}")).await;
        }
    };
    tokio::join!(talk(company.here(), "here"), talk(company.there(), "there"));
    for guest in [&mut lin, &mut wu] {
        guest.until("all are told", |guest| guest.notices().len() == 2 * count).await;
    }
    let told = |guest: &Guest| -> Vec<(u64, Option<Body>)> {
        guest.critical().map(|said| (said.offset, said.body.clone())).collect()
    };
    assert_eq!(told(&lin), told(&wu));
    let offsets: Vec<u64> = lin.critical().map(|said| said.offset).collect();
    let expected: Vec<u64> = (before.offset + 1..).take(2 * count).collect();
    assert_eq!(offsets, expected, "without a gap");
}

async fn who_comes_back_on_another_node_gets_exactly_what_it_missed(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    notice(company.here(), "one").await;
    lin.until("it has read one", |lin| lin.notices() == ["one"]).await;
    let position = lin.position();
    drop(lin);
    for text in ["two", "three"] {
        notice(company.here(), text).await;
    }
    // Somebody is there for whom the other node has heard them.
    let mut wu = Guest::back(company.there(), viewer("wu"), Some(position)).await;
    wu.until("three", |wu| wu.notices() == ["two", "three"]).await;
    let mut lin = Guest::back(company.there(), viewer("lin"), Some(position)).await;
    assert!(lin.joined.recovered);
    assert_eq!(lin.joined.position.map(|at| at.offset), Some(position.offset));
    lin.until("what it missed", |lin| lin.notices() == ["two", "three"]).await;
    notice(company.here(), "four").await;
    lin.until("what comes next", |lin| lin.notices() == ["two", "three", "four"]).await;
}

async fn who_comes_late_to_a_node_sees_what_was_said_before(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    notice(company.here(), "one").await;
    for number in 0..3 {
        say(company.here(), &viewer("lin"), &number.to_string()).await;
    }
    lin.until("all is said", |lin| lin.lines().len() == 3 && !lin.notices().is_empty()).await;
    let first = lin.joined.position.map(|at| StreamPosition { epoch: at.epoch, offset: at.offset });
    let shown = async || {
        let wu = Guest::back(company.there(), viewer("wu"), first).await;
        let texts: Vec<String> = wu.joined.lines.iter().map(|line| line.text.clone()).collect();
        (texts == ["0", "1", "2"]).then_some(wu)
    };
    let mut wu = eventually("the lines were kept", shown).await;
    assert!(wu.joined.recovered, "by somebody who was never on this node");
    wu.until("what it missed", |wu| wu.notices() == ["one"]).await;
    assert!(wu.lines().is_empty(), "lines of the snapshot are not said again");
}

async fn a_position_of_another_life_is_lost(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    notice(company.here(), "one").await;
    lin.until("it has read one", |lin| lin.notices() == ["one"]).await;
    let StreamPosition { epoch, offset } = lin.position();
    let recovered = async |epoch, offset| {
        let position = Some(StreamPosition { epoch, offset });
        Guest::back(company.there(), viewer("wu"), position).await.joined.recovered
    };
    assert!(recovered(epoch, offset).await);
    assert!(!recovered(epoch ^ 1, offset).await);
    assert!(!recovered(epoch, offset + 1).await, "it cannot have seen that");
    assert!(!recovered(epoch, u64::MAX).await);
}

async fn viewers_and_hearts_add_up(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    let _an = Guest::of(company.there(), viewer("an")).await;
    live(company.here()).heart(3);
    live(company.there()).heart(4);
    for guest in [&mut lin, &mut wu] {
        let sums = |guest: &Guest| (guest.state().viewers, guest.state().hearts) == (3, 7);
        guest.until("three viewers and seven hearts", sums).await;
    }
    drop(wu);
    lin.until("one has left", |lin| lin.state().viewers == 2).await;
    assert_eq!(company.here().viewers(&orchard()), 2);
    if company.nodes.len() > 1 {
        assert_eq!(company.here().nodes().len(), 2);
        company.nodes[1].leave().await;
        lin.until("a node has left", |lin| lin.state().viewers == 1).await;
        assert_eq!(lin.state().hearts, 7);
    }
}

async fn news_of_an_order_finds_its_buyer(company: Company) {
    let mut lin = Guest::of(company.there(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    let view = order_view(&viewer("lin"));
    company.here().tell(&News::Order(view.into()), NOW);
    let news =
        |guest: &Guest| guest.heard.iter().filter(|said| matches!(said.body, Some(Body::Order(_)))).count();
    lin.until("the news", |lin| news(lin) == 1).await;
    notice(company.here(), "later").await;
    for guest in [&mut lin, &mut wu] {
        guest.until("what was said after it", |guest| guest.notices() == ["later"]).await;
    }
    assert_eq!((news(&lin), news(&wu)), (1, 0), "once, and nobody else");
}

async fn a_change_is_known_and_told_everywhere(company: Company) {
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    let view =
        company.here().change_state(&orchard(), RoomState::Paused, String::new(), &host(), None, NOW).await;
    let version = view.expect("paused").room.version;
    let paused = |wu: &Guest| {
        let rooms = wu.critical().filter_map(|said| match &said.body {
            Some(Body::Room(room)) => Some((room.version, room.state())),
            _ => None,
        });
        rooms.last() == Some((version, v1::RoomState::Paused))
    };
    wu.until("the room is paused", paused).await;
    let record = company.there().view(&orchard(), &host()).expect("there").room;
    assert_eq!((record.state, record.version), (RoomState::Paused, version), "known when it is told");
    // And the other way round, from what is known there.
    company
        .there()
        .change_state(&orchard(), RoomState::Live, String::new(), &host(), None, NOW)
        .await
        .expect("live");
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    notice(company.there(), "on").await;
    lin.until("the next", |lin| lin.notices() == ["on"]).await;
    assert_eq!(company.here().view(&orchard(), &host()).expect("here").room.state, RoomState::Live);
}

async fn a_line_of_another_node_is_taken_back(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    say(company.here(), &viewer("lin"), "bad").await;
    say(company.here(), &viewer("lin"), "good").await;
    wu.until("both are there", |wu| wu.lines() == ["bad", "good"]).await;
    let line = wu.heard.iter().find_map(|said| match &said.body {
        Some(Body::Chat(line)) if line.text == "bad" => Some(line.id.clone()),
        _ => None,
    });
    let line = line.expect("a line");
    act(company.there(), Act::DeleteLine { line: line.clone() }).await.expect("taken back");
    let deleted = |guest: &Guest| {
        let mut ids = guest.critical().filter_map(|said| match &said.body {
            Some(Body::LineDeleted(deleted)) => Some(deleted.line_id.clone()),
            _ => None,
        });
        ids.any(|id| id == line)
    };
    for guest in [&mut lin, &mut wu] {
        guest.until("it is taken back", deleted).await;
    }
    for hub in [company.here(), company.there()] {
        let late = Guest::of(hub, viewer("an")).await;
        let texts: Vec<&str> = late.joined.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["good"]);
    }
}

async fn a_ban_is_everywhere_and_closes_the_sockets(company: Company) {
    let mut lin = Guest::of(company.there(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    act(company.here(), Act::Ban { subject: viewer("lin").subject }).await.expect("banned");
    lin.until("it is told to go", |lin| lin.closed == Some(CloseCode::NotAllowed)).await;
    wu.read();
    assert_eq!(wu.closed, None);
    let refused = company.there().say(&live(company.there()), &viewer("lin"), "hello", NOW);
    assert_eq!(refused, Err(RoomRefused::Banned));
    act(company.there(), Act::Pardon { subject: viewer("lin").subject }).await.expect("pardoned");
    let again = async || company.here().say(&live(company.here()), &viewer("lin"), "hello", NOW).ok();
    eventually("it may talk again", again).await;
}

async fn a_notice_that_is_tried_again_is_told_once(company: Company) {
    let mut lin = Guest::of(company.here(), viewer("lin")).await;
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    let once = |n: u128| Some(Once { key: uuid::Uuid::from_u128(n), content: [1; 32] });
    let post = async |hub: &Hub, text: &str, n| {
        hub.notice(&orchard(), text.into(), text, &host(), once(n), NOW).await.expect("posted");
    };
    post(company.here(), "one", 1).await;
    post(company.there(), "one", 1).await;
    post(company.here(), "one", 1).await;
    let mut all = vec!["one", "later"];
    if company.nodes.len() > 1 {
        // The first node records it and dies.
        let host = host();
        let entry = Amendment::new("notice", "two".into()).entry(&room(RoomState::Live), &host, once(2), NOW);
        company.journal.commit(entry).await.expect("recorded");
        post(company.there(), "two", 2).await;
        all.insert(1, "two");
    }
    for guest in [&mut lin, &mut wu] {
        guest.until("the notices before", |guest| guest.notices() == all[..all.len() - 1]).await;
    }
    notice(company.there(), "later").await;
    for guest in [&mut lin, &mut wu] {
        guest.until("each once", |guest| guest.notices() == all).await;
    }
}

async fn slow_mode_counts_the_lines_of_all_nodes(company: Company) {
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    let rules = ChatRules { slow_mode_seconds: 10, blocked_words: Vec::new() };
    act(company.here(), Act::ChatRules(rules)).await.expect("slowed");
    let slow = |wu: &Guest| wu.critical().any(|said| matches!(said.body, Some(Body::Room(_))));
    wu.until("the room is slow", slow).await;
    say(company.here(), &viewer("lin"), "one").await;
    wu.until("it is heard there", |wu| wu.lines() == ["one"]).await;
    let refused = company.there().say(&live(company.there()), &viewer("lin"), "two", NOW);
    assert!(matches!(refused, Err(RoomRefused::SlowMode { .. })), "{refused:?}");
}

async fn the_end_is_told_before_the_doors_close(company: Company) {
    let mut guests =
        [Guest::of(company.here(), viewer("lin")).await, Guest::of(company.there(), viewer("wu")).await];
    company
        .here()
        .change_state(&orchard(), RoomState::Ended, String::new(), &host(), None, NOW)
        .await
        .expect("ended");
    for guest in &mut guests {
        guest.until("it is told to go", |guest| guest.closed == Some(CloseCode::RoomEnded)).await;
        let ended = |said: &v1::Publication| match &said.body {
            Some(Body::Room(room)) => room.state() == v1::RoomState::Ended,
            _ => false,
        };
        assert!(guest.critical().any(ended), "it has heard why");
    }
}

async fn a_room_made_on_one_node_is_found_on_the_other(company: Company) {
    let barn = Room { id: "barn".parse().expect("an id"), ..room(RoomState::Scheduled) };
    let id = barn.id.clone();
    company.here().create_room(barn, &host(), None, NOW).await.expect("made");
    company.there().ensure(&id).await;
    let room = company.there().view(&id, &host()).expect("found at once").room;
    assert_eq!(room.state, RoomState::Scheduled);
    company.here().change_state(&id, RoomState::Live, String::new(), &host(), None, NOW).await.expect("live");
    let known = async || {
        let state = company.there().view(&id, &host()).ok()?.room.state;
        (state == RoomState::Live).then_some(())
    };
    eventually("the change is known, though nobody there attends the room", known).await;
}
