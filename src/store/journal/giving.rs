//! What was given, part by part of each pledge, over a time: for statements and for the regulator. Reads every line of a charity's money up
//! to the end of that time.

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

const PARTS: &str = "SELECT g.pledge, g.part, {pledge_text} || CASE g.part WHEN 0 THEN '' ELSE '.' || CAST(g.part AS TEXT) END AS name \
     FROM pledge_parts g JOIN pledges p ON p.id = g.pledge AND p.version = 1 WHERE {whose} = ?1";

const GIVINGS: &str = "WITH parts AS ({parts}), lines AS ( \
         SELECT t.code, t.at, t.amount, t.order_id, CASE t.code WHEN 4 THEN t.debit ELSE t.credit END AS account \
         FROM transfers t WHERE t.code IN (3, 4, 5, 6, 11) AND t.at < ?3) \
     SELECT g.pledge, g.part, a.currency, count(DISTINCT CASE WHEN l.code = 3 AND l.at >= ?2 THEN l.order_id END), {sums} \
     FROM parts g JOIN accounts a ON a.name IN ('charity_accrued/' || g.name, 'charity_payable/' || g.name, \
                                                'charity_remitted/' || g.name, 'correction_borne/' || g.name) \
     JOIN lines l ON l.account = a.id \
     GROUP BY g.pledge, g.part, a.currency ORDER BY g.pledge, g.part, a.currency";

const HANDED_OVER: &str = "WITH parts AS ({parts}) \
     SELECT l.pledge, l.part, u.currency, l.amount, u.transferred_at, u.reference, coalesce(u.proof, ''), \
         (SELECT min(x.place) FROM accounts a JOIN transfers t ON t.credit = a.id AND t.code = 6 AND t.at = u.transferred_at AND t.amount = l.amount \
          JOIN log_leaves x ON x.transfer = t.id WHERE a.name = 'charity_remitted/' || g.name AND a.currency = u.currency) \
     FROM parts g JOIN remittance_lines l ON l.pledge = g.pledge AND l.part = g.part \
     JOIN remittance_runs u ON u.id = l.run AND u.state = 'transferred' \
     WHERE u.transferred_at >= ?2 AND u.transferred_at < ?3 ORDER BY u.transferred_at, l.pledge, l.part";

impl Journal {
    pub async fn givings(
        &self,
        of: &Giver,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Giving>, StoreError> {
        let sum =
            |what: &str, when: &str| format!("CAST(sum(CASE WHEN {when} THEN {what} ELSE 0 END) AS BIGINT)");
        let payable = "substr(a.name, 1, 15) = 'charity_payable'";
        let confirmed = "(CASE l.code WHEN 5 THEN l.amount ELSE -l.amount END)";
        let sums = ["l.at >= ?2 AND ", ""].map(|when| {
            [
                sum("l.amount", &format!("{when}l.code = 3")),
                sum("l.amount", &format!("{when}l.code = 4")),
                sum(confirmed, &format!("{when}{payable} AND l.code IN (4, 5)")),
                sum("l.amount", &format!("{when}l.code = 11")),
                sum("l.amount", &format!("{when}l.code = 6")),
            ]
            .join(", ")
        });
        let sql = GIVINGS.replace("{parts}", &self.parts_of(of)).replace("{sums}", &sums.join(", "));
        self.list(sql, asked(of, from, to), giving).await
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
            Giver::Host(_) => "p.host",
            Giver::Charity(_) => "g.charity",
            Giver::Project(_) => "g.project",
        };
        let pledge_text = self.either(
            "(lower(substr(hex(g.pledge), 1, 8) || '-' || substr(hex(g.pledge), 9, 4) || '-' || substr(hex(g.pledge), 13, 4) || '-' \
             || substr(hex(g.pledge), 17, 4) || '-' || substr(hex(g.pledge), 21)))",
            "CAST(g.pledge AS text)",
        );
        PARTS.replace("{whose}", whose).replace("{pledge_text}", pledge_text)
    }
}

fn asked(of: &Giver, from: Timestamp, to: Timestamp) -> Vec<Value> {
    let whose = match of {
        Giver::Host(host) => host.to_string(),
        Giver::Charity(registration) => registration.clone(),
        Giver::Project(project) => project.clone(),
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
