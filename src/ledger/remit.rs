//! Remittances: what receipts have confirmed goes to the charities, one transfer for each, after two people have looked at it.

use uuid::Uuid;

use super::{Ledger, LedgerRefused, in_order};
use crate::model::{
    Account, BankTransfer, Code, Currency, Money, RemittanceRun, RunStage, Subject, Timestamp, Transfer,
};
use crate::store::journal::Once;
use crate::store::{Entry, StoreError, Write};

/// A charity as the register has it.
pub struct Payee {
    pub registration: String,
    pub name: String,
}

impl Ledger {
    /// Sets aside all that is owed to a charity in one currency.
    pub async fn propose_run(
        &self,
        id: Uuid,
        payee: Payee,
        currency: Currency,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<RemittanceRun, LedgerRefused> {
        let _alone = self.0.payable.lock().await;
        loop {
            let lines = self.journal().owed_to(&payee.registration, currency).await?;
            if lines.is_empty() {
                let registration = payee.registration;
                return Err(LedgerRefused::NothingOwed { registration, currency });
            }
            let run = RemittanceRun {
                id,
                version: 1,
                charity_registration: payee.registration.clone(),
                charity_name: payee.name.clone(),
                currency,
                lines,
                proposed_by: actor.clone(),
                proposed_at: now,
                stage: RunStage::Proposed,
            };
            let mut entry =
                self.of_run(&run, once, "remittance-propose", run.total().to_string(), actor, now);
            entry.extend(set_aside(&run, -1));
            match self.journal().commit(entry).await {
                Ok(()) => return Ok(run),
                // A refund on another node took from it since it was read.
                Err(StoreError::Unpayable) => {}
                Err(StoreError::Exists) => return Err(LedgerRefused::RunOpen),
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    pub async fn approve_run(
        &self,
        id: Uuid,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<RemittanceRun, LedgerRefused> {
        let run = self.run(id).await?.approve(actor.clone(), now)?;
        let entry = self.of_run(&run, once, "remittance-approve", run.total().to_string(), actor, now);
        self.journal().commit(entry).await?;
        Ok(run)
    }

    /// The bank has done it: the lines are posted.
    pub async fn transfer_run(
        &self,
        id: Uuid,
        transfer: BankTransfer,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<RemittanceRun, LedgerRefused> {
        let reference = transfer.reference.clone();
        let run = self.run(id).await?.transfer(transfer, actor.clone(), now)?;
        let mut entry = self.of_run(&run, once, "remittance-transfer", reference, actor, now);
        entry.extend(run.lines.iter().map(|line| {
            Write::Transfer(Transfer {
                debit: Account::CharityPayable(line.part),
                credit: Account::CharityRemitted(line.part),
                amount: Money::new(line.minor, run.currency),
                code: Code::Remit,
                order: None,
                at: now,
            })
        }));
        entry.extend(run.lines.iter().map(|line| in_order(line.part.pledge, run.currency)));
        self.journal().commit(entry).await?;
        self.journal().renew_totals().await?;
        Ok(run)
    }

    /// What was set aside is owed again.
    pub async fn withdraw_run(
        &self,
        id: Uuid,
        reason: String,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<RemittanceRun, LedgerRefused> {
        let run = self.run(id).await?.withdraw(reason.clone(), actor.clone(), now)?;
        let mut entry = self.of_run(&run, once, "remittance-withdraw", reason, actor, now);
        entry.extend(set_aside(&run, 1));
        self.journal().commit(entry).await?;
        Ok(run)
    }

    pub async fn run(&self, id: Uuid) -> Result<RemittanceRun, LedgerRefused> {
        self.journal().run(id).await?.ok_or(LedgerRefused::NoRun)
    }

    fn of_run(
        &self,
        run: &RemittanceRun,
        once: Option<Once>,
        action: &'static str,
        reason: String,
        actor: &Subject,
        now: Timestamp,
    ) -> Entry {
        let audit =
            Write::Audit { at: now, actor: actor.clone(), action, subject: run.id.to_string(), reason };
        once.map(Write::Once).into_iter().chain([Write::Run(run.clone()), audit]).collect()
    }
}

/// What the run hands over leaves what is payable, or comes back to it.
fn set_aside(run: &RemittanceRun, sign: i64) -> impl Iterator<Item = Write> {
    run.lines.iter().map(move |line| Write::PledgeSums {
        of: line.part,
        currency: run.currency,
        standing: 0,
        payable: sign * line.minor,
        cap: None,
    })
}
