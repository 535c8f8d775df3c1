//! What a host means to sell in a room, in the order of the stream. A plan: nothing is set aside for it, and a sale is checked when it is made.

use super::product::UNITS_MAX;
use super::{Money, OutOfBound, PledgeId, Sku};

/// More than anybody sells in one stream.
pub const RUN_SHEET_MAX: usize = 50;

/// A product and the terms of the flash sale that is planned for it. Zero is "not decided yet".
#[derive(Clone, Debug, PartialEq)]
pub struct RunSheetItem {
    pub sku: Sku,
    /// `None`: the everyday price.
    pub price: Option<Money>,
    pub stock: u32,
    pub limit_per_buyer: u32,
    pub hold_seconds: u32,
    pub duration_seconds: u32,
    pub pledge: Option<PledgeId>,
    /// What to say about it.
    pub note: String,
}

impl RunSheetItem {
    /// Numbers only; texts and ids are checked where they are parsed.
    pub fn check(&self) -> Result<(), OutOfBound> {
        if self.stock > UNITS_MAX {
            return Err(OutOfBound::new("stock", format!("0..={UNITS_MAX}")));
        }
        if self.limit_per_buyer > 99 {
            return Err(OutOfBound::new("limitPerBuyer", "0..=99"));
        }
        if !matches!(self.hold_seconds, 0 | 10..=3_600) {
            return Err(OutOfBound::new("holdSeconds", "10..=3600, or 0 for the default"));
        }
        if !matches!(self.duration_seconds, 0 | 10..=86_400) {
            return Err(OutOfBound::new("durationSeconds", "10..=86400, or 0 for the default"));
        }
        Ok(())
    }
}

/// The same items, each as it was, in whatever order. Both have each sku once.
pub fn is_reordered(one: &[RunSheetItem], other: &[RunSheetItem]) -> bool {
    one.len() == other.len() && one.iter().all(|item| other.contains(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(sku: &str) -> RunSheetItem {
        RunSheetItem {
            sku: sku.parse().unwrap(),
            price: None,
            stock: 0,
            limit_per_buyer: 0,
            hold_seconds: 0,
            duration_seconds: 0,
            pledge: None,
            note: String::new(),
        }
    }

    #[test]
    fn terms_may_be_left_open_and_have_bounds() {
        assert_eq!(item("a").check(), Ok(()));
        let refused = |item: RunSheetItem| item.check().unwrap_err().field;
        assert_eq!(refused(RunSheetItem { stock: UNITS_MAX + 1, ..item("a") }), "stock");
        assert_eq!(refused(RunSheetItem { limit_per_buyer: 100, ..item("a") }), "limitPerBuyer");
        assert_eq!(refused(RunSheetItem { hold_seconds: 9, ..item("a") }), "holdSeconds");
        assert_eq!(refused(RunSheetItem { duration_seconds: 86_401, ..item("a") }), "durationSeconds");
    }

    #[test]
    fn another_order_is_no_other_sheet() {
        let sheet = [item("a"), item("b")];
        assert!(is_reordered(&sheet, &[item("b"), item("a")]));
        assert!(!is_reordered(&sheet, &[item("a")]));
        assert!(!is_reordered(&sheet, &[item("a"), RunSheetItem { note: "new".into(), ..item("b") }]));
    }
}
