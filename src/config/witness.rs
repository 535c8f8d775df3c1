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
        let is_http = url.len() > "http://".len() && url.starts_with("http://");
        Some(Self { key: key.parse().ok()?, url: url.to_owned() }).filter(|_| is_http)
    }
}
