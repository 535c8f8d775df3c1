//! What is told, to whom and with which signature: Standard Webhooks (standardwebhooks.com).

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use serde::Serialize;
use standardwebhooks::Webhook;

use crate::model::payment::ProviderNews;
use crate::model::{Money, OutOfBound, PaymentId, Timestamp};

/// Where events go, and the secret that the receiver checks them with.
#[derive(Clone, Debug)]
pub struct WebhookTarget {
    /// `http://host[:port]/path`, without user and password. This provider speaks no TLS: it lives in the program it calls.
    pub url: String,
    pub secret: WebhookSecret,
}

/// `whsec_` and 24..=64 bytes in base64. Never shown.
#[derive(Clone)]
pub struct WebhookSecret(String);

impl WebhookTarget {
    pub(super) fn checked_url(&self) -> Result<Url, OutOfBound> {
        let bound = || OutOfBound::new("webhook.url", "an http:// URL without user and password");
        let url = Url::parse(&self.url).map_err(|_| bound())?;
        let plain = url.scheme() == "http" && url.has_host();
        if plain && url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err(bound()) }
    }
}

impl WebhookSecret {
    pub(super) fn signer(&self) -> Result<Webhook, OutOfBound> {
        Webhook::new(&self.0).map_err(|_| Self::bound())
    }

    fn bound() -> OutOfBound {
        OutOfBound::new("webhook.secret", "whsec_ followed by 24..=64 bytes in base64")
    }
}

impl FromStr for WebhookSecret {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        // 24 bytes are 32 characters, 64 bytes are 88.
        let long_enough = text.strip_prefix("whsec_").is_some_and(|key| (32..=88).contains(&key.len()));
        let secret = Self(text.to_owned());
        if !long_enough {
            return Err(Self::bound());
        }
        secret.signer().map(|_| secret)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Milliseconds since 1970, a string as all 64-bit numbers of the contract are.
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    payment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<String>,
    amount_minor: String,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_minor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The body, as it is stored and sent at every attempt. `payment` and `amount` are what the news is about.
pub(super) fn body(
    news: &ProviderNews,
    payment: PaymentId,
    amount: Money,
    at: Timestamp,
) -> Result<String, serde_json::Error> {
    let (refund, fee_minor, reason) = match news {
        ProviderNews::Authorised { .. } => (None, None, None),
        ProviderNews::Declined { reason, .. } => (None, None, Some(reason.as_str())),
        ProviderNews::Captured { fee, .. } => (None, Some(fee.minor.to_string()), None),
        ProviderNews::Refunded { refund } => (Some(refund.to_string()), None, None),
    };
    let data = Data {
        payment: payment.to_string(),
        refund,
        amount_minor: amount.minor.to_string(),
        currency: amount.currency.as_str(),
        fee_minor,
        reason,
    };
    serde_json::to_string(&Event { kind: kind(news), timestamp: at.millis().to_string(), data })
}

/// The webhook-id: what happened to whom. A thing happens to a payment once, so that it names one event for ever.
pub(super) fn event_id(news: &ProviderNews) -> String {
    match news {
        ProviderNews::Authorised { payment } => format!("evt_authorised_{}", payment.0.simple()),
        ProviderNews::Declined { payment, .. } => format!("evt_declined_{}", payment.0.simple()),
        ProviderNews::Captured { payment, .. } => format!("evt_captured_{}", payment.0.simple()),
        ProviderNews::Refunded { refund } => format!("evt_refunded_{}", refund.0.simple()),
    }
}

fn kind(news: &ProviderNews) -> &'static str {
    match news {
        ProviderNews::Authorised { .. } => "payment.authorised",
        ProviderNews::Declined { .. } => "payment.declined",
        ProviderNews::Captured { .. } => "payment.captured",
        ProviderNews::Refunded { .. } => "refund.succeeded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Currency, RefundId};

    #[test]
    fn the_body_is_as_the_receiver_was_promised() {
        let payment: PaymentId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let refund: RefundId = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        let money = |minor| Money::new(minor, Currency::CNY);
        let written =
            |news: ProviderNews| body(&news, payment, money(1_250), Timestamp(1_700_000_000_000)).unwrap();
        let about = r#"{"payment":"01890a5d-ac96-774b-bcce-b302099a8057""#;
        let head = |kind| format!(r#"{{"type":"{kind}","timestamp":"1700000000000","data":{about}"#);
        assert_eq!(
            written(ProviderNews::Authorised { payment }),
            format!(r#"{},"amountMinor":"1250","currency":"CNY"}}}}"#, head("payment.authorised"))
        );
        assert_eq!(
            written(ProviderNews::Declined { payment, reason: "no".to_owned() }),
            format!(
                r#"{},"amountMinor":"1250","currency":"CNY","reason":"no"}}}}"#,
                head("payment.declined")
            )
        );
        assert_eq!(
            written(ProviderNews::Captured { payment, fee: money(8) }),
            format!(
                r#"{},"amountMinor":"1250","currency":"CNY","feeMinor":"8"}}}}"#,
                head("payment.captured")
            )
        );
        assert_eq!(
            written(ProviderNews::Refunded { refund }),
            format!(
                r#"{},"refund":"{refund}","amountMinor":"1250","currency":"CNY"}}}}"#,
                head("refund.succeeded")
            )
        );
    }

    #[test]
    fn a_secret_is_checked_and_never_shown() {
        let text = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let secret: WebhookSecret = text.parse().unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
        for refused in ["", "whsec_", "whsec_c2hvcnQ=", &text[6..], &format!("{text}!!!!"), &text.repeat(3)] {
            assert_eq!(refused.parse::<WebhookSecret>().err(), Some(WebhookSecret::bound()), "{refused}");
        }
    }

    #[test]
    fn a_url_is_checked() {
        let secret: WebhookSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap();
        let taken =
            |url: &str| WebhookTarget { url: url.to_owned(), secret: secret.clone() }.checked_url().is_ok();
        assert!(taken("http://127.0.0.1:8080/v1/payments/webhooks/sandbox"));
        for refused in
            ["", "/v1", "https://example.org/", "ftp://example.org/", "http://user:word@example.org/"]
        {
            assert!(!taken(refused), "{refused} must be refused");
        }
    }
}
