//! Remittances: money that receipts have confirmed goes to the charities, and two people see to it.

use apricot_proto::v1;
use uuid::Uuid;

use super::{Call, Made, Refused, page};
use crate::contract::{self, parse};
use crate::ledger::Payee;
use crate::model::{BankTransfer, Money, RemittanceRun, bounded_text};
use crate::wire::problem::not_found;

pub async fn list(call: Call) -> Result<v1::RemittanceList, Refused> {
    call.everywhere()?;
    let journal = call.wire.sales.ledger().journal();
    let page = call.page()?;
    let first = page.after.is_none();
    let listing = journal.runs(page).await?;
    let owed = if first { journal.owed().await? } else { Vec::new() };
    let owed = owed.into_iter().map(|owed| v1::Owed {
        amount: Some(contract::money(Money::new(owed.minor, owed.currency))),
        charity_registration: owed.charity_registration,
        charity_name: owed.charity_name,
    });
    Ok(v1::RemittanceList {
        remittances: listing.items.iter().map(contract::remittance).collect(),
        next_cursor: page::cursor(listing.next.as_deref()),
        owed: owed.collect(),
    })
}

pub async fn read(call: Call) -> Result<v1::Remittance, Refused> {
    call.everywhere()?;
    Ok(contract::remittance(&run(&call).await?))
}

pub async fn propose(call: Call<v1::ProposeRemittance>) -> Result<Made<v1::Remittance>, Refused> {
    call.everywhere()?;
    let (wire, body) = (&call.wire, &call.body);
    let registration = bounded_text("charityRegistration", &body.charity_registration, 4..=40)?;
    let currency = parse::currency("currency", &body.currency)?;
    // The key is the id: a retry finds what it made.
    let id = call.once.map_or_else(|| call.new_id(), |once| once.key);
    if already(&call).await? {
        return Ok(Made(contract::remittance(&wire.sales.ledger().run(id).await?)));
    }
    let charity = wire.sales.ledger().journal().charity(&registration).await?;
    let charity = charity.ok_or_else(|| not_found("charity"))?;
    let payee = Payee { registration, name: charity.name };
    let ledger = wire.sales.ledger();
    let run = ledger.propose_run(id, payee, currency, call.once, &call.caller.subject, call.now).await?;
    Ok(Made(contract::remittance(&run)))
}

pub async fn approve(call: Call) -> Result<v1::Remittance, Refused> {
    call.everywhere()?;
    let run = run(&call).await?;
    if already(&call).await? {
        return Ok(contract::remittance(&run));
    }
    let ledger = call.wire.sales.ledger();
    let run = ledger.approve_run(run.id, call.once, &call.caller.subject, call.now).await?;
    Ok(contract::remittance(&run))
}

pub async fn transfer(call: Call<v1::TransferRemittance>) -> Result<v1::Remittance, Refused> {
    call.everywhere()?;
    let run = run(&call).await?;
    let transfer = BankTransfer::parse(&call.body.reference, &call.body.proof_sha256)?;
    if already(&call).await? {
        return Ok(contract::remittance(&run));
    }
    let ledger = call.wire.sales.ledger();
    let run = ledger.transfer_run(run.id, transfer, call.once, &call.caller.subject, call.now).await?;
    Ok(contract::remittance(&run))
}

pub async fn withdraw(call: Call<v1::WithdrawRemittance>) -> Result<v1::Remittance, Refused> {
    call.everywhere()?;
    let run = run(&call).await?;
    let reason = bounded_text("reason", &call.body.reason, 1..=200)?;
    if already(&call).await? {
        return Ok(contract::remittance(&run));
    }
    let ledger = call.wire.sales.ledger();
    let run = ledger.withdraw_run(run.id, reason, call.once, &call.caller.subject, call.now).await?;
    Ok(contract::remittance(&run))
}

async fn run<B>(call: &Call<B>) -> Result<RemittanceRun, Refused> {
    let id: Uuid = call.text("remittance").parse().map_err(|_| not_found("remittance"))?;
    Ok(call.wire.sales.ledger().run(id).await?)
}

/// Whether this very request has been done.
async fn already<B>(call: &Call<B>) -> Result<bool, Refused> {
    match call.once {
        Some(once) => Ok(call.wire.sales.ledger().journal().seen(once).await?),
        None => Ok(false),
    }
}
