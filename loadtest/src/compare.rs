//! `compare`: the whole table of the fan-out in one go, with the baselines in the same run.
//!
//! Each figure is a `watch` or a `storm` of this program in a process of its own, so that no run inherits memory or sockets of
//! another, and every command that is shown can be run alone.

use std::{env, path::PathBuf, process::Stdio};

use clap::Args;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    failure::Failure,
    report::{Bars, Curve, Page},
};

mod rows;

use rows::{Bound, Row, rows};

#[derive(Debug, Clone, Args)]
pub struct CompareOptions {
    /// Rows to run, as `a,c,g` [default: all]
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Three seconds of each instead of fifteen
    #[arg(long)]
    pub quick: bool,
    /// Apricot's binary [default: as for watch]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// Apricot's configuration [default: config/load.toml]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub cores: crate::pin::CoreOptions,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// A row that was run.
struct Done {
    row: Row,
    /// What each run printed, or why it did not.
    runs: Vec<Result<Value, String>>,
}

pub struct Outcome {
    quick: bool,
    done: Vec<Done>,
}

pub async fn run(options: &CompareOptions) -> Result<Outcome, Failure> {
    let wanted = chosen(rows(options.quick), &options.only)?;
    let mut done = Vec::new();
    for row in wanted {
        eprintln!("{}  {}", row.key, row.title);
        let mut runs = Vec::new();
        for run in &row.runs {
            eprintln!("   {}: loadtest {}", run.name, run.args.join(" "));
            runs.push(one(options, &run.args).await?);
        }
        let row = Done { row, runs };
        eprint!("{}", row.words());
        done.push(row);
    }
    Ok(Outcome { quick: options.quick, done })
}

/// All when none is named.
fn chosen(rows: Vec<Row>, only: &[String]) -> Result<Vec<Row>, Failure> {
    let known: Vec<&str> = rows.iter().map(|row| row.key).collect();
    let unknown: Vec<String> = only.iter().filter(|key| !known.contains(&key.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(Failure::NoSuchRow { option: "only", unknown, known });
    }
    Ok(rows.into_iter().filter(|row| only.is_empty() || only.iter().any(|key| key == row.key)).collect())
}

async fn one(options: &CompareOptions, args: &[String]) -> Result<Result<Value, String>, Failure> {
    let program = env::current_exe().map_err(Failure::system("finding this program"))?;
    let mut command = Command::new(&program);
    command.args(args).arg("--json").kill_on_drop(true).stdin(Stdio::null());
    for (name, path) in [("--binary", &options.binary), ("--config", &options.config)] {
        if let Some(path) = path {
            command.arg(name).arg(path);
        }
    }
    if let (Some(server), Some(client)) = (options.cores.server_core, options.cores.client_core) {
        command.args(["--server-core", &server.to_string(), "--client-core", &client.to_string()]);
    }
    let output = command.output().await.map_err(Failure::file(&program))?;
    Ok(serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        said.lines().next_back().unwrap_or("it said nothing").to_string()
    }))
}

/// A figure and what was wanted of it; `None` when a run failed.
struct Judged {
    what: String,
    value: Option<f64>,
    bound: Option<Bound>,
}

impl Judged {
    fn is_missed(&self) -> bool {
        match (self.value, self.bound) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(value), Some(Bound::AtLeast(least))) => value < least,
            (Some(value), Some(Bound::AtMost(most))) => value > most,
        }
    }

    fn words(&self) -> String {
        let value = self.value.map_or_else(|| "-".into(), number);
        let wanted = match self.bound {
            None => String::new(),
            Some(Bound::AtLeast(least)) => format!("wanted >= {}", number(least)),
            Some(Bound::AtMost(most)) => format!("wanted <= {}", number(most)),
        };
        let mark = if self.is_missed() { "MISSED" } else { "" };
        format!("   {:<44} {value:>14}   {wanted} {mark}", self.what).trim_end().to_string() + "\n"
    }

    fn to_json(&self) -> Value {
        let (at_least, at_most) = match self.bound {
            Some(Bound::AtLeast(least)) => (Some(least), None),
            Some(Bound::AtMost(most)) => (None, Some(most)),
            None => (None, None),
        };
        json!({"what": self.what, "value": self.value, "at_least": at_least, "at_most": at_most, "missed": self.is_missed()})
    }
}

impl Done {
    fn judged(&self) -> Vec<Judged> {
        let figure =
            |run: usize, path: &str| self.runs.get(run)?.as_ref().ok()?.pointer(path).and_then(Value::as_f64);
        let judge = |measure: &rows::Measure| Judged {
            what: measure.what.into(),
            value: match measure.over {
                None => figure(measure.run, measure.path),
                Some(other) => figure(measure.run, measure.path)
                    .zip(figure(other, measure.path))
                    .map(|(above, below)| above / below),
            },
            bound: measure.bound,
        };
        self.row.measures.iter().map(judge).collect()
    }

    /// Lost or repeated on any lane, by the runs' own account.
    fn lost(&self) -> u64 {
        let count = |run: &Value, key: &str| run.get(key).and_then(Value::as_u64).unwrap_or(0);
        let runs = self.runs.iter().filter_map(|run| run.as_ref().ok());
        runs.map(|run| count(run, "lost") + count(run, "repeated")).sum()
    }

    fn words(&self) -> String {
        let mut text = String::new();
        for (run, outcome) in self.row.runs.iter().zip(&self.runs) {
            if let Err(why) = outcome {
                text += &format!("   {} failed: {why}\n", run.name);
            }
        }
        text + &self.judged().iter().map(Judged::words).collect::<String>()
    }

    fn to_json(&self) -> Value {
        let runs = self.row.runs.iter().zip(&self.runs).map(|(run, outcome)| match outcome {
            Ok(value) => json!({"name": run.name, "command": run.args.join(" "), "outcome": value}),
            Err(why) => json!({"name": run.name, "command": run.args.join(" "), "failed": why}),
        });
        json!({
            "row": self.row.key,
            "title": self.row.title,
            "measures": self.judged().iter().map(Judged::to_json).collect::<Vec<_>>(),
            "lost": self.lost(),
            "runs": runs.collect::<Vec<_>>(),
        })
    }

    fn curves(&self) -> Vec<Curve> {
        let mut curves = Vec::new();
        for (run, outcome) in self.row.runs.iter().zip(&self.runs) {
            let Ok(outcome) = outcome else { continue };
            for lane in ["critical", "chat"] {
                let points = outcome.pointer(&format!("/lanes/{lane}/curve")).cloned().unwrap_or_default();
                let points: Vec<(f64, f64)> = serde_json::from_value(points).unwrap_or_default();
                if !points.is_empty() && self.row.shows_curves {
                    curves.push(Curve { name: format!("{} {lane}, {}", self.row.key, run.name), points });
                }
            }
        }
        curves
    }
}

impl Outcome {
    /// Speeds that were wanted and not reached are said, not failed: another machine has other speeds.
    pub fn is_clean(&self) -> bool {
        let failed = self.done.iter().flat_map(|done| &done.runs).any(Result::is_err);
        !failed && self.done.iter().all(|done| done.lost() == 0)
    }

    pub fn words(&self) -> String {
        let missed: Vec<String> = self
            .done
            .iter()
            .flat_map(|done| done.judged().into_iter().filter(Judged::is_missed).map(move |it| (done, it)))
            .map(|(done, judged)| format!("{} {}", done.row.key, judged.what))
            .collect();
        let rows =
            self.done.iter().map(|done| format!("{}  {}\n{}", done.row.key, done.row.title, done.words()));
        let rows: String = rows.collect();
        let missed = if missed.is_empty() { "none".into() } else { missed.join("; ") };
        format!("\n{rows}missed: {missed}\n")
    }

    pub fn to_json(&self) -> Value {
        json!({"quick": self.quick, "rows": self.done.iter().map(Done::to_json).collect::<Vec<_>>()})
    }

    pub fn page(&self) -> Page {
        let bars = self.done.iter().filter(|done| done.row.bars.is_some()).map(|done| {
            let (unit, path) = done.row.bars.unwrap_or_default();
            let bars = done.row.runs.iter().zip(&done.runs).filter_map(|(run, outcome)| {
                let value = outcome.as_ref().ok()?.pointer(path)?.as_f64()?;
                Some((run.name.to_string(), value))
            });
            Bars { title: format!("{}: {}, {unit}", done.row.key, done.row.title), bars: bars.collect() }
        });
        let facts = self.done.iter().flat_map(|done| {
            done.judged().into_iter().filter(|it| it.bound.is_some()).map(|it| {
                let value = it.value.map_or_else(|| "-".into(), number);
                (format!("{} {}", done.row.key, it.what), value)
            })
        });
        let missed = self.done.iter().flat_map(|done| {
            let missed = done.judged().into_iter().filter(Judged::is_missed);
            missed.map(|it| format!("{}:{}", done.row.key, it.words().trim_end()))
        });
        Page {
            title: "Fan-out compared".into(),
            facts: facts.collect(),
            findings: missed.collect(),
            bars: bars.collect(),
            curves: self.done.iter().flat_map(Done::curves).collect(),
            json: self.to_json(),
            ..Page::default()
        }
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 1_000.0 { format!("{value:.0}") } else { format!("{:.3}", value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_judged_and_a_failed_run_misses() {
        let row = || rows(true).into_iter().find(|row| row.key == "a").unwrap();
        let run = |speed: f64| Ok(json!({"deliveries_per_s": speed, "cpu_us_per_delivery": 1.0, "lost": 0}));
        let done = Done { row: row(), runs: vec![run(95.0), run(50.0), run(100.0)] };
        let ratio = &done.judged()[0];
        assert_eq!((ratio.value, ratio.is_missed()), (Some(0.95), false));
        let done = Done { row: row(), runs: vec![Err("no".into()), run(50.0), run(100.0)] };
        assert!(done.judged()[0].is_missed());
        assert!(!Outcome { quick: true, done: vec![done] }.is_clean());
    }

    #[test]
    fn a_row_that_is_not_there_is_refused_beside_one_that_is() {
        let keys = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|key| key.to_string()).collect();
            let chosen = chosen(rows(true), &only).map_err(|refused| refused.to_string())?;
            Ok::<_, String>(chosen.iter().map(|row| row.key).collect::<String>())
        };
        assert_eq!(keys(&[]).as_deref(), Ok("abcdefghi"));
        assert_eq!(keys(&["g", "a"]).as_deref(), Ok("ag"));
        let refused = keys(&["a", "z", ""]).unwrap_err();
        assert_eq!(
            refused,
            "--only: the table has no row `z` and no row ``; its rows are a, b, c, d, e, f, g, h, i"
        );
    }

    #[test]
    fn every_command_of_the_table_is_one_of_this_program() {
        use clap::CommandFactory as _;
        for run in rows(false).into_iter().chain(rows(true)).flat_map(|row| row.runs) {
            let args = ["loadtest".to_string()].into_iter().chain(run.args.clone());
            let parsed = crate::Options::command().try_get_matches_from(args);
            assert!(parsed.is_ok(), "{}: {:?}", run.args.join(" "), parsed.err());
        }
    }
}
