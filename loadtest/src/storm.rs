//! `storm`: a full room loses every connection at once, and all come back with their position.
//!
//! Notices go on throughout. Each viewer must have read every one exactly once and in order, over the cut.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::{
    crowd::{Crowd, Silence, dialect::Dialect, dialect::Speech, tally::Span},
    failure::Failure,
    latency::Latency,
    pin::{self, Cores},
    spawn::{Kind, Served, ServedOptions},
    watch::{
        scene::{self, Wanted},
        voice::{Plan, Times},
    },
};

#[derive(Debug, Clone, Args)]
pub struct StormOptions {
    #[command(flatten)]
    pub server: ServedOptions,
    /// Viewers, each with a socket and a token
    #[arg(long, default_value_t = 15_000)]
    pub viewers: u32,
    /// Host notices per second, before, during and after the cut
    #[arg(long, default_value_t = 5.0)]
    pub critical_rate: f64,
    /// Seconds of notices before the cut, and after the last came back
    #[arg(long, default_value_t = 3)]
    pub seconds: u32,
    /// All come back at one instant [default: within half a second, as the pages do]
    #[arg(long)]
    pub at_once: bool,
    /// No tokens
    #[arg(long)]
    pub guests: bool,
    /// Viewers on the way at one time when they first come; on the way back there is no bound
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub connects_in_progress: u32,
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

/// A record of a run may not take longer; the notices stop with it.
const LONGEST_US: u64 = 600_000_000;
/// For what is still on its way.
const TAIL_US: u64 = 3_000_000;
/// Fewer notices than this while they are away would prove nothing.
const SETTLE_US: u64 = 1_000_000;

pub struct Outcome {
    options: StormOptions,
    seed: u64,
    cores: Option<Cores>,
    joins_per_s: f64,
    published: u64,
    missed_behind: u64,
    all_back_us: u64,
    back: Latency,
    came_back: u64,
    retries: u64,
    server_cpu_ms: u64,
    rss_bytes: (u64, u64),
    crowd: Crowd,
}

pub async fn run(options: &StormOptions) -> Result<Outcome, Failure> {
    if options.server.spawn != Some(Kind::Apricot) {
        return Err(Failure::Option { name: "spawn", rule: "a baseline keeps no positions: give --spawn" });
    }
    Served::during(&options.server, false, async |served, cores| storm(options, cores, served).await).await
}

async fn storm(options: &StormOptions, cores: Option<Cores>, served: &Served) -> Result<Outcome, Failure> {
    let seed = options.seed.unwrap_or_else(|| crate::rush::unix_ms().unsigned_abs());
    eprintln!("seed {seed}");
    let wanted = Wanted {
        viewers: options.viewers,
        rooms: 1,
        per_room: options.viewers,
        chatters: 0,
        hosts: true,
        named: !options.guests,
        slow_percent: 0.0,
        dead_percent: 0.0,
        dialect: Dialect::Proto,
        deflate: false,
        in_progress_max: options.connects_in_progress as usize,
        spin: false,
        seed,
    };
    let scene = scene::set(served, &wanted).await?;
    let (mut crowd, host) = (scene.crowd, scene.hosts[0]);
    let joining = crowd.gather(&mut Silence)?;
    let joins_per_s = crowd.comings.joined as f64 / joining.as_secs_f64().max(1e-6);
    let first = crowd.seats[host].position.offset;

    let from_us = crowd.now_us();
    let times = Times { from_us, measured_from_us: from_us, until_us: from_us + LONGEST_US };
    let mut notices = Plan::new(times, 0);
    notices.add(Speech::Notice, options.critical_rate, &[host], seed, times);
    crowd.tally.timed = Some(Span { from_us, until_us: times.until_us });
    let steady_us = u64::from(options.seconds) * 1_000_000;
    crowd.run(from_us + steady_us, &mut notices)?;

    let before = served.usage()?;
    crowd.comings = Default::default();
    let cut_us = crowd.cut_all_but(host)?;
    for seat in (0..crowd.seats.len()).filter(|seat| *seat != host) {
        let away_us = if options.at_once { 0 } else { crowd.back_off_us(0) };
        crowd.wish(seat, cut_us + away_us);
    }
    crowd.settle(&mut notices)?;
    let after = served.usage()?;
    let all_back_us = crowd.comings.last_us.saturating_sub(cut_us);
    crowd.run(crowd.now_us() + steady_us.max(SETTLE_US), &mut notices)?;
    crowd.run(crowd.now_us() + TAIL_US, &mut Silence)?;

    let last = crowd.seats[host].position.offset;
    let behind = crowd.seats.iter().map(|seat| last.saturating_sub(seat.position.offset));
    Ok(Outcome {
        options: options.clone(),
        seed,
        cores,
        joins_per_s,
        published: last - first,
        missed_behind: behind.sum(),
        all_back_us,
        back: crowd.comings.took.clone(),
        came_back: crowd.comings.joined,
        retries: crowd.comings.retries,
        server_cpu_ms: after.cpu.saturating_sub(before.cpu).as_millis() as u64,
        rss_bytes: (before.rss_bytes, after.rss_bytes),
        crowd,
    })
}

impl Outcome {
    /// Every notice at every viewer exactly once, and nobody left out.
    pub fn is_clean(&self) -> bool {
        self.lost() == 0
            && self.crowd.tally.repeated == 0
            && self.crowd.tally.recovered == u64::from(self.options.viewers)
    }

    fn lost(&self) -> u64 {
        self.crowd.tally.missed + self.missed_behind
    }

    pub fn to_json(&self) -> Value {
        let tally = &self.crowd.tally;
        json!({
            "viewers": self.options.viewers,
            "seed": self.seed,
            "pinned": pin::to_json(self.cores),
            "at_once": self.options.at_once,
            "named": !self.options.guests,
            "joins_per_s": self.joins_per_s.round(),
            "published": self.published,
            "came_back": self.came_back,
            "all_back_ms": self.all_back_us as f64 / 1e3,
            "back": self.back.to_json(),
            "back_per_s": (self.came_back as f64 / (self.all_back_us.max(1) as f64 / 1e6)).round(),
            "retries": self.retries,
            "recovered": tally.recovered,
            "forgotten": tally.forgotten,
            "lost": self.lost(),
            "repeated": tally.repeated,
            "closes": self.crowd.closes,
            "lanes": {"critical": tally.critical.latency.to_json()},
            "server": {
                "cpu_ms_to_take_them_back": self.server_cpu_ms,
                "rss_bytes_before": self.rss_bytes.0,
                "rss_bytes_after": self.rss_bytes.1,
            },
        })
    }

    pub fn words(&self) -> String {
        let tally = &self.crowd.tally;
        format!(
            "{:>10} {} of {} after {:.2} s; each p50 {:.1} ms, p99 {:.1} ms, {} tries more\n{:>10} {}, {} forgotten; \
             {} notices, {} lost, {} twice\n",
            "back",
            self.came_back,
            self.options.viewers,
            self.all_back_us as f64 / 1e6,
            self.back.quantile_ms(0.5),
            self.back.quantile_ms(0.99),
            self.retries,
            "recovered",
            tally.recovered,
            tally.forgotten,
            self.published,
            self.lost(),
            tally.repeated
        )
    }

    pub fn page(&self) -> crate::report::Page {
        let json = self.to_json();
        let fact = |name: &str, path: &str| {
            (name.to_string(), json.pointer(path).map_or_else(String::new, Value::to_string))
        };
        crate::report::Page {
            title: format!("Storm: {} viewers", self.options.viewers),
            facts: vec![
                fact("all back, ms", "/all_back_ms"),
                fact("recovered", "/recovered"),
                fact("lost", "/lost"),
                fact("twice", "/repeated"),
            ],
            curves: vec![crate::report::Curve { name: "coming back".into(), points: self.back.curve() }],
            json,
            ..Default::default()
        }
    }
}
