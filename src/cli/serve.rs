//! `apricot serve`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use super::signals::{Signals, Told};
use super::{Failed, Source, print, runtime, start_log};
use crate::app::{App, Running};
use crate::clock::Clock;
use crate::demo::Demo;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    source: Source,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Fill an empty data folder with a room, products and people to try it with
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub fn run(self) -> Result<(), Failed> {
        let effective = self.source.load(self.listen)?;
        start_log(&effective.config.log)?;
        runtime()?.block_on(async {
            // Before the server starts, so that no signal is lost.
            let mut signals = Signals::listen(effective.config.tls.is_some())?;
            let running = tokio::select! {
                started = App::start(effective.config, Clock::System) => started?,
                () = signals.stop() => return Err(Failed::because("stopped by a signal before it listened")),
            };
            announce(&running)?;
            let demo = if self.demo { Some(start_demo(&running).await?) } else { None };
            loop {
                tokio::select! {
                    told = signals.next() => match told {
                        Told::Reload => running.reload_certificate(Clock::System.now()),
                        Told::Stop => break,
                    },
                    () = running.hub.told_to_leave().cancelled() => break,
                }
            }
            tracing::info!("stopping; a second signal stops at once");
            if let Some(demo) = demo {
                demo.stop().await;
            }
            tokio::select! {
                stopped = running.stop() => match stopped {
                    Ok(()) => tracing::info!("stopped"),
                    Err(drain) => tracing::warn!(
                        drain_seconds = drain.as_secs(),
                        "not everything ended in time; what was acknowledged is recorded"
                    ),
                },
                () = signals.stop() => return Err(Failed::because("stopped at once by a second signal")),
            }
            Ok(())
        })
    }
}

async fn start_demo(running: &Running) -> Result<Demo, Failed> {
    let demo = Demo::start(running, &Clock::System).await.map_err(Failed::because)?;
    eprintln!(
        "\nApricot is live with two demo rooms, a Chinese and an English one. Open one of these (each signs you in):\n"
    );
    for (who, link) in &demo.links {
        eprintln!("  {who:<9}  {link}");
    }
    eprintln!("\nCtrl-C stops it; nothing is lost.\n");
    Ok(demo)
}

fn announce(running: &Running) -> Result<(), Failed> {
    tracing::info!(address = %running.address, tls = running.has_tls(), version = env!("CARGO_PKG_VERSION"), "listening");
    print(&format!("{}\n", json!({ "listening": running.address.to_string() })))
}
