//! Who is connected, and how fast each person talks and buys, over all rooms of this node.

use std::time::Duration;

use dashmap::DashMap;

use super::limits::{Meter, Rate};
use super::refused::RoomRefused;
use crate::model::{Subject, Timestamp};

/// One entry for each person who is connected or acted in the last seconds: bounded by the connections and the rate of REST.
#[derive(Debug, Default)]
pub struct People(DashMap<Subject, Person>);

#[derive(Debug, Default)]
struct Person {
    connections: u32,
    lines: Meter,
    orders: Meter,
}

impl People {
    /// False: the person has `max` sockets already.
    pub fn enter(&self, subject: &Subject, max: u32) -> bool {
        let mut person = self.0.entry(subject.clone()).or_default();
        let room = person.connections < max;
        if room {
            person.connections += 1;
        }
        room
    }

    pub fn leave(&self, subject: &Subject) {
        if let Some(mut person) = self.0.get_mut(subject) {
            person.connections = person.connections.saturating_sub(1);
        }
    }

    pub fn admit_line(
        &self,
        subject: &Subject,
        rate: Option<Rate>,
        now: Timestamp,
    ) -> Result<(), RoomRefused> {
        let Some(rate) = rate else { return Ok(()) };
        let mut person = self.0.entry(subject.clone()).or_default();
        person.lines.admit(rate, now).map_err(|wait| limited("lines", wait))
    }

    pub fn admit_order(
        &self,
        subject: &Subject,
        rate: Option<Rate>,
        now: Timestamp,
    ) -> Result<(), RoomRefused> {
        let Some(rate) = rate else { return Ok(()) };
        let mut person = self.0.entry(subject.clone()).or_default();
        person.orders.admit(rate, now).map_err(|wait| limited("orders", wait))
    }

    /// Drops those who are gone and owe nothing.
    pub fn forget_idle(&self, now: Timestamp) {
        self.0.retain(|_, person| {
            person.connections > 0 || !person.lines.is_full(now) || !person.orders.is_full(now)
        });
    }
}

fn limited(what: &'static str, retry_after: Duration) -> RoomRefused {
    RoomRefused::RateLimited { what, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_a_few_sockets_and_is_forgotten_when_idle() {
        let (people, li) = (People::default(), "li".parse().unwrap());
        assert!(people.enter(&li, 2) && people.enter(&li, 2) && !people.enter(&li, 2));
        people.leave(&li);
        assert!(people.enter(&li, 2));
        people.leave(&li);
        people.leave(&li);
        let rate = Some(Rate { count: 1, per: Duration::from_secs(5) });
        let now = Timestamp(1_000);
        assert_eq!(people.admit_line(&li, rate, now), Ok(()));
        assert_eq!(people.admit_line(&li, rate, now), Err(limited("lines", Duration::from_secs(5))));
        assert_eq!(people.admit_order(&li, rate, now), Ok(()), "orders are counted apart");
        assert_eq!(people.admit_line(&li, None, now), Ok(()), "switched off");
        people.forget_idle(now);
        assert_eq!(people.0.len(), 1, "leaving does not lift a limit");
        people.forget_idle(now + Duration::from_secs(5));
        assert_eq!(people.0.len(), 0);
    }
}
