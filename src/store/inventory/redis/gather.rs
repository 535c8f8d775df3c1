//! Gathers what is asked of a lot and asks it in one call.
//!
//! What comes in a quiet moment goes at once; what comes while calls are under way goes together in the next. So the batch grows with the
//! load, and nobody waits for a timer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::Value;
use tokio::sync::{mpsc, oneshot};

use super::keys::Keys;
use super::operation::{Operation, Strange, number};
use super::reading::{Newest, Sighting};
use super::{Failure, NotNow};
use crate::clock;
use crate::store::meters;
use crate::store::redis::{Redis, RedisError};

/// Operations in one call: by then a call's own cost is below 2% of the batch's, and one batch keeps Redis busy for about half a
/// millisecond.
pub(super) const BATCH_MAX: usize = 256;
/// Calls of one node and lot on their way at once: Redis decides the one while the node reads the other.
const CALLS_MAX: usize = 2;
/// Operations that wait for a call: 16 batches, some 30 ms of one lot. When it is full, who asks for units is told when to come again, and
/// who ends something waits.
pub(super) const QUEUE_MAX: usize = 4_096;
/// How long Redis takes to come back or a lot to be read again, most of the time.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// A full queue drains in this time.
pub(super) const QUEUE_RETRY_AFTER: Duration = Duration::from_millis(250);

pub(super) struct Asked {
    pub operation: Operation,
    pub answer: oneshot::Sender<Result<Value, Failure>>,
}

/// Until nobody can ask any more.
pub(super) async fn gather(
    redis: Redis,
    keys: Arc<Keys>,
    newest: Arc<Newest>,
    mut queue: mpsc::Receiver<Asked>,
) {
    let mut calls = FuturesUnordered::new();
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            count = queue.recv_many(&mut batch, BATCH_MAX), if calls.len() < CALLS_MAX => {
                if count == 0 {
                    break;
                }
                calls.push(decide(&redis, &keys, &newest, std::mem::take(&mut batch)));
            }
            Some(()) = calls.next() => {}
        }
    }
    while calls.next().await.is_some() {}
}

async fn decide(redis: &Redis, keys: &Keys, newest: &Newest, batch: Vec<Asked>) {
    let mut arguments = Vec::with_capacity(1 + batch.len());
    arguments.push(keys.channel.as_bytes());
    arguments.extend(batch.iter().map(|asked| asked.operation.bytes()));
    let began = clock::instant();
    let answered = redis.call("apricot_gate_decide", &keys.lot(), &arguments).await;
    meters::decided(batch.len(), began.elapsed());
    let answers = answered.map_err(Failure::from).and_then(|answer| take(newest, answer));
    match answers {
        Ok(answers) if answers.len() == batch.len() => {
            for (asked, answer) in batch.into_iter().zip(answers) {
                tell(asked, Ok(answer));
            }
        }
        Ok(_) => fail(batch, Failure::Unknown),
        Err(failure) => fail(batch, failure),
    }
}

/// The answers to a batch's operations. The reading that came with them is kept.
pub(super) fn take(newest: &Newest, answer: Value) -> Result<Vec<Value>, Failure> {
    let Value::Array(mut parts) = answer else { return Err(Strange.into()) };
    match parts.as_slice() {
        [Value::Int(1), reading @ .., Value::Array(_)] => newest.take(Sighting::of_answer(reading)?),
        [Value::Int(0), generation] => {
            newest.lose(number(generation)?.unsigned_abs());
            return Err(Failure::NotAsked(NotNow { retry_after: RETRY_AFTER }));
        }
        _ => return Err(Strange.into()),
    }
    match parts.pop() {
        Some(Value::Array(answers)) => Ok(answers),
        _ => Err(Strange.into()),
    }
}

fn fail(batch: Vec<Asked>, failure: Failure) {
    for asked in batch {
        tell(asked, Err(failure));
    }
}

fn tell(asked: Asked, answer: Result<Value, Failure>) {
    if asked.answer.send(answer).is_err() {
        // What was granted to somebody who hung up is found by the sale layer, which waits to the end; a hold that nobody records runs out.
        tracing::debug!("who asked the gate did not wait for the answer");
    }
}

impl From<Strange> for Failure {
    fn from(_: Strange) -> Self {
        tracing::error!("the gate's Function answered what cannot be read");
        Self::Unknown
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error {
            RedisError::Down => Self::NotAsked(NotNow { retry_after: RETRY_AFTER }),
            error => {
                tracing::warn!(%error, "nobody knows what the gate decided; the lot is read again");
                Self::Unknown
            }
        }
    }
}
