//! In which order the writes of a batch may be sent, so that many rows go in one statement and everything ends as if the entries had been
//! applied one after another.
//!
//! Writes of different rows do not mind their order. Those of the same row do, and so they stand on different levels: two versions of an
//! order, a hold and its end. A level is sent after the one before it. On its first level stands the write that an entry may be refused
//! for in the normal course; when it is refused, nothing of the entry has been written.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

use super::kind::{Form, Kind};
use super::rows::Group;
use crate::model::SaleId;
use crate::store::{Entry, Write};

/// A row: its table, and a key that is the same on every node. Texts are hashed; two that meet are only kept apart for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    table: Table,
    id: u128,
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Table {
    Leases,
    Once,
    ProviderEvents,
    Orders,
    Addresses,
    Holds,
    Payments,
    Refunds,
    Outbox,
    Charities,
    Projects,
    Reports,
    Audit,
}

struct Step<'a> {
    level: u32,
    kind: Kind,
    key: Key,
    entry: usize,
    /// It may be refused, and the entry with it.
    may_refuse: bool,
    write: &'a Write,
}

pub struct Plan<'a> {
    /// By level; on each what may refuse first, then by kind and key.
    steps: Vec<Step<'a>>,
    pub levels: u32,
}

/// The rows of one statement, and the entries they are from.
pub struct Rows<'a> {
    pub group: Group<'a>,
    pub entries: Vec<usize>,
    pub form: Form,
}

#[derive(Clone, Copy, Default)]
struct Touched {
    written: u32,
    read: u32,
}

/// Entries that may be sent together, or one that is sent alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    Together(Range<usize>),
    Alone(usize),
}

/// Cuts a batch where the order of entries matters beyond the rows they name: at what people do with catalogue and rooms, and where units
/// are held after leftovers of the same lot were returned.
pub fn stretches(entries: &[&Entry]) -> Vec<Stretch> {
    let (mut stretches, mut from, mut returned) = (Vec::new(), 0, Vec::<SaleId>::new());
    for (at, entry) in entries.iter().enumerate() {
        let alone = entry.iter().any(|write| row_of(write).is_none() && !is_summed(write));
        let after_leftovers =
            entry.iter().any(|write| matches!(write, Write::Hold { sale, .. } if returned.contains(sale)));
        if (alone || after_leftovers) && from < at {
            stretches.push(Stretch::Together(from..at));
            from = at;
        }
        if alone || after_leftovers {
            returned.clear();
        }
        if alone {
            stretches.push(Stretch::Alone(at));
            from = at + 1;
        }
        returned.extend(entry.iter().filter_map(|write| match write {
            Write::ReturnLeftovers(sale) => Some(*sale),
            _ => None,
        }));
    }
    if from < entries.len() {
        stretches.push(Stretch::Together(from..entries.len()));
    }
    stretches
}

impl<'a> Plan<'a> {
    pub fn of(entries: &[&'a Entry]) -> Self {
        let mut touched: HashMap<Key, Touched> = HashMap::with_capacity(entries.len() * 4);
        let mut steps = Vec::with_capacity(entries.len() * 4);
        let mut levels = 1;
        for (entry, writes) in entries.iter().enumerate() {
            let first = writes.iter().position(|write| !matches!(write, Write::Fence { .. })).unwrap_or(0);
            let mut lowest = 1;
            for (index, write) in writes.iter().enumerate() {
                let Some((kind, key)) = row_of(write) else { continue };
                let key = if kind == Kind::Audit {
                    Key { id: entry as u128, number: index as u32, ..key }
                } else {
                    key
                };
                let of_row = touched.get(&key).copied().unwrap_or_default();
                let mut level = lowest;
                if kind != Kind::Fence {
                    level = level.max(of_row.written + 1).max(of_row.read + 1);
                }
                for read in reads(write) {
                    level = level.max(touched.get(&read).map_or(0, |row| row.written));
                }
                for read in reads(write) {
                    let row = touched.entry(read).or_default();
                    row.read = row.read.max(level);
                }
                if kind != Kind::Fence {
                    touched.entry(key).or_default().written = level;
                }
                let may_refuse = index <= first && may_refuse(kind);
                if may_refuse {
                    lowest = level;
                }
                levels = levels.max(level);
                steps.push(Step { level, kind, key, entry, may_refuse, write });
            }
        }
        steps.sort_by_key(|step| (step.level, !step.may_refuse, step.kind, step.key));
        Self { steps, levels }
    }

    /// What may refuse its entry on this level, without the entries that were refused.
    pub fn firsts(&self, level: u32, refused: &[bool]) -> Vec<Rows<'a>> {
        self.rows(level, true, refused)
    }

    /// Everything else on this level, without the entries that were refused.
    pub fn rest(&self, level: u32, refused: &[bool]) -> Vec<Rows<'a>> {
        self.rows(level, false, refused)
    }

    fn rows(&self, level: u32, may_refuse: bool, refused: &[bool]) -> Vec<Rows<'a>> {
        let from = self.steps.partition_point(|step| (step.level, !step.may_refuse) < (level, !may_refuse));
        let steps =
            self.steps[from..].iter().take_while(|step| step.level == level && step.may_refuse == may_refuse);
        let (mut all, mut last): (Vec<Rows<'a>>, Option<&Write>) = (Vec::new(), None);
        for step in steps.filter(|step| !refused[step.entry]) {
            if all.last().is_none_or(|rows| rows.group.kind != step.kind) {
                let form = if may_refuse { Form::Try } else { Form::Must };
                all.push(Rows { group: Group::new(step.kind), entries: Vec::new(), form });
            }
            // Many entries stand behind the same fence.
            let again = step.kind == Kind::Fence && last == Some(step.write);
            if let Some(rows) = all.last_mut().filter(|_| !again) {
                rows.group.push_write(step.write);
                rows.entries.push(step.entry);
            }
            last = Some(step.write);
        }
        all
    }
}

fn may_refuse(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Fence
            | Kind::Once
            | Kind::ProviderEvent
            | Kind::NewOrder
            | Kind::NextOrder
            | Kind::Hold
            | Kind::EndHold
            | Kind::NewPayment
            | Kind::NextPayment
    )
}

/// Summed up over a batch, and written at its end.
fn is_summed(write: &Write) -> bool {
    matches!(
        write,
        Write::Transfer(_)
            | Write::PledgeSums { .. }
            | Write::Match(_)
            | Write::Unmatch { .. }
            | Write::ReturnLeftovers(_)
    )
}

/// The row that a write changes; `None` for what is summed up and for what is sent alone.
fn row_of(write: &Write) -> Option<(Kind, Key)> {
    let key = |table, id: uuid::Uuid, number| Key { table, id: id.as_u128(), number };
    Some(match write {
        Write::Fence { duty, fence } => {
            let number = u32::try_from(fence % u64::from(u32::MAX)).unwrap_or(0);
            (Kind::Fence, Key { table: Table::Leases, id: hashed(duty.name()), number })
        }
        Write::Once(once) => (Kind::Once, key(Table::Once, once.key, 0)),
        Write::ProviderEvent { event, .. } => {
            (Kind::ProviderEvent, Key { table: Table::ProviderEvents, id: hashed(&event.id), number: 0 })
        }
        Write::Order(order) => {
            let kind = if order.version == 1 { Kind::NewOrder } else { Kind::NextOrder };
            (kind, key(Table::Orders, order.id.0, 0))
        }
        Write::Address { order, .. } => (Kind::Address, key(Table::Addresses, order.0, 0)),
        Write::Hold { order, hold, .. } => (Kind::Hold, key(Table::Holds, order.0, *hold)),
        Write::EndHold { order, hold, .. } => (Kind::EndHold, key(Table::Holds, order.0, *hold)),
        Write::Payment(payment) => {
            let kind = if payment.version == 1 { Kind::NewPayment } else { Kind::NextPayment };
            (kind, key(Table::Payments, payment.id.0, 0))
        }
        Write::Refund(refund) => (Kind::Refund, key(Table::Refunds, refund.id.0, 0)),
        Write::RefundDone { refund, .. } => (Kind::RefundDone, key(Table::Refunds, refund.0, 0)),
        Write::Task { task, .. } => (Kind::Task, task_key(task)),
        Write::TaskDone(task) => (Kind::TaskDone, task_key(task)),
        Write::Charity(charity) => {
            let kind = if charity.version == 1 { Kind::NewCharity } else { Kind::NextCharity };
            (kind, named(Table::Charities, &charity.registration))
        }
        Write::Project(project) => {
            let kind = if project.version == 1 { Kind::NewProject } else { Kind::NextProject };
            (kind, named(Table::Projects, project.id.as_str()))
        }
        Write::ProgressReport(report) => (Kind::ProgressReport, key(Table::Reports, report.id, 0)),
        Write::Audit { .. } => (Kind::Audit, Key { table: Table::Audit, id: 0, number: 0 }),
        Write::Room(_)
        | Write::Sanction { .. }
        | Write::NewProduct(_)
        | Write::Stock { .. }
        | Write::Pledge(_)
        | Write::Sale(_)
        | Write::Restock { .. }
        | Write::Run(_)
        | Write::Pool(_)
        | Write::FreezePool { .. }
        | Write::PoolHearts { .. }
        | Write::PublishSeed { .. }
        | Write::TakeLease { .. }
        | Write::GiveUpLease { .. }
        | Write::Reading { .. }
        | Write::ForgetReadings { .. }
        | Write::RoomMinutes { .. }
        | Write::Lights { .. }
        | Write::Log(_)
        | Write::Cosigned { .. }
        | Write::NameLog { .. }
        | Write::ReturnLeftovers(_)
        | Write::Transfer(_)
        | Write::Match(_)
        | Write::Unmatch { .. }
        | Write::PledgeSums { .. } => return None,
    })
}

/// Rows that must be there.
fn reads(write: &Write) -> impl Iterator<Item = Key> + use<> {
    let order = match write {
        Write::Address { order, .. } => Some(*order),
        Write::Payment(payment) => Some(payment.order),
        Write::Refund(refund) => Some(refund.order),
        _ => None,
    };
    let payment = match write {
        Write::Refund(refund) => Some(refund.payment),
        _ => None,
    };
    let order = order.map(|order| Key { table: Table::Orders, id: order.0.as_u128(), number: 0 });
    let payment = payment.map(|payment| Key { table: Table::Payments, id: payment.0.as_u128(), number: 0 });
    let registered = match write {
        Write::Project(project) => Some(named(Table::Charities, &project.charity)),
        Write::ProgressReport(report) => Some(named(Table::Projects, report.project.as_str())),
        _ => None,
    };
    order.into_iter().chain(payment).chain(registered)
}

fn named(table: Table, name: &str) -> Key {
    Key { table, id: hashed(name), number: 0 }
}

fn task_key(task: &crate::store::journal::Task) -> Key {
    use crate::store::journal::Task;
    let (id, number) = match task {
        Task::Authorise(payment) => (payment.0, 1),
        Task::Capture(payment) => (payment.0, 2),
        Task::Refund(refund) => (refund.0, 3),
    };
    Key { table: Table::Outbox, id: id.as_u128(), number }
}

/// The same in every process.
fn hashed(text: &str) -> u128 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish().into()
}
