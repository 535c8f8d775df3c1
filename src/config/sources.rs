//! Default, then file, then environment, then flags: later sources replace keys of earlier ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, ConfigError, Effective, Origin};

const PREFIX: &str = "APRICOT_";
/// A configuration with every key is 4 KiB.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Keys that have no default and are therefore not in the default table.
const WITHOUT_DEFAULT: [&str; 5] =
    ["tls.certificate", "tls.key", "jwks.source", "jwks.issuer", "jwks.audience"];

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub listen: Option<std::net::SocketAddr>,
}

struct Layers {
    known: BTreeMap<String, Option<Value>>,
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
        flatten("", &table, &mut |key, value| {
            known.insert(key, Some(value.clone()));
        });
        known.extend(WITHOUT_DEFAULT.map(|key| (key.to_owned(), None)));
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
            Some(None | Some(Value::String(_))) => Ok(Value::from(text)),
            Some(Some(_)) | None => {
                text.parse::<Value>().map_err(|_| format!("{text:?} is not a TOML value"))
            }
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
        let Self { table, origins, .. } = self;
        let config: Config =
            serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
                let path = error.path().to_string();
                // Elements of a list belong to the list's key.
                let key = path.split('[').next().unwrap_or_default().trim_end_matches('.').to_owned();
                let origin = origins.get(&key).or_else(|| origin_within(&origins, &key));
                let origin = origin.cloned().unwrap_or(Origin::Default);
                let reason = error.into_inner().to_string().replace('\n', " ");
                ConfigError::Shape { key, origin, reason: reason.trim().to_owned() }
            })?;
        let effective = Effective { config, table, origins };
        effective.config.check().map_err(|(key, bound)| {
            let value = lookup(&effective.table, &key).map(ToString::to_string).unwrap_or_default();
            ConfigError::OutOfBound { origin: effective.origin(&key), key, value, bound }
        })?;
        Ok(effective)
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
