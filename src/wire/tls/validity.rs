//! When a certificate ends: the one field of X.509 that concerns the server itself. The rest is for its clients.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use ed25519_dalek::pkcs8::spki::der::{self, DateTime, Decode, FixedTag, Reader, SliceReader, Tag, Tagged};
use rustls::pki_types::CertificateDer;

use crate::model::Timestamp;

/// Printed as 2027-01-31T12:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until(DateTime);

impl Until {
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        not_after(certificate).ok().map(Self)
    }

    pub fn is_before(self, now: Timestamp) -> bool {
        i64::try_from(self.0.unix_duration().as_millis()).is_ok_and(|until| until < now.millis())
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// RFC 5280, 4.1: version, serial number, algorithm, issuer, validity; what follows is not read.
fn not_after(certificate: &[u8]) -> der::Result<DateTime> {
    let signed = AnyRef::from_der(certificate)?;
    let mut reader = SliceReader::new(signed.value())?;
    let body = AnyRef::decode(&mut reader)?;
    let mut reader = SliceReader::new(body.value())?;
    let mut field = AnyRef::decode(&mut reader)?;
    // Version 1 does not say so; then the serial number is the first.
    let before_validity = if field.tag() == Tag::Integer { 3 } else { 4 };
    for _ in 0..before_validity {
        field = AnyRef::decode(&mut reader)?;
    }
    let mut reader = SliceReader::new(field.value())?;
    let _from = AnyRef::decode(&mut reader)?;
    let until = AnyRef::decode(&mut reader)?;
    reader.finish()?;
    if until.tag() == UtcTime::TAG {
        return Ok(until.decode_as::<UtcTime>()?.to_date_time());
    }
    Ok(until.decode_as::<GeneralizedTime>()?.to_date_time())
}
