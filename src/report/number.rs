//! How numbers are written, in one place: no more digits than a reader can use.

/// Four significant digits are enough for any value here.
const DIGITS: usize = 4;

/// A value with four significant digits, as in "47.12"; "?" where it is none.
pub(super) fn four_digits(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    // The exponent of the value as it will be rounded: 9.9999 is reported as 10.00.
    let rounded = format!("{value:.*e}", DIGITS - 1);
    let exponent = rounded.rsplit('e').next().and_then(|exponent| exponent.parse::<isize>().ok());
    let decimals = (DIGITS - 1).saturating_add_signed(-exponent.unwrap_or_default());
    format!("{value:.decimals$}")
}

/// A value with all its digits, for programs: read back it is the same. None where it is none.
pub(super) fn every_digit(value: f64) -> Option<String> {
    value.is_finite().then(|| value.to_string())
}

/// A change in percent, as in "+2.13 %" and "-12.3 %": two decimals, from ten percent on one.
pub(super) fn signed_percent(percent: f64) -> String {
    if !percent.is_finite() {
        return "?".to_owned();
    }
    let decimals = if percent.abs() < 9.995 { 2 } else { 1 };
    let text = format!("{percent:+.decimals$}");
    // What rounds to nothing has no sign.
    let text = if text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) { text } else { "0.00".to_owned() };
    format!("{text} %")
}

/// A size in percent, as in "1.2 %".
pub(super) fn percent(percent: f64) -> String {
    if percent.is_finite() { format!("{percent:.1} %") } else { "?".to_owned() }
}

/// A share in percent without decimals, as in "108 %".
pub(super) fn whole_percent(percent: f64) -> String {
    if percent.is_finite() { format!("{percent:.0} %") } else { "?".to_owned() }
}

/// A multiple as the change that it is, percent: 1.02 is 2.
pub(super) fn change_percent(ratio: f64) -> f64 {
    (ratio - 1.0) * 100.0
}

/// A size of memory, as in "160.5 MiB".
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// A size of a file, in the unit that suits it, as in "689 bytes", "2.7 MB" and "12.8 GB".
pub fn file_size(bytes: u64) -> String {
    match bytes {
        0..100_000 => counted(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"),
        100_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A round number on an axis whose numbers are a step apart: no more decimals than the step has.
pub(super) fn axis_number(value: f64, step: f64) -> String {
    if !value.is_finite() || !step.is_finite() || step <= 0.0 {
        return "?".to_owned();
    }
    // What is a rounding error beside the step is zero, and has no sign.
    let value = if value.abs() < step / 2.0 { 0.0 } else { value };
    if value != 0.0 && (value.abs() >= 1e6 || step < 1e-4) {
        let text = format!("{value:.*e}", DIGITS - 1);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals =
        (1..=6).find(|decimals| step > 0.9 * 10_f64.powi(1 - decimals)).map_or(0, |found| found - 1);
    format!("{value:.*}", usize::try_from(decimals).unwrap_or_default())
}

/// A word for so many: as in "1 pair", "9 pairs".
pub fn counted(count: usize, one: &str) -> String {
    let plural = match one.ends_with('s') {
        _ if count == 1 => "",
        true => "es",
        false => "s",
    };
    format!("{count} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_four_digits_that_count() {
        let reported = [0.01234, 9.9999, 47.123, 99.999, 471.28, 12_345.6, -47.123].map(four_digits);
        assert_eq!(reported, ["0.01234", "10.00", "47.12", "100.0", "471.3", "12346", "-47.12"]);
    }

    #[test]
    fn a_change_has_its_sign_and_what_rounds_to_nothing_has_none() {
        let reported = [2.134, -0.5, 9.996, -12.34, 0.001, -0.001, 0.0].map(signed_percent);
        assert_eq!(reported, ["+2.13 %", "-0.50 %", "+10.0 %", "-12.3 %", "0.00 %", "0.00 %", "0.00 %"]);
    }

    #[test]
    fn what_is_no_number_is_not_shown_as_one() {
        assert_eq!([signed_percent(f64::NAN), percent(f64::INFINITY), four_digits(f64::NAN)], ["?"; 3]);
    }

    #[test]
    fn a_multiple_is_shown_as_a_change() {
        assert_eq!(signed_percent(change_percent(1.0213)), "+2.13 %");
        assert_eq!(signed_percent(change_percent(0.88)), "-12.0 %");
    }

    #[test]
    fn a_number_on_an_axis_has_the_decimals_of_its_step() {
        let reported = [(0.1 + 0.2, 0.1), (47.0, 1.0), (4000.0, 500.0), (-0.02, 0.02), (1e-20, 0.5)]
            .map(|(value, step)| axis_number(value, step));
        assert_eq!(reported, ["0.3", "47", "4000", "-0.02", "0.0"]);
        assert_eq!([axis_number(2.5e9, 5e8), axis_number(2e-9, 1e-9)], ["2.5e9", "2e-9"]);
        assert_eq!([axis_number(f64::NAN, 1.0), axis_number(1.0, 0.0)], ["?"; 2]);
    }

    #[test]
    fn a_size_has_the_unit_that_suits_it() {
        let reported = [1, 689, 2_720_000, 999_000_000, 12_840_000_000].map(file_size);
        assert_eq!(reported, ["1 byte", "689 bytes", "2.7 MB", "999.0 MB", "12.8 GB"]);
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([counted(1, "pair"), counted(0, "pair")], ["1 pair", "0 pairs"]);
        assert_eq!(counted(3, "process"), "3 processes");
    }
}
