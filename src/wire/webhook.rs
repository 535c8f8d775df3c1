//! Is it the provider who tells us? Standard Webhooks signatures (standardwebhooks.com): id, time and body under a shared secret.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apricot_proto::v1::Problem;
use axum::http::HeaderMap;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use subtle::ConstantTimeEq;

use super::key_folder::{KeyError, KeyFolder};
use super::problem::Kind;
use crate::model::Timestamp;

/// How far the provider's clock may be from ours, either way; older messages are replays. As the specification suggests.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// The provider's ids are about 50 characters.
const ID_BYTES_MAX: usize = 128;
/// A rotation needs two.
const SIGNATURES_MAX: usize = 8;

/// The secrets in the folder of keys, each in a file `webhook-….secret`. Any of them is believed; the newest signs in the sandbox.
#[derive(Clone)]
pub struct WebhookSecrets(Arc<Vec<Secret>>);

struct Secret {
    text: String,
    signer: Webhook,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    #[error("send {0}, once and within its bounds")]
    Header(&'static str),
    #[error("the time of the message is more than 5 minutes from now; set the clock")]
    Time,
    #[error("no signature of the message is made with a known secret")]
    Signature,
}

impl WebhookSecrets {
    /// Reads the secrets and makes the first when there is none.
    pub fn open(keys: &Path, now: Timestamp) -> Result<Self, KeyError> {
        let secrets = KeyFolder::open(keys)?.secrets("webhook", "secret", now)?;
        let read = |text: String| {
            let signer = Webhook::new(&text).map_err(|e| KeyError::Unusable { reason: e.to_string() })?;
            Ok(Secret { text, signer })
        };
        Ok(Self(Arc::new(secrets.into_iter().map(read).collect::<Result<_, KeyError>>()?)))
    }

    /// What the sandbox signs with. Empty never happens: `open` makes one.
    pub fn newest(&self) -> &str {
        self.0.last().map(|secret| secret.text.as_str()).unwrap_or_default()
    }

    /// Gives the message's id, which is the provider's event id.
    pub fn verify<'h>(
        &self,
        headers: &'h HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<&'h str, WebhookRefused> {
        let id = one(headers, HEADER_WEBHOOK_ID)?;
        if !(1..=ID_BYTES_MAX).contains(&id.len()) {
            return Err(WebhookRefused::Header(HEADER_WEBHOOK_ID));
        }
        let sent = one(headers, HEADER_WEBHOOK_TIMESTAMP)?;
        let sent: i64 = sent.parse().map_err(|_| WebhookRefused::Header(HEADER_WEBHOOK_TIMESTAMP))?;
        let at = Timestamp(sent.saturating_mul(1_000));
        if at < now - TOLERANCE || at > now + TOLERANCE {
            return Err(WebhookRefused::Time);
        }
        let given = one(headers, HEADER_WEBHOOK_SIGNATURE)?;
        let expected = |secret: &Secret| secret.signer.sign(id, sent, body);
        for secret in self.0.iter() {
            let expected = expected(secret).map_err(|_| WebhookRefused::Signature)?;
            let matches = |given: &str| bool::from(given.as_bytes().ct_eq(expected.as_bytes()));
            if given.split(' ').take(SIGNATURES_MAX).any(matches) {
                return Ok(id);
            }
        }
        Err(WebhookRefused::Signature)
    }
}

impl From<WebhookRefused> for Problem {
    fn from(refused: WebhookRefused) -> Self {
        match &refused {
            WebhookRefused::Header(name) => {
                let field = (*name).to_owned();
                Self { field, ..Kind::Malformed.because(format!("Standard Webhooks: {refused}.")) }
            }
            WebhookRefused::Time | WebhookRefused::Signature => {
                Kind::TokenInvalid.because(format!("Standard Webhooks: {refused}."))
            }
        }
    }
}

fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, WebhookRefused> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none());
    value.and_then(|value| value.to_str().ok()).ok_or(WebhookRefused::Header(name))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);
    const BODY: &[u8] = br#"{"type":"payment.authorised"}"#;

    fn signed(secrets: &WebhookSecrets, at: Timestamp) -> HeaderMap {
        let seconds = at.millis() / 1_000;
        let signature = Webhook::new(secrets.newest()).unwrap().sign("evt_1", seconds, BODY).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "evt_1".parse().unwrap());
        headers.insert("webhook-timestamp", seconds.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn what_the_provider_signed_is_believed_and_nothing_else() {
        let data = tempfile::tempdir().unwrap();
        let secrets = WebhookSecrets::open(&data.path().join("keys"), NOW).unwrap();
        let headers = signed(&secrets, NOW);
        assert_eq!(secrets.verify(&headers, BODY, NOW), Ok("evt_1"));
        assert_eq!(secrets.verify(&headers, b"{}", NOW), Err(WebhookRefused::Signature));
        let mut other = headers.clone();
        other.insert("webhook-id", "evt_2".parse().unwrap());
        assert_eq!(secrets.verify(&other, BODY, NOW), Err(WebhookRefused::Signature));
        assert_eq!(secrets.verify(&HeaderMap::new(), BODY, NOW), Err(WebhookRefused::Header("webhook-id")));
        assert_eq!(secrets.verify(&headers, &[0xff], NOW), Err(WebhookRefused::Signature));
    }

    #[test]
    fn an_old_message_is_a_replay() {
        let data = tempfile::tempdir().unwrap();
        let secrets = WebhookSecrets::open(&data.path().join("keys"), NOW).unwrap();
        let headers = signed(&secrets, NOW);
        assert_eq!(secrets.verify(&headers, BODY, NOW + TOLERANCE), Ok("evt_1"));
        let late = NOW + TOLERANCE + Duration::from_millis(1);
        assert_eq!(secrets.verify(&headers, BODY, late), Err(WebhookRefused::Time));
        let early = NOW - TOLERANCE - Duration::from_millis(1);
        assert_eq!(secrets.verify(&headers, BODY, early), Err(WebhookRefused::Time));
    }

    #[test]
    fn one_of_several_signatures_and_secrets_is_enough() {
        let data = tempfile::tempdir().unwrap();
        let old = WebhookSecrets::open(&data.path().join("keys"), NOW).unwrap();
        let mut headers = signed(&old, NOW);
        let folder = KeyFolder::open(&data.path().join("keys")).unwrap();
        folder
            .write("webhook-9999999999999999.secret", &format!("whsec_{}", STANDARD.encode([7; 32])))
            .unwrap();
        let both = WebhookSecrets::open(&data.path().join("keys"), NOW).unwrap();
        assert_ne!(both.newest(), old.newest());
        assert_eq!(both.verify(&headers, BODY, NOW), Ok("evt_1"));
        let several = format!("v1,AAAA v2,BBBB {}", headers["webhook-signature"].to_str().unwrap());
        headers.insert("webhook-signature", several.parse().unwrap());
        assert_eq!(both.verify(&headers, BODY, NOW), Ok("evt_1"));
    }
}
