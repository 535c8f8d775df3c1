//! The registry: charities and their projects for everybody, changed by ops. The ledger decides; this decodes and encodes.

use apricot_proto::v1;
use apricot_tlog::leaf::Scope;
use axum::extract::Query;
use axum::http::header;
use serde::Deserialize;

use super::answer::Svg;
use super::receipts::unreadable;
use super::{Asks, Call, Made, MadeOrFound, Refused, charity, page, qr};
use crate::contract::{self, parse};
use crate::ledger::Registering;
use crate::model::{Charity, OutOfBound, Project, ProjectId, Timestamp};
use crate::store::journal::{Giver, Page, Registered, Search};
use crate::wire::problem::not_found;

/// On a project's page; the rest are counted, or in their own list.
const TRANSFERS_SHOWN: usize = 100;
const PLEDGES_SHOWN: usize = 100;
const REPORTS_SHOWN: u32 = 20;

const Q: Asks = Asks {
    name: "q",
    kind: "string",
    what: "Words that must all be there, each by its begin; Chinese as phrases. At most 100 characters.",
};
pub const SEARCHED: &[Asks] = &[Q];
pub const SEARCHED_OF_CHARITY: &[Asks] =
    &[Q, Asks { name: "charity", kind: "string", what: "Registration number: of this charity alone." }];
pub const QR: &[Asks] = &[
    Asks {
        name: "source",
        kind: "string",
        what: "What the link says it came from: 1..=32 of a-z, 0-9, '-' and '_'; `qr` when left out.",
    },
    Asks { name: "print", kind: "integer", what: "1: a card of A6 in millimetres, with title and charity." },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    q: String,
    charity: Option<String>,
    #[serde(default)]
    cursor: String,
    limit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedCode {
    source: Option<String>,
    print: Option<String>,
}

pub async fn charities(call: Call) -> Result<v1::CharityList, Refused> {
    let (search, charity, page) = call.searched("only `q`, `cursor` and `limit`, once each")?;
    if charity.is_some() {
        return Err(OutOfBound::new("query", "only `q`, `cursor` and `limit`, once each").into());
    }
    let listing = call.wire.sales.ledger().journal().charities(search.as_ref(), page).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::CharityList {
        charities: listing.items.iter().map(contract::registry::charity).collect(),
        next_cursor,
    })
}

pub async fn charity(call: Call) -> Result<v1::Charity, Refused> {
    let found = call.wire.sales.ledger().journal().charity(call.text("registration")).await?;
    Ok(contract::registry::charity(&found.ok_or_else(|| not_found("charity"))?))
}

pub async fn put_charity(call: Call<v1::PutCharity>) -> Result<MadeOrFound<v1::Charity>, Refused> {
    call.everywhere()?;
    let charity: Charity = parse::registry::charity(&call.body, call.text("registration"))?;
    let by = call.registering(call.body.version);
    let (charity, fresh) = call.wire.sales.ledger().put_charity(charity, by).await?;
    Ok(MadeOrFound { message: contract::registry::charity(&charity), fresh })
}

pub async fn projects(call: Call) -> Result<v1::ProjectList, Refused> {
    let (search, charity, page) = call.searched("only `q`, `charity`, `cursor` and `limit`, once each")?;
    let journal = call.wire.sales.ledger().journal();
    let listing = journal.projects(search.as_ref(), charity.as_deref(), page).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::ProjectList { projects: listing.items.iter().map(shown).collect(), next_cursor })
}

pub async fn project(call: Call) -> Result<v1::ProjectPage, Refused> {
    let of = registered(&call).await?;
    let ledger = call.wire.sales.ledger();
    let (pledges, totals) = ledger.given_to(&of.project).await?;
    let of_project = Giver::Project(of.project.id.to_string());
    let transfers = ledger.journal().handed_over(&of_project, Timestamp::ZERO, Timestamp(i64::MAX)).await?;
    let page = Page { after: None, limit: REPORTS_SHOWN };
    let reports = ledger.journal().reports(&of.project.id, page).await?;
    let mut said = Vec::with_capacity(totals.len());
    for total in &totals {
        let tally = call.wire.log.newest_tally(Scope::Project, of.project.id.as_str(), total.currency).await;
        said.push(contract::registry::project_total(total, tally.map_err(unreadable)?));
    }
    Ok(v1::ProjectPage {
        project: Some(shown(&of)),
        totals: said,
        pledges: charity::shown(&call, &pledges[..pledges.len().min(PLEDGES_SHOWN)]).await?,
        pledge_count: u32::try_from(pledges.len()).unwrap_or(u32::MAX),
        reports: reports.items.iter().map(contract::registry::report).collect(),
        transfers: transfers.iter().rev().take(TRANSFERS_SHOWN).map(contract::registry::transfer).collect(),
    })
}

pub async fn put_project(call: Call<v1::PutProject>) -> Result<MadeOrFound<v1::Project>, Refused> {
    call.everywhere()?;
    let id: ProjectId = call.text("project").parse()?;
    let ledger = call.wire.sales.ledger();
    let known = ledger.journal().project(&id).await?;
    let started_at: Timestamp = known.map_or(call.now, |(known, _)| known.started_at);
    let project: Project = parse::registry::project(&call.body, id, started_at)?;
    let (project, fresh) = ledger.put_project(project, call.registering(call.body.version)).await?;
    Ok(MadeOrFound { message: contract::registry::project(&project), fresh })
}

pub async fn reports(call: Call) -> Result<v1::ReportList, Refused> {
    let page = call.page()?;
    let of = registered(&call).await?;
    let listing = call.wire.sales.ledger().journal().reports(&of.project.id, page).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::ReportList {
        reports: listing.items.iter().map(contract::registry::report).collect(),
        next_cursor,
    })
}

pub async fn report(call: Call<v1::CreateReport>) -> Result<Made<v1::ProgressReport>, Refused> {
    call.everywhere()?;
    let of = registered(&call).await?;
    let report = parse::registry::report(&call.body, call.new_id(), of.project.id, call.now)?;
    let report = call.wire.sales.ledger().add_report(report, call.once, &call.caller.subject).await?;
    Ok(Made(contract::registry::report(&report)))
}

pub async fn code(call: Call) -> Result<Svg, Refused> {
    let wanted = |_| OutOfBound::new("query", "only `source` and `print`, once each");
    let Query(AskedCode { source, print }) = Query::<AskedCode>::try_from_uri(&call.uri).map_err(wanted)?;
    let source = source.unwrap_or_else(|| "qr".into());
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    if !(1..=32).contains(&source.len()) || !source.bytes().all(fits) {
        return Err(OutOfBound::new("source", "1..=32 of a-z, 0-9, '-' and '_'").into());
    }
    let of = registered(&call).await?;
    let link = format!("{}/p/{}?from={source}", call.base()?, of.project.id);
    let svg = match print.as_deref() {
        None | Some("0") => qr::code(&link),
        Some("1") => qr::card(&link, &of.project.title, &of.charity.name, &of.charity.registration),
        Some(_) => return Err(OutOfBound::new("print", "1, or left out").into()),
    };
    // A host of a name is 253 bytes at most, and a code takes more than two thousand.
    Ok(Svg(svg.ok_or_else(|| OutOfBound::new("Host", "a host that fits into a code"))?))
}

async fn registered<B>(call: &Call<B>) -> Result<Registered, Refused> {
    let id: ProjectId = call.part("project")?;
    let found = call.wire.sales.ledger().journal().registered(&id).await?;
    found.ok_or_else(|| not_found("project").into())
}

fn shown(of: &Registered) -> v1::RegisteredProject {
    contract::registry::registered(&of.project, &of.charity, of.reported_at)
}

impl<B> Call<B> {
    fn searched(&self, wanted: &'static str) -> Result<(Option<Search>, Option<String>, Page), Refused> {
        let asked = Query::<Asked>::try_from_uri(&self.uri).map_err(|_| OutOfBound::new("query", wanted))?;
        let Query(Asked { q, charity, cursor, limit }) = asked;
        Ok((Search::parse(&q)?, charity, page::page(&cursor, limit.as_deref())?))
    }

    fn registering(&self, made_from: u64) -> Registering<'_> {
        Registering { made_from, once: self.once, actor: &self.caller.subject, now: self.now }
    }

    /// What a link to this server begins with: as it is configured, or as this request came here.
    fn base(&self) -> Result<String, OutOfBound> {
        if let Some(url) = &self.wire.public_url {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        let given = |name: header::HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        let host = given(header::HOST).filter(|host| {
            (1..=255).contains(&host.len())
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
        });
        let host = host.ok_or_else(|| OutOfBound::new("Host", "a host, with its port"))?;
        let forwarded = given(header::HeaderName::from_static("x-forwarded-proto")) == Some("https");
        let scheme = if self.wire.secure || forwarded { "https" } else { "http" };
        Ok(format!("{scheme}://{host}"))
    }
}
