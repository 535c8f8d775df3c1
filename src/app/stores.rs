//! The stores of a node, as the configuration names them.

use std::path::Path;

use super::{RECORD_FILE, StartError};
use crate::app::tasks::measure_clock;
use crate::clock::Clock;
use crate::config::{Config, PostgresConfig, RedisConfig, RedisMode as Mode, Secret};
use crate::ops::Record;
use crate::store::broker::Listener;
use crate::store::inventory::RedisGate;
use crate::store::journal::PostgresSettings;
use crate::store::redis::{Redis, RedisMode, RedisSettings};
use crate::store::{Broker, Inventory, Journal};

pub struct Stores {
    pub journal: Journal,
    pub inventory: Inventory,
    pub broker: Broker,
    pub listener: Listener,
    /// The record's time, where it has a clock of its own.
    pub clock: Clock,
}

impl Stores {
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let (Some(postgres), Some(redis)) = (&config.postgres, &config.redis) else {
            let journal = open_record(&config.data, &clock)?;
            let (broker, listener) = Broker::local();
            return Ok(Self { journal, inventory: Inventory::default(), broker, listener, clock });
        };
        let clock = match clock {
            Clock::System => Clock::corrected(),
            given => given,
        };
        let journal = connect_record(postgres, &clock).await?;
        measure_clock(&journal, &clock).await.map_err(StartError::SharedRecord)?;
        let redis = Redis::connect(redis_settings(redis)?).await?;
        let inventory = Inventory::Redis(RedisGate::new(redis.clone()));
        let (broker, listener) = Broker::redis(redis);
        Ok(Self { journal, inventory, broker, listener, clock })
    }
}

/// The record of a data folder, whose lock the caller holds.
pub fn open_record(data: &Path, clock: &Clock) -> Result<Journal, StartError> {
    let path = data.join(RECORD_FILE);
    Journal::open(&path, clock.now().millis().unsigned_abs(), clock.now())
        .map_err(|reason| StartError::Record { path, reason })
}

pub async fn connect_record(config: &PostgresConfig, clock: &Clock) -> Result<Journal, StartError> {
    let epoch = clock.now().millis().unsigned_abs();
    Journal::connect(&postgres_settings(config)?, epoch, clock.now()).await.map_err(StartError::SharedRecord)
}

/// Where the record is read from beside the journal.
pub fn record(config: &Config) -> Result<Record, StartError> {
    Ok(match &config.postgres {
        Some(postgres) => Record::Postgres(postgres_settings(postgres)?),
        None => Record::File(config.data.join(RECORD_FILE)),
    })
}

pub fn postgres_settings(config: &PostgresConfig) -> Result<PostgresSettings, StartError> {
    Ok(PostgresSettings {
        url: config.url.clone(),
        password: exposed(config.secret()?),
        connections: config.connections,
        ca: config.ca.clone(),
    })
}

fn redis_settings(config: &RedisConfig) -> Result<RedisSettings, StartError> {
    let mode = match (config.mode, &config.master) {
        (Mode::Single, _) => RedisMode::Single,
        (Mode::Cluster, _) => RedisMode::Cluster,
        (Mode::Sentinel, master) => {
            RedisMode::Sentinel { master: master.clone().expect("the configuration was checked") }
        }
    };
    Ok(RedisSettings {
        mode,
        urls: config.urls.clone(),
        user: config.user.clone(),
        password: exposed(config.secret()?),
        ca: config.ca.clone(),
    })
}

fn exposed(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}
