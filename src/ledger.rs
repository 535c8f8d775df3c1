//! Double entry, pledges and charity totals. Transfers are made here and committed by whoever needs them in one entry with the rest
//! of its effect; totals are read back from the record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use dashmap::DashMap;
use tokio::sync::Mutex as AsyncMutex;

use crate::model::transfer::SANDBOX;
use crate::model::{
    Account, Code, Currency, Money, Order, OrderId, Pledge, PledgeId, PledgeRef, Rounding, Share, Subject,
    Timestamp, Transfer,
};
pub use crate::store::journal::{HandedOver, PoolRow, PoolSums};
use crate::store::journal::{Once, PartGift};
use crate::store::{Entry, Journal, StoreError, Write};

mod charity;
pub mod log;
pub mod meters;
mod pools;
mod registry;
mod remit;
#[cfg(test)]
mod tests;

use pools::Pools;

pub use charity::{CharityTotal, RefundFailed};
pub use pools::{DRAW_OPENS_AFTER, Matching, Sponsor};
pub use registry::{ProjectTotal, Registering};
pub use remit::Payee;

/// Commission by product category; a category without a rule pays `other`.
#[derive(Clone, Debug)]
pub struct CommissionRules {
    pub by_category: HashMap<String, Share>,
    pub other: Share,
}

/// A refund, a receipt or a remittance that the ledger refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefused {
    #[error("there is no such pledge")]
    NoPledge,
    #[error("there is no such pool")]
    NoPool,
    #[error(
        "another version gives to the same projects in the same order; make another pledge to give to others"
    )]
    OtherParts,
    #[error(
        "nothing is owed to charity {registration} in {currency:?}: no receipt has confirmed more than was remitted or set aside"
    )]
    NothingOwed { registration: String, currency: Currency },
    #[error("a remittance to this charity in this currency is open; finish it or withdraw it first")]
    RunOpen,
    #[error("there is no such remittance")]
    NoRun,
    #[error(transparent)]
    Run(#[from] crate::model::RunRefused),
    #[error(transparent)]
    OutOfBound(#[from] crate::model::OutOfBound),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Clone)]
pub struct Ledger(Arc<Shared>);

struct Shared {
    journal: Journal,
    commission: CommissionRules,
    /// A cache of the record: pledge versions never change.
    pledges: DashMap<PledgeRef, Arc<Pledge>>,
    /// What was accrued under capped pledges, with what is on its way to the record. A guess where other nodes accrue too.
    accrued: Mutex<HashMap<PledgeId, Guess>>,
    /// Whoever takes from charity payable (a remittance, a late reversal) does so alone.
    payable: AsyncMutex<()>,
    pools: Pools,
}

/// The postings of one claim. It holds room under the pledge's cap; dropped without `committed`, the room is free again.
pub struct ClaimPostings {
    pub transfers: Vec<Transfer>,
    pub charity: Money,
    accruing: Option<Accruing>,
}

struct Accruing {
    ledger: Ledger,
    pledge: PledgeId,
    currency: Currency,
    minor: i64,
    cap: Option<i64>,
    /// Which guess it was made from.
    reading: u64,
    committed: bool,
}

/// Of the gross amount accrued under a pledge. Too low, the record refuses with `CapReached`, and it is made again.
#[derive(Clone, Copy, Default)]
struct Guess {
    minor: i64,
    /// Counts how often it was made again from the record. What was on its way by then is in the record or is not; nobody knows.
    reading: u64,
}

/// Account balances as an auditor reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTotal {
    pub name: String,
    pub currency: Currency,
    pub debits: i64,
    pub credits: i64,
}

impl Ledger {
    pub fn new(journal: Journal, commission: CommissionRules) -> Self {
        Self(Arc::new(Shared {
            journal,
            commission,
            pledges: DashMap::new(),
            accrued: Mutex::default(),
            payable: AsyncMutex::default(),
            pools: Pools::default(),
        }))
    }

    /// Records a pledge, or the next version of one. The version is assigned here.
    pub async fn add_pledge(
        &self,
        mut pledge: Pledge,
        once: Option<Once>,
    ) -> Result<Arc<Pledge>, LedgerRefused> {
        let newest = self.0.journal.pledge(pledge.id, None).await?;
        pledge.version = newest.as_ref().map_or(1, |newest| newest.version + 1);
        pledge.check()?;
        if newest.as_ref().is_some_and(|newest| !newest.has_parts_of(&pledge)) {
            return Err(LedgerRefused::OtherParts);
        }
        let entry = once.map(Write::Once).into_iter().chain([Write::Pledge(pledge.clone())]).collect();
        match (self.0.journal.commit(entry).await, newest) {
            (Ok(()), _) => Ok(Arc::new(pledge)),
            (Err(StoreError::Seen), Some(newest)) => Ok(Arc::new(newest)),
            (Err(refused), _) => Err(refused.into()),
        }
    }

    /// The newest version.
    pub async fn newest_pledge(&self, id: PledgeId) -> Result<Option<Pledge>, StoreError> {
        self.0.journal.pledge(id, None).await
    }

    pub async fn pledge(&self, reference: PledgeRef) -> Result<Arc<Pledge>, LedgerRefused> {
        if let Some(pledge) = self.0.pledges.get(&reference) {
            return Ok(Arc::clone(&pledge));
        }
        let pledge = self.0.journal.pledge(reference.id, Some(reference.version)).await?;
        let pledge = Arc::new(pledge.ok_or(LedgerRefused::NoPledge)?);
        self.0.pledges.insert(reference, Arc::clone(&pledge));
        Ok(pledge)
    }

    /// What a paid order moves: the price to the host, the commission (an explicit zero where none is due), the pledged share.
    pub fn claim(
        &self,
        order: &Order,
        host: &Subject,
        category: &str,
        pledge: Option<&Pledge>,
        now: Timestamp,
    ) -> ClaimPostings {
        let total = order.total();
        let rules = &self.0.commission;
        let rate = rules.by_category.get(category).copied().unwrap_or(rules.other);
        let (commission, _) = total.split(rate, Rounding::HalfEven);
        let line = |debit, credit, amount, code| Transfer {
            debit,
            credit,
            amount,
            code,
            order: Some(order.id),
            at: now,
        };
        let host = || Account::HostPayable(host.clone());
        let mut transfers = vec![
            line(Account::BuyerClearing { provider: SANDBOX }, host(), total, Code::Sale),
            line(host(), Account::PlatformCommission, commission, Code::Commission),
        ];
        let accruing = pledge
            .filter(|pledge| pledge.runs_at(now))
            .map(|pledge| self.accruing(pledge, pledge.share_of(total, order.quantity)));
        let charity = Money::new(accruing.as_ref().map_or(0, |accruing| accruing.minor), total.currency);
        if let (Some(accruing), Some(pledge)) = (&accruing, pledge) {
            for (part, minor) in pledge.by_part(accruing.minor).into_iter().enumerate() {
                let accrued = Account::CharityAccrued(pledge.part(part));
                transfers.push(line(host(), accrued, Money::new(minor, total.currency), Code::Accrue));
            }
        }
        ClaimPostings { transfers, charity, accruing }
    }

    /// The provider's fee, as it reported it.
    pub fn fee(&self, order: OrderId, host: &Subject, fee: Money, now: Timestamp) -> Transfer {
        Transfer {
            debit: Account::HostPayable(host.clone()),
            credit: Account::ProviderFee { provider: SANDBOX },
            amount: fee,
            code: Code::Fee,
            order: Some(order),
            at: now,
        }
    }

    /// A payment that came too late: it was taken, and is owed back.
    pub fn late(&self, order: OrderId, amount: Money, now: Timestamp) -> Transfer {
        Transfer {
            debit: Account::BuyerClearing { provider: SANDBOX },
            credit: Account::RefundPayable,
            amount,
            code: Code::Late,
            order: Some(order),
            at: now,
        }
    }

    /// The provider sent it back to the buyer.
    pub fn paid_back(&self, order: OrderId, amount: Money, now: Timestamp) -> Transfer {
        Transfer {
            debit: Account::RefundPayable,
            credit: Account::BuyerClearing { provider: SANDBOX },
            amount,
            code: Code::PaidBack,
            order: Some(order),
            at: now,
        }
    }

    /// At receipt what stands of the gift becomes owed to the charities.
    pub async fn confirm(&self, order: &Order, pledge: &Pledge, now: Timestamp) -> Result<Entry, StoreError> {
        let currency = order.charity().currency;
        let parts = match pledge.parts.len() {
            1 => vec![order.charity_minor],
            parts => {
                let gifts = self.0.journal.gifts_of(order.id, parts).await?;
                gifts.iter().map(PartGift::standing).collect()
            }
        };
        let mut entry = Entry::new();
        for (part, minor) in parts.into_iter().enumerate().filter(|(_, minor)| *minor > 0) {
            let of = pledge.part(part);
            entry.push(Write::Transfer(Transfer {
                debit: Account::CharityAccrued(of),
                credit: Account::CharityPayable(of),
                amount: Money::new(minor, currency),
                code: Code::Confirm,
                order: Some(order.id),
                at: now,
            }));
            entry.push(Write::PledgeSums { of, currency, standing: 0, payable: minor, cap: None });
        }
        entry.push(in_order(pledge.id, currency));
        Ok(entry)
    }

    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// All accounts, by name.
    pub fn trial_balance(&self) -> Vec<AccountTotal> {
        let mut accounts: HashMap<(Account, Currency), (i64, i64)> = HashMap::new();
        for ((account, currency, _), total) in self.0.journal.totals().all() {
            let sums = accounts.entry((account, currency)).or_default();
            sums.0 += total.debits;
            sums.1 += total.credits;
        }
        let mut accounts: Vec<_> = accounts
            .into_iter()
            .map(|((account, currency), (debits, credits))| AccountTotal {
                name: account.to_string(),
                currency,
                debits,
                credits,
            })
            .collect();
        accounts.sort_by(|a, b| (&a.name, a.currency).cmp(&(&b.name, b.currency)));
        accounts
    }

    /// As much of `share` as the pledge's cap leaves room for. What stands is what was accrued less what was reversed, by whatever node.
    fn accruing(&self, pledge: &Pledge, share: Money) -> Accruing {
        let (mut minor, mut reading) = (share.minor, 0);
        if let Some(cap) = pledge.cap {
            let total = self.charity_total(pledge.id, cap.currency);
            let mut guesses = self.0.accrued.lock().expect("no panic while locked");
            let guess =
                guesses.entry(pledge.id).or_insert_with(|| Guess { minor: total.gross_accrued, reading: 0 });
            let standing = guess.minor - total.gross_reversed;
            minor = minor.min((cap.minor - standing).max(0));
            guess.minor += minor;
            reading = guess.reading;
        }
        Accruing {
            ledger: self.clone(),
            pledge: pledge.id,
            currency: share.currency,
            minor,
            cap: pledge.cap.map(|cap| cap.minor),
            reading,
            committed: false,
        }
    }

    /// After `CapReached`: another node accrued too. The next claim goes by what the record says now.
    pub async fn reread_standing(&self, pledge: &Pledge) -> Result<(), StoreError> {
        let Some(cap) = pledge.cap else { return Ok(()) };
        let standing = self.0.journal.pledge_sums(pledge.id.into(), cap.currency).await?.standing;
        let reversed = self.charity_total(pledge.id, cap.currency).gross_reversed;
        let mut guesses = self.0.accrued.lock().expect("no panic while locked");
        let guess = guesses.entry(pledge.id).or_default();
        *guess = Guess { minor: standing + reversed, reading: guess.reading + 1 };
        Ok(())
    }
}

/// Every entry that posts for a pledge changes the row of its part 0, also by nothing: the rows are locked before lines get their numbers, so
/// that these are in the order of commits over all parts, and a total with a higher sequence is the newer one.
fn in_order(pledge: PledgeId, currency: Currency) -> Write {
    Write::PledgeSums { of: pledge.into(), currency, standing: 0, payable: 0, cap: None }
}

impl ClaimPostings {
    /// For the entry of the claim. `CapReached`: read the standing again, and make others.
    pub fn writes(&self) -> impl Iterator<Item = Write> {
        let raised = self.accruing.as_ref().filter(|accruing| accruing.minor > 0);
        let sums = raised.map(|accruing| Write::PledgeSums {
            of: accruing.pledge.into(),
            currency: accruing.currency,
            standing: accruing.minor,
            payable: 0,
            cap: accruing.cap,
        });
        self.transfers.iter().cloned().map(Write::Transfer).chain(sums)
    }

    pub fn committed(self) {
        if let Some(mut accruing) = self.accruing {
            accruing.committed = true;
        }
    }
}

impl Drop for Accruing {
    fn drop(&mut self) {
        if self.committed || self.cap.is_none() {
            return;
        }
        let mut guesses = self.ledger.0.accrued.lock().expect("no panic while locked");
        if let Some(guess) = guesses.get_mut(&self.pledge).filter(|guess| guess.reading == self.reading) {
            guess.minor -= self.minor;
        }
    }
}
