//! Charities, projects and reports: what only people read is one JSON column.

use serde::{Deserialize, Serialize};

use super::to_json;
use crate::model::{Charity, Money, ProgressReport, Project, Timestamp};
use crate::store::journal::query::{Parsed, Row, parse};
use crate::store::journal::search::words;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CharityBody {
    qualification: String,
    platform: String,
    platform_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectBody {
    summary: String,
    /// Minor units and currency.
    target: Option<(i64, String)>,
    record_number: String,
    give_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportBody {
    title: String,
    text: String,
    document_sha256: Option<String>,
}

/// What of a charity or a project has columns that the value itself has not.
pub struct RegistryColumns {
    pub body: String,
    /// Of its name or title, which are shown first.
    pub title_words: String,
    pub words: String,
}

pub fn charity_columns(charity: &Charity) -> RegistryColumns {
    let body = to_json(&CharityBody {
        qualification: charity.qualification.clone(),
        platform: charity.platform.clone(),
        platform_url: charity.platform_url.clone(),
    });
    RegistryColumns {
        body,
        title_words: words([charity.name.as_str()]),
        words: words([charity.registration.as_str()]),
    }
}

pub fn project_columns(project: &Project) -> RegistryColumns {
    let body = to_json(&ProjectBody {
        summary: project.summary.clone(),
        target: project.target.map(|target| (target.minor, target.currency.as_str().to_owned())),
        record_number: project.record_number.clone(),
        give_url: project.give_url.clone(),
    });
    let words_of_rest = words([project.place.as_str(), project.id.as_str()]);
    RegistryColumns { body, title_words: words([project.title.as_str()]), words: words_of_rest }
}

pub fn report_body(report: &ProgressReport) -> String {
    to_json(&ReportBody {
        title: report.title.clone(),
        text: report.text.clone(),
        document_sha256: report.document_sha256.clone(),
    })
}

pub const CHARITY_COLUMNS: &str = "c.registration, c.name, c.body, c.version";

pub fn charity(row: &Row) -> Parsed<Charity> {
    let body: CharityBody = row.json(2)?;
    Ok(Charity {
        registration: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        qualification: body.qualification,
        platform: body.platform,
        platform_url: body.platform_url,
        version: row.unsigned(3)?,
    })
}

pub const PROJECT_COLUMNS: &str = "p.id, p.charity, p.title, p.place, p.disclose_days, p.started_at, p.ended_at, p.reported_at, p.body, p.version";

/// With the time of its newest report.
pub fn project(row: &Row) -> Parsed<(Project, Option<Timestamp>)> {
    let body: ProjectBody = row.json(8)?;
    let target =
        body.target.map(|(minor, currency)| Ok(Money::new(minor, parse(8, &currency)?))).transpose()?;
    let project = Project {
        id: row.parsed(0)?,
        charity: row.text(1)?.to_owned(),
        title: row.text(2)?.to_owned(),
        summary: body.summary,
        target,
        place: row.text(3)?.to_owned(),
        record_number: body.record_number,
        give_url: body.give_url,
        disclose_every_days: row.number(4)?,
        started_at: Timestamp(row.int(5)?),
        ended_at: row.maybe_int(6)?.map(Timestamp),
        version: row.unsigned(9)?,
    };
    Ok((project, row.maybe_int(7)?.map(Timestamp)))
}

/// Columns: id, project, at, body.
pub fn report(row: &Row) -> Parsed<ProgressReport> {
    let body: ReportBody = row.json(3)?;
    Ok(ProgressReport {
        id: row.id(0)?,
        project: row.parsed(1)?,
        at: Timestamp(row.int(2)?),
        title: body.title,
        text: body.text,
        document_sha256: body.document_sha256,
    })
}
