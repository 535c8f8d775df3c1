//! Two nodes on one PostgreSQL and one Redis, over HTTP: what they say while a store is away, and while one of them stops.

#[allow(dead_code, reason = "shared with the tests of what ops do")]
#[path = "rest/feed.rs"]
mod feed;
#[allow(dead_code, reason = "shared with the tests of REST")]
#[path = "rest/server.rs"]
mod server;

use std::time::Duration;

use apricot::clock::Clock;
use apricot::config::Config;
use apricot::model::Role::{Ops, Viewer};
use apricot::store::journal::{PostgresSettings, migrate};
use apricot_servers::{Postgres, Redis, or_skip};
use feed::Feed;
use reqwest::Method;
use serde_json::{Value, json};
use server::{Answer, Server, send, start_with};

/// Longer than anything here takes; a test that waits for it has failed.
const TOO_LONG: Duration = Duration::from_secs(30);

const FIRST: &str = "01890a5d-ac96-774b-bcce-000000000001";
const SECOND: &str = "01890a5d-ac96-774b-bcce-000000000002";
const THIRD: &str = "01890a5d-ac96-774b-bcce-000000000003";

struct Nodes {
    postgres: Postgres,
    redis: Redis,
    nodes: [Server; 2],
    _keys: tempfile::TempDir,
}

impl Nodes {
    async fn start() -> Option<Self> {
        let postgres = or_skip(Postgres::start())?;
        let redis = or_skip(Redis::start())?;
        let keys = tempfile::tempdir().unwrap();
        let url = postgres.fresh_database().unwrap();
        let settings = PostgresSettings { url: url.clone(), password: None, connections: 2, ca: None };
        migrate(&settings).await.unwrap();
        let config = json!({"listen": "127.0.0.1:0", "node": {"keys": keys.path().join("keys")}, "postgres": {"url": url},
            "redis": {"urls": [redis.url()]}, "provider": {"delay_ms": 600_000}});
        let node = async || {
            let config: Config = serde_json::from_value(config.clone()).unwrap();
            start_with(config, tempfile::tempdir().unwrap(), Clock::System).await
        };
        let nodes = [node().await, node().await];
        nodes[0].live_room().await;
        nodes[0].product("apricot").await;
        Some(Self { postgres, redis, nodes, _keys: keys })
    }
}

/// Asks until the answer is this one.
async fn until(status: u16, problem: Option<&str>, ask: impl AsyncFn() -> Answer) -> Answer {
    let asking = async {
        loop {
            let answer = ask().await;
            if answer.status.as_u16() == status && answer.body["type"].as_str() == problem {
                return answer;
            }
        }
    };
    let answered = tokio::time::timeout(TOO_LONG, asking).await;
    answered.unwrap_or_else(|_| panic!("never {status} {problem:?}"))
}

async fn readiness(node: &Server) -> Answer {
    send(node.request(Method::GET, "/readyz")).await
}

async fn meters(node: &Server) -> String {
    send(node.request(Method::GET, "/metrics")).await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_is_away_is_told_and_everything_goes_on_when_it_is_back() {
    let Some(Nodes { mut postgres, mut redis, nodes: [one, two], .. }) = Nodes::start().await else { return };
    let (sale, _) = one.open_sale(9).await;
    one.place("wang", FIRST, &sale, 1).await.expect(201);
    until(200, None, || readiness(&two)).await;
    let path = format!("/v1/sales/{sale}");
    while two.get(Viewer, "zhao", &path).await.expect(200)["left"] != 8 {}

    redis.kill();
    let told = until(503, Some("not-now"), || readiness(&two)).await;
    assert!(told.body["detail"].as_str().unwrap().contains("Rooms go on"), "{}", told.text);
    let refused = until(503, Some("not-now"), || two.place("zhao", SECOND, &sale, 1)).await;
    assert!(refused.body["retryAfterMs"].as_u64().unwrap() > 0, "{}", refused.text);
    assert!(meters(&two).await.contains("apricot_store_up{store=\"gate\"} 0"));
    let shown = two.get(Viewer, "zhao", &path).await.expect(200);
    assert_eq!(shown["left"], 8, "as it was: {shown}");
    redis.restart().unwrap();
    until(201, None, || two.place("zhao", SECOND, &sale, 1)).await;
    until(200, None, || readiness(&two)).await;

    postgres.kill();
    until(503, Some("record-unavailable"), || readiness(&one)).await;
    assert!(meters(&one).await.contains("apricot_store_up{store=\"record\"} 0"));
    let refused = one.place("qian", THIRD, &sale, 1).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    send(one.request(Method::GET, "/v1/rooms")).await.expect(200);
    postgres.restart().unwrap();
    until(200, None, || readiness(&one)).await;
    let placed = until(201, None, || one.place("qian", THIRD, &sale, 1)).await;
    assert_eq!(placed.body["state"], "ORDER_STATE_HELD", "{}", placed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_that_stops_sends_sockets_to_another() {
    let Some(Nodes { nodes: [one, two], .. }) = Nodes::start().await else { return };
    let address = one.running.address;
    // It never answers a close, so that the node has to wait for it.
    let idle = tokio::net::TcpStream::connect(address).await.unwrap();
    let upgrade = async |address| {
        let request = reqwest::Client::new().get(format!("http://{address}/v1/rooms/hill/live"));
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13");
        request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await
    };
    let sitting = upgrade(address).await.unwrap();
    assert_eq!(sitting.status(), 101);
    let stopping = tokio::spawn(one.running.stop());
    let refused = loop {
        let answer = upgrade(address).await.expect("it is told before nobody answers");
        if answer.status() != 101 {
            break answer;
        }
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.text().await.unwrap().contains("\"busy\""));
    assert_eq!(upgrade(two.running.address).await.unwrap().status(), 101);
    drop((idle, sitting));
    stopping.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_see_all_nodes_from_one_and_drain_another() {
    // The stores stay until the end.
    let Some(Nodes { nodes: [one, two], postgres: _postgres, redis: _redis, _keys }) = Nodes::start().await
    else {
        return;
    };
    let overview = async || one.get(Ops, "kim", "/v1/ops/overview").await.expect(200);
    let nodes = loop {
        let overview = overview().await;
        let nodes = overview["nodes"].as_array().unwrap().clone();
        if nodes.len() == 2 {
            break nodes;
        }
    };
    let name = |here: bool| {
        let node = nodes.iter().find(|node| node["here"].as_bool().unwrap_or(false) == here);
        node.unwrap()["name"].as_str().unwrap().to_owned()
    };
    let mut feed = Feed::join(&one, "ops", Ops, Value::Null).await;
    for node in [name(true), name(false)] {
        feed.until(|said| (said["opsReading"]["node"].as_str()? == node).then_some(())).await;
    }
    let path = format!("/v1/ops/nodes/{}/drain", name(false));
    one.post(Ops, "kim", &path, json!({"reason": "a new kernel"})).await.expect(204);
    two.running.hub.told_to_leave().cancelled().await;
    assert!(!one.running.hub.told_to_leave().is_cancelled());
    two.running.stop().await.unwrap();
    while overview().await["nodes"].as_array().unwrap().len() != 1 {}
    let trail = one.get(Ops, "kim", "/v1/ops/audit").await.expect(200);
    assert_eq!(trail["lines"][0]["subject"].as_str().unwrap(), name(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_people_came_adds_up_over_nodes() {
    let Some(Nodes { nodes: [one, two], postgres: _postgres, redis: _redis, _keys }) = Nodes::start().await
    else {
        return;
    };
    let (sale, _) = one.open_sale(1).await;
    let mut sockets = Vec::new();
    for (node, person) in [(&one, "wang"), (&one, "qian"), (&two, "zhao")] {
        let mut socket = Feed::join_as(node, "hill", Viewer, person, Value::Null).await;
        socket.until(|said| said.get("joined").cloned()).await;
        sockets.push(socket);
    }
    until(201, None, || two.place("zhao", FIRST, &sale, 1)).await;
    until(409, Some("sold-out"), || one.place("wang", SECOND, &sale, 1)).await;
    // All three are on both nodes' screens by now or soon.
    for socket in &mut sockets {
        socket.until(|said| (said["state"]["viewers"] == 3).then_some(())).await;
    }
    let figures = async |node: &Server| node.get(Ops, "kim", "/v1/rooms/hill/figures").await.expect(200);
    // Each is asked: it records what it has counted itself.
    figures(&two).await;
    let (seen, held) = (figures(&one).await["funnel"].clone(), figures(&two).await["funnel"].clone());
    assert_eq!((seen["seen"].as_str(), held["held"].as_str()), (Some("3"), Some("1")));
    let [one, two] = [figures(&one).await, figures(&two).await];
    assert_eq!(one["funnel"], two["funnel"], "whoever is asked");
    assert_eq!((one["viewersMost"].as_u64(), two["viewersMost"].as_u64()), (Some(3), Some(3)));
    let tapped: u64 = one["funnel"]["tapped"].as_str().unwrap().parse().unwrap();
    assert!(tapped >= 2, "{one}");
}

/// Whichever node has the duty, and whichever has the viewers.
#[tokio::test(flavor = "multi_thread")]
async fn hearts_on_any_node_release_what_a_sponsor_promised() {
    let Some(Nodes { nodes: [one, two], postgres: _postgres, redis: _redis, _keys }) = Nodes::start().await
    else {
        return;
    };
    let (_, pledge) = one.open_sale(1).await;
    let closes_at = Clock::System.now().millis() + 3_600_000;
    let pool = json!({"sponsor": "An orchard", "currency": "CNY",
        "terms": {"buyerMinuteLimit": 1, "hearts": {"roomId": "hill", "hearts": 10, "amountMinor": "25", "pledgeId": pledge}},
        "slots": [{"closesAtMs": closes_at.to_string(), "budgetMinor": "100000"}]});
    let made = one.post(Ops, "kim", "/v1/pools", pool).await.expect(201);
    let path = format!("/v1/pools/{}", made["id"].as_str().unwrap());
    let spent = async || {
        let pool = one.get(Viewer, "wang", &path).await.expect(200);
        pool["slots"][0]["spentMinor"].as_str().map_or(0, |minor| minor.parse::<i64>().unwrap())
    };
    // There are viewers on one node at a time.
    for node in [&one, &two] {
        let before = spent().await;
        let mut socket = Feed::join_as(node, "hill", Viewer, "wang", Value::Null).await;
        socket.until(|said| said.get("joined").cloned()).await;
        let released = async {
            let mut id = 2;
            while spent().await == before {
                socket.send(json!({"id": id, "heart": {"count": 10}})).await;
                id += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(TOO_LONG, released).await.expect("hearts release");
        assert_eq!(spent().await % 25, 0);
    }
}
