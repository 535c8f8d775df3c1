//! Posted lines and pledges as leaves. docs/log.md says what each key means.

use apricot_tlog::leaf::{
    self, Accrual, Confirmation, Correction, Fact, Leaf, Remittance, Reversal, Rounding as TheirRounding,
};
use apricot_tlog::merkle::Hash;

use crate::model::{Account, Code, Currency, Pledge, PledgeBase, PledgePart, Rounding, Timestamp};
use crate::store::journal::{Line, LineRemittance};

/// A host's words are cut to what a leaf takes; a control character becomes a space.
pub fn words(text: &str, characters: usize) -> String {
    text.chars().take(characters).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub fn currency(currency: Currency) -> leaf::Currency {
    currency.as_str().parse().expect("three letters A-Z, as here")
}

pub fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.millis()).unwrap_or(0)
}

pub fn of_pledge(pledge: &Pledge, at: Timestamp) -> Leaf {
    let (base, share_ppm, per_unit) = match pledge.base {
        PledgeBase::PaidPrice(share) => (leaf::Base::PaidPrice, share.as_ppm(), 0),
        PledgeBase::PerUnit(unit) => (leaf::Base::PerUnit, 0, unit.minor),
    };
    let rounding = match pledge.rounding {
        Rounding::Down => TheirRounding::Down,
        Rounding::HalfEven => TheirRounding::HalfEven,
        Rounding::Up => TheirRounding::Up,
    };
    let part = |part: &PledgePart| leaf::Part {
        project: words(&part.project, 100),
        charity: words(&part.charity_registration, 40),
        weight: part.weight,
    };
    let fact = leaf::Pledge {
        pledge: pledge.id.0,
        version: pledge.version,
        base,
        share_ppm,
        per_unit,
        currency: pledge.currency().map(currency),
        rounding,
        cap: pledge.cap.map(|cap| cap.minor),
        starts_at: pledge.starts_at.map(millis),
        ends_at: pledge.ends_at.map(millis),
        agreement: Hash::from_hex(&pledge.agreement_sha256).unwrap_or_else(Hash::empty),
        parts: pledge.parts.iter().map(part).collect(),
    };
    Leaf { at: millis(at), fact: Fact::Pledge(fact) }
}

/// What a line says that is not of a charity's money, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a line between these accounts with this code is no line of a charity's money, or its order is missing"
)]
pub struct NotTold;

/// `order`: the commitment to the line's order.
pub fn of_line(line: &Line, order: Option<Hash>) -> Result<Leaf, NotTold> {
    let (number, amount) = (u64::try_from(line.transfer).unwrap_or(0), line.amount);
    let (minor, currency) = (amount.minor, currency(amount.currency));
    let of_order = || line.order.as_ref().zip(order).ok_or(NotTold);
    let fact = match (line.code, &line.debit, &line.credit) {
        (Code::Accrue, _, Account::CharityAccrued(part)) => {
            let (of, order) = of_order()?;
            Fact::Accrual(Accrual {
                line: number,
                order,
                pledge: part.pledge.0,
                version: of.pledge.version,
                part: part.part.into(),
                quantity: of.quantity,
                paid: of.paid.minor,
                amount: minor,
                currency,
                county: words(&of.place, 80),
                produce: words(&of.produce, 80),
                project: words(&line.project, 100),
            })
        }
        (Code::Reverse, Account::CharityAccrued(part) | Account::CharityPayable(part), _) => {
            let (of, order) = of_order()?;
            Fact::Reversal(Reversal {
                line: number,
                order,
                pledge: part.pledge.0,
                version: of.pledge.version,
                part: part.part.into(),
                kept: of.kept_minor,
                amount: minor,
                currency,
                confirmed: matches!(line.debit, Account::CharityPayable(_)),
            })
        }
        (Code::Confirm, _, Account::CharityPayable(part)) => {
            let (of, order) = of_order()?;
            Fact::Confirmation(Confirmation {
                line: number,
                order,
                pledge: part.pledge.0,
                version: of.pledge.version,
                part: part.part.into(),
                amount: minor,
                currency,
            })
        }
        (Code::Correct, _, Account::CorrectionBorne(part)) => {
            let (of, order) = of_order()?;
            Fact::Correction(Correction {
                line: number,
                order,
                pledge: part.pledge.0,
                version: of.pledge.version,
                part: part.part.into(),
                amount: minor,
                currency,
            })
        }
        (Code::Remit, _, Account::CharityRemitted(part)) => {
            let LineRemittance { id, reference, proof } = line.remittance.as_ref().ok_or(NotTold)?;
            Fact::Remittance(Remittance {
                line: number,
                remittance: *id,
                charity: words(&line.charity, 40),
                project: words(&line.project, 100),
                pledge: part.pledge.0,
                part: part.part.into(),
                amount: minor,
                currency,
                reference: words(reference, 100),
                proof: proof.as_deref().and_then(Hash::from_hex),
            })
        }
        _ => return Err(NotTold),
    };
    Ok(Leaf { at: millis(line.at), fact })
}
