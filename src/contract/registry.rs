//! The registry as messages.

use apricot_proto::v1;

use super::{millis, money};
use crate::ledger::{HandedOver, ProjectTotal};
use crate::model::{Charity, Money, ProgressReport, Project, Timestamp};

pub fn charity(charity: &Charity) -> v1::Charity {
    v1::Charity {
        registration: charity.registration.clone(),
        name: charity.name.clone(),
        qualification: charity.qualification.clone(),
        platform: charity.platform.clone(),
        platform_url: charity.platform_url.clone().unwrap_or_default(),
        version: charity.version,
    }
}

pub fn project(project: &Project) -> v1::Project {
    v1::Project {
        id: project.id.to_string(),
        charity: project.charity.clone(),
        title: project.title.clone(),
        summary: project.summary.clone(),
        target: project.target.map(money),
        place: project.place.clone(),
        record_number: project.record_number.clone(),
        give_url: project.give_url.clone().unwrap_or_default(),
        disclose_every_days: project.disclose_every_days,
        started_at_ms: project.started_at.millis(),
        ended_at_ms: millis(project.ended_at),
        version: project.version,
    }
}

/// `reported_at`: of its newest report.
pub fn registered(of: &Project, by: &Charity, reported_at: Option<Timestamp>) -> v1::RegisteredProject {
    let mut shown = project(of);
    if of.gives_on_platform_of(by).is_err() {
        // The charity has moved to another platform since.
        shown.give_url.clear();
    }
    v1::RegisteredProject {
        project: Some(shown),
        charity: Some(charity(by)),
        reported_at_ms: millis(reported_at),
        report_due_at_ms: millis(of.due_at(reported_at)),
    }
}

pub fn report(report: &ProgressReport) -> v1::ProgressReport {
    v1::ProgressReport {
        id: report.id.to_string(),
        project_id: report.project.to_string(),
        at_ms: report.at.millis(),
        title: report.title.clone(),
        text: report.text.clone(),
        document_sha256: report.document_sha256.clone().unwrap_or_default(),
    }
}

pub fn transfer(it: &HandedOver) -> v1::ProjectTransfer {
    v1::ProjectTransfer {
        at_ms: it.at.millis(),
        amount: Some(money(Money::new(it.minor, it.currency))),
        pledge_id: it.part.pledge.to_string(),
        reference: it.reference.clone(),
        proof_sha256: it.proof_sha256.clone(),
        leaf: it.leaf.unwrap_or(0),
    }
}

pub fn project_total(total: &ProjectTotal, tally_leaf: Option<u64>) -> v1::ProjectTotal {
    v1::ProjectTotal {
        currency: total.currency.as_str().to_owned(),
        gross_accrued_minor: total.gross_accrued,
        gross_reversed_minor: total.gross_reversed,
        confirmed_minor: total.confirmed,
        remitted_minor: total.remitted,
        matched_minor: total.matched,
        // A tally is never the first leaf.
        tally_leaf: tally_leaf.unwrap_or(0),
    }
}
