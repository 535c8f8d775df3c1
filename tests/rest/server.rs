//! A real server on a free port with a record of its own, and people who ask it.

use std::time::Duration;

use apricot::app::{App, Running};
use apricot::clock::Clock;
use apricot::config::Config;
use apricot::model::{Caller, OrderId, PaymentId, Role, Timestamp};
use apricot::wire::webhook::WebhookSecrets;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

pub const NOW: Timestamp = Timestamp(1_790_000_000_000);
pub const DAY: Duration = Duration::from_secs(86_400);

pub struct Server {
    pub running: Running,
    pub clock: Clock,
    pub data: tempfile::TempDir,
    client: reqwest::Client,
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

pub async fn start() -> Server {
    let data = tempfile::tempdir().unwrap();
    start_in(data).await
}

/// The clock stands still, so that the sandbox provider never sends anything by itself: tests sign its webhooks.
pub async fn start_in(data: tempfile::TempDir) -> Server {
    let mut config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    config.provider.delay_ms = 600_000;
    start_with(config, data, Clock::manual(NOW)).await
}

pub async fn start_with(mut config: Config, data: tempfile::TempDir, clock: Clock) -> Server {
    config.data = data.path().into();
    config.limits.rates = false;
    let running = App::start(config, clock.clone()).await.unwrap();
    Server { running, clock, data, client: reqwest::Client::new() }
}

impl Server {
    pub fn caller(&self, role: Role, subject: &str) -> Caller {
        let subject = subject.parse().unwrap();
        Caller { subject, name: "".into(), role, room: None, county: None }
    }

    pub fn token(&self, caller: &Caller) -> String {
        let now = self.clock.now();
        self.running.keys.sign(caller, now, now + DAY).unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.running.address))
    }

    pub fn by(&self, role: Role, subject: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(self.token(&self.caller(role, subject)))
    }

    pub async fn get(&self, role: Role, subject: &str, path: &str) -> Answer {
        send(self.by(role, subject, Method::GET, path)).await
    }

    pub async fn post(&self, role: Role, subject: &str, path: &str, body: Value) -> Answer {
        send(self.by(role, subject, Method::POST, path).json(&body)).await
    }

    /// Without a body.
    pub async fn tell(&self, role: Role, subject: &str, path: &str) -> Answer {
        send(self.by(role, subject, Method::POST, path)).await
    }

    /// A room `hill` of host li, live.
    pub async fn live_room(&self) {
        let room = json!({"id": "hill", "title": "Apricots", "hostName": "Li", "place": "Gansu Lixian"});
        self.post(Role::Host, "li", "/v1/rooms", room).await.expect(201);
        let live = json!({"state": "ROOM_STATE_LIVE"});
        self.post(Role::Host, "li", "/v1/rooms/hill/state", live).await.expect(200);
    }

    pub async fn product(&self, sku: &str) {
        let body = json!({"sku": sku, "title": "Apricots", "unit": "box of 12", "onHand": 100, "category": "farm",
            "price": {"minor": "2990", "currency": "CNY"}});
        self.post(Role::Host, "li", "/v1/products", body).await.expect(201);
    }

    /// Projects of the charity Hope, each under its title in small letters.
    pub async fn register(&self, titles: &[&str]) {
        let put = |path: String| self.by(Role::Ops, "ops", Method::PUT, &path);
        let charity = put("/v1/charities/53100000".into()).json(&json!({"name": "Hope"}));
        assert!(send(charity).await.status.is_success());
        for title in titles {
            let project = put(format!("/v1/projects/{}", title.to_lowercase()));
            let body = json!({"charity": "53100000", "title": title});
            assert!(send(project.json(&body)).await.status.is_success());
        }
    }

    /// All that is owed to Hope goes there.
    pub async fn remit(&self) -> Value {
        let run = json!({"charityRegistration": "53100000"});
        let run = self.post(Role::Ops, "ops", "/v1/remittances", run).await.expect(201);
        let path = format!("/v1/remittances/{}", run["id"].as_str().unwrap());
        self.tell(Role::Ops, "treasurer", &format!("{path}/approve")).await.expect(200);
        let bank = json!({"reference": "BANK-1", "proofSha256": "cd".repeat(32)});
        self.post(Role::Ops, "ops", &format!("{path}/transfer"), bank).await.expect(200)
    }

    /// An open sale of `stock` units at 19.90, with 2.5 % pledged; gives its id and the pledge's.
    pub async fn open_sale(&self, stock: u32) -> (String, String) {
        self.register(&["School"]).await;
        let pledge = json!({"pledge": {"parts": [{"projectId": "school"}],
            "base": "PLEDGE_BASE_PAID_PRICE", "sharePpm": 25000, "rounding": "ROUNDING_HALF_EVEN",
            "agreementSha256": "ab".repeat(32)}});
        let pledge = self.post(Role::Host, "li", "/v1/pledges", pledge).await.expect(201);
        let pledge = pledge["id"].as_str().unwrap().to_owned();
        let sale = json!({"sku": "apricot", "price": {"minor": "1990", "currency": "CNY"}, "stock": stock,
            "limitPerBuyer": 2, "durationSeconds": 600, "pledgeId": pledge, "openNow": true});
        let sale = self.post(Role::Host, "li", "/v1/rooms/hill/sales", sale).await.expect(201);
        assert_eq!(sale["state"], "SALE_STATE_OPEN");
        (sale["id"].as_str().unwrap().to_owned(), pledge)
    }

    pub async fn place(&self, buyer: &str, order: &str, sale: &str, quantity: u32) -> Answer {
        let body = json!({"orderId": order, "saleId": sale, "quantity": quantity});
        self.post(Role::Viewer, buyer, "/v1/orders", body).await
    }

    pub async fn ask_to_pay(&self, buyer: &str, order: &str) {
        let ship_to = json!({"name": "王", "phone": "+86 138 0000 0000", "address": "县城东街 1"});
        let body = json!({"method": "PAYMENT_METHOD_SANDBOX_APPROVE", "shipTo": ship_to});
        self.post(Role::Viewer, buyer, &format!("/v1/orders/{order}/pay"), body).await.expect(202);
    }

    /// Asks for the payment and has the provider say that it is authorised.
    pub async fn pay(&self, buyer: &str, order: &str) {
        self.ask_to_pay(buyer, order).await;
        let payment = self.payment(order).await;
        let event = json!({"type": "payment.authorised", "data": {"payment": payment.to_string()}});
        self.webhook(&format!("evt_{order}"), &event.to_string()).await.expect(204);
    }

    pub async fn payment(&self, order: &str) -> PaymentId {
        let order: OrderId = order.parse().unwrap();
        self.running.sales.ledger().journal().payments_of(order).await.unwrap()[0].id
    }

    pub async fn webhook(&self, id: &str, body: &str) -> Answer {
        let secrets = WebhookSecrets::open(&self.data.path().join("keys"), NOW).unwrap();
        let seconds = NOW.millis() / 1_000;
        let signature = Webhook::new(secrets.newest()).unwrap().sign(id, seconds, body.as_bytes()).unwrap();
        let request = self.request(Method::POST, "/v1/payments/webhooks/sandbox").body(body.to_owned());
        let request = request.header("webhook-id", id).header("webhook-timestamp", seconds);
        send(request.header("webhook-signature", signature)).await
    }

    pub async fn restart(self) -> Self {
        let Self { running, data, .. } = self;
        running.stop().await.unwrap();
        start_in(data).await
    }
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    #[track_caller]
    pub fn refused(self, status: u16, problem: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["type"].as_str()),
            (status, Some(problem)),
            "{}",
            self.text
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        self.body
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}
