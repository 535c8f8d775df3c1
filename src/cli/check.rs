//! `apricot check`.

use clap::Args;

use super::{Failed, Source};

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
        let Self { source, json } = self;
        let data = source.load(None)?.config.data;
        tracing::debug!(data = %data.display(), json, "check");
        Err(Failed::because("check is not built into this version yet"))
    }
}
