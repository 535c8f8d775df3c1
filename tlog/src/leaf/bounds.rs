//! What every value of a leaf must fit into.

use std::ops::RangeInclusive;

use super::MINOR_MAX;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} must be {bound}")]
pub struct OutOfBound {
    pub key: &'static str,
    pub bound: String,
}

pub fn number(key: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), OutOfBound> {
    let bound = || format!("{}..={}", range.start(), range.end());
    if range.contains(&value) { Ok(()) } else { Err(OutOfBound { key, bound: bound() }) }
}

/// An amount that may be nothing.
pub fn minor(key: &'static str, value: i64) -> Result<(), OutOfBound> {
    let bound = || format!("0..={MINOR_MAX} in minor units");
    if (0..=MINOR_MAX).contains(&value) { Ok(()) } else { Err(OutOfBound { key, bound: bound() }) }
}

/// So many characters, none of them a control character.
pub fn text(key: &'static str, value: &str, characters: RangeInclusive<usize>) -> Result<(), OutOfBound> {
    let fits = characters.contains(&value.chars().count()) && !value.chars().any(char::is_control);
    let bound = || format!("{}..={} characters", characters.start(), characters.end());
    if fits { Ok(()) } else { Err(OutOfBound { key, bound: bound() }) }
}

pub fn holds(key: &'static str, fits: bool, bound: &str) -> Result<(), OutOfBound> {
    if fits { Ok(()) } else { Err(OutOfBound { key, bound: bound.into() }) }
}
