//! `apricot audit`: a site's whole public log, read as a stranger would, and compared with what the site shows.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apricot_tlog::checkpoint::Trust;
use apricot_tlog::ledger::Amounts;
use clap::Args;
use serde_json::json;

use super::verify::{KEYS_BYTES_MAX, read, trust};
use super::{Failed, print, runtime};
use crate::outside::{Differs, Distrust, Seen, Shown, Site};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const STATE_BYTES_MAX: u64 = 4 * 1024;
const SHOWN_MAX: usize = 20;

#[derive(Args)]
pub struct Audit {
    /// The site, such as http://127.0.0.1:8080. This program has no TLS client: for https:// use a local proxy
    url: String,
    /// Remembers the newest checkpoint that was seen, so that the next reading finds out when the log was rewritten; made when it is not there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The log's verifier key, one on a line. Without it the keys that the site names are believed
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Seconds that the log may be behind the site: a line is in the log within a second or two of being posted
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    within: u64,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
}

impl Audit {
    /// Exit code 1 with the reason on any mismatch.
    pub fn run(self) -> Result<(), Failed> {
        runtime()?.block_on(self.audit())
    }

    async fn audit(self) -> Result<(), Failed> {
        let trust = match &self.key {
            Some(file) => trust(file)?,
            None => self.keys_of_site().await?,
        };
        let seen = self.state.as_deref().map(recall).transpose()?.flatten();
        let mut site = Site::new(&self.url, trust).map_err(Failed::because)?;
        let first = site.checkpoint(seen.as_ref()).await.map_err(distrusted)?;
        let quiet = self.json || !std::io::stderr().is_terminal();
        let size = first.size;
        site.read_up_to(&first, |read| {
            if !quiet {
                eprint!("\rleaf {read} of {size}");
            }
        })
        .await
        .map_err(distrusted)?;
        if !quiet {
            eprintln!();
        }
        let before: HashMap<String, Amounts> =
            site.pledges().into_iter().map(|(pledge, _, amounts)| (pledge, amounts)).collect();
        let mut shown = Vec::new();
        for (pledge, ..) in site.pledges() {
            shown.push((pledge.clone(), site.shown(&pledge).await.map_err(distrusted)?));
        }
        let last = self.wait_for(&mut site, &shown, Seen { size: first.size, root: first.root }).await?;
        let after: HashMap<String, Amounts> =
            site.pledges().into_iter().map(|(pledge, _, amounts)| (pledge, amounts)).collect();
        let of = |amounts: &HashMap<String, Amounts>, pledge: &str| {
            amounts.get(pledge).copied().unwrap_or_default()
        };
        let differ: Vec<Differs> = shown
            .iter()
            .flat_map(|(pledge, shown)| shown.between(pledge, of(&before, pledge), of(&after, pledge)))
            .collect();
        self.tell(&site, &last, &shown, &differ)?;
        let wrong = site.recount().found() + differ.len() as u64;
        if wrong > 0 {
            return Err(Failed::because(format!(
                "{wrong} things do not agree; what was seen before stays remembered"
            )));
        }
        self.state.as_deref().map_or(Ok(()), |file| remember(file, &last))
    }

    /// Until the log has what the site showed, or it is late.
    async fn wait_for(
        &self,
        site: &mut Site,
        shown: &[(String, Shown)],
        mut seen: Seen,
    ) -> Result<Seen, Failed> {
        let deadline = crate::clock::instant() + Duration::from_secs(self.within);
        loop {
            let log: HashMap<String, Amounts> =
                site.pledges().into_iter().map(|(pledge, _, amounts)| (pledge, amounts)).collect();
            let reached = shown
                .iter()
                .all(|(pledge, shown)| shown.is_reached_by(log.get(pledge).copied().unwrap_or_default()));
            if reached || crate::clock::instant() >= deadline {
                return Ok(seen);
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let next = site.checkpoint(Some(&seen)).await.map_err(distrusted)?;
            site.read_up_to(&next, |_| {}).await.map_err(distrusted)?;
            seen = Seen { size: next.size, root: next.root };
        }
    }

    fn tell(
        &self,
        site: &Site,
        last: &Seen,
        shown: &[(String, Shown)],
        differ: &[Differs],
    ) -> Result<(), Failed> {
        let findings = site.findings();
        if self.json {
            let totals: Vec<_> = site
                .recount()
                .totals()
                .map(|(scope, key, currency, amounts)| json!({ "scope": scope, "key": key, "currency": currency, "amounts": amounts }))
                .collect();
            let said = json!({
                "ok": differ.is_empty() && site.recount().found() == 0,
                "size": last.size,
                "root": last.root,
                "pledges": shown.len(),
                "found": site.recount().found(),
                "findings": findings,
                "differ": differ,
                "totals": totals,
            });
            return print(&format!("{said}\n"));
        }
        let mut text = format!(
            "{} leaves, every one in the tree that is signed; root {}\n{} pledges recomputed\n",
            last.size,
            last.root.to_hex(),
            shown.len()
        );
        for finding in findings.iter().take(SHOWN_MAX) {
            text += &format!("leaf {}: {}\n", finding.leaf, finding.broken);
        }
        for Differs { pledge, column, site, log } in differ.iter().take(SHOWN_MAX) {
            text += &format!("pledge {pledge}: the site shows {site} {column}, its log adds up to {log}\n");
        }
        print(&text)
    }

    async fn keys_of_site(&self) -> Result<Trust, Failed> {
        let url = format!("{}/log/keys", self.url.trim_end_matches('/'));
        let failed = |error: reqwest::Error| Failed::because(format!("{url} cannot be read: {error}"));
        let answer = reqwest::Client::builder().no_proxy().build().map_err(failed)?.get(&url).send().await;
        let text = answer
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?
            .text()
            .await
            .map_err(failed)?;
        eprintln!(
            "apricot: the keys came from the site itself; get them from somewhere else and give them by --key"
        );
        Trust::parse(&text).map_err(|error| Failed::because(format!("{url}: {error}")))
    }
}

fn distrusted(distrust: Distrust) -> Failed {
    Failed::because(distrust)
}

fn recall(file: &Path) -> Result<Option<Seen>, Failed> {
    if !file.exists() {
        return Ok(None);
    }
    let bytes = read(file, STATE_BYTES_MAX.min(KEYS_BYTES_MAX))?;
    let seen = serde_json::from_slice(&bytes);
    seen.map(Some)
        .map_err(|error| Failed::usage(format!("{}: {error}; it is no state of an audit", file.display())))
}

/// Whole or not at all.
fn remember(file: &Path, seen: &Seen) -> Result<(), Failed> {
    let failed = |error: std::io::Error| Failed::because(format!("{}: {error}", file.display()));
    let unfinished = file.with_extension("unfinished");
    let text = serde_json::to_string(seen).map_err(Failed::because)?;
    std::fs::write(&unfinished, text).map_err(failed)?;
    std::fs::rename(&unfinished, file).map_err(failed)
}
