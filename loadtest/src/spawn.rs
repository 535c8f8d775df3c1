//! Throw-away servers: started on free ports with data folders of their own, killed or stopped at will.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::process::Command;

use crate::{failure::Failure, pin::Cores};

mod certificate;
mod cluster;
mod node;
mod process;
mod served;
mod stores;

pub use certificate::Certificate;
pub use cluster::{Cluster, Shared, Sharing};
pub use node::Node;
pub use served::{Kind, Served, ServedOptions};
pub use stores::{RedisKind, StoresUsage};

#[derive(Debug, Clone, Default, Args)]
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
    #[command(flatten)]
    pub scale: ScaleOptions,
    /// The server's core and this program's; `None`: where the system puts them.
    #[arg(skip)]
    pub cores: Option<Cores>,
    /// With a certificate of its own, which the target trusts.
    #[arg(skip)]
    pub tls: bool,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ScaleOptions {
    /// Nodes, each with a data folder of its own; the load is spread over them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub nodes: u32,
    /// The nodes share a throw-away PostgreSQL, a throw-away Redis, and a payment provider of its own process
    #[arg(long)]
    pub scale_out: bool,
    /// How Redis is run, with --scale-out
    #[arg(long, value_enum, default_value_t, requires = "scale_out")]
    pub redis: RedisKind,
}

impl ScaleOptions {
    fn check(self) -> Result<(), Failure> {
        if self.nodes > 1 && !self.scale_out {
            return Err(Failure::Option {
                name: "nodes",
                rule: "a record in a folder has one server: more than one node needs --scale-out",
            });
        }
        Ok(())
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
