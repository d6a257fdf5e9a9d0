//! The history on a canvas.

use crate::report::chart::Form;
use crate::report::chart::axis::{Axis, Columns, middle};
use crate::report::chart::canvas::{Anchor, Canvas, Frame, Point, at};
use crate::report::chart::layout::{
    EDGE, Entry, LINE_HEIGHT, Label, Lanes, Room, Scale, entry, fitted, footer, header, measure, nothing,
    numbers_width, rows, width,
};
use crate::report::chart::line::{Change, Line, Mark, Picture};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::{MARKS, Sign, sign_of};
use crate::report::number::{counted, four_digits, signed_percent};

/// Between the data and the sides of its frame, px.
const INNER: f64 = 8.0;
/// A verdict's sign has so much room along the strip, px.
const SIGN_ROOM: f64 = 13.0;
/// The label of a reference is at most so wide, px.
const REFERENCE_ROOM: f64 = 170.0;
const THICK: f64 = 2.5;
const THIN: f64 = 1.25;

/// Draws the history with so much height for its data. Returns how tall it became, px.
pub(super) fn draw(canvas: &Canvas, line: &Line, height: f64) -> f64 {
    let picture = Picture::of(line, canvas.form, height);
    let measure = measure(&line.unit, line.better);
    let Some(axis) = &picture.axis else {
        return nothing(canvas, &measure, "no values yet");
    };
    let top = header(canvas, &measure, axis.has_zero(), &legend(canvas, line, &picture));
    let mut changes = sorted(&line.changes, |change| change.position, line.positions());
    // Where there is no room for all labels, those of regressions stay.
    changes.sort_by_key(|change| !change.is_worse);
    let epochs = sorted(&line.epochs, |epoch| epoch.position, line.positions());
    let inner = ends(line, canvas.form, axis);
    let inner = Frame { left: inner.left, top, right: inner.right, bottom: top };
    let sides = Frame { left: inner.left - INNER, right: inner.right + INNER, ..inner };
    let across = Scale::across(&inner, 0.0, line.positions().saturating_sub(1) as f64);
    let mut change_lanes = Lanes::below(top, 2);
    let changes: Vec<Flag> = changes
        .into_iter()
        .map(|change| Flag::of(change, across.place(change.position as f64), &mut change_lanes, canvas.form))
        .collect();
    let signs = change_lanes.bottom() + LINE_HEIGHT / 2.0;
    let top = if changes.is_empty() { top } else { signs + LINE_HEIGHT / 2.0 };
    let mut epoch_lanes = Lanes::below(top, 1);
    let epochs: Vec<Boundary> = epochs
        .into_iter()
        .map(|epoch| {
            let x = across.place(epoch.position as f64 - 0.5).max(sides.left);
            let number = fitted(&epoch.text, 80.0);
            let words = canvas.form.pick(format!("epoch {number}"), number.clone());
            Boundary { x, room: epoch_lanes.beside(canvas.form, x, &words), words }
        })
        .collect();
    let frame =
        Frame { top: epoch_lanes.bottom() + 4.0, bottom: epoch_lanes.bottom() + 4.0 + height, ..sides };
    let up = Scale::upwards(&frame, axis.low, axis.high);
    let places = Places { xs: picture.columns.ranges().map(|it| across.place(middle(&it))).collect(), up };

    places.band(canvas, &picture);
    rows(canvas, &frame, axis);
    for Boundary { x, .. } in &epochs {
        canvas.line(Role::Epoch, 1.0, &[at(*x, top), at(*x, frame.bottom)]);
    }
    references(canvas, line, &frame, &up);
    for Flag { x, sign, role, room, words } in &changes {
        canvas.line(*role, 1.0, &[at(*x, signs), at(*x, frame.bottom)]);
        sign.draw(canvas, at(*x, signs));
        if let Some(room) = room {
            change_lanes.write(canvas, *role, *room, words);
        }
    }
    for Boundary { room, words, .. } in &epochs {
        if let Some(room) = room {
            epoch_lanes.write(canvas, Role::Muted, *room, words);
        }
    }
    for (prompt, role) in picture.prompts.iter().zip((0..).map_while(Role::prompt)) {
        places.line(canvas, role, THIN, prompt);
    }
    places.line(canvas, Role::Mean, THICK, &picture.mean);
    let (bottom, worst_of) = strip(canvas, line, &frame, &across);
    let labels: Vec<Label> = line
        .labels
        .iter()
        .filter(|label| label.position < line.positions())
        .map(|label| Label { x: across.place(label.position as f64), text: label.text.clone() })
        .collect();
    let shared = picture
        .columns
        .are_shared()
        .then(|| format!("each point: the mean of up to {}", picture.columns.most_in_one()));
    let meaning = [line.position_label.clone(), shared.unwrap_or_default(), worst_of.unwrap_or_default()];
    footer(canvas, &frame, bottom, &labels, &meaning)
}

/// Where the first and the last position are, px.
pub(super) struct Ends {
    pub(super) left: f64,
    pub(super) right: f64,
}

pub(super) fn ends(line: &Line, form: Form, axis: &Axis) -> Ends {
    Ends {
        left: numbers_width(axis) + INNER,
        right: form.width() - EDGE - reference_room(form, line) - INNER,
    }
}

/// A change above the data.
struct Flag {
    x: f64,
    sign: Sign,
    role: Role,
    room: Option<Room>,
    words: String,
}

impl Flag {
    fn of(change: &Change, x: f64, lanes: &mut Lanes, form: Form) -> Self {
        let words = signed_percent(change.percent);
        let role = change_role(change.is_worse);
        Self {
            x,
            sign: change_sign(change.percent, change.is_worse),
            role,
            room: lanes.above(form, x, &words),
            words,
        }
    }
}

struct Boundary {
    x: f64,
    room: Option<Room>,
    words: String,
}

/// In order of their positions, without those that are none of the history's.
fn sorted<T>(things: &[T], position: impl Fn(&T) -> usize, positions: usize) -> Vec<&T> {
    let mut sorted: Vec<&T> = things.iter().filter(|thing| position(thing) < positions).collect();
    sorted.sort_by_key(|thing| position(thing));
    sorted
}

fn legend(canvas: &Canvas, line: &Line, picture: &Picture) -> Vec<Entry> {
    let mut legend = Vec::new();
    if picture.mean.iter().any(Option::is_some) {
        legend.push(entry(Sign::Line(Role::Mean, THICK), &line.mean_label));
    }
    if picture.has_band() {
        legend.push(entry(Sign::Line(Role::Band, 10.0), &line.band_label));
    }
    for (prompt, role) in line.prompts.iter().zip((0..).map_while(Role::prompt)) {
        legend.push(entry(Sign::Line(role, THIN + 0.75), fitted(&prompt.name, 160.0)));
    }
    let left_out = line.prompts.len().saturating_sub(picture.prompts.len());
    if left_out > 0 {
        legend.push(entry(
            Sign::Dash(Role::Muted),
            format!("{} only in the table", counted(left_out, "more prompt")),
        ));
    }
    if canvas.form == Form::Narrow {
        for reference in &line.references {
            legend.push(entry(
                Sign::Line(Role::Reference, 1.5),
                reference_words(&reference.label, reference.metric_value),
            ));
        }
    }
    if !line.epochs.is_empty() {
        legend.push(entry(Sign::Upright(Role::Epoch), "new epoch"));
    }
    for is_worse in [true, false] {
        if let Some(change) = line.changes.iter().find(|change| change.is_worse == is_worse) {
            let words = if is_worse { "change: worse" } else { "change: better" };
            legend.push(entry(change_sign(change.percent, is_worse), words));
        }
    }
    for mark in MARKS {
        if line.points.iter().any(|point| point.verdict == Some(mark)) {
            legend.push(entry(sign_of(mark), format!("verdict: {}", mark.in_words())));
        }
    }
    legend
}

fn change_role(is_worse: bool) -> Role {
    if is_worse { Role::Bad } else { Role::Good }
}

fn change_sign(percent: f64, is_worse: bool) -> Sign {
    if percent < 0.0 { Sign::Down(change_role(is_worse)) } else { Sign::Up(change_role(is_worse)) }
}

fn reference_words(label: &str, metric_value: f64) -> String {
    fitted(&format!("{label} {}", four_digits(metric_value)), REFERENCE_ROOM)
}

/// The room that the labels of the references need to the right of the data; none in the narrow form,
/// whose legend has them.
fn reference_room(form: Form, line: &Line) -> f64 {
    let widest = line.references.iter().map(|it| width(&reference_words(&it.label, it.metric_value)));
    form.pick(widest.fold(0.0, f64::max), 0.0) + INNER
}

fn references(canvas: &Canvas, line: &Line, frame: &Frame, up: &Scale) {
    let mut references: Vec<_> = line.references.iter().filter(|it| it.metric_value.is_finite()).collect();
    references.sort_by(|one, other| other.metric_value.total_cmp(&one.metric_value));
    let mut free_from = frame.top;
    for reference in references {
        let y = up.place(reference.metric_value);
        canvas.line(Role::Reference, 1.5, &[at(frame.left, y), at(frame.right, y)]);
        if canvas.form == Form::Wide {
            let words = reference_words(&reference.label, reference.metric_value);
            let middle = y.max(free_from);
            canvas.text(Role::Reference, Anchor::Start, at(frame.right + INNER, middle), &words);
            free_from = middle + LINE_HEIGHT;
        }
    }
}

/// The verdicts below the data. Returns where they end, and how many share a sign where they do.
fn strip(canvas: &Canvas, line: &Line, frame: &Frame, across: &Scale) -> (f64, Option<String>) {
    if line.points.iter().all(|point| point.verdict.is_none()) {
        return (frame.bottom, None);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a chart's width is small")]
    let most = (frame.width() / SIGN_ROOM) as usize;
    let columns = Columns::new(line.positions(), most);
    let y = frame.bottom + LINE_HEIGHT / 2.0 + 2.0;
    for range in columns.ranges() {
        let x = across.place(middle(&range));
        let verdicts: Vec<Mark> = range.filter_map(|position| line.points.get(position)?.verdict).collect();
        if let Some(worst) = MARKS.into_iter().find(|mark| verdicts.contains(mark)) {
            sign_of(worst).draw(canvas, at(x, y));
        }
    }
    let shared =
        columns.are_shared().then(|| format!("each verdict: the worst of up to {}", columns.most_in_one()));
    (y + LINE_HEIGHT / 2.0 + 2.0, shared)
}

/// Points are marked where there are at most so many.
const MARKED_POINTS: usize = 60;

/// Where the columns and the values are.
pub(super) struct Places {
    pub(super) xs: Vec<f64>,
    pub(super) up: Scale,
}

impl Places {
    /// A line through the values that does not bridge gaps. A value between two gaps is a point.
    pub(super) fn line(&self, canvas: &Canvas, role: Role, width: f64, metric_values: &[Option<f64>]) {
        let mut run = Vec::new();
        let points = metric_values
            .iter()
            .zip(&self.xs)
            .map(|(metric_value, x)| metric_value.map(|it| at(*x, self.up.place(it))));
        for point in points.chain([None]) {
            match point {
                Some(point) => run.push(point),
                None if run.len() == 1 => canvas.disc(role, run.remove(0), width + 0.5),
                None => {
                    canvas.line(role, width, &run);
                    if role == Role::Mean && metric_values.len() <= MARKED_POINTS {
                        for point in &run {
                            canvas.disc(role, *point, width + 0.5);
                        }
                    }
                    run.clear();
                }
            }
        }
    }

    /// The band, which does not bridge gaps either.
    pub(super) fn band(&self, canvas: &Canvas, picture: &Picture) {
        let mut upper: Vec<Point> = Vec::new();
        let mut lower: Vec<Point> = Vec::new();
        for (spread, x) in
            picture.band.iter().zip(&self.xs).map(|(spread, x)| (*spread, *x)).chain([(None, 0.0)])
        {
            if let Some(spread) = spread {
                upper.push(at(x, self.up.place(spread.high)));
                lower.push(at(x, self.up.place(spread.low)));
            } else if let ([high], [low]) = (&upper[..], &lower[..]) {
                canvas.line(Role::Band, 6.0, &[*high, *low]);
                upper.clear();
                lower.clear();
            } else {
                upper.extend(lower.drain(..).rev());
                canvas.surface(Role::Band, &upper);
                upper.clear();
            }
        }
    }
}
