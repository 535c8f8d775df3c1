//! The nodes that this one has heard of, and how many viewers each has in which room.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apricot_proto::cluster;
use prost::Message;

use super::meters;
use super::parcel::{Fact, NodeId};
use crate::model::{RoomId, Timestamp};

/// A node says that it is there every second; who has missed this many is gone, and its viewers with it.
const GONE_AFTER: Duration = Duration::from_secs(6);
/// Nodes that are remembered: a hundred is the largest deployment of docs/scaling.md; what is above it is somebody's mistake.
const NODES_MAX: usize = 1_024;
/// Rooms with viewers on one node, 60 B each. A node with more says the first ones.
pub const ROOMS_SAID_MAX: usize = 10_000;

/// A node that went without a goodbye is shown for so long.
const SILENT_FOR: Duration = Duration::from_secs(10 * 60);
/// Of those; the newest.
const SILENT_MAX: usize = 64;

#[derive(Debug, Default)]
pub struct Nodes {
    heard: Mutex<HashMap<NodeId, Heard>>,
    /// Those that went without a goodbye, oldest first.
    silent: Mutex<VecDeque<NodeView>>,
}

/// A node as it last spoke of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    pub id: NodeId,
    /// Empty: only its parcels were heard yet.
    pub name: String,
    pub version: String,
    pub started_at: Timestamp,
    /// Open seats over all rooms.
    pub viewers: u64,
    /// Rooms with viewers.
    pub rooms: usize,
    pub heard_at: Timestamp,
    /// It takes nobody in any more.
    pub draining: bool,
}

#[derive(Debug, Default)]
struct Heard {
    name: String,
    version: String,
    started_at: Timestamp,
    rooms: HashMap<RoomId, u32>,
    heard_at: Timestamp,
    draining: bool,
}

/// What a node tells all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    pub node: NodeId,
    pub name: String,
    pub version: String,
    pub started_at: Timestamp,
    /// `None`: nothing is said of them.
    pub rooms: Option<HashMap<RoomId, u32>>,
    pub changed: Vec<(RoomId, Fact)>,
    /// Its last word.
    pub leaving: bool,
    pub draining: bool,
    /// Nodes that were told this one to drain.
    pub drains: Vec<NodeId>,
}

impl Nodes {
    /// The rooms whose count may have changed.
    pub fn heed(&self, announcement: &Announcement, now: Timestamp) -> Vec<RoomId> {
        let Announcement { node, name, version, started_at, rooms, leaving, draining, .. } = announcement;
        self.silent().retain(|gone| gone.name != *name);
        let mut nodes = self.lock();
        if *leaving {
            return nodes.remove(node).map_or_else(Vec::new, |gone| gone.rooms.into_keys().collect());
        }
        if nodes.len() >= NODES_MAX && !nodes.contains_key(node) {
            return Vec::new();
        }
        let heard = nodes.entry(*node).or_default();
        (heard.name, heard.version) = (name.clone(), version.clone());
        (heard.started_at, heard.heard_at, heard.draining) = (*started_at, now, *draining);
        let mut changed = Vec::new();
        if let Some(rooms) = rooms {
            let before = std::mem::replace(&mut heard.rooms, rooms.clone());
            let differs = |room: &&RoomId| before.get(*room) != rooms.get(*room);
            changed.extend(rooms.keys().filter(differs).cloned());
            changed.extend(before.keys().filter(|room| !rooms.contains_key(*room)).cloned());
        }
        // An earlier life of this node was killed, and its viewers are elsewhere.
        let earlier =
            |heard: &Heard| heard.name == *name && !name.is_empty() && heard.started_at < *started_at;
        for (_, gone) in nodes.extract_if(|_, heard| earlier(heard)) {
            changed.extend(gone.rooms.into_keys());
        }
        changed
    }

    /// By a parcel of the room. True: the count changed.
    pub fn count(&self, node: NodeId, room: &RoomId, viewers: u32, now: Timestamp) -> bool {
        let mut nodes = self.lock();
        if nodes.len() >= NODES_MAX && !nodes.contains_key(&node) {
            return false;
        }
        let heard = nodes.entry(node).or_default();
        heard.heard_at = now;
        let before = match viewers {
            0 => heard.rooms.remove(room),
            _ => heard.rooms.insert(room.clone(), viewers),
        };
        before.unwrap_or(0) != viewers
    }

    /// Viewers of the room on nodes other than `us`.
    pub fn elsewhere(&self, us: NodeId, room: &RoomId) -> u32 {
        let nodes = self.lock();
        let counts =
            nodes.iter().filter(|(node, _)| **node != us).filter_map(|(_, heard)| heard.rooms.get(room));
        counts.fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The rooms of those that are gone.
    pub fn forget_gone(&self, now: Timestamp) -> Vec<RoomId> {
        let mut silent = self.silent();
        silent.retain(|gone| now < gone.heard_at + SILENT_FOR);
        let mut nodes = self.lock();
        let mut rooms = Vec::new();
        nodes.retain(|id, heard| {
            let here = now < heard.heard_at + GONE_AFTER;
            if !here {
                // Of one whose parcels alone were heard there is nothing to say.
                silent.extend((!heard.name.is_empty()).then(|| heard.view(*id)));
                rooms.extend(std::mem::take(&mut heard.rooms).into_keys());
            }
            here
        });
        while silent.len() > SILENT_MAX {
            silent.pop_front();
        }
        metrics::gauge!(meters::NODES).set(nodes.len() as f64);
        rooms
    }

    /// Those that went without a goodbye in the last ten minutes, oldest first.
    pub fn silent_views(&self) -> Vec<NodeView> {
        self.silent().iter().cloned().collect()
    }

    /// By their start.
    pub fn views(&self) -> Vec<NodeView> {
        let nodes = self.lock();
        let mut views: Vec<NodeView> = nodes.iter().map(|(id, heard)| heard.view(*id)).collect();
        views.sort_by_key(|view| (view.started_at, view.id));
        views
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locked before the others where both are.
    fn silent(&self) -> MutexGuard<'_, VecDeque<NodeView>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn view(&self, id: NodeId) -> NodeView {
        NodeView {
            id,
            name: self.name.clone(),
            version: self.version.clone(),
            started_at: self.started_at,
            viewers: self.rooms.values().map(|count| u64::from(*count)).sum(),
            rooms: self.rooms.len(),
            heard_at: self.heard_at,
            draining: self.draining,
        }
    }
}

impl Announcement {
    pub fn encode(&self) -> Vec<u8> {
        let rooms = self.rooms.iter().flatten().take(ROOMS_SAID_MAX);
        let changed = self.changed.iter();
        let message = cluster::Announcement {
            node: self.node.0,
            name: self.name.clone(),
            version: self.version.clone(),
            started_at_ms: self.started_at.millis(),
            counts: self.rooms.is_some(),
            rooms: rooms
                .map(|(room, viewers)| cluster::RoomViewers { room: room.to_string(), viewers: *viewers })
                .collect(),
            changed: changed
                .map(|(room, fact)| cluster::RoomChanged {
                    room: room.to_string(),
                    fact: Some(fact.message()),
                })
                .collect(),
            leaving: self.leaving,
            draining: self.draining,
            drains: self.drains.iter().map(|node| node.0).collect(),
        };
        message.encode_to_vec()
    }

    /// `None`: no node says that.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let message = cluster::Announcement::decode(bytes).ok()?;
        if message.rooms.len().max(message.drains.len()) > ROOMS_SAID_MAX
            || message.name.len() > 80
            || message.version.len() > 80
        {
            return None;
        }
        let rooms = message.rooms.into_iter().map(|said| Some((said.room.parse().ok()?, said.viewers)));
        let rooms = rooms.collect::<Option<HashMap<RoomId, u32>>>()?;
        let changed = message.changed.into_iter();
        Some(Self {
            node: NodeId(message.node),
            name: message.name,
            version: message.version,
            started_at: Timestamp(message.started_at_ms),
            rooms: message.counts.then_some(rooms),
            changed: changed
                .map(|said| Some((said.room.parse().ok()?, Fact::read(said.fact?)?)))
                .collect::<Option<_>>()?,
            leaving: message.leaving,
            draining: message.draining,
            drains: message.drains.into_iter().map(NodeId).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(name: &str) -> RoomId {
        name.parse().expect("an id")
    }

    fn announcement(node: u64, rooms: &[(&str, u32)]) -> Announcement {
        Announcement {
            node: NodeId(node),
            name: format!("node-{node}"),
            version: "1".into(),
            started_at: Timestamp(5),
            rooms: Some(rooms.iter().map(|(name, viewers)| (room(name), *viewers)).collect()),
            changed: vec![(room("orchard"), Fact { room_version: 2, ..Fact::default() })],
            leaving: false,
            draining: true,
            drains: vec![NodeId(9)],
        }
    }

    #[test]
    fn who_goes_without_a_goodbye_is_remembered_for_a_while() {
        let (nodes, now) = (Nodes::default(), Timestamp(1_000));
        nodes.heed(&announcement(2, &[]), now);
        nodes.heed(&announcement(3, &[]), now);
        nodes.heed(&Announcement { leaving: true, ..announcement(3, &[]) }, now);
        nodes.forget_gone(now + GONE_AFTER);
        let silent = nodes.silent_views();
        assert_eq!(silent.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["node-2"]);
        nodes.forget_gone(now + SILENT_FOR);
        assert_eq!(nodes.silent_views(), []);

        nodes.heed(&announcement(4, &[]), now);
        nodes.forget_gone(now + GONE_AFTER);
        let again = Announcement { name: "node-4".into(), ..announcement(5, &[]) };
        nodes.heed(&again, now + GONE_AFTER);
        assert_eq!(nodes.silent_views(), [], "it is back");
    }

    #[test]
    fn counts_add_up_and_go_with_their_node() {
        let (nodes, us, now) = (Nodes::default(), NodeId(1), Timestamp(1_000));
        let changed = nodes.heed(&announcement(2, &[("orchard", 3), ("barn", 1)]), now);
        assert_eq!(changed.len(), 2);
        assert_eq!(nodes.heed(&announcement(2, &[("orchard", 3), ("barn", 1)]), now), []);
        nodes.heed(&announcement(1, &[("orchard", 40)]), now);
        assert!(nodes.count(NodeId(3), &room("orchard"), 4, now + Duration::from_secs(3)));
        assert!(!nodes.count(NodeId(3), &room("orchard"), 4, now + Duration::from_secs(3)));
        assert_eq!(nodes.elsewhere(us, &room("orchard")), 7, "ours are counted by us");
        assert_eq!(nodes.heed(&announcement(2, &[("orchard", 3)]), now), [room("barn")]);
        assert_eq!(nodes.views().iter().map(|view| view.viewers).sum::<u64>(), 47);
        let mut gone = nodes.forget_gone(now + GONE_AFTER);
        gone.sort();
        assert_eq!(gone, [room("orchard"), room("orchard")]);
        assert_eq!(nodes.elsewhere(us, &room("orchard")), 4);
        let leaving = Announcement { leaving: true, ..announcement(3, &[]) };
        assert_eq!(nodes.heed(&leaving, now), [room("orchard")]);
        assert_eq!(nodes.elsewhere(us, &room("orchard")), 0);
    }

    #[test]
    fn a_node_that_was_started_again_is_one() {
        let (nodes, now) = (Nodes::default(), Timestamp(1_000));
        let named = |node, started, rooms: &[_]| {
            let started_at = Timestamp(started);
            Announcement { name: "node".into(), started_at, ..announcement(node, rooms) }
        };
        nodes.heed(&named(2, 5, &[("orchard", 3)]), now);
        nodes.heed(&announcement(3, &[("orchard", 1)]), now);
        assert_eq!(nodes.heed(&named(4, 6, &[]), now), [room("orchard")]);
        assert_eq!(nodes.elsewhere(NodeId(1), &room("orchard")), 1);
        assert_eq!(nodes.views().len(), 2);
    }

    #[test]
    fn what_is_announced_is_read() {
        let said = announcement(7, &[("orchard", 3)]);
        assert_eq!(Announcement::read(&said.encode()), Some(said));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_in_panics(noise in prop::collection::vec(any::<u8>(), 0..200), at in 0..200usize, flip in 1..=255u8) {
            Announcement::read(&noise);
            let mut real = announcement(7, &[("orchard", 3)]).encode();
            let at = at % real.len();
            real[at] ^= flip;
            Announcement::read(&real);
            Announcement::read(&real[..at]);
        }
    }
}
