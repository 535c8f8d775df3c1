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
        3 => Account::CharityAccrued(PledgeId(Uuid::from_u128(77))),
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

fn sums(desk: &Desk, sql: &str) -> Sums {
    let reader = open_reader(&desk.path()).unwrap();
    let mut statement = reader.prepare(sql).unwrap();
    let rows = statement
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?))));
    rows.unwrap().collect::<rusqlite::Result<Sums>>().unwrap()
}

fn cached(journal: &Journal) -> Sums {
    let totals = journal.totals().all().into_iter();
    totals
        .map(|((account, _, code), total)| {
            ((account.to_string(), code.number()), (total.debits, total.credits, total.newest))
        })
        .collect()
}

const FROM_LINES: &str = "SELECT a.name, x.code, sum(x.debit), sum(x.credit), max(x.id) FROM (
    SELECT debit AS account, code, amount AS debit, 0 AS credit, id FROM transfers
    UNION ALL SELECT credit, code, 0, amount, id FROM transfers) x
    JOIN accounts a ON a.id = x.account GROUP BY a.name, x.code";

const FROM_TABLE: &str =
    "SELECT a.name, t.code, t.debits, t.credits, t.newest FROM totals t JOIN accounts a ON a.id = t.account";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn lines_table_and_cache_agree(drafts in drafts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::new();
            desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
            let (mut pending, mut expected) = (Vec::new(), 0);
            for (lines, refused_at) in drafts {
                let mut entry: Entry = lines.iter().map(|(debit, credit, amount)| Write::Transfer(Transfer {
                    debit: account(*debit),
                    credit: account(*credit),
                    amount: cny(*amount),
                    code: code(*amount),
                    order: None,
                    at: NOW,
                })).collect();
                match refused_at {
                    Some(at) => entry.insert(at.min(entry.len()), Write::Once(once(1, 1))),
                    None => expected += lines.len() as i64,
                }
                pending.push((desk.journal.submit(entry).unwrap(), refused_at.is_some()));
            }
            for (entry, refused) in pending {
                let answer = if refused { Err(StoreError::Seen) } else { Ok(()) };
                prop_assert_eq!(entry.committed().await, answer);
            }
            prop_assert_eq!(desk.count("SELECT count(*) FROM transfers"), expected);
            let lines = sums(&desk, FROM_LINES);
            prop_assert_eq!(&sums(&desk, FROM_TABLE), &lines);
            prop_assert_eq!(&cached(&desk.journal), &lines);
            let balance: i64 = lines.values().map(|(debits, credits, _)| credits - debits).sum();
            prop_assert_eq!(balance, 0);
            let desk = desk.reopened().await;
            prop_assert_eq!(&cached(&desk.journal), &lines);
            Ok(())
        })?;
    }
}
