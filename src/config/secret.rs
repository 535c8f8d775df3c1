//! Text that is never shown: not by `Debug`, not by `apricot config`, not in errors.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

use super::ConfigError;

/// Longer is no password.
const FILE_BYTES_MAX: u64 = 4_096;

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// For the connection that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("…")
    }
}

/// What was given, or what the file holds, without the line break that editors add.
pub(super) fn read(
    section: &str,
    given: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, ConfigError> {
    let Some(path) = file else { return Ok(given.cloned()) };
    let failed = |reason: String| ConfigError::SecretFile {
        key: format!("{section}.password_file"),
        path: path.to_owned(),
        reason,
    };
    let mut text = String::new();
    let opened = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    let bytes = opened.map_err(|error| failed(error.to_string()))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() || bytes as u64 > FILE_BYTES_MAX {
        return Err(failed(format!("{bytes} bytes, not a password of 1..={FILE_BYTES_MAX}")));
    }
    Ok(Some(text.into()))
}
