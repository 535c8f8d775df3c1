//! A process of Apricot's binary that listens: started, watched, killed or stopped, and started again in the same place.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    failure::Failure,
    pin::{self, Cores},
    usage::Usage,
};

/// A start is well under a second; a slow disk or a busy machine may take longer.
pub const START_WAIT: Duration = Duration::from_secs(30);
/// A drain tells every viewer to come back later, then checkpoints the record.
const STOP_WAIT: Duration = Duration::from_secs(30);
/// Enough of a log to see why a process ended.
const LOG_TAIL_BYTES: usize = 4_000;

pub struct Process {
    child: Child,
    log: PathBuf,
    stopped: bool,
    pub address: SocketAddr,
}

#[derive(Deserialize)]
struct Listening {
    listening: SocketAddr,
}

impl Process {
    /// Answers when the process has said where it listens. What it writes to stderr is added to `log`.
    pub async fn start(mut command: Command, log: PathBuf, cores: Option<Cores>) -> Result<Process, Failure> {
        let file =
            std::fs::File::options().create(true).append(true).open(&log).map_err(Failure::file(&log))?;
        command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let program = PathBuf::from(command.as_std().get_program());
        let mut child = spawn_pinned(&mut command, cores)?.map_err(Failure::file(program))?;
        let address = listening(&mut child, || tail(&log)).await?;
        Ok(Process { child, log, stopped: false, address })
    }

    /// SIGKILL, and waits until it has gone.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        self.stopped = true;
        self.child.kill().await.map_err(Failure::system("killing the server"))
    }

    /// SIGTERM, and waits until it has gone.
    pub async fn stop(&mut self) -> Result<ExitStatus, Failure> {
        self.stopped = true;
        if let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            kill_process(pid, Signal::TERM)
                .map_err(|error| Failure::System { what: "stopping the server", source: error.into() })?;
        }
        match timeout(STOP_WAIT, self.child.wait()).await {
            Ok(status) => status.map_err(Failure::system("waiting for the server")),
            Err(_) => {
                self.child.kill().await.map_err(Failure::system("killing the server"))?;
                Err(Failure::ServerDied {
                    status: format!("still there {} s after SIGTERM, so killed", STOP_WAIT.as_secs()),
                    log: self.log_tail(),
                })
            }
        }
    }

    /// Until it ends by itself, which is then no early end.
    pub async fn ended(&mut self, within: Duration) -> Result<Option<ExitStatus>, Failure> {
        match timeout(within, self.child.wait()).await {
            Ok(status) => {
                self.stopped = true;
                status.map(Some).map_err(Failure::system("waiting for the server"))
            }
            Err(_) => Ok(None),
        }
    }

    /// Processor time and memory, from /proc.
    pub fn usage(&self) -> Result<Usage, Failure> {
        match self.child.id() {
            Some(pid) => Usage::of(&pid.to_string()),
            None => Err(Failure::ServerDied { status: "gone".into(), log: self.log_tail() }),
        }
    }

    /// An early end, if it ended.
    pub fn died(&mut self) -> Option<Failure> {
        match self.child.try_wait() {
            Ok(Some(status)) if !self.stopped => {
                Some(Failure::ServerDied { status: status.to_string(), log: self.log_tail() })
            }
            Ok(_) | Err(_) => None,
        }
    }

    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_else(|error| error.to_string().into());
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
}

/// A process inherits the core of the thread that starts it.
pub fn spawn_pinned(command: &mut Command, cores: Option<Cores>) -> Result<std::io::Result<Child>, Failure> {
    let Some(cores) = cores else { return Ok(command.spawn()) };
    pin::this_thread_to(cores.server)?;
    let child = command.spawn();
    pin::this_thread_to(cores.client)?;
    Ok(child)
}

/// Reads stdout until the address is known.
pub async fn listening(child: &mut Child, log: impl Fn() -> String) -> Result<SocketAddr, Failure> {
    let Some(stdout) = child.stdout.take() else {
        return Err(Failure::ServerDied { status: "no stdout".into(), log: String::new() });
    };
    let mut lines = BufReader::new(stdout).lines();
    let began = Instant::now();
    loop {
        let line = timeout(START_WAIT, lines.next_line()).await.map_err(|_| {
            let waited_ms = began.elapsed().as_millis() as u64;
            Failure::ServerSilent { waited_ms, log: log() }
        })?;
        match line.map_err(Failure::system("reading the server's stdout"))? {
            // Other lines may be log lines; the one that counts is JSON with this key.
            Some(line) => {
                if let Ok(Listening { listening }) = serde_json::from_str(&line) {
                    // What else it prints must not fill the pipe. The task ends with the process.
                    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                    return Ok(listening);
                }
            }
            None => {
                let status = child.wait().await.map_err(Failure::system("waiting for the server"))?;
                return Err(Failure::ServerDied { status: status.to_string(), log: log() });
            }
        }
    }
}
