//! Sponsors' pools: for everybody to see, for ops to make and to stop.

use apricot_proto::v1;

use super::{Call, Made, Refused, page};
use crate::clock::random_bytes;
use crate::contract::pool;
use crate::model::{PoolId, PoolSeed};

pub async fn list(call: Call) -> Result<v1::PoolList, Refused> {
    let listing = call.wire.sales.ledger().pools(call.page()?).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::PoolList { pools: listing.items.iter().map(pool::pool).collect(), next_cursor })
}

pub async fn read(call: Call) -> Result<v1::MatchPool, Refused> {
    let id: PoolId = call.part("pool")?;
    Ok(pool::pool(&call.wire.sales.ledger().pool(id).await?))
}

pub async fn create(call: Call<v1::CreatePool>) -> Result<Made<v1::MatchPool>, Refused> {
    call.everywhere()?;
    let id = PoolId(call.new_id());
    let made = pool::parse_pool(&call.body, id, || PoolSeed(random_bytes()), call.now)?;
    let actor = &call.caller.subject;
    let row = call.wire.sales.ledger().add_pool(made, call.once, actor, call.now).await?;
    Ok(Made(pool::pool(&row)))
}

pub async fn freeze(call: Call<v1::FreezePool>) -> Result<v1::MatchPool, Refused> {
    set_frozen(call, true).await
}

pub async fn unfreeze(call: Call<v1::FreezePool>) -> Result<v1::MatchPool, Refused> {
    set_frozen(call, false).await
}

async fn set_frozen(call: Call<v1::FreezePool>, frozen: bool) -> Result<v1::MatchPool, Refused> {
    call.everywhere()?;
    let id: PoolId = call.part("pool")?;
    let (reason, actor) = (&call.body.reason, &call.caller.subject);
    let row = call.wire.sales.ledger().freeze_pool(id, frozen, reason, actor, call.now).await?;
    Ok(pool::pool(&row))
}
