//! A PostgreSQL server with durable commits, as it is by default.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::keeper::{Keeper, run};
use crate::{Missing, await_ready, find, free_port, is_root};

const PROGRAM: &str = "postgres";
const PACKAGE: &str = "postgresql";
/// Where Debian puts it, newest first.
const FOLDERS: [&str; 5] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/local/bin",
];
const USER: &str = "postgres";

pub struct Postgres {
    keeper: Option<Keeper>,
    port: u16,
    folder: TempDir,
    program: PathBuf,
    settings: Vec<String>,
    databases: AtomicU32,
}

impl Postgres {
    pub fn start() -> Result<Self, Missing> {
        Self::start_with(&[])
    }

    /// With more of postgresql.conf's settings, such as `["max_connections=20"]`.
    pub fn start_with(settings: &[&str]) -> Result<Self, Missing> {
        Self::start_in(&std::env::temp_dir(), settings)
    }

    /// With its data below `parent`, such as a small disk.
    pub fn start_in(parent: &Path, settings: &[&str]) -> Result<Self, Missing> {
        let program = find(PROGRAM, PACKAGE, &FOLDERS)?;
        let initdb = find("initdb", PACKAGE, &FOLDERS)?;
        let folder =
            tempfile::Builder::new().prefix("apricot-postgres-").tempdir_in(parent).map_err(not_started)?;
        if is_root() {
            let path = folder.path().display().to_string();
            run(None, &["chown", USER, &path], "").map_err(not_started)?;
        }
        let data = folder.path().join("data").display().to_string();
        let initdb = initdb.display().to_string();
        let command =
            [initdb.as_str(), "-D", &data, "-U", USER, "-A", "trust", "-E", "UTF8", "-N", "--locale=C"];
        run(Some(USER), &command, "").map_err(not_started)?;
        let mut postgres = Self {
            keeper: None,
            port: free_port(),
            folder,
            program,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            databases: AtomicU32::new(0),
        };
        postgres.restart()?;
        Ok(postgres)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> Option<u32> {
        self.keeper.as_ref().map(Keeper::pid)
    }

    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    pub fn url_of(&self, database: &str) -> String {
        format!("postgresql://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database.
    pub fn fresh_database(&self) -> Result<String, Missing> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}")).map_err(not_started)?;
        Ok(self.url_of(&name))
    }

    /// Runs statements with psql; the rows, unaligned, one a line.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, String> {
        let psql = find("psql", "postgresql-client", &FOLDERS).map_err(|missing| missing.to_string())?;
        let psql = psql.display().to_string();
        let url = self.url_of(database);
        run(None, &[&psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", &url], statements)
    }

    /// `STOP` and `CONT` of its postmaster do not stop its backends; `INT` is a fast shutdown.
    pub fn signal(&self, name: &str) {
        if let Some(keeper) = &self.keeper {
            keeper.signal(name);
        }
    }

    /// As a crash of the server: the postmaster is killed, and its backends follow by themselves.
    pub fn kill(&mut self) {
        self.keeper = None;
        // The next start waits until they are gone.
    }

    /// On the same port and folder, with recovery. A server that still runs is killed.
    pub fn restart(&mut self) -> Result<(), Missing> {
        self.kill();
        let data = self.folder.path().join("data").display().to_string();
        let sockets = self.folder.path().display().to_string();
        let (program, port) = (self.program.display().to_string(), self.port.to_string());
        let mut command = vec![program.as_str(), "-D", &data, "-p", &port, "-k", &sockets];
        command.extend(["-c", "listen_addresses=127.0.0.1"]);
        for setting in &self.settings {
            command.extend(["-c", setting]);
        }
        let log = self.folder.path().join("log");
        let mut keeper = Keeper::start(PROGRAM, &command, &log, Some(USER))?;
        await_ready(PROGRAM, || {
            if keeper.has_ended() {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                // Backends of a killed server still hold its memory for a moment.
                if !said.contains("shared memory block") {
                    return Err(said);
                }
                keeper = Keeper::start(PROGRAM, &command, &log, Some(USER)).map_err(|e| e.to_string())?;
            }
            Ok(self.sql("postgres", "SELECT 1").is_ok())
        })?;
        self.keeper = Some(keeper);
        Ok(())
    }
}

fn not_started(reason: impl ToString) -> Missing {
    Missing::NotStarted { program: PROGRAM, reason: reason.to_string() }
}
