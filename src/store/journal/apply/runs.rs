//! Remittance runs.

use rusqlite::params;

use super::super::rows::blob;
use super::super::runs;
use super::Batch;
use super::fault::Fault;
use crate::model::RemittanceRun;
use crate::store::StoreError;

impl Batch<'_, '_> {
    pub(super) fn run(&mut self, run: &RemittanceRun) -> Result<(), Fault> {
        let runs::Columns { state, transferred_at, reference, proof, body } = runs::columns(run);
        self.versioned(
            run.version,
            "INSERT INTO remittance_runs (id, charity, currency, state, transferred_at, reference, proof, body, version, proposed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            "UPDATE remittance_runs SET state = ?4, transferred_at = ?5, reference = ?6, proof = ?7, body = ?8, version = ?9
             WHERE id = ?1 AND version = ?9 - 1 AND charity = ?2 AND currency = ?3 AND proposed_at = ?10",
            params![
                blob(run.id),
                run.charity_registration,
                run.currency.as_str(),
                state,
                transferred_at,
                reference,
                proof,
                body,
                run.version.cast_signed(),
                run.proposed_at.millis(),
            ],
        )?;
        let new = if run.version == 1 { run.lines.as_slice() } else { &[] };
        for line in new {
            self.insert(
                "INSERT INTO remittance_lines (run, pledge, part, project, amount) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                params![blob(run.id), blob(line.part.pledge.0), line.part.part, line.project, line.minor],
                StoreError::Exists,
            )?;
        }
        Ok(())
    }
}
