//! A Redis server, and a Redis Cluster of three primaries.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use tempfile::TempDir;

use crate::keeper::{Keeper, run};
use crate::{Missing, await_ready, find, free_port};

const PROGRAM: &str = "redis-server";

pub struct Redis {
    keeper: Option<Keeper>,
    port: u16,
    folder: TempDir,
    arguments: Vec<String>,
}

impl Redis {
    /// Keeps nothing over a restart.
    pub fn start() -> Result<Self, Missing> {
        Self::start_with(&[])
    }

    /// With more of redis.conf's settings, such as `["--appendonly", "yes"]`.
    pub fn start_with(settings: &[&str]) -> Result<Self, Missing> {
        let folder = tempfile::Builder::new().prefix("apricot-redis-").tempdir().map_err(not_started)?;
        let mut redis = Self {
            keeper: None,
            port: free_port(),
            folder,
            arguments: settings.iter().map(|setting| (*setting).to_owned()).collect(),
        };
        redis.restart()?;
        Ok(redis)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn pid(&self) -> Option<u32> {
        self.keeper.as_ref().map(Keeper::pid)
    }

    /// `STOP` and `CONT` make it hang for a while.
    pub fn signal(&self, name: &str) {
        if let Some(keeper) = &self.keeper {
            keeper.signal(name);
        }
    }

    /// As a power cut: no goodbye, nothing saved.
    pub fn kill(&mut self) {
        self.keeper = None;
    }

    /// On the same port and folder. A server that still runs is killed.
    pub fn restart(&mut self) -> Result<(), Missing> {
        self.kill();
        let program = find(PROGRAM, "redis-server", &["/usr/bin", "/usr/local/bin"])?;
        let (port, folder) = (self.port.to_string(), self.folder.path().display().to_string());
        let program = program.display().to_string();
        let mut command = vec![program.as_str(), "--port", &port, "--dir", &folder];
        command.extend(["--bind", "127.0.0.1", "--save", "", "--appendfsync", "always"]);
        command.extend(self.arguments.iter().map(String::as_str));
        let keeper = Keeper::start(PROGRAM, &command, &self.folder.path().join("log"), None)?;
        let log = self.folder.path().join("log");
        await_ready(PROGRAM, || {
            if keeper.has_ended() {
                return Err(std::fs::read_to_string(&log).unwrap_or_default());
            }
            Ok(self.command(&["PING"]).is_ok_and(|answer| answer.starts_with("+PONG")))
        })?;
        self.keeper = Some(keeper);
        Ok(())
    }

    /// One command on a connection of its own. The first line of the answer, or of a bulk answer its whole text; for tests.
    pub fn command(&self, words: &[&str]) -> std::io::Result<String> {
        command(self.port, words)
    }

    /// A number of `INFO`, such as `total_commands_processed`.
    pub fn info(&self, name: &str) -> Option<u64> {
        let text = self.command(&["INFO", "everything"]).ok()?;
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        line.split_once(':')?.1.trim().parse().ok()
    }
}

/// Three primaries, each with a replica when `replicas` is 1.
pub struct RedisCluster {
    pub nodes: Vec<Redis>,
}

impl RedisCluster {
    pub fn start(replicas: usize) -> Result<Self, Missing> {
        let nodes = (0..3 * (1 + replicas))
            .map(|_| {
                Redis::start_with(&[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-node-timeout",
                    "1000",
                    "--cluster-announce-ip",
                    "127.0.0.1",
                    "--repl-diskless-sync-delay",
                    "0",
                ])
            })
            .collect::<Result<Vec<_>, _>>()?;
        let cli = find("redis-cli", "redis-tools", &["/usr/bin", "/usr/local/bin"])?.display().to_string();
        let addresses: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let mut create = vec![cli.as_str(), "--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        let replicas = replicas.to_string();
        create.extend(["--cluster-replicas", &replicas, "--cluster-yes"]);
        run(None, &create, "").map_err(not_started)?;
        await_ready(PROGRAM, || {
            let states = nodes.iter().map(|node| node.command(&["CLUSTER", "INFO"]).unwrap_or_default());
            // A replica that has not caught up once cannot take over.
            let roles = nodes.iter().map(|node| node.command(&["INFO", "replication"]).unwrap_or_default());
            let stands =
                |role: &String| role.contains("role:master") || role.contains("master_link_status:up");
            let replicas_follow = roles.filter(stands).count() == nodes.len();
            Ok(replicas_follow && states.into_iter().all(|state| state.contains("cluster_state:ok")))
        })?;
        Ok(Self { nodes })
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }
}

/// A primary, its replica, and a sentinel that watches them.
pub struct RedisSentinel {
    pub primary: Redis,
    pub replica: Redis,
    port: u16,
    _keeper: Keeper,
    _folder: tempfile::TempDir,
}

impl RedisSentinel {
    /// What the sentinel calls the primary.
    pub const MASTER: &str = "apricot";

    pub fn start() -> Result<Self, Missing> {
        let primary = Redis::start_with(&["--repl-diskless-sync-delay", "0"])?;
        let port_of_primary = primary.port.to_string();
        let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port_of_primary])?;
        let follows = || replica.command(&["INFO", "replication"]);
        await_ready(PROGRAM, || Ok(follows().is_ok_and(|role| role.contains("master_link_status:up"))))?;

        let (port, master) = (free_port(), Self::MASTER);
        let folder = tempfile::Builder::new().prefix("apricot-redis-").tempdir().map_err(not_started)?;
        let settings = folder.path().join("sentinel.conf");
        // It keeps what it finds out in this file.
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {master} 127.0.0.1 {port_of_primary} 1\n\
             sentinel down-after-milliseconds {master} 500\nsentinel failover-timeout {master} 3000\n",
            folder.path().display()
        );
        std::fs::write(&settings, text).map_err(not_started)?;
        let program = find(PROGRAM, "redis-server", &["/usr/bin", "/usr/local/bin"])?.display().to_string();
        let settings = settings.display().to_string();
        let arguments = [program.as_str(), &settings, "--sentinel"];
        let keeper = Keeper::start(PROGRAM, &arguments, &folder.path().join("log"), None)?;
        await_ready(PROGRAM, || {
            Ok(command(port, &["SENTINEL", "REPLICAS", master]).is_ok_and(|known| known == "*1"))
        })?;
        Ok(Self { primary, replica, port, _keeper: keeper, _folder: folder })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn not_started(reason: impl ToString) -> Missing {
    Missing::NotStarted { program: PROGRAM, reason: reason.to_string() }
}

fn command(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let Some(length) = first.strip_prefix('$').and_then(|length| length.trim().parse::<usize>().ok()) else {
        return Ok(first.trim_end().to_owned());
    };
    let mut bulk = vec![0; length];
    std::io::Read::read_exact(&mut reader, &mut bulk)?;
    Ok(String::from_utf8_lossy(&bulk).into_owned())
}
