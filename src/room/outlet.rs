//! What is for one session alone: answers, news of its own orders, and the word to close. It goes ahead of all lanes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use super::close::CloseCode;
use super::publication::Format;

/// 30 messages in 10 s and 8 orders in flight make at most about 40 answers; a viewer with more of them unread has stopped reading
/// and is closed with 4008.
pub const ANSWERS_WAITING_MAX: usize = 64;

#[derive(Debug)]
pub struct Outlet {
    format: Format,
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    answers: VecDeque<Bytes>,
    close: Option<CloseCode>,
}

impl Outlet {
    pub fn new(format: Format) -> Self {
        Self { format, waiting: Mutex::default(), bell: Notify::new() }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Never waits. When full, the session is told to close instead.
    pub fn push(&self, answer: Bytes) {
        let mut waiting = self.lock();
        if waiting.answers.len() < ANSWERS_WAITING_MAX {
            waiting.answers.push_back(answer);
        } else {
            waiting.close.get_or_insert(CloseCode::TooSlow);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// The first reason stays.
    pub fn close(&self, code: CloseCode) {
        self.lock().close.get_or_insert(code);
        self.bell.notify_one();
    }

    /// All answers as one payload, and whether to close after them.
    pub fn take(&self) -> (Option<Bytes>, Option<CloseCode>) {
        let mut waiting = self.lock();
        let answers = match waiting.answers.len() {
            0 => None,
            1 => waiting.answers.pop_front(),
            _ => {
                let mut bytes = BytesMut::new();
                for answer in waiting.answers.drain(..) {
                    bytes.extend_from_slice(&answer);
                }
                Some(bytes.freeze())
            }
        };
        (answers, waiting.close)
    }

    /// Whether the session has been told to close, without taking anything.
    pub fn closing(&self) -> Option<CloseCode> {
        self.lock().close
    }

    /// Returns when something was left here since the last time. May be dropped and called again.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
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
}
