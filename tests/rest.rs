//! The REST API over a real socket and a real record: happy paths, refusals, retries, pages, roles.

#[path = "rest/desk.rs"]
mod desk;
#[allow(dead_code, reason = "shared with the tests of ops")]
#[path = "rest/feed.rs"]
mod feed;
#[path = "rest/giving.rs"]
mod giving;
#[path = "rest/leaves.rs"]
mod leaves;
#[path = "rest/provider.rs"]
mod provider;
#[path = "rest/registry.rs"]
mod registry;
#[path = "rest/regulator.rs"]
mod regulator;
#[path = "rest/server.rs"]
mod server;

use apricot::model::Role::{self, Auditor, Guest, Host, Ops, Viewer};
use apricot::wire::rest::routes;
use reqwest::Method;
use serde_json::{Value, json};
use server::{Answer, Server, send, start};

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

async fn selling() -> Server {
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    server
}

/// Every route answers every role as its row says: outside the row a refusal by role, inside anything but that.
#[tokio::test(flavor = "multi_thread")]
async fn the_table_decides_who_may_call() {
    let server = start().await;
    for route in routes() {
        let path = route.path.replace("{room}", "hill").replace("{sku}", "a").replace("{order}", ORDER);
        let path = path.replace("{sale}", ORDER).replace("{pledge}", ORDER);
        for role in Role::ALL {
            let request = match role {
                Guest => server.request(route.method.clone(), &path),
                role => server.by(role, "someone", route.method.clone(), &path),
            };
            let Answer { body, text, .. } = send(request).await;
            let by_role = match role {
                Guest => body["type"] == "token-required",
                _ => {
                    body["detail"].as_str().is_some_and(|detail| detail.starts_with("This is for the roles"))
                }
            };
            assert_eq!(
                by_role,
                !route.who.contains(&role),
                "{} {path} {}: {text}",
                route.method,
                role.name()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_ours_is_refused() {
    let server = start().await;
    let rooms = || server.request(Method::GET, "/v1/rooms");
    send(rooms().bearer_auth("nonsense")).await.refused(401, "token-invalid");
    let answer = send(rooms().header("authorization", "Basic eA==")).await;
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    answer.refused(401, "token-invalid");
    let token = server.token(&server.caller(Viewer, "wang"));
    send(rooms().bearer_auth(&token)).await.expect(200);
    server.clock.advance(std::time::Duration::from_secs(86_400));
    send(rooms().bearer_auth(&token)).await.refused(401, "token-invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_checked_before_it_is_used() {
    let server = start().await;
    let post = || server.by(Host, "li", Method::POST, "/v1/rooms");
    send(post().body("{}")).await.refused(400, "malformed");
    send(post().header("content-type", "application/json").body("{")).await.refused(400, "malformed");
    let problem = send(post().json(&json!({"titel": "x"}))).await.refused(400, "malformed");
    assert_eq!(problem["field"], "titel");
    assert!(problem["bound"].as_str().unwrap().contains(", title"), "{problem}");
    let problem =
        send(post().json(&json!({"id": "hill", "hostName": "Li"}))).await.refused(422, "invalid-field");
    assert_eq!(
        (problem["field"].as_str(), problem["bound"].as_str().unwrap().starts_with("1..=80")),
        (Some("title"), true)
    );
    let large = json!({"title": "x".repeat(70_000)});
    let problem = send(post().json(&large)).await.refused(413, "too-large");
    assert_eq!(problem["bound"], "0..=65536 bytes");
    let problem =
        send(post().header("idempotency-key", "short").json(&json!({}))).await.refused(422, "invalid-field");
    assert_eq!(problem["field"], "Idempotency-Key");
    server
        .post(Host, "li", &format!("/v1/sales/{ORDER}/open"), json!({"a": 1}))
        .await
        .refused(400, "malformed");
}

/// "100 Continue" says that the server has read the head and waits for the body.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_happens_when_its_body_is_here() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = start().await;
    let room = json!({"id": "hill", "title": "Apricots", "hostName": "Li", "place": "Gansu"});
    server.post(Host, "li", "/v1/rooms", room).await.expect(201);
    let (token, body) = (server.token(&server.caller(Host, "li")), r#"{"state":"ROOM_STATE_LIVE"}"#);
    let head = format!(
        "POST /v1/rooms/hill/state HTTP/1.1\r\nhost: hill\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\n\
         connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(server.running.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(go_on.as_slice(), b"HTTP/1.1 100 Continue\r\n\r\n");
    server.clock.advance(std::time::Duration::from_secs(10));
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let later = (server::NOW + std::time::Duration::from_secs(10)).millis();
    assert!(answer.contains(&format!("\"liveAtMs\":\"{later}\"")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_made_and_run_by_its_host() {
    let server = selling().await;
    let room = server.get(Guest, "guest", "/v1/rooms/hill").await.expect(200);
    assert_eq!((room["state"].as_str(), room["hostId"].as_str()), (Some("ROOM_STATE_LIVE"), Some("li")));
    let live = json!({"state": "ROOM_STATE_LIVE"});
    server.post(Host, "li", "/v1/rooms/hill/state", live.clone()).await.refused(409, "wrong-state");
    server.post(Host, "zhao", "/v1/rooms/hill/state", live.clone()).await.refused(403, "forbidden");
    server.post(Host, "li", "/v1/rooms/none/state", live).await.refused(404, "not-found");
    let cards =
        server.by(Host, "li", Method::PUT, "/v1/rooms/hill/cards").json(&json!({"skus": ["apricot"]}));
    assert_eq!(send(cards).await.expect(200)["cards"][0]["sku"], "apricot");
    let notice = server.post(Host, "li", "/v1/rooms/hill/notices", json!({"text": "Soon"})).await.expect(200);
    assert_eq!(notice["text"], "Soon");
    server
        .post(Viewer, "mei", "/v1/rooms/hill/moderation", json!({"ban": {"subject": "wang"}}))
        .await
        .refused(403, "forbidden");
    server.post(Host, "li", "/v1/rooms/hill/moderators", json!({"subject": "mei"})).await.expect(200);
    let rules = json!({"chatRules": {"slowModeSeconds": 5, "blockedWords": ["wechat"]}});
    let room = server.post(Viewer, "mei", "/v1/rooms/hill/moderation", rules).await.expect(200);
    assert_eq!(room["chatRules"]["blockedWords"][0], "wechat");
    let room = server.get(Viewer, "wang", "/v1/rooms/hill").await.expect(200);
    assert_eq!(room["chatRules"].get("blockedWords"), None, "viewers do not learn the words");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_is_hidden() {
    let server = start().await;
    let room = json!({"id": "hill", "title": "Apricots", "hostName": "Li", "place": "Gansu"});
    server.post(Host, "li", "/v1/rooms", room).await.expect(201);
    let rehearse = json!({"state": "ROOM_STATE_REHEARSAL"});
    server.post(Host, "li", "/v1/rooms/hill/state", rehearse).await.expect(200);
    server.get(Guest, "guest", "/v1/rooms/hill").await.refused(404, "not-found");
    server.get(Viewer, "wang", "/v1/rooms/hill/sales").await.refused(404, "not-found");
    assert_eq!(server.get(Viewer, "wang", "/v1/rooms").await.expect(200), json!({}));
    assert_eq!(server.get(Host, "li", "/v1/rooms").await.expect(200)["rooms"][0]["id"], "hill");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_has_one_effect() {
    let server = start().await;
    let create = |key: &str, title: &str| {
        let body = json!({"title": title, "hostName": "Li", "place": "Gansu"});
        let request = server.by(Host, "li", Method::POST, "/v1/rooms").header("idempotency-key", key);
        send(request.json(&body))
    };
    let first = create("key-number-1", "Apricots").await.expect(201);
    assert_eq!(create("key-number-1", "Apricots").await.expect(201)["id"], first["id"]);
    create("key-number-1", "Peaches").await.refused(422, "content-differs");
    assert_ne!(create("key-number-2", "Apricots").await.expect(201)["id"], first["id"]);
    server.product("apricot").await;
    let stock = |subject: &'static str| {
        let request = server.by(Host, subject, Method::POST, "/v1/products/apricot/stock");
        send(request.header("idempotency-key", "key-number-3").json(&json!({"change": 5})))
    };
    assert_eq!(stock("li").await.expect(200)["onHand"], 105);
    assert_eq!(stock("li").await.expect(200)["onHand"], 105);
    stock("zhao").await.refused(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let server = start().await;
    for number in 1..=5 {
        server.product(&format!("sku-{number}")).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(Host, "li", &format!("/v1/products?limit=2&cursor={cursor}")).await.expect(200);
        seen.extend(page["products"].as_array().unwrap().iter().map(|product| product["sku"].clone()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["sku-1", "sku-2", "sku-3", "sku-4", "sku-5"]);
    for wrong in ["limit=0", "limit=101", "cursor=%21", "page=2", "limit=1&limit=2"] {
        server.get(Host, "li", &format!("/v1/products?{wrong}")).await.refused(422, "invalid-field");
    }
    assert_eq!(server.get(Host, "zhao", "/v1/products").await.expect(200), json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_does_not_fall_below_zero() {
    let server = selling().await;
    let take = json!({"change": -101});
    let short = server.post(Host, "li", "/v1/products/apricot/stock", take).await.refused(409, "stock-short");
    assert_eq!((short["field"].as_str(), short["bound"].as_str()), (Some("change"), Some("-100 or more")));
    let sale = json!({"sku": "apricot", "price": {"minor": "1990", "currency": "CNY"}, "stock": 101,
        "limitPerBuyer": 2, "durationSeconds": 600});
    let short = server.post(Host, "li", "/v1/rooms/hill/sales", sale).await.refused(409, "stock-short");
    assert_eq!((short["field"].as_str(), short["bound"].as_str()), (Some("stock"), Some("100 or fewer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_from_wish_to_receipt() {
    let server = selling().await;
    let (sale, pledge) = server.open_sale(3).await;
    let placed = server.place("wang", ORDER, &sale, 2).await.expect(201);
    assert_eq!(
        (placed["state"].as_str(), placed["total"]["minor"].as_str()),
        (Some("ORDER_STATE_HELD"), Some("3980"))
    );
    server.place("wang", ORDER, &sale, 2).await.expect(200);
    server.place("wang", ORDER, &sale, 1).await.refused(422, "content-differs");
    let limit = server.place("wang", OTHER, &sale, 1).await.refused(409, "limit-reached");
    assert_eq!((limit["field"].as_str(), limit["bound"].as_str()), (Some("quantity"), Some("2")));
    server.place("mei", OTHER, &sale, 2).await.refused(409, "sold-out");
    server.pay("wang", ORDER).await;
    let path = format!("/v1/orders/{ORDER}");
    let order = server.get(Viewer, "wang", &path).await.expect(200);
    assert_eq!(
        (order["state"].as_str(), order["charity"]["minor"].as_str()),
        (Some("ORDER_STATE_PAID"), Some("100"))
    );
    let csv = server.get(Host, "li", "/v1/rooms/hill/orders-to-pack.csv").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.text.contains(ORDER) && csv.text.contains("县城东街 1"), "{}", csv.text);
    let ship = |state: &str| json!({"state": state, "carrier": "SF", "trackingNumber": "SF1001"});
    let shipping = format!("{path}/shipping");
    let step = |role, subject: &'static str, state: &str| server.post(role, subject, &shipping, ship(state));
    step(Host, "li", "ORDER_STATE_DELIVERED").await.refused(409, "wrong-state");
    step(Viewer, "wang", "ORDER_STATE_PACKED").await.refused(403, "forbidden");
    step(Host, "li", "ORDER_STATE_PACKED").await.expect(200);
    step(Host, "li", "ORDER_STATE_SHIPPED").await.expect(200);
    step(Host, "li", "ORDER_STATE_CONFIRMED").await.refused(403, "forbidden");
    step(Viewer, "wang", "ORDER_STATE_CONFIRMED").await.expect(200);
    let total = server.get(Guest, "guest", &format!("/v1/pledges/{pledge}/total")).await.expect(200);
    assert_eq!(
        (total["grossAccruedMinor"].as_str(), total["confirmedMinor"].as_str()),
        (Some("100"), Some("100"))
    );
    let remitted = server.remit().await;
    assert_eq!(
        (&remitted["state"], &remitted["amount"]["minor"]),
        (&json!("REMITTANCE_STATE_TRANSFERRED"), &json!("100"))
    );
    let total = server.get(Guest, "guest", &format!("/v1/pledges/{pledge}/total")).await.expect(200);
    assert_eq!(total["remittedMinor"], "100");
    let balance = server.get(Auditor, "audit", "/v1/ledger/trial-balance").await.expect(200);
    assert_eq!(balance["sumMinor"]["CNY"], "0");
    let overview = server.get(Ops, "ops", "/v1/ops/overview").await.expect(200);
    assert_eq!(
        (overview["rooms"][0]["ordersPaid"].as_str(), overview["rooms"][0]["gmvMinor"].as_str()),
        (Some("1"), Some("3980"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_seen_by_those_they_concern() {
    let server = selling().await;
    let (sale, _) = server.open_sale(3).await;
    server.place("wang", ORDER, &sale, 1).await.expect(201);
    server.pay("wang", ORDER).await;
    let path = format!("/v1/orders/{ORDER}");
    for (role, subject, address) in
        [(Viewer, "wang", true), (Host, "li", true), (Ops, "ops", true), (Auditor, "audit", false)]
    {
        let order = server.get(role, subject, &path).await.expect(200);
        assert_eq!(order.get("shipTo").is_some(), address, "{}", role.name());
    }
    for (role, subject) in [(Viewer, "mei"), (Host, "zhao")] {
        server.get(role, subject, &path).await.refused(404, "not-found");
        server.tell(role, subject, &format!("{path}/cancel")).await.refused(404, "not-found");
    }
    server.get(Host, "zhao", "/v1/rooms/hill/orders").await.refused(403, "forbidden");
    let list = server.get(Auditor, "audit", "/v1/rooms/hill/orders").await.expect(200);
    assert_eq!((list["orders"][0]["id"].as_str(), list["orders"][0].get("shipTo")), (Some(ORDER), None));
    assert_eq!(server.get(Viewer, "wang", "/v1/orders").await.expect(200)["orders"][0]["id"], ORDER);
    assert_eq!(server.get(Viewer, "mei", "/v1/orders").await.expect(200), json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_close_to_nothing_and_retries_refund_once() {
    let server = selling().await;
    let (sale, pledge) = server.open_sale(3).await;
    server.place("wang", ORDER, &sale, 2).await.expect(201);
    let path = format!("/v1/orders/{ORDER}/refunds");
    let refund = |minor: Option<&str>| {
        let amount = minor.map(|minor| json!({"minor": minor, "currency": "CNY"}));
        let mut body = json!({"reason": "bruised"});
        if let Some(amount) = amount {
            body["amount"] = amount;
        }
        body
    };
    server.post(Host, "li", &path, refund(None)).await.refused(409, "wrong-state");
    server.pay("wang", ORDER).await;
    server.post(Host, "li", &path, refund(Some("3981"))).await.refused(422, "invalid-field");
    let part = || {
        server
            .by(Host, "li", Method::POST, &path)
            .header("idempotency-key", "refund-one")
            .json(&refund(Some("1000")))
    };
    assert_eq!(send(part()).await.expect(200)["refunded"]["minor"], "1000");
    assert_eq!(send(part()).await.expect(200)["refunded"]["minor"], "1000");
    let order = server.post(Ops, "ops", &path, refund(None)).await.expect(200);
    assert_eq!(
        (order["state"].as_str(), order["refunded"]["minor"].as_str()),
        (Some("ORDER_STATE_REFUNDED"), Some("3980"))
    );
    let total = server.get(Guest, "guest", &format!("/v1/pledges/{pledge}/total")).await.expect(200);
    assert_eq!(total["grossAccruedMinor"], total["grossReversedMinor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_gives_its_units_back() {
    let server = selling().await;
    let (sale, _) = server.open_sale(1).await;
    server.place("wang", ORDER, &sale, 1).await.expect(201);
    server.place("mei", OTHER, &sale, 1).await.refused(409, "sold-out");
    let order = server.tell(Viewer, "wang", &format!("/v1/orders/{ORDER}/cancel")).await.expect(200);
    assert_eq!(order["state"], "ORDER_STATE_RELEASED");
    server.place("mei", OTHER, &sale, 1).await.expect(201);
    server.tell(Host, "zhao", &format!("/v1/sales/{sale}/close")).await.refused(403, "forbidden");
    let closed = server.tell(Host, "li", &format!("/v1/sales/{sale}/close")).await.expect(200);
    assert_eq!(
        (closed["state"].as_str(), closed["closeReason"].as_str()),
        (Some("SALE_STATE_CLOSED"), Some("CLOSE_REASON_HOST"))
    );
    server.place("wang", "01890a5d-ac96-774b-bcce-b302099a8059", &sale, 1).await.refused(409, "sale-closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_believed_by_its_signature_and_once() {
    let server = selling().await;
    let (sale, _) = server.open_sale(1).await;
    server.place("wang", ORDER, &sale, 1).await.expect(201);
    server.pay("wang", ORDER).await;
    let body =
        json!({"type": "payment.authorised", "data": {"payment": server.payment(ORDER).await.to_string()}})
            .to_string();
    server.webhook(&format!("evt_{ORDER}"), &body).await.expect(204);
    server.webhook("evt_2", "{}").await.refused(400, "malformed");
    let unsigned = server.request(Method::POST, "/v1/payments/webhooks/sandbox").body(body.clone());
    send(unsigned).await.refused(400, "malformed");
    let forged =
        server.request(Method::POST, "/v1/payments/webhooks/sandbox").body(body).header("webhook-id", "e");
    let forged = forged
        .header("webhook-timestamp", server::NOW.millis() / 1_000)
        .header("webhook-signature", "v1,AAAA");
    send(forged).await.refused(401, "token-invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_room_acts_there_only() {
    let server = selling().await;
    let (sale, _) = server.open_sale(3).await;
    let mut caller = server.caller(Viewer, "wang");
    caller.room = Some("elsewhere".parse().unwrap());
    let body = json!({"orderId": ORDER, "saleId": sale, "quantity": 1});
    let request = |token: String| server.request(Method::POST, "/v1/orders").bearer_auth(token).json(&body);
    send(request(server.token(&caller))).await.refused(403, "forbidden");
    caller.room = Some("hill".parse().unwrap());
    send(request(server.token(&caller))).await.expect(201);
    let mut host = server.caller(Host, "li");
    host.room = Some("hill".parse().unwrap());
    let product = server.request(Method::POST, "/v1/products/apricot/stock").bearer_auth(server.token(&host));
    send(product.json(&json!({"change": 1}))).await.refused(403, "forbidden");
    let whole_house = [
        (Host, "/v1/products"),
        (Auditor, "/v1/ledger/trial-balance"),
        (Ops, "/v1/ops/overview"),
        (Ops, "/sandbox/v1/knobs"),
    ];
    for (role, path) in whole_house {
        let mut caller = server.caller(role, "li");
        caller.room = Some("hill".parse().unwrap());
        let read = server.request(Method::GET, path).bearer_auth(server.token(&caller));
        send(read).await.refused(403, "forbidden");
        server.get(role, "li", path).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let server = selling().await;
    let (sale, _) = server.open_sale(2).await;
    server.place("wang", ORDER, &sale, 1).await.expect(201);
    server.pay("wang", ORDER).await;
    let server = server.restart().await;
    assert_eq!(
        server.get(Viewer, "wang", &format!("/v1/orders/{ORDER}")).await.expect(200)["state"],
        "ORDER_STATE_PAID"
    );
    assert_eq!(server.get(Guest, "guest", &format!("/v1/sales/{sale}")).await.expect(200)["sold"], 1);
    server.place("wang", ORDER, &sale, 1).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_provider_is_turned_by_ops() {
    let server = start().await;
    let knobs = server.get(Ops, "ops", "/sandbox/v1/knobs").await.expect(200);
    assert_eq!(knobs["delayMs"], 600_000);
    let put = |body: Value| send(server.by(Ops, "ops", Method::PUT, "/sandbox/v1/knobs").json(&body));
    assert_eq!(
        put(json!({"delayMs": 5, "lostPpm": 1000})).await.expect(200),
        json!({"delayMs": 5, "lostPpm": 1000})
    );
    put(json!({"lostPpm": 1_000_001})).await.refused(422, "invalid-field");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_hosts_may_not_write() {
    let server = start().await;
    let room = json!({"title": "Apricots", "hostName": "Li", "place": "Gansu"});
    let post = |origin: String| {
        send(server.by(Host, "li", Method::POST, "/v1/rooms").header("origin", origin).json(&room))
    };
    post("https://evil.example".into()).await.refused(403, "forbidden");
    post(format!("http://{}", server.running.address)).await.expect(201);
    let socket = server.request(Method::GET, "/v1/rooms/hill/live").header("upgrade", "websocket");
    send(socket.header("origin", "https://evil.example")).await.refused(403, "forbidden");
    let page = send(server.request(Method::GET, "/rooms/hill")).await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    send(server.request(Method::GET, "/assets/none.js")).await.refused(404, "not-found");
    send(server.request(Method::GET, "/none")).await.refused(404, "not-found");
}

/// RFC 9110, 15.5.6.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_learns_the_right_ones() {
    let server = start().await;
    for (method, path, allow) in [
        (Method::DELETE, "/v1/rooms", "GET,HEAD,POST"),
        (Method::OPTIONS, "/v1/rooms/hill", "GET,HEAD,PUT"),
        (Method::GET, "/v1/orders/1/pay", "POST"),
        (Method::POST, "/sandbox/v1/knobs", "GET,HEAD,PUT"),
        (Method::POST, "/v1/rooms/hill/live", "GET,HEAD"),
        (Method::POST, "/host", "GET,HEAD"),
    ] {
        let answer = send(server.request(method.clone(), path)).await;
        let mut allowed: Vec<&str> = answer.headers["allow"].to_str().unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
        answer.refused(405, "method-not-allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_learn_how_it_is() {
    let server = start().await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        send(server.request(Method::GET, path)).await.expect(200);
    }
    let metrics = send(server.request(Method::GET, "/metrics")).await.text;
    assert!(
        metrics.contains("apricot_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"}"),
        "{metrics}"
    );
    let answer =
        send(server.request(Method::GET, "/healthz").header("x-request-id", "proxy-request-7")).await;
    assert_eq!(answer.headers["x-request-id"], "proxy-request-7");
}
