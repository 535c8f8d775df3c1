//! Charities, projects and what these told. Triggers keep search and the disclosure clock.

use rusqlite::params;

use super::Batch;
use super::fault::Fault;
use crate::model::{Charity, ProgressReport, Project, Timestamp};
use crate::store::StoreError;
use crate::store::journal::rows::blob;
use crate::store::journal::rows::registry::{charity_columns, project_columns, report_body};

impl Batch<'_, '_> {
    pub(super) fn charity(&mut self, charity: &Charity) -> Result<(), Fault> {
        let columns = charity_columns(charity);
        self.versioned(
            charity.version,
            "INSERT INTO charities (registration, name, body, name_words, number_words, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
            "UPDATE charities SET name = ?2, body = ?3, name_words = ?4, number_words = ?5, version = ?6
             WHERE registration = ?1 AND version = ?6 - 1",
            params![
                charity.registration,
                charity.name,
                columns.body,
                columns.title_words,
                columns.words,
                charity.version.cast_signed(),
            ],
        )
    }

    pub(super) fn project(&mut self, project: &Project) -> Result<(), Fault> {
        let columns = project_columns(project);
        self.versioned(
            project.version,
            "INSERT INTO projects (id, charity, title, place, disclose_days, started_at, ended_at, body, title_words, words, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
            "UPDATE projects SET title = ?3, place = ?4, disclose_days = ?5, started_at = ?6, ended_at = ?7, body = ?8,
                                 title_words = ?9, words = ?10, version = ?11
             WHERE id = ?1 AND version = ?11 - 1 AND charity = ?2",
            params![
                project.id.as_str(),
                project.charity,
                project.title,
                project.place,
                project.disclose_every_days,
                project.started_at.millis(),
                project.ended_at.map(Timestamp::millis),
                columns.body,
                columns.title_words,
                columns.words,
                project.version.cast_signed(),
            ],
        )
    }

    pub(super) fn report(&mut self, report: &ProgressReport) -> Result<(), Fault> {
        self.insert(
            "INSERT INTO reports (id, project, at, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![blob(report.id), report.project.as_str(), report.at.millis(), report_body(report)],
            StoreError::Exists,
        )
    }
}
