//! What is said of both sides, and what to do next.

use arcgauge::record::{Experiment, Verdict, Warning};
use arcgauge::report::decision::pair_lines;

use super::{ab, text_of};
use crate::forged;

#[test]
fn what_differs_between_the_sides_is_told_of_both() {
    let mut reported = ab(Verdict::Pass);
    let base = &mut reported.arms[0];
    base.runtime.as_mut().unwrap().openvino_version = "2026.1.0".into();
    base.model.sha256 = "9".repeat(64);
    base.commit.as_mut().unwrap().dirty = true;
    base.device = forged::a_gpu();
    let text = text_of(&reported);
    let title: Vec<_> = text.lines().take(4).collect();
    insta::assert_snapshot!(title.join("\n"), @r#"
    head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved
    model  tiny-gpt-oss 999999999999 (base) and tiny-gpt-oss 111111111111 (head) on GPU (A GPU, vendor not observed, PCI id not observed, driver not observed) (base) and CPU (A CPU) (head), OpenVINO 2026.1.0 (base) and 2026.4.1 (head), machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 (dirty) Say what it is
    head   47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"
    "#);
}

#[test]
fn a_warning_of_both_sides_is_told_once() {
    let mut reported = ab(Verdict::Pass);
    let warning = |id: &str| Warning::new(id, format!("what {id} says"), "what to do");
    reported.warnings.push(warning("all"));
    reported.arms[0].warnings.extend([warning("both"), warning("one")]);
    reported.arms[1].warnings.extend([warning("both"), warning("other")]);
    let text = text_of(&reported);
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
    let mut reported = ab(Verdict::InvalidEnvironment);
    let next = |reported: &Experiment| {
        let text = text_of(reported);
        text.lines().find(|line| line.starts_with("  cargo xtask ab ")).unwrap().to_owned()
    };
    reported.arms.iter_mut().for_each(|arm| arm.commit = None);
    for plain in ["main", "release/2026.1", "openvino=2026.1.0"] {
        reported.arms[0].label = plain.into();
        let command = next(&reported);
        assert!(command.starts_with(&format!("  cargo xtask ab --base {plain} --head ")), "{command}");
    }
    for hostile in ["$(touch x)", "a;b", "`x`", "--output=x", "a b", "", "a\nb", "ä", &"a".repeat(101)] {
        reported.arms[0].label = hostile.into();
        let command = next(&reported);
        let plain = |c: char| c.is_ascii_alphanumeric() || " ._/=-:+".contains(c);
        assert!(command.chars().all(plain) && !command.contains("--output"), "{command}");
    }
}

#[test]
fn a_pair_is_told_by_what_its_two_processes_took() {
    let record = ab(Verdict::Regressed);
    let lines = pair_lines(&record);
    assert_eq!(lines.len(), record.rounds.len());
    for (line, pair) in lines.iter().zip(&record.rounds) {
        assert_eq!((line.first, &line.invalidated_by), (pair.first(), &None));
        assert!((line.difference_percent.unwrap() - 5.0).abs() < 1e-9, "{line:?}");
    }
    assert!(pair_lines(&ab(Verdict::WrongOutput)).iter().all(|line| line.difference_percent.is_none()));
}
