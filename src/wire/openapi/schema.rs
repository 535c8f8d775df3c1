//! JSON schemas of the contract's messages, from the compiled descriptors. Comments of the .proto files are the descriptions.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};
use serde_json::{Map, Value, json};

const PACKAGE: &str = ".apricot.v1.";
/// Field numbers of descriptor.proto, which paths of source locations consist of.
const MESSAGES: i32 = 4;
const ENUMS: i32 = 5;
const FIELDS: i32 = 2;
const NESTED_MESSAGES: i32 = 3;
const NESTED_ENUMS: i32 = 4;

/// The schemas of the named messages and of all that they consist of.
pub fn reachable_from(names: &BTreeSet<&str>) -> Map<String, Value> {
    let all = all();
    let mut open: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut schemas = Map::new();
    while let Some(name) = open.pop() {
        let Some(schema) = all.get(&name).filter(|_| !schemas.contains_key(&name)) else { continue };
        open.extend(referenced(schema));
        schemas.insert(name, schema.clone());
    }
    schemas
}

fn referenced(schema: &Value) -> Vec<String> {
    let fields = schema["properties"].as_object().into_iter().flat_map(Map::values);
    let places = fields.flat_map(|field| [field, &field["items"], &field["additionalProperties"]]);
    let references = places.filter_map(|place| place["$ref"].as_str());
    references.map(|reference| reference.trim_start_matches("#/components/schemas/").to_owned()).collect()
}

pub fn all() -> BTreeMap<String, Value> {
    let set = FileDescriptorSet::decode(apricot_proto::DESCRIPTORS).expect("made by this build");
    let mut schemas = BTreeMap::new();
    for file in &set.file {
        let comments = Comments::of(file);
        for (index, message) in (0..).zip(&file.message_type) {
            add_message(&mut schemas, &comments, "", &[MESSAGES, index], message);
        }
        for (index, kind) in (0..).zip(&file.enum_type) {
            schemas.insert(kind.name().to_owned(), enumeration(&comments, &[ENUMS, index], kind));
        }
    }
    schemas
}

fn add_message(
    schemas: &mut BTreeMap<String, Value>,
    comments: &Comments,
    outer: &str,
    path: &[i32],
    message: &DescriptorProto,
) {
    let name = format!("{outer}{}", message.name());
    for (index, nested) in (0..).zip(&message.nested_type) {
        if !is_map_entry(nested) {
            let path = [path, &[NESTED_MESSAGES, index]].concat();
            add_message(schemas, comments, &format!("{name}."), &path, nested);
        }
    }
    for (index, nested) in (0..).zip(&message.enum_type) {
        let path = [path, &[NESTED_ENUMS, index]].concat();
        schemas.insert(format!("{name}.{}", nested.name()), enumeration(comments, &path, nested));
    }
    let mut properties = Map::new();
    for (index, field) in (0..).zip(&message.field) {
        let schema =
            with_comment(field_schema(message, field), comments.at(&[path, &[FIELDS, index]].concat()));
        properties.insert(field.json_name().to_owned(), schema);
    }
    let schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    schemas.insert(name, with_comment(schema, comments.at(path)));
}

fn field_schema(message: &DescriptorProto, field: &FieldDescriptorProto) -> Value {
    let entry = message
        .nested_type
        .iter()
        .find(|nested| is_map_entry(nested) && field.type_name().ends_with(nested.name()));
    if let Some(value) = entry.and_then(|entry| entry.field.iter().find(|part| part.name() == "value")) {
        return json!({ "type": "object", "additionalProperties": single(value) });
    }
    match field.label() {
        Label::Repeated => json!({ "type": "array", "items": single(field) }),
        Label::Optional | Label::Required => single(field),
    }
}

fn single(field: &FieldDescriptorProto) -> Value {
    match field.r#type() {
        Type::Bool => json!({ "type": "boolean" }),
        Type::String => json!({ "type": "string" }),
        Type::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
        Type::Uint32 | Type::Fixed32 => {
            json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX })
        }
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => json!({ "type": "string", "format": "int64" }),
        Type::Uint64 | Type::Fixed64 => json!({ "type": "string", "format": "uint64" }),
        Type::Float | Type::Double => json!({ "type": "number" }),
        Type::Enum | Type::Message | Type::Group => {
            let name = field.type_name().trim_start_matches(PACKAGE);
            json!({ "$ref": format!("#/components/schemas/{name}") })
        }
    }
}

fn enumeration(comments: &Comments, path: &[i32], kind: &EnumDescriptorProto) -> Value {
    let names: Vec<&str> = kind.value.iter().map(|value| value.name()).collect();
    let mut text = comments.at(path).unwrap_or_default().to_owned();
    for (index, value) in (0..).zip(&kind.value) {
        if let Some(comment) = comments.at(&[path, &[FIELDS, index]].concat()) {
            text = format!("{text}\n{}: {comment}", value.name());
        }
    }
    with_comment(
        json!({ "type": "string", "enum": names }),
        Some(text.trim()).filter(|text| !text.is_empty()),
    )
}

/// Beside `$ref` too: JSON Schema 2020-12 allows it.
fn with_comment(mut schema: Value, comment: Option<&str>) -> Value {
    if let Some(comment) = comment {
        schema["description"] = comment.into();
    }
    schema
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

/// Leading comments of a file by the path of what they stand above.
struct Comments(BTreeMap<Vec<i32>, String>);

impl Comments {
    fn of(file: &FileDescriptorProto) -> Self {
        let places = file.source_code_info.iter().flat_map(|info| &info.location);
        let text =
            |comment: &str| comment.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
        Self(
            places
                .filter_map(|place| Some((place.path.clone(), text(place.leading_comments.as_deref()?))))
                .collect(),
        )
    }

    fn at(&self, path: &[i32]) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}
