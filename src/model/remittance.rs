//! A remittance run: what is owed to one charity, handed over in one transfer after two people have looked at it.

use uuid::Uuid;

use super::{Currency, Money, OutOfBound, PartRef, Subject, Timestamp, bounded_text};

/// What a run hands over is set aside when it is proposed: a refund that comes later finds less that it could take back.
#[derive(Clone, Debug, PartialEq)]
pub struct RemittanceRun {
    pub id: Uuid,
    pub version: u64,
    /// The charity's number in the public register.
    pub charity_registration: String,
    pub charity_name: String,
    pub currency: Currency,
    pub lines: Vec<RunLine>,
    pub proposed_by: Subject,
    pub proposed_at: Timestamp,
    pub stage: RunStage,
}

/// One part of one pledge.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLine {
    pub part: PartRef,
    pub project: String,
    pub minor: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RunStage {
    Proposed,
    /// By somebody else than who proposed it. The money may go to the bank now.
    Approved(Approval),
    /// The bank has done it, and the ledger has the lines.
    Transferred {
        approval: Approval,
        transfer: BankTransfer,
        by: Subject,
        at: Timestamp,
    },
    /// What was set aside is owed again.
    Withdrawn {
        by: Subject,
        at: Timestamp,
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    pub by: Subject,
    pub at: Timestamp,
}

/// What the bank says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct BankTransfer {
    pub reference: String,
    /// SHA-256 of the bank's document, 64 hex digits.
    pub proof_sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRefused {
    #[error("who proposed a remittance cannot approve it; it needs a second person")]
    SamePerson,
    #[error("the remittance is {is}; this needs one that is {wanted}")]
    WrongStage { is: &'static str, wanted: &'static str },
}

impl RemittanceRun {
    pub fn total(&self) -> Money {
        Money::new(self.lines.iter().map(|line| line.minor).sum(), self.currency)
    }

    pub fn approve(self, by: Subject, at: Timestamp) -> Result<Self, RunRefused> {
        match self.stage {
            RunStage::Proposed if by == self.proposed_by => Err(RunRefused::SamePerson),
            RunStage::Proposed => Ok(self.into(RunStage::Approved(Approval { by, at }))),
            _ => Err(self.wrong("proposed")),
        }
    }

    pub fn transfer(self, transfer: BankTransfer, by: Subject, at: Timestamp) -> Result<Self, RunRefused> {
        match self.stage.clone() {
            RunStage::Approved(approval) => {
                Ok(self.into(RunStage::Transferred { approval, transfer, by, at }))
            }
            _ => Err(self.wrong("approved")),
        }
    }

    pub fn withdraw(self, reason: String, by: Subject, at: Timestamp) -> Result<Self, RunRefused> {
        match self.stage {
            RunStage::Proposed | RunStage::Approved(_) => {
                Ok(self.into(RunStage::Withdrawn { by, at, reason }))
            }
            _ => Err(self.wrong("proposed or approved")),
        }
    }

    fn into(self, stage: RunStage) -> Self {
        Self { stage, version: self.version + 1, ..self }
    }

    fn wrong(&self, wanted: &'static str) -> RunRefused {
        RunRefused::WrongStage { is: self.stage.name(), wanted }
    }
}

impl RunStage {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved(_) => "approved",
            Self::Transferred { .. } => "transferred",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

impl BankTransfer {
    pub fn parse(reference: &str, proof_sha256: &str) -> Result<Self, OutOfBound> {
        let proof_sha256 = proof_sha256.to_ascii_lowercase();
        if proof_sha256.len() != 64 || !proof_sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(OutOfBound::new("proofSha256", "64 hex digits: the SHA-256 of the bank's document"));
        }
        Ok(Self { reference: bounded_text("reference", reference, 1..=100)?, proof_sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RemittanceRun {
        RemittanceRun {
            id: Uuid::from_u128(1),
            version: 1,
            charity_registration: "53100000".into(),
            charity_name: "A foundation".into(),
            currency: Currency::CNY,
            lines: vec![],
            proposed_by: "an".parse().unwrap(),
            proposed_at: Timestamp(1),
            stage: RunStage::Proposed,
        }
    }

    fn bank() -> BankTransfer {
        BankTransfer::parse("ICBC 0017", &"ab".repeat(32)).unwrap()
    }

    #[test]
    fn it_takes_two_people_and_a_transfer() {
        let (an, bo): (Subject, Subject) = ("an".parse().unwrap(), "bo".parse().unwrap());
        assert_eq!(run().approve(an.clone(), Timestamp(2)), Err(RunRefused::SamePerson));
        let early = run().transfer(bank(), bo.clone(), Timestamp(2));
        assert_eq!(early, Err(RunRefused::WrongStage { is: "proposed", wanted: "approved" }));
        let approved = run().approve(bo.clone(), Timestamp(2)).unwrap();
        assert_eq!(approved.version, 2);
        let done = approved.clone().transfer(bank(), an.clone(), Timestamp(3)).unwrap();
        assert_eq!((done.stage.name(), done.version), ("transferred", 3));
        assert!(done.clone().approve(bo.clone(), Timestamp(4)).is_err(), "it is done");
        assert!(done.withdraw("late".into(), an.clone(), Timestamp(4)).is_err(), "the money is gone");
        let withdrawn = approved.withdraw("a wrong account".into(), an, Timestamp(3)).unwrap();
        assert!(withdrawn.transfer(bank(), bo, Timestamp(4)).is_err());
    }

    #[test]
    fn a_transfer_has_a_reference_and_a_hash() {
        for (reference, proof) in [
            ("", "ab".repeat(32)),
            ("x", "ab".repeat(31)),
            ("x", "zz".repeat(32)),
            ("x\u{7}", "ab".repeat(32)),
        ] {
            assert!(BankTransfer::parse(reference, &proof).is_err(), "{reference} {proof}");
        }
        assert_eq!(BankTransfer::parse(" x ", &"AB".repeat(32)).unwrap().proof_sha256, "ab".repeat(32));
    }
}
