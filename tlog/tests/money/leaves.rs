//! Every kind of leaf as it is written, and what is refused.

use apricot_tlog::leaf::{
    Base, Currency, Fact, Leaf, LeafRefused, Match, Remittance, Rule, Scope, Tally, Terms, Tier, commitment,
    draw,
};
use apricot_tlog::merkle::Hash;
use proptest::prelude::*;

use crate::stage::{START, Stage, id, lottery, pledge, salt, seed};

const H: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const U: &str = "0190a000-0000-7000-8000-000000000001";

/// One of each kind, as docs/log.md shows them.
fn examples() -> Vec<String> {
    let with = |text: &str| text.replace("$H", H).replace("$U", U);
    [
        r#"{"v":1,"kind":"pledge","at":1764000000000,"pledge":"$U","version":1,"base":"paid_price","sharePpm":25000,"perUnit":0,"currency":"","rounding":"half_even","cap":null,"startsAt":null,"endsAt":1767225600000,"agreement":"$H","parts":[{"project":"school-meals","charity":"53100000500012345X","weight":1}]}"#,
        r#"{"v":1,"kind":"pledge","at":1764000000000,"pledge":"$U","version":2,"base":"per_unit","sharePpm":0,"perUnit":100,"currency":"CNY","rounding":"down","cap":500000,"startsAt":1764000000000,"endsAt":null,"agreement":"$H","parts":[{"project":"a","charity":"x","weight":2},{"project":"b","charity":"y","weight":1}]}"#,
        r#"{"v":1,"kind":"accrual","at":1764000001000,"line":17,"order":"$H","pledge":"$U","version":1,"part":0,"quantity":2,"paid":3980,"amount":100,"currency":"CNY","county":"洛川县","produce":"apricots","project":"school-meals"}"#,
        r#"{"v":1,"kind":"reversal","at":1764000002000,"line":21,"order":"$H","pledge":"$U","version":1,"part":0,"kept":1990,"amount":50,"currency":"CNY","confirmed":false}"#,
        r#"{"v":1,"kind":"confirmation","at":1764000003000,"line":25,"order":"$H","pledge":"$U","version":1,"part":0,"amount":50,"currency":"CNY"}"#,
        r#"{"v":1,"kind":"correction","at":1764000004000,"line":29,"order":"$H","pledge":"$U","version":1,"part":0,"amount":50,"currency":"CNY"}"#,
        r#"{"v":1,"kind":"remittance","at":1764000005000,"line":27,"remittance":"$U","charity":"53100000500012345X","project":"school-meals","pledge":"$U","part":0,"amount":50,"currency":"CNY","reference":"ICBC 2025-12-01 \"0017\"","proof":"$H"}"#,
        r#"{"v":1,"kind":"pool","at":1764000000000,"pool":"$U","version":1,"sponsor":"An orchard","currency":"CNY","terms":"{\"project\":\"\",\"buyerDayCap\":0,\"projectCap\":0,\"buyerMinuteLimit\":3,\"rule\":{\"draw\":{\"tiers\":[{\"chancePpm\":300000,\"amount\":500}]}}}","slots":[{"opensAt":1764000000000,"closesAt":1764003600000,"budget":100000,"seedSha256":"$H"}]}"#,
        r#"{"v":1,"kind":"match","at":1764000001000,"line":18,"order":"$H","pool":"$U","slot":0,"project":"school-meals","tier":0,"amount":500,"currency":"CNY"}"#,
        r#"{"v":1,"kind":"match","at":1764000001000,"line":19,"order":"$H","pool":"$U","slot":0,"project":"school-meals","tier":null,"amount":500,"currency":"CNY"}"#,
        r#"{"v":1,"kind":"unmatch","at":1764000002000,"line":22,"order":"$H","pool":"$U","slot":0,"amount":500,"currency":"CNY"}"#,
        r#"{"v":1,"kind":"seed","at":1764003600000,"pool":"$U","slot":0,"seed":"$H"}"#,
        r#"{"v":1,"kind":"tally","at":1764000060000,"size":12,"scope":"project","key":"school-meals","currency":"CNY","orders":1,"paid":3980,"accrued":100,"reversed":50,"confirmed":50,"remitted":50,"matched":500,"unmatched":500}"#,
    ]
    .map(with)
    .into()
}

#[test]
fn each_kind_is_written_in_one_way() {
    let mut kinds = Vec::new();
    for text in examples() {
        let leaf = Leaf::parse(text.as_bytes()).unwrap_or_else(|refused| panic!("{text}: {refused}"));
        assert_eq!(leaf.encode().unwrap(), text);
        kinds.push(leaf.fact.kind());
    }
    kinds.dedup();
    assert_eq!(kinds.len(), 11, "{kinds:?}");
}

#[test]
fn the_documentation_shows_them() {
    let shown = include_str!("../../../docs/log.md");
    for text in examples() {
        assert!(shown.contains(&text), "docs/log.md does not show {text}");
    }
}

#[test]
fn whatever_is_written_otherwise_is_refused() {
    let accrual = &examples()[2];
    let other_ways = [
        (r#""line":17"#, r#""line":17.0"#),
        (r#""line":17"#, r#""line":017"#),
        (r#""line":17"#, r#""line":"17""#),
        (r#""line":17,"#, r#""line": 17,"#),
        (r#""line":17,"#, ""),
        (r#""line":17,"#, r#""line":17,"line":17,"#),
        (r#""line":17,"#, r#""line":17,"more":1,"#),
        (r#""amount":100"#, r#""amount":-1"#),
        (r#""amount":100"#, r#""amount":99000000000001"#),
        (r#""amount":100"#, r#""amount":1e2"#),
        (r#""quantity":2"#, r#""quantity":0"#),
        (r#""quantity":2"#, r#""quantity":4294967296"#),
        (r#""paid":3980,"amount":100"#, r#""amount":100,"paid":3980"#),
        ("CNY", "cny"),
        ("CNY", ""),
        ("洛川县", "\\u6d1b川县"),
        ("洛川县", "a\\u0000"),
        ("洛川县", "a\\tb"),
        ("apricots", "ap\\/ricots"),
        ("e3b0", "E3B0"),
        ("e3b0", "e3b"),
        ("0190a000-", "0190A000-"),
        ("0190a000-0000-", "0190a0000000"),
        (r#""at":1764000001000"#, r#""at":9007199254740992"#),
        (r#""at":1764000001000"#, r#""at":-1"#),
        (r#""at":1764000001000"#, r#""at":01"#),
        (r#""at":1764000001000,"#, ""),
        (r#""v":1"#, r#""v":2"#),
        (r#""kind":"accrual""#, r#""kind":"confirmation""#),
        (r#""kind":"accrual""#, r#""kind":"gift""#),
        (r#"school-meals"}"#, r#"school-meals"} "#),
        (r#"school-meals"}"#, r#"school-meals"}{}"#),
        (r#"school-meals"}"#, r#"school-meals""#),
        (r#"school-meals"}"#, r#""}"#),
    ];
    for (from, to) in other_ways {
        let text = accrual.replacen(from, to, 1);
        assert_ne!(&text, accrual, "{from}");
        assert!(Leaf::parse(text.as_bytes()).is_err(), "{text}");
    }
    let refused = |bytes: &[u8]| Leaf::parse(bytes).unwrap_err();
    assert_eq!(refused(&[b' '; 70_000]), LeafRefused::TooLong { bytes: 70_000 });
    assert_eq!(refused(&[0xff]), LeafRefused::NotUtf8);
    assert_eq!(refused(b"{}"), LeafRefused::Start);
    let gift = accrual.replace("accrual", "gift");
    assert_eq!(refused(gift.as_bytes()), LeafRefused::UnknownKind { kind: "gift".into() });
    let reordered = accrual.replace(r#""paid":3980,"amount":100"#, r#""amount":100,"paid":3980"#);
    assert_eq!(refused(reordered.as_bytes()), LeafRefused::NotCanonical { wanted: accrual.clone() });
}

#[test]
fn pledges_and_pools_make_sense() {
    let text = &examples()[0];
    let changed = [
        (r#""perUnit":0"#, r#""perUnit":1"#),
        (r#""sharePpm":25000"#, r#""sharePpm":0"#),
        (r#""sharePpm":25000"#, r#""sharePpm":1000001"#),
        (r#""cap":null"#, r#""cap":100"#),
        (r#""weight":1"#, r#""weight":0"#),
        (r#"paid_price"#, r#"per_unit"#),
        (r#"half_even"#, r#"halfEven"#),
        (r#""version":1"#, r#""version":0"#),
    ];
    for (from, to) in changed {
        assert!(Leaf::parse(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
    let twice = examples()[1].replace(r#""project":"b""#, r#""project":"a""#);
    assert!(Leaf::parse(twice.as_bytes()).is_err());
    let backwards = examples()[7].replace("1764003600000", "1763999999999");
    assert!(Leaf::parse(backwards.as_bytes()).is_err());
    // Any terms are a leaf; which can be recounted is another question.
    let terms = |text: &str| Terms::parse(text);
    let good = r#"{"project":"","buyerDayCap":0,"projectCap":0,"buyerMinuteLimit":3,"rule":{"ratio":{"ppm":1000000}}}"#;
    assert_eq!(terms(good).unwrap().encode().unwrap(), good);
    for bad in [
        "{}",
        &good.replace("1000000", "0"),
        &good.replace("ratio", "other"),
        &good.replace(r#""project":"","#, ""),
        &good.replace(r#"{"ratio":{"ppm":1000000}}"#, r#"{"draw":{"tiers":[]}}"#),
        &good.replace(
            r#"{"ratio":{"ppm":1000000}}"#,
            r#"{"draw":{"tiers":[{"chancePpm":1000001,"amount":1}]}}"#,
        ),
    ] {
        assert!(terms(bad).is_err(), "{bad}");
    }
    let hearts = Rule::Hearts { room: "r".into(), hearts: 100, amount: 10, pledge: id(1) };
    let hearts =
        Terms { project: "p".into(), buyer_day_cap: 0, project_cap: 9, buyer_minute_limit: 1, rule: hearts };
    assert_eq!(terms(&hearts.encode().unwrap()).unwrap(), hearts);
}

#[test]
fn vectors_for_other_implementations() {
    let order = commitment(U.parse().unwrap(), &[0xab; 32]);
    assert_eq!(order.to_hex(), VECTORS[0]);
    let seed = Hash([0xcd; 32]);
    let tier = |chance_ppm| Tier { chance_ppm, amount: 1 };
    // The number that is drawn is where the chances stop sufficing.
    let drawn: u32 = VECTORS[1].parse().unwrap();
    assert_eq!(draw(seed, order, &[tier(drawn)]), None);
    assert_eq!(draw(seed, order, &[tier(drawn + 1)]), Some(0));
    assert_eq!(draw(seed, order, &[tier(drawn), tier(1), tier(1)]), Some(1));
    let shown = include_str!("../../../docs/log.md");
    assert!(VECTORS.iter().all(|vector| shown.contains(vector)), "docs/log.md shows them");
}

/// The commitment and the number that is drawn, computed with Python's hashlib and hmac.
const VECTORS: [&str; 2] = ["06c1965c15e22b76cdc4eaef3d7c237949b0b77504aa2568019ae8f4ca8109d0", "503225"];

#[test]
fn draws_are_as_frequent_as_their_chances() {
    let Rule::Draw { tiers } = lottery() else { panic!("a draw") };
    let mut drawn = [0_u32; 3];
    for n in 0..20_000 {
        let tier = draw(seed(1), commitment(id(n), &salt(n)), &tiers).unwrap_or(2);
        drawn[tier as usize] += 1;
    }
    for (drawn, chance) in drawn.into_iter().zip([0.3, 0.4, 0.3]) {
        assert!((f64::from(drawn) / 20_000.0 - chance).abs() < 0.02, "{drawn} of {chance}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        county in "\\PC{0,20}", reference in "[ -~]{0,30}", line in 0..=9_007_199_254_740_991_u64, amount in 0..=1_000_000_000_000_i64,
        tier in prop::option::of(any::<u32>()), sums in prop::array::uniform8(0..=9_007_199_254_740_991_u64), per_unit in any::<bool>(),
    ) {
        let order = Stage::commitment(line);
        let currency: Currency = "JPY".parse().unwrap();
        let mut promise = pledge(1, &[3, 2, 1]);
        if per_unit {
            (promise.base, promise.share_ppm, promise.per_unit, promise.currency) = (Base::PerUnit, 0, 1 + amount / 2, Some(currency));
        }
        let [orders, paid, accrued, reversed, confirmed, remitted, matched, unmatched] = sums;
        let facts = [
            Fact::Pledge(promise),
            Fact::Match(Match { line, order, pool: id(1), slot: 3, project: "p".into(), tier, amount, currency }),
            Fact::Remittance(Remittance {
                line, remittance: id(2), charity: "c".into(), project: "p".into(), pledge: id(1), part: 0, amount, currency, reference, proof: tier.map(|_| order),
            }),
            Fact::Tally(Tally {
                size: line, scope: if county.is_empty() { Scope::All } else { Scope::County }, key: county, currency, orders, paid, accrued,
                reversed, confirmed, remitted, matched, unmatched,
            }),
        ];
        for fact in facts {
            let leaf = Leaf { at: START, fact };
            let text = leaf.encode().unwrap();
            prop_assert_eq!(Leaf::parse(text.as_bytes()), Ok(leaf));
            // As any JSON library reads it and, with its keys in the order they have, would write it.
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["at"] == START);
        }
    }

    /// A changed leaf is no leaf, or another one with another text: never the same statement twice.
    #[test]
    fn a_changed_leaf_says_something_else(which in 0..13_usize, bit in 0..8_u8, at in any::<prop::sample::Index>()) {
        let text = examples().swap_remove(which);
        let original = Leaf::parse(text.as_bytes()).unwrap();
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(leaf) = Leaf::parse(&bytes) {
            prop_assert_ne!(&leaf, &original);
            prop_assert_eq!(leaf.encode().unwrap().into_bytes(), bytes);
        }
    }

    #[test]
    fn any_text_is_answered(start in 0..13_usize, cut in any::<prop::sample::Index>(), tail in "\\PC{0,40}") {
        let text = examples().swap_remove(start);
        let cut = (0..=cut.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let text = format!("{}{tail}", &text[..cut]);
        if let Ok(leaf) = Leaf::parse(text.as_bytes()) {
            prop_assert_eq!(leaf.encode().unwrap(), text);
        }
    }
}
