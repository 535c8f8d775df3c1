//! A statement as a table, and as a page to print.

use std::fmt::Write;

use super::{amount, blank, last_day, share, table, text};
use crate::model::calendar::{Month, day};
use crate::model::{Currency, Pledge, PledgePart, Timestamp};
use crate::store::journal::{Giving, GivingSums, HandedOver};

/// What was given in some months, and where it stood at their end.
pub struct Statement {
    /// Whose it is.
    pub title: String,
    pub first: Month,
    pub last: Month,
    pub made_at: Timestamp,
    pub lines: Vec<Line>,
    pub transfers: Vec<HandedOver>,
}

pub struct Line {
    pub pledge: Pledge,
    pub part: PledgePart,
    pub giving: Giving,
}

const COLUMNS: [&str; 22] = [
    "line",
    "pledge",
    "project",
    "title",
    "charity",
    "registration",
    "currency",
    "orders",
    "accrued",
    "reversed",
    "confirmed",
    "corrected",
    "remitted",
    "standing_at_end",
    "payable_at_end",
    "remitted_at_end",
    "matched",
    "unmatched",
    "matched_at_end",
    "date",
    "reference",
    "proof_sha256",
];

/// A line `pledge` for each part of a pledge, `remittance` for each that was handed over, `sum` for each currency.
pub fn statement(of: &Statement) -> String {
    let pledges = of.lines.iter().map(|line| {
        let names =
            [&line.part.project, &line.part.title, &line.part.charity_name, &line.part.charity_registration];
        let names = names.map(|name| text(name));
        let sums = sums(&line.giving.within, &line.giving.until, line.giving.currency);
        row(
            "pledge",
            line.pledge.id.to_string(),
            names,
            line.giving.currency,
            line.giving.orders.to_string(),
            sums,
        )
    });
    let transfers = of.transfers.iter().map(|it| {
        let mut row = row("remittance", it.part.to_string(), blank(), it.currency, String::new(), blank());
        row[12] = amount(it.minor, it.currency);
        [row[19], row[20], row[21]] = [day(it.at), text(&it.reference), it.proof_sha256.clone()];
        row
    });
    let total = currencies(of).into_iter().map(|(currency, orders, within, until)| {
        row("sum", String::new(), blank(), currency, orders.to_string(), sums(&within, &until, currency))
    });
    table(COLUMNS, pledges.chain(transfers).chain(total))
}

/// One page with a style of its own and no script: to print, or to save as PDF.
pub fn printed(of: &Statement) -> String {
    let mut rows = String::new();
    for line in &of.lines {
        let Giving { currency, orders, within, until, .. } = &line.giving;
        let cells = sums(within, until, *currency).map(|cell| format!("<td>{cell}</td>")).join("");
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}<small>{} · {}<br>{} · {}</small></th><td>{}</td><td>{orders}</td>{cells}</tr>",
            html(&line.part.title),
            html(&line.part.charity_name),
            html(&line.part.charity_registration),
            html(line.pledge.host.as_str()),
            share(&line.pledge),
            currency.as_str(),
        );
    }
    let mut totals = String::new();
    for (currency, orders, within, until) in currencies(of) {
        let cells = sums(&within, &until, currency).map(|cell| format!("<td>{cell}</td>")).join("");
        let _ = write!(
            totals,
            "<tr><th scope=\"row\">合计 Sum</th><td>{}</td><td>{orders}</td>{cells}</tr>",
            currency.as_str()
        );
    }
    let mut transfers = String::new();
    for it in &of.transfers {
        let _ = write!(
            transfers,
            "<tr><td>{}</td><td>{} {}</td><td>{}</td><td><code>{}</code></td></tr>",
            day(it.at),
            amount(it.minor, it.currency),
            it.currency.as_str(),
            html(&it.reference),
            it.proof_sha256
        );
    }
    let or_nothing = |rows: String, columns: u32| match rows.as_str() {
        "" => format!("<tr><td colspan=\"{columns}\">这段时间没有 Nothing in this time</td></tr>"),
        _ => rows,
    };
    PAGE.replace("{style}", STYLE)
        .replace("{title}", &html(&of.title))
        .replace("{from}", &day(of.first.starts()))
        .replace("{until}", &last_day(of.last))
        .replace("{made}", &day(of.made_at))
        .replace("{rows}", &or_nothing(rows, 14))
        .replace("{totals}", &totals)
        .replace("{transfers}", &or_nothing(transfers, 4))
}

pub const STYLE: &str = include_str!("statement.css");
const PAGE: &str = include_str!("statement.html");

fn row(
    kind: &str,
    pledge: String,
    [project, title, charity, registration]: [String; 4],
    currency: Currency,
    orders: String,
    sums: [String; 11],
) -> [String; 22] {
    let currency = currency.as_str().to_owned();
    let named = [kind.to_owned(), pledge, project, title, charity, registration, currency, orders];
    let transfer: [String; 3] = blank();
    let mut cells = named.into_iter().chain(sums).chain(transfer);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// Sponsors' money last, since it is in no other sum.
fn sums(within: &GivingSums, until: &GivingSums, currency: Currency) -> [String; 11] {
    let GivingSums { accrued, reversed, confirmed, corrected, remitted, matched, unmatched } = *within;
    let (standing, payable) = (until.accrued - until.reversed, until.confirmed - until.remitted);
    let (all_remitted, all_matched) = (until.remitted, until.matched - until.unmatched);
    let given = [accrued, reversed, confirmed, corrected, remitted, standing, payable, all_remitted];
    let mut cells = given.into_iter().chain([matched, unmatched, all_matched]);
    std::array::from_fn(|_| amount(cells.next().unwrap_or(0), currency))
}

/// An order that gives to several parts is counted with each of them.
fn currencies(of: &Statement) -> Vec<(Currency, u64, GivingSums, GivingSums)> {
    let mut all: Vec<(Currency, u64, GivingSums, GivingSums)> = Vec::new();
    for Line { giving, .. } in &of.lines {
        let at = all.iter().position(|(currency, ..)| *currency == giving.currency).unwrap_or_else(|| {
            all.push((giving.currency, 0, GivingSums::default(), GivingSums::default()));
            all.len() - 1
        });
        let (_, orders, within, until) = &mut all[at];
        *orders += giving.orders;
        add(within, &giving.within);
        add(until, &giving.until);
    }
    all
}

fn add(sum: &mut GivingSums, more: &GivingSums) {
    sum.accrued += more.accrued;
    sum.reversed += more.reversed;
    sum.confirmed += more.confirmed;
    sum.corrected += more.corrected;
    sum.remitted += more.remitted;
    sum.matched += more.matched;
    sum.unmatched += more.unmatched;
}

fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // The page is put together by names in braces.
            '{' => safe.push_str("&#123;"),
            c => safe.push(c),
        }
    }
    // Marks of direction inside a name stay inside it.
    format!("<bdi>{safe}</bdi>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_text_on_paper() {
        assert_eq!(html("<b a=\"'&>{rows}"), "<bdi>&lt;b a=&quot;&#39;&amp;&gt;&#123;rows}</bdi>");
    }

    #[test]
    fn an_empty_statement_says_so() {
        let month: Month = "2026-11".parse().unwrap();
        let of = Statement {
            title: "<Hope>".into(),
            first: month,
            last: month,
            made_at: Timestamp(1_793_462_400_000),
            lines: vec![],
            transfers: vec![],
        };
        let page = printed(&of);
        assert!(page.contains("<bdi>&lt;Hope&gt;</bdi>") && page.contains("Nothing in this time"), "{page}");
        assert!(page.contains("2026-11-01") && page.contains("2026-11-30"), "{page}");
        let left = ["{style}", "{title}", "{from}", "{until}", "{made}", "{rows}", "{totals}", "{transfers}"];
        assert!(left.iter().all(|name| !page.contains(name)), "{page}");
        assert_eq!(statement(&of).lines().count(), 1);
    }
}
