//! What a node knows of a lot without asking: the newest reading, in atomics.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use redis::Value;

use super::super::embedded::{pack, unpack};
use super::Reading;
use super::operation::{Strange, number};
use crate::model::Timestamp;

/// A reading as the Function gives it. A lot that is opened anew has a larger generation; within one, the sequence grows with each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub generation: u64,
    pub sequence: u64,
    pub reading: Reading,
    pub sold_out_until: Timestamp,
}

#[derive(Default)]
pub(super) struct Newest {
    /// Generation and sequence of what is in the atomics.
    seen: Mutex<(u64, u64)>,
    /// Nothing can be granted before this. `i64::MIN`: units are free.
    sold_out_until: AtomicI64,
    held_sold: AtomicU64,
    stock_waiting: AtomicU64,
    /// The lot in Redis is the one of this reading, as far as anybody told.
    stands: AtomicBool,
    /// What other nodes change is heard, and was read once since it is.
    heard: AtomicBool,
}

impl Newest {
    /// A lot that has not been seen.
    pub fn none() -> Self {
        Self { sold_out_until: AtomicI64::new(i64::MIN), ..Self::default() }
    }

    /// Kept when it is newer than what is here.
    pub fn take(&self, sighting: Sighting) {
        let mut seen = self.lock();
        let at = (sighting.generation, sighting.sequence);
        if at < *seen {
            return;
        }
        *seen = at;
        let Reading { stock, held, sold, waiting } = sighting.reading;
        self.held_sold.store(pack(held, sold), Ordering::Relaxed);
        self.stock_waiting.store(pack(stock, waiting), Ordering::Relaxed);
        self.sold_out_until.store(sighting.sold_out_until.millis(), Ordering::Release);
        self.stands.store(true, Ordering::Release);
    }

    /// The lot is not there any more, or not the one that it was. `generation` is of what is there instead.
    pub fn lose(&self, generation: u64) {
        let mut seen = self.lock();
        // Nothing that is said of that one counts any more.
        *seen = (generation, u64::MAX);
        self.stands.store(false, Ordering::Release);
    }

    pub fn generation(&self) -> u64 {
        self.lock().0
    }

    pub fn stands(&self) -> bool {
        self.stands.load(Ordering::Acquire)
    }

    /// `false`: what others change is not heard now, so nothing is answered without asking.
    pub fn set_heard(&self, heard: bool) {
        self.heard.store(heard, Ordering::Release);
    }

    pub fn is_sold_out(&self, now: Timestamp) -> bool {
        now.millis() < self.sold_out_until.load(Ordering::Acquire)
            && self.heard.load(Ordering::Acquire)
            && self.stands()
    }

    pub fn reading(&self) -> Option<Reading> {
        self.stands().then(|| self.last_reading())
    }

    pub fn last_reading(&self) -> Reading {
        let (held, sold) = unpack(self.held_sold.load(Ordering::Relaxed));
        let (stock, waiting) = unpack(self.stock_waiting.load(Ordering::Relaxed));
        Reading { stock, held, sold, waiting }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, u64)> {
        self.seen.lock().expect("no panic while a reading was taken")
    }
}

impl Sighting {
    /// Of an answer: generation, sequence, stock, held, sold, waiting, and until when nothing can be granted.
    pub fn of_answer(parts: &[Value]) -> Result<Self, Strange> {
        let [generation, sequence, stock, held, sold, waiting, until] = parts else { return Err(Strange) };
        let parts = [generation, sequence, stock, held, sold, waiting, until].map(number);
        let [generation, sequence, stock, held, sold, waiting, until] = parts;
        Self::of([generation?, sequence?, stock?, held?, sold?, waiting?, until?])
    }

    /// Of a message: the same numbers in the same order.
    pub fn of_message(payload: &[u8]) -> Result<Self, Strange> {
        let text = std::str::from_utf8(payload).map_err(|_| Strange)?;
        let mut numbers = text.split(' ').map(|number| number.parse::<i64>().map_err(|_| Strange));
        let mut next = || numbers.next().unwrap_or(Err(Strange));
        Self::of([next()?, next()?, next()?, next()?, next()?, next()?, next()?])
    }

    fn of(numbers: [i64; 7]) -> Result<Self, Strange> {
        let [generation, sequence, stock, held, sold, waiting, until] = numbers;
        let units = |number: i64| u32::try_from(number).map_err(|_| Strange);
        let count = |number: i64| u64::try_from(number).map_err(|_| Strange);
        Ok(Self {
            generation: count(generation)?,
            sequence: count(sequence)?,
            reading: Reading {
                stock: units(stock)?,
                held: units(held)?,
                sold: units(sold)?,
                waiting: units(waiting)?,
            },
            sold_out_until: Timestamp(match until {
                -1 => i64::MIN,
                -2 => i64::MAX,
                until => until,
            }),
        })
    }
}
