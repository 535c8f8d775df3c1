//! The program as people start it: exit codes, one line that says what to do, one JSON line when it listens.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn apricot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apricot"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = apricot(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Fails with one line that contains all of `says`.
#[track_caller]
fn refuses(arguments: &[&str], code: i32, says: &[&str]) {
    let (exit, stdout, stderr) = run(arguments);
    assert_eq!((exit, stdout.as_str(), stderr.lines().count()), (code, "", 1), "{stderr}");
    assert!(says.iter().all(|part| stderr.contains(part)), "{stderr}");
}

fn serve(data: &Path) -> (Child, String) {
    let mut child = apricot(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    (child, ready["listening"].as_str().unwrap().to_owned())
}

#[cfg(unix)]
fn terminate(mut child: Child) -> Option<i32> {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn a_server_says_where_it_listens_and_stops_when_told() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let (child, address) = serve(data.path());
    refuses(&["serve", "--data", folder], 1, &["in use by another Apricot", "--data"]);
    assert_eq!(run(&["ready", "--url", &format!("http://{address}/readyz")]).0, 0);
    refuses(&["ready", "--url", &format!("http://{address}/nothing")], 1, &["answers 404"]);
    let other = tempfile::tempdir().unwrap();
    refuses_last(&["serve", "--data", other.path().to_str().unwrap(), "--listen", &address], "--listen");
    let products = data.path().join("products.csv");
    std::fs::write(&products, "sku,title,unit,price,on_hand\napricot,Apricots,box,29.90,10\n").unwrap();
    let import = ["import", "products", products.to_str().unwrap(), "--host", "li", "--data", folder];
    refuses(&import, 1, &["in use by another Apricot"]);
    assert_eq!(terminate(child), Some(0));
    let (code, _, stderr) = run(&import);
    assert_eq!((code, stderr.contains("1 products imported")), (0, true), "{stderr}");
    let (code, stdout, _) = run(&["check", "--data", folder, "--json"]);
    assert_eq!((code, stdout.starts_with("{\"ok\":true")), (0, true), "{stdout}");
}

/// On the word of ops a server ends as on a signal. The bare HTTP keeps an async client out of these tests.
#[test]
fn a_drained_server_ends_in_order() {
    use std::io::{Read, Write};
    let data = tempfile::tempdir().unwrap();
    let (mut child, address) = serve(data.path());
    let folder = data.path().to_str().unwrap();
    let (code, token, stderr) = run(&["token", "--role", "ops", "--subject", "kim", "--data", folder]);
    assert_eq!(code, 0, "{stderr}");
    let ask = |head: &str, body: &str| {
        let mut socket = std::net::TcpStream::connect(&address).unwrap();
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            token.trim()
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    };
    let overview = ask("GET /v1/ops/overview", "");
    let (_, after) = overview.split_once("\"nodes\":[{\"name\":\"").unwrap_or_else(|| panic!("{overview}"));
    let name = after.split('"').next().unwrap();
    let drained = ask(&format!("POST /v1/ops/nodes/{name}/drain"), r#"{"reason":"a new disk"}"#);
    assert!(drained.starts_with("HTTP/1.1 204"), "{drained}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[track_caller]
fn refuses_last(arguments: &[&str], says: &str) {
    let (code, _, stderr) = run(arguments);
    assert_eq!(code, 1);
    assert!(stderr.lines().last().unwrap().contains(says), "{stderr}");
}

/// A certificate that has ended and its key, in `folder`.
fn write_pair(folder: &Path) -> [String; 2] {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["apricot.test".into()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 31);
    let paths = [folder.join("certificate.pem"), folder.join("key.pem")];
    std::fs::write(&paths[0], params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&paths[1], key.serialize_pem()).unwrap();
    paths.map(|path| path.to_str().unwrap().to_owned())
}

#[test]
fn tls_that_cannot_work_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let [certificate, key] = write_pair(folder.path());
    let serve = |certificate: &str, key: &str| {
        let mut serve = apricot(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
        let output = serve.env("APRICOT_TLS__CERTIFICATE", certificate).env("APRICOT_TLS__KEY", key).output();
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
        stderr
    };
    let said = serve("nowhere.pem", &key);
    assert!(said.contains("nowhere.pem: ") && said.contains("correct `tls.certificate`"), "{said}");
    let said = serve(&certificate, &certificate);
    assert!(said.contains("has no private key in PEM; give `tls.key` a file"), "{said}");
    let output = apricot(&["config"]).env("APRICOT_TLS__KEY", &key).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing field `certificate`"));
}

#[cfg(unix)]
#[test]
fn a_hangup_reads_the_certificate_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let [certificate, key] = write_pair(folder.path());
    let mut serve =
        apricot(&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    serve.env("APRICOT_TLS__CERTIFICATE", &certificate).env("APRICOT_TLS__KEY", &key);
    let mut child = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut hear = |words: &str| said.find(|line| line.contains(words)).expect(words);
    assert!(hear("has expired").contains("2020-01-31T00:00:00Z"));
    assert!(hear("  ops  ").contains("https://127.0.0.1:"));
    std::fs::write(&key, "no key").unwrap();
    let hang_up = ["-HUP".to_owned(), child.id().to_string()];
    assert!(Command::new("kill").args(&hang_up).status().unwrap().success());
    assert!(hear("the certificate stays as it was").contains("has no private key"));
    write_pair(folder.path());
    assert!(Command::new("kill").args(&hang_up).status().unwrap().success());
    hear("has expired");
    assert_eq!(terminate(child), Some(0));
}

#[test]
fn an_import_reports_each_wrong_line_and_imports_nothing() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("products.csv");
    let lines = [
        "sku,title,unit,price,on_hand,category",
        "a,Apricots,box,29.90,10,farm",
        "b b,Pears,box,1,10,farm",
        "c,Plums,box,1.005,10,farm",
        "a,Again,box,1,10,farm",
        "d,Nuts,bag,1",
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let data = data.path().join("data");
    let import =
        ["import", "products", file.to_str().unwrap(), "--host", "li", "--data", data.to_str().unwrap()];
    let (code, _, stderr) = run(&import);
    assert_eq!(code, 1);
    for expected in [
        "line 3: sku must be 1..=40",
        "line 4: price must be a number with at most 2 decimals",
        "line 5: sku a is in an earlier line too",
        "line 6: line must be 6 cells",
        "4 of 5 lines are wrong; nothing was imported",
    ] {
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
    assert!(!data.join("record.db").exists());
    let (code, _, stderr) = run(&[&import[..], &["--partial"]].concat());
    assert_eq!((code, stderr.contains("1 products imported")), (0, true), "{stderr}");
}

/// The whole file first, then what is registered; nothing is written while a line is wrong, and the same file may come again.
#[test]
fn charities_and_projects_are_imported_and_brought_up_to_date() {
    let data = tempfile::tempdir().unwrap();
    let (file, folder) = (data.path().join("registry.csv"), data.path().join("data"));
    let import = |what: &str, text: &str| {
        std::fs::write(&file, text).unwrap();
        run(&["import", what, file.to_str().unwrap(), "--data", folder.to_str().unwrap()])
    };
    let projects = "id,charity,title,started_on\nlunches,53100000X,山村小学午餐,2026-09-01\nbooks,12-3456789,Books,2026-09-01\n";
    let (code, _, stderr) = import("projects", "id,charity,title,started_on\na b,53100000X,A,2026-09-01\n");
    assert_eq!(code, 1);
    assert!(
        stderr.contains("line 2: id must be 1..=64") && stderr.contains("1 of 1 lines are wrong"),
        "{stderr}"
    );
    assert!(!folder.join("record.db").exists());
    let (code, _, stderr) = import("charities", "registration,name\n53100000X,示例基金会\n");
    assert_eq!(
        (code, stderr.contains("1 charities registered, 0 changed, 0 were there")),
        (0, true),
        "{stderr}"
    );
    // One of two charities is not there: none of the projects comes in.
    let (code, _, stderr) = import("projects", projects);
    assert_eq!(
        (code, stderr.contains("line 3: charity must be the registration number")),
        (1, true),
        "{stderr}"
    );
    assert!(stderr.contains("1 of 2 lines are wrong; nothing was imported"), "{stderr}");
    let (code, _, stderr) = import("charities", "name,registration\nRenamed,53100000X\nHope,12-3456789\n");
    assert_eq!(
        (code, stderr.contains("1 charities registered, 1 changed, 0 were there")),
        (0, true),
        "{stderr}"
    );
    for told in ["2 projects registered, 0 changed, 0 were", "0 projects registered, 0 changed, 2 were"] {
        let (code, _, stderr) = import("projects", projects);
        assert_eq!((code, stderr.contains(told)), (0, true), "{stderr}");
    }
    let (_, _, stderr) = import("projects", &projects.replace("Books", "More books"));
    assert!(stderr.contains("0 projects registered, 1 changed, 1 were"), "{stderr}");
    let moved = projects.replace("lunches,53100000X", "lunches,12-3456789");
    let (code, _, stderr) = import("projects", &moved);
    assert_eq!((code, stderr.contains("line 2: charity must be 53100000X")), (1, true), "{stderr}");
    let (code, stdout, _) = run(&["check", "--data", folder.to_str().unwrap(), "--json"]);
    assert_eq!((code, stdout.starts_with("{\"ok\":true")), (0, true), "{stdout}");
}

#[test]
fn tokens_are_printed_one_a_line() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let (code, one, _) = run(&["token", "--data", folder, "--role", "ops", "--subject", "me"]);
    assert_eq!((code, one.lines().count(), one.matches('.').count()), (0, 1, 2));
    let many = ["token", "--data", folder, "--role", "viewer", "--subject-prefix", "buyer-", "--count", "3"];
    assert_eq!(run(&many).1.lines().count(), 3);
    assert_eq!(run(&["token", "--data", folder, "--rotate"]).0, 0);
    assert_eq!(std::fs::read_dir(data.path().join("keys")).unwrap().count(), 2);
    assert_eq!(run(&["token", "--data", folder, "--role", "king", "--subject", "me"]).0, 2);
    assert_eq!(run(&["token", "--data", folder, "--role", "ops"]).0, 2);
    let everybody = ["token", "--data", folder, "--role", "viewer", "--subject", "guest"];
    refuses(&everybody, 2, &["subject", "not `guest`"]);
}

#[test]
fn the_configuration_is_printed_or_refused_in_one_line() {
    let (code, stdout, _) = run(&["config", "--data", "nowhere"]);
    assert_eq!((code, stdout.contains("data = \"nowhere\" # --data")), (0, true), "{stdout}");
    refuses(&["config", "--config", "no-such.toml"], 2, &["no-such.toml", "--config"]);
    let output = apricot(&["config"]).env("APRICOT_LISTENN", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("did you mean APRICOT_LISTEN?"));
}

#[test]
fn the_description_needs_no_server() {
    let (code, stdout, _) = run(&["openapi"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, document["openapi"].as_str()), (0, Some("3.1.1")));
}

#[test]
fn a_record_that_is_not_there_is_not_checked() {
    refuses(&["check", "--data", "nowhere"], 2, &["nowhere/record.db is not there", "--data"]);
}

#[test]
fn a_record_on_postgresql_is_migrated_once() {
    let Some(server) = apricot_servers::or_skip(apricot_servers::Postgres::start()) else { return };
    let url = server.fresh_database().unwrap();
    let (code, stdout, stderr) = run(&["migrate", "--url", &url]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines[0], "applied version 1, record");
    assert!(lines.iter().all(|line| line.starts_with("applied version ")), "{stdout}");
    let again = run(&["migrate", "--url", &url]);
    assert_eq!(again, (0, "the record is up to date\n".into(), String::new()));
    refuses(&["migrate", "--url", "postgresql://nobody@127.0.0.1:1/none"], 1, &["refused"]);
    let data = tempfile::tempdir().unwrap();
    refuses(&["migrate", "--data", data.path().to_str().unwrap()], 2, &["[postgres]", "--url"]);
}

/// The pages' types come from the file.
#[test]
fn the_described_interface_is_the_program_s_own() {
    let (code, stdout, stderr) = run(&["openapi"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let kept = std::fs::read_to_string("docs/openapi.json").unwrap();
    assert!(
        stdout == kept,
        "docs/openapi.json is of another version: `npm run openapi` in web/ writes it anew"
    );
}
