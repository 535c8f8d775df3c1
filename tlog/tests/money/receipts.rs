//! A receipt holds, and every lie in one is told.

use apricot_tlog::leaf::Rule;
use apricot_tlog::receipt::{Money, Outcome, Receipt, verify};
use proptest::prelude::*;

use crate::stage::{Stage, id, pledge, trust};

/// Paid, partly refunded, confirmed, refunded again; between the lines of others.
fn stage() -> Stage {
    let ratio = Rule::Ratio { ppm: 100_000 };
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[2, 1]));
    stage.sponsor(9, ratio.clone(), 10_000);
    stage.pay(1, 1, 39_800, 2);
    stage.pay(2, 1, 10_000, 1);
    stage.matched(2, 9, &ratio, 10_000);
    stage.refund(2, 4_000);
    stage.confirm(1);
    stage.confirm(2);
    stage.refund(2, 1_000);
    stage.pay(3, 1, 500, 1);
    stage
}

fn verdict(receipt: &Receipt) -> apricot_tlog::receipt::Verdict {
    verify(serde_json::to_string(receipt).unwrap().as_bytes(), &trust())
}

/// The checks that fail.
fn failed(receipt: &Receipt) -> Vec<&'static str> {
    let checks = verdict(receipt).checks;
    checks.into_iter().filter(|check| check.outcome == Outcome::Failed).map(|check| check.name).collect()
}

fn changed(with: impl FnOnce(&mut Receipt)) -> Vec<&'static str> {
    let mut receipt = stage().receipt(2);
    with(&mut receipt);
    failed(&receipt)
}

fn yuan(minor: i64) -> Option<Money> {
    Some(Money { minor, currency: "CNY".into() })
}

#[test]
fn an_honest_receipt_holds() {
    let receipt = stage().receipt(2);
    let verdict = verdict(&receipt);
    assert!(verdict.ok && verdict.complete, "{:#?}", verdict.checks);
    let names: Vec<&str> = verdict.checks.iter().map(|check| check.name).collect();
    let wanted = [
        "form",
        "commitment",
        "proofs",
        "one_tree",
        "leaves",
        "currency",
        "matched",
        "share",
        "paid",
        "quantity",
        "charity",
        "refunded",
    ];
    assert_eq!(names, wanted);
    assert_eq!((receipt.charity.as_ref().unwrap().minor, receipt.matched.as_ref().unwrap().minor), (125, 25));
    assert_eq!(verdict.size, stage().leaves.len() as u64);
    assert_eq!(
        verdict.trees.iter().map(|(size, root)| (*size, root.to_hex())).collect::<Vec<_>>(),
        [(verdict.size, verdict.root.clone())]
    );
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!((&json["ok"], &json["checks"][1]["outcome"]), (&true.into(), &"ok".into()));
    for order in [1, 3] {
        assert_eq!(failed(&stage().receipt(order)), [""; 0]);
    }
}

#[test]
fn canonical_proto_json_and_nothing_else() {
    let receipt = stage().receipt(2);
    let text = serde_json::to_string(&receipt).unwrap();
    assert_eq!(Receipt::parse(text.as_bytes()), Ok(receipt));
    assert!(text.contains(r#""paid":{"minor":"10000","currency":"CNY"}"#) && !text.contains("waiting"));
    for (from, to) in [
        (r#""minor":"10000""#, r#""minor":10000"#),
        (r#""minor":"10000""#, r#""minor":"010000""#),
        (r#""minor":"10000""#, r#""minor":"1e4""#),
        (r#""format":1"#, r#""format":2"#),
        (r#""format":1,"#, ""),
        (r#""format":1,"#, r#""format":1,"more":1,"#),
        (r#""format":1,"#, r#""format":1,"format":1,"#),
        (r#""title":"Dried apricots""#, r#""title":null"#),
        ("orderId", "order_id"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text);
        let verdict = verify(other.as_bytes(), &trust());
        assert!(!verdict.ok && verdict.checks[0].name == "form", "{to}");
    }
    assert!(!verify(&vec![b' '; 5_000_000], &trust()).ok);
}

#[test]
fn every_lie_is_told() {
    assert_eq!(changed(|it| it.paid = yuan(10_001)), ["paid"]);
    assert_eq!(changed(|it| it.charity = yuan(126)), ["charity"]);
    assert_eq!(changed(|it| it.charity = None), ["charity"]);
    assert_eq!(changed(|it| it.matched = yuan(26)), ["matched"]);
    assert_eq!(changed(|it| it.refunded = yuan(4_900)), ["refunded"]);
    assert_eq!(changed(|it| it.refunded = yuan(5_100)), ["refunded"]);
    assert_eq!(changed(|it| it.refunded = None), ["refunded"]);
    assert_eq!(changed(|it| it.quantity = 2), ["quantity"]);
    assert_eq!(changed(|it| it.paid.as_mut().unwrap().currency = "JPY".into()), ["currency"]);
    assert_eq!(changed(|it| it.order_id = id(1).to_string()), ["commitment"]);
    assert_eq!(changed(|it| it.order_id = it.order_id.to_uppercase()), ["commitment"]);
    assert_eq!(changed(|it| it.salt.replace_range(..1, "g")), ["commitment"]);
    assert_eq!(changed(|it| it.salt = "00".repeat(32)), ["commitment"]);
    assert_eq!(changed(|it| it.commitment = "00".repeat(32)), ["commitment", "leaves"]);
    // A leaf changed, a proof of another leaf, another index, none at all.
    assert_eq!(
        changed(|it| it.entries[1].leaf = it.entries[1].leaf.replace("167", "168")),
        ["proofs", "share", "charity", "refunded"]
    );
    assert_eq!(changed(|it| it.entries[1].proof = it.entries[2].proof.clone()), ["proofs"]);
    assert_eq!(changed(|it| it.entries[1].index += 1), ["proofs", "leaves"]);
    assert_eq!(changed(|it| it.entries[1].proof.clear()), ["proofs"]);
    // What was taken back is left out; the whole pledge is; all of it is.
    assert_eq!(changed(|it| it.entries.truncate(it.entries.len() - 2)), ["charity", "refunded"]);
    assert_eq!(changed(|it| drop(it.entries.remove(0))), ["leaves"]);
    assert_eq!(changed(|it| drop(it.entries.remove(2))), ["share", "charity", "refunded"]);
    assert_eq!(changed(|it| it.entries.clear()), ["matched", "charity"]);
    assert_eq!(changed(|it| it.entries.swap(1, 2)), ["leaves"]);
    // Another order's leaves, with their own good proofs.
    let other = stage().receipt(1);
    assert_eq!(changed(|it| it.entries = other.entries.clone()), ["leaves"]);
    assert_eq!(changed(|it| it.entries.extend(other.entries.iter().skip(1).take(1).cloned())), ["leaves"]);
}

#[test]
fn what_is_not_there_is_said() {
    let skipped = |with: fn(&mut Receipt)| {
        let mut receipt = stage().receipt(2);
        with(&mut receipt);
        let verdict = verdict(&receipt);
        assert!(verdict.ok && !verdict.complete, "{:#?}", verdict.checks);
        let skipped = verdict.checks.into_iter().filter(|check| check.outcome == Outcome::Skipped);
        skipped.map(|check| check.name).collect::<Vec<_>>()
    };
    assert_eq!(skipped(|it| it.salt.clear()), ["commitment"]);
    assert_eq!(skipped(|it| it.waiting = 2), ["amounts"]);
    let nothing = |it: &mut Receipt| {
        it.entries.clear();
        (it.charity, it.matched) = (None, None);
    };
    assert_eq!(skipped(nothing), ["proofs"]);
    // The keys that the receipt brings along are not believed.
    let other = apricot_tlog::note::Signer::log("other.example", &[9; 32]).unwrap();
    let other = apricot_tlog::checkpoint::Trust::new(vec![other.verifier().clone()]).unwrap();
    let verdict = verify(serde_json::to_string(&stage().receipt(2)).unwrap().as_bytes(), &other);
    assert!(!verdict.ok && verdict.checks.iter().any(|check| check.why.contains("is of the log")));
}

/// Who adds `waiting` to a receipt does not switch off what no line that waits could change.
#[test]
fn lines_that_wait_make_nothing_possible_that_is_not() {
    let waiting = |with: fn(&mut Receipt)| {
        changed(|it| {
            it.waiting = 1;
            with(it);
        })
    };
    assert_eq!(waiting(|_| ()), [""; 0]);
    assert_eq!(waiting(|it| it.charity = yuan(125)), [""; 0]);
    assert_eq!(waiting(|it| it.charity = yuan(126)), ["amounts"], "more than the leaves have");
    assert_eq!(waiting(|it| it.charity = yuan(124)), ["amounts"], "less than is due of what stays paid");
    assert_eq!(waiting(|it| it.paid = yuan(10_001)), ["amounts"]);
    assert_eq!(waiting(|it| it.quantity = 2), ["amounts"]);
    assert_eq!(waiting(|it| it.refunded = yuan(10_001)), ["amounts"]);
    assert_eq!(waiting(|it| it.refunded = yuan(4_900)), ["amounts"], "less than the leaves say");
    assert_eq!(waiting(|it| it.refunded = yuan(-1)), ["amounts"]);
    assert_eq!(waiting(|it| it.paid.as_mut().unwrap().currency = "JPY".into()), ["currency"]);
    // Only the pledge is in the log yet, or nothing is.
    let pledge_alone = |it: &mut Receipt| it.entries.truncate(1);
    assert_eq!(waiting(|it| it.entries.truncate(1)), [""; 0]);
    let over = changed(|it| {
        (it.waiting, it.charity) = (1, yuan(251));
        pledge_alone(it);
    });
    assert_eq!(over, ["amounts"], "2.5 % of 10,000 fen are 250");
    let nothing = changed(|it| {
        (it.waiting, it.charity) = (1, yuan(10_001));
        it.entries.clear();
    });
    assert_eq!(nothing, ["amounts"]);
    // A part of the accrual waits: the other may still come.
    assert_eq!(waiting(|it| it.entries.truncate(2)), [""; 0]);
}

#[test]
fn a_refund_has_a_leaf_as_soon_as_it_moves_a_fen() {
    // Of 10,000 fen half is refunded. 2.5 % of what stays is 125 fen until 4,980 are left, where half a fen goes to the even 124.
    let refunded = |minor| changed(|it| it.refunded = yuan(minor));
    assert_eq!(refunded(4_999), ["refunded"]);
    assert!(refunded(5_000).is_empty() && refunded(5_019).is_empty());
    assert_eq!(refunded(5_020), ["refunded"]);
}

#[test]
fn a_log_that_shows_two_trees_is_told() {
    let (one, mut forked) = (stage(), stage());
    // The same size, signed twice: in the other one somebody else's order is worth less.
    let apricot_tlog::leaf::Fact::Accrual(it) = &mut forked.leaves[2].fact else { panic!("an accrual") };
    it.amount -= 1;
    let mut receipt = one.receipt(2);
    receipt.entries[2] = forked.receipt(2).entries[2].clone();
    assert_eq!(failed(&receipt), ["one_tree"]);
}

proptest! {
    #[test]
    fn a_changed_receipt_never_says_more(bit in 0..8_u8, at in any::<prop::sample::Index>()) {
        let honest = stage().receipt(2);
        let mut bytes = serde_json::to_vec(&honest).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let verdict = verify(&bytes, &trust());
        if verdict.ok {
            // Only what nothing follows from: the title, the time, the key as a reminder, the origin as the receipt has it, and a refund
            // too small for a fen of the gift.
            let read = Receipt::parse(&bytes).unwrap();
            let refunds = |it: &Receipt| it.refunded.as_ref().map_or(0, |money| money.minor);
            prop_assert!((5_000..=5_019).contains(&refunds(&read)), "{}", refunds(&read));
            let Receipt { title, keys, origin, paid_at_ms, refunded, .. } = honest.clone();
            prop_assert_eq!(Receipt { title, keys, origin, paid_at_ms, refunded, ..read }, honest);
        }
    }

    #[test]
    fn any_receipt_is_answered(text in "\\PC{0,60}", minor in any::<i64>(), refunded in any::<i64>(), quantity in any::<u32>()) {
        prop_assert!(!verify(text.as_bytes(), &trust()).ok);
        let mut receipt = stage().receipt(2);
        (receipt.paid, receipt.refunded, receipt.quantity) = (yuan(minor), yuan(refunded), quantity);
        prop_assert!(!verdict(&receipt).ok);
    }
}

/// The first block of docs/log.md that a line with this text introduces.
fn shown(after: &str) -> String {
    let text = include_str!("../../../docs/log.md");
    let (_, behind) = text.split_once(after).unwrap_or_else(|| panic!("docs/log.md has no {after:?}"));
    let (_, block) = behind.split_once("```").expect("a block");
    let (block, _) = block.split_once("\n```").expect("its end");
    format!("{}\n", block.split_once('\n').expect("its first line").1)
}

#[test]
fn the_example_of_the_documentation_holds() {
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[1]));
    stage.pay(1, 1, 3_980, 2);
    stage.pay(2, 1, 10_000, 1);
    let receipt = stage.receipt(1);
    let trust = apricot_tlog::checkpoint::Trust::parse(&shown("the key of its log is")).unwrap();
    assert_eq!(trust, crate::stage::trust());
    let text = shown("This receipt holds");
    assert_eq!(text, serde_json::to_string_pretty(&receipt).unwrap() + "\n");
    let verdict = verify(text.as_bytes(), &trust);
    assert!(verdict.ok && verdict.complete, "{:#?}", verdict.checks);
    assert_eq!(shown("The proof of its second entry"), receipt.entries[1].proof);
}
