//! How to reach PostgreSQL: address, password, TLS.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::said_by;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// What was sent and is not acknowledged by then is lost with its connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(5);

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct PostgresSettings {
    /// With `sslmode=require` or `verify-full` the connection is encrypted and the server's certificate checked, name included.
    pub url: String,
    pub password: Option<String>,
    /// For reading; writing takes one more.
    pub connections: u32,
    /// Who signed the server's certificate, PEM; without it those that the system trusts.
    pub ca: Option<PathBuf>,
}

#[derive(Clone)]
pub struct Line {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Line {
    pub fn new(settings: &PostgresSettings) -> Result<Self, String> {
        // Whenever there is TLS the certificate is checked.
        let url = settings
            .url
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config =
            url.parse().map_err(|error| format!("the address of PostgreSQL: {error}"))?;
        if let Some(password) = &settings.password {
            config.password(password);
        }
        config.application_name("apricot").connect_timeout(CONNECT_WITHIN);
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).tcp_user_timeout(UNACKNOWLEDGED);
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls(settings)?),
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        Ok(Self { config, tls })
    }

    pub fn manager(&self) -> deadpool_postgres::Manager {
        let recycling_method = deadpool_postgres::RecyclingMethod::Fast;
        let how = deadpool_postgres::ManagerConfig { recycling_method };
        match &self.tls {
            Some(tls) => deadpool_postgres::Manager::from_config(self.config.clone(), tls.clone(), how),
            None => deadpool_postgres::Manager::from_config(self.config.clone(), NoTls, how),
        }
    }

    /// The task ends when the connection does.
    pub async fn connect(&self) -> Result<(Client, JoinHandle<()>), String> {
        let connecting = async {
            match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    Ok((client, tokio::spawn(async move { ended(connection.await) })))
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    Ok((client, tokio::spawn(async move { ended(connection.await) })))
                }
            }
        };
        // The library's own limit ends with the TCP connection.
        match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
            Ok(connected) => connected.map_err(|error: tokio_postgres::Error| said_by(&error)),
            Err(_) => Err("it does not answer".into()),
        }
    }
}

fn ended(end: Result<(), tokio_postgres::Error>) {
    if let Err(error) = end {
        tracing::debug!(error = said_by(&error), "a connection to PostgreSQL was lost");
    }
}

fn tls(settings: &PostgresSettings) -> Result<MakeRustlsConnect, String> {
    let mut roots = RootCertStore::empty();
    let given = match &settings.ca {
        Some(path) => {
            let failed = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
            let pem = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
            pem.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(given);
    if roots.is_empty() {
        return Err("no certificate authority is trusted; name one in postgres.ca".into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

impl fmt::Debug for PostgresSettings {
    /// Without what is secret; an address may carry a password too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings").field("connections", &self.connections).finish_non_exhaustive()
    }
}
