//! `watch`: many viewers of one room, chat and notices at fixed rates, and what each delivery took and cost.
//!
//! An open loop: every line carries the moment it was meant to be sent, and a viewer's latency counts from there. Critical
//! publications are counted by their offsets, chat lines by their numbers and by what the server says it skipped.

use std::{
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::{task::LocalSet, time::sleep};

use crate::{
    contract::{Rest, Target},
    failure::Failure,
    progress::Progress,
    rush::stage,
    spawn::{Server, SpawnOptions, Usage},
};

mod outcome;
mod speakers;
mod stamp;
mod viewer;

pub use outcome::Outcome;
use viewer::{Crowd, Phase};

#[derive(Debug, Clone, Args)]
pub struct WatchOptions {
    #[command(flatten)]
    pub server: SpawnOptions,
    /// Viewers, each with a socket
    #[arg(long, default_value_t = 1_000)]
    pub viewers: u32,
    /// Chat lines per second, from several persons
    #[arg(long, default_value_t = 20.0)]
    pub chat_rate: f64,
    /// Host notices per second, on the critical lane
    #[arg(long, default_value_t = 1.0)]
    pub critical_rate: f64,
    /// Length of a chat line, in bytes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(30..=200))]
    pub line_bytes: u32,
    /// People who chat, each with a token of its own
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub chatters: u32,
    /// How long is measured, in seconds
    #[arg(long, default_value_t = 20)]
    pub seconds: u32,
    /// Seed of the arrival times [default: from the clock, printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Not measured: connections settle, buffers reach their sizes.
const WARM_UP: Duration = Duration::from_secs(2);
/// After the last line, for what is still on its way.
const TAIL: Duration = Duration::from_secs(2);
/// Memory is read when the server has had a moment to rest.
const REST: Duration = Duration::from_secs(1);

pub async fn run(options: &WatchOptions) -> Result<Outcome, Failure> {
    if !options.server.spawn {
        return Err(Failure::Option {
            name: "spawn",
            rule: "watch reads the server's processor time: give --spawn",
        });
    }
    let mut server = Server::start(&options.server).await?;
    let outcome = LocalSet::new().run_until(watch(options, &server)).await;
    match outcome {
        Err(failure) => Err(server.died().unwrap_or(failure)),
        Ok(outcome) => {
            server.stop().await?;
            Ok(outcome)
        }
    }
}

async fn watch(options: &WatchOptions, server: &Server) -> Result<Outcome, Failure> {
    let seed = options.seed.unwrap_or_else(|| crate::rush::unix_ms().unsigned_abs());
    eprintln!("seed {seed}");
    let target: Target = server.target.clone();
    let host = server.tokens("host", "load-host-", 1).await?;
    let chatters = server.tokens("viewer", "chatter-", options.chatters).await?;
    let host = Rest::new(target.clone(), host.into_iter().next().unwrap_or_default())?;
    let run = uuid::Uuid::now_v7().simple().to_string();
    let room = stage::open_room(&host, &format!("watch-{}", &run[20..]), &run).await?;

    let progress = Progress::start(options.viewers.into(), "viewers come");
    sleep(REST).await;
    let empty = server.usage()?;
    let crowd = Rc::new(Crowd::new(target.clone(), room.clone()));
    crowd.gather(options.viewers, &progress).await?;
    sleep(REST).await;
    let seated = server.usage()?;

    progress.say("warming up");
    let start = Instant::now() + Duration::from_millis(100);
    let measured = Duration::from_secs(options.seconds.into());
    let speakers = speakers::start(options, seed, start, WARM_UP + measured, &crowd, &host, chatters).await?;
    sleep(WARM_UP).await;
    crowd.phase.set(Phase::Measured { since: Instant::now() });
    let before = (server.usage()?, Usage::of_this_program()?, crowd.totals());
    let began = Instant::now();
    progress.say("measuring");
    for second in 0..options.seconds {
        progress.at(u64::from(options.viewers) * u64::from(second) / u64::from(options.seconds.max(1)));
        sleep(Duration::from_secs(1)).await;
    }
    let after = (server.usage()?, Usage::of_this_program()?, crowd.totals());
    let measured = began.elapsed();
    let said = speakers.finish().await?;
    sleep(TAIL).await;
    progress.finish();
    Ok(outcome::of(options, seed, &crowd, said, outcome::Readings { empty, seated, before, after, measured }))
}
