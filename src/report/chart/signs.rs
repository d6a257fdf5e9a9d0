//! Shapes that mean something: each is known without its colour.

use crate::report::chart::canvas::{Canvas, Point, at};
use crate::report::chart::palette::Role;
use crate::report::mark::Mark;

/// A shape of a chart, as it is drawn and as its legend shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sign {
    Line(Role, f64),
    /// A line across, as for a boundary.
    Upright(Role),
    Block(Role),
    Disc(Role),
    Ring(Role),
    /// A filled square on its corner.
    Diamond(Role),
    /// An empty square on its corner.
    OpenDiamond(Role),
    Up(Role),
    Down(Role),
    Cross(Role),
    /// A short line along.
    Dash(Role),
    /// A ring that is crossed out.
    CrossedRing(Role),
    /// An empty square on its corner that is crossed out.
    CrossedDiamond(Role),
}

/// From the middle of a shape to its edge, px.
const REACH: f64 = 4.5;

impl Sign {
    /// How wide it is in a legend, px.
    pub(super) fn width(self) -> f64 {
        if matches!(self, Self::Line(..)) { 28.0 } else { 12.0 }
    }

    pub(super) fn draw(self, canvas: &Canvas, centre: Point) {
        let Point { x, y } = centre;
        match self {
            Self::Line(role, width) => canvas.line(role, width, &[at(x - 14.0, y), at(x + 14.0, y)]),
            Self::Upright(role) => canvas.line(role, 1.5, &[at(x, y - 8.0), at(x, y + 8.0)]),
            Self::Block(role) => canvas.surface(role, &square(centre)),
            Self::Disc(role) => canvas.disc(role, centre, REACH - 0.5),
            Self::Ring(role) => canvas.ring(role, centre, REACH - 0.5),
            Self::Diamond(role) => canvas.surface(role, &diamond(centre)),
            Self::OpenDiamond(role) => {
                canvas.surface(Role::Paper, &diamond(centre));
                canvas.line(role, 1.5, &closed(&diamond(centre)));
            }
            Self::Up(role) => canvas.surface(role, &triangle(centre, -1.0)),
            Self::Down(role) => canvas.surface(role, &triangle(centre, 1.0)),
            Self::Cross(role) => {
                canvas.line(role, 2.5, &[at(x - REACH, y - REACH), at(x + REACH, y + REACH)]);
                canvas.line(role, 2.5, &[at(x - REACH, y + REACH), at(x + REACH, y - REACH)]);
            }
            Self::Dash(role) => canvas.line(role, 2.0, &[at(x - 3.5, y), at(x + 3.5, y)]),
            Self::CrossedRing(role) => {
                Self::Ring(role).draw(canvas, centre);
                thin_cross(canvas, role, centre);
            }
            Self::CrossedDiamond(role) => {
                Self::OpenDiamond(role).draw(canvas, centre);
                thin_cross(canvas, role, centre);
            }
        }
    }
}

fn thin_cross(canvas: &Canvas, role: Role, Point { x, y }: Point) {
    const ARM: f64 = 6.0;
    canvas.line(role, 1.0, &[at(x - ARM, y - ARM), at(x + ARM, y + ARM)]);
    canvas.line(role, 1.0, &[at(x - ARM, y + ARM), at(x + ARM, y - ARM)]);
}

fn square(Point { x, y }: Point) -> [Point; 4] {
    let reach = REACH + 0.5;
    [at(x - reach, y - reach), at(x + reach, y - reach), at(x + reach, y + reach), at(x - reach, y + reach)]
}

fn diamond(Point { x, y }: Point) -> [Point; 4] {
    let reach = REACH + 1.0;
    [at(x, y - reach), at(x + reach, y), at(x, y + reach), at(x - reach, y)]
}

/// Its tip is up where `side` is -1 and down where it is 1.
fn triangle(Point { x, y }: Point, side: f64) -> [Point; 3] {
    let reach = REACH + 0.5;
    [at(x, y + side * reach), at(x + reach, y - side * reach * 0.8), at(x - reach, y - side * reach * 0.8)]
}

fn closed(points: &[Point; 4]) -> [Point; 5] {
    let [first, second, third, fourth] = *points;
    [first, second, third, fourth, first]
}

/// The shape of a verdict. What is right is small, so that what is not stands out.
pub(super) fn sign_of(mark: Mark) -> Sign {
    match mark {
        Mark::Holds => Sign::Disc(Role::Good),
        Mark::Warns => Sign::Up(Role::Warn),
        Mark::Fails => Sign::Cross(Role::Bad),
        Mark::Unknown => Sign::OpenDiamond(Role::Unknown),
        Mark::NotJudged => Sign::Dash(Role::Muted),
    }
}

/// The verdicts from the one to be seen first.
pub(super) const MARKS: [Mark; 5] = [Mark::Fails, Mark::Warns, Mark::Unknown, Mark::NotJudged, Mark::Holds];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Form;
    use crate::report::chart::canvas::drawing;

    #[test]
    fn verdicts_are_distinguished_without_colour() {
        let mut shapes: Vec<String> = MARKS
            .iter()
            .map(|mark| {
                let mut svg = drawing(Form::Narrow, "", |canvas| {
                    sign_of(*mark).draw(canvas, at(20.0, 20.0));
                    40.0
                });
                for role in [Role::Good, Role::Warn, Role::Bad, Role::Unknown, Role::Muted] {
                    svg = svg.replace(role.drawn(), "");
                }
                svg
            })
            .collect();
        shapes.sort();
        shapes.dedup();
        assert_eq!(shapes.len(), MARKS.len());
    }
}
