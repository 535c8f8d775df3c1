//! What one buyer does about one order: a state machine without sockets or clocks.
//!
//! It is told what the buyer sees and says what the buyer does next. Whatever is not answered is sent again under the same
//! id, which is the promise that the checker tests.

use std::time::Duration;

use apricot_proto::v1;

use super::plan::Intent;
use crate::history::{Act, Refusal, Stage};

/// An order as its buyer sees it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub stage: Stage,
    pub payment: v1::PaymentState,
    /// How long the hold still stands.
    pub hold_left: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing until something comes, or at the latest after this time: then look.
    Wait(Duration),
    /// Do this after a pause.
    Later(Duration, Do),
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    Place,
    Pay(v1::PaymentMethod),
    Cancel,
    Refund {
        wholly: bool,
    },
    /// Read the order over REST.
    Look,
}

impl Do {
    pub fn act(self) -> Option<Act> {
        match self {
            Do::Place => Some(Act::Place),
            Do::Pay(_) => Some(Act::Pay),
            Do::Cancel => Some(Act::Cancel),
            Do::Refund { .. } => Some(Act::Refund),
            Do::Look => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Placing,
    /// Has the hold, and the next deed is under way or planned.
    Acting,
    /// Sent a payment that is to be declined.
    AwaitingDecline,
    AwaitingPayment,
    /// Lets the hold run out.
    Leaving,
    Refunding,
    Done,
}

#[derive(Debug, Clone)]
pub struct Purchase {
    intent: Intent,
    think: Duration,
    step: Step,
}

/// News come by themselves; a buyer who hears nothing for this long looks.
pub const LOOK_AFTER: Duration = Duration::from_secs(3);
/// Behind the end of a hold, for the sweep.
const SWEEP: Duration = Duration::from_millis(500);
/// A refusal that may be retried without a time of its own.
const RETRY_AFTER: Duration = Duration::from_millis(100);

impl Purchase {
    pub fn new(intent: Intent, think: Duration) -> Purchase {
        Purchase { intent, think, step: Step::Placing }
    }

    pub fn on_view(&mut self, view: &View) -> Next {
        match view.stage {
            Stage::Unknown => Next::Wait(LOOK_AFTER),
            Stage::Waiting => Next::Wait(LOOK_AFTER),
            Stage::Held => self.on_held(view),
            Stage::Paid | Stage::Packed | Stage::Shipped | Stage::Delivered | Stage::Confirmed => {
                self.on_paid()
            }
            Stage::Released | Stage::Expired => self.on_gone(view.payment),
            Stage::Refunded => self.done(),
        }
    }

    fn on_held(&mut self, view: &View) -> Next {
        let declined = view.payment == v1::PaymentState::Declined;
        let authorising = view.payment == v1::PaymentState::Authorising;
        match (self.step, self.intent) {
            (Step::Placing, intent) => {
                self.step = Step::Acting;
                match intent {
                    Intent::Pays | Intent::PaysAndIsRefunded { .. } => {
                        self.pay(v1::PaymentMethod::SandboxApprove)
                    }
                    Intent::PaysLate => self.pay(v1::PaymentMethod::SandboxSlow),
                    Intent::DeclinesThenPays | Intent::DeclinesThenLeaves => {
                        self.step = Step::AwaitingDecline;
                        Next::Later(self.think, Do::Pay(v1::PaymentMethod::SandboxDecline))
                    }
                    Intent::Cancels => Next::Later(self.think, Do::Cancel),
                    Intent::LetsExpire => {
                        self.step = Step::Leaving;
                        Next::Wait(view.hold_left + SWEEP)
                    }
                }
            }
            (Step::AwaitingDecline, Intent::DeclinesThenPays) if declined => {
                self.pay(v1::PaymentMethod::SandboxApprove)
            }
            (Step::AwaitingDecline, _) if declined => {
                self.step = Step::Acting;
                Next::Later(self.think, Do::Cancel)
            }
            // Declined before the approval was asked for: old news.
            (Step::AwaitingPayment, _) if declined || authorising => Next::Wait(LOOK_AFTER),
            // Nobody remembers the payment: it was sent to a server that was killed.
            (Step::AwaitingPayment | Step::AwaitingDecline, _) => Next::Wait(LOOK_AFTER),
            (Step::Leaving, _) => Next::Wait(view.hold_left + SWEEP),
            (Step::Acting | Step::Refunding | Step::Done, _) => Next::Wait(LOOK_AFTER),
        }
    }

    fn pay(&mut self, method: v1::PaymentMethod) -> Next {
        self.step = Step::AwaitingPayment;
        Next::Later(self.think, Do::Pay(method))
    }

    fn on_paid(&mut self) -> Next {
        match (self.step, self.intent) {
            (Step::Refunding, Intent::PaysAndIsRefunded { .. }) => Next::Wait(LOOK_AFTER),
            (_, Intent::PaysAndIsRefunded { wholly }) if self.step != Step::Done => {
                self.step = Step::Refunding;
                Next::Later(self.think, Do::Refund { wholly })
            }
            _ => self.done(),
        }
    }

    /// A payment under way may still come late: hold again, or be sent back.
    fn on_gone(&mut self, payment: v1::PaymentState) -> Next {
        match payment {
            v1::PaymentState::Authorising | v1::PaymentState::Authorised | v1::PaymentState::Refunding => {
                Next::Wait(LOOK_AFTER)
            }
            v1::PaymentState::Unspecified
            | v1::PaymentState::Declined
            | v1::PaymentState::Captured
            | v1::PaymentState::Refunded => self.done(),
        }
    }

    pub fn on_refund_accepted(&mut self) -> Next {
        self.done()
    }

    pub fn on_refused(&mut self, deed: Do, refusal: &Refusal, retry_after: Duration) -> Next {
        if refusal.may_retry() {
            return Next::Later(retry_after.max(RETRY_AFTER), deed);
        }
        match deed {
            Do::Place => self.done(),
            // The state is not what it was: see what it is.
            Do::Pay(_) | Do::Cancel => Next::Later(RETRY_AFTER, Do::Look),
            Do::Refund { .. } => self.done(),
            // The order that was asked for is not there.
            Do::Look => self.done(),
        }
    }

    /// No answer came: the same again.
    pub fn on_unknown(&self, deed: Do) -> Next {
        Next::Later(Duration::ZERO, deed)
    }

    /// Whether a repeated look found a payment that has to be sent again because nobody knows of it.
    pub fn resend_after_look(&self, view: &View) -> Option<Do> {
        let forgotten = view.stage == Stage::Held && view.payment == v1::PaymentState::Unspecified;
        match (self.step, self.intent) {
            (Step::AwaitingPayment, Intent::PaysLate) if forgotten => {
                Some(Do::Pay(v1::PaymentMethod::SandboxSlow))
            }
            (Step::AwaitingPayment, _) if forgotten => Some(Do::Pay(v1::PaymentMethod::SandboxApprove)),
            (Step::AwaitingPayment, Intent::DeclinesThenPays)
                if view.stage == Stage::Held && view.payment == v1::PaymentState::Declined =>
            {
                Some(Do::Pay(v1::PaymentMethod::SandboxApprove))
            }
            (Step::AwaitingDecline, _) if forgotten => Some(Do::Pay(v1::PaymentMethod::SandboxDecline)),
            (Step::Acting, Intent::Cancels | Intent::DeclinesThenLeaves) if view.stage == Stage::Held => {
                Some(Do::Cancel)
            }
            _ => None,
        }
    }

    fn done(&mut self) -> Next {
        self.step = Step::Done;
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use v1::{PaymentMethod, PaymentState};

    use super::*;

    const THINK: Duration = Duration::from_millis(40);

    fn view(stage: Stage, payment: PaymentState) -> View {
        View { stage, payment, hold_left: Duration::from_secs(9) }
    }

    /// Shows views one after another and collects what is done about each.
    fn deeds(intent: Intent, views: &[(Stage, PaymentState)]) -> (Vec<Option<Do>>, Next) {
        let mut purchase = Purchase::new(intent, THINK);
        let mut done = Vec::new();
        let mut last = Next::Done;
        for (stage, payment) in views {
            last = purchase.on_view(&view(*stage, *payment));
            done.push(match last {
                Next::Later(pause, deed) => {
                    assert_eq!(pause, THINK);
                    Some(deed)
                }
                Next::Wait(_) | Next::Done => None,
            });
        }
        (done, last)
    }

    #[test]
    fn who_pays_pays_once() {
        let (done, last) = deeds(
            Intent::Pays,
            &[
                (Stage::Held, PaymentState::Unspecified),
                (Stage::Held, PaymentState::Authorising),
                (Stage::Paid, PaymentState::Authorised),
            ],
        );
        assert_eq!(done, [Some(Do::Pay(PaymentMethod::SandboxApprove)), None, None]);
        assert_eq!(last, Next::Done);
    }

    #[test]
    fn a_decline_is_followed_by_another_try() {
        let (done, _) = deeds(
            Intent::DeclinesThenPays,
            &[
                (Stage::Held, PaymentState::Unspecified),
                (Stage::Held, PaymentState::Authorising),
                (Stage::Held, PaymentState::Declined),
                (Stage::Held, PaymentState::Declined),
            ],
        );
        assert_eq!(
            done,
            [
                Some(Do::Pay(PaymentMethod::SandboxDecline)),
                None,
                Some(Do::Pay(PaymentMethod::SandboxApprove)),
                None,
            ]
        );
    }

    #[test]
    fn a_late_payment_is_waited_for_after_the_hold() {
        let (done, last) = deeds(
            Intent::PaysLate,
            &[
                (Stage::Held, PaymentState::Unspecified),
                (Stage::Expired, PaymentState::Authorising),
                (Stage::Expired, PaymentState::Refunding),
                (Stage::Expired, PaymentState::Refunded),
            ],
        );
        assert_eq!(done, [Some(Do::Pay(PaymentMethod::SandboxSlow)), None, None, None]);
        assert_eq!(last, Next::Done);
    }

    #[test]
    fn a_refund_is_asked_for_once() {
        let (done, _) = deeds(
            Intent::PaysAndIsRefunded { wholly: true },
            &[
                (Stage::Held, PaymentState::Unspecified),
                (Stage::Paid, PaymentState::Authorised),
                (Stage::Paid, PaymentState::Captured),
            ],
        );
        assert_eq!(done[1..], [Some(Do::Refund { wholly: true }), None]);
    }

    #[test]
    fn refusals_end_or_repeat_as_the_table_says() {
        let mut purchase = Purchase::new(Intent::Pays, THINK);
        let busy = purchase.on_refused(Do::Place, &Refusal::Busy, Duration::from_millis(250));
        assert_eq!(busy, Next::Later(Duration::from_millis(250), Do::Place));
        assert_eq!(purchase.on_refused(Do::Place, &Refusal::SoldOut, Duration::ZERO), Next::Done);
        assert_eq!(purchase.step, Step::Done);
    }

    #[test]
    fn a_payment_that_nobody_remembers_is_sent_again() {
        let mut purchase = Purchase::new(Intent::Pays, THINK);
        purchase.on_view(&view(Stage::Held, PaymentState::Unspecified));
        let seen = view(Stage::Held, PaymentState::Unspecified);
        assert_eq!(purchase.resend_after_look(&seen), Some(Do::Pay(PaymentMethod::SandboxApprove)));
        let seen = view(Stage::Held, PaymentState::Authorising);
        assert_eq!(purchase.resend_after_look(&seen), None);
    }
}
