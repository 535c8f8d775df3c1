//! 64-bit integers as texts, and fields that are left out when they say nothing.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serializer, de};

pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! as_text {
    ($name:ident, $number:ty) => {
        pub mod $name {
            use super::{Cow, Deserialize, Deserializer, Serializer, de};

            pub fn serialize<S: Serializer>(value: &$number, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(value)
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$number, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                let number = text.parse::<$number>().ok().filter(|number| number.to_string() == text);
                number.ok_or_else(|| de::Error::custom("a 64-bit integer as a text is wanted"))
            }
        }
    };
}

as_text!(int64, i64);
as_text!(uint64, u64);
