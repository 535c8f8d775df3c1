//! The registry as ops change it, and what pledges brought to a project.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, LedgerRefused};
use crate::model::{
    Account, Charity, Code, Currency, OutOfBound, PartRef, Pledge, ProgressReport, Project, Subject,
    Timestamp,
};
use crate::store::journal::Once;
use crate::store::{Entry, StoreError, Write};

/// Of all pledges that give to a project, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectTotal {
    pub currency: Currency,
    pub gross_accrued: i64,
    pub gross_reversed: i64,
    pub confirmed: i64,
    pub remitted: i64,
    /// What sponsors added, less what refunds took back; apart from all above.
    pub matched: i64,
}

/// Who registers something, and the version that it was made from; 0 asks for none.
pub struct Registering<'a> {
    pub made_from: u64,
    pub once: Option<Once>,
    pub actor: &'a Subject,
    pub now: Timestamp,
}

impl Ledger {
    /// The charity as it stands then, and whether it is new. What changes nothing makes no version.
    pub async fn put_charity(
        &self,
        mut charity: Charity,
        by: Registering<'_>,
    ) -> Result<(Charity, bool), LedgerRefused> {
        charity.check()?;
        let name = charity.registration.clone();
        let known = self.journal().charity(&name).await?;
        if let Some(known) = self.repeated(&by, known.as_ref()).await? {
            return Ok((known, false));
        }
        let version = known.as_ref().map_or(0, |known| known.version);
        by.meets(version)?;
        charity.version = version;
        if known.as_ref() == Some(&charity) {
            self.register(by.key()).await?;
            return Ok((charity, false));
        }
        charity.version += 1;
        let entry = by.entry("register-charity", &name, Write::Charity(Box::new(charity)));
        self.register(entry).await?;
        let now = self.journal().charity(&name).await?;
        Ok((now.ok_or(StoreError::Stale)?, known.is_none()))
    }

    /// The project as it stands then, and whether it is new. What changes nothing makes no version.
    pub async fn put_project(
        &self,
        mut project: Project,
        by: Registering<'_>,
    ) -> Result<(Project, bool), LedgerRefused> {
        project.check()?;
        let id = project.id.clone();
        let known = self.journal().project(&id).await?.map(|(project, _)| project);
        if let Some(known) = self.repeated(&by, known.as_ref()).await? {
            return Ok((known, false));
        }
        let version = known.as_ref().map_or(0, |known| known.version);
        by.meets(version)?;
        if let Some(known) = known.as_ref().filter(|known| known.charity != project.charity) {
            let bound = format!("{}: a project stays with its charity", known.charity);
            return Err(OutOfBound::new("charity", bound).into());
        }
        let charity = self.journal().charity(&project.charity).await?;
        let charity = charity
            .ok_or_else(|| OutOfBound::new("charity", "the registration number of a registered charity"))?;
        project.version = version;
        if known.as_ref() == Some(&project) {
            self.register(by.key()).await?;
            return Ok((project, false));
        }
        project.gives_on_platform_of(&charity)?;
        project.version += 1;
        let entry = by.entry("register-project", id.as_str(), Write::Project(Box::new(project)));
        self.register(entry).await?;
        let now = self.journal().project(&id).await?;
        Ok((now.ok_or(StoreError::Stale)?.0, known.is_none()))
    }

    /// The project must be there.
    pub async fn add_report(
        &self,
        report: ProgressReport,
        once: Option<Once>,
        actor: &Subject,
    ) -> Result<ProgressReport, LedgerRefused> {
        report.check()?;
        let by = Registering { made_from: 0, once, actor, now: report.at };
        let subject = report.project.to_string();
        let entry = by.entry("report-progress", &subject, Write::ProgressReport(Box::new(report.clone())));
        match self.journal().commit(entry).await {
            Ok(()) => Ok(report),
            // As it was told the first time.
            Err(StoreError::Seen) => Ok(self.journal().report(report.id).await?.ok_or(StoreError::Seen)?),
            Err(refused) => Err(refused.into()),
        }
    }

    /// The pledges that give to a project, newest first, and what they brought.
    pub async fn given_to(&self, project: &Project) -> Result<(Vec<Pledge>, Vec<ProjectTotal>), StoreError> {
        let pledges = self.journal().pledges_giving_to(&project.id).await?;
        let parts: BTreeSet<PartRef> = pledges
            .iter()
            .filter_map(|pledge| {
                let part = pledge.parts.iter().position(|part| part.project == project.id.as_str())?;
                Some(pledge.part(part))
            })
            .collect();
        let mut totals: BTreeMap<Currency, ProjectTotal> = BTreeMap::new();
        for ((account, currency, code), total) in self.charity_totals() {
            if !account.part().is_some_and(|part| parts.contains(&part)) {
                continue;
            }
            let sum = totals.entry(currency).or_insert(ProjectTotal::none(currency));
            match (account, code) {
                (Account::CharityAccrued(_), Code::Accrue) => sum.gross_accrued += total.credits,
                (Account::CharityAccrued(_), Code::Reverse) => sum.gross_reversed += total.debits,
                (Account::CharityPayable(_), Code::Confirm) => sum.confirmed += total.credits,
                (Account::CharityPayable(_), Code::Reverse) => {
                    sum.gross_reversed += total.debits;
                    sum.confirmed -= total.debits;
                }
                (Account::CharityRemitted(_), Code::Remit) => sum.remitted += total.credits,
                _ => {}
            }
        }
        for (currency, matched) in self.journal().matched_to(project.id.as_str()).await? {
            totals.entry(currency).or_insert(ProjectTotal::none(currency)).matched = matched;
        }
        Ok((pledges, totals.into_values().collect()))
    }

    /// What a request with this key made before.
    async fn repeated<T: Clone>(
        &self,
        by: &Registering<'_>,
        known: Option<&T>,
    ) -> Result<Option<T>, StoreError> {
        match by.once {
            Some(once) if self.journal().seen(once).await? => Ok(known.cloned()),
            Some(_) | None => Ok(None),
        }
    }

    async fn register(&self, entry: Entry) -> Result<(), StoreError> {
        if entry.is_empty() {
            return Ok(());
        }
        match self.journal().commit(entry).await {
            Ok(()) | Err(StoreError::Seen) => Ok(()),
            // Somebody else was first.
            Err(StoreError::Exists) => Err(StoreError::Stale),
            Err(refused) => Err(refused),
        }
    }
}

impl Registering<'_> {
    fn meets(&self, version: u64) -> Result<(), StoreError> {
        if self.made_from == 0 || self.made_from == version { Ok(()) } else { Err(StoreError::Stale) }
    }

    /// It is for one content, also where there is nothing to change.
    fn key(&self) -> Entry {
        self.once.map(Write::Once).into_iter().collect()
    }

    fn entry(&self, action: &'static str, subject: &str, write: Write) -> Entry {
        let mut entry = self.key();
        entry.push(write);
        entry.push(Write::Audit {
            at: self.now,
            actor: self.actor.clone(),
            action,
            subject: subject.to_owned(),
            reason: String::new(),
        });
        entry
    }
}

impl ProjectTotal {
    fn none(currency: Currency) -> Self {
        Self { currency, gross_accrued: 0, gross_reversed: 0, confirmed: 0, remitted: 0, matched: 0 }
    }
}
