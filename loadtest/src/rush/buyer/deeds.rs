//! What a buyer sends.

use std::{sync::Arc, time::Duration};

use apricot_proto::v1;
use uuid::Uuid;

use super::{ANSWER_WAIT, Buyer, Inbox, Pending, RestAnswer, What};
use crate::{
    contract::{Answer, Gone},
    history::Via,
    rush::purchase::Do,
};

/// A part of an order that is refunded: it leaves a share that has to be rounded.
pub const PART_REFUNDED_MINOR: i64 = 1_234;

/// REST answers after this long are looked for by the purchase itself.
const REST_WAIT: Duration = Duration::from_secs(8);

impl Buyer {
    pub(super) async fn perform(&mut self, order: Uuid, deed: Do) {
        let Some(active) = self.active.get_mut(&order) else { return };
        active.busy = true;
        let over_rest = active.attempt.via == Via::Rest;
        let repeats = if active.repeated { Default::default() } else { active.attempt.repeats };
        match deed {
            Do::Look | Do::Refund { .. } => self.call(order, deed, true),
            Do::Place | Do::Pay(_) | Do::Cancel if over_rest => self.call(order, deed, true),
            Do::Place => {
                self.send(order, deed, true).await;
                if repeats.place_on_socket {
                    self.send(order, deed, false).await;
                }
                if repeats.place_over_rest {
                    self.call(order, deed, false);
                }
                if repeats.cut_after_place {
                    self.repeated(order);
                    self.lose(Gone::Lost("cut on purpose".into()));
                }
            }
            Do::Pay(_) => {
                self.send(order, deed, true).await;
                if repeats.pay {
                    self.send(order, deed, false).await;
                }
                self.repeated(order);
                if repeats.cut_after_pay {
                    self.lose(Gone::Lost("cut on purpose".into()));
                }
            }
            Do::Cancel => self.send(order, deed, true).await,
        }
    }

    fn repeated(&mut self, order: Uuid) {
        if let Some(active) = self.active.get_mut(&order) {
            active.repeated = true;
        }
    }

    async fn send(&mut self, order: Uuid, deed: Do, first: bool) {
        let Some(command) = self.command(order, deed) else { return };
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        let (node, sent_us) = (self.node, self.board.now_us());
        self.pending.insert(id, Pending { order, deed, first, node, sent_us });
        if first {
            self.set_timer(order, ANSWER_WAIT, What::Overdue(id));
        }
        let message = v1::ClientMessage { id, command: Some(command) };
        let sent = match &mut self.socket {
            Some(socket) => socket.send(&message).await,
            None => Err(Gone::Lost("not connected".into())),
        };
        if let Err(gone) = sent {
            self.lose(gone);
        }
    }

    fn command(&self, order: Uuid, deed: Do) -> Option<v1::client_message::Command> {
        use v1::client_message::Command;
        match deed {
            Do::Place => self.wish_of(order).map(Command::PlaceOrder),
            Do::Pay(method) => Some(Command::PayOrder(self.payment(order, method))),
            Do::Cancel => Some(Command::CancelOrder(v1::CancelOrder { order_id: order.to_string() })),
            Do::Refund { .. } | Do::Look => None,
        }
    }

    fn wish_of(&self, order: Uuid) -> Option<v1::PlaceOrder> {
        let attempt = &self.active.get(&order)?.attempt;
        Some(v1::PlaceOrder {
            order_id: order.to_string(),
            sale_id: self.board.stage.sale.to_string(),
            quantity: attempt.quantity,
            wait: attempt.wait,
        })
    }

    fn payment(&self, order: Uuid, method: v1::PaymentMethod) -> v1::PayOrder {
        v1::PayOrder {
            order_id: order.to_string(),
            method: method as i32,
            ship_to: Some(v1::ShipTo {
                name: format!("Buyer {}", self.number),
                phone: format!("+8613800{:06}", self.number),
                address: "1 Orchard Road, Memory".into(),
            }),
        }
    }

    /// A REST call beside the socket; its answer comes back through the inbox.
    fn call(&mut self, order: Uuid, deed: Do, first: bool) {
        let Some(request) = self.request(order, deed) else { return };
        if first {
            self.set_timer(order, REST_WAIT, What::Look);
        }
        let (board, to_self) = (Arc::clone(&self.board), self.to_self.clone());
        self.calls += 1;
        let node = self.calls % self.board.nodes.len();
        let rest = match deed {
            Do::Refund { .. } => self.board.stage.host.at(node),
            Do::Place | Do::Pay(_) | Do::Cancel | Do::Look => self.rest.at(node),
        };
        tokio::spawn(async move {
            let _slot = board.rest_calls.acquire().await;
            let sent_us = board.now_us();
            let path = request.path;
            let answer: Answer<v1::Order> = match request.body {
                Body::None => rest.get(&path).await,
                Body::Place(body) => rest.post(&path, &body, None).await,
                Body::Pay(body) => rest.post(&path, &body, Some(&request.key)).await,
                Body::Cancel => rest.post(&path, &serde_json::json!({}), Some(&request.key)).await,
                Body::Refund(body) => rest.post(&path, &body, Some(&request.key)).await,
            };
            let answered_us = board.now_us();
            let answer = RestAnswer { order, deed, first, node, sent_us, answered_us, answer };
            // The buyer may have ended meanwhile; then nobody waits for this.
            drop(to_self.send(Inbox::Rest(Box::new(answer))).await);
        });
    }

    fn request(&self, order: Uuid, deed: Do) -> Option<Request> {
        let path = |verb: &str| format!("/v1/orders/{order}{verb}");
        // One key for each purpose: what is repeated is the same wish. A second payment after a decline is another.
        let key = |purpose: &str| format!("{}-{purpose}", order.simple());
        Some(match deed {
            Do::Place => Request {
                path: "/v1/orders".into(),
                key: String::new(),
                body: Body::Place(self.wish_of(order)?),
            },
            Do::Pay(method) => Request {
                path: path("/pay"),
                key: key(&format!("pay-{}", method as i32)),
                body: Body::Pay(self.payment(order, method)),
            },
            Do::Cancel => Request { path: path("/cancel"), key: key("cancel"), body: Body::Cancel },
            Do::Refund { wholly } => Request {
                path: path("/refunds"),
                key: key("refund"),
                body: Body::Refund(v1::RefundOrder {
                    amount: (!wholly)
                        .then(|| v1::Money { minor: PART_REFUNDED_MINOR, currency: "CNY".into() }),
                    reason: "bruised in the load test".into(),
                }),
            },
            Do::Look => Request { path: path(""), key: String::new(), body: Body::None },
        })
    }
}

struct Request {
    path: String,
    key: String,
    body: Body,
}

enum Body {
    None,
    Place(v1::PlaceOrder),
    Pay(v1::PayOrder),
    Cancel,
    Refund(v1::RefundOrder),
}
