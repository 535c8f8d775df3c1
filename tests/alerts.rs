//! config/alerts.yml and config/grafana.json ask for meters that there are, and Prometheus's own tool reads the rules and finds that they
//! tell what they should.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Names of ours in a text, as Prometheus knows them.
fn asked_for(path: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("apricot_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

/// Rows of docs/metrics.md: name and kind.
fn documented() -> Vec<(String, String)> {
    let page = fs::read_to_string("docs/metrics.md").unwrap();
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    page.lines().filter_map(row).collect()
}

/// What Prometheus makes of them: a histogram is three names.
fn known() -> BTreeSet<String> {
    let names = documented().into_iter().flat_map(|(name, kind)| match kind.as_str() {
        "histogram" => ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec(),
        _ => vec![name],
    });
    names.collect()
}

#[test]
fn dashboards_and_rules_ask_for_meters_that_there_are() {
    let known = known();
    assert!(known.len() > 40, "{known:?}");
    for path in ["config/alerts.yml", "config/grafana.json"] {
        let asked_for = asked_for(path);
        assert!(asked_for.len() > 10, "{path}: {asked_for:?}");
        let unknown: Vec<&String> = asked_for.difference(&known).collect();
        assert!(unknown.is_empty(), "{path} asks for {unknown:?}, which docs/metrics.md does not have");
    }
}

/// Each kind of config/alerts.yml is raised by a case of config/alerts.test.yml.
#[test]
fn every_rule_has_a_case() {
    let rules = fs::read_to_string("config/alerts.yml").unwrap();
    let cases = fs::read_to_string("config/alerts.test.yml").unwrap();
    let rules = rules.lines().filter_map(|line| line.trim().strip_prefix("kind: ").map(str::to_owned));
    let case = |part: &str| part.split_once('"').map(|(kind, _)| kind.to_owned());
    let cases = cases.split("{kind=\"").skip(1).filter_map(case);
    assert_eq!(rules.collect::<BTreeSet<_>>(), cases.collect());
}

/// What the dashboard asks, each as a rule of its own, so that Prometheus's tool parses it.
fn asked_by_the_dashboard() -> String {
    fn expressions(of: &serde_json::Value, found: &mut Vec<String>) {
        match of {
            serde_json::Value::Object(keys) => {
                found.extend(keys.get("expr").and_then(|expr| expr.as_str()).map(str::to_owned));
                keys.values().for_each(|value| expressions(value, found));
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
            _ => {}
        }
    }
    let dashboard = serde_json::from_str(&fs::read_to_string("config/grafana.json").unwrap()).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 20, "{found:?}");
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, expr) in found.iter().enumerate() {
        // Variables of the dashboard, as they may be filled in.
        let expr = expr.replace("$__rate_interval", "1m").replace("$instance", ".*");
        let expr = serde_json::to_string(&expr).unwrap();
        rules += &format!("      - record: dashboard:{number}\n        expr: {expr}\n");
    }
    rules
}

#[test]
fn prometheus_reads_the_rules_and_they_tell() {
    let folder = tempfile::tempdir().unwrap();
    let dashboard = folder.path().join("dashboard.yml");
    fs::write(&dashboard, asked_by_the_dashboard()).unwrap();
    for arguments in [
        ["check", "rules", "config/alerts.yml"],
        ["test", "rules", "config/alerts.test.yml"],
        ["check", "rules", dashboard.to_str().unwrap()],
    ] {
        let ran = match Command::new("promtool").args(arguments).output() {
            Ok(ran) => ran,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("CI").is_none() =>
            {
                eprintln!("skipped: promtool is not installed (Debian's package prometheus)");
                return;
            }
            Err(error) => panic!("promtool cannot be run ({error}); install Debian's package prometheus"),
        };
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(ran.status.success(), "{}{}", said(&ran.stdout), said(&ran.stderr));
    }
}
