//! Figures as lines and bands.

use super::super::canvas::{Canvas, Point, at};
use super::super::layout::Scale;
use super::super::palette::Role;
use super::picture::Picture;

/// Points are marked where there are at most so many.
const MARKED_POINTS: usize = 60;

/// Where the columns and the figures are.
pub(super) struct Places {
    /// The middle of each column, px.
    pub(super) xs: Vec<f64>,
    /// From figures to places.
    pub(super) up: Scale,
}

impl Places {
    /// A line through the figures that does not bridge gaps. A figure between two gaps is a point.
    pub(super) fn line(&self, canvas: &Canvas<'_>, role: Role, width: f64, figures: &[Option<f64>]) {
        let mut run = Vec::new();
        let points =
            figures.iter().zip(&self.xs).map(|(figure, x)| figure.map(|it| at(*x, self.up.place(it))));
        for point in points.chain([None]) {
            match point {
                Some(point) => run.push(point),
                None if run.len() == 1 => canvas.disc(role, run.remove(0), width + 0.5),
                None => {
                    canvas.line(role, width, &run);
                    if role == Role::Mean && figures.len() <= MARKED_POINTS {
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
    pub(super) fn band(&self, canvas: &Canvas<'_>, picture: &Picture) {
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
