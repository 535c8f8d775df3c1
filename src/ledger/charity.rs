//! The charity total, and what refunds take from it.

use std::collections::{BTreeMap, HashMap};

use super::Ledger;
use crate::model::payment::Refund;
use crate::model::pledge::{PARTS_MAX, largest_remainder};
use crate::model::{
    Account, Code, Currency, Money, Order, PartRef, Pledge, PledgeEnd, PledgeId, Stage, Subject, Timestamp,
    Transfer,
};
use crate::store::journal::{Key, PartGift, Task, Total};
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
    /// Nothing more is accrued.
    pub ended: Option<PledgeEnd>,
}

/// What a charity total is made of: part after part, then what sponsors added to all of them.
fn counted(pledge: PledgeId) -> impl Iterator<Item = (Account, Code)> {
    let parts = (0..PARTS_MAX).flat_map(move |part| {
        let part = PartRef { pledge, part: u8::try_from(part).expect("a few parts") };
        [
            (Account::CharityAccrued(part), Code::Accrue),
            (Account::CharityAccrued(part), Code::Reverse),
            (Account::CharityPayable(part), Code::Confirm),
            (Account::CharityPayable(part), Code::Reverse),
            (Account::CharityRemitted(part), Code::Remit),
        ]
    });
    let matched = Account::CharityMatched(pledge);
    parts.chain([(matched.clone(), Code::Match), (matched, Code::Unmatch)])
}

/// Whether a charity total counts the account.
fn pledge_of(account: &Account) -> Option<PledgeId> {
    match account {
        Account::CharityAccrued(part) | Account::CharityPayable(part) | Account::CharityRemitted(part) => {
            Some(part.pledge)
        }
        Account::CharityMatched(pledge) => Some(*pledge),
        Account::BuyerClearing { .. }
        | Account::HostPayable(_)
        | Account::PlatformCommission
        | Account::ProviderFee { .. }
        | Account::CorrectionCost(_)
        | Account::CorrectionBorne(_)
        | Account::RefundPayable
        | Account::SponsorPool(_) => None,
    }
}

impl CharityTotal {
    /// `totals` as `counted` names them.
    fn of(pledge: PledgeId, currency: Currency, epoch: u64, totals: &[Total]) -> Self {
        let newest = totals.iter().map(|total| total.newest).max();
        let (parts, sponsors) = totals.split_at(PARTS_MAX * 5);
        let sponsors: [Total; 2] = sponsors.try_into().unwrap_or_default();
        let mut sum = Self {
            pledge,
            epoch,
            sequence: newest.unwrap_or(0).cast_unsigned(),
            currency,
            gross_accrued: 0,
            gross_reversed: 0,
            confirmed: 0,
            remitted: 0,
            gross_matched: sponsors[0].credits,
            gross_unmatched: sponsors[1].debits,
            ended: None,
        };
        for part in parts.chunks_exact(5) {
            let [accrued, reversed, confirmed, taken_back, remitted] = part else { continue };
            sum.gross_accrued += accrued.credits;
            sum.gross_reversed += reversed.debits + taken_back.debits;
            sum.confirmed += confirmed.credits - taken_back.debits;
            sum.remitted += remitted.credits;
        }
        sum
    }

    /// Of each pledge that these totals are of, by pledge and currency: what rooms would be told if they were the cached ones.
    pub fn of_all(totals: &[(Key, Total)]) -> BTreeMap<(PledgeId, Currency), Self> {
        let by_key: HashMap<&Key, Total> = totals.iter().map(|(key, total)| (key, *total)).collect();
        let mut pledges = BTreeMap::new();
        for ((account, currency, _), _) in totals {
            let Some(pledge) = pledge_of(account) else { continue };
            pledges.entry((pledge, *currency)).or_insert_with(|| {
                let of =
                    |(account, code)| by_key.get(&(account, *currency, code)).copied().unwrap_or_default();
                let of: Vec<Total> = counted(pledge).map(of).collect();
                Self::of(pledge, *currency, 0, &of)
            });
        }
        pledges
    }

    /// With why the pledge gives nothing more, if so.
    pub fn at(self, pledge: &Pledge, now: Timestamp) -> Self {
        Self { ended: pledge.ended(self.gross_accrued - self.gross_reversed, now), ..self }
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
            let accrued = Account::CharityAccrued(pledge.id.into());
            let paid = accounts.into_iter().find(|((account, ..), _)| *account == accrued);
            paid.map_or(Currency::CNY, |((_, currency, _), _)| currency)
        })
    }

    pub fn charity_total(&self, pledge: PledgeId, currency: Currency) -> CharityTotal {
        let totals = self.journal().totals().reading(currency, counted(pledge));
        CharityTotal::of(pledge, currency, self.journal().epoch(), &totals)
    }

    /// The cached totals that charity totals are made of.
    pub fn charity_totals(&self) -> Vec<(Key, Total)> {
        let mut totals = self.journal().totals().all();
        totals.retain(|((account, ..), _)| pledge_of(account).is_some());
        totals
    }

    /// Records a refund with its order. Of the charity share, what the smaller base no longer owes is reversed: from what is accrued,
    /// after receipt from what is payable. What is remitted already is not clawed back; a correction says that the host bears it.
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
        let (id, now, amount) = (order.id, refund.requested_at, refund.amount);
        let (moved, reversed) = match pledge {
            Some(pledge) => self.taking_back(order, amount, host, pledge, now).await?,
            None => (Vec::new(), 0),
        };
        let charity_kept = Money::new(order.charity_minor - reversed, amount.currency);
        let order = order.clone().refund(amount, charity_kept)?;
        let mut entry = before.clone();
        entry.push(Write::Order(order.clone()));
        entry.push(Write::Task { task: Task::Refund(refund.id), at: now });
        entry.push(Write::Refund(refund.clone()));
        entry.extend(moved);
        entry.push(Write::Transfer(Transfer {
            debit: Account::HostPayable(host.clone()),
            credit: Account::RefundPayable,
            amount,
            code: Code::Refund,
            order: Some(id),
            at: now,
        }));
        Ok((order, entry))
    }

    /// The lines by which each part of the gift falls to what the smaller price still gives, and how much of that is reversed. What its
    /// charity has already, or is about to get, stays there: a correction, which the host bears.
    async fn taking_back(
        &self,
        order: &Order,
        amount: Money,
        host: &Subject,
        pledge: &Pledge,
        now: Timestamp,
    ) -> Result<(Entry, i64), RefundFailed> {
        let (paid, currency) = (order.total(), amount.currency);
        let kept = (paid.minor - order.refunded_minor - amount.minor).max(0);
        let gifts = self.journal().gifts_of(order.id, pledge.parts.len()).await?;
        let accrued = Money::new(gifts.iter().map(|gift| gift.accrued).sum(), currency);
        let standing: Vec<i64> = gifts.iter().map(PartGift::standing).collect();
        let still = pledge.share_kept(paid, Money::new(kept, currency), order.quantity, accrued).minor;
        // In proportion to what each part has: by the weights one could grow.
        let still = largest_remainder(still.min(standing.iter().sum()), &standing);
        let confirmed = matches!(order.stage, Stage::Confirmed { .. });
        let line = |debit, credit, minor, code| {
            let amount = Money::new(minor, currency);
            Write::Transfer(Transfer { debit, credit, amount, code, order: Some(order.id), at: now })
        };
        let (mut entry, mut reversed) = (Entry::new(), 0);
        for (part, (stood, stays)) in standing.into_iter().zip(still).enumerate() {
            let (part, falls) = (pledge.part(part), stood - stays);
            let back = if confirmed {
                falls.min(self.journal().pledge_sums(part, currency).await?.payable)
            } else {
                falls
            };
            if back > 0 {
                let from =
                    if confirmed { Account::CharityPayable(part) } else { Account::CharityAccrued(part) };
                entry.push(line(from, Account::HostPayable(host.clone()), back, Code::Reverse));
                let whole = PartRef::from(pledge.id);
                entry.push(Write::PledgeSums { of: whole, currency, standing: -back, payable: 0, cap: None });
                let payable = if confirmed { -back } else { 0 };
                entry.push(Write::PledgeSums { of: part, currency, standing: 0, payable, cap: None });
            }
            if falls > back {
                let (cost, borne) = (Account::CorrectionCost(host.clone()), Account::CorrectionBorne(part));
                entry.push(line(cost, borne, falls - back, Code::Correct));
            }
            reversed += back;
        }
        Ok((entry, reversed))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundFailed {
    #[error(transparent)]
    Refused(#[from] crate::model::order::OrderRefused),
    #[error(transparent)]
    Store(#[from] StoreError),
}
