//! What other nodes say to a room, and what comes back of this one's own words: told in the order of the room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use apricot_proto::v1::publication::Body;

use super::{Floor, LiveRoom, SeatKey};
use crate::contract;
use crate::model::room::{ChatLine, Sanction};
use crate::model::{OrderId, Product, Room, StreamPosition, Subject, Timestamp};
use crate::room::amendment::Closes;
use crate::room::bell::Urgency;
use crate::room::meters;
use crate::room::parcel::{Critical, Fact, Heard, Line, Personal};
use crate::room::publication::direct;
use crate::room::sequence::{Gap, Kept, Step};
use crate::sale::{OrderView, SaleView};
use crate::store::broker::Standing;

/// More than a node samples away between two parcels, unless it lies.
const LINES_PASSED_MAX: u32 = 100_000;
/// From the record to the room. News that is found in the record is waited for so long: it may be on its way.
const WORD_TAKES_MAX: Duration = Duration::from_millis(500);

impl LiveRoom {
    /// From where the backlog is wanted, and the name of what stands there. Until it is there, nothing else moves the order here.
    pub fn begin_filling(&self) -> (Option<StreamPosition>, String) {
        let mut floor = self.floor();
        let Floor { shared, lanes, .. } = &mut *floor;
        let Some(shared) = shared else { return (None, String::new()) };
        shared.filling = true;
        (shared.stands(lanes, None), shared.sequence.name_at(lanes.position().offset))
    }

    pub fn give_up_filling(&self) {
        if let Some(shared) = &mut self.floor().shared {
            shared.filling = false;
        }
    }

    /// What was missed, and the last lines for those who come.
    pub fn fill(&self, kept: Kept, lines: Vec<ChatLine>) {
        let mut floor = self.floor();
        let (at, seated_since) = (floor.lanes.position(), floor.seated_since());
        let Some(shared) = &mut floor.shared else { return };
        shared.filling = false;
        shared.awaited.are_all_due();
        shared.hearts.known = shared.hearts.known.max(kept.standing.hearts);
        let steps = shared.sequence.fill(at, kept, seated_since);
        floor.take_steps(steps);
        floor.history.merge(lines);
        floor.snapshots.forget();
        drop(floor);
        self.stir();
    }

    /// What a node said; this one's own words too.
    pub fn hear(&self, standing: Standing, heard: Heard, now: Timestamp) -> Result<(), Gap> {
        let Heard { node, viewers: _, lines_passed, critical, lines, personal, facts } = heard;
        let mut floor = self.floor();
        let Some(shared) = &mut floor.shared else { return Ok(()) };
        if node != shared.outbox.node {
            shared.hearts.known = shared.hearts.known.max(standing.hearts);
            facts.iter().for_each(|fact| floor.heed(fact));
            floor.lanes.pass_lines(lines_passed.min(LINES_PASSED_MAX));
            lines.into_iter().for_each(|line| floor.hear_line(line, now));
            personal.iter().for_each(|personal| floor.hand_over(personal));
        }
        let heard = floor.hear_critical(standing, critical);
        drop(floor);
        self.stir();
        heard
    }

    /// A message said the same and could not be placed; it is told all the same.
    pub fn hear_beside(&self, critical: &[Critical]) {
        let mut floor = self.floor();
        critical.iter().for_each(|critical| floor.tell_beside_once(critical));
    }

    /// The record as another node has made it. What is told of it comes by the order of the room.
    pub fn know(&self, record: Room, cards: Vec<Product>) {
        let mut floor = self.floor();
        if record.version > floor.record.version {
            floor.record = Arc::new(record);
            floor.cards = cards;
            floor.snapshots.forget();
        }
    }

    pub fn sanction_changes(&self) -> u64 {
        self.floor().sanction_changes
    }

    /// All of them, as the record had them when there were so many changes. What changed since is newer.
    pub fn lay_all(&self, sanctions: Vec<(Subject, Sanction)>, changes: u64) {
        let mut floor = self.floor();
        if floor.sanction_changes != changes {
            return;
        }
        floor.sanctions = sanctions.into_iter().collect();
        let banned = floor.sanctions.iter().filter(|(_, sanction)| matches!(sanction, Sanction::Banned));
        // Of those who were told to go nobody is here any more.
        banned.for_each(|(subject, _)| floor.close(&Closes::Person(subject.clone())));
    }

    /// A change of the record that nobody here was told of for a while, or news of a sale: the message was lost.
    pub fn remind(&self, now: Timestamp) {
        let mut floor = self.floor();
        floor.remind_room(now);
        floor.remind_sales(now);
    }

    /// News of a sale that this node found in the record: told to those who are here, unless the room is told of it until a later look.
    pub fn remind_sale(&self, view: &SaleView, now: Timestamp) {
        let mut floor = self.floor();
        let seated = !floor.seats.is_empty();
        let Some(shared) = &mut floor.shared else { return };
        let told = shared.told_sales.get(&view.sale.id).is_some_and(|told| view.sale.version <= *told);
        // Who comes later gets it with the snapshot.
        if seated && !told {
            let missing = shared.missing_sales.entry(view.sale.id).or_insert_with(|| (view.clone(), now));
            missing.0 = view.clone();
        }
    }

    /// Orders of somebody here, as its snapshot or the answer to its own request said them.
    pub fn shown<'a>(&self, orders: impl IntoIterator<Item = &'a OrderView>, now: Timestamp) {
        let mut floor = self.floor();
        let Some(shared) = &mut floor.shared else { return };
        for view in orders {
            shared.awaited.tell(&view.order.buyer, &contract::order(view), now);
        }
    }

    /// Open orders of those who are here, with the revisions that they were told, to be compared with the record.
    pub fn awaited(&self, at_most: usize, now: Timestamp) -> Vec<(OrderId, u64)> {
        let mut floor = self.floor();
        let Floor { shared, seats, .. } = &mut *floor;
        let is_here = |buyer: &Subject| seats.range(SeatKey::of(buyer)).next().is_some();
        shared.as_mut().map_or_else(Vec::new, |shared| shared.awaited.due(now, at_most, is_here))
    }

    /// News of an order that this node found in the record: told to its buyer, unless it came meanwhile.
    pub fn remind_order(&self, view: &OrderView, now: Timestamp) {
        let mut floor = self.floor();
        let personal = Personal { buyer: view.order.buyer.clone(), at: now, order: contract::order(view) };
        if floor.shared.as_ref().is_some_and(|shared| shared.awaited.is_news(&personal)) {
            floor.hand_over(&personal);
        }
    }

    pub fn heed(&self, fact: &Fact) {
        self.floor().heed(fact);
    }

    /// Viewers on other nodes.
    pub fn elsewhere(&self, viewers: u32) {
        if self.elsewhere.swap(viewers, Ordering::Relaxed) != viewers {
            self.stir();
        }
    }
}

impl Floor {
    fn remind_room(&mut self, now: Timestamp) {
        let (record, seated) = (self.record.clone(), !self.seats.is_empty());
        let Some(shared) = &mut self.shared else { return };
        if !seated || record.version <= shared.told_version {
            shared.told_version = shared.told_version.max(record.version);
        } else if std::mem::replace(&mut shared.missing_version, record.version) == record.version {
            shared.told_version = record.version;
            let room = contract::room(&record, &self.cards, false);
            self.lanes.publish_beside(Body::Room(room), now);
            self.after(Closes::of(record.state).as_ref());
        }
    }

    fn remind_sales(&mut self, now: Timestamp) {
        let seated = !self.seats.is_empty();
        let Some(shared) = &mut self.shared else { return };
        let told = &shared.told_sales;
        let is_told =
            |view: &SaleView| told.get(&view.sale.id).is_some_and(|told| view.sale.version <= *told);
        shared.missing_sales.retain(|_, (view, _)| seated && !is_told(view));
        for (sale, (view, _)) in
            shared.missing_sales.extract_if(|_, (_, found_at)| *found_at + WORD_TAKES_MAX <= now)
        {
            shared.told_sales.insert(sale, view.sale.version);
            self.lanes.publish_beside(Body::Sale(contract::sale(&view)), now);
            self.state_due = true;
        }
        if self.state_due {
            self.ring(Urgency::Now);
        }
    }

    pub(super) fn hear_critical(&mut self, standing: Standing, critical: Vec<Critical>) -> Result<(), Gap> {
        let at = self.lanes.position();
        let Some(shared) = &mut self.shared else { return Ok(()) };
        let steps = shared.sequence.hear(at, standing, critical)?;
        self.take_steps(steps);
        Ok(())
    }

    fn take_steps(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Begin(position) => self.lanes.begin(position),
                Step::Tell(critical) => self.tell(critical),
                Step::TellBeside(critical) => self.tell_beside(critical),
                Step::SkipTo(offset) => self.lanes.skip_to(offset),
                Step::Lose => {
                    metrics::counter!(meters::GAPS, "outcome" => "lost").increment(1);
                    self.lanes.lose();
                    self.ring(Urgency::Now);
                }
                Step::Renew(epoch) => self.renew(epoch),
            }
        }
    }

    fn renew(&mut self, epoch: u64) {
        if let Some(shared) = &mut self.shared {
            shared.renews = Some(epoch);
            shared.outgoing.anything = true;
            shared.call();
        }
    }

    fn tell(&mut self, critical: Critical) {
        let critical = self.as_it_stands(critical);
        self.heed_of(&critical);
        match critical.body {
            Some(body) => {
                self.lanes.publish_critical(body, critical.at);
            }
            None => self.lanes.skip_to(self.lanes.position().offset + 1),
        }
        self.after(critical.closes.as_ref());
    }

    pub(super) fn tell_beside(&mut self, critical: Critical) {
        let critical = self.as_it_stands(critical);
        self.heed_of(&critical);
        if let Some(body) = critical.body {
            self.lanes.publish_beside(body, critical.at);
        }
        self.after(critical.closes.as_ref());
    }

    /// A node that was paused behind the commit of a change tells of it late. Viewers never see a room or a sale go back, and nobody is sent
    /// away for what is over: the room as it is now takes the place, or nothing does.
    fn as_it_stands(&self, critical: Critical) -> Critical {
        let Some(shared) = &self.shared else { return critical };
        let (room, told) = (&self.record, shared.told_version);
        let older = |(sale, version)| shared.told_sales.get(&sale).is_some_and(|told| version < *told);
        match critical.body {
            Some(Body::Room(_)) if critical.fact.room_version < told.max(room.version) => {
                let known = told <= room.version;
                let body = known.then(|| Body::Room(contract::room(room, &self.cards, false)));
                let closes = Closes::of(room.state).filter(|_| known);
                let fact = Fact { room_version: told.max(room.version), ..critical.fact };
                Critical { body, closes, fact, ..critical }
            }
            Some(Body::Sale(_)) if critical.fact.sale.is_some_and(older) => {
                Critical { body: None, ..critical }
            }
            _ => critical,
        }
    }

    fn after(&mut self, closes: Option<&Closes>) {
        self.ring(Urgency::Now);
        if let Some(closes) = closes {
            self.close(closes);
        }
    }

    fn heed_of(&mut self, critical: &Critical) {
        let Some(shared) = &mut self.shared else { return };
        let fact = &critical.fact;
        shared.told_version = shared.told_version.max(fact.room_version);
        if let Some((sale, version)) = fact.sale {
            let told = shared.told_sales.entry(sale).or_default();
            *told = version.max(*told);
            // It says a stock too, which may be older than the one that was said here.
            self.state_due = true;
        }
        // What this node said, it knows.
        if shared.outbox.node != critical.node {
            self.heed(fact);
        }
    }

    /// Versions were read from the record before; this is what a message says by itself.
    fn heed(&mut self, fact: &Fact) {
        if let Some((subject, laid)) = &fact.sanction {
            self.lay(subject.clone(), laid.clone());
            if matches!(laid, Some(Sanction::Banned)) {
                self.close(&Closes::Person(subject.clone()));
            }
        }
        if let Some(line) = &fact.deleted_line {
            self.take_back(line);
            self.snapshots.forget();
        }
    }

    fn hear_line(&mut self, heard: Line, now: Timestamp) {
        let Line { line, always } = heard;
        self.history.talked(&line.author, line.at);
        if let Some(sequence) = self.lanes.publish_chat(contract::chat_line(&line), always, now) {
            // The backlog may have had it already.
            self.history.remove(&line.id);
            self.history.keep(sequence, line);
        }
        self.ring(Urgency::Soon);
    }

    /// To every socket that the buyer has here. A guest has no orders, whatever name its token says.
    pub(super) fn hand_over(&mut self, personal: &Personal) {
        let theirs = self.seats.range(SeatKey::of(&personal.buyer));
        let mut is_here = false;
        for (_, seat) in theirs.filter(|(_, seat)| seat.caller.may_chat_and_buy()) {
            is_here = true;
            let order = Body::Order(personal.order.clone());
            seat.outlet.push(direct(seat.outlet.format(), personal.at, order));
        }
        if let Some(shared) = self.shared.as_mut().filter(|_| is_here) {
            shared.awaited.tell(&personal.buyer, &personal.order, personal.at);
        }
    }
}
