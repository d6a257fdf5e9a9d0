//! Labels above the data, which keep out of each other's way.

use super::Form;
use super::canvas::{Anchor, Canvas, Frame, at};
use super::layout::{BETWEEN, EDGE};
use super::lettering::{LINE_HEIGHT, width};
use super::palette::Role;

/// Lines of text above the data for labels that belong to places along the axis. A label goes where it does
/// not touch another; what comes first has the choice.
pub(super) struct Lanes {
    top: f64,
    most: usize,
    /// From where to where each lane is taken, px.
    taken: Vec<Vec<(f64, f64)>>,
}

/// A label that found room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Its left end, px.
    left: f64,
    /// The end that its place is at: a text may turn out narrower than was reckoned with.
    anchor: Anchor,
    /// Its lane, from the top.
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

    /// The middle of a label, px.
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
    pub(super) fn write(&self, canvas: &Canvas<'_>, role: Role, room: Room, text: &str) {
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
