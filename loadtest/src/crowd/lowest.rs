//! How far the viewer who is furthest behind has got: a message is done when all have it.

use std::collections::VecDeque;

/// Viewers counted by the last offset each has read. Moving one costs the same however many messages it read at once.
#[derive(Debug)]
pub struct Lowest {
    /// Where the first of `standing` is.
    lowest: u64,
    standing: VecDeque<u32>,
}

impl Lowest {
    /// All `viewers` have read up to `offset`.
    pub fn new(viewers: u32, offset: u64) -> Lowest {
        Lowest { lowest: offset, standing: VecDeque::from([viewers]) }
    }

    pub fn offset(&self) -> u64 {
        self.lowest
    }

    pub fn advance(&mut self, from: u64, to: u64) {
        let (from, to) = ((from - self.lowest) as usize, (to - self.lowest) as usize);
        if to >= self.standing.len() {
            self.standing.resize(to + 1, 0);
        }
        self.standing[from] -= 1;
        self.standing[to] += 1;
        while self.standing.len() > 1 && self.standing[0] == 0 {
            self.standing.pop_front();
            self.lowest += 1;
        }
    }

    /// This viewer reads no more.
    pub fn leave(&mut self, offset: u64) {
        let end = self.lowest + self.standing.len() as u64 - 1;
        self.advance(offset, end);
        self.standing[(end - self.lowest) as usize] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_done_when_the_last_viewer_has_it() {
        let mut lowest = Lowest::new(3, 10);
        lowest.advance(10, 14);
        lowest.advance(10, 11);
        assert_eq!(lowest.offset(), 10);
        lowest.advance(10, 12);
        assert_eq!(lowest.offset(), 11);
        lowest.leave(11);
        assert_eq!(lowest.offset(), 12);
        lowest.advance(12, 20);
        assert_eq!(lowest.offset(), 14);
    }
}
