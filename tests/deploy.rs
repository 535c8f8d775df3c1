//! The files for those who run Apricot name only settings and commands that exist.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use apricot::config::{ConfigError, Flags, load};

const FILES: [&str; 8] = [
    "Dockerfile",
    "README.md",
    "config/scale-out.toml",
    "config/compose.yaml",
    "config/apricot.service",
    "config/apricot@.service",
    "config/apricot-sandbox.service",
    "deploy/cluster.sh",
];

fn texts() -> impl Iterator<Item = (&'static str, String)> {
    FILES.into_iter().map(|file| (file, fs::read_to_string(file).unwrap()))
}

/// Without the one that README writes as a pattern.
fn variables(text: &str) -> BTreeSet<String> {
    let name =
        |rest: &str| rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect::<String>();
    let found = text.match_indices("APRICOT_").map(|(at, _)| name(&text[at..]));
    found.filter(|name| name != "APRICOT_").collect()
}

#[test]
fn every_variable_is_a_key() {
    let mut named = 0;
    for (file, text) in texts() {
        for variable in variables(&text) {
            let nowhere = Flags { data: Some("no-such-folder".into()), ..Flags::default() };
            let loaded = load(&nowhere, [(variable.clone(), "1".to_owned())]);
            assert!(!matches!(loaded, Err(ConfigError::UnknownVariable { .. })), "{file}: {variable}");
            named += 1;
        }
    }
    assert!(named >= 20, "{named}");
}

/// The words that may follow `apricot` on a command line.
#[test]
fn every_command_of_a_unit_and_of_the_image_is_there() {
    let help = Command::new(env!("CARGO_BIN_EXE_apricot")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands: BTreeSet<&str> =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let mut named = 0;
    for (file, text) in texts() {
        let lines = text.lines().filter_map(|line| {
            let line = line.trim();
            line.strip_prefix("ExecStart=/usr/local/bin/apricot ")
                .or_else(|| line.strip_prefix("command: [\"").filter(|_| !line.contains("redis-server")))
                .or_else(|| line.strip_prefix("CMD [\""))
        });
        for line in lines {
            let command = line.split([' ', '"']).next().unwrap();
            assert!(commands.contains(command), "{file}: {command} is none of {commands:?}");
            named += 1;
        }
    }
    assert_eq!(named, 6);
}
