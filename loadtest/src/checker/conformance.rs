//! Laws of reading a record, the same for both databases: rows are written as the schema wants them, then spoiled past all of its own
//! checks.

use apricot_servers::{Postgres, or_skip};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Place, Rule, Verdict, check};

const SQLITE: [&str; 2] = [
    include_str!("../../../migrations/sqlite/V1__record.sql"),
    include_str!("../../../migrations/sqlite/V2__many_nodes.sql"),
];
const POSTGRES: &str = include_str!("../../../migrations/postgres/V1__record.sql");
const NOW_MS: i64 = 1_790_000_060_000;

/// One sale of two units, one bought and one released. `<n>` is the id with that number.
const ROWS: &str = "
    INSERT INTO record (epoch, created_at) VALUES (77, 1790000000000);
    INSERT INTO rooms (id, host, state, body, version) VALUES ('room', 'host', 'live', '{}', 1);
    INSERT INTO products (sku, host, on_hand, price, currency, body) VALUES ('sku', 'host', 0, 3000, 'CNY', '{}');
    INSERT INTO accounts (id, name, currency) VALUES (1, 'buyer_clearing/sandbox', 'CNY'), (2, 'host_payable/host', 'CNY'),
        (3, 'charity_accrued/00000000-0000-0000-0000-000000000009', 'CNY');
    INSERT INTO pledges (id, version, host, base, share_ppm, per_unit, currency, rounding, body)
        VALUES (<9>, 1, 'host', 'paid_price', 25000, 0, 'CNY', 'down', '{}');
    INSERT INTO sales (id, room, sku, price, currency, limit_per_buyer, hold_ms, duration_ms, state, pledge, pledge_version, version)
        VALUES (<8>, 'room', 'sku', 2590, 'CNY', 2, 10000, 60000, 'open', <9>, 1, 1);
    INSERT INTO lots (sale, set_aside, stock, held, sold) VALUES (<8>, 2, 2, 0, 1);
    INSERT INTO orders (id, sale, room, sku, buyer, quantity, unit_price, currency, wait, stage, hold, placed_at, paid_at, charity,
                        version)
        VALUES (<1>, <8>, 'room', 'sku', 'buyer-0', 1, 2590, 'CNY', 0, 'paid', 1, 1790000000500, 1790000001000, 64, 2),
               (<2>, <8>, 'room', 'sku', 'buyer-0', 1, 2590, 'CNY', 0, 'released', 1, 1790000000500, NULL, 0, 2);
    INSERT INTO holds (order_id, hold, sale, quantity, expires_at, outcome, ended_at)
        VALUES (<1>, 1, <8>, 1, 1790000010500, 'claimed', 1790000001000),
               (<2>, 1, <8>, 1, 1790000010500, 'released', 1790000001000);
    INSERT INTO payments (id, order_id, amount, currency, method, state, created_at, version)
        VALUES (<5>, <1>, 2590, 'CNY', 'sandbox_approve', 'captured', 1790000000600, 2);
    INSERT INTO transfers (id, at, code, debit, credit, amount, order_id)
        VALUES (1, 1790000001000, 1, 1, 2, 2590, <1>), (2, 1790000001000, 3, 2, 3, 64, <1>);
    INSERT INTO totals (account, code, debits, credits, newest)
        VALUES (1, 1, 2590, 0, 1), (2, 1, 0, 2590, 1), (2, 3, 64, 0, 2), (3, 3, 0, 64, 2);
";

/// Each change breaks one rule.
const SPOILT: [(Rule, &str); 11] = [
    (Rule::Oversold, "UPDATE lots SET stock = 0, sold = 0"),
    (Rule::Undersold, "UPDATE lots SET sold = 2"),
    (Rule::Undersold, "UPDATE sales SET state = 'closed', close_reason = 'sold_out'"),
    (Rule::Lost, "UPDATE orders SET stage = 'expired' WHERE stage = 'paid'"),
    (Rule::Lost, "DELETE FROM payments"),
    (
        Rule::DoubleEffects,
        "INSERT INTO holds (order_id, hold, sale, quantity, expires_at, outcome, ended_at)
         SELECT order_id, 2, sale, quantity, expires_at, outcome, ended_at FROM holds WHERE outcome = 'claimed'",
    ),
    (
        Rule::DoubleEffects,
        "INSERT INTO outbox (kind, subject, created_at) SELECT 'capture', id, 0 FROM payments",
    ),
    (Rule::LimitBroken, "UPDATE holds SET quantity = 3 WHERE outcome = 'claimed'"),
    (Rule::CounterWrong, "UPDATE orders SET charity = 65 WHERE stage = 'paid'"),
    (
        Rule::CounterWrong,
        "INSERT INTO transfers (id, at, code, debit, credit, amount, order_id)
         SELECT 3, at, code, debit, credit, amount, order_id FROM transfers WHERE code = 3",
    ),
    (Rule::CounterWrong, "UPDATE totals SET newest = 99 WHERE code = 3"),
];

/// A record of its own, written with the rows.
enum Written {
    Sqlite(TempDir, Connection),
    Postgres { url: String },
}

impl Written {
    fn sqlite() -> Written {
        let dir = tempfile::tempdir().unwrap();
        let connection = Connection::open(dir.path().join("record.db")).unwrap();
        connection.execute_batch(&SQLITE.concat()).unwrap();
        Written::Sqlite(dir, connection)
    }

    fn postgres(server: &Postgres) -> Written {
        let written = Written::Postgres { url: server.fresh_database().unwrap() };
        written.run(Some(server), POSTGRES);
        written
    }

    fn run(&self, server: Option<&Postgres>, statements: &str) {
        match (self, server) {
            (Written::Sqlite(_, connection), _) => connection.execute_batch(statements).unwrap(),
            (Written::Postgres { url }, Some(server)) => {
                let database = url.rsplit('/').next().unwrap();
                server.sql(database, statements).unwrap();
            }
            (Written::Postgres { .. }, None) => unreachable!("a database has a server"),
        }
    }

    fn rows(&self) -> String {
        let id = |number: u128| match self {
            Written::Sqlite(..) => format!("x'{}'", Uuid::from_u128(number).simple()),
            Written::Postgres { .. } => format!("'{}'", Uuid::from_u128(number)),
        };
        (1..=9).fold(ROWS.to_owned(), |rows, number| rows.replace(&format!("<{number}>"), &id(number)))
    }

    async fn judged(&self) -> Verdict {
        let place = match self {
            Written::Sqlite(dir, _) => Place::Folder(dir.path().into()),
            Written::Postgres { url } => Place::Postgres(url.clone()),
        };
        check(&place, None, None, NOW_MS).await.unwrap()
    }
}

async fn is_read_and_clean(server: Option<&Postgres>) {
    let written = server.map_or_else(Written::sqlite, Written::postgres);
    written.run(server, &written.rows());
    let verdict = written.judged().await;
    assert_eq!(verdict.findings, vec![]);
    let checked = verdict.checked;
    assert_eq!((checked.orders, checked.holds, checked.payments, checked.transfers), (2, 2, 1, 2));
}

async fn is_caught_when_spoilt(server: Option<&Postgres>) {
    for (rule, change) in SPOILT {
        let written = server.map_or_else(Written::sqlite, Written::postgres);
        written.run(server, &(written.rows() + change));
        let verdict = written.judged().await;
        assert!(verdict.count(rule) > 0, "{change} must break {rule:?}: {:?}", verdict.findings);
    }
}

#[tokio::test]
async fn a_sqlite_record_is_read_and_clean() {
    is_read_and_clean(None).await;
}

#[tokio::test]
async fn a_spoilt_sqlite_record_is_caught() {
    is_caught_when_spoilt(None).await;
}

#[tokio::test]
async fn a_postgres_record_is_read_and_clean_and_caught_when_spoilt() {
    let Some(server) = or_skip(Postgres::start()) else { return };
    is_read_and_clean(Some(&server)).await;
    is_caught_when_spoilt(Some(&server)).await;
}

#[tokio::test]
async fn a_database_that_is_not_there_says_so() {
    let place = Place::Postgres("postgresql://nobody@127.0.0.1:1/none".into());
    let error = check(&place, None, None, NOW_MS).await.unwrap_err();
    assert!(error.to_string().starts_with("the record in PostgreSQL, connecting"), "{error}");
}
