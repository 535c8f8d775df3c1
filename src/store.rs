//! What outlives a process: the journal (the record, with the last word) and the inventory (the gate in front of it).

pub mod inventory;
pub mod journal;
pub mod meters;
pub mod redis;

pub use inventory::Inventory;
pub use journal::{Entry, Journal, StoreError, Write};
#[cfg(feature = "sabotage")]
pub mod sabotage;
