//! A version of a pledge: all that is needed to compute what an order gives.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::bounds::{OutOfBound, holds, minor, number, text};
use super::facts::{Currency, any_currency};
use super::{MINOR_MAX, NUMBER_MAX};
use crate::merkle::Hash;

pub const PARTS_MAX: usize = 5;
/// Shares and chances are parts per million.
pub const WHOLE_PPM: u32 = 1_000_000;
const WEIGHT_MAX: u64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pledge {
    pub pledge: Uuid,
    /// Counts from 1.
    pub version: u32,
    pub base: Base,
    /// Of the paid price; 0 when the base is another.
    pub share_ppm: u32,
    /// Minor units for each unit sold; 0 when the base is another.
    pub per_unit: i64,
    /// `None`, written as "": whatever is paid in.
    #[serde(with = "any_currency")]
    pub currency: Option<Currency>,
    pub rounding: Rounding,
    /// What stands of all versions stays at or below it.
    pub cap: Option<i64>,
    /// An order gives from `starts_at` on and before `ends_at`, in milliseconds since 1970.
    pub starts_at: Option<u64>,
    pub ends_at: Option<u64>,
    /// SHA-256 of the signed agreement.
    pub agreement: Hash,
    /// Who shares what an order gives; leaves name a part by its place, from 0.
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    PaidPrice,
    PerUnit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    Down,
    HalfEven,
    Up,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    pub project: String,
    /// Its number in the public register.
    pub charity: String,
    pub weight: u32,
}

impl Pledge {
    pub fn runs_at(&self, at: u64) -> bool {
        self.starts_at.is_none_or(|from| from <= at) && self.ends_at.is_none_or(|to| at < to)
    }

    pub fn part(&self, part: u32) -> Option<&Part> {
        self.parts.get(usize::try_from(part).ok()?)
    }

    pub(super) fn check(&self) -> Result<(), OutOfBound> {
        number("version", self.version.into(), 1..=u32::MAX.into())?;
        match self.base {
            Base::PaidPrice => {
                number("sharePpm", self.share_ppm.into(), 1..=WHOLE_PPM.into())?;
                holds("perUnit", self.per_unit == 0, "0 with a share of the paid price")?;
            }
            Base::PerUnit => {
                holds("sharePpm", self.share_ppm == 0, "0 with an amount for each unit")?;
                let fits = (1..=MINOR_MAX).contains(&self.per_unit);
                holds("perUnit", fits, "1..=99000000000000 in minor units")?;
                holds("currency", self.currency.is_some(), "that of the amount for each unit")?;
            }
        }
        if let Some(cap) = self.cap {
            minor("cap", cap)?;
            holds("currency", self.currency.is_some(), "that of the cap")?;
        }
        for (key, at) in [("startsAt", self.starts_at), ("endsAt", self.ends_at)] {
            number(key, at.unwrap_or(0), 0..=NUMBER_MAX)?;
        }
        number("parts", self.parts.len() as u64, 1..=PARTS_MAX as u64)?;
        for (at, part) in self.parts.iter().enumerate() {
            text("project", &part.project, 1..=100)?;
            text("charity", &part.charity, 1..=40)?;
            number("weight", part.weight.into(), 1..=WEIGHT_MAX)?;
            let once = self.parts[..at].iter().all(|other| other.project != part.project);
            holds("parts", once, "each project once")?;
        }
        Ok(())
    }
}
