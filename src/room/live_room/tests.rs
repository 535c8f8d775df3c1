use super::*;
use crate::ledger::CharityTotal;
use crate::model::Currency;
use crate::model::room::ChatRules;
use crate::room::Limits;
use crate::room::moderation::{Act, Moderation, moderate};
use crate::room::scene::{NOW, caller, host, order_view, outlet, read, room, texts, viewer};

mod hearing;

struct Guest {
    entrance: Entrance,
    outlet: Arc<Outlet>,
}

fn live() -> LiveRoom {
    LiveRoom::new(room(RoomState::Live), Vec::new(), 9, Limits::default().readable_lines(), None)
}

fn enter(room: &LiveRoom, caller: &Caller) -> Result<Guest, CloseCode> {
    let outlet = outlet();
    let visitor =
        Visitor { caller: Arc::new(caller.clone()), position: None, outlet: outlet.clone(), now: NOW };
    let entrance = room.enter(visitor, 3, Reading::default, Vec::new)?;
    Ok(Guest { entrance, outlet })
}

fn say(room: &LiveRoom, caller: &Caller, text: &str, now: Timestamp) -> Result<(), RoomRefused> {
    room.say(caller, text, || Ok(()), now)
}

fn act(room: &LiveRoom, by: &Caller, act: Act, now: Timestamp) -> Result<(), RoomRefused> {
    let moderation = Moderation { act, reason: "because".into() };
    let amendment = moderate(&room.record(), by, moderation, |id| room.line(id), now)?;
    room.apply(amendment, now);
    Ok(())
}

impl Guest {
    fn read(&mut self, room: &LiveRoom) -> Vec<Body> {
        let flush = room.flush(self.entrance.cursor, room.head(), Format::Proto).expect("in time");
        let Some(flush) = flush else { return Vec::new() };
        self.entrance.cursor = flush.cursor;
        read(Some(flush.bytes))
    }

    fn snapshot(&self) -> v1::Joined {
        prost::Message::decode(&self.entrance.snapshot[..]).expect("half of a Joined")
    }
}

#[test]
fn a_line_is_in_the_snapshot_or_on_the_lane_and_never_on_both() {
    let room = live();
    let lin = viewer("lin");
    for number in 0..60 {
        let at = NOW + Duration::from_millis(number);
        say(&room, &host(), &number.to_string(), at).expect("said");
        let mut guest = enter(&room, &lin).expect("inside");
        let shown = guest.snapshot().lines.len();
        let later = texts(&guest.read(&room)).len();
        let told = usize::try_from(number).expect("small") + 1;
        assert_eq!((shown + later).min(50), told.min(50), "after line {number}");
        room.leave(&guest.entrance.seat);
    }
}

#[test]
fn sanctions_and_rules_refuse_with_their_numbers() {
    let room = live();
    let (lin, mo) = (viewer("lin"), viewer("mo"));
    let mute = Act::Mute { subject: lin.subject.clone(), lasts: Duration::from_secs(60) };
    assert!(matches!(act(&room, &lin, mute.clone(), NOW), Err(RoomRefused::Forbidden(_))));
    act(&room, &mo, mute, NOW).expect("muted");
    let until = NOW + Duration::from_secs(60);
    assert_eq!(
        say(&room, &lin, "hello", NOW),
        Err(RoomRefused::Muted { until, retry_after: Duration::from_secs(60) })
    );
    assert_eq!(say(&room, &lin, "hello", until), Ok(()), "a mute ends by itself");

    let rules = ChatRules { slow_mode_seconds: 10, blocked_words: vec!["WeChat".into()] };
    act(&room, &host(), Act::ChatRules(rules), NOW).expect("ruled");
    assert_eq!(say(&room, &lin, "we chat?", until), Err(RoomRefused::BlockedWord));
    assert_eq!(say(&room, &lin, "one", until), Ok(()));
    let soon = until + Duration::from_secs(4);
    assert_eq!(say(&room, &lin, "two", soon), Err(RoomRefused::SlowMode { wait: Duration::from_secs(6) }));
    assert_eq!(say(&room, &mo, "one", soon), Ok(()));
    assert_eq!(say(&room, &mo, "two, by wechat", soon), Ok(()), "moderators are not slowed");
    assert_eq!(say(&room, &lin, "two", until + Duration::from_secs(10)), Ok(()));

    assert_eq!(say(&room, &Caller::guest(), "hello", NOW), Err(RoomRefused::TokenRequired));
    assert!(matches!(say(&room, &mo, " \t ", NOW), Err(RoomRefused::OutOfBound(_))));
    assert!(matches!(say(&room, &mo, &"杏".repeat(201), NOW), Err(RoomRefused::OutOfBound(_))));
    assert_eq!(say(&room, &mo, &"杏".repeat(200), NOW), Ok(()));
}

#[test]
fn a_ban_closes_every_socket_of_the_person_and_no_other() {
    let room = live();
    let (lin, wu) = (viewer("lin"), viewer("wu"));
    let sockets = [&lin, &lin, &wu].map(|who| enter(&room, who).expect("inside"));
    assert!(matches!(enter(&room, &wu), Err(CloseCode::Full)), "three is the bound of this test");
    assert!(enter(&room, &host()).is_ok(), "who runs the room gets in");
    act(&room, &host(), Act::Ban { subject: lin.subject.clone() }, NOW).expect("banned");
    let closed = sockets.map(|guest| guest.outlet.closing());
    assert_eq!(closed, [Some(CloseCode::NotAllowed), Some(CloseCode::NotAllowed), None]);
    assert_eq!(say(&room, &lin, "hello", NOW), Err(RoomRefused::Banned));
    let room = live();
    act(&room, &host(), Act::Ban { subject: lin.subject.clone() }, NOW).expect("banned");
    assert_eq!(enter(&room, &lin).map(|_| ()), Err(CloseCode::NotAllowed));
    act(&room, &host(), Act::Pardon { subject: lin.subject.clone() }, NOW).expect("pardoned");
    assert!(enter(&room, &lin).is_ok());
}

#[test]
fn nobody_silences_the_host_and_only_the_host_a_moderator() {
    let room = live();
    let (mo, other) = (viewer("mo"), caller("an", Role::Ops));
    let ban = |subject: &Caller| Act::Ban { subject: subject.subject.clone() };
    assert!(matches!(act(&room, &mo, ban(&host()), NOW), Err(RoomRefused::Forbidden(_))));
    assert!(matches!(act(&room, &other, ban(&host()), NOW), Err(RoomRefused::Forbidden(_))));
    assert!(matches!(act(&room, &mo, ban(&mo), NOW), Err(RoomRefused::Forbidden(_))));
    assert!(matches!(act(&room, &host(), ban(&Caller::guest()), NOW), Err(RoomRefused::Forbidden(_))));
    assert_eq!(act(&room, &host(), ban(&mo), NOW), Ok(()));
}

#[test]
fn a_deleted_line_reaches_nobody_who_has_not_read_it() {
    let room = live();
    let mut late = enter(&room, &viewer("lin")).expect("inside");
    say(&room, &viewer("wu"), "buy elsewhere", NOW).expect("said");
    say(&room, &viewer("wu"), "sweet", NOW).expect("said");
    let line = enter(&room, &viewer("an")).expect("inside").snapshot().lines[0].id.clone();
    act(&room, &host(), Act::PinLine { line: line.clone() }, NOW).expect("pinned");
    assert!(room.record().pinned_line.is_some());
    act(&room, &host(), Act::DeleteLine { line: line.clone() }, NOW).expect("deleted");
    assert_eq!(room.record().pinned_line, None, "a deleted line is not pinned");
    let bodies = late.read(&room);
    assert_eq!(texts(&bodies), ["sweet"]);
    assert!(bodies.iter().any(|body| matches!(body, Body::LineDeleted(deleted) if deleted.line_id == line)));
    assert!(bodies.iter().any(|body| matches!(body, Body::Skipped(skipped) if skipped.lines == 1)));
    let again = act(&room, &host(), Act::DeleteLine { line }, NOW);
    assert!(matches!(again, Err(RoomRefused::NotFound(_))));
}

#[test]
fn the_state_is_told_at_a_tick_and_only_when_it_differs() {
    let room = live();
    let mut guest = enter(&room, &viewer("lin")).expect("inside");
    guest.read(&room);
    room.heart(5);
    assert_eq!(guest.read(&room), [], "not before a tick");
    room.tick(false, Reading::default, NOW + Duration::from_millis(100));
    match guest.read(&room).as_slice() {
        [Body::State(state)] => assert_eq!((state.hearts, state.viewers), (5, 1)),
        other => panic!("{other:?}"),
    }
    room.tick(true, Reading::default, NOW + Duration::from_millis(200));
    assert_eq!(guest.read(&room), [], "nothing changed");
    room.tick(false, || panic!("nothing can have changed"), NOW + Duration::from_millis(300));
    room.leave(&guest.entrance.seat);
    room.tick(true, || panic!("nobody to read it for"), NOW + Duration::from_secs(9));
}

#[test]
fn a_milestone_is_critical_and_told_once() {
    let room = live();
    let pledge = "0190a000-0000-7000-8000-000000000001".parse().expect("an id");
    let total = |gross_accrued| CharityTotal {
        pledge,
        epoch: 1,
        sequence: 1,
        currency: Currency::CNY,
        gross_accrued,
        gross_reversed: 0,
        confirmed: 0,
        remitted: 0,
        ended: None,
        gross_matched: 0,
        gross_unmatched: 0,
    };
    let mut guest = enter(&room, &viewer("lin")).expect("inside");
    let mut reached = Vec::new();
    for (step, gross) in [(1, 900), (2, 1_100), (3, 1_200), (4, 2_000)] {
        let reading = || Reading { stocks: Vec::new(), charity: vec![total(gross)] };
        room.tick(true, reading, NOW + Duration::from_millis(100 * step));
        for body in guest.read(&room) {
            if let Body::Milestone(milestone) = body {
                reached.push(milestone.reached.expect("an amount").minor);
            }
        }
    }
    assert_eq!(reached, [1_000, 2_000]);
}

#[test]
fn news_of_an_order_goes_to_its_buyer_alone() {
    let room = live();
    let guest = Caller { role: Role::Guest, ..viewer("lin") };
    let sockets = [viewer("lin"), viewer("lin2"), guest].map(|caller| enter(&room, &caller).expect("inside"));
    let view = order_view(&viewer("lin"));
    room.tell_order(&view, NOW);
    let got = sockets.map(|guest| read(guest.outlet.take().0).len());
    assert_eq!(got, [1, 0, 0], "a guest has no orders, whatever its name");
}

#[test]
fn only_who_moderates_sees_the_blocked_words() {
    let room = live();
    let rules = ChatRules { slow_mode_seconds: 0, blocked_words: vec!["x".into()] };
    act(&room, &host(), Act::ChatRules(rules), NOW).expect("ruled");
    let words = |who: &Caller| {
        let guest = enter(&room, who).expect("inside");
        guest.snapshot().room.expect("a room").chat_rules.expect("rules").blocked_words.len()
    };
    assert_eq!((words(&viewer("lin")), words(&host()), words(&Caller::guest())), (0, 1, 0));
}

#[test]
fn a_rehearsal_is_for_those_who_run_the_room() {
    let room =
        LiveRoom::new(room(RoomState::Rehearsal), Vec::new(), 9, Limits::default().readable_lines(), None);
    assert_eq!(enter(&room, &viewer("lin")).map(|_| ()), Err(CloseCode::NotAllowed));
    assert!(enter(&room, &viewer("mo")).is_ok() && enter(&room, &host()).is_ok());
}

#[test]
fn a_reader_is_rung_once_for_each_urgency_until_it_looks() {
    let room = live();
    let bell = Arc::new(Bell::new(std::task::Waker::noop().clone()));
    room.read_by(&bell, 4);
    let rung = || {
        let mut rung = Vec::new();
        bell.take(&mut rung);
        rung
    };
    let notice = |text: &str| {
        let notice = v1::HostNotice { id: String::new(), text: text.into() };
        room.apply(
            Amendment { publication: Some(Body::Notice(notice)), ..Amendment::new("notice", String::new()) },
            NOW,
        );
    };
    say(&room, &host(), "one", NOW).expect("said");
    say(&room, &host(), "two", NOW).expect("said");
    assert_eq!(rung(), [Rung::Room(4, Urgency::Soon)]);
    notice("critical news does not wait for chat");
    notice("and rings once");
    say(&room, &host(), "three", NOW).expect("said");
    assert_eq!(rung(), [Rung::Room(4, Urgency::Now)]);
    room.look(&bell);
    say(&room, &host(), "four", NOW).expect("said");
    assert_eq!(rung(), [Rung::Room(4, Urgency::Soon)]);
    room.not_read_by(&bell);
    notice("nobody reads");
    assert_eq!(rung(), []);
}

#[test]
fn people_are_seen_when_they_were_not_here_a_moment_ago() {
    let room = live();
    let seen = |caller: &Caller, position, now| {
        let visitor = Visitor { caller: Arc::new(caller.clone()), position, outlet: outlet(), now };
        let entrance = room.enter(visitor, 9, Reading::default, Vec::new).expect("inside");
        (room.turnout().hand_over().iter().map(|minute| minute.seen).sum::<u64>(), entrance)
    };
    let (lin, guest) = (viewer("lin"), Caller::guest());
    let (count, first) = seen(&lin, None, NOW);
    assert_eq!(count, 1);
    let (count, second) = seen(&lin, None, NOW);
    assert_eq!(count, 0, "a second window is the same person");
    room.leave(&first.seat);
    room.leave(&second.seat);
    assert_eq!(seen(&lin, None, NOW).0, 0, "a reload");
    assert_eq!(seen(&viewer("wu"), Some(first.position), NOW).0, 0, "who was cut off was here before");
    for _ in 0..2 {
        assert_eq!(seen(&guest, None, NOW).0, 1, "guests have no name to know them by");
    }
    for runs in [host(), viewer("mo"), caller("kim", Role::Ops)] {
        assert_eq!(seen(&runs, None, NOW).0, 0, "{}", runs.name);
    }
    room.tap(NOW);
    let minutes = room.turnout().hand_over();
    assert_eq!(minutes.iter().map(|minute| minute.tapped).sum::<u64>(), 1);
}
