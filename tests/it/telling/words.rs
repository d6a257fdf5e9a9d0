//! What is said of both sides, and what to do next.

use arcgauge::record::{Verdict, Warning};
use arcgauge::report::decision::{decision_text, pair_lines};

use super::{Told, ab, decided, text_of};
use crate::forged;

#[test]
fn what_differs_between_the_sides_is_told_of_both() {
    let mut told = ab(Verdict::Pass);
    let base = &mut told.0.base.run;
    base.runtime.as_mut().unwrap().openvino_version = "2026.1.0".into();
    base.model.sha256 = "9".repeat(64);
    base.commit.as_mut().unwrap().dirty = true;
    base.device = forged::a_gpu();
    let text = text_of(&told);
    let title: Vec<_> = text.lines().take(4).collect();
    insta::assert_snapshot!(title.join("\n"), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss 999999999999 (base) and tiny-gpt-oss 111111111111 (head) on GPU (A GPU, vendor not observed, PCI id not observed, driver not observed) (base) and CPU (A CPU) (head), OpenVINO 2026.1.0 (base) and 2026.4.1 (head), machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 (dirty) Say what it is
    head  47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"
    "#);
}

#[test]
fn a_warning_of_both_sides_is_told_once() {
    let mut told = ab(Verdict::Pass);
    let warning = |id: &str| Warning::new(id, format!("what {id} says"), "what to do");
    told.0.warnings.push(warning("all"));
    told.0.base.run.warnings.extend([warning("both"), warning("one")]);
    told.0.head.run.warnings.extend([warning("both"), warning("other")]);
    let text = text_of(&told);
    let warnings: Vec<_> = text.lines().filter(|line| line.starts_with("warning")).collect();
    let expected = [
        "warning: what all says",
        "warning: what both says",
        "warning (base): what one says",
        "warning (head): what other says",
    ];
    assert_eq!(warnings, expected);
}

#[test]
fn a_command_to_be_pasted_holds_no_name_that_a_shell_would_run() {
    let mut told = ab(Verdict::InvalidEnvironment);
    let next = |told: &Told| {
        let text = decision_text(decided(told).0, decided(told).1);
        text.lines().find(|line| line.starts_with("next: ")).unwrap().to_owned()
    };
    for plain in ["main", "release/2026.1", "openvino=2026.1.0"] {
        told.0.base.asked = plain.into();
        assert!(next(&told).ends_with(&format!("`cargo xtask ab --base {plain}`")), "{}", next(&told));
    }
    for hostile in ["$(touch x)", "a;b", "`x`", "--output=x", "a b", "", "a\nb", "ä", &"a".repeat(101)] {
        told.0.base.asked = hostile.into();
        assert!(next(&told).ends_with("`cargo xtask ab --base BASE`"), "{}", next(&told));
    }
}

#[test]
fn a_pair_is_told_by_what_its_two_processes_took() {
    let (record, _) = ab(Verdict::Regressed);
    let lines = pair_lines(&record);
    assert_eq!(lines.len(), record.pairs.len());
    for (line, pair) in lines.iter().zip(&record.pairs) {
        assert_eq!((line.first, &line.spoilt_because), (pair.first, &None));
        assert!((line.difference_percent.unwrap() - 5.0).abs() < 1e-9, "{line:?}");
    }
    let (wrong, _) = ab(Verdict::WrongOutput);
    assert!(pair_lines(&wrong).iter().all(|line| line.difference_percent.is_none()));
}
