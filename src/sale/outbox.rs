//! Asks the provider what the record says must be asked. A task survives a crash; asking twice has one effect, since the provider
//! knows payments and refunds by our ids. The task is deleted by the event that answers it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use super::provider::Provider;
use super::{Refusal, Sales, meters};
use crate::store::StoreError;
use crate::store::journal::Task;

/// Tasks that may wait for the outbox worker: two seconds of 8,000 payments a second. Then whoever pays waits.
pub const OUTBOX_MAX: usize = 16_384;

/// Questions to the provider at one time.
const ASKING_MAX: usize = 64;

const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);

impl Sales {
    /// Runs until `stop`. First come the tasks that an earlier process left.
    pub async fn run_outbox(
        self,
        provider: Provider,
        mut tasks: mpsc::Receiver<Task>,
        stop: CancellationToken,
    ) -> Result<(), StoreError> {
        let asking = Arc::new(Semaphore::new(ASKING_MAX));
        let underway = TaskTracker::new();
        let mut left = self.0.journal.tasks().await?.into_iter();
        loop {
            let task = match left.next() {
                Some(task) => task,
                None => tokio::select! {
                    () = stop.cancelled() => break,
                    task = tasks.recv() => match task {
                        Some(task) => task,
                        None => break,
                    },
                },
            };
            let permit = tokio::select! {
                () = stop.cancelled() => break,
                permit = Arc::clone(&asking).acquire_owned() => permit,
            };
            let (sales, provider, stop) = (self.clone(), provider.clone(), stop.clone());
            underway.spawn(async move {
                let _permit = permit;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sales.ask_until_taken(&provider, task) => {}
                }
            });
        }
        underway.close();
        underway.wait().await;
        Ok(())
    }

    /// The worker is told of a task that was just recorded.
    pub(super) async fn ask(&self, task: Task) {
        // Without a worker (shutting down) the task stays in the record for the next start.
        if self.0.outbox.send(task).await.is_err() {
            tracing::debug!(?task, "left for the next start");
        }
    }

    async fn ask_until_taken(&self, provider: &Provider, task: Task) {
        let mut wait = RETRY_FIRST;
        loop {
            match self.ask_once(provider, task).await {
                Ok(answer) => return meters::task(kind(task), answer),
                Err(error) => {
                    meters::task(kind(task), "failed");
                    tracing::warn!(%error, ?task, retry_in_ms = wait.as_millis(), "the provider did not take a task");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    /// `Err` is worth another try.
    async fn ask_once(&self, provider: &Provider, task: Task) -> Result<&'static str, String> {
        let text = |refusal: Refusal| refusal.to_string();
        let asked = match task {
            Task::Authorise(id) => {
                let (_, payment) = self.find_payment(id).await.map_err(text)?;
                provider.authorise(&payment).await
            }
            Task::Capture(id) => {
                let (_, payment) = self.find_payment(id).await.map_err(text)?;
                provider.capture(&payment).await
            }
            Task::Refund(id) => {
                let refund = self.0.journal.refund(id).await.map_err(|error| error.to_string())?;
                provider.refund(&refund.ok_or("the refund is not in the record")?).await
            }
        };
        match asked {
            Ok(()) => Ok("taken"),
            Err(error) if error.may_retry() => Err(error.to_string()),
            Err(error) => {
                tracing::error!(%error, ?task, "the provider refuses a task for good; somebody has to look at it");
                Ok("refused")
            }
        }
    }
}

fn kind(task: Task) -> &'static str {
    match task {
        Task::Authorise(_) => "authorise",
        Task::Capture(_) => "capture",
        Task::Refund(_) => "refund",
    }
}
