//! Listens to sharded pub/sub channels, each on the server that has its slot, over connections of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, Value, cmd};
use tokio::sync::{mpsc, watch};

use super::primaries::Primaries;
use super::settings::Address;
use super::{Shared, server};

/// Messages that wait for the listener: a node gets one per room and flush, so this is seconds of many rooms. When it is full, messages
/// are thrown away, and once there is room again the listener is told `Lost` and then `Subscribed` for every channel, as after a broken
/// connection.
const TOLD_MAX: usize = 4_096;
/// Between the connections and the task that passes on; as above.
const HEARD_MAX: usize = 4_096;
/// Wishes to subscribe that wait. When it is full, who wishes waits.
const WISHES_MAX: usize = 1_024;
/// How soon a channel that could not be subscribed is tried again, when nothing else happens meanwhile.
const RETRY_AFTER: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub struct Subscriber {
    wishes: mpsc::Sender<Wish>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Message {
        channel: String,
        payload: Bytes,
    },
    /// From here on the channel is heard. What was said before may have been missed, also when it comes again later.
    Subscribed {
        channel: String,
    },
    /// Some channels are not heard now. Each that still is, or is again, is told as `Subscribed` after this.
    Lost,
}

enum Wish {
    Subscribe(String),
    Unsubscribe(String),
}

/// What a connection heard, with the number of the connection.
enum Heard {
    Message { channel: String, payload: Bytes },
    Subscribed { channel: String, link: u64 },
    Unsubscribed { channel: String, link: u64 },
    Broken { link: u64 },
}

impl Subscriber {
    /// Heard once `Told::Subscribed` comes, and kept over broken connections until unsubscribed.
    pub async fn subscribe(&self, channel: &str) {
        self.wish(Wish::Subscribe(channel.to_owned())).await;
    }

    pub async fn unsubscribe(&self, channel: &str) {
        self.wish(Wish::Unsubscribe(channel.to_owned())).await;
    }

    async fn wish(&self, wish: Wish) {
        if self.wishes.send(wish).await.is_err() {
            tracing::debug!("the listener is gone, and so is the wish");
        }
    }
}

pub(super) fn start(shared: &Arc<Shared>) -> (Subscriber, mpsc::Receiver<Told>) {
    let (wishes, wished) = mpsc::channel(WISHES_MAX);
    let (told, listener) = mpsc::channel(TOLD_MAX);
    let (heard, hears) = mpsc::channel(HEARD_MAX);
    let listening = Listening {
        shared: Arc::downgrade(shared),
        channels: HashMap::new(),
        links: HashMap::new(),
        links_made: 0,
        heard,
        overflowed: Arc::default(),
        told,
    };
    tokio::spawn(listening.listen(wished, hears, shared.primaries.subscribe()));
    (Subscriber { wishes }, listener)
}

struct Listening {
    shared: Weak<Shared>,
    /// Every channel that is wished for, and on which connection it is heard.
    channels: HashMap<String, On>,
    links: HashMap<Address, Link>,
    links_made: u64,
    heard: mpsc::Sender<Heard>,
    overflowed: Arc<AtomicBool>,
    told: mpsc::Sender<Told>,
}

#[derive(Clone, Copy, PartialEq)]
enum On {
    Nowhere,
    /// Asked; the answer comes as `Heard::Subscribed`.
    Asked(u64),
    Heard(u64),
}

struct Link {
    number: u64,
    connection: MultiplexedConnection,
}

/// Why listening ends: nobody is there to be told any more.
struct Over;

impl Listening {
    async fn listen(
        mut self,
        mut wished: mpsc::Receiver<Wish>,
        mut hears: mpsc::Receiver<Heard>,
        mut primaries: watch::Receiver<Arc<Primaries>>,
    ) {
        loop {
            let missing = self.channels.values().any(|on| *on == On::Nowhere);
            let going_on = tokio::select! {
                wish = wished.recv() => match wish {
                    Some(wish) => self.grant(wish).await,
                    None => Err(Over),
                },
                Some(heard) = hears.recv() => self.pass_on(heard).await,
                changed = primaries.changed() => match changed {
                    Ok(()) => self.place_all().await,
                    Err(_) => Err(Over),
                },
                () = tokio::time::sleep(RETRY_AFTER), if missing => self.place_all().await,
            };
            if going_on.is_err() || self.after_overflow(&hears).await.is_err() {
                return;
            }
        }
    }

    async fn grant(&mut self, wish: Wish) -> Result<(), Over> {
        match wish {
            Wish::Subscribe(channel) => {
                if !self.channels.contains_key(&channel) {
                    self.channels.insert(channel.clone(), On::Nowhere);
                    self.place(&channel).await?;
                }
            }
            Wish::Unsubscribe(channel) => {
                if let Some(On::Asked(number) | On::Heard(number)) = self.channels.remove(&channel) {
                    self.withdraw(&channel, number).await;
                }
            }
        }
        Ok(())
    }

    async fn pass_on(&mut self, heard: Heard) -> Result<(), Over> {
        match heard {
            Heard::Message { channel, payload } if self.channels.contains_key(&channel) => {
                self.tell(Told::Message { channel, payload }).await
            }
            // Its last words after it was unsubscribed.
            Heard::Message { .. } => Ok(()),
            Heard::Subscribed { channel, link } => {
                if let Some(on) = self.channels.get_mut(&channel)
                    && *on == On::Asked(link)
                {
                    *on = On::Heard(link);
                    return self.tell(Told::Subscribed { channel }).await;
                }
                Ok(())
            }
            // Unasked: the slot went to another server.
            Heard::Unsubscribed { channel, link } => {
                let Some(on) = self.channels.get_mut(&channel) else { return Ok(()) };
                if *on != On::Heard(link) {
                    return Ok(());
                }
                *on = On::Nowhere;
                self.nudge();
                self.tell_lost().await
            }
            Heard::Broken { link } => self.lose(link).await,
        }
    }

    /// After the servers were looked at: every channel to where it belongs. A connection on which nobody answers is none.
    async fn place_all(&mut self) -> Result<(), Over> {
        let links: Vec<_> = self.links.values().map(|link| (link.number, link.connection.clone())).collect();
        for (number, mut connection) in links {
            if server::ask(&mut connection, &cmd("PING")).await.is_err() {
                self.lose(number).await?;
            }
        }
        let channels: Vec<String> = self.channels.keys().cloned().collect();
        for channel in channels {
            self.place(&channel).await?;
        }
        Ok(())
    }

    async fn place(&mut self, channel: &str) -> Result<(), Over> {
        let Some(shared) = self.shared.upgrade() else { return Err(Over) };
        let primary = shared.primaries.borrow().of_key(channel).map(|primary| primary.address.clone());
        let Some(address) = primary else { return Ok(()) };
        let on = self.channels.get(channel).copied().unwrap_or(On::Nowhere);
        if let (On::Asked(number) | On::Heard(number), Some(link)) = (on, self.links.get(&address))
            && number == link.number
        {
            return Ok(());
        }
        if let On::Asked(number) | On::Heard(number) = on {
            self.withdraw(channel, number).await;
            self.channels.insert(channel.to_owned(), On::Nowhere);
            if let On::Heard(_) = on {
                self.tell_lost().await?;
            }
        }
        let link = match self.links.get(&address) {
            Some(link) => (link.number, link.connection.clone()),
            None => match self.connect(&shared, address).await {
                Some(link) => link,
                None => return Ok(()),
            },
        };
        let (number, mut connection) = link;
        self.channels.insert(channel.to_owned(), On::Asked(number));
        if let Err(error) = server::ask(&mut connection, cmd("SSUBSCRIBE").arg(channel)).await {
            tracing::debug!(%error, channel, "a channel is not heard yet");
            // Whatever it was: a connection of its own is soon made anew.
            self.lose(number).await?;
        }
        Ok(())
    }

    async fn connect(&mut self, shared: &Shared, address: Address) -> Option<(u64, MultiplexedConnection)> {
        self.links_made += 1;
        let number = self.links_made;
        let (heard, overflowed) = (self.heard.clone(), Arc::clone(&self.overflowed));
        let on_push = move |push| {
            let Some(news) = news(push, number) else { return Ok(()) };
            if heard.try_send(news).is_err() {
                overflowed.store(true, Ordering::Release);
            }
            Ok(())
        };
        match server::open(&shared.settings, &address, on_push).await {
            Ok(connection) => {
                self.links.insert(address, Link { number, connection: connection.clone() });
                Some((number, connection))
            }
            Err(error) => {
                tracing::debug!(%error, "no connection to listen on yet");
                None
            }
        }
    }

    async fn withdraw(&mut self, channel: &str, number: u64) {
        let Some(link) = self.links.values().find(|link| link.number == number) else { return };
        let mut connection = link.connection.clone();
        if let Err(error) = server::ask(&mut connection, cmd("SUNSUBSCRIBE").arg(channel)).await {
            tracing::debug!(%error, channel, "a channel is unsubscribed with its connection");
        }
    }

    async fn lose(&mut self, number: u64) -> Result<(), Over> {
        self.links.retain(|_, link| link.number != number);
        let mut lost = false;
        for on in self.channels.values_mut() {
            if matches!(on, On::Asked(on) | On::Heard(on) if *on == number) {
                lost |= matches!(on, On::Heard(_));
                *on = On::Nowhere;
            }
        }
        if lost {
            self.tell_lost().await?;
        }
        self.nudge();
        Ok(())
    }

    /// Messages were thrown away, and perhaps more than messages: every connection is made anew.
    async fn after_overflow(&mut self, hears: &mpsc::Receiver<Heard>) -> Result<(), Over> {
        if !hears.is_empty() || !self.overflowed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        tracing::warn!("messages from Redis came faster than they were taken in; some are lost");
        let numbers: Vec<u64> = self.links.values().map(|link| link.number).collect();
        for number in numbers {
            self.lose(number).await?;
        }
        self.place_all().await
    }

    fn nudge(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.nudge.notify_one();
        }
    }

    async fn tell_lost(&self) -> Result<(), Over> {
        self.tell(Told::Lost).await?;
        for (channel, on) in &self.channels {
            if matches!(on, On::Heard(_)) {
                self.tell(Told::Subscribed { channel: channel.clone() }).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, told: Told) -> Result<(), Over> {
        self.told.send(told).await.map_err(|_| Over)
    }
}

fn news(push: PushInfo, link: u64) -> Option<Heard> {
    let PushInfo { kind, data } = push;
    let mut data = data.into_iter();
    let mut bytes = || match data.next() {
        Some(Value::BulkString(bytes)) => Some(bytes),
        _ => None,
    };
    match kind {
        PushKind::Disconnection => Some(Heard::Broken { link }),
        PushKind::SMessage => {
            Some(Heard::Message { channel: text(bytes()?)?, payload: Bytes::from(bytes()?) })
        }
        PushKind::SSubscribe => Some(Heard::Subscribed { channel: text(bytes()?)?, link }),
        PushKind::SUnsubscribe => Some(Heard::Unsubscribed { channel: text(bytes()?)?, link }),
        _ => None,
    }
}

/// Channels are named by us.
fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}
