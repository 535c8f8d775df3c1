//! A buyer's connection: made, lost, and made again from where it stood.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use apricot_proto::v1;
use tokio::time::{Instant, sleep};

use super::Buyer;
use crate::{
    contract::{Gone, Socket, socket::join},
    history::{Outcome, Via},
};

/// Where a buyer stands on the critical lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub epoch: u64,
    pub offset: u64,
}

/// A restart is well under a second; after this long the server is taken as gone for good.
const RECONNECT_MAX: Duration = Duration::from_secs(60);

impl Buyer {
    pub(super) async fn connect(&mut self) -> Result<(), Gone> {
        let Position { epoch, offset } = self.position;
        let position = (epoch != 0).then_some(v1::StreamPosition { epoch, offset });
        let mut socket = Socket::connect(&self.board.nodes[self.node], &self.board.stage.room, None).await?;
        socket.send(&join(&self.token, position)).await?;
        self.socket = Some(socket);
        Ok(())
    }

    /// Tries until it works, each time at the next node, spread out by the buyer's number so that all do not come at once. False: gave up.
    pub(super) async fn reconnect(&mut self) -> bool {
        let began = Instant::now();
        let mut pause = std::mem::take(&mut self.retry_after);
        let spread = Duration::from_micros(u64::from(self.number % 97) * 500);
        while began.elapsed() < RECONNECT_MAX {
            sleep(pause + spread).await;
            self.board.reconnects.fetch_add(1, Relaxed);
            self.node = (self.node + 1) % self.board.nodes.len();
            if self.connect().await.is_ok() {
                return true;
            }
            pause = (pause * 2).clamp(Duration::from_millis(5), Duration::from_millis(100));
        }
        false
    }

    /// The connection is gone: what had no answer will be sent again.
    pub(super) fn lose(&mut self, gone: Gone) {
        self.socket = None;
        self.board.closed(match gone {
            Gone::Closed(code) => code.to_string(),
            Gone::Lost(_) => "lost".into(),
        });
        let now_us = self.board.now_us();
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.note(&pending, Via::Socket, now_us, Outcome::Unknown);
            if pending.first {
                self.unanswered(pending.order, pending.deed, Duration::ZERO);
            }
        }
    }
}
