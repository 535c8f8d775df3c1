//! Draws: anybody repeats them, and whoever chose the seed did not know the orders.

use apricot_tlog::leaf::{Fact, Leaf, Rule, Tier, draw};
use apricot_tlog::ledger::{Broken, SlotCount};
use apricot_tlog::merkle::Hash;

use crate::stage::{START, Stage, id, lottery, pledge, seed};

#[test]
fn draws_are_repeated() {
    let (pool, slot) = (id(9), 0);
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[1]));
    stage.sponsor(9, lottery(), 5_000);
    let mut left = 5_000;
    for n in 0..40 {
        stage.pay(n, 1, 10_000, 1);
        left -= stage.matched(n, 9, &lottery(), left);
    }
    assert_eq!(left, 0, "it ran out, to the last fen");
    let before = stage.leaves.len();
    stage.publish_seed(9);
    assert_eq!(stage.broken(), []);
    // A friend's order wins the larger tier.
    let at = stage
        .leaves
        .iter()
        .position(|leaf| matches!(&leaf.fact, Fact::Match(it) if it.tier == Some(1)))
        .unwrap();
    let Fact::Match(it) = &mut stage.leaves[at].fact else { panic!("a match") };
    (it.tier, it.amount) = (Some(0), 500);
    let wrong = Broken::WrongTier { pool, slot, stated: Some(0), drawn: Some(1) };
    let recount = stage.recount();
    let found = recount.findings().iter().find(|finding| finding.broken == wrong).expect("the draw is told");
    assert_eq!(found.leaf, at as u64);
    // The seed too early, and not at all.
    let closes_at = START + 1_000_000;
    stage.leaves[before].at = closes_at - 1;
    assert!(stage.broken().contains(&Broken::SeedEarly { pool, slot, at: closes_at - 1, closes_at }));
    stage.leaves.truncate(before);
    stage.leaves.push(Leaf { at: closes_at + 2 * 86_400_000, fact: Fact::Pledge(pledge(2, &[1])) });
    assert!(stage.broken().contains(&Broken::SeedOverdue { pool, slot, closes_at }));
    // Nor in a pool that nobody was matched by.
    stage.leaves.retain(|leaf| !matches!(leaf.fact, Fact::Match(_)));
    assert_eq!(stage.broken(), [Broken::SeedOverdue { pool, slot, closes_at }]);
}

/// Twenty orders, a lottery that has enough for all, and its seed.
fn drawn() -> Stage {
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[1]));
    stage.sponsor(9, lottery(), 50_000);
    for n in 0..20 {
        stage.pay(n, 1, 10_000, 1);
        stage.matched(n, 9, &lottery(), 50_000);
    }
    stage.publish_seed(9);
    stage
}

#[test]
fn the_hash_of_a_seed_comes_before_the_slot_opens_and_before_every_order() {
    let (pool, slot) = (id(9), 0);
    assert_eq!(drawn().broken(), []);
    let mut late = drawn();
    let at = late.leaves[1].at;
    let Fact::Pool(it) = &mut late.leaves[1].fact else { panic!("a pool") };
    it.slots[0].opens_at = at - 1;
    assert_eq!(late.broken(), [Broken::SeedHashLate { pool, slot, at, opens_at: at - 1 }]);
    // Without draws there is nothing that a seed decides.
    let mut doubled = Stage::default();
    doubled.promise(pledge(1, &[1]));
    doubled.sponsor(9, Rule::Ratio { ppm: 1_000_000 }, 1_000);
    let Fact::Pool(it) = &mut doubled.leaves[1].fact else { panic!("a pool") };
    it.slots[0].opens_at = START;
    assert_eq!(doubled.broken(), []);

    // The first order's accrual is there, and then the seed is chosen that lets it win.
    let mut chosen = drawn();
    let first = chosen.leaves.iter().position(|leaf| matches!(leaf.fact, Fact::Match(_))).unwrap();
    let Fact::Match(won) = chosen.leaves[first].fact.clone() else { panic!("a match") };
    let of_pool = chosen.leaves.remove(1);
    chosen.leaves.insert(first - 1, of_pool);
    assert_eq!(chosen.broken(), [Broken::SeedHashAfterOrder { pool, slot, order: won.order }]);
    // Another version does not hide when the hash came; one that brings another hash does not inherit the time of the first.
    let version = |seed_sha256: Hash, tier: Option<Tier>| {
        let mut stage = drawn();
        let Leaf { at, fact: Fact::Pool(mut other) } = stage.leaves[1].clone() else { panic!("a pool") };
        (other.version, other.slots[0].seed_sha256) = (2, seed_sha256);
        if let Some(tier) = tier {
            let rule = Rule::Draw { tiers: vec![tier] };
            let mut terms = apricot_tlog::leaf::Terms::parse(&other.terms).unwrap();
            terms.rule = rule;
            other.terms = terms.encode().unwrap();
        }
        stage.leaves.insert(first, Leaf { at: at + 1, fact: Fact::Pool(other) });
        stage.broken()
    };
    assert_eq!(version(Hash::of(&seed(9).0), None), []);
    let other = version(Hash::of(b"another"), None);
    assert!(other.contains(&Broken::SeedChanged { pool, slot }), "{other:?}");
    assert!(other.iter().any(|broken| matches!(broken, Broken::SeedHashAfterOrder { .. })), "{other:?}");
    let mine = version(Hash::of(&seed(9).0), Some(Tier { chance_ppm: 1, amount: 1 }));
    assert_eq!(mine[0], Broken::RuleChanged { pool });
}

#[test]
fn wins_without_a_match_are_counted() {
    let mut stage = drawn();
    assert_eq!(stage.recount().withheld(), 0);
    let Rule::Draw { tiers } = lottery() else { panic!("a draw") };
    let wins = (0..20).filter(|n| draw(seed(9), Stage::commitment(*n), &tiers).is_some()).count();
    let seed_at = stage.leaves.len() - 1;
    let at = stage.leaves.iter().position(|leaf| matches!(leaf.fact, Fact::Match(_))).unwrap();
    let Fact::Match(withheld) = stage.leaves.remove(at).fact else { panic!("a match") };
    let recount = stage.recount();
    assert_eq!((recount.found(), recount.withheld()), (0, 1));
    let count = recount.pools().next().unwrap();
    assert_eq!(count.pool.pool, id(9));
    let all: i64 = stage
        .leaves
        .iter()
        .filter_map(|leaf| if let Fact::Match(it) = &leaf.fact { Some(it.amount) } else { None })
        .sum();
    assert_eq!(count.slots, [SlotCount { matched: all, unmatched: 0 }]);
    assert!(all > 0 && withheld.amount > 0);
    // Nothing is known of draws whose seed is a secret.
    let seed = stage.leaves.remove(seed_at - 1);
    assert!(matches!(seed.fact, Fact::Seed(_)));
    assert_eq!(stage.recount().withheld(), 0);
    stage.leaves.push(seed);
    stage.leaves.retain(|leaf| !matches!(leaf.fact, Fact::Match(_)));
    assert_eq!(stage.recount().withheld(), wins as u64);
}
