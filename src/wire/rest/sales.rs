//! Flash sales.

use apricot_proto::v1;

use super::body::Optional;
use super::{Call, Made, Refused, rooms};
use crate::contract::{self, parse};
use crate::model::{Room, RoomState, SaleId, SaleState, bounded_text};
use crate::sale::{Refusal, SaleView};
use crate::store::StoreError;
use crate::wire::problem::{if_short, not_found};

pub async fn list(call: Call) -> Result<v1::SaleList, Refused> {
    let room = rooms::seen(&call)?;
    let sales = call.wire.sales.views(&room.id);
    Ok(v1::SaleList { sales: sales.iter().map(contract::sale).collect() })
}

pub async fn create(call: Call<v1::CreateSale>) -> Result<Made<v1::FlashSale>, Refused> {
    let room = rooms::hosted(&call)?;
    in_time(&room)?;
    let Call { wire, body, now, once, .. } = &call;
    let pledge = match parse::pledge_id(body)? {
        None => None,
        Some(id) => Some(wire.sales.ledger().newest_pledge(id).await?.ok_or_else(|| not_found("pledge"))?),
    };
    if pledge.as_ref().is_some_and(|pledge| pledge.host != room.host) {
        return Err(super::forbidden("A sale carries a pledge of the room's host."));
    }
    let reference = pledge.map(|pledge| pledge.reference());
    let sale = parse::sale(body, SaleId(call.new_id()), room.id.clone(), wire.hold_default, reference)?;
    let product = wire.sales.product(&sale.sku).await?.ok_or_else(|| not_found("product"))?;
    if product.host != room.host {
        return Err(not_found("product").into());
    }
    let created = wire.sales.create_sale(sale, *once, *now).await;
    let view =
        created.map_err(|refused| if_short(refused, "stock", || format!("{} or fewer", product.on_hand)))?;
    // A retry finds it open already.
    if body.open_now && view.sale.state == SaleState::Scheduled {
        let view = wire.sales.open_sale(view.sale.id, *now).await?;
        return Ok(Made(contract::sale(&view)));
    }
    Ok(Made(contract::sale(&view)))
}

pub async fn read(call: Call) -> Result<v1::FlashSale, Refused> {
    let view = view(&call).await?;
    call.wire.hub.view(&view.sale.room, &call.caller).map_err(|_| not_found("sale"))?;
    Ok(contract::sale(&view))
}

pub async fn open(call: Call) -> Result<v1::FlashSale, Refused> {
    let view = view(&call).await?;
    let room = rooms::hosted_by_id(&call, &view.sale.room)?;
    in_time(&room)?;
    Ok(contract::sale(&call.wire.sales.open_sale(view.sale.id, call.now).await?))
}

pub async fn close(call: Call<Optional<v1::CloseSale>>) -> Result<v1::FlashSale, Refused> {
    let reason = bounded_text("reason", &call.body.0.reason, 0..=200)?;
    let (sale, actor) = (hosted(&call).await?, &call.caller.subject);
    Ok(contract::sale(&call.wire.sales.close_sale(sale, reason, actor, call.now).await?))
}

pub async fn pause(call: Call<v1::PauseSale>) -> Result<v1::FlashSale, Refused> {
    let reason = bounded_text("reason", &call.body.reason, 0..=200)?;
    let (sale, actor) = (hosted(&call).await?, &call.caller.subject);
    Ok(contract::sale(&call.wire.sales.pause_sale(sale, reason, actor, call.now).await?))
}

pub async fn resume(call: Call<Optional<v1::ResumeSale>>) -> Result<v1::FlashSale, Refused> {
    let reason = bounded_text("reason", &call.body.0.reason, 0..=200)?;
    let (sale, actor) = (hosted(&call).await?, &call.caller.subject);
    Ok(contract::sale(&call.wire.sales.resume_sale(sale, reason, actor, call.now).await?))
}

/// Units come from the product and go back to it.
pub async fn change_stock(call: Call<v1::ChangeStock>) -> Result<v1::FlashSale, Refused> {
    let (sale, change, actor) = (hosted(&call).await?, call.body.change, &call.caller.subject);
    match call.wire.sales.restock(sale, change.into(), call.once, actor, call.now).await {
        Ok(view) => Ok(contract::sale(&view)),
        Err(refusal @ Refusal::Store(StoreError::StockShort)) => {
            let product = call.wire.sales.product(&view(&call).await?.sale.sku).await?;
            let on_hand = product.map_or(0, |product| product.on_hand);
            Err(if_short(refusal, "change", || format!("{on_hand} or fewer")).into())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A room that has ended sells nothing any more.
fn in_time(room: &Room) -> Result<(), Refused> {
    if room.state == RoomState::Ended {
        return Err(Refusal::WrongState("the room has ended; make another room").into());
    }
    Ok(())
}

async fn view<B>(call: &Call<B>) -> Result<SaleView, Refused> {
    let id: SaleId = call.part("sale")?;
    call.wire.sales.view(id).ok_or_else(|| not_found("sale").into())
}

async fn hosted<B>(call: &Call<B>) -> Result<SaleId, Refused> {
    let view = view(call).await?;
    rooms::hosted_by_id(call, &view.sale.room)?;
    Ok(view.sale.id)
}
