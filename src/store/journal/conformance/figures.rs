//! What rooms have sold, and how many came.

use super::*;
use crate::model::RoomState;
use crate::model::order::Parcel;
use crate::model::transfer::SANDBOX;

laws! {
    minutes_add_up_over_times_and_nodes,
    minutes_are_the_newest_of_a_day_since_the_room_went_live,
    figures_of_a_room_are_those_of_its_orders_and_postings,
    room_that_sold_nothing_has_its_products_and_pledges,
    overview_is_of_rooms_that_have_not_ended,
    books_are_of_one_room_order_by_order,
}

const MINUTE: Duration = Duration::from_secs(60);

fn counted(minute: u32, viewers: u32, seen: u64, tapped: u64) -> Minute {
    Minute { at: Minute::of(NOW) + MINUTE * minute, viewers, seen, tapped }
}

fn minutes(node: &str, minutes: &[Minute]) -> Write {
    Write::RoomMinutes {
        node: node.into(),
        minutes: minutes.iter().map(|minute| (room().id, *minute)).collect(),
    }
}

fn posted(order: &Order, code: Code, amount: i64) -> Write {
    let host = Account::HostPayable("li".parse().unwrap());
    let (debit, credit) = match code {
        Code::Sale => (Account::BuyerClearing { provider: SANDBOX }, host),
        Code::Fee => (host, Account::ProviderFee { provider: SANDBOX }),
        _ => (host, Account::PlatformCommission),
    };
    Write::Transfer(Transfer { debit, credit, amount: cny(amount), code, order: Some(order.id), at: NOW })
}

async fn figures(desk: &Desk) -> RoomFigures {
    desk.journal.room_figures(room().id, room().live_at).await.unwrap()
}

async fn minutes_add_up_over_times_and_nodes(on: Engine) {
    let desk = Desk::with_lot(on, 9).await;
    for write in [
        minutes("a", &[counted(0, 3, 3, 1), counted(1, 2, 0, 0)]),
        minutes("a", &[counted(0, 2, 1, 0)]),
        minutes("b", &[counted(0, 5, 2, 4)]),
    ] {
        assert_eq!(desk.commit(vec![write]).await, Ok(()));
    }
    // Both engines add up what is there, also after a restart.
    let desk = desk.reopened().await;
    let RoomFigures { funnel, viewers_most, minutes, .. } = figures(&desk).await;
    assert_eq!((funnel.seen, funnel.tapped, viewers_most), (6, 5, 5));
    let read: Vec<Minute> = minutes.iter().map(|minute| minute.counted).collect();
    assert_eq!(read, [counted(0, 5, 6, 5), counted(1, 2, 0, 0)]);
    let unknown = Write::RoomMinutes {
        node: "a".into(),
        minutes: vec![("nowhere".parse().unwrap(), counted(0, 1, 1, 1))],
    };
    assert!(is_rule(&desk.commit(vec![unknown]).await));
}

async fn minutes_are_the_newest_of_a_day_since_the_room_went_live(on: Engine) {
    let desk = Desk::with_lot(on, 9).await;
    let all: Vec<Minute> = (0..1_450).map(|minute| counted(minute, 1, 1, 0)).collect();
    assert_eq!(desk.commit(vec![minutes("a", &all)]).await, Ok(()));
    let early = Minute { at: Minute::of(NOW) - MINUTE, ..counted(0, 1, 1, 0) };
    assert_eq!(desk.commit(vec![minutes("a", &[early])]).await, Ok(()));
    let RoomFigures { funnel, minutes, .. } = figures(&desk).await;
    assert_eq!((funnel.seen, minutes.len()), (1_451, 1_440), "the sum is of all that were seen");
    assert_eq!((minutes[0].counted, minutes[1_439].counted), (all[10], all[1_449]), "oldest first");
    let since = NOW + MINUTE * 1_449;
    let last = desk.journal.room_figures(room().id, Some(since)).await.unwrap().minutes;
    assert_eq!(last.iter().map(|minute| minute.counted).collect::<Vec<_>>(), [all[1_449]]);
    assert_eq!(desk.journal.room_figures(room().id, None).await.unwrap().minutes, []);
}

async fn figures_of_a_room_are_those_of_its_orders_and_postings(on: Engine) {
    let desk = Desk::with_lot(on, 20).await;
    let parcel = Parcel { carrier: "SF".into(), tracking_number: "1".into(), shipped_at: NOW };
    let paid = |n, quantity, stage| Order {
        stage,
        paid_at: Some(NOW + MINUTE * u32::try_from(n).unwrap()),
        charity_minor: 49,
        ..order(n, quantity)
    };
    let waiting = Order { stage: Stage::Waiting, wait: true, hold: 0, ..order(1, 1) };
    let expired = Order { stage: Stage::Expired, ..order(2, 1) };
    let packed = paid(3, 2, Stage::Packed);
    let shipped = paid(4, 1, Stage::Shipped(parcel.clone()));
    let confirmed = paid(5, 1, Stage::Confirmed { parcel, at: NOW });
    let at = Minute::of(NOW);
    let second = Order { paid_at: confirmed.paid_at, ..paid(6, 1, Stage::Paid) };
    for order in [&waiting, &expired, &packed, &shipped, &confirmed, &second] {
        assert_eq!(desk.commit(vec![Write::Order(order.clone())]).await, Ok(()));
    }
    // What is refunded stays shipped and confirmed in the funnel.
    let refunded = confirmed.clone().refund(cny(1_990), cny(0)).unwrap();
    let refunded = Order { version: 2, ..refunded };
    assert_eq!(desk.commit(vec![Write::Order(refunded)]).await, Ok(()));
    let mut lines = Vec::new();
    for order in [&packed, &shipped, &confirmed, &second] {
        lines.push(posted(order, Code::Sale, order.total().minor));
        lines.push(posted(order, Code::Commission, 0));
    }
    lines.extend([posted(&shipped, Code::Commission, 100), posted(&packed, Code::Fee, 24)]);
    lines.push(posted(&order(99, 1), Code::Fee, 7));
    assert_eq!(desk.commit(lines).await, Ok(()));
    assert_eq!(desk.commit(vec![minutes("a", &[counted(3, 8, 9, 7)])]).await, Ok(()));

    let read = figures(&desk).await;
    let funnel = Funnel { seen: 9, tapped: 7, held: 5, paid: 4, shipped: 2, confirmed: 1 };
    assert_eq!(read.funnel, funnel);
    assert_eq!((read.gmv, read.refunded, read.charity), (5 * 1_990, 1_990, 3 * 49));
    assert_eq!(
        (read.commission, read.provider_fee),
        (100, 24),
        "the fee of another room's order is not in it"
    );
    assert_eq!((read.orders_to_pack, read.currency), (2, Some(Currency::CNY)));
    let product = ProductFigures {
        sku: "apricots".into(),
        title: "Apricots".into(),
        orders_paid: 4,
        units_paid: 5,
        gmv: 5 * 1_990,
        refunded: 1_990,
        charity: 3 * 49,
    };
    assert_eq!(read.products, [product]);
    let minute = |n: u32, orders_paid, gmv| RoomMinute {
        counted: if n == 3 {
            counted(3, 8, 9, 7)
        } else {
            Minute { at: at + MINUTE * n, ..Minute::default() }
        },
        orders_paid,
        gmv,
    };
    assert_eq!(read.minutes, [minute(3, 1, 3_980), minute(4, 1, 1_990), minute(5, 2, 3_980)]);

    let sums = desk.journal.figures().await.unwrap().rooms[&room().id];
    let expected =
        RoomSums { funnel, gmv_minor: 5 * 1_990, currency: Some(Currency::CNY), orders_to_pack: 2 };
    assert_eq!(sums, expected, "the overview says the same");
}

async fn room_that_sold_nothing_has_its_products_and_pledges(on: Engine) {
    let desk = Desk::with_lot(on, 9).await;
    let pledged = pledge(1);
    assert_eq!(desk.commit(vec![Write::Pledge(pledged.clone())]).await, Ok(()));
    for n in [2, 3] {
        let sale = FlashSale { pledge: Some(pledged.reference()), ..sale(SaleId(Uuid::from_u128(n)), 1) };
        assert_eq!(desk.commit(vec![Write::Sale(sale)]).await, Ok(()));
    }
    let read = figures(&desk).await;
    assert_eq!(read.pledges, [(pledged.id, Currency::CNY)], "once");
    assert_eq!((read.funnel, read.gmv, read.minutes.len()), (Funnel::default(), 0, 0));
    assert_eq!((read.products.len(), read.products[0].units_paid), (1, 0));
    let nowhere = desk.journal.room_figures("nowhere".parse().unwrap(), Some(NOW)).await.unwrap();
    assert_eq!(nowhere, RoomFigures::default());
}

async fn overview_is_of_rooms_that_have_not_ended(on: Engine) {
    let desk = Desk::with_lot(on, 9).await;
    let paid = Order { stage: Stage::Paid, paid_at: Some(NOW), ..order(1, 1) };
    assert_eq!(desk.commit(vec![Write::Order(paid), minutes("a", &[counted(0, 1, 1, 1)])]).await, Ok(()));
    let rooms = desk.journal.figures().await.unwrap().rooms;
    assert_eq!((rooms.len(), rooms[&room().id].funnel.paid, rooms[&room().id].funnel.seen), (1, 1, 1));
    let ended = Room { state: RoomState::Ended, version: 2, ..room() };
    assert_eq!(desk.commit(vec![Write::Room(Box::new(ended))]).await, Ok(()));
    assert_eq!(desk.journal.figures().await.unwrap(), Figures::default());
}

async fn books_are_of_one_room_order_by_order(on: Engine) {
    let desk = Desk::with_lot(on, 20).await;
    let pledged = pledge(1);
    assert_eq!(desk.commit(vec![Write::Pledge(pledged.clone())]).await, Ok(()));
    let giving = SaleId(Uuid::from_u128(2));
    let sale = FlashSale { pledge: Some(pledged.reference()), ..sale(giving, 9) };
    assert_eq!(desk.commit(vec![Write::Sale(sale)]).await, Ok(()));
    let paid = |n: u128, sale| Order {
        sale,
        stage: Stage::Paid,
        paid_at: Some(NOW),
        placed_at: NOW + MINUTE * u32::try_from(9 - n).unwrap(),
        ..order(n, 1)
    };
    let (plain, given, held) = (paid(1, SALE), paid(2, giving), order(3, 1));
    for order in [&plain, &given, &held] {
        assert_eq!(desk.commit(vec![Write::Order(order.clone())]).await, Ok(()));
    }
    let (accrued, payable) =
        (Account::CharityAccrued(pledged.id.into()), Account::CharityPayable(pledged.id.into()));
    let host = || Account::HostPayable("li".parse().unwrap());
    let line = |debit, credit, amount, code| {
        Write::Transfer(Transfer { debit, credit, amount: cny(amount), code, order: Some(given.id), at: NOW })
    };
    let lines = vec![
        posted(&plain, Code::Commission, 0),
        posted(&plain, Code::Fee, 5),
        posted(&given, Code::Fee, 6),
        line(host(), accrued.clone(), 50, Code::Accrue),
        line(accrued.clone(), host(), 10, Code::Reverse),
        line(accrued.clone(), payable.clone(), 40, Code::Confirm),
        line(payable, host(), 15, Code::Reverse),
    ];
    assert_eq!(desk.commit(lines).await, Ok(()));

    let booked = desk.journal.booked_orders(room().id).await.unwrap();
    let read: Vec<_> = booked.iter().map(|it| (it.order.clone(), it.commission, it.provider_fee)).collect();
    assert_eq!(
        read,
        [(held, None, 0), (given.clone(), None, 6), (plain, Some(0), 5)],
        "by the time of placing"
    );
    assert!(booked.iter().all(|booked| booked.title == "Apricots"));
    let given = CharityLine {
        pledge: pledged.id,
        currency: Currency::CNY,
        order: given.id,
        paid_at: Some(NOW),
        accrued: 50,
        reversed: 25,
        confirmed: 25,
    };
    assert_eq!(desk.journal.charity_lines(room().id).await, Ok(vec![given]));
    assert_eq!(desk.journal.pledges_of_room(room().id).await, Ok(vec![(pledged.id, Currency::CNY)]));
    let nowhere = || "nowhere".parse().unwrap();
    assert_eq!(desk.journal.booked_orders(nowhere()).await, Ok(vec![]));
    assert_eq!(desk.journal.charity_lines(nowhere()).await, Ok(vec![]));
}
