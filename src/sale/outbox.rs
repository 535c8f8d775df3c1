//! Asks the provider what the record says must be asked. A task survives a crash; asking twice has one effect, since the provider
//! knows payments and refunds by our ids. The task is deleted by the event that answers it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use super::provider::Provider;
use super::{KnownOrder, Refusal, Sales, meters};
use crate::model::{PaymentId, PaymentState, Timestamp};
use crate::store::journal::Task;
use crate::store::{StoreError, Write};

/// Tasks that may wait for the outbox worker: two seconds of 8,000 payments a second. Then whoever pays waits. As many may be under way;
/// what a look finds beyond that stays for a later one.
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

/// What is asked by this process, so that a task which a look finds again and again is under way once. What the provider refused for good
/// stays in the record, for people to see; it is asked once more by the next process or keeper.
#[derive(Clone)]
struct Questions {
    known: Arc<Mutex<Known>>,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Known {
    under_way: HashSet<Task>,
    refused: HashSet<Task>,
}

/// A task that is under way until this is dropped.
struct Question {
    task: Task,
    known: Arc<Mutex<Known>>,
    _room: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    /// For good.
    Refused,
}

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
        let questions = Questions::new(OUTBOX_MAX);
        let underway = TaskTracker::new();
        let again = if self.is_shared() { ASK_FOR_OTHERS } else { ASK_AGAIN };
        let mut look_again = tokio::time::interval(again);
        let mut older_than = if self.is_shared() { again } else { Duration::ZERO };
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => break,
                // The first tick comes at once.
                _ = look_again.tick() => match self.left_open(&questions, now() - older_than).await {
                    Ok(batch) => {
                        older_than = again;
                        batch
                    }
                    Err(error) => {
                        tracing::warn!(%error, "open tasks could not be read; the next look tries again");
                        continue;
                    }
                },
                task = questions.next(&mut tasks) => match task {
                    Some(question) => Vec::from_iter(question),
                    None => break,
                },
            };
            for question in batch {
                let (sales, provider, stop) = (self.clone(), provider.clone(), stop.clone());
                let asking = Arc::clone(&asking);
                underway.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        answer = sales.ask_until_taken(&provider, question.task, &asking) => question.answered(answer),
                    }
                });
            }
        }
        underway.close();
        underway.wait().await;
    }

    /// Tasks recorded by `until` that nobody asks as far as this node knows. None for a node that has not this duty.
    async fn left_open(&self, questions: &Questions, until: Timestamp) -> Result<Vec<Question>, StoreError> {
        let tasks = if self.keeps() { self.0.journal.tasks(until).await? } else { Vec::new() };
        Ok(questions.found(&tasks))
    }

    /// The worker is told of a task that was just recorded.
    pub(super) async fn ask(&self, task: Task) {
        // Without a worker (shutting down) the task stays in the record for the next start.
        if self.0.outbox.send(task).await.is_err() {
            tracing::debug!(?task, "left for the next start");
        }
    }

    async fn ask_until_taken(&self, provider: &Provider, task: Task, asking: &Semaphore) -> Answer {
        let mut wait = RETRY_FIRST;
        loop {
            let asked = {
                // Nobody closes the semaphore; without a permit the question would only be one more.
                let _permit = asking.acquire().await;
                self.ask_once(provider, task).await
            };
            match asked {
                Ok(answer) => {
                    meters::task(kind(task), answer.name());
                    return answer;
                }
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
    async fn ask_once(&self, provider: &Provider, task: Task) -> Result<Answer, String> {
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
            Ok(()) => Ok(Answer::Taken),
            Err(error) if error.may_retry() => Err(error.to_string()),
            Err(error) => {
                tracing::error!(%error, ?task, "the provider refuses a task for good");
                if let Task::Authorise(id) = task {
                    self.refused(id, error.to_string()).await.map_err(text)?;
                }
                Ok(Answer::Refused)
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
        let known = self.became(KnownOrder { payment: Some(payment), ..(*known).clone() }).await;
        self.tell_order(&known).await;
        Ok(())
    }
}

impl Questions {
    fn new(max: usize) -> Self {
        Self { known: Arc::default(), room: Arc::new(Semaphore::new(max)) }
    }

    /// The next task that was just recorded, when there is room for it; `Some(None)` when it is asked already. `None`: there will be no more.
    async fn next(&self, tasks: &mut mpsc::Receiver<Task>) -> Option<Option<Question>> {
        let room = Arc::clone(&self.room).acquire_owned().await.expect("nobody closes the semaphore");
        let task = tasks.recv().await?;
        Some(self.begin(task, room))
    }

    /// What a look found in the record, without what is asked already and what was refused.
    fn found(&self, tasks: &[Task]) -> Vec<Question> {
        let open: HashSet<Task> = tasks.iter().copied().collect();
        self.lock().refused.retain(|task| open.contains(task));
        let mut questions = Vec::new();
        for task in tasks {
            let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
                tracing::debug!(open = tasks.len(), "no room for more questions; a later look asks the rest");
                break;
            };
            if !self.lock().refused.contains(task) {
                questions.extend(self.begin(*task, room));
            }
        }
        questions
    }

    fn begin(&self, task: Task, room: OwnedSemaphorePermit) -> Option<Question> {
        let fresh = self.lock().under_way.insert(task);
        fresh.then(|| Question { task, known: Arc::clone(&self.known), _room: room })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect(NO_PANIC)
    }
}

impl Question {
    fn answered(self, answer: Answer) {
        match answer {
            Answer::Taken => {}
            Answer::Refused => {
                self.known.lock().expect(NO_PANIC).refused.insert(self.task);
            }
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.known.lock().expect(NO_PANIC).under_way.remove(&self.task);
    }
}

impl Answer {
    fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
        }
    }
}

const NO_PANIC: &str = "no panic while questions were counted";

fn kind(task: Task) -> &'static str {
    match task {
        Task::Authorise(_) => "authorise",
        Task::Capture(_) => "capture",
        Task::Refund(_) => "refund",
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn task(n: u128) -> Task {
        Task::Capture(PaymentId(Uuid::from_u128(n)))
    }

    fn tasks(questions: &[Question]) -> Vec<Task> {
        questions.iter().map(|question| question.task).collect()
    }

    #[test]
    fn task_that_is_found_again_and_again_is_asked_once() {
        let questions = Questions::new(8);
        let first = questions.found(&[task(1), task(2)]);
        assert_eq!(tasks(&first), [task(1), task(2)]);
        assert_eq!(tasks(&questions.found(&[task(1), task(2), task(3)])), [task(3)]);
        drop(first);
        assert_eq!(tasks(&questions.found(&[task(1), task(2)])), [task(1), task(2)]);
    }

    #[tokio::test]
    async fn task_that_was_just_recorded_is_not_asked_beside_a_look() {
        let questions = Questions::new(8);
        let (recorded, mut told) = mpsc::channel(8);
        recorded.send(task(1)).await.unwrap();
        recorded.send(task(1)).await.unwrap();
        let first = questions.next(&mut told).await.unwrap().unwrap();
        assert!(questions.next(&mut told).await.unwrap().is_none());
        assert!(questions.found(&[task(1)]).is_empty());
        drop((first, recorded));
        assert!(questions.next(&mut told).await.is_none());
    }

    #[test]
    fn task_refused_for_good_is_not_asked_again_while_it_is_in_the_record() {
        let questions = Questions::new(8);
        for question in questions.found(&[task(1), task(2)]) {
            let answer = if question.task == task(1) { Answer::Refused } else { Answer::Taken };
            question.answered(answer);
        }
        assert_eq!(tasks(&questions.found(&[task(1), task(2)])), [task(2)]);
        assert!(questions.found(&[]).is_empty(), "or while this node has not this duty");
        assert_eq!(tasks(&questions.found(&[task(1)])), [task(1)]);
    }

    #[test]
    fn questions_under_way_are_bounded() {
        let questions = Questions::new(2);
        let first = questions.found(&[task(1), task(2), task(3)]);
        assert_eq!(tasks(&first), [task(1), task(2)]);
        assert!(questions.found(&[task(1), task(2), task(3)]).is_empty());
        drop(first);
        assert_eq!(tasks(&questions.found(&[task(3)])), [task(3)]);
    }
}
