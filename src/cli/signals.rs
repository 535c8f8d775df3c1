//! What a running program is told by its surroundings.

#[cfg(unix)]
use tokio::signal::unix;

use super::Failed;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Reload,
    Stop,
}

#[cfg(unix)]
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// Only when there is something to reload; otherwise a hangup ends the process as it always did.
    hangup: Option<unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    pub fn listen(reloads: bool) -> Result<Self, Failed> {
        use unix::{SignalKind, signal};
        let failed = |error| Failed::because(format!("signals cannot be listened to: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let hangup = reloads.then(|| signal(SignalKind::hangup())).transpose().map_err(failed)?;
        Ok(Self { interrupt, terminate, hangup })
    }

    pub async fn next(&mut self) -> Told {
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
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub fn listen(_reloads: bool) -> Result<Self, Failed> {
        Ok(Self)
    }

    pub async fn next(&mut self) -> Told {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be listened to");
            std::future::pending::<()>().await;
        }
        Told::Stop
    }
}

impl Signals {
    pub async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}
