//! Deliberate faults, in builds with the feature `sabotage` only, to show that the checker catches them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static MODE: LazyLock<String> = LazyLock::new(|| std::env::var("APRICOT_SABOTAGE").unwrap_or_default());
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The gate grants what it does not have, and the record does not count it.
pub fn oversells() -> bool {
    *MODE == "oversell"
}

/// One acknowledged entry in fifty is never written.
pub fn loses() -> bool {
    *MODE == "lose" && COUNT.fetch_add(1, Ordering::Relaxed) % 50 == 49
}

/// One claim in ten is posted twice.
pub fn doubles() -> bool {
    *MODE == "double" && COUNT.fetch_add(1, Ordering::Relaxed) % 10 == 9
}
