//! `apricot serve`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use super::{Failed, Source, print, runtime, start_log};
use crate::app::{App, Running};
use crate::clock::Clock;
use crate::demo::{Demo, Links};

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
            let mut signals = Signals::listen()?;
            let running = tokio::select! {
                started = App::start(effective.config, Clock::System) => started?,
                () = signals.next() => return Err(Failed::because("stopped by a signal before it listened")),
            };
            announce(&running)?;
            let demo = if self.demo { Some(start_demo(&running).await?) } else { None };
            signals.next().await;
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
                () = signals.next() => return Err(Failed::because("stopped at once by a second signal")),
            }
            Ok(())
        })
    }
}

async fn start_demo(running: &Running) -> Result<Demo, Failed> {
    let demo = Demo::start(running, &Clock::System).await.map_err(Failed::because)?;
    let Links { viewer, host, ops } = &demo.links;
    eprintln!("\nApricot is live with a demo room. Open one of these (each signs you in):\n");
    eprintln!("  viewer  {viewer}\n  host    {host}\n  ops     {ops}\n");
    eprintln!("Ctrl-C stops it; nothing is lost.\n");
    Ok(demo)
}

fn announce(running: &Running) -> Result<(), Failed> {
    tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "listening");
    print(&format!("{}\n", json!({ "listening": running.address.to_string() })))
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, Failed> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error| Failed::because(format!("signals cannot be listened to: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate()).map_err(failed)? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self, Failed> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be listened to");
            std::future::pending::<()>().await;
        }
    }
}
