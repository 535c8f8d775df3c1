//! What a field must be, in the words of the contract: for whoever sent something else.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::schema;

static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(schema::all);

/// The bound of `path` ("shipTo.phone", "skus[0]") in a message; for a field that is not there, those that are.
pub fn bound_of(message: &str, path: &str) -> Option<String> {
    let mut schema = SCHEMAS.get(message)?;
    for part in path.split('.') {
        let (name, index) = part.split_once('[').map_or((part, false), |(name, _)| (name, true));
        let fields = schema["properties"].as_object()?;
        let Some(field) = fields.get(&camel_case(name)) else { return Some(one_of(fields.keys())) };
        schema = resolved(if index { &field["items"] } else { field })?;
    }
    said(schema).or_else(|| implied(schema))
}

/// A message or an enumeration is elsewhere.
fn resolved(schema: &'static Value) -> Option<&'static Value> {
    match schema["$ref"].as_str() {
        Some(reference) => SCHEMAS.get(reference.trim_start_matches("#/components/schemas/")),
        None => Some(schema),
    }
}

/// The comment above the field, when it is a range.
fn said(schema: &Value) -> Option<String> {
    let comment = schema["description"].as_str().filter(|_| schema["type"] != "object")?;
    let range = comment.split('.').next().is_some_and(|start| start.parse::<u64>().is_ok());
    (range && comment.contains("..=")).then(|| comment.trim_end_matches('.').to_owned())
}

fn implied(schema: &Value) -> Option<String> {
    if let Some(names) = schema["enum"].as_array() {
        let names = names.iter().filter_map(Value::as_str).filter(|name| !name.ends_with("_UNSPECIFIED"));
        return Some(one_of(names));
    }
    let range = match schema["format"].as_str() {
        Some("int32") => format!("{}..={}", i32::MIN, i32::MAX),
        Some("int64") if schema["type"] == "integer" => format!("0..={}", u32::MAX),
        Some("int64") => format!("{}..={}", i64::MIN, i64::MAX),
        Some("uint64") => format!("0..={}", u64::MAX),
        Some(_) | None => return Some(kind(schema["type"].as_str()?)?.to_owned()),
    };
    Some(range)
}

fn kind(name: &str) -> Option<&'static str> {
    match name {
        "boolean" => Some("true or false"),
        "string" => Some("text"),
        "array" => Some("a list"),
        "object" => Some("an object"),
        "number" => Some("a number"),
        _ => None,
    }
}

fn one_of(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<_> = names.map(|name| name.as_ref().to_owned()).collect();
    format!("one of {}", names.join(", "))
}

/// Both spellings of a field are read.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let mut letters = part.chars();
        let upper = letters.next().map(|letter| letter.to_ascii_uppercase());
        camel + &upper.into_iter().chain(letters).collect::<String>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_what_the_contract_says_or_else_what_the_type_is() {
        for (message, path, bound) in [
            ("PlaceOrder", "quantity", "1..=99"),
            ("PayOrder", "shipTo.phone", "5..=20 digits, with an optional leading +"),
            ("PayOrder", "ship_to.phone", "5..=20 digits, with an optional leading +"),
            (
                "PayOrder",
                "method",
                "one of PAYMENT_METHOD_SANDBOX_APPROVE, PAYMENT_METHOD_SANDBOX_DECLINE, PAYMENT_METHOD_SANDBOX_SLOW",
            ),
            ("PayOrder", "shipTo", "an object"),
            ("CreateProduct", "onHand", "0..=4294967295"),
            ("CreateProduct", "price.minor", "-9223372036854775808..=9223372036854775807"),
            ("CreateProduct", "price.minro", "one of currency, minor"),
            ("CreateSale", "openNow", "true or false"),
            ("PinCards", "skus", "a list"),
            ("PinCards", "skus[0]", "text"),
        ] {
            assert_eq!(bound_of(message, path).as_deref(), Some(bound), "{message} {path}");
        }
        assert_eq!(bound_of("Nothing", "sku"), None);
        assert_eq!(bound_of("PinCards", "skus[0].x"), None);
    }
}
