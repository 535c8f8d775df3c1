//! Pure values and rules: no I/O, no async, no clock. Every layer above speaks in these words.

use std::borrow::Cow;

pub mod calendar;
pub mod caller;
pub mod ids;
pub mod money;
pub mod order;
pub mod payment;
pub mod pledge;
pub mod pool;
pub mod product;
pub mod registry;
pub mod remittance;
pub mod room;
pub mod run_sheet;
pub mod sale;
pub mod time;
pub mod transfer;

pub use caller::{Caller, Role};
pub use ids::{OrderId, PaymentId, PledgeId, PoolId, ProjectId, RefundId, RoomId, SaleId, Sku, Subject};
pub use money::{Currency, Money, Rounding, Share};
pub use order::{Order, Stage};
pub use payment::{Payment, PaymentState};
pub use pledge::{PartRef, Pledge, PledgeBase, PledgeEnd, PledgePart, PledgeRef};
pub use pool::{MatchPool, PoolSeed, PoolSlot};
pub use product::Product;
pub use registry::{Charity, ProgressReport, Project};
pub use remittance::{BankTransfer, RemittanceRun, RunLine, RunRefused, RunStage};
pub use room::{Room, RoomState, StreamPosition};
pub use run_sheet::RunSheetItem;
pub use sale::{CloseReason, FlashSale, SaleState};
pub use time::Timestamp;
pub use transfer::{Account, Code, Transfer};

/// A field that is outside its bound. The sentence says what to do; `field` is the path as the contract spells it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {bound}")]
pub struct OutOfBound {
    pub field: Cow<'static, str>,
    pub bound: String,
}

impl OutOfBound {
    pub fn new(field: &'static str, bound: impl Into<String>) -> Self {
        Self { field: field.into(), bound: bound.into() }
    }

    /// In an item of a list: "items[3].price".
    pub fn in_item(self, list: &'static str, index: usize) -> Self {
        Self { field: format!("{list}[{index}].{}", self.field).into(), ..self }
    }
}

/// Trims `text` and checks that it has a number of characters inside `bound` and no control characters.
pub fn bounded_text(
    field: &'static str,
    text: &str,
    bound: std::ops::RangeInclusive<usize>,
) -> Result<String, OutOfBound> {
    let text = text.trim();
    let characters = text.chars().count();
    let control = text.chars().any(|c| c.is_control() && c != '\n');
    if bound.contains(&characters) && !control {
        return Ok(text.to_owned());
    }
    let (min, max) = (bound.start(), bound.end());
    Err(OutOfBound::new(field, format!("{min}..={max} characters without control characters")))
}
