//! Readings of the registry.

use uuid::Uuid;

use super::query::{Parsed, Row, Value};
use super::read::{Listing, Page};
use super::rows::registry::{CHARITY_COLUMNS, PROJECT_COLUMNS};
use super::rows::{self, registry};
use super::search::Search;
use super::{Journal, StoreError};
use crate::model::{Charity, Pledge, ProgressReport, Project, ProjectId, Timestamp};

/// Names in one question of `charities_named` and `projects_named`; both engines take more.
pub const NAMES_AT_ONCE: usize = 1_000;

/// A project as the registry has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    pub project: Project,
    pub charity: Charity,
    /// Of its newest report.
    pub reported_at: Option<Timestamp>,
}

/// A list of the registry: a table with its alias, what names a row, and what is asked of the row.
struct Found {
    sql: String,
    values: Vec<Value>,
}

impl Registered {
    /// When the next report is due.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.project.due_at(self.reported_at)
    }
}

impl Journal {
    pub async fn charity(&self, registration: &str) -> Result<Option<Charity>, StoreError> {
        let sql = format!("SELECT {CHARITY_COLUMNS} FROM charities c WHERE c.registration = ?1");
        self.one(sql, vec![Value::text(registration)], registry::charity).await
    }

    /// By registration number; of a search those first whose name has all that is looked for.
    pub async fn charities(
        &self,
        search: Option<&Search>,
        page: Page,
    ) -> Result<Listing<Charity>, StoreError> {
        if search.is_some_and(Search::is_empty) {
            return Ok(Listing { items: Vec::new(), next: None });
        }
        let Found { sql, values } = self.found("charities", "c.registration", search, None, &page);
        let sql = sql.replace("{columns}", CHARITY_COLUMNS).replace("{join}", "");
        let items = self.list(sql, values, |row| Ok((registry::charity(row)?, row.int(4)?))).await?;
        let key = |(charity, rung): &(Charity, i64)| format!("{rung} {}", charity.registration);
        Ok(Listing::cut(items, page.limit, key).map(|(charity, _)| charity))
    }

    pub async fn project(&self, id: &ProjectId) -> Result<Option<(Project, Charity)>, StoreError> {
        let registered = self.registered(id).await?;
        Ok(registered.map(|Registered { project, charity, .. }| (project, charity)))
    }

    pub async fn registered(&self, id: &ProjectId) -> Result<Option<Registered>, StoreError> {
        let sql = format!(
            "SELECT {PROJECT_COLUMNS}, {CHARITY_COLUMNS} FROM projects p JOIN charities c ON c.registration = p.charity WHERE p.id = ?1"
        );
        self.one(sql, vec![Value::text(id)], registered).await
    }

    /// By id; of a search those first whose title has all that is looked for. `charity`: of this one alone.
    pub async fn projects(
        &self,
        search: Option<&Search>,
        charity: Option<&str>,
        page: Page,
    ) -> Result<Listing<Registered>, StoreError> {
        if search.is_some_and(Search::is_empty) {
            return Ok(Listing { items: Vec::new(), next: None });
        }
        let Found { sql, values } = self.found("projects", "p.id", search, charity, &page);
        let sql = sql
            .replace("{columns}", &format!("{PROJECT_COLUMNS}, {CHARITY_COLUMNS}"))
            .replace("{join}", "JOIN charities c ON c.registration = p.charity");
        let items = self.list(sql, values, |row| Ok((registered(row)?, row.int(14)?))).await?;
        let key = |(of, rung): &(Registered, i64)| format!("{rung} {}", of.project.id);
        Ok(Listing::cut(items, page.limit, key).map(|(of, _)| of))
    }

    /// Those of these names that are registered.
    pub async fn charities_named(&self, names: Vec<String>) -> Result<Vec<Charity>, StoreError> {
        let sql = format!(
            "SELECT {CHARITY_COLUMNS} FROM charities c WHERE c.registration IN ({})",
            places(names.len())
        );
        self.list(sql, names.into_iter().map(Value::Text).collect(), registry::charity).await
    }

    pub async fn projects_named(&self, names: &[ProjectId]) -> Result<Vec<Project>, StoreError> {
        let sql = format!("SELECT {PROJECT_COLUMNS} FROM projects p WHERE p.id IN ({})", places(names.len()));
        let values = names.iter().map(Value::text).collect();
        self.list(sql, values, |row| Ok(registry::project(row)?.0)).await
    }

    /// Newest first.
    pub async fn reports(
        &self,
        project: &ProjectId,
        page: Page,
    ) -> Result<Listing<ProgressReport>, StoreError> {
        let after = page.after.as_deref().and_then(|after| after.split_once(' '));
        let after = after.and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
        let (at, id) = after.unwrap_or((i64::MAX, Uuid::max()));
        let sql = "SELECT id, project, at, body FROM reports WHERE project = ?1 AND (at, id) < (?2, ?3)
                   ORDER BY at DESC, id DESC LIMIT ?4";
        let limit = Value::Int(i64::from(page.limit) + 1);
        let values = vec![Value::text(project), Value::Int(at), Value::Id(id), limit];
        let items = self.list(sql, values, registry::report).await?;
        Ok(Listing::cut(items, page.limit, |report| format!("{} {}", report.at.millis(), report.id)))
    }

    pub async fn report(&self, id: Uuid) -> Result<Option<ProgressReport>, StoreError> {
        let sql = "SELECT id, project, at, body FROM reports WHERE id = ?1";
        self.one(sql, vec![Value::Id(id)], registry::report).await
    }

    /// The newest version of each pledge that gives to this project, newest id first.
    pub async fn pledges_giving_to(&self, project: &ProjectId) -> Result<Vec<Pledge>, StoreError> {
        let sql = "SELECT p.id, p.version, p.host, p.base, p.share_ppm, p.per_unit, p.cap, p.currency, p.rounding, p.starts_at, p.ends_at, p.body
             FROM pledge_parts g JOIN pledges p ON p.id = g.pledge WHERE g.project = ?1
               AND p.version = (SELECT max(n.version) FROM pledges n WHERE n.id = p.id) ORDER BY p.id DESC";
        self.list(sql, vec![Value::text(project)], rows::pledge).await
    }

    /// Projects whose next report is due by `until`, the longest due first, and how many there are.
    pub async fn disclosures_due(
        &self,
        until: Timestamp,
        limit: u32,
    ) -> Result<(Vec<(ProjectId, Timestamp)>, u64), StoreError> {
        let until = Value::Int(until.millis());
        let count = "SELECT count(*) FROM projects WHERE due_at <= ?1";
        let count = self.one(count, vec![until.clone()], |row| row.unsigned(0)).await?.unwrap_or(0);
        if count == 0 {
            return Ok((Vec::new(), 0));
        }
        let sql = "SELECT id, due_at FROM projects WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
        let first = self.list(sql, vec![until, Value::Int(limit.into())], |row| {
            Ok((row.parsed(0)?, Timestamp(row.int(1)?)))
        });
        Ok((first.await?, count))
    }

    /// One row more than the page shows, each with its rung: 0 when the title alone has all that is looked for. `{columns}` and `{join}` are
    /// the caller's.
    fn found(
        &self,
        table: &str,
        name: &str,
        search: Option<&Search>,
        charity: Option<&str>,
        page: &Page,
    ) -> Found {
        let alias = &name[..1];
        let mut values = Vec::new();
        let mut put = |value| {
            values.push(value);
            format!("?{}", values.len())
        };
        let (rung, mut wanted) = match (search, self) {
            (None, _) => ("1".to_owned(), "1 = 1".to_owned()),
            (Some(search), Self::Sqlite(_)) => {
                let all = put(Value::Text(search.fts5()));
                let title = put(Value::Text(search.fts5_in_title()));
                let index = if table == "charities" { "charity_search" } else { "project_search" };
                let among = |query: String| {
                    format!("{alias}.seq IN (SELECT rowid FROM {index} WHERE {index} MATCH {query})")
                };
                (format!("CASE WHEN {} THEN 0 ELSE 1 END", among(title)), among(all))
            }
            (Some(search), Self::Postgres(_)) => {
                let all = put(Value::Text(search.tsquery()));
                let title = put(Value::Text(search.tsquery_in_title()));
                let among = |query: String| format!("{alias}.search @@ to_tsquery('simple', {query})");
                (format!("CASE WHEN {} THEN 0 ELSE 1 END", among(title)), among(all))
            }
        };
        if let Some(charity) = charity {
            wanted.push_str(&format!(" AND {alias}.charity = {}", put(Value::text(charity))));
        }
        let after = page.after.as_deref().and_then(|after| after.split_once(' '));
        if let Some((after_rung, after)) = after.and_then(|(rung, name)| Some((rung.parse().ok()?, name))) {
            // Without a search there is one rung, and the names are read from their index.
            let beyond = match search {
                None => format!("{name} > {}", put(Value::text(after))),
                Some(_) => format!(
                    "(CAST({rung} AS BIGINT), {name}) > ({}, {})",
                    put(Value::Int(after_rung)),
                    put(Value::text(after))
                ),
            };
            wanted.push_str(&format!(" AND {beyond}"));
        }
        let order = if search.is_some() { "rung, " } else { "" };
        let limit = put(Value::Int(i64::from(page.limit) + 1));
        let sql = format!(
            "SELECT {{columns}}, CAST({rung} AS BIGINT) AS rung FROM {table} {alias} {{join}} WHERE {wanted} ORDER BY {order}{name} LIMIT {limit}"
        );
        Found { sql, values }
    }
}

fn registered(row: &Row) -> Parsed<Registered> {
    let (project, reported_at) = registry::project(row)?;
    Ok(Registered { project, charity: registry::charity(&row.starting_at(10))?, reported_at })
}

/// `?1, ?2, …`; none are one that nothing is equal to.
fn places(count: usize) -> String {
    if count == 0 {
        return "NULL".into();
    }
    (1..=count).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ")
}
