//! The command line. Standard output carries what was asked for, standard error everything else. Exit code 2 says that the command
//! or the configuration is wrong, 1 that something failed.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::StartError;
use crate::config::{self, ConfigError, Effective, Flags, LogConfig, LogFormat};

mod audit;
mod check;
mod files;
pub mod import;
mod keys;
mod memory;
mod migrate;
mod ready;
mod sandbox;
mod serve;
mod signals;
mod token;
mod verify;
mod witness;

#[derive(Parser)]
#[command(
    name = "apricot",
    version,
    about = "Live rooms where farmers sell, with a charity counter that anyone can check"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. Prints {"listening":"ADDRESS"} when it takes requests
    Serve(serve::Serve),
    /// Run the sandbox payment provider as a process of its own, for several nodes
    Sandbox(sandbox::Sandbox),
    /// Print a signed token, or many
    Token(token::Token),
    /// Check the record against every rule
    Check(check::Check),
    /// Check a receipt offline
    Verify(verify::Verify),
    /// Read a site's public log as a stranger, and compare what it adds up to with what the site shows
    Audit(audit::Audit),
    /// Sign for a log, which others run, that it only ever grew
    Witness(witness::Witness),
    /// Bring the tables of a record on PostgreSQL up to date, and say what was done
    Migrate(migrate::Migrate),
    /// Ask a running server whether it is ready
    Ready(ready::Ready),
    /// Print the configuration in effect, and where each value came from
    Config(Source),
    /// Print the OpenAPI document
    Openapi,
    /// Bring in data from files
    #[command(subcommand)]
    Import(import::Import),
}

/// Where the configuration and the data are.
#[derive(Args, Clone, Default)]
struct Source {
    /// Configuration file; otherwise apricot.toml in the data folder, when there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// One line for standard error, and the exit code.
#[derive(Debug)]
struct Failed {
    code: u8,
    line: String,
}

pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Sandbox(sandbox) => sandbox.run(),
        Command::Token(token) => token.run(),
        Command::Check(check) => check.run(),
        Command::Verify(verify) => verify.run(),
        Command::Witness(witness) => witness.run(),
        Command::Audit(audit) => audit.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Ready(ready) => ready.run(),
        Command::Config(source) => source.load(None).and_then(|effective| print(&effective.to_string())),
        Command::Openapi => print(&format!("{}\n", *crate::wire::openapi::DOCUMENT)),
        Command::Import(import) => import.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { code, line }) => {
            eprintln!("apricot: {line}");
            ExitCode::from(code)
        }
    }
}

impl Source {
    fn load(&self, listen: Option<SocketAddr>) -> Result<Effective, Failed> {
        let flags = Flags { config: self.config.clone(), data: self.data.clone(), listen };
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            // Names and values that are not UTF-8 cannot be ours.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(config::load(&flags, variables)?)
    }
}

impl Failed {
    fn usage(line: impl Into<String>) -> Self {
        Self { code: 2, line: line.into() }
    }

    fn because(reason: impl ToString) -> Self {
        Self { code: 1, line: reason.to_string() }
    }
}

impl From<ConfigError> for Failed {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        Self::because(error)
    }
}

/// A reader that closed the pipe has seen enough.
fn print(text: &str) -> Result<(), Failed> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failed::because(format!("standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn start_log(config: &LogConfig) -> Result<(), Failed> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.filter)
        .map_err(|error| Failed::usage(format!("log.filter: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match config.format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failed::because(format!("the log cannot be started: {error}")))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failed::because(format!("threads cannot be started: {error}")))
}
