//! `apricot sandbox`: the payment provider of several nodes.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::routing::get;
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use super::{Failed, Source, print, runtime, start_log};
use crate::app::provider::{open_sandbox, provider_secrets};
use crate::app::{DataLock, StartError, prometheus};
use crate::clock::Clock;
use crate::config::Config;
use crate::sandbox::{Sandbox as Provider, SandboxError, http};
use crate::wire::listener;
use crate::wire::webhook::WebhookSecrets;

#[derive(Args)]
pub struct Sandbox {
    #[command(flatten)]
    source: Source,
    /// Address and port that nodes ask at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// Where payments are told of: the proxy in front of the nodes, and /v1/payments/webhooks/sandbox
    #[arg(long, value_name = "URL")]
    webhook: String,
    /// Folder of keys, shared with the nodes; otherwise node.keys, or `keys` in the data folder
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

impl Sandbox {
    /// Runs until a signal, then answers what was asked.
    pub fn run(self) -> Result<(), Failed> {
        let mut config = self.source.load(None)?.config;
        config.node.keys = self.keys.or(config.node.keys);
        start_log(&config.log)?;
        runtime()?.block_on(async {
            // Before the server starts, so that no signal is lost.
            let mut signals = Signals::listen(false)?;
            let _lock = DataLock::take(&config.data)?;
            let (sandbox, router) = open(&config, self.webhook).await?;
            let failed = |reason| StartError::Listen { address: self.listen, reason };
            let socket = listener::bind(self.listen).map_err(failed)?;
            let address = socket.local_addr().map_err(failed)?;
            let stop = CancellationToken::new();
            let serving = tokio::spawn(listener::run(socket, router, None, stop.clone()));
            tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "the sandbox provider listens");
            print(&format!("{}\n", json!({ "listening": address.to_string() })))?;

            signals.stop().await;
            tracing::info!("stopping; a second signal stops at once");
            stop.cancel();
            let ended = async {
                let served = serving.await;
                sandbox.shutdown().await;
                served.map_err(Failed::because)
            };
            tokio::select! {
                ended = ended => ended,
                () = signals.stop() => Err(Failed::because("stopped at once by a second signal")),
            }
        })
    }
}

async fn open(config: &Config, webhook: String) -> Result<(Provider, axum::Router), StartError> {
    let now = Clock::System.now();
    let webhooks = WebhookSecrets::open(&config.keys(), now)?;
    let secrets = provider_secrets(&config.keys(), now)?;
    let sandbox = open_sandbox(config, &Clock::System, webhook, &webhooks).await?;
    let router = http::router(sandbox.clone(), &secrets).map_err(SandboxError::Setting)?;
    let meters = prometheus();
    Ok((sandbox, router.route("/metrics", get(async move || meters.render()))))
}
