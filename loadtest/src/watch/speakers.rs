//! Those who say something: chatters on sockets of their own, and the host, who posts notices over REST.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use apricot_proto::v1;
use prost::Message as _;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_local},
    time::sleep_until,
};

use super::{
    WatchOptions,
    stamp::Stamp,
    viewer::{Crowd, Phase},
};
use crate::{
    contract::{Answer, Gone, Rest, Socket, peek::body, socket::join},
    failure::Failure,
    latency::Latency,
};

/// What was said in the measured time, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub chat_accepted: u64,
    pub chat_refused: std::collections::BTreeMap<String, u64>,
    pub notices_accepted: u64,
    pub notices_refused: u64,
    /// From the intended to the actual sending.
    pub lag: Latency,
}

pub struct Speakers {
    chatters: Vec<JoinHandle<Said>>,
    host: JoinHandle<Said>,
}

/// Lines that wait for a chatter whose socket is slow; more are counted as refused by the client.
const LINES_WAITING_MAX: usize = 1_000;

pub async fn start(
    options: &WatchOptions,
    seed: u64,
    start: Instant,
    duration: Duration,
    crowd: &Rc<Crowd>,
    host: &Rest,
    tokens: Vec<String>,
) -> Result<Speakers, Failure> {
    let mut chatters = Vec::new();
    let mut mouths = Vec::new();
    for token in tokens {
        let (mouth, lines) = mpsc::channel(LINES_WAITING_MAX);
        let unreachable =
            |gone: Gone| Failure::Unreachable { what: "a chatter".into(), source: format!("{gone:?}") };
        let mut socket = Socket::connect(&crowd.target, &crowd.room, None).await.map_err(unreachable)?;
        socket.send(&join(&token, None)).await.map_err(unreachable)?;
        chatters.push(spawn_local(chat(socket, lines, Rc::clone(crowd), options.line_bytes as usize)));
        mouths.push(mouth);
    }
    let schedule = arrivals(seed, options.chat_rate, start, duration);
    spawn_local(async move {
        for (number, at) in (0..).zip(schedule) {
            sleep_until(at.into()).await;
            let mouth: &mpsc::Sender<(u64, Instant)> = &mouths[number as usize % mouths.len()];
            if mouth.send((number, at)).await.is_err() {
                break;
            }
        }
    });
    let schedule = arrivals(seed ^ 0x6e6f_7465, options.critical_rate, start, duration);
    let host = spawn_local(post(host.clone(), schedule, Rc::clone(crowd)));
    Ok(Speakers { chatters, host })
}

impl Speakers {
    /// Waits until everything has been said.
    pub async fn finish(self) -> Result<Said, Failure> {
        let mut said = self.host.await.unwrap_or_default();
        for chatter in self.chatters {
            said.add(chatter.await.unwrap_or_default());
        }
        Ok(said)
    }
}

impl Said {
    fn add(&mut self, other: Said) {
        self.chat_accepted += other.chat_accepted;
        self.notices_accepted += other.notices_accepted;
        self.notices_refused += other.notices_refused;
        for (kind, count) in other.chat_refused {
            *self.chat_refused.entry(kind).or_default() += count;
        }
        self.lag.add(&other.lag);
    }
}

/// Poisson arrivals of one rate.
fn arrivals(seed: u64, rate: f64, start: Instant, duration: Duration) -> Vec<Instant> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let gaps = std::iter::repeat_with(|| -(1.0 - chance.random::<f64>()).ln() / rate);
    let times = gaps.scan(0.0, |at, gap| {
        *at += gap;
        Some(*at)
    });
    let end = if rate > 0.0 { duration.as_secs_f64() } else { 0.0 };
    times.take_while(|at| *at < end).map(|at| start + Duration::from_secs_f64(at)).collect()
}

async fn chat(
    mut socket: Socket,
    mut lines: mpsc::Receiver<(u64, Instant)>,
    crowd: Rc<Crowd>,
    line_bytes: usize,
) -> Said {
    let mut said = Said::default();
    let mut waiting = std::collections::HashMap::new();
    let mut id = 0;
    let mut open = true;
    while open || !waiting.is_empty() {
        tokio::select! {
            readable = socket.readable() => {
                let mut replies = Vec::new();
                let read = readable.and_then(|()| {
                    socket.read(|publication| {
                        if publication.body == body::REPLY
                            && let Ok(reply) = v1::Reply::decode(publication.bytes)
                        {
                            replies.push(reply);
                        }
                    })
                });
                for reply in replies {
                    let Some(counted) = waiting.remove(&reply.id) else { continue };
                    said.answered(&reply, counted);
                }
                let flushed = match read {
                    Ok(_) => socket.flush().await,
                    Err(gone) => Err(gone),
                };
                if flushed.is_err() {
                    *said.chat_refused.entry("connection lost".into()).or_default() += 1;
                    break;
                }
            }
            line = lines.recv(), if open => match line {
                None => open = false,
                Some((number, at)) => {
                    id += 1;
                    let intended_us = crowd.us(at);
                    let counted = measured(&crowd, at);
                    if counted {
                        said.lag.record_us(at.elapsed().as_micros() as u64);
                    }
                    let text = Stamp { number, intended_us }.line(line_bytes);
                    let say = v1::client_message::Command::Say(v1::Say { text });
                    waiting.insert(id, counted);
                    if socket.send(&v1::ClientMessage { id, command: Some(say) }).await.is_err() {
                        break;
                    }
                }
            },
        }
    }
    socket.close().await;
    said
}

impl Said {
    fn answered(&mut self, reply: &v1::Reply, counted: bool) {
        match &reply.outcome {
            Some(v1::reply::Outcome::Problem(problem)) => {
                *self.chat_refused.entry(problem.r#type.clone()).or_default() += 1;
            }
            Some(_) | None if counted => self.chat_accepted += 1,
            Some(_) | None => {}
        }
    }
}

fn measured(crowd: &Crowd, at: Instant) -> bool {
    match crowd.phase.get() {
        Phase::WarmUp => false,
        Phase::Measured { since } => at >= since,
    }
}

/// Notices, each in a task: a slow answer must not delay the next.
async fn post(host: Rest, schedule: Vec<Instant>, crowd: Rc<Crowd>) -> Said {
    let mut said = Said::default();
    let mut posts = Vec::new();
    for (number, at) in (0..).zip(schedule) {
        sleep_until(at.into()).await;
        let counted = measured(&crowd, at);
        if counted {
            said.lag.record_us(at.elapsed().as_micros() as u64);
        }
        let text = Stamp { number, intended_us: crowd.us(at) }.line(40);
        let path = format!("/v1/rooms/{}/notices", crowd.room);
        let host = host.clone();
        posts.push(spawn_local(async move {
            let key = format!("notice-{number:08}");
            let answer: Answer<v1::HostNotice> =
                host.post(&path, &v1::CreateNotice { text }, Some(&key)).await;
            (counted, matches!(answer, Answer::Ok(_)))
        }));
    }
    for post in posts {
        match post.await {
            Ok((true, true)) => said.notices_accepted += 1,
            Ok((false, true)) => {}
            Ok((_, false)) | Err(_) => said.notices_refused += 1,
        }
    }
    said
}
