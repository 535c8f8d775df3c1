//! `apricot audit`: a site's whole public log, read as a stranger would, and compared with what the site shows.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use apricot_tlog::checkpoint::{Believed, Trust};
use apricot_tlog::ledger::{FINDINGS_MAX, Finding};
use clap::Args;
use serde_json::json;

use super::keys::Keys;
use super::memory::Memory;
use super::{Failed, print, runtime};
use crate::outside::web::{Authorities, Web, WebError};
use crate::outside::{Before, Differs, Distrust, Seen, Shown, Site};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Of a site of many nodes, one may be so far behind another.
const NODES_APART_MAX: Duration = Duration::from_secs(5);
const KEYS_BYTES_MAX: usize = 64 * 1024;
const SHOWN_MAX: usize = 20;

#[derive(Args)]
pub struct Audit {
    /// The site, such as https://shop.example or http://127.0.0.1:8080
    url: String,
    /// Remembers the checkpoints that were seen, for this command and `apricot verify`, so that the next reading finds out when the log was
    /// rewritten; made when it is not there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
    /// Certificate authorities in PEM that are trusted for https:// instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds that the log may be behind the site: a line is in the log within a second or two of being posted
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    within: u64,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// What was found out.
struct Told {
    last: Believed,
    shown: Shown,
    differ: Vec<Differs>,
    /// Rules that are broken if nothing more comes.
    lacking: Vec<Finding>,
    /// Orders among the last leaves whose other leaves are still to come.
    waiting: usize,
}

impl Audit {
    /// Exit code 1 with the reason on any mismatch.
    pub fn run(self) -> Result<(), Failed> {
        runtime()?.block_on(self.audit())
    }

    async fn audit(self) -> Result<(), Failed> {
        let authorities = self.ca.as_deref().map_or(Authorities::OfTheSystem, Authorities::OfFile);
        let web = Web::new(&self.url, authorities, ANSWER_WITHIN).map_err(refused)?;
        let trust = self.trust(&web).await?;
        let origin = trust.origin().to_owned();
        let mut memory = self.state.as_deref().map(Memory::recall).transpose()?.unwrap_or_default();
        let mut site = Site::new(web, trust, memory.of(&origin).to_vec());
        let deadline = crate::clock::instant() + Duration::from_secs(self.within);
        let first = newest(&site, deadline).await?;
        self.read(&mut site, &first).await?;
        let before = site.before();
        let shown = site.shown().await.map_err(distrusted)?;
        let told = self.wait_for(&mut site, &before, shown, first).await?;
        self.tell(&site, &told)?;
        let wrong = site.recount().found() + (told.lacking.len() + told.differ.len()) as u64;
        if wrong > 0 {
            return Err(Failed::because(format!(
                "{wrong} things do not agree; what was seen before stays remembered"
            )));
        }
        let Some(file) = &self.state else { return Ok(()) };
        let checkpoint = &told.last.checkpoint;
        memory.add(&origin, Seen { size: checkpoint.size, root: checkpoint.root })?;
        memory.keep(file)
    }

    async fn read(&self, site: &mut Site, first: &Believed) -> Result<(), Failed> {
        let quiet = self.json || !std::io::stderr().is_terminal();
        let size = first.checkpoint.size;
        let read = site.read_up_to(&first.checkpoint, |read| {
            if !quiet {
                eprint!("\rleaf {read} of {size}");
            }
        });
        read.await.map_err(distrusted)?;
        if !quiet {
            eprintln!();
        }
        Ok(())
    }

    /// Until the log has what the site showed and what its own last leaves leave open, or it is late.
    async fn wait_for(
        &self,
        site: &mut Site,
        before: &Before,
        shown: Shown,
        first: Believed,
    ) -> Result<Told, Failed> {
        let deadline = crate::clock::instant() + Duration::from_secs(self.within);
        let size = first.checkpoint.size;
        let mut last = first;
        loop {
            let differ = site.differs(before, &shown);
            // Of later leaves the next checkpoint has the rest, and there is always a next one.
            let (open, waiting): (Vec<Finding>, Vec<Finding>) =
                site.recount().waiting().into_iter().partition(|finding| finding.leaf < size);
            let may_pass = !open.is_empty() || differ.iter().any(|differs| differs.may_pass);
            if !may_pass || crate::clock::instant() >= deadline {
                let lacking = site.recount().lacking().into_iter().chain(open).collect();
                return Ok(Told { last, shown, differ, lacking, waiting: waiting.len() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
            last = newest(site, deadline).await?;
            site.read_up_to(&last.checkpoint, |_| {}).await.map_err(distrusted)?;
        }
    }

    fn tell(&self, site: &Site, told: &Told) -> Result<(), Failed> {
        let Told { last, shown, differ, lacking, waiting } = told;
        let (recount, checkpoint) = (site.recount(), &last.checkpoint);
        let found = recount.found() + lacking.len() as u64;
        let findings: Vec<&Finding> = recount.findings().iter().chain(lacking).take(FINDINGS_MAX).collect();
        let withheld = recount.withheld();
        if self.json {
            let totals: Vec<_> = recount
                .totals()
                .map(|(scope, key, currency, amounts)| json!({ "scope": scope, "key": key, "currency": currency, "amounts": amounts }))
                .collect();
            let witnesses: Vec<&String> = last.witnesses.iter().map(|(name, _)| name).collect();
            let said = json!({
                "ok": differ.is_empty() && found == 0,
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": checkpoint.root,
                "witnesses": witnesses,
                "pledges": shown.pledges.len(),
                "projects": shown.projects.len(),
                "projectsUnread": shown.projects_unread,
                "pools": shown.pools.len(),
                "boardRows": shown.board.rows(),
                "found": found,
                "findings": findings,
                "waiting": waiting,
                "withheldWins": withheld,
                "differ": differ,
                "totals": totals,
            });
            return print(&format!("{said}\n"));
        }
        let mut text = format!(
            "{} leaves, every one in the tree that is signed; root {}\n{} pledges, {} projects, {} pools and {} rows of the board recomputed\n",
            checkpoint.size,
            checkpoint.root.to_hex(),
            shown.pledges.len(),
            shown.projects.len(),
            shown.pools.len(),
            shown.board.rows(),
        );
        if shown.projects_unread > 0 {
            text += &format!("{} projects without a gift were not read\n", shown.projects_unread);
        }
        if withheld > 0 {
            text += &format!(
                "{withheld} draws won something and were not matched: budgets and caps leave nothing at times\n"
            );
        }
        for finding in findings.iter().take(SHOWN_MAX) {
            text += &format!("leaf {}: {}\n", finding.leaf, finding.broken);
        }
        for Differs { of, key, column, site, log, .. } in differ.iter().take(SHOWN_MAX) {
            text += &format!("{of} {key}: {column} is {site} on the site, {log} by its log\n");
        }
        print(&text)
    }

    async fn trust(&self, web: &Web) -> Result<Trust, Failed> {
        if self.keys.has_log() {
            return self.keys.trust("", "");
        }
        let bytes = web.get("log/keys", KEYS_BYTES_MAX).await.map_err(refused)?;
        eprintln!(
            "apricot: the keys came from the site itself; get them from somewhere else and give them by --key"
        );
        self.keys.trust(&String::from_utf8_lossy(&bytes), "keys of the site")
    }
}

/// A node may be behind another for a moment, and witnesses sign a moment later than the log.
async fn newest(site: &Site, deadline: Instant) -> Result<Believed, Failed> {
    let behind = deadline.min(crate::clock::instant() + NODES_APART_MAX);
    loop {
        match site.checkpoint().await {
            Ok(believed) => return Ok(believed),
            Err(distrust) => {
                let until = if matches!(distrust, Distrust::WentBack { .. }) { behind } else { deadline };
                if !distrust.may_pass() || crate::clock::instant() >= until {
                    return Err(distrusted(distrust));
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn refused(error: WebError) -> Failed {
    match error {
        WebError::Address { .. } | WebError::Authorities(_) => Failed::usage(error.to_string()),
        WebError::Unread { .. } | WebError::Answered { .. } | WebError::TooLong { .. } => {
            Failed::because(error)
        }
    }
}

fn distrusted(distrust: Distrust) -> Failed {
    Failed::because(distrust)
}
