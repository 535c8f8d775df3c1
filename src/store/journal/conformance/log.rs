//! The public log: nothing of a charity's money is left out, and nothing is appended twice.

use super::*;

laws! {
    lines_of_a_charity_wait_for_the_log,
    refunds_of_one_moment_are_told_apart,
    pledges_wait_before_lines,
    leaves_are_appended_once,
    leaves_of_an_order_are_found,
    log_has_one_name_and_its_secret,
    checkpoint_is_cosigned_as_long_as_it_is_the_newest,
}

fn leaf(text: &str, of: LeafOf) -> LogLeaf {
    LogLeaf { leaf: text.into(), of }
}

fn log(size: u64, leaves: Vec<LogLeaf>, done: Vec<i64>) -> Vec<Write> {
    vec![Write::Log(LogBatch { size, leaves, done, checkpoint: format!("of {size}") })]
}

fn moved(code: Code, debit: Account, credit: Account, minor: i64, order: Option<OrderId>) -> Write {
    Write::Transfer(Transfer { debit, credit, amount: cny(minor), code, order, at: NOW })
}

fn accrued(minor: i64, order: &Order) -> Write {
    let host = Account::HostPayable("li".parse().unwrap());
    moved(Code::Accrue, host, Account::CharityAccrued(pledge(1).id.into()), minor, Some(order.id))
}

async fn waiting(desk: &Desk) -> Vec<Waiting> {
    desk.journal.log_waiting(100).await.unwrap()
}

async fn lines(desk: &Desk) -> Vec<Line> {
    let line = |waiting: Waiting| match waiting.what {
        Untold::Line(line) => Some(*line),
        Untold::Pledge(_) | Untold::Match(_) => None,
    };
    waiting(desk).await.into_iter().filter_map(line).collect()
}

async fn lines_of_a_charity_wait_for_the_log(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let order = order(1, 2);
    desk.commit(placed(&order)).await.unwrap();
    let before = desk.journal.log_waits().await.unwrap();
    desk.commit(vec![transfer(5), accrued(7, &order), accrued(0, &order)]).await.unwrap();
    assert_eq!(desk.journal.log_waits().await.unwrap() - before, 1, "neither commission nor nothing is told");
    let told = lines(&desk).await;
    let [line] = &told[..] else { panic!("{told:?}") };
    assert_eq!((line.code, line.amount, line.at), (Code::Accrue, cny(7), NOW));
    assert_eq!(line.credit, Account::CharityAccrued(pledge(1).id.into()));
}

/// Also when both were asked for in the same millisecond.
async fn refunds_of_one_moment_are_told_apart(on: Engine) {
    let desk = Desk::new(on).await;
    let pledged = FlashSale { pledge: Some(pledge(1).reference()), ..sale(SALE, 10) };
    for write in [
        Write::Room(Box::new(room())),
        Write::NewProduct(product(100)),
        Write::Pledge(pledge(1)),
        Write::Sale(pledged.clone()),
        Write::Sale(pledged.open(NOW).unwrap()),
    ] {
        assert_eq!(desk.commit(vec![write]).await, Ok(()));
    }
    let order = order(1, 2);
    desk.commit(placed(&order)).await.unwrap();
    desk.commit(vec![accrued(7, &order)]).await.unwrap();
    let host = || Account::HostPayable("li".parse().unwrap());
    let part = || Account::CharityAccrued(pledge(1).id.into());
    let refund = |minor| {
        vec![
            moved(Code::Reverse, part(), host(), 1, Some(order.id)),
            moved(Code::Refund, host(), Account::RefundPayable, minor, Some(order.id)),
        ]
    };
    let (first, second) = (desk.commit(refund(300)), desk.commit(refund(500)));
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first, second), (Ok(()), Ok(())));
    let paid = order.total().minor;
    let told: Vec<(Code, i64)> = lines(&desk)
        .await
        .iter()
        .map(|line| (line.code, paid - line.order.as_ref().unwrap().kept_minor))
        .collect();
    // The accrual belongs to none.
    let refunds = &told[1..];
    // Whichever was posted first.
    assert!(
        refunds == [(Code::Reverse, 300), (Code::Reverse, 800)]
            || refunds == [(Code::Reverse, 500), (Code::Reverse, 800)],
        "{refunds:?}"
    );
}

async fn pledges_wait_before_lines(on: Engine) {
    let desk = Desk::new(on).await;
    let line =
        moved(Code::Accrue, Account::RefundPayable, Account::CharityAccrued(pledge(1).id.into()), 3, None);
    desk.commit(vec![line]).await.unwrap();
    desk.commit(vec![Write::Pledge(pledge(1))]).await.unwrap();
    let waiting = waiting(&desk).await;
    assert_eq!(waiting.len(), 2);
    assert_eq!(waiting[0].what, Untold::Pledge(Box::new(pledge(1))));
    assert_eq!(desk.journal.log_waiting(1).await.unwrap(), waiting[..1]);
}

async fn leaves_are_appended_once(on: Engine) {
    let desk = Desk::new(on).await;
    desk.commit(vec![Write::Pledge(pledge(1))]).await.unwrap();
    let seqs: Vec<i64> = waiting(&desk).await.into_iter().map(|waiting| waiting.seq).collect();
    let first = || log(0, vec![leaf("{1}", LeafOf::Pledge(pledge(1).reference()))], seqs.clone());
    assert_eq!(desk.commit(first()).await, Ok(()));
    assert_eq!(desk.commit(first()).await, Err(StoreError::Stale), "another node was quicker");
    let again = log(1, vec![leaf("{1}", LeafOf::Tally("all".into()))], seqs.clone());
    assert_eq!(desk.commit(again).await, Err(StoreError::Stale), "what it is made of is in the log");
    assert_eq!(desk.journal.log_waits().await.unwrap(), 0);
    let tallies = vec![leaf("{2}", LeafOf::Tally("a".into())), leaf("{3}", LeafOf::Tally("b".into()))];
    assert_eq!(desk.commit(log(1, tallies, vec![])).await, Ok(()), "a tally comes from nothing that waited");
    assert_eq!(desk.commit(log(3, vec![leaf("{4}", LeafOf::Tally("a".into()))], vec![])).await, Ok(()));
    let texts = |placed: Vec<Placed>| -> Vec<(u64, String)> {
        placed.into_iter().map(|placed| (placed.index, placed.leaf)).collect()
    };
    let expected = |of: &[(u64, &str)]| -> Vec<(u64, String)> {
        of.iter().map(|(index, leaf)| (*index, (*leaf).to_owned())).collect()
    };
    let all = texts(desk.journal.log_leaves(1, 2).await.unwrap());
    assert_eq!(all, expected(&[(1, "{2}"), (2, "{3}")]));
    let newest = texts(desk.journal.log_tallies().await.unwrap());
    assert_eq!(newest, expected(&[(2, "{3}"), (3, "{4}")]));
    let of_a = async |from, limit| texts(desk.journal.log_tallies_of("a", from, limit).await.unwrap());
    assert_eq!(of_a(0, 9).await, expected(&[(1, "{2}"), (3, "{4}")]));
    assert_eq!((of_a(2, 9).await, of_a(0, 1).await), (expected(&[(3, "{4}")]), expected(&[(1, "{2}")])));
    assert_eq!(desk.journal.log_newest_tally("a").await, Ok(Some(3)));
    assert_eq!(desk.journal.log_newest_tally("c").await, Ok(None));
    let before = async |places: &[u64]| texts(desk.journal.log_tallies_before("a", places).await.unwrap());
    assert_eq!(before(&[3, 2, 9, i64::MAX.cast_unsigned()]).await, expected(&[(1, "{2}"), (3, "{4}")]));
    assert_eq!((before(&[1]).await, before(&[]).await), (expected(&[]), expected(&[])));
    let of_pledges = desk.journal.log_of_pledges(&[pledge(1).id]).await;
    assert_eq!(of_pledges, Ok(vec![(pledge(1).reference(), 0)]));
    let state = desk.journal.log_state().await.unwrap();
    assert_eq!((state.size, state.checkpoint), (4, "of 3".to_owned()));
    let desk = desk.reopened().await;
    assert_eq!(desk.journal.log_state().await.unwrap().size, 4);
}

async fn leaves_of_an_order_are_found(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let order = order(1, 1);
    desk.commit(placed(&order)).await.unwrap();
    desk.commit(vec![accrued(7, &order), accrued(8, &order)]).await.unwrap();
    assert_eq!(desk.journal.log_of_order(order.id).await.unwrap(), (vec![], 2));
    let line = waiting(&desk).await.into_iter().find_map(|waiting| match waiting.what {
        Untold::Line(line) => Some((waiting.seq, line.transfer)),
        Untold::Pledge(_) | Untold::Match(_) => None,
    });
    let (seq, transfer) = line.unwrap();
    let of = LeafOf::Line { transfer, order: Some(order.id) };
    desk.commit(log(0, vec![leaf("{7}", of)], vec![seq])).await.unwrap();
    let (leaves, waits) = desk.journal.log_of_order(order.id).await.unwrap();
    assert_eq!((leaves, waits), (vec![Placed { index: 0, leaf: "{7}".into() }], 1));
}

async fn log_has_one_name_and_its_secret(on: Engine) {
    let desk = Desk::new(on).await;
    let before = desk.journal.log_state().await.unwrap();
    assert_eq!((before.origin, before.size), (None, 0));
    for origin in ["one", "other"] {
        desk.commit(vec![Write::NameLog { origin: origin.into() }]).await.unwrap();
    }
    let after = desk.journal.log_state().await.unwrap();
    assert_eq!(after.origin.as_deref(), Some("one"));
    assert_eq!(after.secret, before.secret);
    assert_ne!(after.secret, [0; 32]);
}

async fn checkpoint_is_cosigned_as_long_as_it_is_the_newest(on: Engine) {
    let desk = Desk::new(on).await;
    desk.commit(log(0, vec![leaf("{1}", LeafOf::Tally("a".into()))], vec![])).await.unwrap();
    for (size, checkpoint) in [(0, "of nothing"), (1, "seen by two")] {
        desk.commit(vec![Write::Cosigned { size, checkpoint: checkpoint.into() }]).await.unwrap();
    }
    assert_eq!(desk.journal.log_state().await.unwrap().checkpoint, "seen by two");
}
