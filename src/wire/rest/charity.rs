//! Pledges and what they have gathered.

use apricot_proto::v1;

use super::{Call, Made, Refused, page};
use crate::contract::{self, parse};
use crate::model::{Pledge, PledgeId};
use crate::store::journal::Once;
use crate::wire::problem::not_found;

pub async fn own(call: Call) -> Result<v1::PledgeList, Refused> {
    call.everywhere()?;
    let journal = call.wire.sales.ledger().journal();
    let listing = journal.pledges_of(call.caller.subject.clone(), call.page()?).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::PledgeList { pledges: listing.items.iter().map(contract::pledge).collect(), next_cursor })
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
    let pledge = parse::pledge(&message, id, 1, call.caller.subject.clone())?;
    let pledge = call.wire.sales.ledger().add_pledge(pledge, call.once).await?;
    Ok(Made(contract::pledge(&pledge)))
}

pub async fn read(call: Call) -> Result<v1::Pledge, Refused> {
    Ok(contract::pledge(&newest(&call).await?))
}

pub async fn total(call: Call) -> Result<v1::CharityTotal, Refused> {
    let pledge = newest(&call).await?;
    let ledger = call.wire.sales.ledger();
    Ok(contract::charity_total(&ledger.charity_total(pledge.id, ledger.currency_of(&pledge))))
}

pub async fn remit(call: Call<v1::Remit>) -> Result<v1::CharityTotal, Refused> {
    call.everywhere()?;
    let pledge = newest(&call).await?;
    let (amount, proof) = parse::remittance(&call.body)?;
    // Without a key every request is a remittance of its own.
    let once = call.once.unwrap_or_else(|| Once { key: call.new_id(), content: [0; 32] });
    let actor = &call.caller.subject;
    let total = call.wire.sales.ledger().remit(pledge.id, amount, proof, once, actor, call.now).await?;
    Ok(contract::charity_total(&total))
}

async fn newest<B>(call: &Call<B>) -> Result<Pledge, Refused> {
    let id: PledgeId = call.part("pledge")?;
    call.wire.sales.ledger().newest_pledge(id).await?.ok_or_else(|| not_found("pledge").into())
}
