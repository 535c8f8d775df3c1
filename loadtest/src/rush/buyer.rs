//! One buyer: one socket, one task, any number of purchases under way.
//!
//! Whatever is sent becomes one `Exchange` of the history, answered or not. What was not answered is sent again under the
//! same id, over a new connection if the old one went.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use apricot_proto::v1;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{
    board::Board,
    plan::Attempt,
    purchase::{Do, Next, Purchase, View},
};
use crate::{
    contract::{Gone, Rest, Socket},
    history::{Act, Exchange, News, Outcome, Reading, Refusal, Seen, Stage, Via},
};

mod answers;
mod deeds;
mod link;

pub use link::Position;

/// What reaches a buyer's task.
pub enum Inbox {
    /// A wish from the plan, by its number.
    Wish(u32),
    TopUp(Box<Attempt>, u64),
    Rest(Box<RestAnswer>),
    End,
}

/// The end of a REST call that ran beside the socket.
pub struct RestAnswer {
    order: Uuid,
    deed: Do,
    /// The one that the purchase waits for; the others are repeats.
    first: bool,
    node: usize,
    sent_us: u64,
    answered_us: u64,
    answer: crate::contract::Answer<v1::Order>,
}

/// A message on the socket that has no answer yet.
struct Pending {
    order: Uuid,
    deed: Do,
    first: bool,
    node: usize,
    sent_us: u64,
}

struct Active {
    attempt: Attempt,
    purchase: Purchase,
    intended_us: u64,
    decided: bool,
    /// Only the newest timer of a purchase counts.
    newest_timer: u32,
    /// A deed is planned or under way: news do not push it aside.
    busy: bool,
    /// Repeats are sent once, with the first try.
    repeated: bool,
    /// The newest version and payment that the purchase was shown.
    fed: Option<(u64, v1::PaymentState)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    at: Instant,
    order: Uuid,
    number: u32,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Look,
    Deed,
    Overdue(u32),
}

/// What a buyer brings home.
pub struct Memory {
    pub subject: String,
    pub exchanges: Vec<Exchange>,
    pub news: Vec<News>,
}

pub struct Buyer {
    number: u32,
    token: String,
    board: Arc<Board>,
    plan: Arc<Vec<Attempt>>,
    opening_us: Arc<std::sync::atomic::AtomicU64>,
    rest: Rest,
    inbox: mpsc::Receiver<Inbox>,
    to_self: mpsc::Sender<Inbox>,
    /// The node that the socket is at.
    node: usize,
    /// REST calls so far: each goes to the next node.
    calls: usize,
    socket: Option<Socket>,
    position: Position,
    retry_after: Duration,
    next_id: u32,
    pending: HashMap<u32, Pending>,
    active: HashMap<Uuid, Active>,
    planned: HashMap<Uuid, Do>,
    timers: BinaryHeap<Reverse<Timer>>,
    /// The newest sight of every order that was accepted.
    orders: HashMap<Uuid, Seen>,
    last_reading: Option<Reading>,
    last_left: Option<u64>,
    arrived: Vec<answers::Arrived>,
    memory: Memory,
}

/// Longer than any healthy answer; then the same is sent again.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

impl Buyer {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        number: u32,
        token: String,
        board: Arc<Board>,
        plan: Arc<Vec<Attempt>>,
        opening_us: Arc<std::sync::atomic::AtomicU64>,
        inbox: mpsc::Receiver<Inbox>,
        to_self: mpsc::Sender<Inbox>,
    ) -> Buyer {
        let rest = board.rest.with_token(&token);
        Buyer {
            number,
            token,
            board,
            plan,
            opening_us,
            rest,
            inbox,
            to_self,
            node: 0,
            calls: number as usize,
            socket: None,
            position: Position::default(),
            retry_after: Duration::ZERO,
            next_id: 1,
            pending: HashMap::new(),
            active: HashMap::new(),
            planned: HashMap::new(),
            timers: BinaryHeap::new(),
            orders: HashMap::new(),
            last_reading: None,
            last_left: None,
            arrived: Vec::new(),
            memory: Memory { subject: String::new(), exchanges: Vec::new(), news: Vec::new() },
        }
    }

    /// Connects, says so through `joined`, and lives until `Inbox::End`.
    pub async fn live(mut self, joined: mpsc::Sender<Result<(), Gone>>) -> Memory {
        self.node = self.number as usize % self.board.nodes.len();
        let first = self.connect().await;
        let failed = first.is_err();
        if joined.send(first).await.is_err() || failed {
            return self.memory;
        }
        loop {
            if self.socket.is_none() && !self.reconnect().await {
                self.give_up();
            }
            let deadline = self.timers.peek().map(|Reverse(timer)| timer.at);
            tokio::select! {
                readable = readable(self.socket.as_ref()) => match readable {
                    Ok(()) => self.read().await,
                    Err(gone) => self.lose(gone),
                },
                message = self.inbox.recv() => match message {
                    Some(Inbox::Wish(index)) => {
                        let attempt = self.plan[index as usize].clone();
                        let opening_us = self.opening_us.load(Relaxed);
                        let intended_us = opening_us + attempt.at.as_micros() as u64;
                        self.wish(attempt, intended_us).await;
                    }
                    Some(Inbox::TopUp(attempt, intended_us)) => self.wish(*attempt, intended_us).await,
                    Some(Inbox::Rest(answer)) => self.rest_answered(*answer),
                    Some(Inbox::End) | None => break,
                },
                () = until(deadline) => self.ring().await,
            }
        }
        if let Some(socket) = self.socket.take() {
            socket.close().await;
        }
        self.memory
    }

    async fn wish(&mut self, attempt: Attempt, intended_us: u64) {
        let order = attempt.order;
        let purchase = Purchase::new(attempt.intent, attempt.think);
        self.board.sent_first(intended_us, self.board.now_us());
        self.active.insert(
            order,
            Active {
                attempt,
                purchase,
                intended_us,
                decided: false,
                newest_timer: 0,
                busy: false,
                repeated: false,
                fed: None,
            },
        );
        self.perform(order, Do::Place).await;
    }

    /// Rings every timer that is due.
    async fn ring(&mut self) {
        let now = Instant::now();
        while let Some(Reverse(timer)) = self.timers.peek().copied() {
            if timer.at > now {
                break;
            }
            self.timers.pop();
            let Some(active) = self.active.get(&timer.order) else { continue };
            if active.newest_timer != timer.number {
                continue;
            }
            match timer.what {
                What::Look => self.perform(timer.order, Do::Look).await,
                What::Deed => {
                    if let Some(deed) = self.planned.remove(&timer.order) {
                        self.perform(timer.order, deed).await;
                    }
                }
                What::Overdue(message) => {
                    if let Some(pending) = self.pending.remove(&message) {
                        self.note(&pending, Via::Socket, self.board.now_us(), Outcome::Unknown);
                        self.unanswered(pending.order, pending.deed, Duration::ZERO);
                    }
                }
            }
        }
    }

    fn set_timer(&mut self, order: Uuid, after: Duration, what: What) {
        let Some(active) = self.active.get_mut(&order) else { return };
        active.newest_timer += 1;
        let timer = Timer { at: Instant::now() + after, order, number: active.newest_timer, what };
        self.timers.push(Reverse(timer));
    }

    /// Does what the purchase decided.
    fn follow(&mut self, order: Uuid, next: Next) {
        let Some(active) = self.active.get_mut(&order) else { return };
        match next {
            Next::Wait(_) if active.busy => {}
            Next::Wait(longest) => self.set_timer(order, longest, What::Look),
            Next::Later(pause, deed) => {
                active.busy = true;
                self.planned.insert(order, deed);
                self.set_timer(order, pause, What::Deed);
            }
            Next::Done => {
                self.active.remove(&order);
                self.planned.remove(&order);
                self.board.active.fetch_sub(1, Relaxed);
            }
        }
    }

    /// No answer came; the same again after a pause.
    fn unanswered(&mut self, order: Uuid, deed: Do, pause: Duration) {
        let Some(active) = self.active.get(&order) else { return };
        self.board.retries.fetch_add(1, Relaxed);
        let next = match active.purchase.on_unknown(deed) {
            Next::Later(after, deed) => Next::Later(after.max(pause), deed),
            other => other,
        };
        self.follow(order, next);
    }

    /// Keeps an exchange in the history.
    fn note(&mut self, pending: &Pending, via: Via, answered_us: u64, outcome: Outcome) {
        let Some(act) = pending.deed.act() else { return };
        let active = self.active.get(&pending.order);
        let attempt = active.map(|active| &active.attempt);
        let quantity = match pending.deed {
            Do::Place => attempt.map_or(0, |attempt| u64::from(attempt.quantity)),
            Do::Refund { wholly: false } => deeds::PART_REFUNDED_MINOR.unsigned_abs(),
            Do::Pay(_) | Do::Cancel | Do::Look | Do::Refund { wholly: true } => 0,
        };
        let willing = attempt.is_some_and(|attempt| attempt.intent.is_willing() && !attempt.wait);
        let exchange = Exchange {
            buyer: self.number,
            node: pending.node as u32,
            order: pending.order,
            act,
            via,
            quantity,
            willing,
            intended_us: active.map_or(pending.sent_us, |active| active.intended_us),
            sent_us: pending.sent_us,
            answered_us,
            outcome,
        };
        self.board.recovery.see(&exchange);
        match &exchange.outcome {
            Outcome::Refused(refusal) => self.board.refused(act, refusal),
            Outcome::Order(_) if act == Act::Pay => {
                self.board.tally().paying.record_us(answered_us - pending.sent_us);
            }
            Outcome::Order(_) | Outcome::Unknown => {}
        }
        let decides = act == Act::Place
            && match &exchange.outcome {
                Outcome::Order(_) => true,
                Outcome::Refused(refusal) => !refusal.may_retry(),
                Outcome::Unknown => false,
            };
        if decides
            && let Some(active) = self.active.get_mut(&pending.order)
            && !active.decided
        {
            active.decided = true;
            self.board.decided(&exchange);
        }
        if self.board.keeps(&exchange) {
            self.memory.exchanges.push(exchange);
        }
    }

    /// Remembers an order as it was shown, and counts the units it takes. Returns whether this was new.
    fn see(&mut self, order: &v1::Order) -> Option<(Uuid, Seen, bool)> {
        let id: Uuid = order.id.parse().ok()?;
        let seen = Seen::of(order);
        let before = self.orders.insert(id, seen);
        let takes = |seen: &Seen| {
            let taken = seen.stage == Stage::Held || seen.stage.is_bought();
            if taken { seen.quantity } else { 0 }
        };
        match before {
            Some(before) if before.version > seen.version => {
                self.orders.insert(id, before);
            }
            before => {
                let units = &self.board.units[self.number as usize];
                units.fetch_add(takes(&seen), Relaxed);
                units.fetch_sub(before.as_ref().map_or(0, takes), Relaxed);
            }
        }
        Some((id, seen, before != Some(seen)))
    }

    /// Shows an order to its purchase, once for each version and state of payment. False when it was old news.
    fn feed(&mut self, id: Uuid, order: &v1::Order, looked: bool) -> bool {
        let hold_left = self.hold_left(order);
        let Some(active) = self.active.get_mut(&id) else { return false };
        let shown = (order.version, order.payment_state());
        let news = active.fed.is_none_or(|fed| fed.0 < shown.0 || (fed.0 == shown.0 && fed.1 != shown.1));
        if !news && !looked {
            return false;
        }
        if news {
            active.fed = Some(shown);
        }
        let view = View { stage: order.state().into(), payment: shown.1, hold_left };
        let again = if looked && !active.busy { active.purchase.resend_after_look(&view) } else { None };
        let next = match again {
            Some(deed) => Next::Later(Duration::ZERO, deed),
            None => active.purchase.on_view(&view),
        };
        self.follow(id, next);
        true
    }

    fn hold_left(&self, order: &v1::Order) -> Duration {
        let since_start = (self.board.now_us() / 1_000).cast_signed();
        let left = order.hold_expires_at_ms - (self.board.started_ms + since_start);
        Duration::from_millis(left.max(0).unsigned_abs())
    }

    fn give_up(&mut self) {
        self.board.given_up.fetch_add(self.active.len() as u64 + 1, Relaxed);
        for order in self.active.keys().copied().collect::<Vec<_>>() {
            self.follow(order, Next::Done);
        }
    }
}

async fn readable(socket: Option<&Socket>) -> Result<(), Gone> {
    match socket {
        Some(socket) => socket.readable().await,
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What a refusal means for the purchase, with the server's own wait.
fn refusal_of(problem: &v1::Problem) -> (Refusal, Duration) {
    (Refusal::of(&problem.r#type), Duration::from_millis(problem.retry_after_ms.into()))
}
