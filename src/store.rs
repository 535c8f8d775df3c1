//! What outlives a process: the journal (the record, with the last word) and the inventory (the gate in front of it).
//! The broker carries what nodes tell each other, and outlives nothing but a node.

pub mod broker;
pub mod inventory;
pub mod journal;
pub mod meters;
pub mod redis;
pub mod tiles;

pub use broker::Broker;
pub use inventory::Inventory;
pub use journal::{Entry, Journal, StoreError, Write};
#[cfg(feature = "sabotage")]
pub mod sabotage;
