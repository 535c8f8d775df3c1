//! What many writes of a batch change together is summed up and written once: lots, sums of pledges, totals of accounts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::kind::Kind;
use super::pools::{match_cells, unmatch_cells};
use super::rows::{Cell, Group, int, maybe, owned};
use crate::model::{Account, Currency, PartRef, SaleId, Transfer};
use crate::store::Write;
use crate::store::journal::{HoldOutcome, Total};

/// Row ids of accounts, remembered by the writer.
#[derive(Default)]
pub struct Accounts {
    known: HashMap<Account, Vec<(Currency, i64)>>,
    /// Of this transaction; nobody has them when it is rolled back.
    fresh: HashMap<Account, Vec<(Currency, i64)>>,
}

/// What many writes of a batch change together.
#[derive(Default)]
pub struct Sums<'a> {
    lots: BTreeMap<SaleId, (i64, i64)>,
    leftovers: BTreeSet<SaleId>,
    pledges: BTreeMap<(PartRef, Currency), PledgeChange>,
    /// Claims of pools and what is taken back, in the order of entries.
    matches: Vec<&'a Write>,
    pub transfers: Vec<&'a Transfer>,
}

#[derive(Default)]
struct PledgeChange {
    standing: i64,
    payable: i64,
    /// The lowest of those who raise the sum.
    cap: Option<i64>,
}

impl Accounts {
    pub fn id(&self, account: &Account, currency: Currency) -> Option<i64> {
        let of = |ids: &HashMap<Account, Vec<(Currency, i64)>>| {
            let ids = ids.get(account)?;
            ids.iter().find(|(of, _)| *of == currency).map(|(_, id)| *id)
        };
        of(&self.known).or_else(|| of(&self.fresh))
    }

    /// Of this transaction.
    pub fn learn(&mut self, account: Account, currency: Currency, id: i64) {
        self.fresh.entry(account).or_default().push((currency, id));
    }

    /// The transaction is committed.
    pub fn keep(&mut self) {
        for (account, ids) in self.fresh.drain() {
            self.known.entry(account).or_default().extend(ids);
        }
    }

    pub fn forget_fresh(&mut self) {
        self.fresh.clear();
    }
}

impl<'a> Sums<'a> {
    pub fn add(&mut self, write: &'a Write) {
        match write {
            Write::Hold { sale, quantity, .. } => {
                self.lots.entry(*sale).or_default().0 += i64::from(*quantity)
            }
            Write::EndHold { sale, quantity, outcome, .. } => {
                let (held, sold) = self.lots.entry(*sale).or_default();
                *held -= i64::from(*quantity);
                if *outcome == HoldOutcome::Claimed {
                    *sold += i64::from(*quantity);
                }
            }
            Write::ReturnLeftovers(sale) => {
                self.leftovers.insert(*sale);
            }
            Write::PledgeSums { of, currency, standing, payable, cap } => {
                let change = self.pledges.entry((*of, *currency)).or_default();
                change.standing += standing;
                change.payable += payable;
                change.cap = [change.cap, *cap].into_iter().flatten().min();
            }
            Write::Match(_) | Write::Unmatch { .. } => self.matches.push(write),
            Write::Transfer(transfer) => self.transfers.push(transfer),
            _ => {}
        }
    }

    pub fn lots(&mut self) -> Option<Group<'static>> {
        #[cfg(feature = "sabotage")]
        if crate::store::sabotage::oversells() {
            return None;
        }
        let lots = std::mem::take(&mut self.lots).into_iter();
        some(Group::of(
            Kind::Lots,
            lots.map(|(sale, (held, sold))| [Cell::Id(sale.0), Cell::Int(held), Cell::Int(sold)]),
        ))
    }

    pub fn leftovers(&mut self) -> Option<Group<'static>> {
        let sales = std::mem::take(&mut self.leftovers).into_iter();
        some(Group::of(Kind::Leftovers, sales.map(|sale| [Cell::Id(sale.0)])))
    }

    /// What everybody changes comes last, for the shortest time under lock.
    pub fn groups(mut self, accounts: &Accounts) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = self.lots().into_iter().chain(self.leftovers()).collect();
        let pledges = self.pledges.iter().map(|((of, currency), change)| {
            [
                Cell::Id(of.pledge.0),
                int(of.part),
                owned(currency.as_str().to_owned()),
                Cell::Int(change.standing),
                Cell::Int(change.payable),
                maybe(change.cap),
            ]
        });
        groups.extend(some(Group::of(Kind::PledgeSums, pledges)));
        // Before the lines, so that those of a pool have their ids in the order in which they were decided.
        let matches = self.matches.iter().filter_map(|write| match write {
            Write::Match(it) => Some(match_cells(it)),
            Write::Unmatch { claim, pool, amount } => Some(unmatch_cells(*claim, *pool, *amount)),
            _ => None,
        });
        groups.extend(some(Group::of(Kind::Matches, matches)));
        let (mut totals, mut posted) = (BTreeMap::<_, Total>::new(), Group::new(Kind::Transfers));
        for (number, transfer) in (1_i64..).zip(self.transfers) {
            let Transfer { debit, credit, amount, code, order, at } = transfer;
            let id = |account| accounts.id(account, amount.currency).unwrap_or_default();
            let (debit, credit) = (id(debit), id(credit));
            for (account, debits, credits) in [(debit, amount.minor, 0), (credit, 0, amount.minor)] {
                let total = totals.entry((account, code.number())).or_default();
                total.debits += debits;
                total.credits += credits;
                total.newest = number;
            }
            posted.push([
                Cell::Int(number),
                Cell::Int(at.millis()),
                int(code.number()),
                Cell::Int(debit),
                Cell::Int(credit),
                Cell::Int(amount.minor),
                order.map_or(Cell::Null, |order| Cell::Id(order.0)),
            ]);
        }
        let locked = totals.keys().map(|(account, code)| [Cell::Int(*account), Cell::Int(*code)]);
        let locked = Group::of(Kind::LockTotals, locked);
        let changed = totals.iter().map(|((account, code), total)| {
            [*account, *code, total.debits, total.credits, total.newest].map(Cell::Int)
        });
        let changed = Group::of(Kind::Totals, changed);
        groups.extend([locked, posted, changed].into_iter().filter_map(some));
        groups
    }
}

/// Without rows there is nothing to send.
fn some(group: Group<'_>) -> Option<Group<'_>> {
    (group.rows() > 0).then_some(group)
}
