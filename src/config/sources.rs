//! Default, then file, then environment, then flags: later sources replace keys of earlier ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::origin::{is_secret, may_hold_secret};
use super::{
    Config, ConfigError, Effective, JwksConfig, NodeConfig, Origin, PostgresConfig, ProviderConfig,
    RedisConfig, RedisMode, TlsConfig,
};

const PREFIX: &str = "APRICOT_";
/// A configuration with every key is 4 KiB.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// What stands for a value that is not shown.
const HIDDEN: &str = "…";

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub listen: Option<std::net::SocketAddr>,
}

struct Layers {
    /// Every key with a value of its type.
    known: BTreeMap<String, Value>,
    table: Table,
    origins: BTreeMap<String, Origin>,
}

/// `environment` is handed in so that tests need not change the process's.
pub fn load(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Effective, ConfigError> {
    let mut layers = Layers::new();
    let variables = layers.variables(environment)?;
    if let Some(path) = &flags.config {
        layers.file(path)?;
    } else {
        let data = flags.data.clone().or_else(|| {
            let named = variables.iter().find(|(key, ..)| key == "data");
            named.and_then(|(_, value, _)| value.as_str().map(PathBuf::from))
        });
        let path = data.unwrap_or_else(|| Config::default().data).join("apricot.toml");
        if path.exists() {
            layers.file(&path)?;
        }
    }
    for (key, value, name) in variables {
        layers.set(&key, value, Origin::Environment(name));
    }
    if let Some(data) = &flags.data {
        layers.set("data", Value::from(data.display().to_string()), Origin::Flag("--data"));
    }
    if let Some(listen) = flags.listen {
        layers.set("listen", Value::from(listen.to_string()), Origin::Flag("--listen"));
    }
    layers.finish()
}

impl Layers {
    fn new() -> Self {
        let table = Table::try_from(Config::default()).expect("the default configuration is TOML");
        let mut known = BTreeMap::new();
        flatten("", &Table::try_from(complete()).expect("a configuration is TOML"), &mut |key, value| {
            known.insert(key, value.clone());
        });
        Self { known, table, origins: BTreeMap::new() }
    }

    fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let table = read(path)?;
        let origin = Origin::File(path.to_owned());
        let mut entries = Vec::new();
        flatten("", &table, &mut |key, value| entries.push((key, value.clone())));
        for (key, value) in entries {
            if !self.is_known(&key) {
                let nearest = self.nearest(&key);
                return Err(ConfigError::Unknown { key, origin, nearest });
            }
            self.set(&key, value, origin.clone());
        }
        Ok(())
    }

    /// `APRICOT_SALE__HOLD_SECONDS` is `sale.hold_seconds`.
    fn variables(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<(String, Value, String)>, ConfigError> {
        let mut found = Vec::new();
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if cfg!(feature = "sabotage") && rest == "SABOTAGE" {
                continue;
            }
            let key = rest.to_ascii_lowercase().replace("__", ".");
            if !self.is_known(&key) {
                return Err(ConfigError::UnknownVariable { nearest: variable(&self.nearest(&key)), name });
            }
            let value = self.typed(&key, &text).map_err(|reason| ConfigError::Shape {
                key: key.clone(),
                origin: Origin::Environment(name.clone()),
                reason,
            })?;
            found.push((key, value, name));
        }
        Ok(found)
    }

    /// Text where the default is text, otherwise a TOML value.
    fn typed(&self, key: &str, text: &str) -> Result<Value, String> {
        match self.known.get(key) {
            Some(Value::String(_)) => Ok(Value::from(text)),
            Some(_) | None => text.parse::<Value>().map_err(|_| match may_hold_secret(key) {
                true => "its text is not a TOML value".to_owned(),
                false => format!("{text:?} is not a TOML value"),
            }),
        }
    }

    fn is_known(&self, key: &str) -> bool {
        let category =
            key.strip_prefix("commission.").is_some_and(|name| !name.is_empty() && !name.contains('.'));
        category || self.known.contains_key(key)
    }

    fn nearest(&self, key: &str) -> String {
        let by_distance = self.known.keys().min_by_key(|known| strsim::damerau_levenshtein(key, known));
        by_distance.cloned().unwrap_or_default()
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) {
        match key.split_once('.') {
            None => {
                self.table.insert(key.to_owned(), value);
            }
            Some((section, name)) => {
                let section = self.table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                if let Some(section) = section.as_table_mut() {
                    section.insert(name.to_owned(), value);
                }
            }
        }
        self.origins.insert(key.to_owned(), origin);
    }

    fn finish(self) -> Result<Effective, ConfigError> {
        let Self { mut table, origins, .. } = self;
        let config: Config =
            serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
                let path = error.path().to_string();
                // Elements of a list belong to the list's key.
                let key = path.split('[').next().unwrap_or_default().trim_end_matches('.').to_owned();
                let origin = origins.get(&key).or_else(|| origin_within(&origins, &key));
                let origin = origin.cloned().unwrap_or(Origin::Default);
                let reason = error.into_inner().to_string().replace('\n', " ");
                let reason = without_value(&key, reason.trim());
                ConfigError::Shape { key, origin, reason }
            })?;
        hide_secrets(&mut table);
        let effective = Effective { config, table, origins };
        effective.config.check().map_err(|(key, bound)| {
            let value = lookup(&effective.table, &key).filter(|_| !may_hold_secret(&key));
            let value = value.map_or_else(|| HIDDEN.to_owned(), ToString::to_string);
            ConfigError::OutOfBound { origin: effective.origin(&key), key, value, bound }
        })?;
        let origin = |section| origin_within(&effective.origins, section).cloned().unwrap_or(Origin::Default);
        match (&effective.config.postgres, &effective.config.redis) {
            (Some(_), None) => Err(ConfigError::GateMissing { origin: origin("postgres") }),
            (None, Some(_)) => Err(ConfigError::RecordMissing { origin: origin("redis") }),
            (Some(_), Some(_)) | (None, None) => Ok(effective),
        }
    }
}

/// Also what is not there by default. The values are never used; their types are.
fn complete() -> Config {
    let text = || Some(String::new());
    let path = || Some(PathBuf::new());
    Config {
        node: NodeConfig { name: text(), keys: path() },
        provider: ProviderConfig { url: text(), ..ProviderConfig::default() },
        postgres: Some(PostgresConfig {
            url: String::new(),
            password: Some("".into()),
            password_file: path(),
            connections: 1,
            ca: path(),
        }),
        redis: Some(RedisConfig {
            mode: RedisMode::Single,
            urls: Vec::new(),
            master: text(),
            user: text(),
            password: Some("".into()),
            password_file: path(),
            ca: path(),
        }),
        tls: Some(TlsConfig { certificate: PathBuf::new(), key: PathBuf::new() }),
        jwks: Some(JwksConfig { source: String::new(), issuer: String::new(), audience: String::new() }),
        ..Config::default()
    }
}

/// Of `invalid type: string "redis://:word@host", expected a sequence` the end.
fn without_value(key: &str, reason: &str) -> String {
    match reason.rsplit_once(", expected ") {
        Some((_, expected)) if may_hold_secret(key) => format!("another type of value, expected {expected}"),
        Some(_) | None => reason.to_owned(),
    }
}

fn hide_secrets(table: &mut Table) {
    for (section, value) in table.iter_mut() {
        for (name, value) in value.as_table_mut().into_iter().flatten() {
            if is_secret(&format!("{section}.{name}")) {
                *value = Value::from(HIDDEN);
            }
        }
    }
}

/// Of a section that lacks a key: where one of its other keys came from.
fn origin_within<'o>(origins: &'o BTreeMap<String, Origin>, section: &str) -> Option<&'o Origin> {
    let inside = |key: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
    origins.iter().find(|(key, _)| inside(key)).map(|(_, origin)| origin)
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let unreadable = |reason| ConfigError::Unreadable { path: path.to_owned(), reason };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(std::io::Error::other(format!("{size} bytes, more than {FILE_BYTES_MAX}"))));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    text.parse::<Table>().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        ConfigError::NotToml { path: path.to_owned(), line, reason: error.message().replace('\n', " ") }
    })
}

/// Calls `each` with the dotted name of every value that is not a table.
fn flatten(prefix: &str, table: &Table, each: &mut impl FnMut(String, &Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, each),
            plain => each(key, plain),
        }
    }
}

fn lookup<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, name)) => table.get(section)?.get(name),
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}
