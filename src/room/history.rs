//! The last chat lines of a room: for those who join, and for moderators who point at one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::model::room::ChatLine;
use crate::model::{Subject, Timestamp};

/// Ten seconds of chat at the readable rate stay in reach of a moderator; 200 lines of at most 1 KiB.
pub const LINES_KEPT: usize = 200;
/// What somebody who joins gets to read.
pub const LINES_SHOWN: usize = 50;
/// Above this, those who have not talked for the longest slow mode are forgotten. About 100 B each.
const TALKERS_KEPT: usize = 4_096;
const SLOW_MODE_MAX: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub struct History {
    /// With the line's sequence on the chat lane; 0 when it was said before this node listened.
    lines: VecDeque<(u64, ChatLine)>,
    last_line_at: HashMap<Subject, Timestamp>,
    /// At this many talkers the old ones are forgotten; twice what was left the last time, so that it is not done for each line.
    forget_at: usize,
}

impl History {
    pub fn keep(&mut self, sequence: u64, line: ChatLine) {
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back((sequence, line));
    }

    /// Lines that this node did not hear when they were said.
    pub fn merge(&mut self, lines: Vec<ChatLine>) {
        for line in lines {
            if self.find(&line.id).is_none() {
                let index = self.lines.partition_point(|(_, kept)| kept.at <= line.at);
                self.lines.insert(index, (0, line));
            }
        }
        self.lines.drain(..self.lines.len().saturating_sub(LINES_KEPT));
    }

    pub fn find(&self, id: &str) -> Option<&ChatLine> {
        self.lines.iter().rev().map(|(_, line)| line).find(|line| line.id == id)
    }

    /// The removed line's sequence.
    pub fn remove(&mut self, id: &str) -> Option<u64> {
        let index = self.lines.iter().position(|(_, line)| line.id == id)?;
        self.lines.remove(index).map(|(sequence, _)| sequence)
    }

    /// The last lines, oldest first.
    pub fn shown(&self) -> impl Iterator<Item = &ChatLine> {
        self.lines.range(self.lines.len().saturating_sub(LINES_SHOWN)..).map(|(_, line)| line)
    }

    /// How long this person still has to wait under slow mode.
    pub fn wait(&self, author: &Subject, slow_mode: Duration, now: Timestamp) -> Duration {
        self.last_line_at.get(author).map_or(Duration::ZERO, |last| now.until(*last + slow_mode))
    }

    pub fn talked(&mut self, author: &Subject, now: Timestamp) {
        if self.last_line_at.len() >= self.forget_at.max(TALKERS_KEPT) {
            self.last_line_at.retain(|_, last| *last + SLOW_MODE_MAX > now);
            self.forget_at = 2 * self.last_line_at.len();
        }
        let last = self.last_line_at.entry(author.clone()).or_insert(now);
        *last = now.max(*last);
    }
}
