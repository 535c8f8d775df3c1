//! What is for one session alone: answers, news of its own orders, and the word to close. It goes ahead of all lanes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use super::bell::{Bell, Rung};
use super::close::CloseCode;
use super::publication::Format;

/// 30 messages in 10 s and 8 orders in flight make at most about 40 answers; a viewer with more of them unread has stopped reading
/// and is closed with 4008.
pub const ANSWERS_WAITING_MAX: usize = 64;

#[derive(Debug)]
pub struct Outlet {
    format: Format,
    in_flight: AtomicUsize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    answers: Vec<Bytes>,
    close: Option<CloseCode>,
    /// Who reads here, and what it calls this session.
    reader: Option<(Arc<Bell>, usize)>,
    rung: bool,
}

/// A request of the session that waits for the record. Given back when dropped.
#[derive(Debug)]
pub struct InFlight(Arc<Outlet>);

impl Outlet {
    pub fn new(format: Format) -> Self {
        Self { format, in_flight: AtomicUsize::new(0), waiting: Mutex::default() }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// From now on `bell` is rung when something is left here. What is here already has to be taken without it.
    pub fn read_by(&self, bell: Arc<Bell>, session: usize) {
        self.lock().reader = Some((bell, session));
    }

    /// Never waits. When full, the session is told to close instead.
    pub fn push(&self, answer: Bytes) {
        let mut waiting = self.lock();
        if waiting.answers.len() < ANSWERS_WAITING_MAX {
            waiting.answers.push(answer);
        } else {
            waiting.close.get_or_insert(CloseCode::TooSlow);
        }
        waiting.ring();
    }

    /// The first reason stays.
    pub fn close(&self, code: CloseCode) {
        let mut waiting = self.lock();
        waiting.close.get_or_insert(code);
        waiting.ring();
    }

    /// All answers as one payload, and whether to close after them.
    pub fn take(&self) -> (Option<Bytes>, Option<CloseCode>) {
        let mut waiting = self.lock();
        waiting.rung = false;
        // The list is given back: most of the time nobody needs one.
        let mut answers = std::mem::take(&mut waiting.answers);
        let close = waiting.close;
        drop(waiting);
        let payload = match answers.len() {
            0 | 1 => answers.pop(),
            _ => {
                let mut bytes = BytesMut::with_capacity(answers.iter().map(Bytes::len).sum());
                answers.iter().for_each(|answer| bytes.extend_from_slice(answer));
                Some(bytes.freeze())
            }
        };
        (payload, close)
    }

    /// Whether the session has been told to close, without taking anything.
    pub fn closing(&self) -> Option<CloseCode> {
        let mut waiting = self.lock();
        // It was looked at: what comes next rings again.
        waiting.rung = false;
        waiting.close
    }

    /// Time to take what is here.
    pub fn is_half_full(&self) -> bool {
        self.lock().answers.len() >= ANSWERS_WAITING_MAX / 2
    }

    /// `None`: `max` are in flight already.
    pub fn start(self: &Arc<Self>, max: usize) -> Option<InFlight> {
        let start = |count| (count < max).then_some(count + 1);
        let started = self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, start);
        started.is_ok().then(|| InFlight(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn ring(&mut self) {
        if let Some((bell, session)) = &self.reader
            && !std::mem::replace(&mut self.rung, true)
        {
            bell.ring(Rung::Session(*session));
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn answers_keep_their_order_and_a_full_outlet_closes() {
        let outlet = Outlet::new(Format::Json);
        outlet.push(Bytes::from_static(b"a\n"));
        outlet.push(Bytes::from_static(b"b\n"));
        assert_eq!(outlet.take(), (Some(Bytes::from_static(b"a\nb\n")), None));
        assert_eq!(outlet.take(), (None, None));
        for _ in 0..=ANSWERS_WAITING_MAX {
            outlet.push(Bytes::from_static(b"x\n"));
        }
        let (answers, close) = outlet.take();
        assert_eq!(answers.map(|bytes| bytes.len()), Some(2 * ANSWERS_WAITING_MAX));
        assert_eq!(close, Some(CloseCode::TooSlow));
        outlet.close(CloseCode::Draining);
        assert_eq!(outlet.take().1, Some(CloseCode::TooSlow), "the first reason stays");
    }

    #[test]
    fn an_outlet_rings_once_until_it_is_read() {
        let (outlet, bell) = (Outlet::new(Format::Json), Arc::new(Bell::new(Waker::noop().clone())));
        outlet.push(Bytes::from_static(b"nobody reads yet\n"));
        outlet.read_by(bell.clone(), 7);
        let rung = || {
            let mut rung = Vec::new();
            bell.take(&mut rung);
            rung.len()
        };
        assert_eq!(rung(), 0);
        outlet.push(Bytes::from_static(b"a\n"));
        outlet.close(CloseCode::Draining);
        assert_eq!(rung(), 1);
        outlet.take();
        outlet.push(Bytes::from_static(b"b\n"));
        assert_eq!(rung(), 1);
        assert_eq!(outlet.closing(), Some(CloseCode::Draining));
        outlet.close(CloseCode::Draining);
        assert_eq!(rung(), 1, "who cannot take answers still hears the close");
    }

    #[test]
    fn in_flight_is_bounded_and_given_back() {
        let outlet = Arc::new(Outlet::new(Format::Json));
        let first = outlet.start(2);
        let second = outlet.start(2);
        assert!(first.is_some() && second.is_some() && outlet.start(2).is_none());
        drop(first);
        assert!(outlet.start(2).is_some());
    }
}
