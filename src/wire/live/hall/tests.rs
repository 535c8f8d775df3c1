//! Walks against the plain rule: who sits in the hall reads everything, news within two rounds, chat at its pace.

use std::collections::BTreeMap;

use apricot_proto::v1::{self, publication::Body};
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::model::{RoomState, Timestamp};
use crate::room::bell::Bell;
use crate::room::scene::{NOW, host, room};
use crate::room::{Amendment, Format, Limits};

const DIALECT: Dialect = Dialect { format: Format::Proto, deflate: false };
/// What passing one seat costs.
const SEAT_COST: Duration = Duration::from_millis(1);

#[derive(Clone, Debug)]
enum Op {
    Notice,
    Say,
    Pass { seats: usize },
    Wait { ms: u64 },
    Come,
    Leave { index: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => Just(Op::Notice),
        4 => Just(Op::Say),
        8 => (1..6usize).prop_map(|seats| Op::Pass { seats }),
        3 => (1..90u64).prop_map(|ms| Op::Wait { ms }),
        2 => Just(Op::Come),
        1 => (0..9usize).prop_map(|index| Op::Leave { index }),
    ]
}

struct Viewer {
    seat: usize,
    cursor: Cursor,
    notices: u64,
    /// The first notice that it has to read.
    from: u64,
}

/// One hall of one shard, driven by hand.
struct Scene {
    hall: Hall,
    bell: Arc<Bell>,
    viewers: BTreeMap<usize, Viewer>,
    came: usize,
    notices: u64,
    /// Seats that may be passed until everybody must have read the newest notice.
    round: usize,
    now: Instant,
    timers: Vec<Instant>,
    queued: bool,
}

impl Scene {
    fn new() -> Self {
        let room =
            LiveRoom::new(room(RoomState::Live), Vec::new(), 9, Limits::default().readable_lines(), None);
        let bell = Arc::new(Bell::new(std::task::Waker::noop().clone()));
        room.read_by(&bell, 0);
        let now = crate::clock::instant();
        let hall = Hall::new(Arc::new(room));
        let (viewers, timers) = (BTreeMap::new(), Vec::new());
        Self { hall, bell, viewers, came: 0, notices: 0, round: 0, now, timers, queued: false }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Notice => {
                self.notices += 1;
                let body = Body::Notice(v1::HostNotice { id: String::new(), text: self.notices.to_string() });
                let amendment = Amendment::new("notice", String::new());
                self.hall.room.apply(Amendment { publication: Some(body), ..amendment }, NOW);
                self.look_around();
                // A short walk for earlier news is finished first.
                self.round = 2 * self.hall.seats.len();
            }
            Op::Say => {
                let text = self.notices.to_string();
                self.hall.room.say(&host(), &text, || Ok(()), self.wall()).expect("said");
                self.look_around();
            }
            Op::Pass { seats } => self.pass(seats),
            Op::Wait { ms } => {
                self.now += Duration::from_millis(ms);
                self.look_around();
            }
            Op::Come => {
                self.came += 1;
                self.round += 1;
                let (cursor, seat) = (self.hall.room.head(), self.hall.seat(self.came));
                let viewer = Viewer { seat, cursor, notices: 0, from: self.notices };
                self.viewers.insert(self.came, viewer);
            }
            Op::Leave { index } => {
                if let Some(key) = self.viewers.keys().nth(index).copied() {
                    let viewer = self.viewers.remove(&key).expect("there");
                    self.hall.leave(viewer.seat);
                }
            }
        }
    }

    fn wall(&self) -> Timestamp {
        NOW
    }

    fn look_around(&mut self) {
        let mut rung = Vec::new();
        self.bell.take(&mut rung);
        for rung in rung {
            match rung {
                crate::room::bell::Rung::Room(0, urgency) => self.ring(urgency),
                other => panic!("{other:?}"),
            }
        }
        let rings = self.timers.extract_if(.., |at| *at <= self.now).count();
        for _ in 0..rings {
            self.hall.waited();
            self.ring(Urgency::Soon);
        }
    }

    fn ring(&mut self, urgency: Urgency) {
        match self.hall.ring(urgency, |room| room.look(&self.bell), self.now) {
            Due::Queue(_) => self.queued = true,
            Due::At(at) => {
                assert!(at > self.now && at <= self.now + PACE.max(SEAT_COST * 4 * 60), "it is due some day");
                self.timers.push(at);
            }
            Due::Already => {}
        }
    }

    fn pass(&mut self, seats: usize) {
        if !self.queued {
            return;
        }
        let seats = seats.min(self.hall.walk.as_ref().map_or(0, |walk| walk.left));
        for key in self.hall.pass(seats) {
            let viewer = self.viewers.get_mut(&key).expect("nobody who has left is passed");
            let framed = self.hall.framed(viewer.cursor, DIALECT, Bytes::copy_from_slice);
            if let Some(framed) = framed.expect("few publications") {
                viewer.cursor = framed.flush.cursor;
                let batch = v1::Batch::decode(framed.frame).expect("a batch");
                let notices = batch.publications.iter();
                viewer.notices += notices.filter(|p| matches!(p.body, Some(Body::Notice(_)))).count() as u64;
            }
        }
        self.round = self.round.saturating_sub(seats);
        if self.round == 0 {
            let late = self.viewers.values().find(|viewer| viewer.from + viewer.notices < self.notices);
            assert!(late.is_none(), "news takes two rounds at most");
        }
        self.now += SEAT_COST * u32::try_from(seats).expect("few");
        if let Pass::Over { again, .. } = self.hall.passed(SEAT_COST * u32::try_from(seats).expect("few")) {
            self.queued = false;
            if let Some(again) = again {
                self.ring(again);
            }
        }
    }

    /// Until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..100 {
            while self.queued {
                self.pass(5);
            }
            self.now += Duration::from_secs(1);
            self.look_around();
        }
        assert!(!self.queued && self.timers.is_empty(), "a quiet room rests");
    }
}

proptest! {
    #[test]
    fn everybody_reads_everything_and_news_takes_two_rounds_at_most(ops in prop::collection::vec(op(), 1..200)) {
        let mut scene = Scene::new();
        for op in ops {
            scene.apply(op);
        }
        scene.settle();
        let head = scene.hall.room.head();
        for viewer in scene.viewers.values() {
            prop_assert_eq!(viewer.cursor, head);
            prop_assert_eq!(viewer.from + viewer.notices, scene.notices, "each once");
        }
    }
}

#[test]
fn a_quiet_room_walks_at_once_and_a_busy_one_takes_its_share_of_the_core() {
    let mut scene = Scene::new();
    (0..60).for_each(|_| scene.apply(Op::Come));
    scene.apply(Op::Say);
    assert!(scene.queued && scene.timers.is_empty(), "at once");
    let began = scene.now;
    scene.apply(Op::Pass { seats: 60 });
    assert!(!scene.queued);
    scene.apply(Op::Say);
    let due = began + SEAT_COST * 60 * 100 / PACE_SHARE_PERCENT;
    assert_eq!((scene.queued, scene.timers.as_slice()), (false, [due].as_slice()));
    scene.apply(Op::Say);
    assert_eq!(scene.timers.len(), 1, "one timer is enough");
    scene.now = due;
    scene.look_around();
    assert!(scene.queued);
}

#[test]
fn who_stands_together_shares_one_frame_and_the_first_of_a_walk_changes() {
    let mut scene = Scene::new();
    (0..10).for_each(|_| scene.apply(Op::Come));
    let mut firsts = std::collections::BTreeSet::new();
    for _ in 0..10 {
        scene.apply(Op::Notice);
        firsts.insert(scene.hall.walk.as_ref().expect("a walk").at);
        let cursor = scene.viewers[&1].cursor;
        let mut framed =
            || scene.hall.framed(cursor, DIALECT, Bytes::copy_from_slice).expect("news").expect("news");
        assert_eq!(framed().frame.as_ptr(), framed().frame.as_ptr());
        scene.apply(Op::Pass { seats: 10 });
    }
    assert!(firsts.len() >= 5, "{firsts:?}");
}

#[test]
fn what_a_walk_wrote_is_counted_once_for_each_viewer() {
    let mut scene = Scene::new();
    (0..10).for_each(|_| scene.apply(Op::Come));
    scene.apply(Op::Notice);
    scene.apply(Op::Pass { seats: 4 });
    assert_eq!(scene.hall.written().count(), 0, "the round is under way");
    scene.apply(Op::Pass { seats: 6 });
    let written: Vec<(Put, u64)> = scene.hall.written().collect();
    assert_eq!(
        written.iter().map(|(put, viewers)| (put.lane, *viewers)).collect::<Vec<_>>(),
        [(v1::Lane::Critical, 10)]
    );
    assert_eq!(scene.hall.written().count(), 0);
}
