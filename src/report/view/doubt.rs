//! Whether the times of a record can be believed, by what the index says of it.

use crate::judge::environment::{Guard, GuardWeight};
use crate::record::Entry;

/// Whether its device is emulated, or a guard tripped that takes the belief in its times.
pub(in crate::report) fn is_doubted(entry: &Entry) -> bool {
    let mut weighs = Guard::ALL.into_iter().filter(|guard| guard.weight() == GuardWeight::Invalidates);
    entry.setting.series.emulated
        || weighs.any(|guard| entry.warning_ids.contains(&format!("guard-{}", guard.id())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{AnyRecord, open};

    #[test]
    fn a_guard_that_only_warns_takes_no_belief() {
        let run = open(include_bytes!("../../../fixtures/records/schema-2.0.json"), "a record").unwrap();
        let mut entry = Entry::of("a.json".into(), &AnyRecord::Run(Box::new(run)));
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
