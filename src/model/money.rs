//! Money in integer minor units with a currency; `Decimal` only at the edges.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::OutOfBound;

/// No single amount may exceed this, so that sums of a million of them stay far inside `i64`: 10 billion yuan in fen.
pub const MINOR_MAX: i64 = 1_000_000_000_000;

/// ISO 4217, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const CNY: Self = Self(*b"CNY");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked when parsed: A-Z only")
    }

    /// Digits after the point, from ISO 4217.
    pub fn exponent(&self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"VND" => 0,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(OutOfBound::new("currency", "three letters A-Z of ISO 4217, such as CNY")),
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// An amount somebody pays: 1..=`MINOR_MAX`.
    pub fn positive(field: &'static str, minor: i64, currency: Currency) -> Result<Self, OutOfBound> {
        if (1..=MINOR_MAX).contains(&minor) {
            return Ok(Self { minor, currency });
        }
        Err(OutOfBound::new(field, format!("1..={MINOR_MAX} in minor units")))
    }

    /// "12.50" in yuan is 1250 in fen. More digits than the currency has are refused, not rounded.
    pub fn parse(field: &'static str, text: &str, currency: Currency) -> Result<Self, OutOfBound> {
        let places = currency.exponent();
        let wanted = || OutOfBound::new(field, format!("a number with at most {places} decimals"));
        let text = text.trim();
        // The library also takes "1e3" and "1_000".
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-'));
        let decimal = Decimal::from_str_exact(text).ok().filter(|_| plain).ok_or_else(wanted)?;
        // Before multiplying, which rounds what is longer than 28 digits.
        if decimal.normalize().scale() > places {
            return Err(wanted());
        }
        let minor = decimal.checked_mul(Decimal::from(10_i64.pow(places))).ok_or_else(wanted)?;
        Self::positive(field, i64::try_from(minor).map_err(|_| wanted())?, currency)
    }

    pub fn times(self, quantity: u32) -> Self {
        Self { minor: self.minor.saturating_mul(i64::from(quantity)), ..self }
    }

    /// In the currency's own unit, with all its decimals.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// The share and what is left of it; together they are always the whole.
    pub fn split(self, share: Share, rounding: Rounding) -> (Self, Self) {
        let part = Self { minor: share.of(self.minor, rounding), ..self };
        (part, Self { minor: self.minor - part.minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency.as_str())
    }
}

/// A rate in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    pub const WHOLE_PPM: u32 = 1_000_000;

    pub fn ppm(ppm: u32) -> Result<Self, OutOfBound> {
        if ppm <= Self::WHOLE_PPM {
            return Ok(Self(ppm));
        }
        Err(OutOfBound::new("sharePpm", "0..=1000000 parts per million"))
    }

    pub fn as_ppm(self) -> u32 {
        self.0
    }

    fn of(self, minor: i64, rounding: Rounding) -> i64 {
        let whole = i128::from(Self::WHOLE_PPM);
        let product = i128::from(minor) * i128::from(self.0);
        let (floor, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
        let up = match rounding {
            Rounding::Down => false,
            Rounding::Up => rest > 0,
            Rounding::HalfEven => rest * 2 > whole || (rest * 2 == whole && floor % 2 != 0),
        };
        i64::try_from(floor + i128::from(up)).expect("a share of an i64 is at most that i64")
    }
}

/// Named and stored with each pledge, so that anyone can compute the same figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    Down,
    HalfEven,
    Up,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share_of(minor: i64, ppm: u32, rounding: Rounding) -> i64 {
        Money::new(minor, Currency::CNY).split(Share::ppm(ppm).unwrap(), rounding).0.minor
    }

    #[test]
    fn rounding_is_as_named() {
        assert_eq!(share_of(1_990, 25_000, Rounding::Down), 49); // 49.75
        assert_eq!(share_of(1_990, 25_000, Rounding::HalfEven), 50);
        assert_eq!(share_of(1_961, 25_000, Rounding::Up), 50); // 49.025
        assert_eq!(share_of(100, 25_000, Rounding::HalfEven), 2); // 2.5 goes to even
        assert_eq!(share_of(300, 25_000, Rounding::HalfEven), 8); // 7.5 goes to even
    }

    #[test]
    fn text_is_parsed_without_rounding() {
        let parse = |text| Money::parse("price", text, Currency::CNY).map(|m| m.minor);
        assert_eq!(parse("12.50"), Ok(1_250));
        assert_eq!(parse("0.01"), Ok(1));
        assert_eq!(parse(" +1.500 "), Ok(150));
        let fine = ["1.005", "1.0000000000000000000000000001", "0.0100000000000000000000000000001"];
        let other = ["0", "-1", "ten", "", "99999999999999", "1e3", "1_000", "1,000", "."];
        for refused in fine.into_iter().chain(other) {
            assert!(parse(refused).is_err(), "{refused} must be refused");
        }
    }

    proptest! {
        #[test]
        fn a_split_is_whole(minor in 0..=MINOR_MAX, ppm in 0..=1_000_000u32) {
            for rounding in [Rounding::Down, Rounding::HalfEven, Rounding::Up] {
                let (part, rest) = Money::new(minor, Currency::CNY).split(Share::ppm(ppm).unwrap(), rounding);
                prop_assert_eq!(part.minor + rest.minor, minor);
                prop_assert!(part.minor >= 0 && rest.minor >= 0);
            }
        }
    }
}
