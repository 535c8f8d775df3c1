//! Where Redis is, and as whom to go there.

use std::fmt;
use std::path::PathBuf;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use super::RedisError;

#[derive(Clone, Default)]
pub struct RedisSettings {
    pub mode: RedisMode,
    /// `redis://host:port`, or `rediss://` for TLS. One for a single server; some of the nodes for a cluster; the sentinels for sentinel.
    pub urls: Vec<String>,
    /// The ACL user; without one it is Redis' own `default`. Sentinels are asked as the user and password of their URLs.
    pub user: Option<String>,
    pub password: Option<String>,
    /// PEM file of the authority that signed the servers' certificates. Without it, the system's authorities are trusted.
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RedisMode {
    #[default]
    Single,
    Cluster,
    /// The name of the primary that the sentinels watch.
    Sentinel {
        master: String,
    },
}

/// A server, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    pub host: String,
    pub port: u16,
    pub tls: bool,
}

impl RedisSettings {
    /// As the URLs have it, with the user and password of each.
    pub(super) fn seeds(&self) -> Result<Vec<(Address, ConnectionInfo)>, RedisError> {
        let seeds: Result<Vec<_>, _> = self.urls.iter().map(|url| seed(url)).collect();
        let seeds = seeds?;
        match (&self.mode, seeds.len()) {
            (_, 0) => Err(RedisError::Settings { reason: "there is no URL of a Redis server".into() }),
            (RedisMode::Single, 2..) => Err(RedisError::Settings {
                reason: "a single server has one URL; several are for `cluster` or `sentinel`".into(),
            }),
            _ => Ok(seeds),
        }
    }
}

fn seed(url: &str) -> Result<(Address, ConnectionInfo), RedisError> {
    // The URL may carry a password: it is not repeated.
    let unreadable = |reason: &str| RedisError::Settings {
        reason: format!(
            "a URL of Redis cannot be read ({reason}); it looks like redis://host:6379 or rediss://host:6379"
        ),
    };
    let info = url.into_connection_info().map_err(|error| unreadable(error.category()))?;
    let address = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Address { host: host.clone(), port: *port, tls: false },
        ConnectionAddr::TcpTls { host, port, .. } => Address { host: host.clone(), port: *port, tls: true },
        _ => return Err(unreadable("neither redis:// nor rediss://")),
    };
    Ok((address, info))
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, urls, user, password, ca } = self;
        let addresses: Vec<String> = urls
            .iter()
            .map(|url| seed(url).map_or_else(|_| "unreadable".into(), |(address, _)| address.to_string()))
            .collect();
        f.debug_struct("RedisSettings")
            .field("mode", mode)
            .field("urls", &addresses)
            .field("user", user)
            .field("password", &password.as_ref().map(|_| "hidden"))
            .field("ca", ca)
            .finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
