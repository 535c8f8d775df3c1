//! What the public log says about an order, and a leaf of it.

use apricot_proto::v1;
use apricot_tlog::checkpoint::SignedCheckpoint;
use apricot_tlog::encoding::hex;

use super::answer::Plain;
use super::{Call, Refused, orders};
use crate::contract;
use crate::ledger::log::{LogError, OrderProof, Proven};
use crate::model::{Money, Role};
use crate::wire::problem::{Kind, not_found};

/// Of the receipt's shape.
const FORMAT: u32 = 1;

pub async fn info(call: Call) -> Result<v1::LogInfo, Refused> {
    let log = &call.wire.log;
    let (size, checkpoint) = log.checkpoint();
    let root =
        SignedCheckpoint::parse(checkpoint.as_bytes()).map(|signed| signed.unverified().root.to_base64());
    Ok(v1::LogInfo {
        origin: log.origin().to_owned(),
        keys: log.keys().map(ToString::to_string).collect(),
        size,
        root: root.unwrap_or_default(),
        checkpoint,
        waiting: log.waiting().await.map_err(unreadable)?,
    })
}

pub async fn leaf(call: Call) -> Result<v1::LogLeaf, Refused> {
    let index = call.text("index").parse().map_err(|_| not_found("leaf"))?;
    match call.wire.log.leaf(index).await {
        Ok(Some(Proven { index, leaf, proof })) => Ok(v1::LogLeaf { index, leaf, proof }),
        Ok(None) | Err(LogError::NotThere { .. }) => Err(not_found("leaf").into()),
        Err(error) => Err(unreadable(error)),
    }
}

/// With the salt that opens the order's commitment: for its buyer, and for ops who answer a buyer's question.
pub async fn receipt(call: Call) -> Result<v1::Receipt, Refused> {
    let view = orders::visible(&call).await?;
    let order = &view.order;
    if order.buyer != call.caller.subject && call.caller.role != Role::Ops {
        return Err(super::forbidden("A receipt is for the order's buyer."));
    }
    if order.paid_at.is_none() {
        return Err(Kind::WrongState
            .because("The order is not paid; a receipt comes with the payment.")
            .into());
    }
    let pledge = call.wire.sales.pledge_of(order).await?.map(|pledge| pledge.reference());
    let matched = call.wire.sales.ledger().matched(order.id).await?;
    let log = &call.wire.log;
    let OrderProof { salt, commitment, entries, waiting } =
        log.order(order.id, pledge).await.map_err(unreadable)?;
    let entry = |Proven { index, leaf, proof }: Proven| v1::ReceiptEntry { index, leaf, proof };
    Ok(v1::Receipt {
        format: FORMAT,
        order_id: order.id.to_string(),
        salt: hex(&salt),
        commitment: commitment.to_hex(),
        title: view.title.clone(),
        quantity: order.quantity,
        paid: Some(contract::money(order.total())),
        refunded: Some(contract::money(order.refunded())),
        charity: Some(contract::money(order.charity())),
        matched: Some(contract::money(Money::new(matched, order.total().currency))),
        paid_at_ms: order.paid_at.map_or(0, |at| at.millis()),
        keys: log.keys().map(ToString::to_string).collect(),
        origin: log.origin().to_owned(),
        entries: entries.into_iter().map(entry).collect(),
        waiting,
    })
}

/// Of the order's accrual, as a file of its own for other people's tools.
pub async fn proof(call: Call) -> Result<Plain, Refused> {
    let view = orders::visible(&call).await?;
    let proofs = call.wire.log.order(view.order.id, None).await.map_err(unreadable)?;
    let accrual =
        proofs.entries.into_iter().find(|entry| entry.leaf.starts_with(r#"{"v":1,"kind":"accrual""#));
    match accrual {
        Some(accrual) => Ok(Plain(accrual.proof)),
        None if proofs.waiting > 0 => {
            Err(Kind::NotNow.because("The order is not in the log yet; ask again in a second.").into())
        }
        None => Err(not_found("proof").into()),
    }
}

pub(super) fn unreadable(error: LogError) -> Refused {
    tracing::error!(%error, "the public log cannot be read");
    Kind::RecordUnavailable.because("The log cannot be read now; ask again.").into()
}
