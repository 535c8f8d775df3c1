//! What a room promises when Redis, or the way to it, fails: on two nodes, the second by a way that can be cut.

use std::time::Duration;

use apricot_proto::v1;
use apricot_servers::{Line, Proxy, Redis as Server, or_skip};

use super::{live, notice, say, single};
use crate::model::{FlashSale, Product, RoomState, SaleState, StreamPosition};
use crate::room::Hub;
use crate::room::close::CloseCode;
use crate::room::company::{Company, Guest, eventually, orchard};
use crate::room::scene::{host, order_view, sale_view, viewer};
use crate::sale::{News, SaleView, Wish};
use crate::store::redis::RedisSettings;

const HEAD: &str = "apricot:{room:orchard}:head";
const CRITICAL: &str = "apricot:{room:orchard}:critical";

struct Scene {
    company: Company,
    server: Server,
    way: Proxy,
    /// On the first node.
    lin: Guest,
    /// On the second.
    wu: Guest,
}

impl Scene {
    async fn of(server: Server) -> Self {
        let (way, by_proxy) = proxied(&server);
        let company = Company::of(&[single(&server), by_proxy]).await;
        let lin = Guest::of(company.here(), viewer("lin")).await;
        let wu = Guest::of(&company.nodes[1].hub, viewer("wu")).await;
        let mut scene = Self { company, server, way, lin, wu };
        scene.both_hear("first", &["first"]).await;
        scene
    }

    fn there(&self) -> &Hub {
        &self.company.nodes[1].hub
    }

    /// Said on the first node. Afterwards both have heard these, each once, in any order.
    async fn both_hear(&mut self, text: &str, all: &[&str]) {
        notice(self.company.here(), text).await;
        self.both_have(all).await;
    }

    async fn both_have(&mut self, all: &[&str]) {
        for guest in [&mut self.lin, &mut self.wu] {
            guest.until(&format!("all of {all:?} are heard"), |guest| same(&guest.notices(), all)).await;
        }
    }

    /// Until each node hears the other. A heart counts where a call reached Redis; one whose answer was lost may count twice.
    async fn is_connected(&mut self) {
        let hearts = self.lin.state().hearts.max(self.wu.state().hearts);
        for hub in [self.company.here(), self.there()] {
            live(hub).heart(1_000);
        }
        for guest in [&mut self.lin, &mut self.wu] {
            guest.until("hearts of both", |guest| guest.state().hearts >= hearts + 2_000).await;
        }
    }

    /// After everything else, whose texts these are.
    async fn is_one_again(&mut self, all: &[&str]) {
        self.is_connected().await;
        let mut all = all.to_vec();
        all.extend(["here again", "there again"]);
        notice(self.company.here(), "here again").await;
        notice(self.there(), "there again").await;
        self.both_have(&all).await;
        let position = self.position_of_a_newcomer().await;
        let last = self.wu.critical().map(|said| said.offset).max();
        assert_eq!(Some(position.offset), last, "what is told last has its place in the order");
        assert!(self.recovers_everywhere(position).await);
    }

    async fn position_of_a_newcomer(&self) -> StreamPosition {
        Guest::of(self.company.here(), viewer("an")).await.position()
    }

    async fn recovers_everywhere(&self, position: StreamPosition) -> bool {
        let on = async |hub| Guest::back(hub, viewer("an"), Some(position)).await.joined.recovered;
        on(self.company.here()).await && on(self.there()).await
    }

    async fn recovers_nowhere(&self, position: StreamPosition) -> bool {
        let on = async |hub| Guest::back(hub, viewer("an"), Some(position)).await.joined.recovered;
        !on(self.company.here()).await && !on(self.there()).await
    }
}

/// A way that can be cut.
fn proxied(server: &Server) -> (Proxy, RedisSettings) {
    let way = Proxy::to(([127, 0, 0, 1], server.port()).into()).expect("a way");
    let url = format!("redis://{}", way.address());
    (way, RedisSettings { urls: vec![url], ..RedisSettings::default() })
}

fn same(heard: &[&str], expected: &[&str]) -> bool {
    let (mut heard, mut expected) = (heard.to_vec(), expected.to_vec());
    heard.sort_unstable();
    expected.sort_unstable();
    heard == expected
}

/// The highest offset only ever grows for a viewer who stays; outside of the order it is 0.
fn offsets_grow(guest: &Guest) -> bool {
    let offsets: Vec<u64> = guest.critical().map(|said| said.offset).filter(|offset| *offset > 0).collect();
    offsets.windows(2).all(|two| two[0] < two[1])
}

#[tokio::test]
async fn without_redis_each_node_tells_its_own_and_afterwards_all_hear_all() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.lin.position();
    scene.server.kill();
    notice(scene.company.here(), "alone here").await;
    notice(scene.company.there(), "alone there").await;
    say(scene.company.here(), &viewer("lin"), "still talking").await;
    scene.lin.until("its own node tells it", |lin| lin.notices() == ["first", "alone here"]).await;
    scene.lin.until("and chats", |lin| lin.lines() == ["still talking"]).await;
    scene.wu.until("its own node tells it", |wu| wu.notices() == ["first", "alone there"]).await;
    assert_eq!(scene.lin.critical().last().map(|said| said.offset), Some(0), "outside of the order");
    let newcomer = Guest::of(scene.company.here(), viewer("an")).await;
    assert_eq!(newcomer.joined.lines.len(), 1, "who comes now gets in");
    scene.server.restart().expect("a server");
    scene.both_have(&["first", "alone here", "alone there"]).await;
    scene.is_one_again(&["first", "alone here", "alone there"]).await;
    assert!(scene.recovers_nowhere(before).await, "what it would get is not what it missed");
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
}

#[tokio::test]
async fn a_redis_that_remembers_costs_nobody_a_position() {
    let Some(server) = or_skip(Server::start_with(&["--appendonly", "yes"])) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.lin.position();
    scene.server.restart().expect("a server");
    scene.is_one_again(&["first"]).await;
    assert!(scene.recovers_everywhere(before).await);
}

#[tokio::test]
async fn after_flushall_nothing_is_told_twice_and_no_old_position_recovers() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.lin.position();
    scene.server.command(&["FLUSHALL"]).expect("flushed");
    scene.both_hear("second", &["first", "second"]).await;
    scene.is_one_again(&["first", "second"]).await;
    assert!(scene.recovers_nowhere(before).await);
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
    assert_eq!(scene.lin.closed.or(scene.wu.closed), None, "nobody missed anything");
}

#[tokio::test]
async fn after_flushall_a_node_that_knew_nothing_may_speak_first() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    scene.both_hear("second", &["first", "second"]).await;
    let before = scene.lin.position();
    let settings = single(&scene.server);
    scene.company.join(settings).await;
    scene.server.command(&["FLUSHALL"]).expect("flushed");
    notice(scene.company.there(), "third").await;
    scene.both_have(&["first", "second", "third"]).await;
    scene.is_one_again(&["first", "second", "third"]).await;
    assert!(scene.recovers_nowhere(before).await);
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
}

#[tokio::test]
async fn a_node_that_was_cut_off_reads_what_it_missed_once() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.wu.position();
    scene.way.set(Line::Cut);
    for text in ["two", "three"] {
        notice(scene.company.here(), text).await;
    }
    say(scene.company.here(), &viewer("lin"), "is anybody there?").await;
    scene.lin.until("told on the first node", |lin| lin.notices().len() == 3).await;
    assert_eq!(scene.wu.notices(), ["first"]);
    scene.way.set(Line::Open);
    scene.wu.until("what it missed", |wu| wu.notices() == ["first", "two", "three"]).await;
    scene.is_one_again(&["first", "two", "three"]).await;
    assert!(scene.recovers_everywhere(before).await, "the order went on all the time");
    let late = Guest::of(scene.company.there(), viewer("an")).await;
    assert_eq!(late.joined.lines.len(), 1, "lines that were missed are shown to who comes");
}

#[tokio::test]
async fn a_node_that_was_cut_off_and_spoke_costs_the_old_positions() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.wu.position();
    scene.way.set(Line::Cut);
    notice(scene.company.there(), "alone").await;
    scene.wu.until("its own node tells it", |wu| wu.notices() == ["first", "alone"]).await;
    notice(scene.company.here(), "meanwhile").await;
    scene.lin.until("told on the first node", |lin| lin.notices().len() == 2).await;
    let between = scene.lin.position();
    assert!(between.offset > before.offset);
    scene.way.set(Line::Open);
    scene.both_have(&["first", "alone", "meanwhile"]).await;
    scene.is_one_again(&["first", "alone", "meanwhile"]).await;
    assert!(scene.recovers_nowhere(before).await && scene.recovers_nowhere(between).await);
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
}

#[tokio::test]
async fn a_redis_that_hangs_carries_calls_out_late_and_nothing_is_told_twice() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    scene.server.signal("STOP");
    notice(scene.company.here(), "slow").await;
    scene.lin.until("its own node tells it", |lin| lin.notices() == ["first", "slow"]).await;
    scene.server.signal("CONT");
    scene.both_have(&["first", "slow"]).await;
    scene.is_one_again(&["first", "slow"]).await;
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
}

#[tokio::test]
async fn a_replica_that_lagged_and_took_over_gives_no_offset_a_second_meaning() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.position_of_a_newcomer().await;
    scene.both_hear("second", &["first", "second"]).await;
    scene.both_hear("third", &["first", "second", "third"]).await;
    let after = scene.lin.position();
    // As a replica has it that did not get the last two.
    let words = |words: &[&str]| scene.server.command(words).expect("carried out");
    words(&["HSET", HEAD, "n", &before.offset.to_string()]);
    words(&["XDEL", CRITICAL, &format!("{}-1", after.offset - 1), &format!("{}-1", after.offset)]);
    words(&["XSETID", CRITICAL, &format!("{}-1", before.offset)]);
    // Whoever knows of them says something: the order goes on behind them.
    let heard = ["first", "second", "third", "fourth"];
    scene.both_hear("fourth", &heard).await;
    scene.is_one_again(&heard).await;
    assert!(scene.recovers_nowhere(after).await && scene.recovers_nowhere(before).await);
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
    assert_eq!(scene.lin.closed.or(scene.wu.closed), None);
}

#[tokio::test]
async fn a_node_that_knew_less_may_be_the_first_to_speak_after_a_lagging_replica_took_over() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.position_of_a_newcomer().await;
    scene.both_hear("second", &["first", "second"]).await;
    let after = scene.lin.position();
    let words = |words: &[&str]| scene.server.command(words).expect("carried out");
    words(&["HSET", HEAD, "n", &before.offset.to_string()]);
    words(&["XDEL", CRITICAL, &format!("{}-1", after.offset)]);
    words(&["XSETID", CRITICAL, &format!("{}-1", before.offset)]);
    let settings = single(&scene.server);
    scene.company.join(settings).await;
    notice(scene.company.there(), "third").await;
    scene.both_have(&["first", "second", "third"]).await;
    scene.is_one_again(&["first", "second", "third"]).await;
    assert!(scene.recovers_nowhere(after).await);
    assert!(offsets_grow(&scene.lin) && offsets_grow(&scene.wu));
}

#[tokio::test]
async fn a_lagging_replica_that_took_over_may_be_spoken_to_while_who_knew_more_hears_nothing() {
    let Some(server) = or_skip(Server::start()) else { return };
    let (way, by_proxy) = proxied(&server);
    let mut company = Company::of(&[by_proxy]).await;
    let mut wu = Guest::of(company.here(), viewer("wu")).await;
    for text in ["one", "two", "three"] {
        notice(company.here(), text).await;
    }
    wu.until("all are told", |wu| wu.notices() == ["one", "two", "three"]).await;
    let before = wu.position();
    way.set(Line::Cut);
    let words = |words: &[&str]| server.command(words).expect("carried out");
    words(&["HSET", HEAD, "n", &(before.offset - 2).to_string()]);
    words(&["XDEL", CRITICAL, &format!("{}-1", before.offset - 1), &format!("{}-1", before.offset)]);
    words(&["XSETID", CRITICAL, &format!("{}-1", before.offset - 2)]);
    company.join(single(&server)).await;
    for text in ["four", "five"] {
        notice(company.there(), text).await;
    }
    let same_offset =
        async || words(&["HGET", HEAD, "n"]).ends_with(&before.offset.to_string()).then_some(());
    eventually("they have the places of two and three", same_offset).await;
    way.set(Line::Open);
    wu.until("what was said", |wu| wu.notices() == ["one", "two", "three", "four", "five"]).await;
    let back = Guest::back(company.there(), viewer("an"), Some(before)).await;
    assert!(!back.joined.recovered, "it has not seen the other two of these offsets");
    notice(company.there(), "six").await;
    wu.until("what comes next", |wu| wu.notices().last() == Some(&"six")).await;
    assert!(offsets_grow(&wu));
    assert_eq!((wu.notices().len(), wu.closed), (6, None));
}

#[tokio::test]
async fn what_is_no_longer_kept_closes_who_missed_it() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let before = scene.wu.position();
    scene.way.set(Line::Cut);
    for number in 0..40 {
        notice(scene.company.here(), &number.to_string()).await;
    }
    scene.lin.until("all are told", |lin| lin.notices().len() == 41).await;
    scene.server.command(&["XTRIM", CRITICAL, "MAXLEN", "20"]).expect("trimmed");
    scene.way.set(Line::Open);
    scene.wu.until("it is told to come again", |wu| wu.closed == Some(CloseCode::TooSlow)).await;
    let back = Guest::back(scene.company.there(), viewer("wu"), Some(before)).await;
    assert!(!back.joined.recovered, "it gets a snapshot instead");
    assert_eq!(back.position(), scene.lin.position());
}

#[tokio::test]
async fn who_comes_while_redis_is_gone_comes_in_and_the_room_is_one_afterwards() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let third = single(&scene.server);
    scene.company.join(third).await;
    scene.server.kill();
    let hub = scene.company.nodes[2].hub.clone();
    let mut an = Guest::of(&hub, viewer("an")).await;
    notice(&hub, "alone").await;
    an.until("its own node tells it", |an| an.notices() == ["alone"]).await;
    scene.server.restart().expect("a server");
    scene.both_have(&["first", "alone"]).await;
    scene.is_one_again(&["first", "alone"]).await;
    an.until("what came after", |an| an.notices() == ["alone", "here again", "there again"]).await;
    assert_eq!(an.closed, None);
}

#[tokio::test]
async fn who_comes_in_before_the_room_is_heard_gets_what_is_said_from_then_on() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let (way, by_proxy) = proxied(&scene.server);
    scene.company.join(by_proxy).await;
    way.set(Line::Cut);
    let hub = scene.company.nodes[2].hub.clone();
    scene.company.clock.advance(Duration::from_secs(10));
    let later = scene.company.clock.now();
    let mut an = Guest::at(&hub, viewer("an"), None, later).await;
    let hub = scene.company.here().clone();
    for text in ["one", "two"] {
        hub.notice(&orchard(), text.into(), text, &host(), None, later).await.expect("posted");
    }
    scene.both_have(&["first", "one", "two"]).await;
    way.set(Line::Open);
    an.until("what was said meanwhile", |an| an.notices() == ["one", "two"]).await;
    assert_eq!(an.closed, None);
}

#[tokio::test]
async fn a_lost_word_about_a_room_is_found_in_the_record() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    scene.way.set(Line::Cut);
    let (here, there) = (scene.company.here().clone(), scene.company.there().clone());
    let now = scene.company.clock.now();
    here.change_state(&orchard(), RoomState::Paused, String::new(), &host(), None, now)
        .await
        .expect("paused");
    let told = |wu: &Guest| {
        wu.critical().any(|said| match &said.body {
            Some(v1::publication::Body::Room(room)) => room.state() == v1::RoomState::Paused,
            _ => false,
        })
    };
    there.reconcile(now).await;
    assert_eq!(there.view(&orchard(), &host()).expect("there").room.state, RoomState::Paused);
    scene.wu.read();
    assert!(!told(&scene.wu), "the word may still be on its way");
    there.reconcile(now + Duration::from_secs(1)).await;
    scene.wu.until("the room is paused", told).await;
    scene.way.set(Line::Open);
    scene.is_one_again(&["first"]).await;
}

#[tokio::test]
async fn lost_news_of_an_order_is_found_in_the_record() {
    let Some(server) = or_skip(Server::start()) else { return };
    let mut scene = Scene::of(server).await;
    let (here, there) = (scene.company.here().clone(), scene.company.there().clone());
    let now = scene.company.clock.now();
    let SaleView { sale, product, .. } = sale_view(1);
    here.sales().create_product(Product { on_hand: 10, ..product }, None).await.expect("a product");
    let sale = FlashSale { state: SaleState::Scheduled, ..sale };
    here.sales().create_sale(sale.clone(), None, now).await.expect("a sale");
    here.sales().open_sale(sale.id, now).await.expect("open");
    let (wu, order) = (viewer("wu").subject, order_view(&viewer("wu")).order.id);
    let wish = Wish { order, sale: sale.id, quantity: 1, wait: false };
    let held = here.sales().place(&wu, wish, now).await.expect("held").view;
    here.tell(&News::Order(held.into()), now);
    let told = |wu: &Guest| -> Vec<v1::OrderState> {
        let orders = wu.heard.iter().filter_map(|said| match &said.body {
            Some(v1::publication::Body::Order(order)) => Some(order.state()),
            _ => None,
        });
        orders.collect()
    };
    scene.wu.until("its order is held", |wu| told(wu) == [v1::OrderState::Held]).await;
    scene.way.set(Line::Cut);
    here.sales().cancel(&wu, order, now).await.expect("given back");
    there.reconcile(now + Duration::from_secs(10)).await;
    let both = [v1::OrderState::Held, v1::OrderState::Released];
    scene.wu.until("its order is given back", |wu| told(wu) == both).await;
    there.reconcile(now + Duration::from_secs(20)).await;
    scene.way.set(Line::Open);
    scene.is_connected().await;
    assert_eq!(told(&scene.wu), both, "once");
}

#[tokio::test]
async fn a_room_that_nobody_is_in_is_left_and_attended_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let scene = Scene::of(server).await;
    let Scene { company, server, way: _way, mut lin, wu } = scene;
    drop(wu);
    let attended = || server.command(&["PUBSUB", "SHARDNUMSUB", "apricot:{room:orchard}:live"]);
    assert_eq!(attended().expect("an answer"), "*2");
    let there = company.there().clone();
    let leaves = async || {
        company.clock.advance(Duration::from_secs(10));
        there.tick(company.clock.now());
        there.0.exchange.as_ref()?.attendances.is_empty().then_some(())
    };
    eventually("the second node leaves", leaves).await;
    notice(company.here(), "unheard").await;
    lin.until("told here", |lin| lin.notices() == ["first", "unheard"]).await;
    let mut wu = Guest::back(company.there(), viewer("wu"), Some(lin.joined_at())).await;
    assert!(wu.joined.recovered);
    wu.until("what was said meanwhile", |wu| wu.notices() == ["first", "unheard"]).await;
}
