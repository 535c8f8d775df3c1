//! What went wrong, as RFC 9457 problem details: the same object on REST and on a socket. docs/api.md has the table; a test compares.

use apricot_proto::v1::Problem;

use super::token::TokenRefused;
use crate::ledger::LedgerRefused;
use crate::model::RunRefused;
use crate::model::order::OrderRefused;
use crate::model::sale::SaleRefused;
use crate::model::{Money, OutOfBound};
use crate::sale::Refusal;
use crate::store::StoreError;

/// The rule that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Malformed,
    TokenRequired,
    TokenInvalid,
    Forbidden,
    Banned,
    Muted,
    NotFound,
    MethodNotAllowed,
    InvalidField,
    ContentDiffers,
    BlockedWord,
    WrongState,
    ChangedMeanwhile,
    SaleNotOpen,
    SaleClosed,
    SalePaused,
    SoldOut,
    WaitingListFull,
    LimitReached,
    HoldExpired,
    StockShort,
    TooLarge,
    SlowMode,
    RateLimited,
    Busy,
    NotNow,
    RecordUnavailable,
}

/// Long enough for a full queue of the record to drain, about 30 commits.
const BUSY_RETRY_MS: u32 = 250;
/// A host pauses for a word or two.
const PAUSED_RETRY_MS: u32 = 5_000;
/// A record that cannot be written needs a person or a restart.
const RECORD_RETRY_MS: u32 = 2_000;
/// The other change is committed by then.
const STALE_RETRY_MS: u32 = 50;

impl Kind {
    pub const ALL: [Self; 27] = [
        Self::Malformed,
        Self::TokenRequired,
        Self::TokenInvalid,
        Self::Forbidden,
        Self::Banned,
        Self::Muted,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::InvalidField,
        Self::ContentDiffers,
        Self::BlockedWord,
        Self::WrongState,
        Self::ChangedMeanwhile,
        Self::SaleNotOpen,
        Self::SaleClosed,
        Self::SalePaused,
        Self::SoldOut,
        Self::WaitingListFull,
        Self::LimitReached,
        Self::HoldExpired,
        Self::StockShort,
        Self::TooLarge,
        Self::SlowMode,
        Self::RateLimited,
        Self::Busy,
        Self::NotNow,
        Self::RecordUnavailable,
    ];

    /// Name, HTTP status, title.
    fn row(self) -> (&'static str, u32, &'static str) {
        match self {
            Self::Malformed => ("malformed", 400, "The message cannot be read"),
            Self::TokenRequired => ("token-required", 401, "This needs a token"),
            Self::TokenInvalid => ("token-invalid", 401, "The token is not valid"),
            Self::Forbidden => ("forbidden", 403, "Not allowed for this role"),
            Self::Banned => ("banned", 403, "Banned from this room"),
            Self::Muted => ("muted", 403, "Muted in this room"),
            Self::NotFound => ("not-found", 404, "No such thing"),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "Not with this method"),
            Self::InvalidField => ("invalid-field", 422, "A field is outside its bound"),
            Self::ContentDiffers => ("content-differs", 422, "The id or key was used for something else"),
            Self::BlockedWord => ("blocked-word", 422, "The room does not allow a word of this line"),
            Self::WrongState => ("wrong-state", 409, "Not possible in this state"),
            Self::ChangedMeanwhile => ("changed-meanwhile", 409, "Two changes at once"),
            Self::SaleNotOpen => ("sale-not-open", 409, "The sale has not opened yet"),
            Self::SalePaused => ("sale-paused", 409, "The sale is paused"),
            Self::SaleClosed => ("sale-closed", 409, "The sale is closed"),
            Self::SoldOut => ("sold-out", 409, "Sold out"),
            Self::WaitingListFull => ("waiting-list-full", 409, "The waiting list is full"),
            Self::LimitReached => ("limit-reached", 409, "The limit for one buyer is reached"),
            Self::HoldExpired => ("hold-expired", 409, "The hold ran out"),
            Self::StockShort => ("stock-short", 409, "Not enough units on hand"),
            Self::TooLarge => ("too-large", 413, "The message is too large"),
            Self::SlowMode => ("slow-mode", 429, "The room is in slow mode"),
            Self::RateLimited => ("rate-limited", 429, "Too many requests"),
            Self::Busy => ("busy", 503, "The server is busy"),
            Self::NotNow => ("not-now", 503, "Buying pauses for a moment"),
            Self::RecordUnavailable => ("record-unavailable", 503, "The record cannot be written"),
        }
    }

    pub fn name(self) -> &'static str {
        self.row().0
    }

    pub fn status(self) -> u32 {
        self.row().1
    }

    /// `detail` is a sentence that says what to do.
    pub fn because(self, detail: impl Into<String>) -> Problem {
        let (name, status, title) = self.row();
        Problem {
            r#type: name.into(),
            title: title.into(),
            status,
            detail: detail.into(),
            ..Problem::default()
        }
    }

    /// Trying again after `retry_after_ms` can help.
    pub fn for_now(self, detail: impl Into<String>, retry_after_ms: u32) -> Problem {
        Problem { retry_after_ms, ..self.because(detail) }
    }
}

impl From<OutOfBound> for Problem {
    fn from(refused: OutOfBound) -> Self {
        let detail = format!("Send `{}` as {}.", refused.field, refused.bound);
        let problem = Kind::InvalidField.because(detail);
        Self { field: refused.field.into(), bound: refused.bound, ..problem }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OutOfBound(refused) => refused.into(),
            Refusal::NotFound(what) => not_found(what),
            Refusal::Forbidden(why) => Kind::Forbidden.because(sentence(why)),
            Refusal::WrongState(why) => Kind::WrongState.because(sentence(why)),
            Refusal::Order(refused) => refused.into(),
            Refusal::Sale(refused) => refused.into(),
            Refusal::SoldOut { left } => Self {
                bound: left.to_string(),
                ..Kind::SoldOut.because(format!(
                    "{left} left. Order fewer, or send `wait: true` to go on the waiting list."
                ))
            },
            Refusal::Promised { free } => Self {
                field: "change".into(),
                bound: format!("-{free} or more"),
                ..Kind::StockShort
                    .because(format!("{free} are neither held nor sold; take back that or fewer."))
            },
            Refusal::WaitingListFull { max } => Self {
                bound: max.to_string(),
                ..Kind::WaitingListFull
                    .because(format!("All {max} places are taken. Wait for the next sale."))
            },
            Refusal::LimitReached { limit } => Self {
                field: "quantity".into(),
                bound: limit.to_string(),
                ..Kind::LimitReached.because(format!("One buyer may have {limit} of this sale; order fewer."))
            },
            Refusal::NotNow(refused) => {
                let detail = "Nothing was done. Send the same request again after the time given.";
                let retry_after_ms = u32::try_from(refused.retry_after.as_millis()).unwrap_or(u32::MAX);
                Kind::NotNow.for_now(detail, retry_after_ms)
            }
            Refusal::Ledger(refused) => refused.into(),
            Refusal::Store(refused) => refused.into(),
        }
    }
}

impl From<LedgerRefused> for Problem {
    fn from(refused: LedgerRefused) -> Self {
        match refused {
            LedgerRefused::NoPledge => not_found("pledge"),
            LedgerRefused::NoPool => not_found("pool"),
            LedgerRefused::OtherParts => {
                let bound = "the same projects in the same order as in the version before".to_owned();
                let said = sentence(&refused.to_string());
                Self { field: "parts".into(), bound, ..Kind::InvalidField.because(said) }
            }
            LedgerRefused::NothingOwed { .. } | LedgerRefused::RunOpen => {
                Kind::WrongState.because(sentence(&refused.to_string()))
            }
            LedgerRefused::NoRun => not_found("remittance"),
            LedgerRefused::Run(RunRefused::SamePerson) => {
                Kind::Forbidden.because("Who proposed a remittance cannot approve it. Ask a second person.")
            }
            LedgerRefused::Run(refused @ RunRefused::WrongStage { .. }) => {
                Kind::WrongState.because(sentence(&refused.to_string()))
            }
            LedgerRefused::OutOfBound(refused) => refused.into(),
            LedgerRefused::Store(refused) => refused.into(),
        }
    }
}

impl From<OrderRefused> for Problem {
    fn from(refused: OrderRefused) -> Self {
        let said = sentence(&refused.to_string());
        match refused {
            OrderRefused::HoldExpired => Kind::HoldExpired.because(format!("{said} Place a new order.")),
            OrderRefused::Released => Kind::WrongState.because(format!("{said} Place a new order.")),
            OrderRefused::AlreadyPaid => {
                Kind::WrongState.because(format!("{said} Ask the host for a refund."))
            }
            OrderRefused::StillWaiting => Kind::WrongState.because(format!("{said} Wait for the offer.")),
            OrderRefused::NotPaid => Kind::WrongState.because(format!("{said} There is nothing to do yet.")),
            OrderRefused::Refunded => Kind::WrongState.because(format!("{said} Nothing is left to do.")),
            OrderRefused::OutOfTurn { .. } => Kind::WrongState.because(said),
            OrderRefused::RefundTooLarge { left } => refund_too_large(left),
        }
    }
}

impl From<SaleRefused> for Problem {
    fn from(refused: SaleRefused) -> Self {
        match refused {
            SaleRefused::NotOpen => Kind::SaleNotOpen.because("Wait until the sale opens."),
            SaleRefused::Paused => Kind::SalePaused.for_now(
                "Nothing was done. The host goes on in a moment; what you hold stays yours.",
                PAUSED_RETRY_MS,
            ),
            SaleRefused::Closed => Kind::SaleClosed.because("Wait for the next sale."),
            SaleRefused::AlreadyOpen => Kind::WrongState.because("The sale is open already; nothing to do."),
            SaleRefused::NotPaused => Kind::WrongState.because("The sale is not paused; nothing to do."),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            // What another node did meanwhile; whoever wrote reads again and repeats.
            StoreError::Seen
            | StoreError::Stale
            | StoreError::Fenced
            | StoreError::CapReached
            | StoreError::Unpayable
            | StoreError::PoolChanged => {
                Kind::ChangedMeanwhile.for_now("Read it again and repeat the request.", STALE_RETRY_MS)
            }
            StoreError::ContentDiffers => {
                Kind::ContentDiffers.because("Send the first request's content, or choose a new id or key.")
            }
            StoreError::Exists => {
                Kind::ContentDiffers.because("There is one with this id already; choose another id.")
            }
            StoreError::HoldEnded => Kind::HoldExpired.because("The hold has ended. Place a new order."),
            StoreError::OverStock => Kind::SoldOut.because("The lot has fewer units left; order fewer."),
            StoreError::StockShort => {
                Kind::StockShort.because("The product has fewer units on hand; add stock or ask for fewer.")
            }
            StoreError::Busy => {
                Kind::Busy.for_now("Nothing was done. Send the same request again.", BUSY_RETRY_MS)
            }
            StoreError::Rule(_) | StoreError::Unavailable(_) => {
                // The cause is for the log, not for the client; here it leaves the layers that know it.
                tracing::error!(%error, "the record refused what should be possible");
                let detail =
                    "Send the same request again: it has one effect, also if this one had it already.";
                Kind::RecordUnavailable.for_now(detail, RECORD_RETRY_MS)
            }
        }
    }
}

impl From<TokenRefused> for Problem {
    fn from(refused: TokenRefused) -> Self {
        Kind::TokenInvalid.because(format!("{} Get a new token.", sentence(&refused.to_string())))
    }
}

/// With the field that asked for too many units, and what it may be.
pub fn if_short(refusal: Refusal, field: &str, bound: impl FnOnce() -> String) -> Problem {
    let problem = Problem::from(refusal);
    if problem.r#type != Kind::StockShort.name() {
        return problem;
    }
    Problem { field: field.into(), bound: bound(), ..problem }
}

pub fn not_found(what: &str) -> Problem {
    Kind::NotFound.because(format!("There is no such {what}, or it is not yours to see. Check the id."))
}

fn refund_too_large(left: Money) -> Problem {
    let detail = format!("At most {left} is left to refund; ask for less.");
    let bound = format!("1..={} {}", left.minor, left.currency.as_str());
    Problem { field: "amount".into(), bound, ..Kind::InvalidField.because(detail) }
}

/// "the hold ran out" as "The hold ran out."
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Currency;

    /// Rows of the table under "## Problems": types in backticks, status, retry.
    fn documented() -> Vec<(String, u32)> {
        let text = include_str!("../../docs/api.md");
        let section = text.split("## Problems").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let mut rows = Vec::new();
        for line in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            for name in cells[1].split(',') {
                rows.push((name.trim().trim_matches('`').to_owned(), cells[2].parse().unwrap()));
            }
        }
        rows
    }

    #[test]
    fn the_table_in_the_docs_is_the_table_in_the_code() {
        let coded: Vec<_> =
            Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), kind.status())).collect();
        assert_eq!(documented(), coded);
    }

    #[test]
    fn every_refusal_says_what_to_do_and_whether_to_come_back() {
        let check = |refusal: Refusal, name: &str, retry: bool| {
            let problem = Problem::from(refusal);
            assert_eq!(problem.r#type, name);
            assert_eq!(problem.retry_after_ms > 0, retry, "{name}");
            assert!(problem.detail.ends_with('.') && !problem.title.is_empty(), "{problem:?}");
        };
        check(OutOfBound::new("quantity", "1..=99").into(), "invalid-field", false);
        check(Refusal::NotFound("sale"), "not-found", false);
        check(Refusal::Forbidden("this room is not yours"), "forbidden", false);
        check(Refusal::WrongState("the room has ended"), "wrong-state", false);
        check(Refusal::SoldOut { left: 2 }, "sold-out", false);
        check(Refusal::Promised { free: 3 }, "stock-short", false);
        check(Refusal::WaitingListFull { max: 500 }, "waiting-list-full", false);
        check(Refusal::LimitReached { limit: 2 }, "limit-reached", false);
        let retry_after = std::time::Duration::from_secs(2);
        check(Refusal::NotNow(crate::store::inventory::NotNow { retry_after }), "not-now", true);
        for (refused, name) in [
            (OrderRefused::HoldExpired, "hold-expired"),
            (OrderRefused::Released, "wrong-state"),
            (OrderRefused::AlreadyPaid, "wrong-state"),
            (OrderRefused::StillWaiting, "wrong-state"),
            (OrderRefused::NotPaid, "wrong-state"),
            (OrderRefused::Refunded, "wrong-state"),
            (OrderRefused::OutOfTurn { from: "paid", to: "delivered" }, "wrong-state"),
            (OrderRefused::RefundTooLarge { left: Money::new(5, Currency::CNY) }, "invalid-field"),
        ] {
            check(refused.into(), name, false);
        }
        check(SaleRefused::Paused.into(), "sale-paused", true);
        for (refused, name) in [
            (SaleRefused::NotOpen, "sale-not-open"),
            (SaleRefused::Closed, "sale-closed"),
            (SaleRefused::AlreadyOpen, "wrong-state"),
            (SaleRefused::NotPaused, "wrong-state"),
        ] {
            check(refused.into(), name, false);
        }
        for (error, name, retry) in [
            (StoreError::Seen, "changed-meanwhile", true),
            (StoreError::Stale, "changed-meanwhile", true),
            (StoreError::Fenced, "changed-meanwhile", true),
            (StoreError::CapReached, "changed-meanwhile", true),
            (StoreError::Unpayable, "changed-meanwhile", true),
            (StoreError::PoolChanged, "changed-meanwhile", true),
            (StoreError::ContentDiffers, "content-differs", false),
            (StoreError::Exists, "content-differs", false),
            (StoreError::HoldEnded, "hold-expired", false),
            (StoreError::OverStock, "sold-out", false),
            (StoreError::StockShort, "stock-short", false),
            (StoreError::Busy, "busy", true),
            (StoreError::Rule("CHECK failed".into()), "record-unavailable", true),
            (StoreError::Unavailable("disk full".into()), "record-unavailable", true),
        ] {
            check(error.into(), name, retry);
        }
    }

    #[test]
    fn what_broke_inside_is_not_told() {
        let problem = Problem::from(StoreError::Unavailable("/srv/apricot/record.db: disk full".into()));
        assert!(!problem.detail.contains("disk"), "{}", problem.detail);
    }

    #[test]
    fn a_field_out_of_bound_carries_both() {
        let problem = Problem::from(OutOfBound::new("shipTo.phone", "5..=20 digits"));
        assert_eq!((problem.field.as_str(), problem.bound.as_str()), ("shipTo.phone", "5..=20 digits"));
        assert_eq!(problem.status, 422);
    }
}
