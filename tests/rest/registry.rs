//! Charities and projects over REST: registered by ops, found by everybody.

use std::time::Duration;

use apricot::model::Role::{Auditor, Host, Ops, Viewer};
use reqwest::Method;
use serde_json::{Value, json};

use super::ORDER;
use super::server::{Answer, NOW, Server, send, start};

const CHARITY: &str = "/v1/charities/53100000X";
const PROJECT: &str = "/v1/projects/school-lunches";

async fn put(server: &Server, path: &str, body: Value) -> Answer {
    send(server.by(Ops, "kim", Method::PUT, path).json(&body)).await
}

async fn read(server: &Server, path: &str) -> Answer {
    send(server.request(Method::GET, path)).await
}

fn charity(name: &str) -> Value {
    json!({"name": name, "qualification": "公开募捐资格", "platform": "示例平台", "platformUrl": "https://giving.example/"})
}

fn project(title: &str) -> Value {
    json!({"charity": "53100000X", "title": title, "place": "新疆 轮台", "giveUrl": "https://giving.example/p",
        "target": {"minor": "5000000", "currency": "CNY"}})
}

async fn registered() -> Server {
    let server = start().await;
    put(&server, CHARITY, charity("示例基金会")).await.expect(201);
    put(&server, PROJECT, project("山村小学午餐")).await.expect(201);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_has_versions() {
    let server = registered().await;
    let known = read(&server, CHARITY).await.expect(200);
    assert_eq!((known["name"].as_str(), known["version"].as_str()), (Some("示例基金会"), Some("1")));
    // What changes nothing makes no version.
    assert_eq!(put(&server, CHARITY, charity("示例基金会")).await.expect(200), known);
    let with_version = |mut body: Value, version: &str| {
        body["version"] = version.into();
        body
    };
    let renamed = put(&server, CHARITY, with_version(charity("Renamed"), "1")).await.expect(200);
    assert_eq!((renamed["name"].as_str(), renamed["version"].as_str()), (Some("Renamed"), Some("2")));
    put(&server, CHARITY, with_version(charity("Late"), "1")).await.refused(409, "changed-meanwhile");
    put(&server, PROJECT, with_version(project("Late"), "3")).await.refused(409, "changed-meanwhile");
    put(&server, "/v1/charities/53100009X", with_version(charity("New"), "1"))
        .await
        .refused(409, "changed-meanwhile");
    let page = read(&server, PROJECT).await.expect(200);
    assert_eq!(page["project"]["charity"]["name"], "Renamed");
    assert_eq!(page["project"]["project"]["startedAtMs"], NOW.millis().to_string());
    assert_eq!(page["project"]["project"]["discloseEveryDays"], 90);
    let due = NOW.millis() + 90 * 86_400_000;
    assert_eq!(page["project"]["reportDueAtMs"], due.to_string());
    // Who did it is in the audit trail.
    let trail = server.get(Auditor, "ann", "/v1/ops/audit").await.expect(200);
    let lines: Vec<_> =
        trail["lines"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(lines, ["register-charity", "register-project", "register-charity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_registers_once_and_a_key_is_for_one_content() {
    let server = registered().await;
    let keyed = |path: &'static str, body: Value, key: &'static str| {
        let method = if path.ends_with("reports") { Method::POST } else { Method::PUT };
        send(server.by(Ops, "kim", method, path).json(&body).header("idempotency-key", key))
    };
    let second = keyed(CHARITY, charity("Second"), "key-number-1").await.expect(200);
    put(&server, CHARITY, charity("Third")).await.expect(200);
    keyed(CHARITY, charity("Third"), "key-number-3").await.expect(200);
    keyed(CHARITY, charity("Other"), "key-number-3").await.refused(422, "content-differs");
    // The retry comes late and finds what stands by now.
    let again = keyed(CHARITY, charity("Second"), "key-number-1").await.expect(200);
    assert_eq!((second["version"].as_str(), again["version"].as_str()), (Some("2"), Some("3")));
    assert_eq!(again["name"], "Third");
    keyed(CHARITY, charity("Other"), "key-number-1").await.refused(422, "content-differs");

    let reports = "/v1/projects/school-lunches/reports";
    let told = json!({"title": "第一季度", "text": "4,280 meals", "documentSha256": "AB".repeat(32)});
    let first = keyed(reports, told.clone(), "key-number-2").await.expect(201);
    let again = keyed(reports, told, "key-number-2").await.expect(201);
    assert_eq!(first, again);
    assert_eq!(first["documentSha256"], "ab".repeat(32));
    let list = read(&server, reports).await.expect(200);
    assert_eq!(list["reports"], json!([first]));
    let page = read(&server, PROJECT).await.expect(200);
    assert_eq!(page["reports"], json!([first]));
    assert_eq!(page["project"]["reportedAtMs"], NOW.millis().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_bound_is_refused_by_its_field() {
    let server = registered().await;
    let changed = |field: &str, value: Value| {
        let mut body = project("Lunches");
        body[field] = value;
        body
    };
    for (path, body, field) in [
        ("/v1/projects/School", project("Lunches"), "project"),
        ("/v1/projects/other", changed("charity", "53109999X".into()), "charity"),
        (PROJECT, changed("charity", "53109999X".into()), "charity"),
        (PROJECT, changed("title", "".into()), "title"),
        (PROJECT, changed("giveUrl", "http://giving.example".into()), "giveUrl"),
        (PROJECT, changed("giveUrl", "https://elsewhere.example/p".into()), "giveUrl"),
        (PROJECT, changed("discloseEveryDays", 400.into()), "discloseEveryDays"),
        (PROJECT, changed("endedAtMs", "1".into()), "endedAtMs"),
        ("/v1/charities/531", charity("Short"), "registration"),
    ] {
        let refused = put(&server, path, body).await.refused(422, "invalid-field");
        assert_eq!(refused["field"], field, "{path}");
    }
    for path in [
        "/v1/charities/53109999X",
        "/v1/projects/nobody",
        "/v1/projects/N",
        "/v1/projects/nobody/reports",
        "/v1/projects/nobody/qr.svg",
    ] {
        read(&server, path).await.refused(404, "not-found");
    }
    let told = json!({"title": "x", "text": "y"});
    server.post(Ops, "kim", "/v1/projects/nobody/reports", told).await.refused(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn gifts_are_given_on_the_designated_platform() {
    let server = registered().await;
    let mut moved = charity("示例基金会");
    moved["platformUrl"] = "https://other.example/".into();
    put(&server, CHARITY, moved).await.expect(200);
    let page = read(&server, PROJECT).await.expect(200);
    assert_eq!(page["project"]["project"].get("giveUrl"), None, "nobody is sent to the old platform");
    let mut body = project("山村小学午餐");
    body["place"] = "新疆".into();
    let refused = put(&server, PROJECT, body.clone()).await.refused(422, "invalid-field");
    let bound = refused["bound"].as_str().unwrap();
    assert!(
        refused["field"] == "giveUrl" && bound.contains("other.example") && bound.contains("platformUrl"),
        "{bound}"
    );
    body["giveUrl"] = "https://other.example/p".into();
    put(&server, PROJECT, body).await.expect(200);
    let page = read(&server, PROJECT).await.expect(200);
    assert_eq!(page["project"]["project"]["giveUrl"], "https://other.example/p");
    put(&server, "/v1/charities/53100009X", json!({"name": "No platform"})).await.expect(201);
    let without = json!({"charity": "53100009X", "title": "Books", "giveUrl": "https://giving.example/b"});
    assert_eq!(
        put(&server, "/v1/projects/books", without).await.refused(422, "invalid-field")["field"],
        "giveUrl"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_finds_projects_in_two_languages() {
    let server = registered().await;
    put(&server, "/v1/charities/12-3456789", charity("Example Foundation")).await.expect(201);
    let books = json!({"charity": "12-3456789", "title": "Village library"});
    put(&server, "/v1/projects/books", books).await.expect(201);
    let found = async |path: &str| {
        let body = read(&server, path).await.expect(200);
        let projects = body["projects"].as_array().cloned().unwrap_or_default();
        let ids: Vec<String> =
            projects.iter().map(|of| of["project"]["id"].as_str().unwrap().to_owned()).collect();
        (ids, body["nextCursor"].as_str().unwrap_or_default().to_owned())
    };
    let only = |id: &str| (vec![id.to_owned()], String::new());
    assert_eq!(found("/v1/projects?q=%E5%B0%8F%E5%AD%A6").await, only("school-lunches"));
    assert_eq!(found("/v1/projects?q=example+LIB").await, only("books"));
    assert_eq!(found("/v1/projects?charity=12-3456789").await, only("books"));
    assert_eq!(found("/v1/projects?q=lib&charity=53100000X").await, (vec![], String::new()));
    assert_eq!(found("/v1/projects?q=%22%27%00%28*").await, (vec![], String::new()));
    let (first, cursor) = found("/v1/projects?limit=1").await;
    assert_eq!(first, ["books"]);
    assert_eq!(found(&format!("/v1/projects?limit=1&cursor={cursor}")).await, only("school-lunches"));
    let charities = read(&server, "/v1/charities?q=foundation").await.expect(200);
    assert_eq!(charities["charities"][0]["registration"], "12-3456789");
    for (path, field) in [
        (format!("/v1/projects?q={}", "a".repeat(101)), "q"),
        (format!("/v1/charities?q={}", "a%22".repeat(2_500)), "q"),
        ("/v1/charities?charity=x".into(), "query"),
        ("/v1/projects?colour=red".into(), "query"),
        ("/v1/projects?limit=0".into(), "limit"),
        ("/v1/projects?cursor=%21".into(), "cursor"),
    ] {
        assert_eq!(read(&server, &path).await.refused(422, "invalid-field")["field"], field, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_s_page_adds_up_the_pledges_that_name_it() {
    let server = registered().await;
    server.live_room().await;
    server.product("apricot").await;
    // The pledge of the sale gives to the project "school".
    let (sale, pledge) = server.open_sale(9).await;
    server.place("wang", ORDER, &sale, 2).await.expect(201);
    server.pay("wang", ORDER).await;
    let page = read(&server, "/v1/projects/school").await.expect(200);
    let total = json!({"currency": "CNY", "grossAccruedMinor": "100"});
    assert_eq!(page["totals"], json!([total]), "2.5 % of 39.80, half to even");
    assert_eq!(page["pledgeCount"], 1);
    assert_eq!(page["pledges"][0]["id"], pledge.as_str());
    assert_eq!(page["pledges"][0]["agreementSha256"], "ab".repeat(32));
    let of_two = json!({"pledge": {"parts": [{"projectId": "school-lunches", "weight": 2}, {"projectId": "school"}],
        "base": "PLEDGE_BASE_PAID_PRICE", "sharePpm": 1, "rounding": "ROUNDING_DOWN", "agreementSha256": "cd".repeat(32)}});
    server.post(Host, "li", "/v1/pledges", of_two).await.expect(201);
    let page = send(server.by(Viewer, "wang", Method::GET, PROJECT)).await.expect(200);
    assert_eq!((page["pledgeCount"].as_u64(), page["totals"].as_array()), (Some(1), None));
    assert_eq!(page["pledges"][0]["sharePpm"], 1);
    let titles = ["title", "charityName", "weight"].map(|key| page["pledges"][0]["parts"][1][key].clone());
    assert_eq!(titles, [json!("School"), json!("Hope"), json!(1)]);
    let refused = send(server.by(Host, "li", Method::PUT, PROJECT).json(&project("Mine"))).await;
    refused.refused(403, "forbidden");
    send(server.request(Method::PUT, PROJECT).json(&project("Mine"))).await.refused(401, "token-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_registered_and_runs_can_be_pledged_to() {
    let server = registered().await;
    let pledge = |projects: &[&str]| {
        let parts: Vec<Value> = projects.iter().map(|id| json!({"projectId": id})).collect();
        json!({"pledge": {"parts": parts, "base": "PLEDGE_BASE_PAID_PRICE", "sharePpm": 25_000,
            "rounding": "ROUNDING_DOWN", "agreementSha256": "ab".repeat(32)}})
    };
    let ends = NOW.millis() + 86_400_000;
    let mut body = project("山村小学午餐");
    body["endedAtMs"] = ends.to_string().into();
    put(&server, PROJECT, body).await.expect(200);
    let made = server.post(Host, "li", "/v1/pledges", pledge(&["school-lunches"])).await.expect(201);
    server.clock.advance(Duration::from_secs(86_400));
    let refused = async |projects: &[&str]| {
        let refused = server.post(Host, "li", "/v1/pledges", pledge(projects)).await;
        let refused = refused.refused(422, "invalid-field");
        (refused["field"].as_str().unwrap().to_owned(), refused["bound"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        refused(&["school-lunches"]).await,
        ("parts[0].projectId".into(), "a project that has not ended".into())
    );
    let (field, bound) = refused(&["nothing-like-it"]).await;
    assert!(field == "parts[0].projectId" && bound.contains("a project of the register"), "{field}: {bound}");
    put(&server, "/v1/projects/books", json!({"charity": "53100000X", "title": "Books"})).await.expect(201);
    assert_eq!(refused(&["books", "Not an id"]).await.0, "parts[1].projectId");
    assert_eq!(refused(&["books", "school-lunches"]).await.0, "parts[1].projectId");
    // Nor does an older pledge get another version.
    let mut again = pledge(&["school-lunches"]);
    again["pledge"]["id"] = made["id"].clone();
    let again = server.post(Host, "li", "/v1/pledges", again).await.refused(422, "invalid-field");
    assert_eq!(again["field"], "parts[0].projectId");
    server.post(Host, "li", "/v1/pledges", pledge(&["books"])).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_leads_to_the_project_s_page() {
    let server = registered().await;
    let qr = read(&server, "/v1/projects/school-lunches/qr.svg?source=poster-1").await;
    assert_eq!((qr.status.as_u16(), &qr.headers["content-type"]), (200, &"image/svg+xml".parse().unwrap()));
    let link = format!("http://{}/p/school-lunches?from=poster-1", server.running.address);
    let code = qrcode::QrCode::with_error_correction_level(&link, qrcode::EcLevel::M).unwrap();
    let side = code.width() + 8;
    assert!(qr.text.contains(&format!("viewBox=\"0 0 {side} {side}\"")), "{}", qr.text);
    let same = read(&server, "/v1/projects/school-lunches/qr.svg?source=qr").await.text;
    assert_eq!(read(&server, "/v1/projects/school-lunches/qr.svg").await.text, same);
    assert_ne!(qr.text, same);
    let card = read(&server, "/v1/projects/school-lunches/qr.svg?source=poster-1&print=1").await;
    for said in ["width=\"105mm\" height=\"148mm\"", "山村小学午餐", "示例基金会", "53100000X"] {
        assert!(card.text.contains(said), "{said}: {}", card.text);
    }
    for (asked, field) in
        [("source=Poster", "source"), ("source=", "source"), ("print=2", "print"), ("colour=red", "query")]
    {
        let path = format!("/v1/projects/school-lunches/qr.svg?{asked}");
        assert_eq!(read(&server, &path).await.refused(422, "invalid-field")["field"], field);
    }
    let hostile = server.request(Method::GET, "/v1/projects/school-lunches/qr.svg").header("host", "a\"b<c");
    let refused = send(hostile).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
}
