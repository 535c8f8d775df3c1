//! A room's books as files, for its host, ops and auditors. Addresses are in none of them: those who pack have a list of their own.

use std::sync::Arc;

use super::sheet::{self, PledgeBook};
use super::{Call, Csv, Refused, forbidden};
use crate::model::Room;

pub async fn orders(call: Call) -> Result<Csv, Refused> {
    let room = room(&call)?;
    let orders = call.wire.sales.ledger().journal().booked_orders(room.id.clone()).await?;
    Ok(file("orders", &room, sheet::orders(&orders)))
}

pub async fn settlement(call: Call) -> Result<Csv, Refused> {
    let room = room(&call)?;
    let orders = call.wire.sales.ledger().journal().booked_orders(room.id.clone()).await?;
    Ok(file("settlement", &room, sheet::settlement(&orders)))
}

pub async fn charity(call: Call) -> Result<Csv, Refused> {
    let room = room(&call)?;
    let ledger = call.wire.sales.ledger();
    let lines = ledger.journal().charity_lines(room.id.clone()).await?;
    let mut pledges = Vec::new();
    for (id, currency) in ledger.journal().pledges_of_room(room.id.clone()).await? {
        pledges.extend(ledger.newest_pledge(id).await?.map(|pledge| (pledge, currency)));
    }
    let books = pledges.iter().map(|(pledge, currency)| {
        let lines = lines.iter().filter(|line| line.pledge == pledge.id && line.currency == *currency);
        PledgeBook {
            pledge,
            total: ledger.charity_total(pledge.id, *currency),
            lines: lines.copied().collect(),
        }
    });
    let books: Vec<PledgeBook> = books.collect();
    Ok(file("charity", &room, sheet::charity(&books)))
}

fn room(call: &Call) -> Result<Arc<Room>, Refused> {
    let room = call.wire.hub.view(&call.part("room")?, &call.caller)?.room;
    if call.caller.may_read_books(&room) {
        Ok(room)
    } else {
        Err(forbidden("This is for the room's host, ops and auditors."))
    }
}

fn file(name: &str, room: &Room, text: String) -> Csv {
    Csv { file_name: format!("{name}-{}.csv", room.id), text }
}
