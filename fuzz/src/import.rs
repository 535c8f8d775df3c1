//! Spreadsheets: of products, of charities, of projects.

use apricot::cli::import::registry::{charities, projects};
use apricot::cli::import::table::Lines;
use apricot::cli::import::{Wrong, products};
use apricot::model::{Charity, Product, Project, Subject};

const COLUMNS: [&str; 9] =
    ["sku", "title", "unit", "price", "currency", "on_hand", "origin", "category", "image_url"];
const OF_CHARITIES: [&str; 5] = ["registration", "name", "qualification", "platform", "platform_url"];
const OF_PROJECTS: [&str; 12] = [
    "id",
    "charity",
    "title",
    "summary",
    "target",
    "currency",
    "place",
    "record_number",
    "give_url",
    "disclose_every_days",
    "started_on",
    "ended_on",
];

pub fn import(data: &[u8]) {
    let host: Subject = "li".parse().expect("a subject");
    let without = |(right, wrong): Lines<_>| (right.into_iter().map(|(_, thing)| thing).collect(), wrong);
    check(data, &COLUMNS, |data| products(data, &host), product);
    check(data, &OF_CHARITIES, |data| charities(data).map(without), charity);
    let without = |(right, wrong): Lines<_>| (right.into_iter().map(|(_, thing)| thing).collect(), wrong);
    check(data, &OF_PROJECTS, |data| projects(data).map(without), project);
}

/// What is right comes back as it was written; what is wrong is told in a line that names its column.
fn check<T: PartialEq + std::fmt::Debug>(
    data: &[u8],
    columns: &[&str],
    read: impl Fn(&[u8]) -> Result<(Vec<T>, Vec<Wrong>), String>,
    row: impl Fn(&T) -> Vec<String>,
) {
    match read(data) {
        Err(reason) => one_line(&reason),
        Ok((right, wrong)) => {
            for Wrong { line, reason } in wrong {
                assert!(line > 0, "{reason}");
                one_line(&reason);
                let named = reason.split(' ').next().is_some_and(|name| columns.contains(&name));
                assert!(named || reason.starts_with("line ") || reason.starts_with("CSV "), "{reason}");
            }
            let mut table = csv::Writer::from_writer(Vec::new());
            table.write_record(columns).expect("memory");
            for thing in &right {
                table.write_record(row(thing)).expect("memory");
            }
            let (again, wrong) = read(&table.into_inner().expect("memory")).expect("a table");
            assert!(wrong.is_empty(), "{wrong:?}");
            assert_eq!(again, right);
        }
    }
}

fn one_line(reason: &str) {
    assert!((10..400).contains(&reason.chars().count()), "{reason:?}");
    assert!(!reason.chars().any(char::is_control), "{reason:?}");
}

fn amount(money: apricot::model::Money) -> String {
    money.to_string().split(' ').next().expect("a number").to_owned()
}

fn product(product: &Product) -> Vec<String> {
    vec![
        product.sku.to_string(),
        product.title.clone(),
        product.unit.clone(),
        amount(product.price),
        product.price.currency.as_str().to_owned(),
        product.on_hand.to_string(),
        product.origin.clone(),
        product.category.clone(),
        product.image_url.clone(),
    ]
}

fn charity(charity: &Charity) -> Vec<String> {
    vec![
        charity.registration.clone(),
        charity.name.clone(),
        charity.qualification.clone(),
        charity.platform.clone(),
        charity.platform_url.clone().unwrap_or_default(),
    ]
}

fn project(project: &Project) -> Vec<String> {
    vec![
        project.id.to_string(),
        project.charity.clone(),
        project.title.clone(),
        project.summary.clone(),
        project.target.map(amount).unwrap_or_default(),
        project.target.map(|target| target.currency.as_str().to_owned()).unwrap_or_default(),
        project.place.clone(),
        project.record_number.clone(),
        project.give_url.clone().unwrap_or_default(),
        project.disclose_every_days.to_string(),
        project.started_at.date(),
        project.ended_at.map(|at| at.date()).unwrap_or_default(),
    ]
}
