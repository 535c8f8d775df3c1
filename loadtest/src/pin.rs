//! One core for the server, another for the load, so that neither measures the other.

use std::thread::available_parallelism;

use clap::Args;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::{Value, json};

use crate::failure::Failure;

#[derive(Debug, Clone, Copy, Args)]
pub struct CoreOptions {
    /// The server's core [default: 0 when there are two]
    #[arg(long, requires = "client_core")]
    pub server_core: Option<usize>,
    /// The core of the load [default: 1 when there are two]
    #[arg(long, requires = "server_core")]
    pub client_core: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    pub server: usize,
    pub client: usize,
}

impl CoreOptions {
    /// `None` on a machine with one core: nothing is pinned then, and the output says so.
    pub fn cores(self) -> Option<Cores> {
        match (self.server_core, self.client_core) {
            (Some(server), Some(client)) => Some(Cores { server, client }),
            _ => available_parallelism()
                .is_ok_and(|cores| cores.get() >= 2)
                .then_some(Cores { server: 0, client: 1 }),
        }
    }
}

/// Ties this thread, and the processes and threads it starts from now on, to one core.
pub fn this_thread_to(core: usize) -> Result<(), Failure> {
    if core >= CpuSet::MAX_CPU {
        return Err(Failure::Option { name: "server-core", rule: "no such core" });
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set)
        .map_err(|error| Failure::System { what: "pinning to a core", source: error.into() })
}

pub fn to_json(cores: Option<Cores>) -> Value {
    match cores {
        Some(cores) => json!({"server_core": cores.server, "client_core": cores.client}),
        None => Value::Null,
    }
}
