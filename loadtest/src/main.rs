//! Apricot's load generator and independent checker.
//!
//! `rush` sells out a flash sale under everything that goes wrong, `watch` fans out to a crowd, `storm` cuts it off,
//! `compare` sets both beside baselines, `chaos` breaks things in the middle of a rush over several nodes, `check` judges a record and
//! a saved history. They know the contract (`apricot-proto`, docs/api.md) and the record's tables, and share no code with
//! the server. JSON goes to stdout, everything for people to stderr; the exit code is 1 when a rule was broken and 2 when
//! the run itself failed.
//!
//! One thread drives all sockets, one task each: the machine is shared with the server that is measured.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

mod baseline;
mod chaos;
mod checker;
mod compare;
mod contract;
mod crowd;
mod failure;
mod history;
mod latency;
mod pin;
mod progress;
mod report;
mod rush;
mod spawn;
mod storm;
mod usage;
mod watch;

use failure::Failure;
use history::History;

#[derive(Parser)]
#[command(about, version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A flash sale with far more wishes than stock, then the checker
    Rush(rush::RushOptions),
    /// Many viewers of one room: delivery latency by lane, cost per delivery, memory per viewer
    Watch(watch::WatchOptions),
    /// All viewers of a full room lose their connection at once and come back: nothing may be lost or come twice
    Storm(storm::StormOptions),
    /// The table of the fan-out, with two baselines in the same run
    Compare(compare::CompareOptions),
    /// A server to compare with, as `watch --spawn` starts it
    #[command(hide = true)]
    Baseline(baseline::BaselineOptions),
    /// Rushes over several nodes while something breaks, each judged by the checker
    Chaos(chaos::ChaosOptions),
    /// The checker alone, on a data folder and a saved history
    Check(CheckOptions),
}

#[derive(Args)]
struct CheckOptions {
    /// The server's data folder, or the database that the nodes share
    #[arg(long, value_name = "DIR|postgresql://URL")]
    record: checker::Place,
    /// Folder of the provider's books [default: beside a SQLite record]
    #[arg(long, value_name = "DIR")]
    books: Option<PathBuf>,
    /// What the clients saw, as `rush --history` wrote it
    #[arg(long, value_name = "FILE.ndjson", required_unless_present = "record_only")]
    history: Option<PathBuf>,
    /// Judge the record without any history
    #[arg(long, conflicts_with = "history")]
    record_only: bool,
    /// Accepted for the sake of scripts: the verdict is always JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(options.command)),
        Err(source) => Err(Failure::System { what: "starting the runtime", source }),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("loadtest: {failure}");
            ExitCode::from(2)
        }
    }
}

/// True when no rule was broken.
async fn run(command: Command) -> Result<bool, Failure> {
    match command {
        Command::Rush(options) => {
            let outcome = rush::run(&options).await?;
            eprint!("{}", outcome.words());
            if let Some(path) = &options.html {
                outcome.page().write(path)?;
            }
            print(options.json, &outcome.to_json());
            Ok(outcome.is_clean())
        }
        Command::Watch(options) => {
            let outcome = watch::run(&options).await?;
            eprint!("{}", outcome.words());
            if let Some(path) = &options.html {
                outcome.page().write(path)?;
            }
            print(options.json, &outcome.to_json());
            Ok(outcome.is_clean())
        }
        Command::Storm(options) => {
            let outcome = storm::run(&options).await?;
            eprint!("{}", outcome.words());
            if let Some(path) = &options.html {
                outcome.page().write(path)?;
            }
            print(options.json, &outcome.to_json());
            Ok(outcome.is_clean())
        }
        Command::Compare(options) => {
            let outcome = compare::run(&options).await?;
            eprint!("{}", outcome.words());
            if let Some(path) = &options.html {
                outcome.page().write(path)?;
            }
            print(options.json, &outcome.to_json());
            Ok(outcome.is_clean())
        }
        Command::Chaos(options) => {
            let table = chaos::run(&options).await?;
            eprint!("{}", table.words());
            if let Some(path) = &options.write {
                table.write(path)?;
            }
            print(options.json, &table.to_json());
            Ok(table.is_clean())
        }
        Command::Baseline(options) => baseline::run(&options).await.map(|()| true),
        Command::Check(options) => {
            let history = options.history.as_deref().map(History::read).transpose()?;
            let verdict =
                checker::check(&options.record, options.books.as_deref(), history.as_ref(), rush::unix_ms())
                    .await?;
            for finding in &verdict.findings {
                eprintln!("{finding}");
            }
            print(true, &Value::Object(verdict.to_json()));
            Ok(verdict.is_clean())
        }
    }
}

fn print(json: bool, value: &Value) {
    if json {
        println!("{value}");
    }
}
