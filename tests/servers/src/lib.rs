//! Throw-away servers on free ports of this machine: a real Redis, a real PostgreSQL. Each has a folder of its own and is stopped when its
//! handle is dropped, or when the process that started it dies, however that happens.

#![expect(clippy::disallowed_methods, reason = "waits for servers")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod keeper;
mod postgres;
mod proxy;
mod redis;

pub use postgres::Postgres;
pub use proxy::{Line, Proxy};
pub use redis::{Redis, RedisCluster, RedisSentinel};

/// How long a server may take to answer.
const START_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(Debug, thiserror::Error)]
pub enum Missing {
    #[error("{program} is not installed; install it (Debian: apt install {package})")]
    NotInstalled { program: &'static str, package: &'static str },
    #[error("{program} did not start: {reason}")]
    NotStarted { program: &'static str, reason: String },
}

/// For tests: the server, or `None` after saying that the test is skipped. With `CI=true` nothing is skipped.
pub fn or_skip<T>(started: Result<T, Missing>) -> Option<T> {
    match started {
        Ok(server) => Some(server),
        Err(missing) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{missing}"),
        Err(missing) => {
            eprintln!("skipped: {missing}");
            None
        }
    }
}

/// The kernel picks one; it is free until somebody else is quicker.
pub fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("this machine has a free port");
    socket.local_addr().expect("a bound socket has an address").port()
}

/// Whether we may become another user.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn find(program: &'static str, package: &'static str, folders: &[&str]) -> Result<PathBuf, Missing> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = folders.iter().copied().chain(path.split(':'));
    let found = folders.map(|folder| Path::new(folder).join(program)).find(|path| path.is_file());
    found.ok_or(Missing::NotInstalled { program, package })
}

/// `ready` says whether the server answers; `Err` says that it never will.
fn await_ready(
    program: &'static str,
    mut ready: impl FnMut() -> Result<bool, String>,
) -> Result<(), Missing> {
    let started = Instant::now();
    loop {
        match ready() {
            Ok(true) => return Ok(()),
            Ok(false) if started.elapsed() < START_WITHIN => std::thread::sleep(LOOK_EVERY),
            Ok(false) => {
                return Err(Missing::NotStarted { program, reason: "it does not answer".into() });
            }
            Err(reason) => return Err(Missing::NotStarted { program, reason }),
        }
    }
}
