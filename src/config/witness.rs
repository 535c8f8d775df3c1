//! Who signs that the public log only ever grew.

use apricot_tlog::note::VerifierKey;

/// Written "KEY URL".
#[derive(Clone, Debug)]
pub struct WitnessAddress {
    pub key: VerifierKey,
    /// What `/add-checkpoint` follows.
    pub url: String,
}

impl WitnessAddress {
    pub fn parse(text: &str) -> Option<Self> {
        let (key, url) = text.split_once(' ')?;
        let url = url.trim().trim_end_matches('/');
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        Some(Self { key: key.parse().ok()?, url: url.to_owned() }).filter(|_| !host.is_empty())
    }
}
