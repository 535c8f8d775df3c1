//! The table of routes: docs/api.md has the same one, and a test compares them.

use axum::http::Method;

use super::{
    Route, WEBHOOKS, board, books, charity, figures, ops, orders, payments, pools, products, receipts,
    registry, regulator, remittances, rooms, sales, statements,
};
use crate::model::Role::{self, Auditor, Commissioner, Guest, Host, Moderator, Ops, Viewer};

const ALL: &[Role] = &[Guest, Viewer, Host, Moderator, Commissioner, Ops, Auditor];
/// Whoever has a name; the handler asks whose thing it is.
const NAMED: &[Role] = &[Viewer, Host, Moderator, Commissioner, Ops, Auditor];
const BUYERS: &[Role] = &[Viewer, Host, Moderator, Commissioner, Ops];
const HOSTS: &[Role] = &[Host, Ops];
const SELLERS: &[Role] = &[Host];
/// A room's moderators are appointed by subject; their tokens may say viewer.
const MODERATORS: &[Role] = &[Viewer, Host, Moderator, Commissioner, Ops];
const READERS: &[Role] = &[Host, Ops, Auditor];
const WATCHERS: &[Role] = &[Host, Commissioner, Ops, Auditor];
const OPS: &[Role] = &[Ops];
const AUDITORS: &[Role] = &[Ops, Auditor];

/// In the order of docs/api.md.
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let (get, post, put, delete) = (|| get.clone(), || post.clone(), || put.clone(), || delete.clone());
    vec![
        Route::new(get(), "/v1/rooms", ALL, "Rooms, by id.", rooms::list).paged().asking(rooms::MINE),
        Route::new(post(), "/v1/rooms", HOSTS, "Make a room.", rooms::create),
        Route::new(get(), "/v1/rooms/{room}", ALL, "A room.", rooms::read),
        Route::new(put(), "/v1/rooms/{room}", HOSTS, "Change what a room says of itself.", rooms::edit),
        Route::new(post(), "/v1/rooms/{room}/state", HOSTS, "Rehearse, go live, pause, end.", rooms::change_state),
        Route::new(put(), "/v1/rooms/{room}/run-sheet", MODERATORS, "Plan what is sold; helpers put it in order.", rooms::put_run_sheet),
        Route::new(put(), "/v1/rooms/{room}/cards", MODERATORS, "Pin product cards.", rooms::pin_cards),
        Route::new(post(), "/v1/rooms/{room}/notices", HOSTS, "Tell the room something that nobody misses.", rooms::notify),
        Route::new(post(), "/v1/rooms/{room}/moderators", HOSTS, "Appoint a moderator.", rooms::appoint),
        Route::new(delete(), "/v1/rooms/{room}/moderators/{subject}", HOSTS, "Dismiss a moderator.", rooms::dismiss),
        Route::new(post(), "/v1/rooms/{room}/invitations", HOSTS, "Appoint a moderator by link.", rooms::invite),
        Route::new(post(), "/v1/rooms/{room}/moderation", MODERATORS, "Moderate.", rooms::moderate),
        Route::new(get(), "/v1/rooms/{room}/sales", ALL, "Sales of a room.", sales::list),
        Route::new(post(), "/v1/rooms/{room}/sales", HOSTS, "Make a flash sale.", sales::create),
        Route::new(get(), "/v1/rooms/{room}/orders", READERS, "Orders of a room, highest id first.", orders::of_room).paged(),
        Route::new(get(), "/v1/rooms/{room}/orders-to-pack.csv", HOSTS, "Paid orders with addresses, to pack.", orders::to_pack),
        Route::new(get(), "/v1/rooms/{room}/figures", WATCHERS, "What a room has sold, and how far people came.", figures::read),
        Route::new(get(), "/v1/rooms/{room}/orders.csv", READERS, "All orders of a room.", books::orders),
        Route::new(get(), "/v1/rooms/{room}/settlement.csv", READERS, "What a host gets of each paid order, and the sum.", books::settlement),
        Route::new(get(), "/v1/rooms/{room}/charity.csv", READERS, "What a room brought to charity, order by order.", books::charity),
        Route::new(get(), "/v1/sales/{sale}", ALL, "A sale.", sales::read),
        Route::new(post(), "/v1/sales/{sale}/open", HOSTS, "Open a sale.", sales::open),
        Route::new(post(), "/v1/sales/{sale}/close", HOSTS, "Close a sale; leftovers go back to the product.", sales::close),
        Route::new(post(), "/v1/sales/{sale}/pause", HOSTS, "Pause a sale: no orders are taken, what is held may be paid.", sales::pause),
        Route::new(post(), "/v1/sales/{sale}/resume", HOSTS, "Go on with a paused sale.", sales::resume),
        Route::new(post(), "/v1/sales/{sale}/stock", SELLERS, "Add units to a sale, or take back what nobody has.", sales::change_stock),
        Route::new(get(), "/v1/products", SELLERS, "One's own products.", products::list).paged(),
        Route::new(post(), "/v1/products", SELLERS, "Make a product.", products::create),
        Route::new(post(), "/v1/products/{sku}/stock", SELLERS, "Add units, or take them away.", products::change_stock),
        Route::new(get(), "/v1/pledges", SELLERS, "One's own pledges, the newest version of each.", charity::own).paged(),
        Route::new(post(), "/v1/pledges", SELLERS, "Make a pledge, or a new version of one.", charity::pledge),
        Route::new(get(), "/v1/pledges/{pledge}", ALL, "The newest version of a pledge.", charity::read),
        Route::new(get(), "/v1/pledges/{pledge}/total", ALL, "What a pledge has gathered, read from the ledger.", charity::total),
        Route::new(get(), "/v1/charities", ALL, "Charities of the registry, by number; of a search, by name first.", registry::charities).paged().asking(registry::SEARCHED),
        Route::new(get(), "/v1/charities/{registration}", ALL, "A charity.", registry::charity),
        Route::new(put(), "/v1/charities/{registration}", OPS, "Register a charity, or change one.", registry::put_charity),
        Route::new(get(), "/v1/projects", ALL, "Projects of the registry, by id; of a search, by title first.", registry::projects).paged().asking(registry::SEARCHED_OF_CHARITY),
        Route::new(get(), "/v1/projects/{project}", ALL, "A project: its charity, what it was given, by which pledges, what it told.", registry::project),
        Route::new(put(), "/v1/projects/{project}", OPS, "Register a project, or change one.", registry::put_project),
        Route::new(get(), "/v1/projects/{project}/reports", ALL, "What a project told, newest first.", registry::reports).paged(),
        Route::new(post(), "/v1/projects/{project}/reports", OPS, "Tell the public how a project goes on.", registry::report),
        Route::new(get(), "/v1/projects/{project}/qr.svg", ALL, "A code that leads to a project's page.", registry::code).asking(registry::QR),
        Route::new(get(), "/v1/remittances", AUDITORS, "Remittances, the newest first, and what could be remitted now.", remittances::list).paged(),
        Route::new(post(), "/v1/remittances", OPS, "Set aside all that is owed to a charity, to be approved by a second person.", remittances::propose),
        Route::new(get(), "/v1/remittances/{remittance}", AUDITORS, "A remittance.", remittances::read),
        Route::new(post(), "/v1/remittances/{remittance}/approve", OPS, "Approve what somebody else proposed.", remittances::approve),
        Route::new(post(), "/v1/remittances/{remittance}/transfer", OPS, "Record that the bank has transferred it.", remittances::transfer),
        Route::new(post(), "/v1/remittances/{remittance}/withdraw", OPS, "Give back what was set aside.", remittances::withdraw),
        Route::new(get(), "/v1/statements/hosts/{host}/{months}/statement.csv", READERS, "What a host's pledges gave in a month or some, and what stands at its end.", statements::host_csv),
        Route::new(get(), "/v1/statements/hosts/{host}/{months}/statement.html", READERS, "The same to print.", statements::host_html),
        Route::new(get(), "/v1/statements/hosts/{host}/{months}/regulator.csv", AUDITORS, "For the regulator, of one merchant.", regulator::of_host),
        Route::new(get(), "/v1/statements/charities/{charity}/{months}/statement.csv", ALL, "What a charity was given in a month or some, with its transfers.", statements::charity_csv),
        Route::new(get(), "/v1/statements/charities/{charity}/{months}/statement.html", ALL, "The same to print.", statements::charity_html),
        Route::new(get(), "/v1/statements/charities/{charity}/{months}/regulator.csv", AUDITORS, "For the regulator: terms, agreements, totals, transfers and disclosure dates.", regulator::of_charity),
        Route::new(get(), "/v1/statements/projects/{project}/{months}/statement.csv", ALL, "What a project was given in a month or some.", statements::project_csv),
        Route::new(get(), "/v1/statements/projects/{project}/{months}/statement.html", ALL, "The same to print.", statements::project_html),
        Route::new(get(), "/v1/statements/everybody/{months}/regulator.csv", AUDITORS, "For the regulator, of all charities and merchants.", regulator::of_everybody),
        Route::new(get(), "/v1/pools", ALL, "Sponsors' pools, highest id first.", pools::list).paged(),
        Route::new(post(), "/v1/pools", OPS, "Make a pool: a sponsor's budget in slots of time.", pools::create),
        Route::new(get(), "/v1/pools/{pool}", ALL, "A pool: terms, slots with what is left, seeds when published.", pools::read),
        Route::new(post(), "/v1/pools/{pool}/freeze", OPS, "Stop a pool: nothing is matched until it is unfrozen.", pools::freeze),
        Route::new(post(), "/v1/pools/{pool}/unfreeze", OPS, "Go on with a frozen pool.", pools::unfreeze),
        Route::new(post(), "/v1/orders", BUYERS, "Buy. The same order again is safe.", orders::place),
        Route::new(get(), "/v1/orders", BUYERS, "One's own orders, highest id first.", orders::own).paged(),
        Route::new(get(), "/v1/orders/{order}", NAMED, "An order.", orders::read),
        Route::new(get(), "/v1/orders/{order}/receipt", NAMED, "What a paid order gave, with all that is needed to check it offline.", receipts::receipt),
        Route::new(get(), "/v1/orders/{order}/proof", NAMED, "That the order's accrual is in the public log, as c2sp.org/tlog-proof@v1.", receipts::proof),
        Route::new(post(), "/v1/orders/{order}/pay", BUYERS, "Pay; the outcome comes later.", orders::pay),
        Route::new(post(), "/v1/orders/{order}/cancel", BUYERS, "Cancel before paying.", orders::cancel),
        Route::new(post(), "/v1/orders/{order}/refunds", HOSTS, "Refund, wholly or in part.", orders::refund),
        Route::new(post(), "/v1/orders/{order}/shipping", BUYERS, "Pack, ship, deliver; the buyer confirms.", orders::ship),
        Route::new(post(), WEBHOOKS, ALL, "News of the payment provider, by signature.", payments::webhook),
        Route::new(get(), "/v1/log", ALL, "The public log: its name, keys and newest checkpoint.", receipts::info),
        Route::new(get(), "/v1/log/leaves/{index}", ALL, "A leaf of the public log, with its proof.", receipts::leaf),
        Route::new(get(), "/v1/board", ALL, "Totals by county, produce and project, as the log's newest tallies state them.", board::board),
        Route::new(get(), "/v1/board/days", ALL, "One sum of the board, day by day.", board::days).asking(board::DAYS),
        Route::new(get(), "/v1/ledger/trial-balance", AUDITORS, "All accounts; they sum to zero.", ops::trial_balance),
        Route::new(get(), "/v1/ops/overview", AUDITORS, "Everything at a glance.", ops::overview),
        Route::new(get(), "/v1/ops/history", AUDITORS, "What nodes read of themselves, a day at most.", ops::history).asking(ops::HISTORY),
        Route::new(get(), "/v1/ops/holds", AUDITORS, "Open holds, soonest to run out first.", ops::holds),
        Route::new(get(), "/v1/ops/payments", AUDITORS, "Payments, newest first.", ops::payments).paged(),
        Route::new(get(), "/v1/ops/audit", AUDITORS, "Who did what, newest first.", ops::audit).paged(),
        Route::new(post(), "/v1/ops/nodes/{node}/drain", OPS, "Let a node say goodbye and end in order.", ops::drain),
        Route::new(get(), "/sandbox/v1/knobs", OPS, "How the sandbox provider behaves.", payments::knobs),
        Route::new(put(), "/sandbox/v1/knobs", OPS, "Change how the sandbox provider behaves.", payments::turn_knobs),
        Route::new(get(), "/healthz", ALL, "The process answers.", ops::health),
        Route::new(get(), "/readyz", ALL, "Record and gate answer, and the server is not stopping.", ops::ready),
        Route::new(get(), "/metrics", ALL, "Meters in Prometheus text format.", ops::metrics),
        Route::new(get(), "/openapi.json", ALL, "This description.", ops::openapi),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rest::answer::{Content, Given};

    /// Method, path, who, takes, gives.
    type Row = (String, String, Vec<Role>, Option<String>, Vec<String>);

    /// "host, ops", "all", "all but guest, auditor (its buyer)": roles in the order of `Role::ALL`.
    fn roles(cell: &str) -> Vec<Role> {
        let named = cell.split(" (").next().unwrap();
        let (all_but, names) = match named.strip_prefix("all but ") {
            Some(names) => (true, names),
            None => (named == "all", if named == "all" { "" } else { named }),
        };
        let names: Vec<&str> = names.split(", ").filter(|name| !name.is_empty()).collect();
        let unknown = names.iter().find(|name| Role::ALL.iter().all(|role| role.name() != **name));
        assert_eq!(unknown, None, "no role: {cell}");
        Role::ALL.into_iter().filter(|role| names.contains(&role.name()) != all_but).collect()
    }

    /// "`POST /v1/rooms` | host, ops | `CreateRoom` → 201 `Room`" and the like.
    fn documented() -> Vec<Row> {
        let text = include_str!("../../../docs/api.md");
        let section = text.split("## REST").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let mut rows = Vec::new();
        for line in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let quoted: Vec<&str> = cells[1].split('`').skip(1).step_by(2).collect();
            let (takes, gives) = cells[3].split_once('→').unwrap_or(("", ""));
            let named =
                |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
            let (mut methods, mut first) = (Vec::new(), String::new());
            for part in quoted {
                let (method, path) = part.split_once(' ').unwrap_or(if part.starts_with('/') {
                    ("", part)
                } else {
                    (part, "")
                });
                if !method.is_empty() {
                    methods.push(method.to_owned());
                }
                let path = path.split('?').next().unwrap();
                if path.is_empty() {
                    continue;
                }
                // "/v1/sales/{sale}/open`, `/close": a short form replaces the last segment.
                let path = match first.rsplit_once('/') {
                    Some((stem, _)) if stem.contains("/v1/") => format!("{stem}{path}"),
                    _ => path.to_owned(),
                };
                first = if first.is_empty() { path.clone() } else { first };
                for method in &methods {
                    let takes = named(takes).into_iter().next().filter(|_| method != "GET");
                    rows.push((method.clone(), path.clone(), roles(cells[2]), takes, named(gives)));
                }
            }
        }
        rows
    }

    #[test]
    fn the_table_in_the_docs_is_the_table_in_the_code() {
        let coded: Vec<Row> = routes()
            .into_iter()
            .map(|route| {
                let mut gives: Vec<String> = Vec::new();
                for Given { content, .. } in &route.gives {
                    if let Content::Message(name) = content
                        && !gives.iter().any(|known| known == name)
                    {
                        gives.push((*name).to_owned());
                    }
                }
                let who = Role::ALL.into_iter().filter(|role| route.who.contains(role)).collect();
                let takes = route.takes.map(str::to_owned);
                (route.method.to_string(), route.path.to_owned(), who, takes, gives)
            })
            .collect();
        assert_eq!(documented(), coded);
    }
}
