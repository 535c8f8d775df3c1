//! A ledger that keeps its promises, with bookkeeping of its own, and the log that it publishes.

use std::collections::HashMap;
use std::convert::Infallible;

use apricot_tlog::checkpoint::{Checkpoint, Trust};
use apricot_tlog::leaf::{
    Accrual, Base, Confirmation, Correction, Currency, Fact, Leaf, Match, Part, Pledge, Pool, Remittance,
    Reversal, Rounding, Rule, Scope, Seed, Slot, Tally, Terms, Tier, Unmatch, commitment, draw, hash,
};
use apricot_tlog::ledger::{Broken, Recount};
use apricot_tlog::merkle::{self, Hash, Node, root_of};
use apricot_tlog::note::Signer;
use apricot_tlog::proof::Proof;
use apricot_tlog::receipt::{Entry, Money, Receipt};
use apricot_tlog::share;
use uuid::Uuid;

pub const ORIGIN: &str = "apricot.example/log";
pub const START: u64 = 1_764_000_000_000;

pub fn cny() -> Currency {
    "CNY".parse().unwrap()
}

pub fn id(n: u64) -> Uuid {
    Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0000 + u128::from(n))
}

pub fn salt(order: u64) -> [u8; 32] {
    Hash::of(&order.to_be_bytes()).0
}

pub fn signer() -> Signer {
    Signer::log(ORIGIN, &[7; 32]).unwrap()
}

pub fn trust() -> Trust {
    Trust::new(vec![signer().verifier().clone()]).unwrap()
}

pub fn pledge(n: u64, parts: &[u32]) -> Pledge {
    let part = |(at, weight): (usize, &u32)| Part {
        project: format!("project-{at}"),
        charity: format!("5310000{at}"),
        weight: *weight,
    };
    Pledge {
        pledge: id(n),
        version: 1,
        base: Base::PaidPrice,
        share_ppm: 25_000,
        per_unit: 0,
        currency: None,
        rounding: Rounding::HalfEven,
        cap: None,
        starts_at: Some(START),
        ends_at: None,
        agreement: Hash::of(b"agreement"),
        parts: parts.iter().enumerate().map(part).collect(),
    }
}

#[derive(Default)]
pub struct Stage {
    pub leaves: Vec<Leaf>,
    line: u64,
    pledges: HashMap<Uuid, Pledge>,
    standing: HashMap<Uuid, i64>,
    /// Confirmed and not remitted, by pledge and part.
    payable: HashMap<(Uuid, u32), i64>,
    orders: HashMap<u64, Order>,
}

pub struct Order {
    pub pledge: Pledge,
    pub paid: i64,
    pub quantity: u32,
    pub kept: i64,
    /// What each part owes.
    pub parts: Vec<i64>,
    pub corrected: i64,
    pub accrued: i64,
    pub confirmed: bool,
    pub matched: i64,
}

impl Stage {
    fn say(&mut self, fact: Fact) {
        let at = START + self.leaves.len() as u64;
        self.leaves.push(Leaf { at, fact });
    }

    fn line(&mut self) -> u64 {
        self.line += 1;
        self.line
    }

    pub fn promise(&mut self, pledge: Pledge) {
        self.pledges.insert(pledge.pledge, pledge.clone());
        self.say(Fact::Pledge(pledge));
    }

    pub fn order(&self, n: u64) -> &Order {
        &self.orders[&n]
    }

    pub fn commitment(n: u64) -> Hash {
        commitment(id(n), &salt(n))
    }

    pub fn pay(&mut self, n: u64, pledge: u64, paid: i64, quantity: u32) {
        let pledge = self.pledges[&id(pledge)].clone();
        let standing = self.standing.entry(pledge.pledge).or_default();
        let room = pledge.cap.map_or(i64::MAX, |cap| cap - *standing);
        let amount = share::share(&pledge, paid, quantity).min(room);
        *standing += amount;
        let parts = share::by_weight(&pledge, amount);
        for (part, amount) in (0..).zip(parts.iter().copied()) {
            let line = self.line();
            self.say(Fact::Accrual(Accrual {
                line,
                order: Self::commitment(n),
                pledge: pledge.pledge,
                version: pledge.version,
                part,
                quantity,
                paid,
                amount,
                currency: cny(),
                county: if n.is_multiple_of(2) { "洛川县".into() } else { "Aksu".into() },
                produce: "apricots".into(),
                project: pledge.parts[part as usize].project.clone(),
            }));
        }
        let (kept, accrued) = (paid, amount);
        let order = Order {
            pledge,
            paid,
            quantity,
            kept,
            parts,
            corrected: 0,
            accrued,
            confirmed: false,
            matched: 0,
        };
        self.orders.insert(n, order);
    }

    pub fn confirm(&mut self, n: u64) {
        let order = self.orders.get_mut(&n).unwrap();
        if std::mem::replace(&mut order.confirmed, true) {
            return;
        }
        let (pledge, version, parts) = (order.pledge.pledge, order.pledge.version, order.parts.clone());
        for (part, amount) in (0..).zip(parts) {
            *self.payable.entry((pledge, part)).or_default() += amount;
            let line = self.line();
            let order = Self::commitment(n);
            self.say(Fact::Confirmation(Confirmation {
                line,
                order,
                pledge,
                version,
                part,
                amount,
                currency: cny(),
            }));
        }
    }

    /// Takes back what the smaller price no longer gives; what is remitted already is the host's.
    pub fn refund(&mut self, n: u64, amount: i64) {
        let order = self.orders.get_mut(&n).unwrap();
        order.kept -= amount.min(order.kept);
        let kept = order.kept;
        let due = share::share_kept(&order.pledge, order.paid, kept, order.quantity, order.accrued);
        let before = std::mem::take(&mut order.parts);
        order.parts = share::keep(&before, due);
        let (pledge, version, confirmed) = (order.pledge.pledge, order.pledge.version, order.confirmed);
        let cuts: Vec<i64> = before.iter().zip(&order.parts).map(|(before, after)| before - after).collect();
        for (part, cut) in (0..).zip(cuts) {
            assert!(cut >= 0, "a part grew");
            let payable = self.payable.entry((pledge, part)).or_default();
            let amount = if confirmed { cut.min(*payable) } else { cut };
            if confirmed {
                *payable -= amount;
            }
            let order = Self::commitment(n);
            if amount > 0 {
                *self.standing.get_mut(&pledge).unwrap() -= amount;
                let line = self.line();
                let currency = cny();
                self.say(Fact::Reversal(Reversal {
                    line,
                    order,
                    pledge,
                    version,
                    part,
                    kept,
                    amount,
                    currency,
                    confirmed,
                }));
            }
            if cut > amount {
                let line = self.line();
                self.orders.get_mut(&n).unwrap().corrected += cut - amount;
                let (amount, currency) = (cut - amount, cny());
                self.say(Fact::Correction(Correction {
                    line,
                    order,
                    pledge,
                    version,
                    part,
                    amount,
                    currency,
                }));
            }
        }
    }

    pub fn remit(&mut self, n: u64, pledge: u64) {
        let pledge = self.pledges[&id(pledge)].clone();
        for (number, part) in (0..).zip(&pledge.parts) {
            let payable = self.payable.entry((pledge.pledge, number)).or_default();
            let amount = std::mem::take(payable);
            let line = self.line();
            self.say(Fact::Remittance(Remittance {
                line,
                remittance: id(n),
                charity: part.charity.clone(),
                project: part.project.clone(),
                pledge: pledge.pledge,
                part: number,
                amount,
                currency: cny(),
                reference: format!("transfer {n}"),
                proof: Some(Hash::of(b"document")),
            }));
        }
    }

    /// A pool with one slot that is open from now on but for the last moment.
    pub fn sponsor(&mut self, n: u64, rule: Rule, budget: i64) {
        let terms =
            Terms { project: String::new(), buyer_day_cap: 0, project_cap: 0, buyer_minute_limit: 3, rule };
        let opens_at = START + self.leaves.len() as u64;
        let slot = Slot { opens_at, closes_at: START + 1_000_000, budget, seed_sha256: Hash::of(&seed(n).0) };
        self.say(Fact::Pool(Pool {
            pool: id(n),
            version: 1,
            sponsor: "An orchard".into(),
            currency: cny(),
            terms: terms.encode().unwrap(),
            slots: vec![slot],
        }));
    }

    /// What the draw or the ratio gives, as far as `left` goes.
    pub fn matched(&mut self, n: u64, pool: u64, rule: &Rule, left: i64) -> i64 {
        let order = &self.orders[&n];
        let (tier, due) = match rule {
            Rule::Ratio { ppm } => (None, share::of(order.accrued, *ppm, Rounding::Down)),
            Rule::Draw { tiers } => {
                let tier = draw(seed(pool), Self::commitment(n), tiers);
                (tier, tier.map_or(0, |tier| tiers[tier as usize].amount))
            }
            Rule::Hearts { .. } => panic!("hearts have no order"),
        };
        let (amount, project) = (due.min(left), order.pledge.parts[0].project.clone());
        if amount == 0 {
            return 0;
        }
        self.orders.get_mut(&n).unwrap().matched = amount;
        let line = self.line();
        let order = Self::commitment(n);
        self.say(Fact::Match(Match {
            line,
            order,
            pool: id(pool),
            slot: 0,
            project,
            tier,
            amount,
            currency: cny(),
        }));
        amount
    }

    pub fn unmatched(&mut self, n: u64, pool: u64) {
        let amount = std::mem::take(&mut self.orders.get_mut(&n).unwrap().matched);
        let line = self.line();
        let order = Self::commitment(n);
        self.say(Fact::Unmatch(Unmatch { line, order, pool: id(pool), slot: 0, amount, currency: cny() }));
    }

    pub fn publish_seed(&mut self, pool: u64) {
        self.leaves.push(Leaf {
            at: START + 1_000_000,
            fact: Fact::Seed(Seed { pool: id(pool), slot: 0, seed: seed(pool) }),
        });
    }

    /// Every key there is, over the first leaves.
    pub fn tally(&mut self, size: usize) {
        for ((scope, key), [orders, paid, accrued, reversed, confirmed, remitted, matched, unmatched]) in
            summed(&self.leaves[..size])
        {
            let size = size as u64;
            self.say(Fact::Tally(Tally {
                size,
                scope,
                key,
                currency: cny(),
                orders,
                paid,
                accrued,
                reversed,
                confirmed,
                remitted,
                matched,
                unmatched,
            }));
        }
    }

    pub fn recount(&self) -> Recount {
        let mut recount = Recount::default();
        self.leaves.iter().for_each(|leaf| recount.push(leaf.encode().unwrap().as_bytes()));
        recount
    }

    /// Every rule that the log breaks.
    pub fn broken(&self) -> Vec<Broken> {
        let recount = self.recount();
        recount.findings().iter().cloned().chain(recount.lacking()).map(|finding| finding.broken).collect()
    }

    /// The order's receipt against the whole log.
    pub fn receipt(&self, n: u64) -> Receipt {
        let order = &self.orders[&n];
        let entries: Vec<String> = self.leaves.iter().map(|leaf| leaf.encode().unwrap()).collect();
        let hashes: Vec<Hash> = entries.iter().map(|entry| hash(entry)).collect();
        let size = hashes.len() as u64;
        let checkpoint =
            Checkpoint::new(ORIGIN, size, root_of(hashes.clone())).unwrap().sign(&signer()).unwrap();
        let read = |node: Node| {
            let from = (node.index << node.level) as usize;
            Ok::<_, Infallible>(root_of(hashes[from..from + (1 << node.level)].iter().copied()))
        };
        let own = |leaf: &Leaf| match &leaf.fact {
            Fact::Pledge(it) => (it.pledge, it.version) == (order.pledge.pledge, order.pledge.version),
            other => other.order() == Some(Self::commitment(n)),
        };
        let entry = |(index, text): (u64, &String)| {
            let hashes = merkle::inclusion(index, size, read).unwrap();
            let proof = Proof { extra: None, index, hashes, checkpoint: checkpoint.clone() }.to_string();
            Entry { index, leaf: text.clone(), proof }
        };
        let owned = (0..).zip(&entries).zip(&self.leaves).filter(|(_, leaf)| own(leaf));
        let money = |minor| (minor != 0).then(|| Money { minor, currency: "CNY".into() });
        Receipt {
            format: 1,
            order_id: id(n).to_string(),
            salt: Hash(salt(n)).to_hex(),
            commitment: Self::commitment(n).to_hex(),
            title: "Dried apricots".into(),
            quantity: order.quantity,
            paid: money(order.paid),
            refunded: money(order.paid - order.kept),
            charity: money(order.parts.iter().sum::<i64>() + order.corrected),
            matched: money(order.matched),
            paid_at_ms: START as i64,
            keys: vec![signer().verifier().to_string()],
            origin: ORIGIN.into(),
            entries: owned.map(|(text, _)| entry(text)).collect(),
            waiting: 0,
        }
    }
}

pub fn seed(pool: u64) -> Hash {
    Hash::of(format!("seed of {pool}").as_bytes())
}

pub fn lottery() -> Rule {
    Rule::Draw {
        tiers: vec![Tier { chance_ppm: 300_000, amount: 500 }, Tier { chance_ppm: 400_000, amount: 88 }],
    }
}

/// Sums of columns by key, one leaf after the other, by no cleverness at all.
fn summed(leaves: &[Leaf]) -> HashMap<(Scope, String), [u64; 8]> {
    type Keys = Vec<(Scope, String)>;
    let mut sums: HashMap<(Scope, String), [i64; 8]> = HashMap::new();
    let mut orders: HashMap<Hash, Keys> = HashMap::new();
    let mut projects: HashMap<(Uuid, u32, u32), String> = HashMap::new();
    let mut matches: HashMap<(Hash, Uuid), Keys> = HashMap::new();
    let key = |scope, key: &str| (scope, key.to_owned());
    for leaf in leaves {
        let (keys, changes): (Keys, Vec<(usize, i64)>) = match &leaf.fact {
            Fact::Pledge(it) => {
                for (part, to) in (0..).zip(&it.parts) {
                    projects.insert((it.pledge, it.version, part), to.project.clone());
                }
                continue;
            }
            Fact::Accrual(it) => {
                let pledge = key(Scope::Pledge, &it.pledge.to_string());
                let own = vec![
                    key(Scope::All, ""),
                    key(Scope::County, &it.county),
                    key(Scope::Produce, &it.produce),
                    pledge,
                ];
                if orders.insert(it.order, own.clone()).is_none() {
                    for own in &own {
                        let sums = sums.entry(own.clone()).or_default();
                        (sums[0], sums[1]) = (sums[0] + 1, sums[1] + it.paid);
                    }
                }
                let sums = sums.entry(key(Scope::Project, &it.project)).or_default();
                (sums[0], sums[1]) = (sums[0] + 1, sums[1] + it.paid);
                ([own, vec![key(Scope::Project, &it.project)]].concat(), vec![(2, it.amount)])
            }
            Fact::Reversal(it) => {
                let project = key(Scope::Project, &projects[&(it.pledge, it.version, it.part)]);
                let taken =
                    if it.confirmed { vec![(3, it.amount), (4, -it.amount)] } else { vec![(3, it.amount)] };
                ([orders[&it.order].clone(), vec![project]].concat(), taken)
            }
            Fact::Confirmation(it) => {
                let project = key(Scope::Project, &projects[&(it.pledge, it.version, it.part)]);
                ([orders[&it.order].clone(), vec![project]].concat(), vec![(4, it.amount)])
            }
            Fact::Remittance(it) => {
                let keys = [
                    key(Scope::All, ""),
                    key(Scope::Pledge, &it.pledge.to_string()),
                    key(Scope::Project, &it.project),
                ];
                (keys.to_vec(), vec![(5, it.amount)])
            }
            Fact::Match(it) => {
                let keys = [orders[&it.order].clone(), vec![key(Scope::Project, &it.project)]].concat();
                matches.insert((it.order, it.pool), keys.clone());
                (keys, vec![(6, it.amount)])
            }
            Fact::Unmatch(it) => (matches[&(it.order, it.pool)].clone(), vec![(7, it.amount)]),
            Fact::Correction(_) | Fact::Pool(_) | Fact::Seed(_) | Fact::Tally(_) => continue,
        };
        for key in keys {
            let sums = sums.entry(key).or_default();
            changes.iter().for_each(|(column, amount)| sums[*column] += amount);
        }
    }
    sums.into_iter().map(|(key, sums)| (key, sums.map(|sum| u64::try_from(sum).unwrap()))).collect()
}
