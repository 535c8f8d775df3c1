//! A site whose operator signs whatever it likes, with a key that everybody knows, and shows what its log adds up to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use apricot::store::tiles::Tiles;
use apricot_tlog::checkpoint::Checkpoint;
use apricot_tlog::leaf::{
    Accrual, Base, Currency, Fact, Leaf, Match, Part, Pledge, Pool, Reversal, Rounding, Rule, Scope, Seed,
    Slot, Terms, Tier, commitment, hash,
};
use apricot_tlog::ledger::Recount;
use apricot_tlog::merkle::{self, Hash, root_of};
use apricot_tlog::note::Signer;
use apricot_tlog::proof::Proof;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

pub const ORIGIN: &str = "fake.example/log";
pub const START: u64 = 1_764_000_000_000;
const SALT: [u8; 32] = [5; 32];

pub struct Fake {
    pub url: String,
    pub key: String,
    signer: Signer,
    files: Arc<Mutex<Files>>,
}

#[derive(Default)]
struct Files {
    folder: Option<tempfile::TempDir>,
    answers: HashMap<String, String>,
}

impl Fake {
    pub async fn start(leaves: &[Leaf]) -> Self {
        let files = Arc::new(Mutex::new(Files::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&files));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, router).await });
        let signer = Signer::log(ORIGIN, &[7; 32]).unwrap();
        let fake = Self { url, key: signer.verifier().to_string(), signer, files };
        fake.publish(leaves);
        fake
    }

    /// Another log in the place of what was there.
    pub fn publish(&self, leaves: &[Leaf]) {
        let folder = tempfile::tempdir().unwrap();
        let (mut tiles, mut recount) = (Tiles::open(&folder.path().join("log")), Recount::default());
        for leaf in leaves {
            tiles.append(&leaf.encode().unwrap()).unwrap();
            recount.leaf(leaf);
        }
        let checkpoint = checkpoint(leaves);
        tiles.publish(&checkpoint, &checkpoint.sign(&self.signer).unwrap().to_string()).unwrap();
        let mut answers: HashMap<String, String> = HashMap::from([
            ("/log/keys".into(), format!("{}\n", self.key)),
            ("/v1/projects".into(), "{}".into()),
            ("/v1/board".into(), "{}".into()),
            ("/v1/pools".into(), pools(&recount).to_string()),
        ]);
        for pledge in recount.pledges() {
            let total = json!({"currency": "CNY"}).to_string();
            answers.insert(format!("/v1/pledges/{}/total", pledge.pledge), total);
        }
        for (scope, key, currency, amounts) in recount.totals() {
            let total = json!({"currency": currency.to_string(), "grossAccruedMinor": amounts.accrued.to_string(),
                "grossReversedMinor": amounts.reversed.to_string(), "confirmedMinor": amounts.confirmed.to_string(),
                "remittedMinor": amounts.remitted.to_string(), "grossMatchedMinor": amounts.matched.to_string(),
                "grossUnmatchedMinor": amounts.unmatched.to_string()});
            if scope == Scope::Pledge {
                answers.insert(format!("/v1/pledges/{key}/total"), total.to_string());
            }
        }
        *self.files.lock().unwrap() = Files { folder: Some(folder), answers };
    }

    /// The receipt of an order that gave once.
    pub fn receipt(&self, leaves: &[Leaf], n: u64) -> Value {
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| hash(&leaf.encode().unwrap())).collect();
        let note = checkpoint(leaves).sign(&self.signer).unwrap();
        let read = |node: merkle::Node| {
            let from = usize::try_from(node.index << node.level).unwrap();
            Ok::<_, std::convert::Infallible>(root_of(hashes[from..from + (1 << node.level)].iter().copied()))
        };
        let own = |leaf: &Leaf| matches!(leaf.fact, Fact::Pledge(_)) || leaf.fact.order() == Some(order(n));
        let entries = (0..).zip(leaves).filter(|(_, leaf)| own(leaf)).map(|(index, leaf): (u64, _)| {
            let hashes = merkle::inclusion(index, leaves.len() as u64, read).unwrap();
            let proof = Proof { extra: None, index, hashes, checkpoint: note.clone() }.to_string();
            json!({"index": index.to_string(), "leaf": leaf.encode().unwrap(), "proof": proof})
        });
        let cny = |minor: i64| json!({"minor": minor.to_string(), "currency": "CNY"});
        json!({"format": 1, "orderId": id(n).to_string(), "salt": Hash(SALT).to_hex(), "commitment": order(n).to_hex(),
            "quantity": 1, "paid": cny(10_000), "charity": cny(250), "keys": [self.key], "entries": entries.collect::<Vec<_>>()})
    }
}

async fn answer(State(files): State<Arc<Mutex<Files>>>, uri: Uri) -> Response {
    let files = files.lock().unwrap();
    if let Some(text) = files.answers.get(uri.path()) {
        return text.clone().into_response();
    }
    let path = files.folder.as_ref().unwrap().path().join(uri.path().trim_start_matches('/'));
    std::fs::read(path).map_or_else(|_| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}

fn checkpoint(leaves: &[Leaf]) -> Checkpoint {
    let root = root_of(leaves.iter().map(|leaf| hash(&leaf.encode().unwrap())));
    Checkpoint::new(ORIGIN, leaves.len() as u64, root).unwrap()
}

fn pools(recount: &Recount) -> Value {
    let pools = recount.pools().map(|count| {
        let slots = count.pool.slots.iter().zip(&count.slots).map(|(slot, sums)| {
            json!({"opensAtMs": slot.opens_at.to_string(), "closesAtMs": slot.closes_at.to_string(),
                "budgetMinor": slot.budget.to_string(), "spentMinor": (sums.matched - sums.unmatched).to_string(),
                "seedSha256": slot.seed_sha256.to_hex()})
        });
        json!({"id": count.pool.pool.to_string(), "version": count.pool.version, "slots": slots.collect::<Vec<_>>()})
    });
    json!({"pools": pools.collect::<Vec<_>>()})
}

fn cny() -> Currency {
    "CNY".parse().unwrap()
}

pub fn id(n: u64) -> Uuid {
    Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0000 + u128::from(n))
}

pub fn order(n: u64) -> Hash {
    commitment(id(n), &SALT)
}

/// 2.5 % of what is paid, half to each of two projects.
pub fn pledge(cap: Option<i64>) -> Leaf {
    let part = |at: &str| Part { project: format!("project-{at}"), charity: "53100000".into(), weight: 1 };
    let pledge = Pledge {
        pledge: id(900),
        version: 1,
        base: Base::PaidPrice,
        share_ppm: 25_000,
        per_unit: 0,
        currency: Some(cny()),
        rounding: Rounding::HalfEven,
        cap,
        starts_at: None,
        ends_at: None,
        agreement: Hash::of(b"agreement"),
        parts: vec![part("a"), part("b")],
    };
    Leaf { at: START, fact: Fact::Pledge(pledge) }
}

pub fn accrual(n: u64, part: u32, amount: i64) -> Leaf {
    let accrual = Accrual {
        line: 10 * n + u64::from(part),
        order: order(n),
        pledge: id(900),
        version: 1,
        part,
        quantity: 1,
        paid: 10_000,
        amount,
        currency: cny(),
        county: "洛川县".into(),
        produce: "apricots".into(),
        project: ["project-a", "project-b"][part as usize].into(),
    };
    Leaf { at: START + 1_000 + n, fact: Fact::Accrual(accrual) }
}

/// Of a refund that leaves half of the price.
pub fn reversal(n: u64, part: u32, amount: i64) -> Leaf {
    let (line, order, pledge, currency) = (10 * n + 5 + u64::from(part), order(n), id(900), cny());
    let fact =
        Reversal { line, order, pledge, version: 1, part, kept: 5_000, amount, currency, confirmed: false };
    Leaf { at: START + 2_000 + n, fact: Fact::Reversal(fact) }
}

/// Orders that give 250 each, both parts of each.
pub fn orders(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Leaf> {
    numbers.flat_map(|n| [accrual(n, 0, 125), accrual(n, 1, 125)])
}

fn seed() -> Hash {
    Hash::of(b"a seed")
}

/// Everybody draws one yuan.
pub fn lottery(at: u64) -> Leaf {
    let rule = Rule::Draw { tiers: vec![Tier { chance_ppm: 1_000_000, amount: 100 }] };
    let terms =
        Terms { project: String::new(), buyer_day_cap: 0, project_cap: 0, buyer_minute_limit: 9, rule };
    let slot = Slot {
        opens_at: START + 1_000,
        closes_at: START + 5_000,
        budget: 100_000,
        seed_sha256: Hash::of(&seed().0),
    };
    let (sponsor, terms) = ("An orchard".into(), terms.encode().unwrap());
    let pool = Pool { pool: id(800), version: 1, sponsor, currency: cny(), terms, slots: vec![slot] };
    Leaf { at, fact: Fact::Pool(pool) }
}

pub fn won(n: u64) -> Leaf {
    let (project, currency) = ("project-a".into(), cny());
    let (pool, order) = (id(800), order(n));
    let fact =
        Match { line: 10 * n + 9, order, pool, slot: 0, project, tier: Some(0), amount: 100, currency };
    Leaf { at: START + 1_000 + n, fact: Fact::Match(fact) }
}

pub fn published() -> Leaf {
    Leaf { at: START + 60_000, fact: Fact::Seed(Seed { pool: id(800), slot: 0, seed: seed() }) }
}
