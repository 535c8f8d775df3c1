//! The shards of this node: a thread for each core, each with sockets of its own. A room's viewers are spread over all of them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use tokio_util::task::TaskTracker;

use super::Patience;
use super::door::Newcomer;
use super::shard::Shard;
use crate::clock::Clock;
use crate::room::Hub;
use crate::room::bell::Bell;

pub struct Shards(Vec<Arc<Desk>>);

/// Where a shard is reached from other threads.
pub struct Desk {
    pub bell: Arc<Bell>,
    newcomers: Mutex<Vec<Newcomer>>,
    /// Sockets on the shard or on their way to it.
    pub sockets: AtomicUsize,
    stop: AtomicBool,
}

struct EpollWaker(mio::Waker);

impl Wake for EpollWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Err(error) = self.0.wake() {
            tracing::error!(%error, "a shard cannot be woken");
        }
    }
}

impl Shards {
    pub fn start(hub: &Hub, clock: &Clock, patience: Patience, tasks: &TaskTracker) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let start = |number| {
            let poll = mio::Poll::new()?;
            let waker = mio::Waker::new(poll.registry(), super::shard::WAKER)?;
            let desk = Arc::new(Desk {
                bell: Arc::new(Bell::new(Arc::new(EpollWaker(waker)).into())),
                newcomers: Mutex::default(),
                sockets: AtomicUsize::new(0),
                stop: AtomicBool::new(false),
            });
            let shard = Shard::new(poll, desk.clone(), hub.clone(), clock.clone(), patience, tasks.clone());
            let runtime = tokio::runtime::Handle::current();
            std::thread::Builder::new().name(format!("shard-{number}")).spawn(move || {
                let _inside = runtime.enter();
                shard.run();
            })?;
            Ok(desk)
        };
        Ok(Self((0..cores).map(start).collect::<io::Result<_>>()?))
    }

    /// On the shard with the fewest sockets.
    pub fn take_in(&self, newcomer: Newcomer) {
        let desk = self.0.iter().min_by_key(|desk| desk.sockets.load(Ordering::Relaxed));
        let Some(desk) = desk else { return };
        desk.sockets.fetch_add(1, Ordering::Relaxed);
        desk.newcomers.lock().unwrap_or_else(PoisonError::into_inner).push(newcomer);
        desk.bell.nudge();
    }
}

impl Desk {
    pub fn newcomers(&self) -> Vec<Newcomer> {
        std::mem::take(&mut self.newcomers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for desk in &self.0 {
            desk.stop.store(true, Ordering::Release);
            desk.bell.nudge();
        }
    }
}
