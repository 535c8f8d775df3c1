//! The configuration: a TOML file, then lines of the environment.

use std::path::PathBuf;

use apricot::config::{Flags, load};

/// Between the file and the environment.
const BETWEEN: &str = "\n%%\n";

struct Folder {
    file: PathBuf,
    _folder: tempfile::TempDir,
}

thread_local! {
    static FOLDER: Folder = {
        let folder = tempfile::tempdir().expect("a folder");
        Folder { file: folder.path().join("apricot.toml"), _folder: folder }
    };
}

/// A file, `%%` on a line of its own, and lines NAME=VALUE.
pub fn config(data: &[u8]) {
    let at = data.windows(BETWEEN.len()).position(|window| window == BETWEEN.as_bytes());
    let (file, environment) = at.map_or((data, &data[..0]), |at| (&data[..at], &data[at + BETWEEN.len()..]));
    let environment = String::from_utf8_lossy(environment);
    let variables = environment.split('\n').filter_map(|line| line.split_once('='));
    let variables: Vec<_> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    FOLDER.with(|folder| {
        let flags = Flags { config: Some(folder.file.clone()), ..Flags::default() };
        std::fs::write(&folder.file, file).expect("written");
        match load(&flags, variables) {
            Err(refused) => {
                let line = refused.to_string();
                assert!(line.chars().count() > 20, "says too little: {line:?}");
                assert!(!line.chars().any(|c| c.is_control()), "not one line: {line:?}");
            }
            Ok(mut effective) => {
                // What `apricot config` prints is a file that means the same, but for passwords.
                effective.config.postgres.iter_mut().for_each(|postgres| postgres.password = None);
                effective.config.redis.iter_mut().for_each(|redis| redis.password = None);
                let printed = effective.to_string();
                std::fs::write(&folder.file, &printed).expect("written");
                match load(&flags, []) {
                    Ok(again) => assert_eq!(again.config, effective.config, "{printed}"),
                    Err(refused) => panic!("{refused}\n{printed}"),
                }
            }
        }
    });
}
