//! What a buyer is answered and told.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use apricot_proto::v1;
use prost::Message as _;
use uuid::Uuid;

use super::{Buyer, Pending, Position, RestAnswer, refusal_of};
use crate::{
    contract::{
        Answer, Gone,
        peek::{self, Peek, body},
    },
    history::{Counter, News, Outcome, Reading, Stock, Via},
    rush::purchase::{Do, LOOK_AFTER, Next},
};

/// What a read found, decoded because the buyer acts on it.
pub enum Arrived {
    Reply(Box<v1::Reply>),
    Joined(Box<v1::Joined>),
    Order(Box<v1::Order>),
    Closing(v1::Closing),
}

impl Buyer {
    /// Reads what is there: first all of it, then the answers one by one.
    pub(super) async fn read(&mut self) {
        let Buyer { socket, arrived, position, last_reading, last_left, board, node, .. } = self;
        let node = *node as u32;
        let Some(socket) = socket else { return };
        let mut wrong = None;
        let pledge = board.stage.pledge;
        let taken = socket.read(|publication| {
            if publication.lane == v1::Lane::Critical as i32 {
                position.offset = position.offset.max(publication.offset);
            }
            if publication.body == body::STATE {
                for total in peek::charity_totals(publication.bytes) {
                    if let Some(reading) = new_reading(total, pledge, last_reading) {
                        if last_reading.is_some_and(|last| last.sequence > reading.sequence) {
                            board.older_readings.fetch_add(1, Relaxed);
                        }
                        *last_reading = Some(reading);
                        board.saw_total(Counter { reading, node });
                    }
                }
                let sale = &board.stage.sale_id;
                for stock in peek::stocks(publication.bytes) {
                    let left = peek::integer(stock, 2);
                    if *last_left != Some(left) && peek::text(stock, 1) == Some(sale.as_bytes()) {
                        *last_left = Some(left);
                        board.saw_stock(Stock { node, left });
                    }
                }
            } else if let Err(error) = decode(publication, arrived) {
                wrong = Some(error.to_string());
            }
        });
        let flushed = match taken {
            Ok(_) => socket.flush().await,
            Err(gone) => Err(gone),
        };
        for arrived in std::mem::take(&mut self.arrived) {
            self.on_arrived(arrived);
        }
        if let Some(what) = wrong {
            self.lose(Gone::Lost(what));
        } else if let Err(gone) = flushed {
            self.lose(gone);
        }
    }

    fn on_arrived(&mut self, arrived: Arrived) {
        match arrived {
            Arrived::Reply(reply) => self.on_reply(*reply),
            Arrived::Order(order) => self.on_news(&order),
            Arrived::Joined(joined) => {
                if let Some(at) = joined.position {
                    let same = at.epoch == self.position.epoch && joined.recovered;
                    let offset = if same { self.position.offset } else { at.offset };
                    self.position = Position { epoch: at.epoch, offset };
                }
                for order in &joined.orders {
                    self.on_news(order);
                }
                self.memory.subject = joined.subject;
            }
            Arrived::Closing(closing) => {
                self.retry_after = Duration::from_millis(closing.retry_after_ms.into());
            }
        }
    }

    fn on_news(&mut self, order: &v1::Order) {
        let Some((id, seen, new)) = self.see(order) else { return };
        if new {
            let at_us = self.board.now_us();
            self.memory.news.push(News { buyer: self.number, order: id, at_us, seen });
        }
        self.feed(id, order, false);
    }

    fn on_reply(&mut self, reply: v1::Reply) {
        let Some(pending) = self.pending.remove(&reply.id) else { return };
        let now_us = self.board.now_us();
        match reply.outcome {
            Some(v1::reply::Outcome::Order(order)) => {
                self.accepted(&pending, Via::Socket, now_us, &order);
            }
            Some(v1::reply::Outcome::Problem(problem)) => {
                self.refused(&pending, Via::Socket, now_us, &problem);
            }
            Some(v1::reply::Outcome::Done(_) | v1::reply::Outcome::Pong(_)) | None => {
                self.unanswered(pending.order, Do::Look, Duration::ZERO);
            }
        }
    }

    pub(super) fn rest_answered(&mut self, answer: RestAnswer) {
        let RestAnswer { order, deed, first, node, sent_us, answered_us, answer } = answer;
        let pending = Pending { order, deed, first, node, sent_us };
        match answer {
            Answer::Ok(order) => self.accepted(&pending, Via::Rest, answered_us, &order),
            Answer::Problem(problem) => self.refused(&pending, Via::Rest, answered_us, &problem),
            Answer::Unknown(_) => {
                self.note(&pending, Via::Rest, answered_us, Outcome::Unknown);
                if first {
                    self.unanswered(pending.order, deed, Duration::from_millis(100));
                }
            }
        }
    }

    fn accepted(&mut self, pending: &Pending, via: Via, at_us: u64, order: &v1::Order) {
        let Some((id, seen, new)) = self.see(order) else { return };
        self.note(pending, via, at_us, Outcome::Order(seen));
        if pending.deed == Do::Look && new {
            self.memory.news.push(News { buyer: self.number, order: id, at_us, seen });
        }
        if pending.first {
            self.unbusy(id);
        }
        match pending.deed {
            Do::Refund { .. } => {
                if let Some(active) = self.active.get_mut(&id) {
                    let next = active.purchase.on_refund_accepted();
                    self.follow(id, next);
                }
            }
            Do::Place | Do::Pay(_) | Do::Cancel => {
                if !self.feed(id, order, false) {
                    self.follow(id, Next::Wait(LOOK_AFTER));
                }
            }
            Do::Look => {
                self.feed(id, order, true);
            }
        }
    }

    fn refused(&mut self, pending: &Pending, via: Via, at_us: u64, problem: &v1::Problem) {
        let (refusal, retry_after) = refusal_of(problem);
        self.note(pending, via, at_us, Outcome::Refused(refusal.clone()));
        if !pending.first {
            return;
        }
        self.unbusy(pending.order);
        if let Some(active) = self.active.get_mut(&pending.order) {
            let next = active.purchase.on_refused(pending.deed, &refusal, retry_after);
            self.follow(pending.order, next);
        }
    }

    /// The deed was answered; unless a next one is planned, news may move the purchase again.
    fn unbusy(&mut self, order: Uuid) {
        if let Some(active) = self.active.get_mut(&order) {
            active.busy = self.planned.contains_key(&order);
        }
    }
}

fn decode(publication: Peek<'_>, arrived: &mut Vec<Arrived>) -> Result<(), prost::DecodeError> {
    let bytes = publication.bytes;
    match publication.body {
        body::REPLY => arrived.push(Arrived::Reply(Box::new(v1::Reply::decode(bytes)?))),
        body::JOINED => arrived.push(Arrived::Joined(Box::new(v1::Joined::decode(bytes)?))),
        body::ORDER => arrived.push(Arrived::Order(Box::new(v1::Order::decode(bytes)?))),
        body::CLOSING => arrived.push(Arrived::Closing(v1::Closing::decode(bytes)?)),
        _ => {}
    }
    Ok(())
}

/// A reading of this run's pledge that differs from the last one this buyer saw.
fn new_reading(total: &[u8], pledge: Uuid, last: &Option<Reading>) -> Option<Reading> {
    let reading = Reading {
        epoch: peek::integer(total, 2),
        sequence: peek::integer(total, 3),
        accrued_minor: peek::integer(total, 5).cast_signed(),
        reversed_minor: peek::integer(total, 6).cast_signed(),
    };
    if last.as_ref() == Some(&reading) {
        return None;
    }
    let mine = peek::text(total, 1)
        .and_then(|id| std::str::from_utf8(id).ok())
        .and_then(|id| id.parse::<Uuid>().ok());
    (mine == Some(pledge)).then_some(reading)
}
