//! The public log made again from the record and compared with what was appended: each leaf with what it was made of, and all of them with
//! the signed root.

use apricot_tlog::checkpoint::SignedCheckpoint;
use apricot_tlog::leaf::{Fact, Leaf};
use apricot_tlog::merkle::leaf_hash;
use apricot_tlog::tile::Edge;

use super::{READ_LEAVES, commitment, leaves, pools};
use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::journal::{LogState, Snapshot, Told, ToldOf, Untold};

/// What is otherwise, a sentence for each leaf; empty where the log is what the record says.
pub async fn differences(snapshot: &Snapshot) -> Result<Vec<String>, StoreError> {
    let LogState { secret, size, checkpoint, .. } = snapshot.log_state().await?;
    let mut found = Vec::new();
    let mut tree = Edge::default();
    while tree.size() < size {
        let from = tree.size();
        let told = snapshot.told(from, size.min(from + u64::from(READ_LEAVES))).await?;
        // A place that is missing is named by `log_is_whole`.
        let in_a_row =
            told.iter().zip(from..).take_while(|(told, index)| told.placed.index == *index).count();
        for told in &told[..in_a_row] {
            tree.append(leaf_hash(told.placed.leaf.as_bytes()), |_, _| {});
            if let Err(why) = compared(told, &secret) {
                found.push(format!("leaf {}: {why}", told.placed.index));
            }
        }
        if in_a_row == 0 {
            return Ok(found);
        }
    }
    match SignedCheckpoint::parse(checkpoint.as_bytes()) {
        Err(_) if checkpoint.is_empty() && size == 0 => {}
        Err(error) => found.push(format!("the newest checkpoint is none: {error}")),
        Ok(signed) if (signed.unverified().size, signed.unverified().root) != (size, tree.root()) => {
            found.push("the signed root is not that of these leaves".into());
        }
        Ok(_) => {}
    }
    Ok(found)
}

fn compared(told: &Told, secret: &[u8; 32]) -> Result<(), String> {
    let leaf = Leaf::parse(told.placed.leaf.as_bytes()).map_err(|refused| refused.to_string())?;
    let again = again(told, &leaf, secret)?;
    match again {
        Some(again) if again != told.placed.leaf => Err(format!("the record says {again}")),
        Some(_) | None => Ok(()),
    }
}

/// The leaf as the record has it made now; `None` of a tally, which an audit of the log counts again.
fn again(told: &Told, leaf: &Leaf, secret: &[u8; 32]) -> Result<Option<String>, String> {
    let at = Timestamp(leaf.at.cast_signed());
    let refused = |error: &dyn std::error::Error| error.to_string();
    let again = match &told.of {
        ToldOf::Row(Untold::Pledge(pledge)) => leaves::of_pledge(pledge, at),
        ToldOf::Row(Untold::Line(line)) => {
            let mut line = line.clone();
            // A room's place and a product's title are told as they were then, and may be called otherwise by now.
            if let (Some(order), Fact::Accrual(accrual)) = (&mut line.order, &leaf.fact) {
                (order.place, order.produce) = (accrual.county.clone(), accrual.produce.clone());
            }
            let order = line.order.as_ref().map(|order| commitment(secret, order.id).1);
            leaves::of_line(&line, order).map_err(|error| refused(&error))?
        }
        ToldOf::Row(Untold::Match(line)) => {
            pools::of_match(line, commitment(secret, line.claim).1).map_err(|error| refused(&error))?
        }
        ToldOf::Pool(pool) => {
            return pools::of_pool(pool, at).map(|told| Some(told.leaf)).map_err(|error| refused(&error));
        }
        ToldOf::Seed { pool, slot } => {
            let known = usize::try_from(*slot).ok().and_then(|slot| pool.slots.get(slot));
            let seed = known.ok_or("its pool has no such slot")?.seed;
            let told = pools::of_seed(pool.id, *slot, seed, at).map_err(|error| refused(&error))?;
            return Ok(Some(told.leaf));
        }
        ToldOf::Tally if matches!(leaf.fact, Fact::Tally(_)) => return Ok(None),
        ToldOf::Tally | ToldOf::Nothing => return Err("it is of nothing that is in the record".into()),
    };
    again.encode().map(Some).map_err(|error| refused(&error))
}
