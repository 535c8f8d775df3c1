//! One try to commit a batch: many rows in a statement, or entry by entry with care (`care.rs`).
//!
//! Together: first what entries may be refused for in the normal course, which is waited for; then, in one go, everything else, what is summed
//! up over the batch, and COMMIT. Where a row is not changed as it should be the statement fails, so that the COMMIT behind it ends nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio_postgres::Row;
use uuid::Uuid;

use super::kind::{Form, Kind};
use super::plan::{Plan, Rows};
use super::rows::{Cell, Group, text};
use super::session::{Message, Session, Trouble};
use super::sums::{Accounts, Sums};
use crate::model::{Account, Currency, Transfer};
use crate::store::journal::Duty;
use crate::store::{Entry, StoreError, Write};

pub type Answer = Result<(), StoreError>;

/// COMMIT was on its way, with these answers.
pub struct Undecided {
    pub answers: Vec<Answer>,
}

pub type Tried<T> = Result<T, (Trouble, Option<Undecided>)>;

pub struct Batch<'a> {
    pub(super) session: &'a Session,
    pub(super) entries: &'a [&'a Entry],
    pub(super) accounts: &'a mut Accounts,
    pub(super) mark: Uuid,
    /// Leases that somebody else has by now. They never come back, so that what stands behind them is refused without being sent again.
    fenced: Vec<(Duty, u64)>,
}

impl<'a> Batch<'a> {
    pub fn new(
        session: &'a Session,
        entries: &'a [&'a Entry],
        accounts: &'a mut Accounts,
        mark: Uuid,
    ) -> Self {
        Self { session, entries, accounts, mark, fenced: Vec::new() }
    }

    pub async fn together(&mut self) -> Tried<Vec<Answer>> {
        loop {
            let fenced = self.fenced.len();
            let tried = self.try_together().await;
            if self.fenced.len() == fenced {
                return tried;
            }
        }
    }

    async fn try_together(&mut self) -> Tried<Vec<Answer>> {
        let plan = Plan::of(self.entries);
        let mut refused: Vec<bool> = self.entries.iter().map(|entry| self.is_fenced(entry)).collect();
        let answer = |refused: &bool| if *refused { Err(StoreError::Fenced) } else { Ok(()) };
        let mut answers: Vec<Answer> = refused.iter().map(answer).collect();
        let (mut begun, mut waiting) = (false, Vec::new());
        for level in 1..=plan.levels {
            let firsts = plan.firsts(level, &refused);
            if !firsts.is_empty() {
                let sent = self.send(&mut begun, &waiting, &firsts, &[]).await;
                let rows = sent.map_err(|trouble| (trouble, None))?;
                waiting.clear();
                if let Err(trouble) = self.find_refused(&firsts, &rows, &mut refused, &mut answers).await {
                    return self.give_up(trouble).await;
                }
            }
            waiting.extend(plan.rest(level, &refused));
        }
        if refused.iter().all(|refused| *refused) {
            if !begun {
                return Ok(answers);
            }
            return match self.session.send(&[Message::Plain("ROLLBACK")]).await {
                Ok(_) => Ok(answers),
                Err(trouble) => Err((trouble, None)),
            };
        }
        let mut sums = Sums::default();
        for (entry, _) in self.entries.iter().zip(&refused).filter(|(_, refused)| !**refused) {
            entry.iter().for_each(|write| sums.add(write));
        }
        if let Err(trouble) = self.know_accounts(&mut begun, &sums.transfers).await {
            return self.give_up(trouble).await;
        }
        let mut last = sums.groups(self.accounts);
        last.push(Group::of(Kind::Commit, [[Cell::Id(self.mark)]]));
        match self.send(&mut begun, &waiting, &[], &last).await {
            Ok(_) => Ok(answers),
            // The whole of it failed before the COMMIT behind it, and ended with it.
            Err(trouble @ Trouble::Lost(_)) => Err((trouble, Some(Undecided { answers }))),
            Err(trouble) => Err((trouble, None)),
        }
    }

    /// In one go: BEGIN when it has not been said, what waits, and either what is waited for or the end of the transaction.
    async fn send(
        &self,
        begun: &mut bool,
        waiting: &[Rows<'_>],
        firsts: &[Rows<'_>],
        last: &[Group<'_>],
    ) -> Result<Vec<Vec<Row>>, Trouble> {
        let mut messages = Vec::new();
        if !std::mem::replace(begun, true) {
            messages.push(Message::Plain("BEGIN"));
        }
        let rows = waiting.iter().chain(firsts);
        messages.extend(rows.map(|rows| Message::Rows(&rows.group, rows.form)));
        messages.extend(last.iter().map(|group| Message::Rows(group, Form::Must)));
        if !last.is_empty() {
            messages.push(Message::Plain("COMMIT"));
        }
        let sent = self.session.send(&messages).await;
        if let (Err(trouble), true) = (&sent, last.is_empty()) {
            self.roll_back(trouble).await?;
        }
        let mut rows = sent?;
        Ok(rows.split_off(rows.len() - firsts.len()))
    }

    /// After a statement failed, so that the connection can be used again.
    async fn roll_back(&self, trouble: &Trouble) -> Result<(), Trouble> {
        if matches!(trouble, Trouble::Lost(_)) {
            return Ok(());
        }
        self.session.send(&[Message::Plain("ROLLBACK")]).await.map(|_| ())
    }

    pub(super) async fn give_up<T>(&self, trouble: Trouble) -> Tried<T> {
        self.roll_back(&trouble).await.map_err(|trouble| (trouble, None))?;
        Err((trouble, None))
    }

    fn is_fenced(&self, entry: &Entry) -> bool {
        fences(entry).any(|fence| self.fenced.contains(&fence))
    }

    /// Entries whose row is not among the answers.
    async fn find_refused(
        &mut self,
        firsts: &[Rows<'_>],
        answered: &[Vec<Row>],
        refused: &mut [bool],
        answers: &mut [Answer],
    ) -> Result<(), Trouble> {
        for (rows, answered) in firsts.iter().zip(answered) {
            if answered.len() == rows.entries.len() {
                continue;
            }
            let kind = rows.group.kind;
            let columns = kind.key_columns();
            let changed: BTreeSet<Vec<KeyCell>> =
                answered.iter().map(|row| key_of_row(row, columns)).collect::<Result<_, _>>()?;
            if kind == Kind::Fence {
                // What else these entries begin with was sent along: it is undone, and the others are sent again without them.
                for (at, entry) in rows.entries.iter().enumerate() {
                    let missing = key_of_cells(&rows.group, at, columns);
                    if !changed.contains(&missing) {
                        let named =
                            fences(self.entries[*entry]).filter(|fence| key_of_fence(*fence) == missing);
                        self.fenced.extend(named);
                    }
                }
                return Err(Trouble::Refused { kind: Some(kind), why: kind.refusal() });
            }
            let mut missing = Vec::new();
            for (at, entry) in rows.entries.iter().enumerate() {
                if !changed.contains(&key_of_cells(&rows.group, at, columns)) {
                    refused[*entry] = true;
                    answers[*entry] = Err(kind.refusal());
                    if let [Cell::Id(key), Cell::Bytes(content)] = rows.group.row(at).as_slice() {
                        missing.push((*key, *content, *entry));
                    }
                }
            }
            if kind == Kind::Once {
                let known = self.contents(missing.iter().map(|once| once.0)).await?;
                for (key, content, entry) in missing {
                    let before = known.get(&key).map_or(&[] as &[u8], Vec::as_slice);
                    answers[entry] = Err(seen_with(before, content));
                }
            }
        }
        Ok(())
    }

    /// What keys were used for before.
    pub(super) async fn contents(
        &self,
        keys: impl Iterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, Vec<u8>>, Trouble> {
        let asked = Group::of(Kind::OnceContent, keys.map(|key| [Cell::Id(key)]));
        let rows = self.session.send(&[Message::Rows(&asked, Form::Must)]).await?;
        let known = rows.into_iter().flatten();
        known.map(|row| Ok((row.try_get(0).map_err(unread)?, row.try_get(1).map_err(unread)?))).collect()
    }

    /// Accounts that nobody has posted to are made first.
    pub(super) async fn know_accounts(
        &mut self,
        begun: &mut bool,
        transfers: &[&Transfer],
    ) -> Result<(), Trouble> {
        let sides = transfers
            .iter()
            .flat_map(|it| [(&it.debit, it.amount.currency), (&it.credit, it.amount.currency)]);
        let mut unknown: BTreeMap<(String, Currency), Account> = BTreeMap::new();
        for (account, currency) in sides {
            if self.accounts.id(account, currency).is_none() {
                unknown.insert((account.to_string(), currency), account.clone());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let rows = || unknown.keys().map(|(name, currency)| [text(name), text(currency.as_str())]);
        let (made, ids) = (Group::of(Kind::Accounts, rows()), Group::of(Kind::AccountIds, rows()));
        let mut messages = Vec::new();
        if !std::mem::replace(begun, true) {
            messages.push(Message::Plain("BEGIN"));
        }
        messages.extend([Message::Rows(&made, Form::Must), Message::Rows(&ids, Form::Must)]);
        let sent = self.session.send(&messages).await;
        let Some(rows) = sent?.pop() else { return Ok(()) };
        for row in rows {
            let (id, name) = (row.try_get(0).map_err(unread)?, row.try_get::<_, String>(1).map_err(unread)?);
            let currency: Currency = row
                .try_get::<_, &str>(2)
                .map_err(unread)?
                .parse()
                .map_err(|error: crate::model::OutOfBound| Trouble::Failed(error.to_string()))?;
            if let Some(account) = unknown.get(&(name, currency)) {
                self.accounts.learn(account.clone(), currency, id);
            }
        }
        Ok(())
    }
}

fn fences(entry: &Entry) -> impl Iterator<Item = (Duty, u64)> {
    entry.iter().filter_map(|write| match write {
        Write::Fence { duty, fence } => Some((*duty, *fence)),
        _ => None,
    })
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum KeyCell {
    Id(Uuid),
    Int(i64),
    Text(String),
}

fn key_of_row(row: &Row, columns: usize) -> Result<Vec<KeyCell>, Trouble> {
    use tokio_postgres::types::Type;
    let cells = row.columns()[..columns].iter().enumerate().map(|(at, column)| {
        let cell = match *column.type_() {
            Type::UUID => row.try_get(at).map(KeyCell::Id),
            Type::INT8 => row.try_get(at).map(KeyCell::Int),
            _ => row.try_get(at).map(KeyCell::Text),
        };
        cell.map_err(unread)
    });
    cells.collect()
}

fn key_of_cells(group: &Group, at: usize, columns: usize) -> Vec<KeyCell> {
    let cells = group.columns[..columns].iter().map(|column| match &column[at] {
        Cell::Id(id) => KeyCell::Id(*id),
        Cell::Int(number) => KeyCell::Int(*number),
        Cell::Text(text) => KeyCell::Text(text.clone().into_owned()),
        Cell::Bytes(_) | Cell::Null => KeyCell::Text(String::new()),
    });
    cells.collect()
}

fn key_of_fence((duty, fence): (Duty, u64)) -> Vec<KeyCell> {
    vec![KeyCell::Text(duty.name().to_owned()), KeyCell::Int(fence.cast_signed())]
}

pub fn seen_with(before: &[u8], content: &[u8]) -> StoreError {
    if before == content { StoreError::Seen } else { StoreError::ContentDiffers }
}

fn unread(error: tokio_postgres::Error) -> Trouble {
    Trouble::Failed(super::session::said_by(&error))
}
