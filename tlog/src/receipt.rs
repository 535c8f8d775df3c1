//! A buyer's receipt, and what of it holds offline.

use serde::{Deserialize, Serialize};

mod proto_json;
mod verdict;
mod verify;

pub use verdict::{Check, Outcome, Verdict};
pub use verify::verify;

/// A thousand lines of one order, with proofs.
pub const RECEIPT_BYTES_MAX: usize = 4 * 1024 * 1024;
pub const ENTRIES_MAX: usize = 1_000;

/// `apricot.v1.Receipt` in canonical proto JSON: what is 0, "" or empty is left out, 64-bit integers are texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Receipt {
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub format: u32,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub order_id: String,
    /// Only the buyer's own has it.
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub salt: String,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub commitment: String,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub title: String,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub quantity: u32,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub paid: Option<Money>,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub refunded: Option<Money>,
    /// Accrued less reversed.
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub charity: Option<Money>,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub matched: Option<Money>,
    #[serde(with = "proto_json::int64", skip_serializing_if = "proto_json::is_default")]
    pub paid_at_ms: i64,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub keys: Vec<String>,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub origin: String,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub entries: Vec<Entry>,
    /// Lines of the order that no checkpoint has yet.
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub waiting: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Money {
    #[serde(with = "proto_json::int64", skip_serializing_if = "proto_json::is_default")]
    pub minor: i64,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub currency: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    #[serde(with = "proto_json::uint64", skip_serializing_if = "proto_json::is_default")]
    pub index: u64,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub leaf: String,
    #[serde(skip_serializing_if = "proto_json::is_default")]
    pub proof: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptRefused {
    #[error("the receipt has {bytes} bytes, more than {RECEIPT_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the receipt is no apricot.v1.Receipt in JSON: {why}")]
    Form { why: String },
    #[error("the receipt has format {format}; 1 is known here")]
    Format { format: u32 },
    #[error("the receipt has {entries} entries, more than {ENTRIES_MAX}")]
    TooManyEntries { entries: usize },
}

impl Receipt {
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptRefused> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptRefused::TooLong { bytes: bytes.len() });
        }
        let read = serde_json::from_slice::<Self>(bytes);
        let receipt = read.map_err(|why| ReceiptRefused::Form { why: why.to_string() })?;
        if receipt.format != 1 {
            return Err(ReceiptRefused::Format { format: receipt.format });
        }
        if receipt.entries.len() > ENTRIES_MAX {
            return Err(ReceiptRefused::TooManyEntries { entries: receipt.entries.len() });
        }
        Ok(receipt)
    }
}
