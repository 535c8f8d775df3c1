//! Logs that are signed as they should be and say what is not so; and one that grew, was rolled back, or became another.

use apricot_tlog::leaf::{Fact, Leaf};
use apricot_tlog::note::Signer;
use serde_json::{Value, json};

use super::fake::{Fake, START, accrual, lottery, order, orders, pledge, published, reversal, won};
use super::{asked, words};

async fn audited(fake: &Fake, more: &[&str]) -> (i32, Value, String) {
    let mut arguments = words(&["audit", &fake.url, "--json", "--within", "0"]);
    arguments.extend(words(more));
    asked(arguments).await
}

/// What is found in a log of these leaves.
async fn found(leaves: &[Leaf]) -> Vec<String> {
    let fake = Fake::start(leaves).await;
    let (code, said, stderr) = audited(&fake, &[]).await;
    let findings = said["findings"].as_array().unwrap_or_else(|| panic!("{stderr}")).clone();
    assert_eq!(said["found"], json!(findings.len()), "{said}");
    assert_eq!(said["differ"], json!([]), "what it shows agrees with it: {said}");
    assert_eq!(
        (code, said["ok"] == json!(true)),
        (i32::from(!findings.is_empty()), findings.is_empty()),
        "{stderr}"
    );
    findings.iter().map(|finding| finding["why"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_wrong_is_found() {
    let log = |cap: Option<i64>, own: Vec<Leaf>, others: std::ops::Range<u64>| {
        let leaves: Vec<Leaf> = [pledge(cap)].into_iter().chain(own).chain(orders(others)).collect();
        leaves
    };
    let one = format!("order {:?}", order(1));
    assert_eq!(found(&log(None, vec![], 1..30)).await, [""; 0]);
    // One of two parts was never logged; also when nothing comes after it.
    for others in [2..30, 0..0] {
        let lacking = log(None, vec![accrual(1, 0, 125)], others);
        assert_eq!(
            found(&lacking).await,
            [format!("{one}: 125 is accrued in all its parts, the pledge says 250")]
        );
    }
    let split = log(Some(100_000), vec![accrual(1, 0, 130), accrual(1, 1, 120)], 2..30);
    assert_eq!(found(&split).await, [format!("{one}: its 250 are not split over the parts by weight")]);
    let paid = [accrual(1, 0, 125), accrual(1, 1, 125)];
    let over = [&paid[..], &[reversal(1, 0, 62), reversal(1, 1, 64)]].concat();
    assert!(found(&log(None, over, 2..30)).await[0].contains("less than the 125"));
    let honest = [&paid[..], &[reversal(1, 0, 62), reversal(1, 1, 63)]].concat();
    assert_eq!(found(&log(None, honest, 2..30)).await, [""; 0]);
    let kept = [&paid[..], &[reversal(1, 0, 62)]].concat();
    assert_eq!(
        found(&log(None, kept, 2..30)).await,
        [format!("{one}: 188 stand after the refund, more than the 125 of what stays paid")]
    );
    let more = log(None, vec![accrual(1, 0, 126), accrual(1, 1, 125)], 2..30);
    assert_eq!(found(&more).await, [format!("{one}, part 0: 126 is accrued, the pledge says 125")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draw_whose_seed_is_withheld_or_chosen_late_is_found() {
    let drawn = |at: u64, wins: std::ops::Range<u64>| {
        let mut leaves = vec![pledge(None), lottery(at)];
        leaves.extend((1..10).flat_map(|n| orders(n..n + 1).chain(wins.contains(&n).then(|| won(n)))));
        leaves
    };
    let mut whole = drawn(START, 1..10);
    whole.push(published());
    assert_eq!(found(&whole).await, [""; 0]);
    let mut late = drawn(START + 1_001, 1..10);
    late.push(published());
    let why = found(&late).await;
    assert!(why.len() == 1 && why[0].contains("the hash of the seed"), "{why:?}");
    // A day and a half later there is no seed.
    let mut withheld = drawn(START, 1..10);
    let later = START + 36 * 3_600_000;
    withheld.extend(orders(20..21).map(|leaf| Leaf { at: later, ..leaf }));
    let why = found(&withheld).await;
    assert!(why.len() == 1 && why[0].contains("the seed was due"), "{why:?}");
    // Two who won were not matched: that may be a cap of theirs, so it is a number and no finding.
    let mut fewer = drawn(START, 3..10);
    fewer.push(published());
    let fake = Fake::start(&fewer).await;
    let (code, said, stderr) = audited(&fake, &[]).await;
    assert_eq!((code, &said["withheldWins"]), (0, &json!(2)), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_grew_is_told_from_one_that_became_another() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("seen.json").display().to_string();
    let leaves = |to: u64| [pledge(None)].into_iter().chain(orders(1..to)).collect::<Vec<Leaf>>();
    let fake = Fake::start(&leaves(10)).await;
    let audit = async || audited(&fake, &["--state", &state]).await;
    assert_eq!(audit().await.0, 0);
    // Beyond a full tile, so that the proof comes from several files.
    for to in [150, 400] {
        fake.publish(&leaves(to));
        let (code, said, stderr) = audit().await;
        assert_eq!((code, &said["size"]), (0, &json!(2 * to - 1)), "{stderr}");
    }
    let seen = std::fs::read_to_string(&state).unwrap();
    // One leaf of those that were read is another, and the log grew since.
    let mut forked = leaves(500);
    let Fact::Accrual(it) = &mut forked[3].fact else { panic!("an accrual") };
    it.county = "elsewhere".into();
    fake.publish(&forked);
    let (code, _, stderr) = audit().await;
    assert!(code == 1 && stderr.contains("was rewritten"), "{stderr}");
    fake.publish(&leaves(399));
    let (code, _, stderr) = audit().await;
    assert!(code == 1 && stderr.contains("went back"), "{stderr}");
    assert_eq!(std::fs::read_to_string(&state).unwrap(), seen, "what was seen stays remembered");
    fake.publish(&leaves(400));
    assert_eq!(audit().await.0, 0, "as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_believed_by_its_key_and_by_as_many_witnesses_as_are_wanted() {
    let leaves: Vec<Leaf> = [pledge(None)].into_iter().chain(orders(1..3)).collect();
    let fake = Fake::start(&leaves).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let right = file("right.key", &fake.key);
    assert_eq!(audited(&fake, &["--key", &right]).await.0, 0);
    let same_name = Signer::log(super::fake::ORIGIN, &[8; 32]).unwrap().verifier().to_string();
    let (code, said, stderr) = audited(&fake, &["--key", &file("wrong.key", &same_name)]).await;
    assert!(code == 1 && said.is_null() && stderr.contains("no key that is trusted"), "{stderr}");
    let other = Signer::log("other.example", &[7; 32]).unwrap().verifier().to_string();
    let (code, _, stderr) = audited(&fake, &["--key", &file("other.key", &other)]).await;
    assert!(code == 1 && stderr.contains("is of the log"), "{stderr}");
    let witness = Signer::witness("witness.example/w1", &[9; 32]).unwrap().verifier().to_string();
    let (code, _, stderr) =
        audited(&fake, &["--key", &right, "--witness-key", &witness, "--witnesses", "1"]).await;
    assert!(code == 1 && stderr.contains("0 trusted witnesses"), "{stderr}");
    let (code, _, stderr) = audited(&fake, &["--key", &right, "--witnesses", "1"]).await;
    assert!(code == 2 && stderr.contains("--witness-key"), "{stderr}");
}

/// A receipt alone cannot show that a log went back: it may be old. Two trees of one size are a fork, wherever they were seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_between_receipts_or_between_receipt_and_site_is_found() {
    let leaves = |to: u64| [pledge(None)].into_iter().chain(orders(1..to)).collect::<Vec<Leaf>>();
    let mut forked = leaves(10);
    let Fact::Accrual(it) = &mut forked[9].fact else { panic!("an accrual") };
    it.county = "elsewhere".into();
    let fake = Fake::start(&leaves(20)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = file("log.key", &fake.key);
    let state = folder.path().join("seen.json").display().to_string();
    let verified = async |leaves: &[Leaf], state: &str| {
        let receipt = file("receipt.json", &fake.receipt(leaves, 2).to_string());
        asked(words(&["verify", &receipt, "--key", &key, "--state", state, "--json"])).await
    };
    for (to, known) in [(12, 1), (10, 2), (10, 2)] {
        let (code, said, stderr) = verified(&leaves(to), &state).await;
        assert_eq!((code, &said["complete"]), (0, &json!(true)), "{stderr}");
        let last = said["checks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["name"], "seen_before");
        assert!(last["why"].as_str().unwrap().starts_with(&format!("of {known} trees")), "{last}");
    }
    let (code, said, stderr) = verified(&forked, &state).await;
    assert!(code == 1 && stderr.contains("another tree of 19 leaves"), "{stderr}");
    assert_eq!(said["ok"], false);
    // The log that the site shows goes through every tree of the receipts.
    assert_eq!(audited(&fake, &["--key", &key, "--state", &state]).await.0, 0);
    let other = folder.path().join("other.json").display().to_string();
    assert_eq!(verified(&forked, &other).await.0, 0, "nothing to compare it with");
    let (code, _, stderr) = audited(&fake, &["--key", &key, "--state", &other]).await;
    assert!(code == 1 && stderr.contains("was rewritten"), "{stderr}");
    // The largest tree that was seen is the log's, a smaller one is not: every tree is looked at.
    let mut seen: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    seen[super::fake::ORIGIN][0]["root"] = said["root"].clone();
    std::fs::write(&other, seen.to_string()).unwrap();
    let (code, _, stderr) = audited(&fake, &["--key", &key, "--state", &other]).await;
    assert!(code == 1 && stderr.contains("continue that of 19"), "{stderr}");
    // Keys that came with a receipt are no reason to remember anything.
    let receipt = file("receipt.json", &fake.receipt(&leaves(10), 2).to_string());
    assert_eq!(asked(words(&["verify", &receipt, "--state", &state])).await.0, 2);
}
