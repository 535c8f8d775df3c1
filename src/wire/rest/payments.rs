//! What the payment provider tells, and how the sandbox one behaves.

use apricot_proto::v1;
use serde::Deserialize;

use super::body::{Raw, from_json};
use super::{Call, NoContent, Refused};
use crate::model::payment::{ProviderEvent, ProviderNews};
use crate::model::{Money, OutOfBound, bounded_text};
use crate::sandbox::{Knobs, ProviderError};
use crate::wire::problem::Kind;

/// About what a restart of the provider takes.
const PROVIDER_RETRY_MS: u32 = 2_000;

/// A provider may add fields.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Data {
    payment: String,
    refund: String,
    currency: String,
    fee_minor: String,
    reason: String,
}

pub async fn webhook(call: Call<Raw>) -> Result<NoContent, Refused> {
    let Raw { headers, bytes } = &call.body;
    let id = call.wire.webhooks.verify(headers, bytes, call.now)?;
    let event = event(id, bytes)?;
    // Told before: nothing more happens, and the provider need not tell it again.
    call.wire.sales.on_provider_event(event, call.now).await?;
    Ok(NoContent)
}

/// The event `id` that a verified body tells.
pub fn event(id: &str, body: &[u8]) -> Result<ProviderEvent, v1::Problem> {
    let event: Event = from_json(body)?;
    Ok(ProviderEvent { id: id.to_owned(), news: event.news()? })
}

pub async fn knobs(call: Call) -> Result<v1::SandboxKnobs, Refused> {
    call.everywhere()?;
    Ok(shown(call.wire.provider.knobs().await.map_err(not_now)?))
}

pub async fn turn_knobs(call: Call<v1::SandboxKnobs>) -> Result<v1::SandboxKnobs, Refused> {
    call.everywhere()?;
    let v1::SandboxKnobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms, reason } = call.body;
    let reason = bounded_text("reason", &reason, 0..=200)?;
    let knobs = Knobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms }.checked()?;
    // Who turned what, and why, stands in the trail before it has an effect.
    let turned = format!(
        "delay {delay_ms} ms, twice {duplicate_ppm} ppm, out of turn {reorder_ppm} ppm, lost {lost_ppm} ppm, slow {slow_ms} ms"
    );
    let why = if reason.is_empty() { turned } else { format!("{reason}; {turned}") };
    let actor = &call.caller.subject;
    call.wire.ops.note(actor, "turn-knobs", "sandbox".into(), why, call.now).await?;
    call.wire.provider.set_knobs(knobs).await.map_err(not_now)?;
    Ok(shown(knobs))
}

/// The knobs are within their bounds, so that whatever goes wrong is between this node and the provider.
fn not_now(error: ProviderError) -> v1::Problem {
    Kind::Busy.for_now(format!("Try again in a while: {error}."), PROVIDER_RETRY_MS)
}

fn shown(knobs: Knobs) -> v1::SandboxKnobs {
    let Knobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms } = knobs;
    v1::SandboxKnobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms, reason: String::new() }
}

impl Event {
    fn news(self) -> Result<ProviderNews, OutOfBound> {
        let Data { payment, refund, currency, fee_minor, reason } = self.data;
        match self.kind.as_str() {
            "payment.authorised" => Ok(ProviderNews::Authorised { payment: payment.parse()? }),
            "payment.declined" => {
                let reason = bounded_text("data.reason", &reason, 0..=200)?;
                Ok(ProviderNews::Declined { payment: payment.parse()?, reason })
            }
            "payment.captured" => {
                let fee =
                    fee_minor.parse().ok().filter(|fee| (0..=crate::model::money::MINOR_MAX).contains(fee));
                let fee = fee.ok_or_else(|| OutOfBound::new("data.feeMinor", "minor units, 0 or more"))?;
                let fee = Money::new(fee, currency.parse()?);
                Ok(ProviderNews::Captured { payment: payment.parse()?, fee })
            }
            "refund.succeeded" => Ok(ProviderNews::Refunded { refund: refund.parse()? }),
            _ => Err(OutOfBound::new(
                "type",
                "payment.authorised, payment.declined, payment.captured or refund.succeeded",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn news(json: &str) -> Result<ProviderNews, OutOfBound> {
        from_json::<Event>(json.replace("PAYMENT", PAYMENT).as_bytes()).unwrap().news()
    }

    #[test]
    fn events_of_the_provider_are_read() {
        let payment = PAYMENT.parse().unwrap();
        let event = r#"{"type":"payment.captured","timestamp":"1","data":{"payment":"PAYMENT","amountMinor":"100","currency":"CNY","feeMinor":"6"}}"#;
        let fee = Money::new(6, "CNY".parse().unwrap());
        assert_eq!(news(event), Ok(ProviderNews::Captured { payment, fee }));
        let event = r#"{"type":"payment.declined","data":{"payment":"PAYMENT","reason":"no funds"}}"#;
        assert_eq!(news(event), Ok(ProviderNews::Declined { payment, reason: "no funds".into() }));
        assert_eq!(news(r#"{"type":"payment.lost","data":{}}"#).unwrap_err().field, "type");
        assert_eq!(news(r#"{"type":"payment.authorised","data":{}}"#).unwrap_err().field, "paymentId");
        let event =
            r#"{"type":"payment.captured","data":{"payment":"PAYMENT","currency":"CNY","feeMinor":"-1"}}"#;
        assert_eq!(news(event).unwrap_err().field, "data.feeMinor");
    }
}
