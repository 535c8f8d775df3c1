//! What is measured: Apricot, or one of the baselines, as a process of its own.

use std::{env, path::PathBuf, process::Stdio};

use clap::{Args, ValueEnum};
use tokio::process::{Child, Command};

use super::{
    Cluster, ScaleOptions, SpawnOptions, StoresUsage,
    process::{listening, spawn_pinned},
    raise_open_files,
};
use crate::{
    contract::Target,
    failure::Failure,
    pin::{self, CoreOptions, Cores},
    usage::Usage,
};

#[derive(Debug, Clone, Args)]
pub struct ServedOptions {
    /// Start a throw-away server and stop it at the end
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "apricot")]
    pub spawn: Option<Kind>,
    /// Apricot's binary [default: beside this program, then target/release/apricot, then built]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// Apricot's configuration [default: config/load.toml]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Keep the server's data folder and log, and print where they are
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub scale: ScaleOptions,
    #[command(flatten)]
    pub cores: CoreOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Apricot,
    /// axum and tokio's broadcast channel, a task for each connection
    Broadcast,
    /// One epoll loop, and one `send` for all that is pending
    Floor,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Apricot => "apricot",
            Kind::Broadcast => "broadcast",
            Kind::Floor => "floor",
        }
    }
}

pub enum Served {
    Apricot(Box<Cluster>),
    Baseline { child: Box<Child>, target: Target },
}

impl Served {
    /// A server for as long as `work` takes, each on a core of its own. When the server died, that is the failure to tell of.
    pub async fn during<T>(
        options: &ServedOptions,
        tls: bool,
        work: impl AsyncFnOnce(&Served, Option<Cores>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // Nodes that share stores are several programs at work at once: on one core they would measure each other.
        let cores = match options.cores {
            CoreOptions { server_core: None, .. } if options.scale.scale_out => None,
            given => given.cores(),
        };
        if let Some(Cores { client, .. }) = cores {
            pin::this_thread_to(client)?;
        }
        let mut served = Served::start(options, cores, tls).await?;
        match work(&served, cores).await {
            Err(failure) => Err(served.died().unwrap_or(failure)),
            Ok(outcome) => {
                served.stop().await?;
                Ok(outcome)
            }
        }
    }

    async fn start(options: &ServedOptions, cores: Option<Cores>, tls: bool) -> Result<Served, Failure> {
        match options.spawn {
            None => Err(Failure::Option {
                name: "spawn",
                rule: "the server's processor time is read, so it is a process of this program: give --spawn",
            }),
            Some(Kind::Apricot) => {
                let options = SpawnOptions {
                    spawn: true,
                    binary: options.binary.clone(),
                    config: options.config.clone(),
                    keep: options.keep,
                    sabotage: None,
                    scale: options.scale,
                    cores,
                    tls,
                };
                Ok(Served::Apricot(Box::new(Cluster::start(&options).await?)))
            }
            Some(baseline) => {
                raise_open_files()?;
                let program = env::current_exe().map_err(Failure::system("finding this program"))?;
                let mut command = Command::new(&program);
                command.args(["baseline", baseline.name()]);
                command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped());
                let mut child = spawn_pinned(&mut command, cores)?.map_err(Failure::file(&program))?;
                let address = listening(&mut child, String::new).await?;
                Ok(Served::Baseline { child: Box::new(child), target: Target::at(address) })
            }
        }
    }

    /// Of all nodes.
    pub fn targets(&self) -> Vec<Target> {
        match self {
            Served::Apricot(cluster) => cluster.targets(),
            Served::Baseline { target, .. } => vec![target.clone()],
        }
    }

    pub fn apricot(&self) -> Option<&Cluster> {
        match self {
            Served::Apricot(cluster) => Some(cluster),
            Served::Baseline { .. } => None,
        }
    }

    pub fn usage(&self) -> Result<Usage, Failure> {
        match self {
            Served::Apricot(cluster) => cluster.usage(),
            Served::Baseline { child, .. } => match child.id() {
                Some(pid) => Usage::of(&pid.to_string()),
                None => Err(Failure::ServerDied { status: "gone".into(), log: String::new() }),
            },
        }
    }

    /// What the shared stores have done so far.
    pub fn stores(&self) -> Result<Option<StoresUsage>, Failure> {
        let shared = self.apricot().and_then(|cluster| cluster.shared.as_ref());
        shared.map(|shared| shared.stores.usage()).transpose()
    }

    /// An early end, if there was one.
    pub fn died(&mut self) -> Option<Failure> {
        match self {
            Served::Apricot(cluster) => cluster.died(),
            Served::Baseline { child, .. } => match child.try_wait() {
                Ok(Some(status)) => {
                    Some(Failure::ServerDied { status: status.to_string(), log: String::new() })
                }
                Ok(None) | Err(_) => None,
            },
        }
    }

    /// A baseline has nothing to keep and is killed.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        match self {
            Served::Apricot(cluster) => cluster.stop().await,
            Served::Baseline { child, .. } => {
                child.start_kill().map_err(Failure::system("stopping the baseline"))?;
                child.wait().await.map(drop).map_err(Failure::system("waiting for the baseline"))
            }
        }
    }
}
