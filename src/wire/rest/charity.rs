//! Pledges and what they have gathered.

use apricot_proto::v1;
use apricot_tlog::leaf::Scope;

use super::receipts::unreadable;
use super::{Call, Made, Refused, page};
use crate::contract::{self, parse};
use crate::model::ProjectId;
use crate::model::pledge::PARTS_MAX;
use crate::model::{OutOfBound, Pledge, PledgeId, PledgePart};
use crate::wire::problem::not_found;

pub async fn own(call: Call) -> Result<v1::PledgeList, Refused> {
    call.everywhere()?;
    let journal = call.wire.sales.ledger().journal();
    let listing = journal.pledges_of(call.caller.subject.clone(), call.page()?).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::PledgeList { pledges: shown(&call, &listing.items).await?, next_cursor })
}

pub async fn pledge(call: Call<v1::CreatePledge>) -> Result<Made<v1::Pledge>, Refused> {
    call.everywhere()?;
    let message = call.body.pledge.clone().unwrap_or_default();
    let id = if message.id.is_empty() { PledgeId(call.new_id()) } else { message.id.parse()? };
    let newest = call.wire.sales.ledger().newest_pledge(id).await?;
    if !message.id.is_empty() && newest.is_none_or(|pledge| pledge.host != call.caller.subject) {
        return Err(not_found("pledge").into());
    }
    // The ledger counts the versions.
    let parts = parts(&call, &message.parts).await?;
    let pledge = parse::pledge(&message, id, 1, call.caller.subject.clone(), parts)?;
    let pledge = call.wire.sales.ledger().add_pledge(pledge, call.once).await?;
    Ok(Made(contract::pledge(&pledge)))
}

pub async fn read(call: Call) -> Result<v1::Pledge, Refused> {
    let pledge = newest(&call).await?;
    let shown = shown(&call, &[pledge]).await?;
    Ok(shown.into_iter().next().unwrap_or_default())
}

/// With the leaves of their versions.
pub(super) async fn shown<B>(call: &Call<B>, pledges: &[Pledge]) -> Result<Vec<v1::Pledge>, Refused> {
    let ids: Vec<PledgeId> = pledges.iter().map(|pledge| pledge.id).collect();
    let leaves = call.wire.sales.ledger().journal().log_of_pledges(&ids).await?;
    let with_leaves = |pledge: &Pledge| v1::Pledge {
        leaves: leaves
            .iter()
            .filter(|(of, _)| of.id == pledge.id)
            .map(|(of, leaf)| v1::PledgeLeaf { version: of.version, leaf: *leaf })
            .collect(),
        ..contract::pledge(pledge)
    };
    Ok(pledges.iter().map(with_leaves).collect())
}

pub async fn total(call: Call) -> Result<v1::CharityTotal, Refused> {
    let pledge = newest(&call).await?;
    let ledger = call.wire.sales.ledger();
    let currency = ledger.currency_of(&pledge);
    let tally = call.wire.log.newest_tally(Scope::Pledge, &pledge.id.to_string(), currency).await;
    let tally_leaf = tally.map_err(unreadable)?.unwrap_or(0);
    let total = ledger.charity_total(pledge.id, currency);
    Ok(v1::CharityTotal { tally_leaf, ..contract::charity_total(&total.at(&pledge, call.now)) })
}

/// Only what is in the register can be pledged to, while it runs.
async fn parts<B>(call: &Call<B>, asked: &[v1::PledgePart]) -> Result<Vec<PledgePart>, Refused> {
    let mut parts = Vec::with_capacity(asked.len().min(PARTS_MAX));
    for (index, part) in asked.iter().enumerate().take(PARTS_MAX + 1) {
        let outside = |bound: &str| OutOfBound::new("projectId", bound).in_item("parts", index);
        let id: ProjectId = part
            .project_id
            .parse()
            .map_err(|_| outside("the id of a project in the register; GET /v1/projects?q= finds it"))?;
        let found = call.wire.sales.ledger().journal().project(&id).await?;
        let (project, charity) =
            found.ok_or_else(|| outside("a project of the register; GET /v1/projects?q= finds it"))?;
        if project.ended_at.is_some_and(|ended| ended <= call.now) {
            return Err(outside("a project that has not ended").into());
        }
        parts.push(PledgePart {
            project: id.to_string(),
            title: project.title,
            charity_name: charity.name,
            charity_registration: charity.registration,
            weight: part.weight.max(1),
        });
    }
    Ok(parts)
}

async fn newest<B>(call: &Call<B>) -> Result<Pledge, Refused> {
    let id: PledgeId = call.part("pledge")?;
    call.wire.sales.ledger().newest_pledge(id).await?.ok_or_else(|| not_found("pledge").into())
}
