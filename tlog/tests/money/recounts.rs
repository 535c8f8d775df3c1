//! An honest log has no findings, whatever happens; a dishonest one is told by name.

use apricot_tlog::leaf::{Base, Currency, Fact, Leaf, Pledge, Rule, Scope, Tally};
use apricot_tlog::ledger::{Broken, FINDINGS_MAX, Recount, TALLY_LAG_MAX};
use apricot_tlog::merkle::Hash;
use proptest::prelude::*;

use crate::stage::{START, Stage, cny, id, pledge};

/// One order through all its life, with a match, and tallies.
fn day() -> Stage {
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[2, 1]));
    stage.sponsor(9, Rule::Ratio { ppm: 1_000_000 }, 10_000);
    stage.pay(1, 1, 39_800, 2); // gives 995: 663 and 332
    stage.matched(1, 9, &Rule::Ratio { ppm: 1_000_000 }, 10_000);
    stage.pay(2, 1, 10_000, 1); // gives 250: 167 and 83
    stage.refund(2, 4_000); // 150 stand: 100 and 50
    stage.confirm(1);
    stage.confirm(2);
    stage.refund(2, 1_000); // 125 stand: 83 and 42
    stage.remit(5, 1);
    stage.refund(2, 5_000); // at the host's cost
    stage.unmatched(1, 9);
    stage.publish_seed(9);
    let size = stage.leaves.len();
    stage.tally(size);
    stage
}

/// Changes the first leaf of a kind.
fn change<T>(
    stage: &mut Stage,
    pick: impl Fn(&mut Fact) -> Option<&mut T>,
    change: impl FnOnce(&mut T),
) -> usize {
    let at = stage.leaves.iter_mut().position(|leaf| pick(&mut leaf.fact).is_some()).expect("such a leaf");
    change(pick(&mut stage.leaves[at].fact).unwrap());
    at
}

macro_rules! is {
    ($kind:ident) => {
        |fact: &mut Fact| match fact {
            Fact::$kind(it) => Some(it),
            _ => None,
        }
    };
}

/// What is told first of a day in which one thing is different.
fn told<T>(pick: impl Fn(&mut Fact) -> Option<&mut T>, with: impl FnOnce(&mut T)) -> Broken {
    let mut stage = day();
    change(&mut stage, pick, with);
    stage.broken().into_iter().next().expect("it is told")
}

#[test]
fn an_honest_day_adds_up() {
    let stage = day();
    assert_eq!(stage.broken(), []);
    let recount = stage.recount();
    let all = recount.total(Scope::All, "", cny());
    assert_eq!((all.orders, all.paid, all.accrued, all.reversed), (2, 49_800, 1_245, 125));
    assert_eq!((all.confirmed, all.remitted, all.matched, all.unmatched), (1_120, 1_120, 995, 995));
    let first = recount.total(Scope::Project, "project-0", cny());
    assert_eq!((first.orders, first.accrued, first.remitted), (2, 830, 746));
    assert_eq!(recount.total(Scope::County, "Aksu", cny()).orders, 1);
    assert_eq!(
        recount.total(Scope::County, "Aksu", cny()).remitted,
        0,
        "transfers are for all counties together"
    );
    assert_eq!(recount.total(Scope::All, "", "JPY".parse().unwrap()).orders, 0);
    assert_eq!(recount.totals().count(), 1 + 2 + 1 + 2 + 1);
    let order = recount.order(&Stage::commitment(2)).unwrap();
    assert_eq!((order.accrued(), order.given(), order.stands(), order.confirmed()), (250, 125, 0, 125));
    assert_eq!(recount.newest_pledge(&id(1)).unwrap().version, 1);
}

#[test]
fn lies_about_accruals() {
    let order = Stage::commitment(1);
    let accrual = |with: fn(&mut apricot_tlog::leaf::Accrual)| told(is!(Accrual), with);
    assert_eq!(accrual(|it| it.amount = 664), Broken::WrongShare { order, part: 0, amount: 664, due: 663 });
    assert_eq!(accrual(|it| it.amount = 662), Broken::WrongShare { order, part: 0, amount: 662, due: 663 });
    assert_eq!(accrual(|it| it.paid = 40_000), Broken::WrongShare { order, part: 0, amount: 663, due: 667 });
    assert_eq!(accrual(|it| it.version = 2), Broken::UnknownPledge { pledge: id(1), version: 2 });
    assert_eq!(accrual(|it| it.part = 7), Broken::UnknownPart { pledge: id(1), version: 1, part: 7 });
    let wanted = "project-0".to_owned();
    assert_eq!(
        accrual(|it| it.project = "mine".into()),
        Broken::WrongProject { found: "mine".into(), wanted }
    );
    assert_eq!(accrual(|it| it.quantity = 3), Broken::OtherTerms { order });
    assert_eq!(
        told(is!(Pledge), |it| it.starts_at = Some(START + 3)),
        Broken::OutOfTime { pledge: id(1), version: 1, at: START + 2 }
    );
    assert_eq!(
        told(is!(Pledge), |it| it.ends_at = Some(START + 2)),
        Broken::OutOfTime { pledge: id(1), version: 1, at: START + 2 }
    );
    let wanted: Currency = "JPY".parse().unwrap();
    assert_eq!(
        told(is!(Pledge), |it| it.currency = Some(wanted)),
        Broken::WrongCurrency { found: cny(), wanted }
    );

    let mut stage = day();
    let second = stage.leaves.remove(3);
    assert!(stage.broken().contains(&Broken::PartsLacking { order, amount: 663, due: 995 }));
    stage.leaves.insert(3, second.clone());
    stage.leaves.insert(4, second);
    let broken = stage.broken();
    assert_eq!(broken[..2], [Broken::LineTwice { line: 2 }, Broken::AccruedTwice { order, part: 1 }]);

    let mut stage = day();
    stage.leaves.push(stage.leaves[0].clone());
    assert_eq!(stage.broken(), [Broken::PledgeVersion { pledge: id(1), version: 1, newest: 1 }]);
}

#[test]
fn lies_under_a_cap() {
    let capped = Pledge { cap: Some(1_000), currency: Some(cny()), ..pledge(1, &[1, 1]) };
    let mut stage = Stage::default();
    stage.promise(capped);
    stage.pay(1, 1, 36_000, 1); // 900
    stage.pay(2, 1, 36_000, 1); // 100 are left
    assert_eq!(stage.broken(), []);
    stage.refund(1, 18_000);
    stage.pay(3, 1, 36_000, 1); // 450 are free again
    assert_eq!(stage.order(3).accrued, 450);
    assert_eq!(stage.broken(), []);
    let order = Stage::commitment(2);
    let amounts = |stage: &mut Stage, of: [i64; 2]| {
        for (leaf, amount) in stage.leaves[3..5].iter_mut().zip(of) {
            let Fact::Accrual(it) = &mut leaf.fact else { panic!("an accrual") };
            it.amount = amount;
        }
        stage.broken()
    };
    assert_eq!(
        amounts(&mut stage, [51, 50])[0],
        Broken::CapExceeded { pledge: id(1), standing: 1_001, cap: 1_000 }
    );
    assert_eq!(
        amounts(&mut stage, [450, 451])[1],
        Broken::WrongShare { order, part: 1, amount: 901, due: 900 }
    );
    assert_eq!(amounts(&mut stage, [50, 50]), []);
    stage.pay(4, 1, 1_000, 1);
    for n in 5..20 {
        stage.pay(n, 1, 1_000, 1);
    }
    assert_eq!(amounts(&mut stage, [60, 40]), [Broken::WrongSplit { order, amount: 100 }]);
    // Of the last leaves it may still be that others come; it is told apart.
    stage.leaves.truncate(4);
    let recount = stage.recount();
    assert_eq!((recount.lacking(), recount.waiting().len()), (vec![], 1));
}

#[test]
fn lies_about_refunds() {
    let order = Stage::commitment(2);
    let reversal = |with: fn(&mut apricot_tlog::leaf::Reversal)| told(is!(Reversal), with);
    assert_eq!(reversal(|it| it.order = Hash::empty()), Broken::UnknownOrder { order: Hash::empty() });
    assert_eq!(reversal(|it| it.version = 2), Broken::OtherTerms { order });
    assert_eq!(reversal(|it| it.part = 3), Broken::OtherTerms { order });
    assert_eq!(
        reversal(|it| it.kept = 10_001),
        Broken::KeptGrew { order, kept: 10_001, before: 10_000, paid: 10_000 }
    );
    assert_eq!(
        reversal(|it| it.amount = 168),
        Broken::MoreThanStands { order, part: 0, amount: 168, left: 167 }
    );
    assert_eq!(reversal(|it| it.amount = 68), Broken::ReversedTooMuch { order, stands: 99, due: 100 });
    assert_eq!(
        reversal(|it| it.confirmed = true),
        Broken::MoreThanStands { order, part: 0, amount: 67, left: 0 }
    );
    // Less than was due is told when nothing more comes.
    let mut stage = day();
    stage.leaves.truncate(10);
    assert_eq!(stage.broken(), []);
    change(&mut stage, is!(Reversal), |it| it.amount = 66);
    (10..30).for_each(|n| stage.pay(n, 1, 1_000, 1));
    assert!(stage.broken().contains(&Broken::ReversedTooLittle { order, stands: 151, due: 150 }));
}

#[test]
fn lies_about_what_was_handed_over() {
    let order = Stage::commitment(1);
    assert_eq!(
        told(is!(Confirmation), |it| it.amount = 664),
        Broken::MoreThanStands { order, part: 0, amount: 664, left: 663 }
    );
    assert_eq!(
        told(is!(Remittance), |it| it.amount += 1),
        Broken::MoreThanConfirmed { pledge: id(1), part: 0, remitted: 747, confirmed: 746 }
    );
    let (charity, project) = ("mine".to_owned(), "project-0".to_owned());
    assert_eq!(
        told(is!(Remittance), |it| it.charity = "mine".into()),
        Broken::WrongPayee { charity, project }
    );
    let order = Stage::commitment(2);
    assert_eq!(
        told(is!(Correction), |it| it.amount = 84),
        Broken::MoreThanStands { order, part: 0, amount: 84, left: 83 }
    );
    // Taken back after it was remitted.
    let mut stage = day();
    let at = stage.leaves.iter().position(|leaf| matches!(leaf.fact, Fact::Correction(_))).unwrap();
    let Fact::Correction(it) = stage.leaves[at].fact.clone() else { panic!("a correction") };
    stage.leaves[at].fact = Fact::Reversal(apricot_tlog::leaf::Reversal {
        line: it.line,
        order,
        pledge: it.pledge,
        version: 1,
        part: 0,
        kept: 0,
        amount: 83,
        currency: cny(),
        confirmed: true,
    });
    assert_eq!(
        stage.broken()[0],
        Broken::MoreThanConfirmed { pledge: id(1), part: 0, remitted: 746, confirmed: 663 }
    );
}

#[test]
fn lies_about_matches() {
    let order = Stage::commitment(1);
    let (pool, slot) = (id(9), 0);
    let matched = |with: fn(&mut apricot_tlog::leaf::Match)| told(is!(Match), with);
    assert_eq!(matched(|it| it.amount = 996), Broken::WrongMatch { pool, slot, amount: 996, due: 995 });
    assert_eq!(matched(|it| it.amount = 994), Broken::WrongMatch { pool, slot, amount: 994, due: 995 });
    assert_eq!(matched(|it| it.slot = 1), Broken::UnknownSlot { pool, slot: 1 });
    assert_eq!(
        matched(|it| it.tier = Some(0)),
        Broken::WrongTier { pool, slot, stated: Some(0), drawn: None }
    );
    assert_eq!(
        matched(|it| it.order = Hash::empty()),
        Broken::WrongProject { found: "project-0".into(), wanted: "one of the pledge's".into() }
    );
    assert_eq!(
        matched(|it| it.project = "mine".into()),
        Broken::WrongProject { found: "mine".into(), wanted: "one of the pledge's".into() }
    );
    assert_eq!(
        told(is!(Pool), |it| it.slots[0].opens_at = START + 5),
        Broken::SlotClosed { pool, slot, at: START + 4 }
    );
    assert_eq!(
        told(is!(Pool), |it| it.slots[0].budget = 994),
        Broken::BudgetExceeded { pool, slot, matched: 995, budget: 994 }
    );
    assert!(matches!(told(is!(Pool), |it| it.terms = "{}".into()), Broken::Terms { .. }));
    assert_eq!(
        told(is!(Unmatch), |it| it.amount = 996),
        Broken::UnmatchedTooMuch { pool, slot, amount: 996, left: 995 }
    );
    assert_eq!(
        told(is!(Unmatch), |it| it.order = Hash::empty()),
        Broken::UnmatchedTooMuch { pool, slot, amount: 995, left: 0 }
    );
    assert_eq!(told(is!(Seed), |it| it.seed = Hash::empty()), Broken::WrongSeed { pool, slot });
    let mut stage = day();
    let again = stage.leaves[4].clone();
    let Fact::Match(mut twice) = again.fact else { panic!("a match") };
    twice.line = 900;
    stage.leaves.insert(5, Leaf { at: START + 5, fact: Fact::Match(twice) });
    assert!(stage.broken().contains(&Broken::MatchedTwice { pool, slot, order }));
    // Another version after the slot opened, with another seed to draw by.
    let mut stage = day();
    let Fact::Pool(mut other) = stage.leaves[1].fact.clone() else { panic!("a pool") };
    (other.version, other.slots[0].seed_sha256) = (2, Hash::of(b"a seed that wins"));
    stage.leaves.insert(2, Leaf { at: START + 2, fact: Fact::Pool(other) });
    assert_eq!(stage.broken()[0], Broken::SeedChanged { pool, slot });
}

#[test]
fn lies_in_tallies() {
    let column = |with: fn(&mut Tally)| match told(is!(Tally), with) {
        Broken::WrongTally { column, stated, counted } => (column, stated - counted),
        other => panic!("{other}"),
    };
    assert_eq!(column(|it| it.orders += 1), ("orders", 1));
    assert_eq!(column(|it| it.paid += 1), ("paid", 1));
    assert_eq!(column(|it| it.accrued += 4), ("accrued", 4));
    assert_eq!(column(|it| it.reversed += 1), ("reversed", 1));
    assert_eq!(column(|it| it.confirmed += 1), ("confirmed", 1));
    assert_eq!(column(|it| it.remitted += 1), ("remitted", 1));
    assert_eq!(column(|it| it.matched += 1), ("matched", 1));
    assert_eq!(column(|it| it.unmatched += 1), ("unmatched", 1));
    let leaves = day().leaves.iter().position(|leaf| matches!(leaf.fact, Fact::Tally(_))).unwrap() as u64;
    assert_eq!(told(is!(Tally), |it| it.size += 1), Broken::TallyAhead { size: leaves + 1, leaves });
    assert!(matches!(told(is!(Tally), |it| it.size = 4), Broken::WrongTally { .. }));
}

#[test]
fn a_tally_may_count_a_while_ago_and_not_longer() {
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[1]));
    (0..50).for_each(|n| stage.pay(n, 1, 10_000, 1));
    for size in [51, 0, 1, 20, 50, 20] {
        stage.tally(size);
    }
    assert_eq!(stage.broken(), []);
    let mut recount = stage.recount();
    let Fact::Accrual(accrual) = stage.leaves[1].fact.clone() else { panic!("an accrual") };
    for n in 0..TALLY_LAG_MAX as u64 {
        let mut accrual = accrual.clone();
        (accrual.line, accrual.order) = (1_000 + n, Hash::of(&n.to_be_bytes()));
        recount.leaf(&Leaf { at: START, fact: Fact::Accrual(accrual) });
    }
    assert_eq!(recount.findings(), []);
    let Some(Leaf { fact: Fact::Tally(old), .. }) = stage.leaves.last() else { panic!("a tally") };
    let of_size = |size| Leaf { at: START, fact: Fact::Tally(Tally { size, ..old.clone() }) };
    recount.leaf(&of_size(20));
    assert_eq!(recount.findings(), [], "the newest size that was counted is remembered");
    recount.leaf(&of_size(21));
    assert_eq!(recount.findings()[0].broken, Broken::TallyTooOld { size: 21 });
}

#[test]
fn findings_are_counted_and_not_all_kept() {
    let mut recount = Recount::default();
    (0..2_000).for_each(|_| recount.push(b"no leaf"));
    assert_eq!((recount.leaves(), recount.found(), recount.findings().len()), (2_000, 2_000, FINDINGS_MAX));
    let json = serde_json::to_string(&recount.findings()[0]).unwrap();
    assert!(json.starts_with(r#"{"leaf":0,"why":"the leaf does not begin"#), "{json}");
}

#[derive(Clone, Debug)]
enum Step {
    Pay { pledge: u64, paid: i64, quantity: u32 },
    Refund { order: u64, amount: i64 },
    Confirm { order: u64 },
    Remit { pledge: u64 },
    Tally { lag: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_u64, 1..100_000_i64, 1..20_u32).prop_map(|(pledge, paid, quantity)| Step::Pay { pledge, paid, quantity }),
        4 => (any::<u64>(), 1..50_000_i64).prop_map(|(order, amount)| Step::Refund { order, amount }),
        3 => any::<u64>().prop_map(|order| Step::Confirm { order }),
        1 => (1..4_u64).prop_map(|pledge| Step::Remit { pledge }),
        1 => (0..10_usize).prop_map(|lag| Step::Tally { lag }),
    ]
}

fn play(steps: &[Step]) -> Stage {
    let mut stage = Stage::default();
    stage.promise(pledge(1, &[3, 2, 2, 1]));
    stage.promise(Pledge { cap: Some(2_000), currency: Some(cny()), ..pledge(2, &[1, 1]) });
    stage.promise(Pledge {
        base: Base::PerUnit,
        share_ppm: 0,
        per_unit: 99,
        currency: Some(cny()),
        ..pledge(3, &[1])
    });
    stage.sponsor(9, Rule::Ratio { ppm: 500_000 }, 3_000);
    let (mut orders, mut left) = (0, 3_000);
    for step in steps {
        match *step {
            Step::Pay { pledge, paid, quantity } => {
                stage.pay(orders, pledge, paid, quantity);
                left -= stage.matched(orders, 9, &Rule::Ratio { ppm: 500_000 }, left);
                orders += 1;
            }
            Step::Refund { order, amount } if orders > 0 => stage.refund(order % orders, amount),
            Step::Confirm { order } if orders > 0 => stage.confirm(order % orders),
            Step::Refund { .. } | Step::Confirm { .. } => {}
            Step::Remit { pledge } => stage.remit(pledge + 100, pledge),
            Step::Tally { lag } => stage.tally(stage.leaves.len().saturating_sub(lag)),
        }
    }
    let size = stage.leaves.len();
    stage.tally(size);
    stage
}

proptest! {
    /// Any life of any orders, with refunds before and after receipt and remittance, under caps and over parts.
    #[test]
    fn honest_logs_have_no_findings(steps in prop::collection::vec(step(), 0..60)) {
        let stage = play(&steps);
        prop_assert_eq!(stage.broken(), []);
        let recount = stage.recount();
        for order in 0..steps.iter().filter(|step| matches!(step, Step::Pay { .. })).count() as u64 {
            let (book, counted) = (stage.order(order), recount.order(&Stage::commitment(order)).unwrap());
            let owed = book.parts.iter().sum::<i64>();
            prop_assert_eq!((counted.stands(), counted.given()), (owed, owed + book.corrected));
        }
    }

    /// One fen more or less in any leaf that moves money does not stay hidden from the last tallies.
    #[test]
    fn one_fen_is_told(steps in prop::collection::vec(step(), 8..40), at in any::<prop::sample::Index>(), more in any::<bool>()) {
        let mut stage = play(&steps);
        let by = if more { 1 } else { -1 };
        let mut amounts: Vec<&mut i64> = stage.leaves.iter_mut().filter_map(|leaf| match &mut leaf.fact {
            Fact::Accrual(it) => Some(&mut it.amount),
            Fact::Reversal(it) => Some(&mut it.amount),
            Fact::Confirmation(it) => Some(&mut it.amount),
            Fact::Remittance(it) => Some(&mut it.amount),
            Fact::Match(it) => Some(&mut it.amount),
            Fact::Unmatch(it) => Some(&mut it.amount),
            Fact::Pledge(_) | Fact::Correction(_) | Fact::Pool(_) | Fact::Seed(_) | Fact::Tally(_) => None,
        }).filter(|amount| **amount + by >= 0).collect();
        prop_assume!(!amounts.is_empty());
        let at = at.index(amounts.len());
        *amounts[at] += by;
        prop_assert_ne!(stage.broken(), []);
    }

    /// Leaves in any order, left out and repeated: an answer, and no panic.
    #[test]
    fn any_leaves_are_answered(steps in prop::collection::vec(step(), 0..30), order in prop::collection::vec(any::<prop::sample::Index>(), 0..80), huge in any::<bool>()) {
        let stage = play(&steps);
        let mut recount = Recount::default();
        for at in order {
            let mut leaf = at.get(&stage.leaves).clone();
            if let (true, Fact::Reversal(it)) = (huge, &mut leaf.fact) {
                it.amount = i64::MAX;
            }
            recount.leaf(&leaf);
        }
        prop_assert!(recount.lacking().len() < 100);
    }
}
