//! Open orders whose buyers are here. News of them may be lost on its way from the node that made it, which may be gone; so the record is
//! asked now and then.

use std::collections::HashMap;
use std::time::Duration;

use apricot_proto::v1;

use super::parcel::Personal;
use crate::model::{OrderId, Subject, Timestamp};

/// Longer than news takes; a buyer who waits for "paid" waits no longer than this.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// 100 B each: more than the buyers of a rush on one node. What does not fit is told by messages alone.
const AWAITED_MAX: usize = 16_384;

#[derive(Default)]
pub struct Awaited(HashMap<OrderId, Open>);

struct Open {
    buyer: Subject,
    /// The revision that the buyer has.
    told: u64,
    asked_at: Timestamp,
}

impl Awaited {
    /// The buyer has this one.
    pub fn tell(&mut self, buyer: &Subject, order: &v1::Order, now: Timestamp) {
        let Ok(id) = order.id.parse() else { return };
        let is_open = matches!(order.state(), v1::OrderState::Waiting | v1::OrderState::Held);
        let fits = self.0.len() < AWAITED_MAX;
        match self.0.get_mut(&id) {
            Some(open) if order.version < open.told => {}
            Some(open) if is_open => open.told = order.version,
            Some(_) => drop(self.0.remove(&id)),
            None if is_open && fits => {
                self.0.insert(id, Open { buyer: buyer.clone(), told: order.version, asked_at: now });
            }
            None => {}
        }
    }

    /// With their revisions, those that were asked for the longest ago first, at most so many. Who is not here awaits nothing.
    pub fn due(
        &mut self,
        now: Timestamp,
        at_most: usize,
        is_here: impl Fn(&Subject) -> bool,
    ) -> Vec<(OrderId, u64)> {
        self.0.retain(|_, open| is_here(&open.buyer));
        let due = self.0.iter_mut().filter(|(_, open)| open.asked_at + ASK_EVERY <= now);
        let mut due: Vec<_> = due.collect();
        due.sort_unstable_by_key(|(_, open)| open.asked_at);
        let asked = due.into_iter().take(at_most).map(|(id, open)| {
            open.asked_at = now;
            (*id, open.told)
        });
        asked.collect()
    }

    /// Messages were missed.
    pub fn are_all_due(&mut self) {
        self.0.values_mut().for_each(|open| open.asked_at = Timestamp::ZERO);
    }

    /// Whether the buyer has not seen it.
    pub fn is_news(&self, personal: &Personal) -> bool {
        let open = personal.order.id.parse().ok().and_then(|id| self.0.get(&id));
        open.is_some_and(|open| open.told < personal.order.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;
    use crate::model::Stage;
    use crate::room::scene::{NOW, order_view, viewer};
    use crate::sale::OrderView;

    fn order(revision: u64, stage: Stage) -> v1::Order {
        let view = order_view(&viewer("lin"));
        contract::order(&OrderView { order: crate::model::Order { stage, ..view.order }, revision, ..view })
    }

    #[test]
    fn an_open_order_is_asked_for_again_and_again_until_its_end_is_told() {
        let (lin, mut awaited) = (viewer("lin").subject, Awaited::default());
        let due = |awaited: &mut Awaited, seconds| {
            let due = awaited.due(NOW + Duration::from_secs(seconds), 10, |_| true);
            due.into_iter().map(|(_, told)| told).collect::<Vec<u64>>()
        };
        awaited.tell(&lin, &order(3, Stage::Waiting), NOW);
        assert_eq!(due(&mut awaited, 4), [0; 0]);
        assert_eq!(due(&mut awaited, 5), [3]);
        assert_eq!(due(&mut awaited, 9), [0; 0]);
        awaited.are_all_due();
        assert_eq!(due(&mut awaited, 9), [3]);
        awaited.tell(&lin, &order(2, Stage::Paid), NOW);
        assert_eq!(due(&mut awaited, 20), [3], "what is older changes nothing");
        awaited.tell(&lin, &order(4, Stage::Paid), NOW);
        assert_eq!(due(&mut awaited, 40), [0; 0]);
        awaited.tell(&lin, &order(5, Stage::Waiting), NOW);
        assert_eq!(awaited.due(NOW + ASK_EVERY, 10, |_| false), []);
        assert_eq!(due(&mut awaited, 60), [0; 0], "lin has left");
    }
}
