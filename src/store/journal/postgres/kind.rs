//! Kinds of writes: the statement of each, and what it means when a row was not changed.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::store::StoreError;

const WRITES: &str = include_str!("writes.sql");

macro_rules! kinds {
    ($($kind:ident $name:literal $shape:ident),* $(,)?) => {
        /// In the order in which the statements of a batch are sent: what others refer to comes first, what everybody changes last.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($kind),* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }

            fn shape(self) -> Shape {
                match self { $(Self::$kind => Shape::$shape),* }
            }
        }
    };
}

kinds! {
    Fence "fence" Look,
    Once "once" Insert,
    ProviderEvent "provider_event" Insert,
    NewRoom "new_room" Insert,
    NextRoom "next_room" Change,
    Pardon "pardon" Always,
    Sanction "sanction" Always,
    NewProduct "new_product" Insert,
    NewCharity "new_charity" Insert,
    NextCharity "next_charity" Change,
    NewProject "new_project" Insert,
    NextProject "next_project" Change,
    ProgressReport "progress_report" Insert,
    Pledge "pledge" Change,
    PledgeParts "pledge_parts" Insert,
    NewSale "new_sale" Insert,
    NewLot "new_lot" Insert,
    Restock "restock" Change,
    Stock "stock" Change,
    NextSale "next_sale" Change,
    NewOrder "new_order" Insert,
    NextOrder "next_order" Change,
    Address "address" Always,
    Hold "hold" Insert,
    EndHold "end_hold" Change,
    NewPayment "new_payment" Insert,
    NextPayment "next_payment" Change,
    Refund "refund" Insert,
    RefundDone "refund_done" Change,
    NewRun "new_run" Insert,
    NextRun "next_run" Change,
    RunLines "run_lines" Insert,
    Task "task" Insert,
    TaskDone "task_done" Always,
    NewPool "new_pool" Insert,
    NewSlots "new_slots" Insert,
    FreezePool "freeze_pool" Always,
    PoolHearts "pool_hearts" Change,
    PublishSeed "publish_seed" Change,
    TakeLease "take_lease" Change,
    GiveUpLease "give_up_lease" Always,
    Reading "reading" Always,
    ForgetReadings "forget_readings" Always,
    RoomMinutes "room_minutes" Always,
    Lights "lights" Always,
    LogSize "log_size" Change,
    LogLeaves "log_leaves" Insert,
    LogDone "log_done" Change,
    Cosigned "cosigned" Always,
    NameLog "name_log" Always,
    Audit "audit" Always,
    OnceContent "once_content" Always,
    Commit "commit" Always,
    AskCommit "ask_commit" Always,
    Accounts "accounts" Always,
    AccountIds "account_ids" Always,
    Lots "lots" Change,
    Leftovers "leftovers" Always,
    PledgeSums "pledge_sums" Always,
    Matches "matches" Always,
    LockTotals "lock_totals" Always,
    Transfers "transfers" Always,
    Totals "totals" Change,
}

/// How a row that is not changed shows.
enum Shape {
    /// Its key is there already.
    Insert,
    /// Fewer rows changed than were named.
    Change,
    /// As `Change`, without changing anything.
    Look,
    /// It cannot be, or the statement says so itself.
    Always,
}

/// What is asked of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Every row is changed, or the transaction fails.
    Must,
    /// The keys of the rows that were changed are the answer.
    Try,
}

impl Kind {
    pub fn sql(self, form: Form) -> String {
        let Block { key, statement } = &BLOCKS[self.name()];
        let of_row =
            |key: &str| key.split(", ").map(|name| format!("t.{name}")).collect::<Vec<_>>().join(", ");
        let whole = |changed: &str| {
            format!("WITH done AS ({changed}) SELECT whole(count(*), cardinality($1)) FROM done")
        };
        match (self.shape(), form) {
            (Shape::Insert, Form::Must) | (Shape::Look, Form::Try) | (Shape::Always, _) => statement.clone(),
            (Shape::Insert, Form::Try) => format!("{statement}\nON CONFLICT DO NOTHING RETURNING {key}"),
            (Shape::Change, Form::Try) => format!("{statement}\nRETURNING {}", of_row(key)),
            (Shape::Change, Form::Must) => whole(&format!("{statement}\nRETURNING 1")),
            (Shape::Look, Form::Must) => whole(statement),
        }
    }

    /// Columns of the key, which stand first.
    pub fn key_columns(self) -> usize {
        BLOCKS[self.name()].key.split(", ").count()
    }

    /// Why a row of this kind was not changed.
    pub fn refusal(self) -> StoreError {
        match self {
            Self::Once | Self::ProviderEvent | Self::RefundDone | Self::PublishSeed => StoreError::Seen,
            Self::Fence | Self::TakeLease => StoreError::Fenced,
            Self::NextRoom
            | Self::NextCharity
            | Self::NextProject
            | Self::Pledge
            | Self::NextSale
            | Self::NextOrder
            | Self::NextPayment
            | Self::NextRun
            | Self::PoolHearts
            | Self::LogSize
            | Self::LogDone => StoreError::Stale,
            Self::EndHold => StoreError::HoldEnded,
            Self::Stock => StoreError::StockShort,
            Self::Lots | Self::Restock => StoreError::OverStock,
            Self::Leftovers => StoreError::Rule("a lot is missing".into()),
            Self::NewRoom
            | Self::NewProduct
            | Self::NewCharity
            | Self::NewProject
            | Self::ProgressReport
            | Self::NewSale
            | Self::NewLot
            | Self::NewOrder
            | Self::Hold
            | Self::NewPayment
            | Self::Refund
            | Self::PledgeParts
            | Self::NewRun
            | Self::RunLines
            | Self::Task
            | Self::Pardon
            | Self::Sanction
            | Self::Address
            | Self::TaskDone
            | Self::NewPool
            | Self::NewSlots
            | Self::FreezePool
            | Self::GiveUpLease
            | Self::Reading
            | Self::ForgetReadings
            | Self::RoomMinutes
            | Self::Lights
            | Self::LogLeaves
            | Self::Cosigned
            | Self::NameLog
            | Self::Audit
            | Self::OnceContent
            | Self::Commit
            | Self::AskCommit
            | Self::Accounts
            | Self::AccountIds
            | Self::PledgeSums
            | Self::Matches
            | Self::LockTotals
            | Self::Transfers
            | Self::Totals => StoreError::Exists,
        }
    }
}

struct Block {
    key: &'static str,
    statement: String,
}

static BLOCKS: LazyLock<HashMap<&'static str, Block>> = LazyLock::new(|| {
    let blocks = WRITES.split("-- name: ").skip(1);
    let parsed = blocks.map(|block| {
        let (name, rest) = block.split_once('\n').expect("a name has a line of its own");
        let (key, statement) = rest.split_once('\n').expect("a key has a line of its own");
        let key = key.trim_start_matches("-- key: ");
        (name, Block { key, statement: statement.trim().to_owned() })
    });
    parsed.collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_statement() {
        assert_eq!(BLOCKS.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.sql(Form::Must).contains('$'), "{kind:?}");
        }
    }
}
