//! What each write does to the tables. Every statement is conditional: it changes exactly one row or the write is refused.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Params, params};

use super::rows::{self, blob};
use super::statements::Statements;
use super::totals::Total;
use super::{Entry, HoldOutcome, Minute, Once, READINGS_AT_ONCE, StoreError, Task, Write};
use crate::model::room::Sanction;
use crate::model::{Account, Currency, FlashSale, Order, Pledge, SaleId, SaleState, Sku, Transfer};

mod fault;
mod leases;
mod log;
mod pools;
mod registry;
mod runs;
mod sums;

pub use fault::Fault;
use fault::refuse;
use sums::{MatchChange, Sums};

/// Row ids of accounts, remembered by the writer.
pub type Accounts = HashMap<Account, Vec<(Currency, i64)>>;

pub struct Batch<'a, 'c> {
    statements: &'a mut Statements<'c>,
    accounts: &'a mut Accounts,
    sums: Sums,
}

impl<'a, 'c> Batch<'a, 'c> {
    pub fn new(statements: &'a mut Statements<'c>, accounts: &'a mut Accounts) -> Self {
        Self { statements, accounts, sums: Sums::default() }
    }

    pub fn apply(&mut self, entry: &Entry) -> Result<(), Fault> {
        // Claims that stand ahead of it in the queue find the pool as it was.
        if entry.iter().any(|write| matches!(write, Write::FreezePool { .. } | Write::PublishSeed { .. })) {
            self.write_matches().map_err(Fault::unclean)?;
        }
        for (index, write) in entry.iter().enumerate() {
            self.write(write).map_err(|refused| match refused {
                Fault::Refused { clean, why } => Fault::Refused { clean: clean && index == 0, why },
                fault @ Fault::Sqlite(_) => fault,
            })?;
        }
        Ok(())
    }

    fn write(&mut self, write: &Write) -> Result<(), Fault> {
        match write {
            Write::Once(once) => self.once(once),
            Write::ProviderEvent { event, at } => {
                let (kind, subject) = rows::news(&event.news);
                self.insert(
                    "INSERT INTO provider_events (id, kind, subject, seen_at) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                    params![event.id, kind, subject, at.millis()],
                    StoreError::Seen,
                )
            }
            Write::Room(room) => self.versioned(
                room.version,
                "INSERT INTO rooms (id, host, state, body, version) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                "UPDATE rooms SET host = ?2, state = ?3, body = ?4, version = ?5 WHERE id = ?1 AND version = ?5 - 1",
                params![
                    room.id.as_str(),
                    room.host.as_str(),
                    rows::room_state(room.state),
                    rows::room_body(room),
                    room.version as i64,
                ],
            ),
            Write::Sanction { room, subject, sanction: None } => self
                .execute(
                    "DELETE FROM sanctions WHERE room = ?1 AND subject = ?2",
                    (room.as_str(), subject.as_str()),
                )
                .map(|_| ()),
            Write::Sanction { room, subject, sanction: Some(sanction) } => {
                let until = match sanction {
                    Sanction::Muted { until } => Some(until.millis()),
                    Sanction::Banned => None,
                };
                self.execute(
                    "INSERT INTO sanctions (room, subject, muted_until) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET muted_until = excluded.muted_until",
                    (room.as_str(), subject.as_str(), until),
                )
                .map(|_| ())
            }
            Write::NewProduct(product) => self.insert(
                "INSERT INTO products (sku, host, on_hand, price, currency, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
                params![
                    product.sku.as_str(),
                    product.host.as_str(),
                    product.on_hand,
                    product.price.minor,
                    product.price.currency.as_str(),
                    rows::product_body(product),
                ],
                StoreError::Exists,
            ),
            Write::Stock { sku, change } => self.stock(sku, *change),
            Write::Charity(charity) => self.charity(charity),
            Write::Project(project) => self.project(project),
            Write::ProgressReport(report) => self.report(report),
            Write::Pledge(pledge) => self.pledge(pledge),
            Write::Sale(sale) => self.sale(sale),
            Write::Restock { sale, sku, change } => self.restock(*sale, sku, *change),
            Write::ReturnLeftovers(sale) => self.return_leftovers(*sale),
            Write::Order(order) => self.order(order),
            Write::Address { order, ship_to } => self
                .execute(
                    "INSERT INTO addresses (order_id, name, phone, address) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET name = excluded.name, phone = excluded.phone, address = excluded.address",
                    (blob(order.0), &ship_to.name, &ship_to.phone, &ship_to.address),
                )
                .map(|_| ()),
            Write::Hold { order, hold, sale, quantity, expires_at } => {
                self.insert(
                    "INSERT INTO holds (order_id, hold, sale, quantity, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                    params![blob(order.0), hold, blob(sale.0), quantity, expires_at.millis()],
                    StoreError::Exists,
                )?;
                self.sums.change_lot(*sale, i64::from(*quantity), 0);
                Ok(())
            }
            Write::EndHold { order, hold, sale, quantity, outcome, at } => {
                self.insert(
                    "UPDATE holds SET outcome = ?3, ended_at = ?4 WHERE order_id = ?1 AND hold = ?2 AND outcome IS NULL",
                    params![blob(order.0), hold, outcome.name(), at.millis()],
                    StoreError::HoldEnded,
                )?;
                let sold = if *outcome == HoldOutcome::Claimed { i64::from(*quantity) } else { 0 };
                self.sums.change_lot(*sale, -i64::from(*quantity), sold);
                Ok(())
            }
            Write::Payment(payment) => self.versioned(
                payment.version,
                "INSERT INTO payments (id, order_id, amount, currency, method, state, reason, created_at, version)
                 VALUES (?1, ?4, ?5, ?6, ?7, ?2, ?3, ?8, ?9) ON CONFLICT DO NOTHING",
                "UPDATE payments SET state = ?2, reason = ?3, version = ?9
                 WHERE id = ?1 AND version = ?9 - 1 AND order_id = ?4 AND amount = ?5 AND currency = ?6 AND method = ?7
                   AND created_at = ?8",
                rows::payment_params(payment),
            ),
            Write::Refund(refund) => self.insert(
                "INSERT INTO refunds (id, payment, order_id, amount, currency, reason, requested_at, done_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL) ON CONFLICT DO NOTHING",
                params![
                    blob(refund.id.0),
                    blob(refund.payment.0),
                    blob(refund.order.0),
                    refund.amount.minor,
                    refund.amount.currency.as_str(),
                    refund.reason,
                    refund.requested_at.millis(),
                ],
                StoreError::Exists,
            ),
            Write::RefundDone { refund, at } => self.insert(
                "UPDATE refunds SET done_at = ?2 WHERE id = ?1 AND done_at IS NULL",
                (blob(refund.0), at.millis()),
                StoreError::Seen,
            ),
            Write::Transfer(transfer) => self.transfer(transfer),
            Write::Run(run) => self.run(run),
            Write::Task { task, at } => {
                let (kind, subject) = task_row(task);
                self.insert(
                    "INSERT INTO outbox (kind, subject, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    (kind, subject, at.millis()),
                    StoreError::Exists,
                )
            }
            Write::TaskDone(task) => {
                self.execute("DELETE FROM outbox WHERE kind = ?1 AND subject = ?2", task_row(task)).map(|_| ())
            }
            Write::PledgeSums { of, currency, standing, payable, cap } => {
                self.sums.change_pledge((*of, *currency), *standing, *payable, *cap);
                Ok(())
            }
            Write::Pool(pool) => self.pool(pool),
            Write::FreezePool { pool, frozen } => self.freeze_pool(*pool, *frozen),
            Write::Match(it) => {
                self.sums.change_match(MatchChange::Claim(Box::new(it.clone())));
                Ok(())
            }
            Write::Unmatch { claim, pool, amount } => {
                let (claim, pool, amount) = (*claim, *pool, *amount);
                self.sums.change_match(MatchChange::Back { claim, pool, amount });
                Ok(())
            }
            Write::PoolHearts { pool, slot, before, more } => self.pool_hearts(*pool, *slot, *before, *more),
            Write::PublishSeed { pool, slot, at } => self.publish_seed(*pool, *slot, *at),
            Write::Fence { duty, fence } => self.fence(*duty, *fence),
            Write::TakeLease { duty, node, duration, now } => self.take_lease(*duty, node, *duration, *now),
            Write::GiveUpLease { duty, node } => self.give_up_lease(*duty, node),
            Write::Reading { at, node, body } => self
                .execute(
                    "INSERT INTO readings (at, node, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    (at.millis(), node, body),
                )
                .map(|_| ()),
            Write::ForgetReadings { before } => self
                .execute(
                    "DELETE FROM readings WHERE (at, node) IN (SELECT at, node FROM readings WHERE at < ?1 ORDER BY at LIMIT ?2)",
                    (before.millis(), READINGS_AT_ONCE),
                )
                .map(|_| ()),
            Write::RoomMinutes { node, minutes } => {
                for (room, Minute { at, viewers, seen, tapped }) in minutes {
                    self.execute(
                        "INSERT INTO room_minutes (room, at, node, viewers, seen, tapped) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                         ON CONFLICT DO UPDATE SET viewers = max(viewers, excluded.viewers), seen = seen + excluded.seen,
                                                   tapped = tapped + excluded.tapped",
                        params![room.as_str(), at.millis(), node, viewers, seen.cast_signed(), tapped.cast_signed()],
                    )?;
                }
                Ok(())
            }
            Write::Lights { at, took_ms, body } => self
                .execute(
                    "INSERT INTO lights (id, at, took_ms, body) VALUES (1, ?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET at = excluded.at, took_ms = excluded.took_ms, body = excluded.body
                     WHERE lights.at <= excluded.at",
                    (at.millis(), took_ms, body),
                )
                .map(|_| ()),
            Write::Log(batch) => self.log(batch),
            Write::Cosigned { size, checkpoint } => self
                .execute(
                    "UPDATE log SET checkpoint = ?2 WHERE id = 1 AND size = ?1",
                    (size.cast_signed(), checkpoint),
                )
                .map(|_| ()),
            Write::NameLog { origin } => self
                .execute("UPDATE log SET origin = ?1 WHERE id = 1 AND origin IS NULL", [origin])
                .map(|_| ()),
            Write::Audit { at, actor, action, subject, reason } => self
                .execute(
                    "INSERT INTO audit (at, actor, action, subject, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
                    (at.millis(), actor.as_str(), action, subject, reason),
                )
                .map(|_| ()),
        }
    }

    fn once(&mut self, once: &Once) -> Result<(), Fault> {
        let inserted = self.execute(
            "INSERT INTO once (key, content) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            (blob(once.key), once.content.as_slice()),
        )?;
        if inserted == 1 {
            return Ok(());
        }
        let content: Vec<u8> =
            self.statements
                .one("SELECT content FROM once WHERE key = ?1", [blob(once.key)], |row| row.get(0))?;
        refuse(if content == once.content { StoreError::Seen } else { StoreError::ContentDiffers })
    }

    fn stock(&mut self, sku: &Sku, change: i64) -> Result<(), Fault> {
        self.insert(
            "UPDATE products SET on_hand = on_hand + ?2 WHERE sku = ?1 AND on_hand + ?2 >= 0",
            (sku.as_str(), change),
            StoreError::StockShort,
        )
    }

    fn pledge(&mut self, pledge: &Pledge) -> Result<(), Fault> {
        let sql = "SELECT max(version) FROM pledges WHERE id = ?1";
        let newest: Option<u32> = self.statements.one(sql, [blob(pledge.id.0)], |row| row.get(0))?;
        if newest.unwrap_or(0) + 1 != pledge.version {
            return refuse(StoreError::Stale);
        }
        self.insert(
            "INSERT INTO pledges (id, version, host, base, share_ppm, per_unit, cap, currency, rounding, starts_at, ends_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            rows::pledge_params(pledge),
            StoreError::Exists,
        )?;
        if pledge.version > 1 {
            return Ok(());
        }
        for (number, part) in (0_i64..).zip(&pledge.parts) {
            self.insert(
                "INSERT INTO pledge_parts (pledge, part, project, charity) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                (blob(pledge.id.0), number, &part.project, &part.charity_registration),
                StoreError::Exists,
            )?;
        }
        Ok(())
    }

    fn sale(&mut self, sale: &FlashSale) -> Result<(), Fault> {
        let (state, closes_at, reason) = match sale.state {
            SaleState::Scheduled => ("scheduled", None, None),
            SaleState::Open { closes_at } | SaleState::Paused { closes_at } => {
                ("open", Some(closes_at.millis()), None)
            }
            SaleState::Closed { at, reason } => {
                ("closed", Some(at.millis()), Some(rows::close_reason(reason)))
            }
        };
        if sale.version > 1 {
            let paused = matches!(sale.state, SaleState::Paused { .. });
            return self.insert(
                "UPDATE sales SET state = ?2, closes_at = ?3, close_reason = ?4, version = ?5, paused = ?6
                 WHERE id = ?1 AND version = ?5 - 1",
                params![blob(sale.id.0), state, closes_at, reason, sale.version as i64, paused],
                StoreError::Stale,
            );
        }
        self.insert(
            "INSERT INTO sales (id, room, sku, price, currency, limit_per_buyer, hold_ms, duration_ms, opens_at, state,
                                closes_at, close_reason, pledge, pledge_version, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 1) ON CONFLICT DO NOTHING",
            params![
                blob(sale.id.0),
                sale.room.as_str(),
                sale.sku.as_str(),
                sale.price.minor,
                sale.price.currency.as_str(),
                sale.limit_per_buyer,
                rows::millis(sale.hold_for),
                rows::millis(sale.duration),
                sale.opens_at.map(|at| at.millis()),
                state,
                closes_at,
                reason,
                sale.pledge.map(|pledge| blob(pledge.id.0)),
                sale.pledge.map(|pledge| pledge.version),
            ],
            StoreError::Exists,
        )?;
        self.insert(
            "INSERT INTO lots (sale, set_aside, stock, held, sold) VALUES (?1, ?2, ?2, 0, 0)",
            (blob(sale.id.0), sale.stock),
            StoreError::Exists,
        )?;
        self.stock(&sale.sku, -i64::from(sale.stock)).map_err(Fault::unclean)
    }

    fn restock(&mut self, sale: SaleId, sku: &Sku, change: i64) -> Result<(), Fault> {
        // Holds that stand ahead of it in the queue count.
        self.write_lot(sale).map_err(Fault::unclean)?;
        self.insert(
            "UPDATE lots SET stock = stock + ?2, set_aside = set_aside + ?2
             WHERE sale = ?1 AND held + sold <= stock + ?2 AND set_aside + ?2 > 0",
            (blob(sale.0), change),
            StoreError::OverStock,
        )?;
        self.stock(sku, -change).map_err(Fault::unclean)
    }

    fn return_leftovers(&mut self, sale: SaleId) -> Result<(), Fault> {
        self.write_lot(sale)?;
        let sql = "SELECT l.stock - l.held - l.sold, s.sku FROM lots l JOIN sales s ON s.id = l.sale WHERE l.sale = ?1";
        let lot: Option<(i64, String)> =
            self.statements.one(sql, [blob(sale.0)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((leftover, sku)) = lot else {
            return refuse(StoreError::Rule(format!("the lot of sale {sale} is missing")));
        };
        self.execute("UPDATE lots SET stock = held + sold WHERE sale = ?1", [blob(sale.0)])?;
        self.execute("UPDATE products SET on_hand = on_hand + ?2 WHERE sku = ?1", (sku, leftover)).map(|_| ())
    }

    fn order(&mut self, order: &Order) -> Result<(), Fault> {
        let (held_until, offered, parcel) = rows::stage_columns(&order.stage);
        self.versioned(
            order.version,
            "INSERT INTO orders (id, sale, room, sku, buyer, quantity, unit_price, currency, wait, stage, held_until,
                                 offered, hold, placed_at, paid_at, parcel, refunded, charity, version)
             VALUES (?1, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?2, ?3, ?4, ?5, ?18, ?6, ?7, ?8, ?9, ?19)
             ON CONFLICT DO NOTHING",
            // The content of an order (?10 to ?18) is never updated.
            "UPDATE orders SET stage = ?2, held_until = ?3, offered = ?4, hold = ?5, paid_at = ?6, parcel = coalesce(?7, parcel),
                               refunded = ?8, charity = ?9, version = ?19
             WHERE id = ?1 AND version = ?19 - 1 AND sale = ?10 AND room = ?11 AND sku = ?12 AND buyer = ?13
               AND quantity = ?14 AND unit_price = ?15 AND currency = ?16 AND wait = ?17 AND placed_at = ?18",
            params![
                blob(order.id.0),
                order.stage.name(),
                held_until,
                offered,
                order.hold,
                order.paid_at.map(|at| at.millis()),
                parcel,
                order.refunded_minor,
                order.charity_minor,
                blob(order.sale.0),
                order.room.as_str(),
                order.sku.as_str(),
                order.buyer.as_str(),
                order.quantity,
                order.unit_price.minor,
                order.unit_price.currency.as_str(),
                order.wait,
                order.placed_at.millis(),
                order.version as i64,
            ],
        )
    }

    fn transfer(&mut self, transfer: &Transfer) -> Result<(), Fault> {
        let Transfer { debit, credit, amount, code, order, at } = transfer;
        let debit_id = self.account(debit, amount.currency)?;
        let credit_id = self.account(credit, amount.currency)?;
        self.execute(
            "INSERT INTO transfers (at, code, debit, credit, amount, order_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                at.millis(),
                code.number(),
                debit_id,
                credit_id,
                amount.minor,
                order.map(|order| blob(order.0))
            ],
        )?;
        let id = self.statements.last_insert_rowid();
        let sides = [(debit_id, debit, amount.minor, 0), (credit_id, credit, 0, amount.minor)];
        for (id_of_account, account, debits, credits) in sides {
            let change = Total { debits, credits, newest: id };
            self.sums.change_total((id_of_account, *code), account, amount.currency, change);
        }
        Ok(())
    }

    fn account(&mut self, account: &Account, currency: Currency) -> Result<i64, Fault> {
        let known = self.accounts.get(account).into_iter().flatten();
        if let Some((_, id)) = known.into_iter().find(|(of, _)| *of == currency) {
            return Ok(*id);
        }
        let name = account.to_string();
        self.execute(
            "INSERT INTO accounts (name, currency) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            (&name, currency.as_str()),
        )?;
        let sql = "SELECT id FROM accounts WHERE name = ?1 AND currency = ?2";
        let id = self.statements.one(sql, (&name, currency.as_str()), |row| row.get(0))?;
        self.accounts.entry(account.clone()).or_default().push((currency, id));
        Ok(id)
    }

    fn versioned(
        &mut self,
        version: u64,
        insert: &'static str,
        update: &'static str,
        values: impl Params,
    ) -> Result<(), Fault> {
        if version == 1 {
            return self.insert(insert, values, StoreError::Exists);
        }
        self.insert(update, values, StoreError::Stale)
    }

    /// One row changed, or `otherwise`.
    fn insert(&mut self, sql: &'static str, values: impl Params, otherwise: StoreError) -> Result<(), Fault> {
        match self.execute(sql, values)? {
            1 => Ok(()),
            _ => refuse(otherwise),
        }
    }

    fn execute(&mut self, sql: &'static str, values: impl Params) -> Result<usize, Fault> {
        Ok(self.statements.execute(sql, values)?)
    }
}

fn task_row(task: &Task) -> (&'static str, [u8; 16]) {
    match task {
        Task::Authorise(payment) => ("authorise", blob(payment.0)),
        Task::Capture(payment) => ("capture", blob(payment.0)),
        Task::Refund(refund) => ("refund", blob(refund.0)),
    }
}
