//! `watch`: what the fan-out to a crowd takes and costs.
//!
//! Three ways to load: a **closed loop** (`--in-flight`) asks how fast a server can go, an **open loop** (rates) what people would
//! feel, and `--idle` what it costs that they are there. Server and load have a core each.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    crowd::{
        Crowd, Silence,
        dialect::{Dialect, Speech},
        tally::Span,
    },
    failure::Failure,
    pin::Cores,
    progress::Progress,
    spawn::{Kind, Served, ServedOptions},
    usage::{KernelMemory, Usage},
};

mod outcome;
pub mod scene;
pub mod voice;

pub use outcome::Outcome;
use outcome::{Memory, Moment, Said};
use scene::{Scene, Wanted};
use voice::{InFlight, Plan, Times};

#[derive(Debug, Clone, Args)]
pub struct WatchOptions {
    #[command(flatten)]
    pub server: ServedOptions,
    /// Viewers, each with a socket
    #[arg(long, default_value_t = 1_000)]
    pub viewers: u32,
    /// Rooms, all open; chat and notices are spread over those with viewers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub rooms: u32,
    /// Viewers of one room; rooms are filled one after the other [default: viewers / rooms]
    #[arg(long)]
    pub per_room: Option<u32>,
    /// Closed loop: notices under way, each 128 B on the wire, a new one when every viewer has read one
    #[arg(long, value_name = "N", conflicts_with_all = ["idle", "chat_rate", "critical_rate"])]
    pub in_flight: Option<u32>,
    /// Size of a publication in the closed loop, in bytes
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(100..=200))]
    pub message_bytes: u32,
    /// Only join and rest: joins a second, memory of each
    #[arg(long, conflicts_with_all = ["chat_rate", "critical_rate"])]
    pub idle: bool,
    /// Chat lines per second, from several persons
    #[arg(long, default_value_t = 20.0)]
    pub chat_rate: f64,
    /// Host notices per second, on the critical lane
    #[arg(long, default_value_t = 1.0)]
    pub critical_rate: f64,
    /// Length of a chat line, in bytes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(30..=200))]
    pub line_bytes: u32,
    /// Viewers of one room who chat, each with a token of its own; with many rooms one in each
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub chatters: u32,
    /// A token for every viewer (with --idle that is so anyway)
    #[arg(long, conflicts_with = "guests")]
    pub named: bool,
    /// With --idle: no tokens
    #[arg(long)]
    pub guests: bool,
    /// Viewers that never read, in percent
    #[arg(long, default_value_t = 0.0)]
    pub slow_percent: f64,
    /// Viewers that vanished without a word, in percent
    #[arg(long, default_value_t = 0.0)]
    pub dead_percent: f64,
    /// Speak apricot.v1.json
    #[arg(long)]
    pub json_subprotocol: bool,
    /// Offer permessage-deflate without context takeover
    #[arg(long)]
    pub deflate: bool,
    /// Open loop and --idle: the server has a certificate of its own and every socket speaks wss, TLS 1.3
    #[arg(long, conflicts_with = "in_flight")]
    pub tls: bool,
    /// Viewers on the way at one time
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub connects_in_progress: u32,
    /// The load asks for events without ever sleeping, so that the server's writes wake nobody: what is left is the server's own
    #[arg(long)]
    pub spin: bool,
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
const LONG_REST: Duration = Duration::from_secs(4);

impl WatchOptions {
    fn wanted(&self, seed: u64) -> Wanted {
        let dialect = match self.server.spawn {
            Some(Kind::Broadcast | Kind::Floor) => Dialect::Plain,
            Some(Kind::Apricot) | None if self.json_subprotocol => Dialect::Json,
            Some(Kind::Apricot) | None => Dialect::Proto,
        };
        let chatters = if self.rooms > 1 { 1 } else { self.chatters };
        let chats = self.in_flight.is_none() && !self.idle && self.chat_rate > 0.0;
        Wanted {
            viewers: self.viewers,
            rooms: self.rooms,
            per_room: self.per_room.unwrap_or_else(|| self.viewers.div_ceil(self.rooms)).max(1),
            chatters: if chats { chatters } else { 0 },
            hosts: self.in_flight.is_some() || !self.idle && self.critical_rate > 0.0,
            named: self.named || self.idle && !self.guests,
            slow_percent: self.slow_percent,
            dead_percent: self.dead_percent,
            dialect,
            deflate: self.deflate,
            in_progress_max: self.connects_in_progress as usize,
            spin: self.spin,
            seed,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        if self.in_flight.is_some() && self.rooms > 1 {
            return Err(Failure::Option { name: "in-flight", rule: "a closed loop is about one room" });
        }
        let baseline = matches!(self.server.spawn, Some(Kind::Broadcast | Kind::Floor));
        if baseline && (self.rooms > 1 || self.json_subprotocol || self.deflate || self.idle && !self.guests)
        {
            return Err(Failure::Option {
                name: "spawn",
                rule: "a baseline has one room, no subprotocol and no tokens (--idle wants --guests)",
            });
        }
        if baseline && self.tls {
            return Err(Failure::Option { name: "tls", rule: "a baseline speaks no TLS" });
        }
        Ok(())
    }
}

/// With several nodes, first the same with one of them: what the way between nodes adds is the difference.
pub async fn run(options: &WatchOptions) -> Result<Outcome, Failure> {
    options.check()?;
    let mut one_node = None;
    if options.server.scale.nodes > 1 {
        let mut alone = options.clone();
        alone.server.scale.nodes = 1;
        one_node = Some(Box::new(one(&alone).await?));
    }
    Ok(Outcome { one_node, ..one(options).await? })
}

async fn one(options: &WatchOptions) -> Result<Outcome, Failure> {
    Served::during(&options.server, options.tls, async |served, cores| watch(options, cores, served).await)
        .await
}

async fn watch(options: &WatchOptions, cores: Option<Cores>, served: &Served) -> Result<Outcome, Failure> {
    let seed = options.seed.unwrap_or_else(|| crate::rush::unix_ms().unsigned_abs());
    eprintln!("seed {seed}");
    let mut scene = scene::set(served, &options.wanted(seed)).await?;
    let progress = Progress::start(1, "viewers come");
    scene.crowd.rest(REST)?;
    let empty = Memory { server: served.usage()?, kernel: KernelMemory::now()? };
    let joining = scene.crowd.gather(&mut Silence)?;
    scene.crowd.rest(if options.idle { LONG_REST } else { REST })?;
    let seated = Memory { server: served.usage()?, kernel: KernelMemory::now()? };
    progress.say("measuring");
    let said = if let Some(wanted) = options.in_flight {
        closed_loop(options, wanted, &mut scene, served)?
    } else if options.idle {
        Said::nothing(moment(&scene.crowd, served)?)
    } else {
        open_loop(options, seed, &mut scene, served)?
    };
    let end = Memory { server: served.usage()?, kernel: KernelMemory::now()? };
    progress.finish();
    Ok(Outcome {
        options: options.clone(),
        seed,
        cores,
        joining,
        empty,
        seated,
        end,
        said,
        comings: std::mem::take(&mut scene.crowd.comings),
        closes: std::mem::take(&mut scene.crowd.closes),
        turns: scene.crowd.turns.clone(),
        sockets: scene.crowd.seats.len() as u64,
        tally: scene.crowd.tally,
        one_node: None,
    })
}

fn moment(crowd: &Crowd, served: &Served) -> Result<Moment, Failure> {
    Ok(Moment {
        at_us: crowd.now_us(),
        server: served.usage()?,
        stores: served.stores()?,
        client: Usage::of_this_program()?,
        frames: crowd.tally.frames,
        bytes: crowd.tally.bytes,
        publications: crowd.tally.publications,
    })
}

fn closed_loop(
    options: &WatchOptions,
    wanted: u32,
    scene: &mut Scene,
    served: &Served,
) -> Result<Said, Failure> {
    let crowd = &mut scene.crowd;
    crowd.watch_the_lowest();
    let host = scene.hosts[0];
    let mut voice = InFlight::new(host, wanted, options.message_bytes as usize, crowd);
    crowd.run(crowd.now_us() + WARM_UP.as_micros() as u64, &mut voice)?;
    crowd.turns.clear();
    let before = moment(crowd, served)?;
    crowd.run(before.at_us + u64::from(options.seconds) * 1_000_000, &mut voice)?;
    let after = moment(crowd, served)?;
    Ok(Said { stalls: voice.stalls, ..Said::between(before, after) })
}

fn open_loop(options: &WatchOptions, seed: u64, scene: &mut Scene, served: &Served) -> Result<Said, Failure> {
    let crowd = &mut scene.crowd;
    let from_us = crowd.now_us() + 100_000;
    let measured_from_us = from_us + WARM_UP.as_micros() as u64;
    let until_us = measured_from_us + u64::from(options.seconds) * 1_000_000;
    let times = Times { from_us, measured_from_us, until_us };
    let mut plan = Plan::new(times, options.line_bytes as usize);
    plan.add(Speech::Line, options.chat_rate, &scene.chatters, seed, times);
    plan.add(Speech::Notice, options.critical_rate, &scene.hosts, seed ^ 0x6e6f_7465, times);
    crowd.tally.timed = Some(Span { from_us: measured_from_us, until_us });
    crowd.run(measured_from_us, &mut plan)?;
    crowd.turns.clear();
    crowd.tally.skipped = 0;
    let before = moment(crowd, served)?;
    crowd.run(until_us, &mut plan)?;
    let after = moment(crowd, served)?;
    crowd.run(until_us + TAIL.as_micros() as u64, &mut plan)?;
    let mut said = Said::between(before, after);
    said.lag = plan.lag.clone();
    said.unsent = plan.unsent;
    for entry in plan.measured() {
        let lane = match entry.speech {
            Speech::Notice => &mut said.critical,
            Speech::Line => &mut said.chat,
        };
        if crowd.tally.refused_ids.contains(&entry.id()) {
            lane.refused += 1;
        } else {
            lane.sent += 1;
            lane.expected += scene.readers[crowd.seats[entry.seat].room as usize];
        }
    }
    Ok(said)
}
