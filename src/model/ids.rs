//! Names of things. Each kind has its own type, so that an order's id cannot be passed where a sale's is wanted.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use super::OutOfBound;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl FromStr for $name {
            type Err = OutOfBound;

            fn from_str(text: &str) -> Result<Self, OutOfBound> {
                // Braces, a URN and the form without hyphens would give one thing many names.
                match Uuid::try_parse(text) {
                    Ok(id) if !id.is_nil() && text.len() == 36 => Ok(Self(id)),
                    _ => Err(OutOfBound::new($field, "a UUID of 36 characters, not nil")),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

uuid_id!(
    /// Made by the client, so that a retry is recognised.
    OrderId,
    "orderId"
);
uuid_id!(
    /// Names a flash sale and, since a lot is set aside for exactly one sale, its lot.
    SaleId,
    "saleId"
);
uuid_id!(PaymentId, "paymentId");
uuid_id!(RefundId, "refundId");
uuid_id!(PledgeId, "pledgeId");
uuid_id!(PoolId, "poolId");

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $bound:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = OutOfBound;

            fn from_str(text: &str) -> Result<Self, OutOfBound> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.into())) } else { Err(OutOfBound::new($field, $bound)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

text_id!(
    /// Part of a room's address.
    RoomId,
    "id",
    "3..=40 of a-z, 0-9 and '-'",
    |text| (3..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);
impl RoomId {
    /// Where nodes say what they read of themselves: a room of every deployment, for ops and auditors, with no host and no sales.
    pub const FEED: &str = "ops";

    pub fn feed() -> Self {
        Self(Self::FEED.into())
    }

    pub fn is_feed(&self) -> bool {
        self.as_str() == Self::FEED
    }
}

text_id!(Sku, "sku", "1..=40 of A-Z, a-z, 0-9, '-', '_' and '.'", |text| (1..=40).contains(&text.len())
    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')));
text_id!(
    /// Part of a project's address, and what a pledge calls it.
    ProjectId,
    "project",
    "1..=64 of a-z, 0-9 and '-'",
    |text| (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);
text_id!(
    /// Who a token speaks for: the `sub` claim.
    Subject,
    "subject",
    "1..=80 visible ASCII characters",
    |text| (1..=80).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);
