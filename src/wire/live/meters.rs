//! Meters of the shards, kept as handles: a look-up for each delivery would cost more than the delivery's bookkeeping.

use metrics::{Counter, Histogram};

use super::hall::Framed;
use crate::room::meters as room;

/// Counter: writes to sockets that did not take all of it.
pub const BLOCKED: &str = "apricot_writes_blocked_total";
/// Histogram: what a walk past all viewers of a room on one shard cost, in seconds.
pub const WALK_SECONDS: &str = "apricot_walk_seconds";

pub struct Meters {
    flushes: Counter,
    critical: Counter,
    state: Counter,
    chat: Counter,
    skipped: Counter,
    pub blocked: Counter,
    pub walk_seconds: Histogram,
}

impl Meters {
    pub fn new() -> Self {
        let lane = |lane: &'static str| metrics::counter!(room::DELIVERIES, "lane" => lane);
        Self {
            flushes: metrics::counter!(room::FLUSHES),
            critical: lane("critical"),
            state: lane("state"),
            chat: lane("chat"),
            skipped: metrics::counter!(room::CHAT_SKIPPED),
            blocked: metrics::counter!(BLOCKED),
            walk_seconds: metrics::histogram!(WALK_SECONDS),
        }
    }

    pub fn flushed(&self, framed: &Framed) {
        self.flushes.increment(1);
        self.critical.increment(framed.flush.critical);
        self.state.increment(framed.flush.state);
        self.chat.increment(framed.flush.chat);
        self.skipped.increment(framed.flush.skipped);
    }
}
