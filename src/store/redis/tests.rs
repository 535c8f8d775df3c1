//! The connection, on real servers.

use apricot_servers::{Redis as Server, RedisCluster, RedisSentinel, free_port, or_skip};
use bytes::Bytes;
use redis::cmd;

use super::*;

fn single(server: &Server) -> RedisSettings {
    RedisSettings { urls: vec![server.url()], ..RedisSettings::default() }
}

async fn connected(server: &Server) -> Redis {
    Redis::connect(single(server)).await.expect("a Redis that was just started")
}

/// Any Function will do: there is no such lot.
async fn ask(redis: &Redis, key: &str) -> Result<(), RedisError> {
    let answer = redis.call("apricot_gate_decide", &[key], &["channel"]).await?;
    assert_eq!(answer, Value::Array(vec![Value::Int(0), Value::Int(0)]));
    Ok(())
}

async fn is(redis: &Redis, up: bool) {
    redis.watch().wait_for(|is| *is == up).await.expect("the connection is kept");
}

async fn publish(redis: &Redis, channel: &str, payload: &str) {
    redis.command(channel, cmd("SPUBLISH").arg(channel).arg(payload)).await.expect("published");
}

fn message(channel: &str, payload: &str) -> Told {
    Told::Message { channel: channel.into(), payload: Bytes::copy_from_slice(payload.as_bytes()) }
}

fn subscribed(channel: &str) -> Told {
    Told::Subscribed { channel: channel.into() }
}

#[tokio::test]
async fn functions_are_loaded_and_loaded_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let redis = connected(&server).await;
    assert_eq!(ask(&redis, "lot").await, Ok(()));
    server.command(&["FUNCTION", "FLUSH"]).unwrap();
    assert_eq!(ask(&redis, "lot").await, Ok(()));
    // A second node finds them loaded.
    assert_eq!(ask(&connected(&server).await, "lot").await, Ok(()));
}

#[tokio::test]
async fn calls_fail_at_once_while_redis_is_gone_and_work_again_after() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let redis = connected(&server).await;
    assert!(redis.is_up());
    server.kill();
    is(&redis, false).await;
    assert_eq!(ask(&redis, "lot").await, Err(RedisError::Down));
    server.restart().unwrap();
    is(&redis, true).await;
    assert_eq!(ask(&redis, "lot").await, Ok(()));
}

#[tokio::test]
async fn server_that_hangs_is_given_up_and_found_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let redis = connected(&server).await;
    server.signal("STOP");
    assert!(matches!(ask(&redis, "lot").await, Err(RedisError::Lost { .. })));
    assert_eq!(ask(&redis, "lot").await, Err(RedisError::Down));
    is(&redis, false).await;
    server.signal("CONT");
    is(&redis, true).await;
    assert_eq!(ask(&redis, "lot").await, Ok(()));
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let Some(server) = or_skip(Server::start()) else { return };
    let nobody = RedisSettings {
        urls: vec![format!("redis://127.0.0.1:{}", apricot_servers::free_port())],
        ..RedisSettings::default()
    };
    let refused = |settings| async { Redis::connect(settings).await.err().expect("refused") };
    assert!(matches!(refused(nobody).await, RedisError::Unreachable { .. }));
    let cluster = RedisSettings { mode: RedisMode::Cluster, ..single(&server) };
    assert!(matches!(refused(cluster).await, RedisError::WrongMode { is, .. } if is == "standalone"));
    let sentinel = RedisSettings { mode: RedisMode::Sentinel { master: "m".into() }, ..single(&server) };
    assert!(matches!(refused(sentinel).await, RedisError::Unreachable { .. }));
    assert!(matches!(refused(RedisSettings::default()).await, RedisError::Settings { .. }));

    server.command(&["ACL", "SETUSER", "shop", "on", ">secret", "~*", "&*", "+@all", "-function"]).unwrap();
    let shop = |password: &str| RedisSettings {
        user: Some("shop".into()),
        password: Some(password.into()),
        ..single(&server)
    };
    assert!(matches!(refused(shop("wrong")).await, RedisError::NotLetIn { .. }));
    let refused = refused(shop("secret")).await;
    assert!(
        matches!(&refused, RedisError::MayNot { what, .. } if what.contains("FUNCTION LOAD")),
        "{refused}"
    );
    server.command(&["ACL", "SETUSER", "shop", "+function"]).unwrap();
    assert!(Redis::connect(shop("secret")).await.is_ok());
    let shown = format!("{:?}", shop("secret"));
    assert!(!shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn replica_is_refused() {
    let Some(primary) = or_skip(Server::start()) else { return };
    let Some(replica) = or_skip(Server::start()) else { return };
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]).unwrap();
    let refused = Redis::connect(single(&replica)).await.err();
    assert!(matches!(refused, Some(RedisError::Replica { .. })), "{refused:?}");
}

#[tokio::test]
async fn subscribed_channels_are_heard_and_heard_again_after_a_restart() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let redis = connected(&server).await;
    let (subscriber, mut told) = redis.subscriber();
    subscriber.subscribe("a").await;
    assert_eq!(told.recv().await, Some(subscribed("a")));
    publish(&redis, "b", "for nobody").await;
    publish(&redis, "a", "one").await;
    publish(&redis, "a", "two").await;
    assert_eq!(told.recv().await, Some(message("a", "one")));
    assert_eq!(told.recv().await, Some(message("a", "two")));

    server.restart().unwrap();
    assert_eq!(told.recv().await, Some(Told::Lost));
    assert_eq!(told.recv().await, Some(subscribed("a")));
    is(&redis, true).await;
    publish(&redis, "a", "three").await;
    assert_eq!(told.recv().await, Some(message("a", "three")));

    subscriber.unsubscribe("a").await;
    subscriber.subscribe("b").await;
    assert_eq!(told.recv().await, Some(subscribed("b")));
    publish(&redis, "a", "for nobody").await;
    publish(&redis, "b", "four").await;
    assert_eq!(told.recv().await, Some(message("b", "four")));
}

#[tokio::test]
async fn cluster_is_asked_where_the_key_is_before_and_after_a_failover() {
    let Some(mut cluster) = or_skip(RedisCluster::start(1)) else { return };
    let settings = RedisSettings {
        mode: RedisMode::Cluster,
        urls: vec![cluster.nodes[0].url(), cluster.nodes[1].url()],
        ..RedisSettings::default()
    };
    let redis = Redis::connect(settings).await.expect("a cluster");
    let (subscriber, mut told) = redis.subscriber();
    let words: Vec<String> = (0..30).map(|n| format!("{{{n}}}")).collect();
    for word in &words {
        assert_eq!(ask(&redis, word).await, Ok(()));
        subscriber.subscribe(word).await;
        assert_eq!(told.recv().await, Some(subscribed(word)));
        publish(&redis, word, "here").await;
        assert_eq!(told.recv().await, Some(message(word, "here")));
    }
    cluster.nodes[0].kill();
    is(&redis, false).await;
    is(&redis, true).await;
    for word in &words {
        assert_eq!(ask(&redis, word).await, Ok(()));
    }
    // Every channel is heard, and those of the server that died again.
    let mut heard = std::collections::HashSet::new();
    while heard.len() < words.len() {
        match told.recv().await.expect("the listener goes on") {
            Told::Lost => heard.clear(),
            Told::Subscribed { channel } => {
                heard.insert(channel);
            }
            Told::Message { channel, .. } => panic!("nothing was said on {channel}"),
        }
    }
    for word in &words {
        publish(&redis, word, "again").await;
        assert_eq!(told.recv().await, Some(message(word, "again")));
    }
}

#[tokio::test]
async fn primary_that_sentinels_watch_is_found_before_and_after_a_failover() {
    let Some(mut watched) = or_skip(RedisSentinel::start()) else { return };
    let settings = RedisSettings {
        mode: RedisMode::Sentinel { master: RedisSentinel::MASTER.into() },
        urls: vec![watched.url()],
        ..RedisSettings::default()
    };
    let redis = Redis::connect(settings.clone()).await.expect("a primary");
    assert_eq!(ask(&redis, "lot").await, Ok(()));
    watched.primary.kill();
    is(&redis, false).await;
    is(&redis, true).await;
    assert_eq!(ask(&redis, "lot").await, Ok(()));
    assert!(watched.replica.command(&["ROLE"]).is_ok());
    let unknown = RedisSettings { mode: RedisMode::Sentinel { master: "peach".into() }, ..settings };
    let refused = Redis::connect(unknown).await.err().map(|error| error.to_string());
    assert!(refused.as_ref().is_some_and(|why| why.contains("peach")), "{refused:?}");
}

#[tokio::test]
async fn server_is_asked_over_tls_as_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["ours", "other"] {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    let (port, certificate, key) = (free_port(), path("ours.pem"), path("ours.key"));
    let [certificate, key] = [&certificate, &key].map(|path| path.display().to_string());
    let server = Server::start_with(
        &[
            &["--tls-port", &port.to_string(), "--tls-auth-clients", "no"][..],
            &["--tls-cert-file", &certificate, "--tls-ca-cert-file", &certificate, "--tls-key-file", &key],
            &["--user", "node", "on", ">secret", "~*", "&*", "+@all"],
        ]
        .concat(),
    );
    let Some(_server) = or_skip(server) else { return };
    let settings = RedisSettings {
        urls: vec![format!("rediss://localhost:{port}")],
        user: Some("node".into()),
        password: Some("secret".into()),
        ca: Some(path("ours.pem")),
        ..RedisSettings::default()
    };
    let redis = Redis::connect(settings.clone()).await.expect("a server with TLS");
    assert_eq!(ask(&redis, "lot").await, Ok(()));
    let (subscriber, mut told) = redis.subscriber();
    subscriber.subscribe("a").await;
    assert_eq!(told.recv().await, Some(subscribed("a")));
    let stranger = RedisSettings { ca: Some(path("other.pem")), ..settings.clone() };
    assert!(Redis::connect(stranger).await.is_err(), "a certificate that nobody vouches for");
    let wrong = RedisSettings { password: Some("guessed".into()), ..settings };
    let refused = Redis::connect(wrong).await.err().map(|error| error.to_string());
    assert!(refused.as_ref().is_some_and(|why| !why.contains("guessed")), "{refused:?}");
}
