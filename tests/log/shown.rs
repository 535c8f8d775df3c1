//! What the site shows is altered, and its log is not: an audit names each figure. And the log over https, and beyond a full tile.

use apricot::model::Role::{Host, Ops, Viewer};
use serde_json::{Value, json};

use super::server::{self, Server};
use super::{FIRST, SECOND, asked, receipt, story, told, trust, words};

async fn audited(server: &Server, more: &[&str]) -> (i32, Value, String) {
    let site = format!("http://{}", server.running.address);
    let mut arguments = words(&["audit", &site, "--json", "--within", "0"]);
    arguments.extend(words(more));
    asked(arguments).await
}

/// Changes the record while nobody has it, and starts again.
async fn altered(server: Server, sql: &str) -> Server {
    let Server { running, data, .. } = server;
    running.stop().await.unwrap();
    let record = rusqlite::Connection::open(data.path().join("record.db")).unwrap();
    record.execute_batch(sql).unwrap();
    drop(record);
    let mut config = apricot::config::Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..apricot::config::Config::default()
    };
    config.provider.delay_ms = 600_000;
    config.public_log.tally_seconds = 3_600;
    server::start_with(config, data, apricot::clock::Clock::manual(server::NOW)).await
}

fn pledge() -> Value {
    json!({"pledge": {"parts": [{"projectId": "school"}], "base": "PLEDGE_BASE_PAID_PRICE", "sharePpm": 25000,
        "rounding": "ROUNDING_HALF_EVEN", "agreementSha256": "ab".repeat(32)}})
}

/// Of each difference, what it is of and its column, with what site and log say.
fn differ(said: &Value) -> Vec<String> {
    let differ = said["differ"].as_array().unwrap().iter();
    let text = |of: &Value| of.as_str().map_or_else(|| of.to_string(), str::to_owned);
    differ
        .map(|it| format!("{} {}: {} {}", text(&it["of"]), text(&it["column"]), it["site"], it["log"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_says_other_than_its_leaves_is_found() {
    let (server, _) = story().await;
    let (code, said, stderr) = audited(&server, &[]).await;
    assert_eq!((code, &said["projects"], &said["differ"]), (0, &json!(1), &json!([])), "{stderr}");
    // All, one county, one kind of produce, one project, one day.
    assert_eq!(said["boardRows"], 5);
    // Only what the record says of a leaf that the tiles have.
    let changed = "DROP TRIGGER log_leaves_stay;
        UPDATE log_leaves SET leaf = replace(leaf, '\"accrued\":200', '\"accrued\":300') WHERE tally = 'County CNY Gansu Lixian';";
    let server = altered(server, changed).await;
    let (code, said, stderr) = audited(&server, &[]).await;
    assert_eq!(
        (code, differ(&said)),
        (1, vec!["board county accrued: 300 200".to_owned()]),
        "{said} {stderr}"
    );
    // A row that is not there.
    let hidden = "DROP TRIGGER log_leaves_stay; UPDATE log_leaves SET tally = NULL WHERE tally = 'County CNY Gansu Lixian';";
    let server = altered(
        server,
        &format!("CREATE TRIGGER log_leaves_stay BEFORE UPDATE ON log_leaves BEGIN SELECT 1; END; {hidden}"),
    )
    .await;
    let (code, said, _) = audited(&server, &[]).await;
    assert_eq!((code, differ(&said).len()), (1, 1), "{said}");
    assert!(differ(&said)[0].starts_with("board county tallyLeaf: null "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_total_of_a_pledge_or_a_project_is_found() {
    let (server, _) = story().await;
    // Confirmed by receipt, which is in two places.
    let server =
        altered(server, "UPDATE totals SET credits = credits + 1 WHERE code = 5 AND credits > 0;").await;
    let (code, said, stderr) = audited(&server, &[]).await;
    let wanted = ["pledge confirmed: 101 100", "project confirmed: 101 100"];
    assert_eq!((code, differ(&said)), (1, wanted.map(str::to_owned).to_vec()), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_shows_other_than_was_matched_is_found() {
    let server = server::start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, _) = server.open_sale(9).await;
    let closes_at = (server::NOW.millis() + 3_600_000).to_string();
    let pool = json!({"sponsor": "An orchard", "currency": "CNY",
        "terms": {"buyerMinuteLimit": 3, "ratio": {"ppm": 1_000_000}},
        "slots": [{"closesAtMs": closes_at, "budgetMinor": "160"}]});
    server.post(Ops, "ops", "/v1/pools", pool).await.expect(201);
    server.place("wang", FIRST, &sale, 2).await.expect(201);
    server.pay("wang", FIRST).await;
    told(&server).await;
    let (code, said, stderr) = audited(&server, &[]).await;
    assert_eq!((code, &said["pools"], &said["withheldWins"]), (0, &json!(1), &json!(0)), "{said} {stderr}");
    let server = altered(server, "UPDATE pool_slots SET spent = spent - 40;").await;
    let (code, said, stderr) = audited(&server, &[]).await;
    assert_eq!((code, differ(&said)), (1, vec!["pool slots[0].spent: 60 100".to_owned()]), "{said} {stderr}");
}

/// A draw opens when the hash of its seed is in the log, and not before.
#[tokio::test(flavor = "multi_thread")]
async fn a_draw_does_not_open_before_its_seed_is_committed_to() {
    let server = server::start().await;
    let at = |seconds: i64| (server::NOW.millis() + seconds * 1_000).to_string();
    let pool = |opens: &str| {
        json!({"sponsor": "An orchard", "currency": "CNY",
            "terms": {"buyerMinuteLimit": 3, "draw": {"tiers": [{"chancePpm": 1, "amountMinor": "5"}]}},
            "slots": [{"opensAtMs": opens, "closesAtMs": at(600), "budgetMinor": "160"}]})
    };
    let early = server.post(Ops, "ops", "/v1/pools", pool(&at(9))).await.refused(422, "invalid-field");
    assert_eq!(early["field"], "slots[0].opensAtMs");
    assert!(early["detail"].as_str().unwrap().contains("10 s"), "{early}");
    let made = server.post(Ops, "ops", "/v1/pools", pool("0")).await.expect(201);
    assert_eq!(made["slots"][0]["opensAtMs"], at(10), "as soon as it may be");
    server.post(Ops, "ops", "/v1/pools", pool(&at(10))).await.expect(201);
}

/// Pledges of which the log is told nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_pledge_that_the_log_does_not_know_is_found() {
    let (server, _) = story().await;
    let server = altered(server, "DROP TRIGGER pledges_to_log;").await;
    server.post(Host, "li", "/v1/pledges", pledge()).await.expect(201);
    told(&server).await;
    let (code, said, stderr) = audited(&server, &[]).await;
    assert_eq!((code, differ(&said)), (1, vec!["pledge version: 1 0".to_owned()]), "{said} {stderr}");
}

/// 300 leaves: a full tile of hashes and one of entries, a proof from hash tiles, and an audit that goes on from where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_beyond_a_full_tile_is_read_over_http() {
    let (server, _) = story().await;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("seen.json").display().to_string();
    let (code, said, stderr) = audited(&server, &["--state", &state]).await;
    assert_eq!(code, 0, "{stderr}");
    let before = said["size"].as_u64().unwrap();
    server.get(Viewer, "wang", "/log/tile/0/000").await.refused(404, "not-found");
    for _ in 0..300 {
        server.post(Host, "li", "/v1/pledges", pledge()).await.expect(201);
    }
    told(&server).await;
    for path in ["/log/tile/0/000", "/log/tile/1/000.p/1"] {
        let answer = server.request(reqwest::Method::GET, path).send().await.unwrap();
        let wanted = if path.ends_with("/1") { 32 } else { 8_192 };
        assert_eq!((answer.status().as_u16(), answer.bytes().await.unwrap().len()), (200, wanted), "{path}");
    }
    let (code, said, stderr) = audited(&server, &["--state", &state]).await;
    assert_eq!((code, &said["size"]), (0, &json!(before + 300)), "{said} {stderr}");
    let old: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    let trees = old.as_object().unwrap().values().next().unwrap();
    assert_eq!((trees[0]["size"].as_u64(), trees[1]["size"].as_u64()), (Some(before), Some(before + 300)));
    let other = old.to_string().replacen(trees[0]["root"].as_str().unwrap(), &"ab".repeat(32), 1);
    std::fs::write(&state, other).unwrap();
    let (code, _, stderr) = audited(&server, &["--state", &state]).await;
    assert!(code == 1 && stderr.contains("was rewritten"), "a tree that was seen long ago: {stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_audited_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let pair = super::pair::Pair::of(&["127.0.0.1"]);
    pair.write(folder.path());
    let file = |name: &str| folder.path().join(name);
    let mut config = apricot::config::Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..apricot::config::Config::default()
    };
    config.tls =
        Some(apricot::config::TlsConfig { certificate: file("certificate.pem"), key: file("key.pem") });
    let clock = apricot::clock::Clock::manual(server::NOW);
    let server = server::start_with(config, tempfile::tempdir().unwrap(), clock).await;
    told(&server).await;
    let site = format!("https://{}", server.running.address);
    let ca = file("certificate.pem").display().to_string();
    let audit = |more: &[&str]| {
        let mut arguments = words(&["audit", &site, "--json", "--within", "0"]);
        arguments.extend(words(more));
        asked(arguments)
    };
    let (code, said, stderr) = audit(&["--ca", &ca]).await;
    assert_eq!((code, &said["ok"]), (0, &json!(true)), "{stderr}");
    let stranger = super::pair::Pair::of(&["127.0.0.1"]);
    std::fs::write(file("stranger.pem"), &stranger.certificate).unwrap();
    let (code, _, stderr) = audit(&["--ca", &file("stranger.pem").display().to_string()]).await;
    assert!(code == 1 && stderr.contains("certificate"), "{stderr}");
    let (code, _, stderr) = audit(&["--ca", &file("nothing.pem").display().to_string()]).await;
    assert!(code == 2 && stderr.contains("nothing.pem"), "{stderr}");
    // By a name that the certificate does not have.
    let other = site.replace("127.0.0.1", "localhost");
    let (code, _, stderr) = asked(words(&["audit", &other, "--ca", &ca])).await;
    assert!(code == 1 && stderr.contains("certificate"), "{stderr}");
}

/// Nobody is named in the log: not by the order, not by who bought, and not by where it goes.
#[tokio::test(flavor = "multi_thread")]
async fn no_leaf_has_anything_of_a_person() {
    let (server, _) = story().await;
    let placed = server.running.sales.ledger().journal().log_leaves(0, 1_000).await.unwrap();
    for kind in ["pledge", "accrual", "confirmation", "reversal", "remittance", "tally"] {
        let named = format!(r#""kind":"{kind}""#);
        assert!(placed.iter().any(|placed| placed.leaf.contains(&named)), "{kind}");
    }
    // As the addresses of the story have them, and as ids are written elsewhere.
    let mut personal: Vec<String> = [
        "\"wang\"",
        "\"mei\"",
        "\"li\"",
        "王",
        "138 0000 0000",
        "13800000000",
        "县城东街",
        "SF1001",
        "bruised",
        "treasurer",
    ]
    .map(str::to_owned)
    .to_vec();
    for order in [FIRST, SECOND] {
        let payment = server.payment(order).await.to_string();
        for id in [order.to_owned(), payment] {
            personal.extend([id.replace('-', ""), id.to_uppercase(), id]);
        }
    }
    let trust = trust(&server).await;
    for (buyer, order) in [("wang", FIRST), ("mei", SECOND)] {
        let receipt = receipt(&server, buyer, order).await;
        assert!(super::verdict(&receipt, &trust).complete);
        personal.push(receipt["salt"].as_str().unwrap().to_owned());
    }
    for placed in placed {
        let leaf = placed.leaf;
        assert!(!personal.iter().any(|words| leaf.contains(words.as_str())), "leaf {}: {leaf}", placed.index);
    }
}
