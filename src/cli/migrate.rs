//! `apricot migrate`: brings the tables of a record on PostgreSQL up to date.

use clap::Args;

use super::{Failed, Source, print, runtime};
use crate::config::PostgresConfig;
use crate::store::journal::{PostgresSettings, migrate};

/// As PostgreSQL's own programs have it.
const PASSWORD: &str = "PGPASSWORD";

#[derive(Args)]
pub struct Migrate {
    /// Address of the record instead of the configuration's, without a password; that is taken from PGPASSWORD
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    source: Source,
}

impl Migrate {
    /// Nodes of the version before may run meanwhile; a migration that they could not live with says so in the changelog.
    pub fn run(self) -> Result<(), Failed> {
        let settings = match self.url {
            Some(url) => PostgresSettings { url, password: password()?, connections: 1, ca: None },
            None => match self.source.load(None)?.config.postgres {
                Some(config) => settings(&config)?,
                None => {
                    let why = "there is no [postgres] in the configuration; name it with --config, or give --url. A record in a \
                               data folder is brought up to date when the server starts";
                    return Err(Failed::usage(why));
                }
            },
        };
        let applied = runtime()?.block_on(migrate(&settings)).map_err(Failed::because)?;
        if applied.is_empty() {
            return print("the record is up to date\n");
        }
        print(&applied.iter().map(|done| format!("applied {done}\n")).collect::<String>())
    }
}

pub fn settings(config: &PostgresConfig) -> Result<PostgresSettings, Failed> {
    Ok(PostgresSettings {
        url: config.url.clone(),
        password: config.secret()?.map(|password| password.expose().to_owned()),
        connections: config.connections,
        ca: config.ca.clone(),
    })
}

fn password() -> Result<Option<String>, Failed> {
    match std::env::var(PASSWORD) {
        Ok(password) => Ok(Some(password)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(Failed::usage(format!("{PASSWORD}: {error}"))),
    }
}
