//! Posted lines and tallies as leaves. Amounts are in minor units of their currency.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::NUMBER_MAX;
use super::bounds::{OutOfBound, holds, minor, number, text};
use crate::merkle::Hash;

/// Three letters of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An order was paid, and gives. One leaf for each part of the pledge, with the part's share of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accrual {
    pub line: u64,
    pub order: Hash,
    pub pledge: Uuid,
    pub version: u32,
    pub part: u32,
    pub quantity: u32,
    /// The whole order's price, in every part's leaf.
    pub paid: i64,
    pub amount: i64,
    pub currency: Currency,
    /// Where the produce came from, and what kind it is; may be "".
    pub county: String,
    pub produce: String,
    pub project: String,
}

/// A refund took back what the smaller price no longer gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    pub line: u64,
    pub order: Hash,
    pub pledge: Uuid,
    pub version: u32,
    pub part: u32,
    /// What stays paid of the whole order after the refund.
    pub kept: i64,
    pub amount: i64,
    pub currency: Currency,
    /// It was taken from what was confirmed already.
    pub confirmed: bool,
}

/// The buyer has the goods: what was accrued is owed to the charity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    pub line: u64,
    pub order: Hash,
    pub pledge: Uuid,
    pub version: u32,
    pub part: u32,
    pub amount: i64,
    pub currency: Currency,
}

/// A refund came after the charity had the money: the charity keeps it, and the host bears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    pub line: u64,
    pub order: Hash,
    pub pledge: Uuid,
    pub version: u32,
    pub part: u32,
    pub amount: i64,
    pub currency: Currency,
}

/// Confirmed money of one part of one pledge went to its charity, as a part of one transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remittance {
    pub line: u64,
    pub remittance: Uuid,
    pub charity: String,
    pub project: String,
    pub pledge: Uuid,
    pub part: u32,
    pub amount: i64,
    pub currency: Currency,
    /// The bank's, of the transfer.
    pub reference: String,
    /// SHA-256 of the bank's document; `None` where only its reference was kept.
    pub proof: Option<Hash>,
}

/// A sponsor added to what an order gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    pub line: u64,
    /// Of a match that hearts released: the commitment to the release.
    pub order: Hash,
    pub pool: Uuid,
    pub slot: u32,
    pub project: String,
    /// What was drawn, counted from 0; `None` where nothing is drawn.
    pub tier: Option<u32>,
    pub amount: i64,
    pub currency: Currency,
}

/// A refund took a match back to its pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unmatch {
    pub line: u64,
    pub order: Hash,
    pub pool: Uuid,
    pub slot: u32,
    pub amount: i64,
    pub currency: Currency,
}

/// What the first `size` leaves add up to, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub size: u64,
    pub scope: Scope,
    /// A county, a kind of produce, a project or a pledge; "" of all.
    pub key: String,
    pub currency: Currency,
    /// Orders with an accrual, and what was paid for them before any refund.
    pub orders: u64,
    pub paid: u64,
    pub accrued: u64,
    pub reversed: u64,
    /// Confirmed less what was reversed of it.
    pub confirmed: u64,
    pub remitted: u64,
    pub matched: u64,
    pub unmatched: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    All,
    County,
    Produce,
    Project,
    Pledge,
}

impl Accrual {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        line(self.line, self.version)?;
        number("quantity", self.quantity.into(), 1..=u32::MAX.into())?;
        minor("paid", self.paid)?;
        minor("amount", self.amount)?;
        text("county", &self.county, 0..=80)?;
        text("produce", &self.produce, 0..=80)?;
        text("project", &self.project, 1..=100)
    }
}

impl Reversal {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        line(self.line, self.version)?;
        minor("kept", self.kept)?;
        minor("amount", self.amount)
    }
}

impl Confirmation {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        line(self.line, self.version)?;
        minor("amount", self.amount)
    }
}

impl Correction {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        line(self.line, self.version)?;
        minor("amount", self.amount)
    }
}

impl Remittance {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        number("line", self.line, 0..=NUMBER_MAX)?;
        text("charity", &self.charity, 1..=40)?;
        text("project", &self.project, 1..=100)?;
        minor("amount", self.amount)?;
        text("reference", &self.reference, 0..=100)
    }
}

impl Match {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        number("line", self.line, 0..=NUMBER_MAX)?;
        text("project", &self.project, 1..=100)?;
        minor("amount", self.amount)
    }
}

impl Unmatch {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        number("line", self.line, 0..=NUMBER_MAX)?;
        minor("amount", self.amount)
    }
}

impl Tally {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        text("key", &self.key, 0..=100)?;
        holds("key", (self.scope == Scope::All) == self.key.is_empty(), "\"\" of all, and of nothing else")?;
        for (key, value) in [
            ("size", self.size),
            ("orders", self.orders),
            ("paid", self.paid),
            ("accrued", self.accrued),
            ("reversed", self.reversed),
            ("confirmed", self.confirmed),
            ("remitted", self.remitted),
            ("matched", self.matched),
            ("unmatched", self.unmatched),
        ] {
            number(key, value, 0..=NUMBER_MAX)?;
        }
        Ok(())
    }
}

fn line(line: u64, version: u32) -> Result<(), OutOfBound> {
    number("line", line, 0..=NUMBER_MAX)?;
    number("version", version.into(), 1..=u32::MAX.into())
}

impl Currency {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked when parsed: A-Z only")
    }
}

impl FromStr for Currency {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        let code = <[u8; 3]>::try_from(text.as_bytes()).ok();
        let code = code.filter(|code| code.iter().all(u8::is_ascii_uppercase));
        code.map(Self)
            .ok_or(OutOfBound { key: "currency", bound: "three letters A-Z of ISO 4217, such as CNY".into() })
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// "" is any.
pub(super) mod any_currency {
    use super::{Cow, Currency, Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &Option<Currency>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.as_ref().map_or("", Currency::as_str))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Currency>, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(de::Error::custom) }
    }
}
