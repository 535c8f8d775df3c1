//! Rules of the code that no compiler checks. Each failure says what to do. The rules are functions of a file's path and text, so
//! that the tests at the end can show what they catch.

use std::path::Path;

const LINES_MAX: usize = 500;

/// Who may import whom. A layer may always import itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("store", &["model", "clock"]),
    ("sandbox", &["model", "clock"]),
    ("ledger", &["store", "model"]),
    ("sale", &["ledger", "store", "sandbox", "model"]),
    ("room", &["sale", "ledger", "store", "contract", "clock", "model"]),
    ("contract", &["sale", "ledger", "model"]),
    // Of the store, the values that refusals and lists carry: see `handle_rule`.
    ("wire", &["ops", "room", "sale", "ledger", "store", "contract", "clock", "model"]),
    ("audit", &["ledger", "store", "model"]),
    // What anybody can do who reads docs/log.md.
    ("outside", &[]),
    // Looks at all layers but the wire, and asks a node to go.
    ("ops", &["audit", "room", "sale", "ledger", "store", "clock", "model"]),
];

/// What decides or changes something in the store. Handlers go by way of the layers between.
const HANDLES: [&str; 5] = ["Journal", "Inventory", "Write", "Entry", "Pending"];

/// They wire everything together and may name everything.
const FREE: &[&str] = &["app", "cli", "config", "main", "sabotaged", "demo", "lib"];

/// Imports beyond the rule: file, module, reason. Nothing is added here without one.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("src/wire/rest/payments.rs", "sandbox", "the knobs as ops send them"),
    ("src/wire/token/jwks.rs", "config", "its own section of the configuration"),
];

struct File {
    /// From the repository's top, with `/`.
    path: String,
    text: String,
}

impl File {
    /// `src/store/journal.rs` and `src/store.rs` are both of `store`.
    fn layer(&self) -> &str {
        let inside = self.path.trim_start_matches("src/");
        inside.split(['/', '.']).next().unwrap_or(inside)
    }

    /// Tests build their surroundings and may name what they stand in.
    fn is_test(&self) -> bool {
        let ends = |name: &str| self.path.ends_with(&format!("/{name}.rs"));
        let under = |name: &str| self.path.contains(&format!("/{name}/"));
        ["tests", "conformance", "scene"].into_iter().any(|name| ends(name) || under(name))
    }

    /// Lines with their numbers, without comments, and without the tests at the end.
    fn code(&self) -> Vec<(usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|two| {
            two[0].trim() == "#[cfg(test)]" && two[1].starts_with("mod ") && two[1].ends_with('{')
        });
        let code = lines.into_iter().take(tests.unwrap_or(usize::MAX)).enumerate();
        let code = code.map(|(index, line)| (index + 1, line.split("//").next().unwrap_or(line)));
        code.filter(|(_, line)| !line.trim().is_empty()).collect()
    }
}

/// Every module at the top of this crate that the code names by `crate::…`, with its line.
fn imports(file: &File) -> Vec<(usize, String)> {
    let mut imports = Vec::new();
    let code = file.code();
    for (index, (number, line)) in code.iter().enumerate() {
        for (at, marker) in line.match_indices("crate::") {
            if line[..at].ends_with(is_of_a_name) {
                continue;
            }
            let rest = &line[at + marker.len()..];
            let names = if rest.starts_with('{') {
                let more: String = code[index + 1..].iter().map(|(_, line)| *line).collect();
                names_of_group(&format!("{rest}{more}"))
            } else {
                vec![rest.chars().take_while(|c| is_of_a_name(*c)).collect()]
            };
            imports.extend(names.into_iter().map(|name| (*number, name)));
        }
    }
    imports
}

/// The modules at the top of `{model::{Order, Room}, store}`; what follows the group is not read.
fn names_of_group(text: &str) -> Vec<String> {
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => parts.push(std::mem::take(&mut part)),
            c if depth == 1 => part.push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    parts.push(part);
    let first = |part: String| part.trim().chars().take_while(|c| is_of_a_name(*c)).collect::<String>();
    parts.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn import_rule(file: &File) -> Vec<String> {
    let (path, layer) = (&file.path, file.layer());
    if !path.starts_with("src/") || FREE.contains(&layer) || file.is_test() {
        return Vec::new();
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!(
            "{path}: `{layer}` is no layer; put the file into one, or write down in LAYERS of tests/tidy.rs what it knows"
        )];
    };
    let is_module = |name: &str| LAYERS.iter().any(|(layer, _)| *layer == name) || FREE.contains(&name);
    let excepted = |name: &str| EXCEPTIONS.iter().any(|(file, import, _)| file == path && *import == name);
    let may = |name: &str| name == layer || !is_module(name) || allowed.contains(&name) || excepted(name);
    let known =
        if allowed.is_empty() { "no other layer".into() } else { format!("only {}", allowed.join(", ")) };
    imports(file)
        .into_iter()
        .filter(|(_, name)| !may(name))
        .map(|(line, name)| {
            format!("{path}:{line}: `{layer}` may not import `{name}`, {known}; return a value instead, or move the rule up")
        })
        .collect()
}

fn handle_rule(file: &File) -> Vec<String> {
    if file.layer() != "wire" || file.is_test() {
        return Vec::new();
    }
    let handle = |line: &str| {
        let (_, path) = line.split_once("crate::store")?;
        let mut names = path.split(|c: char| !is_of_a_name(c));
        names.find_map(|name| HANDLES.into_iter().find(|handle| *handle == name))
    };
    let found = file.code().into_iter().filter_map(|(line, text)| Some((line, handle(text)?)));
    found
        .map(|(line, name)| {
            format!(
                "{}:{line}: `wire` may not touch the store's `{name}`; ask `sale`, `room` or `ledger`",
                file.path
            )
        })
        .collect()
}

fn file_rule(file: &File) -> Vec<String> {
    let (path, lines) = (&file.path, file.text.lines().count());
    let mut broken = Vec::new();
    if path.ends_with("/mod.rs") {
        broken.push(format!("{path}: no mod.rs; name it {}", path.replace("/mod.rs", ".rs")));
    }
    if lines > LINES_MAX && path.contains("src/") {
        broken.push(format!(
            "{path}: {lines} lines, more than {LINES_MAX}; split it by what its parts are about"
        ));
    }
    broken
}

fn unfinished_rule(file: &File) -> Vec<String> {
    let words = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!(")];
    let lines = file.text.lines().enumerate();
    let found = lines.flat_map(|(index, line)| {
        let left = words.into_iter().filter(move |word| line.contains(word));
        left.map(move |word| (index + 1, word))
    });
    found
        .map(|(line, word)| {
            format!("{}:{line}: `{word}` is left; finish it, or refuse with a reason", file.path)
        })
        .collect()
}

/// Where a clock is read, the code says so: `#[expect(clippy::disallowed_methods, reason = "…")]` on the function or the file.
fn clock_rule(file: &File) -> Vec<String> {
    const MARK: &str = "expect(clippy::disallowed_methods";
    let whole_file = file.text.contains(&format!("#![{MARK}"));
    // The load generator is a client: it measures what a person would see.
    if file.path == "src/clock.rs" || file.path.starts_with("loadtest/") || whole_file {
        return Vec::new();
    }
    let words = [
        concat!("SystemTime::", "now"),
        concat!("Instant::", "now"),
        concat!("Uuid::new_", "v4"),
        concat!("Uuid::now_", "v7"),
    ];
    // The runtime's clock stands still in tests that pause it.
    let runtimes = |line: &str| {
        let imported = |line: &str| line.starts_with("use tokio::time::") && line.contains("Instant");
        line.contains("tokio::time::Instant") || file.text.lines().any(imported)
    };
    let (mut marked, mut broken) = (false, Vec::new());
    for (number, line) in file.code() {
        marked |= line.contains(&format!("#[{MARK}"));
        if let Some(word) = words
            .into_iter()
            .find(|word| line.contains(word))
            .filter(|word| !(marked || word.starts_with("Instant") && runtimes(line)))
        {
            broken.push(format!(
                "{}:{number}: `{word}` outside clock.rs; take a Timestamp or a Clock as an argument, or mark a mere \
                 measurement with #[{MARK}, reason = \"…\")]",
                file.path
            ));
        }
        // A function or a method ends here, and its mark with it.
        if line == "}" || line == "    }" {
            marked = false;
        }
    }
    broken
}

fn machine_rule(file: &File) -> Vec<String> {
    let places = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/tm", "p/"),
        concat!("C:", "\\"),
    ];
    // In the middle of an address or of a path of ours it is no machine's.
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '/' | '>' | '*' | '@');
    let mut broken = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let at_start = |place: &&str| line.match_indices(place).any(|(at, _)| !line[..at].ends_with(inside));
        if let Some(place) = places.iter().find(|place| at_start(place)) {
            broken.push(format!(
                "{}:{}: `{place}` is a path of one machine; take it as an option, or use a temporary folder",
                file.path,
                index + 1
            ));
        }
    }
    broken
}

/// The sources of the repository and the texts around them.
fn files() -> Vec<File> {
    // In `hls` .ts means a piece of MPEG.
    const SKIPPED: [&str; 9] = [
        "target",
        "node_modules",
        "dist",
        "gen",
        "data",
        "corpus",
        "artifacts",
        "proptest-regressions",
        "hls",
    ];
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files) = (vec![top.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if is_text(&path) {
                let text = std::fs::read_to_string(&path).expect("text in UTF-8");
                let inside = path.strip_prefix(top).expect("inside the repository");
                files.push(File { path: inside.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn is_text(path: &Path) -> bool {
    const ENDS: [&str; 13] =
        ["rs", "md", "toml", "sql", "proto", "ts", "tsx", "css", "html", "yml", "yaml", "sh", "lua"];
    path.extension().is_some_and(|end| ENDS.iter().any(|it| end == *it))
}

fn check(rule: fn(&File) -> Vec<String>, applies: fn(&File) -> bool) {
    let files: Vec<File> = files().into_iter().filter(applies).collect();
    assert!(files.len() > 20, "only {} files were found to check", files.len());
    let broken: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn is_rust(file: &File) -> bool {
    file.path.ends_with(".rs")
}

#[test]
fn imports_point_down() {
    check(import_rule, is_rust);
}

#[test]
fn wire_goes_by_way_of_the_layers_between() {
    check(handle_rule, is_rust);
}

#[test]
fn files_are_named_and_sized_to_be_read() {
    check(file_rule, is_rust);
}

#[test]
fn nothing_is_left_unfinished() {
    check(unfinished_rule, is_rust);
}

#[test]
fn only_the_clock_reads_the_clock() {
    check(clock_rule, is_rust);
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    check(machine_rule, |_| true);
}

mod what_is_caught {
    use super::*;

    fn broken(rule: fn(&File) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
        rule(&File { path: path.into(), text: text.into() })
    }

    #[test]
    fn import_from_above() {
        let text = "use crate::model::Order;\nuse crate::room::Hub;\n";
        let told = "src/store/journal.rs:2: `store` may not import `room`, only model, clock; return a value instead, \
                    or move the rule up";
        assert_eq!(broken(import_rule, "src/store/journal.rs", text), [told]);
        for (path, text, count) in [
            ("src/model.rs", "use crate::clock::Clock;", 1),
            ("src/model/order.rs", "fn f() -> crate::store::Entry {}", 1),
            ("src/ledger.rs", "use crate::{model::{Order, Room},\n    sale, store};", 1),
            ("src/wire/rest.rs", "use crate::sandbox::Sandbox;", 1),
            ("src/sale/pay.rs", "use crate::{ledger::Ledger, wire::x, room::y};", 2),
            ("src/sandbox.rs", "use crate::sale::Sales;", 1),
            ("src/misc/helper.rs", "fn f() {}", 1),
            (
                "src/sale/pay.rs",
                "use crate::ledger::Ledger;\nuse crate::sandbox::Sandbox;\nuse crate::sale::x;",
                0,
            ),
            ("src/room/hub.rs", "use crate::store::Journal;", 0),
            ("src/store.rs", "// use crate::room::Hub;\n", 0),
            ("src/store.rs", "use other_crate::room::Hub;\nuse super::room;\n", 0),
            ("src/store.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::sale::Sales;\n}\n", 0),
            ("src/store/journal/conformance.rs", "use crate::sale::Sales;", 0),
            ("src/app.rs", "use crate::{wire, room, store};", 0),
        ] {
            let told = broken(import_rule, path, text);
            assert_eq!(told.len(), count, "{path}: {text}\n{told:?}");
        }
    }

    #[test]
    fn store_touched_by_a_handler() {
        for (path, text, count) in [
            ("src/wire/rest.rs", "use crate::store::Journal;", 1),
            ("src/wire/rest.rs", "use crate::store::{Inventory, StoreError};", 1),
            ("src/wire/rest.rs", "use crate::store::journal::{Once, Page};", 0),
            ("src/room.rs", "use crate::store::Journal;", 0),
        ] {
            assert_eq!(broken(handle_rule, path, text).len(), count, "{path}: {text}");
        }
    }

    #[test]
    fn file_that_is_too_long_or_has_no_name() {
        assert_eq!(
            broken(file_rule, "src/store/mod.rs", ""),
            ["src/store/mod.rs: no mod.rs; name it src/store.rs"]
        );
        assert_eq!(broken(file_rule, "src/store.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
        assert_eq!(broken(file_rule, "src/store.rs", &"\n".repeat(LINES_MAX)).len(), 0);
    }

    #[test]
    fn what_is_unfinished() {
        let text = ["fn f() { ", "to", "do!(\"later\") }"].concat();
        assert_eq!(broken(unfinished_rule, "src/store.rs", &text).len(), 1);
        assert_eq!(broken(unfinished_rule, "src/store.rs", "fn done() {}").len(), 0);
    }

    #[test]
    fn clock_read_without_a_mark() {
        let read = ["    let t = Instant::", "now();\n"].concat();
        let marked = format!("#[expect(clippy::disallowed_methods, reason = \"r\")]\nfn f() {{\n{read}}}\n");
        assert_eq!(broken(clock_rule, "src/room.rs", &format!("fn f() {{\n{read}}}\n")).len(), 1);
        assert_eq!(broken(clock_rule, "src/room.rs", &marked).len(), 0);
        let second = format!("{marked}fn g() {{\n{read}}}\n");
        assert_eq!(broken(clock_rule, "src/room.rs", &second).len(), 1, "a mark is for one function");
        assert_eq!(broken(clock_rule, "src/clock.rs", &read).len(), 0);
        let runtimes = format!("use tokio::time::{{Duration, Instant}};\nfn f() {{\n{read}}}\n");
        assert_eq!(broken(clock_rule, "src/room.rs", &runtimes).len(), 0);
    }

    #[test]
    fn path_of_a_machine() {
        let path = ["let p = \"/ho", "me/li/data\";"].concat();
        assert_eq!(broken(machine_rule, "src/app.rs", &path).len(), 1);
        let address = ["let p = \"https://example.org/ho", "me/x\";"].concat();
        assert_eq!(broken(machine_rule, "src/app.rs", &address).len(), 0);
        assert_eq!(broken(machine_rule, "src/app.rs", "let p = \"./data\";").len(), 0);
    }
}
