//! The export for the regulator: terms as they were when things were sold, and every column of it.

use std::collections::HashMap;

use apricot::model::Role::{Auditor, Guest, Host, Ops, Viewer};
use reqwest::Method;
use serde_json::{Value, json};

use super::server::{NOW, Server, send};
use super::{ORDER, OTHER, selling};

type Row = HashMap<String, String>;

fn rows(csv: &str) -> Vec<Row> {
    let mut table = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    table.deserialize().collect::<Result<_, _>>().unwrap()
}

async fn export(server: &Server, of: &str) -> Vec<Row> {
    let path = format!("/v1/statements/{of}/2026-09/regulator.csv");
    rows(&server.get(Auditor, "audit", &path).await.text)
}

#[track_caller]
fn has(row: &Row, columns: &[(&str, &str)]) {
    for (column, wanted) in columns {
        assert_eq!(row.get(*column).map(String::as_str), Some(*wanted), "{column}");
    }
}

/// One order under each of two versions of a pledge; the first received and remitted, the second matched by a sponsor and refunded in part.
async fn two_versions() -> (Server, String) {
    let server = selling().await;
    let (sale, pledge) = server.open_sale(9).await;
    let put = async |path: &str, body: Value| {
        assert!(send(server.by(Ops, "ops", Method::PUT, path).json(&body)).await.status.is_success());
    };
    let hope = json!({"name": "Hope", "qualification": "public fundraising", "platform": "Example platform",
        "platformUrl": "https://giving.example/"});
    put("/v1/charities/53100000", hope).await;
    put("/v1/projects/school", json!({"charity": "53100000", "title": "School", "recordNumber": "A-1"}))
        .await;
    let told = json!({"title": "First quarter", "text": "4,280 meals"});
    server.post(Ops, "ops", "/v1/projects/school/reports", told).await.expect(201);

    server.place("wang", ORDER, &sale, 2).await.expect(201);
    server.pay("wang", ORDER).await;
    for (role, subject, state) in [(Host, "li", "SHIPPED"), (Viewer, "wang", "CONFIRMED")] {
        let step =
            json!({"state": format!("ORDER_STATE_{state}"), "carrier": "SF", "trackingNumber": "SF1001"});
        server.post(role, subject, &format!("/v1/orders/{ORDER}/shipping"), step).await.expect(200);
    }
    server.remit().await;

    let second = json!({"pledge": {"id": pledge, "parts": [{"projectId": "school"}], "base": "PLEDGE_BASE_PAID_PRICE",
        "sharePpm": 50_000, "rounding": "ROUNDING_DOWN", "cap": {"minor": "100000", "currency": "CNY"},
        "startsAtMs": NOW.millis().to_string(), "endsAtMs": (NOW.millis() + 86_400_000).to_string(),
        "agreementSha256": "cd".repeat(32)}});
    assert_eq!(server.post(Host, "li", "/v1/pledges", second).await.expect(201)["version"], 2);
    let pool = json!({"sponsor": "An orchard", "currency": "CNY",
        "terms": {"buyerMinuteLimit": 9, "ratio": {"ppm": 500_000}},
        "slots": [{"closesAtMs": (NOW.millis() + 600_000).to_string(), "budgetMinor": "100000"}]});
    server.post(Ops, "ops", "/v1/pools", pool).await.expect(201);
    let sale = json!({"sku": "apricot", "price": {"minor": "2000", "currency": "CNY"}, "stock": 9,
        "limitPerBuyer": 2, "durationSeconds": 600, "pledgeId": pledge, "openNow": true});
    let sale = server.post(Host, "li", "/v1/rooms/hill/sales", sale).await.expect(201);
    server.place("mei", OTHER, sale["id"].as_str().unwrap(), 2).await.expect(201);
    server.pay("mei", OTHER).await;
    let refund = json!({"amount": {"minor": "1000", "currency": "CNY"}, "reason": "bruised"});
    server.post(Host, "li", &format!("/v1/orders/{OTHER}/refunds"), refund).await.expect(200);
    let log = &server.running.log;
    while log.append(None, false, NOW).await.unwrap() {}
    (server, pledge)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_has_the_terms_that_it_was_sold_under() {
    let (server, pledge) = two_versions().await;
    let all = export(&server, "everybody").await;
    assert_eq!(
        all.iter().map(|row| row["line"].as_str()).collect::<Vec<_>>(),
        ["pledge", "pledge", "remittance"]
    );
    let leaf = async |row: &Row| {
        let path = format!("/v1/log/leaves/{}", row["leaf"]);
        let leaf = server.get(Guest, "guest", &path).await.expect(200);
        serde_json::from_str::<Value>(leaf["leaf"].as_str().unwrap()).unwrap()
    };
    let whole = [
        ("line", "pledge"),
        ("charity", "Hope"),
        ("registration", "53100000"),
        ("qualification", "public fundraising"),
        ("platform", "Example platform"),
        ("project", "school"),
        ("title", "School"),
        ("record_number", "A-1"),
        ("pledge", pledge.as_str()),
        ("merchant", "li"),
        ("merchant_name", "Li"),
        ("version", "2"),
        ("agreement_sha256", &"cd".repeat(32)),
        ("share", "5 %"),
        ("part", "1/1"),
        ("cap", "1000.00"),
        ("pledge_from", "2026-09-21"),
        ("pledge_until", "2026-09-22"),
        ("period_from", "2026-09-01"),
        ("period_until", "2026-09-30"),
        ("currency", "CNY"),
        ("orders", "1"),
        ("goods_paid", "40.00"),
        ("accrued", "2.00"),
        ("reversed", "0.50"),
        ("confirmed", "0.00"),
        ("corrected", "0.00"),
        ("matched", "1.00"),
        ("unmatched", "0.25"),
        ("remitted", ""),
        ("remitted_on", ""),
        ("reference", ""),
        ("proof_sha256", ""),
        ("last_report", "2026-09-21"),
        ("next_report_due", "2026-12-20"),
    ];
    has(&all[1], &whole);
    assert_eq!(all[1].len(), whole.len() + 1, "and its leaf");
    assert_eq!(leaf(&all[1]).await["version"], 2);
    let first = [
        ("version", "1"),
        ("agreement_sha256", &"ab".repeat(32)),
        ("share", "2.5 %"),
        ("cap", ""),
        ("pledge_from", ""),
        ("pledge_until", ""),
        ("goods_paid", "39.80"),
        ("accrued", "1.00"),
        ("reversed", "0.00"),
        ("confirmed", "1.00"),
        ("matched", "0.00"),
    ];
    has(&all[0], &first);
    assert_eq!(leaf(&all[0]).await["version"], 1);
    let sent = [
        ("charity", "Hope"),
        ("pledge", pledge.as_str()),
        ("version", ""),
        ("share", ""),
        ("accrued", ""),
        ("remitted", "1.00"),
        ("remitted_on", "2026-09-21"),
        ("reference", "BANK-1"),
        ("proof_sha256", &"cd".repeat(32)),
        ("next_report_due", "2026-12-20"),
    ];
    has(&all[2], &sent);
    assert_eq!(leaf(&all[2]).await["kind"], "remittance");
    for of in ["charities/53100000", "hosts/li"] {
        assert_eq!(export(&server, of).await, all, "{of}");
    }
    assert!(export(&server, "hosts/zhao").await.is_empty());
    for of in ["everybody", "charities/53100000", "hosts/li"] {
        let path = format!("/v1/statements/{of}/2026-10/regulator.csv");
        assert!(rows(&server.get(Ops, "ops", &path).await.text).is_empty(), "{of}");
        server.get(Host, "li", &path).await.refused(403, "forbidden");
    }
    let nobody = "/v1/statements/charities/nobody/2026-09/regulator.csv";
    server.get(Ops, "ops", nobody).await.refused(404, "not-found");

    // The statements say what sponsors added apart, whosever they are.
    for of in ["hosts/li", "projects/school", "charities/53100000"] {
        let base = format!("/v1/statements/{of}/2026-09");
        let table = rows(&server.get(Ops, "ops", &format!("{base}/statement.csv")).await.text);
        assert_eq!(table.len(), 3, "{of}");
        for row in [&table[0], &table[2]] {
            let sums =
                [("orders", "2"), ("accrued", "3.00"), ("reversed", "0.50"), ("standing_at_end", "2.50")];
            has(row, &sums);
            has(row, &[("confirmed", "1.00"), ("remitted", "1.00"), ("payable_at_end", "0.00")]);
            has(row, &[("matched", "1.00"), ("unmatched", "0.25"), ("matched_at_end", "0.75")]);
        }
        has(
            &table[1],
            &[("line", "remittance"), ("remitted", "1.00"), ("date", "2026-09-21"), ("reference", "BANK-1")],
        );
        let page = server.get(Ops, "ops", &format!("{base}/statement.html")).await.text;
        for said in ["School", "BANK-1", "Matched", "<td>0.25</td>", "<td>0.75</td>"] {
            assert!(page.contains(said), "{of} {said}: {page}");
        }
    }
}
