//! The public log of a real server, read as strangers read it: files, receipts, and an audit of all of it.

#[allow(dead_code, reason = "shared with the tests of REST")]
#[path = "rest/server.rs"]
mod server;

#[allow(dead_code, reason = "shared with the tests of TLS")]
#[path = "tls/pair.rs"]
mod pair;

#[path = "log/dishonest.rs"]
mod dishonest;
#[path = "log/fake.rs"]
mod fake;
#[path = "log/shown.rs"]
mod shown;

use std::process::{Command, Output};

use apricot::model::Role::{Host, Ops, Viewer};
use apricot_tlog::checkpoint::{Checkpoint, SignedCheckpoint, Trust};
use apricot_tlog::merkle::{Tree, leaf_hash};
use apricot_tlog::note::Signer;
use apricot_tlog::proof::Proof;
use apricot_tlog::receipt::{Verdict, verify};
use apricot_tlog::tile::{Kind, Tile, bundle};
use apricot_tlog::witness::AddCheckpoint;
use serde_json::{Value, json};
use server::{Server, start};

const FIRST: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const SECOND: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

/// Of a receipt.
type Change<'a> = &'a dyn Fn(&mut Value);

/// Everything that waits is in the log, and a tally of it.
async fn told(server: &Server) {
    let log = &server.running.log;
    while log.append(None, false, server.clock.now()).await.unwrap() {}
    log.append(None, true, server.clock.now()).await.unwrap();
}

/// One order paid and received, one refunded in part, money handed over.
async fn story() -> (Server, String) {
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, pledge) = server.open_sale(9).await;
    for (buyer, order) in [("wang", FIRST), ("mei", SECOND)] {
        server.place(buyer, order, &sale, 2).await.expect(201);
        server.pay(buyer, order).await;
    }
    let step = |state: &str| json!({"state": state, "carrier": "SF", "trackingNumber": "SF1001"});
    let path = format!("/v1/orders/{FIRST}/shipping");
    server.post(Host, "li", &path, step("ORDER_STATE_SHIPPED")).await.expect(200);
    server.post(Viewer, "wang", &path, step("ORDER_STATE_CONFIRMED")).await.expect(200);
    let refund = json!({"amount": {"minor": "1000", "currency": "CNY"}, "reason": "bruised"});
    server.post(Host, "li", &format!("/v1/orders/{SECOND}/refunds"), refund).await.expect(200);
    server.remit().await;
    told(&server).await;
    (server, pledge)
}

async fn receipt(server: &Server, buyer: &str, order: &str) -> Value {
    server.get(Viewer, buyer, &format!("/v1/orders/{order}/receipt")).await.expect(200)
}

async fn trust(server: &Server) -> Trust {
    Trust::parse(&server.get(Viewer, "wang", "/log/keys").await.text).unwrap()
}

fn verdict(receipt: &Value, trust: &Trust) -> Verdict {
    verify(receipt.to_string().as_bytes(), trust)
}

fn apricot(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apricot")).args(arguments).output().unwrap()
}

/// Beside the server, which lives in this process.
async fn asked(arguments: Vec<String>) -> (i32, Value, String) {
    let answered = tokio::task::spawn_blocking(move || {
        apricot(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let Output { status, stdout, stderr } = answered.await.unwrap();
    let said = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
    (status.code().unwrap(), said, String::from_utf8(stderr).unwrap())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_holds_offline_and_no_other_does() {
    let (server, _) = story().await;
    let trust = trust(&server).await;
    let (whole, refunded) = (receipt(&server, "wang", FIRST).await, receipt(&server, "mei", SECOND).await);
    for (receipt, charity, leaves) in [(&whole, "100", 3), (&refunded, "74", 3)] {
        let found = verdict(receipt, &trust);
        assert!(found.ok && found.complete, "{found:?}");
        assert_eq!(receipt["charity"]["minor"], charity);
        assert_eq!(receipt["entries"].as_array().unwrap().len(), leaves, "the pledge, and the order's lines");
    }
    let mut others: Vec<(&str, Value)> = Vec::new();
    let mut change = |what, pointer: &str, value: Value| {
        let mut receipt = whole.clone();
        *receipt.pointer_mut(pointer).unwrap() = value;
        others.push((what, receipt));
    };
    change("another amount", "/charity/minor", json!("101"));
    change("another price", "/paid/minor", json!("3981"));
    change("another order", "/orderId", json!(SECOND));
    change("another salt", "/salt", json!("00".repeat(32)));
    change("the proof of another order", "/entries/1", refunded["entries"][1].clone());
    let leaf = whole["entries"][1]["leaf"].as_str().unwrap();
    change("a leaf changed", "/entries/1/leaf", json!(leaf.replace("\"amount\":100", "\"amount\":900")));
    let proof = whole["entries"][1]["proof"].as_str().unwrap();
    change("a checkpoint changed", "/entries/1/proof", json!(proof.replace("\nindex 1\n", "\nindex 2\n")));
    for (what, receipt) in others {
        assert!(!verdict(&receipt, &trust).ok, "{what}");
    }
    let forger = start().await;
    told(&forger).await;
    let keys = Trust::parse(&forger.get(Viewer, "wang", "/log/keys").await.text).unwrap();
    assert!(!verdict(&whole, &keys).ok, "another log's key");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_for_their_buyers() {
    let (server, _) = story().await;
    let path = format!("/v1/orders/{FIRST}/receipt");
    server.get(Viewer, "mei", &path).await.refused(404, "not-found");
    server.get(Host, "li", &path).await.refused(403, "forbidden");
    assert_eq!(server.get(Ops, "ops", &path).await.expect(200), receipt(&server, "wang", FIRST).await);
    let proof = server.get(Viewer, "wang", &format!("/v1/orders/{FIRST}/proof")).await;
    let whole = receipt(&server, "wang", FIRST).await;
    assert_eq!(proof.text, whole["entries"][1]["proof"]);
    let leaf = leaf_hash(whole["entries"][1]["leaf"].as_str().unwrap().as_bytes());
    Proof::parse(proof.text.as_bytes()).unwrap().verify(leaf, &trust(&server).await).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_log_are_the_tree_that_is_signed() {
    let (server, _) = story().await;
    let note = server.get(Viewer, "wang", "/log/checkpoint").await;
    assert_eq!(note.headers["access-control-allow-origin"], "*");
    let believed =
        SignedCheckpoint::parse(note.text.as_bytes()).unwrap().verify(&trust(&server).await).unwrap();
    let size = believed.checkpoint.size;
    let tile = Tile::in_tree(Kind::Entries, 0, size).unwrap();
    let bytes = server.request(reqwest::Method::GET, &format!("/log/{tile}")).send().await.unwrap();
    assert_eq!(bytes.headers()["cache-control"], "public, max-age=31536000, immutable");
    let bytes = bytes.bytes().await.unwrap();
    let mut tree = Tree::default();
    for (index, entry) in bundle::decode(&bytes, tile.width).unwrap().into_iter().enumerate() {
        tree.append(leaf_hash(entry));
        assert!(!String::from_utf8_lossy(entry).contains(FIRST), "leaf {index} names an order");
    }
    assert_eq!((tree.size(), tree.root()), (size, believed.checkpoint.root));
    for path in ["/log/tile/0/001", "/log/tile/9/000", "/log/tile/0/..%2f..%2fkeys", "/log/tile/x/000"] {
        server.get(Viewer, "wang", path).await.refused(404, "not-found");
    }
    let info = server.get(Viewer, "wang", "/v1/log").await.expect(200);
    assert_eq!((&info["size"], &info["checkpoint"]), (&json!(size.to_string()), &json!(note.text)));
    let leaf = server.get(Viewer, "wang", "/v1/log/leaves/0").await.expect(200);
    assert!(leaf["leaf"].as_str().unwrap().starts_with(r#"{"v":1,"kind":"pledge""#));
    server.get(Viewer, "wang", &format!("/v1/log/leaves/{size}")).await.refused(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_what_the_tallies_say() {
    let (server, _) = story().await;
    let board = server.get(Viewer, "wang", "/v1/board").await.expect(200);
    let all = &board["all"][0];
    let sums =
        ["grossAccruedMinor", "grossReversedMinor", "confirmedMinor", "remittedMinor", "orders", "paidMinor"];
    assert_eq!(sums.map(|sum| all[sum].as_str().unwrap()), ["200", "26", "100", "100", "2", "7960"]);
    assert_eq!(board["counties"][0]["key"], "Gansu Lixian");
    // The day's last tally is the newest one.
    let (day, days) = (&board["days"][0], board["days"].as_array().unwrap().len());
    assert_eq!(
        (days, &day["tallyLeaf"], sums.map(|sum| &day[sum])),
        (1, &all["tallyLeaf"], sums.map(|sum| &all[sum]))
    );
    let date: Vec<usize> = day["key"].as_str().unwrap().split('-').map(str::len).collect();
    assert_eq!(date, [4, 2, 2]);
    let tally = all["tallyLeaf"].as_str().unwrap();
    let leaf = server.get(Viewer, "wang", &format!("/v1/log/leaves/{tally}")).await.expect(200);
    assert!(leaf["leaf"].as_str().unwrap().contains(r#""scope":"all""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_on_after_a_restart_and_without_its_files() {
    let (server, _) = story().await;
    let before = server.get(Viewer, "wang", "/log/checkpoint").await.text;
    std::fs::remove_dir_all(server.data.path().join("log")).unwrap();
    let server = server.restart().await;
    assert_eq!(server.get(Viewer, "wang", "/log/checkpoint").await.text, before);
    let found = verdict(&receipt(&server, "wang", FIRST).await, &trust(&server).await);
    assert!(found.ok && found.complete, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_finds_what_was_tampered_with() {
    let (server, pledge) = story().await;
    let site = format!("http://{}", server.running.address);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("seen.json").display().to_string();
    let audit = |more: &[&str]| {
        let mut arguments = words(&["audit", &site, "--json", "--within", "0"]);
        arguments.extend(words(more));
        asked(arguments)
    };
    let (code, said, stderr) = audit(&["--state", &state]).await;
    assert_eq!((code, &said["ok"], &said["found"]), (0, &json!(true), &json!(0)), "{said} {stderr}");
    assert_eq!(said["pledges"], 1);

    let seen = std::fs::read_to_string(&state).unwrap();
    let root = said["root"].as_str().unwrap();
    std::fs::write(&state, seen.replace(root, &"ab".repeat(32))).unwrap();
    let (code, _, stderr) = audit(&["--state", &state]).await;
    assert!(code == 1 && stderr.contains("was rewritten"), "a forked tree: {stderr}");
    std::fs::write(
        &state,
        json!({said["origin"].as_str().unwrap(): [{"size": 10_000, "root": root}]}).to_string(),
    )
    .unwrap();
    let (code, _, stderr) = audit(&["--state", &state]).await;
    assert!(code == 1 && stderr.contains("went back"), "a checkpoint rolled back: {stderr}");
    let entries = server.data.path().join("log/tile/entries");
    for entry in walk(&entries) {
        let mut bytes = std::fs::read(&entry).unwrap();
        let at = bytes.windows(8).position(|part| part == b"\"amount\"").unwrap();
        bytes[at + 9] ^= 1;
        std::fs::write(&entry, bytes).unwrap();
    }
    let (code, _, stderr) = audit(&[]).await;
    assert!(code == 1 && stderr.contains("root"), "a leaf changed: {stderr}");

    std::fs::remove_dir_all(server.data.path().join("log")).unwrap();
    let Server { running, data, .. } = server;
    running.stop().await.unwrap();
    let record = rusqlite::Connection::open(data.path().join("record.db")).unwrap();
    record.execute("UPDATE totals SET credits = credits + 1 WHERE code = 3 AND credits > 0", []).unwrap();
    drop(record);
    let server = server::start_in(data).await;
    let site = format!("http://{}", server.running.address);
    let (code, said, _) = asked(words(&["audit", &site, "--json", "--within", "0"])).await;
    assert_eq!((code, &said["ok"]), (1, &json!(false)), "a total altered");
    let differs =
        |of: &str, key: &str| json!({"of": of, "key": key, "column": "accrued", "site": 201, "log": 200});
    assert_eq!(said["differ"], json!([differs("pledge", &pledge), differs("project", "school")]));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { files.extend(walk(&entry.path())) } else { files.push(entry.path()) }
    }
    files
}

/// A sponsor doubles gifts until the budget is at its end: told apart everywhere, and nothing for an auditor to find.
#[tokio::test(flavor = "multi_thread")]
async fn a_sponsored_sale_is_told_apart_and_audited() {
    let server = start().await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, pledge) = server.open_sale(9).await;
    let hour = std::time::Duration::from_secs(3_600);
    let closes_at = server::NOW.millis() + 3_600_000;
    let pool = json!({"sponsor": "An orchard", "currency": "CNY",
        "terms": {"buyerMinuteLimit": 3, "ratio": {"ppm": 1_000_000}},
        "slots": [{"closesAtMs": closes_at.to_string(), "budgetMinor": "160"}]});
    server.post(Host, "li", "/v1/pools", pool.clone()).await.refused(403, "forbidden");
    let bad = json!({"sponsor": "An orchard", "currency": "CNY", "terms": {"buyerMinuteLimit": 3}});
    let bad = server.post(Ops, "ops", "/v1/pools", bad).await.refused(422, "invalid-field");
    assert_eq!(bad["field"], "terms");
    let made = server.post(Ops, "ops", "/v1/pools", pool).await.expect(201);
    let path = format!("/v1/pools/{}", made["id"].as_str().unwrap());
    let commitment = made["slots"][0]["seedSha256"].as_str().unwrap().to_owned();
    assert!(made["slots"][0]["seed"].is_null(), "a secret while it is open: {made}");

    for (buyer, order) in [("wang", FIRST), ("mei", SECOND)] {
        server.place(buyer, order, &sale, 2).await.expect(201);
        server.pay(buyer, order).await;
    }
    let refund = json!({"amount": {"minor": "1990", "currency": "CNY"}, "reason": "bruised"});
    server.post(Host, "li", &format!("/v1/orders/{FIRST}/refunds"), refund).await.expect(200);
    told(&server).await;
    let trust = trust(&server).await;
    for (buyer, order, charity, matched) in [("wang", FIRST, "50", "50"), ("mei", SECOND, "100", "60")] {
        let receipt = receipt(&server, buyer, order).await;
        let found = verdict(&receipt, &trust);
        assert!(found.ok && found.complete, "{found:?}");
        assert_eq!([&receipt["charity"]["minor"], &receipt["matched"]["minor"]], [charity, matched]);
        let mut other = receipt.clone();
        other["matched"]["minor"] = json!("61");
        assert!(!verdict(&other, &trust).ok, "another match");
    }
    let total = server.get(Viewer, "wang", &format!("/v1/pledges/{pledge}/total")).await.expect(200);
    let sums = ["grossAccruedMinor", "grossReversedMinor", "grossMatchedMinor", "grossUnmatchedMinor"];
    assert_eq!(sums.map(|sum| total[sum].as_str().unwrap()), ["200", "50", "160", "50"]);
    let board = server.get(Viewer, "wang", "/v1/board").await.expect(200);
    assert_eq!(board["projects"][0]["grossMatchedMinor"], "160");

    let why = json!({"reason": "the sponsor asked us to wait"});
    server.post(Host, "li", &format!("{path}/freeze"), why.clone()).await.refused(403, "forbidden");
    let frozen = server.post(Ops, "ops", &format!("{path}/freeze"), why.clone()).await.expect(200);
    assert_eq!((&frozen["frozen"], &frozen["slots"][0]["leftMinor"]), (&json!(true), &json!("50")));
    let trail = server.get(Ops, "ops", "/v1/ops/audit").await.expect(200);
    assert_eq!(
        [&trail["lines"][0]["action"], &trail["lines"][0]["reason"]],
        ["freeze-pool", why["reason"].as_str().unwrap()]
    );
    server.post(Ops, "ops", &format!("{path}/unfreeze"), why).await.expect(200);

    server.clock.advance(hour + hour / 60);
    let ledger = server.running.sales.ledger();
    ledger.publish_seeds(None, server.clock.now()).await.unwrap();
    told(&server).await;
    let listed = server.get(Viewer, "wang", "/v1/pools").await.expect(200);
    let shown = server.get(Viewer, "wang", &path).await.expect(200);
    assert_eq!(listed["pools"][0], shown);
    let seed = shown["slots"][0]["seed"].as_str().unwrap();
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert_eq!(apricot_tlog::merkle::Hash::of(&bytes).to_hex(), commitment);
    server.get(Viewer, "wang", &format!("/v1/pools/{pledge}")).await.refused(404, "not-found");
    let site = format!("http://{}", server.running.address);
    let (code, said, stderr) = asked(words(&["audit", &site, "--json", "--within", "0"])).await;
    assert_eq!((code, &said["ok"], &said["found"]), (0, &json!(true), &json!(0)), "{said} {stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_checked_from_its_file() {
    let (server, _) = story().await;
    let folder = tempfile::tempdir().unwrap();
    let [file, key, other] = ["receipt.json", "log.key", "other.json"].map(|name| folder.path().join(name));
    let whole = receipt(&server, "wang", FIRST).await;
    std::fs::write(&file, whole.to_string()).unwrap();
    std::fs::write(&key, server.get(Viewer, "wang", "/log/keys").await.text).unwrap();
    let mut changed = whole.clone();
    changed["charity"]["minor"] = json!("1000");
    std::fs::write(&other, changed.to_string()).unwrap();
    let [file, key, other] = [file, key, other].map(|path| path.display().to_string());
    let (code, said, stderr) = asked(words(&["verify", &file, "--key", &key, "--json"])).await;
    assert_eq!((code, &said["ok"], &said["keysFrom"]), (0, &json!(true), &json!("file")), "{said} {stderr}");
    let (code, said, stderr) = asked(words(&["verify", &other, "--json"])).await;
    assert_eq!((code, &said["ok"]), (1, &json!(false)));
    assert!(stderr.contains("1000"), "{stderr}");

    // Checks that are switched off from inside the receipt are not passed.
    let verify = async |with: Change<'_>, more: &[&str]| {
        let mut changed = whole.clone();
        with(&mut changed);
        std::fs::write(&other, changed.to_string()).unwrap();
        asked([words(&["verify", &other, "--key", &key, "--json"]), words(more)].concat()).await
    };
    let remove = |name: &'static str| move |it: &mut Value| drop(it.as_object_mut().unwrap().remove(name));
    let waits = |it: &mut Value| it["waiting"] = json!(1);
    let nothing = |it: &mut Value| {
        remove("entries")(it);
        remove("charity")(it);
    };
    let switched: [(&str, Change<'_>); 3] =
        [("amounts", &waits), ("commitment", &remove("salt")), ("proofs", &nothing)];
    for (check, with) in switched {
        let (code, said, stderr) = verify(with, &[]).await;
        assert_eq!((code, &said["ok"], &said["complete"]), (1, &json!(true), &json!(false)), "{said}");
        assert!(stderr.contains(&format!("not everything could be checked: {check}")), "{stderr}");
        assert_eq!(verify(with, &["--partial"]).await.0, 0, "{check}");
    }
    let (code, _, stderr) = verify(&remove("entries"), &["--partial"]).await;
    assert!(code == 1 && stderr.contains("charity"), "{stderr}");
    let more = |it: &mut Value| (it["waiting"], it["charity"]["minor"]) = (json!(1), json!("101"));
    let (code, _, stderr) = verify(&more, &["--partial"]).await;
    assert!(code == 1 && stderr.contains("101"), "more than the pledge gives, whatever waits: {stderr}");
}

/// Runs until it is dropped.
struct WitnessProcess {
    process: std::process::Child,
    url: String,
    key: String,
}

impl WitnessProcess {
    fn start(folder: &std::path::Path, log_keys: &str) -> Self {
        use std::io::{BufRead, BufReader};
        let file = |name: &str| folder.join(name).display().to_string();
        std::fs::write(file("log.keys"), log_keys).unwrap();
        std::fs::write(file("seed"), "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n").unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_apricot"))
            .args(["witness", "--name", "witness.example/w1", "--listen", "127.0.0.1:0"])
            .args(["--seed", &file("seed"), "--log", &file("log.keys"), "--state", &file("seen.json")])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        Self { process, url: format!("http://{}", text("listening")), key: text("key") }
    }
}

impl Drop for WitnessProcess {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A witness is another program, which somebody else runs: it signs what continues what it saw, also after it was away, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_witness_signs_a_log_that_grew() {
    let (server, _) = story().await;
    let keys = server.get(Viewer, "wang", "/log/keys").await.text;
    let folder = tempfile::tempdir().unwrap();
    let witness = WitnessProcess::start(folder.path(), &keys);
    let Server { running, data, .. } = server;
    running.stop().await.unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = apricot::config::Config { listen, ..apricot::config::Config::default() };
    config.provider.delay_ms = 600_000;
    config.public_log.witnesses = vec![format!("{} {}", witness.key, witness.url)];
    let server = server::start_with(config, data, apricot::clock::Clock::manual(server::NOW)).await;
    let trust = Trust::parse(&format!("{keys}\n{}\n", witness.key)).unwrap();
    let signed = async || {
        for _ in 0..300 {
            let note = server.get(Viewer, "wang", "/log/checkpoint").await.text;
            let believed = SignedCheckpoint::parse(note.as_bytes()).unwrap().verify(&trust).unwrap();
            if !believed.witnesses.is_empty() {
                return believed;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("no witness signed");
    };
    let first = signed().await;
    let seen = std::fs::read_to_string(folder.path().join("seen.json")).unwrap();
    assert!(seen.contains(&first.checkpoint.root.to_hex()), "{seen}");
    server.get(Viewer, "wang", &format!("/v1/orders/{FIRST}/receipt")).await.expect(200);
    let whole = receipt(&server, "wang", FIRST).await;
    let found = verify(whole.to_string().as_bytes(), &trust);
    assert!(found.ok, "{found:?}");
    // Who wants a witness gets one from both commands, and no more than there are.
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("receipt.json"), whole.to_string()).unwrap();
    let site = format!("http://{}", server.running.address);
    let other = Signer::witness("witness.example/w2", &[4; 32]).unwrap().verifier().to_string();
    for begin in [["verify", &file("receipt.json"), "--json"], ["audit", &site, "--json"]] {
        let wanted = |n: &str| {
            let keys = ["--key", &file("log.keys"), "--witness-key", &witness.key, "--witness-key", &other];
            [words(&begin), words(&keys), words(&["--witnesses", n])].concat()
        };
        let (code, said, stderr) = asked(wanted("1")).await;
        assert_eq!((code, &said["ok"]), (0, &json!(true)), "{stderr}");
        let none = wanted("2").into_iter().chain((begin[0] == "audit").then(|| "--within=0".to_owned()));
        let (code, _, stderr) = asked(none.collect()).await;
        assert!(code == 1 && stderr.contains("2 are wanted"), "{stderr}");
    }

    // Somebody shows it another tree of the same log: nothing is signed.
    let forged =
        Checkpoint::new(&first.checkpoint.origin, first.checkpoint.size + 1, first.checkpoint.root).unwrap();
    let stranger = Signer::log(&first.checkpoint.origin, &[3; 32]).unwrap();
    let request = AddCheckpoint {
        old_size: first.checkpoint.size,
        proof: vec![],
        checkpoint: forged.sign(&stranger).unwrap(),
    };
    let client = reqwest::Client::new();
    let answer =
        client.post(format!("{}/add-checkpoint", witness.url)).body(request.to_string()).send().await;
    assert_eq!(answer.unwrap().status().as_u16(), 403);
    let answer = client.post(format!("{}/add-checkpoint", witness.url)).body("hello").send().await;
    assert_eq!(answer.unwrap().status().as_u16(), 400);
    assert_eq!(std::fs::read_to_string(folder.path().join("seen.json")).unwrap(), seen);
}
