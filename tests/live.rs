//! The socket from outside: a real server, real clients, both subprotocols.

use std::time::Duration;

use apricot::room::{Format, Limits};
use apricot::wire::live::Patience;
use apricot_proto::v1::{self, client_message::Command, publication::Body, reply::Outcome};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{Bytes, Message};

#[path = "live/desk.rs"]
mod desk;
#[path = "live/goods.rs"]
mod goods;
#[path = "live/stage.rs"]
mod stage;

use stage::{BOTH, Heard, Stage, chat, host, id, say, shout};

#[tokio::test]
async fn a_line_reaches_everybody_in_their_own_format() {
    let stage = Stage::usual().await;
    let mut readers = [stage.join(Format::Proto, "").await, stage.join(Format::Json, "wu:viewer").await];
    for format in BOTH {
        let (mut lin, joined) = stage.join_at(format, "lin:viewer", None).await;
        assert_eq!(
            (joined.subject.as_str(), joined.role.as_str(), joined.recovered),
            ("lin", "viewer", false)
        );
        assert_eq!(joined.room.expect("a room").state(), v1::RoomState::Live);
        assert_eq!(lin.reply(1).await, Outcome::Done(v1::Done {}), "joined");
        lin.send(2, say("新鲜吗？")).await;
        assert_eq!(lin.reply(2).await, Outcome::Done(v1::Done {}));
        for reader in &mut readers {
            assert_eq!(reader.until(chat).await, "新鲜吗？");
        }
    }
}

#[tokio::test]
async fn a_guest_who_talks_is_told_to_get_a_token() {
    let stage = Stage::usual().await;
    for format in BOTH {
        let mut guest = stage.join(format, "").await;
        guest.send(5, say("hello")).await;
        let problem = guest.problem(5).await;
        assert_eq!((problem.r#type.as_str(), problem.status), ("token-required", 401));
    }
}

#[tokio::test]
async fn moderators_mute_delete_and_ban() {
    let stage = Stage::usual().await;
    for (format, name) in [(Format::Proto, "lin"), (Format::Json, "wu")] {
        let token = format!("{name}:viewer");
        let (mut mo, mut loud) = (stage.join(format, "mo:viewer").await, stage.join(format, &token).await);
        let moderate =
            |action| Command::Moderate(v1::Moderation { action: Some(action), reason: "spam".into() });
        loud.send(2, say("buy elsewhere")).await;
        let line = |body| match body {
            Body::Chat(line) if line.author_id == name => Some(line.id),
            _ => None,
        };
        let line_id = mo.until(line).await;
        let delete = v1::moderation::DeleteLine { line_id: line_id.clone() };
        mo.send(2, moderate(v1::moderation::Action::DeleteLine(delete))).await;
        assert_eq!(mo.reply(2).await, Outcome::Done(v1::Done {}));
        let deleted = |body| match body {
            Body::LineDeleted(deleted) => Some(deleted.line_id),
            _ => None,
        };
        assert_eq!(loud.until(deleted).await, line_id);

        let mute = v1::moderation::Mute { subject: name.into(), seconds: 60 };
        mo.send(3, moderate(v1::moderation::Action::Mute(mute))).await;
        assert_eq!(mo.reply(3).await, Outcome::Done(v1::Done {}));
        loud.send(3, say("again")).await;
        let problem = loud.problem(3).await;
        assert_eq!(problem.r#type, "muted");
        assert!((1..=60_000).contains(&problem.retry_after_ms), "{problem:?}");
        loud.send(4, moderate(v1::moderation::Action::UnpinLine(v1::moderation::UnpinLine {}))).await;
        assert_eq!(loud.problem(4).await.r#type, "forbidden");

        let ban = v1::moderation::Ban { subject: name.into() };
        mo.send(4, moderate(v1::moderation::Action::Ban(ban))).await;
        assert_eq!(mo.reply(4).await, Outcome::Done(v1::Done {}));
        let (code, closing) = loud.closed().await;
        assert_eq!(code, Some(4003));
        assert_eq!(closing.map(|closing| (closing.code, closing.retry_after_ms)), Some((4003, 0)));
        let mut again = stage.open(format).await;
        again.send(1, Command::Join(v1::Join { token, position: None })).await;
        assert_eq!(again.closed().await.0, Some(4003));
    }
}

#[tokio::test]
async fn who_was_away_gets_what_was_missed_once_and_in_order() {
    let stage = Stage::usual().await;
    for format in BOTH {
        let (client, joined) = stage.join_at(format, "lin:viewer", None).await;
        drop(client);
        for text in ["one", "two", "three"] {
            let now = stage.clock.now();
            stage.hub.notice(&id(), text.into(), text, &host(), None, now).await.expect("posted");
        }
        let (mut client, again) = stage.join_at(format, "lin:viewer", joined.position).await;
        assert!(again.recovered);
        let notice = |body| match body {
            Body::Notice(notice) => Some(notice.text),
            _ => None,
        };
        for text in ["one", "two", "three"] {
            assert_eq!(client.until(notice).await, text);
        }
        let lost = Some(v1::StreamPosition { epoch: 1, offset: 1 });
        assert!(!stage.join_at(format, "lin:viewer", lost).await.1.recovered);
    }
}

#[tokio::test]
async fn a_sale_opens_for_all_and_an_order_is_answered_to_its_buyer() {
    let stage = Stage::usual().await;
    let (sales, now) = (stage.hub.sales(), stage.clock.now());
    sales.create_product(goods::product(), None).await.expect("a product");
    sales.create_sale(goods::sale(), None, now).await.expect("a sale");
    let mut guest = stage.join(Format::Json, "").await;
    let mut lin = stage.join(Format::Proto, "lin:viewer").await;
    sales.open_sale(goods::sale().id, now).await.expect("open");
    let open = |body| match body {
        Body::Sale(sale) if sale.state() == v1::SaleState::Open => Some(sale.left),
        _ => None,
    };
    assert_eq!((guest.until(open).await, lin.until(open).await), (2, 2));
    let order_id = "0190a000-0000-7000-8000-000000000001";
    let place =
        v1::PlaceOrder { order_id: order_id.into(), sale_id: goods::SALE.into(), quantity: 2, wait: false };
    lin.send(7, Command::PlaceOrder(place.clone())).await;
    match lin.reply(7).await {
        Outcome::Order(order) => {
            assert_eq!((order.id.as_str(), order.state()), (order_id, v1::OrderState::Held));
        }
        other => panic!("{other:?}"),
    }
    let sold_out = |body| match body {
        Body::Sale(sale) if sale.state() == v1::SaleState::SoldOut => Some(sale.left),
        _ => None,
    };
    assert_eq!(guest.until(sold_out).await, 0);
    let stock = |body| match body {
        Body::State(state) => state.stocks.first().map(|stock| stock.held).filter(|held| *held > 0),
        _ => None,
    };
    assert_eq!(guest.until(stock).await, 2, "the state lane has the newest stock");
    let (_, joined) = stage.join_at(Format::Json, "lin:viewer", None).await;
    assert_eq!(joined.orders.len(), 1, "who comes back sees its open orders");
    let mut wu = stage.join(Format::Json, "wu:viewer").await;
    wu.send(2, Command::PlaceOrder(v1::PlaceOrder { quantity: 100, ..place })).await;
    assert_eq!(wu.problem(2).await.field, "quantity");
}

#[tokio::test]
async fn an_order_is_paid_and_cancelled_in_its_own_room_only() {
    let stage = Stage::usual().await;
    let (sales, now) = (stage.hub.sales(), stage.clock.now());
    sales.create_product(goods::product(), None).await.expect("a product");
    sales.create_sale(goods::sale(), None, now).await.expect("a sale");
    sales.open_sale(goods::sale().id, now).await.expect("open");
    let barn = apricot::model::Room { id: "barn".parse().expect("an id"), ..stage::orchard() };
    stage.hub.create_room(barn, &host(), None, now).await.expect("another room");
    let order_id = "0190a000-0000-7000-8000-000000000001".to_owned();
    let sale_id = goods::SALE.to_owned();
    let place = v1::PlaceOrder { order_id: order_id.clone(), sale_id, quantity: 1, wait: false };
    let mut here = stage.join(Format::Proto, "lin:viewer").await;
    here.send(2, Command::PlaceOrder(place)).await;
    assert!(matches!(here.reply(2).await, Outcome::Order(_)));
    let ship_to =
        v1::ShipTo { name: "Lin".into(), phone: "+86 138 0000 0000".into(), address: "East street 1".into() };
    let pay = Command::PayOrder(v1::PayOrder {
        order_id: order_id.clone(),
        method: v1::PaymentMethod::SandboxApprove.into(),
        ship_to: Some(ship_to),
    });
    let cancel = Command::CancelOrder(v1::CancelOrder { order_id });
    let mut there = stage.open_at("barn", Some(Format::Proto)).await;
    there.send(1, Command::Join(v1::Join { token: "lin:viewer".into(), position: None })).await;
    there.send(2, pay).await;
    assert_eq!(there.problem(2).await.r#type, "not-found");
    there.send(3, cancel.clone()).await;
    assert_eq!(there.problem(3).await.r#type, "not-found");
    here.send(3, cancel).await;
    assert!(matches!(here.reply(3).await, Outcome::Order(_)), "nothing was done to it");
}

/// What a hostile client sends, and what it gets.
enum Answered {
    Problem(&'static str),
    Closed(u16),
}

#[tokio::test]
async fn hostile_messages_get_a_clear_problem_or_the_right_code() {
    use Answered::{Closed, Problem};
    let stage = Stage::usual().await;
    let large = "x".repeat(16 * 1024);
    let huge = "x".repeat(128 * 1024);
    let table: Vec<(Format, Message, Answered)> = vec![
        (Format::Json, Message::text(""), Problem("malformed")),
        (Format::Json, Message::text("{"), Problem("malformed")),
        (Format::Json, Message::text("[[[[[[[["), Problem("malformed")),
        (Format::Json, Message::text(r#"{"id":0,"fly":{}}"#), Problem("malformed")),
        (Format::Json, Message::text(format!(r#"{{"say":{{"text":"{large}"}}}}"#)), Closed(1009)),
        (Format::Json, Message::text(huge.clone()), Closed(1009)),
        (Format::Json, Message::binary(vec![0x0a, 0x00]), Closed(1003)),
        (Format::Proto, Message::binary(vec![0xff; 40]), Problem("malformed")),
        (Format::Proto, Message::binary(vec![0; 20 * 1024]), Closed(1009)),
        (Format::Proto, Message::text("{}"), Closed(1003)),
    ];
    for (index, (format, message, answered)) in table.into_iter().enumerate() {
        let mut client = stage.join(format, "lin:viewer").await;
        // The server may close before it has read all of a huge one.
        let sent = client.socket.send(message).await;
        match answered {
            Problem(name) => {
                sent.expect("sent");
                assert_eq!(client.problem(0).await.r#type, name, "row {index}");
            }
            Closed(code) => assert_eq!(client.closed().await.0, Some(code), "row {index}"),
        }
    }
    let mut survivor = stage.join(Format::Proto, "lin:viewer").await;
    survivor.send(3, say("still here")).await;
    assert_eq!(survivor.reply(3).await, Outcome::Done(v1::Done {}));
}

#[tokio::test]
async fn a_door_that_stays_shut_says_why() {
    let stage = Stage::usual().await;
    let mut nameless = stage.open_at("orchard", None).await;
    assert_eq!(nameless.closed().await.0, Some(1003));
    for format in BOTH {
        for room in ["no-such-room", "NOT%20AN%20ID"] {
            let mut lost = stage.open_at(room, Some(format)).await;
            if room == "no-such-room" {
                lost.send(1, Command::Join(v1::Join::default())).await;
            }
            assert_eq!(lost.closed().await.0, Some(4004), "{room}");
        }
        let mut forged = stage.open(format).await;
        forged.send(1, Command::Join(v1::Join { token: "x".into(), position: None })).await;
        let (code, closing) = forged.closed().await;
        assert_eq!(
            (code, closing.map(|closing| closing.reason)),
            (Some(4001), Some("this is not a token".into()))
        );
        let mut hasty = stage.open(format).await;
        hasty.send(9, say("me first")).await;
        assert_eq!(hasty.problem(9).await.r#type, "wrong-state");
    }
}

#[tokio::test]
async fn who_floods_is_warned_and_then_closed() {
    let stage = Stage::new(Patience::default(), Limits::default()).await;
    let mut flood = stage.join(Format::Json, "").await;
    let mut sent = 0;
    while sent < 60 && flood.socket.feed(Message::text(r#"{"heart":{"count":1}}"#)).await.is_ok() {
        sent += 1;
    }
    flood.socket.flush().await.expect("sent");
    let problem = flood.problem(0).await;
    assert_eq!(problem.r#type, "rate-limited");
    assert!(problem.retry_after_ms > 0);
    let (code, closing) = flood.closed().await;
    assert_eq!(code, Some(4009));
    assert!(closing.is_some_and(|closing| closing.retry_after_ms >= 30_000));
}

#[tokio::test]
async fn impatience_has_its_codes() {
    let join = Duration::from_millis(200);
    let stage = Stage::new(Patience { join, ..Patience::default() }, Limits::default()).await;
    let mut idle = stage.open(Format::Json).await;
    assert_eq!(idle.closed().await.0, Some(4000));

    // Pings come too late to keep this one alive.
    let silence = Duration::from_millis(300);
    let stage = Stage::new(Patience { silence, ..Patience::default() }, Limits::default()).await;
    let mut silent = stage.join(Format::Proto, "").await;
    assert_eq!(silent.closed().await.0, Some(4014));

    // Pongs keep these alive for many times the silence that is allowed.
    let ping = Duration::from_millis(80);
    let limits = Limits { rates: false, ..Limits::default() };
    let stage = Stage::new(Patience { silence, ping, ..Patience::default() }, limits).await;
    let mut alive = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut client = stage.join(Format::Proto, "").await;
        alive.spawn(async move { client.closed().await.0 });
    }
    let closed = tokio::time::timeout(silence * 10, alive.join_next()).await;
    assert!(closed.is_err(), "{closed:?}");
}

#[tokio::test]
async fn a_drain_ends_although_people_keep_coming() {
    let stage = std::sync::Arc::new(Stage::usual().await);
    let _lin = stage.join(Format::Proto, "lin:viewer").await;
    let mut knocking = tokio::task::JoinSet::new();
    let (knocked, mut knocks) = tokio::sync::mpsc::channel(20);
    for _ in 0..20 {
        let (stage, knocked) = (stage.clone(), knocked.clone());
        knocking.spawn(async move {
            loop {
                let mut late = stage.open(Format::Json).await;
                // Full: more knocked than the test waits for.
                let _counted = knocked.try_send(());
                if stage.hub.is_draining() {
                    assert_eq!(late.closed().await.0, Some(1001));
                }
            }
        });
    }
    for _ in 0..20 {
        knocks.recv().await.expect("somebody knocks");
    }
    let drained = tokio::time::timeout(Duration::from_secs(8), stage.sockets.drain()).await;
    assert!(drained.is_ok(), "those who come now are not waited for");
    assert!(knocking.try_join_next().is_none(), "everybody was told");
}

#[tokio::test]
async fn a_drain_says_when_to_come_back() {
    let stage = Stage::usual().await;
    let mut clients = Vec::new();
    for format in BOTH {
        clients.push(stage.join(format, "lin:viewer").await);
        clients.push(stage.open(format).await);
    }
    let sockets = stage.sockets.clone();
    let drained = tokio::spawn(async move { sockets.drain().await });
    for client in &mut clients {
        let (code, closing) = client.closed().await;
        assert_eq!(code, Some(1001));
        let wait = closing.expect("a word before").retry_after_ms;
        assert!((500..=5_000).contains(&wait), "{wait}");
    }
    drop(clients);
    drained.await.expect("all sockets are closed");
    let mut late = stage.open(Format::Json).await;
    assert_eq!(late.closed().await.0, Some(1001));
}

#[tokio::test]
async fn a_viewer_who_does_not_read_delays_nobody() {
    let stage = Stage::usual().await;
    let mut fast = stage.join(Format::Proto, "wu:viewer").await;
    let mut slow = stage.open_narrow(Format::Proto).await;
    slow.send(1, Command::Join(v1::Join::default())).await;
    slow.until(|body| matches!(body, Body::Joined(_)).then_some(())).await;
    // About 9 MB: more than the systems on both sides keep for a socket.
    let mut shouted = 0;
    let mut seen = 0;
    while shouted < 12_000 {
        for _ in 0..100 {
            shouted += 1;
            shout(&stage.hub, shouted, stage.clock.now());
        }
        while seen < shouted {
            let next = fast.until(|body| match body {
                Body::Sale(sale) => Some(sale.sold),
                _ => None,
            });
            assert_eq!(next.await, seen + 1, "each once, in order");
            seen += 1;
        }
    }
    // The slow one wakes up: it gets what was on its way, and is told to come back with its position.
    let mut last = 0;
    let code = loop {
        match slow.heard().await {
            Heard::Closed(code) => break code,
            Heard::Said(publications) => {
                for publication in publications {
                    if let Some(Body::Sale(sale)) = publication.body {
                        assert_eq!(sale.sold, last + 1, "no gap before the end");
                        last = sale.sold;
                    }
                }
            }
        }
    };
    assert!(last < shouted, "the test must shout more to fill the socket");
    assert!(matches!(code, Some(4008) | None), "{code:?}");
}

#[tokio::test]
async fn the_room_ends_with_a_last_word() {
    let stage = Stage::usual().await;
    let mut client = stage.join(Format::Json, "lin:viewer").await;
    let state = apricot::model::RoomState::Ended;
    stage
        .hub
        .change_state(&id(), state, String::new(), &host(), None, stage.clock.now())
        .await
        .expect("ended");
    let ended = |body| match body {
        Body::Room(room) if room.state() == v1::RoomState::Ended => Some(()),
        _ => None,
    };
    client.until(ended).await;
    assert_eq!(client.closed().await.0, Some(4010));
}

#[tokio::test]
async fn a_page_that_is_no_socket_is_a_problem() {
    let stage = Stage::usual().await;
    let address = format!("http://{}/v1/rooms/orchard/live", stage.address);
    let response = reqwest::get(address).await.expect("an answer");
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn pings_of_a_client_are_answered() {
    let stage = Stage::usual().await;
    let mut client = stage.join(Format::Json, "").await;
    client.send(4, Command::Ping(v1::Ping { client_time_ms: 12 })).await;
    match client.reply(4).await {
        Outcome::Pong(pong) => {
            assert_eq!(pong.client_time_ms, 12);
            assert!(pong.server_time_ms > 0);
        }
        other => panic!("{other:?}"),
    }
    client.socket.send(Message::Ping(Bytes::new())).await.expect("sent");
}

#[tokio::test]
async fn a_client_that_closes_gets_its_close_back() {
    let stage = Stage::usual().await;
    for format in BOTH {
        let mut lin = stage.join(format, "lin:viewer").await;
        let normal = tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode::Normal;
        let frame =
            tokio_tungstenite::tungstenite::protocol::CloseFrame { code: normal, reason: "bye".into() };
        lin.socket.send(Message::Close(Some(frame))).await.unwrap();
        assert_eq!(lin.closed().await.0, Some(1000));
    }
}

#[tokio::test]
async fn a_token_that_ends_ends_the_socket() {
    let patience = Patience { ping: Duration::from_millis(100), ..Patience::default() };
    let stage = Stage::new(patience, Limits::default()).await;
    for format in BOTH {
        let (mut lin, mut guest) = (stage.join(format, "lin:viewer:1").await, stage.join(format, "").await);
        let (code, closing) = lin.closed().await;
        let closing = closing.expect("a last word");
        assert_eq!((code, closing.reason.as_str()), (Some(4001), "the token has expired"));
        guest.send(2, Command::Ping(v1::Ping { client_time_ms: 1 })).await;
        assert!(matches!(guest.reply(2).await, Outcome::Pong(_)), "a guest has none");
    }
}
