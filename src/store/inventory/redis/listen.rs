//! Hears what other nodes change, and reads again what may have been missed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;

use super::operation::Operation;
use super::reading::Sighting;
use super::{Lot, RedisGate, Shared, keys};
use crate::store::redis::Told;

/// A lot that is heard and cannot be read: tried again so often.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Until the gate is gone.
pub(super) async fn listen(gate: Weak<Shared>, mut told: mpsc::Receiver<Told>) {
    while let Some(told) = told.recv().await {
        let Some(shared) = gate.upgrade() else { return };
        match told {
            Told::Message { channel, payload } => {
                let Some(lot) = lot_of(&shared, &channel) else { continue };
                match Sighting::of_message(&payload) {
                    Ok(sighting) => lot.newest.take(sighting),
                    Err(_) => tracing::warn!(channel, "a message is no reading of a lot"),
                }
            }
            Told::Subscribed { channel } => {
                let losses = *shared.losses.lock().expect("no panic while counting");
                if let Some(lot) = lot_of(&shared, &channel) {
                    tokio::spawn(read_again(gate.clone(), Arc::downgrade(&lot), losses));
                }
            }
            Told::Lost => {
                let mut losses = shared.losses.lock().expect("no panic while counting");
                *losses += 1;
                for lot in &shared.lots {
                    lot.newest.set_heard(false);
                    lot.heard.send_replace(false);
                }
            }
        }
    }
}

/// What was said before the channel was heard may have been missed: from this reading on, nothing is. `losses` as it was when the
/// channel was heard; when it has grown, the next `Subscribed` reads.
async fn read_again(gate: Weak<Shared>, lot: Weak<Lot>, losses: u64) {
    loop {
        let (Some(shared), Some(lot)) = (gate.upgrade(), lot.upgrade()) else { return };
        let answer = RedisGate::ask_lot(&lot, Operation::read()).await;
        if settled(&shared, &lot, answer.is_ok(), losses) {
            return;
        }
        drop((shared, lot));
        tokio::time::sleep(READ_AGAIN_AFTER).await;
    }
}

/// True: heard from now on, or lost again meanwhile.
fn settled(shared: &Shared, lot: &Lot, was_read: bool, losses: u64) -> bool {
    let now = shared.losses.lock().expect("no panic while counting");
    if *now != losses {
        return true;
    }
    // Without a lot there is nothing to miss.
    let heard = was_read || !lot.newest.stands();
    if heard {
        lot.newest.set_heard(true);
        lot.heard.send_replace(true);
    }
    heard
}

fn lot_of(shared: &Shared, channel: &str) -> Option<Arc<Lot>> {
    shared.lots.get(&keys::sale_of(channel)?).map(|lot| Arc::clone(&lot))
}
