//! The surface that charts are drawn on: pixels and roles in, SVG out.

#[cfg(test)]
mod tests;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use super::lettering::TEXT_SIZE;
use super::palette::Role;
use super::{Form, Heading};

/// Plotters writes whole numbers: drawn this much larger, steps of a quarter of a pixel remain.
const SCALE: f64 = 4.0;
/// No chart is taller, px.
const TALLEST: f64 = 4000.0;
/// What plotters divides the size of a text by.
const FONT_DIVISOR: f64 = 1.24;

/// A place on a chart, px from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// To the right.
    pub(super) x: f64,
    /// Downwards.
    pub(super) y: f64,
}

/// A place.
pub(super) const fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

/// A part of a chart, px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// From left to right.
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }
}

/// Which part of a text is at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A surface to draw on. Writing to text in memory cannot fail, so what plotters says of it is not asked.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// Wide or narrow.
    pub(super) form: Form,
}

/// The drawing as SVG. What draws tells how tall it became, px.
pub(super) fn drawing(form: Form, heading: &Heading<'_>, draw: impl FnOnce(&Canvas<'_>) -> f64) -> String {
    let mut written = String::new();
    let size = (units(form.width()).unsigned_abs(), units(TALLEST).unsigned_abs());
    let canvas = Canvas { area: SVGBackend::with_string(&mut written, size).into_drawing_area(), form };
    let height = draw(&canvas);
    canvas.area.present().ok();
    drop(canvas);
    finished(&written, form, heading, height)
}

/// With a first tag of ours, and without what plotters writes for nothing.
fn finished(written: &str, form: Form, heading: &Heading<'_>, height: f64) -> String {
    let inside = written.split_once('>').map_or("", |(_, inside)| inside);
    let first = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" class=\"chart {}\" role=\"img\" \
         focusable=\"false\" font-family=\"sans-serif\" font-size=\"{}\" aria-label=\"{}\">",
        units(form.width()),
        units(height),
        form.class(),
        units(TEXT_SIZE),
        escaped(&format!("{}. {}", heading.title, heading.description))
    );
    // All text is of one font, which the first tag names.
    let font = format!(" font-family=\"sans-serif\" font-size=\"{}\"", font_size() / FONT_DIVISOR);
    let mut svg = inside.replace(&font, "");
    for nothing in [" opacity=\"1\"", " stroke=\"none\""] {
        svg = svg.replace(nothing, "");
    }
    svg = svg.replace(" \"/>", "\"/>");
    for role in super::palette::dashed_roles() {
        let dashes: Vec<String> =
            role.dashes().iter().map(|length| units(f64::from(*length)).to_string()).collect();
        let plain = format!(" stroke=\"{}\"", role.drawn());
        svg = svg.replace(&plain, &format!("{plain} stroke-dasharray=\"{}\"", dashes.join(" ")));
    }
    first + &svg
}

/// A text within an attribute. Plotters escapes what is drawn.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[allow(clippy::cast_possible_truncation, reason = "a cast keeps to the ends of an i32, far beyond a chart")]
fn units(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

/// As plotters wants it.
fn font_size() -> f64 {
    TEXT_SIZE * SCALE * FONT_DIVISOR
}

fn place(point: Point) -> (i32, i32) {
    (units(point.x), units(point.y))
}

fn is_finite(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

fn colour(role: Role) -> RGBColor {
    let part = |at: usize| {
        role.drawn().get(at..at + 2).and_then(|part| u8::from_str_radix(part, 16).ok()).unwrap_or_default()
    };
    RGBColor(part(1), part(3), part(5))
}

fn style(role: Role, width: f64) -> ShapeStyle {
    ShapeStyle { color: colour(role).into(), filled: width == 0.0, stroke_width: units(width).unsigned_abs() }
}

/// Filled, without an outline.
fn filled(role: Role) -> ShapeStyle {
    style(role, 0.0)
}

impl Canvas<'_> {
    /// A line through the points.
    pub(super) fn line(&self, role: Role, width: f64, points: &[Point]) {
        let points: Vec<_> = points.iter().filter(|point| is_finite(point)).copied().map(place).collect();
        if points.len() > 1 {
            self.area.draw(&PathElement::new(points, style(role, width))).ok();
        }
    }

    /// The surface within the points.
    pub(super) fn surface(&self, role: Role, points: &[Point]) {
        let points: Vec<_> = points.iter().filter(|point| is_finite(point)).copied().map(place).collect();
        if points.len() > 2 {
            self.area.draw(&Polygon::new(points, filled(role))).ok();
        }
    }

    /// A filled rectangle.
    pub(super) fn block(&self, role: Role, frame: Frame) {
        let corners = [at(frame.left, frame.top), at(frame.right, frame.bottom)];
        if corners.iter().all(is_finite) {
            self.area.draw(&Rectangle::new(corners.map(place), filled(role))).ok();
        }
    }

    /// A filled circle.
    pub(super) fn disc(&self, role: Role, centre: Point, radius: f64) {
        if is_finite(&centre) {
            self.area.draw(&Circle::new(place(centre), units(radius), filled(role))).ok();
        }
    }

    /// A circle that is empty inside, so that what it lies on does not show through.
    pub(super) fn ring(&self, role: Role, centre: Point, radius: f64) {
        self.disc(Role::Paper, centre, radius);
        if is_finite(&centre) {
            self.area.draw(&Circle::new(place(centre), units(radius), style(role, 1.5))).ok();
        }
    }

    /// A text whose middle is at the height of the place.
    pub(super) fn text(&self, role: Role, anchor: Anchor, place_of_it: Point, text: &str) {
        let side = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let font = FontDesc::new(FontFamily::SansSerif, font_size(), FontStyle::Normal);
        let colour = colour(role);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(side, VPos::Center));
        if is_finite(&place_of_it) && !text.is_empty() {
            self.area.draw(&Text::new(text, place(place_of_it), style)).ok();
        }
    }
}
