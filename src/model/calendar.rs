//! Days and months as people in China have them: UTC+8 all year. Statements are made by these, wherever the server stands.

use std::fmt;
use std::str::FromStr;

use super::{OutOfBound, Timestamp};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const OFFSET_MS: i64 = 8 * 60 * 60 * 1_000;
const YEARS: std::ops::RangeInclusive<i64> = 2_000..=2_999;

/// Written "2026-11".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i64,
    /// 1..=12
    month: i64,
}

impl Month {
    pub fn of(at: Timestamp) -> Self {
        let (year, month, _) = date(at);
        Self { year, month }
    }

    pub fn starts(self) -> Timestamp {
        Timestamp(days_before(self.year, self.month) * DAY_MS - OFFSET_MS)
    }

    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    /// Until `last`, both counted; below 1 when it is earlier.
    pub fn months_until(self, last: Self) -> i64 {
        (last.year - self.year) * 12 + last.month - self.month + 1
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        let wrong = || OutOfBound::new("month", "a month such as 2026-11, from 2000-01 to 2999-12");
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let digits = |text: &str, long: usize| {
            let whole = text.len() == long && text.bytes().all(|b| b.is_ascii_digit());
            if whole { text.parse::<i64>().ok() } else { None }
        };
        match (digits(year, 4), digits(month, 2)) {
            (Some(year), Some(month)) if YEARS.contains(&year) && (1..=12).contains(&month) => {
                Ok(Self { year, month })
            }
            _ => Err(wrong()),
        }
    }
}

/// "2026-11-30".
pub fn day(at: Timestamp) -> String {
    let (year, month, day) = date(at);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days from 1970-01-01 to the first of a month. Years are counted from March, so that the leap day is a year's last.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_months = (153 * months + 2) / 5;
    // 719468 days are from 0000-03-01 to 1970-01-01.
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_months - 719_468
}

fn date(at: Timestamp) -> (i64, i64, i64) {
    let days = (at.millis() + OFFSET_MS).div_euclid(DAY_MS);
    // A year too late at most: then one back, and the months from there.
    let mut year = 1970 + days.div_euclid(365);
    while days_before(year, 1) > days {
        year -= 1;
    }
    let month = (1..=12).rev().find(|month| days_before(year, *month) <= days).unwrap_or(1);
    (year, month, days - days_before(year, month) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_month_begins_at_midnight_in_china() {
        let starts = |month: &str| month.parse::<Month>().unwrap().starts().millis();
        assert_eq!(starts("2026-11"), 1_793_462_400_000); // 2026-10-31T16:00:00Z
        assert_eq!(starts("2024-03") - starts("2024-02"), 29 * DAY_MS);
        assert_eq!(starts("2100-03") - starts("2100-02"), 28 * DAY_MS);
        assert_eq!(day(Timestamp(1_793_462_400_000)), "2026-11-01");
        assert_eq!(day(Timestamp(1_793_462_399_999)), "2026-10-31");
        assert_eq!(day(Timestamp(0)), "1970-01-01");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["", "2026", "2026-13", "2026-00", "26-11", "2026-1", "+026-11", "2026-11-01", "1999-12"]
        {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_is_in_its_month(millis in 946_684_800_000..32_000_000_000_000i64) {
            let (at, month) = (Timestamp(millis), Month::of(Timestamp(millis)));
            prop_assert!(month.starts() <= at && at < month.next().starts());
            prop_assert_eq!(month.to_string().parse::<Month>(), Ok(month));
            prop_assert!(day(at).starts_with(&month.to_string()));
            prop_assert_eq!(month.months_until(month.next()), 2);
        }
    }
}
