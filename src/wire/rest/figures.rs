//! What a room has sold: for its host, its county's commissioner, ops and auditors.

use apricot_proto::v1;

use super::{Call, Refused, forbidden};
use crate::contract;
use crate::ledger::CharityTotal;
use crate::model::RoomId;
use crate::store::journal::{Funnel, ProductFigures, RoomFigures, RoomMinute};

pub async fn read(call: Call) -> Result<v1::RoomFigures, Refused> {
    let room = call.wire.hub.view(&call.part("room")?, &call.caller)?.room;
    if !call.caller.may_read_figures(&room) {
        return Err(forbidden("This is for the room's host, its county's commissioner, ops and auditors."));
    }
    // What this node has counted; what others have is there within seconds.
    let counted = call.wire.hub.record_turnout(call.wire.ops.node(), Some(&room.id), call.now).await;
    if let Err(error) = counted {
        tracing::debug!(%error, room = %room.id, "the newest joins are not in the figures yet");
    }
    let ledger = call.wire.sales.ledger();
    let figures = ledger.journal().room_figures(room.id.clone(), room.live_at).await?;
    let charity = figures.pledges.iter().map(|(pledge, currency)| ledger.charity_total(*pledge, *currency));
    let charity: Vec<_> = charity.collect();
    Ok(shown(&room.id, figures, call.wire.hub.viewers(&room.id), &charity))
}

pub fn funnel(funnel: &Funnel) -> v1::Funnel {
    let Funnel { seen, tapped, held, paid, shipped, confirmed } = *funnel;
    v1::Funnel { seen, tapped, held, paid, shipped, confirmed }
}

/// `viewers`: now.
fn shown(room: &RoomId, figures: RoomFigures, viewers: u32, charity: &[CharityTotal]) -> v1::RoomFigures {
    v1::RoomFigures {
        room_id: room.to_string(),
        funnel: Some(funnel(&figures.funnel)),
        viewers,
        viewers_most: figures.viewers_most.max(viewers),
        orders_paid: figures.funnel.paid,
        orders_to_pack: figures.orders_to_pack,
        gmv_minor: figures.gmv,
        refunded_minor: figures.refunded,
        commission_minor: figures.commission,
        provider_fee_minor: figures.provider_fee,
        charity_minor: figures.charity,
        currency: figures.currency.map(|currency| currency.as_str().to_owned()).unwrap_or_default(),
        minutes: figures.minutes.iter().map(minute).collect(),
        products: figures.products.into_iter().map(product).collect(),
        charity: charity.iter().map(contract::charity_total).collect(),
    }
}

fn minute(minute: &RoomMinute) -> v1::RoomMinute {
    v1::RoomMinute {
        at_ms: minute.counted.at.millis(),
        viewers: minute.counted.viewers,
        seen: minute.counted.seen,
        tapped: minute.counted.tapped,
        orders_paid: minute.orders_paid,
        gmv_minor: minute.gmv,
    }
}

fn product(product: ProductFigures) -> v1::ProductFigures {
    v1::ProductFigures {
        sku: product.sku,
        title: product.title,
        orders_paid: product.orders_paid,
        units_paid: product.units_paid,
        gmv_minor: product.gmv,
        refunded_minor: product.refunded,
        charity_minor: product.charity,
    }
}
