//! What ops read and do: the feed, the history, lights from the record, holds, payments, the audit trail, draining.

#[path = "rest/feed.rs"]
mod feed;
#[allow(dead_code, reason = "shared with the tests of REST")]
#[path = "rest/server.rs"]
mod server;

use apricot::app::RECORD_FILE;
use apricot::clock::Clock;
use apricot::config::Config;
use apricot::model::Role::{Auditor, Guest, Host, Ops, Viewer};
use feed::Feed;
use reqwest::Method;
use serde_json::{Value, json};
use server::{Server, send, start, start_with};

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

async fn selling() -> (Server, String) {
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, _) = server.open_sale(9).await;
    (server, sale)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_a_room_for_ops_and_auditors_that_nobody_hosts() {
    let server = start().await;
    for role in [Ops, Auditor] {
        let room = server.get(role, "someone", "/v1/rooms/ops").await.expect(200);
        assert_eq!((room["title"].as_str(), room["state"].as_str()), (Some("Ops"), Some("ROOM_STATE_LIVE")));
        let mut feed = Feed::join(&server, "ops", role, Value::Null).await;
        let said = feed.reading().await;
        let reading = &said["opsReading"];
        assert_eq!(
            (said["lane"].as_str(), reading["recordUp"].as_bool()),
            (Some("LANE_CRITICAL"), Some(true))
        );
        assert!(said["offset"].as_str().unwrap().parse::<u64>().unwrap() > 0, "{said}");
        assert!(reading["memoryBytes"].as_str().unwrap().parse::<u64>().unwrap() > 1 << 20, "{said}");
        assert!(said.to_string().len() < 3_000, "{} B", said.to_string().len());
    }
    for role in [Viewer, Host] {
        server.get(role, "someone", "/v1/rooms/ops").await.refused(404, "not-found");
        let mut feed = Feed::join(&server, "ops", role, Value::Null).await;
        while feed.next().await.is_some() {}
        assert_eq!(feed.closed, Some(4003));
    }
    for role in [Ops, Auditor, Guest] {
        let rooms = server.get(role, "guest", "/v1/rooms").await;
        assert!(!rooms.text.contains("\"ops\""), "{}", rooms.text);
    }
    let rooms = server.get(Ops, "someone", "/v1/ops/overview").await.expect(200);
    assert_eq!(rooms["rooms"], Value::Null);
    let taken = json!({"id": "ops", "title": "Mine", "hostName": "Li"});
    assert_eq!(
        server.post(Host, "li", "/v1/rooms", taken).await.refused(422, "invalid-field")["field"],
        "id"
    );
    let ended = json!({"state": "ROOM_STATE_ENDED"});
    server.post(Ops, "someone", "/v1/rooms/ops/state", ended.clone()).await.refused(403, "forbidden");
    server.post(Host, "apricot", "/v1/rooms/ops/state", ended).await.refused(404, "not-found");
    server.product("apricot").await;
    let sale = json!({"sku": "apricot", "price": {"minor": "1990", "currency": "CNY"}, "stock": 1, "durationSeconds": 60});
    server.post(Ops, "someone", "/v1/rooms/ops/sales", sale).await.refused(403, "forbidden");
}

/// It is told a week before its clock runs out, and not before that.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_due_becomes_an_alert() {
    let server = start().await;
    server.register(&["School"]).await;
    let alerts = async |server: &Server| {
        let reading = Feed::join(server, "ops", Ops, Value::Null).await.reading().await;
        let alerts = reading["opsReading"]["alerts"].as_array().cloned().unwrap_or_default();
        alerts.into_iter().filter(|alert| alert["kind"] == "disclosure-due").collect::<Vec<_>>()
    };
    assert_eq!(alerts(&server).await, Vec::<Value>::new(), "due in 90 days");
    let mut data = server.data;
    server.running.stop().await.unwrap();
    for (days, wanted) in [(82, None), (84, Some("school, ")), (200, Some("school, "))] {
        let clock = Clock::manual(server::NOW + server::DAY * days);
        let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
        let server = start_with(config, data, clock).await;
        let about: Option<String> = match wanted {
            None => alerts(&server).await.first().map(ToString::to_string),
            // The first reading may be made before the first look.
            Some(_) => loop {
                if let Some(alert) = alerts(&server).await.first() {
                    break alert["about"].as_str().map(str::to_owned);
                }
            },
        };
        match wanted {
            None => assert_eq!(about, None, "{days} days"),
            Some(wanted) => assert!(about.is_some_and(|about| about.starts_with(wanted)), "{days} days"),
        }
        data = server.data;
        server.running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_cut_off_recovers_the_readings_that_it_missed() {
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let server = start_with(config, tempfile::tempdir().unwrap(), Clock::System).await;
    let mut feed = Feed::join(&server, "ops", Ops, Value::Null).await;
    let position = feed.until(|said| said["joined"].get("position").cloned()).await;
    let first = feed.reading().await;
    drop(feed);
    let mut feed = Feed::join(&server, "ops", Ops, position).await;
    let joined = feed.until(|said| said.get("joined").cloned()).await;
    assert_eq!(joined["recovered"], true, "{joined}");
    assert_eq!(feed.reading().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_kept_in_the_record() {
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let server = start_with(config, tempfile::tempdir().unwrap(), Clock::System).await;
    let mut feed = Feed::join(&server, "ops", Ops, Value::Null).await;
    let history = loop {
        feed.reading().await;
        let history = server.get(Auditor, "someone", "/v1/ops/history?points=10").await.expect(200);
        if history["readings"].is_array() {
            break history;
        }
    };
    assert_eq!(history["stepMs"], 360_000);
    let reading = &history["readings"][0];
    assert!(reading["overMs"].as_u64().unwrap() > 5_000 && reading["commits"].is_string(), "{reading}");
    for (query, field) in [
        ("points=0", "points"),
        ("points=2001", "points"),
        ("fromMs=5&toMs=5", "fromMs"),
        ("fromMs=0", "fromMs"),
        ("toMs=99999999999999", "toMs"),
        ("since=1", "query"),
        ("points=many", "query"),
    ] {
        let path = format!("/v1/ops/history?{query}");
        assert_eq!(
            server.get(Ops, "someone", &path).await.refused(422, "invalid-field")["field"],
            field,
            "{query}"
        );
    }
}

/// Somebody edits a row beside the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_record_turns_a_light() {
    let (server, sale) = selling().await;
    server.place("wang", ORDER, &sale, 1).await.expect(201);
    server.pay("wang", ORDER).await;
    let mut feed = Feed::join(&server, "ops", Ops, Value::Null).await;
    let lights = loop {
        feed.reading().await;
        let overview = server.get(Auditor, "someone", "/v1/ops/overview").await.expect(200);
        if overview["lights"].is_array() {
            break overview["lights"].clone();
        }
    };
    let lights = lights.as_array().unwrap();
    assert!(lights.len() > 15 && lights.iter().all(|light| light["violations"].is_null()), "{lights:?}");

    let beside = rusqlite::Connection::open(server.data.path().join(RECORD_FILE)).unwrap();
    beside.execute("UPDATE orders SET charity = charity + 1", []).unwrap();
    // Posted long ago, as it says, and no room was told.
    let posted = "INSERT INTO transfers (at, code, debit, credit, amount, order_id) SELECT 0, code, debit, credit, 7, order_id
        FROM transfers WHERE code = 3";
    beside.execute(posted, []).unwrap();
    for (rule, example) in
        [("order_charity_is_posted", "the order says"), ("counter_is_the_ledger", "told [50, 0, 0, 0] CNY")]
    {
        let alert = feed.until(|said| {
            let alerts = said["opsReading"]["alerts"].as_array()?;
            alerts.iter().find(|alert| alert["kind"] == "rule-broken" && alert["about"] == rule).cloned()
        });
        assert_eq!(alert.await["severity"], "SEVERITY_CRITICAL");
        let overview = server.get(Ops, "someone", "/v1/ops/overview").await.expect(200);
        let lights = overview["lights"].as_array().unwrap();
        let light = lights.iter().find(|light| light["name"] == rule).unwrap();
        assert_eq!(light["violations"].as_u64(), Some(1), "{light}");
        assert!(light["examples"][0].as_str().unwrap().contains(example), "{light}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_payments_and_the_trail_are_listed() {
    let (server, sale) = selling().await;
    server.place("wang", ORDER, &sale, 2).await.expect(201);
    server.place("zhao", OTHER, &sale, 1).await.expect(201);
    server.ask_to_pay("zhao", OTHER).await;
    let holds = server.get(Ops, "someone", "/v1/ops/holds").await.expect(200);
    let holds = holds["holds"].as_array().unwrap();
    assert_eq!(holds.len(), 2);
    let shown = |at: usize| {
        (holds[at]["buyerId"].as_str(), holds[at]["quantity"].as_u64(), holds[at]["paying"].as_bool())
    };
    assert_eq!((shown(0), shown(1)), ((Some("wang"), Some(2), None), (Some("zhao"), Some(1), Some(true))));
    assert_eq!((holds[0]["title"].as_str(), holds[0]["roomId"].as_str()), (Some("Apricots"), Some("hill")));

    server.pay("wang", ORDER).await;
    let first = server.get(Auditor, "someone", "/v1/ops/payments?limit=1").await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second =
        server.get(Auditor, "someone", &format!("/v1/ops/payments?cursor={cursor}")).await.expect(200);
    let orders = [&first, &second].map(|page| page["payments"][0]["orderId"].as_str().unwrap());
    assert!(orders.contains(&ORDER) && orders.contains(&OTHER), "{orders:?}");
    assert_eq!(second["nextCursor"], Value::Null);

    let refund = json!({"amount": {"minor": "100", "currency": "CNY"}, "reason": "bruised"});
    server.post(Ops, "kim", &format!("/v1/orders/{ORDER}/refunds"), refund).await.expect(200);
    let knobs = json!({"delayMs": 7, "reason": "a slow bank"});
    send(server.by(Ops, "kim", Method::PUT, "/sandbox/v1/knobs").json(&knobs)).await.expect(200);
    let ban = json!({"ban": {"subject": "wang"}});
    server.post(Ops, "kim", "/v1/rooms/hill/moderation", ban).await.expect(200);
    let (mut lines, mut path) = (Vec::new(), "/v1/ops/audit?limit=2".to_owned());
    loop {
        let page = server.get(Auditor, "someone", &path).await.expect(200);
        lines.extend(page["lines"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/ops/audit?limit=2&cursor={cursor}");
    }
    let by_kim: Vec<_> = lines.iter().filter(|line| line["actor"] == "kim").collect();
    let actions: Vec<_> = by_kim.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["ban", "turn-knobs", "refund"], "newest first");
    assert_eq!((by_kim[2]["subject"].as_str(), by_kim[2]["reason"].as_str()), (Some(ORDER), Some("bruised")));
    let turned = "a slow bank; delay 7 ms, twice 0 ppm, out of turn 0 ppm, lost 0 ppm, slow 0 ms";
    assert_eq!(
        (by_kim[1]["subject"].as_str(), by_kim[1]["reason"].as_str()),
        (Some("sandbox"), Some(turned))
    );
    assert!(lines.iter().any(|line| line["action"] == "change-state" && line["actor"] == "li"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_told_to_go_with_a_reason() {
    let server = start().await;
    let reason = json!({"reason": "a new disk"});
    server.post(Ops, "kim", "/v1/ops/nodes/nobody/drain", reason.clone()).await.refused(404, "not-found");
    let overview = server.get(Ops, "kim", "/v1/ops/overview").await.expect(200);
    let [node] = overview["nodes"].as_array().unwrap().as_slice() else { panic!("{overview}") };
    assert_eq!(node["here"], true);
    let path = format!("/v1/ops/nodes/{}/drain", node["name"].as_str().unwrap());
    assert_eq!(
        server.post(Ops, "kim", &path, json!({})).await.refused(422, "invalid-field")["field"],
        "reason"
    );
    assert!(!server.running.hub.told_to_leave().is_cancelled());
    server.post(Ops, "kim", &path, reason).await.expect(204);
    server.running.hub.told_to_leave().cancelled().await;
    let trail = server.get(Ops, "kim", "/v1/ops/audit").await.expect(200);
    let line = &trail["lines"][0];
    assert_eq!((line["action"].as_str(), line["reason"].as_str()), (Some("drain-node"), Some("a new disk")));
    server.running.stop().await.unwrap();
}

/// What ops wrote, newest first.
async fn trail(server: &Server) -> Vec<[String; 4]> {
    let trail = server.get(Auditor, "someone", "/v1/ops/audit").await.expect(200);
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let lines = trail["lines"].as_array().unwrap().iter();
    lines.map(|line| ["actor", "action", "subject", "reason"].map(|name| text(line, name))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_stopped_with_a_reason_that_stays() {
    let server = start().await;
    server.live_room().await;
    let path = "/v1/rooms/hill/state";
    let stop = |reason: &str| json!({"state": "ROOM_STATE_PAUSED", "reason": reason});
    let refused = server.post(Ops, "kim", path, stop(&"长".repeat(201))).await.refused(422, "invalid-field");
    assert_eq!(refused["field"], "reason");
    server.post(Ops, "kim", path, stop("smoke in the barn")).await.expect(200);
    assert_eq!(trail(&server).await[0], ["kim", "change-state", "hill Paused", "smoke in the barn"]);
    let went_live = ["li", "change-state", "hill Live", ""];
    assert_eq!(trail(&server).await[1], went_live, "a reason may be left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_and_is_closed_with_a_reason_that_stays() {
    let (server, sale) = selling().await;
    let path = |act: &str| format!("/v1/sales/{sale}/{act}");
    for act in ["pause", "resume", "close"] {
        let long = json!({"reason": "长".repeat(201)});
        let refused = server.post(Ops, "kim", &path(act), long).await.refused(422, "invalid-field");
        assert_eq!(refused["field"], "reason", "{act}");
    }
    let said = |act: &str| json!({"reason": format!("{act}: a wrong price")});
    for act in ["pause", "resume"] {
        server.post(Ops, "kim", &path(act), said(act)).await.expect(200);
    }
    server.tell(Host, "li", &path("pause")).await.refused(400, "malformed");
    server.post(Host, "li", &path("pause"), json!({})).await.expect(200);
    server.tell(Host, "li", &path("resume")).await.expect(200);
    let closed = server.post(Ops, "kim", &path("close"), said("close")).await.expect(200);
    assert_eq!(closed["state"], "SALE_STATE_CLOSED");
    server.post(Ops, "kim", &path("close"), said("again")).await.refused(409, "sale-closed");
    let line = |actor: &str, action: &str, reason: &str| [actor, action, &sale, reason].map(str::to_owned);
    let expected = [
        line("kim", "close-sale", "close: a wrong price"),
        line("li", "resume-sale", ""),
        line("li", "pause-sale", ""),
        line("kim", "resume-sale", "resume: a wrong price"),
        line("kim", "pause-sale", "pause: a wrong price"),
    ];
    assert_eq!(trail(&server).await[..5], expected);
}
