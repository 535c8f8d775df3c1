//! Three sources of one truth, compared after random entries: the lines, the table of totals, the cache in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// An entry: transfers by account and amount, and whether a used key stands among them, which refuses it.
type Draft = (Vec<(u8, u8, i64)>, Option<usize>);

fn account(n: u8) -> Account {
    match n {
        0 => Account::RefundPayable,
        1 => Account::PlatformCommission,
        2 => Account::HostPayable("li".parse().unwrap()),
        3 => Account::CharityAccrued(PledgeId(Uuid::from_u128(77)).into()),
        _ => Account::BuyerClearing { provider: crate::model::transfer::SANDBOX },
    }
}

fn code(n: i64) -> Code {
    Code::from_number(1 + n % 10).unwrap()
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let line =
        (0..5_u8, 1..5_u8, 0..1_000_i64).prop_map(|(debit, by, amount)| (debit, (debit + by) % 5, amount));
    let lines = proptest::collection::vec(line, 0..4);
    proptest::collection::vec((lines, proptest::option::weighted(0.2, 0..4_usize)), 1..40)
}

type Sums = BTreeMap<(String, i64), (i64, i64, i64)>;

async fn sums(desk: &Desk, sql: &'static str) -> Sums {
    let rows = desk.journal.list(sql, vec![], |row| {
        Ok(((row.text(0)?.to_owned(), row.int(1)?), (row.int(2)?, row.int(3)?, row.int(4)?)))
    });
    rows.await.unwrap().into_iter().collect()
}

async fn cached(desk: &Desk) -> Sums {
    let totals = desk.totals().await.all().into_iter();
    totals
        .map(|((account, _, code), total)| {
            ((account.to_string(), code.number()), (total.debits, total.credits, total.newest))
        })
        .collect()
}

const FROM_LINES: &str =
    "SELECT a.name, x.code, CAST(sum(x.debit) AS BIGINT), CAST(sum(x.credit) AS BIGINT), max(x.id) FROM (
    SELECT debit AS account, code, amount AS debit, 0 AS credit, id FROM transfers
    UNION ALL SELECT credit, code, 0, amount, id FROM transfers) x
    JOIN accounts a ON a.id = x.account GROUP BY a.name, x.code";

const FROM_TABLE: &str =
    "SELECT a.name, t.code, t.debits, t.credits, t.newest FROM totals t JOIN accounts a ON a.id = t.account";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn lines_table_and_cache_agree_on_sqlite(drafts in drafts()) {
        agree(Engine::Sqlite, drafts);
    }

    #[test]
    fn lines_table_and_cache_agree_on_postgres(drafts in drafts()) {
        if let Some(engine) = Engine::postgres() {
            agree(engine, drafts);
        }
    }
}

fn agree(on: Engine, drafts: Vec<Draft>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(lines_table_and_cache_agree(on, drafts));
}

async fn lines_table_and_cache_agree(on: Engine, drafts: Vec<Draft>) {
    let desk = Desk::new(on).await;
    desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
    let (mut entries, mut answers, mut expected) = (Vec::new(), Vec::new(), 0);
    for (lines, refused_at) in drafts {
        let mut entry: Entry = lines.iter().map(posting).collect();
        match refused_at {
            Some(at) => entry.insert(at.min(entry.len()), Write::Once(once(1, 1))),
            None => expected += lines.len() as i64,
        }
        entries.push(entry);
        answers.push(if refused_at.is_some() { Err(StoreError::Seen) } else { Ok(()) });
    }
    assert_eq!(desk.commit_at_once(entries).await, answers);
    assert_eq!(desk.count("SELECT count(*) FROM transfers").await, expected);
    let lines = sums(&desk, FROM_LINES).await;
    assert_eq!(sums(&desk, FROM_TABLE).await, lines);
    assert_eq!(cached(&desk).await, lines);
    let balance: i64 = lines.values().map(|(debits, credits, _)| credits - debits).sum();
    assert_eq!(balance, 0);
    let desk = desk.reopened().await;
    assert_eq!(cached(&desk).await, lines);
}

fn posting((debit, credit, amount): &(u8, u8, i64)) -> Write {
    Write::Transfer(Transfer {
        debit: account(*debit),
        credit: account(*credit),
        amount: cny(*amount),
        code: code(*amount),
        order: None,
        at: NOW,
    })
}
