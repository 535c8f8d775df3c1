//! The keys that sign the public log, in the folder of secrets: `log-….seed` files, 32 bytes in base64 each. Every one of them signs; docs/log.md
//! says how a key is exchanged.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key_folder::{KeyError, KeyFolder};
use crate::clock::random_bytes;
use crate::model::Timestamp;

const EXTENSION: &str = "seed";

/// The newest first; makes the first one.
pub fn seeds(folder: &Path, now: Timestamp) -> Result<Vec<[u8; 32]>, KeyError> {
    let folder = KeyFolder::open(folder)?;
    if folder.names(EXTENSION)?.is_empty() {
        // Unless another node was quicker.
        folder.alone(|| if folder.names(EXTENSION)?.is_empty() { make(&folder, now) } else { Ok(()) })?;
    }
    let read = |name: String| {
        let text = folder.read(&name)?;
        let seed = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        seed.ok_or_else(|| folder.bad(&name, "not 32 bytes in base64"))
    };
    folder.names(EXTENSION)?.into_iter().rev().map(read).collect()
}

fn make(folder: &KeyFolder, now: Timestamp) -> Result<(), KeyError> {
    let seed = STANDARD.encode(random_bytes::<32>());
    folder.write(&format!("log-{:016}.{EXTENSION}", now.millis()), &seed)
}
