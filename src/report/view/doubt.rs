//! Whether the times of a record can be believed, by what the index says of it.

use crate::judge::environment::Guard;
use crate::judge::tripped_guards;
use crate::record::Entry;

/// Whether its device is emulated, or a guard tripped that takes the belief in its times.
pub(in crate::report) fn is_doubted(entry: &Entry) -> bool {
    entry.setting.series.emulated || !tripped_guards(entry).is_empty()
}

/// Why its times are invalid: the guards that tripped.
pub(in crate::report) fn doubt_reason(entry: &Entry) -> String {
    let tripped = tripped_guards(entry);
    let emulated = entry.setting.series.emulated.then_some("emulated device");
    emulated.into_iter().chain(tripped.into_iter().map(Guard::id)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::environment::GuardWeight;
    use crate::record::open;

    #[test]
    fn a_guard_that_only_warns_takes_no_belief() {
        let run = open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let mut entry = Entry::of("a.json".into(), &run);
        let mut with = |guard: Guard| {
            entry.warning_ids = vec!["another".to_owned(), format!("guard-{}", guard.id())];
            is_doubted(&entry)
        };
        for guard in Guard::ALL {
            assert_eq!(with(guard), guard.weight() == GuardWeight::Invalidates, "{guard:?}");
        }
        assert!(!is_doubted(&Entry { warning_ids: Vec::new(), ..entry.clone() }));
    }
}
