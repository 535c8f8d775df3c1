//! `apricot check`.

use clap::Args;

use super::{Failed, Source, print};
use crate::app::RECORD_FILE;
use crate::audit::audit;

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    source: Source,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Reads beside a running server; nothing is changed.
    pub fn run(self) -> Result<(), Failed> {
        let record = self.source.load(None)?.config.data.join(RECORD_FILE);
        if !record.exists() {
            return Err(Failed::usage(format!(
                "{} is not there; name the data folder with --data",
                record.display()
            )));
        }
        let report = audit(&record)
            .map_err(|error| Failed::because(format!("{} cannot be read: {error}", record.display())))?;
        if self.json {
            let json = serde_json::to_string(&report).map_err(Failed::because)?;
            print(&format!("{json}\n"))?;
        } else {
            print(&report.to_string())?;
        }
        let broken = report.checks.iter().filter(|check| check.violations > 0).count();
        match broken {
            0 => Ok(()),
            broken => Err(Failed::because(format!("{broken} rules are broken"))),
        }
    }
}
