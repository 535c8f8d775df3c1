//! `make cluster` and `make roll`, with this build of the program.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

struct Cluster {
    script: Child,
    folder: PathBuf,
    listening: String,
}

impl Cluster {
    /// `None` when a program is not installed here, after saying so. With `CI=true` nothing is skipped.
    fn start(variables: &[(&str, &str)]) -> Option<Self> {
        let pointer = tempfile::tempdir().unwrap();
        let mut script = Command::new("deploy/cluster.sh");
        script
            .env("APRICOT", env!("CARGO_BIN_EXE_apricot"))
            .env("INSTALL", "0")
            .envs(variables.iter().copied());
        script.env("CARGO_TARGET_DIR", pointer.path()).stdin(Stdio::null());
        let mut script = script.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = BufReader::new(script.stderr.take().unwrap()).lines().map_while(Result::ok);
        let Ok(ready) = serde_json::from_str::<serde_json::Value>(&line) else {
            assert!(!script.wait().unwrap().success());
            let said: Vec<String> = said.collect();
            let skipped = said.iter().any(|line| line.contains("missing: "));
            assert!(skipped && std::env::var("CI").map_or(true, |ci| ci != "true"), "{}", said.join("\n"));
            eprintln!("skipped: {}", said.join(" "));
            return None;
        };
        // The script is not left without a reader.
        std::thread::spawn(move || said.for_each(drop));
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Some(Self { script, folder: text("folder").into(), listening: text("listening") })
    }

    fn roll(&self) -> (bool, String) {
        let output = Command::new("deploy/roll.sh").arg(&self.folder).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    fn stop(&mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.script.id().to_string()).status().unwrap().success());
        self.script.wait().unwrap().code()
    }
}

impl Drop for Cluster {
    /// A test that failed leaves no servers behind either.
    fn drop(&mut self) {
        if self.script.try_wait().unwrap().is_none() {
            self.stop();
        }
    }
}

#[tokio::test]
async fn a_cluster_answers_through_nginx_survives_a_rolling_deploy_and_leaves_nothing_behind() {
    let Some(mut cluster) = Cluster::start(&[]) else { return };
    let rooms = async || {
        let answer = reqwest::get(format!("http://{}/v1/rooms", cluster.listening)).await.unwrap();
        answer.text().await.unwrap()
    };
    assert!(rooms().await.contains("apricot-valley"));
    let (rolled, said) = cluster.roll();
    assert!(rolled && said.contains("node-2 stopped") && said.contains(" 0 of them failed"), "{said}");
    assert!(rooms().await.contains("apricot-valley"));
    assert_eq!(cluster.stop(), Some(143));
    assert!(!cluster.folder.exists(), "{} is left", cluster.folder.display());
}
