//! Labels above the data, which keep out of each other's way.

use super::Form;
use super::canvas::{Anchor, Canvas, Frame, at};
use super::layout::{BETWEEN, EDGE};
use super::lettering::{LINE_HEIGHT, width};
use super::palette::Role;

/// Lines of text above the data for labels that belong to places along the axis. A label goes where it does
/// not touch another.
pub(super) struct Lanes {
    top: f64,
    most: usize,
    free_from: Vec<f64>,
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
        Self { top, most, free_from: Vec::new() }
    }

    /// The lower edge of those that are used, px.
    pub(super) fn bottom(&self) -> f64 {
        self.top + LINE_HEIGHT * self.free_from.len() as f64
    }

    /// The middle of a label, px.
    pub(super) fn height_of(&self, room: Room) -> f64 {
        self.top + LINE_HEIGHT * (room.lane as f64 + 0.5)
    }

    /// Room to the right of a place; to its left where the chart would end. Labels come from left to right.
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
        let lane = match self.free_from.iter().position(|free_from| *free_from <= left) {
            Some(lane) => lane,
            None if self.free_from.len() < self.most => {
                self.free_from.push(EDGE);
                self.free_from.len() - 1
            }
            None => return None,
        };
        self.free_from[lane] = left + width(text) + BETWEEN / 2.0;
        (left >= EDGE).then_some(Room { left, anchor, lane })
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
