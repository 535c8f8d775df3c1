//! The servers start, keep what they should over a restart, and are gone with their handle.

use apricot_servers::{Postgres, Redis, RedisCluster, or_skip};

#[test]
fn a_redis_forgets_and_one_with_a_log_remembers() {
    for (settings, kept) in [(&[][..], "$-1"), (&["--appendonly", "yes"][..], "1")] {
        let Some(mut redis) = or_skip(Redis::start_with(settings)) else { return };
        assert_eq!(redis.command(&["SET", "key", "1"]).unwrap(), "+OK");
        redis.kill();
        assert!(redis.command(&["PING"]).is_err());
        redis.restart().unwrap();
        assert_eq!(redis.command(&["GET", "key"]).unwrap(), kept, "{settings:?}");
        assert!(redis.info("total_commands_processed").unwrap() > 0);
    }
}

#[test]
fn a_cluster_is_one() {
    let Some(cluster) = or_skip(RedisCluster::start(0)) else { return };
    assert_eq!(cluster.urls().len(), 3);
}

#[test]
fn a_postgres_keeps_what_was_committed() {
    let Some(mut postgres) = or_skip(Postgres::start()) else { return };
    postgres.sql("postgres", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").unwrap();
    let (one, other) = (postgres.fresh_database().unwrap(), postgres.fresh_database().unwrap());
    assert_ne!(one, other);
    postgres.restart().unwrap();
    assert_eq!(postgres.sql("postgres", "SELECT n FROM kept").unwrap(), "7\n");
    let pid = postgres.pid().unwrap();
    drop(postgres);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
