//! A room that other nodes have too. Chat goes into this node's lanes at once and to the others in the next parcel; a critical publication is
//! told when it has its place in the order of the room, here as everywhere, or, when nobody gives it one, here alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use apricot_proto::v1::publication::Body;
use tokio::sync::Notify;

use super::{Floor, LiveRoom};
use crate::model::room::ChatLine;
use crate::model::{RoomId, SaleId, StreamPosition, Timestamp};
use crate::room::amendment::Closes;
use crate::room::awaited::Awaited;
use crate::room::lanes::Lanes;
use crate::room::meters;
use crate::room::outbox::Outbox;
use crate::room::parcel::{
    CRITICAL_WAITING_MAX, Critical, FACTS_WAITING_MAX, Fact, LINES_WAITING_MAX, Line, Outgoing,
    PERSONAL_WAITING_MAX, Personal,
};
use crate::room::sequence::{Gap, Sequence};
use crate::sale::SaleView;
use crate::store::broker::{self, Hearts, Standing};

/// Chat and news of orders are gathered this long after a parcel went: at most 200 calls a second for a busy room.
const PACE: Duration = Duration::from_millis(5);

/// What the floor of such a room has beside the lanes.
pub(super) struct Shared {
    pub(super) id: RoomId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) outgoing: Outgoing,
    pub(super) sequence: Sequence,
    /// How many critical publications this node has said.
    pub(super) said: u64,
    /// Somebody sends for this room, or has been called.
    pub(super) called: bool,
    /// The last parcel was not taken: until the next one is, everything is told here at once.
    pub(super) cut_off: bool,
    /// The backlog is being read: only it says what comes next.
    pub(super) filling: bool,
    /// The epoch that must end, because viewers here were told something that has no place in it.
    pub(super) renews: Option<u64>,
    pub(super) hearts: Counted,
    /// The last parcel went at that time.
    pub(super) sent_at: Option<Instant>,
    /// Somebody who gathers is told that there is something critical.
    pub(super) hurry: Arc<Notify>,
    /// Of the record and of sales, what viewers here were told.
    pub(super) told_version: u64,
    pub(super) told_sales: HashMap<SaleId, u64>,
    /// Found in the record and not told, when it was last looked at.
    pub(super) missing_version: u64,
    pub(super) missing_sales: HashMap<SaleId, (SaleView, Timestamp)>,
    pub(super) awaited: Awaited,
}

/// Of all nodes together.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) known: u64,
    /// Of this node, in `known`.
    pub(super) ours: u64,
    /// It never falls, though a count that was on its way may be counted twice for a moment.
    pub(super) shown: u64,
}

/// A parcel on its way.
pub struct Taken {
    pub parcel: broker::Parcel,
    outgoing: Outgoing,
    renews: Option<u64>,
}

impl Shared {
    pub(super) fn new(id: RoomId, outbox: Arc<Outbox>) -> Self {
        Self {
            id,
            outbox,
            outgoing: Outgoing::default(),
            sequence: Sequence::default(),
            said: 0,
            called: false,
            cut_off: false,
            filling: false,
            renews: None,
            hearts: Counted::default(),
            sent_at: None,
            hurry: Arc::default(),
            told_version: 0,
            told_sales: HashMap::new(),
            missing_version: 0,
            missing_sales: HashMap::new(),
            awaited: Awaited::default(),
        }
    }

    /// Calls a sender, unless one is there already.
    pub(super) fn call(&mut self) {
        if !std::mem::replace(&mut self.called, true) {
            self.outbox.call(self.id.clone());
        }
    }

    pub(super) fn pass_line(&mut self) {
        self.outgoing.lines_passed = self.outgoing.lines_passed.saturating_add(1);
        self.call();
    }

    pub(super) fn put_line(&mut self, line: ChatLine, always: bool) {
        if self.outgoing.lines.len() < LINES_WAITING_MAX {
            self.outgoing.lines.push(Line { line, always });
        } else {
            metrics::counter!(meters::UNSENT, "what" => "line").increment(1);
        }
        self.call();
    }

    pub(super) fn put_personal(&mut self, personal: Personal) {
        if self.outgoing.personal.len() < PERSONAL_WAITING_MAX {
            self.outgoing.personal.push_back(personal);
        } else {
            metrics::counter!(meters::UNSENT, "what" => "personal").increment(1);
        }
        self.call();
    }

    pub(super) fn put_fact(&mut self, fact: Fact) {
        if self.outgoing.facts.len() < FACTS_WAITING_MAX {
            self.outgoing.facts.push(fact);
        } else {
            metrics::counter!(meters::UNSENT, "what" => "fact").increment(1);
        }
        self.call();
    }

    /// What is shown, with those that only this node knows of. `ours`: given on this node.
    pub(super) fn hearts(&mut self, ours: u64) -> u64 {
        let Counted { known, ours: counted, shown } = &mut self.hearts;
        *shown = (*known + ours.saturating_sub(*counted)).max(*shown);
        *shown
    }

    /// Hearts are sent with the state, not each by itself.
    pub(super) fn send_hearts(&mut self, ours: u64) {
        if self.hearts.ours < ours {
            self.outgoing.anything = true;
            self.call();
        }
    }

    /// What the broker compares its own with.
    pub(super) fn stands(&self, lanes: &Lanes, renews: Option<u64>) -> Option<StreamPosition> {
        let StreamPosition { epoch, offset } = lanes.position();
        let epoch = renews.or(self.sequence.follows().then_some(epoch))?;
        Some(StreamPosition { epoch, offset })
    }
}

impl LiveRoom {
    /// Given in this room, on all nodes as far as this one knows. Only grows while the node runs.
    pub fn hearts(&self) -> u64 {
        let ours = self.hearts.load(Ordering::Relaxed);
        self.floor().shared.as_mut().map_or(ours, |shared| shared.hearts(ours))
    }

    /// How long what waits may still be gathered. `None`: nothing waits, and nobody sends for this room any more.
    pub fn waits(&self, now: Instant) -> Option<Duration> {
        let mut floor = self.floor();
        let shared = floor.shared.as_mut()?;
        shared.called = !shared.outgoing.is_empty();
        let due = shared.sent_at.filter(|_| shared.outgoing.critical.is_empty()).map(|at| at + PACE);
        shared.called.then(|| due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now)))
    }

    /// Rings when something critical waits.
    pub fn hurry(&self) -> Arc<Notify> {
        self.floor().shared.as_ref().map_or_else(Arc::default, |shared| shared.hurry.clone())
    }

    /// `new_epoch`: any random number.
    pub fn take_parcel(&self, new_epoch: u64, now: Instant) -> Option<Taken> {
        let ours = self.hearts.load(Ordering::Relaxed);
        let mut floor = self.floor();
        let viewers = floor.viewers();
        let Floor { shared, lanes, .. } = &mut *floor;
        let shared = shared.as_mut()?;
        shared.sent_at = Some(now);
        let mut outgoing = shared.outgoing.take();
        let Counted { known, ours: counted, .. } = shared.hearts;
        outgoing.hearts = ours.saturating_sub(counted);
        let renews = shared.renews;
        let parcel = broker::Parcel {
            hearts: Hearts { more: outgoing.hearts, known },
            told: shared.stands(lanes, renews),
            told_name: match renews {
                None => shared.sequence.name_at(lanes.position().offset),
                // It ends all the same.
                Some(_) => String::new(),
            },
            renews,
            raises: renews.is_some_and(|epoch| epoch != lanes.position().epoch),
            new_epoch,
            ..outgoing.encode(shared.outbox.node, viewers)
        };
        Some(Taken { parcel, outgoing, renews })
    }

    /// The parcel was taken. What came of it is heard like that of every other node; when it is next in the order, there is no need to wait.
    pub fn was_taken(&self, taken: Taken, standing: Standing) {
        let Taken { parcel, outgoing, renews } = taken;
        let mut floor = self.floor();
        let Some(shared) = &mut floor.shared else { return };
        shared.cut_off = false;
        let owed = shared.outgoing.critical.iter().any(|critical| shared.sequence.was_told(critical));
        shared.renews = shared.renews.filter(|epoch| owed || Some(*epoch) != renews);
        shared.hearts.ours += outgoing.hearts;
        shared.hearts.known = shared.hearts.known.max(standing.hearts);
        let surely_all = !parcel.again && outgoing.critical.iter().all(|critical| critical.once.is_empty());
        if surely_all
            && !shared.filling
            && let Err(Gap) = floor.hear_critical(standing, outgoing.critical.into())
        {
            // Somebody else was quicker: who attends the room hears of both.
            tracing::trace!("a publication waits for the one before it");
        }
    }

    /// Nobody took the parcel, or nobody said so. Viewers here are told at once; the others later.
    pub fn was_not_taken(&self, taken: Taken) {
        let mut floor = self.floor();
        let mut critical = taken.outgoing.critical;
        critical.iter_mut().for_each(|critical| critical.tried = true);
        let later = match &mut floor.shared {
            Some(shared) => {
                shared.cut_off = true;
                shared.outgoing.anything = true;
                std::mem::take(&mut shared.outgoing.critical)
            }
            None => return,
        };
        for critical in critical.into_iter().chain(later) {
            floor.tell_beside_once(&critical);
            floor.put_critical(critical);
        }
        if let Some(shared) = &mut floor.shared {
            // What came since stays behind it: a ban and its pardon must not change places.
            let later = std::mem::replace(&mut shared.outgoing.personal, taken.outgoing.personal);
            later.into_iter().for_each(|personal| shared.put_personal(personal));
            let later = std::mem::replace(&mut shared.outgoing.facts, taken.outgoing.facts);
            later.into_iter().for_each(|fact| shared.put_fact(fact));
        }
        let lines = u64::try_from(taken.outgoing.lines.len()).unwrap_or(u64::MAX);
        metrics::counter!(meters::UNSENT, "what" => "line").increment(lines);
    }
}

impl Floor {
    /// Says it to all nodes. False: there are none.
    pub(super) fn share(
        &mut self,
        body: &Body,
        fact: &Fact,
        closes: Option<&Closes>,
        once: &str,
        at: Timestamp,
    ) -> bool {
        let Some(shared) = &mut self.shared else { return false };
        if !once.is_empty() && shared.outgoing.critical.iter().any(|critical| critical.once == once) {
            return true;
        }
        shared.said += 1;
        let critical = Critical {
            node: shared.outbox.node,
            number: shared.said,
            at,
            body: Some(body.clone()),
            fact: fact.clone(),
            closes: closes.cloned(),
            once: once.to_owned(),
            tried: false,
        };
        if shared.cut_off {
            self.tell_beside_once(&critical);
        }
        self.put_critical(critical);
        true
    }

    fn put_critical(&mut self, critical: Critical) {
        let Some(shared) = &mut self.shared else { return };
        let oldest = (shared.outgoing.critical.len() >= CRITICAL_WAITING_MAX)
            .then(|| shared.outgoing.critical.pop_front())
            .flatten();
        shared.outgoing.critical.push_back(critical);
        shared.call();
        shared.hurry.notify_one();
        if let Some(oldest) = oldest {
            metrics::counter!(meters::UNSENT, "what" => "critical").increment(1);
            self.tell_beside_once(&oldest);
        }
    }

    pub(super) fn tell_beside_once(&mut self, critical: &Critical) {
        let epoch = self.lanes.position().epoch;
        let Some(shared) = &mut self.shared else { return };
        if shared.sequence.was_told(critical) {
            return;
        }
        shared.sequence.tell(critical);
        // Only what will get a place later is in the way of the epoch.
        if critical.node == shared.outbox.node && shared.sequence.follows() {
            shared.renews = Some(epoch);
        }
        self.tell_beside(critical.clone());
    }
}
