//! What people who watch the deployment read.

use super::*;

laws! {
    readings_come_oldest_first_in_parts,
    reading_is_kept_once_for_a_time_of_a_node,
    old_readings_go_in_parts_oldest_first,
    newest_lights_stand,
    open_holds_are_those_not_paid_and_not_over,
    payments_come_newest_first_in_pages,
    audit_trail_comes_newest_first_in_pages,
}

const SECOND: Duration = Duration::from_secs(1);

fn reading(seconds: u32, node: &str, body: &[u8]) -> Write {
    Write::Reading { at: NOW + SECOND * seconds, node: node.into(), body: body.to_vec() }
}

/// Seconds and nodes of what is kept.
async fn kept(desk: &Desk, after: (u32, &str), until: u32, limit: u32) -> Vec<(u64, String)> {
    let after = (NOW + SECOND * after.0, after.1.to_owned());
    let rows = desk.journal.readings(after, NOW + SECOND * until, limit).await.unwrap();
    let seconds = |at: Timestamp| u64::try_from(at.millis() - NOW.millis()).unwrap() / 1_000;
    rows.into_iter().map(|row| (seconds(row.at), row.node)).collect()
}

fn pairs(of: &[(u64, &str)]) -> Vec<(u64, String)> {
    of.iter().map(|(at, node)| (*at, (*node).to_owned())).collect()
}

async fn readings_come_oldest_first_in_parts(on: Engine) {
    let desk = Desk::new(on).await;
    for write in
        [reading(20, "a", &[1]), reading(10, "b", &[0, 255]), reading(10, "a", &[2]), reading(30, "a", &[])]
    {
        assert_eq!(desk.commit(vec![write]).await, Ok(()));
    }
    let all = [(10, "a"), (10, "b"), (20, "a"), (30, "a")];
    assert_eq!(kept(&desk, (0, "~"), 30, 9).await, pairs(&all));
    assert_eq!(kept(&desk, (0, "~"), 29, 9).await, pairs(&all[..3]), "both ends are kept to");
    assert_eq!(kept(&desk, (10, "~"), 30, 9).await, pairs(&all[2..]));
    assert_eq!(kept(&desk, (0, "~"), 30, 1).await, pairs(&all[..1]));
    assert_eq!(
        kept(&desk, (10, "a"), 30, 1).await,
        pairs(&all[1..2]),
        "the next part goes on behind the last"
    );
    let bodies = desk.journal.readings((NOW, String::new()), NOW + SECOND * 10, 9).await.unwrap();
    assert_eq!(bodies.into_iter().map(|row| row.body).collect::<Vec<_>>(), [vec![2], vec![0, 255]]);
}

async fn reading_is_kept_once_for_a_time_of_a_node(on: Engine) {
    let desk = Desk::new(on).await;
    for body in [&[1], &[2]] {
        assert_eq!(desk.commit(vec![reading(10, "a", body)]).await, Ok(()));
    }
    let rows = desk.journal.readings((NOW, String::new()), NOW + SECOND * 10, 9).await.unwrap();
    assert_eq!(rows.into_iter().map(|row| row.body).collect::<Vec<_>>(), [vec![1]]);
}

async fn old_readings_go_in_parts_oldest_first(on: Engine) {
    let desk = Desk::new(on).await;
    let count = READINGS_AT_ONCE + 2;
    let writes = (1..=count).map(|seconds| reading(seconds, "a", &[]));
    assert_eq!(desk.commit(writes.collect()).await, Ok(()));
    let forget = || vec![Write::ForgetReadings { before: NOW + SECOND * count }];
    assert_eq!(desk.commit(forget()).await, Ok(()));
    let last = u64::from(count);
    assert_eq!(kept(&desk, (0, "~"), count, 9).await, pairs(&[(last - 1, "a"), (last, "a")]));
    assert_eq!(desk.commit(forget()).await, Ok(()));
    assert_eq!(kept(&desk, (0, "~"), count, 9).await, pairs(&[(last, "a")]), "what is at the time stays");
}

async fn newest_lights_stand(on: Engine) {
    let desk = Desk::new(on).await;
    assert_eq!(desk.journal.lights().await, Ok(None));
    for (seconds, body) in [(1, "[1]"), (3, "[3]"), (2, "[2]")] {
        let lights = Write::Lights { at: NOW + SECOND * seconds, took_ms: seconds, body: body.into() };
        assert_eq!(desk.commit(vec![lights]).await, Ok(()));
    }
    let newest = LightsRow { at: NOW + SECOND * 3, took_ms: 3, body: "[3]".into() };
    assert_eq!(desk.journal.lights().await, Ok(Some(newest)));
}

async fn open_holds_are_those_not_paid_and_not_over(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let until = |seconds| Stage::Held { until: NOW + SECOND * seconds, offered: false };
    let later = Order { stage: until(60), ..order(1, 2) };
    let sooner = Order { stage: until(30), ..order(2, 1) };
    let released = order(3, 1);
    for order in [&later, &sooner, &released] {
        assert_eq!(desk.commit(placed(order)).await, Ok(()));
    }
    let over = Write::Order(released.clone().release().unwrap());
    assert_eq!(desk.commit(vec![end_hold(&released, HoldOutcome::Released), over]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&later))]).await, Ok(()));

    let holds = desk.journal.open_holds(9).await.unwrap();
    assert_eq!(
        holds.iter().map(|hold| hold.order).collect::<Vec<_>>(),
        [sooner.id, later.id],
        "soonest first"
    );
    let hold = OpenHold {
        order: later.id,
        sale: SALE,
        room: room().id,
        title: "Apricots".into(),
        buyer: later.buyer.clone(),
        quantity: 2,
        expires_at: NOW + SECOND * 60,
        paying: true,
    };
    assert_eq!((&holds[1], holds[0].paying), (&hold, false));
    assert_eq!(desk.journal.open_holds(1).await.unwrap().len(), 1);

    let overdue = async |seconds| desk.journal.overdue(NOW + SECOND * seconds, NOW).await;
    assert_eq!(overdue(30).await, Ok((0, 0)));
    assert_eq!(overdue(31).await, Ok((1, 0)));
    assert_eq!(overdue(61).await, Ok((2, 0)));
}

async fn payments_come_newest_first_in_pages(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    for n in 1..=3_u8 {
        let order = order(n.into(), 1);
        assert_eq!(desk.commit(placed(&order)).await, Ok(()));
        // Two of them at one time.
        let payment = Payment { created_at: NOW + SECOND * u32::from(n / 2), ..payment(&order) };
        assert_eq!(desk.commit(vec![Write::Payment(payment)]).await, Ok(()));
    }
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = desk.journal.payments(Page { after, limit: 1 }).await.unwrap();
        seen.extend(page.items.iter().map(|payment| payment.order));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [3, 2, 1].map(|n| order(n, 1).id));
}

async fn audit_trail_comes_newest_first_in_pages(on: Engine) {
    let desk = Desk::new(on).await;
    for n in 1..=3 {
        let write = Write::Audit {
            at: NOW + SECOND * n,
            actor: "wei".parse().unwrap(),
            action: "drain-node",
            subject: format!("node-{n}"),
            reason: "new machine".into(),
        };
        assert_eq!(desk.commit(vec![write]).await, Ok(()));
    }
    let first = desk.journal.audit_trail(Page { after: None, limit: 2 }).await.unwrap();
    let subjects =
        |page: &Listing<AuditRow>| page.items.iter().map(|line| line.subject.clone()).collect::<Vec<_>>();
    assert_eq!(subjects(&first), ["node-3", "node-2"]);
    let line = &first.items[0];
    assert_eq!((line.at, line.actor.as_str(), line.action.as_str()), (NOW + SECOND * 3, "wei", "drain-node"));
    assert_eq!(line.reason, "new machine");
    let rest = desk.journal.audit_trail(Page { after: first.next, limit: 2 }).await.unwrap();
    assert_eq!((subjects(&rest), rest.next), (vec!["node-1".to_owned()], None));
}
