//! A throw-away server: started on a free port with a data folder of its own, killed or stopped at will.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    contract::{Rest, Target},
    failure::Failure,
    pin::{self, Cores},
    usage::Usage,
};

mod certificate;
mod served;

pub use certificate::Certificate;
pub use served::{Kind, Served, ServedOptions};

#[derive(Debug, Clone, Args)]
pub struct SpawnOptions {
    /// Start a throw-away server of the release build and stop it at the end
    #[arg(long)]
    pub spawn: bool,
    /// The server's binary [default: beside this program, then target/release/apricot, then built]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// The server's configuration [default: config/load.toml]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Keep the server's data folder and log, and print where they are
    #[arg(long)]
    pub keep: bool,
    /// Break the server on purpose (a build with `--features sabotage`): oversell, lose or double
    #[arg(long, value_name = "KIND", value_parser = ["oversell", "lose", "double"])]
    pub sabotage: Option<String>,
    /// The server's core and this program's; `None`: where the system puts them.
    #[arg(skip)]
    pub cores: Option<Cores>,
    /// With a certificate of its own, which the target trusts.
    #[arg(skip)]
    pub tls: bool,
}

/// A start is well under a second; a slow disk or a busy machine may take longer.
const START_WAIT: Duration = Duration::from_secs(30);
/// A drain tells every viewer to come back later, then checkpoints the record.
const STOP_WAIT: Duration = Duration::from_secs(30);
/// Enough of a log to see why a server ended.
const LOG_TAIL_BYTES: usize = 4_000;

/// Dropped in this order: the process goes before its folder.
pub struct Server {
    child: Child,
    program: Program,
    stopped: bool,
    pub target: Target,
}

/// All that is needed to start the same server again.
#[derive(Debug)]
struct Program {
    binary: PathBuf,
    config: PathBuf,
    data: PathBuf,
    keep: bool,
    sabotage: Option<String>,
    cores: Option<Cores>,
    certificate: Option<Certificate>,
}

#[derive(Deserialize)]
struct Listening {
    listening: SocketAddr,
}

impl Server {
    pub async fn start(options: &SpawnOptions) -> Result<Server, Failure> {
        raise_open_files()?;
        let binary = find_binary(options.binary.as_deref()).await?;
        let config = find_config(options.config.as_deref(), &binary)?;
        let data = env::temp_dir().join(format!("apricot-load-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&data).map_err(Failure::file(&data))?;
        let (keep, sabotage) = (options.keep, options.sabotage.clone());
        let cores = options.cores;
        let mut program = Program { binary, config, data, keep, sabotage, cores, certificate: None };
        if options.tls {
            program.certificate = Some(Certificate::make(&program.data)?);
        }
        if let Some(kind) = &program.sabotage
            && !program.can_sabotage().await?
        {
            return Err(Failure::NoSabotage { kind: kind.clone() });
        }
        let (child, address) = program.run("127.0.0.1:0").await?;
        let target = program.target(address);
        let server = Server { child, program, stopped: false, target };
        server.until_ready().await?;
        Ok(server)
    }

    /// SIGKILL, then the same data folder and the same port again. Returns how long until it was ready.
    pub async fn kill_and_restart(&mut self) -> Result<Duration, Failure> {
        self.child.kill().await.map_err(Failure::system("killing the server"))?;
        let began = Instant::now();
        let (child, address) = self.program.run(&self.target.address.to_string()).await?;
        self.child = child;
        self.target = self.program.target(address);
        self.until_ready().await?;
        Ok(began.elapsed())
    }

    /// SIGTERM, and waits until it has gone.
    pub async fn stop(&mut self) -> Result<ExitStatus, Failure> {
        self.stopped = true;
        if let Some(pid) = self.pid() {
            kill_process(pid, Signal::TERM)
                .map_err(|error| Failure::System { what: "stopping the server", source: error.into() })?;
        }
        match timeout(STOP_WAIT, self.child.wait()).await {
            Ok(status) => status.map_err(Failure::system("waiting for the server")),
            Err(_) => {
                self.child.kill().await.map_err(Failure::system("killing the server"))?;
                Err(Failure::ServerDied {
                    status: format!("still there {} s after SIGTERM, so killed", STOP_WAIT.as_secs()),
                    log: self.program.log_tail(),
                })
            }
        }
    }

    pub fn data(&self) -> &Path {
        &self.program.data
    }

    pub fn keep(&mut self) {
        self.program.keep = true;
    }

    /// One token a line, for subjects `prefix0`, `prefix1` and so on, as the server names them.
    pub async fn tokens(&self, role: &str, prefix: &str, count: u32) -> Result<Vec<String>, Failure> {
        let output = self
            .program
            .command("token")
            .args(["--role", role, "--subject-prefix", prefix, "--count", &count.to_string(), "--data"])
            .arg(&self.program.data)
            .output()
            .await
            .map_err(Failure::system("running `apricot token`"))?;
        let tokens: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| line.trim().to_string())
            .filter(|line| !line.is_empty())
            .collect();
        if !output.status.success() || tokens.len() != count as usize {
            return Err(Failure::TokensRefused {
                status: output.status.to_string(),
                said: format!(
                    "{} tokens of {count}. {}",
                    tokens.len(),
                    String::from_utf8_lossy(&output.stderr).trim()
                ),
            });
        }
        Ok(tokens)
    }

    fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()))
    }

    /// Processor time and memory of the server, from /proc.
    pub fn usage(&self) -> Result<Usage, Failure> {
        match self.child.id() {
            Some(pid) => Usage::of(&pid.to_string()),
            None => Err(Failure::ServerDied { status: "gone".into(), log: self.program.log_tail() }),
        }
    }

    /// An early end of the server, if it ended.
    pub fn died(&mut self) -> Option<Failure> {
        match self.child.try_wait() {
            Ok(Some(status)) if !self.stopped => {
                Some(Failure::ServerDied { status: status.to_string(), log: self.program.log_tail() })
            }
            Ok(_) | Err(_) => None,
        }
    }

    async fn until_ready(&self) -> Result<(), Failure> {
        let rest = Rest::new(self.target.clone(), String::new())?;
        let began = Instant::now();
        while !rest.ready().await {
            if began.elapsed() > START_WAIT {
                let waited_ms = began.elapsed().as_millis() as u64;
                return Err(Failure::NotReady { url: self.target.http("/readyz"), waited_ms });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.keep {
            eprintln!("kept the server's data and log in {}", self.data.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.data) {
            eprintln!("could not remove {}: {error}", self.data.display());
        }
    }
}

impl Program {
    fn target(&self, address: SocketAddr) -> Target {
        let trust = self.certificate.as_ref().map(|certificate| certificate.trust.clone());
        Target { trust, ..Target::at(address) }
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(verb).kill_on_drop(true).stdin(Stdio::null());
        command
    }

    async fn run(&self, listen: &str) -> Result<(Child, SocketAddr), Failure> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(Failure::file(self.log()))?;
        let mut command = self.command("serve");
        command
            .arg("--config")
            .arg(&self.config)
            .env("APRICOT_DATA", &self.data)
            .env("APRICOT_LISTEN", listen)
            .stdout(Stdio::piped())
            .stderr(log);
        if let Some(kind) = &self.sabotage {
            command.env("APRICOT_SABOTAGE", kind);
        }
        if let Some(Certificate { chain, key, .. }) = &self.certificate {
            command.env("APRICOT_TLS__CERTIFICATE", chain).env("APRICOT_TLS__KEY", key);
        }
        let mut child = spawn_pinned(&mut command, self.cores)?.map_err(Failure::file(&self.binary))?;
        let address = listening(&mut child, || self.log_tail()).await?;
        Ok((child, address))
    }

    /// Whether the binary was built to be broken: only such a build knows the variable's name.
    async fn can_sabotage(&self) -> Result<bool, Failure> {
        let bytes = tokio::task::spawn_blocking({
            let binary = self.binary.clone();
            move || std::fs::read(&binary).map_err(Failure::file(binary))
        })
        .await
        .map_err(|error| Failure::System { what: "reading the binary", source: error.into() })??;
        const NAME: &[u8] = b"APRICOT_SABOTAGE";
        Ok(bytes.windows(NAME.len()).any(|window| window == NAME))
    }

    fn log(&self) -> PathBuf {
        self.data.join("server.log")
    }

    fn log_tail(&self) -> String {
        let bytes = std::fs::read(self.log()).unwrap_or_else(|error| error.to_string().into());
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
    }
}

/// A process inherits the core of the thread that starts it.
fn spawn_pinned(command: &mut Command, cores: Option<Cores>) -> Result<std::io::Result<Child>, Failure> {
    let Some(cores) = cores else { return Ok(command.spawn()) };
    pin::this_thread_to(cores.server)?;
    let child = command.spawn();
    pin::this_thread_to(cores.client)?;
    Ok(child)
}

/// Reads stdout until the address is known.
async fn listening(child: &mut Child, log: impl Fn() -> String) -> Result<SocketAddr, Failure> {
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

async fn find_binary(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        if path.is_file() {
            return Ok(path.into());
        }
        return Err(Failure::BinaryMissing { looked: vec![path.into()] });
    }
    let beside =
        env::current_exe().map_err(Failure::system("finding this program"))?.with_file_name("apricot");
    let release = PathBuf::from("target/release/apricot");
    let is_release = beside.parent().is_some_and(|dir| dir.ends_with("release"));
    if is_release && beside.is_file() {
        return Ok(beside);
    }
    if release.is_file() {
        return Ok(release);
    }
    eprintln!("no release build of the server yet: cargo build --release --bin apricot");
    let status = Command::new("cargo")
        .args(["build", "--release", "--bin", "apricot"])
        .stdout(Stdio::null())
        .status()
        .await
        .map_err(Failure::system("running cargo"))?;
    if !status.success() {
        return Err(Failure::BuildFailed { status: status.to_string() });
    }
    [beside, release.clone()]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or(Failure::BinaryMissing { looked: vec![release] })
}

/// In the working directory, or in the repository that the binary was built in (`target/release/apricot`).
fn find_config(given: Option<&Path>, binary: &Path) -> Result<PathBuf, Failure> {
    const NAME: &str = "config/load.toml";
    let looked = match given {
        Some(path) => vec![path.to_path_buf()],
        None => {
            let mut looked = vec![PathBuf::from(NAME)];
            looked.extend(binary.ancestors().nth(3).map(|root| root.join(NAME)));
            looked
        }
    };
    match looked.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(Failure::ConfigMissing { looked }),
    }
}

/// A socket is an open file; the server inherits the limit.
fn raise_open_files() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .map_err(|error| Failure::System { what: "raising the limit of open files", source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_binary_says_how_to_get_one() {
        let error = find_binary(Some(Path::new("no/such/apricot"))).await.unwrap_err();
        assert!(error.to_string().contains("cargo build --release --bin apricot"), "{error}");
    }
}
