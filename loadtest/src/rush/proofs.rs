//! Proofs asked of the public log over HTTP, in an open loop: each has its time, from which its latency counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use apricot_proto::v1;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep_until};

use crate::{
    contract::{Answer, Rest},
    failure::Failure,
    latency::Latency,
    spawn::Node,
};

const SECONDS: f64 = 5.0;
/// As browsers keep theirs. When all are busy a question is late, and its latency says so.
const CONNECTIONS: u64 = 64;
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1\n";

#[derive(Debug, Clone)]
pub struct Proofs {
    pub asked: u64,
    pub answered: u64,
    /// From the first question to the last answer.
    pub seconds: f64,
    pub latency: Latency,
    pub leaves: u64,
    pub server_cpu_us_each: f64,
}

/// Leaves at random places of the log, `rate` a second.
pub async fn of(node: &Node, rest: &Rest, rate: f64, seed: u64) -> Result<Proofs, Failure> {
    let log: v1::LogInfo = rest.get_patiently("/v1/log").await.required("reading the log's size")?;
    if log.size == 0 {
        return Err(Failure::off_contract("the public log", "is empty after a rush"));
    }
    let total = (rate * SECONDS) as u64;
    let next = Arc::new(AtomicU64::new(0));
    // A proof is for everybody.
    let guest = rest.with_token("");
    let before = node.usage()?;
    let began = Instant::now();
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (rest, next) = (guest.clone(), next.clone());
        let mut chance = ChaCha8Rng::seed_from_u64(seed ^ connection);
        connections.spawn(async move {
            let mut took_us = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return took_us;
                }
                let intended = began + Duration::from_secs_f64(number as f64 / rate);
                sleep_until(intended.into()).await;
                let index = chance.random_range(0..log.size);
                let told: Answer<v1::LogLeaf> = rest.get(&format!("/v1/log/leaves/{index}")).await;
                if let Answer::Ok(leaf) = told
                    && leaf.index == index
                    && leaf.proof.starts_with(FIRST_LINE)
                {
                    took_us.push(intended.elapsed().as_micros() as u64);
                }
            }
        });
    }
    let mut latency = Latency::default();
    while let Some(joined) = connections.join_next().await {
        let took_us =
            joined.map_err(|error| Failure::System { what: "asking for proofs", source: error.into() })?;
        took_us.into_iter().for_each(|us| latency.record_us(us));
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu = node.usage()?.cpu.saturating_sub(before.cpu);
    let answered = latency.count();
    Ok(Proofs {
        asked: total,
        answered,
        seconds,
        leaves: log.size,
        server_cpu_us_each: cpu.as_secs_f64() * 1e6 / answered.max(1) as f64,
        latency,
    })
}

impl Proofs {
    pub fn per_s(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    pub fn to_json(&self) -> Value {
        json!({
            "asked": self.asked, "answered": self.answered, "per_s": self.per_s(), "leaves": self.leaves,
            "server_cpu_us_each": self.server_cpu_us_each, "latency": self.latency.to_json(),
        })
    }
}
