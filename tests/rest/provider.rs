//! The sandbox provider as a process of its own, and what `kill -9` of it does.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use apricot::app::provider::provider_secrets;
use apricot::clock::Clock;
use apricot::config::Config;
use apricot::model::payment::Method as Pay;
use apricot::model::{Money, PaymentId, RefundId, Role};
use apricot::sandbox::HttpSandbox;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::server::start_with;

/// Only a broken test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);
const PAYMENTS: u128 = 300;
const BUYERS: u128 = 12;
const KILLS: u64 = 5;

struct Provider {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
    webhook: String,
}

impl Provider {
    fn start(webhook: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (child, address) = spawn(folder.path(), "127.0.0.1:0", &webhook);
        Self { child, address, folder, webhook }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the port it had.
    fn restart(&mut self) {
        (self.child, self.address) = spawn(self.folder.path(), &self.address, &self.webhook);
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn client(&self) -> HttpSandbox {
        let secrets = provider_secrets(&self.folder.path().join("keys"), Clock::System.now()).unwrap();
        HttpSandbox::new(&self.url(), secrets.last().unwrap()).unwrap()
    }

    fn count(&self, what: &str) -> u128 {
        let books = rusqlite::Connection::open(self.folder.path().join("data/sandbox.db")).unwrap();
        let count: u32 =
            books.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap();
        count.into()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path, listen: &str, webhook: &str) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apricot"));
    command.args(["sandbox", "--listen", listen, "--webhook", webhook]);
    command.arg("--data").arg(folder.join("data")).arg("--keys").arg(folder.join("keys"));
    command.env("APRICOT_PROVIDER__DELAY_MS", "0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    (child, ready["listening"].as_str().unwrap().to_owned())
}

/// Takes every webhook and hands on its id and body.
async fn receiver() -> (String, mpsc::Receiver<(String, String)>) {
    let (tell, told) = mpsc::channel(100_000);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let take = async move |headers: HeaderMap, body: String| {
        tell.send((headers["webhook-id"].to_str().unwrap().to_owned(), body)).await.unwrap();
        StatusCode::NO_CONTENT
    };
    let router = axum::Router::new().route("/", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, told)
}

fn payment(n: u128) -> PaymentId {
    PaymentId(Uuid::from_u128(n))
}

fn price() -> Money {
    Money::new(1_250, "CNY".parse().unwrap())
}

#[derive(Clone, Copy)]
enum Ask {
    Authorise,
    Capture,
    Refund,
}

/// Asks as the outbox does: what may be tried again is tried again, once the provider is back.
async fn until_taken(provider: &HttpSandbox, ask: Ask, n: u128, restarts: &mut watch::Receiver<u64>) {
    loop {
        let seen = *restarts.borrow_and_update();
        let asked = match ask {
            Ask::Authorise => provider.authorise(payment(n), price(), Pay::SandboxApprove).await,
            Ask::Capture => provider.capture(payment(n)).await,
            Ask::Refund => {
                let part = Money::new(250, price().currency);
                provider.refund(RefundId(Uuid::from_u128(n)), payment(n), part).await
            }
        };
        match asked {
            Ok(()) => return,
            Err(error) => assert!(error.may_retry(), "{error}"),
        }
        if seen < KILLS {
            restarts.changed().await.unwrap();
        }
    }
}

/// Every third is refunded in part.
async fn buy(provider: HttpSandbox, n: u128, mut restarts: watch::Receiver<u64>) {
    for ask in [Ask::Authorise, Ask::Capture] {
        until_taken(&provider, ask, n, &mut restarts).await;
    }
    if n.is_multiple_of(3) {
        until_taken(&provider, Ask::Refund, n, &mut restarts).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_the_provider_loses_nothing_and_does_nothing_twice() {
    let (webhook, mut told) = receiver().await;
    let mut provider = Provider::start(webhook);
    let (restarted, restarts) = watch::channel(0);
    let (bought, mut count) = mpsc::channel(PAYMENTS as usize);
    let client = Arc::new(provider.client());
    for buyer in 1..=BUYERS {
        let (client, restarts, bought) = (client.clone(), restarts.clone(), bought.clone());
        tokio::spawn(async move {
            for n in (buyer..=PAYMENTS).step_by(BUYERS as usize) {
                buy((*client).clone(), n, restarts.clone()).await;
                bought.send(n).await.unwrap();
            }
        });
    }
    let mut kills = 0;
    for done in 1..=PAYMENTS {
        tokio::time::timeout(PATIENCE, count.recv()).await.expect("a purchase in time").unwrap();
        if kills < KILLS && done % (PAYMENTS / 6) == 0 {
            provider.kill();
            provider.restart();
            kills += 1;
            restarted.send_replace(kills);
        }
    }

    // Everything that was answered with success is told at least once, and always with the same words.
    let mut events: HashMap<String, String> = HashMap::new();
    let expected = (PAYMENTS + PAYMENTS + PAYMENTS / 3) as usize;
    while events.len() < expected {
        let (id, body) =
            tokio::time::timeout(PATIENCE, told.recv()).await.expect("an event in time").unwrap();
        let known = events.entry(id).or_insert_with(|| body.clone());
        assert_eq!(*known, body);
    }
    let kinds: HashSet<&str> = events.keys().map(|id| id.rsplit_once('_').unwrap().0).collect();
    assert_eq!(kinds, ["evt_authorised", "evt_captured", "evt_refunded"].into());
    // Asking all of it once more changes nothing.
    for n in 1..=PAYMENTS {
        buy((*client).clone(), n, restarts.clone()).await;
    }
    provider.kill();
    assert_eq!((provider.count("payment"), provider.count("refund")), (PAYMENTS, PAYMENTS / 3));
    assert_eq!(provider.count("payment WHERE captured_at IS NOT NULL"), PAYMENTS);
    assert_eq!(provider.count("payment WHERE refunded_minor = iif((SELECT count(*) FROM refund WHERE payment = payment.id), 250, 0)"), PAYMENTS);
    provider.restart();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_pays_through_a_provider_elsewhere_and_waits_for_it_when_it_is_gone() {
    let port = apricot_servers::free_port();
    let mut provider = Provider::start(format!("http://127.0.0.1:{port}/v1/payments/webhooks/sandbox"));
    let mut config = Config { listen: ([127, 0, 0, 1], port).into(), ..Config::default() };
    config.node.keys = Some(provider.folder.path().join("keys"));
    config.provider.url = Some(provider.url());
    let server = start_with(config, tempfile::tempdir().unwrap(), Clock::System).await;
    server.live_room().await;
    server.product("apricot").await;
    let (sale, _) = server.open_sale(10).await;

    let knobs = json!({"delayMs": 20, "duplicatePpm": 1_000_000});
    let turn = || server.by(Role::Ops, "me", Method::PUT, "/sandbox/v1/knobs").json(&knobs);
    assert_eq!(super::server::send(turn()).await.expect(200)["delayMs"], 20);
    assert_eq!(server.get(Role::Ops, "me", "/sandbox/v1/knobs").await.expect(200)["duplicatePpm"], 1_000_000);

    let paid = async |order: &str| {
        // Each answer comes from the record; asking again is how a page without a socket learns it too.
        while server.get(Role::Viewer, "wang", &format!("/v1/orders/{order}")).await.expect(200)["state"]
            != "ORDER_STATE_PAID"
        {
            tokio::task::yield_now().await;
        }
    };
    let order = Uuid::from_u128(1).to_string();
    server.place("wang", &order, &sale, 1).await.expect(201);
    server.ask_to_pay("wang", &order).await;
    tokio::time::timeout(PATIENCE, paid(&order)).await.expect("paid in time");

    let order = Uuid::from_u128(2).to_string();
    server.place("wang", &order, &sale, 1).await.expect(201);
    provider.kill();
    server.ask_to_pay("wang", &order).await;
    let refused = super::server::send(turn()).await;
    let said = refused.refused(503, "busy");
    assert!(said["detail"].as_str().unwrap().contains("cannot be reached"), "{said}");
    provider.restart();
    tokio::time::timeout(PATIENCE, paid(&order)).await.expect("paid in time");
    let asked = server.payment(&order).await;
    assert_eq!(provider.client().capture(asked).await, Ok(()));
    server.running.stop().await.unwrap();
}
