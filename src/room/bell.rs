//! Wakes the one reader that serves many sessions. What is new it reads from the lanes and outlets; the bell only says where to look.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// How soon a room's viewers should read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Chat and state: they may be gathered for a while.
    Soon,
    /// Something critical.
    Now,
}

/// The numbers are the reader's own names for its rooms and sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    Room(usize, Urgency),
    /// Its outlet has something.
    Session(usize),
}

/// A reader that is awake looks here before it rests, so it is woken only when it rests. A room rings once until it is looked at and an
/// outlet likewise, so that the list stays about as short as there are rooms and sessions.
#[derive(Debug)]
pub struct Bell {
    rung: Mutex<List>,
    waker: Waker,
}

#[derive(Debug)]
struct List {
    entries: Vec<Rung>,
    nudged: bool,
    resting: bool,
}

impl Bell {
    pub fn new(waker: Waker) -> Self {
        Self { rung: Mutex::new(List { entries: Vec::new(), nudged: false, resting: false }), waker }
    }

    pub fn ring(&self, rung: Rung) {
        let mut list = self.list();
        list.entries.push(rung);
        self.wake(list);
    }

    /// Without saying where to look: the reader has something else to do.
    pub fn nudge(&self) {
        let mut list = self.list();
        list.nudged = true;
        self.wake(list);
    }

    /// To be asked before resting. False: something rang, or may have.
    pub fn may_rest(&self) -> bool {
        let mut list = self.list();
        list.resting = list.entries.is_empty() && !list.nudged;
        list.resting
    }

    /// To be called after resting, and whenever it is time to look. `into` is handed in empty.
    pub fn take(&self, into: &mut Vec<Rung>) {
        let mut list = self.list();
        (list.resting, list.nudged) = (false, false);
        std::mem::swap(&mut list.entries, into);
    }

    fn wake(&self, mut list: MutexGuard<'_, List>) {
        if std::mem::take(&mut list.resting) {
            drop(list);
            self.waker.wake_by_ref();
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_a_resting_reader_is_woken_and_nothing_is_missed() {
        let wakes = Arc::new(Count::default());
        let bell = Bell::new(wakes.clone().into());
        let woken = || wakes.0.load(Ordering::Relaxed);
        bell.ring(Rung::Session(1));
        assert_eq!((woken(), bell.may_rest()), (0, false), "awake, and there is something");
        let mut rung = Vec::new();
        bell.take(&mut rung);
        assert_eq!((rung.as_slice(), bell.may_rest()), ([Rung::Session(1)].as_slice(), true));
        bell.ring(Rung::Room(2, Urgency::Now));
        bell.ring(Rung::Room(3, Urgency::Soon));
        assert_eq!(woken(), 1, "once for both");
        rung.clear();
        bell.take(&mut rung);
        assert_eq!(rung, [Rung::Room(2, Urgency::Now), Rung::Room(3, Urgency::Soon)]);
        assert!(bell.may_rest());
        bell.nudge();
        assert_eq!((woken(), bell.may_rest()), (2, false), "it has not looked yet");
    }
}
