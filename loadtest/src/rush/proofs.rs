//! Proofs asked of the public log over HTTP, in an open loop: who wants one does not wait for the others.

use std::time::{Duration, Instant};

use apricot_proto::v1;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    contract::{Answer, Rest},
    failure::Failure,
    latency::Latency,
    spawn::Node,
};

const SECONDS: f64 = 5.0;
const TICK: Duration = Duration::from_millis(1);
/// For the last answers.
const TAIL: Duration = Duration::from_secs(10);
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
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x7072_6f6f);
    let (answer, mut answers) = mpsc::unbounded_channel();
    let before = node.usage()?;
    let began = Instant::now();
    let total = (rate * SECONDS) as u64;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut asked = 0;
    while asked < total {
        ticks.tick().await;
        let due = (began.elapsed().as_secs_f64() * rate) as u64;
        while asked < due.min(total) {
            let intended = began + Duration::from_secs_f64(asked as f64 / rate);
            let index = chance.random_range(0..log.size);
            let (rest, answer) = (rest.clone(), answer.clone());
            tokio::spawn(async move {
                let told: Answer<v1::LogLeaf> = rest.get(&format!("/v1/log/leaves/{index}")).await;
                let right = matches!(&told, Answer::Ok(leaf) if leaf.index == index && leaf.proof.starts_with(FIRST_LINE));
                let _counted = answer.send((right, intended.elapsed()));
            });
            asked += 1;
        }
    }
    drop(answer);
    let (mut answered, mut latency, mut last) = (0, Latency::default(), began.elapsed());
    while let Ok(Some((right, took))) = timeout(TAIL, answers.recv()).await {
        if right {
            answered += 1;
            latency.record_us(took.as_micros() as u64);
        }
        last = began.elapsed();
    }
    let cpu = node.usage()?.cpu.saturating_sub(before.cpu);
    Ok(Proofs {
        asked,
        answered,
        seconds: last.as_secs_f64(),
        latency,
        leaves: log.size,
        server_cpu_us_each: cpu.as_secs_f64() * 1e6 / answered.max(1) as f64,
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
