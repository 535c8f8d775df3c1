//! The folder of secrets, `data/keys` or what `node.keys` names: made for its owner alone, and refused when others can read it. Several nodes
//! may share it and start at once: the first makes what is missing, the others wait and find it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use standardwebhooks::Webhook;

use crate::clock::random_bytes;
use crate::model::Timestamp;

/// A PEM of an Ed25519 key is about 200 bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024;

#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}: {reason}; make the folder of the keys writable for this user, or choose another with --data or node.keys", path.display())]
    Folder { path: PathBuf, reason: io::Error },
    #[error("{} can be read by others; run `chmod {} {}`", path.display(), mode, path.display())]
    Open { path: PathBuf, mode: &'static str },
    #[error("{}: {reason}; move the file away and start again, or restore it from a backup", path.display())]
    Bad { path: PathBuf, reason: String },
    #[error("the key cannot sign: {reason}; run `apricot token --rotate`")]
    Unusable { reason: String },
}

impl KeyFolder {
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let folder = Self(path.to_owned());
        folder.make().map_err(|reason| KeyError::Folder { path: folder.0.clone(), reason })?;
        folder.private(&folder.0, "700")?;
        Ok(folder)
    }

    /// Names ending in `.extension`, oldest first: a name begins with what it is for and when it was made.
    pub fn names(&self, extension: &str) -> Result<Vec<String>, KeyError> {
        let failed = |reason| KeyError::Folder { path: self.0.clone(), reason };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) =
                name.to_str().filter(|name| Path::new(name).extension().is_some_and(|e| e == extension))
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub fn read(&self, name: &str) -> Result<String, KeyError> {
        let path = self.0.join(name);
        self.private(&path, "600")?;
        let bad = |reason: io::Error| KeyError::Bad { path: path.clone(), reason: reason.to_string() };
        let mut text = String::new();
        File::open(&path).map_err(bad)?.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(bad)?;
        Ok(text)
    }

    /// Nobody else makes a key while `make` looks and writes. Waits; locks of a process end with it.
    pub fn alone<T>(&self, make: impl FnOnce() -> Result<T, KeyError>) -> Result<T, KeyError> {
        let failed = |reason| KeyError::Folder { path: self.0.clone(), reason };
        let lock = self.lock_file().map_err(failed)?;
        lock.lock().map_err(failed)?;
        make()
    }

    /// Whole or not at all, also through a crash. Only inside of `alone` when the folder is shared.
    pub fn write(&self, name: &str, text: &str) -> Result<(), KeyError> {
        let path = self.0.join(name);
        let unfinished = self.0.join(format!("{name}.unfinished"));
        let failed = |reason| KeyError::Folder { path: path.clone(), reason };
        let mut file = owner_only().open(&unfinished).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&unfinished, &path).map_err(failed)
    }

    /// Secrets that are shared with another program, oldest first, each in a file `kind-….extension`; makes the first. `whsec_` and 24..=64 bytes in
    /// base64, as Standard Webhooks writes them.
    pub fn secrets(&self, kind: &str, extension: &str, now: Timestamp) -> Result<Vec<String>, KeyError> {
        let missing = || self.names(extension).map(|names| names.is_empty());
        let first = || {
            let text = format!("whsec_{}", STANDARD.encode(random_bytes::<32>()));
            self.write(&format!("{kind}-{:016}.{extension}", now.millis()), &text)
        };
        if missing()? {
            // Unless another node was quicker.
            self.alone(|| if missing()? { first() } else { Ok(()) })?;
        }
        let read = |name: String| {
            let text = self.read(&name)?.trim().to_owned();
            let long_enough = text.strip_prefix("whsec_").is_some_and(|key| (32..=88).contains(&key.len()));
            if long_enough && Webhook::new(&text).is_ok() {
                return Ok(text);
            }
            Err(self.bad(&name, "not whsec_ followed by 24..=64 bytes in base64"))
        };
        self.names(extension)?.into_iter().map(read).collect()
    }

    /// How a file that turned out unusable is named in the error.
    pub fn bad(&self, name: &str, reason: impl Into<String>) -> KeyError {
        KeyError::Bad { path: self.0.join(name), reason: reason.into() }
    }

    /// The folder itself: one file less to explain.
    #[cfg(unix)]
    fn lock_file(&self) -> io::Result<File> {
        File::open(&self.0)
    }

    #[cfg(not(unix))]
    fn lock_file(&self) -> io::Result<File> {
        owner_only().open(self.0.join("lock"))
    }

    #[cfg(unix)]
    fn make(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        if let Some(above) = self.0.parent() {
            fs::create_dir_all(above)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    #[cfg(not(unix))]
    fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)
    }

    #[cfg(unix)]
    fn private(&self, path: &Path, mode: &'static str) -> Result<(), KeyError> {
        use std::os::unix::fs::PermissionsExt;
        let metadata =
            fs::metadata(path).map_err(|reason| KeyError::Folder { path: path.to_owned(), reason })?;
        if metadata.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        Err(KeyError::Open { path: path.to_owned(), mode })
    }

    #[cfg(not(unix))]
    fn private(&self, _path: &Path, _mode: &'static str) -> Result<(), KeyError> {
        Ok(())
    }
}

#[cfg(unix)]
fn owner_only() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options
}
