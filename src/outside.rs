//! A site's log as a stranger reads it: over HTTP, with a key that was had from elsewhere, believing nothing that is not proven. Knows the
//! formats of docs/log.md and no other part of this program.

use std::time::Duration;

use apricot_tlog::checkpoint::{Checkpoint, SignedCheckpoint, Trust};
use apricot_tlog::leaf::{Currency, Scope};
use apricot_tlog::ledger::{Amounts, Finding, Recount};
use apricot_tlog::merkle::{self, Hash, Tree, leaf_hash};
use apricot_tlog::tile::bundle::{self, BUNDLE_BYTES_MAX};
use apricot_tlog::tile::{self, Kind, Tile, WIDTH};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Signatures of a key and sixteen witnesses.
const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;
const TOTAL_BYTES_MAX: usize = 64 * 1024;

/// Where a reader stood when it was last here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

/// What a site shows of a pledge against what its log adds up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differs {
    pub pledge: String,
    pub column: &'static str,
    pub site: i64,
    pub log: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    #[error("{url} cannot be read: {reason}; try again later")]
    Unread { url: String, reason: String },
    #[error("{url}: more than {bytes_max} bytes")]
    TooLong { url: String, bytes_max: usize },
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] apricot_tlog::checkpoint::CheckpointRefused),
    #[error("the log went back: it had {seen} leaves when it was last read, now it has {now}")]
    WentBack { seen: u64, now: u64 },
    #[error("the log was rewritten: its tree of {now} leaves does not continue that of {seen}")]
    Forked { seen: u64, now: u64 },
    #[error("{tile}: {why}")]
    Tile { tile: String, why: String },
    #[error("the leaves have the root {found:?}, the checkpoint of {size} leaves says {signed:?}")]
    OtherRoot { size: u64, found: Hash, signed: Hash },
    #[error("what the site shows of a pledge is unreadable: {0}")]
    Total(String),
}

pub struct Site {
    base: String,
    client: reqwest::Client,
    trust: Trust,
    tree: Tree,
    recount: Recount,
}

impl Site {
    /// `base`: the site's address, such as http://127.0.0.1:8080.
    pub fn new(base: &str, trust: Trust) -> Result<Self, Distrust> {
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().build();
        let client = client.map_err(|error| unread(base, &error))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { base, client, trust, tree: Tree::default(), recount: Recount::default() })
    }

    pub fn recount(&self) -> &Recount {
        &self.recount
    }

    pub fn findings(&self) -> Vec<Finding> {
        self.recount.findings().to_vec()
    }

    /// The newest checkpoint, when it continues what was seen.
    pub async fn checkpoint(&self, seen: Option<&Seen>) -> Result<Checkpoint, Distrust> {
        let bytes = self.get("log/checkpoint", CHECKPOINT_BYTES_MAX).await?;
        let believed = SignedCheckpoint::parse(&bytes)?.verify(&self.trust)?.checkpoint;
        let Some(seen) = seen else { return Ok(believed) };
        if believed.size < seen.size {
            return Err(Distrust::WentBack { seen: seen.size, now: believed.size });
        }
        self.continues(seen, &believed).await?;
        Ok(believed)
    }

    async fn continues(&self, seen: &Seen, now: &Checkpoint) -> Result<(), Distrust> {
        let forked = || Distrust::Forked { seen: seen.size, now: now.size };
        let ranges = merkle::consistency_ranges(seen.size, now.size).unwrap_or_default();
        let mut tiles = Vec::new();
        for tile in tile::needed(&ranges, now.size) {
            tiles.push((tile, self.tile(tile).await?));
        }
        let read = |wanted: Tile| {
            let found = tiles.iter().find(|(tile, _)| *tile == wanted).map(|(_, bytes)| bytes.clone());
            found.ok_or("it was not fetched")
        };
        let proof = tile::consistency(seen.size, now.size, read)
            .map_err(|error| Distrust::Tile { tile: "of the proof".into(), why: error.to_string() })?;
        merkle::consistent(seen.size, seen.root, now.size, now.root, &proof).map_err(|_| forked())
    }

    /// Reads every leaf up to the checkpoint, and counts it. `told` hears how far it is.
    pub async fn read_up_to(
        &mut self,
        checkpoint: &Checkpoint,
        mut told: impl FnMut(u64),
    ) -> Result<(), Distrust> {
        while self.tree.size() < checkpoint.size {
            let at = self.tree.size();
            let tile = Tile::of_entry(at, checkpoint.size).ok_or_else(|| Distrust::Tile {
                tile: "entries".into(),
                why: format!("none has leaf {at}"),
            })?;
            let wrong = |why: String| Distrust::Tile { tile: tile.to_string(), why };
            let bytes = self.tile(tile).await?;
            let entries = bundle::decode(&bytes, tile.width).map_err(|error| wrong(error.to_string()))?;
            let first = usize::try_from(at % u64::from(WIDTH)).map_err(|error| wrong(error.to_string()))?;
            for entry in &entries[first.min(entries.len())..] {
                self.tree.append(leaf_hash(entry));
                self.recount.push(entry);
            }
            told(self.tree.size());
        }
        let (size, found, signed) = (checkpoint.size, self.tree.root(), checkpoint.root);
        if found == signed { Ok(()) } else { Err(Distrust::OtherRoot { size, found, signed }) }
    }

    /// Pledges that the log knows, with what it adds up to.
    pub fn pledges(&self) -> Vec<(String, Currency, Amounts)> {
        let totals = self.recount.totals().filter(|(scope, ..)| *scope == Scope::Pledge);
        let mut pledges: Vec<_> =
            totals.map(|(_, key, currency, amounts)| (key.to_owned(), currency, amounts)).collect();
        pledges.sort_by(|one, other| one.0.cmp(&other.0));
        pledges
    }

    /// What the site shows: gross accrued and reversed, remitted, and apart gross matched and unmatched. All of them only grow.
    pub async fn shown(&self, pledge: &str) -> Result<Shown, Distrust> {
        let bytes = self.get(&format!("v1/pledges/{pledge}/total"), TOTAL_BYTES_MAX).await?;
        let total: Value =
            serde_json::from_slice(&bytes).map_err(|error| Distrust::Total(error.to_string()))?;
        let minor = |name: &'static str| match &total[name] {
            Value::Null => Ok(0),
            Value::String(text) => {
                text.parse().map_err(|_| Distrust::Total(format!("{name} is no number: {text:?}")))
            }
            other => Err(Distrust::Total(format!("{name} is no number in a text: {other}"))),
        };
        Ok(Shown {
            accrued: minor("grossAccruedMinor")?,
            reversed: minor("grossReversedMinor")?,
            remitted: minor("remittedMinor")?,
            matched: minor("grossMatchedMinor")?,
            unmatched: minor("grossUnmatchedMinor")?,
        })
    }

    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, Distrust> {
        let bytes_max = match tile.kind {
            Kind::Entries => BUNDLE_BYTES_MAX,
            Kind::Hashes { .. } => usize::from(WIDTH) * 32,
        };
        match self.get(&format!("log/{tile}"), bytes_max).await {
            // A partial tile may have been replaced by the full one.
            Err(Distrust::Unread { .. }) if !tile.is_full() => {
                let full = self.get(&format!("log/{}", tile.full()), bytes_max).await?;
                cut(tile, full)
            }
            read => read,
        }
    }

    async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, Distrust> {
        let url = format!("{}/{path}", self.base);
        let answer = self.client.get(&url).send().await.map_err(|error| unread(&url, &error))?;
        let mut answer = answer.error_for_status().map_err(|error| unread(&url, &error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| unread(&url, &error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > bytes_max {
                return Err(Distrust::TooLong { url, bytes_max });
            }
        }
        Ok(bytes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub accrued: i64,
    pub reversed: i64,
    pub remitted: i64,
    pub matched: i64,
    pub unmatched: i64,
}

impl Shown {
    /// What the log has, in the same order.
    fn columns(self, log: Amounts) -> [(&'static str, i64, i64); 5] {
        [
            ("accrued", self.accrued, log.accrued),
            ("reversed", self.reversed, log.reversed),
            ("remitted", self.remitted, log.remitted),
            ("matched", self.matched, log.matched),
            ("unmatched", self.unmatched, log.unmatched),
        ]
    }

    /// The log is behind the site by what it does not have yet.
    pub fn is_reached_by(self, log: Amounts) -> bool {
        self.columns(log).into_iter().all(|(_, site, log)| log >= site)
    }

    /// These figures only grow: read between two checkpoints, none may be below the first or above the second.
    pub fn between(self, pledge: &str, before: Amounts, after: Amounts) -> Vec<Differs> {
        let mut differ = Vec::new();
        for ((column, site, low), (_, _, high)) in self.columns(before).into_iter().zip(self.columns(after)) {
            if site < low {
                differ.push(Differs { pledge: pledge.to_owned(), column, site, log: low });
            } else if site > high {
                differ.push(Differs { pledge: pledge.to_owned(), column, site, log: high });
            }
        }
        differ
    }
}

/// As much of a full tile as the partial one has.
fn cut(tile: Tile, full: Vec<u8>) -> Result<Vec<u8>, Distrust> {
    let wrong = |why: String| Distrust::Tile { tile: tile.full().to_string(), why };
    match tile.kind {
        Kind::Hashes { .. } => {
            let bytes = usize::from(tile.width) * 32;
            full.get(..bytes).map(<[u8]>::to_vec).ok_or_else(|| wrong("it is too short".into()))
        }
        Kind::Entries => {
            let entries = bundle::decode(&full, WIDTH).map_err(|error| wrong(error.to_string()))?;
            let first = entries.into_iter().take(usize::from(tile.width));
            bundle::encode(first).map_err(|error| wrong(error.to_string()))
        }
    }
}

fn unread(url: &str, error: &reqwest::Error) -> Distrust {
    Distrust::Unread { url: url.to_owned(), reason: error.to_string() }
}
