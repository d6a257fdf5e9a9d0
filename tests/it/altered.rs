//! A/B records with one field altered each and a sha256 that fits: none of a head that is twice as slow, is wrong, or
//! was not measured comes to green.

use arcgauge::error::Result;
use arcgauge::gate::judged_by_base;
use arcgauge::record::{Experiment, Outcome, Repository, Status, Verdict, open, sha256_of_bytes};
use serde_json::{Value, json};

use crate::forged_pairs::{JUDGED, ab, around, judge, wrong};
use crate::gate::{base_in, of};

/// A field by its JSON pointer, and what it is made to say.
#[derive(Debug, Clone)]
pub(crate) struct Alteration {
    field: String,
    value: Value,
}

impl Alteration {
    /// The bytes of the record with that field altered, with a new sha256.
    pub(crate) fn of(&self, record: &Value) -> Vec<u8> {
        let mut altered = record.clone();
        *altered.pointer_mut(&self.field).unwrap() = self.value.clone();
        let payload = serde_json::to_vec(&altered).unwrap();
        let header = json!({ "arcgauge": "experiment", "schema": { "major": 3, "minor": 0 },
            "payload_sha256": sha256_of_bytes(&payload) });
        [header.to_string().as_bytes(), b"\n", &payload].concat()
    }
}

/// Alterations of every field of a record, each to what might help a head: another number, another word, or what the
/// other side has there.
pub(crate) fn alterations(record: &Value) -> Vec<Alteration> {
    let mut fields = Vec::new();
    walk(String::new(), record, &mut fields);
    let mut all = Vec::new();
    for field in fields {
        let value = record.pointer(&field).unwrap();
        let other_side =
            field.strip_prefix("/arms/1").and_then(|below| record.pointer(&format!("/arms/0{below}")));
        let values = other_side.cloned().into_iter().chain(instead_of(value));
        all.extend(values.filter(|new| new != value).map(|value| Alteration { field: field.clone(), value }));
    }
    all
}

/// Every value below another one, containers among them.
fn walk(at: String, value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            object
                .iter()
                .for_each(|(key, value)| walk(format!("{at}/{}", key.replace('/', "~1")), value, fields));
        }
        Value::Array(array) => {
            array.iter().enumerate().for_each(|(index, value)| walk(format!("{at}/{index}"), value, fields));
        }
        _ => {}
    }
    if !at.is_empty() {
        fields.push(at);
    }
}

fn instead_of(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or(1);
            vec![json!(0), json!(number / 2), json!(number.saturating_mul(3)), json!(u64::MAX)]
        }
        Value::String(_) => ["", "match", "complete", "identical", "base"].map(Value::from).to_vec(),
        Value::Bool(is) => vec![json!(!is)],
        Value::Array(_) => vec![json!([])],
        Value::Object(_) | Value::Null => vec![Value::Null],
    }
}

/// The record of a head that is twice as slow, that says another token, and of one that was not measured.
fn heads() -> [Experiment; 3] {
    let sha = "5".repeat(40);
    let mut is_wrong = of(&sha, ab(&around(0.0, 0.3, 5)));
    wrong(&mut is_wrong);
    judge(&mut is_wrong);
    let mut unmeasured = of(&sha, ab(&around(0.0, 0.3, 5)));
    unmeasured.outcome = Outcome::Failed;
    unmeasured.failure = Some("the head: the worker crashed".into());
    unmeasured.arms[1].outcome = Outcome::Failed;
    unmeasured.samples_mut().for_each(|sample| sample.times = None);
    [of(&sha, ab(&around(100.0, 0.3, 5))), is_wrong, unmeasured]
}

/// What a gate makes of a record's bytes, as its verb does.
fn gated(bytes: &[u8], repository: &Repository) -> Result<Status> {
    let record: Experiment = open(bytes, "a record")?;
    Ok(judged_by_base(&record, repository, JUDGED)?.status)
}

#[test]
fn no_record_with_one_altered_field_is_green_at_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let git = git2::Repository::init(folder.path()).unwrap();
    let (mut refused, mut red) = (0, 0);
    for record in heads() {
        base_in(&git, &record.inputs.policy.text);
        let repository = Repository::open(folder.path()).unwrap();
        let record = serde_json::to_value(&record).unwrap();
        let all = alterations(&record);
        // So many of each head reach every kind of field.
        for alteration in all.iter().step_by(all.len() / 350) {
            match gated(&alteration.of(&record), &repository) {
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains('`'), "no field is named: {text}");
                    refused += 1;
                }
                Ok(Status::Red) => red += 1,
                Ok(status) => panic!("{status:?} by {alteration:?}"),
            }
        }
    }
    assert!(refused + red >= 1000 && refused > red / 4, "{refused} refused, {red} red");
}

#[test]
fn the_same_records_unaltered_are_read_and_judged_by_their_base() {
    let folder = tempfile::tempdir().unwrap();
    let git = git2::Repository::init(folder.path()).unwrap();
    let honest = of(&"5".repeat(40), ab(&around(0.0, 0.3, 5)));
    base_in(&git, &honest.inputs.policy.text);
    let repository = Repository::open(folder.path()).unwrap();
    let judged = |record: &Experiment| {
        let read: Experiment = open(&arcgauge::record::encode(record).unwrap(), "it").unwrap();
        judged_by_base(&read, &repository, JUDGED).unwrap().verdict
    };
    let [slow, is_wrong, _] = heads();
    assert_eq!(judged(&honest), Verdict::Pass);
    assert_eq!(judged(&slow), Verdict::Regressed);
    assert_eq!(judged(&is_wrong), Verdict::WrongOutput);
}
