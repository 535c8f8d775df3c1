//! A record of its own for a law.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use apricot_servers::or_skip;
use tempfile::TempDir;

use super::*;

#[derive(Clone, Copy)]
pub enum Engine {
    Sqlite,
    Postgres(&'static Server),
}

/// One for all laws of this process; it ends with the process.
pub struct Server {
    server: apricot_servers::Postgres,
    databases: AtomicU32,
}

#[derive(Clone)]
pub enum Record {
    Sqlite(Arc<TempDir>),
    Postgres(Arc<Database>),
}

/// Dropped with its last record.
pub struct Database {
    server: &'static Server,
    name: String,
}

pub struct Desk {
    pub record: Record,
    pub journal: Journal,
}

/// An empty record, copied for each law.
const TEMPLATE: &str = "empty";

impl Engine {
    pub fn postgres() -> Option<Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || {
            // Laws about crashes have a server of their own, which writes through to the disk.
            let server = or_skip(apricot_servers::Postgres::start_with(&[
                "fsync=off",
                "full_page_writes=off",
                "autovacuum=off",
            ]))?;
            server.sql("postgres", &format!("CREATE DATABASE {TEMPLATE}")).unwrap();
            let url = server.url_of(TEMPLATE);
            let migrated = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(migrate(&settings(url))).unwrap();
            });
            migrated.join().unwrap();
            Some(Server { server, databases: AtomicU32::new(0) })
        };
        SERVER.get_or_init(start).as_ref().map(Self::Postgres)
    }
}

pub fn settings(url: String) -> PostgresSettings {
    PostgresSettings { url, password: None, connections: 2, ca: None }
}

impl Record {
    fn new(on: Engine) -> Self {
        match on {
            Engine::Sqlite => Self::Sqlite(Arc::new(tempfile::tempdir().unwrap())),
            Engine::Postgres(server) => {
                let name = format!("law_{}", server.databases.fetch_add(1, Ordering::Relaxed));
                let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
                server.server.sql("postgres", &create).unwrap();
                Self::Postgres(Arc::new(Database { server, name }))
            }
        }
    }

    pub async fn open(&self, epoch: u64) -> Journal {
        match self {
            Self::Sqlite(_) => Journal::open(&self.path(), epoch, NOW).unwrap(),
            Self::Postgres(database) => Journal::connect(&database.settings(), epoch, NOW).await.unwrap(),
        }
    }

    /// Of SQLite's file.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("record.db"),
            Self::Postgres(_) => panic!("PostgreSQL has no file"),
        }
    }

    /// Of PostgreSQL's database.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => panic!("SQLite has no address"),
            Self::Postgres(database) => database.server.server.url_of(&database.name),
        }
    }

    /// Of PostgreSQL.
    pub fn port(&self) -> u16 {
        match self {
            Self::Sqlite(_) => panic!("SQLite has no port"),
            Self::Postgres(database) => database.server.server.port(),
        }
    }

    pub async fn snapshot(&self) -> Snapshot {
        match self {
            Self::Sqlite(_) => Snapshot::of_file(&self.path()).unwrap(),
            Self::Postgres(database) => Snapshot::of_postgres(&database.settings()).await.unwrap(),
        }
    }

    /// As somebody with a shell; what it said when it was refused.
    pub fn by_hand(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.path()).unwrap();
                connection.execute_batch(sql).map_err(|error| error.to_string())
            }
            Self::Postgres(database) => database.server.server.sql(&database.name, sql).map(|_| ()),
        }
    }
}

impl Database {
    fn settings(&self) -> PostgresSettings {
        settings(self.server.server.url_of(&self.name))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropped =
            self.server.server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        if let Err(error) = dropped {
            eprintln!("{} is left: {error}", self.name);
        }
    }
}

impl Desk {
    pub async fn new(on: Engine) -> Self {
        let record = Record::new(on);
        let journal = record.open(EPOCH).await;
        Self { record, journal }
    }

    /// A room, a product with 100 units on hand and a sale with `stock` of them.
    pub async fn with_lot(on: Engine, stock: u32) -> Self {
        let desk = Self::new(on).await;
        for write in
            [Write::Room(Box::new(room())), Write::NewProduct(product(100)), Write::Sale(sale(SALE, stock))]
        {
            assert_eq!(desk.commit(vec![write]).await, Ok(()));
        }
        desk
    }

    pub async fn commit(&self, entry: Entry) -> Result<(), StoreError> {
        self.journal.commit(entry).await
    }

    /// The answers in the order of submission.
    pub async fn commit_at_once(&self, entries: Vec<Entry>) -> Vec<Result<(), StoreError>> {
        let pending: Vec<Pending> =
            entries.into_iter().map(|entry| self.journal.submit(entry).unwrap()).collect();
        let mut answers = Vec::with_capacity(pending.len());
        for entry in pending {
            answers.push(entry.committed().await);
        }
        answers
    }

    /// As an auditor counts.
    pub async fn count(&self, sql: &str) -> i64 {
        self.journal.one(sql.to_owned(), vec![], |row| row.int(0)).await.unwrap().unwrap()
    }

    pub async fn lot(&self) -> (u32, u32, u32) {
        let LotRow { stock, held, sold } = self.journal.lot(SALE).await.unwrap().unwrap();
        (stock, held, sold)
    }

    pub async fn on_hand(&self) -> u32 {
        self.journal.product("apricots".parse().unwrap()).await.unwrap().unwrap().on_hand
    }

    /// As of now.
    pub async fn totals(&self) -> &Totals {
        self.journal.renew_totals().await.unwrap();
        self.journal.totals()
    }

    pub async fn reopened(self) -> Self {
        let Self { record, journal } = self;
        journal.close().await;
        let journal = record.open(7).await;
        Self { record, journal }
    }

    /// Another node on the same record.
    pub async fn other_node(&self) -> Self {
        Self { record: self.record.clone(), journal: self.record.open(EPOCH).await }
    }
}
