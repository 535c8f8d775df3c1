//! `serve --demo`: a room with farm produce, a host who opens one sale after the other, and a small crowd that chats, hearts and buys.
//! The crowd are sockets like everybody's, so that what you see is what viewers would make happen.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Running;
use crate::clock::Clock;
use crate::model::{Caller, Role, RoomId, Subject};

mod crowd;
mod goods;

const ROOM: &str = "apricot-valley";
const HOST: &str = "lin-family";
const PEOPLE: u64 = 16;

/// Links that open the three pages, each with a token.
pub struct Links {
    pub viewer: String,
    pub host: String,
    pub ops: String,
}

pub struct Demo {
    pub links: Links,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Demo {
    /// Fills an empty record; one that has the room already is left as it is and only gets its crowd back.
    pub async fn start(running: &Running, clock: &Clock) -> Result<Self, String> {
        let host = caller(HOST, "老林", Role::Host);
        goods::prepare(running, &host, clock).await?;
        let door = running.socket_door().await.map_err(|error| error.to_string())?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(goods::keep_selling(running.sales.clone(), host, clock.clone(), stop.clone()));
        for number in 0..PEOPLE {
            let who = crowd::person(number);
            let token = token(running, &who, clock)?;
            tasks.spawn(crowd::live(door, token, number, stop.clone()));
        }
        tasks.close();
        Ok(Self { links: links(running, clock)?, tasks, stop })
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

fn links(running: &Running, clock: &Clock) -> Result<Links, String> {
    let base = running.base();
    let viewer = token(running, &caller("you", "You", Role::Viewer), clock)?;
    let host = token(running, &caller(HOST, "老林", Role::Host), clock)?;
    let ops = token(running, &caller("ops", "Ops", Role::Ops), clock)?;
    Ok(Links {
        viewer: format!("{base}/rooms/{ROOM}#token={viewer}"),
        host: format!("{base}/host#token={host}&room={ROOM}"),
        ops: format!("{base}/ops#token={ops}"),
    })
}

fn caller(subject: &str, name: &str, role: Role) -> Caller {
    let subject: Subject = subject.parse().expect("a subject within bounds");
    Caller { subject, name: name.into(), role, room: None, county: None }
}

fn token(running: &Running, who: &Caller, clock: &Clock) -> Result<String, String> {
    const GOOD_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
    let now = clock.now();
    running.keys.sign(who, now, now + GOOD_FOR).map_err(|error| error.to_string())
}

fn room() -> RoomId {
    ROOM.parse().expect("an id within bounds")
}
