//! One lot, without locks, stores or clocks: the rules of holding.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::model::{OrderId, Subject, Timestamp};
use crate::store::journal::HoldOutcome;

/// Who asks for how much, until when.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub order: OrderId,
    pub buyer: Subject,
    pub quantity: u32,
    /// Units one buyer may have in this sale: waiting, held and claimed.
    pub limit: u32,
    pub until: Timestamp,
}

/// What a grant pushed aside: holds past their time, which must be committed as expired before the grant is, and then freed: units
/// that the grant did not need come free like any others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub displaced: Vec<Ending>,
}

/// A hold whose end waits for the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub order: OrderId,
    pub buyer: Subject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefused {
    #[error("the lot is closed")]
    Closed,
    #[error("the lot cannot be asked now")]
    NotReady { retry_after: Duration },
    #[error("{left} left")]
    SoldOut { left: u32 },
    #[error("at most {limit} for one buyer")]
    LimitReached { limit: u32 },
    #[error("this order has a hold or a place already")]
    Known,
    #[error("the waiting list is full at {max}")]
    WaitingListFull { max: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndRefused {
    #[error("the lot cannot be asked now")]
    NotReady { retry_after: Duration },
    #[error("no such hold")]
    Unknown,
    #[error("the hold ran out")]
    RanOut,
    #[error("the hold is being ended")]
    Ending,
    #[error("the hold was {} before", .0.name())]
    Ended(HoldOutcome),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub stock: u32,
    pub held: u32,
    pub sold: u32,
    pub waiting: u32,
}

/// What the record says of a lot.
#[derive(Clone, Debug, Default)]
pub struct LotSnapshot {
    pub stock: u32,
    /// Of the sale that has had this stock since.
    pub version: u64,
    pub sold: u32,
    pub closed: bool,
    pub holds: Vec<Request>,
    /// Which order took how many units for whom.
    pub claimed: Vec<(OrderId, Subject, u32)>,
    /// First in line first.
    pub waiting: Vec<Request>,
    /// How holds ended that were not claimed. A lot does not start with them; what was read earlier is compared with them.
    pub ended: Vec<(OrderId, HoldOutcome)>,
}

pub struct Lot {
    stock: u32,
    /// Of the sale, when the record last said what the stock is.
    version: u64,
    held: u32,
    sold: u32,
    closed: bool,
    holds: HashMap<OrderId, Hold>,
    /// Open holds by the time they run out.
    expiries: BTreeSet<(Timestamp, OrderId)>,
    /// Units of each buyer: waiting, held and claimed.
    buyers: HashMap<Subject, u32>,
    waiting: VecDeque<Request>,
}

enum Hold {
    Open(Request),
    /// Its end waits for the commit.
    Ending(Request),
    /// Kept so that a second try to end it gets a distinct answer.
    Ended(HoldOutcome),
}

impl Lot {
    pub fn from_record(snapshot: LotSnapshot) -> Self {
        let mut lot = Self {
            stock: snapshot.stock,
            version: snapshot.version,
            held: 0,
            sold: snapshot.sold,
            closed: snapshot.closed,
            holds: HashMap::new(),
            expiries: BTreeSet::new(),
            buyers: HashMap::new(),
            waiting: VecDeque::new(),
        };
        for (order, buyer, quantity) in snapshot.claimed {
            lot.count(&buyer, quantity);
            lot.holds.insert(order, Hold::Ended(HoldOutcome::Claimed));
        }
        for hold in snapshot.holds {
            lot.count(&hold.buyer, hold.quantity);
            lot.grant(hold);
        }
        for request in snapshot.waiting {
            lot.count(&request.buyer, request.quantity);
            lot.waiting.push_back(request);
        }
        lot
    }

    pub fn hold(&mut self, request: Request, now: Timestamp) -> Result<Grant, HoldRefused> {
        if self.closed {
            return Err(HoldRefused::Closed);
        }
        let held = !matches!(self.holds.get(&request.order), None | Some(Hold::Ended(HoldOutcome::Expired)));
        if held || self.waiting_place(request.order) > 0 {
            return Err(HoldRefused::Known);
        }
        self.within_limit(&request, now)?;
        let free = self.free_units();
        if self.someone_waits_for(free, now) {
            return Err(HoldRefused::SoldOut { left: 0 });
        }
        let wanted = request.quantity.saturating_sub(free);
        let displaced = self
            .displaceable(wanted, now)
            .map_err(|overdue| HoldRefused::SoldOut { left: free + overdue })?;
        self.displace(&displaced, wanted);
        let displaced = self.endings(&displaced);
        self.count(&request.buyer, request.quantity);
        self.grant(request);
        Ok(Grant { displaced })
    }

    pub fn claim(&mut self, order: OrderId, now: Timestamp) -> Result<(), EndRefused> {
        match self.holds.get(&order) {
            None => Err(EndRefused::Unknown),
            Some(Hold::Ended(outcome)) => Err(EndRefused::Ended(*outcome)),
            Some(Hold::Ending(_)) => Err(EndRefused::Ending),
            Some(Hold::Open(request)) if request.until <= now => Err(EndRefused::RanOut),
            Some(Hold::Open(request)) => {
                let (quantity, until) = (request.quantity, request.until);
                self.expiries.remove(&(until, order));
                self.held -= quantity;
                self.sold += quantity;
                self.holds.insert(order, Hold::Ended(HoldOutcome::Claimed));
                Ok(())
            }
        }
    }

    pub fn end(&mut self, order: OrderId) -> Result<(), EndRefused> {
        match self.holds.get(&order) {
            None => Err(EndRefused::Unknown),
            Some(Hold::Ended(outcome)) => Err(EndRefused::Ended(*outcome)),
            Some(Hold::Ending(_)) => Err(EndRefused::Ending),
            Some(Hold::Open(request)) => {
                let request = request.clone();
                self.expiries.remove(&(request.until, order));
                self.holds.insert(order, Hold::Ending(request));
                Ok(())
            }
        }
    }

    pub fn free(&mut self, order: OrderId, outcome: HoldOutcome) {
        // Still open: the lot was read again while the end was on its way to the record.
        if let Some(Hold::Ending(request) | Hold::Open(request)) = self.holds.get(&order) {
            let request = request.clone();
            self.expiries.remove(&(request.until, order));
            self.held -= request.quantity;
            self.uncount(&request.buyer, request.quantity);
            self.holds.insert(order, Hold::Ended(outcome));
        }
    }

    pub fn wait(&mut self, request: Request, max: usize, now: Timestamp) -> Result<u32, HoldRefused> {
        if self.closed || self.sold == self.stock {
            return Err(HoldRefused::SoldOut { left: 0 });
        }
        let waits = self.waiting.iter().any(|other| other.order == request.order);
        if waits || self.holds.contains_key(&request.order) {
            return Err(HoldRefused::Known);
        }
        self.within_limit(&request, now)?;
        if self.waiting.len() >= max {
            return Err(HoldRefused::WaitingListFull { max });
        }
        self.count(&request.buyer, request.quantity);
        self.waiting.push_back(request);
        Ok(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX))
    }

    /// The record has this hold. Nothing changes when the lot knows of it, open or ended.
    pub fn adopt_hold(&mut self, request: Request) {
        if !self.holds.contains_key(&request.order) {
            self.leave(request.order);
            self.count(&request.buyer, request.quantity);
            self.grant(request);
        }
    }

    /// The record has this claim. Nothing changes when the lot knows of it.
    pub fn adopt_claimed(&mut self, order: OrderId, buyer: &Subject, quantity: u32) {
        match self.holds.get(&order) {
            Some(Hold::Ended(HoldOutcome::Claimed)) => return,
            Some(Hold::Open(request) | Hold::Ending(request)) => {
                let (until, counted) = (request.until, request.quantity);
                self.expiries.remove(&(until, order));
                self.held -= counted;
                self.count(buyer, quantity - counted);
            }
            Some(Hold::Ended(_)) | None => self.count(buyer, quantity),
        }
        self.sold += quantity;
        self.holds.insert(order, Hold::Ended(HoldOutcome::Claimed));
    }

    /// The record has this place in line. Nothing changes when the lot knows of it, or of a hold that came of it.
    pub fn adopt_waiting(&mut self, request: Request) {
        let known = self.holds.contains_key(&request.order) || self.waiting_place(request.order) > 0;
        if !known && !self.closed {
            self.count(&request.buyer, request.quantity);
            self.waiting.push_back(request);
        }
    }

    pub fn leave(&mut self, order: OrderId) -> bool {
        let Some(index) = self.waiting.iter().position(|request| request.order == order) else {
            return false;
        };
        if let Some(request) = self.waiting.remove(index) {
            self.uncount(&request.buyer, request.quantity);
        }
        true
    }

    pub fn waiting_place(&self, order: OrderId) -> u32 {
        let index = self.waiting.iter().position(|request| request.order == order);
        index.map_or(0, |index| u32::try_from(index + 1).unwrap_or(u32::MAX))
    }

    pub fn next_offer(&mut self, until: Timestamp) -> Option<Request> {
        let index = self.offerable()?;
        let request = Request { until, ..self.waiting.remove(index)? };
        self.grant(request.clone());
        Some(request)
    }

    pub fn take_expired(&mut self, now: Timestamp, max: usize) -> Vec<Ending> {
        let overdue: Vec<OrderId> = self.overdue(now).take(max).collect();
        for order in &overdue {
            self.end(*order).expect("an open hold can be ended");
        }
        self.endings(&overdue)
    }

    pub fn take_back(&mut self, units: u32) -> Result<(), HoldRefused> {
        if self.closed {
            return Err(HoldRefused::Closed);
        }
        let left = self.free_units();
        if left < units {
            return Err(HoldRefused::SoldOut { left });
        }
        self.stock = self.stock.saturating_sub(units);
        Ok(())
    }

    pub fn restock(&mut self, stock: u32, version: u64) {
        if version > self.version {
            (self.stock, self.version) = (stock, version);
        }
    }

    pub fn close(&mut self) -> Vec<OrderId> {
        self.closed = true;
        let waiting = std::mem::take(&mut self.waiting);
        for request in &waiting {
            self.uncount(&request.buyer, request.quantity);
        }
        waiting.into_iter().map(|request| request.order).collect()
    }

    pub fn reading(&self) -> Reading {
        Reading {
            stock: self.stock,
            held: self.held,
            sold: self.sold,
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
        }
    }

    /// Until then nothing can be granted, whatever is asked: the first moment at which a hold runs out.
    pub fn sold_out_until(&self) -> Timestamp {
        if self.closed || (self.free_units() > 0 && self.offerable().is_none()) {
            return Timestamp(i64::MIN);
        }
        self.expiries.first().map_or(Timestamp(i64::MAX), |(until, _)| *until)
    }

    fn free_units(&self) -> u32 {
        #[cfg(feature = "sabotage")]
        if crate::store::sabotage::oversells() {
            return u32::MAX / 2;
        }
        self.stock.saturating_sub(self.held + self.sold)
    }

    /// The first in line whom the free units suffice.
    fn offerable(&self) -> Option<usize> {
        let free = self.free_units();
        if free == 0 || self.closed {
            return None;
        }
        self.waiting.iter().position(|request| request.quantity <= free)
    }

    fn overdue(&self, now: Timestamp) -> impl Iterator<Item = OrderId> + use<'_> {
        self.expiries.iter().take_while(move |(until, _)| *until <= now).map(|(_, order)| *order)
    }

    /// Who stands in line goes first, so long as what is free or overdue would do for one of them.
    fn someone_waits_for(&self, free: u32, now: Timestamp) -> bool {
        let least = self.waiting.iter().map(|request| request.quantity).min();
        least.is_some_and(|least| self.displaceable(least.saturating_sub(free), now).is_ok())
    }

    /// Overdue holds that together have `wanted` units, the longest overdue first. `Err`: there are only so many units overdue.
    fn displaceable(&self, wanted: u32, now: Timestamp) -> Result<Vec<OrderId>, u32> {
        let (mut displaced, mut units) = (Vec::new(), 0);
        let mut overdue = self.overdue(now);
        while units < wanted {
            let order = overdue.next().ok_or(units)?;
            if let Some(Hold::Open(request)) = self.holds.get(&order) {
                units += request.quantity;
                displaced.push(order);
            }
        }
        Ok(displaced)
    }

    /// Takes `wanted` units from overdue holds. What is left of them waits for the commit of their ends, as units of any ended hold.
    fn displace(&mut self, orders: &[OrderId], mut wanted: u32) {
        for order in orders {
            self.end(*order).expect("an overdue hold is open");
            if let Some(Hold::Ending(request)) = self.holds.get_mut(order) {
                let taken = wanted.min(request.quantity);
                request.quantity -= taken;
                wanted -= taken;
                self.held -= taken;
                let buyer = request.buyer.clone();
                self.uncount(&buyer, taken);
            }
        }
    }

    fn endings(&self, orders: &[OrderId]) -> Vec<Ending> {
        let ending = |order: &OrderId| match self.holds.get(order) {
            Some(Hold::Ending(Request { buyer, .. })) => Some(Ending { order: *order, buyer: buyer.clone() }),
            Some(Hold::Open(_) | Hold::Ended(_)) | None => None,
        };
        orders.iter().filter_map(ending).collect()
    }

    /// The buyer's own overdue holds do not count, swept or not.
    fn within_limit(&self, request: &Request, now: Timestamp) -> Result<(), HoldRefused> {
        let has = self.buyers.get(&request.buyer).copied().unwrap_or(0);
        if has + request.quantity <= request.limit {
            return Ok(());
        }
        let overdue = self.overdue(now).filter_map(|order| match self.holds.get(&order) {
            Some(Hold::Open(overdue)) if overdue.buyer == request.buyer => Some(overdue.quantity),
            _ => None,
        });
        if has + request.quantity <= request.limit + overdue.sum::<u32>() {
            return Ok(());
        }
        Err(HoldRefused::LimitReached { limit: request.limit })
    }

    fn grant(&mut self, request: Request) {
        self.held += request.quantity;
        self.expiries.insert((request.until, request.order));
        self.holds.insert(request.order, Hold::Open(request));
    }

    fn count(&mut self, buyer: &Subject, quantity: u32) {
        *self.buyers.entry(buyer.clone()).or_default() += quantity;
    }

    fn uncount(&mut self, buyer: &Subject, quantity: u32) {
        if let Some(units) = self.buyers.get_mut(buyer) {
            *units -= quantity;
            if *units == 0 {
                self.buyers.remove(buyer);
            }
        }
    }
}
