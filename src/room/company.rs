//! A few nodes with one record, for this layer's tests, and viewers who wait for what they should hear.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use apricot_proto::v1::{self, publication::Body};
use prost::Message;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bell::Bell;
use super::scene::{NOW, host, joined, room};
use super::session::Arrival;
use super::{CloseCode, Format, Hub, Limits, Session};
use crate::clock::{Clock, random_u64};
use crate::ledger::{CommissionRules, Ledger};
use crate::model::{Caller, RoomId, RoomState, Share, StreamPosition, Timestamp};
use crate::sale::{SaleRules, Sales};
use crate::store::redis::{Redis, RedisSettings};
use crate::store::{Broker, Inventory, Journal};

/// Longer than anything here may take; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Company {
    /// The first node's.
    pub journal: Journal,
    pub clock: Clock,
    pub nodes: Vec<Node>,
    _folder: Option<tempfile::TempDir>,
}

pub struct Node {
    pub hub: Hub,
    stop: CancellationToken,
    tasks: tokio_util::task::TaskTracker,
}

impl Company {
    /// With the live room of `scene`. One node alone, or one for each way to Redis.
    pub async fn of(ways: &[RedisSettings]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(&folder.path().join("record.db"), 1, NOW).expect("a record");
        Self::on(journal, ways, Some(folder)).await
    }

    pub async fn on(journal: Journal, ways: &[RedisSettings], folder: Option<tempfile::TempDir>) -> Self {
        let clock = Clock::manual(NOW);
        let mut company = Self { journal, clock, nodes: Vec::new(), _folder: folder };
        if ways.is_empty() {
            let (broker, listener) = Broker::local();
            company.add(company.journal.clone(), broker, listener).await;
        }
        for way in ways {
            company.join(way.clone()).await;
        }
        let hub = &company.nodes[0].hub;
        if hub.view(&orchard(), &host()).is_err() {
            hub.create_room(room(RoomState::Scheduled), &host(), None, NOW).await.expect("a room");
            hub.change_state(&orchard(), RoomState::Live, String::new(), &host(), None, NOW)
                .await
                .expect("live");
        }
        for node in &company.nodes {
            node.hub.ensure(&orchard()).await;
        }
        company
    }

    /// One more node.
    pub async fn join(&mut self, way: RedisSettings) {
        self.join_by(self.journal.clone(), way).await;
    }

    /// One that reaches the record in its own way.
    pub async fn join_by(&mut self, journal: Journal, way: RedisSettings) {
        let redis = Redis::connect(way).await.expect("a Redis");
        let (broker, listener) = Broker::redis(redis);
        self.add(journal, broker, listener).await;
    }

    async fn add(&mut self, journal: Journal, broker: Broker, listener: crate::store::broker::Listener) {
        let share = Share::ppm(50_000).expect("in bounds");
        let rules = CommissionRules { by_category: HashMap::new(), other: share };
        let ledger = Ledger::new(journal.clone(), rules);
        let rules = SaleRules {
            waiting_list_max: 10,
            offer_for: Duration::from_secs(60),
            auto_confirm_after: Duration::from_secs(86_400),
        };
        let (news, told) = mpsc::channel(64);
        let sales = Sales::new(ledger, Inventory::default(), rules, news, mpsc::channel(64).0);
        let limits = Limits { rates: false, ..Limits::default() };
        let hub = Hub::open(journal, sales, broker, limits, random_u64).await.expect("a hub");
        let (stop, tasks) = (CancellationToken::new(), tokio_util::task::TaskTracker::new());
        let now = self.clock.clone();
        tasks.spawn(hub.clone().run(told, move || now.now(), stop.clone()));
        let name = format!("node-{}", self.nodes.len() + 1);
        tasks.spawn(hub.clone().exchange(listener, name, self.clock.clone(), stop.clone()));
        tasks.close();
        self.nodes.push(Node { hub, stop, tasks });
    }

    pub fn here(&self) -> &Hub {
        &self.nodes[0].hub
    }

    /// The other node, where there is one.
    pub fn there(&self) -> &Hub {
        &self.nodes.last().expect("a node").hub
    }
}

impl Node {
    /// Says goodbye to the others.
    pub async fn leave(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn orchard() -> RoomId {
    room(RoomState::Live).id
}

/// Somebody in the room who reads all that comes.
pub struct Guest {
    pub session: Session,
    pub joined: v1::Joined,
    /// All publications since it came in, direct ones too.
    pub heard: Vec<v1::Publication>,
    pub closed: Option<CloseCode>,
    bell: Arc<Bell>,
    knock: Arc<Knock>,
}

#[derive(Default)]
struct Knock(Notify);

impl Wake for Knock {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl Guest {
    pub async fn of(hub: &Hub, who: Caller) -> Self {
        Self::back(hub, who, None).await
    }

    /// With the position that it had.
    pub async fn back(hub: &Hub, who: Caller, position: Option<StreamPosition>) -> Self {
        Self::at(hub, who, position, NOW).await
    }

    pub async fn at(hub: &Hub, who: Caller, position: Option<StreamPosition>, now: Timestamp) -> Self {
        let connection = hub.connect().expect("space");
        let arrival = Arrival::new(hub.clone(), connection, orchard(), Format::Proto);
        let (session, first) = arrival.join(who, position, now).await.expect("inside");
        let knock = Arc::new(Knock::default());
        let bell = Arc::new(Bell::new(Waker::from(knock.clone())));
        session.room().read_by(&bell, 0);
        session.outlet().read_by(bell.clone(), 1);
        Self { session, joined: joined(first), heard: Vec::new(), closed: None, bell, knock }
    }

    /// Where its client stands, by what it has read.
    pub fn position(&self) -> StreamPosition {
        let StreamPosition { epoch, offset } = self.joined_at();
        let read = self.critical().map(|said| said.offset).max().unwrap_or(0);
        StreamPosition { epoch, offset: offset.max(read) }
    }

    pub fn joined_at(&self) -> StreamPosition {
        let v1::StreamPosition { epoch, offset } = self.joined.position.expect("a position");
        StreamPosition { epoch, offset }
    }

    pub fn critical(&self) -> impl Iterator<Item = &v1::Publication> {
        self.heard.iter().filter(|said| said.lane == i32::from(v1::Lane::Critical))
    }

    pub fn notices(&self) -> Vec<&str> {
        let text = |said: &'_ v1::Publication| matches!(said.body, Some(Body::Notice(_)));
        let notices = self.heard.iter().filter(|said| text(said));
        notices
            .map(|said| match &said.body {
                Some(Body::Notice(notice)) => notice.text.as_str(),
                _ => "",
            })
            .collect()
    }

    pub fn lines(&self) -> Vec<&str> {
        let line = |said: &'_ v1::Publication| matches!(said.body, Some(Body::Chat(_)));
        let lines = self.heard.iter().filter(|said| line(said));
        lines
            .map(|said| match &said.body {
                Some(Body::Chat(line)) => line.text.as_str(),
                _ => "",
            })
            .collect()
    }

    pub fn state(&self) -> v1::LiveState {
        let states = self.heard.iter().rev().filter_map(|said| match &said.body {
            Some(Body::State(state)) => Some(state.clone()),
            _ => None,
        });
        states.chain(self.joined.state.clone()).next().unwrap_or_else(v1::LiveState::default)
    }

    /// Reads until it has what it should. Fails with all that it heard when that does not come.
    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = timeout(PATIENCE, async {
            loop {
                self.read();
                if done(self) {
                    return;
                }
                if self.bell.may_rest() {
                    self.knock.0.notified().await;
                }
            }
        });
        if waited.await.is_err() {
            panic!("waited in vain until {what}; heard {:#?}, closed {:?}", self.heard, self.closed);
        }
    }

    pub fn read(&mut self) {
        self.bell.take(&mut Vec::new());
        let (direct, close) = self.session.outlet().take();
        let head = self.session.room().look(&self.bell);
        match self.session.flush(head) {
            Ok(None) => {}
            Ok(Some(flush)) => {
                self.session.has_read(flush.cursor);
                self.take(&flush.bytes);
            }
            Err(code) => self.closed = Some(code),
        }
        if let Some(direct) = direct {
            self.take(&direct);
        }
        self.closed = self.closed.or(close);
    }

    fn take(&mut self, bytes: &[u8]) {
        self.heard.extend(v1::Batch::decode(bytes).expect("a batch").publications);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.session.room().not_read_by(&self.bell);
    }
}

/// Waits for what is told to no viewer.
pub async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let looked = timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    looked.await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}
