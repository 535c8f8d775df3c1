//! `chaos`: a rush at a hundred times the stock over two nodes, and something breaks in the middle of it. The checker judges each, and the
//! table says what was lost.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::{
    checker::Rule,
    failure::Failure,
    rush::{self, DrawnOut, RushOptions, kills::Restarts},
    spawn::{Cluster, ScaleOptions, Sharing, SpawnOptions},
};

mod disk;
mod fault;
mod strike;
mod table;

use disk::Disk;
use fault::Fault;
pub use table::Table;
use table::{Judged, Row, Told};

#[derive(Debug, Clone, Args)]
pub struct ChaosOptions {
    /// Only these [default: all]
    #[arg(long = "case", value_name = "NAME,..", value_delimiter = ',', conflicts_with = "quick")]
    pub cases: Vec<String>,
    /// The quick ones, as `make test` runs them
    #[arg(long)]
    pub quick: bool,
    /// Units in the sale
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub stock: u32,
    /// Wishes for each unit of stock
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub demand: u32,
    /// Nodes
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=4))]
    pub nodes: u32,
    /// Seed of the plans and of the moments [default: from the clock, printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// The server's binary [default: beside this program, then target/release/apricot]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// The build that can end itself at a point [default: apricot-sabotaged beside this program]
    #[arg(long, value_name = "PATH")]
    pub sabotaged: Option<PathBuf>,
    /// Keep the data folders and logs
    #[arg(long)]
    pub keep: bool,
    /// Write the table as a page, such as docs/chaos.md
    #[arg(long, value_name = "FILE.md")]
    pub write: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const RUSH_SECONDS: f64 = 12.0;
const QUICK_SECONDS: f64 = 7.0;
const BUYERS: u32 = 200;
/// Of some 500 holds a second, four keep their units for ten seconds: a quarter of the stock.
const LATE_PERMILLE: u32 = 8;
/// Debian's package libfaketime.
const FAKETIME: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

pub async fn run(options: &ChaosOptions) -> Result<Table, Failure> {
    let seed = options.seed.unwrap_or_else(|| rush::unix_ms().unsigned_abs());
    eprintln!("seed {seed}");
    let mut rows = Vec::new();
    for (number, fault) in (0..).zip(chosen(options)?) {
        let seed = seed + number;
        eprintln!("== {}: {} (seed {seed})", fault.name(), fault.sentence());
        let told = match case(options, fault, seed).await {
            Ok(told) => told,
            Err(Failure::CannotHere { what, why }) => Told::NotRun(format!("{what}: {why}")),
            Err(failure) => Told::Failed(failure.to_string()),
        };
        let row = Row { fault, seed, told };
        eprintln!("{}", row.words());
        rows.push(row);
    }
    Ok(Table { seed, stock: options.stock, demand: options.demand, nodes: options.nodes, rows })
}

fn chosen(options: &ChaosOptions) -> Result<Vec<Fault>, Failure> {
    let known = || Fault::ALL.into_iter().map(Fault::name).collect::<Vec<_>>();
    if let Some(unknown) = options.cases.iter().find(|case| !known().contains(&case.as_str())) {
        return Err(Failure::NoSuchRow { option: "case", unknown: vec![unknown.clone()], known: known() });
    }
    let wanted = |fault: &Fault| match (options.quick, options.cases.is_empty()) {
        (true, _) => fault.is_quick(),
        (false, true) => true,
        (false, false) => options.cases.iter().any(|case| case == fault.name()),
    };
    Ok(Fault::ALL.into_iter().filter(wanted).collect())
}

async fn case(options: &ChaosOptions, fault: Fault, seed: u64) -> Result<Told, Failure> {
    let disk = if fault == Fault::DiskFull { Some(Disk::mount()?) } else { None };
    let spawning = spawning(options, fault)?;
    let sharing = Sharing {
        redis: fault.redis(),
        through_proxies: fault.through_proxies(),
        disk: disk.as_ref().map(Disk::path),
        last_node: environment_of(fault)?,
    };
    let mut server = Some(Cluster::start_sharing(&spawning, sharing).await?);
    let quick = options.quick;
    let rush = RushOptions {
        server: spawning,
        stock: options.stock,
        demand: options.demand,
        buyers: Some(BUYERS),
        seed: Some(seed),
        drawn_out: Some(DrawnOut {
            seconds: if quick { QUICK_SECONDS } else { RUSH_SECONDS },
            late_permille: if quick { 0 } else { LATE_PERMILLE },
        }),
        ..RushOptions::default()
    };
    let mut seen = None;
    let strike = async |server: &mut Option<Cluster>, course: &rush::Course<'_>| {
        if let Some(cluster) = server {
            seen = strike::strike(fault, seed, cluster, disk.as_ref(), course).await?;
        }
        Ok(Restarts::default())
    };
    let outcome = rush::judged(&rush, seed, &mut server, strike).await;
    // The disk is unmounted after the server that uses it.
    drop(server);
    let outcome = outcome?;
    Ok(Told::Judged(Judged {
        orders: outcome.verdict.checked.orders,
        broken: Rule::ALL.map(|rule| outcome.verdict.count(rule)),
        unsold: outcome.top_up.left,
        accepted: outcome.sales_by_node.clone(),
        undecided: outcome.undecided(),
        seen,
        recovered_in: outcome.recovered_in.filter(|_| !fault.lasts()),
        findings: outcome.verdict.findings.iter().take(10).map(ToString::to_string).collect(),
    }))
}

fn spawning(options: &ChaosOptions, fault: Fault) -> Result<SpawnOptions, Failure> {
    let binary = match fault {
        Fault::NodeDies(_) => Some(sabotaged(options)?),
        _ => options.binary.clone(),
    };
    Ok(SpawnOptions {
        spawn: true,
        binary,
        config: None,
        keep: options.keep,
        sabotage: None,
        scale: ScaleOptions { nodes: options.nodes, scale_out: true, redis: fault.redis() },
        cores: None,
        tls: false,
    })
}

/// The build that knows the points at which it may end itself.
fn sabotaged(options: &ChaosOptions) -> Result<PathBuf, Failure> {
    let beside = || {
        let own = std::env::current_exe().map_err(Failure::system("finding this program"))?;
        Ok(own.with_file_name("apricot-sabotaged"))
    };
    let path = options.sabotaged.clone().map_or_else(beside, Ok)?;
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::CannotHere {
        what: format!("{} is missing", path.display()),
        why: "cargo build --release -p apricot --features sabotage --bin apricot-sabotaged".into(),
    })
}

/// What the last node finds in its environment.
fn environment_of(fault: Fault) -> Result<Vec<(String, String)>, Failure> {
    let variable = |name: &str, value: String| (name.to_owned(), value);
    Ok(match fault {
        Fault::NodeDies(point) => {
            vec![variable("APRICOT_SABOTAGE", format!("kill-{}:{}", point.name(), point.passing()))]
        }
        Fault::ClockOff { seconds } => {
            let library = FAKETIME.into_iter().find(|path| std::path::Path::new(path).is_file());
            let library = library.ok_or_else(|| Failure::CannotHere {
                what: "libfaketime is not installed".into(),
                why: "Debian: apt install libfaketime".into(),
            })?;
            vec![
                variable("LD_PRELOAD", library.into()),
                variable("FAKETIME", format!("{seconds:+}s")),
                variable("DONT_FAKE_MONOTONIC", "1".into()),
            ]
        }
        _ => Vec::new(),
    })
}

impl Table {
    pub fn to_json(&self) -> Value {
        json!({
            "seed": self.seed, "nodes": self.nodes, "stock": self.stock, "demand": self.demand,
            "cases": self.rows.iter().map(Row::to_json).collect::<Vec<_>>(),
            "clean": self.is_clean(),
        })
    }
}
