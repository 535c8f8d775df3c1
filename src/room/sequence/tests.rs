//! What a node tells, whatever the broker has kept.

use super::*;
use crate::room::parcel::Fact;

const US: NodeId = NodeId(1);
const OTHER: NodeId = NodeId(2);
const NOW: Timestamp = Timestamp(1);

fn said(node: NodeId, number: u64) -> Critical {
    Critical {
        node,
        number,
        at: NOW,
        body: None,
        fact: Fact::default(),
        closes: None,
        once: String::new(),
        tried: false,
    }
}

fn others(numbers: std::ops::RangeInclusive<u64>) -> Vec<Critical> {
    numbers.map(|number| said(OTHER, number)).collect()
}

/// Of the other node, with the offsets that the numbers are, moved by `by`.
fn kept(numbers: std::ops::RangeInclusive<u64>, by: u64) -> Vec<(u64, Critical)> {
    numbers.map(|number| (number + by, said(OTHER, number))).collect()
}

fn standing(epoch: u64, since: u64, last: u64) -> Standing {
    Standing { epoch, since, last, hearts: 0 }
}

/// The epoch before is one that nobody here knows.
fn backlog(standing: Standing, critical: Vec<(u64, Critical)>) -> Kept {
    Kept { standing, before: at(1, standing.since), critical }
}

fn at(epoch: u64, offset: u64) -> StreamPosition {
    StreamPosition { epoch, offset }
}

fn following(numbers: u64) -> Sequence {
    let mut sequence = Sequence::default();
    let steps = sequence.fill(at(5, 0), backlog(standing(9, 0, numbers), kept(1..=numbers, 0)), None);
    assert_eq!(steps.len() as u64, numbers + 1);
    sequence
}

/// As one would say it: `begin 9:3, tell 4, skip 5, beside 2/7, lose, renew 9`.
fn told(steps: &[Step]) -> String {
    let word = |step: &Step| match step {
        Step::Begin(at) => format!("begin {}:{}", at.epoch, at.offset),
        Step::Tell(critical) => format!("tell {}", critical.number),
        Step::TellBeside(critical) => format!("beside {}", critical.number),
        Step::SkipTo(offset) => format!("skip to {offset}"),
        Step::Lose => "lose".to_owned(),
        Step::Renew(epoch) => format!("renew {epoch}"),
    };
    steps.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn messages_are_told_in_order_and_once() {
    let mut sequence = following(3);
    let heard = sequence.hear(at(9, 3), standing(9, 0, 5), others(4..=5)).expect("the next");
    assert_eq!(told(&heard), "tell 4, tell 5");
    let again = sequence.hear(at(9, 5), standing(9, 0, 5), others(4..=5)).expect("the same");
    assert_eq!(told(&again), "");
    assert_eq!(sequence.hear(at(9, 5), standing(9, 0, 7), others(7..=7)), Err(Gap), "6 is missing");
    assert_eq!(sequence.hear(at(9, 5), standing(9, 0, 6), Vec::new()), Err(Gap), "so it says");
    assert_eq!(sequence.hear(at(9, 5), standing(8, 0, 6), others(6..=6)), Err(Gap), "another epoch");
    assert_eq!(sequence.hear(at(9, 5), standing(9, 0, 1), others(5..=8)), Err(Gap), "nonsense");
    let filled = sequence.fill(at(9, 5), backlog(standing(9, 0, 7), kept(6..=7, 0)), Some(NOW));
    assert_eq!(told(&filled), "tell 6, tell 7");
}

#[test]
fn what_was_told_before_it_had_a_place_is_not_told_again() {
    let mut sequence = following(3);
    sequence.tell(&said(US, 1));
    let heard = sequence.hear(at(9, 3), standing(9, 0, 5), vec![said(US, 1), said(US, 2)]).expect("next");
    assert_eq!(told(&heard), "skip to 4, tell 2");
}

#[test]
fn who_begins_tells_all_that_is_kept_of_the_epoch_or_nothing_to_those_inside() {
    let begin = |since| Sequence::default().fill(at(5, 0), backlog(standing(9, 2, 5), kept(1..=5, 0)), since);
    assert_eq!(told(&begin(None)), "begin 9:2, tell 3, tell 4, tell 5");
    assert_eq!(told(&begin(Some(NOW + 2 * CLOCKS_APART_MAX))), "begin 9:5");
    let trimmed = Sequence::default().fill(at(5, 0), backlog(standing(9, 0, 5), kept(4..=5, 0)), None);
    assert_eq!(told(&trimmed), "begin 9:3, tell 4, tell 5");
    let empty = Sequence::default().fill(at(5, 0), backlog(standing(9, 7, 7), Vec::new()), None);
    assert_eq!(told(&empty), "begin 9:7");
}

#[test]
fn who_came_in_before_the_room_was_heard_is_told_what_was_said_since() {
    let said_at = |seconds: i64, (offset, critical): (u64, Critical)| {
        (offset, Critical { at: Timestamp(seconds * 1_000), ..critical })
    };
    let begin = |since| {
        let kept = (1..).zip(kept(1..=5, 0)).map(|(second, kept)| said_at(10 * second, kept));
        told(&Sequence::default().fill(at(5, 0), backlog(standing(9, 2, 5), kept.collect()), Some(since)))
    };
    assert_eq!(begin(Timestamp(35_000)), "begin 9:3, tell 4, tell 5");
    assert_eq!(begin(Timestamp(50_500)), "begin 9:4, tell 5", "clocks differ a little");
    assert_eq!(begin(Timestamp(52_000)), "begin 9:5");
    assert_eq!(
        begin(Timestamp(15_000)),
        "begin 9:2, beside 2, tell 3, tell 4, tell 5",
        "of the epoch before"
    );
    let mut sequence = Sequence::default();
    sequence.tell(&said(OTHER, 4));
    let filled = sequence.fill(at(5, 0), backlog(standing(9, 2, 5), kept(3..=5, 0)), Some(NOW));
    assert_eq!(told(&filled), "begin 9:2, skip to 3, skip to 4, tell 5", "by itself, while Redis was gone");
}

#[test]
fn what_was_trimmed_away_is_lost() {
    let filled = following(3).fill(at(9, 3), backlog(standing(9, 0, 8), kept(7..=8, 0)), Some(NOW));
    assert_eq!(told(&filled), "lose, skip to 6, tell 7, tell 8");
    let filled = following(3).fill(at(9, 3), backlog(standing(9, 0, 8), Vec::new()), Some(NOW));
    assert_eq!(told(&filled), "lose, skip to 8");
}

#[test]
fn a_new_epoch_goes_on_where_the_old_one_ended() {
    let filled = following(3).fill(at(9, 3), backlog(standing(8, 4, 5), kept(1..=5, 0)), Some(NOW));
    assert_eq!(told(&filled), "tell 4, begin 8:4, tell 5");
    let filled = following(3).fill(at(9, 3), backlog(standing(8, 3, 3), Vec::new()), Some(NOW));
    assert_eq!(told(&filled), "begin 8:3");
    let filled = following(3).fill(at(9, 3), backlog(standing(8, 5, 6), kept(6..=6, 0)), Some(NOW));
    assert_eq!(told(&filled), "lose, begin 8:5, tell 6", "4 and 5 were told to others");
}

#[test]
fn a_broker_that_forgot_is_told_so_and_nothing_is_counted_twice() {
    // FLUSHALL, and somebody who knew nothing of the room said the first one.
    let filled = following(3).fill(at(9, 3), backlog(standing(8, 0, 1), vec![(1, said(US, 1))]), Some(NOW));
    assert_eq!(told(&filled), "beside 1, renew 8");
    // A replica took over that had not got the last two; another took the offset 2.
    let mut sequence = following(3);
    let heard = sequence.hear(at(9, 3), standing(9, 0, 2), vec![said(US, 1)]).expect("behind us");
    assert_eq!(told(&heard), "beside 1, renew 9");
    let filled = sequence.fill(
        at(9, 3),
        backlog(standing(8, 3, 4), vec![(2, said(US, 1)), (4, said(US, 2))]),
        Some(NOW),
    );
    assert_eq!(told(&filled), "begin 8:3, tell 2");
    // It has come further than we have, in an epoch whose beginning we have passed.
    let branch = vec![(2, said(US, 1)), (3, said(US, 2)), (4, said(US, 3))];
    let filled = following(3).fill(at(9, 3), backlog(standing(8, 1, 4), branch), Some(NOW));
    assert_eq!(told(&filled), "begin 8:3, beside 1, beside 2, tell 3");
}

#[test]
fn numbers_that_nobody_used_are_not_missed() {
    let raised = |at_epoch| {
        let mut kept = backlog(standing(7, 40, 41), kept(41..=41, 0));
        kept.before = at(at_epoch, 3);
        told(&following(3).fill(at(9, 3), kept, Some(NOW)))
    };
    assert_eq!(raised(9), "begin 7:40, tell 41", "it was there to the end of the epoch before");
    assert_eq!(raised(8), "lose, begin 7:40, tell 41");
}
