//! Breaks things in the middle of a rush, and mends them.

use std::time::{Duration, Instant};

use apricot_proto::v1;
use apricot_servers::Line;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use tokio::time::sleep;

use super::{
    disk::Disk,
    fault::{Fault, Store},
};
use crate::{
    failure::Failure,
    rush::Course,
    spawn::{Cluster, Shared},
};

/// After the first wish; some tenths of a second of chance are added.
const BEGINS_AFTER: Duration = Duration::from_millis(2_000);
const NODE_AWAY: Duration = Duration::from_millis(1_500);
const STORE_AWAY: Duration = Duration::from_millis(1_000);
const PARTED: Duration = Duration::from_secs(4);
const DISK_FULL: Duration = Duration::from_secs(3);
/// Each way; both are 200 ms.
const FARTHER: Duration = Duration::from_millis(100);
/// What a lagging replica has not seen.
const LAG: Duration = Duration::from_millis(1_000);
/// A kill point is passed within the rush, or never.
const DIES_WITHIN: Duration = Duration::from_secs(30);

pub async fn strike(
    fault: Fault,
    seed: u64,
    cluster: &mut Cluster,
    disk: Option<&Disk>,
    course: &Course<'_>,
) -> Result<Option<String>, Failure> {
    let mut seen = None;
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x6368_616f);
    let begins = course.opening + BEGINS_AFTER + Duration::from_millis(chance.random_range(0..1_000));
    if !fault.lasts() {
        sleep(begins.saturating_duration_since(Instant::now())).await;
    }
    course.progress.say(fault.sentence());
    let node = chance.random_range(0..cluster.nodes.len());
    match fault {
        Fault::NodeKilled => {
            cluster.nodes[node].kill().await?;
            sleep(NODE_AWAY).await;
            over(course);
            cluster.nodes[node].start_again().await?;
        }
        Fault::NodeDies(_) => {
            let last = cluster.nodes.len() - 1;
            let dying = &mut cluster.nodes[last];
            if !dying.ends_by_itself(DIES_WITHIN).await? {
                return Err(Failure::NotReached { what: fault.sentence() });
            }
            dying.program.environment.clear();
            sleep(NODE_AWAY).await;
            over(course);
            dying.start_again().await?;
        }
        Fault::RedisRestart { .. } => {
            let redis = &mut shared(cluster)?.stores.redis;
            redis.run(|gate| gate.servers_mut()[0].kill()).await?;
            sleep(STORE_AWAY).await;
            over(course);
            redis.run(|gate| gate.servers_mut()[0].restart()).await?.map_err(Failure::Missing)?;
        }
        Fault::FlushAll => redis_command(cluster, &["FLUSHALL"], course).await?,
        Fault::FunctionFlush => redis_command(cluster, &["FUNCTION", "FLUSH"], course).await?,
        Fault::ClusterFailover => seen = Some(failover(cluster, course).await?),
        Fault::PostgresRestart => {
            let postgres = &mut shared(cluster)?.stores.postgres;
            postgres.run(|postgres| postgres.kill()).await?;
            sleep(STORE_AWAY).await;
            over(course);
            postgres.run(|postgres| postgres.restart()).await?.map_err(Failure::Missing)?;
        }
        Fault::PostgresSlow => {
            for ways in &shared(cluster)?.ways {
                ways.postgres()?.delay(FARTHER, FARTHER);
            }
            sleep(PARTED).await;
            for ways in &shared(cluster)?.ways {
                ways.postgres()?.delay(Duration::ZERO, Duration::ZERO);
            }
            over(course);
        }
        Fault::DiskFull => {
            let Some(disk) = disk else {
                return Err(Failure::off_contract("a full disk", "without a disk of its own"));
            };
            disk.fill()?;
            sleep(DISK_FULL).await;
            let postgres = &mut shared(cluster)?.stores.postgres;
            let runs = postgres.run(|postgres| postgres.sql("postgres", "SELECT 1").is_ok()).await?;
            seen = Some(if runs { "PostgreSQL ran on" } else { "PostgreSQL gave up" }.into());
            disk.empty()?;
            over(course);
            // Whoever runs it makes room and starts it again.
            postgres.run(|postgres| postgres.restart()).await?.map_err(Failure::Missing)?;
        }
        Fault::Partition { from, silent } => {
            let ways = &shared(cluster)?.ways[node];
            let way = match from {
                Store::Redis => ways.redis()?,
                Store::Postgres => ways.postgres()?,
            };
            way.set(if silent { Line::Silent } else { Line::Cut });
            sleep(PARTED).await;
            way.set(Line::Open);
            over(course);
        }
        Fault::ClockOff { .. } => {}
        Fault::ProviderUnruly => {
            let knobs = v1::SandboxKnobs {
                delay_ms: 400,
                duplicate_ppm: 500_000,
                reorder_ppm: 500_000,
                lost_ppm: 330_000,
                slow_ms: 11_500,
                reason: "chaos".into(),
            };
            course.board.stage.turn_knobs(&knobs).await?;
        }
        Fault::Deploy => {
            for node in &mut cluster.nodes {
                node.stop().await?;
                node.start_again().await?;
            }
            over(course);
        }
    }
    Ok(seen)
}

fn over(course: &Course<'_>) {
    course.board.fault_is_over();
}

fn shared(cluster: &mut Cluster) -> Result<&mut Shared, Failure> {
    cluster.shared.as_mut().ok_or_else(|| Failure::off_contract("a fault of a store", "without stores"))
}

async fn redis_command(
    cluster: &mut Cluster,
    words: &'static [&'static str],
    course: &Course<'_>,
) -> Result<(), Failure> {
    let redis = &mut shared(cluster)?.stores.redis;
    let answered = redis.run(|gate| gate.servers()[0].command(words)).await?;
    over(course);
    match answered.map_err(Failure::system("asking Redis"))?.as_str() {
        "+OK" => Ok(()),
        other => Err(Failure::off_contract("Redis", other)),
    }
}

/// The replica of the primary that has the lot stands still and loses its connection; a second later the primary dies, and the replica,
/// which lacks that second, takes its place.
async fn failover(cluster: &mut Cluster, course: &Course<'_>) -> Result<String, Failure> {
    let sale = course.board.stage.sale_id.clone();
    let redis = &mut shared(cluster)?.stores.redis;
    let (primary, replica) = redis.run(move |gate| pair(gate.servers(), &sale)).await??;
    redis.run(move |gate| gate.servers()[replica].signal("STOP")).await?;
    let heard = redis.run(move |gate| position(&gate.servers()[primary])).await??;
    let cut = redis
        .run(move |gate| gate.servers()[primary].command(&["CLIENT", "KILL", "TYPE", "replica"]))
        .await?;
    cut.map_err(Failure::system("cutting the replica off"))?;
    sleep(LAG).await;
    let written = redis.run(move |gate| position(&gate.servers()[primary])).await??;
    redis
        .run(move |gate| {
            gate.servers_mut()[primary].kill();
            gate.servers()[replica].signal("CONT");
        })
        .await?;
    over(course);
    Ok(format!("it lacked {} bytes of commands", written.saturating_sub(heard)))
}

/// How many bytes of commands a primary has written for its replica.
fn position(primary: &apricot_servers::Redis) -> Result<u64, Failure> {
    let position = primary.info("master_repl_offset");
    position.ok_or_else(|| Failure::off_contract("the primary", "no master_repl_offset"))
}

/// The primary that holds keys of the sale, and its replica.
fn pair(servers: &[apricot_servers::Redis], sale: &str) -> Result<(usize, usize), Failure> {
    let ask = |redis: &apricot_servers::Redis, words: &[&str]| {
        redis.command(words).map_err(Failure::system("asking the cluster"))
    };
    let pattern = format!("*{sale}*");
    let count = "return #redis.call('KEYS', ARGV[1])";
    let mut replicas = Vec::new();
    let mut found = None;
    for (index, redis) in servers.iter().enumerate() {
        let replication = ask(redis, &["INFO", "replication"])?;
        let value = |key: &str| {
            let line = replication.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        if value("role").as_deref() == Some("slave") {
            replicas.push((index, value("master_port")));
        } else if ask(redis, &["EVAL", count, "0", &pattern])? != ":0" {
            found = Some(index);
        }
    }
    let primary = found.ok_or_else(|| Failure::off_contract("the cluster", "no key names the sale"))?;
    let port = servers[primary].port().to_string();
    let replica = replicas.into_iter().find(|(_, of)| of.as_deref() == Some(&port));
    let (replica, _) =
        replica.ok_or_else(|| Failure::off_contract("the cluster", "no replica of the lot's primary"))?;
    Ok((primary, replica))
}
