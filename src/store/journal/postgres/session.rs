//! One connection that writes, with its prepared statements. Statements that are handed over together travel together: one round trip.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, MaybeDone, join_all, maybe_done};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::kind::{Form, Kind};
use super::line::Line;
use super::rows::Group;
use crate::store::StoreError;

/// Longer than PostgreSQL lets a statement run (`SETTINGS`): who hears nothing by then has no connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A node that was cut off in the middle of a transaction holds rows that everybody wants; it loses them after two seconds.
/// Statements of the writer find rows by their keys, whatever the statistics say: a table that was empty when a statement was planned is
/// not read from end to end when it has a million rows.
const SETTINGS: &str = "SET statement_timeout = '8s'; SET idle_in_transaction_session_timeout = '2s'; \
     SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET jit = off; SET synchronous_commit = on";

pub struct Session {
    client: Client,
    /// Ends with the client, or earlier when the connection is lost.
    connection: JoinHandle<()>,
    statements: HashMap<(Kind, Form), Statement>,
}

/// One thing to send.
pub enum Message<'a> {
    /// BEGIN, COMMIT, savepoints.
    Plain(&'static str),
    Rows(&'a Group<'a>, Form),
}

/// Why a batch did not go through.
#[derive(Debug)]
pub enum Trouble {
    /// A rule of the record: this statement's rows, or some of them. The transaction is over.
    Refused { kind: Option<Kind>, why: StoreError },
    /// Another node was in the way; nothing was done, and the same may be sent again.
    Conflict,
    /// Nothing was done, and sending it again would not help now.
    Failed(String),
    /// No answer: nobody knows what was done.
    Lost(String),
}

impl Session {
    pub async fn open(line: &Line) -> Result<Self, String> {
        let (client, connection) = line.connect().await?;
        client.batch_execute(SETTINGS).await.map_err(said)?;
        let forms = Kind::ALL.iter().flat_map(|kind| [(*kind, Form::Must), (*kind, Form::Try)]);
        let prepared = join_all(forms.map(|(kind, form)| {
            let (sql, client) = (kind.sql(form), &client);
            async move { client.prepare(&sql).await.map(|statement| ((kind, form), statement)) }
        }));
        let statements = prepared.await.into_iter().collect::<Result<_, _>>().map_err(said)?;
        Ok(Self { client, connection, statements })
    }

    pub fn is_lost(&self) -> bool {
        self.client.is_closed() || self.connection.is_finished()
    }

    /// The rows that each message answered with. The first that failed decides; those behind it were not done.
    pub async fn send(&self, messages: &[Message<'_>]) -> Result<Vec<Vec<Row>>, Trouble> {
        self.send_each(messages).await?.into_iter().collect()
    }

    /// What became of each message.
    pub async fn send_each(
        &self,
        messages: &[Message<'_>],
    ) -> Result<Vec<Result<Vec<Row>, Trouble>>, Trouble> {
        let sent = messages.iter().map(|message| self.answer(message));
        let Ok(answers) = tokio::time::timeout(ANSWER_WITHIN, in_order(sent)).await else {
            // PostgreSQL is to notice that nobody listens any more, and let go of what it has locked.
            self.connection.abort();
            return Err(Trouble::Lost("no answer".into()));
        };
        let said =
            |(answer, message): (Result<_, Error>, _)| answer.map_err(|error| trouble(&error, message));
        Ok(answers.into_iter().zip(messages).map(said).collect())
    }

    fn answer<'s>(&'s self, message: &'s Message<'s>) -> BoxFuture<'s, Result<Vec<Row>, Error>> {
        match message {
            Message::Plain(sql) => {
                Box::pin(async move { self.client.batch_execute(sql).await.map(|()| Vec::new()) })
            }
            Message::Rows(group, form) => {
                let statement = &self.statements[&(group.kind, *form)];
                let columns: Vec<&(dyn ToSql + Sync)> =
                    group.columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
                Box::pin(async move { self.client.query(statement, &columns).await })
            }
        }
    }
}

/// Sends in this order, which `join_all` does not promise. PostgreSQL answers in the same.
async fn in_order<'s, T>(answers: impl Iterator<Item = BoxFuture<'s, T>>) -> Vec<T> {
    let mut sent: Vec<MaybeDone<BoxFuture<'s, T>>> = answers.map(maybe_done).collect();
    poll_fn(|cx| {
        for answer in &mut sent {
            // Polled for the first time, it is sent. Who has failed already keeps that as its answer.
            let _sent = Pin::new(answer).poll(cx);
        }
        Poll::Ready(())
    })
    .await;
    let mut done = Vec::with_capacity(sent.len());
    for answer in &mut sent {
        Pin::new(&mut *answer).await;
        done.extend(Pin::new(answer).take_output());
    }
    done
}

fn trouble(error: &Error, message: &Message) -> Trouble {
    let Some(refused) = error.as_db_error() else {
        return Trouble::Lost(said_by(error));
    };
    let kind = match message {
        Message::Plain(_) => None,
        Message::Rows(group, _) => Some(group.kind),
    };
    let rule = || Trouble::Refused { kind, why: StoreError::Rule(refused.message().to_owned()) };
    let named = |kind: Kind| Trouble::Refused { kind: Some(kind), why: kind.refusal() };
    match (refused.code().code(), kind) {
        // Deadlocks, and whoever waited too long for somebody's lock: nothing was done, a COMMIT behind it ended nothing.
        ("40001" | "40P01" | "57014" | "55P03", _) => Trouble::Conflict,
        ("AP001" | "23505", Some(kind)) => named(kind),
        ("AP002", _) => Trouble::Refused { kind, why: StoreError::CapReached },
        ("AP004", _) => Trouble::Refused { kind, why: StoreError::PoolChanged },
        ("AP003", _) => Trouble::Refused { kind, why: StoreError::Unpayable },
        ("23514", Some(Kind::Lots)) => named(Kind::Lots),
        // The server says goodbye.
        ("57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04", _) => {
            Trouble::Lost(refused.message().to_owned())
        }
        (code, _) if code.starts_with("22") || code.starts_with("23") => rule(),
        (code, _) => Trouble::Failed(format!("{} ({code})", refused.message())),
    }
}

fn said(error: Error) -> String {
    said_by(&error)
}

/// The library's own text leaves out the cause.
pub fn said_by(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(refused), _) => refused.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
