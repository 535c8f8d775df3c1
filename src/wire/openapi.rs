//! `/openapi.json`: OpenAPI 3.1, made from the table of routes and the compiled contract, so that shapes have one source.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::rest::{Asks, BODY_BYTES_MAX, Content, Given, Route, routes};
use crate::model::Role;

mod bound;
mod schema;

pub use bound::bound_of;

/// Made once: it depends on nothing but the program.
pub static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(&document()).expect("a JSON value can be written"));

pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut used = BTreeSet::from(["Problem"]);
    for route in routes() {
        used.extend(route.takes);
        used.extend(route.gives.iter().filter_map(|given| match given.content {
            Content::Message(name) => Some(name),
            Content::Csv | Content::Text(_) | Content::Nothing => None,
        }));
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_ascii_lowercase()] = operation(&route);
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Apricot",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Bodies are canonical protobuf JSON: lowerCamelCase, 64-bit integers as strings, enums by name, \
                defaults left out. Times are Unix milliseconds, money is minor units with a currency. A live room is a \
                WebSocket at /v1/rooms/{room}/live; docs/api.md describes it.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "schemas": schema::reachable_from(&used),
        },
    })
}

fn operation(route: &Route) -> Value {
    let guests = route.who.contains(&Role::Guest);
    let who: Vec<&str> = route.who.iter().map(|role| role.name()).collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "description": if guests { "For all.".to_owned() } else { format!("For {}.", who.join(", ")) },
        "parameters": parameters(route),
        "responses": responses(route),
        "security": if guests { json!([{}, { "token": [] }]) } else { json!([{ "token": [] }]) },
    });
    if let Some(message) = route.takes {
        operation["requestBody"] = json!({
            "required": !route.takes_nothing_too,
            "description": format!("At most {BODY_BYTES_MAX} bytes."),
            "content": { "application/json": { "schema": reference(message) } },
        });
    }
    operation
}

/// `POST /v1/rooms/{room}/state` is `postRoomsByRoomState`.
fn operation_id(route: &Route) -> String {
    let mut id = route.method.as_str().to_ascii_lowercase();
    for word in route.path.split(['/', '-', '.']).filter(|word| !word.is_empty() && *word != "v1") {
        let (by, word) = match word.strip_prefix('{') {
            Some(name) => ("By", name.trim_end_matches('}')),
            None => ("", word),
        };
        let (first, rest) = word.split_at(1);
        id.extend([by, &first.to_ascii_uppercase(), rest]);
    }
    id
}

fn parameters(route: &Route) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let text = json!({ "type": "string" });
    let mut parameters: Vec<Value> =
        names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text })).collect();
    if route.paged {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 });
        let cursor = "The nextCursor of the page before.";
        parameters.push(json!({ "name": "cursor", "in": "query", "required": false, "schema": text, "description": cursor }));
        parameters.push(json!({ "name": "limit", "in": "query", "required": false, "schema": limit }));
    }
    for Asks { name, kind, what } in route.asks {
        let schema = json!({ "type": kind });
        parameters.push(
            json!({ "name": name, "in": "query", "required": false, "schema": schema, "description": what }),
        );
    }
    if route.method != Method::GET && !route.who.contains(&Role::Guest) {
        let key = json!({ "type": "string", "minLength": 8, "maxLength": 64 });
        let what = "A retry with the same key and content has no second effect.";
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "required": false, "schema": key, "description": what }));
    }
    parameters
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for Given { status, content } in &route.gives {
        let content = match content {
            Content::Message(name) => json!({ "application/json": { "schema": reference(name) } }),
            Content::Csv => json!({ "text/csv": { "schema": { "type": "string" } } }),
            Content::Text(kind) => json!({ *kind: {} }),
            Content::Nothing => json!({}),
        };
        responses.insert(status.to_string(), json!({ "description": reason(*status), "content": content }));
    }
    let problem = json!({ "application/problem+json": { "schema": reference("Problem") } });
    responses.insert(
        "default".into(),
        json!({ "description": "Refused; `type` names the rule.", "content": problem }),
    );
    Value::Object(responses)
}

fn reason(status: u16) -> &'static str {
    match status {
        201 => "Made.",
        202 => "Under way; the outcome comes later.",
        204 => "Done.",
        _ => "As it is now.",
    }
}

fn reference(message: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{message}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn the_document_is_openapi() {
        let text = serde_json::to_string(&document()).unwrap();
        let read: utoipa::openapi::OpenApi = serde_json::from_str(&text).unwrap();
        assert_eq!(read.paths.paths.len(), document()["paths"].as_object().unwrap().len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let mut ids: Vec<String> = routes().iter().map(operation_id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(ids.iter().any(|id| id == "postRoomsByRoomState"));
    }

    #[test]
    fn shapes_and_their_comments_come_from_the_contract() {
        let schemas = &document()["components"]["schemas"];
        let money = &schemas["Money"];
        assert_eq!(money["properties"]["minor"]["type"], "string");
        assert!(money["description"].as_str().unwrap().starts_with("An amount of money."));
        assert_eq!(schemas["PlaceOrder"]["properties"]["quantity"]["description"], "1..=99");
        assert_eq!(schemas["Order"]["properties"]["state"]["$ref"], "#/components/schemas/OrderState");
        assert_eq!(schemas["OrderState"]["enum"][2], "ORDER_STATE_HELD");
        assert_eq!(
            schemas["TrialBalance"]["properties"]["sumMinor"]["additionalProperties"]["type"],
            "string"
        );
        assert!(schemas.get("Moderation.Mute").is_some());
    }
}
