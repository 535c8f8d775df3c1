//! Rules that a log broke, each with its numbers.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};
use uuid::Uuid;

use crate::leaf::{Currency, LeafRefused, TermsRefused};
use crate::merkle::Hash;

/// What is wrong, and at which leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub leaf: u64,
    pub broken: Broken,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Leaf(#[from] LeafRefused),
    #[error("line {line} is in the log twice")]
    LineTwice { line: u64 },
    #[error("pledge {pledge}: version {version} comes after version {newest}")]
    PledgeVersion { pledge: Uuid, version: u32, newest: u32 },
    #[error("pledge {pledge} has no version {version} in the log")]
    UnknownPledge { pledge: Uuid, version: u32 },
    #[error("pledge {pledge}, version {version}, has no part {part}")]
    UnknownPart { pledge: Uuid, version: u32, part: u32 },
    #[error("pledge {pledge}, version {version}, does not run at {at}")]
    OutOfTime { pledge: Uuid, version: u32, at: u64 },
    #[error("the currency is {found}, the pledge's or pool's is {wanted}")]
    WrongCurrency { found: Currency, wanted: Currency },
    #[error("the project is {found:?}, the pledge or pool says {wanted:?}")]
    WrongProject { found: String, wanted: String },
    #[error("order {order:?} has accrued part {part} twice")]
    AccruedTwice { order: Hash, part: u32 },
    #[error("order {order:?}: pledge, version, part, currency or payment are not those of its accrual")]
    OtherTerms { order: Hash },
    #[error("order {order:?}, part {part}: {amount} is accrued, the pledge says {due}")]
    WrongShare { order: Hash, part: u32, amount: i64, due: i64 },
    #[error("order {order:?}: {amount} is accrued in all its parts, the pledge says {due}")]
    PartsLacking { order: Hash, amount: i64, due: i64 },
    #[error("order {order:?}: its {amount} are not split over the parts by weight")]
    WrongSplit { order: Hash, amount: i64 },
    #[error("pledge {pledge}: {standing} stand, the cap is {cap}")]
    CapExceeded { pledge: Uuid, standing: i64, cap: i64 },
    #[error("order {order:?} has no accrual in the log")]
    UnknownOrder { order: Hash },
    #[error("order {order:?}: {kept} stay paid after {before} of {paid}")]
    KeptGrew { order: Hash, kept: i64, before: i64, paid: i64 },
    #[error("order {order:?}: {stands} stand after the refund, less than the {due} of what stays paid")]
    ReversedTooMuch { order: Hash, stands: i64, due: i64 },
    #[error("order {order:?}: {stands} stand after the refund, more than the {due} of what stays paid")]
    ReversedTooLittle { order: Hash, stands: i64, due: i64 },
    #[error("order {order:?}, part {part}: {amount} is taken or confirmed, {left} can be")]
    MoreThanStands { order: Hash, part: u32, amount: i64, left: i64 },
    #[error("pledge {pledge}, part {part}: {remitted} is remitted, {confirmed} is confirmed")]
    MoreThanConfirmed { pledge: Uuid, part: u32, remitted: i64, confirmed: i64 },
    #[error("no version of the pledge gives this part to charity {charity:?} for project {project:?}")]
    WrongPayee { charity: String, project: String },
    #[error("pool {pool}: version {version} comes after version {newest}")]
    PoolVersion { pool: Uuid, version: u32, newest: u32 },
    #[error("pool {pool}: {refused}")]
    Terms { pool: Uuid, refused: TermsRefused },
    #[error("pool {pool} has no slot {slot} in the log")]
    UnknownSlot { pool: Uuid, slot: u32 },
    #[error("pool {pool}, slot {slot}: the seed's hash was changed after the slot had opened")]
    SeedChanged { pool: Uuid, slot: u32 },
    #[error("pool {pool}: the rule was changed after a slot had opened")]
    RuleChanged { pool: Uuid },
    #[error(
        "pool {pool}, slot {slot}: the hash of the seed of its draws is in the log since {at}, the slot opened at {opens_at}"
    )]
    SeedHashLate { pool: Uuid, slot: u32, at: u64, opens_at: u64 },
    #[error(
        "pool {pool}, slot {slot}: order {order:?} was in the log before the hash of the seed that it draws by"
    )]
    SeedHashAfterOrder { pool: Uuid, slot: u32, order: Hash },
    #[error("pool {pool}, slot {slot}, is not open at {at}")]
    SlotClosed { pool: Uuid, slot: u32, at: u64 },
    #[error("pool {pool}, slot {slot}: order {order:?} is matched twice")]
    MatchedTwice { pool: Uuid, slot: u32, order: Hash },
    #[error("pool {pool}, slot {slot}: {matched} is matched, the budget is {budget}")]
    BudgetExceeded { pool: Uuid, slot: u32, matched: i64, budget: i64 },
    #[error("pool {pool}: {matched} is matched for project {project:?}, the cap is {cap}")]
    ProjectCapExceeded { pool: Uuid, project: String, matched: i64, cap: i64 },
    #[error("pool {pool}, slot {slot}: {amount} is matched, the terms say {due}")]
    WrongMatch { pool: Uuid, slot: u32, amount: i64, due: i64 },
    #[error("pool {pool}, slot {slot}: the leaf says tier {stated:?}, the draw gives {drawn:?}")]
    WrongTier { pool: Uuid, slot: u32, stated: Option<u32>, drawn: Option<u32> },
    #[error("pool {pool}, slot {slot}: {amount} is taken back, {left} stands")]
    UnmatchedTooMuch { pool: Uuid, slot: u32, amount: i64, left: i64 },
    #[error("pool {pool}, slot {slot}: the seed is not the one that was committed to")]
    WrongSeed { pool: Uuid, slot: u32 },
    #[error(
        "pool {pool}, slot {slot}: the seed was published at {at}, before the slot closes at {closes_at}"
    )]
    SeedEarly { pool: Uuid, slot: u32, at: u64, closes_at: u64 },
    #[error("pool {pool}, slot {slot}: the seed was due a day after {closes_at} and is not there")]
    SeedOverdue { pool: Uuid, slot: u32, closes_at: u64 },
    #[error("the tally counts {size} leaves, {leaves} were before it")]
    TallyAhead { size: u64, leaves: u64 },
    #[error("the tally counts {size} leaves, and too many came after them to recount it")]
    TallyTooOld { size: u64 },
    #[error("the tally says {column} {stated}, the leaves give {counted}")]
    WrongTally { column: &'static str, stated: i64, counted: i64 },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leaf {}: {}", self.leaf, self.broken)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut finding = serializer.serialize_struct("Finding", 2)?;
        finding.serialize_field("leaf", &self.leaf)?;
        finding.serialize_field("why", &self.broken.to_string())?;
        finding.end()
    }
}
