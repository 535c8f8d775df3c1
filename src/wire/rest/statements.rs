//! Statements by month: what a host promised, what a charity or a project got.

use super::answer::Html;
use super::sheet::{self, Line, Statement};
use super::{Call, Csv, Refused, forbidden};
use crate::model::calendar::Month;
use crate::model::{OutOfBound, Pledge, ProjectId, Role, Subject, bounded_text};
use crate::store::journal::Giver;
use crate::wire::problem::not_found;

/// Two years: longer ones are asked for in pieces.
const MONTHS_MAX: i64 = 24;

pub async fn host_csv(call: Call) -> Result<Csv, Refused> {
    Ok(csv(&of_host(&call).await?))
}

pub async fn host_html(call: Call) -> Result<Html, Refused> {
    Ok(Html(sheet::printed(&of_host(&call).await?)))
}

pub async fn charity_csv(call: Call) -> Result<Csv, Refused> {
    Ok(csv(&of_charity(&call).await?))
}

pub async fn charity_html(call: Call) -> Result<Html, Refused> {
    Ok(Html(sheet::printed(&of_charity(&call).await?)))
}

pub async fn project_csv(call: Call) -> Result<Csv, Refused> {
    Ok(csv(&of_project(&call).await?))
}

pub async fn project_html(call: Call) -> Result<Html, Refused> {
    Ok(Html(sheet::printed(&of_project(&call).await?)))
}

async fn of_host(call: &Call) -> Result<Statement, Refused> {
    let host: Subject = call.part("host")?;
    if call.caller.role == Role::Host && call.caller.subject != host {
        return Err(forbidden("A host's statement is for that host, ops and auditors."));
    }
    statement(call, Giver::Host(host.clone()), host.to_string()).await
}

async fn of_charity(call: &Call) -> Result<Statement, Refused> {
    let registration = bounded_text("charity", call.text("charity"), 4..=40)?;
    let journal = call.wire.sales.ledger().journal();
    let charity = journal.charity(&registration).await?.ok_or_else(|| not_found("charity"))?;
    let title = format!("{} ({registration})", charity.name);
    statement(call, Giver::Charity(registration), title).await
}

async fn of_project(call: &Call) -> Result<Statement, Refused> {
    let id: ProjectId = call.part("project")?;
    let journal = call.wire.sales.ledger().journal();
    let (project, charity) = journal.project(&id).await?.ok_or_else(|| not_found("project"))?;
    let title = format!("{} · {}", project.title, charity.name);
    statement(call, Giver::Project(id.to_string()), title).await
}

/// `{months}`: "2026-11", or "2026-01..2026-11".
pub(super) fn months(call: &Call) -> Result<(Month, Month), OutOfBound> {
    let text = call.text("months");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last): (Month, Month) = (first.parse()?, last.parse()?);
    if !(1..=MONTHS_MAX).contains(&first.months_until(last)) {
        let bound = format!(
            "a month, or two with .. between, the earlier first and {MONTHS_MAX} months in all at most"
        );
        return Err(OutOfBound::new("months", bound));
    }
    Ok((first, last))
}

async fn statement(call: &Call, of: Giver, title: String) -> Result<Statement, Refused> {
    let (first, last) = months(call)?;
    let (from, to) = (first.starts(), last.next().starts());
    let ledger = call.wire.sales.ledger();
    let journal = ledger.journal();
    let mut lines: Vec<Line> = Vec::new();
    let mut newest: Option<Pledge> = None;
    for giving in journal.givings(&of, from, to).await? {
        // Parts of a pledge stand together.
        if newest.as_ref().is_none_or(|newest| newest.id != giving.part.pledge) {
            newest = ledger.newest_pledge(giving.part.pledge).await?;
        }
        let Some(pledge) = &newest else { continue };
        let part = pledge.parts.get(usize::from(giving.part.part)).cloned();
        lines.extend(part.map(|part| Line { pledge: pledge.clone(), part, giving }));
    }
    let transfers = journal.handed_over(&of, from, to).await?;
    Ok(Statement { title, first, last, made_at: call.now, lines, transfers })
}

fn csv(statement: &Statement) -> Csv {
    Csv { file_name: file_name(statement), text: sheet::statement(statement) }
}

/// Of ASCII, whatever the title is.
fn file_name(statement: &Statement) -> String {
    format!("statement-{}.csv", named(statement.first, statement.last))
}

pub(super) fn named(first: Month, last: Month) -> String {
    if first == last { first.to_string() } else { format!("{first}-to-{last}") }
}
