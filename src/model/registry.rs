//! The registry: charities, their projects, and what a project owes the public, a report every so often.

use std::time::Duration;

use uuid::Uuid;

use super::money::MINOR_MAX;
use super::{Money, OutOfBound, ProjectId, Timestamp, bounded_text};

/// More than the charities that may raise funds in public anywhere.
pub const CHARITIES_MAX: usize = 20_000;
pub const PROJECTS_MAX: usize = 100_000;

/// Reports come every quarter where nothing else is said.
pub const DISCLOSE_EVERY_DAYS: u32 = 90;
const DISCLOSE_EVERY_DAYS_MAX: u32 = 366;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ADDRESS_MAX: usize = 300;
/// The end of the year 9999.
const MILLIS_MAX: i64 = 253_402_300_799_999;

#[derive(Clone, Debug, PartialEq)]
pub struct Charity {
    /// Its number in the public register, which names it here too.
    pub registration: String,
    pub name: String,
    /// What it may do: "public fundraising", 公开募捐资格.
    pub qualification: String,
    /// Where it raises funds by law: its designated platform of record.
    pub platform: String,
    pub platform_url: Option<String>,
    /// Counts from 1.
    pub version: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    pub id: ProjectId,
    /// Registration number of its charity; it never changes.
    pub charity: String,
    pub title: String,
    pub summary: String,
    pub target: Option<Money>,
    pub place: String,
    /// Under which it was filed.
    pub record_number: String,
    /// Where to give to it directly, on the charity's platform. Apricot holds no gift money.
    pub give_url: Option<String>,
    /// The disclosure clock: a report is due so long after the one before.
    pub disclose_every_days: u32,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Counts from 1.
    pub version: u64,
}

/// What a project told the public. Never changed: a correction is another report.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressReport {
    pub id: Uuid,
    pub project: ProjectId,
    pub at: Timestamp,
    pub title: String,
    pub text: String,
    /// Of the signed document, 64 hex digits.
    pub document_sha256: Option<String>,
}

impl Charity {
    pub fn check(&self) -> Result<(), OutOfBound> {
        line("registration", &self.registration, 4..=40)?;
        line("name", &self.name, 1..=100)?;
        line("qualification", &self.qualification, 0..=100)?;
        line("platform", &self.platform, 0..=100)?;
        address("platformUrl", self.platform_url.as_deref())
    }
}

impl Project {
    pub fn check(&self) -> Result<(), OutOfBound> {
        line("charity", &self.charity, 4..=40)?;
        line("title", &self.title, 1..=100)?;
        bounded_text("summary", &self.summary, 0..=500)?;
        line("place", &self.place, 0..=80)?;
        line("recordNumber", &self.record_number, 0..=60)?;
        address("giveUrl", self.give_url.as_deref())?;
        if self.target.is_some_and(|target| !(1..=MINOR_MAX).contains(&target.minor)) {
            return Err(OutOfBound::new("target", format!("1..={MINOR_MAX} in minor units")));
        }
        if !(1..=DISCLOSE_EVERY_DAYS_MAX).contains(&self.disclose_every_days) {
            return Err(OutOfBound::new("discloseEveryDays", format!("1..={DISCLOSE_EVERY_DAYS_MAX}")));
        }
        if !(1..=MILLIS_MAX).contains(&self.started_at.millis()) {
            return Err(OutOfBound::new("startedAtMs", "Unix milliseconds after 0"));
        }
        if self.ended_at.is_some_and(|end| end <= self.started_at || end.millis() > MILLIS_MAX) {
            return Err(OutOfBound::new("endedAtMs", "later than startedAtMs"));
        }
        Ok(())
    }

    /// Gifts are given on the platform that is designated for the charity, and nowhere else.
    pub fn gives_on_platform_of(&self, charity: &Charity) -> Result<(), OutOfBound> {
        let Some(address) = self.give_url.as_deref() else { return Ok(()) };
        let Some(platform) = charity.platform_url.as_deref() else {
            let bound =
                "left out until its charity has a platformUrl, the address of its designated platform";
            return Err(OutOfBound::new("giveUrl", bound));
        };
        if host_of(address) == host_of(platform) {
            return Ok(());
        }
        let bound = format!(
            "an address at {}, its charity's designated platform; if that has changed, change the charity's platformUrl first",
            host_of(platform)
        );
        Err(OutOfBound::new("giveUrl", bound))
    }

    /// When the next report is due, given the newest one. While the project runs: one period after the newest, or after the start.
    /// After its end, once more: one period after the end, for all that was not told by then. `None`: everything is told.
    pub fn due_at(&self, reported_at: Option<Timestamp>) -> Option<Timestamp> {
        let every = DAY * self.disclose_every_days;
        let from = reported_at.map_or(self.started_at, |at| at.max(self.started_at));
        match self.ended_at {
            Some(end) if reported_at.is_some_and(|at| at >= end) => None,
            Some(end) if from + every > end => Some(end + every),
            Some(_) | None => Some(from + every),
        }
    }
}

impl ProgressReport {
    pub fn check(&self) -> Result<(), OutOfBound> {
        line("title", &self.title, 1..=100)?;
        bounded_text("text", &self.text, 1..=5_000)?;
        let is_hash =
            |hash: &str| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if self.document_sha256.as_deref().is_some_and(|hash| !is_hash(hash)) {
            return Err(OutOfBound::new("documentSha256", "64 lower-case hex digits of SHA-256"));
        }
        if !(1..=MILLIS_MAX).contains(&self.at.millis()) {
            return Err(OutOfBound::new("atMs", "Unix milliseconds after 0"));
        }
        Ok(())
    }
}

fn line(field: &'static str, text: &str, bound: std::ops::RangeInclusive<usize>) -> Result<(), OutOfBound> {
    if text.contains('\n') {
        return Err(OutOfBound::new(field, "one line"));
    }
    bounded_text(field, text, bound).map(|_trimmed| ())
}

/// A name before the host ("https://known.example@elsewhere.example/") would show people another host than they come to.
fn address(field: &'static str, address: Option<&str>) -> Result<(), OutOfBound> {
    let Some(address) = address else { return Ok(()) };
    let host = address.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = host.is_some_and(|host| {
        host.starts_with(|c: char| c.is_ascii_alphanumeric())
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'))
    });
    if host && address.len() <= ADDRESS_MAX && address.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(OutOfBound::new(field, format!("an https address of at most {ADDRESS_MAX} characters")))
}

/// Of a checked address, with its port unless that is the usual one.
fn host_of(address: &str) -> String {
    let host = address.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = host.unwrap_or_default().to_ascii_lowercase();
    host.strip_suffix(":443").map_or(host.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Currency;
    use proptest::prelude::*;

    fn project() -> Project {
        Project {
            id: "school-lunches".parse().unwrap(),
            charity: "53100000".into(),
            title: "山村小学午餐".into(),
            summary: String::new(),
            target: Some(Money::new(1, Currency::CNY)),
            place: String::new(),
            record_number: String::new(),
            give_url: Some("https://give.example:8443/p?id=7".into()),
            disclose_every_days: 90,
            started_at: Timestamp(1_800_000_000_000),
            ended_at: None,
            version: 1,
        }
    }

    fn refused(change: impl FnOnce(&mut Project)) -> String {
        let mut changed = project();
        change(&mut changed);
        changed.check().expect_err("must be refused").field.into_owned()
    }

    #[test]
    fn every_field_has_its_bound() {
        assert_eq!(project().check(), Ok(()));
        assert_eq!(refused(|it| it.charity = "531".into()), "charity");
        assert_eq!(refused(|it| it.title = "杏".repeat(101)), "title");
        assert_eq!(refused(|it| it.title = "two\nlines".into()), "title");
        assert_eq!(refused(|it| it.summary = "a".repeat(501)), "summary");
        assert_eq!(refused(|it| it.target = Some(Money::new(0, Currency::CNY))), "target");
        assert_eq!(refused(|it| it.place = "a".repeat(81)), "place");
        assert_eq!(refused(|it| it.record_number = "a".repeat(61)), "recordNumber");
        for days in [0, 367] {
            assert_eq!(refused(|it| it.disclose_every_days = days), "discloseEveryDays");
        }
        assert_eq!(refused(|it| it.started_at = Timestamp(0)), "startedAtMs");
        assert_eq!(refused(|it| it.ended_at = Some(it.started_at)), "endedAtMs");
        for url in [
            "http://give.example",
            "https://",
            "https://a@b.example/",
            "https://give.example/a b",
            "https://.x",
            "",
        ] {
            assert_eq!(refused(|it| it.give_url = Some(url.into())), "giveUrl", "{url}");
        }
        assert_eq!(refused(|it| it.give_url = Some(format!("https://a/{}", "b".repeat(300)))), "giveUrl");
    }

    #[test]
    fn gifts_are_given_on_the_charity_s_platform() {
        let given = |platform: Option<&str>, give: Option<&str>| {
            let charity = Charity {
                registration: "53100000".into(),
                name: "Hope".into(),
                qualification: String::new(),
                platform: String::new(),
                platform_url: platform.map(str::to_owned),
                version: 1,
            };
            let project = Project { give_url: give.map(str::to_owned), ..project() };
            project.gives_on_platform_of(&charity).map_err(|refused| refused.bound)
        };
        let platform = Some("https://give.example/of/hope");
        for fits in ["https://give.example", "https://GIVE.example:443/p?id=7", "https://give.example/#p"] {
            assert_eq!(given(platform, Some(fits)), Ok(()), "{fits}");
        }
        assert_eq!((given(platform, None), given(None, None)), (Ok(()), Ok(())));
        for other in ["https://give.example.evil/", "https://a.give.example/", "https://give.example:8443/"] {
            let bound = given(platform, Some(other)).unwrap_err();
            assert!(bound.starts_with("an address at give.example, "), "{other}: {bound}");
        }
        assert!(given(None, Some("https://give.example/")).unwrap_err().starts_with("left out until"));
    }

    #[test]
    fn ids_are_short_and_plain() {
        for id in ["a", "2027", &"a-1".repeat(21)] {
            assert_eq!(id.parse::<ProjectId>().map(|id| id.to_string()), Ok(id.into()));
        }
        for id in ["", "A", "a b", "杏", "a_b", "a/b", &"a".repeat(65)] {
            assert_eq!(id.parse::<ProjectId>().unwrap_err().field, "project", "{id}");
        }
    }

    /// Days after the start: the newest report, the end, and when the next report is due.
    #[test]
    fn the_clock_runs_from_the_newest_report_and_once_more_after_the_end() {
        for (reported, ended, due) in [
            (None, None, Some(90)),
            (Some(-5), None, Some(90)),
            (Some(80), None, Some(170)),
            // It was due while the project ran, and still is.
            (None, Some(100), Some(90)),
            (None, Some(60), Some(150)),
            (Some(80), Some(100), Some(190)),
            (Some(100), Some(100), None),
            (Some(150), Some(100), None),
        ] {
            let at = |days: i64| Timestamp(project().started_at.millis() + days * 86_400_000);
            let project = Project { ended_at: ended.map(at), ..project() };
            assert_eq!(project.due_at(reported.map(at)), due.map(at), "{reported:?} {ended:?}");
        }
    }

    proptest! {
        /// Telling more never makes anything due earlier, a report moves the clock on, and after the end there is an end to it.
        #[test]
        fn reports_only_move_the_clock_on(
            every in 1..=366_u32, ran_ms in 1..100_000_000_000_i64, ends in any::<bool>(),
            told in prop::collection::vec(-1_000_000_000..200_000_000_000_i64, 0..6),
        ) {
            let start = project().started_at;
            let ended_at = ends.then(|| Timestamp(start.millis() + ran_ms));
            let project = Project { disclose_every_days: every, ended_at, ..project() };
            let period = DAY * every;
            let (mut newest, mut due) = (None, project.due_at(None));
            prop_assert!(due.is_some_and(|due| due > start));
            for at in told.into_iter().map(|after| Timestamp(start.millis() + after)) {
                newest = newest.max(Some(at));
                let next = project.due_at(newest);
                // Nothing due is later than any time.
                prop_assert!(next.is_none() || (due.is_some() && next >= due));
                if let (Some(next), Some(end)) = (next, ended_at) {
                    prop_assert!(next <= end + period);
                    prop_assert!(newest < Some(end));
                }
                if let (Some(next), None) = (next, ended_at) {
                    prop_assert!(newest.is_none_or(|at| next >= at + period || at < start));
                }
                due = next;
            }
            // Somebody who tells whenever it is due comes to the end.
            if let Some(end) = ended_at {
                let mut told = 0;
                while let Some(at) = project.due_at(newest) {
                    newest = newest.max(Some(at));
                    told += 1;
                    prop_assert!(told <= 1 + ran_ms / (i64::from(every) * 86_400_000) + 1);
                }
                prop_assert!(newest >= Some(end));
            }
        }
    }
}
