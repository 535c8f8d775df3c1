//! Tables for a spreadsheet. What people wrote must stay text there.

use rust_decimal::Decimal;

use crate::model::calendar::{Month, day};
use crate::model::{Currency, Money, Pledge, PledgeBase, Timestamp};
use crate::sale::OrderView;

mod books;
mod charity;
mod regulator;
mod statement;

pub use books::{orders, settlement};
pub use charity::{PledgeBook, charity};
pub use regulator::{Export, ExportLine, Exported, regulator};
pub use statement::{Line, STYLE, Statement, printed, statement};

/// Without it Excel takes UTF-8 for something else.
const BYTE_ORDER_MARK: &str = "\u{feff}";
const TO_PACK: [&str; 9] =
    ["order", "paid_at_ms", "sku", "title", "quantity", "total", "name", "phone", "address"];

pub fn orders_to_pack(orders: &[OrderView]) -> String {
    table(TO_PACK, orders.iter().map(to_pack))
}

fn to_pack(view: &OrderView) -> [String; 9] {
    let order = &view.order;
    let ship_to = view.ship_to.as_ref();
    let address =
        |part: fn(&crate::model::order::ShipTo) -> &String| ship_to.map(part).cloned().unwrap_or_default();
    [
        order.id.to_string(),
        time(order.paid_at),
        text(order.sku.as_str()),
        text(&view.title),
        order.quantity.to_string(),
        order.total().to_string(),
        text(&address(|to| &to.name)),
        text(&address(|to| &to.phone)),
        text(&address(|to| &to.address)),
    ]
}

fn table<const N: usize>(columns: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    let written =
        std::iter::once(columns.map(str::to_owned)).chain(rows).try_for_each(|row| table.write_record(row));
    let bytes = written.ok().and_then(|()| table.into_inner().ok());
    String::from_utf8(bytes.expect("memory can be written")).expect("rows are UTF-8")
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.millis().to_string())
}

/// A number that can be summed; its currency has a column of its own.
fn amount(minor: i64, currency: Currency) -> String {
    Money::new(minor, currency).decimal().to_string()
}

/// A spreadsheet runs a cell that begins like a formula; an apostrophe in front keeps it text.
fn text(cell: &str) -> String {
    let runs = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if runs || cell.starts_with(['\t', '\r', '\n']) { format!("'{cell}") } else { cell.to_owned() }
}

/// What a pledge gives: "2.5 %" of a price, or an amount of each unit.
fn share(pledge: &Pledge) -> String {
    match pledge.base {
        PledgeBase::PaidPrice(share) => format!("{} %", Decimal::new(share.as_ppm().into(), 4).normalize()),
        PledgeBase::PerUnit(unit) => unit.to_string(),
    }
}

/// The day before the next month.
fn last_day(last: Month) -> String {
    day(last.next().starts() - std::time::Duration::from_millis(1))
}

fn blank<const N: usize>() -> [String; N] {
    std::array::from_fn(|_| String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::order::ShipTo;
    use crate::model::{Currency, Money, Order, Stage, Timestamp};

    #[test]
    fn a_formula_stays_text() {
        let order = Order {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            sale: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
            room: "hill".parse().unwrap(),
            sku: "apricot-12".parse().unwrap(),
            buyer: "wang".parse().unwrap(),
            quantity: 2,
            unit_price: Money::new(1_990, Currency::CNY),
            wait: false,
            stage: Stage::Paid,
            hold: 1,
            placed_at: Timestamp(1),
            paid_at: Some(Timestamp(2)),
            refunded_minor: 0,
            charity_minor: 0,
            version: 2,
        };
        let ship_to =
            ShipTo { name: "=cmd()".into(), phone: "+8613".into(), address: "县城, \"东街\" 1".into() };
        let ship_to = Some(ship_to);
        let view =
            OrderView { order, title: "杏".into(), waiting_place: 0, payment: None, ship_to, revision: 1 };
        let text = orders_to_pack(&[view]);
        let line = text.lines().nth(1).unwrap();
        let expected = "01890a5d-ac96-774b-bcce-b302099a8057,2,apricot-12,杏,2,39.80 CNY,'=cmd(),'+8613,\"县城, \"\"东街\"\" 1\"";
        assert_eq!(line, expected);
    }
}
