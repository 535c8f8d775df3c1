//! Wires the layers, and is the only file that names concrete backends. `serve` runs what is started here.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, random_u64};
use crate::config::{Config, ConfigError, TlsConfig, WitnessAddress};
use crate::ledger::log::{LogError, PublicLog};
use crate::ledger::{CommissionRules, Ledger};
use crate::model::{Share, Timestamp};
use crate::ops::{Meters, Ops};
use crate::outside::web::WebError;
use crate::room::Hub;
use crate::sale::outbox::{OUTBOX_MAX, Provider};
use crate::sale::{NEWS_MAX, News, Refusal, SaleRules, Sales};
use crate::sandbox::SandboxError;
use crate::store::StoreError;
use crate::store::broker::Listener;
use crate::store::journal::Task;
use crate::store::meters::GATE_SECONDS;
use crate::store::redis::RedisError;
use crate::wire::guard::Origins;
use crate::wire::key_folder::KeyError;
use crate::wire::live::{Patience, Sockets, Verifier};
use crate::wire::tls::{Certificates, TlsError};
use crate::wire::token::{Jwks, JwksRefused, Keys};
use crate::wire::webhook::WebhookSecrets;
use crate::wire::{self, Wire, listener, log_keys};

pub mod provider;
mod stores;
mod tasks;
mod witnesses;

use stores::{Stores, record};
pub use stores::{connect_record, open_record, postgres_settings};
use witnesses::Witnesses;

/// Tiles of the public log; made again from the record when they are lost.
pub const LOG_FOLDER: &str = "log";
pub const RECORD_FILE: &str = "record.db";
const LOCK_FILE: &str = "lock";
/// On a free port.
const THIS_MACHINE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running server. `stop` ends it in order; dropping it does not wait.
pub struct Running {
    pub address: SocketAddr,
    pub keys: Keys,
    pub hub: Hub,
    pub sales: Sales,
    pub provider: Provider,
    pub ops: Ops,
    pub log: PublicLog,
    /// With TLS. Without it whoever listens here speaks HTTP.
    certificates: Option<Certificates>,
    sockets: Sockets,
    drain: Duration,
    /// Ends the listener; the tasks of the layers end after it.
    accepting: CancellationToken,
    working: CancellationToken,
    listener: TaskTracker,
    tasks: TaskTracker,
    _lock: DataLock,
}

/// One line: what is in the way and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{}: {reason}; make the data folder writable for this user, or choose another with --data", path.display())]
    Folder { path: PathBuf, reason: std::io::Error },
    #[error("{} is in use by another Apricot; stop it, or choose another folder with --data", path.display())]
    InUse { path: PathBuf },
    #[error(
        "{address} cannot be listened on: {reason}; free it, or choose another with --listen (port 0 takes a free one)"
    )]
    Listen { address: SocketAddr, reason: std::io::Error },
    #[error(
        "the threads for sockets cannot be started: {0}; check the limits of open files and of processes"
    )]
    Sockets(std::io::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Jwks(#[from] JwksRefused),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{}: {reason}; check the disk, or restore the folder from a backup", path.display())]
    Record { path: PathBuf, reason: StoreError },
    #[error("{0}")]
    SharedRecord(StoreError),
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Secret(#[from] ConfigError),
    #[error("what the record says about rooms cannot be loaded: {0}; run `apricot check`")]
    Rooms(StoreError),
    #[error("what the record says about sales cannot be loaded: {0}; run `apricot check`")]
    Load(Refusal),
    #[error("the public log cannot be opened: {0}")]
    Log(#[from] LogError),
    #[error("a witness of `public_log.witnesses` cannot be asked: {0}")]
    Witness(WebError),
    #[error("{0}; check the data folder")]
    Sandbox(#[from] SandboxError),
}

/// Held by the one process that may write the record.
pub struct DataLock(#[expect(dead_code, reason = "held, not read")] File);

impl DataLock {
    pub fn take(data: &Path) -> Result<Self, StartError> {
        let folder = |reason| StartError::Folder { path: data.to_owned(), reason };
        private_folder(data).map_err(folder)?;
        let path = data.join(LOCK_FILE);
        let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(std::fs::TryLockError::WouldBlock) => Err(StartError::InUse { path: data.to_owned() }),
            Err(std::fs::TryLockError::Error(reason)) => Err(folder(reason)),
        }
    }
}

/// Names and addresses of buyers are in it: nobody else on the machine may read it.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub struct App;

impl App {
    /// Answers when requests are taken. What can fail for reasons of the machine fails before anything is recorded.
    pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
        let lock = DataLock::take(&config.data)?;
        let now = clock.now();
        let keys = Keys::open(&config.keys(), now)?;
        let webhooks = WebhookSecrets::open(&config.keys(), now)?;
        let jwks = match &config.jwks {
            Some(jwks) => Jwks::fetch(jwks).await?,
            None => Jwks::default(),
        };
        keys.refresh(&jwks)?;
        let certificates = open_certificates(&config, now)?;
        let (socket, address) = listen(config.listen)?;
        // Nobody outside this machine comes in here, and our own certificate need not be trusted by ourselves.
        let tells_itself = certificates.is_some() && config.provider.url.is_none();
        let inner = if tells_itself { Some(listen(THIS_MACHINE)?) } else { None };

        let Stores { journal, inventory, broker, listener, clock } = Stores::open(&config, clock).await?;
        let seeds = log_keys::seeds(&config.keys(), now)?;
        let folder = config.data.join(LOG_FOLDER);
        let log = PublicLog::open(journal.clone(), &folder, config.public_log.origin.clone(), &seeds).await?;
        let (news, told) = mpsc::channel(NEWS_MAX);
        let (outbox, asked) = mpsc::channel(OUTBOX_MAX);
        let ledger = Ledger::new(journal.clone(), commission(&config));
        let sales = Sales::new(ledger, inventory, sale_rules(&config), news, outbox);
        sales.load().await.map_err(StartError::Load)?;
        let hub = Hub::open(journal, sales.clone(), broker, config.limits, random_u64);
        let hub = hub.await.map_err(StartError::Rooms)?;
        hub.open_feed(clock.now()).await.map_err(StartError::Rooms)?;
        let ops = {
            let name = config.node.name_at(address);
            Ops::new(
                name,
                clock.now(),
                hub.clone(),
                sales.clone(),
                record(&config)?,
                Meters::new(prometheus()),
            )
        };
        let told_at = inner.as_ref().map_or(reachable(address), |(_, inner)| *inner);
        let provider = provider::open(&config, &clock, told_at, &webhooks).await?;

        let verifier = {
            let keys = keys.clone();
            Verifier::new(move |token, now| keys.verify(token, now))
        };
        let running = Running {
            address,
            sockets: Sockets::new(hub.clone(), verifier, clock.clone(), Patience::default())
                .map_err(StartError::Sockets)?,
            keys: keys.clone(),
            hub: hub.clone(),
            sales: sales.clone(),
            provider: provider.clone(),
            ops: ops.clone(),
            log: log.clone(),
            certificates: certificates.clone(),
            drain: config.drain(),
            accepting: CancellationToken::new(),
            working: CancellationToken::new(),
            listener: TaskTracker::new(),
            tasks: TaskTracker::new(),
            _lock: lock,
        };
        running.start_tasks(&config, &clock, told, asked, jwks)?;
        if running.sales.is_shared() {
            running.start_company(&config, &clock, listener);
        }
        running.tasks.close();
        let wire = Arc::new(Wire {
            clock,
            keys,
            webhooks,
            hub,
            sales,
            provider,
            ops,
            log,
            public_url: config.public_url.clone(),
            secure: certificates.is_some(),
            hold_default: Duration::from_secs(config.sale.hold_seconds),
        });
        if let Some((inner, _)) = inner {
            running.open_door(inner, wire::webhooks_only(wire.clone()), None);
        }
        let origins = Origins::new(&config.allowed_origins);
        let router = wire::router(wire, running.sockets.clone(), origins, certificates.is_some());
        running.open_door(socket, router, certificates);
        running.listener.close();
        Ok(running)
    }
}

impl Running {
    /// What a link to this server begins with.
    pub fn base(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub fn has_tls(&self) -> bool {
        self.certificates.is_some()
    }

    /// Reads the certificate's files again, whether or not they changed.
    pub fn reload_certificate(&self, now: Timestamp) {
        if let Some(certificates) = &self.certificates {
            tasks::reload_certificate(certificates, now);
        }
    }

    /// A way in for sockets of this machine: `address`, or with TLS a door without it.
    pub async fn socket_door(&self) -> Result<SocketAddr, StartError> {
        if self.certificates.is_none() {
            return Ok(reachable(self.address));
        }
        let (inner, address) = listen(THIS_MACHINE)?;
        self.open_door(inner, self.sockets.clone().router(), None);
        Ok(address)
    }

    fn open_door(&self, socket: TcpListener, router: Router, certificates: Option<Certificates>) {
        self.listener.spawn(listener::run(socket, router, certificates, self.accepting.clone()));
    }

    fn start_tasks(
        &self,
        config: &Config,
        clock: &Clock,
        told: mpsc::Receiver<News>,
        asked: mpsc::Receiver<Task>,
        jwks: Jwks,
    ) -> Result<(), StartError> {
        let witnesses = config.public_log.witnesses.iter().filter_map(|text| WitnessAddress::parse(text));
        let witnesses = Witnesses::new(witnesses.collect()).map_err(StartError::Witness)?;
        let (sales, hub, stop) = (&self.sales, &self.hub, &self.working);
        let name = config.node.name_at(self.address);
        let (keeper, kept) = watch::channel(None);
        self.tasks.spawn(tasks::keep(sales.clone(), name, clock.clone(), keeper, stop.clone()));
        self.tasks.spawn(self.ops.clone().run(kept.clone(), clock.clone(), stop.clone()));
        self.tasks.spawn(self.ops.clone().keep_lights(kept.clone(), clock.clone(), stop.clone()));
        let tally_every = Duration::from_secs(config.public_log.tally_seconds);
        self.tasks.spawn(tasks::log(
            self.log.clone(),
            kept.clone(),
            tally_every,
            clock.clone(),
            stop.clone(),
        ));
        self.tasks.spawn(tasks::witnesses(witnesses, self.log.clone(), kept.clone(), stop.clone()));
        self.tasks.spawn(tasks::pools(hub.clone(), kept.clone(), clock.clone(), stop.clone()));
        self.tasks.spawn(tasks::sweep(sales.clone(), kept, clock.clone(), stop.clone()));
        let now = clock.clone();
        self.tasks.spawn(hub.clone().run(told, move || now.now(), stop.clone()));
        let outbox_clock = clock.clone();
        let outbox =
            sales.clone().run_outbox(self.provider.clone(), asked, move || outbox_clock.now(), stop.clone());
        self.tasks.spawn(outbox);
        self.tasks.spawn(tasks::watch_stores(sales.clone(), stop.clone()));
        self.tasks.spawn(tasks::watch_record(sales.ledger().journal().clone(), stop.clone()));
        self.tasks.spawn(tasks::receipts(sales.clone(), clock.clone(), stop.clone()));
        self.tasks.spawn(tasks::turnout(
            hub.clone(),
            self.ops.node().to_owned(),
            clock.clone(),
            stop.clone(),
        ));
        self.tasks.spawn(tasks::tidy_meters(prometheus(), stop.clone()));
        self.tasks.spawn(tasks::refresh_keys(self.keys.clone(), config.jwks.clone(), jwks, stop.clone()));
        if let Some(certificates) = self.certificates.clone() {
            self.tasks.spawn(tasks::watch_certificate(certificates, clock.clone(), stop.clone()));
        }
        Ok(())
    }

    /// What a node of many does besides.
    fn start_company(&self, config: &Config, clock: &Clock, listener: Listener) {
        let (sales, hub, stop) = (&self.sales, &self.hub, &self.working);
        let name = config.node.name_at(self.address);
        tracing::info!(node = name, "one of many");
        self.tasks.spawn(hub.clone().exchange(listener, name, clock.clone(), stop.clone()));
        self.tasks.spawn(tasks::reconcile(sales.clone(), hub.clone(), clock.clone(), stop.clone()));
        let journal = sales.ledger().journal().clone();
        self.tasks.spawn(tasks::keep_time(journal, clock.clone(), stop.clone()));
    }

    /// Nobody new, then what is under way, then the record: each waits for the one before, all together at most `drain_seconds`.
    pub async fn stop(self) -> Result<(), Duration> {
        let drain = self.drain;
        tokio::time::timeout(drain, self.stop_in_order()).await.map_err(|_| drain)
    }

    async fn stop_in_order(self) {
        let Self {
            hub, sales, provider, ops, log, sockets, accepting, working, listener, tasks, _lock, ..
        } = self;
        sockets.drain().await;
        accepting.cancel();
        listener.wait().await;
        provider.shutdown().await;
        sales.settle().await;
        working.cancel();
        tasks.wait().await;
        let journal = sales.ledger().journal().clone();
        drop((hub, sales, provider, ops, log, sockets));
        journal.close().await;
    }
}

fn open_certificates(config: &Config, now: Timestamp) -> Result<Option<Certificates>, TlsError> {
    let Some(TlsConfig { certificate, key }) = &config.tls else { return Ok(None) };
    let certificates = Certificates::open(certificate, key)?;
    tasks::look_at_certificate(&certificates, now);
    Ok(Some(certificates))
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |reason| StartError::Listen { address, reason };
    let socket = listener::bind(address).map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok((socket, address))
}

/// A server that listens on every address is called on this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn commission(config: &Config) -> CommissionRules {
    let share = |ppm: u32| Share::ppm(ppm).expect("the configuration was checked");
    let rules = config.commission.iter();
    CommissionRules {
        by_category: rules.map(|(category, ppm)| (category.clone(), share(*ppm))).collect(),
        other: share(config.commission.get("other").copied().unwrap_or_default()),
    }
}

fn sale_rules(config: &Config) -> SaleRules {
    const DAY: u64 = 24 * 60 * 60;
    SaleRules {
        waiting_list_max: usize::try_from(config.sale.waiting_list_max).unwrap_or(usize::MAX),
        offer_for: Duration::from_secs(config.sale.offer_seconds),
        auto_confirm_after: Duration::from_secs(config.sale.auto_confirm_days.saturating_mul(DAY)),
    }
}

/// From a millisecond to ten seconds, three a decade.
const SECONDS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// A call of the gate takes a third of a millisecond in a quiet moment.
const CALLS: [f64; 13] =
    [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
const COUNTS: [f64; 7] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0];

/// One recorder for the process; tests start several servers in one.
pub fn prometheus() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS);
        let calls = Matcher::Full(GATE_SECONDS.into());
        let builder = builder
            .and_then(|builder| builder.set_buckets_for_metric(calls, &CALLS))
            .and_then(|builder| builder.set_buckets(&COUNTS))
            .expect("there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is installed; /metrics stays empty");
        }
        handle
    };
    HANDLE.get_or_init(install).clone()
}
