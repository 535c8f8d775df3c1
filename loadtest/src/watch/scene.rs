//! Who sits where: rooms, viewers, those among them who speak, and a host's socket beside them.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    contract::{Rest, Target},
    crowd::{
        Crowd, Setting,
        dialect::Dialect,
        seat::{Part, SPEAKERS_NODE, Seat},
    },
    failure::Failure,
    rush::stage,
    spawn::{Node, Served},
};

/// What is wanted of a crowd.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub viewers: u32,
    pub rooms: u32,
    /// Viewers of one room; rooms are filled one after the other.
    pub per_room: u32,
    /// Named viewers of each occupied room who chat.
    pub chatters: u32,
    /// A host's socket in each occupied room.
    pub hosts: bool,
    pub named: bool,
    pub slow_percent: f64,
    pub dead_percent: f64,
    pub dialect: Dialect,
    pub deflate: bool,
    pub in_progress_max: usize,
    pub spin: bool,
    pub seed: u64,
}

/// A crowd that has not come yet, and where its speakers sit.
pub struct Scene {
    pub crowd: Crowd,
    pub chatters: Vec<usize>,
    pub hosts: Vec<usize>,
    /// Sockets that read, by room.
    pub readers: Vec<u64>,
}

/// `connections_per_person` is 8, and a host has a socket in each of its rooms.
const ROOMS_PER_HOST: usize = 8;
/// Requests under way while rooms are opened.
const OPENING_MAX: usize = 128;

pub async fn set(served: &Served, wanted: &Wanted) -> Result<Scene, Failure> {
    let occupied = wanted.viewers.div_ceil(wanted.per_room.max(1)).clamp(1, wanted.rooms);
    let hosts = (wanted.rooms as usize).div_ceil(ROOMS_PER_HOST) as u32;
    let nodes = served.targets().len() as u32;
    let mut seats = Vec::new();
    let (mut chatters, mut named) = (Vec::new(), 0);
    for viewer in 0..wanted.viewers {
        let room = (viewer / wanted.per_room.max(1)).min(wanted.rooms - 1);
        let chats = viewer - room * wanted.per_room < wanted.chatters;
        if chats {
            chatters.push(seats.len());
        }
        let token = (chats || wanted.named).then(|| {
            named += 1;
            hosts + named - 1
        });
        let part = if chats { Part::Reads } else { part(wanted, viewer) };
        let node = if chats { SPEAKERS_NODE } else { viewer % nodes };
        seats.push(Seat::new(room, part, token).at(node));
    }
    let mut host_seats = Vec::new();
    for room in (0..occupied).filter(|_| wanted.hosts) {
        host_seats.push(seats.len());
        seats.push(Seat::new(room, Part::Reads, Some(room / ROOMS_PER_HOST as u32)));
    }
    let mut readers = vec![0; occupied as usize];
    for seat in seats.iter().filter(|seat| seat.part == Part::Reads) {
        readers[seat.room as usize] += 1;
    }
    let (rooms, tokens) = match served.apricot() {
        Some(cluster) => {
            let mut tokens = cluster.first().tokens("host", "load-host-", hosts).await?;
            let rooms = open_rooms(&served.targets(), &tokens, wanted.rooms).await?;
            if named > 0 {
                tokens.extend(viewer_tokens(cluster.first(), named).await?);
            }
            (rooms, tokens)
        }
        None => (vec!["floor".into(); wanted.rooms as usize], Vec::new()),
    };
    let setting = Setting {
        nodes: served.targets(),
        dialect: wanted.dialect,
        rooms,
        tokens,
        deflate: wanted.deflate,
        in_progress_max: wanted.in_progress_max,
        spin: wanted.spin,
        seed: wanted.seed,
    };
    Ok(Scene { crowd: Crowd::new(setting, seats)?, chatters, hosts: host_seats, readers })
}

async fn viewer_tokens(node: &Node, count: u32) -> Result<Vec<String>, Failure> {
    node.tokens("viewer", "load-viewer-", count).await
}

/// Spreads the slow and the dead evenly over the viewers.
fn part(wanted: &Wanted, viewer: u32) -> Part {
    let falls_on = |percent: f64, shift: f64| {
        let up_to = |viewer: f64| (viewer * percent / 100.0 + shift).floor();
        up_to(f64::from(viewer) + 1.0) > up_to(f64::from(viewer))
    };
    if falls_on(wanted.slow_percent, 0.0) {
        Part::Slow
    } else if falls_on(wanted.dead_percent, 0.5) {
        Part::Dead
    } else {
        Part::Reads
    }
}

/// Many at once: each is two durable writes, and the record gathers what waits.
async fn open_rooms(nodes: &[Target], hosts: &[String], rooms: u32) -> Result<Vec<String>, Failure> {
    let run = uuid::Uuid::now_v7().simple().to_string();
    let rest = Rest::over(nodes, String::new())?;
    let permits = Arc::new(Semaphore::new(OPENING_MAX));
    let mut opening = JoinSet::new();
    for room in 0..rooms as usize {
        let host = rest.with_token(&hosts[room / ROOMS_PER_HOST]);
        let (name, key) = (format!("load-{}-{room}", &run[20..]), format!("{}-{room}", &run[12..]));
        let permits = Arc::clone(&permits);
        opening.spawn(async move {
            // The semaphore is never closed.
            let permit = permits.acquire_owned().await;
            let opened = match stage::open_room(&host, &name, &key).await {
                Ok(name) => stage::until_room_known(&host, &name).await.map(|()| name),
                Err(failure) => Err(failure),
            };
            drop(permit);
            (room, opened)
        });
    }
    let mut opened = vec![String::new(); rooms as usize];
    while let Some(outcome) = opening.join_next().await {
        let (room, name) =
            outcome.map_err(|error| Failure::System { what: "opening rooms", source: error.into() })?;
        opened[room] = name?;
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_and_the_dead_are_as_many_as_wanted() {
        let wanted = Wanted {
            viewers: 1_000,
            rooms: 1,
            per_room: 1_000,
            chatters: 0,
            hosts: false,
            named: false,
            slow_percent: 5.0,
            dead_percent: 2.0,
            dialect: Dialect::Plain,
            deflate: false,
            in_progress_max: 1,
            spin: false,
            seed: 1,
        };
        let count = |part: Part| (0..1_000).filter(|viewer| super::part(&wanted, *viewer) == part).count();
        assert_eq!((count(Part::Slow), count(Part::Dead)), (50, 20));
    }
}
