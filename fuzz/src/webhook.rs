//! What a payment provider tells: signature headers, then the event.

use apricot::model::payment::{ProviderEvent, ProviderNews};
use apricot::wire::key_folder::KeyFolder;
use apricot::wire::rest::event;
use apricot::wire::webhook::{WebhookRefused, WebhookSecrets};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::socket::NOW;
use super::well_said;

/// The same in every run, so that a saved signature stays one.
const SECRET: &str = "whsec_YXByaWNvdHMgYXByaWNvdHMgYXByaWNvdHMgYXByaWM=";
const EVENT: &str = "evt_1";

struct Provider {
    secrets: WebhookSecrets,
    signer: Webhook,
    _folder: tempfile::TempDir,
}

thread_local! {
    static PROVIDER: Provider = Provider::new();
}

impl Provider {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let secrets = KeyFolder::open(&folder.path().join("keys")).expect("a folder");
        secrets.write("webhook-0000000000000001.secret", SECRET).expect("written");
        let secrets = WebhookSecrets::open(&folder.path().join("keys"), NOW).expect("a secret");
        Self { secrets, signer: Webhook::new(SECRET).expect("a secret"), _folder: folder }
    }
}

/// Header lines, an empty line, and the body.
pub fn webhook(data: &[u8]) {
    let at = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = at.map_or((&data[..0], data), |at| (&data[..at], &data[at + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(at + 1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    PROVIDER.with(|provider| {
        match provider.secrets.verify(&headers, body, NOW) {
            Err(refused) => well_said(&refused.into()),
            Ok(id) => believed(provider, &headers, id, body),
        }
        signed_anew(provider, body);
    });
    match event(EVENT, body) {
        Err(problem) => well_said(&problem),
        Ok(event) => assert_eq!(apricot::wire::rest::event(EVENT, &told(&event)), Ok(event)),
    }
}

/// Only what the secret signed, word for word.
fn believed(provider: &Provider, headers: &HeaderMap, id: &str, body: &[u8]) {
    let header = |name: &str| headers[name].to_str().expect("text");
    assert!((1..=128).contains(&id.len()));
    let sent: i64 = header("webhook-timestamp").parse().expect("a time");
    assert!((sent - NOW.millis() / 1_000).abs() <= 300);
    let signature = provider.signer.sign(id, sent, body).expect("it was believed");
    assert!(header("webhook-signature").split(' ').any(|given| given == signature));
}

fn signed_anew(provider: &Provider, body: &[u8]) {
    let sent = NOW.millis() / 1_000;
    // The specification signs text; anything else has no signature.
    let signature = provider.signer.sign(EVENT, sent, body).unwrap_or_else(|_| "v1,AAAA".into());
    let headers: HeaderMap =
        [("id", EVENT.to_owned()), ("timestamp", sent.to_string()), ("signature", signature)]
            .into_iter()
            .map(|(name, value)| {
                let name = HeaderName::try_from(format!("webhook-{name}")).expect("a name");
                (name, HeaderValue::try_from(value).expect("a value"))
            })
            .collect();
    let expected = std::str::from_utf8(body).map_err(|_| WebhookRefused::Signature).map(|_| EVENT);
    assert_eq!(provider.secrets.verify(&headers, body, NOW), expected);
    let longer = [body, b" "].concat();
    assert_eq!(provider.secrets.verify(&headers, &longer, NOW), Err(WebhookRefused::Signature));
}

fn told(event: &ProviderEvent) -> Vec<u8> {
    let (kind, data): (&str, Value) = match &event.news {
        ProviderNews::Authorised { payment } => {
            ("payment.authorised", json!({"payment": payment.to_string()}))
        }
        ProviderNews::Declined { payment, reason } => {
            ("payment.declined", json!({"payment": payment.to_string(), "reason": reason}))
        }
        ProviderNews::Captured { payment, fee } => (
            "payment.captured",
            json!({"payment": payment.to_string(), "currency": fee.currency.as_str(), "feeMinor": fee.minor.to_string()}),
        ),
        ProviderNews::Refunded { refund } => ("refund.succeeded", json!({"refund": refund.to_string()})),
    };
    json!({"type": kind, "data": data}).to_string().into_bytes()
}
