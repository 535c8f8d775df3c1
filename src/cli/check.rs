//! `apricot check`.

use clap::Args;

use super::migrate::settings;
use super::{Failed, Source, print, runtime};
use crate::app::RECORD_FILE;
use crate::audit::{Report, audit};
use crate::store::journal::Snapshot;

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
        let report = runtime()?.block_on(self.report())?;
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
    async fn report(&self) -> Result<Report, Failed> {
        let config = self.source.load(None)?.config;
        let (snapshot, name) = match &config.postgres {
            Some(postgres) => (Snapshot::of_postgres(&settings(postgres)?).await, "the record".to_owned()),
            None => {
                let record = config.data.join(RECORD_FILE);
                if !record.exists() {
                    return Err(Failed::usage(format!(
                        "{} is not there; name the data folder with --data",
                        record.display()
                    )));
                }
                (Snapshot::of_file(&record), record.display().to_string())
            }
        };
        let unread = |error| Failed::because(format!("{name} cannot be read: {error}"));
        audit(&snapshot.map_err(unread)?).await.map_err(unread)
    }
}
