use super::*;
use crate::model::{Role, RoomState, Sku};
use crate::room::Limits;
use crate::room::scene::{NOW, Scene, caller, host, joined, read, room, texts, viewer};

fn message(id: u32, command: Command) -> ClientMessage {
    ClientMessage { id, command: Some(command) }
}

fn say(text: &str) -> Command {
    Command::Say(v1::Say { text: text.to_owned() })
}

fn place(order: u32) -> Command {
    Command::PlaceOrder(v1::PlaceOrder {
        order_id: format!("0190a000-0000-7000-8000-{order:012}"),
        sale_id: "0190a000-0000-7000-8000-0000000000ff".into(),
        quantity: 1,
        wait: false,
    })
}

fn open(scene: &Scene) -> Arrival {
    let connection = scene.hub.connect().expect("space");
    Arrival::new(scene.hub.clone(), connection, room(RoomState::Live).id, Format::Proto)
}

async fn enter(scene: &Scene, who: Caller, position: Option<StreamPosition>) -> (Session, v1::Joined) {
    let (session, first) = open(scene).join(who.clone(), position, NOW).await.expect("inside");
    let snapshot = joined(first);
    assert_eq!((snapshot.subject.as_str(), snapshot.role.as_str()), (who.subject.as_str(), who.role.name()));
    (session, snapshot)
}

async fn inside(scene: &Scene, who: Caller) -> Session {
    enter(scene, who, None).await.0
}

async fn turned_away(arrival: Arrival, who: Caller) -> CloseCode {
    match arrival.join(who, None, NOW).await {
        Err(code) => code,
        Ok(_) => panic!("let in"),
    }
}

/// All that the session has not read.
fn heard(session: &mut Session) -> Vec<v1::publication::Body> {
    let flush = session.flush(session.room().head()).expect("in time");
    flush.map_or_else(Vec::new, |flush| {
        session.has_read(flush.cursor);
        read(Some(flush.bytes))
    })
}

fn refused(next: Next) -> RoomRefused {
    match next {
        Next::Answer(Answer { outcome: Err(refused), .. }) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn join_comes_first_and_once() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let arrival = open(&scene);
    let refusal = |message| match arrival.on_message(message) {
        Err(Some(Answer { outcome: Err(refused), .. })) => refused,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refusal(message(1, say("hi"))), RoomRefused::WrongState(_)));
    assert_eq!(refusal(ClientMessage { id: 4, command: None }), RoomRefused::NoCommand);
    assert!(matches!(arrival.on_message(message(0, say("hi"))), Err(None)), "no answer is wanted");
    let join = Command::Join(v1::Join { token: "t".into(), position: None });
    let first = arrival.on_message(message(2, join.clone())).expect("a join");
    assert_eq!(first, Join { id: 2, token: "t".into(), position: None });
    let (mut session, _) = arrival.join(viewer("lin"), None, NOW).await.expect("inside");
    assert!(matches!(refused(session.on_message(message(3, join), NOW)), RoomRefused::WrongState(_)));
    assert_eq!(
        refused(session.on_message(ClientMessage { id: 4, command: None }, NOW)),
        RoomRefused::NoCommand
    );
}

#[tokio::test]
async fn a_guest_watches_and_a_viewer_takes_part() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let mut guest = inside(&scene, Caller::guest()).await;
    let mut lin = inside(&scene, viewer("lin")).await;
    assert_eq!(refused(guest.on_message(message(1, say("hi")), NOW)), RoomRefused::TokenRequired);
    assert_eq!(refused(guest.on_message(message(2, place(1)), NOW)), RoomRefused::TokenRequired);
    let mut auditor = inside(&scene, caller("au", Role::Auditor)).await;
    assert!(matches!(refused(auditor.on_message(message(1, place(1)), NOW)), RoomRefused::Forbidden(_)));
    let heart = |count| message(3, Command::Heart(v1::Heart { count }));
    assert!(matches!(
        guest.on_message(heart(50), NOW),
        Next::Answer(Answer { outcome: Ok(Outcome::Done), .. })
    ));
    for count in [0, 51, u32::MAX] {
        assert!(matches!(refused(guest.on_message(heart(count), NOW)), RoomRefused::OutOfBound(_)));
    }
    assert!(matches!(lin.on_message(message(0, say("甜吗？")), NOW), Next::Nothing), "no reply is wanted");
    assert_eq!(texts(&heard(&mut guest)), ["甜吗？"]);
    let ping = Command::Ping(v1::Ping { client_time_ms: 5 });
    match lin.on_message(message(9, ping), NOW) {
        Next::Answer(Answer { id: 9, outcome: Ok(Outcome::Pong { client_time_ms: 5 }) }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_person_talks_at_a_rate_over_all_sockets() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let mut sockets = [inside(&scene, viewer("lin")).await, inside(&scene, viewer("lin")).await];
    for count in 0..3 {
        let answer = sockets[count % 2].on_message(message(1, say("hi")), NOW);
        assert!(matches!(answer, Next::Answer(Answer { outcome: Ok(Outcome::Done), .. })), "{answer:?}");
    }
    let limited = refused(sockets[1].on_message(message(1, say("hi")), NOW));
    assert!(matches!(limited, RoomRefused::RateLimited { what: "lines", .. }), "{limited:?}");
    let lifted = Limits { rates: false, ..Limits::default() };
    let scene = Scene::with_live_room(lifted).await;
    let mut free = inside(&scene, viewer("lin")).await;
    for _ in 0..100 {
        assert_eq!(free.admit_message(NOW).map(|admitted| admitted.is_ok()), Ok(true));
        assert!(matches!(free.on_message(message(0, say("hi")), NOW), Next::Nothing));
    }
}

#[tokio::test]
async fn too_many_messages_are_warned_of_and_then_close() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let mut session = open(&scene);
    let mut outcomes = (0, 0);
    let code = loop {
        match session.admit_message(NOW) {
            Ok(Ok(())) => outcomes.0 += 1,
            Ok(Err(Answer { outcome: Err(RoomRefused::RateLimited { what: "messages", .. }), .. })) => {
                outcomes.1 += 1;
            }
            Ok(Err(other)) => panic!("{other:?}"),
            Err(code) => break code,
        }
    };
    assert_eq!((outcomes, code), ((30, 10), CloseCode::TooManyMessages));
    let later = NOW + Duration::from_secs(61);
    assert_eq!(session.admit_message(later).map(|admitted| admitted.is_ok()), Ok(true));
}

#[tokio::test]
async fn requests_in_flight_are_bounded_and_given_back() {
    let scene = Scene::with_live_room(Limits { orders_per_10_s: 100, ..Limits::default() }).await;
    let mut lin = inside(&scene, viewer("lin")).await;
    let mut errands = Vec::new();
    for number in 0..IN_FLIGHT_MAX {
        match lin.on_message(message(1, place(u32::try_from(number).expect("small") + 1)), NOW) {
            Next::Run(errand) => errands.push(errand),
            other => panic!("{other:?}"),
        }
    }
    let ninth = refused(lin.on_message(message(1, place(90)), NOW));
    assert_eq!(ninth, RoomRefused::InFlight { max: IN_FLIGHT_MAX });
    let answer = errands.pop().expect("eight").run().await.expect("an answer");
    assert!(matches!(answer.outcome, Err(RoomRefused::Sale(_))), "there is no such sale: {answer:?}");
    assert!(matches!(lin.on_message(message(1, place(91)), NOW), Next::Run(_)));
}

#[tokio::test]
async fn orders_have_a_rate_for_a_person() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let mut lin = inside(&scene, viewer("lin")).await;
    for number in 1..=5 {
        assert!(matches!(lin.on_message(message(1, place(number)), NOW), Next::Run(_)));
    }
    let sixth = refused(lin.on_message(message(1, place(6)), NOW));
    assert!(matches!(sixth, RoomRefused::RateLimited { what: "orders", .. }), "{sixth:?}");
    let id = room(RoomState::Live).id;
    let by_rest = scene.hub.admit_order(&id, &viewer("lin").subject, NOW);
    assert!(matches!(by_rest, Err(RoomRefused::RateLimited { .. })), "REST counts with the socket");
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let id = room(RoomState::Live).id;
    let (session, snapshot) = enter(&scene, viewer("lin"), None).await;
    drop(session);
    for text in ["one", "two"] {
        scene.hub.notice(&id, text.into(), text, &host(), None, NOW).await.expect("posted");
    }
    let at = snapshot.position.expect("a position");
    let position = Some(StreamPosition { epoch: at.epoch, offset: at.offset });
    let (mut session, again) = enter(&scene, viewer("lin"), position).await;
    assert!(again.recovered);
    let missed: Vec<String> = heard(&mut session)
        .into_iter()
        .filter_map(|body| match body {
            v1::publication::Body::Notice(notice) => Some(notice.text),
            _ => None,
        })
        .collect();
    assert_eq!(missed, ["one", "two"]);
    let other_life = Some(StreamPosition { epoch: at.epoch ^ 1, offset: at.offset });
    assert!(!enter(&scene, viewer("lin"), other_life).await.1.recovered);
}

#[tokio::test]
async fn a_person_has_a_few_sockets_and_leaving_gives_the_seat_back() {
    let scene = Scene::with_live_room(Limits { connections_per_person: 2, ..Limits::default() }).await;
    let first = inside(&scene, viewer("lin")).await;
    let _second = inside(&scene, viewer("lin")).await;
    assert_eq!(turned_away(open(&scene), viewer("lin")).await, CloseCode::Full);
    for _ in 0..3 {
        let _guest = inside(&scene, Caller::guest()).await;
    }
    drop(first);
    let _third = inside(&scene, viewer("lin")).await;
    assert_eq!(scene.hub.viewers(&room(RoomState::Live).id), 2);
}

#[tokio::test]
async fn the_end_of_a_room_is_told_before_the_door_closes() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let id = room(RoomState::Live).id;
    let mut lin = inside(&scene, viewer("lin")).await;
    scene.hub.change_state(&id, RoomState::Ended, String::new(), &host(), None, NOW).await.expect("ended");
    assert_eq!(lin.outlet().take().1, Some(CloseCode::RoomEnded));
    let bodies = heard(&mut lin);
    let ended = |body: &v1::publication::Body| matches!(body, v1::publication::Body::Room(room) if room.state() == v1::RoomState::Ended);
    assert!(bodies.iter().any(ended), "{bodies:?}");
    assert_eq!(turned_away(open(&scene), viewer("lin")).await, CloseCode::RoomEnded);
    let back = scene.hub.change_state(&id, RoomState::Live, String::new(), &host(), None, NOW).await;
    assert!(matches!(back, Err(RoomRefused::WrongState(_))));
}

#[tokio::test]
async fn what_was_done_outlives_the_process() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let id = room(RoomState::Live).id;
    let act = crate::room::moderation::Act::Ban { subject: viewer("lin").subject };
    let ban = Moderation { act, reason: "spam".into() };
    scene.hub.moderate(&id, ban, &host(), None, NOW).await.expect("banned");
    let scene = scene.reopened().await;
    let view = scene.hub.view(&id, &viewer("wu")).expect("the room");
    assert_eq!((view.room.state, view.room.live_at), (RoomState::Live, Some(NOW)));
    assert_eq!(turned_away(open(&scene), viewer("lin")).await, CloseCode::NotAllowed);
}

#[tokio::test]
async fn a_retry_has_one_effect() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let id = room(RoomState::Live).id;
    let key = "0190a000-0000-7000-8000-00000000000a".parse().expect("a key");
    let once = Some(crate::store::journal::Once { key, content: [1; 32] });
    let by = host();
    let end = || scene.hub.change_state(&id, RoomState::Ended, String::new(), &by, once, NOW);
    let first = end().await.expect("ended");
    assert_eq!(end().await, Ok(first), "the arrow from ended is not asked again");
    let other = Some(crate::store::journal::Once { key, content: [2; 32] });
    let differs = scene.hub.change_state(&id, RoomState::Live, String::new(), &host(), other, NOW).await;
    assert_eq!(differs, Err(RoomRefused::Store(crate::store::StoreError::ContentDiffers)));
}

#[tokio::test]
async fn draining_sends_everybody_away_and_lets_nobody_in() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let lin = inside(&scene, viewer("lin")).await;
    let waiting = open(&scene);
    scene.hub.drain().await;
    assert_eq!(lin.outlet().closing(), Some(CloseCode::Draining));
    assert_eq!(turned_away(waiting, viewer("wu")).await, CloseCode::Draining);
    assert!(matches!(scene.hub.connect(), Err(CloseCode::Draining)));
}

#[tokio::test]
async fn only_the_hosts_products_are_pinned() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let id = room(RoomState::Live).id;
    let sku: Sku = "none".parse().expect("a sku");
    let missing = scene.hub.pin_cards(&id, vec![sku], &host(), None, NOW).await;
    assert_eq!(missing, Err(RoomRefused::NotFound("product")));
    let emptied = scene.hub.pin_cards(&id, Vec::new(), &host(), None, NOW).await;
    assert_eq!(emptied.map(|view| view.cards), Ok(Vec::new()));
    let by_viewer = scene.hub.pin_cards(&id, Vec::new(), &viewer("lin"), None, NOW).await;
    assert!(matches!(by_viewer, Err(RoomRefused::Forbidden(_))));
}

#[tokio::test]
async fn the_host_posts_a_notice_by_socket_and_it_is_recorded() {
    let scene = Scene::with_live_room(Limits::default()).await;
    let mut lin = inside(&scene, viewer("lin")).await;
    let mut li = inside(&scene, host()).await;
    let post = |text: &str| message(1, Command::PostNotice(v1::PostNotice { text: text.into() }));
    assert!(matches!(refused(lin.on_message(post("mine"), NOW)), RoomRefused::Forbidden(_)));
    assert!(matches!(refused(li.on_message(post(""), NOW)), RoomRefused::OutOfBound(_)));
    let answer = li.on_message(post("下一个：杏干"), NOW);
    assert!(matches!(answer, Next::Answer(Answer { outcome: Ok(Outcome::Done), .. })), "{answer:?}");
    let told = heard(&mut lin);
    assert!(
        matches!(told.as_slice(), [v1::publication::Body::Notice(notice)] if notice.text == "下一个：杏干"),
        "{told:?}"
    );
    scene.hub.drain().await;
    let record = rusqlite::Connection::open(scene.folder.path().join("record.db")).expect("a record");
    let count = "SELECT count(*) FROM audit WHERE action = 'notice'";
    assert_eq!(record.query_row(count, [], |row| row.get::<_, u32>(0)), Ok(1), "one was said");
}
