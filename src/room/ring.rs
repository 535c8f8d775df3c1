//! The last publications of a lane. A reader stands at a sequence and is told what it missed; the ring does not know its readers.

use std::collections::VecDeque;
use std::time::Instant;

use super::publication::Encoded;
use crate::clock;

#[derive(Clone, Copy, Debug)]
pub struct RingBound {
    pub count: usize,
    /// Both formats together.
    pub bytes: usize,
}

#[derive(Debug)]
pub struct Ring {
    bound: RingBound,
    entries: VecDeque<Entry>,
    size_bytes: usize,
    /// Everything below is gone.
    first: u64,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    encoded: Encoded,
    put_at: Instant,
}

impl Ring {
    /// Sequences count from 1, so that a reader who has seen nothing stands at 1 and a position of 0 says "nothing yet".
    pub fn new(bound: RingBound) -> Self {
        Self { bound, entries: VecDeque::new(), size_bytes: 0, first: 1, next: 1 }
    }

    /// The oldest sequence that is still accounted for.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The sequence that the next publication gets.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The newest is always kept, whatever its size.
    pub fn push(&mut self, encoded: Encoded) -> u64 {
        let sequence = self.pass();
        self.size_bytes += encoded.size_bytes();
        self.entries.push_back(Entry { sequence, encoded, put_at: clock::instant() });
        while self.entries.len() > 1
            && (self.entries.len() > self.bound.count || self.size_bytes > self.bound.bytes)
        {
            self.drop_oldest();
        }
        sequence
    }

    /// Uses up a sequence without a publication: readers count it as skipped.
    pub fn pass(&mut self) -> u64 {
        let sequence = self.next;
        self.next += 1;
        sequence
    }

    /// Everything that is here and one sequence more are gone: readers who stood at the end have fallen behind too.
    pub fn lose(&mut self) {
        self.pass();
        self.entries.clear();
        self.size_bytes = 0;
        self.first = self.next;
    }

    /// Takes one back from those who have not read it yet; they count it as skipped.
    pub fn remove(&mut self, sequence: u64) {
        if let Ok(index) = self.entries.binary_search_by_key(&sequence, |entry| entry.sequence)
            && let Some(entry) = self.entries.remove(index)
        {
            self.size_bytes -= entry.encoded.size_bytes();
        }
    }

    /// What is left of `from..to`, oldest first.
    pub fn read(&self, from: u64, to: u64) -> impl Iterator<Item = (&Encoded, Instant)> {
        let start = self.entries.partition_point(|entry| entry.sequence < from);
        let end = self.entries.partition_point(|entry| entry.sequence < to);
        self.entries.range(start..end.max(start)).map(|entry| (&entry.encoded, entry.put_at))
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.size_bytes -= entry.encoded.size_bytes();
            self.first = entry.sequence + 1;
        }
    }
}
