//! The table for whoever ran it.

use std::fmt::Write;

use crate::judge::first_light::Answer;
use crate::report::first_light::{FirstLight, WHAT_RAN_WHERE};
use crate::report::one_line;

const ANSWER_WIDTH: usize = 12;
const ID_WIDTH: usize = 18;

/// A line a claim: the answer, the claim's id, and what was seen; and what ran where before.
#[must_use]
pub fn first_light_text(told: &FirstLight<'_>) -> String {
    let mut text = format!("first light: {}, `{}` asked for\n", told.subject(), told.requested);
    if let Some(note) = told.note() {
        let _ = writeln!(text, "{note}");
    }
    text.push('\n');
    let mut above = "";
    for answered in told.answers {
        let because = answered.word.because.as_str();
        let seen = if because == above { "as above".to_owned() } else { one_line(because) };
        let answer = answered.word.answer.word();
        let _ = writeln!(text, " {answer:<ANSWER_WIDTH$}  {:<ID_WIDTH$}  {seen}", answered.claim.id);
        above = because;
    }
    let _ = writeln!(text, "\n{}", first_light_tally(told));
    let _ = write!(text, "\nwhat ran where before this run\n\n{WHAT_RAN_WHERE}");
    text
}

/// How often each answer was given.
#[must_use]
pub fn first_light_tally(told: &FirstLight<'_>) -> String {
    let counts = [Answer::Yes, Answer::No, Answer::NotObserved]
        .map(|answer| format!("{} {}", told.count(answer), answer.word()));
    format!("{} claims: {}", told.answers.len(), counts.join(", "))
}
