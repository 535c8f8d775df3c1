//! The payment provider: in this program, or the process that the configuration names.

use std::net::SocketAddr;
use std::path::Path;

use super::StartError;
use crate::clock::{Clock, random_u64};
use crate::config::{Config, ProviderConfig};
use crate::model::Timestamp;
use crate::sale::outbox::Provider;
use crate::sandbox::{Chance, HttpSandbox, Knobs, Sandbox, SandboxError, WebhookSecret, WebhookTarget};
use crate::wire::key_folder::KeyFolder;
use crate::wire::rest::WEBHOOKS;
use crate::wire::webhook::WebhookSecrets;

const BOOKS_FILE: &str = "sandbox.db";

/// `told_at`: where this program is told what happened to payments, when the provider lives here.
pub async fn open(
    config: &Config,
    clock: &Clock,
    told_at: SocketAddr,
    webhooks: &WebhookSecrets,
) -> Result<Provider, StartError> {
    let Some(url) = &config.provider.url else {
        if config.postgres.is_some() {
            tracing::warn!(
                "payments are known to this node only; several nodes need `apricot sandbox` and provider.url"
            );
        }
        let sandbox = open_sandbox(config, clock, format!("http://{told_at}{WEBHOOKS}"), webhooks).await?;
        return Ok(Provider::Sandbox(sandbox));
    };
    let secrets = provider_secrets(&config.keys(), clock.now())?;
    let newest = secrets.last().expect("there is a secret, or it was made");
    Ok(Provider::Http(HttpSandbox::new(url, newest)?))
}

/// Its books are in the data folder, and `url` is told.
pub async fn open_sandbox(
    config: &Config,
    clock: &Clock,
    url: String,
    webhooks: &WebhookSecrets,
) -> Result<Sandbox, StartError> {
    let secret = webhooks.newest().parse().map_err(SandboxError::Setting)?;
    let ProviderConfig { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms, url: _ } = config.provider;
    let knobs = Knobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms };
    let books = config.data.join(BOOKS_FILE);
    let chance = Chance::seeded(random_u64());
    Ok(Sandbox::open(&books, WebhookTarget { url, secret }, knobs, chance, clock.clone()).await?)
}

/// What nodes sign with when they ask the provider, oldest first: each in a file `provider-….key` of the folder of keys.
pub fn provider_secrets(keys: &Path, now: Timestamp) -> Result<Vec<WebhookSecret>, StartError> {
    let secrets = KeyFolder::open(keys)?.secrets("provider", "key", now)?;
    let secrets = secrets.iter().map(|text| text.parse().map_err(SandboxError::Setting));
    Ok(secrets.collect::<Result<_, _>>()?)
}
