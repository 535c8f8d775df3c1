//! The gate against lists that are scanned from end to end: too slow to sell with, too simple to be wrong.

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::*;

const LIMIT: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Hold {
        order: u8,
        quantity: u32,
        seconds: i64,
    },
    Wait {
        order: u8,
        quantity: u32,
    },
    Claim(u8),
    End(u8),
    Free(u8, HoldOutcome),
    Leave(u8),
    Offer,
    Sweep(usize),
    TakeBack(u32),
    /// Units more; or, late, what was said before.
    Restock {
        by: u32,
        late: bool,
    },
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
        2 => (1..3_u32).prop_map(Step::TakeBack),
        2 => (1..3_u32, any::<bool>()).prop_map(|(by, late)| Step::Restock { by, late }),
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
    version: u64,
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
    fn standing_units_of(&self, buyer: &Subject, now: Timestamp) -> u32 {
        let waiting = self.waiting.iter().filter(|it| it.buyer == *buyer).map(|it| it.quantity);
        let holds = self.holds.iter().filter(|(request, state)| {
            let stands = *state == State::Open && now < request.until;
            request.buyer == *buyer && (stands || *state == State::Ended(HoldOutcome::Claimed))
        });
        waiting.chain(holds.map(|(request, _)| request.quantity)).sum()
    }

    /// What the limit looks at: those, and units whose end is not committed yet.
    fn units_of(&self, buyer: &Subject, now: Timestamp) -> u32 {
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

    fn take(&mut self, step: &Step, now: Timestamp) -> String {
        match *step {
            Step::Pass(_) => String::new(),
            Step::Hold { order, quantity, seconds: by } => {
                held_or_refused(self.hold(request(order, quantity, now + seconds(by)), now))
            }
            Step::Wait { order, quantity } => format!("{:?}", self.wait(request(order, quantity, now), now)),
            Step::Claim(order) => format!("{:?}", self.end(named(order), Some(now))),
            Step::End(order) => format!("{:?}", self.end(named(order), None)),
            Step::Free(order, outcome) => {
                if let Some((_, state @ (State::Ending(_) | State::Open))) = self.state(named(order)) {
                    *state = State::Ended(outcome);
                }
                String::new()
            }
            Step::Leave(order) => {
                let before = self.waiting.len();
                self.waiting.retain(|it| it.order != named(order));
                (self.waiting.len() < before).to_string()
            }
            Step::Offer => format!("{:?}", self.offer(now + seconds(30))),
            Step::Sweep(max) => {
                let mut swept = Vec::new();
                for index in self.overdue(now).into_iter().take(max) {
                    let (request, state) = &mut self.holds[index];
                    *state = State::Ending(request.quantity);
                    swept.push(request.order);
                }
                words(&swept)
            }
            Step::TakeBack(units) => {
                let free = self.free();
                let taken = match () {
                    () if self.closed => Err(HoldRefused::Closed),
                    () if free < units => Err(HoldRefused::SoldOut { left: free }),
                    () => {
                        self.stock -= units;
                        Ok(())
                    }
                };
                format!("{taken:?}")
            }
            Step::Restock { late: true, .. } => String::new(),
            Step::Restock { by, late: false } => {
                (self.stock, self.version) = (self.stock + by, self.version + 1);
                String::new()
            }
            Step::Close => {
                self.closed = true;
                let waiting: Vec<OrderId> = self.waiting.drain(..).map(|it| it.order).collect();
                words(&waiting)
            }
        }
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
    Request { order: named(id), buyer: owner(id), quantity, limit: LIMIT, until }
}

fn owner(id: u8) -> Subject {
    ["ann", "bo", "cy", "di"][usize::from(id % 4)].parse().unwrap()
}

fn named(id: u8) -> OrderId {
    order(&format!("o{id}"))
}

fn seconds(count: i64) -> std::time::Duration {
    std::time::Duration::from_secs(count.unsigned_abs())
}

/// Each step by itself, and then several at once, which a gate may decide together.
pub async fn answers_are_those_of_the_model(gate: Inventory) {
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let cases = if matches!(gate, Inventory::Embedded(_)) { 256 } else { 48 };
        for at_once in [1, 12] {
            let mut runner =
                TestRunner::new(Config { cases, source_file: Some(file!()), ..Config::default() });
            let followed = runner.run(&(1..7_u32, steps()), |(stock, steps)| {
                runtime.block_on(follow(&gate, stock, &steps, at_once))
            });
            if let Err(error) = followed {
                panic!("{at_once} at once: {error}");
            }
        }
    };
    tokio::task::spawn_blocking(run).await.expect("the gate is the model");
}

async fn follow(gate: &Inventory, stock: u32, steps: &[Step], at_once: usize) -> Result<(), TestCaseError> {
    let sale = new_sale();
    open(gate, sale, &LotSnapshot { stock, ..LotSnapshot::default() }).await;
    let mut model = Model { stock, version: 0, closed: false, holds: Vec::new(), waiting: Vec::new() };
    let mut now = START;
    for steps in steps.chunks(at_once) {
        let flagged = gate.is_sold_out(sale, now) && at_once == 1;
        let (mut asked, mut expected) = (Vec::new(), Vec::new());
        for step in steps {
            if let Step::Pass(by) = step {
                now = now + seconds(*by);
                continue;
            }
            asked.push(take(gate, sale, step, (model.stock, model.version), now));
            expected.push(model.take(step, now));
        }
        let answers = join_all(asked).await;
        prop_assert!(!flagged || !answers.iter().any(|it| it.starts_with("held")), "granted after sold out");
        prop_assert_eq!(answers, expected, "{:?}", steps);
        let reading = gate.reading(sale).expect("a lot");
        let stock = model.stock;
        prop_assert!(reading.sold + reading.held <= stock, "{:?} after {:?}", reading, steps);
        let waiting = model.waiting.len() as u32;
        let of_model = Reading { stock, held: model.held(), sold: model.sold(), waiting };
        prop_assert_eq!(reading, of_model, "after {:?}", steps);
        for (index, waiting) in model.waiting.iter().enumerate() {
            let place = gate.waiting_place(sale, waiting.order, &waiting.buyer).await;
            prop_assert_eq!(place, index as u32 + 1, "{} after {:?}", word(waiting.order), steps);
        }
        let until = model.sold_out_until();
        prop_assert_eq!(gate.is_sold_out(sale, now), now < until, "after {:?}", steps);
        prop_assert!(!gate.is_sold_out(sale, until), "after {:?}", steps);
        for id in 0..4 {
            let buyer = request(id, 1, now).buyer;
            prop_assert!(model.standing_units_of(&buyer, now) <= LIMIT, "{} after {:?}", buyer, steps);
        }
    }
    Ok(())
}

/// `stands`: the stock, and the version of the sale that it is of.
async fn take(gate: &Inventory, sale: SaleId, step: &Step, stands: (u32, u64), now: Timestamp) -> String {
    match *step {
        Step::Pass(_) => String::new(),
        Step::Hold { order, quantity, seconds: by } => {
            let held = gate.hold(sale, request(order, quantity, now + seconds(by)), now).await;
            held_or_refused(held.map(|grant| grant.displaced.iter().map(|it| it.order).collect()))
        }
        Step::Wait { order, quantity } => {
            format!("{:?}", gate.wait(sale, request(order, quantity, now), WAITING_MAX, now).await)
        }
        Step::Claim(order) => format!("{:?}", gate.claim(sale, named(order), &owner(order), now).await),
        Step::End(order) => format!("{:?}", gate.end(sale, named(order), &owner(order)).await),
        Step::Free(order, outcome) => {
            gate.free(sale, named(order), &owner(order), outcome).await;
            String::new()
        }
        Step::Leave(order) => gate.leave(sale, named(order), &owner(order)).await.to_string(),
        Step::Offer => format!("{:?}", gate.next_offer(sale, now + seconds(30)).await),
        Step::Sweep(max) => endings(&gate.take_expired(sale, now, max).await),
        Step::TakeBack(units) => format!("{:?}", gate.take_back(sale, units).await),
        Step::Restock { by, late } => {
            let (stock, version) = stands;
            gate.restock(sale, stock + by, version + u64::from(!late)).await;
            String::new()
        }
        Step::Close => words(&gate.close(sale).await),
    }
}

fn held_or_refused(held: Result<Vec<OrderId>, HoldRefused>) -> String {
    match held {
        Ok(displaced) => format!("held for {}", words(&displaced)),
        Err(refused) => refused.to_string(),
    }
}
