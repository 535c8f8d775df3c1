//! The public log over restarts, other keys and several nodes.

use apricot_servers::{Postgres, or_skip};
use apricot_tlog::checkpoint::{SignedCheckpoint, Trust};
use tokio::join;

use super::log::{PublicLog, differences};
use super::*;
use crate::store::journal::Snapshot;

const ORIGIN: &str = "shop.example/log";

async fn log(desk: &Desk, folder: &TempDir, seeds: &[[u8; 32]]) -> PublicLog {
    let journal = desk.ledger.journal().clone();
    PublicLog::open(journal, folder.path(), Some(ORIGIN.into()), seeds).await.unwrap()
}

async fn append_all(log: &PublicLog) {
    while log.append(None, false, NOW).await.unwrap() {}
}

/// Whether the key of this seed signed the newest checkpoint.
fn signed_by(log: &PublicLog, seed: u8) -> bool {
    let signer = apricot_tlog::note::Signer::log(ORIGIN, &[seed; 32]).unwrap();
    let trust = Trust::new(vec![signer.verifier().clone()]).unwrap();
    SignedCheckpoint::parse(log.checkpoint().1.as_bytes()).unwrap().verify(&trust).is_ok()
}

#[tokio::test]
async fn a_log_at_rest_is_signed_by_a_new_key_too() {
    let (desk, folder) = (Desk::new(None).await, tempfile::tempdir().unwrap());
    desk.claimed(2_600).await;
    let old = log(&desk, &folder, &[[7; 32]]).await;
    append_all(&old).await;
    let (size, _) = old.checkpoint();
    assert!(size > 0 && signed_by(&old, 7) && !signed_by(&old, 8));
    // Both for a while, then the new one alone; nobody buys meanwhile.
    let both = log(&desk, &folder, &[[8; 32], [7; 32]]).await;
    append_all(&both).await;
    assert!(signed_by(&both, 7) && signed_by(&both, 8));
    let new = log(&desk, &folder, &[[8; 32]]).await;
    append_all(&new).await;
    assert!(signed_by(&new, 8));
    assert_eq!(new.checkpoint().0, size, "nothing was appended");
    desk.claimed(2_600).await;
    append_all(&new).await;
    assert!(signed_by(&new, 8) && !signed_by(&new, 7));
    let snapshot = Snapshot::of_file(&desk._folder.path().join("record.db")).unwrap();
    assert_eq!(differences(&snapshot).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn two_nodes_append_each_line_once() {
    let Some(server) = or_skip(Postgres::start()) else { return };
    let desks = Desk::nodes(&server, 1_000_000).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [ours, theirs] =
        [log(&desks[0], &folders[0], &[[7; 32]]).await, log(&desks[1], &folders[1], &[[7; 32]]).await];
    for _ in 0..8 {
        // Each thinks that it has the duty.
        join!(desks[0].claim_all(2_600), async { append_all(&ours).await }, async {
            append_all(&theirs).await
        });
    }
    append_all(&ours).await;
    theirs.follow().await.unwrap();
    assert_eq!(ours.checkpoint(), theirs.checkpoint());
    assert_eq!(ours.waiting().await.unwrap(), 0);
    // The pledge and 320 accruals.
    assert_eq!(ours.checkpoint().0, 321);
    // What one node passed over is cut from what it grew to: any width that the other published.
    for size in 1..=320 {
        for tile in apricot_tlog::tile::Tile::all(size) {
            let theirs = theirs.folder().read_or_cut(tile).unwrap();
            assert_eq!(ours.folder().read_or_cut(tile).unwrap(), theirs, "{tile}");
        }
    }
    // Proofs are of the published size, whichever node is asked.
    for index in [0, 255, 256, 320] {
        assert_eq!(ours.leaf(index).await.unwrap(), theirs.leaf(index).await.unwrap());
        assert!(ours.leaf(index).await.unwrap().is_some());
    }
}
