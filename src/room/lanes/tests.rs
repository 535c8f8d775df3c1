//! The lanes against a plain list of all that was published.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message;

use super::*;

const EPOCH: u64 = 77;
const READABLE: Rate = Rate { count: 20, per: Duration::from_secs(1) };
const CRITICAL: RingBound = RingBound { count: 6, bytes: 4_096 };
const CHAT: RingBound = RingBound { count: 5, bytes: 4_096 };

#[derive(Clone, Debug)]
enum Op {
    Critical,
    Beside,
    SkipTo {
        further: u64,
    },
    Begin {
        further: u64,
    },
    Lose,
    State,
    Chat {
        always: bool,
    },
    TakeBack {
        ago: u64,
    },
    /// The reader's head moves to the newest; until then it reads up to the one before.
    Look,
    Pass {
        ms: u64,
    },
    Read {
        viewer: usize,
    },
    /// Comes back with its position, or as somebody new.
    Rejoin {
        viewer: usize,
        with_position: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => Just(Op::Critical),
        1 => Just(Op::Beside),
        1 => (1..4u64).prop_map(|further| Op::SkipTo { further }),
        1 => (0..4u64).prop_map(|further| Op::Begin { further }),
        1 => Just(Op::Lose),
        8 => Just(Op::State),
        20 => any::<bool>().prop_map(|always| Op::Chat { always }),
        4 => (1..5u64).prop_map(|ago| Op::TakeBack { ago }),
        8 => Just(Op::Look),
        8 => (0..80u64).prop_map(|ms| Op::Pass { ms }),
        20 => (0..3usize).prop_map(|viewer| Op::Read { viewer }),
        4 => (0..3usize, any::<bool>()).prop_map(|(viewer, with_position)| Op::Rejoin { viewer, with_position }),
    ]
}

/// What one viewer has seen since it joined, and what it must see next.
struct Viewer {
    format: Format,
    cursor: Cursor,
    /// As its client has it: the epoch that it joined in, and the last offset that it saw.
    position: StreamPosition,
    /// How many of the critical publications it has seen or was too late for.
    told: usize,
    state_seen: u64,
    lines: u64,
    skipped: u64,
    joined_at_line: u64,
}

/// All that was ever published: the simple model.
#[derive(Default)]
struct Published {
    /// Each one's offset; 0 stands beside the order.
    critical: Vec<u64>,
    state: u64,
    lines: u64,
}

struct Scene {
    lanes: Lanes,
    published: Published,
    viewers: Vec<Viewer>,
    head: Cursor,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        let lanes = Lanes::bounded(EPOCH, READABLE, CRITICAL, CHAT);
        let viewers = [Format::Proto, Format::Json, Format::Proto];
        let viewers = viewers.map(|format| Viewer::join(&lanes, format, None, 0)).into();
        let head = lanes.head();
        Self { lanes, published: Published::default(), viewers, head, now: Timestamp(1_000_000) }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Critical => {
                let expected = self.lanes.position().offset + 1;
                let offset = self.lanes.publish_critical(self.notice(), self.now);
                assert_eq!(offset, expected);
                self.published.critical.push(offset);
            }
            Op::Beside => {
                self.lanes.publish_beside(self.notice(), self.now);
                self.published.critical.push(0);
            }
            Op::SkipTo { further } => self.lanes.skip_to(self.lanes.position().offset + further),
            Op::Begin { further } => {
                let StreamPosition { epoch, offset } = self.lanes.position();
                self.lanes.begin(StreamPosition { epoch: epoch + 1, offset: offset + further });
            }
            Op::Lose => self.lanes.lose(),
            Op::State => {
                self.published.state += 1;
                let state = v1::LiveState { hearts: self.published.state, ..Default::default() };
                self.lanes.publish_state(state, self.now);
            }
            Op::Chat { always } => {
                self.published.lines += 1;
                let line = v1::ChatLine { text: self.published.lines.to_string(), ..Default::default() };
                let published = self.lanes.publish_chat(line, always, self.now);
                assert!(published.is_none_or(|sequence| sequence == self.published.lines));
                assert!(!always || published.is_some(), "a host's line is never sampled");
            }
            Op::TakeBack { ago } => self.lanes.take_back_line(self.published.lines.saturating_sub(ago)),
            Op::Look => self.head = self.lanes.head(),
            Op::Pass { ms } => self.now = self.now + Duration::from_millis(ms),
            Op::Read { viewer } => self.read(viewer),
            Op::Rejoin { viewer, with_position } => {
                let position = with_position.then_some(self.viewers[viewer].position);
                self.rejoin(viewer, position);
            }
        }
    }

    fn read(&mut self, index: usize) {
        let viewer = &mut self.viewers[index];
        match self.lanes.flush(viewer.cursor, self.head, viewer.format) {
            Ok(None) => {
                assert_eq!(
                    viewer.cursor.at_least(self.head),
                    viewer.cursor,
                    "nothing new only for who has it all"
                )
            }
            Ok(Some(flush)) => viewer.take(&flush, &self.published.critical),
            Err(FellBehind) => {
                let position = Some(viewer.position);
                assert_eq!(self.lanes.recover(position).1, Recovery::Lost, "it is told that it can't");
                self.rejoin(index, None);
            }
        }
    }

    fn rejoin(&mut self, index: usize, position: Option<StreamPosition>) {
        let old = &self.viewers[index];
        let mut new = Viewer::join(&self.lanes, old.format, position, self.published.state);
        if self.lanes.recover(position).1 == Recovery::Recovered {
            // What follows must be exactly what it has not seen.
            (new.position, new.told) = (old.position, old.told);
        } else {
            new.told = self.published.critical.len();
        }
        self.viewers[index] = new;
    }

    fn notice(&self) -> Body {
        let text = self.published.critical.len().to_string();
        Body::Notice(v1::HostNotice { id: String::new(), text })
    }
}

impl Viewer {
    fn join(lanes: &Lanes, format: Format, position: Option<StreamPosition>, state_seen: u64) -> Self {
        let (cursor, _) = lanes.recover(position);
        Self {
            format,
            cursor,
            position: lanes.position(),
            told: 0,
            state_seen,
            lines: 0,
            skipped: 0,
            joined_at_line: cursor.chat,
        }
    }

    fn take(&mut self, flush: &Flush, critical: &[u64]) {
        for publication in decoded(self.format, &flush.bytes) {
            match publication.body.expect("a body") {
                Body::Notice(notice) => {
                    assert_eq!(notice.text, self.told.to_string(), "exactly once, in order");
                    assert_eq!(publication.offset, critical[self.told]);
                    self.position.offset = self.position.offset.max(publication.offset);
                    self.told += 1;
                }
                Body::State(state) => {
                    assert!(state.hearts > self.state_seen, "never older after newer");
                    self.state_seen = state.hearts;
                }
                Body::Skipped(skipped) => self.skipped += u64::from(skipped.lines),
                Body::Chat(_) => self.lines += 1,
                other => panic!("{other:?}"),
            }
        }
        self.cursor = flush.cursor;
    }
}

fn decoded(format: Format, bytes: &[u8]) -> Vec<v1::Publication> {
    match format {
        Format::Proto => v1::Batch::decode(bytes).expect("a batch").publications,
        Format::Json => {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            text.lines().map(|line| serde_json::from_str(line).expect("a publication")).collect()
        }
    }
}

proptest! {
    /// At any reading rate: each critical publication exactly once, in order, or a word that it is lost; delivered and skipped lines
    /// make up all that were published; the state never goes back.
    #[test]
    fn viewers_see_what_the_model_says(ops in prop::collection::vec(op(), 1..250)) {
        let mut scene = Scene::new();
        for op in ops {
            scene.apply(op);
        }
        scene.apply(Op::Look);
        for index in 0..scene.viewers.len() {
            scene.read(index);
            scene.read(index);
            let viewer = &scene.viewers[index];
            prop_assert_eq!(viewer.told, scene.published.critical.len());
            prop_assert_eq!(viewer.state_seen, scene.published.state);
            prop_assert_eq!(viewer.lines + viewer.skipped, scene.published.lines + 1 - viewer.joined_at_line);
        }
    }
}

#[test]
fn a_flush_carries_every_lane_and_ends_at_the_head_it_was_asked_for() {
    let mut lanes = Lanes::new(EPOCH, READABLE);
    let (cursor, _) = lanes.recover(None);
    let now = Timestamp(1_000_000);
    for _ in 0..3 {
        lanes.publish_chat(v1::ChatLine::default(), true, now);
    }
    lanes.publish_critical(Body::Notice(v1::HostNotice::default()), now);
    let head = lanes.head();
    lanes.publish_critical(Body::Notice(v1::HostNotice::default()), now);
    lanes.publish_chat(v1::ChatLine::default(), true, now);
    let flush = lanes.flush(cursor, head, Format::Json).expect("in time").expect("news");
    assert_eq!((flush.critical, flush.chat, flush.skipped, flush.cursor), (1, 3, 0, head));
    let rest = lanes.flush(flush.cursor, lanes.head(), Format::Json).expect("in time").expect("news");
    assert_eq!((rest.critical, rest.chat), (1, 1));
    assert_eq!(
        lanes.flush(rest.cursor, head, Format::Json).map(|flush| flush.is_none()),
        Ok(true),
        "past it"
    );
}

#[test]
fn a_position_of_another_life_is_lost() {
    let mut lanes = Lanes::new(EPOCH, READABLE);
    lanes.publish_critical(Body::Notice(v1::HostNotice::default()), Timestamp(1));
    let recover = |epoch, offset| lanes.recover(Some(StreamPosition { epoch, offset })).1;
    assert_eq!(recover(EPOCH, 1), Recovery::Recovered);
    assert_eq!(recover(EPOCH, 0), Recovery::Recovered);
    assert_eq!(recover(EPOCH, 2), Recovery::Lost, "it cannot have seen that");
    assert_eq!(recover(EPOCH, u64::MAX), Recovery::Lost);
    assert_eq!(recover(EPOCH + 1, 1), Recovery::Lost);
    assert_eq!(lanes.recover(None).1, Recovery::Fresh);
}

#[test]
fn what_stands_beside_the_order_costs_the_positions_before_it() {
    let mut lanes = Lanes::new(EPOCH, READABLE);
    let notice = || Body::Notice(v1::HostNotice::default());
    let now = Timestamp(1);
    lanes.begin(StreamPosition { epoch: 78, offset: 40 });
    lanes.publish_critical(notice(), now);
    let recover = |lanes: &Lanes, offset| lanes.recover(Some(StreamPosition { epoch: 78, offset })).1;
    assert_eq!(recover(&lanes, 40), Recovery::Recovered, "where the epoch began");
    assert_eq!(recover(&lanes, 39), Recovery::Lost);
    lanes.publish_beside(notice(), now);
    assert_eq!(recover(&lanes, 41), Recovery::Lost, "it may have seen the one beside, or not");
    lanes.publish_critical(notice(), now);
    assert_eq!(recover(&lanes, 42), Recovery::Recovered);
    lanes.skip_to(43);
    assert_eq!(recover(&lanes, 42), Recovery::Lost, "43 is not here");
    assert_eq!(recover(&lanes, 43), Recovery::Recovered);
    let head = lanes.head();
    lanes.lose();
    assert!(lanes.fell_behind(head), "who kept up has missed something all the same");
    assert!(!lanes.fell_behind(lanes.head()));
}

#[test]
fn above_the_readable_rate_lines_are_counted_not_shown() {
    let mut lanes = Lanes::new(EPOCH, READABLE);
    let (cursor, _) = lanes.recover(None);
    let mut now = Timestamp(1_000_000);
    for _ in 0..1_000 {
        lanes.publish_chat(v1::ChatLine::default(), false, now);
        now = now + Duration::from_millis(2);
    }
    let flush = lanes.flush(cursor, lanes.head(), Format::Proto).expect("in time").expect("news");
    // 20 at once and 20 in each of two seconds.
    assert!((50..=60).contains(&flush.chat), "{}", flush.chat);
    assert_eq!(flush.chat + flush.skipped, 1_000);
}
