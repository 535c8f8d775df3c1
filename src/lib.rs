//! Apricot: live rooms, flash sales and a charity counter, in layers.
//!
//! ```text
//! wire    sockets, HTTP, JSON/protobuf, pages          knows: room, sale and ledger (reads), model
//! room    live rooms, fan-out, history, presence       knows: sale, model
//! sale    flash sales, checkout, holds, orders         knows: ledger, store, model
//! ledger  double entry, pledges, charity totals        knows: store, model
//! store   what outlives a process: inventory, journal  knows: model
//! model   pure values and rules, no I/O, no async      knows: nothing
//! ```
//!
//! Commands go down, values come up. `app` wires the layers and is the only file that names a concrete backend; `contract` turns
//! values into messages of `proto/`; `sandbox` is a payment provider that happens to live in this program. Nothing below `app`
//! reads a clock: time is an argument, and `clock` owns it.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod demo;
pub mod ledger;
pub mod model;
pub mod ops;
pub mod outside;
pub mod room;
pub mod sale;
pub mod sandbox;
pub mod store;
pub mod wire;
