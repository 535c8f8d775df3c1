//! One connection to one server: opened, checked, and with the libraries loaded.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, PushInfo, TlsCertificates, Value, cmd, from_redis_value,
};

use super::library::LIBRARIES;
use super::settings::Address;
use super::{RedisError, RedisMode, RedisSettings};

/// A server of the same data centre answers in well under a millisecond; one that needs this long is as good as gone.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const OLDEST: (u32, u32) = (7, 0);

/// A primary, fit for calls: of the right version and kind, with the libraries loaded.
pub(super) async fn primary(
    settings: &RedisSettings,
    address: &Address,
    on_push: impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
) -> Result<MultiplexedConnection, RedisError> {
    let mut connection = open(settings, address, on_push).await?;
    check(&mut connection, settings, address).await?;
    load(&mut connection, address).await?;
    Ok(connection)
}

/// A connection as the settings' user.
pub(super) async fn open(
    settings: &RedisSettings,
    address: &Address,
    on_push: impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
) -> Result<MultiplexedConnection, RedisError> {
    let scheme = if address.tls { "rediss" } else { "redis" };
    let info = format!("{scheme}://placeholder").into_connection_info();
    let info = info.map_err(|error| RedisError::unreachable(address, &error))?;
    let addr = match info.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host: address.host.clone(), port: address.port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(address.host.clone(), address.port),
    };
    let mut redis = info.redis_settings().clone();
    if let Some(user) = &settings.user {
        redis = redis.set_username(user);
    }
    if let Some(password) = &settings.password {
        redis = redis.set_password(password);
    }
    dial(settings, address, info.set_addr(addr).set_redis_settings(redis), on_push).await
}

/// As `open`, with the user and password that `info` has.
pub(super) async fn dial(
    settings: &RedisSettings,
    address: &Address,
    info: ConnectionInfo,
    on_push: impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
) -> Result<MultiplexedConnection, RedisError> {
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(redis);
    let client = match (&settings.ca, address.tls) {
        (Some(path), true) => {
            let pem = std::fs::read(path).map_err(|error| RedisError::Settings {
                reason: format!("{}, the authority for Redis, cannot be read: {error}", path.display()),
            })?;
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem) })
        }
        _ => Client::open(info),
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN))
        .set_push_sender(on_push);
    let client = client.map_err(|error| RedisError::unreachable(address, &error))?;
    let dialled = client.get_multiplexed_async_connection_with_config(&config).await;
    dialled.map_err(|error| refused_connection(address, &error))
}

/// The answer, or the error that the server answered with.
pub(super) async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> redis::RedisResult<Value> {
    match connection.send_packed_command(command).await? {
        Value::ServerError(error) => Err(error.into()),
        value => Ok(value),
    }
}

/// Loads what is not there. A library that is there under this name has this text: its name says so.
pub(super) async fn load(
    connection: &mut MultiplexedConnection,
    address: &Address,
) -> Result<(), RedisError> {
    for library in LIBRARIES.iter() {
        let loaded = ask(connection, cmd("FUNCTION").arg("LOAD").arg(&library.text)).await;
        match loaded {
            Ok(_) => {}
            Err(error) if error.detail().is_some_and(|detail| detail.contains("already exists")) => {}
            Err(error) => return Err(may_not(address, "load functions (FUNCTION LOAD)", &error)),
        }
    }
    Ok(())
}

async fn check(
    connection: &mut MultiplexedConnection,
    settings: &RedisSettings,
    address: &Address,
) -> Result<(), RedisError> {
    let info = ask(connection, cmd("INFO").arg("server")).await;
    let info = info.and_then(|value| Ok(from_redis_value::<String>(value)?));
    let info = info.map_err(|error| may_not(address, "read the server's version (INFO)", &error))?;
    let field = |name| field(&info, name);
    let version = field("redis_version");
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Err(RedisError::TooOld { address: address.to_string(), version: version.to_owned() });
    }
    let expected = match settings.mode {
        RedisMode::Cluster => "cluster",
        RedisMode::Single | RedisMode::Sentinel { .. } => "standalone",
    };
    if field("redis_mode") != expected {
        return Err(RedisError::WrongMode {
            address: address.to_string(),
            is: field("redis_mode").to_owned(),
        });
    }
    let role = ask(connection, &cmd("ROLE")).await;
    let role = role.map_err(|error| may_not(address, "read the server's role (ROLE)", &error))?;
    match role {
        Value::Array(parts) if parts.first().is_some_and(is_master) => Ok(()),
        _ => Err(RedisError::Replica { address: address.to_string() }),
    }
}

/// Of an answer to INFO; nothing where it is not in it.
pub(super) fn field<'i>(info: &'i str, name: &str) -> &'i str {
    let values = info.lines().filter_map(|line| line.split_once(':'));
    values.filter(|(of, _)| *of == name).map(|(_, value)| value.trim()).next().unwrap_or_default()
}

fn is_master(role: &Value) -> bool {
    matches!(role, Value::BulkString(name) if name == b"master")
}

fn refused_connection(address: &Address, error: &redis::RedisError) -> RedisError {
    let reason = error.to_string();
    if reason.contains("unknown command") && reason.contains("HELLO") {
        return RedisError::TooOld { address: address.to_string(), version: "5 or older".into() };
    }
    let not_let_in = error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    if not_let_in {
        return RedisError::NotLetIn { address: address.to_string(), reason };
    }
    RedisError::unreachable(address, &reason)
}

fn may_not(address: &Address, what: &str, error: &redis::RedisError) -> RedisError {
    if error.code() == Some("NOPERM") {
        return RedisError::MayNot { address: address.to_string(), what: what.to_owned() };
    }
    if error.is_io_error() || error.is_timeout() {
        return RedisError::unreachable(address, error);
    }
    RedisError::Refused { reason: error.to_string() }
}
