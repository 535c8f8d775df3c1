//! The one thread that owns the books. It commits everything that is waiting in one transaction and answers after the commit.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::books::{Books, Due, DuePage, Moment, Outcome, Stop};
use super::{Backlog, Chance, Knobs, ProviderError, SandboxError};
use crate::clock::Clock;
use crate::model::payment::Method;
use crate::model::{Money, PaymentId, RefundId};

/// Half a second of work at 8,000 commands per second, under 1 MiB. A caller who finds it full is told `Busy`.
const WAITING_COMMANDS_MAX: usize = 4_096;
/// What one fsync pays for. More would only make the first caller wait longer.
const BATCH_COMMANDS_MAX: usize = 1_024;

#[derive(Clone)]
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
}

/// What the thread shares with the rest of the sandbox.
pub(super) struct Surroundings {
    pub clock: Clock,
    pub chance: Chance,
    pub knobs: watch::Receiver<Knobs>,
    pub backlog: watch::Sender<Backlog>,
    /// Told when there may be something due earlier than the courier knows.
    pub wake: Arc<Notify>,
    /// Cancelled when the file is closed.
    pub closed: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Authorise { payment: PaymentId, amount: Money, method: Method },
    Capture { payment: PaymentId },
    Refund { refund: RefundId, payment: PaymentId, amount: Money },
}

type Answer<T> = oneshot::Sender<Result<T, ProviderError>>;

enum Command {
    Ask { ask: Ask, answer: Answer<()> },
    TakeDue { at_most: usize, answer: Answer<DuePage> },
    Settle { seq: i64, outcome: Outcome, answer: Answer<()> },
    Close,
}

/// A command that was carried out inside the transaction and waits for the commit.
enum Carried {
    Asked { result: Result<(), ProviderError>, answer: Answer<()> },
    Taken { page: DuePage, answer: Answer<DuePage> },
    Settled { seq: i64, outcome: Outcome, answer: Answer<()> },
}

impl Writer {
    /// Comes back when the file is open.
    pub async fn start(path: &Path, surroundings: Surroundings) -> Result<Self, SandboxError> {
        let (commands, waiting) = mpsc::channel(WAITING_COMMANDS_MAX);
        let (opened, open) = oneshot::channel();
        let path = path.to_owned();
        std::thread::Builder::new()
            .name("sandbox-books".to_owned())
            .spawn(move || {
                let _closed = surroundings.closed.clone().drop_guard();
                match Books::open(&path) {
                    Ok(books) => {
                        surroundings.backlog.send_replace(books.backlog());
                        if opened.send(Ok(())).is_ok() {
                            write(books, waiting, &surroundings);
                        }
                    }
                    Err(error) => drop(opened.send(Err(error))),
                }
            })
            .map_err(SandboxError::Thread)?;
        open.await.map_err(|_| SandboxError::Died)?.map(|()| Self { commands })
    }

    /// Refused at once when too much is waiting.
    pub async fn ask(&self, ask: Ask) -> Result<(), ProviderError> {
        let (answer, answered) = oneshot::channel();
        self.commands.try_send(Command::Ask { ask, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ProviderError::Busy,
            mpsc::error::TrySendError::Closed(_) => ProviderError::Stopped,
        })?;
        answered.await.map_err(|_| ProviderError::Stopped)?
    }

    pub async fn take_due(&self, at_most: usize) -> Result<DuePage, ProviderError> {
        let (answer, answered) = oneshot::channel();
        self.wait_to_send(Command::TakeDue { at_most, answer }).await?;
        answered.await.map_err(|_| ProviderError::Stopped)?
    }

    pub async fn settle(&self, seq: i64, outcome: Outcome) -> Result<(), ProviderError> {
        let (answer, answered) = oneshot::channel();
        self.wait_to_send(Command::Settle { seq, outcome, answer }).await?;
        answered.await.map_err(|_| ProviderError::Stopped)?
    }

    /// What was sent before is still carried out; closed already is as good.
    pub async fn close(&self) {
        if self.wait_to_send(Command::Close).await.is_err() {
            tracing::debug!("the sandbox's books are closed already");
        }
    }

    async fn wait_to_send(&self, command: Command) -> Result<(), ProviderError> {
        self.commands.send(command).await.map_err(|_| ProviderError::Stopped)
    }
}

impl Carried {
    fn makes_due(&self) -> bool {
        match self {
            Self::Asked { result, .. } => result.is_ok(),
            Self::Settled { outcome, .. } => matches!(outcome, Outcome::RetryAt(_)),
            Self::Taken { .. } => false,
        }
    }
}

fn write(mut books: Books, mut waiting: mpsc::Receiver<Command>, surroundings: &Surroundings) {
    let mut batch = Vec::with_capacity(BATCH_COMMANDS_MAX);
    while let Some(first) = waiting.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH_COMMANDS_MAX
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let moment = Moment {
            now: surroundings.clock.now(),
            knobs: *surroundings.knobs.borrow(),
            chance: surroundings.chance,
        };
        let closing = carry_out(&mut books, &mut batch, moment, surroundings);
        if closing {
            return;
        }
    }
}

/// One transaction. Leaves `batch` empty; true when it held a `Close`, and what came after that is dropped unanswered.
fn carry_out(
    books: &mut Books,
    batch: &mut Vec<Command>,
    moment: Moment,
    surroundings: &Surroundings,
) -> bool {
    let closing = batch.iter().position(|command| matches!(command, Command::Close));
    let mut carried = Vec::with_capacity(batch.len());
    let mut commands = batch.drain(..).take(closing.unwrap_or(usize::MAX));
    let outcome = books.begin().and_then(|()| {
        for command in commands.by_ref() {
            carry(books, command, moment, &mut carried)?;
        }
        books.commit()
    });
    let failed = match outcome {
        Ok(()) => None,
        Err(Stop::Broken(cause)) => Some(ProviderError::Unavailable(cause)),
        Err(Stop::Refused(refused)) => Some(refused),
    };
    if let Some(cause) = &failed {
        books.roll_back();
        tracing::error!(%cause, commands = carried.len(), "the sandbox's books cannot be written");
        for command in commands {
            refuse(command, cause);
        }
    }
    let backlog = books.backlog();
    surroundings.backlog.send_replace(backlog);
    let mut earlier = false;
    for command in carried {
        earlier |= command.makes_due();
        answer(books, command, failed.as_ref());
    }
    if earlier {
        surroundings.wake.notify_one();
    }
    metrics::gauge!("apricot_sandbox_events_waiting").set(backlog.waiting as f64);
    closing.is_some()
}

/// An error concerns the whole batch; the command is then among the carried, so that it is answered.
fn carry(
    books: &mut Books,
    command: Command,
    moment: Moment,
    carried: &mut Vec<Carried>,
) -> Result<(), Stop> {
    match command {
        Command::Ask { ask, answer } => {
            let (result, broken) = match ask_books(books, ask, moment) {
                Ok(()) => (Ok(()), Ok(())),
                Err(Stop::Refused(refused)) => (Err(refused), Ok(())),
                Err(broken) => (Ok(()), Err(broken)),
            };
            carried.push(Carried::Asked { result, answer });
            broken
        }
        Command::TakeDue { at_most, answer } => {
            let taken = books.take_due(moment.now, at_most);
            let (page, broken) = match taken {
                Ok(page) => (page, Ok(())),
                Err(broken) => (DuePage { events: Vec::new(), next_at: None }, Err(broken)),
            };
            carried.push(Carried::Taken { page, answer });
            broken
        }
        Command::Settle { seq, outcome, answer } => {
            let settled = books.settle(seq, outcome);
            carried.push(Carried::Settled { seq, outcome, answer });
            settled
        }
        Command::Close => Ok(()),
    }
}

fn ask_books(books: &mut Books, ask: Ask, moment: Moment) -> Result<(), Stop> {
    match ask {
        Ask::Authorise { payment, amount, method } => books.authorise(payment, amount, method, moment),
        Ask::Capture { payment } => books.capture(payment, moment),
        Ask::Refund { refund, payment, amount } => books.refund(refund, payment, amount, moment),
    }
}

/// A caller who has gone away does not mind: the books are right either way.
fn answer(books: &mut Books, carried: Carried, failed: Option<&ProviderError>) {
    match carried {
        Carried::Asked { result, answer } => drop(answer.send(failed.cloned().map_or(result, Err))),
        Carried::Settled { seq, answer, .. } => {
            if failed.is_none() {
                books.put_back(seq);
            }
            drop(answer.send(failed.cloned().map_or(Ok(()), Err)));
        }
        Carried::Taken { page, answer } => {
            let unread = match failed {
                Some(cause) => {
                    drop(answer.send(Err(cause.clone())));
                    page.events
                }
                None => {
                    answer.send(Ok(page)).err().and_then(Result::ok).map_or_else(Vec::new, |page| page.events)
                }
            };
            for Due { seq, .. } in unread {
                books.put_back(seq);
            }
        }
    }
}

fn refuse(command: Command, cause: &ProviderError) {
    match command {
        Command::Ask { answer, .. } | Command::Settle { answer, .. } => drop(answer.send(Err(cause.clone()))),
        Command::TakeDue { answer, .. } => drop(answer.send(Err(cause.clone()))),
        Command::Close => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Currency;
    use uuid::Uuid;

    fn authorise(n: u128) -> (Command, oneshot::Receiver<Result<(), ProviderError>>) {
        let (answer, answered) = oneshot::channel();
        let amount = Money::new(1_250, Currency::CNY);
        let ask =
            Ask::Authorise { payment: PaymentId(Uuid::from_u128(n)), amount, method: Method::SandboxApprove };
        (Command::Ask { ask, answer }, answered)
    }

    fn take_due() -> (Command, oneshot::Receiver<Result<DuePage, ProviderError>>) {
        let (answer, answered) = oneshot::channel();
        (Command::TakeDue { at_most: 10, answer }, answered)
    }

    fn delivered(seq: i64) -> (Command, oneshot::Receiver<Result<(), ProviderError>>) {
        let (answer, answered) = oneshot::channel();
        (Command::Settle { seq, outcome: Outcome::Delivered, answer }, answered)
    }

    /// `None`: refused as unavailable.
    fn outcome<T>(mut answered: oneshot::Receiver<Result<T, ProviderError>>) -> Option<T> {
        match answered.try_recv().expect("every command is answered") {
            Ok(answer) => Some(answer),
            Err(ProviderError::Unavailable(_)) => None,
            Err(other) => panic!("unexpected: {other}"),
        }
    }

    fn seqs(page: Option<DuePage>) -> Option<Vec<i64>> {
        page.map(|page| page.events.iter().map(|event| event.seq).collect())
    }

    #[test]
    fn a_batch_that_cannot_be_written_leaves_no_trace_and_everybody_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = Books::open(&folder.path().join("sandbox.db")).unwrap();
        let clock = Clock::System;
        let surroundings = Surroundings {
            clock: clock.clone(),
            chance: Chance::seeded(1),
            knobs: watch::channel(Knobs::default()).1,
            backlog: watch::channel(Backlog::default()).0,
            wake: Arc::default(),
            closed: CancellationToken::new(),
        };
        let moment = Moment { now: clock.now(), knobs: Knobs::default(), chance: surroundings.chance };
        let commit = |books: &mut Books, commands: Vec<Command>| {
            let mut batch = commands;
            assert!(!carry_out(books, &mut batch, moment, &surroundings));
        };

        for broken in [true, false] {
            books.break_disk(broken);
            let ((first, first_told), (take, taken), (second, second_told)) =
                (authorise(1), take_due(), authorise(2));
            commit(&mut books, vec![first, take, second]);
            let expected = (!broken).then_some(());
            assert_eq!((outcome(first_told), outcome(second_told)), (expected, expected));
            assert_eq!(seqs(outcome(taken)), (!broken).then(|| vec![1]));
            assert_eq!(books.backlog().waiting, if broken { 0 } else { 2 });
        }

        // An outcome that is not written leaves its event taken, so that nobody else sends it meanwhile.
        books.break_disk(true);
        let (settle, settled) = delivered(1);
        commit(&mut books, vec![settle]);
        assert_eq!((outcome(settled), books.backlog().waiting), (None, 2));
        books.break_disk(false);
        let ((take, taken), (settle, settled)) = (take_due(), delivered(1));
        commit(&mut books, vec![take, settle]);
        assert_eq!((seqs(outcome(taken)), outcome(settled)), (Some(vec![2]), Some(())));
        assert_eq!(books.backlog().waiting, 1);

        // Nobody reads this page: its event can be taken again.
        books.put_back(2);
        let (take, taken) = take_due();
        drop(taken);
        commit(&mut books, vec![take]);
        let (take, taken) = take_due();
        commit(&mut books, vec![take]);
        assert_eq!(seqs(outcome(taken)), Some(vec![2]));
    }

    #[tokio::test]
    async fn a_full_queue_says_busy_and_a_closed_one_stopped() {
        let (commands, waiting) = mpsc::channel(1);
        let writer = Writer { commands };
        writer.close().await;
        let ask = Ask::Capture { payment: PaymentId(Uuid::from_u128(1)) };
        assert_eq!(writer.ask(ask).await, Err(ProviderError::Busy));
        drop(waiting);
        assert_eq!(writer.ask(ask).await, Err(ProviderError::Stopped));
    }
}
