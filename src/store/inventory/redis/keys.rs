//! Names of what a lot has in Redis. All have the sale in braces, so that they are on one server of a cluster.

use uuid::Uuid;

use crate::model::SaleId;

const PARTS: [&str; 5] = ["lot", "buyers", "expiries", "groups", "waiting"];
const CHANNEL: &str = "reading";

pub(super) struct Keys {
    tag: String,
    lot: [String; 5],
    /// Where readings are told.
    pub channel: String,
}

impl Keys {
    pub fn of(sale: SaleId) -> Self {
        let tag = format!("apricot:{{{}}}", sale.0);
        Self { lot: PARTS.map(|part| format!("{tag}:{part}")), channel: format!("{tag}:{CHANNEL}"), tag }
    }

    pub fn lot(&self) -> [&str; 5] {
        self.lot.each_ref().map(String::as_str)
    }

    /// Beside the lot, for what is gathered before it takes the lot's place.
    pub fn opening(&self, number: u64) -> [String; 5] {
        PARTS.map(|part| format!("{}:opening:{number:016x}:{part}", self.tag))
    }
}

/// Whose readings are told on a channel.
pub(super) fn sale_of(channel: &str) -> Option<SaleId> {
    let (id, rest) = channel.strip_prefix("apricot:{")?.split_once('}')?;
    (rest.strip_prefix(':')? == CHANNEL).then_some(())?;
    Uuid::parse_str(id).ok().map(SaleId)
}
