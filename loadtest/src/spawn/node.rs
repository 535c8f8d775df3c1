//! One node: a server with a data folder of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use tokio::{process::Command, time::sleep};

use super::{
    Certificate,
    process::{Process, START_WAIT},
};
use crate::{
    contract::{Rest, Target},
    failure::Failure,
    pin::Cores,
    usage::Usage,
};

/// Dropped in this order: the process goes before its folder.
pub struct Node {
    process: Process,
    pub program: Program,
    pub target: Target,
}

/// All that is needed to start the same node again.
#[derive(Debug)]
pub struct Program {
    pub binary: PathBuf,
    pub config: PathBuf,
    pub data: PathBuf,
    pub keep: bool,
    pub sabotage: Option<String>,
    pub cores: Option<Cores>,
    pub certificate: Option<Certificate>,
    /// Where the payment provider listens that the nodes share.
    pub provider: Option<SocketAddr>,
    /// What else the process is to find in its environment.
    pub environment: Vec<(String, String)>,
}

impl Node {
    pub async fn start(program: Program) -> Result<Node, Failure> {
        if let Some(kind) = &program.sabotage
            && !program.can_sabotage().await?
        {
            return Err(Failure::NoSabotage { kind: kind.clone() });
        }
        let process = program.run("127.0.0.1:0").await?;
        let target = program.target(process.address);
        let node = Node { process, program, target };
        node.until_ready().await?;
        Ok(node)
    }

    pub async fn kill(&mut self) -> Result<(), Failure> {
        self.process.kill().await
    }

    /// SIGTERM, and waits until it has gone.
    pub async fn stop(&mut self) -> Result<ExitStatus, Failure> {
        self.process.stop().await
    }

    /// Waits for a process that is to end by itself. False: it did not.
    pub async fn ends_by_itself(&mut self, within: Duration) -> Result<bool, Failure> {
        Ok(self.process.ended(within).await?.is_some())
    }

    /// The same data folder and the same port again. Returns how long until it was ready.
    pub async fn start_again(&mut self) -> Result<Duration, Failure> {
        let began = Instant::now();
        self.process = self.program.run(&self.target.address.to_string()).await?;
        self.until_ready().await?;
        Ok(began.elapsed())
    }

    /// What `apricot audit` says of this node, as JSON; also when it finds something.
    pub async fn audit(&self) -> Result<Vec<u8>, Failure> {
        let mut command = Command::new(&self.program.binary);
        let output = command.args(["audit", &self.target.http(""), "--json"]).kill_on_drop(true).output();
        let output = output.await.map_err(Failure::system("running `apricot audit`"))?;
        if output.stdout.is_empty() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::off_contract("`apricot audit`", &said));
        }
        Ok(output.stdout)
    }

    /// One token a line, for subjects `prefix0`, `prefix1` and so on, as the server names them.
    pub async fn tokens(&self, role: &str, prefix: &str, count: u32) -> Result<Vec<String>, Failure> {
        let output = self
            .program
            .command("token")
            .args(["--role", role, "--subject-prefix", prefix, "--count", &count.to_string()])
            .output()
            .await
            .map_err(Failure::system("running `apricot token`"))?;
        let tokens: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| line.trim().to_string())
            .filter(|line| !line.is_empty())
            .collect();
        if !output.status.success() || tokens.len() != count as usize {
            return Err(Failure::TokensRefused {
                status: output.status.to_string(),
                said: format!(
                    "{} tokens of {count}. {}",
                    tokens.len(),
                    String::from_utf8_lossy(&output.stderr).trim()
                ),
            });
        }
        Ok(tokens)
    }

    pub fn data(&self) -> &Path {
        &self.program.data
    }

    pub fn usage(&self) -> Result<Usage, Failure> {
        self.process.usage()
    }

    pub fn died(&mut self) -> Option<Failure> {
        self.process.died()
    }

    pub async fn is_ready(&self) -> Result<bool, Failure> {
        Ok(Rest::new(self.target.clone(), String::new())?.ready().await)
    }

    async fn until_ready(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while !self.is_ready().await? {
            if began.elapsed() > START_WAIT {
                let waited_ms = began.elapsed().as_millis() as u64;
                let log = self.process.log_tail();
                return Err(Failure::NotReady { url: self.target.http("/readyz"), waited_ms, log });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Program {
    fn target(&self, address: SocketAddr) -> Target {
        let trust = self.certificate.as_ref().map(|certificate| certificate.trust.clone());
        Target { trust, ..Target::at(address) }
    }

    /// A command that finds the same configuration as the server.
    pub fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(verb).arg("--config").arg(&self.config).env("APRICOT_DATA", &self.data);
        if let Some(provider) = self.provider {
            command.env("APRICOT_PROVIDER__URL", format!("http://{provider}"));
        }
        command.kill_on_drop(true);
        command
    }

    async fn run(&self, listen: &str) -> Result<Process, Failure> {
        let mut command = self.command("serve");
        command.env("APRICOT_LISTEN", listen).envs(self.environment.iter().cloned());
        if let Some(kind) = &self.sabotage {
            command.env("APRICOT_SABOTAGE", kind);
        }
        if let Some(Certificate { chain, key, .. }) = &self.certificate {
            command.env("APRICOT_TLS__CERTIFICATE", chain).env("APRICOT_TLS__KEY", key);
        }
        Process::start(command, self.data.join("server.log"), self.cores).await
    }

    /// Whether the binary was built to be broken: only such a build knows the variable's name.
    pub async fn can_sabotage(&self) -> Result<bool, Failure> {
        let bytes = tokio::task::spawn_blocking({
            let binary = self.binary.clone();
            move || std::fs::read(&binary).map_err(Failure::file(binary))
        })
        .await
        .map_err(|error| Failure::System { what: "reading the binary", source: error.into() })??;
        const NAME: &[u8] = b"APRICOT_SABOTAGE";
        Ok(bytes.windows(NAME.len()).any(|window| window == NAME))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.keep {
            eprintln!("kept the server's data and log in {}", self.data.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.data) {
            eprintln!("could not remove {}: {error}", self.data.display());
        }
    }
}
