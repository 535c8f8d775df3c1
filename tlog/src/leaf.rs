//! The entries of our log: one JSON object each, in one line, and written in one way only. docs/log.md has every key.

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::encoding::decimal;
use crate::merkle::{self, Hash};

mod bounds;
mod facts;
mod pledge;
mod pool;

pub use bounds::OutOfBound;
pub use facts::{
    Accrual, Confirmation, Correction, Currency, Match, Remittance, Reversal, Scope, Tally, Unmatch,
};
pub use pledge::{Base, PARTS_MAX, Part, Pledge, Rounding, WHOLE_PPM};
pub use pool::{Pool, Rule, Seed, Slot, Terms, TermsRefused, Tier, draw};

use crate::tile::bundle::ENTRY_BYTES_MAX;

/// Every JSON reader has this integer exactly: 2^53 - 1.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;
/// No price is above 10 billion yuan in fen, and no order has more than 99 units.
pub const MINOR_MAX: i64 = 99_000_000_000_000;

const START: &str = r#"{"v":1,"kind":""#;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When it happened, in milliseconds since 1970.
    pub at: u64,
    pub fact: Fact,
}

/// What a leaf states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Pledge(Pledge),
    Accrual(Accrual),
    Reversal(Reversal),
    Confirmation(Confirmation),
    Correction(Correction),
    Remittance(Remittance),
    Pool(Pool),
    Match(Match),
    Unmatch(Unmatch),
    Seed(Seed),
    Tally(Tally),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafRefused {
    #[error("the leaf has {bytes} bytes, more than {ENTRY_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the leaf is not UTF-8")]
    NotUtf8,
    #[error(r#"the leaf does not begin with {START}…","at":<milliseconds>,"#)]
    Start,
    #[error("leaves of kind {kind:?} are not known here")]
    UnknownKind { kind: String },
    #[error("the leaf is no {kind}: {why}")]
    Keys { kind: &'static str, why: String },
    #[error(transparent)]
    OutOfBound(#[from] OutOfBound),
    #[error("the leaf says what it says in another way than the one that is allowed: {wanted}")]
    NotCanonical { wanted: String },
}

/// One expression for the value of every kind.
macro_rules! each_fact {
    ($fact:expr, $it:ident => $result:expr) => {
        match $fact {
            Fact::Pledge($it) => $result,
            Fact::Accrual($it) => $result,
            Fact::Reversal($it) => $result,
            Fact::Confirmation($it) => $result,
            Fact::Correction($it) => $result,
            Fact::Remittance($it) => $result,
            Fact::Pool($it) => $result,
            Fact::Match($it) => $result,
            Fact::Unmatch($it) => $result,
            Fact::Seed($it) => $result,
            Fact::Tally($it) => $result,
        }
    };
}

impl Leaf {
    /// Only what this writes, byte for byte, is read.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafRefused> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(LeafRefused::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| LeafRefused::NotUtf8)?;
        let (kind, rest) =
            text.strip_prefix(START).and_then(|rest| rest.split_once('"')).ok_or(LeafRefused::Start)?;
        let (at, keys) =
            rest.strip_prefix(",\"at\":").and_then(|rest| rest.split_once(',')).ok_or(LeafRefused::Start)?;
        let at = decimal(at).ok_or(LeafRefused::Start)?;
        let fact = Fact::parse(kind, &format!("{{{keys}"))?;
        let leaf = Self { at, fact };
        let wanted = leaf.encode()?;
        if wanted != text {
            return Err(LeafRefused::NotCanonical { wanted });
        }
        Ok(leaf)
    }

    /// The entry's text. Refused is what nobody could read again.
    pub fn encode(&self) -> Result<String, LeafRefused> {
        bounds::number("at", self.at, 0..=NUMBER_MAX)?;
        let keys = each_fact!(&self.fact, it => {
            it.check()?;
            serde_json::to_string(it).expect("structs of numbers and texts")
        });
        let text = format!("{START}{}\",\"at\":{},{}", self.fact.kind(), self.at, &keys[1..]);
        if text.len() > ENTRY_BYTES_MAX {
            return Err(LeafRefused::TooLong { bytes: text.len() });
        }
        Ok(text)
    }
}

impl Fact {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pledge(_) => "pledge",
            Self::Accrual(_) => "accrual",
            Self::Reversal(_) => "reversal",
            Self::Confirmation(_) => "confirmation",
            Self::Correction(_) => "correction",
            Self::Remittance(_) => "remittance",
            Self::Pool(_) => "pool",
            Self::Match(_) => "match",
            Self::Unmatch(_) => "unmatch",
            Self::Seed(_) => "seed",
            Self::Tally(_) => "tally",
        }
    }

    /// The posted line that it publishes. Pledges, pools, seeds and tallies are no lines of the ledger.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Accrual(it) => Some(it.line),
            Self::Reversal(it) => Some(it.line),
            Self::Confirmation(it) => Some(it.line),
            Self::Correction(it) => Some(it.line),
            Self::Remittance(it) => Some(it.line),
            Self::Match(it) => Some(it.line),
            Self::Unmatch(it) => Some(it.line),
            Self::Pledge(_) | Self::Pool(_) | Self::Seed(_) | Self::Tally(_) => None,
        }
    }

    /// The commitment to the order that it is about.
    pub fn order(&self) -> Option<Hash> {
        match self {
            Self::Accrual(it) => Some(it.order),
            Self::Reversal(it) => Some(it.order),
            Self::Confirmation(it) => Some(it.order),
            Self::Correction(it) => Some(it.order),
            Self::Match(it) => Some(it.order),
            Self::Unmatch(it) => Some(it.order),
            Self::Pledge(_) | Self::Remittance(_) | Self::Pool(_) | Self::Seed(_) | Self::Tally(_) => None,
        }
    }

    fn parse(kind: &str, keys: &str) -> Result<Self, LeafRefused> {
        fn of<T: DeserializeOwned>(kind: &'static str, keys: &str) -> Result<T, LeafRefused> {
            serde_json::from_str(keys).map_err(|why| LeafRefused::Keys { kind, why: why.to_string() })
        }
        Ok(match kind {
            "pledge" => Self::Pledge(of("pledge", keys)?),
            "accrual" => Self::Accrual(of("accrual", keys)?),
            "reversal" => Self::Reversal(of("reversal", keys)?),
            "confirmation" => Self::Confirmation(of("confirmation", keys)?),
            "correction" => Self::Correction(of("correction", keys)?),
            "remittance" => Self::Remittance(of("remittance", keys)?),
            "pool" => Self::Pool(of("pool", keys)?),
            "match" => Self::Match(of("match", keys)?),
            "unmatch" => Self::Unmatch(of("unmatch", keys)?),
            "seed" => Self::Seed(of("seed", keys)?),
            "tally" => Self::Tally(of("tally", keys)?),
            _ => {
                let kind = kind.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(LeafRefused::UnknownKind { kind });
            }
        })
    }
}

/// What leaves carry instead of an order's id: nobody finds the order without the salt, and the buyer's receipt has it.
pub fn commitment(order: Uuid, salt: &[u8; 32]) -> Hash {
    Hash::of(&[b"apricot order v1\0", &order.as_bytes()[..], salt].concat())
}

/// What the log's tree has for an entry.
pub fn hash(entry: &str) -> Hash {
    merkle::leaf_hash(entry.as_bytes())
}
