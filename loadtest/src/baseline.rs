//! Two servers to compare with, run as processes of this program: what most people write, and the least that can be done.
//!
//! Both take any WebSocket at any path and send every binary message of a client to all clients, its sender too.

use std::{io::Write as _, net::SocketAddr};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::failure::Failure;

mod broadcast;
mod floor;

#[derive(Args)]
pub struct BaselineOptions {
    kind: Baseline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Baseline {
    /// axum and tokio's broadcast channel, a task for each connection
    Broadcast,
    /// One epoll loop, and one `send` for all that is pending
    Floor,
}

/// Until it is killed.
pub async fn run(options: &BaselineOptions) -> Result<(), Failure> {
    match options.kind {
        Baseline::Broadcast => broadcast::serve().await,
        Baseline::Floor => floor::serve(),
    }
}

/// As the server says it.
fn print_listening(address: SocketAddr) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", json!({"listening": address.to_string()}))
        .and_then(|()| stdout.flush())
        .map_err(Failure::system("writing to stdout"))
}
