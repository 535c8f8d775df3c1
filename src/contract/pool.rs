//! Sponsors' pools as messages and back.

use apricot_proto::v1;
use apricot_proto::v1::pool_terms::Rule as Spoken;
use apricot_tlog::encoding::hex;
use apricot_tlog::leaf::{Rule, Terms, Tier};
use uuid::Uuid;

use super::parse;
use crate::ledger::{DRAW_OPENS_AFTER, PoolRow};
use crate::model::{
    MatchPool, OutOfBound, PledgeId, PoolId, PoolSeed, PoolSlot, RoomId, Timestamp, bounded_text,
};

pub fn pool(row: &PoolRow) -> v1::MatchPool {
    let PoolRow { pool, sums } = row;
    let slots = pool.slots.iter().zip(&sums.slots).map(|(slot, sums)| v1::PoolSlot {
        opens_at_ms: slot.opens_at.millis(),
        closes_at_ms: slot.closes_at.millis(),
        budget_minor: slot.budget,
        spent_minor: sums.spent,
        left_minor: slot.budget - sums.spent,
        seed_sha256: slot.seed.commitment().to_hex(),
        seed: sums.published_at.map(|_| hex(&slot.seed.0)).unwrap_or_default(),
        hearts: sums.hearts,
    });
    v1::MatchPool {
        id: pool.id.to_string(),
        version: MatchPool::VERSION,
        sponsor: pool.sponsor.clone(),
        currency: pool.currency.as_str().to_owned(),
        terms: Some(terms(&pool.terms)),
        slots: slots.collect(),
        frozen: sums.frozen,
    }
}

pub fn terms(terms: &Terms) -> v1::PoolTerms {
    let rule = match &terms.rule {
        Rule::Ratio { ppm } => Spoken::Ratio(v1::MatchRatio { ppm: *ppm }),
        Rule::Draw { tiers } => {
            let tier = |tier: &Tier| v1::MatchTier { chance_ppm: tier.chance_ppm, amount_minor: tier.amount };
            Spoken::Draw(v1::MatchDraw { tiers: tiers.iter().map(tier).collect() })
        }
        Rule::Hearts { room, hearts, amount, pledge } => Spoken::Hearts(v1::MatchHearts {
            room_id: room.clone(),
            hearts: *hearts,
            amount_minor: *amount,
            pledge_id: pledge.to_string(),
        }),
    };
    v1::PoolTerms {
        project: terms.project.clone(),
        buyer_day_cap_minor: terms.buyer_day_cap,
        project_cap_minor: terms.project_cap,
        buyer_minute_limit: terms.buyer_minute_limit,
        rule: Some(rule),
    }
}

/// `id` and seeds are of the server's making; a slot that opens at 0 opens as soon as it may, which is now for all but draws.
pub fn parse_pool(
    message: &v1::CreatePool,
    id: PoolId,
    mut seed: impl FnMut() -> PoolSeed,
    now: Timestamp,
) -> Result<MatchPool, OutOfBound> {
    let terms = parse_terms(message.terms.as_ref())?;
    let soonest = if matches!(terms.rule, Rule::Draw { .. }) { now + DRAW_OPENS_AFTER } else { now };
    let mut slots = Vec::new();
    for (index, slot) in message.slots.iter().enumerate() {
        let in_slot = |refused: OutOfBound| refused.in_item("slots", index);
        let opens_at = parse::time("opensAtMs", slot.opens_at_ms).map_err(in_slot)?.unwrap_or(soonest);
        let closes_at = parse::time("closesAtMs", slot.closes_at_ms).map_err(in_slot)?.unwrap_or_default();
        slots.push(PoolSlot { opens_at, closes_at, budget: slot.budget_minor, seed: seed() });
    }
    let pool = MatchPool {
        id,
        sponsor: bounded_text("sponsor", &message.sponsor, 1..=100)?,
        currency: message.currency.parse()?,
        terms,
        slots,
    };
    pool.check()?;
    Ok(pool)
}

fn parse_terms(message: Option<&v1::PoolTerms>) -> Result<Terms, OutOfBound> {
    let message = message.ok_or_else(|| OutOfBound::new("terms", "given, with a rule"))?;
    let rule = match &message.rule {
        Some(Spoken::Ratio(v1::MatchRatio { ppm })) => Rule::Ratio { ppm: *ppm },
        Some(Spoken::Draw(v1::MatchDraw { tiers })) => {
            let tier = |tier: &v1::MatchTier| Tier { chance_ppm: tier.chance_ppm, amount: tier.amount_minor };
            Rule::Draw { tiers: tiers.iter().map(tier).collect() }
        }
        Some(Spoken::Hearts(hearts)) => Rule::Hearts {
            room: hearts.room_id.parse::<RoomId>()?.to_string(),
            hearts: hearts.hearts,
            amount: hearts.amount_minor,
            pledge: pledge(&hearts.pledge_id)?,
        },
        None => return Err(OutOfBound::new("terms", "given, with one rule of ratio, draw and hearts")),
    };
    Ok(Terms {
        project: bounded_text("project", &message.project, 0..=100)?,
        buyer_day_cap: message.buyer_day_cap_minor,
        project_cap: message.project_cap_minor,
        buyer_minute_limit: message.buyer_minute_limit,
        rule,
    })
}

fn pledge(id: &str) -> Result<Uuid, OutOfBound> {
    id.parse::<PledgeId>().map(|PledgeId(id)| id)
}
