//! Who the load test speaks for.

use std::path::Path;

use crate::{failure::Failure, spawn::Node};

pub struct Tokens {
    pub host: String,
    pub ops: String,
    pub viewers: Vec<String>,
}

impl Tokens {
    /// Good at every node that shares its keys.
    pub async fn mint(node: &Node, buyers: u32) -> Result<Tokens, Failure> {
        let one = |tokens: Vec<String>| tokens.into_iter().next().unwrap_or_default();
        Ok(Tokens {
            host: one(node.tokens("host", "load-host-", 1).await?),
            ops: one(node.tokens("ops", "load-ops-", 1).await?),
            viewers: node.tokens("viewer", "buyer-", buyers).await?,
        })
    }

    /// Lines of `role token`.
    pub fn read(path: &Path, buyers: u32) -> Result<Tokens, Failure> {
        let text = std::fs::read_to_string(path).map_err(Failure::file(path))?;
        let of = |role: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.trim().split_once(' '));
            lines.filter(|(is, _)| *is == role).map(|(_, token)| token.trim().into()).collect()
        };
        let first = |role: &str| of(role).into_iter().next();
        let viewers = of("viewer");
        match (first("host"), first("ops")) {
            (Some(host), Some(ops)) if viewers.len() >= buyers as usize => {
                let viewers = viewers.into_iter().take(buyers as usize).collect();
                Ok(Tokens { host, ops, viewers })
            }
            _ => Err(Failure::Option {
                name: "token-file",
                rule: "needs a line `host TOKEN`, a line `ops TOKEN`, and a line `viewer TOKEN` for each buyer",
            }),
        }
    }
}
