//! What is broken: its name, what it wants of the cluster, and whether it is quick.

use crate::spawn::RedisKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    NodeKilled,
    /// The process ends itself at one of the points where half of something is done.
    NodeDies(Point),
    RedisRestart {
        aof: bool,
    },
    FlushAll,
    FunctionFlush,
    ClusterFailover,
    PostgresRestart,
    PostgresSlow,
    DiskFull,
    Partition {
        from: Store,
        /// Nothing comes back, not even a refusal.
        silent: bool,
    },
    ClockOff {
        seconds: i32,
    },
    ProviderUnruly,
    Deploy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Redis,
    Postgres,
}

/// A place in the path of money, as `APRICOT_SABOTAGE=kill-POINT:N` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The gate has granted, the record knows nothing.
    Granted,
    /// Paid in the record, the capture not yet asked for.
    Claimed,
    /// The provider has captured, its webhook has not come.
    Captured,
}

impl Point {
    pub fn name(self) -> &'static str {
        match self {
            Point::Granted => "granted",
            Point::Claimed => "claimed",
            Point::Captured => "captured",
        }
    }

    /// At which passing the process ends: a second or two into the rush.
    pub fn passing(self) -> u32 {
        match self {
            Point::Granted => 200,
            Point::Claimed | Point::Captured => 5,
        }
    }
}

impl Fault {
    /// In the order of the issue.
    pub const ALL: [Fault; 20] = [
        Fault::NodeKilled,
        Fault::NodeDies(Point::Granted),
        Fault::NodeDies(Point::Claimed),
        Fault::NodeDies(Point::Captured),
        Fault::RedisRestart { aof: true },
        Fault::RedisRestart { aof: false },
        Fault::FlushAll,
        Fault::FunctionFlush,
        Fault::ClusterFailover,
        Fault::PostgresRestart,
        Fault::PostgresSlow,
        Fault::DiskFull,
        Fault::Partition { from: Store::Redis, silent: false },
        Fault::Partition { from: Store::Redis, silent: true },
        Fault::Partition { from: Store::Postgres, silent: false },
        Fault::Partition { from: Store::Postgres, silent: true },
        Fault::ClockOff { seconds: 300 },
        Fault::ClockOff { seconds: -300 },
        Fault::ProviderUnruly,
        Fault::Deploy,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::NodeKilled => "node-killed",
            Fault::NodeDies(Point::Granted) => "dies-granted",
            Fault::NodeDies(Point::Claimed) => "dies-claimed",
            Fault::NodeDies(Point::Captured) => "dies-captured",
            Fault::RedisRestart { aof: true } => "redis-restart-aof",
            Fault::RedisRestart { aof: false } => "redis-restart",
            Fault::FlushAll => "flushall",
            Fault::FunctionFlush => "function-flush",
            Fault::ClusterFailover => "cluster-failover",
            Fault::PostgresRestart => "postgres-restart",
            Fault::PostgresSlow => "postgres-slow",
            Fault::DiskFull => "disk-full",
            Fault::Partition { from: Store::Redis, silent: false } => "redis-cut",
            Fault::Partition { from: Store::Redis, silent: true } => "redis-silent",
            Fault::Partition { from: Store::Postgres, silent: false } => "postgres-cut",
            Fault::Partition { from: Store::Postgres, silent: true } => "postgres-silent",
            Fault::ClockOff { seconds: 0.. } => "clock-ahead",
            Fault::ClockOff { .. } => "clock-behind",
            Fault::ProviderUnruly => "provider-unruly",
            Fault::Deploy => "deploy",
        }
    }

    /// For the table.
    pub fn sentence(self) -> &'static str {
        match self {
            Fault::NodeKilled => "node `kill -9`, started again after 1.5 s",
            Fault::NodeDies(Point::Granted) => "node dies between the gate's grant and the commit",
            Fault::NodeDies(Point::Claimed) => "node dies between claim and capture",
            Fault::NodeDies(Point::Captured) => "node dies between capture and webhook",
            Fault::RedisRestart { aof: true } => "Redis `kill -9` with AOF, back after 1 s",
            Fault::RedisRestart { aof: false } => "Redis `kill -9` with nothing kept, back after 1 s",
            Fault::FlushAll => "`FLUSHALL`",
            Fault::FunctionFlush => "`FUNCTION FLUSH`",
            Fault::ClusterFailover => {
                "Redis Cluster: the lot's primary `kill -9` while its replica lags by a second"
            }
            Fault::PostgresRestart => "PostgreSQL `kill -9`, back after 1 s",
            Fault::PostgresSlow => "PostgreSQL 200 ms farther away, for 4 s",
            Fault::DiskFull => "the record's disk full for 3 s",
            Fault::Partition { from: Store::Redis, silent: false } => "one node's way to Redis cut for 4 s",
            Fault::Partition { from: Store::Redis, silent: true } => "one node's way to Redis silent for 4 s",
            Fault::Partition { from: Store::Postgres, silent: false } => {
                "one node's way to PostgreSQL cut for 4 s"
            }
            Fault::Partition { from: Store::Postgres, silent: true } => {
                "one node's way to PostgreSQL silent for 4 s"
            }
            Fault::ClockOff { seconds: 0.. } => "one node's clock 5 minutes ahead",
            Fault::ClockOff { .. } => "one node's clock 5 minutes behind",
            Fault::ProviderUnruly => {
                "provider's events late, half of them twice, half out of order, a third lost at first"
            }
            Fault::Deploy => "a deploy: each node stopped and started, one after the other",
        }
    }

    pub fn is_quick(self) -> bool {
        matches!(
            self,
            Fault::NodeKilled
                | Fault::FlushAll
                | Fault::PostgresRestart
                | Fault::Partition { from: Store::Redis, silent: false }
                | Fault::Deploy
        )
    }

    /// Lasts from the first wish to the last, so that there is nothing to recover from.
    pub fn lasts(self) -> bool {
        matches!(self, Fault::ClockOff { .. } | Fault::ProviderUnruly)
    }

    pub fn redis(self) -> RedisKind {
        match self {
            Fault::RedisRestart { aof: true } => RedisKind::Aof,
            Fault::ClusterFailover => RedisKind::Cluster,
            _ => RedisKind::Memory,
        }
    }

    pub fn through_proxies(self) -> bool {
        matches!(self, Fault::PostgresSlow | Fault::Partition { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_one_each() {
        let names: HashSet<&str> = Fault::ALL.into_iter().map(Fault::name).collect();
        assert_eq!(names.len(), Fault::ALL.len());
        assert_eq!(Fault::ALL.into_iter().filter(|fault| fault.is_quick()).count(), 5);
    }
}
