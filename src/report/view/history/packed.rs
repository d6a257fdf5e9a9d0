//! Figures for a script, in few bytes: whole numbers, each as its difference to the one before. Ten thousand commits are many
//! numbers, and these are most of what their page weighs.

use serde::Serialize;

/// Digits that a figure keeps.
const DIGITS: i32 = 4;
/// No figure has more decimals.
const MOST_DECIMALS: i32 = 9;

/// Letters that stand for themselves in JSON and in a page.
const LETTERS: u8 = b'~' - b' ' + 1;
const NOT_LETTERS: [u8; 5] = [b'"', b'&', b'<', b'>', b'\\'];
/// A number is told in digits of this base, the lowest first. Each digit but the last is told with the second
/// half of the letters, the last one with the first half: numbers need nothing between them.
const BASE: u64 = (LETTERS as u64 - NOT_LETTERS.len() as u64) / 2;

/// Figures as whole numbers, in letters. The first is told as it is, each further one by its difference to the
/// last that there was; where there is none, there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Packed(String);

/// How figures become whole numbers: with so many decimals of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimals(i32);

impl Decimals {
    /// So many that the smallest of the figures keeps four digits.
    pub(super) fn of(figures: impl Iterator<Item = f64>) -> Self {
        let sizes = figures.map(f64::abs).filter(|size| size.is_finite() && *size > 0.0);
        let smallest = sizes.reduce(f64::min).unwrap_or(1.0);
        #[allow(clippy::cast_possible_truncation, reason = "the exponent of an f64 is small")]
        let exponent = smallest.log10().floor() as i32;
        Self((DIGITS - 1 - exponent).clamp(0, MOST_DECIMALS))
    }

    /// How many.
    pub(super) fn count(self) -> i32 {
        self.0
    }

    /// A figure as a whole number; None where it is none.
    #[allow(clippy::cast_possible_truncation, reason = "a cast keeps to the ends of an i64")]
    pub(super) fn whole(self, figure: f64) -> Option<i64> {
        figure.is_finite().then(|| (figure * 10_f64.powi(self.0)).round() as i64)
    }
}

impl Packed {
    /// Whole numbers, packed.
    pub(super) fn of(numbers: impl Iterator<Item = Option<i64>>) -> Self {
        let letters = letters();
        let mut last = 0_i64;
        let mut told = String::new();
        for number in numbers {
            let difference = number.map(|number| number.wrapping_sub(last));
            last = number.unwrap_or(last);
            // Nothing is 0, and of two numbers of one size the positive one comes first.
            let mut rest = difference.map_or(0, |it| {
                let size = it.unsigned_abs().saturating_mul(2);
                if it > 0 { size } else { size.saturating_add(1) }
            });
            while rest >= BASE {
                told.extend(letter(&letters, rest % BASE + BASE));
                rest /= BASE;
            }
            told.extend(letter(&letters, rest));
        }
        Self(told)
    }

    /// The numbers again, as the script unpacks them.
    #[cfg(test)]
    pub(super) fn unpacked(told: &str) -> Vec<Option<i64>> {
        let letters = letters();
        let (mut last, mut value, mut weight) = (0, 0, 1);
        let mut numbers = Vec::new();
        for letter in told.chars() {
            let digit = i64::try_from(letters.iter().position(|it| *it == letter).unwrap()).unwrap();
            let base = i64::try_from(BASE).unwrap();
            value += digit % base * weight;
            weight *= base;
            if digit < base {
                last += if value % 2 == 0 { value / 2 } else { -(value / 2) };
                numbers.push((value != 0).then_some(last));
                (value, weight) = (0, 1);
            }
        }
        numbers
    }
}

/// Letters of a sha's first twelve digits.
const SHA_LETTERS: usize = 8;

/// The first twelve digits of shas, in eight letters each; of what is none, the letters of 0.
pub(super) fn packed_shas<'a>(shas: impl Iterator<Item = &'a str>) -> String {
    let letters = letters();
    let mut told = String::new();
    for sha in shas {
        let mut rest = sha.get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        for _ in 0..SHA_LETTERS {
            told.extend(letter(&letters, rest % (2 * BASE)));
            rest /= 2 * BASE;
        }
    }
    told
}

fn letters() -> Vec<char> {
    (b' '..=b'~').filter(|byte| !NOT_LETTERS.contains(byte)).map(char::from).collect()
}

fn letter(letters: &[char], digit: u64) -> Option<char> {
    letters.get(usize::try_from(digit).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_with_their_gaps() {
        let far = (1 << 40) + 7;
        for numbers in [
            vec![],
            vec![None, Some(5), None, None, Some(-3)],
            vec![Some(0), Some(0), Some(-9), Some(far), Some(-far), Some(21), Some(43), Some(66)],
        ] {
            let packed = Packed::of(numbers.iter().copied());
            assert_eq!(Packed::unpacked(&packed.0), numbers, "{packed:?}");
            let json = serde_json::to_string(&packed).unwrap();
            assert_eq!(json, format!("\"{}\"", packed.0), "nothing has to be escaped");
        }
    }

    #[test]
    fn shas_are_told_in_eight_letters_each() {
        let told = packed_shas(["ffffffffffff0", "", "00000000005b"].into_iter());
        assert_eq!(told.len(), 24);
        // 91 is 1 * 90 + 1.
        assert_eq!(&told[8..], "        !!      ");
        let place = |letter: char| letters().iter().position(|it| *it == letter).unwrap() as u64;
        let number = told[..8].chars().rev().fold(0, |number, letter| number * 90 + place(letter));
        assert_eq!(number, 0xffff_ffff_ffff);
    }

    #[test]
    fn the_smallest_figure_keeps_four_digits() {
        let decimals = Decimals::of([47.1234, 0.012_345_6, f64::NAN, 0.0].into_iter());
        assert_eq!(decimals.count(), 5);
        assert_eq!(decimals.whole(0.012_345_6), Some(1235));
        assert_eq!(decimals.whole(f64::NAN), None);
        assert_eq!(Decimals::of([12_345.6].into_iter()).count(), 0);
        assert_eq!(Decimals::of([].into_iter()).count(), 3);
    }
}
