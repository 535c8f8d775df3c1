//! The contract as a client sees it: where the server is, its REST API and its socket.

use std::net::SocketAddr;

use reqwest::Url;
use tokio::net::lookup_host;

use crate::failure::Failure;

pub mod frames;
pub mod peek;
pub mod rest;
pub mod socket;
pub mod tls;

pub use rest::{Answer, Rest};
pub use socket::{Gone, Socket};
use tls::Trust;

/// A server's address, as sockets and as HTTP see it.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// `host:port`, for the Host header.
    pub host: String,
    /// With TLS: in which certificate.
    pub trust: Option<Trust>,
}

impl Target {
    pub fn at(address: SocketAddr) -> Target {
        Target { address, host: address.to_string(), trust: None }
    }

    /// From `ws://host:port` or `http://host:port`. Encrypted addresses are refused: a load generator that spends its
    /// core on TLS measures itself.
    pub async fn parse(text: &str) -> Result<Target, Failure> {
        const RULE: Failure = Failure::Option { name: "url", rule: "give ws://host:port (no TLS, no path)" };
        let url = Url::parse(text).map_err(|_| RULE)?;
        if !matches!(url.scheme(), "ws" | "http") {
            return Err(RULE);
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(RULE);
        };
        let host = format!("{host}:{port}");
        let unreachable =
            |source: String| Failure::Unreachable { what: format!("looking up {host}"), source };
        let address = lookup_host(&host)
            .await
            .map_err(|error| unreachable(error.to_string()))?
            .next()
            .ok_or_else(|| unreachable("no address".into()))?;
        Ok(Target { address, host, trust: None })
    }

    pub fn http(&self, path: &str) -> String {
        let scheme = if self.trust.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.host)
    }
}
