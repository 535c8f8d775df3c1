//! What a room has sold and how far people came, over REST: figures, and the files for a host's books.

#[allow(dead_code, reason = "shared with the tests of what ops do")]
#[path = "rest/feed.rs"]
mod feed;
#[allow(dead_code, reason = "shared with the tests of REST")]
#[path = "rest/server.rs"]
mod server;

use std::time::Duration;

use apricot::model::Role::{self, Auditor, Commissioner, Guest, Host, Ops, Viewer};
use feed::Feed;
use reqwest::Method;
use serde_json::{Value, json};
use server::{NOW, Server, send, start};

const FIRST: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const SECOND: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
const THIRD: &str = "01890a5d-ac96-774b-bcce-b302099a8059";
const FIGURES: &str = "/v1/rooms/hill/figures";
const MINUTE: Duration = Duration::from_secs(60);

/// A sale of `stock` units, and its pledge.
async fn selling(stock: u32) -> (Server, String, String) {
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, pledge) = server.open_sale(stock).await;
    (server, sale, pledge)
}

async fn figures(server: &Server) -> Value {
    server.get(Host, "li", FIGURES).await.expect(200)
}

/// A number as canonical JSON has it: a string, or left out when it is zero.
#[track_caller]
fn number(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::String(text) => text.parse().unwrap(),
        value => value.as_i64().unwrap(),
    }
}

fn numbers<const N: usize>(of: &Value, names: [&str; N]) -> [i64; N] {
    names.map(|name| number(&of[name]))
}

fn funnel(of: &Value) -> [i64; 6] {
    numbers(&of["funnel"], ["seen", "tapped", "held", "paid", "shipped", "confirmed"])
}

async fn joined(server: &Server, role: Role, subject: &str, position: Value) -> Feed {
    let mut feed = Feed::join_as(server, "hill", role, subject, position).await;
    feed.until(|said| said.get("joined").cloned()).await;
    feed
}

async fn captured(server: &Server, order: &str, fee: &str) {
    let payment = server.payment(order).await.to_string();
    let data = json!({"payment": payment, "currency": "CNY", "feeMinor": fee});
    let event = json!({"type": "payment.captured", "data": data});
    server.webhook(&format!("cap_{order}"), &event.to_string()).await.expect(204);
}

async fn step(server: &Server, role: Role, subject: &'static str, order: &str, state: &str) {
    let body = json!({"state": state, "carrier": "SF", "trackingNumber": "SF1001"});
    server.post(role, subject, &format!("/v1/orders/{order}/shipping"), body).await.expect(200);
}

/// Three orders: one as far as receipt, one refunded in part, one only held.
async fn story() -> (Server, String) {
    let (server, sale, pledge) = selling(9).await;
    server.place("wang", FIRST, &sale, 2).await.expect(201);
    server.pay("wang", FIRST).await;
    captured(&server, FIRST, "24").await;
    step(&server, Host, "li", FIRST, "ORDER_STATE_SHIPPED").await;
    step(&server, Viewer, "wang", FIRST, "ORDER_STATE_CONFIRMED").await;
    server.clock.advance(MINUTE * 2);
    for (buyer, order) in [("mei", SECOND), ("zhao", THIRD)] {
        server.place(buyer, order, &sale, 1).await.expect(201);
    }
    server.pay("mei", SECOND).await;
    let refund = json!({"amount": {"minor": "1000", "currency": "CNY"}, "reason": "bruised"});
    server.post(Host, "li", &format!("/v1/orders/{SECOND}/refunds"), refund).await.expect(200);
    (server, pledge)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_funnel_counts_people_once_and_survives_a_restart() {
    let (server, sale, _) = selling(9).await;
    let position = {
        let mut lin = Feed::join_as(&server, "hill", Viewer, "lin", Value::Null).await;
        lin.until(|said| said["joined"].get("position").cloned()).await
    };
    let _reload = joined(&server, Viewer, "lin", Value::Null).await;
    let _guest = joined(&server, Guest, "guest", Value::Null).await;
    let _cut_off = joined(&server, Guest, "guest", position).await;
    let _host = joined(&server, Host, "li", Value::Null).await;
    server.place("lin", FIRST, &sale, 1).await.expect(201);
    server.place("wu", SECOND, &sale, 3).await.refused(409, "limit-reached");
    server.pay("lin", FIRST).await;
    let read = figures(&server).await;
    assert_eq!(funnel(&read), [2, 2, 1, 1, 0, 0]);
    assert!(number(&read["viewersMost"]) >= 4, "{read}");
    let [minute] = read["minutes"].as_array().unwrap().as_slice() else { panic!("{read}") };
    assert_eq!(number(&minute["atMs"]), NOW.millis() / 60_000 * 60_000);
    assert_eq!(numbers(minute, ["seen", "tapped", "ordersPaid", "gmvMinor"]), [2, 2, 1, 1_990]);

    server.place("wu", SECOND, &sale, 3).await.refused(409, "limit-reached");
    drop((_reload, _guest, _cut_off, _host));
    let server = server.restart().await;
    let read = figures(&server).await;
    assert_eq!(funnel(&read), [2, 3, 1, 1, 0, 0], "what was counted last was recorded at the end");
    let overview = server.get(Ops, "ops", "/v1/ops/overview").await.expect(200);
    assert_eq!(funnel(&overview["rooms"][0]), [2, 3, 1, 1, 0, 0]);
    assert_eq!(funnel(&overview), [2, 3, 1, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_say_what_the_ledger_says() {
    let (server, pledge) = story().await;
    let read = figures(&server).await;
    assert_eq!((read["roomId"].as_str(), read["currency"].as_str()), (Some("hill"), Some("CNY")));
    assert_eq!(funnel(&read)[1..], [3, 3, 2, 1, 1]);
    let names = ["gmvMinor", "refundedMinor", "commissionMinor", "providerFeeMinor", "charityMinor"];
    let [gmv, refunded, commission, fee, charity] = numbers(&read, names);
    assert_eq!([gmv, refunded, commission, fee, charity], [5_970, 1_000, 0, 24, 100 + 25]);
    assert_eq!(numbers(&read, ["ordersPaid", "ordersToPack"]), [2, 1]);
    let balance = server.get(Auditor, "audit", "/v1/ledger/trial-balance").await.expect(200);
    assert_eq!(
        number(&account(&balance, "host_payable/li")["balanceMinor"]),
        gmv - refunded - commission - fee - charity
    );

    let [product] = read["products"].as_array().unwrap().as_slice() else { panic!("{read}") };
    assert_eq!((product["sku"].as_str(), product["title"].as_str()), (Some("apricot"), Some("Apricots")));
    assert_eq!(
        numbers(product, ["ordersPaid", "unitsPaid", "gmvMinor", "refundedMinor", "charityMinor"]),
        [2, 3, 5_970, 1_000, 125]
    );
    let total = server.get(Guest, "guest", &format!("/v1/pledges/{pledge}/total")).await.expect(200);
    assert_eq!(read["charity"], json!([total]));
    let minutes = read["minutes"].as_array().unwrap();
    let paid: Vec<i64> = minutes.iter().map(|minute| number(&minute["ordersPaid"])).collect();
    assert_eq!(paid, [1, 1]);
    assert_eq!(
        number(&minutes[1]["atMs"]) - number(&minutes[0]["atMs"]),
        120_000,
        "without the empty one between"
    );

    server.post(Host, "li", "/v1/rooms/hill/state", json!({"state": "ROOM_STATE_ENDED"})).await.expect(200);
    let ended = figures(&server).await;
    assert_eq!(ended["charity"], read["charity"], "also when it is over");
    assert_eq!(ended["funnel"], read["funnel"]);
    let overview = server.get(Ops, "ops", "/v1/ops/overview").await.expect(200);
    assert_eq!(funnel(&overview), [0; 6], "rooms that have ended are not in the sum");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_those_who_run_the_room_its_county_and_those_who_check() {
    let (server, ..) = selling(1).await;
    for (role, subject) in [(Host, "li"), (Ops, "ops"), (Auditor, "audit")] {
        server.get(role, subject, FIGURES).await.expect(200);
    }
    server.get(Host, "zhao", FIGURES).await.refused(403, "forbidden");
    let by = |county: Option<&str>| {
        let mut caller = server.caller(Commissioner, "chen");
        caller.county = county.map(str::to_owned);
        server.request(Method::GET, FIGURES).bearer_auth(server.token(&caller))
    };
    send(by(Some("Gansu Lixian"))).await.expect(200);
    for county in [Some("Yunnan"), None] {
        send(by(county)).await.refused(403, "forbidden");
    }
    server.post(Host, "li", "/v1/rooms/hill/moderators", json!({"subject": "chen"})).await.expect(200);
    send(by(Some("Yunnan"))).await.refused(403, "forbidden");
    server.get(Ops, "ops", "/v1/rooms/ops/figures").await.refused(403, "forbidden");
    server.get(Ops, "ops", "/v1/rooms/none/figures").await.refused(404, "not-found");
}

fn account(balance: &Value, name: &str) -> Value {
    let mut accounts = balance["accounts"].as_array().unwrap().iter();
    accounts.find(|account| account["name"] == name).cloned().unwrap_or_default()
}

/// The rows of a file, each by the names of its columns.
async fn rows(server: &Server, role: Role, subject: &str, name: &str) -> Vec<Value> {
    let file = server.get(role, subject, &format!("/v1/rooms/hill/{name}.csv")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let saved = format!("attachment; filename=\"{name}-hill.csv\"");
    assert_eq!(file.headers["content-disposition"], saved.as_str());
    let text = file.text.strip_prefix('\u{feff}').unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let row = |line: Vec<&str>| {
        names.iter().zip(line).map(|(name, cell)| ((*name).to_owned(), json!(cell))).collect()
    };
    lines.map(row).collect()
}

fn cells<const N: usize>(row: &Value, names: [&str; N]) -> [String; N] {
    names.map(|name| row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}")).to_owned())
}

/// Fen of "12.50".
fn fen(row: &Value, name: &str) -> i64 {
    cells(row, [name])[0].replace('.', "").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settlement_is_the_ledger_order_by_order() {
    let (server, _) = story().await;
    let lines = rows(&server, Host, "li", "settlement").await;
    let names = [
        "line",
        "order",
        "quantity",
        "price",
        "refunds",
        "commission",
        "commission_rule",
        "provider_fee",
        "charity",
        "net",
    ];
    assert_eq!(
        lines.iter().map(|line| cells(line, names)).collect::<Vec<_>>(),
        [
            ["order", FIRST, "2", "39.80", "0.00", "0.00", "zero", "0.24", "1.00", "38.56"],
            ["order", SECOND, "1", "19.90", "10.00", "0.00", "zero", "0.00", "0.25", "9.65"],
            ["sum", "", "3", "59.70", "10.00", "0.00", "zero", "0.24", "1.25", "48.21"],
        ]
    );
    let balance = server.get(Auditor, "audit", "/v1/ledger/trial-balance").await.expect(200);
    let standing = |name: &str| number(&account(&balance, name)["balanceMinor"]);
    let sum = &lines[2];
    assert_eq!(fen(sum, "net"), standing("host_payable/li"));
    assert_eq!(fen(sum, "commission"), standing("platform_commission"));
    assert_eq!(fen(sum, "provider_fee"), standing("provider_fee/sandbox"));
    assert_eq!(fen(sum, "price"), number(&account(&balance, "buyer_clearing/sandbox")["debitsMinor"]));
    assert_eq!(fen(sum, "refunds"), number(&account(&balance, "refund_payable")["creditsMinor"]));

    let orders = rows(&server, Auditor, "audit", "orders").await;
    let names = ["order", "state", "buyer", "quantity", "unit_price", "total", "refunded", "charity"];
    assert_eq!(
        orders.iter().map(|line| cells(line, names)).collect::<Vec<_>>(),
        [
            [FIRST, "confirmed", "wang", "2", "19.90", "39.80", "0.00", "1.00"],
            [SECOND, "paid", "mei", "1", "19.90", "19.90", "10.00", "0.25"],
            [THIRD, "held", "zhao", "1", "19.90", "19.90", "0.00", "0.00"],
        ]
    );
    let [placed, paid] = cells(&orders[2], ["placed_at_ms", "paid_at_ms"]);
    assert_eq!((placed, paid), ((NOW + MINUTE * 2).millis().to_string(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_charity_statement_follows_each_share() {
    let (server, pledge) = story().await;
    let lines = rows(&server, Ops, "ops", "charity").await;
    let names = [
        "line",
        "order",
        "project",
        "charity",
        "registration",
        "accrued",
        "reversed",
        "confirmed",
        "remitted",
    ];
    assert_eq!(
        lines.iter().map(|line| cells(line, names)).collect::<Vec<_>>(),
        [
            ["order", FIRST, "School", "Hope", "53100000", "1.00", "0.00", "1.00", ""],
            ["order", SECOND, "School", "Hope", "53100000", "0.50", "0.25", "0.00", ""],
            ["room", "", "School", "Hope", "53100000", "1.50", "0.25", "1.00", ""],
            ["pledge", "", "School", "Hope", "53100000", "1.50", "0.25", "1.00", "0.00"],
        ]
    );
    assert!(lines.iter().all(|line| line["pledge"] == pledge));
    let balance = server.get(Auditor, "audit", "/v1/ledger/trial-balance").await.expect(200);
    let standing =
        |kind: &str| number(&account(&balance, &format!("charity_{kind}/{pledge}"))["balanceMinor"]);
    let of_room = &lines[2];
    let (accrued, reversed, confirmed) =
        (fen(of_room, "accrued"), fen(of_room, "reversed"), fen(of_room, "confirmed"));
    assert_eq!(accrued - reversed - confirmed, standing("accrued"));
    assert_eq!(confirmed, standing("payable"));

    // A refund after the receipt takes from what is confirmed; 74.5 fen of what is kept are 74.
    let refund = json!({"amount": {"minor": "1000", "currency": "CNY"}, "reason": "bruised"});
    server.post(Host, "li", &format!("/v1/orders/{FIRST}/refunds"), refund).await.expect(200);
    let lines = rows(&server, Host, "li", "charity").await;
    assert_eq!(cells(&lines[0], ["accrued", "reversed", "confirmed"]), ["1.00", "0.26", "0.74"]);
    assert_eq!(cells(&lines[2], ["reversed", "confirmed"]), cells(&lines[3], ["reversed", "confirmed"]));

    // What the charity has stays there.
    server.remit().await;
    let refund = json!({"amount": {"minor": "1000", "currency": "CNY"}, "reason": "mouldy"});
    server.post(Host, "li", &format!("/v1/orders/{FIRST}/refunds"), refund).await.expect(200);
    let lines = rows(&server, Host, "li", "charity").await;
    assert_eq!(cells(&lines[0], ["accrued", "reversed", "confirmed"]), ["1.00", "0.26", "0.74"]);
    assert_eq!(cells(&lines[3], ["confirmed", "remitted"]), ["0.74", "0.74"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn books_are_for_the_host_ops_and_auditors_and_hold_no_address() {
    let (server, sale, _) = selling(1).await;
    server.place("wang", FIRST, &sale, 1).await.expect(201);
    server.pay("wang", FIRST).await;
    for name in ["orders", "settlement", "charity"] {
        let path = format!("/v1/rooms/hill/{name}.csv");
        server.get(Host, "zhao", &path).await.refused(403, "forbidden");
        server.get(Commissioner, "chen", &path).await.refused(403, "forbidden");
        for (role, subject) in [(Host, "li"), (Ops, "ops"), (Auditor, "audit")] {
            let file = server.get(role, subject, &path).await;
            assert!(file.text.contains(FIRST) && !file.text.contains("县城"), "{}", file.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_wrote_stays_text_in_every_file() {
    let server = start().await;
    server.live_room().await;
    let product = json!({"sku": "apricot", "title": "=1+1", "unit": "box", "onHand": 9, "category": "farm",
        "price": {"minor": "2990", "currency": "CNY"}});
    server.post(Host, "li", "/v1/products", product).await.expect(201);
    let (sale, pledge) = server.open_sale(1).await;
    let hostile = server.by(Ops, "ops", reqwest::Method::PUT, "/v1/projects/school");
    let hostile = hostile.json(&json!({"charity": "53100000", "title": "@SUM(A1)"})).send().await.unwrap();
    assert!(hostile.status().is_success());
    let mut stored = server.get(Guest, "guest", &format!("/v1/pledges/{pledge}")).await.expect(200);
    stored.as_object_mut().unwrap().remove("version");
    server.post(Host, "li", "/v1/pledges", json!({"pledge": stored})).await.expect(201);
    server.place("wang", FIRST, &sale, 1).await.expect(201);
    server.pay("wang", FIRST).await;
    for (name, column) in [("orders", "title"), ("settlement", "title"), ("charity", "project")] {
        let lines = rows(&server, Host, "li", name).await;
        assert!(cells(&lines[0], [column])[0].starts_with('\''), "{name}: {}", lines[0]);
    }
}
