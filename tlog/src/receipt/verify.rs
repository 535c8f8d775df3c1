//! A receipt against the keys that somebody trusts, and against itself.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::verdict::Checks;
use super::{Money, Receipt, Verdict};
use crate::checkpoint::Trust;
use crate::encoding;
use crate::leaf::{self, Currency, Fact, Leaf, Pledge, commitment};
use crate::ledger::{Broken, OrderBook};
use crate::merkle::Hash;
use crate::proof::Proof;
use crate::share;

/// Every check that needs nothing but the receipt and the keys. A wrong receipt gives a verdict too, which says what is wrong.
pub fn verify(bytes: &[u8], trust: &Trust) -> Verdict {
    let mut checks = Checks::default();
    let receipt = match Receipt::parse(bytes) {
        Ok(receipt) => receipt,
        Err(refused) => {
            checks.say("form", Err(refused.to_string()));
            return checks.verdict(String::new(), Vec::new());
        }
    };
    checks.say("form", Ok("a receipt of format 1".into()));
    let order = order(&receipt, &mut checks);
    let trees = proven(&receipt, trust, &mut checks);
    let mut book = Book::default();
    let read = book.read(&receipt, order);
    let is_read = read.is_ok();
    checks.say("leaves", read);
    if is_read {
        book.judge(&receipt, &mut checks);
    } else {
        checks.skip("amounts", "the leaves are not those of this order");
    }
    checks.verdict(receipt.order_id, trees.into_iter().collect())
}

/// The commitment that the leaves must carry.
fn order(receipt: &Receipt, checks: &mut Checks) -> Option<Hash> {
    let stated = Hash::from_hex(&receipt.commitment);
    let id = Uuid::try_parse(&receipt.order_id).ok().filter(|id| id.to_string() == receipt.order_id);
    match (stated, id, encoding::from_hex::<32>(&receipt.salt)) {
        (None, ..) => checks.say("commitment", Err("the commitment is not 64 lower-case hex digits".into())),
        (_, None, _) => checks.say("commitment", Err("the order's id is no UUID".into())),
        (Some(_), Some(_), None) if receipt.salt.is_empty() => {
            checks.skip(
                "commitment",
                "without the salt, which the buyer's receipt has, nothing ties the order's id to it",
            );
        }
        (.., None) => checks.say("commitment", Err("the salt is not 64 lower-case hex digits".into())),
        (Some(stated), Some(id), Some(salt)) => {
            let found = commitment(id, &salt);
            let wrong = || format!("order id and salt give {found:?}, the receipt says {stated:?}");
            let result =
                if found == stated { Ok("it is that of order id and salt".into()) } else { Err(wrong()) };
            checks.say("commitment", result);
        }
    }
    stated
}

/// Every leaf is in the log, as the log signed it; the roots that the proofs name, by size.
fn proven(receipt: &Receipt, trust: &Trust, checks: &mut Checks) -> BTreeMap<u64, Hash> {
    let mut trees = BTreeMap::new();
    if receipt.entries.is_empty() {
        checks.skip("proofs", "the receipt has no entries");
        return trees;
    }
    let (mut seen_by, mut forked) = (usize::MAX, None);
    let mut prove = |entry: &super::Entry| -> Result<(), String> {
        let proof = Proof::parse(entry.proof.as_bytes()).map_err(|refused| refused.to_string())?;
        if proof.index != entry.index {
            return Err(format!("the proof is of leaf {}", proof.index));
        }
        let believed = proof.verify(leaf::hash(&entry.leaf), trust).map_err(|refused| refused.to_string())?;
        let (size, root) = (believed.checkpoint.size, believed.checkpoint.root);
        if *trees.entry(size).or_insert(root) != root {
            forked = Some(size);
        }
        seen_by = seen_by.min(believed.witnesses.len());
        Ok(())
    };
    let wrong = receipt.entries.iter().find_map(|entry| {
        let why = prove(entry).err()?;
        Some(format!("leaf {}: {why}", entry.index))
    });
    let count = receipt.entries.len();
    let proven = || {
        format!(
            "{count} leaves are in the log {}, each seen by {seen_by} trusted witnesses or more",
            trust.origin()
        )
    };
    checks.say("proofs", wrong.map_or_else(|| Ok(proven()), Err));
    let forked = forked.map(|size| {
        format!("two roots are signed for the tree of {size}: the log shows different people different trees")
    });
    checks.say("one_tree", forked.map_or_else(|| Ok("no size has two roots".into()), Err));
    trees
}

/// What the order's leaves say together.
#[derive(Default)]
struct Book {
    pledge: Option<Pledge>,
    order: Option<OrderBook>,
    broken: Vec<Broken>,
    matched: i64,
    currency: Option<Currency>,
    last_kept: Option<i64>,
}

impl Book {
    /// The version of the pledge first, then the order's lines as the log has them, all with its commitment.
    fn read(&mut self, receipt: &Receipt, order: Option<Hash>) -> Result<String, String> {
        let mut lines: Vec<u64> = Vec::new();
        let mut before = None;
        for entry in &receipt.entries {
            let at = entry.index;
            let told = |why: String| format!("leaf {at}: {why}");
            if before.replace(at).is_some_and(|before| before >= at) {
                return Err(told("it does not come later in the log than the entry before it".into()));
            }
            let leaf = Leaf::parse(entry.leaf.as_bytes()).map_err(|refused| told(refused.to_string()))?;
            if leaf.fact.order().is_some_and(|found| Some(found) != order) {
                return Err(told("it is of another order".into()));
            }
            if let Some(line) = leaf.fact.line() {
                if lines.contains(&line) {
                    return Err(told(format!("line {line} is there twice")));
                }
                lines.push(line);
            }
            self.take(&leaf).map_err(told)?;
        }
        Ok(format!("{} lines of this order", lines.len()))
    }

    fn take(&mut self, leaf: &Leaf) -> Result<(), String> {
        match &leaf.fact {
            Fact::Pledge(it) if self.pledge.is_none() && self.order.is_none() => {
                self.pledge = Some(it.clone());
                return Ok(());
            }
            Fact::Accrual(it) => {
                let pledge =
                    self.pledge.as_ref().filter(|p| (p.pledge, p.version) == (it.pledge, it.version));
                let pledge = pledge.ok_or("the version of its pledge is not the first entry")?;
                if self.order.is_none() {
                    self.currency = Some(it.currency);
                }
                let book =
                    self.order.get_or_insert_with(|| OrderBook::new(it, OrderBook::NOWHERE, 0, leaf.at));
                self.broken.extend(book.accrue(pledge, it, leaf.at, it.part));
                return Ok(());
            }
            Fact::Match(it) => {
                self.matched = self.matched.saturating_add(it.amount);
                self.currency.get_or_insert(it.currency);
                return Ok(());
            }
            Fact::Unmatch(it) => {
                self.matched = self.matched.saturating_sub(it.amount);
                return Ok(());
            }
            Fact::Reversal(_) | Fact::Confirmation(_) | Fact::Correction(_) => {}
            Fact::Pledge(_) | Fact::Remittance(_) | Fact::Pool(_) | Fact::Seed(_) | Fact::Tally(_) => {
                return Err(format!("a leaf of kind {} does not belong here", leaf.fact.kind()));
            }
        }
        let (Some(book), Some(pledge)) = (&mut self.order, &self.pledge) else {
            return Err("no accrual comes before it".into());
        };
        let (terms, broken) = match &leaf.fact {
            Fact::Reversal(it) => {
                self.last_kept = Some(it.kept);
                ((it.pledge, it.version, it.currency), book.reverse(pledge, it, false))
            }
            Fact::Confirmation(it) => ((it.pledge, it.version, it.currency), book.confirm(it)),
            Fact::Correction(it) => ((it.pledge, it.version, it.currency), book.correct(it)),
            other => return Err(format!("a leaf of kind {} does not belong here", other.kind())),
        };
        if terms != (book.pledge, book.version, book.currency) {
            return Err("pledge, version or currency are not those of the accrual".into());
        }
        self.broken.extend(broken);
        Ok(())
    }

    fn judge(self, receipt: &Receipt, checks: &mut Checks) {
        let order = Hash::from_hex(&receipt.commitment).unwrap_or_else(Hash::empty);
        let currency = self.currency.map(|currency| currency.to_string());
        let stated = |money: &Option<Money>| money.as_ref().map_or(0, |money| money.minor);
        let same = |what: &str, stated: i64, found: i64| {
            if stated == found {
                Ok(format!("{found}, as the leaves say"))
            } else {
                Err(format!("the receipt says {stated} {what}, the leaves say {found}"))
            }
        };
        let monies = [&receipt.paid, &receipt.refunded, &receipt.charity, &receipt.matched];
        let other = monies.into_iter().flatten().find(|money| {
            let named = money.minor != 0 || !money.currency.is_empty();
            named && currency.as_ref().is_some_and(|currency| *currency != money.currency)
        });
        let other = other.map(|money| format!("{:?} is not the leaves' currency", money.currency));
        checks.say("currency", other.map_or_else(|| Ok("one currency".into()), Err));
        if receipt.waiting > 0 {
            let why = format!("{} lines are not in a checkpoint yet; get the receipt again", receipt.waiting);
            match self.impossible(receipt, order) {
                Some(why) => checks.say("amounts", Err(why)),
                None => checks.skip("amounts", &why),
            }
            return;
        }
        checks.say("matched", same("matched", stated(&receipt.matched), self.matched));
        let (Some(book), Some(pledge)) = (&self.order, &self.pledge) else {
            checks.say("charity", same("given", stated(&receipt.charity), 0));
            return;
        };
        let broken = self.broken.first().cloned().or_else(|| book.lack(order, pledge));
        let accrued = book.accrued();
        let share = || {
            format!(
                "{accrued} of {} is what version {} of pledge {} says",
                book.paid, pledge.version, pledge.pledge
            )
        };
        checks.say("share", broken.map_or_else(|| Ok(share()), |broken| Err(broken.to_string())));
        checks.say("paid", same("paid", stated(&receipt.paid), book.paid));
        checks.say("quantity", same("pieces", receipt.quantity.into(), book.quantity.into()));
        checks.say("charity", same("given", stated(&receipt.charity), book.given()));
        let kept = book.paid.saturating_sub(stated(&receipt.refunded));
        let (due, stands) = (book.due(pledge, kept), book.stands());
        let refunded = if kept < 0 || self.last_kept.is_some_and(|last| kept > last) {
            Err(format!("the receipt leaves {kept} paid, the leaves {:?}", self.last_kept.unwrap_or(0)))
        } else if due == stands {
            Ok(format!("of {kept} that stay paid, {due} is what the pledge says"))
        } else {
            Err(format!("of {kept} that stay paid, the pledge says {due}, the leaves say {stands}"))
        };
        checks.say("refunded", refunded);
    }

    /// What is wrong whatever the lines that wait will say.
    fn impossible(&self, receipt: &Receipt, order: Hash) -> Option<String> {
        let stated = |money: &Option<Money>| money.as_ref().map_or(0, |money| money.minor);
        let (paid, charity) = (stated(&receipt.paid), stated(&receipt.charity));
        let kept = paid.saturating_sub(stated(&receipt.refunded));
        if !(0..=paid).contains(&kept) {
            return Some(format!("of {paid} paid, {} are refunded", stated(&receipt.refunded)));
        }
        let (least, most) = match (&self.pledge, &self.order) {
            (None, _) => (0, paid),
            (Some(pledge), None) => (0, share::share(pledge, paid, receipt.quantity)),
            (Some(pledge), Some(book)) => {
                if let Some(broken) = self.broken.first() {
                    return Some(broken.to_string());
                }
                if (book.paid, book.quantity) != (paid, receipt.quantity) {
                    let (found, pieces) = (book.paid, book.quantity);
                    let stated = receipt.quantity;
                    return Some(format!(
                        "the receipt says {paid} for {stated} pieces, the leaves {found} for {pieces}"
                    ));
                }
                if let Some(last) = self.last_kept.filter(|last| kept > *last) {
                    return Some(format!("the receipt leaves {kept} paid, the leaves {last}"));
                }
                // A refund comes after all parts of the accrual.
                if self.last_kept.is_some() || book.lack(order, pledge).is_none() {
                    (book.due(pledge, kept), book.given())
                } else {
                    (0, share::share(pledge, paid, receipt.quantity))
                }
            }
        };
        let possible = (least..=most).contains(&charity);
        (!possible).then(|| format!("the receipt says {charity} given, {least} to {most} can be"))
    }
}
