//! A decision as a report: in full for a terminal and a page, in brief for a pull request, and as annotations for a step
//! of GitHub's Actions.
//!
//! A runner takes a line that begins with `::` for a command. Each line of the annotations is one of ours, whatever
//! stands in it: text of others can neither end a line nor begin one.

use crate::judge::Validity;
use crate::judge::environment::Guard;
use crate::record::{
    CheckRecord, CheckResult, ComparisonRecord, ComparisonResult, DecisionRecord, Outcome, PromptRecord,
    Side, Status,
};
use crate::report::chart::Chart;
use crate::report::decision::subject::{PairLine, Subject};
use crate::report::decision::words;
use crate::report::document::{Cell, Document, Line, Table, metric, number, status};
use crate::report::mark::{Mark, add_validity};
use crate::report::number::{counted, signed_percent};
use crate::report::profile::{add_profile_change, cause_of};
use crate::visible::one_line;

/// Rows of a table, and checks with a line of their own, in a brief report.
const MOST: usize = 6;

/// The full report on an A/B or on a single run, and on what was decided.
pub fn decision_document(subject: Subject<'_>, decision: Option<&DecisionRecord>) -> Document {
    let mut document = Document::default();
    let validity = Validity::of(subject.record);
    if matches!(validity, Validity::Invalid(_)) {
        add_validity(&mut document, &validity, subject.record.subject());
    }
    document.title(subject.title());
    document.fact("model", subject.setting());
    for (side, line) in subject.sides() {
        document.fact(side, line);
    }
    add_decision(&mut document, subject, decision, None);
    document
}

/// What follows the title: the result and all that it rests on.
pub(in crate::report) fn add_decision(
    document: &mut Document,
    subject: Subject<'_>,
    decision: Option<&DecisionRecord>,
    chart: Option<Chart>,
) {
    let pairs = subject.pairs();
    if let Some(decision) = decision {
        let (mark, word) = if subject.compares_settings() {
            words::of_settings(decision)
        } else {
            (decision.status.into(), words::verdict(decision))
        };
        document.status(mark, word, &decision.reason);
    }
    if subject.record.outcome == Outcome::Interrupted {
        let complete = pairs.iter().filter(|pair| pair.difference_percent.is_some()).count();
        document.status(Mark::NotJudged, "interrupted", interrupted_after(complete, "pair"));
    }
    if let Some(failure) = &subject.record.failure {
        document.status(Mark::Fails, "failed", Line::from(failure).and("; no speed is reported"));
    }
    if subject.is_identical() {
        document.text(words::IDENTICAL);
    }
    if let Some(decision) = decision {
        comparisons(document, decision, decision.comparisons.iter().collect());
        document.titled_table("Checks", Table::new(["", "", ""]).with_rows(checks(decision)));
    }
    if let [(_, base), (_, head)] = subject.runs()[..] {
        add_profile_change(document, Side::BOTH.map(Side::as_str), [base, head]);
    }
    document.chart(chart);
    let rows = pairs.iter().enumerate().map(|(at, pair)| pair_row(at, pair));
    document.titled_table(
        "Pairs: the head's mean tpot@1 compared with the base's",
        Table::new(["pair", "order", "difference", "state"]).with_rows(rows),
    );
    let reasons =
        pairs.iter().filter_map(|pair| pair.invalidated_by.as_ref().or(pair.counts_despite.as_ref()));
    add_reasons(document, reasons, "pair");
    for (side, run) in subject.runs() {
        for prompt in &run.prompts {
            divergence(document, Some(side), prompt);
        }
    }
    if let Some(decision) = decision {
        if let Some(sensitivity) = &decision.sensitivity {
            document.section(words::sensitivity(sensitivity));
        }
        // A command has a line of its own, which no width breaks: it can be pasted.
        match words::next(subject, decision) {
            (what, Some(command)) => document.command(format!("next: {what}"), command),
            (what, None) => document.section(Line::prose(&format!("next: {what}"))),
        }
    }
    for (of, warning) in subject.warnings() {
        document.warning(of.map(Side::as_str).unwrap_or_default(), warning);
    }
}

/// A decision as Markdown for a comment and a step's summary: about a dozen lines.
pub fn decision_markdown(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let mut document = Document::default();
    let verdict = words::verdict(decision).to_uppercase();
    document.title(Line::from(format!("arcgauge: {verdict}: ")).and(&decision.reason));
    document.text(subject.title().and(". ").and(subject.setting()).and("."));
    for (side, line) in subject.sides() {
        document.fact(side, line);
    }
    if subject.is_identical() {
        document.text(words::IDENTICAL);
    }
    let matters = |it: &&ComparisonRecord| it.prompt.is_none() || it.result != ComparisonResult::Unchanged;
    comparisons(&mut document, decision, decision.comparisons.iter().filter(matters).take(MOST).collect());
    brief_checks(&mut document, &decision.checks);
    if let [(_, base), (_, head)] = subject.runs()[..]
        && let Some(cause) = cause_of([base, head])
    {
        document.text(Line::from("Profiled apart, one process a side. ").and(cause));
    }
    if let Some(sensitivity) = &decision.sensitivity {
        document.text(words::sensitivity(sensitivity));
    }
    // Twelve hexadecimal digits in a record that can be stored; here, whatever they are.
    let id: String = subject.record.run_id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    let (what, command) = words::next(subject, decision);
    let command = command.map(|command| format!(": `{command}`")).unwrap_or_default();
    let next = Line::prose(&format!("Next: {what}{command}. Record `{id}`."));
    document.text(next.and(warning_kinds(subject)));
    document.to_markdown()
}

/// How far an interrupted measurement came.
pub(in crate::report) fn interrupted_after(complete: usize, of: &str) -> String {
    if complete == 0 {
        return "no speed is reported".to_owned();
    }
    format!("after {}; nothing is decided", counted(complete, &format!("complete {of}")))
}

/// These comparisons, with what they leave out of all of them.
fn comparisons(document: &mut Document, decision: &DecisionRecord, shown: Vec<&ComparisonRecord>) {
    if shown.is_empty() {
        return;
    }
    let left = decision.comparisons.len() - shown.len();
    let rows = shown.into_iter().map(|comparison| -> [Cell; 7] {
        let (mark, word) = words::standing(comparison, decision.verdict);
        [
            metric(comparison.metric),
            comparison.prompt.as_deref().unwrap_or("mean").into(),
            number(Some(words::change(comparison))),
            number(Some(words::interval(comparison))),
            number(Some(comparison.pairs.to_string())),
            comparison.metric.direction().as_str().into(),
            status(mark, word),
        ]
    });
    let headings = ["metric", "prompt", "change", "interval", "pairs", "better", "result"];
    let table = Table::new(headings).with_keys(2).with_optional(&["better", "pairs"]);
    document.table(table.with_rows(rows));
    let left = if left == 0 { String::new() } else { format!(" {} not shown.", counted(left, "row")) };
    document.text(format!("{}{left}", words::change_note()));
}

/// Each metric that has changed, then the rules other than those on these metrics, each with its reason.
fn checks(decision: &DecisionRecord) -> Vec<[Cell; 3]> {
    let of_comparison = |comparison: &ComparisonRecord| -> [Cell; 3] {
        let name = format!("{} {}", comparison.metric.id(), comparison.prompt.as_deref().unwrap_or("mean"));
        let (mark, _) = words::standing(comparison, decision.verdict);
        [status(mark, mark.as_str()), name.into(), (&comparison.reason).into()]
    };
    let of_check = |check: &CheckRecord| -> [Cell; 3] {
        [status(check.result.into(), check.result.as_str()), (&check.id).into(), (&check.reason).into()]
    };
    // The mean over all prompts has a check of its own, which says more only where it is of another weight.
    let is_repeated = |check: &&CheckRecord| {
        let says_it = |(at, comparison): (usize, &ComparisonRecord)| {
            let is_shown = comparison.result != ComparisonResult::Unchanged;
            let (mark, _) = words::standing(comparison, decision.verdict);
            let says_no_more = check.result == CheckResult::NotJudged || mark == check.result.into();
            comparison.reason == check.reason && (at > 0 || (is_shown && says_no_more))
        };
        decision.comparisons.iter().enumerate().any(says_it)
    };
    let changed = decision.comparisons.iter().filter(|it| it.result != ComparisonResult::Unchanged);
    let rules = decision.checks.iter().filter(|check| !is_repeated(check));
    changed.map(of_comparison).chain(rules.map(of_check)).collect()
}

/// What does not hold, each on a line, the worst first; then the names of the rest.
fn brief_checks(document: &mut Document, checks: &[CheckRecord]) {
    let has_a_line = |check: &&CheckRecord| matches!(check.result, CheckResult::Fails | CheckResult::Warns);
    let (mut lines, mut rest): (Vec<_>, Vec<_>) = checks.iter().partition(has_a_line);
    lines.sort_by_key(|check| check.result != CheckResult::Fails);
    rest.splice(0..0, lines.drain(MOST.min(lines.len())..));
    let glyph = |check: &CheckRecord| format!("{} ", Mark::from(check.result).glyph());
    for check in lines {
        document.fact(Line::from(glyph(check)).and(Line::name(&check.id)), &check.reason);
    }
    let names = rest.iter().enumerate().map(|(at, check)| {
        let comma = if at == 0 { "" } else { ", " };
        Line::from(format!("{comma}{}", glyph(check))).and(&check.id)
    });
    if let Some(names) = names.reduce(Line::and) {
        document.fact(names, "");
    }
}

fn pair_row(at: usize, pair: &PairLine) -> [Cell; 4] {
    let state = match (&pair.invalidated_by, &pair.counts_despite, pair.difference_percent) {
        (Some(reason), _, _) => format!("invalidated: {}", guard_of(reason)),
        (None, _, None) => "has no speed".to_owned(),
        (None, Some(reason), Some(_)) => format!("kept, guards ignored: {}", guard_of(reason)),
        (None, None, Some(_)) => "counts".to_owned(),
    };
    [
        number(Some((at + 1).to_string())),
        format!("{} first", pair.first.as_str()).into(),
        number(pair.difference_percent.map(signed_percent)),
        state.into(),
    ]
}

/// A guard and the arm on which it tripped, of a reason that goes on with what it saw; a reason of another form whole.
pub(in crate::report) fn guard_of(reason: &str) -> &str {
    parted(reason).map_or(reason, |(guard, _)| guard)
}

/// As in "`swap-in` on `head`" and "12 pages were read back from swap".
fn parted(reason: &str) -> Option<(&str, &str)> {
    let is_of = |guard: &Guard| {
        reason
            .strip_prefix('`')
            .and_then(|it| it.strip_prefix(guard.id()))
            .is_some_and(|it| it.starts_with('`'))
    };
    reason.split_once(": ").filter(|_| Guard::ALL.iter().any(is_of))
}

/// Each guard that tripped once, with how often it did and what it saw first: a table names it alone.
pub(in crate::report) fn add_reasons<'a>(
    document: &mut Document,
    reasons: impl Iterator<Item = &'a String>,
    of: &str,
) {
    let mut guards: Vec<(&str, &str, usize)> = Vec::new();
    for reason in reasons {
        let Some((guard, seen)) = parted(reason) else { continue };
        match guards.iter_mut().find(|(known, ..)| *known == guard) {
            Some((_, _, count)) => *count += 1,
            None => guards.push((guard, seen, 1)),
        }
    }
    for (guard, seen, count) in guards {
        let first = if count > 1 { ", at first" } else { "" };
        document.text(Line::prose(&format!("{guard}, {}{first}: {seen}", counted(count, of))));
    }
}

/// Where an answer left its reference, in words and ids.
pub(in crate::report) fn divergence(document: &mut Document, side: Option<Side>, prompt: &PromptRecord) {
    let Some(found) = &prompt.divergence else { return };
    let side = side.map(|side| format!("{}, ", side.as_str())).unwrap_or_default();
    document.status(
        Mark::from(prompt.golden),
        prompt.golden.as_str(),
        format!(
            "{side}prompt `{}` differs first at token {}: expected {}, got {} (logit margin {:.3})",
            prompt.id,
            found.position + 1,
            found.expected,
            found.got,
            found.logit_margin
        ),
    );
    if let Some(words) = &prompt.divergence_text {
        document.fact("  after", format!("{:?}", words.before));
        document.fact("  expected", format!("{:?}", words.expected));
        document.fact("  got", format!("{:?}", words.got));
    }
}

/// How many warnings there are, and of which kinds.
fn warning_kinds(subject: Subject<'_>) -> Line {
    let warnings = subject.warnings();
    let mut kinds: Vec<&str> = Vec::new();
    for (_, warning) in &warnings {
        if !kinds.contains(&warning.id.as_str()) {
            kinds.push(&warning.id);
        }
    }
    if kinds.is_empty() {
        return Line::default();
    }
    let more = if kinds.len() > MOST { ", ..." } else { "" };
    let of_kinds = if kinds.len() < warnings.len() {
        format!(" of {}", counted(kinds.len(), "kind"))
    } else {
        String::new()
    };
    kinds.truncate(MOST);
    Line::from(format!(" {}{of_kinds}: ", counted(warnings.len(), "warning")))
        .and(kinds.join(", "))
        .and(more)
        .and(".")
}

/// A runner shows no more of a kind from one step; the verdict is reported first.
const MOST_OF_A_KIND: usize = 10;

/// A decision as annotations, a line each: errors first, and the verdict first among its kind.
pub fn github_annotations(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let is_red = decision.status == Status::Red;
    let kind_of = |mark: Mark| match mark {
        Mark::Fails if is_red => Some("error"),
        Mark::Fails | Mark::Warns => Some("warning"),
        Mark::Holds | Mark::Unknown | Mark::NotJudged => None,
    };
    let title = subject.title().to_text();
    let reported = format!("{} ({title})", one_line(&decision.reason));
    let verdict = kind_of(decision.status.into()).unwrap_or("notice");
    let mut lines = vec![(verdict, format!("arcgauge: {}", decision.verdict.in_words()), reported)];
    lines.extend(decision.checks.iter().filter_map(|check| {
        let kind = kind_of(check.result.into())?;
        Some((kind, format!("arcgauge: {}", check.id), one_line(&check.reason)))
    }));
    lines.extend(decision.comparisons.iter().filter_map(|comparison| {
        let kind = kind_of(words::standing(comparison, decision.verdict).0)?;
        let (change, interval) = (words::change(comparison), words::interval(comparison));
        let reported = format!("{change} {interval}: {}", one_line(&comparison.reason));
        let (metric, prompt) = (comparison.metric.id(), comparison.prompt.as_deref().unwrap_or("mean"));
        Some((kind, format!("arcgauge: {metric} {prompt}"), reported))
    }));
    let mut text = String::new();
    for kind in ["error", "warning", "notice"] {
        for (_, title, reported) in lines.iter().filter(|line| line.0 == kind).take(MOST_OF_A_KIND) {
            text.push_str(&annotation(kind, title, reported));
        }
    }
    text
}

/// A command to the runner, with its line's end; `message` is a line.
fn annotation(kind: &str, title: &str, message: &str) -> String {
    let title = data(&one_line(title)).replace(':', "%3A").replace(',', "%2C");
    format!("::{kind} title={title}::{}\n", data(message))
}

/// As a command's data is written.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
