//! What the room layer counts. docs/metrics.md explains each.

/// Gauge: open sockets, joined or not.
pub const CONNECTIONS: &str = "apricot_connections";
/// Counter: joins that succeeded. Label `recovery`: fresh, recovered, lost.
pub const JOINS: &str = "apricot_joins_total";
/// Counter: payloads handed to sockets from the lanes; each is one write.
pub const FLUSHES: &str = "apricot_flushes_total";
/// Counter: publications handed to viewers. Label `lane`: critical, state, chat.
pub const DELIVERIES: &str = "apricot_deliveries_total";
/// Counter: chat lines that viewers did not get, by sampling or because they lagged.
pub const CHAT_SKIPPED: &str = "apricot_chat_skipped_total";
/// Counter: sockets closed. Label `code`: the close code's number.
pub const CLOSES: &str = "apricot_closes_total";
/// Counter: refusals by rate. Label `what`: messages, lines, orders, slow-mode.
pub const RATE_LIMITED: &str = "apricot_rate_limited_total";
