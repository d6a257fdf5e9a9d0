//! How one metric moved through the history: a thick line with its band, a thin one for each prompt, and
//! what was found and decided along it.

use serde::Serialize;

use crate::measure::Direction;
use crate::report::chart::axis::{Columns, axis, drawable, largest, mean, middle, smallest};
use crate::report::chart::layout::{Entry, NOT_FROM_ZERO, entry, fitted, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Flag, Flags, Layer, Panel, Plot};
use crate::report::chart::signs::{MARKS, Sign, sign_of};
use crate::report::chart::{Chart, Form, chart, sentence};
use crate::report::mark::Mark;
use crate::report::number::{counted, four_digits, signed_percent};

/// Between the data and the sides of its frame, px.
const INSET: f64 = 8.0;
/// A verdict's sign has so much room along the strip, px.
const SIGN_ROOM: f64 = 13.0;
/// The label of a reference is at most so wide, px.
const REFERENCE_ROOM: f64 = 170.0;
const THICK: f64 = 2.5;
const THIN: f64 = 1.25;
/// Points are marked where there are at most so many.
const MARKED_POINTS: usize = 60;
/// A lower chart has few numbers on its axis, px.
const NUMBERS_FROM: f64 = 150.0;

/// One metric at each position of a history, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Line {
    pub(in crate::report) title: String,
    /// What the page says of it.
    pub(in crate::report) description: String,
    /// What a value is counted in, as in "ms per token".
    pub(in crate::report) unit: String,
    pub(in crate::report) better: Direction,
    /// What the thick line is, as in "mean of the prompts".
    pub(in crate::report) mean_label: String,
    /// What the band is, as in "interval of 95 %".
    pub(in crate::report) band_label: String,
    /// What a position is, as in "commits on main, oldest to newest".
    pub(in crate::report) position_label: String,
    /// The thick line, a point for each position.
    pub(in crate::report) points: Vec<LinePoint>,
    /// The thin ones, which have values for the same positions.
    pub(in crate::report) prompts: Vec<PromptLine>,
    /// Labels along the bottom; those without room are left out.
    pub(in crate::report) labels: Vec<PositionLabel>,
    /// Values from elsewhere.
    pub(in crate::report) references: Vec<Reference>,
    /// Where an epoch begins: its number, at its first position.
    pub(in crate::report) epochs: Vec<PositionLabel>,
    /// Where the level changed.
    pub(in crate::report) changes: Vec<Change>,
}

/// A position of a history.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::report) struct LinePoint {
    /// None leaves a gap.
    pub(in crate::report) mean: Option<f64>,
    /// The low and the high end of its band.
    pub(in crate::report) band: Option<(f64, f64)>,
    /// What was decided there. It is shown without a value too.
    pub(in crate::report) verdict: Option<Mark>,
}

/// The values of one prompt.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct PromptLine {
    pub(in crate::report) name: String,
    /// A value for each position; none leaves a gap.
    pub(in crate::report) metric_values: Vec<Option<f64>>,
}

/// A position, from 0, and its text: a date or a commit, say.
pub(in crate::report) type PositionLabel = (usize, String);

/// A value to compare ours with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct Reference {
    /// What it is, without the value.
    pub(in crate::report) label: String,
    #[serde(rename = "figure")]
    pub(in crate::report) metric_value: f64,
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Change {
    /// The first position of the new level.
    pub(in crate::report) position: usize,
    /// By how much the value changed, percent.
    pub(in crate::report) percent: f64,
    /// Whether that is the wrong way.
    pub(in crate::report) is_worse: bool,
}

/// Of the wide and of the narrow form, px.
type Heights = (f64, f64);

const LARGE: Heights = (210.0, 170.0);
const SMALL: Heights = (120.0, 96.0);

impl Line {
    pub(in crate::report) fn chart(&self) -> Chart {
        self.chart_of(LARGE)
    }

    /// The same, lower: for the trend of a front page.
    pub(in crate::report) fn small_chart(&self) -> Chart {
        self.chart_of(SMALL)
    }

    /// Where the first and the last position of the small chart are, wide and narrow, as shares of its width; None
    /// where nothing is drawn.
    pub(in crate::report) fn small_ends(&self) -> Option<[[f64; 2]; 2]> {
        let of = |form: Form| Some(self.plot(form, SMALL)?.ends(form).map(|x| x / form.width()));
        Some([of(Form::Wide)?, of(Form::Narrow)?])
    }

    fn chart_of(&self, heights: Heights) -> Chart {
        let said = [&*self.description, &self.facts(heights)];
        let measure = measure(&self.unit, self.better);
        chart(&self.title, &said, &measure, "no values yet", |form| self.plot(form, heights))
    }

    fn positions(&self) -> usize {
        self.prompts.iter().map(|prompt| prompt.metric_values.len()).fold(self.points.len(), usize::max)
    }

    /// The prompts that have a line, each with its part in the drawing.
    fn drawn_prompts(&self) -> impl Iterator<Item = (&PromptLine, Role)> {
        self.prompts.iter().zip((0..).map_while(Role::prompt))
    }

    /// How many verdicts there are of each mark, the one to be seen first before the others.
    fn verdicts(&self) -> impl Iterator<Item = (Mark, usize)> {
        let count = |mark| self.points.iter().filter(|point| point.verdict == Some(mark)).count();
        MARKS.into_iter().map(move |mark| (mark, count(mark))).filter(|(_, count)| *count > 0)
    }

    fn facts(&self, heights: Heights) -> String {
        let positions = self.positions();
        let Some(plot) = self.plot(Form::Wide, heights) else { return "No values yet.".to_owned() };
        let mut facts = vec![counted(positions, "position")];
        let metric_values = self.points.iter().filter(|point| point.mean.is_some()).count();
        let missing = positions.saturating_sub(metric_values);
        if missing > 0 && metric_values > 0 {
            facts.push(format!("{missing} without a value"));
        }
        if !self.changes.is_empty() {
            facts.push(counted(self.changes.len(), "change point"));
        }
        facts.extend(self.verdicts().map(|(mark, count)| format!("verdict {}: {count}", mark.in_words())));
        let left_out = self.prompts.len() - self.drawn_prompts().count();
        if left_out > 0 {
            facts.push(format!("{} without a line", counted(left_out, "more prompt")));
        }
        facts.extend(plot.is_off_zero.then(|| NOT_FROM_ZERO.to_owned()));
        sentence(facts)
    }

    fn plot(&self, form: Form, heights: Heights) -> Option<Plot> {
        let height = form.pick(heights.0, heights.1);
        let columns = Columns::new(self.positions(), form.columns());
        let xs: Vec<f64> = columns.ranges().map(|range| middle(&range)).collect();
        let of_column = |range| mean(self.points_of(range).iter().map(|point| drawable(point.mean)));
        let means: Vec<_> = columns.ranges().map(of_column).collect();
        let band: Vec<_> = columns.ranges().map(|range| spread(self.points_of(range))).collect();
        let prompts = self.drawn_prompts().map(|(prompt, role)| {
            let value = |at: usize| drawable(prompt.metric_values.get(at).copied().flatten());
            (role, columns.ranges().map(|range| mean(range.map(value))).collect())
        });
        let prompts: Vec<(Role, Vec<Option<f64>>)> = prompts.collect();
        let ours = means.iter().chain(prompts.iter().flat_map(|(_, values)| values)).flatten().copied();
        // Without a value of ours there is nothing to compare a reference with.
        ours.clone().next()?;
        let ends = band.iter().flatten().flat_map(|(low, high)| [*low, *high]);
        let references = self.references.iter().map(|it| it.metric_value);
        let most = if height < NUMBERS_FROM { 3 } else { 6 };
        let axis = axis(ours.chain(ends).chain(references), most)?;

        let line = |role, width, values: &[Option<f64>], is_marked| {
            let points = xs.iter().zip(values).map(|(x, value)| Some((*x, (*value)?))).collect();
            Layer::Line { role, width, points, is_marked }
        };
        let in_band = |(x, ends): (&f64, &Option<(f64, f64)>)| ends.map(|(low, high)| (*x, low, high));
        let has_band = band.iter().any(Option::is_some);
        let mut layers = vec![Layer::Band(xs.iter().zip(&band).map(in_band).collect())];
        let references = self.references.iter().filter(|it| it.metric_value.is_finite());
        layers.extend(references.map(|it| Layer::Level(Role::Reference, it.metric_value)));
        layers.extend(prompts.iter().map(|(role, values)| line(*role, THIN, values, false)));
        layers.push(line(Role::Mean, THICK, &means, means.len() <= MARKED_POINTS));
        let shared =
            columns.are_shared().then(|| format!("each point: the mean of up to {}", columns.most_in_one()));
        let labels = self.labels.iter().filter(|(position, _)| *position < self.positions());
        let mut plot = Plot {
            legend: self.legend(form, means.iter().any(Option::is_some), has_band),
            is_off_zero: !axis.has_zero(),
            across: (0.0, self.positions().saturating_sub(1) as f64),
            inset: INSET,
            flags: vec![self.changes(), self.epochs(form)],
            levels: if form == Form::Wide { self.levels() } else { Vec::new() },
            panels: vec![Panel { title: None, axis, height, layers }],
            labels: labels.map(|(position, text)| (*position as f64, text.clone())).collect(),
            meaning: [Some(self.position_label.clone()), shared].into_iter().flatten().collect(),
            ..Plot::default()
        };
        let [left, right] = plot.ends(form);
        let (strip, worst_of) = self.strip(right - left);
        plot.strip = strip;
        plot.meaning.extend(worst_of);
        Some(plot)
    }

    fn points_of(&self, range: std::ops::Range<usize>) -> &[LinePoint] {
        let end = range.end.min(self.points.len());
        &self.points[range.start.min(end)..end]
    }

    fn changes(&self) -> Flags {
        let mut changes = sorted(&self.changes, |change| change.position, self.positions());
        // Where there is no room for all labels, those of regressions stay.
        changes.sort_by_key(|change| !change.is_worse);
        let flags = changes.into_iter().map(|change| Flag {
            x: change.position as f64,
            role: change.role(),
            text: signed_percent(change.percent),
            sign: Some(change.sign()),
        });
        Flags { lanes: 2, flags: flags.collect() }
    }

    fn epochs(&self, form: Form) -> Flags {
        let epochs = sorted(&self.epochs, |(position, _)| *position, self.positions());
        let flags = epochs.into_iter().map(|(position, text)| {
            let number = fitted(text, 80.0);
            let text = form.pick(format!("epoch {number}"), number.clone());
            Flag { x: *position as f64 - 0.5, role: Role::Epoch, text, sign: None }
        });
        Flags { lanes: 1, flags: flags.collect() }
    }

    fn levels(&self) -> Vec<(f64, String)> {
        let finite = self.references.iter().filter(|it| it.metric_value.is_finite());
        let mut levels: Vec<_> = finite.map(|it| (it.metric_value, it.words())).collect();
        levels.sort_by(|one, other| other.0.total_cmp(&one.0));
        levels
    }

    fn legend(&self, form: Form, has_mean: bool, has_band: bool) -> Vec<Entry> {
        let mut legend = Vec::new();
        legend.extend(has_mean.then(|| entry(Sign::Line(Role::Mean, THICK), &self.mean_label)));
        legend.extend(has_band.then(|| entry(Sign::Line(Role::Band, 10.0), &self.band_label)));
        legend.extend(
            self.drawn_prompts()
                .map(|(prompt, role)| entry(Sign::Line(role, THIN + 0.75), fitted(&prompt.name, 160.0))),
        );
        let left_out = self.prompts.len() - self.drawn_prompts().count();
        if left_out > 0 {
            let words = format!("{} only in the table", counted(left_out, "more prompt"));
            legend.push(entry(Sign::Dash(Role::Muted), words));
        }
        if form == Form::Narrow {
            let sign = Sign::Line(Role::Reference, 1.5);
            legend.extend(self.references.iter().map(|reference| entry(sign, reference.words())));
        }
        legend.extend(self.epochs.first().map(|_| entry(Sign::Upright(Role::Epoch), "new epoch")));
        for (is_worse, words) in [(true, "change: worse"), (false, "change: better")] {
            let first = self.changes.iter().find(|change| change.is_worse == is_worse);
            legend.extend(first.map(|change| entry(change.sign(), words)));
        }
        legend.extend(
            self.verdicts().map(|(mark, _)| entry(sign_of(mark), format!("verdict: {}", mark.in_words()))),
        );
        legend
    }

    /// The verdicts below the data, and how many share a sign where they do.
    fn strip(&self, width: f64) -> (Vec<(f64, Sign)>, Option<String>) {
        if self.verdicts().next().is_none() {
            return (Vec::new(), None);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a chart's width is small"
        )]
        let columns = Columns::new(self.positions(), (width / SIGN_ROOM) as usize);
        let signs = columns.ranges().filter_map(|range| {
            let x = middle(&range);
            let points = self.points_of(range);
            let worst =
                MARKS.into_iter().find(|mark| points.iter().any(|point| point.verdict == Some(*mark)));
            Some((x, sign_of(worst?)))
        });
        let shared = columns
            .are_shared()
            .then(|| format!("each verdict: the worst of up to {}", columns.most_in_one()));
        (signs.collect(), shared)
    }
}

impl Change {
    fn role(&self) -> Role {
        if self.is_worse { Role::Bad } else { Role::Good }
    }

    fn sign(&self) -> Sign {
        if self.percent < 0.0 { Sign::Down(self.role()) } else { Sign::Up(self.role()) }
    }
}

impl Reference {
    fn words(&self) -> String {
        fitted(&format!("{} {}", self.label, four_digits(self.metric_value)), REFERENCE_ROOM)
    }
}

/// In order of their positions, without those that are none of the history's.
fn sorted<T>(things: &[T], position: impl Fn(&T) -> usize, positions: usize) -> Vec<&T> {
    let mut sorted: Vec<&T> = things.iter().filter(|thing| position(thing) < positions).collect();
    sorted.sort_by_key(|thing| position(thing));
    sorted
}

/// The band of a column, from low to high, in which the values themselves are when they share it.
fn spread(points: &[LinePoint]) -> Option<(f64, f64)> {
    let points = points.iter().filter(|point| drawable(point.mean).is_some());
    let low = smallest(points.clone().map(|it| drawable(it.band.map(|(low, _)| low)).or(it.mean)))?;
    let high = largest(points.map(|it| drawable(it.band.map(|(_, high)| high)).or(it.mean)))?;
    (high > low).then_some((low, high))
}
