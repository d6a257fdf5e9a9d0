//! Fields that a record file has and its schema has not: a later minor version may add some, the same or an earlier
//! one cannot, so that there such a field is a mistake or a forgery that reading would pass over in silence.

use serde_json::Value;

/// The path of the first field that is in a file and not in what was read from it, as in `arms[0].cost`. A field
/// with nothing in it is none: it may be one that is left out where it is empty.
pub(super) fn unknown_field(file: &Value, read: &Value) -> Option<String> {
    match (file, read) {
        (Value::Object(fields), Value::Object(known)) => fields.iter().find_map(|(name, value)| {
            let Some(known) = known.get(name) else { return has_content(value).then(|| name.clone()) };
            let below = unknown_field(value, known)?;
            Some(if below.starts_with('[') { format!("{name}{below}") } else { format!("{name}.{below}") })
        }),
        (Value::Array(values), Value::Array(known)) => {
            values.iter().zip(known).enumerate().find_map(|(at, (value, known))| {
                let below = unknown_field(value, known)?;
                Some(if below.starts_with('[') {
                    format!("[{at}]{below}")
                } else {
                    format!("[{at}].{below}")
                })
            })
        }
        _ => None,
    }
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => fields.values().any(has_content),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_was_not_read_is_named_with_its_path() {
        let read = json!({"a": {"b": 1}, "list": [{"b": 1}, {"b": 1}], "map": {}});
        let found = |file: Value| unknown_field(&file, &read);
        assert_eq!(found(read.clone()), None);
        assert_eq!(found(json!({"other": 0})).as_deref(), Some("other"));
        assert_eq!(found(json!({"a": {"b": 1, "c": "x"}})).as_deref(), Some("a.c"));
        assert_eq!(found(json!({"list": [{"b": 1}, {"c": false}]})).as_deref(), Some("list[1].c"));
        assert_eq!(found(json!({"left_out": null, "too": [], "and": {"this": null}})), None);
        assert_eq!(found(json!({"a": 3, "list": {"c": 3}})), None, "another form of the same field");
    }
}
