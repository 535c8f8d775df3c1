//! Names of the sale layer's metrics; `docs/metrics.md` lists them all.

/// Orders that reached a stage.
pub const ORDERS: &str = "apricot_orders_total";
/// Requests to buy that were refused, by rule.
pub const REFUSED: &str = "apricot_orders_refused_total";
/// Holds that ended, by outcome.
pub const HOLDS: &str = "apricot_holds_total";
/// Provider events taken in, by kind; `seen` for repeated ones.
pub const PAYMENT_EVENTS: &str = "apricot_payment_events_total";
/// Offers made to the waiting list.
pub const OFFERS: &str = "apricot_offers_total";
/// Tasks asked of the provider, by kind and answer.
pub const TASKS: &str = "apricot_provider_tasks_total";

pub fn order(stage: &'static str) {
    metrics::counter!(ORDERS, "stage" => stage).increment(1);
    let outcome = match stage {
        "held" => "granted",
        "paid" => "claimed",
        "released" | "expired" => stage,
        _ => return,
    };
    metrics::counter!(HOLDS, "outcome" => outcome).increment(1);
}

pub fn refused(rule: &'static str) {
    metrics::counter!(REFUSED, "rule" => rule).increment(1);
}

pub fn payment_event(kind: &'static str) {
    metrics::counter!(PAYMENT_EVENTS, "kind" => kind).increment(1);
}

pub fn offered() {
    metrics::counter!(OFFERS).increment(1);
}

pub fn task(kind: &'static str, answer: &'static str) {
    metrics::counter!(TASKS, "kind" => kind, "answer" => answer).increment(1);
}
