//! What the room layer counts. docs/metrics.md explains each.

/// Gauge: open sockets, joined or not.
pub const CONNECTIONS: &str = "apricot_connections";
/// Counter: joins that succeeded. Label `recovery`: fresh, recovered, lost.
pub const JOINS: &str = "apricot_joins_total";
/// Counter: payloads handed to sockets from the lanes; each is one write.
pub const FLUSHES: &str = "apricot_flushes_total";
/// Counter: publications handed to viewers. Label `lane`: critical, state, chat.
pub const DELIVERIES: &str = "apricot_deliveries_total";
/// Histogram: from a publication being put into the lanes of this node to the end of the round that wrote it. Label `lane`. See `delivery`.
pub const DELIVERY_SECONDS: &str = "apricot_delivery_seconds";
/// Counter: chat lines that viewers did not get, by sampling or because they lagged.
pub const CHAT_SKIPPED: &str = "apricot_chat_skipped_total";
/// Counter: sockets closed. Label `code`: the close code's number.
pub const CLOSES: &str = "apricot_closes_total";
/// Counter: refusals by rate. Label `what`: messages, lines, orders, slow-mode.
pub const RATE_LIMITED: &str = "apricot_rate_limited_total";
/// Counter: what waited too long to be told to other nodes, or was told while Redis did not answer. Label `what`: critical, line, personal, fact.
pub const UNSENT: &str = "apricot_broker_unsent_total";
/// Counter: gaps in the order of a room. Label `outcome`: filled, lost.
pub const GAPS: &str = "apricot_broker_gaps_total";
/// Counter: parcels. Label `outcome`: taken, failed (by Redis), heard (from a node, this one too).
pub const PARCELS: &str = "apricot_broker_parcels_total";
/// Histogram: bytes of a parcel that was sent.
pub const PARCEL_BYTES: &str = "apricot_broker_parcel_bytes";
/// Histogram: from taking a parcel to the answer of Redis.
pub const PUBLISH_SECONDS: &str = "apricot_broker_publish_seconds";
/// Gauge: nodes that were heard of in the last 6 s, this one too.
pub const NODES: &str = "apricot_nodes";
