//! The README's commands work as they stand there, but for the ones that build, load or never end.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = "target/release/apricot ";

/// Arguments of the program in each indented line of the README that calls it, without the comment behind it.
fn commands(readme: &str) -> Vec<Vec<String>> {
    let lines = readme.lines().filter_map(|line| line.strip_prefix("    ")?.strip_prefix(PROGRAM));
    lines.map(|line| words(line.split(" #").next().unwrap_or(line))).collect()
}

/// Splits at spaces outside double quotes.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

fn run(folder: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apricot"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("APRICOT_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

#[test]
fn every_command_of_the_readme_is_accepted() {
    let readme = fs::read_to_string("README.md").unwrap();
    let commands = commands(&readme);
    assert!(commands.len() >= 5, "{commands:?}");
    let folder = tempfile::tempdir().unwrap();
    let produce = "sku,title,unit,price,on_hand\napricots,Apricots,2.5 kg box,39.90,40\n";
    fs::write(folder.path().join("produce.csv"), produce).unwrap();
    for arguments in commands {
        // A server never ends: that it takes these arguments is what can be shown here; tests/cli.rs starts one.
        let arguments = match arguments[0].as_str() {
            "serve" => [arguments.as_slice(), &["--help".to_owned()]].concat(),
            _ => arguments,
        };
        let output = run(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "apricot {}: {said}", arguments.join(" "));
    }
}

#[test]
fn every_file_the_readme_names_is_there() {
    let readme = fs::read_to_string("README.md").unwrap();
    let mut named = 0;
    for (_, rest) in readme.match_indices("](").map(|(at, _)| readme.split_at(at + 2)) {
        let path = rest.split(')').next().unwrap();
        if !path.starts_with("http") {
            assert!(Path::new(path).exists(), "README.md names {path}, which is not there");
            named += 1;
        }
    }
    assert!(named >= 8, "{named}");
}

#[test]
fn every_make_target_the_readme_names_is_there() {
    let makefile = fs::read_to_string("Makefile").unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let targets = readme.lines().filter_map(|line| line.strip_prefix("    make ")?.split_whitespace().next());
    let targets: Vec<&str> = targets.collect();
    assert!(targets.contains(&"run") && targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no {target}");
    }
}
