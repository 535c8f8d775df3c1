//! What `apricot check` asks of a record, asked of both engines.

use super::*;
use crate::audit::audit;

laws! {
    sound_record_passes_the_audit,
    broken_rule_is_found,
    log_is_made_again_and_compared,
    charity_totals_are_read_as_far_as_they_were_counted,
}

/// The id of the pledge does for a run.
const ONE_PERSON: &str = "INSERT INTO remittance_runs (id, charity, currency, state, proposed_at, body, version) \
     SELECT id, '53100000', 'CNY', 'approved', 1, '{\"charity_name\":\"Hope\",\"proposed_by\":\"kim\",\"approved_by\":\"kim\",\"approved_at\":2}', 2 FROM pledges";
const NOBODY: &str = "INSERT INTO remittance_runs (id, charity, currency, state, proposed_at, body, version) \
     SELECT id, '53100000', 'CNY', 'approved', 1, '{\"charity_name\":\"Hope\",\"proposed_by\":\"kim\"}', 2 FROM pledges";
const TWO_PEOPLE: &str = "INSERT INTO remittance_runs (id, charity, currency, state, proposed_at, body, version) \
     SELECT id, '53100000', 'CNY', 'approved', 1, '{\"charity_name\":\"Hope\",\"proposed_by\":\"kim\",\"approved_by\":\"wu\",\"approved_at\":2}', 2 FROM pledges";

/// An order that was paid under a pledge, one that was given back, one that is held.
async fn some_trade(on: Engine) -> Desk {
    let desk = Desk::new(on).await;
    let uncapped = Pledge { cap: None, ..pledge(1) };
    let pledged = FlashSale { pledge: Some(uncapped.reference()), ..sale(SALE, 10) };
    for write in [
        Write::Room(Box::new(room())),
        Write::NewProduct(product(100)),
        Write::Pledge(uncapped.clone()),
        Write::Sale(pledged.clone()),
        Write::Sale(pledged.open(NOW).unwrap()),
    ] {
        assert_eq!(desk.commit(vec![write]).await, Ok(()));
    }
    let [paid, released, held] = [1, 2, 3].map(|n| order(n, 1));
    for order in [&paid, &released, &held] {
        desk.commit(placed(order)).await.unwrap();
    }
    let given_back = Write::Order(released.clone().release().unwrap());
    desk.commit(vec![end_hold(&released, HoldOutcome::Released), given_back]).await.unwrap();
    let payment = payment(&paid).into(PaymentState::Authorised).into(PaymentState::Captured);
    desk.commit(vec![Write::Payment(Payment { version: 1, ..payment })]).await.unwrap();
    let charity = uncapped.share_of(paid.total(), 1);
    let line = |debit, credit, amount, code| {
        Write::Transfer(Transfer { debit, credit, amount, code, order: Some(paid.id), at: NOW })
    };
    let li = || Account::HostPayable("li".parse().unwrap());
    let clearing = Account::BuyerClearing { provider: crate::model::transfer::SANDBOX };
    let claim = vec![
        end_hold(&paid, HoldOutcome::Claimed),
        Write::Order(paid.clone().claim(NOW, charity).unwrap()),
        line(clearing, li(), paid.total(), Code::Sale),
        line(li(), Account::PlatformCommission, cny(0), Code::Commission),
        line(li(), Account::CharityAccrued(uncapped.id.into()), charity, Code::Accrue),
        Write::PledgeSums {
            of: uncapped.id.into(),
            currency: Currency::CNY,
            standing: charity.minor,
            payable: 0,
            cap: None,
        },
    ];
    desk.commit(claim).await.unwrap();
    desk
}

/// Names of the rules that are broken.
async fn broken(desk: &Desk) -> Vec<String> {
    let report = audit(&desk.record.snapshot().await).await.unwrap();
    let broken = report.checks.into_iter().filter(|check| check.violations > 0);
    broken.map(|check| check.name).collect()
}

async fn sound_record_passes_the_audit(on: Engine) {
    let desk = some_trade(on).await;
    assert_eq!(broken(&desk).await, Vec::<String>::new());
}

async fn broken_rule_is_found(on: Engine) {
    for (sql, rules) in [
        ("UPDATE lots SET held = held + 1", ["lot_counts_its_holds"].as_slice()),
        (
            "UPDATE orders SET paid_at = NULL WHERE stage = 'paid'",
            &["paid_order_posted_once", "one_payment_each"],
        ),
        ("UPDATE pledge_sums SET standing = standing + 1", &["pledge_sums_are_the_transfers"]),
        ("UPDATE totals SET debits = debits + 1 WHERE code = 2", &["totals_are_the_transfers"]),
        ("UPDATE holds SET quantity = 2 WHERE outcome = 'released'", &["hold_matches_order"]),
        ("DELETE FROM holds WHERE outcome = 'released'", &["hold_ends_once"]),
        ("UPDATE orders SET charity = charity + 1 WHERE stage = 'paid'", &["order_charity_is_posted"]),
        (ONE_PERSON, &["remittances_have_two_people"]),
        (NOBODY, &["remittances_have_two_people"]),
        (TWO_PEOPLE, &[]),
    ] {
        let desk = some_trade(on).await;
        desk.record.by_hand(sql).unwrap();
        assert_eq!(broken(&desk).await, rules, "{sql}");
    }
}

/// Appends what waits, as the node with the duty does it.
async fn told(desk: &Desk) {
    use crate::ledger::log::PublicLog;
    let folder = tempfile::tempdir().unwrap();
    let log = PublicLog::open(desk.journal.clone(), folder.path(), None, &[[7; 32]]).await.unwrap();
    log.append(None, false, NOW).await.unwrap();
    log.append(None, true, NOW).await.unwrap();
}

async fn log_is_made_again_and_compared(on: Engine) {
    let desk = some_trade(on).await;
    told(&desk).await;
    assert_eq!(broken(&desk).await, Vec::<String>::new());
    let log = ["log_is_the_record"].as_slice();
    for (sql, rules) in [
        (
            "UPDATE log_leaves SET leaf = replace(leaf, '\"paid\":', '\"paid\":1') WHERE transfer IS NOT NULL",
            log,
        ),
        (
            "UPDATE log_leaves SET leaf = replace(leaf, '\"sharePpm\":', '\"sharePpm\":1') WHERE pledge IS NOT NULL",
            log,
        ),
        // A tally is made of leaves: the signed root shows it.
        (
            "UPDATE log_leaves SET leaf = replace(leaf, '\"orders\":1', '\"orders\":2') WHERE tally IS NOT NULL",
            log,
        ),
        ("UPDATE log SET size = size - 1", log),
        ("UPDATE orders SET quantity = quantity + 1, unit_price = unit_price / 2 WHERE stage = 'paid'", log),
    ] {
        let desk = some_trade(on).await;
        told(&desk).await;
        let unlocked = match on {
            Engine::Sqlite => "DROP TRIGGER log_leaves_stay",
            _ => "ALTER TABLE log_leaves DISABLE TRIGGER USER",
        };
        desk.record.by_hand(&format!("{unlocked}; {sql}")).unwrap();
        let found = broken(&desk).await;
        assert!(rules.iter().all(|rule| found.iter().any(|found| found == rule)), "{sql}: {found:?}");
    }
}

async fn charity_totals_are_read_as_far_as_they_were_counted(on: Engine) {
    let desk = some_trade(on).await;
    let charity = |(account, ..): &Key| account.to_string().starts_with("charity_");
    let by_name = |mut totals: Vec<(Key, Total)>| {
        totals.retain(|(key, _)| charity(key));
        totals.sort_by_key(|((account, _, code), _)| (account.to_string(), code.number()));
        totals
    };
    let counted = by_name(desk.totals().await.all());
    assert_eq!(counted.len(), 1);
    // Later ones, of what was counted and of what was not; long ago by the clock of who posted them.
    let line = |debit, credit, code| {
        Write::Transfer(Transfer { debit, credit, amount: cny(3), code, order: None, at: NOW })
    };
    let (accrued, payable) =
        (Account::CharityAccrued(pledge(1).id.into()), Account::CharityPayable(pledge(1).id.into()));
    let li = || Account::HostPayable("li".parse().unwrap());
    let later = vec![line(li(), accrued.clone(), Code::Accrue), line(accrued, payable, Code::Confirm)];
    desk.commit(later).await.unwrap();
    let snapshot = desk.record.snapshot().await;
    let read = snapshot.charity_totals(&counted, NOW - std::time::Duration::from_millis(1)).await.unwrap();
    assert_eq!(by_name(read), counted);
    let now = by_name(desk.totals().await.all());
    assert_eq!(now.len(), 3);
    assert_eq!(by_name(snapshot.charity_totals(&now, Timestamp::ZERO).await.unwrap()), now);
    assert_eq!(by_name(snapshot.charity_totals(&counted, NOW).await.unwrap()), now, "settled");
    assert_eq!(by_name(snapshot.charity_totals(&[], NOW).await.unwrap()), now, "settled and never counted");
}
