//! Entry by entry: their writes in their order, a savepoint between one and the next. Everything is sent at once, whatever is refused on the way.
//!
//! Behind the writes of each entry stand `RELEASE entry; SAVEPOINT entry` and then `ROLLBACK TO entry`. After an entry that went well the first
//! sets the savepoint anew and the second finds nothing to undo. After one that was refused PostgreSQL passes over everything up to the second,
//! which undoes the entry. Either way the next one begins at its own savepoint, and nobody had to be asked.

use std::collections::HashMap;

use uuid::Uuid;

use super::batch::{Answer, Batch, Tried, Undecided, seen_with};
use super::kind::{Form, Kind};
use super::rows::{Cell, Group};
use super::session::{Message, Trouble};
use super::sums::Sums;
use crate::model::Transfer;
use crate::store::journal::Once;
use crate::store::{Entry, Write};

/// Entries in one transaction: at some ten statements each, what they change is locked for less than a tenth of a second and two round trips.
pub const CARE_ENTRIES_MAX: usize = 128;

const BEGIN: Message = Message::Plain("BEGIN; SAVEPOINT entry");
const BEGUN: Message = Message::Plain("SAVEPOINT entry");
const KEEP: Message = Message::Plain("RELEASE entry; SAVEPOINT entry");
const UNDO_REFUSED: Message = Message::Plain("ROLLBACK TO entry");

impl<'a> Batch<'a> {
    pub async fn with_care(&mut self) -> Tried<Vec<Answer>> {
        let mut begun = false;
        let transfers: Vec<&Transfer> = self.entries.iter().copied().flat_map(transfers).collect();
        if let Err(trouble) = self.know_accounts(&mut begun, &transfers).await {
            return self.give_up(trouble).await;
        }
        let answers = match self.entry_by_entry(begun).await {
            Ok(answers) => answers,
            Err(trouble) => return self.give_up(trouble).await,
        };
        if answers.iter().all(Answer::is_err) {
            self.accounts.forget_fresh();
            let undone = self.session.send(&[Message::Plain("ROLLBACK")]).await;
            return undone.map(|_| answers).map_err(|trouble| (trouble, None));
        }
        let mark = Group::of(Kind::Commit, [[Cell::Id(self.mark)]]);
        match self.session.send(&[Message::Rows(&mark, Form::Must), Message::Plain("COMMIT")]).await {
            Ok(_) => Ok(answers),
            Err(trouble @ Trouble::Lost(_)) => Err((trouble, Some(Undecided { answers }))),
            Err(trouble) => Err((trouble, None)),
        }
    }

    /// Trouble that is no refusal of an entry is trouble of all: those behind it were applied to something else than they should have been.
    async fn entry_by_entry(&self, begun: bool) -> Result<Vec<Answer>, Trouble> {
        let groups: Vec<Vec<Group>> = self.entries.iter().map(|entry| self.groups_of(entry)).collect();
        let mut messages = vec![if begun { BEGUN } else { BEGIN }];
        for groups in &groups {
            messages.extend(groups.iter().map(|group| Message::Rows(group, Form::Must)));
            messages.extend([KEEP, UNDO_REFUSED]);
        }
        let mut sent = self.session.send_each(&messages).await?.into_iter();
        sent.next().transpose()?;
        let (mut answers, mut by_key) = (Vec::with_capacity(groups.len()), Vec::new());
        for (at, groups) in groups.iter().enumerate() {
            let mut applied: Vec<_> = sent.by_ref().take(groups.len() + 2).collect();
            applied.pop().transpose()?;
            answers.push(match applied.into_iter().collect::<Result<Vec<_>, _>>() {
                Ok(_) => Ok(()),
                Err(Trouble::Refused { kind, why }) => {
                    by_key.extend((kind == Some(Kind::Once)).then_some(at));
                    Err(why)
                }
                Err(trouble) => return Err(trouble),
            });
        }
        if !by_key.is_empty() {
            self.find_used_before(&by_key, &mut answers).await?;
        }
        Ok(answers)
    }

    /// Which key of each of these entries was used before: in the record, by an entry before it, or in the entry itself.
    async fn find_used_before(&self, refused: &[usize], answers: &mut [Answer]) -> Result<(), Trouble> {
        let keys = refused.iter().flat_map(|at| onces(self.entries[*at])).map(|once| once.key);
        let recorded = self.contents(keys).await?;
        let granted = (0..answers.len()).filter(|at| answers[*at].is_ok());
        let users: HashMap<Uuid, usize> =
            granted.flat_map(|at| onces(self.entries[at]).map(move |once| (once.key, at))).collect();
        for at in refused {
            let mut own: HashMap<Uuid, &[u8]> = HashMap::new();
            for once in onces(self.entries[*at]) {
                let later = users.get(&once.key).is_some_and(|user| user > at);
                let before = recorded.get(&once.key).filter(|_| !later).map(Vec::as_slice);
                if let Some(content) = before.or_else(|| own.insert(once.key, &once.content)) {
                    answers[*at] = Err(seen_with(content, &once.content));
                    break;
                }
            }
        }
        Ok(())
    }

    fn groups_of(&self, entry: &'a Entry) -> Vec<Group<'a>> {
        let (mut groups, mut sums) = (Vec::new(), Sums::default());
        for write in entry {
            if matches!(write, Write::ReturnLeftovers(_)) {
                groups.extend(sums.lots());
            }
            sums.add(write);
            groups.extend(sums.leftovers());
            for kind in kinds_of(write) {
                let mut group = Group::new(*kind);
                group.push_write(write);
                // Leaves of the log may come from nothing that waited.
                if group.rows() > 0 {
                    groups.push(group);
                }
            }
        }
        groups.extend(sums.groups(self.accounts));
        groups
    }
}
fn onces(entry: &Entry) -> impl Iterator<Item = &Once> {
    entry.iter().filter_map(|write| match write {
        Write::Once(once) => Some(once),
        _ => None,
    })
}

fn transfers(entry: &Entry) -> impl Iterator<Item = &Transfer> {
    entry.iter().filter_map(|write| match write {
        Write::Transfer(transfer) => Some(transfer),
        _ => None,
    })
}

/// The statements of one write, in their order.
fn kinds_of(write: &Write) -> &'static [Kind] {
    match write {
        Write::Once(_) => &[Kind::Once],
        Write::ProviderEvent { .. } => &[Kind::ProviderEvent],
        Write::Room(room) if room.version == 1 => &[Kind::NewRoom],
        Write::Room(_) => &[Kind::NextRoom],
        Write::Sanction { sanction: None, .. } => &[Kind::Pardon],
        Write::Sanction { .. } => &[Kind::Sanction],
        Write::NewProduct(_) => &[Kind::NewProduct],
        Write::Stock { .. } => &[Kind::Stock],
        Write::Pledge(pledge) if pledge.version == 1 => &[Kind::Pledge, Kind::PledgeParts],
        Write::Charity(charity) if charity.version == 1 => &[Kind::NewCharity],
        Write::Charity(_) => &[Kind::NextCharity],
        Write::Project(project) if project.version == 1 => &[Kind::NewProject],
        Write::Project(_) => &[Kind::NextProject],
        Write::ProgressReport(_) => &[Kind::ProgressReport],
        Write::Pledge(_) => &[Kind::Pledge],
        Write::Sale(sale) if sale.version == 1 => &[Kind::NewSale, Kind::NewLot, Kind::Stock],
        Write::Sale(_) => &[Kind::NextSale],
        Write::Restock { .. } => &[Kind::Restock, Kind::Stock],
        Write::Order(order) if order.version == 1 => &[Kind::NewOrder],
        Write::Order(_) => &[Kind::NextOrder],
        Write::Address { .. } => &[Kind::Address],
        Write::Hold { .. } => &[Kind::Hold],
        Write::EndHold { .. } => &[Kind::EndHold],
        Write::Payment(payment) if payment.version == 1 => &[Kind::NewPayment],
        Write::Payment(_) => &[Kind::NextPayment],
        Write::Refund(_) => &[Kind::Refund],
        Write::RefundDone { .. } => &[Kind::RefundDone],
        Write::Run(run) if run.version == 1 => &[Kind::NewRun, Kind::RunLines],
        Write::Run(_) => &[Kind::NextRun],
        Write::Task { .. } => &[Kind::Task],
        Write::TaskDone(_) => &[Kind::TaskDone],
        Write::Pool(_) => &[Kind::NewPool, Kind::NewSlots],
        Write::FreezePool { .. } => &[Kind::FreezePool],
        Write::PoolHearts { .. } => &[Kind::PoolHearts],
        Write::PublishSeed { .. } => &[Kind::PublishSeed],
        Write::Fence { .. } => &[Kind::Fence],
        Write::TakeLease { .. } => &[Kind::TakeLease],
        Write::GiveUpLease { .. } => &[Kind::GiveUpLease],
        Write::Reading { .. } => &[Kind::Reading],
        Write::ForgetReadings { .. } => &[Kind::ForgetReadings],
        Write::RoomMinutes { .. } => &[Kind::RoomMinutes],
        Write::Lights { .. } => &[Kind::Lights],
        Write::Log(_) => &[Kind::LogSize, Kind::LogLeaves, Kind::LogDone],
        Write::Cosigned { .. } => &[Kind::Cosigned],
        Write::NameLog { .. } => &[Kind::NameLog],
        Write::Audit { .. } => &[Kind::Audit],
        Write::ReturnLeftovers(_)
        | Write::Transfer(_)
        | Write::PledgeSums { .. }
        | Write::Match(_)
        | Write::Unmatch { .. } => &[],
    }
}
