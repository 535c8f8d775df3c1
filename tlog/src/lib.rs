//! The public log of the charity counter, and how anyone checks it. Pure: bytes and values in, values out; nothing here reads a file, a
//! socket or a clock, and no bytes from outside make it panic. docs/log.md has the formats.

pub mod checkpoint;
pub mod encoding;
pub mod leaf;
pub mod ledger;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod share;
pub mod tile;
pub mod witness;
