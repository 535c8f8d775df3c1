//! `Lot` against lists that are scanned from end to end: too slow to sell with, too simple to be wrong.

use proptest::prelude::*;

use super::super::lot::{EndRefused, HoldRefused, Lot, LotSnapshot, Request};
use super::{HoldOutcome, START, order, word};
use crate::model::{OrderId, Timestamp};

const LIMIT: u32 = 3;
const WAITING_MAX: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Hold { order: u8, quantity: u32, seconds: i64 },
    Wait { order: u8, quantity: u32 },
    Claim(u8),
    End(u8),
    Free(u8, HoldOutcome),
    Leave(u8),
    Offer,
    Sweep(usize),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = 0..16_u8;
    let outcome = prop_oneof![Just(HoldOutcome::Released), Just(HoldOutcome::Expired)];
    let step = prop_oneof![
        6 => (1..40_i64).prop_map(Step::Pass),
        10 => (id.clone(), 1..4_u32, 10..60_i64)
            .prop_map(|(order, quantity, seconds)| Step::Hold { order, quantity, seconds }),
        5 => (id.clone(), 1..4_u32).prop_map(|(order, quantity)| Step::Wait { order, quantity }),
        4 => id.clone().prop_map(Step::Claim),
        5 => id.clone().prop_map(Step::End),
        8 => (id.clone(), outcome).prop_map(|(order, outcome)| Step::Free(order, outcome)),
        2 => id.prop_map(Step::Leave),
        4 => Just(Step::Offer),
        3 => (0..4_usize).prop_map(Step::Sweep),
        1 => Just(Step::Close),
    ];
    proptest::collection::vec(step, 1..120)
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Open,
    /// Units that still wait for the commit.
    Ending(u32),
    Ended(HoldOutcome),
}

struct Model {
    stock: u32,
    closed: bool,
    holds: Vec<(Request, State)>,
    waiting: Vec<Request>,
}

impl Model {
    fn held(&self) -> u32 {
        let units = |(request, state): &(Request, State)| match state {
            State::Open => request.quantity,
            State::Ending(units) => *units,
            State::Ended(_) => 0,
        };
        self.holds.iter().map(units).sum()
    }

    fn sold(&self) -> u32 {
        let claimed = self.holds.iter().filter(|(_, state)| *state == State::Ended(HoldOutcome::Claimed));
        claimed.map(|(request, _)| request.quantity).sum()
    }

    fn free(&self) -> u32 {
        self.stock - self.held() - self.sold()
    }

    /// The longest overdue first.
    fn overdue(&self, now: Timestamp) -> Vec<usize> {
        let is_overdue =
            |index: &usize| self.holds[*index].1 == State::Open && self.holds[*index].0.until <= now;
        let mut overdue: Vec<usize> = (0..self.holds.len()).filter(is_overdue).collect();
        overdue.sort_by_key(|index| (self.holds[*index].0.until, self.holds[*index].0.order));
        overdue
    }

    fn units(&self, overdue: &[usize]) -> u32 {
        overdue.iter().map(|index| self.holds[*index].0.quantity).sum()
    }

    /// Waiting, claimed, and held in time.
    fn standing_units_of(&self, buyer: &crate::model::Subject, now: Timestamp) -> u32 {
        let waiting = self.waiting.iter().filter(|it| it.buyer == *buyer).map(|it| it.quantity);
        let holds = self.holds.iter().filter(|(request, state)| {
            let stands = *state == State::Open && now < request.until;
            request.buyer == *buyer && (stands || *state == State::Ended(HoldOutcome::Claimed))
        });
        waiting.chain(holds.map(|(request, _)| request.quantity)).sum()
    }

    /// What the limit looks at: those, and units whose end is not committed yet.
    fn units_of(&self, buyer: &crate::model::Subject, now: Timestamp) -> u32 {
        let waiting = self.waiting.iter().filter(|it| it.buyer == *buyer).map(|it| it.quantity).sum::<u32>();
        let holds = self.holds.iter().filter(|(request, _)| request.buyer == *buyer);
        let units = holds.map(|(request, state)| match state {
            State::Open if request.until <= now => 0,
            State::Open | State::Ended(HoldOutcome::Claimed) => request.quantity,
            State::Ending(units) => *units,
            State::Ended(_) => 0,
        });
        waiting + units.sum::<u32>()
    }

    fn state(&mut self, order: OrderId) -> Option<&mut (Request, State)> {
        self.holds.iter_mut().rev().find(|(request, _)| request.order == order)
    }

    fn hold(&mut self, request: Request, now: Timestamp) -> Result<Vec<OrderId>, HoldRefused> {
        if self.closed {
            return Err(HoldRefused::Closed);
        }
        let held =
            self.state(request.order).is_some_and(|(_, state)| *state != State::Ended(HoldOutcome::Expired));
        if held || self.waiting.iter().any(|it| it.order == request.order) {
            return Err(HoldRefused::Known);
        }
        if self.units_of(&request.buyer, now) + request.quantity > LIMIT {
            return Err(HoldRefused::LimitReached { limit: LIMIT });
        }
        let overdue = self.overdue(now);
        let available = self.free() + self.units(&overdue);
        if self.waiting.iter().any(|it| it.quantity <= available) {
            return Err(HoldRefused::SoldOut { left: 0 });
        }
        if request.quantity > available {
            return Err(HoldRefused::SoldOut { left: available });
        }
        let mut wanted = request.quantity.saturating_sub(self.free());
        let mut displaced = Vec::new();
        for index in overdue {
            if wanted == 0 {
                break;
            }
            let (pushed_aside, state) = &mut self.holds[index];
            let taken = wanted.min(pushed_aside.quantity);
            *state = State::Ending(pushed_aside.quantity - taken);
            wanted -= taken;
            displaced.push(pushed_aside.order);
        }
        self.holds.push((request, State::Open));
        Ok(displaced)
    }

    fn wait(&mut self, request: Request, now: Timestamp) -> Result<u32, HoldRefused> {
        if self.closed || self.sold() == self.stock {
            return Err(HoldRefused::SoldOut { left: 0 });
        }
        if self.state(request.order).is_some() || self.waiting.iter().any(|it| it.order == request.order) {
            return Err(HoldRefused::Known);
        }
        if self.units_of(&request.buyer, now) + request.quantity > LIMIT {
            return Err(HoldRefused::LimitReached { limit: LIMIT });
        }
        if self.waiting.len() == WAITING_MAX {
            return Err(HoldRefused::WaitingListFull { max: WAITING_MAX });
        }
        self.waiting.push(request);
        Ok(self.waiting.len() as u32)
    }

    fn end(&mut self, order: OrderId, claim_at: Option<Timestamp>) -> Result<(), EndRefused> {
        let (request, state) = self.state(order).ok_or(EndRefused::Unknown)?;
        match state {
            State::Ended(outcome) => return Err(EndRefused::Ended(*outcome)),
            State::Ending(_) => return Err(EndRefused::Ending),
            State::Open => {}
        }
        *state = match claim_at {
            Some(now) if request.until <= now => return Err(EndRefused::RanOut),
            Some(_) => State::Ended(HoldOutcome::Claimed),
            None => State::Ending(request.quantity),
        };
        Ok(())
    }

    fn offer(&mut self, until: Timestamp) -> Option<Request> {
        let free = self.free();
        if self.closed || free == 0 {
            return None;
        }
        let index = self.waiting.iter().position(|it| it.quantity <= free)?;
        let request = Request { until, ..self.waiting.remove(index) };
        self.holds.push((request.clone(), State::Open));
        Some(request)
    }

    /// The first moment, seen from now, at which a request for one unit could be granted; nobody else moves until then.
    fn sold_out_until(&self) -> Timestamp {
        let free = self.free();
        if self.closed || free > 0 && self.waiting.iter().all(|it| it.quantity > free) {
            return Timestamp(i64::MIN);
        }
        let open = self.holds.iter().filter(|(_, state)| *state == State::Open);
        open.map(|(request, _)| request.until).min().unwrap_or(Timestamp(i64::MAX))
    }
}

/// Sixteen orders of four buyers.
fn request(id: u8, quantity: u32, until: Timestamp) -> Request {
    let buyer = ["ann", "bo", "cy", "di"][usize::from(id % 4)].parse().unwrap();
    Request { order: named(id), buyer, quantity, limit: LIMIT, until }
}

fn named(id: u8) -> OrderId {
    order(&format!("o{id}"))
}

fn seconds(count: i64) -> std::time::Duration {
    std::time::Duration::from_secs(count.unsigned_abs())
}

proptest! {
    #[test]
    fn lot_answers_as_the_model_does(stock in 1..7_u32, steps in steps()) {
        let mut lot = Lot::from_record(LotSnapshot { stock, ..LotSnapshot::default() });
        let mut model = Model { stock, closed: false, holds: Vec::new(), waiting: Vec::new() };
        let mut now = START;
        for step in steps {
            let flagged = now < lot.sold_out_until();
            match step.clone() {
                Step::Pass(by) => now = now + seconds(by),
                Step::Hold { order, quantity, seconds: by } => {
                    let request = request(order, quantity, now + seconds(by));
                    let answer = lot.hold(request.clone(), now).map(|grant| grant.displaced);
                    prop_assert!(!(flagged && answer.is_ok()), "granted while the flag said sold out");
                    prop_assert_eq!(answer, model.hold(request, now), "{:?}", step);
                }
                Step::Wait { order, quantity } => {
                    let request = request(order, quantity, now);
                    let answer = lot.wait(request.clone(), WAITING_MAX, now);
                    prop_assert_eq!(answer, model.wait(request, now), "{:?}", step);
                }
                Step::Claim(order) => {
                    let order = named(order);
                    prop_assert_eq!(lot.claim(order, now), model.end(order, Some(now)), "{:?}", step);
                }
                Step::End(order) => {
                    prop_assert_eq!(lot.end(named(order)), model.end(named(order), None), "{:?}", step);
                }
                Step::Free(order, outcome) => {
                    lot.free(named(order), outcome);
                    if let Some((_, state @ (State::Ending(_) | State::Open))) = model.state(named(order)) {
                        *state = State::Ended(outcome);
                    }
                }
                Step::Leave(order) => {
                    let before = model.waiting.len();
                    model.waiting.retain(|it| it.order != named(order));
                    prop_assert_eq!(lot.leave(named(order)), model.waiting.len() < before);
                }
                Step::Offer => {
                    let until = now + seconds(30);
                    prop_assert_eq!(lot.next_offer(until), model.offer(until));
                }
                Step::Sweep(max) => {
                    let mut swept = Vec::new();
                    for index in model.overdue(now).into_iter().take(max) {
                        let (request, state) = &mut model.holds[index];
                        *state = State::Ending(request.quantity);
                        swept.push(request.order);
                    }
                    prop_assert_eq!(lot.take_expired(now, max), swept);
                }
                Step::Close => {
                    let waiting: Vec<OrderId> = model.waiting.drain(..).map(|it| it.order).collect();
                    model.closed = true;
                    prop_assert_eq!(lot.close(), waiting);
                }
            }
            let reading = lot.reading();
            prop_assert!(reading.sold + reading.held <= stock, "{:?} after {:?}", reading, step);
            let (held, sold) = (model.held(), model.sold());
            prop_assert_eq!((reading.held, reading.sold), (held, sold), "after {:?}", step);
            for (index, waiting) in model.waiting.iter().enumerate() {
                let place = lot.waiting_place(waiting.order);
                prop_assert_eq!(place, index as u32 + 1, "{} after {:?}", word(waiting.order), step);
            }
            prop_assert_eq!(reading.waiting as usize, model.waiting.len());
            prop_assert_eq!(lot.sold_out_until(), model.sold_out_until(), "after {:?}", step);
            for id in 0..4 {
                let buyer = request(id, 1, now).buyer;
                prop_assert!(model.standing_units_of(&buyer, now) <= LIMIT, "{} after {:?}", buyer, step);
            }
        }
    }
}
