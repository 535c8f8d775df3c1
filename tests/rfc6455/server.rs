//! One server for all tests that run at the same time: what one hostile client does must not disturb the others.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};

use apricot::app::{App, Running};
use apricot::clock::Clock;
use apricot::config::Config;
use apricot::model::{Caller, Role, Room, RoomState};
use tokio::runtime::{Builder, Runtime};

pub const ROOM: &str = "orchard";

pub struct Server {
    running: Running,
    clock: Clock,
    /// Taken out to be shut down without waiting: a test may have left a socket open.
    runtime: Option<Runtime>,
    _data: tempfile::TempDir,
}

impl Server {
    /// The one that other tests use already, or a new one.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = Config {
            listen: "127.0.0.1:0".parse().expect("an address"),
            data: data.path().into(),
            ..Config::default()
        };
        config.limits.rates = false;
        // All lines are shown, however many tests talk at once.
        config.limits.readable_lines_per_s = 10_000;
        let clock = Clock::System;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let running = runtime.block_on(async {
            let running = App::start(config, clock.clone()).await.expect("started");
            let (host, now) = (caller("li", Role::Host), clock.now());
            let room = room(&host);
            let id = room.id.clone();
            running.hub.create_room(room, &host, None, now).await.expect("a room");
            running
                .hub
                .change_state(&id, RoomState::Live, String::new(), &host, None, now)
                .await
                .expect("live");
            running
        });
        Self { running, clock, runtime: Some(runtime), _data: data }
    }

    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    pub fn viewer_token(&self, subject: &str) -> String {
        let now = self.clock.now();
        let until = now + std::time::Duration::from_secs(600);
        self.running.keys.sign(&caller(subject, Role::Viewer), now, until).expect("a token")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn caller(subject: &str, role: Role) -> Caller {
    let subject = subject.parse().expect("a subject");
    Caller { subject, name: "Lin".into(), role, room: None, county: None }
}

fn room(host: &Caller) -> Room {
    Room {
        place: "Gansu".into(),
        ..Room::new(ROOM.parse().expect("an id"), "Apricots", host.subject.clone(), "Li")
    }
}
