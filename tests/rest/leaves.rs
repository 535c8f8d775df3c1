//! Figures lead to the leaves of the public log that say them; sums over time are their tallies.

use apricot::model::Role::{Guest, Host, Viewer};
use serde_json::{Value, json};

use super::server::{DAY, Server};
use super::{ORDER, OTHER, selling};

/// Everything that waits is in the log, and what it adds up to.
async fn told(server: &Server) {
    let log = &server.running.log;
    while log.append(None, false, server.clock.now()).await.unwrap() {}
    log.append(None, true, server.clock.now()).await.unwrap();
}

async fn read(server: &Server, path: &str) -> Value {
    server.get(Guest, "guest", path).await.expect(200)
}

/// `index` as an answer has it: a number as a text.
async fn leaf(server: &Server, index: &Value) -> Value {
    let index = index.as_str().unwrap_or("0");
    let found = read(server, &format!("/v1/log/leaves/{index}")).await;
    serde_json::from_str(found["leaf"].as_str().unwrap()).unwrap()
}

async fn received(server: &Server, buyer: &str, order: &str) {
    let path = format!("/v1/orders/{order}/shipping");
    for (role, subject, state) in [(Host, "li", "SHIPPED"), (Viewer, buyer, "CONFIRMED")] {
        let step =
            json!({"state": format!("ORDER_STATE_{state}"), "carrier": "SF", "trackingNumber": "SF1001"});
        server.post(role, subject, &path, step).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_s_figures_lead_to_their_leaves() {
    let server = selling().await;
    let (sale, pledge) = server.open_sale(3).await;
    server.place("wang", ORDER, &sale, 2).await.expect(201);
    server.pay("wang", ORDER).await;
    received(&server, "wang", ORDER).await;
    server.remit().await;
    let page = read(&server, "/v1/projects/school").await;
    let mut second = page["pledges"][0].clone();
    second["sharePpm"] = 50_000.into();
    second["leaves"] = json!([{"version": 9, "leaf": "9"}]);
    let second = server.post(Host, "li", "/v1/pledges", json!({"pledge": second})).await.expect(201);
    assert_eq!((&second["version"], second.get("leaves")), (&json!(2), None), "not what a client says");
    told(&server).await;
    let page = read(&server, "/v1/projects/school").await;
    let total = &page["totals"][0];
    let tally = leaf(&server, &total["tallyLeaf"]).await;
    assert_eq!(
        (&tally["kind"], &tally["scope"], &tally["key"]),
        (&json!("tally"), &json!("project"), &json!("school"))
    );
    assert_eq!((&tally["accrued"], &tally["remitted"]), (&json!(100), &json!(100)));
    let sent = leaf(&server, &page["transfers"][0]["leaf"]).await;
    assert_eq!(
        (&sent["kind"], &sent["amount"], &sent["reference"]),
        (&json!("remittance"), &json!(100), &json!("BANK-1"))
    );
    assert_eq!(sent["pledge"], pledge.as_str());
    let own = read(&server, &format!("/v1/pledges/{pledge}")).await;
    let listed = server.get(Host, "li", "/v1/pledges").await.expect(200);
    for leaves in [&page["pledges"][0]["leaves"], &own["leaves"], &listed["pledges"][0]["leaves"]] {
        assert_eq!(leaves.as_array().map(Vec::len), Some(2), "{leaves}");
        for (version, share) in [(1, 25_000), (2, 50_000)] {
            let of = &leaves[version - 1];
            let said = leaf(&server, &of["leaf"]).await;
            assert_eq!((&of["version"], &said["version"]), (&json!(version), &json!(version)));
            assert_eq!((&said["kind"], &said["sharePpm"]), (&json!("pledge"), &json!(share)));
        }
    }
    let total = read(&server, &format!("/v1/pledges/{pledge}/total")).await;
    let tally = leaf(&server, &total["tallyLeaf"]).await;
    assert_eq!((&tally["scope"], &tally["key"]), (&json!("pledge"), &json!(pledge)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sum_of_the_board_has_its_days() {
    let server = selling().await;
    let (sale, pledge) = server.open_sale(3).await;
    let walnuts = json!({"sku": "walnut", "title": "Walnuts", "unit": "1 kg", "onHand": 9, "category": "farm",
        "price": {"minor": "1990", "currency": "CNY"}});
    server.post(Host, "li", "/v1/products", walnuts).await.expect(201);
    let second = json!({"sku": "walnut", "price": {"minor": "1990", "currency": "CNY"}, "stock": 3,
        "limitPerBuyer": 2, "durationSeconds": 600, "pledgeId": pledge, "openNow": true});
    let second = server.post(Host, "li", "/v1/rooms/hill/sales", second).await.expect(201);
    for (buyer, order, sale) in
        [("wang", ORDER, sale.as_str()), ("mei", OTHER, second["id"].as_str().unwrap())]
    {
        server.place(buyer, order, sale, 1).await.expect(201);
        server.pay(buyer, order).await;
        told(&server).await;
    }
    for amount in ["500", "600"] {
        server.clock.advance(DAY);
        let refund = json!({"amount": {"minor": amount, "currency": "CNY"}, "reason": "bruised"});
        server.post(Host, "li", &format!("/v1/orders/{ORDER}/refunds"), refund).await.expect(200);
        told(&server).await;
    }
    let days = async |query: &str| {
        let answer = read(&server, &format!("/v1/board/days?{query}")).await;
        answer["days"].as_array().cloned().unwrap_or_default()
    };
    let board = read(&server, "/v1/board").await;
    assert_eq!(board["projects"][0]["title"], "School");
    let all = days("").await;
    assert_eq!((all.len(), &json!(all)), (3, &board["days"]));
    for (scope, key, wanted) in [
        ("county", "Gansu Lixian", 3),
        ("project", "school", 3),
        ("pledge", pledge.as_str(), 3),
        ("produce", "Apricots", 3),
        // Nothing happened to it later.
        ("produce", "Walnuts", 1),
        ("produce", "Nothing like it", 0),
        ("county", "", 0),
    ] {
        let found = days(&format!("scope={scope}&key={}", key.replace(' ', "%20"))).await;
        assert_eq!(found.len(), wanted, "{scope} {key}");
        for (day, row) in found.iter().enumerate() {
            let said = leaf(&server, &row["tallyLeaf"]).await;
            assert_eq!((&said["scope"], &said["key"]), (&json!(scope), &json!(key)));
            assert_eq!(row["key"], all[day]["key"], "the date");
            let minor = |value: &Value| value.as_str().map_or(0, |text| text.parse::<i64>().unwrap());
            assert_eq!(json!(minor(&row["grossAccruedMinor"])), said["accrued"]);
            assert_eq!(json!(minor(&row["grossReversedMinor"])), said["reversed"]);
        }
        if let [first, .., last] = found.as_slice() {
            assert!(first.get("grossReversedMinor").is_none(), "{first}");
            assert_ne!(last["grossReversedMinor"], found[1]["grossReversedMinor"]);
        }
    }
    assert!(days("scope=county&key=Gansu%20Lixian&currency=EUR").await.is_empty());
    for (query, field) in [
        ("scope=planet".to_owned(), "scope"),
        (format!("scope=county&key={}", "a".repeat(101)), "key"),
        ("currency=yuan".to_owned(), "currency"),
        ("colour=red".to_owned(), "query"),
    ] {
        let answer = server.get(Guest, "guest", &format!("/v1/board/days?{query}")).await;
        assert_eq!(answer.refused(422, "invalid-field")["field"], field, "{query}");
    }
}
