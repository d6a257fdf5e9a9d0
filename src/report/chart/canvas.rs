//! The surface that charts are drawn on: pixels and roles in, SVG out.

use std::cell::RefCell;
use std::fmt::Write as _;

use crate::report::chart::Form;
use crate::report::chart::layout::TEXT_SIZE;
use crate::report::chart::palette::Role;
use crate::report::document::escape_xml;

/// A chart is written in whole units, four a pixel.
const SCALE: f64 = 4.0;

/// A place on a chart, px from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

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

/// A surface to draw on. A place that is no number is left out.
pub(super) struct Canvas {
    elements: RefCell<String>,
    pub(super) form: Form,
}

/// The drawing as SVG, with a text for those who do not see it. `draw` returns how tall it became, px.
pub(super) fn drawing(form: Form, label: &str, draw: impl FnOnce(&Canvas) -> f64) -> String {
    let canvas = Canvas { elements: RefCell::default(), form };
    let height = draw(&canvas);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" class=\"chart {}\" role=\"img\" \
         focusable=\"false\" font-family=\"sans-serif\" font-size=\"{}\" aria-label=\"{}\">\n{}</svg>\n",
        units(form.width()),
        units(height),
        form.class(),
        units(TEXT_SIZE),
        escape_xml(label),
        canvas.elements.into_inner()
    )
}

#[allow(clippy::cast_possible_truncation, reason = "a cast stops at the ends of an i32, far beyond a chart")]
fn units(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

fn is_finite(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

/// The points that are numbers, as in "16,124 128,124", and how many they are.
fn coordinates(points: &[Point]) -> (String, usize) {
    let points = points.iter().filter(|point| is_finite(point));
    let points: Vec<String> = points.map(|at| format!("{},{}", units(at.x), units(at.y))).collect();
    (points.join(" "), points.len())
}

impl Canvas {
    fn write(&self, element: std::fmt::Arguments<'_>) {
        // Text in memory takes whatever is written.
        let _ = writeln!(self.elements.borrow_mut(), "{element}");
    }

    pub(super) fn line(&self, role: Role, width: f64, points: &[Point]) {
        let (points, count) = coordinates(points);
        let dashes: Vec<String> = role.dashes().iter().map(|it| units(f64::from(*it)).to_string()).collect();
        let dashes = match dashes.join(" ") {
            dashes if dashes.is_empty() => dashes,
            dashes => format!(" stroke-dasharray=\"{dashes}\""),
        };
        if count > 1 {
            self.write(format_args!(
                "<polyline fill=\"none\" stroke=\"{}\"{dashes} stroke-width=\"{}\" points=\"{points}\"/>",
                role.drawn(),
                units(width)
            ));
        }
    }

    pub(super) fn surface(&self, role: Role, points: &[Point]) {
        let (points, count) = coordinates(points);
        if count > 2 {
            self.write(format_args!("<polygon fill=\"{}\" points=\"{points}\"/>", role.drawn()));
        }
    }

    pub(super) fn block(&self, role: Role, frame: Frame) {
        let Frame { left, top, right, bottom } = frame;
        if [left, top, right, bottom].iter().all(|it| it.is_finite()) {
            let (x, y) = (units(left), units(top));
            let (width, height) = (units(right) - x, units(bottom) - y);
            self.write(format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
                role.drawn()
            ));
        }
    }

    pub(super) fn disc(&self, role: Role, centre: Point, radius: f64) {
        self.circle(centre, radius, &format!("fill=\"{}\" stroke-width=\"0\"", role.drawn()));
    }

    /// A circle that is empty inside, so that what it lies on does not show through.
    pub(super) fn ring(&self, role: Role, centre: Point, radius: f64) {
        self.disc(Role::Paper, centre, radius);
        let width = units(1.5);
        let style = format!("fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"", role.drawn());
        self.circle(centre, radius, &style);
    }

    fn circle(&self, centre: Point, radius: f64, style: &str) {
        if is_finite(&centre) {
            let (x, y, radius) = (units(centre.x), units(centre.y), units(radius));
            self.write(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {style}/>"));
        }
    }

    /// A text whose middle is at the height of the place.
    pub(super) fn text(&self, role: Role, anchor: Anchor, place: Point, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        if is_finite(&place) && !text.is_empty() {
            self.write(format_args!(
                "<text x=\"{}\" y=\"{}\" dy=\"0.5ex\" text-anchor=\"{anchor}\" fill=\"{}\">\n{}\n</text>",
                units(place.x),
                units(place.y),
                role.drawn(),
                escape_xml(text)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(draw: impl FnOnce(&Canvas)) -> String {
        drawing(Form::Narrow, "T. <&\"'>", |canvas| {
            draw(canvas);
            100.0
        })
    }

    #[test]
    fn the_first_tag_says_what_it_is_and_leaves_the_size_to_the_page() {
        let svg = drawn(|_| ());
        let first = svg.split_once('>').unwrap().0;
        assert!(first.contains("viewBox=\"0 0 1360 400\" class=\"chart narrow\" role=\"img\""), "{first}");
        assert!(first.contains("font-size=\"52\""), "13 px at four units each: {first}");
        assert!(first.contains("aria-label=\"T. &lt;&amp;&quot;&apos;&gt;\""), "{first}");
        assert!(!first.contains(" width=") && !first.contains(" height="), "{first}");
    }

    #[test]
    fn text_of_others_stays_text_and_is_escaped_once() {
        let svg = drawn(|canvas| canvas.text(Role::Ink, Anchor::Start, at(1.0, 1.0), "</text><script>&amp;"));
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;&amp;amp;"), "{svg}");
        assert_eq!(svg.matches("font-size").count(), 1, "of the first tag: {svg}");
    }

    #[test]
    fn a_dashed_role_is_drawn_dashed() {
        let svg = drawn(|canvas| canvas.line(Role::Epoch, 1.0, &[at(2.0, 2.0), at(3.0, 3.0)]));
        assert!(svg.contains("stroke-dasharray=\"16 16\""), "{svg}");
    }
}
