//! How often something is tried again that failed and may yet succeed.

use std::time::Duration;

/// Pauses after the first failure, the second, and so on; after the last it is enough.
const PAUSES_S: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// Nobody waits longer than this because a hub asks for it.
const LONGEST: Duration = Duration::from_mins(5);

/// Counts failures without progress between them.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: usize,
}

impl Patience {
    /// Something came: whatever failed before is forgotten.
    pub(super) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// How long to wait before the next attempt; None where there is to be none. The hub may ask for longer.
    pub(super) fn pause(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let usual = PAUSES_S.get(self.failures).copied().map(Duration::from_secs)?;
        self.failures += 1;
        Some(asked.map_or(usual, |asked| asked.max(usual))).filter(|pause| *pause <= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_unless_something_comes() {
        let mut patience = Patience::default();
        let pauses: Vec<u64> =
            std::iter::from_fn(|| patience.pause(None)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, PAUSES_S);
        patience.progressed();
        assert_eq!(patience.pause(None), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_hub_may_ask_for_a_longer_pause_and_not_for_one_without_end() {
        let mut patience = Patience::default();
        assert_eq!(patience.pause(Some(Duration::from_secs(40))), Some(Duration::from_secs(40)));
        assert_eq!(patience.pause(Some(Duration::ZERO)), Some(Duration::from_secs(2)));
        assert_eq!(patience.pause(Some(Duration::from_hours(1))), None);
    }
}
