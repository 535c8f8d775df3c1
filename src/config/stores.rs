//! `[postgres]` and `[redis]`: the record and the gate that many nodes share.

use std::path::PathBuf;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Secret, secret};

/// A node asks few things at a time: its writer one, readers the others.
const CONNECTIONS: u32 = 8;
/// PostgreSQL itself takes 100 by default, of all nodes together.
pub const CONNECTIONS_MAX: u32 = 200;
/// Any one of them names the others; more than these are not tried.
const CLUSTER_URLS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Without a password.
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    #[serde(default = "connections")]
    pub connections: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    #[serde(default)]
    pub mode: RedisMode,
    /// Without user and password: of the server, of some of the cluster's nodes, or of the sentinels.
    pub urls: Vec<String>,
    /// What the sentinels call the primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisMode {
    #[default]
    Single,
    Cluster,
    Sentinel,
}

/// The key that is wrong, and what it must be.
type OutOfBound = (String, String);

impl PostgresConfig {
    /// Of the variable, the file, or none. Read when it is used, so that a rotation needs a restart and no change of the configuration.
    pub fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        secret::read("postgres", self.password.as_ref(), self.password_file.as_deref())
    }

    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        let bound = |key: &str, bound: &str| Err((format!("postgres.{key}"), bound.to_owned()));
        if !(1..=CONNECTIONS_MAX).contains(&self.connections) {
            return bound("connections", &format!("1..={CONNECTIONS_MAX}"));
        }
        let known_scheme = ["postgresql://", "postgres://"].iter().any(|it| self.url.starts_with(it));
        let parsed = self.url.parse::<tokio_postgres::Config>().ok().filter(|_| known_scheme);
        match parsed {
            Some(parsed) if parsed.get_password().is_some() => bound("url", WITHOUT_PASSWORD),
            Some(parsed) if !parsed.get_hosts().is_empty() => {
                check_secret("postgres", &self.password, &self.password_file)
            }
            Some(_) | None => bound("url", "postgresql://user@host:port/database"),
        }
    }
}

const WITHOUT_PASSWORD: &str =
    "without a password, which would be printed in errors; give it in the environment or by password_file";

impl RedisConfig {
    /// Of the variable, the file, or none.
    pub fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        secret::read("redis", self.password.as_ref(), self.password_file.as_deref())
    }

    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        let bound = |key: &str, bound: &str| Err((format!("redis.{key}"), bound.to_owned()));
        let (count, wanted) = match self.mode {
            RedisMode::Single => (1..=1, "one address, since mode is \"single\""),
            RedisMode::Cluster => (1..=CLUSTER_URLS_MAX, "1..=64 addresses of the cluster's nodes"),
            RedisMode::Sentinel => (1..=CLUSTER_URLS_MAX, "1..=64 addresses of sentinels"),
        };
        if !count.contains(&self.urls.len()) {
            return bound("urls", wanted);
        }
        for url in &self.urls {
            self.check_url(url)?;
        }
        let schemes: Vec<bool> = self.urls.iter().map(|url| url.starts_with("rediss:")).collect();
        if schemes.iter().any(|tls| Some(tls) != schemes.first()) {
            return bound("urls", "all redis:// or all rediss://");
        }
        let named = |text: &Option<String>| text.as_ref().is_some_and(|text| (1..=128).contains(&text.len()));
        if (self.mode == RedisMode::Sentinel) != self.master.is_some() {
            return bound(
                "master",
                "the name that the sentinels give the primary, with mode \"sentinel\" and no other",
            );
        }
        if self.master.is_some() && !named(&self.master) {
            return bound("master", "1..=128 bytes");
        }
        if self.user.is_some() && !named(&self.user) {
            return bound("user", "1..=128 bytes");
        }
        check_secret("redis", &self.password, &self.password_file)
    }

    fn check_url(&self, url: &str) -> Result<(), OutOfBound> {
        let bound = |bound: &str| Err(("redis.urls".to_owned(), bound.to_owned()));
        let Ok(parsed) = Url::parse(url) else { return bound(REDIS_URL) };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return bound(
                "without user and password, which would be printed in errors; give them as redis.user and redis.password",
            );
        }
        let plain = parsed.has_host() && parsed.query().is_none() && parsed.fragment().is_none();
        if !matches!(parsed.scheme(), "redis" | "rediss") || !plain {
            return bound(REDIS_URL);
        }
        let database = parsed.path().trim_start_matches('/');
        match self.mode {
            _ if database.is_empty() => Ok(()),
            RedisMode::Single | RedisMode::Sentinel if database.parse::<u8>().is_ok() => Ok(()),
            RedisMode::Single | RedisMode::Sentinel => bound(REDIS_URL),
            RedisMode::Cluster => bound("without a database: a Redis Cluster has but one"),
        }
    }
}

const REDIS_URL: &str = "redis://host:port or, with TLS, rediss://host:port";

fn check_secret(section: &str, password: &Option<Secret>, file: &Option<PathBuf>) -> Result<(), OutOfBound> {
    match (password, file) {
        (Some(_), Some(_)) => {
            Err((format!("{section}.password_file"), format!("left out when {section}.password is given")))
        }
        (Some(password), None) if password.expose().is_empty() => {
            Err((format!("{section}.password"), "left out, or not empty".into()))
        }
        (Some(_), None) | (None, _) => Ok(()),
    }
}

fn connections() -> u32 {
    CONNECTIONS
}
