//! What stands around the data: the axis and its unit, the legend, and labels that keep out of each other's way.
//!
//! No font is read: the page's reader brings one, and the widest common one is reckoned with.

use crate::measure::Direction;
use crate::report::chart::Form;
use crate::report::chart::axis::Axis;
use crate::report::chart::canvas::{Anchor, Canvas, Frame, at};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::Sign;
use crate::visible::one_line;

/// Between a chart's edge and what is drawn, px.
pub(super) const EDGE: f64 = 4.0;
/// Between two things of a legend, and between two labels, px.
pub(super) const BETWEEN: f64 = 14.0;
/// Between a sign and its words, and between an axis and its numbers, px.
const BESIDE: f64 = 6.0;

/// An entry of a legend.
pub(super) struct Entry {
    sign: Sign,
    label: String,
}

pub(super) fn entry(sign: Sign, label: impl Into<String>) -> Entry {
    Entry { sign, label: label.into() }
}

/// The unit and which way is better, as in "ms per token, lower is better".
pub(super) fn measure(unit: &str, better: Direction) -> String {
    format!("{unit}, {} is better", better.as_str())
}

/// Said on the chart where the axis does not start at zero.
pub(super) const NOT_FROM_ZERO: &str = "axis does not start at 0";

/// Things side by side, in as many lines as they need.
struct Flow {
    form: Form,
    x: f64,
    y: f64,
}

impl Flow {
    /// Room for something so wide: the place of its left end.
    fn room(&mut self, wide: f64) -> (f64, f64) {
        if self.x > EDGE && self.x + wide > self.form.width() - EDGE {
            self.next_line();
        }
        let place = (self.x, self.y);
        self.x += wide + BETWEEN;
        place
    }

    fn next_line(&mut self) {
        self.x = EDGE;
        self.y += LINE_HEIGHT;
    }
}

/// What is measured and what the signs mean, above the data. Returns where it ends, px.
pub(super) fn header(canvas: &Canvas, measure: &str, has_zero: bool, legend: &[Entry]) -> f64 {
    let mut flow = Flow { form: canvas.form, x: EDGE, y: EDGE + LINE_HEIGHT / 2.0 };
    let most = canvas.form.width() - 2.0 * EDGE;
    let mut words = |text: &str, role| {
        let (x, y) = flow.room(width(text));
        canvas.text(role, Anchor::Start, at(x, y), text);
    };
    for line in wrapped(measure, most) {
        words(&line, Role::Ink);
    }
    if !has_zero {
        words(NOT_FROM_ZERO, Role::Muted);
    }
    if !legend.is_empty() {
        flow.next_line();
    }
    for Entry { sign, label } in legend {
        let lines = wrapped(label, most - sign.width() - BESIDE);
        let widest = lines.iter().map(|line| width(line)).fold(0.0, f64::max);
        let (x, y) = flow.room(sign.width() + BESIDE + widest);
        sign.draw(canvas, at(x + sign.width() / 2.0, y));
        for (below, line) in lines.iter().enumerate() {
            flow.y = y + LINE_HEIGHT * below as f64;
            canvas.text(Role::Ink, Anchor::Start, at(x + sign.width() + BESIDE, flow.y), line);
        }
    }
    flow.y + LINE_HEIGHT / 2.0 + BESIDE
}

/// The room that the numbers of an axis need to the left of the data, px.
pub(super) fn numbers_width(axis: &Axis) -> f64 {
    axis.ticks.iter().map(|(_, label)| width(label)).fold(16.0, f64::max) + EDGE + BESIDE
}

/// Where a value is on the way from `from` to `to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the place of the first value to that of the second, px.
    pub(super) fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to }
    }

    pub(super) fn upwards(frame: &Frame, axis: &Axis) -> Self {
        Self { low: axis.low, high: axis.high, from: frame.bottom, to: frame.top }
    }

    /// The place of a value, px. Where all values are one, it is in the middle.
    pub(super) fn place(&self, metric_value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (metric_value - self.low) / span } else { 0.5 };
        self.from + share * (self.to - self.from)
    }
}

/// Lines across the data, and their numbers to the left of it.
pub(super) fn rows(canvas: &Canvas, frame: &Frame, axis: &Axis) {
    let scale = Scale::upwards(frame, axis);
    for (value, label) in &axis.ticks {
        let y = scale.place(*value);
        canvas.line(Role::Grid, 1.0, &[at(frame.left, y), at(frame.right, y)]);
        canvas.text(Role::Muted, Anchor::End, at(frame.left - BESIDE, y), label);
    }
}

/// The labels along the bottom, each with its place, from the last, which is the newest: those that would touch the one
/// before are left out. Then what they are. Returns where it ends, px.
pub(super) fn footer(
    canvas: &Canvas,
    frame: &Frame,
    top: f64,
    mut labels: Vec<(f64, &str)>,
    meaning: &[String],
) -> f64 {
    let y = top + BESIDE + LINE_HEIGHT / 2.0;
    let mut free_until = f64::INFINITY;
    labels.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (x, text) in &labels {
        let text = fitted(text, canvas.form.width() / 2.0);
        let half = width(&text) / 2.0;
        let middle = x.clamp(EDGE + half, canvas.form.width() - EDGE - half);
        if middle + half > free_until {
            continue;
        }
        free_until = middle - half - BETWEEN;
        canvas.line(Role::Muted, 1.0, &[at(*x, top), at(*x, top + 4.0)]);
        canvas.text(Role::Muted, Anchor::Middle, at(middle, y), &text);
    }
    let mut y = if labels.is_empty() { y - LINE_HEIGHT } else { y };
    for line in meaning.iter().filter(|line| !line.is_empty()) {
        y += LINE_HEIGHT;
        let line = fitted(line, canvas.form.width() - 2.0 * EDGE);
        let half = width(&line) / 2.0;
        let middle = f64::midpoint(frame.left, frame.right);
        let middle = middle.min(canvas.form.width() - EDGE - half).max(EDGE + half);
        canvas.text(Role::Ink, Anchor::Middle, at(middle, y), &line);
    }
    y + LINE_HEIGHT / 2.0 + EDGE
}

/// Said in the place of the data where there is none. Returns where it ends, px.
pub(super) fn nothing(canvas: &Canvas, measure: &str, words: &str) -> f64 {
    let top = header(canvas, measure, true, &[]);
    let frame = Frame { left: EDGE, top, right: canvas.form.width() - EDGE, bottom: top + 80.0 };
    canvas.block(Role::Shade, frame);
    let words = fitted(words, frame.width() - 2.0 * EDGE);
    canvas.text(Role::Muted, Anchor::Middle, at(f64::midpoint(frame.left, frame.right), top + 40.0), &words);
    frame.bottom + EDGE
}

/// Lines of text above the data for labels that belong to places along the axis. A label goes where it does
/// not touch another; what comes first has the choice.
pub(super) struct Lanes {
    top: f64,
    most: usize,
    /// From where to where each lane is taken, px.
    taken: Vec<Vec<(f64, f64)>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Its left end, px.
    left: f64,
    /// The end that its place is at: a text may turn out narrower than was reckoned with.
    anchor: Anchor,
    lane: usize,
}

impl Lanes {
    /// At most so many lanes below the place.
    pub(super) fn below(top: f64, most: usize) -> Self {
        Self { top, most, taken: Vec::new() }
    }

    /// The lower edge of those that are used, px.
    pub(super) fn bottom(&self) -> f64 {
        self.top + LINE_HEIGHT * self.taken.len() as f64
    }

    pub(super) fn height_of(&self, room: Room) -> f64 {
        self.top + LINE_HEIGHT * (room.lane as f64 + 0.5)
    }

    /// Room to the right of a place; to its left where the chart would end.
    pub(super) fn beside(&mut self, form: Form, x: f64, text: &str) -> Option<Room> {
        const APART: f64 = 5.0;
        let right = x + APART + width(text);
        if right > form.width() - EDGE {
            return self.room(x - APART - width(text), Anchor::End, text);
        }
        self.room(x + APART, Anchor::Start, text)
    }

    /// Room with the middle at a place; a little aside where the chart would end.
    pub(super) fn above(&mut self, form: Form, x: f64, text: &str) -> Option<Room> {
        let half = width(text) / 2.0;
        self.room(x.min(form.width() - EDGE - half).max(EDGE + half) - half, Anchor::Middle, text)
    }

    fn room(&mut self, left: f64, anchor: Anchor, text: &str) -> Option<Room> {
        if left < EDGE {
            return None;
        }
        let right = left + width(text) + BETWEEN / 2.0;
        let is_free = |taken: &Vec<(f64, f64)>| taken.iter().all(|(from, to)| right <= *from || *to <= left);
        let lane = match self.taken.iter().position(is_free) {
            Some(lane) => lane,
            None if self.taken.len() < self.most => {
                self.taken.push(Vec::new());
                self.taken.len() - 1
            }
            None => return None,
        };
        self.taken[lane].push((left, right));
        Some(Room { left, anchor, lane })
    }

    /// Writes a label. Lines that cross its room end there.
    pub(super) fn write(&self, canvas: &Canvas, role: Role, room: Room, text: &str) {
        let y = self.height_of(room);
        let right = room.left + width(text);
        let (top, bottom) = (y - LINE_HEIGHT / 2.0 + 1.0, y + LINE_HEIGHT / 2.0 - 1.0);
        canvas.block(Role::Paper, Frame { left: room.left - 2.0, top, right, bottom });
        let x = match room.anchor {
            Anchor::Start => room.left,
            Anchor::Middle => f64::midpoint(room.left, right),
            Anchor::End => right,
        };
        canvas.text(role, room.anchor, at(x, y), text);
    }
}

/// The size of all text on a chart, px. On a screen of 320 px the narrow chart is drawn a little smaller
/// than it is, and its text stays above 11 px.
pub(super) const TEXT_SIZE: f64 = 13.0;
/// From one line of text to the next, px.
pub(super) const LINE_HEIGHT: f64 = 18.0;

/// How wide the text is at most, px.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(share_of_size).sum::<f64>() * TEXT_SIZE
}

/// The width of a letter as a share of the text's size.
fn share_of_size(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' | ' ' | '.' | ',' | ':' | ';' | 'I' | '!' => 0.36,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' => 0.43,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.0,
        '+' | '<' | '>' | '=' | '~' => 0.84,
        'A'..='Z' | '&' | '#' => 0.79,
        ' '..='~' => 0.64,
        '\u{a0}'..='\u{2ff}' => 0.8,
        _ => 1.05,
    }
}

/// The text on one line, cut to the width; "..." says that it was cut.
pub(super) fn fitted(text: &str, most: f64) -> String {
    let text = one_line(text);
    if width(&text) <= most {
        return text;
    }
    let mut room = most - width("...");
    let mut kept = String::new();
    for letter in text.chars() {
        room -= share_of_size(letter) * TEXT_SIZE;
        if room < 0.0 {
            break;
        }
        kept.push(letter);
    }
    kept.truncate(kept.trim_end().len());
    kept + "..."
}

/// The text in as many lines as it needs, which are few: of a text without an end, the second is cut.
pub(super) fn wrapped(text: &str, most: f64) -> Vec<String> {
    let text = one_line(text);
    let mut first = String::new();
    let mut rest = text.as_str();
    while let Some(word) = rest.split_inclusive(' ').next() {
        if width(&first) + width(word.trim_end()) > most {
            break;
        }
        first.push_str(word);
        rest = &rest[word.len()..];
    }
    let lines = [first.trim_end().to_owned(), fitted(rest, most)];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_kept_and_a_longer_one_is_cut_and_says_so() {
        assert_eq!(fitted("short", 100.0), "short");
        let cut = fitted(&"long ".repeat(50), 100.0);
        assert!(cut.ends_with("...") && cut.starts_with("long"), "{cut}");
        assert!(width(&cut) <= 100.0);
    }

    #[test]
    fn a_long_text_has_a_second_line_and_no_third() {
        assert_eq!(wrapped("of two words", 1000.0), ["of two words"]);
        let lines = wrapped("one two three four", 60.0);
        assert_eq!(lines, ["one two", "three..."]);
        assert_eq!(wrapped("", 60.0), Vec::<String>::new());
        assert!(wrapped(&"x".repeat(1000), 60.0).iter().all(|line| width(line) <= 60.0));
    }

    #[test]
    fn wide_letters_need_more_room_and_without_any_only_the_cut_is_seen() {
        assert!(width("mmmm") > width("aaaa") && width("aaaa") > width("llll"));
        assert!(width("速い") > width("ab"));
        assert_eq!(fitted("anything", 1.0), "...");
    }
}
