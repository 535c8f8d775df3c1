//! Kills the server with SIGKILL at seeded moments of the rush and starts it again on the same data; of several nodes any one.

use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use tokio::time::sleep;

use super::Course;
use crate::{failure::Failure, latency::Latency, spawn::Cluster};

/// On average; with a restart of some 0.2 s, fifty kills take a minute.
const BETWEEN: Duration = Duration::from_millis(1_000);

/// How long each restart took until the server was ready.
#[derive(Debug, Clone, Default)]
pub struct Restarts {
    pub until_ready: Latency,
}

pub async fn run(
    kills: u32,
    seed: u64,
    server: &mut Option<Cluster>,
    course: &Course<'_>,
) -> Result<Restarts, Failure> {
    let mut restarts = Restarts::default();
    let Some(server) = server else { return Ok(restarts) };
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x6b69_6c6c);
    if kills > 0 {
        sleep(course.opening.saturating_duration_since(Instant::now())).await;
    }
    for kill in 1..=kills {
        sleep(BETWEEN.mul_f64(chance.random_range(0.3..1.7))).await;
        if let Some(died) = server.died() {
            return Err(died);
        }
        let node = chance.random_range(0..server.nodes.len());
        let took = server.kill_and_restart(node).await?;
        // Alone, a server forgets its gate with itself.
        if server.shared.is_some() {
            course.board.fault_is_over();
        }
        restarts.until_ready.record_us(took.as_micros() as u64);
        course.progress.say(&format!("kill {kill} of {kills}, back after {} ms", took.as_millis()));
        // The sandbox forgets its knobs with its process.
        course.board.stage.unsettle_provider().await?;
    }
    Ok(restarts)
}
