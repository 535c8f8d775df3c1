//! What was checked, each with its outcome and numbers.

use serde::Serialize;

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

    pub fn verdict(self, order_id: String, size: u64, root: String) -> Verdict {
        let none = |outcome| self.0.iter().all(|check| check.outcome != outcome);
        let (ok, complete) = (none(Outcome::Failed), none(Outcome::Failed) && none(Outcome::Skipped));
        Verdict { ok, complete, order_id, checks: self.0, size, root }
    }
}
