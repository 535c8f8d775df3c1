//! Witnesses of the public log: other people's servers that sign that it only ever grew. They are asked about the newest checkpoint now and
//! then; what they sign is published with it. The protocol is c2sp.org/tlog-witness.

use std::time::Duration;

use apricot_tlog::checkpoint::SignedCheckpoint;
use apricot_tlog::note::{Note, Signature};
use apricot_tlog::witness::AddCheckpoint;
use hyper::StatusCode;

use crate::config::WitnessAddress;
use crate::ledger::log::{LogError, PublicLog};
use crate::outside::web::{Authorities, Web, WebError};

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// A size, a few signature lines, or a sentence.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

pub struct Witnesses(Vec<Witness>);

struct Witness {
    address: WitnessAddress,
    web: Web,
    /// What it signed last, as far as this node knows; it says when that is not so.
    size: u64,
    /// Said once, until it answers again.
    failing: bool,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Unreachable(#[from] WebError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("it answered {status}: {said}")]
    Answered { status: StatusCode, said: String },
    #[error("its signature is not by its key")]
    Signature,
}

impl Witnesses {
    pub fn new(addresses: Vec<WitnessAddress>) -> Result<Self, WebError> {
        let witness = |address: WitnessAddress| {
            let web = Web::new(&address.url, Authorities::OfTheSystem, ANSWER_WITHIN)?;
            Ok(Witness { address, web, size: 0, failing: false })
        };
        addresses.into_iter().map(witness).collect::<Result<_, _>>().map(Self)
    }

    /// Asks those who have not signed the newest checkpoint, and publishes what they sign.
    pub async fn ask(&mut self, log: &PublicLog) -> Result<(), LogError> {
        let (size, note) = log.checkpoint();
        if size == 0 {
            return Ok(());
        }
        let mut checkpoint = SignedCheckpoint::parse(note.as_bytes())?;
        let mut signed = false;
        for witness in &mut self.0 {
            if witness.has_signed(&checkpoint) {
                continue;
            }
            match witness.ask(log, &checkpoint).await {
                Ok(signature) => {
                    witness.failing = false;
                    signed |= checkpoint.note_mut().add(signature).is_ok();
                }
                Err(refused) if !witness.failing => {
                    witness.failing = true;
                    tracing::warn!(url = %witness.address.url, %refused, "a witness did not sign the log's checkpoint");
                }
                Err(_) => {}
            }
        }
        if signed { log.cosigned(checkpoint.to_string()).await } else { Ok(()) }
    }
}

impl Witness {
    fn has_signed(&self, checkpoint: &SignedCheckpoint) -> bool {
        let (name, id) = (self.address.key.name(), self.address.key.id());
        checkpoint.note().signatures().iter().any(|by| by.name() == name && by.key_id() == id)
    }

    async fn ask(&mut self, log: &PublicLog, checkpoint: &SignedCheckpoint) -> Result<Signature, Refused> {
        let size = checkpoint.unverified().size;
        let (status, said) = self.tell(log, checkpoint).await?;
        let (status, said) = match (status, said.trim().parse()) {
            // It saw another than this node thinks: it is told from there on.
            (StatusCode::CONFLICT, Ok(seen)) if seen <= size => {
                self.size = seen;
                self.tell(log, checkpoint).await?
            }
            _ => (status, said),
        };
        if status != StatusCode::OK {
            return Err(Refused::Answered { status, said: said.chars().take(200).collect() });
        }
        let signature = self.signature(checkpoint, &said).ok_or(Refused::Signature)?;
        self.size = size;
        Ok(signature)
    }

    /// The one that its key made, if there is one.
    fn signature(&self, checkpoint: &SignedCheckpoint, said: &str) -> Option<Signature> {
        let mut all = Signature::parse_answer(said.as_bytes()).ok()?.into_iter();
        all.find(|signature| {
            let Ok(mut note) = Note::new(checkpoint.note().text().to_owned()) else { return false };
            let added = note.add(signature.clone()).is_ok();
            added && note.verify(std::slice::from_ref(&self.address.key)).is_ok()
        })
    }

    async fn tell(
        &self,
        log: &PublicLog,
        checkpoint: &SignedCheckpoint,
    ) -> Result<(StatusCode, String), Refused> {
        let proof = log.consistency(self.size, checkpoint.unverified().size)?;
        let body = AddCheckpoint { old_size: self.size, proof, checkpoint: checkpoint.clone() }.to_string();
        let (status, bytes) = self.web.post("add-checkpoint", body, ANSWER_BYTES_MAX).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}
