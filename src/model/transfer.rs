//! Double entry: a transfer moves an amount from one account to another, so that every transfer balances by its shape.

use std::fmt;
use std::str::FromStr;

use super::{Money, OrderId, OutOfBound, PartRef, PledgeId, PoolId, Subject, Timestamp};

/// Balances are credits less debits. The sum over all accounts of a currency is zero, always.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// What the provider took from buyers and has not paid back. Debited when a buyer pays.
    BuyerClearing {
        provider: &'static str,
    },
    HostPayable(Subject),
    PlatformCommission,
    ProviderFee {
        provider: &'static str,
    },
    /// Accrued when paid, for the pledge's project.
    CharityAccrued(PartRef),
    /// Confirmed by receipt, owed to the charity.
    CharityPayable(PartRef),
    /// Handed over to the charity.
    CharityRemitted(PartRef),
    /// What a host bears for refunds that came after the charity had the money. A memorandum: the money itself is in the refund.
    CorrectionCost(Subject),
    CorrectionBorne(PartRef),
    /// Owed to a buyer whose refund is under way.
    RefundPayable,
    /// What a sponsor's pool has promised to add.
    SponsorPool(PoolId),
    /// What sponsors added to what a pledge gives. Apart from the pledge's own, always.
    CharityMatched(PledgeId),
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Buyer paid: buyer clearing to host payable.
    Sale,
    /// Host payable to platform commission; an explicit zero for farm produce.
    Commission,
    /// Host payable to charity accrued.
    Accrue,
    /// Charity accrued back to host payable, by a refund.
    Reverse,
    /// Charity accrued to charity payable, at receipt.
    Confirm,
    /// Charity payable to charity remitted, with the bank's proof.
    Remit,
    /// Host payable to provider fee, as the provider reported it.
    Fee,
    /// Host payable to refund payable.
    Refund,
    /// A payment that came too late: buyer clearing to refund payable.
    Late,
    /// Refund payable to buyer clearing: the provider has sent it back.
    PaidBack,
    /// Correction cost to correction borne: a refund after remittance, which the host bears.
    Correct,
    /// Sponsor pool to charity matched. Of hearts, the order is an id made from the release.
    Match,
    /// Charity matched back to sponsor pool, by a refund.
    Unmatch,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
    pub code: Code,
    /// The order it belongs to; a remittance belongs to none.
    pub order: Option<OrderId>,
    pub at: Timestamp,
}

macro_rules! codes {
    ($($variant:ident = $number:literal $name:literal),* $(,)?) => {
        impl Code {
            /// As it stands in the record.
            pub fn number(self) -> i64 {
                match self { $(Self::$variant => $number),* }
            }

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            pub fn from_number(number: i64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    Sale = 1 "sale", Commission = 2 "commission", Accrue = 3 "accrue", Reverse = 4 "reverse", Confirm = 5 "confirm",
    Remit = 6 "remit", Fee = 7 "fee", Refund = 8 "refund", Late = 9 "late", PaidBack = 10 "paid_back",
    Correct = 11 "correct", Match = 13 "match", Unmatch = 14 "unmatch",
}

pub const SANDBOX: &str = "sandbox";

impl Account {
    /// The part of a pledge that it is of.
    pub fn part(&self) -> Option<PartRef> {
        match self {
            Self::CharityAccrued(part)
            | Self::CharityPayable(part)
            | Self::CharityRemitted(part)
            | Self::CorrectionBorne(part) => Some(*part),
            Self::BuyerClearing { .. }
            | Self::HostPayable(_)
            | Self::PlatformCommission
            | Self::ProviderFee { .. }
            | Self::CorrectionCost(_)
            | Self::RefundPayable
            | Self::SponsorPool(_)
            | Self::CharityMatched(_) => None,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuyerClearing { provider } => write!(f, "buyer_clearing/{provider}"),
            Self::HostPayable(host) => write!(f, "host_payable/{host}"),
            Self::PlatformCommission => f.write_str("platform_commission"),
            Self::ProviderFee { provider } => write!(f, "provider_fee/{provider}"),
            Self::CharityAccrued(pledge) => write!(f, "charity_accrued/{pledge}"),
            Self::CharityPayable(pledge) => write!(f, "charity_payable/{pledge}"),
            Self::CharityRemitted(pledge) => write!(f, "charity_remitted/{pledge}"),
            Self::CorrectionCost(host) => write!(f, "correction_cost/{host}"),
            Self::CorrectionBorne(pledge) => write!(f, "correction_borne/{pledge}"),
            Self::RefundPayable => f.write_str("refund_payable"),
            Self::SponsorPool(pool) => write!(f, "sponsor_pool/{pool}"),
            Self::CharityMatched(pledge) => write!(f, "charity_matched/{pledge}"),
        }
    }
}

impl FromStr for Account {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        let (kind, owner) = text.split_once('/').unwrap_or((text, ""));
        match (kind, owner) {
            ("buyer_clearing", SANDBOX) => Ok(Self::BuyerClearing { provider: SANDBOX }),
            ("host_payable", host) => Ok(Self::HostPayable(host.parse()?)),
            ("platform_commission", "") => Ok(Self::PlatformCommission),
            ("provider_fee", SANDBOX) => Ok(Self::ProviderFee { provider: SANDBOX }),
            ("charity_accrued", pledge) => Ok(Self::CharityAccrued(pledge.parse()?)),
            ("charity_payable", pledge) => Ok(Self::CharityPayable(pledge.parse()?)),
            ("charity_remitted", pledge) => Ok(Self::CharityRemitted(pledge.parse()?)),
            ("correction_cost", host) => Ok(Self::CorrectionCost(host.parse()?)),
            ("correction_borne", pledge) => Ok(Self::CorrectionBorne(pledge.parse()?)),
            ("refund_payable", "") => Ok(Self::RefundPayable),
            ("sponsor_pool", pool) => Ok(Self::SponsorPool(pool.parse()?)),
            ("charity_matched", pledge) => Ok(Self::CharityMatched(pledge.parse()?)),
            _ => Err(OutOfBound::new("account", "the name of an account, such as host_payable/li")),
        }
    }
}
