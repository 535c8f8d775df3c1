//! What a host sets up and who helps: what a room says of itself, the run sheet, invitations, one's own rooms and pledges.

use apricot::model::Role::{self, Commissioner, Guest, Host, Moderator, Ops, Viewer};
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Answer, Server, send, start};

fn put(server: &Server, role: Role, subject: &str, path: &str, body: Value) -> impl Future<Output = Answer> {
    send(server.by(role, subject, Method::PUT, path).json(&body))
}

fn delete(server: &Server, subject: &str, path: &str) -> impl Future<Output = Answer> {
    send(server.by(Host, subject, Method::DELETE, path))
}

/// A room of Gansu, scheduled, and three products of its host.
async fn planned() -> Server {
    let server = start().await;
    let room = json!({"id": "hill", "title": "Apricots", "hostName": "Li", "place": "Gansu Lixian"});
    server.post(Host, "li", "/v1/rooms", room).await.expect(201);
    for sku in ["apricot", "honey", "walnut"] {
        server.product(sku).await;
    }
    server
}

fn commissioner(server: &Server, county: &str) -> String {
    let mut caller = server.caller(Commissioner, "zhou");
    caller.county = Some(county.into());
    server.token(&caller)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_room_says_of_itself_changes_until_it_ends() {
    let server = planned().await;
    let edit = json!({"title": "Walnuts", "hostName": "Old Li", "place": "Yunnan", "scheduledAtMs": "1790000000000",
        "posterUrl": "/posters/a.jpg"});
    put(&server, Host, "zhao", "/v1/rooms/hill", edit.clone()).await.refused(403, "forbidden");
    let problem = put(&server, Host, "li", "/v1/rooms/hill", json!({"hostName": "Li"})).await;
    assert_eq!(problem.refused(422, "invalid-field")["field"], "title");
    let room = put(&server, Host, "li", "/v1/rooms/hill", edit.clone()).await.expect(200);
    for (field, value) in edit.as_object().unwrap() {
        assert_eq!(room[field], *value, "{field}");
    }
    assert_eq!((room["version"].as_str(), room["hostId"].as_str()), (Some("2"), Some("li")));
    let cleared = json!({"title": "Walnuts", "hostName": "Li"});
    let room = put(&server, Ops, "ops", "/v1/rooms/hill", cleared.clone()).await.expect(200);
    assert_eq!((room.get("place"), room.get("posterUrl")), (None, None), "all fields are set");
    server.post(Host, "li", "/v1/rooms/hill/state", json!({"state": "ROOM_STATE_ENDED"})).await.expect(200);
    put(&server, Host, "li", "/v1/rooms/hill", cleared).await.refused(409, "wrong-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_sheet_is_the_host_s_and_helpers_put_it_in_order() {
    let server = planned().await;
    let path = "/v1/rooms/hill/run-sheet";
    let walnut = json!({"sku": "walnut", "price": {"minor": "3280", "currency": "CNY"}, "stock": 8, "limitPerBuyer": 1,
        "holdSeconds": 60, "durationSeconds": 300, "note": "new ones"});
    let sheet = json!({"items": [{"sku": "honey"}, walnut], "roomVersion": "1"});
    let room = put(&server, Host, "li", path, sheet.clone()).await.expect(200);
    assert_eq!((&room["runSheet"], room["version"].as_str()), (&sheet["items"], Some("2")));
    put(&server, Host, "li", path, sheet.clone()).await.refused(409, "changed-meanwhile");

    for (items, field) in [
        (json!([{"sku": "honey"}, {"sku": "honey"}]), "items[1].sku"),
        (json!([{"sku": "honey"}, {"sku": "unknown"}]), "items[1].sku"),
        (json!([{"sku": "honey", "holdSeconds": 9}]), "items[0].holdSeconds"),
        (json!([{"sku": "honey", "price": {"minor": "0", "currency": "CNY"}}]), "items[0].price"),
        (json!(vec![json!({"sku": "honey"}); 51]), "items"),
    ] {
        let problem =
            put(&server, Host, "li", path, json!({"items": items})).await.refused(422, "invalid-field");
        assert_eq!(problem["field"], field);
    }
    let theirs = json!({"sku": "their-tea", "title": "Tea", "unit": "box", "onHand": 9, "category": "farm",
        "price": {"minor": "100", "currency": "CNY"}});
    server.post(Host, "zhao", "/v1/products", theirs).await.expect(201);
    let foreign = put(&server, Host, "li", path, json!({"items": [{"sku": "their-tea"}]})).await;
    assert_eq!(foreign.refused(422, "invalid-field")["field"], "items[0].sku");

    let turned = json!({"items": [walnut, {"sku": "honey"}]});
    put(&server, Viewer, "mei", path, turned.clone()).await.refused(403, "forbidden");
    server.post(Host, "li", "/v1/rooms/hill/moderators", json!({"subject": "mei"})).await.expect(200);
    let room = put(&server, Viewer, "mei", path, turned.clone()).await.expect(200);
    assert_eq!(room["runSheet"], turned["items"]);
    let cheaper = json!({"items": [{"sku": "walnut"}, {"sku": "honey"}]});
    put(&server, Viewer, "mei", path, cheaper).await.refused(403, "forbidden");
    put(&server, Viewer, "mei", path, json!({"items": [{"sku": "honey"}]})).await.refused(403, "forbidden");
    let by_county = |county| {
        send(
            server
                .request(Method::PUT, path)
                .bearer_auth(commissioner(&server, county))
                .json(&sheet_of("honey walnut", &walnut)),
        )
    };
    by_county("Yunnan").await.refused(403, "forbidden");
    assert_eq!(by_county("Gansu").await.expect(200)["runSheet"][0]["sku"], "honey");

    for (role, subject) in [(Guest, "guest"), (Viewer, "wang"), (Host, "zhao")] {
        let room = match role {
            Guest => send(server.request(Method::GET, "/v1/rooms/hill")).await.expect(200),
            _ => server.get(role, subject, "/v1/rooms/hill").await.expect(200),
        };
        assert_eq!(room.get("runSheet"), None, "{}", role.name());
    }
    let server = server.restart().await;
    let room = server.get(Host, "li", "/v1/rooms/hill").await.expect(200);
    assert_eq!(room["runSheet"], sheet_of("honey walnut", &walnut)["items"]);
    assert_eq!(put(&server, Host, "li", path, json!({})).await.expect(200).get("runSheet"), None);
}

/// Honey and the walnut as it is planned, in this order.
fn sheet_of(order: &str, walnut: &Value) -> Value {
    let item = |sku: &str| if sku == "walnut" { walnut.clone() } else { json!({"sku": sku}) };
    json!({"items": order.split(' ').map(item).collect::<Vec<_>>()})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_appoints_whoever_opens_it_until_it_is_taken_back() {
    let server = planned().await;
    let path = "/v1/rooms/hill/invitations";
    for wrong in [json!({"name": ""}), json!({"name": "Xiaoman", "hours": 73})] {
        server.post(Host, "li", path, wrong).await.refused(422, "invalid-field");
    }
    server.post(Host, "zhao", path, json!({"name": "Xiaoman"})).await.refused(403, "forbidden");
    let invite = || {
        let request = server.by(Host, "li", Method::POST, path).header("idempotency-key", "invite-one");
        send(request.json(&json!({"name": "Xiaoman", "hours": 2})))
    };
    let invitation = invite().await.expect(201);
    let (subject, token) = (invitation["subject"].as_str().unwrap(), invitation["token"].as_str().unwrap());
    let until = (server.clock.now() + std::time::Duration::from_secs(7_200)).millis();
    assert_eq!(invitation["expiresAtMs"], until.to_string());
    assert_eq!(invitation["room"]["moderators"], json!([subject]));
    assert_eq!(invitation["room"]["moderatorNames"], json!({ subject: "Xiaoman" }));
    assert_eq!(invite().await.expect(201)["subject"], subject, "a retry appoints nobody else");

    let with_token = |method, path: &str| server.request(method, path).bearer_auth(token);
    let rules = json!({"chatRules": {"slowModeSeconds": 5, "blockedWords": ["wechat"]}});
    let moderation = || with_token(Method::POST, "/v1/rooms/hill/moderation").json(&rules);
    let room = send(moderation()).await.expect(200);
    assert_eq!(room["moderatorNames"][subject], "Xiaoman");
    send(with_token(Method::POST, "/v1/rooms/hill/state").json(&json!({"state": "ROOM_STATE_LIVE"})))
        .await
        .refused(403, "forbidden");
    assert_eq!(send(with_token(Method::GET, "/v1/orders")).await.expect(200), json!({}), "none of its own");
    let names = server.get(Viewer, "wang", "/v1/rooms/hill").await.expect(200);
    assert_eq!(names.get("moderatorNames"), None, "names are for those who work here");

    let dismissal = format!("/v1/rooms/hill/moderators/{subject}");
    delete(&server, "zhao", &dismissal).await.refused(403, "forbidden");
    let room = delete(&server, "li", &dismissal).await.expect(200);
    assert_eq!((room.get("moderators"), room.get("moderatorNames")), (None, None));
    delete(&server, "li", &dismissal).await.refused(404, "not-found");
    send(moderation()).await.refused(403, "forbidden");
    server.clock.advance(std::time::Duration::from_secs(7_200));
    send(with_token(Method::GET, "/v1/rooms/hill")).await.refused(401, "token-invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_rooms_are_those_one_works_in() {
    let server = planned().await;
    for (host, id, place) in
        [("li", "barn", "Gansu"), ("li", "cellar", "Xinjiang"), ("zhao", "dell", "Yunnan")]
    {
        let room = json!({"id": id, "title": "A room", "hostName": host, "place": place});
        server.post(Host, host, "/v1/rooms", room).await.expect(201);
    }
    let become_ = async |room: &str, state: &str| {
        server.post(Host, "li", &format!("/v1/rooms/{room}/state"), json!({"state": state})).await
    };
    become_("barn", "ROOM_STATE_REHEARSAL").await.expect(200);
    become_("cellar", "ROOM_STATE_ENDED").await.expect(200);
    server.post(Host, "li", "/v1/rooms/barn/moderators", json!({"subject": "mei"})).await.expect(200);
    let ids = |list: Value| {
        let rooms = list["rooms"].as_array().cloned().unwrap_or_default();
        rooms.iter().map(|room| room["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let mine = "/v1/rooms?mine=true";
    for (role, subject, own) in [
        (Host, "li", "barn cellar hill"),
        (Host, "zhao", "dell"),
        (Moderator, "mei", "barn"),
        (Viewer, "wang", ""),
        (Ops, "ops", ""),
    ] {
        assert_eq!(ids(server.get(role, subject, mine).await.expect(200)), own, "{subject}");
    }
    let county = server.request(Method::GET, mine).bearer_auth(commissioner(&server, "Gansu"));
    assert_eq!(ids(send(county).await.expect(200)), "barn hill");
    send(server.request(Method::GET, mine)).await.refused(401, "token-required");
    let page = server.get(Host, "li", "/v1/rooms?mine=true&limit=2").await.expect(200);
    let next = page["nextCursor"].as_str().unwrap();
    let rest =
        server.get(Host, "li", &format!("/v1/rooms?mine=true&limit=2&cursor={next}")).await.expect(200);
    assert_eq!((ids(page), ids(rest)), ("barn cellar".into(), "hill".into()));
    assert_eq!(ids(server.get(Host, "zhao", "/v1/rooms?mine=false").await.expect(200)), "cellar dell hill");
    server.get(Host, "li", "/v1/rooms?mine=perhaps").await.refused(422, "invalid-field");
    server.get(Host, "li", "/v1/products?mine=true").await.refused(422, "invalid-field");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_pledges_are_listed_in_their_newest_version() {
    let server = planned().await;
    server.register(&["School", "Well", "Road", "Bridge"]).await;
    let pledge = |id: &str, project: &str, share: u32| {
        json!({"pledge": {"id": id, "parts": [{"projectId": project}],
            "base": "PLEDGE_BASE_PAID_PRICE", "sharePpm": share, "rounding": "ROUNDING_DOWN",
            "agreementSha256": "ab".repeat(32)}})
    };
    let mut made = Vec::new();
    for project in ["school", "well", "road"] {
        let pledge = server.post(Host, "li", "/v1/pledges", pledge("", project, 25_000)).await.expect(201);
        made.push(pledge["id"].as_str().unwrap().to_owned());
    }
    server.post(Host, "zhao", "/v1/pledges", pledge("", "bridge", 25_000)).await.expect(201);
    server.post(Host, "li", "/v1/pledges", pledge(&made[1], "well", 50_000)).await.expect(201);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(Host, "li", &format!("/v1/pledges?limit=2&cursor={cursor}")).await.expect(200);
        seen.extend(page["pledges"].as_array().unwrap().iter().map(|pledge| {
            (
                pledge["parts"][0]["projectId"].as_str().unwrap().to_owned(),
                pledge["version"].as_u64().unwrap(),
            )
        }));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, [("road".into(), 1), ("school".into(), 1), ("well".into(), 2)]);
    server.get(Viewer, "wang", "/v1/pledges").await.refused(403, "forbidden");
    let stranger = server
        .post(Host, "li", "/v1/pledges", pledge("", "nowhere", 25_000))
        .await
        .refused(422, "invalid-field");
    assert_eq!(stranger["field"], "parts[0].projectId");
    let elsewhere = server.post(Host, "li", "/v1/pledges", pledge(&made[1], "road", 25_000)).await;
    assert_eq!(elsewhere.refused(422, "invalid-field")["field"], "parts");
}

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

#[tokio::test(flavor = "multi_thread")]
async fn a_running_sale_gets_and_gives_back_units() {
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, _) = server.open_sale(2).await;
    let path = format!("/v1/sales/{sale}/stock");
    let change = |by: i64| server.post(Host, "li", &path, json!({"change": by}));
    server.place("wang", ORDER, &sale, 2).await.expect(201);
    server.place("mei", OTHER, &sale, 1).await.refused(409, "sold-out");
    let more = change(5).await.expect(200);
    assert_eq!(
        (&more["stock"], &more["left"], &more["state"]),
        (&json!(7), &json!(5), &json!("SALE_STATE_OPEN"))
    );
    server.place("mei", OTHER, &sale, 1).await.expect(201);
    let short = change(-5).await.refused(409, "stock-short");
    assert_eq!((short["field"].as_str(), short["bound"].as_str()), (Some("change"), Some("-4 or more")));
    let short = change(94).await.refused(409, "stock-short");
    assert_eq!((short["field"].as_str(), short["bound"].as_str()), (Some("change"), Some("93 or fewer")));
    let bound = change(0).await.refused(422, "invalid-field");
    assert_eq!(
        (bound["field"].as_str(), bound["bound"].as_str()),
        (Some("change"), Some("-6..=999993, not 0"))
    );
    let keyed = || {
        let request = server.by(Host, "li", Method::POST, &path).header("idempotency-key", "take-back-4");
        send(request.json(&json!({"change": -4})))
    };
    for _ in 0..2 {
        let less = keyed().await.expect(200);
        assert_eq!(
            (&less["stock"], less.get("left"), &less["state"]),
            (&json!(3), None, &json!("SALE_STATE_SOLD_OUT"))
        );
    }
    let products = server.get(Host, "li", "/v1/products").await.expect(200);
    assert_eq!(products["products"][0]["onHand"], 97);
    server.post(Host, "zhao", &path, json!({"change": 1})).await.refused(403, "forbidden");
    server.post(Ops, "ops", &path, json!({"change": 1})).await.refused(403, "forbidden");
    server.tell(Host, "li", &format!("/v1/sales/{sale}/close")).await.expect(200);
    change(1).await.refused(409, "sale-closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commissioner_helps_the_county_and_has_no_say_over_money() {
    const ORDER: &str = "01890a5d-ac96-774b-bcce-00000000c001";
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, _) = server.open_sale(3).await;
    server.place("wang", ORDER, &sale, 1).await.expect(201);
    server.pay("wang", ORDER).await;
    let ask = async |county, method, path: &str, body: Value| {
        let request = server.request(method, path).bearer_auth(commissioner(&server, county));
        send(if body.is_null() { request } else { request.json(&body) }).await
    };
    let reason = json!({"reason": "to help"});
    let priced = json!({"sku": "apricot", "price": {"minor": "100", "currency": "CNY"}, "stock": 1, "limitPerBuyer": 1,
        "durationSeconds": 60});
    for (method, path, body) in [
        (Method::POST, "/v1/rooms/hill/sales".to_owned(), priced),
        (Method::POST, format!("/v1/sales/{sale}/close"), reason.clone()),
        (Method::POST, format!("/v1/sales/{sale}/pause"), reason.clone()),
        (Method::POST, format!("/v1/sales/{sale}/stock"), json!({"change": 1, "reason": "to help"})),
        (Method::POST, format!("/v1/orders/{ORDER}/refunds"), reason.clone()),
        (Method::POST, "/v1/rooms/hill/state".into(), json!({"state": "ROOM_STATE_ENDED"})),
        (Method::GET, "/v1/rooms/hill/orders.csv".into(), Value::Null),
        (Method::GET, "/v1/rooms/hill/settlement.csv".into(), Value::Null),
        (Method::GET, "/v1/rooms/hill/charity.csv".into(), Value::Null),
        (Method::GET, "/v1/remittances".into(), Value::Null),
        (Method::POST, "/v1/remittances".into(), json!({"charityRegistration": "53100000"})),
    ] {
        ask("Gansu", method, &path, body).await.refused(403, "forbidden");
    }
    // The room's figures and its chat are theirs to see to; another county's are not.
    ask("Gansu", Method::GET, "/v1/rooms/hill/figures", Value::Null).await.expect(200);
    ask("Yunnan", Method::GET, "/v1/rooms/hill/figures", Value::Null).await.refused(403, "forbidden");
}
