//! How long each node took, after a fault had ended, until it sold again.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::history::{Act, Exchange, Outcome};

/// No fault has ended yet.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub struct Recovery {
    ended_us: AtomicU64,
    nodes: Mutex<Vec<Back>>,
}

/// When a node first did it after the end, in microseconds of the run.
#[derive(Debug, Clone, Copy, Default)]
struct Back {
    /// Over the whole run: orders that this node accepted.
    sales: u64,
    accepted_us: Option<u64>,
    answered_us: Option<u64>,
}

impl Recovery {
    pub fn of(nodes: usize) -> Recovery {
        Recovery { ended_us: AtomicU64::new(NEVER), nodes: Mutex::new(vec![Back::default(); nodes]) }
    }

    /// The fault is over.
    pub fn begin(&self, now_us: u64) {
        self.ended_us.store(now_us, Relaxed);
    }

    pub fn see(&self, exchange: &Exchange) {
        if exchange.act != Act::Place {
            return;
        }
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(node) = nodes.get_mut(exchange.node as usize) else { return };
        node.sales += u64::from(matches!(exchange.outcome, Outcome::Order(_)));
        if exchange.answered_us < self.ended_us.load(Relaxed) {
            return;
        }
        match &exchange.outcome {
            Outcome::Order(_) => {
                node.accepted_us.get_or_insert(exchange.answered_us);
            }
            Outcome::Refused(refusal) if !refusal.may_retry() => {
                node.answered_us.get_or_insert(exchange.answered_us);
            }
            Outcome::Refused(_) | Outcome::Unknown => {}
        }
    }

    /// Orders accepted, by node; a repeated answer counts again.
    pub fn sales(&self) -> Vec<u64> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().map(|node| node.sales).collect()
    }

    /// Until the last node had accepted an order, or, where nothing was left to sell, had answered. `None`: a node did neither.
    pub fn took(&self) -> Option<Duration> {
        let ended_us = self.ended_us.load(Relaxed);
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let back = nodes.iter().map(|node| node.accepted_us.or(node.answered_us));
        let last = back.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some(Duration::from_micros(last.saturating_sub(ended_us)))
    }
}
