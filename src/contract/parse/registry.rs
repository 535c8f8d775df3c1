//! What ops register, checked.

use apricot_proto::v1;
use uuid::Uuid;

use super::{money, time};
use crate::model::registry::DISCLOSE_EVERY_DAYS;
use crate::model::{Charity, OutOfBound, ProgressReport, Project, ProjectId, Timestamp, bounded_text};

/// The version is counted by the ledger.
pub fn charity(message: &v1::PutCharity, registration: &str) -> Result<Charity, OutOfBound> {
    let charity = Charity {
        registration: bounded_text("registration", registration, 4..=40)?,
        name: bounded_text("name", &message.name, 1..=100)?,
        qualification: bounded_text("qualification", &message.qualification, 0..=100)?,
        platform: bounded_text("platform", &message.platform, 0..=100)?,
        platform_url: given(&message.platform_url),
        version: 1,
    };
    charity.check()?;
    Ok(charity)
}

/// `started_at`: when the message does not say. The version is counted by the ledger.
pub fn project(
    message: &v1::PutProject,
    id: ProjectId,
    started_at: Timestamp,
) -> Result<Project, OutOfBound> {
    let project = Project {
        id,
        charity: bounded_text("charity", &message.charity, 4..=40)?,
        title: bounded_text("title", &message.title, 1..=100)?,
        summary: bounded_text("summary", &message.summary, 0..=500)?,
        target: message.target.as_ref().map(|target| money("target", Some(target))).transpose()?,
        place: bounded_text("place", &message.place, 0..=80)?,
        record_number: bounded_text("recordNumber", &message.record_number, 0..=60)?,
        give_url: given(&message.give_url),
        disclose_every_days: match message.disclose_every_days {
            0 => DISCLOSE_EVERY_DAYS,
            days => days,
        },
        started_at: time("startedAtMs", message.started_at_ms)?.unwrap_or(started_at),
        ended_at: time("endedAtMs", message.ended_at_ms)?,
        version: 1,
    };
    project.check()?;
    Ok(project)
}

pub fn report(
    message: &v1::CreateReport,
    id: Uuid,
    project: ProjectId,
    at: Timestamp,
) -> Result<ProgressReport, OutOfBound> {
    let report = ProgressReport {
        id,
        project,
        at,
        title: bounded_text("title", &message.title, 1..=100)?,
        text: bounded_text("text", &message.text, 1..=5_000)?,
        document_sha256: given(&message.document_sha256).map(|hash| hash.to_ascii_lowercase()),
    };
    report.check()?;
    Ok(report)
}

fn given(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn what_is_registered_survives_the_way_out_and_in() {
        let sent = v1::PutCharity {
            name: " 示例基金会 ".into(),
            platform_url: "https://platform.example/".into(),
            ..v1::PutCharity::default()
        };
        let parsed = charity(&sent, "53100000X").unwrap();
        assert_eq!((parsed.name.as_str(), parsed.registration.as_str()), ("示例基金会", "53100000X"));
        let v1::Charity { name, qualification, platform, platform_url, .. } =
            contract::registry::charity(&parsed);
        let again = v1::PutCharity { name, qualification, platform, platform_url, version: 0 };
        assert_eq!(charity(&again, "53100000X"), Ok(parsed));

        let sent =
            v1::PutProject { charity: "53100000X".into(), title: "Lunches".into(), ..Default::default() };
        let parsed = project(&sent, "lunches".parse().unwrap(), NOW).unwrap();
        assert_eq!((parsed.disclose_every_days, parsed.started_at), (90, NOW));
        assert_eq!((&parsed.target, &parsed.give_url), (&None, &None));
    }

    #[test]
    fn a_refusal_names_the_field_as_the_contract_spells_it() {
        let field = |change: fn(&mut v1::PutProject)| {
            let mut sent =
                v1::PutProject { charity: "53100000X".into(), title: "Lunches".into(), ..Default::default() };
            change(&mut sent);
            project(&sent, "lunches".parse().unwrap(), NOW).unwrap_err().field
        };
        assert_eq!(field(|sent| sent.charity.clear()), "charity");
        assert_eq!(field(|sent| sent.target = Some(v1::Money::default())), "target");
        assert_eq!(field(|sent| sent.give_url = "http://give.example".into()), "giveUrl");
        assert_eq!(field(|sent| sent.disclose_every_days = 367), "discloseEveryDays");
        assert_eq!(field(|sent| sent.started_at_ms = -1), "startedAtMs");
        assert_eq!(field(|sent| sent.ended_at_ms = NOW.millis()), "endedAtMs");
        let told = v1::CreateReport { title: "Q1".into(), text: "told".into(), document_sha256: "AB".into() };
        let refused = report(&told, Uuid::nil(), "lunches".parse().unwrap(), NOW).unwrap_err();
        assert_eq!(refused.field, "documentSha256");
    }
}
