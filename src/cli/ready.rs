//! `apricot ready`: for container runtimes and scripts, which have no other way to ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;

use super::{Failed, Source, runtime};

/// A node gives up on its record after 2 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

#[derive(Args)]
pub struct Ready {
    /// What to ask instead of /readyz at the configuration's address, such as http://127.0.0.1:9090/healthz of `apricot sandbox`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    source: Source,
}

impl Ready {
    /// Exit code 0 when the answer is a success, otherwise 1 and why.
    pub fn run(self) -> Result<(), Failed> {
        let url = match self.url {
            Some(url) => url,
            None => {
                let config = self.source.load(None)?.config;
                if config.tls.is_some() {
                    return Err(Failed::usage(
                        "this command has no TLS client; ask /readyz with another, such as curl",
                    ));
                }
                format!("http://{}/readyz", of_this_machine(config.listen))
            }
        };
        runtime()?.block_on(ask(&url))
    }
}

async fn ask(url: &str) -> Result<(), Failed> {
    let client =
        reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().build().map_err(Failed::because)?;
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| Failed::because(format!("{url} cannot be asked: {error}")))?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(Failed::because(format!("{url} answers {}", answer.status())))
}

fn of_this_machine(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
