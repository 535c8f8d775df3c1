//! The README's commands work as they stand there, but for the ones that build, load or never end.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

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

/// `make screenshots` draws each page in both sizes, and all of them are shown.
#[test]
fn every_picture_is_there_in_both_sizes_and_shown() {
    let readme = fs::read_to_string("README.md").unwrap();
    let drawn =
        fs::read_dir("docs/pages").unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let drawn: std::collections::BTreeSet<String> = drawn.collect();
    assert!(drawn.len() >= 18, "{drawn:?}");
    for name in &drawn {
        let (page, _) = name.rsplit_once('-').expect("a page and a size");
        for size in ["phone", "desktop"] {
            assert!(
                drawn.contains(&format!("{page}-{size}.png")),
                "no {page}-{size}.png; `make screenshots` draws it"
            );
        }
        assert!(readme.contains(&format!("(docs/pages/{name})")), "the README does not show {name}");
    }
    let shown = readme.split("(docs/pages/").skip(1).filter_map(|rest| rest.split_once(')'));
    for (name, _) in shown {
        assert!(drawn.contains(name), "the README shows {name}, which is not there");
    }
}

fn apricot(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apricot"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("APRICOT_")) {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Output {
    apricot(folder, arguments).output().unwrap()
}

/// The demo, on a port of its own, until it is dropped.
struct Demo {
    server: Child,
    address: String,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let mut serve = apricot(folder, &["serve", "--demo", "--listen", "127.0.0.1:0"]);
        let mut server = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The links are printed when the room is there; who prints them is not left without a reader afterwards.
        let mut said = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.trim_start().starts_with("viewer")), "the demo prints its links");
        std::thread::spawn(move || said.for_each(drop));
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { server, address: ready["listening"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// The JSON objects that stand behind an arrow, without the comment behind them.
fn objects(readme: &str, arrow: &str) -> Vec<String> {
    let lines = readme.lines().filter_map(|line| line.strip_prefix("    ")?.strip_prefix(arrow));
    lines.map(|line| line[..line.rfind('}').expect("an object") + 1].trim().to_owned()).collect()
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
        // A server never ends, and a receipt and a site are somebody else's: that they are taken as arguments is what can be shown here.
        // tests/cli.rs starts a server, tests/log.rs has receipts and a site.
        let arguments = match arguments[0].as_str() {
            "serve" | "verify" | "audit" => [arguments.as_slice(), &["--help".to_owned()]].concat(),
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

#[tokio::test]
async fn the_lines_of_a_plain_client_take_part_in_the_demo() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (sent, received) = (objects(&readme, "→ "), objects(&readme, "← "));
    assert_eq!((sent.len(), received.len()), (2, 1), "join, say, receive");
    let address = readme.split('`').find(|word| word.starts_with("ws://")).expect("the demo's address");
    let (_, path) = address.trim_start_matches("ws://").split_once('/').expect("a path");

    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let token = run(folder.path(), &["token", "--role", "viewer", "--subject", "reader", "--name", "Reader"]);
    let token = String::from_utf8(token.stdout).unwrap();
    let mut request = format!("ws://{}/{path}", demo.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "apricot.v1.json".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    for line in &sent {
        socket.send(Message::text(line.replace('…', token.trim()))).await.unwrap();
    }

    let say: Value = serde_json::from_str(&sent[1]).unwrap();
    let shape: Value = serde_json::from_str(&received[0].replace('…', "")).unwrap();
    let own = async {
        loop {
            let message = socket.next().await.expect("an open socket").unwrap();
            let lines: Vec<Value> = match &message {
                Message::Text(text) => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
                other => panic!("{other:?}"),
            };
            let ours = |line: &Value| line["chat"]["authorId"] == "reader";
            if let Some(line) = lines.into_iter().find(ours) {
                return line;
            }
        }
    };
    let own = tokio::time::timeout(Duration::from_secs(20), own).await.expect("the line comes back");
    assert_eq!((&own["lane"], &own["chat"]["text"]), (&shape["lane"], &say["say"]["text"]));
    assert!(shape.as_object().unwrap().keys().all(|key| own.get(key).is_some()), "{own}");
}
