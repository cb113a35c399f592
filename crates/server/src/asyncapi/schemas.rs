//! Payloads: the schemas that the OpenAPI document has too, said as AsyncAPI says them.

use madang_domain::Code;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::document::schema;
use crate::contracts::direct::DirectMessage;
use crate::contracts::realtime::{ANSWERS, ClientCommand, ErrorEnvelope, ServerEvent};
use crate::contracts::{community, native, support_desk};

#[derive(OpenApi)]
#[openapi(components(schemas(
    ClientCommand,
    ServerEvent,
    DirectMessage,
    ErrorEnvelope,
    native::MessageBody,
    native::RoomNotice,
    native::SendBody,
    support_desk::ChatMessage,
    support_desk::SendBody,
    community::chat::ChatLine,
    community::chat::MessageBody,
    community::chat::EnterBody,
    community::notifications::ListedNotification,
    community::notifications::Gap,
    community::Said,
)))]
struct Payloads;

/// One of the types that a union tells apart by `type`.
pub(super) struct Variant {
    /// Its `type`.
    pub(super) tag: String,
    /// Its schema's name among the components.
    pub(super) schema: String,
    pub(super) description: String,
}

/// The components' schemas.
pub(super) struct Schemas(Map<String, Value>);

/// All payloads, the unions taken apart.
pub(super) fn collect() -> Schemas {
    let document = serde_json::to_value(Payloads::openapi()).unwrap_or_default();
    let schemas = document["components"]["schemas"].as_object().cloned();
    let mut schemas = Schemas(schemas.unwrap_or_default());
    for schema in schemas.0.values_mut() {
        allow_flattened_absence(schema);
    }
    schemas.add_codes();
    schemas.split("ClientCommand", "Command");
    schemas.split("ServerEvent", "Event");
    schemas.split("RoomNotice", "Notice");
    schemas.name_exchanges();
    schemas
}

impl Schemas {
    /// The types of a union, in the order of the code.
    pub(super) fn variants(&self, union: &str) -> Vec<Variant> {
        let variants = self
            .0
            .get(union)
            .and_then(|union| union["oneOf"].as_array());
        let names = variants.into_iter().flatten().filter_map(|variant| {
            let name = variant["$ref"].as_str()?.rsplit('/').next()?;
            let variant = self.0.get(name)?;
            Some(Variant {
                tag: tag(variant)?.to_owned(),
                schema: name.to_owned(),
                description: text(variant, "description"),
            })
        });
        names.collect()
    }

    /// What a schema says that it is.
    pub(super) fn description(&self, name: &str) -> String {
        self.0
            .get(name)
            .map(|schema| text(schema, "description"))
            .unwrap_or_default()
    }

    /// Values of a schema, of the examples of what it is made of; one for each of its alternatives.
    pub(super) fn examples(&self, name: &str) -> Vec<Value> {
        self.examples_of(&schema(name))
    }

    fn examples_of(&self, schema: &Value) -> Vec<Value> {
        if let Some(example) = schema.get("example") {
            return vec![example.clone()];
        }
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            let named = self.0.get(name);
            return named
                .map(|named| self.examples_of(named))
                .unwrap_or_default();
        }
        if let Some(values) = schema["enum"].as_array() {
            return values.iter().take(1).cloned().collect();
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let nothing = vec![Value::Object(Map::new())];
            return parts.iter().fold(nothing, |whole, part| {
                combine(&whole, &self.examples_of(part))
            });
        }
        let alternatives = schema.get("oneOf").or_else(|| schema.get("anyOf"));
        if let Some(alternatives) = alternatives.and_then(Value::as_array) {
            let real = alternatives.iter().filter(|one| one["type"] != "null");
            return real.flat_map(|one| self.examples_of(one)).collect();
        }
        let is = |kind: &str| schema["type"] == kind || schema["type"][0] == kind;
        match () {
            () if is("object") => vec![self.object_example(schema)],
            () if is("array") => vec![
                self.examples_of(&schema["items"])
                    .into_iter()
                    .take(1)
                    .collect(),
            ],
            () if is("boolean") => vec![true.into()],
            () => Vec::new(),
        }
    }

    fn object_example(&self, schema: &Value) -> Value {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let members = properties.filter_map(|(name, inner)| {
            let example = self.examples_of(inner).into_iter().next()?;
            Some((name.clone(), example))
        });
        Value::Object(members.collect())
    }

    /// The error codes, in the place of any text.
    fn add_codes(&mut self) {
        let body = self.0.get("ErrorBody").cloned().unwrap_or_default();
        for (name, body_name, codes) in [
            ("ErrorCode", "ErrorBody", native_codes()),
            ("DeskErrorCode", "DeskErrorBody", desk_codes()),
        ] {
            let mut body = body.clone();
            if let Some(code) = codes["enum"].get(0) {
                body["properties"]["message"]["example"] = codes["x-codes"][0]["text"].clone();
                body["properties"]["retryable"]["example"] =
                    codes["x-codes"][0]["retryable"].clone();
                body["properties"]["code"] = schema(name);
                self.0.insert(
                    name.to_owned(),
                    with(codes.clone(), "example", code.clone()),
                );
            }
            self.0.insert(body_name.to_owned(), body);
        }
        let mut envelope = self.0.get("ErrorEnvelope").cloned().unwrap_or_default();
        envelope["properties"]["error"] = schema("DeskErrorBody");
        self.0.insert("DeskErrorEnvelope".to_owned(), envelope);
        if let Some(notice) = self.0.get_mut("RoomNotice") {
            replace_codes(notice);
        }
    }

    /// Gives each type of a union a schema of its own.
    fn split(&mut self, union: &str, prefix: &str) {
        let Some(Value::Array(variants)) = self.0.get_mut(union).map(|union| union["oneOf"].take())
        else {
            return;
        };
        let mut references = Vec::new();
        for variant in variants {
            let name = format!("{prefix}{}", capitalized(tag(&variant).unwrap_or_default()));
            references.push(schema(&name));
            self.0.insert(name, variant);
        }
        if let Some(union) = self.0.get_mut(union) {
            union["oneOf"] = references.into();
        }
    }

    /// Commands and their answers have an `id`, a string or a number, which stands around them.
    fn name_exchanges(&mut self) {
        self.0.insert(
            "CommandId".to_owned(),
            json!({
                "type": ["string", "number"],
                "description": "The client's own name for the command; its answer has the same. Without it only failures are told.",
                "example": "1",
            }),
        );
        let commands = self.variants("ClientCommand");
        let answers = ANSWERS
            .iter()
            .chain(&["error"])
            .map(|tag| format!("Event{}", capitalized(tag)));
        let named: Vec<_> = commands
            .into_iter()
            .map(|one| one.schema)
            .chain(answers)
            .collect();
        for name in named {
            if let Some(schema) = self.0.get_mut(&name) {
                name_exchange(schema);
            }
        }
    }

    pub(super) fn into_value(self) -> Value {
        let schemas = self.0.into_iter().map(|(name, mut schema)| {
            rename_examples(&mut schema);
            (name, schema)
        });
        Value::Object(schemas.collect())
    }
}

fn native_codes() -> Value {
    let specs = Code::ALL.iter().map(|code| code.spec());
    let codes: Vec<_> = specs
        .map(|spec| {
            json!({
                "name": spec.name, "text": spec.text, "retryable": spec.retryable,
                "closeCode": spec.close_code, "httpStatus": spec.http_status,
            })
        })
        .collect();
    codes_schema(
        "Stable name of what went wrong, the same at every door. A retryable request may be sent again as it is.",
        codes,
    )
}

fn desk_codes() -> Value {
    let mut codes: Vec<Value> = Vec::new();
    for code in Code::ALL {
        let (name, text) = support_desk::error_code(*code);
        let spec = code.spec();
        if codes.iter().all(|known| known["name"] != name) {
            codes.push(json!({
                "name": name, "text": text, "retryable": spec.retryable,
                "closeCode": spec.close_code, "httpStatus": support_desk::http_status(*code),
            }));
        }
    }
    codes_schema("What contract 1 calls what went wrong.", codes)
}

fn codes_schema(what: &str, codes: Vec<Value>) -> Value {
    let names: Vec<_> = codes.iter().map(|code| code["name"].clone()).collect();
    let mut description =
        format!("{what}\n\n| code | meaning | retryable | close code |\n|---|---|---|---|\n");
    for code in &codes {
        let retryable = if code["retryable"] == true {
            "yes"
        } else {
            "no"
        };
        let (name, text) = (self::text(code, "name"), self::text(code, "text"));
        description.push_str(&format!(
            "| `{name}` | {text} | {retryable} | {} |\n",
            code["closeCode"]
        ));
    }
    json!({ "type": "string", "description": description, "enum": names, "x-codes": codes })
}

/// Puts the registry's codes where a member `code` is.
fn replace_codes(union: &mut Value) {
    for variant in parts_mut(union, "oneOf").into_iter().flatten() {
        if let Some(code) = variant.pointer_mut("/properties/code") {
            *code = schema("ErrorCode");
        }
    }
}

/// The `type` that a schema's values have.
fn tag(schema: &Value) -> Option<&str> {
    let own = schema
        .pointer("/properties/type/enum/0")
        .and_then(Value::as_str);
    own.or_else(|| schema["allOf"].as_array()?.iter().find_map(tag))
}

fn name_exchange(schema: &mut Value) {
    if let Some(parts) = parts_mut(schema, "allOf") {
        return parts.iter_mut().for_each(name_exchange);
    }
    let is_tagged = schema.pointer("/properties/type").is_some();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut)
        && (is_tagged || properties.contains_key("id"))
    {
        properties.insert("id".to_owned(), self::schema("CommandId"));
    }
}

/// A flattened `Option` that is `None` leaves no member behind, which utoipa calls `null`.
fn allow_flattened_absence(schema: &mut Value) {
    for part in parts_mut(schema, "allOf").into_iter().flatten() {
        let is_optional = part["oneOf"][1]["type"] == "null";
        if is_optional && let Value::Array(alternatives) = part["oneOf"].take() {
            let some = alternatives.into_iter().next();
            *part = json!({ "anyOf": [some, { "type": "object" }] });
        }
        allow_flattened_absence(part);
    }
    for variant in parts_mut(schema, "oneOf").into_iter().flatten() {
        allow_flattened_absence(variant);
    }
}

/// OpenAPI's `example` is called `examples` in JSON Schema.
fn rename_examples(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if let Some(example) = members.remove("example") {
        members.insert("examples".to_owned(), json!([example]));
    }
    for (name, inner) in members {
        match (name.as_str(), inner) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(rename_examples);
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                parts.iter_mut().for_each(rename_examples);
            }
            ("items" | "additionalProperties", inner) => rename_examples(inner),
            _ => {}
        }
    }
}

/// Without making the member, as an index would.
fn parts_mut<'a>(schema: &'a mut Value, member: &str) -> Option<&'a mut Vec<Value>> {
    schema.get_mut(member)?.as_array_mut()
}

/// Each of one list with the members of each of another.
fn combine(left: &[Value], right: &[Value]) -> Vec<Value> {
    let merge = |left: &Value, right: &Value| {
        let both = [left, right]
            .into_iter()
            .filter_map(Value::as_object)
            .flatten();
        Value::Object(
            both.map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    };
    let pairs = left
        .iter()
        .flat_map(|left| right.iter().map(move |right| merge(left, right)));
    pairs.collect()
}

fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

/// `send` as `Send`.
pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
