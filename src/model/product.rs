//! What a host sells.

use super::{Money, OutOfBound, Sku, Subject, bounded_text};

/// More than a county's harvest in boxes; keeps sums of lots inside `u32`.
pub const UNITS_MAX: u32 = 1_000_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    pub sku: Sku,
    pub host: Subject,
    pub title: String,
    /// What one unit is: "box of 12, 2.5 kg".
    pub unit: String,
    pub image_url: String,
    pub origin: String,
    pub price: Money,
    /// Units that belong to no lot.
    pub on_hand: u32,
    /// Decides the commission; "farm" pays none.
    pub category: String,
}

impl Product {
    pub fn check(&self) -> Result<(), OutOfBound> {
        bounded_text("title", &self.title, 1..=80)?;
        bounded_text("unit", &self.unit, 1..=60)?;
        bounded_text("origin", &self.origin, 0..=80)?;
        bounded_text("category", &self.category, 1..=30)?;
        picture_address("imageUrl", &self.image_url)?;
        if self.on_hand > UNITS_MAX {
            return Err(OutOfBound::new("onHand", format!("0..={UNITS_MAX}")));
        }
        Ok(())
    }
}

/// Empty, a path of this server, or an https address: what the pages' content security policy lets through.
pub fn picture_address(field: &'static str, address: &str) -> Result<(), OutOfBound> {
    let shape = address.is_empty() || address.starts_with('/') || address.starts_with("https://");
    if shape && address.len() <= 500 && address.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(OutOfBound::new(field, "empty, a path from '/', or an https address of at most 500 characters"))
}
