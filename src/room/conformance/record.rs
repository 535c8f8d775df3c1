//! What a room promises when a node cannot reach the record, and all else goes on.

use std::time::Duration;

use apricot_servers::{Line, Postgres, Proxy, Redis as Server, or_skip};
use tokio::time::timeout;

use super::{say, single};
use crate::model::RoomState;
use crate::room::company::{Company, Guest, orchard};
use crate::room::scene::{NOW, host, viewer};
use crate::store::Journal;
use crate::store::journal::{PostgresSettings, migrate};

/// Shorter than an answer of the record is waited for, and much longer than what is tested.
const SOON: Duration = Duration::from_secs(5);

/// Two nodes; the second reaches the record by a way that can be cut.
struct Scene {
    company: Company,
    way: Proxy,
    _servers: (Server, Postgres),
}

impl Scene {
    async fn open() -> Option<Self> {
        let (redis, postgres) = (or_skip(Server::start())?, or_skip(Postgres::start())?);
        let settings = |url| PostgresSettings { url, password: None, connections: 2, ca: None };
        let url = postgres.url();
        migrate(&settings(url.clone())).await.expect("tables");
        let way = Proxy::to(([127, 0, 0, 1], postgres.port()).into()).expect("a way");
        let by_way = url.replace(&format!(":{}", postgres.port()), &format!(":{}", way.address().port()));
        let connect = async |url| Journal::connect(&settings(url), 1, NOW).await.expect("a record");
        let mut company = Company::on(connect(url).await, &[single(&redis)], None).await;
        company.join_by(connect(by_way).await, single(&redis)).await;
        Some(Self { company, way, _servers: (redis, postgres) })
    }
}

#[tokio::test]
async fn what_is_said_is_heard_by_a_node_without_the_record() {
    let Some(Scene { company, way, _servers }) = Scene::open().await else { return };
    let mut wu = Guest::of(company.there(), viewer("wu")).await;
    way.set(Line::Silent);
    company
        .here()
        .change_state(&orchard(), RoomState::Paused, String::new(), &host(), None, NOW)
        .await
        .expect("paused");
    say(company.here(), &host(), "a moment").await;
    let heard = wu.until("the line", |wu| wu.lines() == ["a moment"]);
    timeout(SOON, heard).await.expect("no longer than chat may take");
}

#[tokio::test]
async fn who_comes_to_a_node_without_the_record_comes_in() {
    let Some(Scene { company, way, _servers }) = Scene::open().await else { return };
    way.set(Line::Silent);
    let mut wu = timeout(SOON, Guest::of(company.there(), viewer("wu"))).await.expect("soon");
    say(company.here(), &host(), "welcome").await;
    timeout(SOON, wu.until("the line", |wu| wu.lines() == ["welcome"])).await.expect("soon");
}
