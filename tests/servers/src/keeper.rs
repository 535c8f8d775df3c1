//! A shell between us and the server: it waits on a pipe that closes when we die, and then stops the server. So no server is left behind by a
//! test that was killed.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{Missing, is_root};

pub struct Keeper {
    child: Child,
    pid: u32,
}

/// Starts the server, writes its pid, and ends it when the pipe closes. Without a goodbye in the pipe we have died, and nobody else will
/// remove the server's folder.
const KEEP: &str = r#""$@" >"$KEEPER_LOG" 2>&1 & pid=$!; echo $pid; said=$(cat); kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null
    [ "$said" ] || { sleep 1; rm -rf "$KEEPER_FOLDER"; }"#;
const GOODBYE: &[u8] = b"goodbye";

impl Keeper {
    /// As `user` when we are root: PostgreSQL refuses to run as root.
    pub fn start(
        program: &'static str,
        command: &[&str],
        log: &Path,
        user: Option<&str>,
    ) -> Result<Self, Missing> {
        let failed = |reason: String| Missing::NotStarted { program, reason };
        let mut keeper = command_as(user);
        keeper.args(["sh", "-c", KEEP, "sh"]).args(command).env("KEEPER_LOG", log);
        keeper.env("KEEPER_FOLDER", log.parent().unwrap_or(log));
        // A process group of its own: Ctrl-C in a terminal is for us to pass on.
        std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
        let spawned = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|e| failed(e.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
                .map_err(|e| failed(e.to_string()))?;
        }
        let pid = line.trim().parse().map_err(|_| failed(format!("its pid was `{}`", line.trim())))?;
        Ok(Self { child, pid })
    }

    /// Of the server itself, for signals.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn has_ended(&self) -> bool {
        !Path::new(&format!("/proc/{}", self.pid)).exists()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status();
        if !sent.is_ok_and(|status| status.success()) {
            eprintln!("a signal {name} to {} was not sent", self.pid);
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take()
            && let Err(error) = stdin.write_all(GOODBYE)
        {
            eprintln!("a server's keeper has gone before: {error}");
        }
        if let Err(error) = self.child.wait() {
            eprintln!("a server's keeper cannot be waited for: {error}");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command_as(user: Option<&str>) -> Command {
    match user.filter(|_| is_root()) {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]);
            command
        }
        None => Command::new("env"),
    }
}

/// Runs to its end; what it said when it failed.
pub fn run(user: Option<&str>, command: &[&str], input: &str) -> Result<String, String> {
    let mut command_line = command_as(user);
    command_line.args(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A folder that every user may stand in.
    let mut child = command_line.current_dir("/").spawn().map_err(|e| e.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(|e| e.to_string())?;
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
