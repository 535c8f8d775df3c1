//! The public log: every line of a charity's money that was posted becomes a leaf of an append-only Merkle tree, once, whatever crashes.
//!
//! The record is the truth. Triggers put each line into its outbox; the node that has the duty takes what waits there, writes leaves, signs the
//! checkpoint that covers them, and commits all of it in one entry that is refused when somebody else appended meanwhile. Only then is
//! anything shown. Every node follows the record and keeps the tiles as files; they are made again when they are lost.

use std::path::Path;
use std::sync::{Arc, RwLock};

use apricot_tlog::checkpoint::{Checkpoint, CheckpointRefused, SignedCheckpoint};
use apricot_tlog::leaf::{self, Currency, Leaf, LeafRefused, Scope};
use apricot_tlog::merkle::{Hash, ProveError};
use apricot_tlog::note::{KeyRefused, Signer, VerifierKey};
use apricot_tlog::proof::Proof;
use apricot_tlog::tile::{self, TileError};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Mutex;

use crate::model::{self, OrderId, PledgeRef, Timestamp};
use crate::store::journal::{
    Duty, LOG_BATCH_MAX, LeafOf, LogBatch, LogLeaf, LogState, Placed, Untold, Waiting,
};
use crate::store::tiles::{TileFolder, Tiles, TilesError};
use crate::store::{Journal, StoreError, Write};

mod days;
mod leaves;
mod pools;
mod prover;
mod rebuilt;
mod tallies;

pub use days::Day;
use days::Days;
use prover::Prover;
pub use rebuilt::differences;
use tallies::Tallies;

/// Leaves that are read at once when a node catches up.
const READ_LEAVES: u32 = 4_096;
const NO_PANIC: &str = "nothing panics while it holds this lock";

#[derive(Clone)]
pub struct PublicLog(Arc<Shared>);

struct Shared {
    journal: Journal,
    origin: String,
    /// The newest first. All sign; the others are on their way out.
    signers: Vec<Signer>,
    secret: [u8; 32],
    folder: TileFolder,
    state: Mutex<State>,
    /// What is shown. Whoever asks for a proof does not wait for who appends.
    published: RwLock<Arc<Published>>,
    prover: Prover,
    days: Mutex<Days>,
}

/// The newest checkpoint that this node can prove from.
#[derive(Default)]
struct Published {
    size: u64,
    note: String,
}

struct State {
    tiles: Tiles,
    /// The newest checkpoint with its signatures, as it is published.
    note: String,
    tallies: Tallies,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tiles(#[from] TilesError),
    #[error("a key of the log is unusable: {0}")]
    Key(#[from] KeyRefused),
    #[error("the newest checkpoint of the record is none: {0}")]
    Checkpoint(#[from] CheckpointRefused),
    #[error("line {line} cannot be told: {why}")]
    Leaf { line: i64, why: LeafRefused },
    #[error("line {line}: {why}")]
    Line { line: i64, why: leaves::NotTold },
    #[error("a pool cannot be told: {0}")]
    Pool(#[from] pools::PoolNotTold),
    #[error("a tally cannot be told: {0}")]
    Tally(LeafRefused),
    #[error("the log is called {is} in the record; set `public_log.origin` to that, or leave it out")]
    OtherName { is: String },
    #[error("leaf {index} of the record cannot be read: {why}")]
    Unreadable { index: u64, why: LeafRefused },
    #[error("no proof can be made from the tiles: {0}")]
    Proof(String),
    #[error("leaf {index} is not in the log yet; it has {size}")]
    NotThere { index: u64, size: u64 },
}

/// A leaf with its proof against the newest checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    pub index: u64,
    pub leaf: String,
    pub proof: String,
}

/// What an order's receipt is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderProof {
    pub salt: [u8; 32],
    pub commitment: Hash,
    /// The pledge's leaf, then the order's, oldest first.
    pub entries: Vec<Proven>,
    /// Lines of it that are in no checkpoint yet.
    pub waiting: u32,
}

impl PublicLog {
    /// `origin`: what the configuration wants it to be called; the record remembers the first. `seeds`: of the signing keys, the newest first.
    pub async fn open(
        journal: Journal,
        folder: &Path,
        origin: Option<String>,
        seeds: &[[u8; 32]],
    ) -> Result<Self, LogError> {
        let mut state = journal.log_state().await?;
        if state.origin.is_none() {
            let first = origin.clone().unwrap_or_else(|| format!("apricot-{:x}/log", journal.epoch()));
            journal.commit(vec![Write::NameLog { origin: first }]).await?;
            state = journal.log_state().await?;
        }
        let LogState { secret, origin: named, .. } = state;
        let named = named.unwrap_or_default();
        if origin.is_some_and(|wanted| wanted != named) {
            return Err(LogError::OtherName { is: named });
        }
        let signers = seeds.iter().map(|seed| Signer::log(&named, seed)).collect::<Result<_, _>>()?;
        let tiles = Tiles::open(folder);
        let state = State { tiles, note: String::new(), tallies: Tallies::default() };
        let folder = TileFolder::new(folder);
        let log = Self(Arc::new(Shared {
            journal,
            origin: named,
            signers,
            secret,
            prover: Prover::new(folder.clone()),
            folder,
            state: Mutex::new(state),
            published: RwLock::default(),
            days: Mutex::default(),
        }));
        log.follow().await?;
        Ok(log)
    }

    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The newest first.
    pub fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.0.signers.iter().map(Signer::verifier)
    }

    pub fn folder(&self) -> &TileFolder {
        &self.0.folder
    }

    /// The newest checkpoint that this node can prove from, and its size.
    pub fn checkpoint(&self) -> (u64, String) {
        let published = self.published();
        (published.size, published.note.clone())
    }

    fn published(&self) -> Arc<Published> {
        self.0.published.read().expect(NO_PANIC).clone()
    }

    /// Writes the tiles of what the record has more, and publishes its checkpoint.
    pub async fn follow(&self) -> Result<(), LogError> {
        let mut state = self.0.state.lock().await;
        self.catch_up(&mut state).await?;
        Ok(())
    }

    /// One turn of the node that has the duty (`fence` is its lease's number, where there are several nodes): what waits becomes leaves, and with `tally` what they add up to. Says whether more waits.
    pub async fn append(&self, fence: Option<u64>, tally: bool, now: Timestamp) -> Result<bool, LogError> {
        let mut state = self.0.state.lock().await;
        let size = self.catch_up(&mut state).await?;
        state.tallies.read_up_to(size, &self.0.journal).await?;
        // A seed is told after the lines that it is about, a pool before: so they are read before and after those.
        let seeds = self.0.journal.seeds_untold().await?;
        let waiting = self.0.journal.log_waiting(LOG_BATCH_MAX).await?;
        let pools = self.0.journal.pools_untold().await?;
        let more = waiting.len() >= LOG_BATCH_MAX as usize;
        let done: Vec<i64> = waiting.iter().map(|waiting| waiting.seq).collect();
        // Tallies are of what is in the log already.
        let mut leaves =
            if tally { state.tallies.due(size, now).map_err(LogError::Tally)? } else { Vec::new() };
        for pool in &pools {
            leaves.push(pools::of_pool(pool, now)?);
        }
        for waiting in &waiting {
            leaves.push(self.leaf_of(waiting, now)?);
        }
        for (pool, slot, seed) in seeds.into_iter().filter(|_| !more) {
            leaves.push(pools::of_seed(pool, slot, seed, now)?);
        }
        if leaves.is_empty() && !state.note.is_empty() {
            self.sign_again(&mut state).await?;
            return Ok(false);
        }
        let root = state.tiles.root_with(leaves.iter().map(|leaf| leaf.leaf.as_str()));
        let grown = size + leaves.len() as u64;
        let note = self.signed(&Checkpoint::new(&self.0.origin, grown, root)?)?;
        let batch = LogBatch { size, leaves, done, checkpoint: note };
        let fence = fence.map(|fence| Write::Fence { duty: Duty::Keeper, fence });
        let entry = fence.into_iter().chain([Write::Log(batch)]).collect();
        match self.0.journal.commit(entry).await {
            // Another node had the duty a moment ago.
            Ok(()) | Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
        self.catch_up(&mut state).await?;
        Ok(more)
    }

    /// After a start with other keys the newest checkpoint lacks their signatures, and a log at rest gets no other one.
    async fn sign_again(&self, state: &mut State) -> Result<(), LogError> {
        let mut signed = SignedCheckpoint::parse(state.note.as_bytes())?;
        let has = |signer: &&Signer| {
            let key = signer.verifier();
            signed.note().signatures().iter().any(|by| (by.name(), by.key_id()) == (key.name(), key.id()))
        };
        let missing: Vec<&Signer> = self.0.signers.iter().filter(|signer| !has(signer)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for signer in missing {
            let signature = signer.sign(signed.note().text(), 0);
            signed.note_mut().add(signature).map_err(CheckpointRefused::Note)?;
        }
        let (size, checkpoint) = (signed.unverified().size, signed.note().to_string());
        self.0.journal.commit(vec![Write::Cosigned { size, checkpoint }]).await?;
        self.catch_up(state).await?;
        Ok(())
    }

    /// That the tree of `old` leaves grew into that of `new`, from the tiles of this node.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        let proof = tile::consistency(old, new, |tile| self.0.folder.read(tile));
        proof.map_err(|error: ProveError<TileError<std::io::Error>>| LogError::Proof(error.to_string()))
    }

    /// Publishes the newest checkpoint with what witnesses signed; one of another size has been overtaken.
    pub async fn cosigned(&self, note: String) -> Result<(), LogError> {
        let size = SignedCheckpoint::parse(note.as_bytes())?.unverified().size;
        self.0.journal.commit(vec![Write::Cosigned { size, checkpoint: note }]).await?;
        self.follow().await
    }

    /// Leaf and proof, against the newest checkpoint.
    pub fn prove(&self, placed: Placed) -> Result<Proven, LogError> {
        self.prove_in(placed, &self.published())
    }

    pub async fn leaf(&self, index: u64) -> Result<Option<Proven>, LogError> {
        let found = self.0.journal.log_leaves(index, 1).await?;
        match found.into_iter().find(|placed| placed.index == index) {
            Some(placed) => self.prove(placed).map(Some),
            None => Ok(None),
        }
    }

    /// Everything that the log has about an order, with the salt that opens its commitment.
    pub async fn order(&self, order: OrderId, pledge: Option<PledgeRef>) -> Result<OrderProof, LogError> {
        let (salt, commitment) = self.commitment(order);
        let (leaves, mut waiting) = self.0.journal.log_of_order(order).await?;
        let of_pledge = match pledge {
            Some(pledge) if !leaves.is_empty() => self.0.journal.log_of_pledge(pledge).await?,
            Some(_) | None => None,
        };
        let published = self.published();
        let mut entries = Vec::new();
        for placed in of_pledge.into_iter().chain(leaves) {
            match self.prove_in(placed, &published) {
                Ok(proven) => entries.push(proven),
                // Appended while this was read; the next asking has it.
                Err(LogError::NotThere { .. }) => waiting += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(OrderProof { salt, commitment, entries, waiting })
    }

    /// The newest tallies.
    pub async fn tallies(&self) -> Result<Vec<(u64, Leaf)>, LogError> {
        let placed = self.0.journal.log_tallies().await?;
        placed.into_iter().map(|placed| Ok((placed.index, parsed(&placed)?))).collect()
    }

    /// The last tally of everything on each day, the oldest first, for the newest few hundred days.
    pub async fn days(&self, currencies: &[Currency]) -> Result<Vec<Day>, LogError> {
        let mut days = self.0.days.lock().await;
        days.read(currencies, &self.0.journal).await?;
        Ok(days.all())
    }

    /// The same of one sum. One that was never tallied has no days.
    pub async fn days_of(&self, scope: Scope, key: &str, currency: Currency) -> Result<Vec<Day>, LogError> {
        let ends = {
            let mut days = self.0.days.lock().await;
            days.read(&[currency], &self.0.journal).await?;
            days.ends(currency)
        };
        days::of_sum(scope, key, currency, &ends, &self.0.journal).await
    }

    /// Where the newest tally of one sum is.
    pub async fn newest_tally(
        &self,
        scope: Scope,
        key: &str,
        currency: model::Currency,
    ) -> Result<Option<u64>, LogError> {
        let name = tallies::name(scope, leaves::currency(currency), &leaves::words(key, 100));
        Ok(self.0.journal.log_newest_tally(&name).await?)
    }

    pub async fn waiting(&self) -> Result<u64, LogError> {
        Ok(self.0.journal.log_waits().await?)
    }

    /// The salt is the order's alone, and the same at every asking.
    fn commitment(&self, order: OrderId) -> ([u8; 32], Hash) {
        commitment(&self.0.secret, order)
    }

    fn leaf_of(&self, waiting: &Waiting, now: Timestamp) -> Result<LogLeaf, LogError> {
        match &waiting.what {
            Untold::Pledge(pledge) => {
                let leaf = leaves::of_pledge(pledge, now);
                let leaf = leaf.encode().map_err(|why| LogError::Leaf { line: waiting.seq, why })?;
                Ok(LogLeaf { leaf, of: LeafOf::Pledge(pledge.reference()) })
            }
            Untold::Match(line) => {
                let told = pools::of_match(line, self.commitment(line.claim).1);
                let told = told.map_err(|why| LogError::Line { line: line.transfer, why })?;
                let leaf = told.encode().map_err(|why| LogError::Leaf { line: line.transfer, why })?;
                let of = LeafOf::Line { transfer: line.transfer, order: Some(line.claim) };
                Ok(LogLeaf { leaf, of })
            }
            Untold::Line(line) => {
                let commitment = line.order.as_ref().map(|order| self.commitment(order.id).1);
                let told = leaves::of_line(line, commitment);
                let told = told.map_err(|why| LogError::Line { line: line.transfer, why })?;
                let leaf = told.encode().map_err(|why| LogError::Leaf { line: line.transfer, why })?;
                let order = line.order.as_ref().map(|order| order.id);
                Ok(LogLeaf { leaf, of: LeafOf::Line { transfer: line.transfer, order } })
            }
        }
    }

    fn signed(&self, checkpoint: &Checkpoint) -> Result<String, LogError> {
        let mut signers = self.0.signers.iter();
        let first = signers.next().ok_or(LogError::Checkpoint(CheckpointRefused::NotByTheLog))?;
        let mut signed = checkpoint.sign(first)?;
        for signer in signers {
            let signature = signer.sign(signed.note().text(), 0);
            signed.note_mut().add(signature).map_err(CheckpointRefused::Note)?;
        }
        Ok(signed.note().to_string())
    }

    async fn catch_up(&self, state: &mut State) -> Result<u64, LogError> {
        let LogState { size, checkpoint, .. } = self.0.journal.log_state().await?;
        if state.tiles.size() > size {
            // The folder is of another record, or of a later state of this one.
            self.begin_anew(state);
        }
        while state.tiles.size() < size {
            let from = state.tiles.size();
            for placed in self.0.journal.log_leaves(from, READ_LEAVES).await? {
                if placed.index < size {
                    state.tiles.append(&placed.leaf)?;
                }
            }
            if state.tiles.size() == from {
                let missing = StoreError::Unavailable(format!("leaf {from} of the log is missing"));
                return Err(missing.into());
            }
        }
        if checkpoint != state.note && !checkpoint.is_empty() {
            let signed = SignedCheckpoint::parse(checkpoint.as_bytes())?;
            match state.tiles.publish(signed.unverified(), &checkpoint) {
                Ok(()) => {}
                // What was in the folder was not this record's.
                Err(TilesError::OtherRoot { .. }) if !state.tiles.is_made_here() => {
                    self.begin_anew(state);
                    return Box::pin(self.catch_up(state)).await;
                }
                Err(error) => return Err(error.into()),
            }
            state.note = checkpoint;
        }
        let published = Published { size, note: state.note.clone() };
        *self.0.published.write().expect(NO_PANIC) = Arc::new(published);
        Ok(size)
    }

    fn begin_anew(&self, state: &mut State) {
        state.tiles.begin_anew();
        self.0.prover.forget();
    }

    fn prove_in(&self, placed: Placed, published: &Published) -> Result<Proven, LogError> {
        let Placed { index, leaf } = placed;
        let size = published.size;
        if index >= size {
            return Err(LogError::NotThere { index, size });
        }
        let hashes = self.0.prover.inclusion(index, size)?;
        let checkpoint = SignedCheckpoint::parse(published.note.as_bytes())?;
        let proof = Proof { extra: None, index, hashes, checkpoint };
        Ok(Proven { index, leaf, proof: proof.to_string() })
    }
}

/// The salt of an order, or of a release of hearts, and the commitment to it.
pub(super) fn commitment(secret: &[u8; 32], order: OrderId) -> ([u8; 32], Hash) {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length makes a key");
    mac.update(order.0.as_bytes());
    let salt: [u8; 32] = mac.finalize().into_bytes().into();
    (salt, leaf::commitment(order.0, &salt))
}

fn parsed(placed: &Placed) -> Result<Leaf, LogError> {
    Leaf::parse(placed.leaf.as_bytes()).map_err(|why| LogError::Unreadable { index: placed.index, why })
}
