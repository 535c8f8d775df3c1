//! `[node]`: what tells this node from the others of one Apricot.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

const NAME_BYTES_MAX: usize = 40;
/// Leaves room for a hyphen and a port.
const HOST_BYTES_MAX: usize = NAME_BYTES_MAX - 6;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<PathBuf>,
}

impl NodeConfig {
    /// The name that was given; otherwise the machine's and the port that this node listens on, which no other node has.
    pub fn name_at(&self, address: SocketAddr) -> String {
        let given = self.name.clone();
        given.unwrap_or_else(|| name_of(&gethostname::gethostname().to_string_lossy(), address.port()))
    }

    pub(super) fn check(&self) -> Result<(), (String, String)> {
        if self.name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(("node.name".into(), format!("1..={NAME_BYTES_MAX} of a-z, 0-9 and '-'")));
        }
        if self.keys.as_ref().is_some_and(|keys| keys.as_os_str().is_empty()) {
            return Err(("node.keys".into(), "a folder".into()));
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Of the host's full name the first part.
fn name_of(host: &str, port: u16) -> String {
    let first = host.split('.').next().unwrap_or(host);
    let letters = first.chars().map(|c| c.to_ascii_lowercase());
    let name: String =
        letters.map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(HOST_BYTES_MAX).collect();
    let name = if name.is_empty() { "node" } else { &name };
    format!("{name}-{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_after_its_host_and_port() {
        for (host, port, name) in [
            ("shop-1.example.org", 8080, "shop-1-8080"),
            ("Orchard_2", 80, "orchard-2-80"),
            ("", 65_535, "node-65535"),
            ("杏", 1, "--1"),
        ] {
            assert_eq!(name_of(host, port), name);
            assert!(is_name(&name_of(host, port)));
        }
        assert!(is_name(&name_of(&"a".repeat(64), 65_535)));
    }
}
