//! The registry: versions, search in two languages, the disclosure clock.

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::model::{Charity, ProgressReport, Project, ProjectId};

laws! {
    registered_version_follows_the_one_before_or_is_refused,
    project_has_a_charity_and_keeps_it,
    search_finds_alike,
    hostile_queries_find_nothing,
    renamed_charity_is_found_with_its_projects,
    lists_go_on_where_the_page_before_ended,
    reports_move_the_clock_and_are_final,
    clock_of_the_record_is_the_clock_of_the_model,
    pledges_are_found_by_the_project_that_they_name,
    many_are_registered_at_once,
}

const DAY: Duration = Duration::from_secs(86_400);

fn charity(number: u32, name: &str) -> Charity {
    Charity {
        registration: format!("5310{number:04}X"),
        name: name.into(),
        qualification: "公开募捐资格".into(),
        platform: "A platform".into(),
        platform_url: Some("https://platform.example/".into()),
        version: 1,
    }
}

fn project(id: &str, charity: &Charity, title: &str, place: &str) -> Project {
    Project {
        id: id.parse().unwrap(),
        charity: charity.registration.clone(),
        title: title.into(),
        summary: "One hot meal\na day".into(),
        target: Some(cny(5_000_000)),
        place: place.into(),
        record_number: "53100000A001".into(),
        give_url: Some("https://platform.example/give?id=7".into()),
        disclose_every_days: 90,
        started_at: NOW,
        ended_at: None,
        version: 1,
    }
}

fn report(n: u128, project: &Project, at: Timestamp) -> ProgressReport {
    ProgressReport {
        id: Uuid::from_u128(n),
        project: project.id.clone(),
        at,
        title: "第一季度".into(),
        text: "300 \"meals\"\nwere cooked".into(),
        document_sha256: Some("ab".repeat(32)),
    }
}

fn of_charity(charity: &Charity) -> Write {
    Write::Charity(Box::new(charity.clone()))
}

fn of_project(project: &Project) -> Write {
    Write::Project(Box::new(project.clone()))
}

fn of_report(report: &ProgressReport) -> Write {
    Write::ProgressReport(Box::new(report.clone()))
}

fn page(limit: u32) -> Page {
    Page { after: None, limit }
}

/// Ids of projects, in the order of the list, read two at a time.
async fn found(desk: &Desk, query: &str) -> Vec<String> {
    let search = Search::parse(query).unwrap();
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let asked = Page { after, limit: 2 };
        let Listing { items, next } = desk.journal.projects(search.as_ref(), None, asked).await.unwrap();
        ids.extend(items.into_iter().map(|of| of.project.id.to_string()));
        after = next;
        if after.is_none() {
            return ids;
        }
    }
}

async fn charities_found(desk: &Desk, query: &str) -> Vec<String> {
    let search = Search::parse(query).unwrap();
    let listing = desk.journal.charities(search.as_ref(), page(100)).await.unwrap();
    listing.items.into_iter().map(|charity| charity.registration).collect()
}

async fn library(on: Engine) -> (Desk, [Charity; 3]) {
    let desk = Desk::new(on).await;
    let charities =
        [charity(1, "山村儿童基金会"), charity(2, "Example Foundation"), charity(3, "山里杏花基金")];
    let [children, example, blossom] = &charities;
    let projects = [
        project("school-lunches", children, "山村小学午餐", "新疆 轮台"),
        project("village-library", example, "Village school library", "Luntai, Xinjiang"),
        project("hill-2027", example, "Apricot trees for the hill, 2027", "轮台·Luntai"),
        project("reading", blossom, "山村阅读计划 Reading", "Gansu 礼县"),
        project("school", blossom, "午餐 Schools", ""),
        project("sunny", children, "🌞", "É"),
    ];
    let mut entry: Entry = charities.iter().map(of_charity).collect();
    entry.extend(projects.iter().map(of_project));
    assert_eq!(desk.commit(entry).await, Ok(()));
    (desk, charities)
}

async fn search_finds_alike(on: Engine) {
    let (desk, [children, example, _]) = library(on).await;
    for (query, expected) in [
        ("", &["hill-2027", "reading", "school", "school-lunches", "sunny", "village-library"][..]),
        // A run of ideographs is a phrase; whose title has it stands first.
        ("山村", &["reading", "school-lunches", "sunny"]),
        ("小学午餐", &["school-lunches"]),
        ("午餐小学", &[]),
        ("午餐 小学", &["school-lunches"]),
        ("餐", &["school", "school-lunches"]),
        // Not over the end of a title, nor from the place into the name.
        ("午餐新疆", &[]),
        ("轮台山", &[]),
        ("礼县reading", &["reading"]),
        // Words by their begin, in any case and width; title before id and place.
        ("school", &["school", "village-library", "school-lunches"]),
        ("SCHO", &["school", "village-library", "school-lunches"]),
        ("ｓｃｈｏｏｌ ｌｕｎｃ", &["school-lunches"]),
        ("chool", &[]),
        ("school-lunches", &["school-lunches"]),
        ("luntai", &["hill-2027", "village-library"]),
        ("轮台", &["hill-2027", "school-lunches"]),
        ("202", &["hill-2027"]),
        ("hill 轮台 fou", &["hill-2027"]),
        ("é", &["sunny"]),
        // Of the charity: its name, its number.
        ("example foundation", &["hill-2027", "village-library"]),
        ("53100001x", &["school-lunches", "sunny"]),
        ("5310", &["hill-2027", "reading", "school", "school-lunches", "sunny", "village-library"]),
    ] {
        assert_eq!(found(&desk, query).await, expected, "{query}");
    }
    assert_eq!(charities_found(&desk, "基金会").await, [children.registration.as_str()]);
    assert_eq!(charities_found(&desk, "exam").await, [example.registration.as_str()]);
    assert_eq!(charities_found(&desk, "53100002").await, [example.registration.as_str()]);
    assert_eq!(charities_found(&desk, "山").await.len(), 2);
    assert_eq!(charities_found(&desk, "").await.len(), 3);
}

async fn hostile_queries_find_nothing(on: Engine) {
    let (desk, _) = library(on).await;
    for query in [
        "\"",
        "'",
        "a'b\"c",
        "') OR 1=1 --",
        "NOT \" ",
        "* *",
        "title:",
        "{title}: x",
        "^sch ^b",
        "NEAR(a b)",
        "a AND",
        "((((",
        "!!&&||",
        "<-> :*B",
        "\\",
        "%",
        "?1 $1",
        "\0",
        "a\0b",
        "🌞🌞",
        "\u{202e}abc",
        "x w",
        "wschool",
        "z005c71",
        "AND OR NOT NEAR",
    ] {
        assert_eq!(found(&desk, query).await, [""; 0], "{query:?}");
        assert_eq!(charities_found(&desk, query).await, [""; 0], "{query:?}");
    }
    assert!(Search::parse(&"a\" ".repeat(3_334)).is_err());
    let longest = "z\u{10ffff}é杏 ".repeat(20);
    assert_eq!(found(&desk, &longest).await, [""; 0]);
}

async fn registered_version_follows_the_one_before_or_is_refused(on: Engine) {
    let desk = Desk::new(on).await;
    let first = charity(1, "A foundation");
    let lunches = project("lunches", &first, "Lunches", "");
    let next = Charity { version: 2, platform_url: None, ..first.clone() };
    let ended =
        Project { version: 2, ended_at: Some(NOW + DAY), target: None, give_url: None, ..lunches.clone() };
    assert_eq!(desk.commit(vec![of_charity(&next)]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![of_charity(&first)]).await, Ok(()));
    assert_eq!(desk.commit(vec![of_charity(&first)]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![of_project(&ended)]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![of_project(&lunches)]).await, Ok(()));
    assert_eq!(desk.commit(vec![of_project(&lunches)]).await, Err(StoreError::Exists));
    assert_eq!(desk.journal.project(&lunches.id).await, Ok(Some((lunches.clone(), first.clone()))));
    for answer in [Ok(()), Err(StoreError::Stale)] {
        assert_eq!(desk.commit(vec![of_charity(&next), of_project(&ended)]).await, answer);
        assert_eq!(desk.journal.project(&lunches.id).await, Ok(Some((ended.clone(), next.clone()))));
    }
    assert_eq!(desk.commit(vec![of_charity(&next)]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![of_project(&ended)]).await, Err(StoreError::Stale));
    assert_eq!(desk.journal.charity(&first.registration).await, Ok(Some(next.clone())));
    assert_eq!(desk.journal.charity("53109999X").await, Ok(None));
    assert_eq!(desk.journal.project(&"nobody".parse().unwrap()).await, Ok(None));
    let named = desk.journal.charities_named(vec!["53109999X".into(), first.registration.clone()]).await;
    assert_eq!(named, Ok(vec![next]));
    let named = desk.journal.projects_named(&["nobody".parse().unwrap(), lunches.id.clone()]).await;
    assert_eq!(named, Ok(vec![ended]));
    assert_eq!(desk.journal.projects_named(&[]).await, Ok(Vec::new()));
}

async fn project_has_a_charity_and_keeps_it(on: Engine) {
    let desk = Desk::new(on).await;
    let [first, second] = [charity(1, "A foundation"), charity(2, "B foundation")];
    let lunches = project("lunches", &first, "Lunches", "");
    assert!(is_rule(&desk.commit(vec![of_project(&lunches)]).await));
    let both = vec![of_charity(&first), of_charity(&second), of_project(&lunches)];
    assert_eq!(desk.commit(both).await, Ok(()));
    let moved = Project { charity: second.registration.clone(), version: 2, ..lunches.clone() };
    assert_eq!(desk.commit(vec![of_project(&moved)]).await, Err(StoreError::Stale));
    assert_eq!(desk.journal.project(&lunches.id).await, Ok(Some((lunches.clone(), first.clone()))));
    let of = async |charity: &Charity| {
        let listing = desk.journal.projects(None, Some(&charity.registration), page(9)).await.unwrap();
        listing.items.into_iter().map(|of| of.project).collect::<Vec<_>>()
    };
    assert_eq!((of(&first).await, of(&second).await), (vec![lunches], vec![]));
}

async fn renamed_charity_is_found_with_its_projects(on: Engine) {
    let (desk, [children, ..]) = library(on).await;
    let renamed = Charity { name: "朝阳 Sunrise Trust".into(), version: 2, ..children.clone() };
    desk.commit(vec![of_charity(&renamed)]).await.unwrap();
    assert_eq!(found(&desk, "sunrise").await, ["school-lunches", "sunny"]);
    assert_eq!(found(&desk, "山村儿童").await, [""; 0]);
    assert_eq!(found(&desk, "朝阳 午餐").await, ["school-lunches"]);
    assert_eq!(charities_found(&desk, "儿童").await, [""; 0]);
    // What changes nothing in the words leaves them; a project that comes or changes later has the new name.
    let elsewhere = Charity { platform: "Another".into(), version: 3, ..renamed.clone() };
    let (lunches, _) = desk.journal.project(&"school-lunches".parse().unwrap()).await.unwrap().unwrap();
    let dinner = Project { title: "晚餐 dinner".into(), version: 2, ..lunches };
    let later = project("later", &renamed, "Later", "");
    let entries = vec![vec![of_charity(&elsewhere)], vec![of_project(&dinner), of_project(&later)]];
    assert_eq!(desk.commit_at_once(entries).await, [Ok(()), Ok(())]);
    assert_eq!(found(&desk, "sunrise").await, ["later", "school-lunches", "sunny"]);
    assert_eq!(found(&desk, "朝阳 dinner").await, ["school-lunches"]);
    assert_eq!(found(&desk, "小学").await, [""; 0]);
    assert_eq!(desk.record.snapshot().await.damages().await, Ok(Vec::new()));
}

async fn lists_go_on_where_the_page_before_ended(on: Engine) {
    let desk = Desk::new(on).await;
    let charities: Vec<Charity> = (0..25).map(|n| charity(n, "Meals")).collect();
    let mut entry: Entry = charities.iter().map(of_charity).collect();
    let title = |n: usize| if n.is_multiple_of(2) { "Meals" } else { "Books" };
    entry.extend((0..25).map(|n| of_project(&project(&format!("p-{n}"), &charities[n], title(n), ""))));
    desk.commit(entry).await.unwrap();
    let mut even: Vec<String> = (0..25).filter(|n| n % 2 == 0).map(|n| format!("p-{n}")).collect();
    let mut odd: Vec<String> = (0..25).filter(|n| n % 2 == 1).map(|n| format!("p-{n}")).collect();
    even.sort();
    odd.sort();
    assert_eq!(found(&desk, "meals").await, [even.clone(), odd.clone()].concat());
    let mut all = [even, odd].concat();
    all.sort();
    assert_eq!(found(&desk, "").await, all);
    for search in [None, Search::parse("meals").unwrap()] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let listing = desk.journal.charities(search.as_ref(), Page { after, limit: 7 }).await.unwrap();
            seen.extend(listing.items);
            after = listing.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, charities);
    }
    // A cursor that is not one of ours starts at the top.
    let stranger = Page { after: Some("nonsense".into()), limit: 1 };
    let listing = desk.journal.projects(None, None, stranger).await.unwrap();
    assert_eq!(listing.items[0].project.id.as_str(), "p-0");
}

async fn reports_move_the_clock_and_are_final(on: Engine) {
    let desk = Desk::new(on).await;
    let first = charity(1, "A foundation");
    let lunches = project("lunches", &first, "Lunches", "");
    let books = Project { disclose_every_days: 30, ..project("books", &first, "Books", "") };
    desk.commit(vec![of_charity(&first), of_project(&lunches), of_project(&books)]).await.unwrap();
    let due = async |until: Timestamp| {
        let (first, count) = desk.journal.disclosures_due(until, 1).await.unwrap();
        (first.into_iter().map(|(id, at)| (id.to_string(), at)).collect::<Vec<_>>(), count)
    };
    assert_eq!(due(NOW + DAY * 30 - Duration::from_millis(1)).await, (vec![], 0));
    assert_eq!(due(NOW + DAY * 90).await, (vec![("books".into(), NOW + DAY * 30)], 2));
    let told = [5, 40, 20].map(|day| report(day.into(), &books, NOW + DAY * day));
    for report in &told {
        assert_eq!(desk.commit(vec![of_report(report)]).await, Ok(()));
    }
    assert_eq!(desk.commit(vec![of_report(&told[0])]).await, Err(StoreError::Exists));
    assert!(is_rule(
        &desk.commit(vec![of_report(&report(9, &project("nobody", &first, "x", ""), NOW))]).await
    ));
    assert_eq!(due(NOW + DAY * 70).await, (vec![("books".into(), NOW + DAY * 70)], 1));
    let registered = desk.journal.registered(&books.id).await.unwrap().unwrap();
    assert_eq!(registered.reported_at, Some(NOW + DAY * 40));
    assert_eq!(registered.due_at(), Some(NOW + DAY * 70));
    let newest = desk.journal.reports(&books.id, page(2)).await.unwrap();
    assert_eq!(newest.items, [told[1].clone(), told[2].clone()]);
    let rest = desk.journal.reports(&books.id, Page { after: newest.next, limit: 2 }).await.unwrap();
    assert_eq!((rest.items, rest.next), (vec![told[0].clone()], None));
    assert_eq!(desk.journal.reports(&lunches.id, page(2)).await.unwrap().items, []);
    assert_eq!(desk.journal.report(told[1].id).await, Ok(Some(told[1].clone())));
    assert_eq!(desk.journal.report(Uuid::from_u128(9)).await, Ok(None));
    for edit in ["UPDATE reports SET at = 1", "DELETE FROM reports"] {
        assert!(desk.record.by_hand(edit).unwrap_err().contains("a report is final"), "{edit}");
    }
}

async fn clock_of_the_record_is_the_clock_of_the_model(on: Engine) {
    let desk = Desk::new(on).await;
    let first = charity(1, "A foundation");
    desk.commit(vec![of_charity(&first)]).await.unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let days = |range: std::ops::Range<i64>| proptest::option::of(range);
    let drafts = proptest::collection::vec((1..=366_u32, days(1..800), days(-10..900), 0..3_i64), 150);
    let drafts = drafts.new_tree(&mut runner).unwrap().current();
    let at = |days: i64, more: i64| Timestamp(NOW.millis() + days * 86_400_000 + more);
    let mut entry = Vec::new();
    for (n, (every, ended, reported, more)) in drafts.into_iter().enumerate() {
        let project = Project {
            disclose_every_days: every,
            ended_at: ended.map(|days| at(days, more)),
            ..project(&format!("p-{n}"), &first, "Lunches", "")
        };
        entry.push(of_project(&project));
        entry.extend(reported.map(|days| of_report(&report(n as u128 + 1, &project, at(days, 1)))));
    }
    desk.commit(entry).await.unwrap();
    let all = desk.journal.projects(None, None, page(1_000)).await.unwrap().items;
    let mut expected: Vec<(Timestamp, ProjectId)> =
        all.iter().filter_map(|of| Some((of.due_at()?, of.project.id.clone()))).collect();
    expected.sort();
    let (due, count) = desk.journal.disclosures_due(Timestamp(i64::MAX), 1_000).await.unwrap();
    assert_eq!(due.into_iter().map(|(id, at)| (at, id)).collect::<Vec<_>>(), expected);
    assert_eq!(count, expected.len() as u64);
    assert!((50..150).contains(&expected.len()), "{}", expected.len());
}

/// In their newest version; of a pledge with several parts, through each of them.
async fn pledges_are_found_by_the_project_that_they_name(on: Engine) {
    let desk = Desk::new(on).await;
    let lunches: ProjectId = "lunches".parse().unwrap();
    let giving = |n: u128, version: u32, projects: &[&str]| {
        let part = |project: &&str| PledgePart { project: (*project).into(), ..pledge(1).parts[0].clone() };
        let parts = projects.iter().map(part).collect();
        Pledge { id: PledgeId(Uuid::from_u128(n)), parts, ..pledge(version) }
    };
    let [one, both, newest] =
        [giving(1, 1, &["lunches"]), giving(2, 1, &["books", "lunches"]), giving(4, 2, &["lunches"])];
    let all = [
        one.clone(),
        both.clone(),
        giving(3, 1, &["Lunches"]),
        giving(4, 1, &["lunches"]),
        newest.clone(),
        giving(5, 1, &["books"]),
    ];
    for pledge in all {
        desk.commit(vec![Write::Pledge(pledge)]).await.unwrap();
    }
    assert_eq!(desk.journal.pledges_giving_to(&lunches).await, Ok(vec![newest, both, one]));
}

async fn many_are_registered_at_once(on: Engine) {
    let desk = Desk::new(on).await;
    let charities: Vec<Charity> = (0..50).map(|n| charity(n, &format!("基金会 {n}"))).collect();
    let of = |n: usize| project(&format!("p-{n:05}"), &charities[n % 50], &format!("山村 {n}"), "轮台");
    desk.commit(charities.iter().map(of_charity).collect()).await.unwrap();
    let entries = (0..4).map(|part| (0..500).map(|n| of_project(&of(part * 500 + n))).collect()).collect();
    assert_eq!(desk.commit_at_once(entries).await, [Ok(()), Ok(()), Ok(()), Ok(())]);
    // One that is there already takes its whole entry back.
    let again = (1_999..2_100).map(|n| of_project(&of(n))).collect();
    assert_eq!(desk.commit(again).await, Err(StoreError::Exists));
    assert_eq!(desk.count("SELECT count(*) FROM projects").await, 2_000);
    assert_eq!(found(&desk, "山村 1234").await, ["p-01234"]);
    let of_seven = desk.journal.projects(None, Some(&charities[7].registration), page(100)).await.unwrap();
    assert_eq!(of_seven.items.len(), 40);
    let search = Search::parse("基金会 7 轮台").unwrap();
    let both =
        desk.journal.projects(search.as_ref(), Some(&charities[7].registration), page(100)).await.unwrap();
    assert_eq!(both.items, of_seven.items);
}
