//! The report on a bisect, from the records of its comparisons: the answer, how far it can be wrong, and each comparison.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::judge::bisect::{
    Doubt, Ending, Next, Step, StepAnswer, next, rule_of, wrong_name_percent, wrong_turn_percent,
};
use crate::judge::policy::Policy;
use crate::judge::sequential::Interval;
use crate::record::{ArmView, BisectRecord, Experiment};
use crate::report::document::{Cell, Document, Line, Table, number, status};
use crate::report::mark::Mark;
use crate::report::number::{change_percent, counted, percent, signed_percent};
use crate::report::view::CommitLink;

/// The answer that the stored comparisons of one question give; None where more would have to be made.
pub fn stored_ending(records: &[Experiment]) -> Option<Ending> {
    let last = records.iter().find_map(|record| record.bisect.as_ref())?.last;
    match next(last, &steps(records)) {
        Next::Ended(ending) => Some(ending),
        Next::Compare(_) => None,
    }
}

/// The report on the comparisons of one question, in the order in which they were made. `ending` is the answer: one that
/// rests on sides that cannot be built follows from no record.
pub fn bisect_document(records: &[Experiment], ending: Option<Ending>) -> Document {
    let mut document = Document::default();
    let Some(bisect) = records.iter().find_map(|record| record.bisect.as_ref()) else { return document };
    let names = names(records);
    let searched = bisect.metric.map_or("wrong output".into(), Line::metric);
    document.title(Line::from(format!("bisect of {} for ", counted(bisect.last + 1, "side"))).and(searched));
    let steps = steps(records);
    add_answer(&mut document, &names, &steps, ending);
    if bisect.tested().is_some() && !steps.is_empty() {
        document.fact(
            "probability of a wrong turn",
            bound(wrong_turn_percent(steps.len())).and("; it ends without a named side"),
        );
        if let Some(Ending::Found { at }) = ending {
            document.fact("probability of a wrong name", bound(wrong_name_percent(&steps, at)));
        }
    }
    let headings = ["sides", "head is", "change", "pairs", "thresholds %", "record"];
    document.titled_table(
        "Comparisons",
        Table::new(headings).with_keys(1).with_rows(records.iter().filter_map(row)),
    );
    document.section("Sides that were compared, the good one first");
    for (at, (name, href)) in &names {
        document.fact(at.to_string(), Line::link(name, href.as_deref()));
    }
    document
}

fn bound(percent_at_most: f64) -> Line {
    format!("at most {}", percent(percent_at_most)).into()
}

fn add_answer(document: &mut Document, names: &Names, steps: &[Step], ending: Option<Ending>) {
    match ending {
        Some(Ending::Found { at }) => {
            let direct = steps.iter().rfind(|step| step.head == at && step.answer == StepAnswer::Worse);
            let what = match direct.and_then(|step| step.interval) {
                Some(interval) => format!(" is worse than the side before it: {}", in_percent(&interval)),
                None => " is the first that is wrong".to_owned(),
            };
            document.status(Mark::Fails, "FOUND", name(names, at).and(what));
        }
        Some(Ending::NotWorse) => {
            let ends = steps.iter().rfind(|step| step.answer == StepAnswer::NotWorse);
            let by = ends.and_then(|step| step.interval).map(|it| format!(": {}", in_percent(&it)));
            let reason = format!("the bad side is not worse than the good one{}", by.unwrap_or_default());
            document.status(Mark::Holds, "NOT WORSE", reason);
        }
        Some(Ending::CannotTell { good, bad, reason }) => {
            let range = Line::from("between ").and(name(names, good)).and(" and ").and(name(names, bad));
            let why = match reason {
                Doubt::Undecided => "; comparisons did not decide, or sides could not be measured",
                Doubt::Contradicted => {
                    "; the side that was found is not worse than the one before it: there was a wrong turn, or the change \
                     came in small steps"
                }
            };
            document.status(Mark::Unknown, "CANNOT TELL", range.and(why));
        }
        // A side that cannot be built is in no record: whether an answer rests on one is known while it is found alone.
        None => document.status(
            Mark::NotJudged,
            "NO ANSWER",
            "these comparisons alone do not answer it: the same command makes the next one, or names the sides that \
             cannot be built",
        ),
    }
}

fn row(record: &Experiment) -> Option<[Cell; 6]> {
    let bisect = record.bisect.as_ref()?;
    let step = Step::of(record);
    let interval = step.and_then(|step| step.interval);
    let thresholds =
        Policy::parse(&record.inputs.policy.text, "the record's").ok().filter(|_| bisect.tested().is_some());
    let thresholds = thresholds.map(|policy| {
        let rule = rule_of(Some(bisect), &policy);
        format!("{} / {}", rule.regressed_beyond_percent, rule.passes_within_percent)
    });
    let (mark, word) = match step.map(|step| step.answer) {
        Some(answer @ StepAnswer::Worse) => (Mark::Fails, answer.as_str()),
        Some(answer @ StepAnswer::NotWorse) => (Mark::Holds, answer.as_str()),
        Some(answer) => (Mark::Unknown, answer.as_str()),
        None => (Mark::NotJudged, "no end"),
    };
    Some([
        format!("{} vs {}", bisect.head, bisect.base).into(),
        status(mark, word),
        number(interval.map(|it| format!("{} {}", signed_percent(change_percent(it.ratio())), bounds(&it)))),
        number(Some(record.rounds.len().to_string())),
        number(thresholds),
        record.run_id.as_str().into(),
    ])
}

fn in_percent(interval: &Interval) -> String {
    let change = signed_percent(change_percent(interval.ratio()));
    format!("{change} {} over {}", bounds(interval), counted(interval.pairs, "pair"))
}

fn bounds(interval: &Interval) -> String {
    let bound = |ratio: f64| signed_percent(change_percent(ratio)).replace(" %", "");
    format!("[{}, {}]", bound(interval.lower()), bound(interval.upper()))
}

fn steps(records: &[Experiment]) -> Vec<Step> {
    records.iter().filter_map(Step::of).collect()
}

/// What a side is called and the page of its commit, by its number.
type Names = BTreeMap<usize, (String, Option<String>)>;

fn names(records: &[Experiment]) -> Names {
    let mut names = Names::new();
    for record in records {
        let Some(bisect) = &record.bisect else { continue };
        names.entry(bisect.base).or_insert_with(|| (named(record.base()), None));
        // A record is filed by its head, whose commit therefore has a page.
        let commit = record.head().arm.commit.as_ref();
        let link = commit.and_then(|commit| CommitLink::of(&commit.sha)).map(|link| link.href);
        names.insert(bisect.head, (named(record.head()), link));
    }
    names
}

/// By its commit where it was named by one, else by its words.
fn named(side: ArmView<'_>) -> String {
    match side.commit.as_ref().filter(|commit| side.label.starts_with(&commit.sha)) {
        Some(commit) => format!("{} {}{}", commit.short(), commit.subject, &side.label[commit.sha.len()..]),
        None => side.label.clone(),
    }
}

/// A side by its number and its name.
fn name(names: &Names, at: usize) -> Line {
    let number = Line::from(format!("side {at}"));
    match names.get(&at) {
        Some((name, href)) => number.and(" (").and(Line::link(name, href.as_deref())).and(")"),
        None => number,
    }
}

/// The same for programs.
pub fn bisect_json(records: &[Experiment], ending: Option<Ending>) -> String {
    let names = names(records);
    let bisect = records.iter().find_map(|record| record.bisect.as_ref());
    let side = |at: usize| json!({ "number": at, "name": names.get(&at).map(|(name, _)| name) });
    let steps = steps(records);
    let answer = match ending {
        None => json!({ "answer": "unfinished" }),
        Some(Ending::NotWorse) => json!({ "answer": "not-worse" }),
        Some(Ending::Found { at }) => json!({
            "answer": "found",
            "found": side(at),
            "wrong_name_percent": bisect.and_then(BisectRecord::tested).map(|_| wrong_name_percent(&steps, at)),
        }),
        Some(Ending::CannotTell { good, bad, .. }) => {
            json!({ "answer": "cannot-tell", "after": side(good), "up_to": side(bad) })
        }
    };
    let comparison = |record: &Experiment| {
        let step = Step::of(record);
        json!({
            "base": record.bisect.as_ref().map(|it| side(it.base)),
            "head": record.bisect.as_ref().map(|it| side(it.head)),
            "answer": step.map(|step| step.answer.as_str()),
            "ratio": step.and_then(|step| step.interval).map(|it| it.ratio()),
            "record": record.run_id,
        })
    };
    let mut value = json!({
        "question_sha256": bisect.map(|it| &it.question_sha256),
        "metric": bisect.and_then(|it| it.metric),
        "sides": bisect.map(|it| it.last + 1),
        "wrong_turn_percent": bisect.and_then(BisectRecord::tested).map(|_| wrong_turn_percent(steps.len())),
        "comparisons": records.iter().map(comparison).collect::<Value>(),
    });
    if let (Value::Object(value), Value::Object(answer)) = (&mut value, answer) {
        value.extend(answer);
    }
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::open;

    /// The bad side compared with the good one; `last` sides lie up to it.
    fn ends(last: usize) -> Experiment {
        let mut record: Experiment =
            open(include_bytes!("../../fixtures/records/ab-3.0.json"), "a record").unwrap();
        record.bisect = Some(BisectRecord {
            question_sha256: "0".repeat(64),
            last,
            base: 0,
            head: last,
            metric: None,
            change_percent: None,
        });
        record
    }

    #[test]
    fn comparisons_without_an_answer_promise_no_more_than_is_known_of_them() {
        // A side between that cannot be built is in no record, so these alone do not lead to the answer.
        let records = [ends(2)];
        let text = bisect_document(&records, None).to_text(Some(200));
        let answer = "NO ANSWER: these comparisons alone do not answer it: the same command makes the next one, or names \
                      the sides that cannot be built";
        assert!(text.contains(answer), "{text}");
        assert!(!text.contains("UNFINISHED") && !text.contains("where it stopped"), "{text}");
        let known = Ending::CannotTell { good: 0, bad: 2, reason: Doubt::Undecided };
        let text = bisect_document(&records, Some(known)).to_text(Some(200));
        assert!(
            text.contains("CANNOT TELL: between side 0") && text.contains("could not be measured"),
            "{text}"
        );
    }
}
