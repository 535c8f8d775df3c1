//! Asks the provider what the record says must be asked. A task survives a crash; asking twice has one effect, since the provider
//! knows payments and refunds by our ids. The task is deleted by the event that answers it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use super::provider::Provider;
use super::{KnownOrder, Refusal, Sales, meters};
use crate::model::{PaymentId, PaymentState, Timestamp};
use crate::store::Write;
use crate::store::journal::Task;

/// Tasks that may wait for the outbox worker: two seconds of 8,000 payments a second. Then whoever pays waits.
pub const OUTBOX_MAX: usize = 16_384;

/// Questions to the provider at one time.
const ASKING_MAX: usize = 64;

const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// A task that is still in the record after this is asked again: its first asking was lost, or its commit was answered with an error
/// and landed all the same.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// As `ASK_AGAIN`, where the node that should have asked may be gone while others go on.
const ASK_FOR_OTHERS: Duration = Duration::from_secs(10);

impl Sales {
    /// Runs until `stop`. First come the tasks that an earlier process left; of many nodes, one asks for those that are gone.
    pub async fn run_outbox(
        self,
        provider: Provider,
        mut tasks: mpsc::Receiver<Task>,
        now: impl Fn() -> Timestamp + Send,
        stop: CancellationToken,
    ) {
        let asking = Arc::new(Semaphore::new(ASKING_MAX));
        let underway = TaskTracker::new();
        let again = if self.is_shared() { ASK_FOR_OTHERS } else { ASK_AGAIN };
        let mut look_again = tokio::time::interval(again);
        let mut older_than = if self.is_shared() { again } else { Duration::ZERO };
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => break,
                // The first tick comes at once.
                _ = look_again.tick() => {
                    if !self.keeps() {
                        continue;
                    }
                    match self.0.journal.tasks(now() - older_than).await {
                        Ok(batch) => {
                            older_than = again;
                            batch
                        }
                        Err(error) => {
                            tracing::warn!(%error, "open tasks could not be read; the next look tries again");
                            continue;
                        }
                    }
                }
                task = tasks.recv(), if underway.len() < OUTBOX_MAX => match task {
                    Some(task) => vec![task],
                    None => break,
                },
            };
            for task in batch {
                let (sales, provider, stop) = (self.clone(), provider.clone(), stop.clone());
                let asking = Arc::clone(&asking);
                underway.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = sales.ask_until_taken(&provider, task, &asking) => {}
                    }
                });
            }
        }
        underway.close();
        underway.wait().await;
    }

    /// The worker is told of a task that was just recorded.
    pub(super) async fn ask(&self, task: Task) {
        // Without a worker (shutting down) the task stays in the record for the next start.
        if self.0.outbox.send(task).await.is_err() {
            tracing::debug!(?task, "left for the next start");
        }
    }

    async fn ask_until_taken(&self, provider: &Provider, task: Task, asking: &Semaphore) {
        let mut wait = RETRY_FIRST;
        loop {
            let asked = {
                // Nobody closes the semaphore; without a permit the question would only be one more.
                let _permit = asking.acquire().await;
                self.ask_once(provider, task).await
            };
            match asked {
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
                let taken = provider.capture(&payment).await;
                #[cfg(feature = "sabotage")]
                crate::store::sabotage::reached("captured");
                taken
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
                tracing::error!(%error, ?task, "the provider refuses a task for good");
                if let Task::Authorise(id) = task {
                    self.refused(id, error.to_string()).await.map_err(text)?;
                }
                Ok("refused")
            }
        }
    }

    /// A payment that the provider will not even try is declined, so that the buyer can pay another way.
    async fn refused(&self, id: PaymentId, reason: String) -> Result<(), Refusal> {
        let (known, payment) = self.find_payment(id).await?;
        if payment.state != PaymentState::Authorising {
            return Ok(());
        }
        let payment = payment.into(PaymentState::Declined { reason });
        let entry = vec![Write::Payment(payment.clone()), Write::TaskDone(Task::Authorise(id))];
        self.0.journal.commit(entry).await?;
        let known = self.remember(KnownOrder { payment: Some(payment), ..(*known).clone() });
        self.tell_order(&known).await;
        Ok(())
    }
}

fn kind(task: Task) -> &'static str {
    match task {
        Task::Authorise(_) => "authorise",
        Task::Capture(_) => "capture",
        Task::Refund(_) => "refund",
    }
}
