//! What sockets see of the host's desk, and what they do not.

use apricot::model::room::RoomEdit;
use apricot::model::{RoomState, RunSheetItem, Timestamp};
use apricot_proto::v1::{self, client_message::Command, publication::Body, reply::Outcome};

use crate::goods;
use crate::stage::{BOTH, Stage, chat, host, id, say};

fn room(body: Body) -> Option<v1::Room> {
    match body {
        Body::Room(room) => Some(room),
        _ => None,
    }
}

fn now(stage: &Stage) -> Timestamp {
    stage.clock.now()
}

async fn put_run_sheet(stage: &Stage) {
    stage.hub.sales().create_product(goods::product(), None).await.expect("a product");
    let item = RunSheetItem {
        sku: goods::product().sku,
        price: None,
        stock: 8,
        limit_per_buyer: 0,
        hold_seconds: 0,
        duration_seconds: 0,
        pledge: None,
        note: "not yet".into(),
    };
    stage.hub.put_run_sheet(&id(), vec![item], 0, &host(), None, now(stage)).await.expect("a plan");
}

#[tokio::test]
async fn the_run_sheet_reaches_those_who_work_here_and_nobody_else() {
    let stage = Stage::usual().await;
    let mut seated = [stage.join(BOTH[0], "lin:viewer").await, stage.join(BOTH[1], "mo:viewer").await];
    put_run_sheet(&stage).await;
    let (room_id, li) = (id(), host());
    let named = stage.hub.appoint_moderator(
        &room_id,
        "xiaoman".parse().unwrap(),
        Some("Xiaoman".into()),
        &li,
        None,
        now(&stage),
    );
    let version = named.await.expect("appointed").room.version;
    for client in &mut seated {
        let told = client.until(|body| room(body).filter(|room| room.version == version)).await;
        assert_eq!((told.run_sheet.len(), told.moderator_names.len()), (0, 0), "all read the same lane");
        assert_eq!(told.moderators, ["mo", "xiaoman"]);
    }
    for format in BOTH {
        for (token, items) in
            [("li:host", 1), ("mo:viewer", 1), ("ops:ops", 1), ("lin:viewer", 0), ("", 0), ("zhao:host", 0)]
        {
            let joined = stage.join_at(format, token, None).await.1.room.expect("a room");
            assert_eq!((joined.run_sheet.len(), joined.moderator_names.len()), (items, items), "{token}");
        }
    }
}

#[tokio::test]
async fn the_room_is_told_what_its_host_changes() {
    let stage = Stage::usual().await;
    let mut guest = stage.join(BOTH[0], "").await;
    let edit = RoomEdit {
        title: "Walnuts".into(),
        host_name: "Old Li".into(),
        place: "Yunnan".into(),
        scheduled_at: None,
        playback_url: "https://video.example/a.m3u8".into(),
        poster_url: String::new(),
    };
    stage.hub.edit(&id(), edit, &host(), None, now(&stage)).await.expect("changed");
    let told = guest.until(|body| room(body).filter(|room| room.title == "Walnuts")).await;
    assert_eq!(
        (told.host_name.as_str(), told.place.as_str(), told.state()),
        ("Old Li", "Yunnan", v1::RoomState::Live)
    );
}

#[tokio::test]
async fn who_is_dismissed_loses_the_right_on_an_open_socket() {
    let stage = Stage::usual().await;
    let unpin = || {
        let action = Some(v1::moderation::Action::UnpinLine(v1::moderation::UnpinLine {}));
        Command::Moderate(v1::Moderation { action, reason: String::new() })
    };
    for format in BOTH {
        let subject = || "mo".parse().unwrap();
        stage
            .hub
            .appoint_moderator(&id(), subject(), None, &host(), None, now(&stage))
            .await
            .expect("appointed");
        let mut mo = stage.join(format, "mo:moderator").await;
        mo.send(2, unpin()).await;
        assert_eq!(mo.reply(2).await, Outcome::Done(v1::Done {}));
        stage.hub.dismiss_moderator(&id(), subject(), &host(), None, now(&stage)).await.expect("dismissed");
        mo.send(3, unpin()).await;
        assert_eq!(mo.problem(3).await.r#type, "forbidden");
        mo.send(4, say("still here")).await;
        assert_eq!(mo.until(chat).await, "still here", "a viewer like any other");
    }
}

#[tokio::test]
async fn who_is_dismissed_does_not_stay_in_a_rehearsal() {
    let stage = Stage::usual().await;
    let barn = apricot::model::Room { id: "barn".parse().unwrap(), ..crate::stage::orchard() };
    let barn_id = barn.id.clone();
    stage.hub.create_room(barn, &host(), None, now(&stage)).await.expect("a room");
    let mut seated = Vec::new();
    // Appointed while seated, and seated while appointed: it counts who may be there when the rehearsal begins.
    for (format, token) in BOTH.into_iter().zip(["mo:moderator", "lin:viewer"]) {
        let mut client = stage.open_at("barn", Some(format)).await;
        client.send(1, Command::Join(v1::Join { token: token.into(), position: None })).await;
        client.reply(1).await;
        seated.push(client);
    }
    let lin = || "lin".parse().unwrap();
    stage.hub.appoint_moderator(&barn_id, lin(), None, &host(), None, now(&stage)).await.expect("appointed");
    let li = host();
    let rehearse =
        stage.hub.change_state(&barn_id, RoomState::Rehearsal, String::new(), &li, None, now(&stage));
    rehearse.await.expect("a rehearsal");
    for client in &mut seated {
        client.until(|body| room(body).filter(|room| room.state() == v1::RoomState::Rehearsal)).await;
        client.send(2, say("here")).await;
        assert_eq!(client.reply(2).await, Outcome::Done(v1::Done {}));
    }
    stage
        .hub
        .dismiss_moderator(&barn_id, "mo".parse().unwrap(), &host(), None, now(&stage))
        .await
        .expect("dismissed");
    assert_eq!(seated[0].closed().await.0, Some(4003));
    seated[1].send(3, say("alone")).await;
    assert_eq!(seated[1].reply(3).await, Outcome::Done(v1::Done {}));
}

#[tokio::test]
async fn units_that_come_open_a_sold_out_sale_for_all() {
    let stage = Stage::usual().await;
    let sales = stage.hub.sales();
    sales.create_product(goods::product(), None).await.expect("a product");
    sales.create_sale(goods::sale(), None, now(&stage)).await.expect("a sale");
    sales.open_sale(goods::sale().id, now(&stage)).await.expect("open");
    let (mut guest, mut lin) = (stage.join(BOTH[1], "").await, stage.join(BOTH[0], "lin:viewer").await);
    let place = |n: u32, wait| {
        let order_id = format!("0190a000-0000-7000-8000-00000000000{n}");
        Command::PlaceOrder(v1::PlaceOrder { order_id, sale_id: goods::SALE.into(), quantity: 2, wait })
    };
    lin.send(2, place(1, false)).await;
    assert!(matches!(lin.reply(2).await, Outcome::Order(_)));
    let mut wu = stage.join(BOTH[0], "wu:viewer").await;
    wu.send(2, place(2, true)).await;
    match wu.reply(2).await {
        Outcome::Order(order) => assert_eq!(order.state(), v1::OrderState::Waiting),
        other => panic!("{other:?}"),
    }
    sales.restock(goods::sale().id, 3, None, &host().subject, now(&stage)).await.expect("more");
    let held = wu.until(|body| match body {
        Body::Order(order) if order.state() == v1::OrderState::Held => Some(order.offered),
        _ => None,
    });
    assert!(held.await, "who waited is served first");
    let open = guest.until(|body| match body {
        Body::Sale(sale) if sale.stock == 5 => Some((sale.state(), sale.left)),
        _ => None,
    });
    assert_eq!(open.await, (v1::SaleState::Open, 1));
}
