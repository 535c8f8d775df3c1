//! The export for the regulator, of everybody, one charity or one merchant.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::sheet::{self, Export, ExportLine, Exported};
use super::{Call, Csv, Refused, statements};
use crate::model::{PartRef, Pledge, PledgeId, PledgeRef, ProjectId, Subject, bounded_text};
use crate::store::journal::{Giver, Registered};
use crate::wire::problem::not_found;

/// Pledges whose leaves are read in one query.
const AT_ONCE: usize = 500;

pub async fn of_everybody(call: Call) -> Result<Csv, Refused> {
    export(&call, Giver::Everybody).await
}

pub async fn of_charity(call: Call) -> Result<Csv, Refused> {
    let registration = bounded_text("charity", call.text("charity"), 4..=40)?;
    let known = call.wire.sales.ledger().journal().charity(&registration).await?;
    known.ok_or_else(|| not_found("charity"))?;
    export(&call, Giver::Charity(registration)).await
}

pub async fn of_host(call: Call) -> Result<Csv, Refused> {
    let host: Subject = call.part("host")?;
    export(&call, Giver::Host(host)).await
}

async fn export(call: &Call, of: Giver) -> Result<Csv, Refused> {
    call.everywhere()?;
    let (first, last) = statements::months(call)?;
    let (from, to) = (first.starts(), last.next().starts());
    let journal = call.wire.sales.ledger().journal();
    let sold = journal.sold_under(&of, from, to).await?;
    let handed_over = journal.handed_over(&of, from, to).await?;
    let mut names = Names { merchants: journal.host_names().await?, ..Names::default() };
    let parts: Vec<PartRef> =
        sold.iter().map(|it| it.part).chain(handed_over.iter().map(|it| it.part)).collect();
    names.read_leaves(call, &parts).await?;
    let mut lines = Vec::with_capacity(parts.len());
    for it in sold {
        let line = names.line(call, it.part, it.version, None, Exported::Sold(it)).await?;
        lines.extend(line);
    }
    for it in handed_over {
        let line = names.line(call, it.part, None, it.leaf, Exported::HandedOver(it)).await?;
        lines.extend(line);
    }
    let file_name = format!("regulator-{}.csv", statements::named(first, last));
    Ok(Csv { file_name, text: sheet::regulator(&Export { first, last, lines }) })
}

/// What stands beside the sums, each read once.
#[derive(Default)]
struct Names {
    merchants: HashMap<Subject, String>,
    leaves: HashMap<PledgeRef, u64>,
    pledges: HashMap<(PledgeId, Option<u32>), Option<Pledge>>,
    projects: HashMap<String, Option<Registered>>,
}

impl Names {
    async fn read_leaves(&mut self, call: &Call, parts: &[PartRef]) -> Result<(), Refused> {
        let mut pledges: Vec<PledgeId> = parts.iter().map(|part| part.pledge).collect();
        pledges.dedup();
        for some in pledges.chunks(AT_ONCE) {
            self.leaves.extend(call.wire.sales.ledger().journal().log_of_pledges(some).await?);
        }
        Ok(())
    }

    /// `version`: none is the newest.
    async fn line(
        &mut self,
        call: &Call,
        part: PartRef,
        version: Option<u32>,
        leaf: Option<u64>,
        what: Exported,
    ) -> Result<Option<ExportLine>, Refused> {
        let journal = call.wire.sales.ledger().journal();
        let pledge = match self.pledges.entry((part.pledge, version)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(journal.pledge(part.pledge, version).await?),
        };
        let Some(pledge) = pledge.clone() else { return Ok(None) };
        let Some(given_to) = pledge.parts.get(usize::from(part.part)).cloned() else { return Ok(None) };
        let registered = match self.projects.entry(given_to.project.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            // Those from before the register have only a title.
            Entry::Vacant(new) => match given_to.project.parse::<ProjectId>() {
                Ok(id) => new.insert(journal.registered(&id).await?),
                Err(_) => new.insert(None),
            },
        };
        let registered = registered.clone();
        let told = version.and_then(|version| self.leaves.get(&PledgeRef { id: part.pledge, version }));
        Ok(Some(ExportLine {
            merchant_name: self.merchants.get(&pledge.host).cloned().unwrap_or_default(),
            pledge,
            part: given_to,
            registered,
            leaf: leaf.or(told.copied()),
            what,
        }))
    }
}
