//! All that rules for charity sales ask for: who, under which agreement, how much, when, what was handed over, and when the public is told.

use super::{amount, blank, last_day, share, table, text};
use crate::model::calendar::{Month, day};
use crate::model::{Pledge, PledgePart, Timestamp};
use crate::store::journal::{HandedOver, Registered, SoldUnder};

/// What some months brought, version by version, and what was handed over.
pub struct Export {
    pub first: Month,
    pub last: Month,
    pub lines: Vec<ExportLine>,
}

pub struct ExportLine {
    /// Of a sale, the version that it was made with; otherwise the newest.
    pub pledge: Pledge,
    pub part: PledgePart,
    pub registered: Option<Registered>,
    /// What the merchant's rooms call it; may be empty.
    pub merchant_name: String,
    /// Of the public log: of the pledge's version, or of the transfer.
    pub leaf: Option<u64>,
    pub what: Exported,
}

pub enum Exported {
    Sold(SoldUnder),
    HandedOver(HandedOver),
}

/// docs/api.md says what each means.
const COLUMNS: [&str; 36] = [
    "line",
    "charity",
    "registration",
    "qualification",
    "platform",
    "project",
    "title",
    "record_number",
    "pledge",
    "merchant",
    "merchant_name",
    "version",
    "agreement_sha256",
    "share",
    "part",
    "cap",
    "pledge_from",
    "pledge_until",
    "period_from",
    "period_until",
    "currency",
    "orders",
    "goods_paid",
    "accrued",
    "reversed",
    "confirmed",
    "corrected",
    "matched",
    "unmatched",
    "remitted",
    "remitted_on",
    "reference",
    "proof_sha256",
    "leaf",
    "last_report",
    "next_report_due",
];

/// A line `pledge` for each version that something was sold under, `hearts` for what these released, `remittance` for each transfer.
pub fn regulator(of: &Export) -> String {
    let period = [day(of.first.starts()), last_day(of.last)];
    table(COLUMNS, of.lines.iter().map(|line| row(line, &period)))
}

fn row(line: &ExportLine, [from, until]: &[String; 2]) -> [String; 36] {
    let ExportLine { pledge, part, registered, merchant_name, leaf, what } = line;
    let registered = registered.as_ref();
    let of_charity = |read: fn(&Registered) -> &str| text(registered.map_or("", read));
    let (kind, terms, currency, sums, transfer) = match what {
        Exported::Sold(sold) if sold.version.is_some() => {
            ("pledge", terms(pledge, part), sold.currency, sums(sold), blank())
        }
        Exported::Sold(sold) => ("hearts", blank(), sold.currency, sums(sold), blank()),
        Exported::HandedOver(it) => ("remittance", blank(), it.currency, blank(), transfer(it)),
    };
    let names = [
        kind.to_owned(),
        text(&part.charity_name),
        text(&part.charity_registration),
        of_charity(|it| &it.charity.qualification),
        of_charity(|it| &it.charity.platform),
        text(&part.project),
        text(&part.title),
        of_charity(|it| &it.project.record_number),
        pledge.id.to_string(),
        text(pledge.host.as_str()),
        text(merchant_name),
    ];
    let period = [from.clone(), until.clone(), currency.as_str().to_owned()];
    let told = [
        leaf.map_or_else(String::new, |leaf| leaf.to_string()),
        date(registered.and_then(|it| it.reported_at)),
        date(registered.and_then(Registered::due_at)),
    ];
    let mut cells = names.into_iter().chain(terms).chain(period).chain(sums).chain(transfer).chain(told);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// Those that the sale was made with.
fn terms(pledge: &Pledge, part: &PledgePart) -> [String; 7] {
    [
        pledge.version.to_string(),
        pledge.agreement_sha256.clone(),
        share(pledge),
        portion(pledge, part),
        pledge.cap.map_or_else(String::new, |cap| amount(cap.minor, cap.currency)),
        date(pledge.starts_at),
        date(pledge.ends_at),
    ]
}

fn sums(of: &SoldUnder) -> [String; 8] {
    let minor = |minor: i64| amount(minor, of.currency);
    [
        of.orders.to_string(),
        minor(of.paid),
        minor(of.sums.accrued),
        minor(of.sums.reversed),
        minor(of.sums.confirmed),
        minor(of.sums.corrected),
        minor(of.sums.matched),
        minor(of.sums.unmatched),
    ]
}

fn transfer(it: &HandedOver) -> [String; 4] {
    [amount(it.minor, it.currency), day(it.at), text(&it.reference), it.proof_sha256.clone()]
}

fn date(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, day)
}

/// "2/3" of what an order gives.
fn portion(pledge: &Pledge, part: &PledgePart) -> String {
    let whole: u32 = pledge.parts.iter().map(|part| part.weight).sum();
    format!("{}/{whole}", part.weight)
}
