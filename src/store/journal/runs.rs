//! Remittance runs, and what is owed to whom.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::query::{Parsed, Row, RowBroken, Value};
use super::read::{Listing, Page, limit};
use super::{Journal, StoreError};
use crate::model::remittance::{Approval, BankTransfer};
use crate::model::{Currency, PartRef, PledgeId, RemittanceRun, RunLine, RunStage, Subject, Timestamp};

const COLUMNS: &str = "u.id, u.charity, u.currency, u.state, u.transferred_at, u.reference, u.proof, u.body, u.version, u.proposed_at";

/// What can be handed over to a charity in one currency: confirmed, and not set aside by an open run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub charity_registration: String,
    pub charity_name: String,
    pub currency: Currency,
    pub minor: i64,
}

/// What of a run has columns of its own.
pub struct Columns<'a> {
    pub state: &'static str,
    pub transferred_at: Option<i64>,
    pub reference: Option<&'a str>,
    pub proof: Option<&'a str>,
    pub body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    charity_name: String,
    proposed_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved_at: Option<i64>,
    /// Who transferred or withdrew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub fn columns(run: &RemittanceRun) -> Columns<'_> {
    let mut body = Body {
        charity_name: run.charity_name.clone(),
        proposed_by: run.proposed_by.to_string(),
        approved_by: None,
        approved_at: None,
        ended_by: None,
        withdrawn_at: None,
        reason: None,
    };
    let (mut transferred_at, mut reference, mut proof) = (None, None, None);
    match &run.stage {
        RunStage::Proposed => {}
        RunStage::Approved(approval) => body.approved(approval),
        RunStage::Transferred { approval, transfer, by, at } => {
            body.approved(approval);
            body.ended_by = Some(by.to_string());
            transferred_at = Some(at.millis());
            (reference, proof) = (Some(transfer.reference.as_str()), Some(transfer.proof_sha256.as_str()));
        }
        RunStage::Withdrawn { by, at, reason } => {
            body.ended_by = Some(by.to_string());
            body.withdrawn_at = Some(at.millis());
            body.reason = Some(reason.clone());
        }
    }
    let body = serde_json::to_string(&body).expect("strings and numbers are JSON");
    Columns { state: run.stage.name(), transferred_at, reference, proof, body }
}

impl Body {
    fn approved(&mut self, approval: &Approval) {
        self.approved_by = Some(approval.by.to_string());
        self.approved_at = Some(approval.at.millis());
    }
}

/// Columns as `COLUMNS` has them; without its lines.
fn run(row: &Row) -> Parsed<RemittanceRun> {
    let body: Body = row.json(7)?;
    let subject = |name: Option<&str>| -> Parsed<Subject> {
        name.unwrap_or_default().parse().map_err(|_| RowBroken::new(7, "not a person's name"))
    };
    let approval = || -> Parsed<Approval> {
        let at = Timestamp(body.approved_at.unwrap_or_default());
        Ok(Approval { by: subject(body.approved_by.as_deref())?, at })
    };
    let ended_by = || subject(body.ended_by.as_deref());
    let stage = match row.text(3)? {
        "proposed" => RunStage::Proposed,
        "approved" => RunStage::Approved(approval()?),
        "transferred" => RunStage::Transferred {
            approval: approval()?,
            transfer: BankTransfer {
                reference: row.text(5)?.to_owned(),
                // Those from before runs have none.
                proof_sha256: row.maybe_text(6)?.unwrap_or("").to_owned(),
            },
            by: ended_by()?,
            at: Timestamp(row.int(4)?),
        },
        "withdrawn" => RunStage::Withdrawn {
            by: ended_by()?,
            at: Timestamp(body.withdrawn_at.unwrap_or_default()),
            reason: body.reason.clone().unwrap_or_default(),
        },
        other => return Err(RowBroken::new(3, format!("{other} is no stage of a remittance"))),
    };
    Ok(RemittanceRun {
        id: row.id(0)?,
        version: row.unsigned(8)?,
        charity_registration: row.text(1)?.to_owned(),
        charity_name: body.charity_name.clone(),
        currency: row.parsed(2)?,
        lines: Vec::new(),
        proposed_by: subject(Some(&body.proposed_by))?,
        proposed_at: Timestamp(row.int(9)?),
        stage,
    })
}

fn line(row: &Row) -> Parsed<RunLine> {
    let part = PartRef { pledge: PledgeId(row.id(0)?), part: row.number(1)? };
    Ok(RunLine { part, project: row.text(2)?.to_owned(), minor: row.int(3)? })
}

impl Journal {
    pub async fn run(&self, id: Uuid) -> Result<Option<RemittanceRun>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM remittance_runs u WHERE u.id = ?1");
        let Some(found) = self.one(sql, vec![Value::Id(id)], run).await? else { return Ok(None) };
        self.with_lines(found).await.map(Some)
    }

    /// The newest first.
    pub async fn runs(&self, page: Page) -> Result<Listing<RemittanceRun>, StoreError> {
        // A key that is none starts at the top.
        let key = page.after.as_deref().and_then(|key| key.split_once('.'));
        let key = key.and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
        let (at, id): (i64, Uuid) = key.unwrap_or((i64::MAX, Uuid::max()));
        let sql = format!(
            "SELECT {COLUMNS} FROM remittance_runs u WHERE (u.proposed_at, u.id) < (?1, ?2) ORDER BY u.proposed_at DESC, u.id DESC LIMIT ?3"
        );
        let mut items = Vec::new();
        for found in self.list(sql, vec![Value::Int(at), Value::Id(id), limit(&page)], run).await? {
            items.push(self.with_lines(found).await?);
        }
        Ok(Listing::cut(items, page.limit, |run| format!("{}.{}", run.proposed_at.millis(), run.id)))
    }

    async fn with_lines(&self, run: RemittanceRun) -> Result<RemittanceRun, StoreError> {
        let sql =
            "SELECT pledge, part, project, amount FROM remittance_lines WHERE run = ?1 ORDER BY pledge, part";
        let lines = self.list(sql, vec![Value::Id(run.id)], line).await?;
        Ok(RemittanceRun { lines, ..run })
    }

    /// What is owed to the charity, part by part.
    pub async fn owed_to(&self, charity: &str, currency: Currency) -> Result<Vec<RunLine>, StoreError> {
        let sql = "SELECT s.pledge, s.part, p.project, s.payable FROM pledge_parts p
                   JOIN pledge_sums s ON s.pledge = p.pledge AND s.part = p.part
                   WHERE p.charity = ?1 AND s.currency = ?2 AND s.payable > 0 ORDER BY s.pledge, s.part";
        self.list(sql, vec![Value::text(charity), Value::text(currency.as_str())], line).await
    }

    /// By charity and currency.
    pub async fn owed(&self) -> Result<Vec<Owed>, StoreError> {
        let sql = "SELECT p.charity, max(coalesce(c.name, p.charity)), s.currency, CAST(sum(s.payable) AS BIGINT) FROM pledge_parts p
                   JOIN pledge_sums s ON s.pledge = p.pledge AND s.part = p.part
                   LEFT JOIN charities c ON c.registration = p.charity
                   WHERE s.payable > 0 GROUP BY p.charity, s.currency ORDER BY p.charity, s.currency";
        self.list(sql, vec![], |row| {
            Ok(Owed {
                charity_registration: row.text(0)?.to_owned(),
                charity_name: row.text(1)?.to_owned(),
                currency: row.parsed(2)?,
                minor: row.int(3)?,
            })
        })
        .await
    }
}
