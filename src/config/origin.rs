//! Where each value of the configuration came from, and how `apricot config` prints it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::{Table, Value};

use super::{Config, one_line};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(&'static str),
}

/// Keys whose values are never shown.
const SECRETS: [&str; 2] = ["postgres.password", "redis.password"];
/// Keys whose values are not repeated in errors: people put passwords into addresses.
const ADDRESSES: [&str; 4] = ["postgres.url", "redis.urls", "provider.url", "jwks.source"];

/// The configuration in effect. Its `table` holds no secrets, and the keys that sign are never part of it: they are files in `data/keys`.
#[derive(Clone, Debug)]
pub struct Effective {
    pub config: Config,
    pub(super) table: Table,
    pub(super) origins: BTreeMap<String, Origin>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(&one_line(&path.display().to_string())),
            Self::Environment(name) => write!(f, "environment {}", one_line(name)),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// TOML that can be used as a configuration file again.
impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tables, plain): (Vec<_>, Vec<_>) = self.table.iter().partition(|(_, value)| value.is_table());
        for (key, value) in plain {
            self.line(f, key, key, value)?;
        }
        for (section, value) in tables {
            writeln!(f, "\n[{section}]")?;
            for (key, value) in value.as_table().into_iter().flatten() {
                self.line(f, key, &format!("{section}.{key}"), value)?;
            }
        }
        Ok(())
    }
}

pub(super) fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

pub(super) fn may_hold_secret(key: &str) -> bool {
    is_secret(key) || ADDRESSES.contains(&key)
}

impl Effective {
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, name: &str, key: &str, value: &Value) -> fmt::Result {
        if is_secret(key) {
            return writeln!(f, "#{name} = {value} # {}", self.origin(key));
        }
        let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let name = if bare { name.to_owned() } else { Value::from(name).to_string() };
        writeln!(f, "{name} = {value} # {}", self.origin(key))
    }
}
