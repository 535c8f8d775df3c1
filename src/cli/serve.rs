//! `apricot serve`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;
#[cfg(unix)]
use tokio::signal::unix;

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
            let mut signals = Signals::listen(effective.config.tls.is_some())?;
            let running = tokio::select! {
                started = App::start(effective.config, Clock::System) => started?,
                () = signals.stop() => return Err(Failed::because("stopped by a signal before it listened")),
            };
            announce(&running)?;
            let demo = if self.demo { Some(start_demo(&running).await?) } else { None };
            while signals.next().await == Told::Reload {
                running.reload_certificate(Clock::System.now());
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
    let Links { viewer, host, ops } = &demo.links;
    eprintln!("\nApricot is live with a demo room. Open one of these (each signs you in):\n");
    eprintln!("  viewer  {viewer}\n  host    {host}\n  ops     {ops}\n");
    eprintln!("Ctrl-C stops it; nothing is lost.\n");
    Ok(demo)
}

fn announce(running: &Running) -> Result<(), Failed> {
    tracing::info!(address = %running.address, tls = running.has_tls(), version = env!("CARGO_PKG_VERSION"), "listening");
    print(&format!("{}\n", json!({ "listening": running.address.to_string() })))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Reload,
    Stop,
}

#[cfg(unix)]
struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// Only when there is something to reload; otherwise a hangup ends the process as it always did.
    hangup: Option<unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen(reloads: bool) -> Result<Self, Failed> {
        use unix::{SignalKind, signal};
        let failed = |error| Failed::because(format!("signals cannot be listened to: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let hangup = reloads.then(|| signal(SignalKind::hangup())).transpose().map_err(failed)?;
        Ok(Self { interrupt, terminate, hangup })
    }

    async fn next(&mut self) -> Told {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.terminate.recv() => Told::Stop,
            _ = hangup => Told::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen(_reloads: bool) -> Result<Self, Failed> {
        Ok(Self)
    }

    async fn next(&mut self) -> Told {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be listened to");
            std::future::pending::<()>().await;
        }
        Told::Stop
    }
}

impl Signals {
    async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}
