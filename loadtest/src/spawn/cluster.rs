//! What a run speaks to: one server with a record of its own, or nodes that share PostgreSQL, Redis and a payment provider.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use apricot_servers::Proxy;
use tokio::process::Command;

use super::{
    Certificate, SpawnOptions, find_binary, find_config,
    node::{Node, Program},
    process::Process,
    raise_open_files,
    stores::{RedisKind, Stores},
};
use crate::{
    checker::Place,
    contract::Target,
    failure::Failure,
    pin::{self, Cores},
    usage::Usage,
};

/// Dropped in this order: the nodes go before what they share.
pub struct Cluster {
    pub nodes: Vec<Node>,
    pub shared: Option<Shared>,
}

pub struct Shared {
    /// Where the provider sends what it has to tell: to the nodes in turn, past one that is gone.
    front: Proxy,
    provider: Process,
    /// Of each node, its own ways to Redis and to PostgreSQL.
    pub ways: Vec<Ways>,
    pub stores: Stores,
    pub folder: Folder,
    url: String,
}

/// Without proxies a node speaks to the stores directly.
pub struct Ways {
    redis: Option<Proxy>,
    postgres: Option<Proxy>,
}

/// The provider's data and the keys of all nodes.
pub struct Folder {
    path: PathBuf,
    keep: bool,
}

/// What the nodes of a run share, and how they reach it.
#[derive(Debug, Clone, Default)]
pub struct Sharing<'a> {
    pub redis: RedisKind,
    /// Each node has proxies of its own to the stores.
    pub through_proxies: bool,
    /// Where PostgreSQL's data is to lie.
    pub disk: Option<&'a Path>,
    /// What the last node alone finds in its environment.
    pub last_node: Vec<(String, String)>,
}

impl Cluster {
    pub async fn start(options: &SpawnOptions) -> Result<Cluster, Failure> {
        let sharing = Sharing { redis: options.scale.redis, ..Sharing::default() };
        Cluster::start_sharing(options, sharing).await
    }

    pub async fn start_sharing(options: &SpawnOptions, sharing: Sharing<'_>) -> Result<Cluster, Failure> {
        options.scale.check()?;
        raise_open_files()?;
        let binary = find_binary(options.binary.as_deref()).await?;
        let config = find_config(options.config.as_deref(), &binary)?;
        if !options.scale.scale_out {
            let program = program(options, binary, config)?;
            return Ok(Cluster { nodes: vec![Node::start(program).await?], shared: None });
        }
        let shared = Shared::start(options, &sharing, &binary).await?;
        let base = std::fs::read_to_string(&config).map_err(Failure::file(&config))?;
        let mut programs = Vec::new();
        for node in 0..options.scale.nodes as usize {
            let mut program = program(options, binary.clone(), config.clone())?;
            program.config = program.data.join("node.toml");
            let text = format!("{base}\n{}", shared.settings(node)?);
            std::fs::write(&program.config, text).map_err(Failure::file(&program.config))?;
            program.provider = Some(shared.provider.address);
            programs.push(program);
        }
        if let Some(last) = programs.last_mut() {
            last.environment = sharing.last_node;
        }
        migrate(&programs[0]).await?;
        let mut nodes = Vec::new();
        for program in programs {
            nodes.push(Node::start(program).await?);
        }
        let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.target.address).collect();
        shared.front.retarget(&addresses);
        Ok(Cluster { nodes, shared: Some(shared) })
    }

    pub fn targets(&self) -> Vec<Target> {
        self.nodes.iter().map(|node| node.target.clone()).collect()
    }

    pub async fn kill_and_restart(&mut self, node: usize) -> Result<Duration, Failure> {
        self.nodes[node].kill().await?;
        self.nodes[node].start_again().await
    }

    /// One after the other, as a deploy does; then the provider, which tells what it has to tell while there is a node.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        if let Some(shared) = &mut self.shared {
            shared.provider.stop().await?;
        }
        for node in &mut self.nodes {
            node.stop().await?;
        }
        Ok(())
    }

    /// The record, and the folder of the provider's books when they do not lie beside it.
    pub fn evidence(&self) -> (Place, Option<PathBuf>) {
        match &self.shared {
            Some(shared) => (Place::Postgres(shared.url.clone()), Some(shared.folder.path.join("provider"))),
            None => (Place::Folder(self.nodes[0].data().into()), None),
        }
    }

    pub fn keep(&mut self) {
        for node in &mut self.nodes {
            node.program.keep = true;
        }
        if let Some(shared) = &mut self.shared {
            shared.folder.keep = true;
        }
    }

    /// Of all nodes together.
    pub fn usage(&self) -> Result<Usage, Failure> {
        let each = self.nodes.iter().map(Node::usage).collect::<Result<Vec<_>, _>>()?;
        Ok(each.into_iter().sum())
    }

    pub fn died(&mut self) -> Option<Failure> {
        let provider = self.shared.as_mut().and_then(|shared| shared.provider.died());
        provider.or_else(|| self.nodes.iter_mut().find_map(Node::died))
    }

    pub fn first(&self) -> &Node {
        &self.nodes[0]
    }
}

fn program(options: &SpawnOptions, binary: PathBuf, config: PathBuf) -> Result<Program, Failure> {
    let mut program = Program {
        binary,
        config,
        data: fresh_folder()?,
        keep: options.keep,
        sabotage: options.sabotage.clone(),
        cores: options.cores,
        certificate: None,
        provider: None,
        environment: Vec::new(),
    };
    if options.tls {
        program.certificate = Some(Certificate::make(&program.data)?);
    }
    Ok(program)
}

fn fresh_folder() -> Result<PathBuf, Failure> {
    let path = env::temp_dir().join(format!("apricot-load-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&path).map_err(Failure::file(&path))?;
    Ok(path)
}

async fn migrate(program: &Program) -> Result<(), Failure> {
    let output = program.command("migrate").output().await;
    let output = output.map_err(Failure::system("running `apricot migrate`"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::NotMigrated { status: output.status.to_string(), said })
}

impl Shared {
    async fn start(options: &SpawnOptions, sharing: &Sharing<'_>, binary: &Path) -> Result<Shared, Failure> {
        let cores = options.cores;
        pin_to(cores, |cores| cores.server)?;
        let mut stores = Stores::start(sharing.redis, sharing.disk).await?;
        pin_to(cores, |cores| cores.client)?;
        let url =
            stores.postgres.run(|postgres| postgres.fresh_database()).await?.map_err(Failure::Missing)?;
        let folder = Folder { path: fresh_folder()?, keep: options.keep };
        let front = Proxy::between(&[]).map_err(Failure::system("listening for webhooks"))?;
        let provider = provider(binary, &folder.path, front.address(), cores).await?;
        let mut ways = Vec::new();
        for _ in 0..options.scale.nodes {
            ways.push(Ways::to(&stores, sharing)?);
        }
        Ok(Shared { front, provider, ways, stores, folder, url })
    }

    /// What a node must know, as TOML.
    fn settings(&self, node: usize) -> Result<String, Failure> {
        let Ways { redis, postgres } = &self.ways[node];
        let stores = &self.stores;
        let gate = stores.redis.get()?;
        let urls: Vec<String> = match redis {
            Some(proxy) => vec![format!("redis://{}", proxy.address())],
            None => gate.servers().iter().map(|redis| redis.url()).collect(),
        };
        let url = match postgres {
            Some(proxy) => self.url.replace(
                &format!("127.0.0.1:{}", stores.postgres.get()?.port()),
                &proxy.address().to_string(),
            ),
            None => self.url.clone(),
        };
        Ok(format!(
            "[node]\nname = \"node-{node}\"\nkeys = \"{}\"\n\n[postgres]\nurl = \"{url}\"\n\n[redis]\nmode = \"{}\"\nurls = {urls:?}\n",
            self.folder.path.join("keys").display(),
            gate.mode(),
        ))
    }
}

impl Ways {
    pub fn redis(&self) -> Result<&Proxy, Failure> {
        self.redis.as_ref().ok_or_else(|| Failure::off_contract("a way to Redis", "without a proxy"))
    }

    pub fn postgres(&self) -> Result<&Proxy, Failure> {
        self.postgres.as_ref().ok_or_else(|| Failure::off_contract("a way to PostgreSQL", "without a proxy"))
    }

    fn to(stores: &Stores, sharing: &Sharing<'_>) -> Result<Ways, Failure> {
        let proxy = |port: u16| {
            Proxy::to(SocketAddr::from(([127, 0, 0, 1], port))).map_err(Failure::system("opening a proxy"))
        };
        // A cluster tells its nodes' own addresses, which lead past any proxy.
        let redis = match (sharing.through_proxies, stores.redis.get()?.servers()) {
            (true, [one]) => Some(proxy(one.port())?),
            _ => None,
        };
        let postgres = match sharing.through_proxies {
            true => Some(proxy(stores.postgres.get()?.port())?),
            false => None,
        };
        Ok(Ways { redis, postgres })
    }
}

/// The payment provider, as a process of its own.
async fn provider(
    binary: &Path,
    folder: &Path,
    webhooks: SocketAddr,
    cores: Option<Cores>,
) -> Result<Process, Failure> {
    let (data, keys) = (folder.join("provider"), folder.join("keys"));
    std::fs::create_dir_all(&data).map_err(Failure::file(&data))?;
    let mut command = Command::new(binary);
    command.args(["sandbox", "--listen", "127.0.0.1:0", "--webhook"]);
    command.arg(format!("http://{webhooks}/v1/payments/webhooks/sandbox"));
    command.arg("--data").arg(&data).arg("--keys").arg(&keys);
    Process::start(command, folder.join("provider.log"), cores).await
}

fn pin_to(cores: Option<Cores>, of: impl FnOnce(Cores) -> usize) -> Result<(), Failure> {
    cores.map_or(Ok(()), |cores| pin::this_thread_to(of(cores)))
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            eprintln!("kept the provider's data, the keys and the log in {}", self.path.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("could not remove {}: {error}", self.path.display());
        }
    }
}
