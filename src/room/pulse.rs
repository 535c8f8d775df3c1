//! The one loop of the room layer: news from the sale layer as it comes, and a tick for what is paced.

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Hub, TICK};
use crate::model::Timestamp;
use crate::sale::News;

/// News taken at a time, so that a rush of it does not keep the tick waiting: about a millisecond of work.
const NEWS_AT_ONCE: usize = 256;

impl Hub {
    /// Runs until `stop`, and then until no news is left. `now` is the clock.
    pub async fn run(
        self,
        mut news: mpsc::Receiver<News>,
        now: impl Fn() -> Timestamp + Send,
        stop: CancellationToken,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = Vec::with_capacity(NEWS_AT_ONCE);
        let mut listening = true;
        while !stop.is_cancelled() {
            tokio::select! {
                count = news.recv_many(&mut taken, NEWS_AT_ONCE), if listening => listening = count > 0,
                _ = tick.tick() => self.tick(now()),
                () = stop.cancelled() => {}
            }
            for news in taken.drain(..) {
                self.tell(&news, now());
            }
        }
        while let Ok(news) = news.try_recv() {
            self.tell(&news, now());
        }
    }
}
