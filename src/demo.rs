//! `serve --demo`: two rooms with farm produce, one for each language of the pages. The hosts open one sale after the other and send off what
//! was paid, and a small crowd chats, hearts and buys. The crowd are sockets like everybody's, so that what you see is what viewers would make happen.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Running;
use crate::clock::Clock;
use crate::model::{Caller, Role, RoomId, Subject};

mod crowd;
mod parcels;
mod registry;
mod selling;
mod sponsoring;
mod stalls;

use stalls::{HILL, STALLS, Stall, VALLEY};

/// Links that open the pages, each with a token: a name and an address.
pub type Link = (&'static str, String);

pub struct Demo {
    pub links: [Link; 5],
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Demo {
    /// Fills an empty record; rooms that are there already are left as they are and only get their crowd back.
    pub async fn start(running: &Running, clock: &Clock) -> Result<Self, String> {
        let door = running.socket_door().await.map_err(|error| error.to_string())?;
        registry::register(running, clock).await.map_err(|error| error.to_string())?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        for (first, stall) in (0..).step_by(stalls::VALLEY.people.len()).zip(STALLS) {
            let host = stall.host();
            selling::prepare(running, stall, &host, clock).await?;
            tasks.spawn(selling::keep_selling(running.sales.clone(), stall, clock.clone(), stop.clone()));
            tasks.spawn(parcels::keep_sending(running.sales.clone(), stall, clock.clone(), stop.clone()));
            for (number, name) in (first..).zip(stall.people) {
                let token = token(running, &crowd::person(number, name), clock)?;
                tasks.spawn(crowd::live(door, token, number, stall, stop.clone()));
            }
        }
        tasks.close();
        Ok(Self { links: links(running, clock)?, tasks, stop })
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Stall {
    fn room(&self) -> RoomId {
        self.room.parse().expect("an id within bounds")
    }

    fn host(&self) -> Caller {
        caller(self.host, self.host_name, Role::Host)
    }
}

fn links(running: &Running, clock: &Clock) -> Result<[Link; 5], String> {
    let base = running.base();
    let you = token(running, &caller("you", "You", Role::Viewer), clock)?;
    let ops = token(running, &caller("ops", "Ops", Role::Ops), clock)?;
    let viewer = |stall: &Stall| format!("{base}/rooms/{}#token={you}", stall.room);
    let host = |stall: &Stall| {
        let token = token(running, &stall.host(), clock)?;
        Ok::<_, String>(format!("{base}/host#token={token}&room={}", stall.room))
    };
    Ok([
        ("viewer", viewer(&VALLEY)),
        ("host", host(&VALLEY)?),
        ("viewer-en", viewer(&HILL)),
        ("host-en", host(&HILL)?),
        ("ops", format!("{base}/ops#token={ops}")),
    ])
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

/// False: it is time to stop.
async fn pause(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}
