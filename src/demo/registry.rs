//! Charities and projects of the demo. They are made up, and say so.

use std::time::Duration;

use super::stalls::{HILL, STALLS, VALLEY};
use crate::app::Running;
use crate::clock::Clock;
use crate::ledger::{LedgerRefused, Registering};
use crate::model::{Charity, Currency, Money, ProgressReport, Project, Subject, Timestamp};

struct Planned {
    id: &'static str,
    charity: &'static str,
    title: &'static str,
    summary: &'static str,
    place: &'static str,
    target_minor: i64,
    started_days_ago: u32,
    /// Days ago, title, text.
    reports: &'static [(u32, &'static str, &'static str)],
}

const PROJECTS: [Planned; 6] = [
    Planned {
        id: VALLEY.project_id,
        charity: VALLEY.charity_registration,
        title: VALLEY.project,
        summary: "给轮台三所山村小学的 214 名孩子每个上学日一顿热午餐。示例项目，不接受捐赠。",
        place: "新疆 轮台",
        target_minor: 50_000_000,
        started_days_ago: 150,
        reports: &[
            (95, "第一份进展：厨房建好了", "三间厨房完工，添置灶具 6 套，培训厨师 9 人。首月供餐 4,280 份。"),
            (
                12,
                "第二份进展：一学期的午餐",
                "本学期共供餐 16,905 份，平均每份成本 6.8 元。食材采购清单附在公示文件里。",
            ),
        ],
    },
    Planned {
        id: HILL.project_id,
        charity: HILL.charity_registration,
        title: HILL.project,
        summary: "A hot lunch on every school day for 214 children in three village schools. An example; it takes no gifts.",
        place: "Luntai, Xinjiang",
        target_minor: 50_000_000,
        started_days_ago: 150,
        reports: &[
            (
                95,
                "First report: the kitchens are built",
                "Three kitchens, six stoves, nine cooks trained. 4,280 lunches in the first month.",
            ),
            (
                12,
                "Second report: a term of lunches",
                "16,905 lunches this term at 6.80 yuan each. The list of what was bought is in the published file.",
            ),
        ],
    },
    Planned {
        id: "reading-corner",
        charity: VALLEY.charity_registration,
        title: "山村阅读角（示例）",
        summary: "给每个教学点 300 册书和一个书架。示例项目。",
        place: "甘肃 礼县",
        target_minor: 12_000_000,
        started_days_ago: 70,
        reports: &[],
    },
    Planned {
        id: "clean-water",
        charity: VALLEY.charity_registration,
        title: "校园净水（示例）",
        summary: "给没有自来水的学校装净水机，换三年滤芯。示例项目。",
        place: "云南 会泽",
        target_minor: 30_000_000,
        started_days_ago: 40,
        reports: &[(5, "进展：八所学校的水质检测", "八所学校取样送检，五所需要加装净水机。检测报告附后。")],
    },
    Planned {
        id: "orchard-school",
        charity: HILL.charity_registration,
        title: "Orchard school for young farmers (example)",
        summary: "A winter course on pruning and bookkeeping for forty young farmers. An example.",
        place: "Luntai, Xinjiang",
        target_minor: 8_000_000,
        started_days_ago: 60,
        reports: &[(
            20,
            "Forty places are taken",
            "62 applied, 40 were drawn. Lessons begin after the walnut harvest.",
        )],
    },
    Planned {
        id: "winter-coats",
        charity: HILL.charity_registration,
        title: "Winter coats (example)",
        summary: "A coat for every boarding pupil who has none. An example.",
        place: "Huize, Yunnan",
        target_minor: 15_000_000,
        started_days_ago: 30,
        reports: &[],
    },
];

/// What is there already stays as it is.
pub async fn register(running: &Running, clock: &Clock) -> Result<(), LedgerRefused> {
    let (ledger, now) = (running.sales.ledger(), clock.now());
    let actor: Subject = "ops".parse()?;
    let by = || Registering { made_from: 0, once: None, actor: &actor, now };
    for stall in STALLS {
        let charity = Charity {
            registration: stall.charity_registration.into(),
            name: stall.charity_name.into(),
            qualification: stall.charity_qualification.into(),
            platform: stall.charity_platform.into(),
            platform_url: Some("https://giving.example/".into()),
            version: 1,
        };
        if ledger.journal().charity(&charity.registration).await?.is_none() {
            ledger.put_charity(charity, by()).await?;
        }
    }
    for planned in &PROJECTS {
        let project = planned.project(now)?;
        if ledger.journal().project(&project.id).await?.is_some() {
            continue;
        }
        let id = project.id.clone();
        ledger.put_project(project, by()).await?;
        for (days_ago, title, text) in planned.reports {
            let report = ProgressReport {
                id: clock.new_id(),
                project: id.clone(),
                at: days_before(now, *days_ago),
                title: (*title).into(),
                text: (*text).into(),
                document_sha256: None,
            };
            ledger.add_report(report, None, &actor).await?;
        }
    }
    Ok(())
}

impl Planned {
    fn project(&self, now: Timestamp) -> Result<Project, LedgerRefused> {
        Ok(Project {
            id: self.id.parse()?,
            charity: self.charity.into(),
            title: self.title.into(),
            summary: self.summary.into(),
            target: Some(Money::new(self.target_minor, Currency::CNY)),
            place: self.place.into(),
            record_number: format!("DEMO-{}", self.id),
            give_url: Some(format!("https://giving.example/projects/{}", self.id)),
            disclose_every_days: 90,
            started_at: days_before(now, self.started_days_ago),
            ended_at: None,
            version: 1,
        })
    }
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now - Duration::from_secs(24 * 60 * 60) * days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_are_within_bounds_and_none_is_due_soon() {
        let now = Timestamp(1_800_000_000_000);
        for planned in &PROJECTS {
            let project = planned.project(now).unwrap();
            assert_eq!(project.check(), Ok(()), "{}", planned.id);
            let newest = planned.reports.iter().map(|(days, ..)| days_before(now, *days)).max();
            let due = project.due_at(newest).unwrap();
            // Ops are warned seven days before; a demo begins without alerts.
            assert!(due > now + Duration::from_secs(7 * 86_400), "{} is due soon", planned.id);
        }
    }
}
