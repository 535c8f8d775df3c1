//! Signed notes of c2sp.org/signed-note, with the signatures that the log and its witnesses use.

use std::fmt;

use crate::encoding::{base64, from_base64};

mod key;

pub use key::{Algorithm, KeyRefused, Signer, VerifierKey, key_name_fits};

/// The specification wants at least so many to be accepted.
pub const SIGNATURES_MAX: usize = 16;
/// 16 post-quantum signatures of up to 5 kB in base64, and a text.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;

const SIGNATURE_START: &str = "— ";

/// A text and who says to have signed it. Believe the text after `verify` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line, also of keys and algorithms that nobody here knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    key_id: u32,
    /// One byte at least.
    bytes: Vec<u8>,
}

/// A signature that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    pub key: &'a VerifierKey,
    /// When a witness signed, in seconds since 1970. The log's own signature has no time.
    pub at_s: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteRefused {
    #[error("the note has {bytes} bytes, more than {NOTE_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the note is not UTF-8")]
    NotUtf8,
    #[error("the note has a control character, byte {byte:#04x}")]
    ControlCharacter { byte: u8 },
    #[error("the text does not end in a newline")]
    TextWithoutNewline,
    #[error("no empty line and signatures follow the text")]
    NoSignatures,
    #[error("the note does not end in a newline")]
    NoNewlineAtEnd,
    #[error("signature line {line} is not: em dash, space, key name, space, base64 of key id and signature")]
    SignatureLine { line: usize },
    #[error("more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    #[error("no key that is trusted has signed")]
    NoTrustedSignature,
    #[error("the signature of {key} does not fit the text: one of them was changed")]
    WrongSignature { key: String },
}

impl Note {
    /// A text to be signed: whole lines of UTF-8 without control characters.
    pub fn new(text: String) -> Result<Self, NoteRefused> {
        text_fits(text.as_bytes())?;
        if !text.ends_with('\n') {
            return Err(NoteRefused::TextWithoutNewline);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, NoteRefused> {
        let whole = text_fits(bytes)?;
        // The text may have empty lines; signatures have none.
        let (text, signatures) = whole.rsplit_once("\n\n").ok_or(NoteRefused::NoSignatures)?;
        if signatures.is_empty() {
            return Err(NoteRefused::NoSignatures);
        }
        let lines = signatures.strip_suffix('\n').ok_or(NoteRefused::NoNewlineAtEnd)?;
        let signatures = Signature::parse_lines(lines)?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature line. One of the same key is replaced.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteRefused> {
        let same = |other: &Signature| other.name == signature.name && other.key_id == signature.key_id;
        self.signatures.retain(|other| !same(other));
        if self.signatures.len() == SIGNATURES_MAX {
            return Err(NoteRefused::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Every signature of a known key must hold, and there must be one; of unknown keys nothing is said.
    pub fn verify<'a>(&self, known: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteRefused> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let Some(key) =
                known.iter().find(|key| key.name() == signature.name && key.id() == signature.key_id)
            else {
                continue;
            };
            let at_s = key
                .verify(self.text.as_bytes(), &signature.bytes)
                .ok_or_else(|| NoteRefused::WrongSignature { key: key.name().into() })?;
            if verified.iter().all(|other| other.key != key) {
                verified.push(Verified { key, at_s });
            }
        }
        if verified.is_empty() {
            return Err(NoteRefused::NoTrustedSignature);
        }
        Ok(verified)
    }
}

impl Signature {
    pub(crate) fn new(name: &str, key_id: u32, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), key_id, bytes }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Signature lines as a witness answers them; each ends in a newline.
    pub fn parse_answer(bytes: &[u8]) -> Result<Vec<Self>, NoteRefused> {
        let lines = text_fits(bytes)?.strip_suffix('\n').ok_or(NoteRefused::NoNewlineAtEnd)?;
        Self::parse_lines(lines)
    }

    fn parse_lines(lines: &str) -> Result<Vec<Self>, NoteRefused> {
        let mut signatures = Vec::new();
        for (line, text) in lines.split('\n').enumerate() {
            if line == SIGNATURES_MAX {
                return Err(NoteRefused::TooManySignatures);
            }
            signatures.push(Self::parse(text).ok_or(NoteRefused::SignatureLine { line: line + 1 })?);
        }
        Ok(signatures)
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
        let bytes = from_base64(signature)?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>()?;
        let fits = key_name_fits(name) && !bytes.is_empty();
        fits.then(|| Self::new(name, u32::from_be_bytes(*key_id), bytes.to_vec()))
    }
}

fn text_fits(bytes: &[u8]) -> Result<&str, NoteRefused> {
    if bytes.len() > NOTE_BYTES_MAX {
        return Err(NoteRefused::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NoteRefused::NotUtf8)?;
    match bytes.iter().find(|byte| **byte < 0x20 && **byte != b'\n') {
        Some(byte) => Err(NoteRefused::ControlCharacter { byte: *byte }),
        None => Ok(text),
    }
}

/// The bytes that `parse` reads.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

/// A line with its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes()[..], &self.bytes].concat();
        writeln!(f, "{SIGNATURE_START}{} {}", self.name, base64(&bytes))
    }
}
