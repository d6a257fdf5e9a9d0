//! Moments of the invented history, counted from a fixed one: there is no clock here.

const SECONDS_A_DAY: u64 = 86_400;
/// The history begins at midnight of 2026-01-05, which is so many days after the year began.
const FIRST_DAY: u64 = 4;
const FIRST_YEAR: u64 = 2026;

/// The moment so many seconds after the history began, as in `2026-01-05T00:00:00Z`.
pub(super) fn utc(seconds: u64) -> String {
    let mut days = FIRST_DAY + seconds / SECONDS_A_DAY;
    let mut year = FIRST_YEAR;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let mut month = 1;
    for length in months(year) {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let of_day = seconds % SECONDS_A_DAY;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

fn days_of(year: u64) -> u64 {
    months(year).iter().sum()
}

fn months(year: u64) -> [u64; 12] {
    // Up to 2099 every fourth year is a leap year.
    let february = if year.is_multiple_of(4) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        let begin = moment("2026-01-05T00:00:00Z");
        for text in [
            "2026-01-05T00:00:00Z",
            "2026-01-31T23:59:59Z",
            "2026-02-28T12:00:01Z",
            "2026-12-31T23:59:59Z",
            "2027-01-01T00:00:00Z",
            "2028-02-29T06:07:08Z",
            "2028-03-01T00:00:00Z",
        ] {
            assert_eq!(utc(u64::try_from(moment(text) - begin).unwrap()), text);
        }
    }
}
