//! Charities and projects. What is there already and differs becomes a new version, so that the same file may come again.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use apricot_proto::v1;
use clap::Args;

use super::table::{Cells, Lines, Shape, Wrong, nothing_imported, tell};
use crate::app::{DataLock, connect_record, open_record};
use crate::cli::{Failed, Source, runtime};
use crate::clock::Clock;
use crate::contract::{self, parse};
use crate::model::registry::{CHARITIES_MAX, PROJECTS_MAX};
use crate::model::{Charity, Currency, Money, OutOfBound, Project, ProjectId, Timestamp};
use crate::store::journal::NAMES_AT_ONCE;
use crate::store::{Entry, Journal, StoreError, Write};

const CHARITIES: Shape = Shape {
    columns: "registration,name,qualification,platform,platform_url",
    name: "registration",
    lines_max: CHARITIES_MAX,
};
const PROJECTS: Shape = Shape {
    columns: "id,charity,title,summary,target,currency,place,record_number,give_url,disclose_every_days,started_on,ended_on",
    name: "id",
    lines_max: PROJECTS_MAX,
};
/// Lines between two signs of life.
const TELL_EVERY: usize = 10_000;

#[derive(Args)]
pub struct Registry {
    file: PathBuf,
    #[command(flatten)]
    source: Source,
}

/// What a file comes to: writes, and how many things are new, changed and as they were.
#[derive(Default)]
struct Plan {
    writes: Vec<Write>,
    new: usize,
    changed: usize,
    same: usize,
}

impl Registry {
    pub(super) fn charities(self) -> Result<(), Failed> {
        let lines = CHARITIES.open(&self.file, charity)?;
        self.run("charities", lines, async |journal, right, _| {
            let mut plan = Plan::default();
            for part in right.chunks(NAMES_AT_ONCE) {
                let names = part.iter().map(|(_, charity)| charity.registration.clone()).collect();
                let known = journal.charities_named(names).await?;
                let mut known: HashMap<String, Charity> =
                    known.into_iter().map(|charity| (charity.registration.clone(), charity)).collect();
                for (_, charity) in part {
                    let known = known.remove(&charity.registration);
                    let version = known.as_ref().map_or(0, |known| known.version);
                    let same = known.is_some_and(|known| known == Charity { version, ..charity.clone() });
                    let next = Charity { version: version + 1, ..charity.clone() };
                    plan.add(version, same, Write::Charity(Box::new(next)));
                }
            }
            Ok(plan)
        })
    }

    pub(super) fn projects(self) -> Result<(), Failed> {
        let lines = PROJECTS.open(&self.file, project)?;
        self.run("projects", lines, async |journal, right, wrong| {
            let mut plan = Plan::default();
            for part in right.chunks(NAMES_AT_ONCE) {
                let charities: HashSet<String> =
                    part.iter().map(|(_, project)| project.charity.clone()).collect();
                let charities = journal.charities_named(charities.into_iter().collect()).await?;
                let charities: HashMap<String, Charity> =
                    charities.into_iter().map(|charity| (charity.registration.clone(), charity)).collect();
                let names: Vec<ProjectId> = part.iter().map(|(_, project)| project.id.clone()).collect();
                let known = journal.projects_named(&names).await?;
                let mut known: HashMap<ProjectId, Project> =
                    known.into_iter().map(|project| (project.id.clone(), project)).collect();
                for (line, project) in part {
                    let known = known.remove(&project.id);
                    if let Some(reason) = misplaced(project, known.as_ref(), &charities) {
                        wrong.push(Wrong { line: *line, reason });
                        continue;
                    }
                    let version = known.as_ref().map_or(0, |known| known.version);
                    let same = known.is_some_and(|known| known == Project { version, ..project.clone() });
                    let next = Project { version: version + 1, ..project.clone() };
                    plan.add(version, same, Write::Project(Box::new(next)));
                }
            }
            Ok(plan)
        })
    }

    /// The whole file is right, for itself and beside what is registered, before anything is written.
    fn run<T>(
        self,
        things: &str,
        (right, mut wrong): Lines<T>,
        plan: impl AsyncFnOnce(&Journal, &[(u64, T)], &mut Vec<Wrong>) -> Result<Plan, StoreError>,
    ) -> Result<(), Failed> {
        let config = self.source.load(None)?.config;
        if !wrong.is_empty() {
            tell(&self.file, &wrong);
            return Err(nothing_imported(&wrong, right.len(), ""));
        }
        runtime()?.block_on(async {
            // Nodes of a shared record may run meanwhile; what they change at the same time stops the import.
            let (journal, _lock) = match &config.postgres {
                Some(postgres) => (connect_record(postgres, &Clock::System).await?, None),
                None => {
                    let lock = DataLock::take(&config.data)?;
                    (open_record(&config.data, &Clock::System)?, Some(lock))
                }
            };
            let plan = plan(&journal, &right, &mut wrong).await.map_err(Failed::because)?;
            if !wrong.is_empty() {
                tell(&self.file, &wrong);
                return Err(nothing_imported(&wrong, right.len() - wrong.len(), ""));
            }
            let Plan { new, changed, same, .. } = plan;
            let written = write(&journal, plan.writes, things).await;
            journal.close().await;
            written?;
            eprintln!("apricot: {new} {things} registered, {changed} changed, {same} were there already and are unchanged");
            Ok(())
        })
    }
}

impl Plan {
    /// `version`: that is there, 0 for none.
    fn add(&mut self, version: u64, same: bool, write: Write) {
        match (version, same) {
            (_, true) => self.same += 1,
            (0, false) => self.new += 1,
            (_, false) => self.changed += 1,
        }
        if !same {
            self.writes.push(write);
        }
    }
}

/// Part by part, each all or nothing; when one fails, the same file again brings in the rest.
async fn write(journal: &Journal, writes: Vec<Write>, things: &str) -> Result<(), Failed> {
    let (all, mut done) = (writes.len(), 0);
    let mut writes = writes.into_iter().peekable();
    while writes.peek().is_some() {
        let part: Entry = writes.by_ref().take(NAMES_AT_ONCE).collect();
        let count = part.len();
        journal.commit(part).await.map_err(|error| {
            Failed::because(format!(
                "{error}; {done} of {all} {things} are registered. Import the same file again for the rest"
            ))
        })?;
        done += count;
        if done / TELL_EVERY > (done - count) / TELL_EVERY && done < all {
            let again = if std::io::stderr().is_terminal() { "\r" } else { "\n" };
            eprint!("apricot: {done} of {all} {things}{again}");
        }
    }
    Ok(())
}

/// Why a project cannot stand beside what is registered.
fn misplaced(
    project: &Project,
    known: Option<&Project>,
    charities: &HashMap<String, Charity>,
) -> Option<String> {
    if let Some(known) = known.filter(|known| known.charity != project.charity) {
        return Some(format!("charity must be {}: a project stays with its charity", known.charity));
    }
    let Some(charity) = charities.get(&project.charity) else {
        return Some(
            "charity must be the registration number of a registered charity; import charities first".into(),
        );
    };
    let wrong = project.gives_on_platform_of(charity).err()?;
    Some(in_columns(wrong).to_string())
}

/// The right lines and the wrong ones of a CSV file. `Err`: the file as a whole is not such a table.
pub fn charities(text: impl Read) -> Result<Lines<Charity>, String> {
    CHARITIES.read(text, charity)
}

pub fn projects(text: impl Read) -> Result<Lines<Project>, String> {
    PROJECTS.read(text, project)
}

fn charity(cells: &Cells) -> Result<Charity, OutOfBound> {
    let message = v1::PutCharity {
        name: cells.get("name").to_owned(),
        qualification: cells.get("qualification").to_owned(),
        platform: cells.get("platform").to_owned(),
        platform_url: cells.get("platform_url").to_owned(),
        version: 0,
    };
    parse::registry::charity(&message, cells.get("registration")).map_err(in_columns)
}

fn project(cells: &Cells) -> Result<Project, OutOfBound> {
    let id: ProjectId = cells.get("id").parse().map_err(in_columns)?;
    let currency: Currency = cells.or("currency", "CNY").parse()?;
    let target = Some(cells.get("target")).filter(|text| !text.is_empty());
    let target = target.map(|text| Money::parse("target", text, currency)).transpose()?;
    let days = cells.or("disclose_every_days", "0").parse();
    let days = days.map_err(|_| OutOfBound::new("disclose_every_days", "1..=366"))?;
    let started_at = date("started_on", cells.get("started_on"))?;
    let ended = Some(cells.get("ended_on")).filter(|text| !text.is_empty());
    let ended_at = ended.map(|text| date("ended_on", text)).transpose()?;
    let message = v1::PutProject {
        charity: cells.get("charity").to_owned(),
        title: cells.get("title").to_owned(),
        summary: cells.get("summary").to_owned(),
        target: target.map(contract::money),
        place: cells.get("place").to_owned(),
        record_number: cells.get("record_number").to_owned(),
        give_url: cells.get("give_url").to_owned(),
        disclose_every_days: days,
        started_at_ms: started_at.millis(),
        ended_at_ms: ended_at.map_or(0, Timestamp::millis),
        version: 0,
    };
    parse::registry::project(&message, id, started_at).map_err(in_columns)
}

/// The begin of the day, UTC.
fn date(field: &'static str, text: &str) -> Result<Timestamp, OutOfBound> {
    let wanted = || OutOfBound::new(field, "a date such as 2026-09-01, from 1971 to 9999");
    Timestamp::from_date(text).filter(|at| at.date().as_str() >= "1971-01-01").ok_or_else(wanted)
}

/// With the contract's name of a field as the name of its column.
fn in_columns(refused: OutOfBound) -> OutOfBound {
    let field: Cow<'static, str> = match refused.field.as_ref() {
        "platformUrl" => "platform_url".into(),
        "project" => "id".into(),
        "recordNumber" => "record_number".into(),
        "giveUrl" => "give_url".into(),
        "discloseEveryDays" => "disclose_every_days".into(),
        "startedAtMs" => "started_on".into(),
        "endedAtMs" => "ended_on".into(),
        _ => refused.field,
    };
    OutOfBound {
        field,
        bound: refused.bound.replace("startedAtMs", "started_on").replace("platformUrl", "platform_url"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T>(read: Result<Lines<T>, String>) -> Vec<String> {
        let (_, wrong) = read.map_err(|reason| panic!("{reason}")).unwrap();
        wrong.into_iter().map(|Wrong { line, reason }| format!("{line}: {reason}")).collect()
    }

    #[test]
    fn each_wrong_line_is_told_with_its_column() {
        let text = "id,charity,title,target,started_on,ended_on,give_url,disclose_every_days\n\
            a,53100000X,Lunches,50000.00,2026-01-01,2026-12-31,https://give.example/,30\n\
            A,53100000X,Lunches,,2026-01-01,,,\n\
            b,531,Lunches,,2026-01-01,,,\n\
            c,53100000X,Lunches,1.005,2026-01-01,,,\n\
            d,53100000X,Lunches,,2026-02-30,,,\n\
            e,53100000X,Lunches,,,,,\n\
            f,53100000X,Lunches,,2026-01-01,2026-01-01,,\n\
            g,53100000X,Lunches,,2026-01-01,,http://give.example,\n\
            h,53100000X,Lunches,,2026-01-01,,,367\n\
            a,53100000X,Lunches,,2026-01-01,,,\n\
            i,53100000X\n";
        let expected = [
            "3: id must be 1..=64 of a-z, 0-9 and '-'",
            "4: charity must be 4..=40 characters without control characters",
            "5: target must be a number with at most 2 decimals",
            "6: started_on must be a date such as 2026-09-01, from 1971 to 9999",
            "7: started_on must be a date such as 2026-09-01, from 1971 to 9999",
            "8: ended_on must be later than started_on",
            "9: give_url must be an https address of at most 300 characters",
            "10: disclose_every_days must be 1..=366",
            "11: id a is in an earlier line too",
            "12: line must be 8 cells, as the first line has",
        ];
        let told = told(projects(text.as_bytes()));
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told}, not {expected}");
        }
        let (right, _) = projects(text.as_bytes()).unwrap();
        let [(2, only)] = right.as_slice() else { panic!("{right:?}") };
        assert_eq!(only.target, Some(Money::new(5_000_000, Currency::CNY)));
        assert_eq!(
            (only.started_at.date(), only.ended_at.unwrap().date()),
            ("2026-01-01".into(), "2026-12-31".into())
        );
        assert_eq!(only.disclose_every_days, 30);
    }

    #[test]
    fn charities_are_read_in_any_order_of_columns() {
        let text = "\u{feff}Name,registration\n 示例基金会 ,53100000X\nAgain,53100000X\n,53100001X\n";
        let (right, wrong) = charities(text.as_bytes()).unwrap();
        assert_eq!(right[0].1.name, "示例基金会");
        assert_eq!(wrong.iter().map(|wrong| wrong.line).collect::<Vec<_>>(), [3, 4]);
        assert!(
            charities("registration,colour\n".as_bytes()).unwrap_err().contains("\"colour\" is not a column")
        );
    }
}
