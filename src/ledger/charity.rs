//! The charity total, and what takes from it: refunds and remittances.

use std::collections::{BTreeMap, HashMap};

use super::{Ledger, LedgerRefused};
use crate::model::payment::Refund;
use crate::model::{
    Account, Code, Currency, Money, Order, Pledge, PledgeId, Stage, Subject, Timestamp, Transfer,
};
use crate::store::journal::{Key, Once, PledgeSums, Task, Total};
use crate::store::{Entry, StoreError, Write};

/// A reading of the ledger for one pledge, in minor units. Both `gross_*` only grow; keep the highest sequence of the newest epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharityTotal {
    pub pledge: PledgeId,
    pub epoch: u64,
    pub sequence: u64,
    pub currency: Currency,
    pub gross_accrued: i64,
    pub gross_reversed: i64,
    pub confirmed: i64,
    pub remitted: i64,
    /// What sponsors added, and what refunds took back of it. Apart from all above; both only grow.
    pub gross_matched: i64,
    pub gross_unmatched: i64,
}

/// What a charity total is made of.
fn counted(pledge: PledgeId) -> [(Account, Code); 7] {
    [
        (Account::CharityAccrued(pledge), Code::Accrue),
        (Account::CharityAccrued(pledge), Code::Reverse),
        (Account::CharityPayable(pledge), Code::Confirm),
        (Account::CharityPayable(pledge), Code::Reverse),
        (Account::CharityRemitted(pledge), Code::Remit),
        (Account::CharityMatched(pledge), Code::Match),
        (Account::CharityMatched(pledge), Code::Unmatch),
    ]
}

fn pledge_of(account: &Account) -> Option<PledgeId> {
    match account {
        Account::CharityAccrued(pledge)
        | Account::CharityPayable(pledge)
        | Account::CharityRemitted(pledge)
        | Account::CharityMatched(pledge) => Some(*pledge),
        Account::BuyerClearing { .. }
        | Account::HostPayable(_)
        | Account::PlatformCommission
        | Account::ProviderFee { .. }
        | Account::SponsorPool(_)
        | Account::RefundPayable => None,
    }
}

impl CharityTotal {
    /// `totals` as `counted` names them.
    fn of(pledge: PledgeId, currency: Currency, epoch: u64, totals: [Total; 7]) -> Self {
        let [accrued, reversed, confirmed, taken_back, remitted, matched, unmatched] = totals;
        let newest = totals.map(|total| total.newest);
        Self {
            pledge,
            epoch,
            sequence: newest.into_iter().max().unwrap_or(0).cast_unsigned(),
            currency,
            gross_accrued: accrued.credits,
            gross_reversed: reversed.debits + taken_back.debits,
            confirmed: confirmed.credits - taken_back.debits,
            remitted: remitted.credits,
            gross_matched: matched.credits,
            gross_unmatched: unmatched.debits,
        }
    }

    /// Of each pledge that these totals are of, by pledge and currency: what rooms would be told if they were the cached ones.
    pub fn of_all(totals: &[(Key, Total)]) -> BTreeMap<(PledgeId, Currency), Self> {
        let by_key: HashMap<&Key, Total> = totals.iter().map(|(key, total)| (key, *total)).collect();
        let pledges =
            totals.iter().filter_map(|((account, currency, _), _)| Some((pledge_of(account)?, *currency)));
        let total = |(pledge, currency): (PledgeId, Currency)| {
            let of = counted(pledge)
                .map(|(account, code)| by_key.get(&(account, currency, code)).copied().unwrap_or_default());
            ((pledge, currency), Self::of(pledge, currency, 0, of))
        };
        pledges.map(total).collect()
    }

    /// Accrued, reversed, confirmed, remitted.
    pub fn amounts(&self) -> [i64; 4] {
        [self.gross_accrued, self.gross_reversed, self.confirmed, self.remitted]
    }
}

impl Ledger {
    /// The currency of a pledge's total: its own, or that of what was paid.
    pub fn currency_of(&self, pledge: &Pledge) -> Currency {
        pledge.currency().unwrap_or_else(|| {
            let accounts = self.journal().totals().all();
            let accrued = Account::CharityAccrued(pledge.id);
            let paid = accounts.into_iter().find(|((account, ..), _)| *account == accrued);
            paid.map_or(Currency::CNY, |((_, currency, _), _)| currency)
        })
    }

    pub fn charity_total(&self, pledge: PledgeId, currency: Currency) -> CharityTotal {
        CharityTotal::of(pledge, currency, self.journal().epoch(), self.totals(currency, counted(pledge)))
    }

    /// The cached totals that charity totals are made of.
    pub fn charity_totals(&self) -> Vec<(Key, Total)> {
        let mut totals = self.journal().totals().all();
        totals.retain(|((account, ..), _)| pledge_of(account).is_some());
        totals
    }

    /// Records a refund with its order. Of the charity share, what the smaller base no longer owes is reversed: from what is accrued,
    /// after receipt from what is payable. What is remitted already is not clawed back; the correction is the host's cost.
    pub async fn refund(
        &self,
        before: Entry,
        order: Order,
        refund: Refund,
        host: &Subject,
        pledge: Option<&Pledge>,
    ) -> Result<Order, RefundFailed> {
        let _alone = self.0.payable.lock().await;
        loop {
            let (after, mut entry) = self.refunding(&before, &order, &refund, host, pledge).await?;
            let kept = after.total().minor - after.refunded_minor;
            let back = self.take_back(&order, kept, refund.requested_at).await?;
            entry.extend(back.writes());
            match self.journal().commit(entry).await {
                Ok(()) => {
                    self.taken_back(back);
                    return Ok(after);
                }
                // Another node took from what is payable, and less is left than was read.
                Err(StoreError::Unpayable) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    async fn refunding(
        &self,
        before: &Entry,
        order: &Order,
        refund: &Refund,
        host: &Subject,
        pledge: Option<&Pledge>,
    ) -> Result<(Order, Entry), RefundFailed> {
        let confirmed = matches!(order.stage, Stage::Confirmed { .. });
        let (id, now, amount) = (order.id, refund.requested_at, refund.amount);
        let (total, kept) = (order.total(), order.total().minor - order.refunded_minor - amount.minor);
        let charity = order.charity();
        let mut charity_kept = pledge.map_or(Money::zero(total.currency), |pledge| {
            pledge.share_kept(total, Money::new(kept.max(0), total.currency), order.quantity, charity)
        });
        if let (true, Some(pledge)) = (confirmed, pledge) {
            let payable = self.journal().pledge_sums(pledge.id, total.currency).await?.payable;
            charity_kept.minor = charity_kept.minor.max(charity.minor - payable);
        }
        let reversed = Money::new(charity.minor - charity_kept.minor, total.currency);
        let order = order.clone().refund(amount, charity_kept)?;
        let line = |debit, credit, amount, code| {
            Write::Transfer(Transfer { debit, credit, amount, code, order: Some(id), at: now })
        };
        let mut entry = before.clone();
        entry.push(Write::Order(order.clone()));
        entry.push(Write::Task { task: Task::Refund(refund.id), at: now });
        entry.push(Write::Refund(refund.clone()));
        if let (Some(pledge), true) = (pledge, reversed.minor > 0) {
            let (from, payable) = if confirmed {
                (Account::CharityPayable(pledge.id), -reversed.minor)
            } else {
                (Account::CharityAccrued(pledge.id), 0)
            };
            entry.push(line(from, Account::HostPayable(host.clone()), reversed, Code::Reverse));
            entry.push(Write::PledgeSums {
                pledge: pledge.id,
                currency: total.currency,
                standing: -reversed.minor,
                payable,
                cap: None,
            });
        }
        entry.push(line(Account::HostPayable(host.clone()), Account::RefundPayable, amount, Code::Refund));
        Ok((order, entry))
    }

    /// Records that confirmed money was handed over to the charity, with the bank's reference.
    pub async fn remit(
        &self,
        pledge: PledgeId,
        amount: Money,
        proof: String,
        once: Once,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<CharityTotal, LedgerRefused> {
        self.newest_pledge(pledge).await?.ok_or(LedgerRefused::NoPledge)?;
        let _alone = self.0.payable.lock().await;
        if self.journal().seen(once).await? {
            return self.total_now(pledge, amount.currency).await;
        }
        let currency = amount.currency;
        let refused =
            |sums: PledgeSums| LedgerRefused::RemitTooMuch { confirmed: Money::new(sums.payable, currency) };
        let sums = self.journal().pledge_sums(pledge, currency).await?;
        if amount.minor > sums.payable {
            return Err(refused(sums));
        }
        let transfer = Transfer {
            debit: Account::CharityPayable(pledge),
            credit: Account::CharityRemitted(pledge),
            amount,
            code: Code::Remit,
            order: None,
            at: now,
        };
        let entry = vec![
            Write::Once(once),
            Write::Remittance { id: once.key, pledge, amount, proof: proof.clone(), at: now },
            Write::Transfer(transfer),
            Write::PledgeSums { pledge, currency, standing: 0, payable: -amount.minor, cap: None },
            Write::Audit {
                at: now,
                actor: actor.clone(),
                action: "remit",
                subject: pledge.to_string(),
                reason: proof,
            },
        ];
        match self.journal().commit(entry).await {
            Ok(()) => self.total_now(pledge, currency).await,
            // Another node took from it since it was read.
            Err(StoreError::Unpayable) => Err(refused(self.journal().pledge_sums(pledge, currency).await?)),
            Err(error) => Err(error.into()),
        }
    }
    /// With what was just committed, also on a shared record.
    async fn total_now(&self, pledge: PledgeId, currency: Currency) -> Result<CharityTotal, LedgerRefused> {
        self.journal().renew_totals().await?;
        Ok(self.charity_total(pledge, currency))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundFailed {
    #[error(transparent)]
    Refused(#[from] crate::model::order::OrderRefused),
    #[error(transparent)]
    Store(#[from] StoreError),
}
