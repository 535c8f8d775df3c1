//! Writes as rows of a statement: one array for each column.

use std::borrow::Cow;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::kind::Kind;
use super::pools::pool_cells;
use crate::model::room::Sanction;
use crate::model::{
    Charity, FlashSale, Order, Payment, PaymentState, Pledge, Project, RemittanceRun, SaleState, Stage,
    Timestamp,
};
use crate::store::Write;
use crate::store::journal::{LeafOf, LogBatch, Minute, READINGS_AT_ONCE, Task, rows, runs};

/// One value of a row.
#[derive(Debug)]
pub enum Cell<'a> {
    Id(Uuid),
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Null,
}

/// The rows of one statement, by column.
#[derive(Debug)]
pub struct Group<'a> {
    pub kind: Kind,
    pub columns: Vec<Vec<Cell<'a>>>,
}

impl<'a> Group<'a> {
    pub fn new(kind: Kind) -> Self {
        Self { kind, columns: Vec::new() }
    }

    pub fn of<const N: usize>(kind: Kind, rows: impl IntoIterator<Item = [Cell<'a>; N]>) -> Self {
        let mut group = Self::new(kind);
        for row in rows {
            group.push(row);
        }
        group
    }

    pub fn push<const N: usize>(&mut self, row: [Cell<'a>; N]) {
        if self.columns.is_empty() {
            self.columns.resize_with(N, Vec::new);
        }
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
    }

    pub fn row(&self, at: usize) -> Vec<&Cell<'a>> {
        self.columns.iter().map(|column| &column[at]).collect()
    }

    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// One row more, when the write has one of its own. What is summed up over a batch has none.
    pub fn push_write(&mut self, write: &'a Write) {
        match write {
            Write::Once(once) => self.push([Cell::Id(once.key), Cell::Bytes(&once.content)]),
            Write::ProviderEvent { event, at } => {
                let (kind, subject) = rows::news(&event.news);
                self.push([text(&event.id), text(kind), Cell::Id(Uuid::from_bytes(subject)), time(*at)]);
            }
            Write::Room(room) => self.push([
                text(room.id.as_str()),
                text(room.host.as_str()),
                text(rows::room_state(room.state)),
                owned(rows::room_body(room)),
                version(room.version),
            ]),
            Write::Sanction { room, subject, sanction: None } => {
                self.push([text(subject.as_str()), text(room.as_str())]);
            }
            Write::Sanction { room, subject, sanction: Some(sanction) } => {
                let until = match sanction {
                    Sanction::Muted { until } => time(*until),
                    Sanction::Banned => Cell::Null,
                };
                self.push([text(subject.as_str()), text(room.as_str()), until]);
            }
            Write::NewProduct(product) => self.push([
                text(product.sku.as_str()),
                text(product.host.as_str()),
                int(product.on_hand),
                Cell::Int(product.price.minor),
                text(product.price.currency.as_str()),
                owned(rows::product_body(product)),
            ]),
            Write::Stock { sku, change } => self.push([text(sku.as_str()), Cell::Int(*change)]),
            Write::Pledge(pledge) if self.kind == Kind::PledgeParts => {
                for (number, part) in (0_i64..).zip(&pledge.parts) {
                    let (project, charity) = (text(&part.project), text(&part.charity_registration));
                    self.push([Cell::Id(pledge.id.0), Cell::Int(number), project, charity]);
                }
            }
            Write::Charity(charity) => self.push(charity_cells(charity)),
            Write::Project(project) => self.push(project_cells(project)),
            Write::ProgressReport(report) => self.push([
                Cell::Id(report.id),
                text(report.project.as_str()),
                time(report.at),
                owned(rows::registry::report_body(report)),
            ]),
            Write::Pledge(pledge) => self.push(pledge_cells(pledge)),
            Write::Sale(sale) => match self.kind {
                Kind::NewLot => self.push([Cell::Id(sale.id.0), int(sale.stock)]),
                Kind::Stock => self.push([text(sale.sku.as_str()), Cell::Int(-i64::from(sale.stock))]),
                Kind::NextSale => {
                    let [state, closes_at, reason] = state_cells(sale);
                    let paused = Cell::Int(i64::from(matches!(sale.state, SaleState::Paused { .. })));
                    self.push([Cell::Id(sale.id.0), state, closes_at, reason, version(sale.version), paused]);
                }
                _ => self.push(sale_cells(sale)),
            },
            Write::Restock { sku, change, .. } if self.kind == Kind::Stock => {
                self.push([text(sku.as_str()), Cell::Int(-change)]);
            }
            Write::Restock { sale, change, .. } => self.push([Cell::Id(sale.0), Cell::Int(*change)]),
            Write::Order(order) => self.push(order_cells(order)),
            Write::Address { order, ship_to } => {
                self.push([
                    Cell::Id(order.0),
                    text(&ship_to.name),
                    text(&ship_to.phone),
                    text(&ship_to.address),
                ]);
            }
            Write::Hold { order, hold, sale, quantity, expires_at } => {
                self.push([
                    Cell::Id(order.0),
                    int(*hold),
                    Cell::Id(sale.0),
                    int(*quantity),
                    time(*expires_at),
                ]);
            }
            Write::EndHold { order, hold, outcome, at, .. } => {
                self.push([Cell::Id(order.0), int(*hold), text(outcome.name()), time(*at)]);
            }
            Write::Payment(payment) => self.push(payment_cells(payment)),
            Write::Refund(refund) => self.push([
                Cell::Id(refund.id.0),
                Cell::Id(refund.payment.0),
                Cell::Id(refund.order.0),
                Cell::Int(refund.amount.minor),
                text(refund.amount.currency.as_str()),
                text(&refund.reason),
                time(refund.requested_at),
            ]),
            Write::RefundDone { refund, at } => self.push([Cell::Id(refund.0), time(*at)]),
            Write::Run(run) if self.kind == Kind::RunLines => {
                for line in &run.lines {
                    let (pledge, part) = (Cell::Id(line.part.pledge.0), int(line.part.part));
                    self.push([Cell::Id(run.id), pledge, part, text(&line.project), Cell::Int(line.minor)]);
                }
            }
            Write::Run(run) => self.push(run_cells(run)),
            Write::Task { task, at } => {
                let (kind, subject) = task_cells(task);
                self.push([subject, kind, time(*at)]);
            }
            Write::TaskDone(task) => {
                let (kind, subject) = task_cells(task);
                self.push([subject, kind]);
            }
            Write::Pool(pool) if self.kind == Kind::NewPool => self.push(pool_cells(pool)),
            Write::Pool(pool) => self.push_slots(pool),
            Write::FreezePool { pool, frozen } => self.push([Cell::Id(pool.0), int(*frozen)]),
            Write::PoolHearts { pool, slot, before, more } => {
                self.push([Cell::Id(pool.0), int(*slot), version(*before), version(*more)]);
            }
            Write::PublishSeed { pool, slot, at } => self.push([Cell::Id(pool.0), int(*slot), time(*at)]),
            Write::Fence { duty, fence } => self.push([text(duty.name()), version(*fence)]),
            Write::TakeLease { duty, node, duration, .. } => {
                self.push([text(duty.name()), text(node), Cell::Int(rows::millis(*duration))]);
            }
            Write::GiveUpLease { duty, node } => self.push([text(duty.name()), text(node)]),
            Write::Reading { at, node, body } => self.push([time(*at), text(node), Cell::Bytes(body)]),
            Write::ForgetReadings { before } => self.push([time(*before), int(READINGS_AT_ONCE)]),
            Write::RoomMinutes { node, minutes } => {
                for (room, Minute { at, viewers, seen, tapped }) in minutes {
                    let (room, node) = (text(room.as_str()), text(node));
                    self.push([room, time(*at), node, int(*viewers), version(*seen), version(*tapped)]);
                }
            }
            Write::Lights { at, took_ms, body } => self.push([time(*at), int(*took_ms), text(body)]),
            Write::Log(batch) => self.push_log(batch),
            Write::Cosigned { size, checkpoint } => self.push([version(*size), text(checkpoint)]),
            Write::NameLog { origin } => self.push([text(origin)]),
            Write::Audit { at, actor, action, subject, reason } => {
                self.push([time(*at), text(actor.as_str()), text(action), text(subject), text(reason)]);
            }
            Write::ReturnLeftovers(_)
            | Write::Transfer(_)
            | Write::PledgeSums { .. }
            | Write::Match(_)
            | Write::Unmatch { .. } => {}
        }
    }
}

impl<'a> Group<'a> {
    /// One write, many rows.
    fn push_log(&mut self, batch: &'a LogBatch) {
        let LogBatch { size, leaves, done, checkpoint } = batch;
        match self.kind {
            Kind::LogLeaves => {
                for (place, leaf) in (*size..).zip(leaves) {
                    let (mut transfer, mut order, mut pledge, mut of_version, mut tally) =
                        (Cell::Null, Cell::Null, Cell::Null, Cell::Null, Cell::Null);
                    let (mut pool, mut slot) = (Cell::Null, Cell::Null);
                    match &leaf.of {
                        LeafOf::Line { transfer: line, order: of } => {
                            transfer = Cell::Int(*line);
                            order = of.map_or(Cell::Null, |order| Cell::Id(order.0));
                        }
                        LeafOf::Pledge(of) => {
                            pledge = Cell::Id(of.id.0);
                            of_version = int(of.version);
                        }
                        LeafOf::Tally(of) => tally = text(of),
                        LeafOf::Pool { pool: of, seed } => {
                            (pool, slot) = (Cell::Id(of.0), Cell::Int(seed.map_or(-1, i64::from)));
                        }
                    }
                    self.push([
                        version(place),
                        text(&leaf.leaf),
                        transfer,
                        order,
                        pledge,
                        of_version,
                        tally,
                        pool,
                        slot,
                    ]);
                }
            }
            Kind::LogDone => done.iter().for_each(|seq| self.push([Cell::Int(*seq)])),
            _ => {
                self.push([version(*size), version(size + leaves.len() as u64), text(checkpoint)]);
            }
        }
    }
}

fn charity_cells(charity: &Charity) -> [Cell<'_>; 6] {
    let columns = rows::registry::charity_columns(charity);
    [
        text(&charity.registration),
        text(&charity.name),
        owned(columns.body),
        owned(columns.title_words),
        owned(columns.words),
        version(charity.version),
    ]
}

fn project_cells(project: &Project) -> [Cell<'_>; 11] {
    let columns = rows::registry::project_columns(project);
    [
        text(project.id.as_str()),
        text(&project.charity),
        text(&project.title),
        text(&project.place),
        int(project.disclose_every_days),
        time(project.started_at),
        maybe(project.ended_at.map(Timestamp::millis)),
        owned(columns.body),
        owned(columns.title_words),
        owned(columns.words),
        version(project.version),
    ]
}

fn pledge_cells(pledge: &Pledge) -> [Cell<'_>; 12] {
    let columns = rows::pledge_columns(pledge);
    [
        Cell::Id(pledge.id.0),
        int(pledge.version),
        text(pledge.host.as_str()),
        text(columns.base),
        int(columns.share_ppm),
        Cell::Int(columns.per_unit),
        maybe(pledge.cap.map(|cap| cap.minor)),
        owned(columns.currency.as_str().to_owned()),
        text(columns.rounding),
        maybe(pledge.starts_at.map(Timestamp::millis)),
        maybe(pledge.ends_at.map(Timestamp::millis)),
        owned(columns.body),
    ]
}

fn run_cells(run: &RemittanceRun) -> [Cell<'_>; 10] {
    let runs::Columns { state, transferred_at, reference, proof, body } = runs::columns(run);
    [
        Cell::Id(run.id),
        text(&run.charity_registration),
        text(run.currency.as_str()),
        text(state),
        maybe(transferred_at),
        reference.map_or(Cell::Null, text),
        proof.map_or(Cell::Null, text),
        owned(body),
        version(run.version),
        time(run.proposed_at),
    ]
}

fn state_cells(sale: &FlashSale) -> [Cell<'_>; 3] {
    match sale.state {
        SaleState::Scheduled => [text("scheduled"), Cell::Null, Cell::Null],
        SaleState::Open { closes_at } | SaleState::Paused { closes_at } => {
            [text("open"), time(closes_at), Cell::Null]
        }
        SaleState::Closed { at, reason } => [text("closed"), time(at), text(rows::close_reason(reason))],
    }
}

fn sale_cells(sale: &FlashSale) -> [Cell<'_>; 15] {
    let [state, closes_at, reason] = state_cells(sale);
    [
        Cell::Id(sale.id.0),
        text(sale.room.as_str()),
        text(sale.sku.as_str()),
        Cell::Int(sale.price.minor),
        text(sale.price.currency.as_str()),
        int(sale.limit_per_buyer),
        Cell::Int(rows::millis(sale.hold_for)),
        Cell::Int(rows::millis(sale.duration)),
        maybe(sale.opens_at.map(Timestamp::millis)),
        state,
        closes_at,
        reason,
        sale.pledge.map_or(Cell::Null, |pledge| Cell::Id(pledge.id.0)),
        maybe(sale.pledge.map(|pledge| i64::from(pledge.version))),
        version(sale.version),
    ]
}

fn order_cells(order: &Order) -> [Cell<'_>; 20] {
    let (held_until, offered, parcel) = rows::stage_columns(&order.stage);
    let under_way_since = match &order.stage {
        Stage::Shipped(parcel) | Stage::Delivered(parcel) => time(parcel.shipped_at),
        _ => Cell::Null,
    };
    [
        Cell::Id(order.id.0),
        text(order.stage.name()),
        maybe(held_until),
        int(offered),
        int(order.hold),
        maybe(order.paid_at.map(Timestamp::millis)),
        parcel.map_or(Cell::Null, owned),
        Cell::Int(order.refunded_minor),
        Cell::Int(order.charity_minor),
        Cell::Id(order.sale.0),
        text(order.room.as_str()),
        text(order.sku.as_str()),
        text(order.buyer.as_str()),
        int(order.quantity),
        Cell::Int(order.unit_price.minor),
        text(order.unit_price.currency.as_str()),
        int(order.wait),
        time(order.placed_at),
        version(order.version),
        under_way_since,
    ]
}

fn payment_cells(payment: &Payment) -> [Cell<'_>; 9] {
    let reason = match &payment.state {
        PaymentState::Declined { reason } => text(reason),
        _ => Cell::Null,
    };
    [
        Cell::Id(payment.id.0),
        text(payment.state.name()),
        reason,
        Cell::Id(payment.order.0),
        Cell::Int(payment.amount.minor),
        text(payment.amount.currency.as_str()),
        text(rows::method(payment.method)),
        time(payment.created_at),
        version(payment.version),
    ]
}

pub fn task_cells(task: &Task) -> (Cell<'static>, Cell<'static>) {
    match task {
        Task::Authorise(payment) => (text("authorise"), Cell::Id(payment.0)),
        Task::Capture(payment) => (text("capture"), Cell::Id(payment.0)),
        Task::Refund(refund) => (text("refund"), Cell::Id(refund.0)),
    }
}

pub fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

pub fn owned<'a>(text: String) -> Cell<'a> {
    Cell::Text(Cow::Owned(text))
}

pub fn int<'a>(number: impl Into<i64>) -> Cell<'a> {
    Cell::Int(number.into())
}

pub fn maybe<'a>(number: Option<i64>) -> Cell<'a> {
    number.map_or(Cell::Null, Cell::Int)
}

pub fn time<'a>(at: Timestamp) -> Cell<'a> {
    Cell::Int(at.millis())
}

/// PostgreSQL's integers are signed.
fn version<'a>(version: u64) -> Cell<'a> {
    Cell::Int(version.cast_signed())
}

impl ToSql for Cell<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Id(id) => id.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    /// The statements are ours, and a test runs each.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
