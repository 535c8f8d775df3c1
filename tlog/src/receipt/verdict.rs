//! What was checked, each with its outcome and numbers.

use serde::Serialize;

use crate::merkle::Hash;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Nothing failed.
    pub ok: bool,
    /// And nothing was left out for want of something.
    pub complete: bool,
    pub order_id: String,
    pub checks: Vec<Check>,
    /// The newest tree that the receipt names, to compare with what others saw.
    pub size: u64,
    /// 64 hex digits, "" without any tree.
    pub root: String,
    /// All trees that the receipt names and the log signed, the smallest first.
    #[serde(skip)]
    pub trees: Vec<(u64, Hash)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    /// What was found, or what failed.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    Failed,
    /// Something that it needs is not in the receipt.
    Skipped,
}

#[derive(Default)]
pub(super) struct Checks(Vec<Check>);

impl Verdict {
    /// With one check more, which needs what the receipt does not have.
    pub fn add(&mut self, name: &'static str, result: Result<String, String>) {
        let mut checks = Checks(std::mem::take(&mut self.checks));
        checks.say(name, result);
        (self.ok, self.complete) = checks.outcome();
        self.checks = checks.0;
    }
}

impl Checks {
    /// `Ok` says what was found, `Err` what failed.
    pub fn say(&mut self, name: &'static str, result: Result<String, String>) {
        let (outcome, why) = match result {
            Ok(why) => (Outcome::Ok, why),
            Err(why) => (Outcome::Failed, why),
        };
        self.0.push(Check { name, outcome, why });
    }

    pub fn skip(&mut self, name: &'static str, why: &str) {
        self.0.push(Check { name, outcome: Outcome::Skipped, why: why.into() });
    }

    /// Nothing failed; and nothing was skipped.
    fn outcome(&self) -> (bool, bool) {
        let none = |outcome| self.0.iter().all(|check| check.outcome != outcome);
        (none(Outcome::Failed), none(Outcome::Failed) && none(Outcome::Skipped))
    }

    pub fn verdict(self, order_id: String, trees: Vec<(u64, Hash)>) -> Verdict {
        let (ok, complete) = self.outcome();
        let (size, root) = trees.last().map(|(size, root)| (*size, root.to_hex())).unwrap_or_default();
        Verdict { ok, complete, order_id, checks: self.0, size, root, trees }
    }
}
