//! Which of several machines of one model measured: said where its owner chose it, and nowhere else.

use arcgauge::record::unit_id;

use crate::checkout::Checkout;
use crate::fake_worker::fake_worker;

#[test]
fn records_say_which_machine_measured_from_when_it_was_chosen_until_it_is_forgotten() {
    let checkout = Checkout::new();
    let Ok(unit_id) = unit_id() else {
        let ended = checkout.run(["history", "use", "--unit"]);
        assert!(ended.code != Some(0) && ended.stderr.contains("systemd-machine-id-setup"), "{ended}");
        return;
    };
    let worker = fake_worker(&checkout, "well").display().to_string();
    let bench = || {
        for file in checkout.record_files() {
            std::fs::remove_file(file).unwrap();
        }
        checkout.bench(&["--prompt", "fibonacci", "--unverified", "--worker", &worker]);
        checkout.only_record().unit_id
    };
    assert_eq!(bench(), None);
    checkout.run(["history", "use", "--unit"]).exits(0).says(&unit_id);
    assert_eq!(bench().as_ref(), Some(&unit_id));
    checkout.run(["history", "forget", "--unit"]).exits(0).says("records have no unit id from now on");
    assert_eq!(bench(), None);
}
