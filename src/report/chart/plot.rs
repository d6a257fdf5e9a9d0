//! A chart in the terms of its data, set out for a screen: what stands above, in and below its panels.

use crate::report::chart::Form;
use crate::report::chart::axis::Axis;
use crate::report::chart::canvas::{Anchor, Canvas, Frame, Point, at};
use crate::report::chart::layout::{
    EDGE, Entry, LINE_HEIGHT, Lanes, Room, Scale, fitted, footer, header, numbers_width, rows, width,
};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::Sign;

/// Between the data and the right side, and between a level and its label, px.
const BESIDE: f64 = 8.0;
/// Above and below each other, panels are this far apart, px.
const APART: f64 = 10.0;
/// On each side of a bar, px.
const BAR_GAP: f64 = 0.75;

/// Panels below each other that share their horizontal axis.
#[derive(Default)]
pub(super) struct Plot {
    pub(super) legend: Vec<Entry>,
    /// Said where an axis does not start at 0.
    pub(super) is_off_zero: bool,
    /// The first and the last place along the axis.
    pub(super) across: (f64, f64),
    /// Between these and the sides of the frame, px.
    pub(super) inset: f64,
    /// Above the first panel, each group in lanes of its own.
    pub(super) flags: Vec<Flags>,
    pub(super) panels: Vec<Panel>,
    /// To the right of the first panel: labels of levels, from the highest.
    pub(super) levels: Vec<(f64, String)>,
    /// Signs below the data.
    pub(super) strip: Vec<(f64, Sign)>,
    /// Below the data: what lies between two places. One without room is left out.
    pub(super) names: Vec<(f64, f64, String)>,
    /// Below that, places with their labels. One without room is left out.
    pub(super) labels: Vec<(f64, String)>,
    /// What the labels are, and what else is to be known.
    pub(super) meaning: Vec<String>,
}

/// Places along the axis that have a label above the data.
pub(super) struct Flags {
    /// Lanes of labels at most.
    pub(super) lanes: usize,
    /// What comes first has the choice of room.
    pub(super) flags: Vec<Flag>,
}

pub(super) struct Flag {
    pub(super) x: f64,
    pub(super) role: Role,
    pub(super) text: String,
    /// Below the label; without one the label stands beside the line.
    pub(super) sign: Option<Sign>,
}

pub(super) struct Panel {
    pub(super) title: Option<String>,
    pub(super) axis: Axis,
    /// px
    pub(super) height: f64,
    /// What is drawn, the first below the others.
    pub(super) layers: Vec<Layer>,
}

/// Something drawn in a panel.
pub(super) enum Layer {
    /// From here to there, behind the numbers' lines.
    Shade(f64, f64),
    /// Place, low and high, behind the numbers' lines; gaps are not bridged.
    Band(Vec<Option<(f64, f64, f64)>>),
    /// From 0 to a value.
    Bar {
        role: Role,
        from: f64,
        to: f64,
        value: f64,
    },
    /// A line across.
    Level(Role, f64),
    /// A line from top to bottom, with a sign at its top.
    Upright(Sign, Role, f64),
    /// A line that does not bridge gaps. A point between two gaps is a disc; of a marked line every point is.
    Line {
        role: Role,
        width: f64,
        points: Vec<Option<(f64, f64)>>,
        is_marked: bool,
    },
    Sign(Sign, f64, f64),
    /// A text above a place.
    Text(f64, f64, String),
    /// A bar with caps at a place: low, mean and high.
    Interval(f64, [f64; 3]),
}

impl Layer {
    fn is_behind(&self) -> bool {
        matches!(self, Self::Shade(..) | Self::Band(_))
    }
}

/// Where the flags of a group are, px.
struct PlacedFlags<'a> {
    lanes: Lanes,
    top: f64,
    signs: f64,
    flags: Vec<(f64, &'a Flag, Option<Room>)>,
}

impl Plot {
    /// Where the first and the last place are, px.
    pub(super) fn ends(&self, form: Form) -> [f64; 2] {
        // One left edge for all panels, so that they share the axis.
        let left = self.panels.iter().map(|panel| numbers_width(&panel.axis)).fold(0.0, f64::max);
        let widest = self.levels.iter().map(|(_, text)| width(text)).fold(0.0, f64::max);
        [left + self.inset, form.width() - EDGE - BESIDE - widest - self.inset]
    }

    /// Draws it. Returns how tall it became, px.
    pub(super) fn draw(&self, canvas: &Canvas, measure: &str) -> f64 {
        let top = header(canvas, measure, !self.is_off_zero, &self.legend);
        let [left, right] = self.ends(canvas.form);
        let across = Scale::new(self.across, (left, right));
        let sides = Frame { left: left - self.inset, top, right: right + self.inset, bottom: top };
        let (flags, top) = self.placed_flags(canvas.form, &sides, &across);
        let mut frame = Frame { bottom: top, ..sides };
        for panel in &self.panels {
            let top =
                frame.bottom + if panel.title.is_some() { LINE_HEIGHT + APART } else { LINE_HEIGHT / 2.0 };
            if let Some(title) = &panel.title {
                canvas.text(Role::Ink, Anchor::Start, at(EDGE, top - APART - LINE_HEIGHT / 2.0), title);
            }
            frame = Frame { top, bottom: top + panel.height, ..sides };
            panel.draw(canvas, &frame, &across);
            if panel.title.is_some() {
                frame.bottom += APART;
            }
        }
        if self.panels.last().is_some_and(|panel| panel.title.is_some()) {
            frame.bottom -= APART;
        }
        draw_flags(canvas, &flags, frame.bottom);
        self.draw_levels(canvas, &frame);
        let mut bottom = frame.bottom;
        for (x, sign) in &self.strip {
            sign.draw(canvas, at(across.place(*x), bottom + LINE_HEIGHT / 2.0 + 2.0));
        }
        bottom += if self.strip.is_empty() { 0.0 } else { LINE_HEIGHT + 4.0 };
        self.draw_names(canvas, &across, bottom);
        bottom += if self.names.is_empty() { 0.0 } else { LINE_HEIGHT };
        let labels = self.labels.iter().map(|(x, text)| (across.place(*x), text.as_str()));
        footer(canvas, &frame, bottom, labels.collect(), &self.meaning)
    }

    fn placed_flags(&self, form: Form, sides: &Frame, across: &Scale) -> (Vec<PlacedFlags<'_>>, f64) {
        let mut top = sides.top;
        let mut placed = Vec::new();
        for group in self.flags.iter().filter(|group| !group.flags.is_empty()) {
            let mut lanes = Lanes::below(top, group.lanes);
            let mut flags = Vec::new();
            for flag in &group.flags {
                let x = across.place(flag.x).clamp(sides.left, sides.right);
                let room = match flag.sign {
                    Some(_) => lanes.above(form, x, &flag.text),
                    None => lanes.beside(form, x, &flag.text),
                };
                flags.push((x, flag, room));
            }
            let signs = lanes.bottom() + LINE_HEIGHT / 2.0;
            let has_signs = group.flags.iter().any(|flag| flag.sign.is_some());
            let end = if has_signs { signs + LINE_HEIGHT / 2.0 } else { lanes.bottom() };
            placed.push(PlacedFlags { lanes, top, signs, flags });
            top = end;
        }
        (placed, top)
    }

    fn draw_levels(&self, canvas: &Canvas, frame: &Frame) {
        let Some(panel) = self.panels.first() else { return };
        let up = Scale::upwards(frame, &panel.axis);
        let mut free_from = frame.top;
        for (value, text) in &self.levels {
            let middle = up.place(*value).max(free_from);
            canvas.text(Role::Reference, Anchor::Start, at(frame.right + BESIDE, middle), text);
            free_from = middle + LINE_HEIGHT;
        }
    }

    fn draw_names(&self, canvas: &Canvas, across: &Scale, top: f64) {
        let y = top + LINE_HEIGHT / 2.0 + if self.labels.is_empty() { 6.0 } else { 0.0 };
        let mut free_from = 0.0;
        for (from, to, text) in &self.names {
            let (left, right) = (across.place(*from), across.place(*to));
            let text = fitted(text, 200.0);
            let half = width(&text) / 2.0;
            let middle = f64::midpoint(left, right).min(canvas.form.width() - EDGE - half);
            if middle - half >= free_from && 2.0 * half <= right - left {
                canvas.text(Role::Ink, Anchor::Middle, at(middle, y), &text);
                free_from = middle + half + 6.0;
            }
        }
    }
}

fn draw_flags(canvas: &Canvas, groups: &[PlacedFlags<'_>], bottom: f64) {
    for PlacedFlags { lanes, top, signs, flags } in groups {
        for (x, flag, room) in flags {
            let beside = room.map_or(*top, |room| lanes.height_of(room) - 7.0);
            let from = if flag.sign.is_some() { *signs } else { beside };
            canvas.line(flag.role, 1.0, &[at(*x, from), at(*x, bottom)]);
            if let Some(sign) = flag.sign {
                sign.draw(canvas, at(*x, *signs));
            }
        }
    }
    for PlacedFlags { lanes, flags, .. } in groups {
        for (_, flag, room) in flags {
            if let Some(room) = room {
                lanes.write(canvas, flag.role, *room, &flag.text);
            }
        }
    }
}

impl Panel {
    fn draw(&self, canvas: &Canvas, frame: &Frame, across: &Scale) {
        let up = Scale::upwards(frame, &self.axis);
        let place = |(x, y): (f64, f64)| at(across.place(x), up.place(y));
        for layer in self.layers.iter().filter(|layer| layer.is_behind()) {
            draw_layer(canvas, layer, frame, &place);
        }
        rows(canvas, frame, &self.axis);
        for layer in self.layers.iter().filter(|layer| !layer.is_behind()) {
            draw_layer(canvas, layer, frame, &place);
        }
    }
}

fn draw_layer(canvas: &Canvas, layer: &Layer, frame: &Frame, place: &impl Fn((f64, f64)) -> Point) {
    let x_of = |x: f64| place((x, 0.0)).x;
    let y_of = |y: f64| place((0.0, y)).y;
    match layer {
        Layer::Shade(from, to) => {
            canvas.block(Role::Shade, Frame { left: x_of(*from), right: x_of(*to), ..*frame });
        }
        Layer::Band(points) => band(canvas, points, place),
        Layer::Bar { role, from, to, value } => {
            let (left, right) = (x_of(*from) + BAR_GAP, x_of(*to) - BAR_GAP);
            // A value that is small beside the others is still seen.
            let top = y_of(*value).min(frame.bottom - 1.5);
            canvas.block(*role, Frame { left, top, right, bottom: frame.bottom });
        }
        Layer::Level(role, value) => {
            let y = y_of(*value);
            canvas.line(*role, 1.5, &[at(frame.left, y), at(frame.right, y)]);
        }
        Layer::Upright(sign, role, x) => {
            let top = at(x_of(*x), frame.top);
            canvas.line(*role, 1.0, &[top, at(top.x, frame.bottom)]);
            sign.draw(canvas, top);
        }
        Layer::Line { role, width, points, is_marked } => {
            let points: Vec<Option<Point>> = points.iter().map(|point| point.map(place)).collect();
            for run in points.split(Option::is_none).filter(|run| !run.is_empty()) {
                let run: Vec<Point> = run.iter().copied().flatten().collect();
                canvas.line(*role, *width, &run);
                for point in run.iter().filter(|_| *is_marked || run.len() == 1) {
                    canvas.disc(*role, *point, width + 0.5);
                }
            }
        }
        Layer::Sign(sign, x, y) => sign.draw(canvas, place((*x, *y))),
        Layer::Text(x, y, text) => {
            let Point { x, y } = place((*x, *y));
            canvas.text(Role::Ink, Anchor::Middle, at(x, y - LINE_HEIGHT / 2.0), text);
        }
        Layer::Interval(x, ends) => {
            let [low, mean, high] = ends.map(|end| place((*x, end)));
            canvas.line(Role::Mean, 2.5, &[low, high]);
            for cap in [low, high] {
                canvas.line(Role::Mean, 2.5, &[at(cap.x - 8.0, cap.y), at(cap.x + 8.0, cap.y)]);
            }
            Sign::Block(Role::Mean).draw(canvas, mean);
        }
    }
}

fn band(canvas: &Canvas, points: &[Option<(f64, f64, f64)>], place: &impl Fn((f64, f64)) -> Point) {
    for run in points.split(Option::is_none) {
        let run = || run.iter().copied().flatten();
        let upper = run().map(|(x, _, high)| place((x, high)));
        let lower = run().rev().map(|(x, low, _)| place((x, low)));
        let around: Vec<Point> = upper.chain(lower).collect();
        match around[..] {
            [high, low] => canvas.line(Role::Band, 6.0, &[high, low]),
            _ => canvas.surface(Role::Band, &around),
        }
    }
}
