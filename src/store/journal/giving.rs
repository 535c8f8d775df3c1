//! What was given, part by part of each pledge, over a time: for statements and for the regulator. Reads every line of a charity's money up
//! to the end of that time.

use std::collections::HashMap;

use super::query::{Parsed, Row, Value};
use super::{Journal, StoreError};
use crate::model::{Currency, PartRef, PledgeId, Subject, Timestamp};

/// Whose statement it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Giver {
    Host(Subject),
    /// By its number in the register.
    Charity(String),
    Project(String),
    Everybody,
}

/// In minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivingSums {
    pub accrued: i64,
    pub reversed: i64,
    /// By receipt, less what a refund took back after it.
    pub confirmed: i64,
    /// What the host bears for refunds after remittance.
    pub corrected: i64,
    pub remitted: i64,
    /// What sponsors added, and what refunds took back of it: in none of the others.
    pub matched: i64,
    pub unmatched: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Giving {
    pub part: PartRef,
    pub currency: Currency,
    /// That gave to it in this time.
    pub orders: u64,
    pub within: GivingSums,
    /// From the beginning to the end of this time.
    pub until: GivingSums,
}

/// What was sold under one version of a pledge, and gave to one of its parts, within a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldUnder {
    pub part: PartRef,
    /// None: what hearts released, which belongs to no sale.
    pub version: Option<u32>,
    pub currency: Currency,
    /// That gave to it.
    pub orders: u64,
    /// Their prices, before refunds.
    pub paid: i64,
    pub sums: GivingSums,
}

/// One line of a transfer to a charity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    pub part: PartRef,
    pub currency: Currency,
    pub minor: i64,
    pub at: Timestamp,
    pub reference: String,
    /// SHA-256 of the bank's document; "" of those from before it was kept.
    pub proof_sha256: String,
    /// Of the public log; none while it waits.
    pub leaf: Option<u64>,
}

const PARTS: &str = "SELECT g.pledge, g.part, g.project, {pledge_text} || CASE g.part WHEN 0 THEN '' ELSE '.' || CAST(g.part AS TEXT) END AS name \
     FROM pledge_parts g JOIN pledges p ON p.id = g.pledge AND p.version = 1 WHERE {whose}";

const GIVINGS: &str = "WITH parts AS ({parts}), lines AS ( \
         SELECT t.code, t.at, t.amount, t.order_id, CASE t.code WHEN 4 THEN t.debit ELSE t.credit END AS account \
         FROM transfers t WHERE t.code IN (3, 4, 5, 6, 11) AND t.at < ?3) \
     SELECT g.pledge, g.part, a.currency, count(DISTINCT CASE WHEN l.code = 3 AND l.at >= ?2 THEN l.order_id END), {sums} \
     FROM parts g JOIN accounts a ON a.name IN ('charity_accrued/' || g.name, 'charity_payable/' || g.name, \
                                                'charity_remitted/' || g.name, 'correction_borne/' || g.name) \
     JOIN lines l ON l.account = a.id \
     GROUP BY g.pledge, g.part, a.currency ORDER BY g.pledge, g.part, a.currency";

/// As `GIVINGS`, within the time alone; the terms are those of the sale.
const SOLD: &str = "WITH parts AS ({parts}), lines AS ( \
         SELECT t.code, t.amount, t.order_id, CASE t.code WHEN 4 THEN t.debit ELSE t.credit END AS account \
         FROM transfers t WHERE t.code IN (3, 4, 5, 11) AND t.at >= ?2 AND t.at < ?3) \
     SELECT g.pledge, g.part, a.currency, s.pledge_version, count(DISTINCT CASE WHEN l.code = 3 THEN l.order_id END), {sums} \
     FROM parts g JOIN accounts a ON a.name IN ('charity_accrued/' || g.name, 'charity_payable/' || g.name, 'correction_borne/' || g.name) \
     JOIN lines l ON l.account = a.id JOIN orders o ON o.id = l.order_id JOIN sales s ON s.id = o.sale \
     GROUP BY g.pledge, g.part, a.currency, s.pledge_version ORDER BY g.pledge, g.part, a.currency, s.pledge_version";

/// What was matched is of a project; a release of hearts has no order and so no version.
const MATCHED: &str = "WITH parts AS ({parts}) \
     SELECT g.pledge, g.part, d.currency, s.pledge_version, {sums} \
     FROM parts g JOIN matches k ON k.pledge = g.pledge AND k.project = g.project \
     JOIN transfers t ON t.order_id = k.claim AND t.code > 10 AND t.code IN (13, 14) AND t.at < ?3 \
     JOIN accounts d ON d.id = CASE t.code WHEN 13 THEN t.debit ELSE t.credit END AND d.name = 'sponsor_pool/' || {pool} \
     LEFT JOIN orders o ON o.id = k.claim LEFT JOIN sales s ON s.id = o.sale \
     GROUP BY g.pledge, g.part, d.currency, s.pledge_version ORDER BY g.pledge, g.part, d.currency, s.pledge_version";

const HANDED_OVER: &str = "WITH parts AS ({parts}) \
     SELECT l.pledge, l.part, u.currency, l.amount, u.transferred_at, u.reference, coalesce(u.proof, ''), \
         (SELECT min(x.place) FROM accounts a JOIN transfers t ON t.credit = a.id AND t.code = 6 AND t.at = u.transferred_at AND t.amount = l.amount \
          JOIN log_leaves x ON x.transfer = t.id WHERE a.name = 'charity_remitted/' || g.name AND a.currency = u.currency) \
     FROM parts g JOIN remittance_lines l ON l.pledge = g.pledge AND l.part = g.part \
     JOIN remittance_runs u ON u.id = l.run AND u.state = 'transferred' \
     WHERE u.transferred_at >= ?2 AND u.transferred_at < ?3 ORDER BY u.transferred_at, l.pledge, l.part";

/// One part, currency and version: what was matched and taken back in the time, and up to its end.
struct Matched {
    part: PartRef,
    currency: Currency,
    version: Option<u32>,
    within: (i64, i64),
    until: (i64, i64),
}

impl Journal {
    pub async fn givings(
        &self,
        of: &Giver,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Giving>, StoreError> {
        let sums = ["l.at >= ?2 AND ", ""].map(|when| {
            let of_lines = [
                sum("l.amount", &format!("{when}l.code = 3")),
                sum("l.amount", &format!("{when}l.code = 4")),
                sum(CONFIRMED, &format!("{when}{PAYABLE} AND l.code IN (4, 5)")),
                sum("l.amount", &format!("{when}l.code = 11")),
                sum("l.amount", &format!("{when}l.code = 6")),
            ];
            of_lines.join(", ")
        });
        let sql = GIVINGS.replace("{parts}", &self.parts_of(of)).replace("{sums}", &sums.join(", "));
        let mut givings = self.list(sql, asked(of, from, to), giving).await?;
        for matched in self.matched_within(of, from, to).await? {
            let Matched { part, currency, within, until, .. } = matched;
            let at = (part.pledge.0, part.part, currency.as_str());
            let found = givings
                .binary_search_by(|it| (it.part.pledge.0, it.part.part, it.currency.as_str()).cmp(&at));
            let at = found.unwrap_or_else(|at| {
                let none = GivingSums::default();
                givings.insert(at, Giving { part, currency, orders: 0, within: none, until: none });
                at
            });
            givings[at].within.add_matched(within);
            givings[at].until.add_matched(until);
        }
        Ok(givings)
    }

    /// Part by part, version by version.
    pub async fn sold_under(
        &self,
        of: &Giver,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SoldUnder>, StoreError> {
        let sums = [
            sum("o.quantity * o.unit_price", "l.code = 3"),
            sum("l.amount", "l.code = 3"),
            sum("l.amount", "l.code = 4"),
            sum(CONFIRMED, &format!("{PAYABLE} AND l.code IN (4, 5)")),
            sum("l.amount", "l.code = 11"),
        ];
        let sql = SOLD.replace("{parts}", &self.parts_of(of)).replace("{sums}", &sums.join(", "));
        let mut sold = self.list(sql, asked(of, from, to), sold_under).await?;
        for matched in self.matched_within(of, from, to).await? {
            let Matched { part, currency, version, within, .. } = matched;
            if within == (0, 0) {
                continue;
            }
            let is_it = |it: &SoldUnder| (it.part, it.currency, it.version) == (part, currency, version);
            let at = sold.iter().position(is_it).unwrap_or_else(|| {
                let sums = GivingSums::default();
                sold.push(SoldUnder { part, version, currency, orders: 0, paid: 0, sums });
                sold.len() - 1
            });
            sold[at].sums.add_matched(within);
        }
        sold.sort_by_key(|it| (it.part.pledge.0, it.part.part, it.currency, it.version.unwrap_or(u32::MAX)));
        Ok(sold)
    }

    /// What hosts are called in their rooms; of several names all.
    pub async fn host_names(&self) -> Result<HashMap<Subject, String>, StoreError> {
        let name = self.either("json_extract(r.body, '$.host_name')", "CAST(r.body AS json) ->> 'host_name'");
        let sql = format!("SELECT DISTINCT r.host, {name} AS name FROM rooms r ORDER BY r.host, name");
        let named =
            self.list(sql, vec![], |row| Ok((row.parsed(0)?, row.maybe_text(1)?.unwrap_or("").to_owned())));
        let mut names: HashMap<Subject, String> = HashMap::new();
        for (host, name) in named.await? {
            let known = names.entry(host).or_default();
            if !known.is_empty() && !name.is_empty() {
                known.push_str(" / ");
            }
            known.push_str(&name);
        }
        Ok(names)
    }

    async fn matched_within(
        &self,
        of: &Giver,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Matched>, StoreError> {
        let sums = [
            sum("t.amount", "t.at >= ?2 AND t.code = 13"),
            sum("t.amount", "t.at >= ?2 AND t.code = 14"),
            sum("t.amount", "t.code = 13"),
            sum("t.amount", "t.code = 14"),
        ];
        let sql = MATCHED
            .replace("{parts}", &self.parts_of(of))
            .replace("{sums}", &sums.join(", "))
            .replace("{pool}", &self.id_as_text("k.pool"));
        self.list(sql, asked(of, from, to), |row| {
            Ok(Matched {
                part: part(row)?,
                currency: row.parsed(2)?,
                version: version(row)?,
                within: (row.int(4)?, row.int(5)?),
                until: (row.int(6)?, row.int(7)?),
            })
        })
        .await
    }

    pub async fn handed_over(
        &self,
        to: &Giver,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<HandedOver>, StoreError> {
        let sql = HANDED_OVER.replace("{parts}", &self.parts_of(to));
        self.list(sql, asked(to, from, until), |row| {
            Ok(HandedOver {
                part: part(row)?,
                currency: row.parsed(2)?,
                minor: row.int(3)?,
                at: Timestamp(row.int(4)?),
                reference: row.text(5)?.to_owned(),
                proof_sha256: row.text(6)?.to_owned(),
                leaf: row.maybe_int(7)?.map(i64::cast_unsigned),
            })
        })
        .await
    }

    fn parts_of(&self, of: &Giver) -> String {
        let whose = match of {
            Giver::Host(_) => "p.host = ?1",
            Giver::Charity(_) => "g.charity = ?1",
            Giver::Project(_) => "g.project = ?1",
            Giver::Everybody => "CAST(?1 AS TEXT) = ''",
        };
        PARTS.replace("{whose}", whose).replace("{pledge_text}", &self.id_as_text("g.pledge"))
    }

    /// The engines do not write an id alike.
    fn id_as_text(&self, column: &str) -> String {
        self.either(
            "(lower(substr(hex({id}), 1, 8) || '-' || substr(hex({id}), 9, 4) || '-' || substr(hex({id}), 13, 4) || '-' \
             || substr(hex({id}), 17, 4) || '-' || substr(hex({id}), 21)))",
            "CAST({id} AS text)",
        )
        .replace("{id}", column)
    }
}

impl GivingSums {
    fn add_matched(&mut self, (matched, unmatched): (i64, i64)) {
        self.matched += matched;
        self.unmatched += unmatched;
    }
}

const PAYABLE: &str = "substr(a.name, 1, 15) = 'charity_payable'";
const CONFIRMED: &str = "(CASE l.code WHEN 5 THEN l.amount ELSE -l.amount END)";

fn sum(what: &str, when: &str) -> String {
    format!("CAST(sum(CASE WHEN {when} THEN {what} ELSE 0 END) AS BIGINT)")
}

fn asked(of: &Giver, from: Timestamp, to: Timestamp) -> Vec<Value> {
    let whose = match of {
        Giver::Host(host) => host.to_string(),
        Giver::Charity(registration) => registration.clone(),
        Giver::Project(project) => project.clone(),
        Giver::Everybody => String::new(),
    };
    vec![Value::Text(whose), Value::Int(from.millis()), Value::Int(to.millis())]
}

fn part(row: &Row) -> Parsed<PartRef> {
    Ok(PartRef { pledge: PledgeId(row.id(0)?), part: row.number(1)? })
}

fn giving(row: &Row) -> Parsed<Giving> {
    let sums = |first: usize| -> Parsed<GivingSums> {
        Ok(GivingSums {
            accrued: row.int(first)?,
            reversed: row.int(first + 1)?,
            confirmed: row.int(first + 2)?,
            corrected: row.int(first + 3)?,
            remitted: row.int(first + 4)?,
            ..GivingSums::default()
        })
    };
    Ok(Giving {
        part: part(row)?,
        currency: row.parsed(2)?,
        orders: row.unsigned(3)?,
        within: sums(4)?,
        until: sums(9)?,
    })
}

fn version(row: &Row) -> Parsed<Option<u32>> {
    row.maybe_int(3)?.map(|_| row.number(3)).transpose()
}

fn sold_under(row: &Row) -> Parsed<SoldUnder> {
    Ok(SoldUnder {
        part: part(row)?,
        currency: row.parsed(2)?,
        version: version(row)?,
        orders: row.unsigned(4)?,
        paid: row.int(5)?,
        sums: GivingSums {
            accrued: row.int(6)?,
            reversed: row.int(7)?,
            confirmed: row.int(8)?,
            corrected: row.int(9)?,
            ..GivingSums::default()
        },
    })
}
