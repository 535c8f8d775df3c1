//! `rush`: a flash sale with many times more wishes than stock, and everything that goes wrong on the way to paying.
//!
//! An open loop: when a wish is sent does not depend on how fast the server answers, and every latency counts from the
//! moment the plan wanted it sent. After the rush all purchases come to their ends, willing buyers top up what came back,
//! and the checker judges the record and what the clients saw.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use tokio::sync::mpsc;

use crate::{
    checker::{self, Verdict},
    contract::{Gone, Rest, Target},
    failure::Failure,
    history::{End, Head, History},
    progress::Progress,
    spawn::{Cluster, SpawnOptions},
    usage::Usage,
};

pub mod board;
mod buyer;
pub mod kills;
mod outcome;
mod plan;
mod proofs;
mod purchase;
mod recompute;
mod recovery;
mod settle;
pub mod stage;
mod tokens;

use board::Board;
use buyer::{Buyer, Inbox, Memory};
use kills::Restarts;
pub use outcome::Outcome;
use plan::{Attempt, Crowd};
use stage::Wanted;
use tokens::Tokens;

#[derive(Debug, Clone, Args)]
pub struct RushOptions {
    #[command(flatten)]
    pub server: SpawnOptions,
    /// A running server instead of --spawn
    #[arg(long, value_name = "ws://HOST:PORT", conflicts_with = "spawn", requires = "token_file")]
    pub url: Option<String>,
    /// Tokens for --url, one a line: `host TOKEN`, `ops TOKEN`, and a `viewer TOKEN` for each buyer
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The data folder of the server at --url, or the database of its nodes, to check the record
    #[arg(long, value_name = "DIR|postgresql://URL", conflicts_with = "spawn")]
    pub record: Option<checker::Place>,
    /// Folder of the provider's books, with --record [default: beside a SQLite record]
    #[arg(long, value_name = "DIR", conflicts_with = "spawn")]
    pub books: Option<PathBuf>,
    /// Units in the sale
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub stock: u32,
    /// Wishes for each unit of stock
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub demand: u32,
    /// Buyers, each with a socket and a token of its own [default: 1000, with --kill 200]
    #[arg(long)]
    pub buyers: Option<u32>,
    /// Wishes per second [default: all within some 9 s, with --kill 1.2 s for each kill]
    #[arg(long)]
    pub rate: Option<f64>,
    /// How many times the rate the first second has
    #[arg(long, default_value_t = 2.0)]
    pub burst: f64,
    /// How long a hold stands, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(10..=3_600))]
    pub hold_seconds: u32,
    /// Kill the spawned server, or one of the nodes, this many times with SIGKILL during the rush and start it again
    #[arg(long, default_value_t = 0, requires = "spawn")]
    pub kill: u32,
    /// Four of ten who pay get their money back, in part or whole, while others buy; the pledge has a cap that is reached on the way
    #[arg(long)]
    pub refunds: bool,
    /// A sponsor doubles gifts until its budget is drained half-way through
    #[arg(long)]
    pub matches: bool,
    /// After it, ask for this many proofs of the public log a second, for 5 s
    #[arg(long, value_name = "RATE", requires = "spawn", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub proofs: Option<u32>,
    /// Seed of the plan and of the kills [default: from the clock, printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Write what every client sent and was answered
    #[arg(long, value_name = "FILE.ndjson")]
    pub history: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Buying that goes on while something breaks.
    #[arg(skip)]
    pub drawn_out: Option<DrawnOut>,
}

/// As the command line has them.
impl Default for RushOptions {
    fn default() -> RushOptions {
        RushOptions {
            server: SpawnOptions::default(),
            url: None,
            token_file: None,
            record: None,
            books: None,
            stock: 1_000,
            demand: 100,
            buyers: None,
            rate: None,
            burst: 2.0,
            hold_seconds: 10,
            kill: 0,
            refunds: false,
            matches: false,
            proofs: None,
            seed: None,
            history: None,
            json: false,
            html: None,
            drawn_out: None,
        }
    }
}

/// A rush in which few pay and most give back, so that there is something to buy until its end.
#[derive(Debug, Clone, Copy)]
pub struct DrawnOut {
    pub seconds: f64,
    /// Of those who do not pay: who keep their hold until it runs out, or pay after it, in thousandths. With none all is settled soon
    /// after the last wish; many would leave nothing to buy for the others.
    pub late_permille: u32,
}

/// Between the opening and the first wish: the sale is open for sure.
const HEAD_START: Duration = Duration::from_millis(200);
/// Sockets opened at once.
const CONNECTING_MAX: usize = 64;
/// A wish of at most three, and what follows it, beside the plan.
const INBOX_SPARE: usize = 4_096;

pub async fn run(options: &RushOptions) -> Result<Outcome, Failure> {
    let seed = options.seed.unwrap_or_else(|| unix_ms().unsigned_abs());
    eprintln!("seed {seed}");
    let mut server = match options.server.spawn {
        true => Some(Cluster::start(&options.server).await?),
        false => None,
    };
    let kills = async |server: &mut Option<Cluster>, course: &Course<'_>| {
        kills::run(options.kill, seed, server, course).await
    };
    judged(options, seed, &mut server, kills).await
}

/// What goes on while something is broken on purpose.
pub struct Course<'a> {
    pub board: &'a Board,
    pub progress: &'a Progress,
    /// The moment of the first wish.
    pub opening: Instant,
}

/// A rush while `disturb` does what it does to the servers. They are kept when a rule was broken; when one died, that is the failure
/// to tell of.
pub async fn judged(
    options: &RushOptions,
    seed: u64,
    server: &mut Option<Cluster>,
    disturb: impl AsyncFnOnce(&mut Option<Cluster>, &Course<'_>) -> Result<Restarts, Failure>,
) -> Result<Outcome, Failure> {
    let result = rush(options, seed, server, disturb).await;
    if let Some(server) = server {
        match (&result, server.died()) {
            (Err(_), Some(died)) => return Err(died),
            (Ok(outcome), _) if !outcome.verdict.is_clean() => server.keep(),
            _ => {}
        }
    }
    result
}

async fn rush(
    options: &RushOptions,
    seed: u64,
    server: &mut Option<Cluster>,
    disturb: impl AsyncFnOnce(&mut Option<Cluster>, &Course<'_>) -> Result<Restarts, Failure>,
) -> Result<Outcome, Failure> {
    let crowd = crowd(options, seed)?;
    let nodes = match (&server, &options.url) {
        (Some(server), _) => server.targets(),
        (None, Some(url)) => vec![Target::parse(url).await?],
        (None, None) => {
            return Err(Failure::Option { name: "spawn", rule: "give --spawn, or --url with --token-file" });
        }
    };
    let tokens = match (&server, &options.token_file) {
        (Some(server), _) => Tokens::mint(server.first(), crowd.buyers).await?,
        (None, Some(file)) => Tokens::read(file, crowd.buyers)?,
        (None, None) => {
            return Err(Failure::Option { name: "token-file", rule: "a server at --url needs tokens" });
        }
    };
    let host = Rest::over(&nodes, tokens.host.clone())?;
    let ops = host.with_token(&tokens.ops);
    let wanted = Wanted {
        stock: options.stock,
        limit_per_buyer: crowd.limit_per_buyer,
        hold_seconds: options.hold_seconds,
        matches: options.matches,
        capped: options.refunds,
    };
    let stage = stage::set(host.clone(), ops, wanted).await?;
    stage.until_known_everywhere().await?;
    stage.unsettle_provider().await?;

    let plan = Arc::new(crowd.plan());
    let board = Arc::new(Board::new(unix_ms(), nodes, stage, host, crowd.buyers));
    let opening_us = Arc::new(AtomicU64::new(u64::MAX));
    let progress = Progress::start(plan.len() as u64, "buyers come");
    let crowd_of_buyers = gather(&board, &plan, &opening_us, tokens.viewers).await?;

    board.stage.open_sale().await?;
    let opening = Instant::now() + HEAD_START;
    opening_us.store(board.us(opening), Relaxed);
    let before = (Usage::of_this_program()?, server.as_ref().map(Cluster::usage).transpose()?);
    progress.say("the rush");
    let senders = crowd_of_buyers.inboxes.clone();
    let dispatcher = std::thread::spawn({
        let (plan, board) = (Arc::clone(&plan), Arc::clone(&board));
        move || dispatch(&plan, &board, opening, &senders)
    });

    let course = Course { board: &board, progress: &progress, opening };
    let restarts = disturb(server, &course).await?;
    settle::until_dispatched(&board, &plan, &progress, server).await?;
    let rush_seconds = opening.elapsed().as_secs_f64();
    let after = (Usage::of_this_program()?, server.as_ref().map(Cluster::usage).transpose()?);
    if dispatcher.join().is_err() {
        return Err(Failure::off_contract("the dispatcher", "panicked"));
    }
    settle::until_quiet(&board, &progress, server).await?;
    let top_up = settle::top_up(&board, &crowd_of_buyers.inboxes, seed, &progress, server).await?;
    let end = settle::end(&board).await?;
    let recomputed = match &server {
        Some(server) => Some(recompute::of(server.first()).await?),
        None => None,
    };
    let proofs = match (&server, options.proofs) {
        (Some(server), Some(rate)) => {
            progress.say("proofs are asked for");
            Some(proofs::of(server.first(), &board.stage.host, rate.into(), seed).await?)
        }
        _ => None,
    };
    let memories = crowd_of_buyers.leave().await;

    progress.say("the checker reads");
    let history = history(&board, &crowd, &plan, memories, end);
    if let Some(path) = &options.history {
        history.write(path)?;
    }
    let (place, books) = match server {
        Some(server) => {
            server.stop().await?;
            let (place, books) = server.evidence();
            (Some(place), books)
        }
        None => (options.record.clone(), options.books.clone()),
    };
    let verdict: Verdict = match place {
        Some(place) => checker::check(&place, books.as_deref(), Some(&history), unix_ms()).await?,
        None => checker::judge(None, Some(&history)),
    };
    progress.finish();
    let cpu = |usage: fn(&Usage) -> Duration| {
        let client = usage(&after.0).saturating_sub(usage(&before.0)).as_secs_f64();
        let server = match (&after.1, &before.1) {
            (Some(after), Some(before)) if options.kill == 0 && options.drawn_out.is_none() => {
                Some(usage(after).saturating_sub(usage(before)).as_secs_f64())
            }
            _ => None,
        };
        (client, server)
    };
    let (client_cpu, server_cpu) = cpu(|usage| usage.cpu);
    Ok(Outcome {
        crowd,
        stock: options.stock,
        planned_seconds: plan.last().map_or(0.0, |last| last.at.as_secs_f64()),
        rush_seconds,
        client_cpu_seconds: client_cpu,
        server_cpu_seconds: server_cpu,
        server_rss_bytes: after.1.map(|usage| usage.rss_bytes),
        restarts,
        top_up,
        tally: board.tally().clone(),
        recovered_in: board.recovery.took(),
        sales_by_node: board.recovery.sales(),
        board: outcome::Counts::of(&board),
        history_end: history.end.clone(),
        recomputed,
        proofs,
        verdict,
    })
}

fn crowd(options: &RushOptions, seed: u64) -> Result<Crowd, Failure> {
    let buyers = options.buyers.unwrap_or(if options.kill > 0 { 200 } else { 1_000 });
    if buyers == 0 {
        return Err(Failure::Option { name: "buyers", rule: "at least 1" });
    }
    let attempts = options
        .stock
        .checked_mul(options.demand)
        .ok_or(Failure::Option { name: "demand", rule: "stock times demand must stay below 2^32" })?;
    let undisturbed = options.kill == 0 && options.drawn_out.is_none();
    // Twice what is needed if all bought alike: the limit binds the eager ones and all stock can still be sold.
    let limit_per_buyer = (2 * options.stock.div_ceil(buyers)).max(2);
    if limit_per_buyer > 99 {
        return Err(Failure::Option {
            name: "buyers",
            rule: "a fiftieth of the stock at least: a limit is 99 at most",
        });
    }
    let (seconds, burst) = match (options.kill, options.drawn_out) {
        (0, None) => (9.0, options.burst.max(1.0)),
        (0, Some(DrawnOut { seconds, .. })) => (seconds, 1.0),
        (kills, _) => ((f64::from(kills) * 1.2).max(9.0), 1.0),
    };
    // A fault is to hit buying at any moment, so few pay and most give back, until the end.
    let paying_permille = match options.drawn_out {
        _ if undisturbed => 750,
        Some(_) => (1_000 / options.demand).clamp(5, 750),
        None => (1_300 / options.demand).clamp(30, 750),
    };
    let late_permille = options.drawn_out.map_or(350, |drawn_out| drawn_out.late_permille);
    let rate = options.rate.unwrap_or((f64::from(attempts) / (seconds + burst - 1.0)).max(1.0));
    if !(rate > 0.0 && rate.is_finite()) {
        return Err(Failure::Option { name: "rate", rule: "wishes per second, above 0" });
    }
    let started_ms = unix_ms().unsigned_abs();
    Ok(Crowd {
        seed,
        buyers,
        attempts,
        rate,
        burst,
        limit_per_buyer,
        paying_permille,
        late_permille,
        refunded_percent: if options.refunds { 40 } else { 8 },
        started_ms,
    })
}

/// The buyers' tasks, and the way to reach them.
struct Gathered {
    inboxes: Vec<mpsc::Sender<Inbox>>,
    tasks: Vec<tokio::task::JoinHandle<Memory>>,
}

async fn gather(
    board: &Arc<Board>,
    plan: &Arc<Vec<Attempt>>,
    opening_us: &Arc<AtomicU64>,
    tokens: Vec<String>,
) -> Result<Gathered, Failure> {
    let mut planned = vec![INBOX_SPARE; tokens.len()];
    for attempt in plan.iter() {
        planned[attempt.buyer as usize] += 1;
    }
    let (joined, mut joins) = mpsc::channel::<Result<(), Gone>>(CONNECTING_MAX);
    let mut gathered = Gathered { inboxes: Vec::new(), tasks: Vec::new() };
    let mut connecting = 0;
    for (number, token) in (0..).zip(tokens) {
        let (to_buyer, inbox) = mpsc::channel(planned[number as usize]);
        let (board, plan) = (Arc::clone(board), Arc::clone(plan));
        let (opening_us, to_self) = (Arc::clone(opening_us), to_buyer.clone());
        let buyer = Buyer::new(number, token, board, plan, opening_us, inbox, to_self);
        gathered.inboxes.push(to_buyer);
        gathered.tasks.push(tokio::spawn(buyer.live(joined.clone())));
        connecting += 1;
        if connecting == CONNECTING_MAX {
            connected(&mut joins).await?;
            connecting -= 1;
        }
    }
    for _ in 0..connecting {
        connected(&mut joins).await?;
    }
    Ok(gathered)
}

async fn connected(joins: &mut mpsc::Receiver<Result<(), Gone>>) -> Result<(), Failure> {
    match joins.recv().await {
        Some(Ok(())) => Ok(()),
        Some(Err(gone)) => Err(Failure::Unreachable {
            what: "a buyer's first connection".into(),
            source: format!("{gone:?}"),
        }),
        None => Err(Failure::off_contract("the buyers", "ended before they began")),
    }
}

impl Gathered {
    async fn leave(self) -> Vec<Memory> {
        for inbox in &self.inboxes {
            // A buyer that has gone already needs no goodbye.
            drop(inbox.send(Inbox::End).await);
        }
        let mut memories = Vec::with_capacity(self.tasks.len());
        for task in self.tasks {
            match task.await {
                Ok(memory) => memories.push(memory),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        memories
    }
}

/// Sends every wish at its time, from a thread of its own: a timer of the runtime is good to a millisecond only.
fn dispatch(plan: &[Attempt], board: &Board, opening: Instant, inboxes: &[mpsc::Sender<Inbox>]) {
    const NAP_MIN: Duration = Duration::from_micros(60);
    for (index, attempt) in (0..).zip(plan) {
        let wait = (opening + attempt.at).saturating_duration_since(Instant::now());
        if wait > NAP_MIN {
            std::thread::sleep(wait);
        }
        board.active.fetch_add(1, Relaxed);
        if inboxes[attempt.buyer as usize].blocking_send(Inbox::Wish(index)).is_err() {
            board.active.fetch_sub(1, Relaxed);
            board.given_up.fetch_add(1, Relaxed);
        }
        board.dispatched.fetch_add(1, Relaxed);
    }
}

fn history(board: &Board, crowd: &Crowd, plan: &[Attempt], memories: Vec<Memory>, end: End) -> History {
    let mut history = History::new(Head {
        seed: crowd.seed,
        started_ms: board.started_ms,
        room: board.stage.room.clone(),
        sale: board.stage.sale,
        pledge: board.stage.pledge,
        stock: board.stage.stock,
        limit_per_buyer: board.stage.limit_per_buyer,
        demand_units: plan.iter().map(|attempt| u64::from(attempt.quantity)).sum(),
        strays_until_ms: board.strays_until_ms(),
    });
    for memory in memories {
        history.subjects.push(memory.subject);
        history.exchanges.extend(memory.exchanges);
        history.news.extend(memory.news);
    }
    history.counters = board.counters();
    history.stocks = board.stocks();
    history.end = Some(end);
    history
}

pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
