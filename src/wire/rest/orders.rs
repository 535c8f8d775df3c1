//! Buying, and what follows until receipt.

use apricot_proto::v1;

use super::{Accepted, Call, Csv, MadeOrFound, Refused, forbidden, page, rooms};
use crate::contract::{self, parse};
use crate::model::{Order, OrderId, OutOfBound, RefundId, Role};
use crate::sale::{OrderView, ShipStep};
use crate::store::journal::Listing;
use crate::wire::problem::not_found;

pub async fn place(call: Call<v1::PlaceOrder>) -> Result<MadeOrFound<v1::Order>, Refused> {
    let wish = parse::wish(&call.body)?;
    call.wire.sales.ensure(wish.sale).await?;
    let room = call.wire.sales.view(wish.sale).ok_or_else(|| not_found("sale"))?.sale.room;
    call.in_room(&room)?;
    call.wire.hub.view(&room, &call.caller)?;
    call.wire.hub.admit_order(&room, &call.caller.subject, call.now)?;
    let placed = call.wire.sales.place(&call.caller.subject, wish, call.now).await?;
    Ok(MadeOrFound { message: contract::order(&placed.view), fresh: placed.fresh })
}

pub async fn own(call: Call) -> Result<v1::OrderList, Refused> {
    let mut listing = call.wire.sales.orders_of_buyer(&call.caller.subject, call.page()?).await?;
    // A token for one room shows the orders of that room.
    listing.items.retain(|view| call.caller.room.as_ref().is_none_or(|only| view.order.room == *only));
    Ok(list(&listing))
}

pub async fn of_room(call: Call) -> Result<v1::OrderList, Refused> {
    let room = match call.caller.role {
        Role::Auditor => rooms::seen(&call)?,
        _ => rooms::hosted(&call)?,
    };
    Ok(list(&call.wire.sales.orders_of_room(&room.id, call.page()?).await?))
}

pub async fn read(call: Call) -> Result<v1::Order, Refused> {
    let order = visible(&call).await?;
    // An auditor reads orders without addresses.
    if call.caller.role == Role::Auditor && order.order.buyer != call.caller.subject {
        return Ok(contract::order(&order));
    }
    let view = call.wire.sales.order_with_address(order.order.id).await?;
    view.map(|view| contract::order(&view)).ok_or_else(|| not_found("order").into())
}

pub async fn pay(mut call: Call<v1::PayOrder>) -> Result<Accepted<v1::Order>, Refused> {
    let id: OrderId = call.part("order")?;
    if !call.body.order_id.is_empty() && call.body.order_id.parse() != Ok(id) {
        return Err(OutOfBound::new("orderId", "left out, or the id in the path").into());
    }
    call.body.order_id = id.to_string();
    let (order, method, ship_to) = parse::pay_order(&call.body)?;
    bought(&call).await?;
    let view = call.wire.sales.pay(&call.caller.subject, order, method, ship_to, call.now).await?;
    Ok(Accepted(contract::order(&view)))
}

pub async fn cancel(call: Call) -> Result<v1::Order, Refused> {
    let order = bought(&call).await?;
    let view = call.wire.sales.cancel(&call.caller.subject, order.id, call.now).await?;
    Ok(contract::order(&view))
}

pub async fn refund(call: Call<v1::RefundOrder>) -> Result<v1::Order, Refused> {
    let order = sold(&call).await?;
    let (amount, reason) = parse::refund(&call.body)?;
    let (refund, actor) = (RefundId(call.new_id()), &call.caller.subject);
    let view = call.wire.sales.refund(order.id, amount, reason, refund, call.once, actor, call.now).await?;
    Ok(contract::order(&view))
}

pub async fn ship(call: Call<v1::ShipOrder>) -> Result<v1::Order, Refused> {
    let step = parse::ship_step(&call.body)?;
    let order = match step {
        ShipStep::Confirm => bought(&call).await?,
        ShipStep::Pack | ShipStep::Ship { .. } | ShipStep::Deliver => sold(&call).await?,
    };
    Ok(contract::order(&call.wire.sales.ship(order.id, step, call.now).await?))
}

pub async fn to_pack(call: Call) -> Result<Csv, Refused> {
    let room = rooms::hosted(&call)?;
    let orders = call.wire.sales.orders_to_pack(&room.id).await?;
    let text = super::sheet::orders_to_pack(&orders);
    Ok(Csv { file_name: format!("orders-to-pack-{}.csv", room.id), text })
}

fn list(listing: &Listing<OrderView>) -> v1::OrderList {
    let next_cursor = page::cursor(listing.next.as_deref());
    v1::OrderList { orders: listing.items.iter().map(contract::order).collect(), next_cursor }
}

/// The order of the path, for its buyer, the host of its room, ops and auditors. For others there is none.
pub(super) async fn visible<B>(call: &Call<B>) -> Result<OrderView, Refused> {
    let view = call.wire.sales.order(call.part("order")?).await?;
    let view = view.ok_or_else(|| not_found("order"))?;
    let entered = call.caller.room.as_ref().is_none_or(|only| view.order.room == *only);
    let buyer = view.order.buyer == call.caller.subject;
    let auditor = call.caller.role == Role::Auditor;
    if entered && (buyer || auditor || rooms::hosted_by_id(call, &view.order.room).is_ok()) {
        return Ok(view);
    }
    Err(not_found("order").into())
}

async fn bought<B>(call: &Call<B>) -> Result<Order, Refused> {
    let order = visible(call).await?.order;
    if order.buyer == call.caller.subject {
        Ok(order)
    } else {
        Err(forbidden("This is for the order's buyer."))
    }
}

async fn sold<B>(call: &Call<B>) -> Result<Order, Refused> {
    let order = visible(call).await?.order;
    rooms::hosted_by_id(call, &order.room)?;
    Ok(order)
}
