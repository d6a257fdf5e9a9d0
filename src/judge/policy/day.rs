//! Days of the calendar, as waivers count them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A day, UTC, written as in "2026-11-24".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day {
    year: u16,
    month: u8,
    date: u8,
}

impl Day {
    /// Reads a day; None where the text is not of the form, or the calendar has no such day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_of_form = text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if text.len() != 10 || !is_of_form {
            return None;
        }
        let year = text[..4].parse().ok()?;
        let month = text[5..7].parse().ok()?;
        let date = text[8..].parse().ok()?;
        (date >= 1 && date <= days_of(year, month)).then_some(Self { year, month, date })
    }
}

/// Days of a month; 0 for a month that there is not.
fn days_of(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.date)
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no day of the form 2026-11-24"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_comes_back_as_it_was_written() {
        for text in ["2026-11-24", "2028-02-29", "2000-02-29", "0999-12-31"] {
            assert_eq!(Day::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "2026-11-31",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-1-01",
            "26-01-01",
            "2026/01/01",
            "2026-01-01T00",
            "+026-01-01",
            "2026-01-0é",
            "20é6-01-1",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_in_the_order_of_the_calendar() {
        let day = |text| Day::parse(text).unwrap();
        assert!(day("2026-02-28") < day("2026-03-01") && day("2025-12-31") < day("2026-01-01"));
    }
}
