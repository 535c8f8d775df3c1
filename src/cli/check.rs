//! `apricot check`: audits the record, beside a running server or without one.

use clap::Args;

use super::{Failed, Source, print};
use crate::app::RECORD_FILE;
use crate::audit::{Check as Rule, Report, audit};

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    source: Source,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn run(self) -> Result<(), Failed> {
        let path = self.source.load(None)?.config.data.join(RECORD_FILE);
        let failed = |reason: String| Failed::because(format!("{}: {reason}", path.display()));
        if !path.exists() {
            return Err(failed("there is no record; name its folder with --data".into()));
        }
        let report = audit(&path).map_err(|error| failed(error.to_string()))?;
        let text =
            if self.json { serde_json::to_string(&report).map_err(Failed::because)? } else { told(&report) };
        print(&format!("{text}\n"))?;
        let broken = report.checks.iter().filter(|rule| rule.violations > 0).count();
        if report.ok { Ok(()) } else { Err(Failed::because(format!("{broken} rules are broken"))) }
    }
}

fn told(report: &Report) -> String {
    let line = |Rule { name, rule, violations, examples }: &Rule| {
        let verdict = if *violations == 0 { "ok".to_owned() } else { format!("BROKEN {violations} times") };
        let examples = examples.iter().map(|example| format!("\n    {example}"));
        format!("{verdict:<6} {name}: {rule}{}", examples.collect::<String>())
    };
    report.checks.iter().map(line).collect::<Vec<_>>().join("\n")
}
