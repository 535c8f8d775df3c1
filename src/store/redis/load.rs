//! What the servers say of themselves, for who watches them.

use redis::{cmd, from_redis_value};

use super::primaries::Primaries;
use super::server::{self, field};
use crate::store::meters;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    is_primary: bool,
    replicas: u32,
    memory_bytes: u64,
    /// 0: it has no limit of its own.
    memory_limit_bytes: u64,
}

/// A server that does not answer is missing from what is measured.
pub(super) async fn measure(primaries: &Primaries) {
    let mut loads = Vec::new();
    let mut asked = Vec::new();
    for (_, primary) in &primaries.ranges {
        if primary.lost.is_cancelled() || asked.contains(&&primary.address) {
            continue;
        }
        asked.push(&primary.address);
        let mut question = cmd("INFO");
        question.arg("replication").arg("memory");
        let said = server::ask(&mut primary.connection.clone(), &question).await;
        match said.and_then(|value| Ok(from_redis_value::<String>(value)?)) {
            Ok(info) => loads.push(Load::read(&info)),
            Err(error) => tracing::debug!(%error, address = %primary.address, "Redis did not say how it is"),
        }
    }
    let primaries = loads.iter().filter(|load| load.is_primary);
    metrics::gauge!(meters::REDIS_PRIMARIES).set(primaries.count() as f64);
    metrics::gauge!(meters::REDIS_REPLICAS)
        .set(loads.iter().map(|load| f64::from(load.replicas)).sum::<f64>());
    let fullest = loads.into_iter().max_by_key(|load| load.memory_bytes).unwrap_or_default();
    metrics::gauge!(meters::REDIS_MEMORY_BYTES).set(fullest.memory_bytes as f64);
    metrics::gauge!(meters::REDIS_MEMORY_LIMIT_BYTES).set(fullest.memory_limit_bytes as f64);
}

impl Load {
    /// What cannot be read is zero: other kinds of servers leave some of it out.
    fn read(info: &str) -> Self {
        Self {
            is_primary: field(info, "role") == "master",
            replicas: field(info, "connected_slaves").parse().unwrap_or(0),
            memory_bytes: field(info, "used_memory").parse().unwrap_or(0),
            memory_limit_bytes: field(info, "maxmemory").parse().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_load_is_read_from_what_it_says() {
        let info = "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n\r\n# Memory\r\nused_memory:1048576\r\n\
            used_memory_human:1.00M\r\nmaxmemory:4194304\r\n";
        let expected =
            Load { is_primary: true, replicas: 2, memory_bytes: 1 << 20, memory_limit_bytes: 4 << 20 };
        assert_eq!(Load::read(info), expected);
        assert_eq!(Load::read("role:slave\r\n"), Load::default());
    }
}
