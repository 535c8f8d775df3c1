//! What can be configured: few keys, each with its unit, its bound and its reason in `config/default.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Share;
use crate::room::Limits;

mod node;
mod origin;
mod secret;
mod sources;
mod stores;
mod witness;

pub use node::NodeConfig;
pub use origin::{Effective, Origin};
pub use secret::Secret;
pub use sources::{Flags, load};
pub use stores::{PostgresConfig, RedisConfig, RedisMode};
pub use witness::WitnessAddress;

pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub listen: SocketAddr,
    pub data: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    pub allowed_origins: Vec<String>,
    pub drain_seconds: u64,
    pub node: NodeConfig,
    pub log: LogConfig,
    pub limits: Limits,
    pub sale: SaleConfig,
    /// Parts per million by category; "other" is for those not named.
    pub commission: BTreeMap<String, u32>,
    pub provider: ProviderConfig,
    pub public_log: PublicLogConfig,
    /// With `redis` or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwksConfig>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaleConfig {
    pub hold_seconds: u64,
    pub waiting_list_max: u32,
    pub offer_seconds: u64,
    pub auto_confirm_days: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// Of `apricot sandbox`. Absent: the provider lives in this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub delay_ms: u32,
    pub duplicate_ppm: u32,
    pub reorder_ppm: u32,
    pub lost_ppm: u32,
    pub slow_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublicLogConfig {
    /// Absent: made of the record's id at the first start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    pub tally_seconds: u64,
    /// "KEY URL" each.
    pub witnesses: Vec<String>,
}

/// Files in PEM. The key itself is never part of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwksConfig {
    pub source: String,
    pub issuer: String,
    pub audience: String,
}

/// One line: which key, what is wrong with it, what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: {reason}; check the path given by --config", path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error("{}: line {line}: {}; correct the line", path.display(), one_line(reason))]
    NotToml { path: PathBuf, line: usize, reason: String },
    #[error(
        "{} (from {origin}) is not a key; did you mean {nearest}? `apricot config` lists all keys",
        one_line(key)
    )]
    Unknown { key: String, origin: Origin, nearest: String },
    #[error(
        "{} in the environment is not a key; did you mean {nearest}? Unset it or correct the name",
        one_line(name)
    )]
    UnknownVariable { name: String, nearest: String },
    #[error(
        "{} = {} (from {origin}) must be {}; correct it there",
        one_line(key),
        one_line(value),
        one_line(bound)
    )]
    OutOfBound { key: String, value: String, origin: Origin, bound: String },
    #[error("{} (from {origin}): {}; config/default.toml shows the shape", one_line(key), one_line(reason))]
    Shape { key: String, origin: Origin, reason: String },
    #[error(
        "[postgres] (from {origin}) is given without [redis]: nodes that share a record must share the gate, or each would hold the \
         whole stock; add [redis], or take [postgres] away"
    )]
    GateMissing { origin: Origin },
    #[error(
        "[redis] (from {origin}) is given without [postgres]: what Redis grants counts only in a record that all nodes share; add \
         [postgres], or take [redis] away"
    )]
    RecordMissing { origin: Origin },
    #[error("{}: {}; correct the file, or the path in {key}", one_line(&path.display().to_string()), one_line(reason))]
    SecretFile { key: String, path: PathBuf, reason: String },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: "data".into(),
            public_url: None,
            allowed_origins: Vec::new(),
            drain_seconds: 10,
            node: NodeConfig::default(),
            log: LogConfig::default(),
            limits: Limits::default(),
            sale: SaleConfig::default(),
            commission: [("farm".into(), 0), ("other".into(), 50_000)].into(),
            provider: ProviderConfig::default(),
            public_log: PublicLogConfig::default(),
            postgres: None,
            redis: None,
            tls: None,
            jwks: None,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into() }
    }
}

impl Default for SaleConfig {
    fn default() -> Self {
        Self { hold_seconds: 120, waiting_list_max: 500, offer_seconds: 60, auto_confirm_days: 10 }
    }
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self { url: None, delay_ms: 300, duplicate_ppm: 0, reorder_ppm: 0, lost_ppm: 0, slow_ms: 0 }
    }
}

impl Default for PublicLogConfig {
    fn default() -> Self {
        Self { origin: None, tally_seconds: 60, witnesses: Vec::new() }
    }
}

impl Config {
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// The folder of secrets, which all nodes of one Apricot share.
    pub fn keys(&self) -> PathBuf {
        self.node.keys.clone().unwrap_or_else(|| self.data.join("keys"))
    }

    /// The key that is out of its bound, and the bound.
    fn check(&self) -> Result<(), (String, String)> {
        let Self { limits, sale, provider, .. } = self;
        let ppm = u64::from(Share::WHOLE_PPM);
        let numbers = [
            ("drain_seconds", self.drain_seconds, 0..=3_600),
            ("limits.messages_per_10_s", limits.messages_per_10_s.into(), 1..=100_000),
            ("limits.lines_per_5_s", limits.lines_per_5_s.into(), 1..=100_000),
            ("limits.readable_lines_per_s", limits.readable_lines_per_s.into(), 1..=100_000),
            ("limits.orders_per_10_s", limits.orders_per_10_s.into(), 1..=100_000),
            ("limits.connections_per_person", limits.connections_per_person.into(), 1..=100_000),
            ("limits.viewers_per_room", limits.viewers_per_room.into(), 1..=1_000_000),
            ("limits.viewers_per_node", limits.viewers_per_node.into(), 1..=1_000_000),
            ("sale.hold_seconds", sale.hold_seconds, 10..=3_600),
            ("sale.waiting_list_max", sale.waiting_list_max.into(), 0..=100_000),
            ("sale.offer_seconds", sale.offer_seconds, 10..=3_600),
            ("sale.auto_confirm_days", sale.auto_confirm_days, 1..=60),
            ("provider.delay_ms", provider.delay_ms.into(), 0..=600_000),
            ("provider.duplicate_ppm", provider.duplicate_ppm.into(), 0..=ppm),
            ("provider.reorder_ppm", provider.reorder_ppm.into(), 0..=ppm),
            ("provider.lost_ppm", provider.lost_ppm.into(), 0..=ppm),
            ("provider.slow_ms", provider.slow_ms.into(), 0..=600_000),
            ("public_log.tally_seconds", self.public_log.tally_seconds, 1..=86_400),
        ];
        for (key, value, bound) in numbers {
            if !bound.contains(&value) {
                return Err((key.into(), format!("{}..={}", bound.start(), bound.end())));
            }
        }
        self.node.check()?;
        self.postgres.as_ref().map_or(Ok(()), PostgresConfig::check)?;
        self.redis.as_ref().map_or(Ok(()), RedisConfig::check)?;
        self.provider.check_url()?;
        self.check_texts()?;
        self.check_commission()
    }

    fn check_commission(&self) -> Result<(), (String, String)> {
        for (category, rate) in &self.commission {
            if *rate > Share::WHOLE_PPM {
                return Err((format!("commission.{category}"), format!("0..={}", Share::WHOLE_PPM)));
            }
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), (String, String)> {
        for origin in &self.allowed_origins {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['/', '@', '*'])) {
                return Err((
                    "allowed_origins".into(),
                    "a list of https://host or http://host:port without a path".into(),
                ));
            }
        }
        if let Some(url) = &self.public_url {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let host = host.map(|host| host.strip_suffix('/').unwrap_or(host));
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
            if host.is_none_or(|host| !(1..=255).contains(&host.len()) || !host.bytes().all(fits)) {
                return Err(("public_url".into(), "https://host or http://host:port without a path".into()));
            }
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.filter) {
            return Err((
                "log.filter".into(),
                format!("a filter such as \"info\" or \"apricot=debug\" ({error})"),
            ));
        }
        for (key, path) in
            self.tls.iter().flat_map(|tls| [("certificate", &tls.certificate), ("key", &tls.key)])
        {
            if path.as_os_str().is_empty() {
                return Err((format!("tls.{key}"), "a file in PEM".into()));
            }
        }
        if let Some(origin) = &self.public_log.origin
            && (origin.len() > 200 || !apricot_tlog::note::key_name_fits(origin))
        {
            return Err((
                "public_log.origin".into(),
                "the log's address without https://, such as \"shop.example/log\": at most 200 bytes without spaces and +".into(),
            ));
        }
        if self.public_log.witnesses.iter().any(|text| WitnessAddress::parse(text).is_none()) {
            return Err((
                "public_log.witnesses".into(),
                "a list of \"KEY URL\": a witness's verifier key, a space, and an address that begins with http:// or https://".into(),
            ));
        }
        let Some(jwks) = &self.jwks else { return Ok(()) };
        if jwks.source.starts_with("https://") {
            return Err((
                "jwks.source".into(),
                "a file or an http:// address, since there is no TLS client for it".into(),
            ));
        }
        // The address is printed by `apricot config` and in errors.
        if jwks.source.is_empty() || jwks.source.contains('@') {
            return Err((
                "jwks.source".into(),
                "a file or an http:// address without a user name or password".into(),
            ));
        }
        for (key, value) in [("jwks.issuer", &jwks.issuer), ("jwks.audience", &jwks.audience)] {
            if value.is_empty() {
                return Err((key.into(), "given, so that a token for another service is not taken".into()));
            }
        }
        Ok(())
    }
}

impl ProviderConfig {
    fn check_url(&self) -> Result<(), (String, String)> {
        let Some(url) = &self.url else { return Ok(()) };
        let plain = |url: reqwest::Url| {
            let bare = url.username().is_empty() && url.password().is_none();
            url.scheme() == "http"
                && bare
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        };
        match reqwest::Url::parse(url) {
            Ok(url) if plain(url.clone()) => Ok(()),
            Ok(_) | Err(_) => Err((
                "provider.url".into(),
                "an http:// address without user, password and path; there is no TLS client for it".into(),
            )),
        }
    }
}

/// Names and values may hold line breaks, and a terminal obeys other control characters.
fn one_line(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests;
