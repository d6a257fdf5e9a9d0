//! Which of several machines of one model measured: said where its owner chose it, and nowhere else.

use arcgauge::record::unit_id;

use crate::checkout::{Checkout, SHORT};

#[test]
fn records_say_which_machine_measured_from_when_it_was_chosen_until_it_is_forgotten() {
    let checkout = Checkout::new();
    let Ok(unit_id) = unit_id() else {
        let ended = checkout.run(["history", "use", "--unit"]);
        assert!(ended.code != Some(0) && ended.stderr.contains("systemd-machine-id-setup"), "{ended}");
        return;
    };
    let bench = |times: usize| {
        checkout.bench(&["--prompt", "fibonacci"]);
        let newest = checkout
            .record_files()
            .into_iter()
            .map(|file| arcgauge::record::History::read(&file).unwrap().record);
        let mut records: Vec<_> = newest.collect();
        assert_eq!(records.len(), times, "{SHORT:?}");
        records.sort_by(|one, other| one.when_utc.cmp(&other.when_utc));
        records.pop().unwrap().unit_id
    };
    assert_eq!(bench(1), None);
    checkout.run(["history", "use", "--unit"]).exits(0).says(&unit_id);
    assert_eq!(bench(2).as_ref(), Some(&unit_id));
    checkout.run(["history", "forget", "--unit"]).exits(0).says("records have no unit id from now on");
    assert_eq!(bench(3), None);
}
