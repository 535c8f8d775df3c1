//! The order of a room as this node follows it: what comes next, what was told already, and what can no longer be had. Only rules; the lanes
//! hold the position.
//!
//! Every publication carries its node and a number that counts what that node said, so that one that comes twice, by whatever way and with
//! whatever offset, is told once.

use std::collections::HashMap;
use std::time::Duration;

use super::parcel::{self, Critical, NodeId};
use crate::model::{StreamPosition, Timestamp};
use crate::store::broker::Standing;

/// As far as the clocks of two nodes may be apart (each corrects its own by the record's) and a publication be on its way.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(1);
/// Lives of nodes whose numbers are kept for a room. Above it all are forgotten: years of deploys, or somebody's mistake.
const NODES_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub struct Sequence {
    /// False: the lanes' epoch is this node's own, and their offset means nothing to others.
    follows: bool,
    /// The highest number of each node that was told, or that came before this node began to follow.
    told: HashMap<NodeId, u64>,
    /// What has the newest offset that this node has told or passed in this epoch.
    newest: Option<(u64, NodeId, u64)>,
}

/// What the broker has kept since a position, or all that it has when the epoch is another.
#[derive(Clone, Debug)]
pub struct Kept {
    pub standing: Standing,
    /// How the epoch before ended. Offsets from there to where this one began are nobody's.
    pub before: StreamPosition,
    /// With their offsets, in order.
    pub critical: Vec<(u64, Critical)>,
}

/// What to do, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// From here on offsets are of this epoch.
    Begin(StreamPosition),
    /// It has the next offset.
    Tell(Critical),
    /// It is new, and has an offset that is behind us or no meaning.
    TellBeside(Critical),
    /// It has the next offset, and was told before.
    SkipTo(u64),
    /// Something between is gone.
    Lose,
    /// This epoch must end: it does not say what this node's viewers were told.
    Renew(u64),
}

/// Something between is missing, or the epoch is another: the backlog has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap;

impl Sequence {
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// The name of what has this offset, when it is the newest. Empty: it is not known.
    pub fn name_at(&self, offset: u64) -> String {
        let newest = self.newest.filter(|(at, ..)| *at == offset);
        newest.map_or_else(String::new, |(_, node, number)| parcel::name(node, number))
    }

    pub fn was_told(&self, critical: &Critical) -> bool {
        self.told.get(&critical.node).is_some_and(|told| critical.number <= *told)
    }

    /// It was told without or before its place in the order.
    pub fn tell(&mut self, critical: &Critical) {
        if self.told.len() >= NODES_MAX {
            self.told.clear();
        }
        let told = self.told.entry(critical.node).or_default();
        *told = critical.number.max(*told);
    }

    /// A message. `at`: where the lanes stand.
    pub fn hear(
        &mut self,
        at: StreamPosition,
        standing: Standing,
        critical: Vec<Critical>,
    ) -> Result<Vec<Step>, Gap> {
        if !self.follows || standing.epoch != at.epoch {
            return Err(Gap);
        }
        let count = u64::try_from(critical.len()).unwrap_or(u64::MAX);
        let before = standing.last.checked_sub(count).ok_or(Gap)?;
        if before > at.offset {
            return Err(Gap);
        }
        let mut steps = Vec::with_capacity(critical.len());
        for (critical, offset) in critical.into_iter().zip(before + 1..) {
            self.step(at.offset, offset, critical, &mut steps);
        }
        if steps.iter().any(|step| matches!(step, Step::TellBeside(_))) {
            steps.push(Step::Renew(standing.epoch));
        }
        Ok(steps)
    }

    /// `seated_since`: when the first of those came in who are here. Afterwards this node follows the order.
    pub fn fill(&mut self, at: StreamPosition, kept: Kept, seated_since: Option<Timestamp>) -> Vec<Step> {
        let Kept { standing, before, critical } = kept;
        if !std::mem::replace(&mut self.follows, true) {
            return self.begin(standing, critical, seated_since);
        }
        let mut steps = Vec::new();
        if standing.last < at.offset {
            // It forgot what viewers here have seen, and must not count it again.
            critical.into_iter().for_each(|(_, critical)| self.step(u64::MAX, 0, critical, &mut steps));
            steps.push(Step::Renew(standing.epoch));
            return steps;
        }
        let mut reached = at.offset;
        let mut begins = standing.epoch != at.epoch;
        // Who was there to the end of the epoch before has missed nothing.
        let needed = if at.epoch == before.epoch { before.offset } else { standing.since };
        for (offset, critical) in critical {
            if begins && standing.since < offset {
                begins = false;
                self.newest = None;
                reached = begin_behind(reached, needed, standing, &mut steps);
            }
            if reached + 1 < offset {
                steps.extend([Step::Lose, Step::SkipTo(offset - 1)]);
            }
            self.step(reached, offset, critical, &mut steps);
            reached = reached.max(offset);
        }
        if begins {
            self.newest = None;
            reached = begin_behind(reached, needed, standing, &mut steps);
        }
        if reached < standing.last {
            steps.extend([Step::Lose, Step::SkipTo(standing.last)]);
        }
        steps
    }

    /// For those who come later all that is kept is told; to viewers who came in before anything was known, what was said since.
    fn begin(
        &mut self,
        standing: Standing,
        critical: Vec<(u64, Critical)>,
        seated_since: Option<Timestamp>,
    ) -> Vec<Step> {
        let Standing { epoch, since, last, .. } = standing;
        let missed = |critical: &Critical| seated_since.is_none_or(|at| at <= critical.at + CLOCKS_APART_MAX);
        let history = critical.iter().find(|(offset, critical)| since < *offset && missed(critical));
        let history = history.map(|(offset, _)| *offset);
        let mut reached = history.map_or(last, |first| first - 1);
        let mut steps = vec![Step::Begin(StreamPosition { epoch, offset: reached })];
        for (offset, critical) in critical {
            if history.is_none_or(|first| offset < first) && (seated_since.is_none() || !missed(&critical)) {
                self.tell(&critical);
                continue;
            }
            steps.extend((reached + 1 < offset).then_some(Step::SkipTo(offset - 1)));
            self.step(reached, offset, critical, &mut steps);
            reached = reached.max(offset);
        }
        steps.extend((reached < last).then_some(Step::SkipTo(last)));
        steps
    }

    fn step(&mut self, reached: u64, offset: u64, critical: Critical, steps: &mut Vec<Step>) {
        let was_told = self.was_told(&critical);
        self.tell(&critical);
        if reached < offset {
            let readable = critical.node != NodeId::NOBODY;
            self.newest = readable.then_some((offset, critical.node, critical.number));
        }
        match (offset <= reached, was_told) {
            (true, true) => {}
            (true, false) => steps.push(Step::TellBeside(critical)),
            (false, true) => steps.push(Step::SkipTo(offset)),
            (false, false) => steps.push(Step::Tell(critical)),
        }
    }
}

/// Offsets go on from the higher one of where we are and where the epoch began. The new place. `needed`: who is not there has missed
/// something.
fn begin_behind(reached: u64, needed: u64, standing: Standing, steps: &mut Vec<Step>) -> u64 {
    let Standing { epoch, since, .. } = standing;
    if reached < needed {
        steps.push(Step::Lose);
    }
    let offset = reached.max(since);
    steps.push(Step::Begin(StreamPosition { epoch, offset }));
    offset
}

#[cfg(test)]
mod tests;
