//! JUnit's XML, in the form that nextest writes: suites of cases. The root has no more attributes than
//! Jenkins' schema knows.

use std::fmt::Write;

use crate::report::number::every_digit;
use crate::visible::one_line;

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Passed,
    /// Passed, with something to be read.
    PassedBut,
    /// What was asked of it does not hold.
    Failure,
    /// It could not be carried out.
    Error,
    /// It could not be reported.
    Skipped,
}

/// One case. Every text may be of others.
#[derive(Debug)]
pub(super) struct Case {
    /// What kind of case it is.
    pub(super) class: String,
    /// Its name.
    pub(super) name: String,
    /// How it ended.
    pub(super) ending: Ending,
    /// The word for that.
    pub(super) kind: &'static str,
    /// Why.
    pub(super) reason: String,
    /// How long it took; None where that is not reported.
    pub(super) seconds: Option<f64>,
}

/// Cases of one measurement.
#[derive(Debug)]
pub(super) struct Suite {
    /// What was measured.
    pub(super) name: String,
    /// When it was judged, UTC.
    pub(super) when_utc: String,
    /// Its cases.
    pub(super) cases: Vec<Case>,
}

/// A whole document.
pub(super) fn document(suites: &[Suite]) -> String {
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"arcgauge\" {}>\n",
        counts(cases())
    );
    for suite in suites {
        let _ = writeln!(
            text,
            "    <testsuite name=\"{}\" {} skipped=\"{}\" timestamp=\"{}\">",
            xml(&suite.name),
            counts(suite.cases.iter()),
            count(suite.cases.iter(), Ending::Skipped),
            xml(&suite.when_utc)
        );
        for case in &suite.cases {
            let _ = writeln!(text, "        {}", case.reported());
        }
        text.push_str("    </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> String {
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.clone().count(),
        count(cases.clone(), Ending::Failure),
        count(cases, Ending::Error)
    )
}

fn count<'a>(cases: impl Iterator<Item = &'a Case>, ending: Ending) -> usize {
    cases.filter(|case| case.ending == ending).count()
}

impl Case {
    fn reported(&self) -> String {
        let time = self.seconds.and_then(every_digit).map(|seconds| format!(" time=\"{seconds}\""));
        let (name, class, time) = (xml(&self.name), xml(&self.class), time.unwrap_or_default());
        let opened = format!("<testcase name=\"{name}\" classname=\"{class}\"{time}");
        let (kind, reason) = (self.kind, xml(&self.reason));
        let inside = match self.ending {
            Ending::Passed => return format!("{opened}/>"),
            Ending::PassedBut => format!("<system-out>{kind}: {reason}</system-out>"),
            Ending::Failure => format!("<failure message=\"{reason}\" type=\"{kind}\"/>"),
            Ending::Error => format!("<error message=\"{reason}\" type=\"{kind}\"/>"),
            Ending::Skipped => format!("<skipped message=\"{reason}\" type=\"{kind}\"/>"),
        };
        format!("{opened}>{inside}</testcase>")
    }
}

/// A text within an attribute or an element. What XML cannot hold even as an entity, the line has
/// already written as its number.
fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for sign in one_line(text).chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(sign),
        }
    }
    escaped
}
