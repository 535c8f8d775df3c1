//! A sponsor's pool, its terms, and the draw that anyone can repeat.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::bounds::{OutOfBound, holds, minor, number, text};
use super::facts::Currency;
use super::pledge::WHOLE_PPM;
use super::{MINOR_MAX, NUMBER_MAX};
use crate::merkle::Hash;

const TERMS_CHARACTERS_MAX: usize = 8_000;
const SLOTS_MAX: u64 = 100;
const TIERS_MAX: u64 = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub pool: Uuid,
    /// Counts from 1; the newest holds.
    pub version: u32,
    pub sponsor: String,
    pub currency: Currency,
    /// `Terms` as JSON text, as they were agreed to.
    pub terms: String,
    pub slots: Vec<Slot>,
}

/// Time in milliseconds since 1970: open from `opens_at` on, closed from `closes_at` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slot {
    pub opens_at: u64,
    pub closes_at: u64,
    /// Minor units; matches less what was taken back stay at or below it.
    pub budget: i64,
    /// SHA-256 of the 32 bytes of the seed.
    pub seed_sha256: Hash,
}

/// The seed of a slot's draws, published when the slot is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    pub pool: Uuid,
    pub slot: u32,
    pub seed: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// "": that of the order's pledge.
    pub project: String,
    /// For one buyer on one day and for one project in all, in minor units; 0 is no cap. The log does not say who bought.
    pub buyer_day_cap: i64,
    pub project_cap: i64,
    /// Matches of one buyer in a minute.
    pub buyer_minute_limit: u32,
    pub rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Rule {
    /// So much of what the order gives, rounded down.
    Ratio { ppm: u32 },
    /// Each order draws a tier, or nothing.
    Draw { tiers: Vec<Tier> },
    /// Each so many hearts of a room release an amount.
    Hearts { room: String, hearts: u32, amount: i64, pledge: Uuid },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tier {
    pub chance_ppm: u32,
    pub amount: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsRefused {
    #[error("the terms are not those of a pool: {why}")]
    Keys { why: String },
    #[error(transparent)]
    OutOfBound(#[from] OutOfBound),
}

impl Pool {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        number("version", self.version.into(), 1..=u32::MAX.into())?;
        text("sponsor", &self.sponsor, 1..=100)?;
        text("terms", &self.terms, 2..=TERMS_CHARACTERS_MAX)?;
        number("slots", self.slots.len() as u64, 1..=SLOTS_MAX)?;
        for slot in &self.slots {
            number("opensAt", slot.opens_at, 0..=NUMBER_MAX)?;
            number("closesAt", slot.closes_at, 0..=NUMBER_MAX)?;
            holds("closesAt", slot.opens_at < slot.closes_at, "later than opensAt")?;
            minor("budget", slot.budget)?;
        }
        let pairs = self.slots.windows(2);
        let apart = pairs.into_iter().all(|pair| pair[0].closes_at <= pair[1].opens_at);
        holds("slots", apart, "in the order of their opening, none into the next")
    }
}

impl Seed {
    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        Ok(())
    }
}

impl Terms {
    /// In whatever order the keys are: the leaf fixes the text, whatever it is.
    pub fn parse(text: &str) -> Result<Self, TermsRefused> {
        let read = serde_json::from_str::<Self>(text);
        let terms = read.map_err(|why| TermsRefused::Keys { why: why.to_string() })?;
        terms.check()?;
        Ok(terms)
    }

    pub fn encode(&self) -> Result<String, OutOfBound> {
        self.check()?;
        Ok(serde_json::to_string(self).expect("structs of numbers and texts"))
    }

    fn check(&self) -> Result<(), OutOfBound> {
        text("project", &self.project, 0..=100)?;
        minor("buyerDayCap", self.buyer_day_cap)?;
        minor("projectCap", self.project_cap)?;
        let amount = |amount| holds("amount", (1..=MINOR_MAX).contains(&amount), "1..=99000000000000");
        match &self.rule {
            Rule::Ratio { ppm } => number("ppm", (*ppm).into(), 1..=100 * u64::from(WHOLE_PPM)),
            Rule::Draw { tiers } => {
                number("tiers", tiers.len() as u64, 1..=TIERS_MAX)?;
                tiers.iter().try_for_each(|tier| amount(tier.amount))?;
                let chances = tiers.iter().map(|tier| u64::from(tier.chance_ppm)).sum();
                number("chancePpm", chances, 1..=WHOLE_PPM.into())
            }
            Rule::Hearts { room, hearts, amount: each, pledge: _ } => {
                text("room", room, 1..=100)?;
                number("hearts", (*hearts).into(), 1..=u32::MAX.into())?;
                amount(*each)
            }
        }
    }
}

/// The tier that an order draws, counted from 0: the first 8 bytes of HMAC-SHA256 of the commitment under the seed, big-endian, modulo a
/// million, against the chances one after the other. `None`: it draws nothing.
pub fn draw(seed: Hash, order: Hash, tiers: &[Tier]) -> Option<u32> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&seed.0).expect("keys of any length");
    mac.update(&order.0);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let drawn = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(WHOLE_PPM);
    let mut chances = tiers.iter().scan(0_u64, |sum, tier| {
        *sum += u64::from(tier.chance_ppm);
        Some(*sum)
    });
    chances.position(|until| drawn < until).and_then(|tier| u32::try_from(tier).ok())
}
