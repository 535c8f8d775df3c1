//! The same as messages of `proto/apricot/cluster/v1`, and back. What does not read as it should is no node's word, as a whole.

use apricot_proto::cluster::{self, closes::Whose, sanction::Sanction as Laid};
use apricot_proto::v1::{self, publication::Body};
use prost::Message;

use super::{Critical, Fact, Heard, Line, NodeId, Personal};
use crate::contract;
use crate::model::room::{ChatLine, Sanction};
use crate::model::{Subject, Timestamp};
use crate::room::amendment::Closes;
use crate::store::broker::Said;

pub fn critical(critical: &Critical) -> Said {
    let Critical { node, number, at, body, fact, closes, once, .. } = critical;
    let publication = v1::Publication { at_ms: at.millis(), body: body.clone(), ..Default::default() };
    let message = cluster::Critical {
        node: node.0,
        number: *number,
        publication: Some(publication),
        fact: (!fact.is_empty()).then(|| self::fact(fact)),
        closes: closes.as_ref().map(self::closes),
    };
    let framed = cluster::Parcel { critical: vec![message], ..Default::default() };
    let name = super::name(*node, *number);
    Said { name, once: once.clone(), bytes: framed.encode_to_vec().into() }
}

pub fn line(line: &Line) -> Said {
    let message = cluster::Line { line: Some(contract::chat_line(&line.line)), always: line.always };
    let framed = cluster::Parcel { lines: vec![message], ..Default::default() };
    Said { name: line.line.id.clone(), once: String::new(), bytes: framed.encode_to_vec().into() }
}

pub fn personal(personal: &Personal) -> cluster::Personal {
    let Personal { buyer, at, order } = personal;
    cluster::Personal { buyer: buyer.to_string(), at_ms: at.millis(), order: Some(order.clone()) }
}

pub fn fact(fact: &Fact) -> cluster::Fact {
    let Fact { room_version, sale, sanction, deleted_line } = fact;
    cluster::Fact {
        room_version: *room_version,
        sale: sale.map(|(id, version)| cluster::fact::Sale { id: id.to_string(), version }),
        sanction: sanction.as_ref().map(|(subject, laid)| self::sanction(subject, laid.as_ref())),
        deleted_line: deleted_line.clone().unwrap_or_else(String::new),
    }
}

fn sanction(subject: &Subject, laid: Option<&Sanction>) -> cluster::Sanction {
    let laid = match laid {
        None => Laid::Lifted(cluster::sanction::Lifted {}),
        Some(Sanction::Muted { until }) => Laid::MutedUntilMs(until.millis()),
        Some(Sanction::Banned) => Laid::Banned(cluster::sanction::Banned {}),
    };
    cluster::Sanction { subject: subject.to_string(), sanction: Some(laid) }
}

fn closes(closes: &Closes) -> cluster::Closes {
    let whose = match closes {
        Closes::Everyone => Whose::Everyone(cluster::closes::Everyone {}),
        Closes::Viewers => Whose::Viewers(cluster::closes::Viewers {}),
        Closes::Person(subject) => Whose::Person(subject.to_string()),
    };
    cluster::Closes { whose: Some(whose) }
}

pub fn read(parcel: cluster::Parcel) -> Option<Heard> {
    let cluster::Parcel { node, viewers, lines_passed, critical, lines, personal, facts } = parcel;
    Some(Heard {
        node: NodeId(node),
        viewers,
        lines_passed,
        critical: critical.into_iter().map(read_critical).collect::<Option<_>>()?,
        lines: lines.into_iter().map(read_line).collect::<Option<_>>()?,
        personal: personal.into_iter().map(read_personal).collect::<Option<_>>()?,
        facts: facts.into_iter().map(read_fact).collect::<Option<_>>()?,
    })
}

fn read_critical(message: cluster::Critical) -> Option<Critical> {
    let publication = message.publication?;
    Some(Critical {
        node: NodeId(message.node),
        number: message.number,
        at: Timestamp(publication.at_ms),
        body: publication.body.filter(is_critical),
        fact: message.fact.map_or(Some(Fact::default()), read_fact)?,
        closes: match message.closes {
            Some(closes) => Some(read_closes(closes)?),
            None => None,
        },
        once: String::new(),
        tried: false,
    })
}

/// What is for one viewer, and what has lanes of its own, has no place in the order.
fn is_critical(body: &Body) -> bool {
    match body {
        Body::Room(_)
        | Body::Sale(_)
        | Body::Notice(_)
        | Body::Milestone(_)
        | Body::LineDeleted(_)
        | Body::OpsReading(_) => true,
        Body::Reply(_)
        | Body::Joined(_)
        | Body::Order(_)
        | Body::Skipped(_)
        | Body::Closing(_)
        | Body::State(_)
        | Body::Chat(_) => false,
    }
}

fn read_line(message: cluster::Line) -> Option<Line> {
    let v1::ChatLine { id, author_id, author_name, author_role, text, at_ms } = message.line?;
    let author = author_id.parse().ok()?;
    let line = ChatLine { id, author, author_name, author_role, text, at: Timestamp(at_ms) };
    Some(Line { line, always: message.always })
}

fn read_personal(message: cluster::Personal) -> Option<Personal> {
    let buyer = message.buyer.parse().ok()?;
    Some(Personal { buyer, at: Timestamp(message.at_ms), order: message.order? })
}

pub fn read_fact(message: cluster::Fact) -> Option<Fact> {
    let cluster::Fact { room_version, sale, sanction, deleted_line } = message;
    Some(Fact {
        room_version,
        sale: match sale {
            Some(sale) => Some((sale.id.parse().ok()?, sale.version)),
            None => None,
        },
        sanction: match sanction {
            Some(sanction) => Some(read_sanction(sanction)?),
            None => None,
        },
        deleted_line: (!deleted_line.is_empty()).then_some(deleted_line),
    })
}

fn read_sanction(message: cluster::Sanction) -> Option<(Subject, Option<Sanction>)> {
    let laid = match message.sanction? {
        Laid::Lifted(_) => None,
        Laid::MutedUntilMs(until) => Some(Sanction::Muted { until: Timestamp(until) }),
        Laid::Banned(_) => Some(Sanction::Banned),
    };
    Some((message.subject.parse().ok()?, laid))
}

fn read_closes(message: cluster::Closes) -> Option<Closes> {
    Some(match message.whose? {
        Whose::Everyone(_) => Closes::Everyone,
        Whose::Viewers(_) => Closes::Viewers,
        Whose::Person(subject) => Closes::Person(subject.parse().ok()?),
    })
}
