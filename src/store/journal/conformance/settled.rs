//! Sales that are over for good are not looked at every second.

use super::*;

/// Closed at a time, in a room that has ended; its lot, and whether somebody waits.
const CLOSED: &str = "
    INSERT INTO rooms SELECT 'past', host, 'ended', body, 1 FROM rooms;
    CREATE FUNCTION closed(number int, in_room text, at bigint, held bigint, sold bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO sales SELECT (jsonb_populate_record(s, jsonb_build_object(
            'id', CAST(lpad(to_hex(1000 + number), 32, '0') AS uuid), 'room', in_room, 'state', 'closed', 'closes_at', at, 'close_reason', 'time'))).*
            FROM sales s WHERE id = '00000000-0000-0000-0000-000000000001';
        INSERT INTO lots VALUES (CAST(lpad(to_hex(1000 + number), 32, '0') AS uuid), 5, 5, held, sold);
    $$;";

async fn desk_with_sales(closed: &str) -> Option<Desk> {
    let desk = Desk::with_lot(Engine::postgres()?, 10).await;
    desk.record.by_hand(&format!("{CLOSED}{closed}")).unwrap();
    let Journal::Postgres(postgres) = &desk.journal else { panic!("SQLite") };
    postgres.tidy().await.unwrap();
    Some(desk)
}

#[tokio::test]
async fn sale_is_settled_when_nothing_of_it_lives() {
    let closed = "
        SELECT closed(0, 'past', 0, 0, 5);
        SELECT closed(1, 'past', clock_ms() - 3600000, 0, 5);
        SELECT closed(2, 'orchard', 0, 0, 5);
        SELECT closed(3, 'past', 0, 1, 4);
        SELECT closed(4, 'past', 0, 0, 4);
        SELECT closed(5, 'past', 0, 0, 5);";
    let Some(desk) = desk_with_sales(closed).await else { return };
    let of_sale = |number: u128| SaleId(Uuid::from_u128(1_000 + number));
    let settled = async || {
        let sql = "SELECT id FROM sales WHERE settled ORDER BY id";
        desk.journal.list(sql, vec![], |row| row.id(0).map(SaleId)).await.unwrap()
    };
    assert_eq!(settled().await, [of_sale(0), of_sale(5)]);
    let mut versions: Vec<_> = desk.journal.live_sale_versions().await.unwrap();
    versions.sort();
    // The first closed an hour ago and does not live; it is settled tomorrow.
    assert_eq!(versions, [SALE, of_sale(2), of_sale(3), of_sale(4)].map(|sale| (sale, 1)));
    let live = desk.journal.live_sales().await.unwrap();
    assert_eq!(live.len(), versions.len());
}

#[tokio::test]
async fn who_still_waits_keeps_a_sale_from_being_settled() {
    let Some(desk) = desk_with_sales("SELECT closed(0, 'past', clock_ms(), 0, 5);").await else { return };
    let waiting = Order {
        sale: SaleId(Uuid::from_u128(1_000)),
        wait: true,
        stage: Stage::Waiting,
        hold: 0,
        ..order(1, 1)
    };
    desk.commit(vec![Write::Order(waiting.clone())]).await.unwrap();
    desk.record.by_hand("UPDATE sales SET closes_at = 0 WHERE closes_at > 0").unwrap();
    let Journal::Postgres(postgres) = &desk.journal else { panic!("SQLite") };
    postgres.tidy().await.unwrap();
    let live = desk.journal.live_sale_versions().await.unwrap();
    assert!(live.contains(&(waiting.sale, 1)), "{live:?}");
    assert_eq!(desk.count("SELECT count(*) FROM sales WHERE settled").await, 0);
}

#[tokio::test]
async fn look_at_live_sales_does_not_grow_with_those_that_are_over() {
    let closed = "SELECT closed(n, 'past', 0, 0, 5) FROM generate_series(0, 9999) n; ANALYZE;";
    let Some(desk) = desk_with_sales(closed).await else { return };
    assert_eq!(desk.count("SELECT count(*) FROM sales WHERE settled").await, 10_000);
    desk.record.by_hand("ANALYZE").unwrap();
    let explain = format!("EXPLAIN SELECT s.id, s.version {}", desk.journal.of_live_sales());
    let plan = desk.journal.list(explain, vec![], |row| row.text(0).map(str::to_owned)).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("sales_not_settled"), "{plan}");
    assert!(!plan.contains("Seq Scan on sales") && !plan.contains("Seq Scan on lots"), "{plan}");
}
