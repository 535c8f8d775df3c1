//! From a pledge to the charity: remittances, statements, and what a pledge has to give.

use std::time::Duration;

use apricot::model::Role::{Auditor, Guest, Host, Ops, Viewer};
use serde_json::{Value, json};

use super::feed::Feed;
use super::server::NOW;
use super::{ORDER, selling};

#[tokio::test(flavor = "multi_thread")]
async fn a_remittance_needs_two_people_and_the_bank() {
    let server = selling().await;
    let (sale, _) = server.open_sale(3).await;
    server.place("wang", ORDER, &sale, 2).await.expect(201);
    server.pay("wang", ORDER).await;
    let wish = || json!({"charityRegistration": "53100000"});
    let nothing = server.post(Ops, "ops", "/v1/remittances", wish()).await;
    nothing.refused(409, "wrong-state");
    server
        .post(Ops, "ops", "/v1/remittances", json!({"charityRegistration": "nobody"}))
        .await
        .refused(404, "not-found");
    let shipping = format!("/v1/orders/{ORDER}/shipping");
    for (role, subject, state) in [(Host, "li", "SHIPPED"), (Viewer, "wang", "CONFIRMED")] {
        let step =
            json!({"state": format!("ORDER_STATE_{state}"), "carrier": "SF", "trackingNumber": "SF1001"});
        server.post(role, subject, &shipping, step).await.expect(200);
    }
    let list = server.get(Auditor, "audit", "/v1/remittances").await.expect(200);
    assert_eq!(
        (&list["owed"][0]["charityName"], &list["owed"][0]["amount"]["minor"]),
        (&json!("Hope"), &json!("100"))
    );
    server.post(Host, "li", "/v1/remittances", wish()).await.refused(403, "forbidden");
    let run = server.post(Ops, "ops", "/v1/remittances", wish()).await.expect(201);
    assert_eq!(run["state"], "REMITTANCE_STATE_PROPOSED");
    let path = format!("/v1/remittances/{}", run["id"].as_str().unwrap());
    server.tell(Ops, "ops", &format!("{path}/approve")).await.refused(403, "forbidden");
    let bank = || json!({"reference": "ICBC 17", "proofSha256": "CD".repeat(32)});
    server.post(Ops, "ops", &format!("{path}/transfer"), bank()).await.refused(409, "wrong-state");
    server.tell(Ops, "treasurer", &format!("{path}/approve")).await.expect(200);
    let short = json!({"reference": "ICBC 17", "proofSha256": "cd"});
    let refused =
        server.post(Ops, "ops", &format!("{path}/transfer"), short).await.refused(422, "invalid-field");
    assert_eq!(refused["field"], "proofSha256");
    let done = server.post(Ops, "ops", &format!("{path}/transfer"), bank()).await.expect(200);
    assert_eq!(
        (&done["state"], &done["proofSha256"]),
        (&json!("REMITTANCE_STATE_TRANSFERRED"), &json!("cd".repeat(32)))
    );
    let late = json!({"reason": "too late"});
    server.post(Ops, "ops", &format!("{path}/withdraw"), late).await.refused(409, "wrong-state");
    let list = server.get(Ops, "ops", "/v1/remittances").await.expect(200);
    assert_eq!((list["remittances"].as_array().unwrap().len(), list.get("owed")), (1, None));
    let page = server.get(Guest, "guest", "/v1/projects/school").await.expect(200);
    assert_eq!(
        (&page["totals"][0]["remittedMinor"], &page["transfers"][0]["reference"]),
        (&json!("100"), &json!("ICBC 17"))
    );

    // The month's statements, for the charity, the host, and the regulator.
    let month = apricot::model::calendar::Month::of(NOW);
    let base = format!("/v1/statements/charities/53100000/{month}");
    let csv = server.get(Guest, "guest", &format!("{base}/statement.csv")).await.text;
    let expected = [
        "pledge,",
        ",school,School,Hope,53100000,CNY,1,1.00,0.00,1.00,0.00,1.00,1.00,0.00,1.00",
        "ICBC 17",
        "sum,",
    ];
    assert!(expected.iter().all(|part| csv.contains(part)), "{csv}");
    let html = server.get(Guest, "guest", &format!("{base}/statement.html")).await;
    assert!(html.headers["content-security-policy"].to_str().unwrap().contains("style-src 'sha256-"));
    assert!(html.text.contains("ICBC 17") && html.text.contains("School"), "{}", html.text);
    let own = format!("/v1/statements/hosts/li/{month}/statement.csv");
    assert!(server.get(Host, "li", &own).await.text.contains(",school,"));
    server.get(Host, "zhao", &own).await.refused(403, "forbidden");
    let wrong = server.get(Ops, "ops", "/v1/statements/hosts/li/2026-13/statement.csv").await;
    wrong.refused(422, "invalid-field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_would_give_less_than_a_coin_is_refused() {
    let server = selling().await;
    server.register(&["School", "Books"]).await;
    let pledge = json!({"pledge": {"parts": [{"projectId": "school"}, {"projectId": "books"}],
        "base": "PLEDGE_BASE_PAID_PRICE", "sharePpm": 1_000, "rounding": "ROUNDING_DOWN",
        "agreementSha256": "ab".repeat(32)}});
    let pledge = server.post(Host, "li", "/v1/pledges", pledge).await.expect(201);
    let sale = |minor: &str| {
        json!({"sku": "apricot", "price": {"minor": minor, "currency": "CNY"}, "stock": 1,
        "limitPerBuyer": 1, "durationSeconds": 600, "pledgeId": pledge["id"]})
    };
    let refused =
        server.post(Host, "li", "/v1/rooms/hill/sales", sale("1999")).await.refused(422, "invalid-field");
    assert_eq!(refused["field"], "pledgeId");
    server.post(Host, "li", "/v1/rooms/hill/sales", sale("2000")).await.expect(201);
}

/// What the room is told of a pledge: amounts, and whether it gives nothing more, in one reading.
#[tokio::test(flavor = "multi_thread")]
async fn a_pledge_that_is_full_or_over_says_so_with_its_total() {
    let server = selling().await;
    server.register(&["School"]).await;
    let ends = NOW.millis() + 3_600_000;
    let pledge = json!({"pledge": {"parts": [{"projectId": "school"}], "base": "PLEDGE_BASE_PAID_PRICE",
        "sharePpm": 25_000, "rounding": "ROUNDING_HALF_EVEN", "cap": {"minor": "60", "currency": "CNY"},
        "endsAtMs": ends.to_string(), "agreementSha256": "ab".repeat(32)}});
    let pledge = server.post(Host, "li", "/v1/pledges", pledge).await.expect(201);
    let sale = json!({"sku": "apricot", "price": {"minor": "1990", "currency": "CNY"}, "stock": 9, "limitPerBuyer": 9,
        "durationSeconds": 600, "pledgeId": pledge["id"], "openNow": true});
    let sale = server.post(Host, "li", "/v1/rooms/hill/sales", sale).await.expect(201);
    let mut feed = Feed::join(&server, "hill", Guest, Value::Null).await;
    let total =
        |said: &Value| said["state"]["charity"][0].as_object().map(|total| Value::Object(total.clone()));
    server.place("wang", ORDER, sale["id"].as_str().unwrap(), 2).await.expect(201);
    server.pay("wang", ORDER).await;
    // The order would give 1.00.
    let full = feed.until(|said| total(said).filter(|it| it.get("grossAccruedMinor").is_some())).await;
    assert_eq!(
        (&full["grossAccruedMinor"], &full["ended"]),
        (&json!("60"), &json!("PLEDGE_END_CAP_REACHED"))
    );
    let refund = json!({"amount": {"minor": "2000", "currency": "CNY"}, "reason": "bruised"});
    server.post(Host, "li", &format!("/v1/orders/{ORDER}/refunds"), refund).await.expect(200);
    let room = feed.until(|said| total(said).filter(|it| it.get("grossReversedMinor").is_some())).await;
    assert_eq!(room.get("ended"), None, "a refund made room: {room}");
    let read = async || {
        server.get(Guest, "guest", &format!("/v1/pledges/{}/total", pledge["id"].as_str().unwrap())).await
    };
    server.clock.advance(Duration::from_millis(3_599_999));
    assert_eq!(read().await.expect(200).get("ended"), None);
    server.clock.advance(Duration::from_millis(1));
    // Nothing is bought: the clock alone changes what the room says.
    let over = feed.until(|said| total(said).filter(|it| it.get("ended").is_some())).await;
    assert_eq!((&over["ended"], &over["sequence"]), (&json!("PLEDGE_END_PERIOD_OVER"), &room["sequence"]));
    assert_eq!(read().await.expect(200)["ended"], "PLEDGE_END_PERIOD_OVER");
}
