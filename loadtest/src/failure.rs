//! What can go wrong outside this program, and what to do about it.

use std::{fmt, io, path::PathBuf};

#[derive(Debug)]
pub enum Failure {
    BinaryMissing {
        looked: Vec<PathBuf>,
    },
    BuildFailed {
        status: String,
    },
    ConfigMissing {
        looked: Vec<PathBuf>,
    },
    ServerDied {
        status: String,
        log: String,
    },
    ServerSilent {
        waited_ms: u64,
        log: String,
    },
    NotReady {
        url: String,
        waited_ms: u64,
        log: String,
    },
    Missing(apricot_servers::Missing),
    NotMigrated {
        status: String,
        said: String,
    },
    NoSabotage {
        kind: String,
    },
    TokensRefused {
        status: String,
        said: String,
    },
    Unreachable {
        what: String,
        source: String,
    },
    Refused {
        what: String,
        status: u16,
        kind: String,
        detail: String,
    },
    OffContract {
        what: String,
        got: String,
    },
    Option {
        name: &'static str,
        rule: &'static str,
    },
    NoSuchRow {
        option: &'static str,
        unknown: Vec<String>,
        known: Vec<&'static str>,
    },
    /// This machine lacks something that a case wants.
    CannotHere {
        what: String,
        why: String,
    },
    NotReached {
        what: &'static str,
    },
    Record {
        path: PathBuf,
        source: rusqlite::Error,
    },
    Postgres {
        what: &'static str,
        source: tokio_postgres::Error,
    },
    RecordShape {
        what: String,
    },
    RecordMissing {
        dir: PathBuf,
    },
    History {
        path: PathBuf,
        line: usize,
        source: String,
    },
    File {
        path: PathBuf,
        source: io::Error,
    },
    System {
        what: &'static str,
        source: io::Error,
    },
}

impl Failure {
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Failure {
        move |source| Failure::File { path: path.into(), source }
    }

    pub fn system(what: &'static str) -> impl FnOnce(io::Error) -> Failure {
        move |source| Failure::System { what, source }
    }

    pub fn postgres(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Failure {
        move |source| Failure::Postgres { what, source }
    }

    pub fn off_contract(what: impl Into<String>, got: impl fmt::Debug) -> Failure {
        Failure::OffContract { what: what.into(), got: format!("{got:?}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::BinaryMissing { looked } => {
                write!(
                    f,
                    "no apricot binary in {}; build it with `cargo build --release --bin apricot` or pass --binary",
                    paths(looked)
                )
            }
            Failure::BuildFailed { status } => {
                write!(f, "`cargo build --release --bin apricot` ended with {status}; its messages are above")
            }
            Failure::ConfigMissing { looked } => {
                write!(f, "no {}; run from the repository's root or pass --config", paths(looked))
            }
            Failure::ServerDied { status, log } => {
                write!(f, "the server ended by itself ({status}); the end of its log:\n{log}")
            }
            Failure::ServerSilent { waited_ms, log } => write!(
                f,
                "the server printed no {{\"listening\":…}} line within {waited_ms} ms; the end of its log:\n{log}"
            ),
            Failure::NotReady { url, waited_ms, log } => {
                write!(f, "{url} was not 200 within {waited_ms} ms; the end of the server's log:\n{log}")
            }
            Failure::Missing(missing) => write!(f, "{missing}"),
            Failure::NotMigrated { status, said } => {
                write!(f, "`apricot migrate` ended with {status}: {said}")
            }
            Failure::NoSabotage { kind } => write!(
                f,
                "this binary ignores APRICOT_SABOTAGE={kind}; build it with `cargo build --release --features sabotage --bin apricot-sabotaged`, and name it with --binary"
            ),
            Failure::TokensRefused { status, said } => {
                write!(f, "`apricot token` ended with {status}: {said}")
            }
            Failure::Unreachable { what, source } => {
                write!(f, "{what}: {source}; is the server running and the address right?")
            }
            Failure::Refused { what, status, kind, detail } => {
                write!(f, "{what} was refused with {status} {kind}: {detail}")
            }
            Failure::OffContract { what, got } => {
                write!(f, "{what}: the server's answer is not in docs/api.md: {got}")
            }
            Failure::Option { name, rule } => write!(f, "--{name}: {rule}"),
            Failure::CannotHere { what, why } => write!(f, "{what}: {why}"),
            Failure::NotReached { what } => write!(f, "it never came to that: {what}"),
            Failure::NoSuchRow { option, unknown, known } => {
                let unknown: Vec<String> = unknown.iter().map(|key| format!("`{key}`")).collect();
                write!(
                    f,
                    "--{option}: the table has no row {}; its rows are {}",
                    unknown.join(" and no row "),
                    known.join(", ")
                )
            }
            Failure::Record { path, source } => {
                write!(f, "cannot read the record {}: {source}", path.display())
            }
            // The driver's own sentence is "db error"; what the server said stands behind it.
            Failure::Postgres { what, source } => match source.as_db_error() {
                Some(said) => write!(f, "the record in PostgreSQL, {what}: {said}"),
                None => write!(f, "the record in PostgreSQL, {what}: {source}"),
            },
            Failure::RecordShape { what } => {
                write!(
                    f,
                    "the record holds something the checker does not know: {what}; bring checker/tables.rs up to the schema"
                )
            }
            Failure::RecordMissing { dir } => {
                write!(
                    f,
                    "no SQLite record in {}; pass the server's data folder with --record",
                    dir.display()
                )
            }
            Failure::History { path, line, source } => {
                write!(f, "{}:{line} is not a line of a history: {source}", path.display())
            }
            Failure::File { path, source } => write!(f, "{}: {source}", path.display()),
            Failure::System { what, source } => write!(f, "{what}: {source}"),
        }
    }
}

impl std::error::Error for Failure {}

fn paths(looked: &[PathBuf]) -> String {
    let list: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
    list.join(", ")
}
