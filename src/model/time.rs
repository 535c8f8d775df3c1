//! Time as a value. Only `clock.rs` reads a clock; everything else is handed a `Timestamp`.

use std::ops::{Add, Sub};
use std::time::Duration;

use time::{Date, Month, OffsetDateTime};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const ZERO: Self = Self(0);

    pub fn millis(self) -> i64 {
        self.0
    }

    /// How long until `later`; zero when it has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0).max(0).unsigned_abs())
    }

    /// The day in UTC, such as "2026-09-01".
    pub fn date(self) -> String {
        let day = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1_000)).map(OffsetDateTime::date);
        // Beyond the year 9999 there are no dates.
        let day = day.unwrap_or(if self.0 < 0 { Date::MIN } else { Date::MAX });
        format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
    }

    /// The begin of a day in UTC, written as `date` writes it.
    pub fn from_date(text: &str) -> Option<Self> {
        let digits = |part: &str, count: usize| {
            (part.len() == count && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse::<u16>().ok())?
        };
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let month = Month::try_from(u8::try_from(digits(month, 2)?).ok()?).ok()?;
        let day =
            Date::from_calendar_date(digits(year, 4)?.into(), month, u8::try_from(digits(day, 2)?).ok()?)
                .ok()?;
        Some(Self(day.midnight().assume_utc().unix_timestamp() * 1_000))
    }

    /// `None` for zero, which is how the contract writes "not yet".
    pub fn from_contract(millis: i64) -> Option<Self> {
        (millis > 0).then_some(Self(millis))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_utc() {
        assert_eq!(Timestamp(1_798_761_599_999).date(), "2026-12-31");
        assert_eq!(Timestamp::from_date("2027-01-01"), Some(Timestamp(1_798_761_600_000)));
        assert_eq!(Timestamp::from_date("2028-02-29").map(Timestamp::date), Some("2028-02-29".into()));
        for text in [
            "2027-02-29",
            "2027-1-01",
            "2027-13-01",
            "27-01-01",
            "2027-01-01-",
            "2027-01-1a",
            "+027-01-01",
            "杏",
            "",
        ] {
            assert_eq!(Timestamp::from_date(text), None, "{text}");
        }
        assert_eq!(Timestamp(i64::MAX).date(), "9999-12-31");
        assert_eq!(Timestamp(i64::MIN).date().len(), 11);
    }
}
