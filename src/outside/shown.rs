//! What a site shows, in the JSON of its REST interface; nothing of it is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use apricot_tlog::leaf::{Currency, Scope};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Distrust, Site};

/// Pages of projects beyond those that the log knows: a hundred thousand are registered, and most of them got nothing yet.
const OTHER_PROJECTS_MAX: usize = 10_000;
const TOTAL_BYTES_MAX: usize = 64 * 1024;
/// A hundred of each, with the longest words.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A hundred thousand projects in rows of 400 bytes.
const BOARD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Of a list: 100,000 projects are a thousand.
const PAGES_MAX: usize = 10_000;

/// A 64-bit number as canonical JSON of protobuf has it: in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Number<T>(pub T);

impl<'de, T: FromStr> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom(format!("{text:?} is no 64-bit number in a text")))
    }
}

/// Of a pledge or a project in one currency. A pledge says gross what a project says net.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Total {
    pub currency: String,
    pub gross_accrued_minor: Number<i64>,
    pub gross_reversed_minor: Number<i64>,
    pub confirmed_minor: Number<i64>,
    pub remitted_minor: Number<i64>,
    pub gross_matched_minor: Number<i64>,
    pub gross_unmatched_minor: Number<i64>,
    pub matched_minor: Number<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Board {
    pub all: Vec<BoardRow>,
    pub counties: Vec<BoardRow>,
    pub produce: Vec<BoardRow>,
    pub projects: Vec<BoardRow>,
    pub days: Vec<BoardRow>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BoardRow {
    pub key: String,
    pub currency: String,
    pub orders: Number<u64>,
    pub paid_minor: Number<u64>,
    pub gross_accrued_minor: Number<u64>,
    pub gross_reversed_minor: Number<u64>,
    pub confirmed_minor: Number<u64>,
    pub remitted_minor: Number<u64>,
    pub gross_matched_minor: Number<u64>,
    pub gross_unmatched_minor: Number<u64>,
    pub tally_leaf: Number<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolShown {
    pub id: String,
    pub version: u32,
    pub slots: Vec<SlotShown>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SlotShown {
    pub opens_at_ms: Number<u64>,
    pub closes_at_ms: Number<u64>,
    pub budget_minor: Number<i64>,
    pub spent_minor: Number<i64>,
    pub seed_sha256: String,
    pub seed: String,
}

/// A version of a pledge on a project's page, and the newest that the log had when it was read.
#[derive(Clone, Debug)]
pub struct PledgeShown {
    pub version: u32,
    pub logged: u32,
}

#[derive(Default)]
pub struct Shown {
    pub pledges: BTreeMap<Uuid, Total>,
    pub named: BTreeMap<Uuid, PledgeShown>,
    pub projects: BTreeMap<String, Vec<Total>>,
    /// Projects in the list whose pages were not read.
    pub projects_unread: usize,
    pub pools: Vec<PoolShown>,
    pub board: Board,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listed<T> {
    #[serde(alias = "projects", alias = "pools")]
    items: Vec<T>,
    next_cursor: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Registered {
    project: Project,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pledge {
    id: String,
    version: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProjectPage {
    totals: Vec<Total>,
    pledges: Vec<Pledge>,
}

impl Board {
    pub fn rows(&self) -> usize {
        [&self.all, &self.counties, &self.produce, &self.projects, &self.days].map(Vec::len).iter().sum()
    }
}

impl BoardRow {
    pub fn currency(&self) -> Option<Currency> {
        self.currency.parse().ok()
    }

    /// In the order of a tally.
    pub fn columns(&self) -> [(&'static str, u64); 8] {
        [
            ("orders", self.orders.0),
            ("paid", self.paid_minor.0),
            ("accrued", self.gross_accrued_minor.0),
            ("reversed", self.gross_reversed_minor.0),
            ("confirmed", self.confirmed_minor.0),
            ("remitted", self.remitted_minor.0),
            ("matched", self.gross_matched_minor.0),
            ("unmatched", self.gross_unmatched_minor.0),
        ]
    }
}

impl Site {
    /// The totals of every pledge that the log knows, the pages of projects, sponsors' pools and the board.
    pub async fn shown(&self) -> Result<Shown, Distrust> {
        let mut shown = Shown::default();
        // Also of those that gave nothing by the log.
        let pledges: BTreeSet<Uuid> = self.recount.pledges().map(|pledge| pledge.pledge).collect();
        for pledge in pledges {
            let total = self.json(&format!("v1/pledges/{pledge}/total"), TOTAL_BYTES_MAX).await?;
            shown.pledges.insert(pledge, total);
        }
        let of_projects = self.recount.totals().filter(|(scope, ..)| *scope == Scope::Project);
        let logged: BTreeSet<&str> = of_projects.map(|(_, key, ..)| key).collect();
        let listed: Vec<Registered> = self.list("v1/projects").await?;
        let listed = listed.into_iter().map(|registered| registered.project.id);
        let (known, others): (Vec<String>, Vec<String>) =
            listed.filter(|id| is_plain(id)).partition(|id| logged.contains(id.as_str()));
        shown.projects_unread = others.len().saturating_sub(OTHER_PROJECTS_MAX);
        for project in known.into_iter().chain(others.into_iter().take(OTHER_PROJECTS_MAX)) {
            let page: ProjectPage = self.json(&format!("v1/projects/{project}"), PAGE_BYTES_MAX).await?;
            for Pledge { id, version } in page.pledges {
                let id: Uuid =
                    id.parse().map_err(|_| Distrust::Shown(format!("{id:?} is no pledge's id")))?;
                let logged = self.recount.newest_pledge(&id).map_or(0, |pledge| pledge.version);
                shown.named.insert(id, PledgeShown { version, logged });
            }
            shown.projects.insert(project, page.totals);
        }
        shown.pools = self.list("v1/pools").await?;
        shown.board = self.json("v1/board", BOARD_BYTES_MAX).await?;
        Ok(shown)
    }

    async fn list<T: DeserializeOwned + Default>(&self, path: &str) -> Result<Vec<T>, Distrust> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
            let page: Listed<T> = self.json(&format!("{path}?limit=100{page}"), PAGE_BYTES_MAX).await?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_empty() {
                return Ok(all);
            }
            if !is_plain(&cursor) {
                return Err(Distrust::Shown(format!("{path}: {cursor:?} is no cursor")));
            }
        }
        Err(Distrust::Shown(format!("{path} has more than {PAGES_MAX} pages")))
    }

    async fn json<T: DeserializeOwned>(&self, path: &str, bytes_max: usize) -> Result<T, Distrust> {
        let bytes = self.web.get(path, bytes_max).await?;
        serde_json::from_slice(&bytes).map_err(|error| Distrust::Shown(format!("{path}: {error}")))
    }
}

/// Nothing in it needs to be escaped in an address.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}
