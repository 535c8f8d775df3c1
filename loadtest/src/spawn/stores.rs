//! The stores that nodes share: a throw-away PostgreSQL and a throw-away Redis.

use std::path::Path;

use apricot_servers::{Missing, Postgres, Redis, RedisCluster};
use clap::ValueEnum;
use tokio::task::spawn_blocking;

use crate::{failure::Failure, usage::Usage};

/// How Redis is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RedisKind {
    /// One server that keeps nothing over a restart
    #[default]
    Memory,
    /// One server that writes every command to disk before it answers
    Aof,
    /// Three primaries, each with a replica
    Cluster,
}

/// A server that is started, stopped and asked on a thread of its own: it waits, and the buyers share one thread with us.
pub struct Apart<T>(Option<T>);

impl<T: Send + 'static> Apart<T> {
    pub async fn start(start: impl FnOnce() -> Result<T, Missing> + Send + 'static) -> Result<Self, Failure> {
        let started = joined(spawn_blocking(start).await);
        Ok(Self(Some(started.map_err(Failure::Missing)?)))
    }

    pub async fn run<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Failure> {
        let Some(mut server) = self.0.take() else { return Err(gone()) };
        let (server, result) = joined(
            spawn_blocking(move || {
                let result = work(&mut server);
                (server, result)
            })
            .await,
        );
        self.0 = Some(server);
        Ok(result)
    }

    /// For what needs no waiting.
    pub fn get(&self) -> Result<&T, Failure> {
        self.0.as_ref().ok_or_else(gone)
    }
}

fn gone() -> Failure {
    Failure::off_contract("a store", "its last work was given up half-way")
}

fn joined<T>(outcome: Result<T, tokio::task::JoinError>) -> T {
    outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

pub enum Gate {
    One(Redis),
    Cluster(RedisCluster),
}

impl Gate {
    fn start(kind: RedisKind) -> Result<Gate, Missing> {
        match kind {
            RedisKind::Memory => Redis::start().map(Gate::One),
            RedisKind::Aof => Redis::start_with(&["--appendonly", "yes"]).map(Gate::One),
            RedisKind::Cluster => RedisCluster::start(1).map(Gate::Cluster),
        }
    }

    pub fn servers(&self) -> &[Redis] {
        match self {
            Gate::One(redis) => std::slice::from_ref(redis),
            Gate::Cluster(cluster) => &cluster.nodes,
        }
    }

    pub fn servers_mut(&mut self) -> &mut [Redis] {
        match self {
            Gate::One(redis) => std::slice::from_mut(redis),
            Gate::Cluster(cluster) => &mut cluster.nodes,
        }
    }

    /// As the configuration calls it.
    pub fn mode(&self) -> &'static str {
        match self {
            Gate::One(_) => "single",
            Gate::Cluster(_) => "cluster",
        }
    }

    /// Commands that all servers have done since they were started.
    fn commands(&self) -> u64 {
        self.servers().iter().filter_map(|redis| redis.info("total_commands_processed")).sum()
    }

    fn pids(&self) -> Vec<u32> {
        self.servers().iter().filter_map(Redis::pid).collect()
    }
}

/// Since they were started.
#[derive(Debug, Clone, Copy)]
pub struct StoresUsage {
    pub redis_commands: u64,
    pub redis: Usage,
}

pub struct Stores {
    pub postgres: Apart<Postgres>,
    pub redis: Apart<Gate>,
}

impl Stores {
    /// A moment's wait for each server of Redis.
    pub fn usage(&self) -> Result<StoresUsage, Failure> {
        let gate = self.redis.get()?;
        let each = gate.pids().into_iter().map(|pid| Usage::of(&pid.to_string()));
        let redis = each.collect::<Result<Vec<_>, _>>()?.into_iter().sum();
        Ok(StoresUsage { redis_commands: gate.commands(), redis })
    }

    /// PostgreSQL's data lies below `disk`, when that is given.
    pub async fn start(kind: RedisKind, disk: Option<&Path>) -> Result<Stores, Failure> {
        let disk = disk.map(Path::to_path_buf);
        // Eighty connections of each of two nodes, and those who look in.
        let settings = ["max_connections=200"];
        let postgres = move || match disk {
            Some(disk) => Postgres::start_in(&disk, &settings),
            None => Postgres::start_with(&settings),
        };
        Ok(Stores {
            postgres: Apart::start(postgres).await?,
            redis: Apart::start(move || Gate::start(kind)).await?,
        })
    }
}
