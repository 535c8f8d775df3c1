//! Deliberate faults, in builds with the feature `sabotage` only, to show that the checker catches them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Write;
use super::journal::Entry;

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

/// Entries that are acknowledged and never written, as empty ones.
pub fn without_lost(mut entries: Vec<&Entry>) -> Vec<&Entry> {
    static NOTHING: Entry = Entry::new();
    for entry in &mut entries {
        if entry.iter().any(|write| matches!(write, Write::Order(_))) && loses() {
            *entry = &NOTHING;
        }
    }
    entries
}

/// Ends the process here and now, as a power cut would, when the mode is `kill-POINT:N` and this is the Nth time at that point.
pub fn reached(point: &str) {
    let named = MODE.strip_prefix("kill-").and_then(|mode| mode.split_once(':'));
    let last = named.filter(|(name, _)| *name == point).and_then(|(_, number)| number.parse::<u64>().ok());
    if last.is_some_and(|last| COUNT.fetch_add(1, Ordering::Relaxed) + 1 == last) {
        std::process::abort();
    }
}

/// One claim in ten is posted twice.
pub fn doubles() -> bool {
    *MODE == "double" && COUNT.fetch_add(1, Ordering::Relaxed) % 10 == 9
}
