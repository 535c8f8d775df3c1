//! The gate.
pub struct Inventory;
