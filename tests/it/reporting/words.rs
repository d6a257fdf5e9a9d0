//! What is said of both sides, and what to do next.

use arcgauge::measure::Metric;
use arcgauge::record::{Experiment, Verdict, Warning};
use arcgauge::report::decision::{Subject, decision_document, pair_lines};

use super::{ab, text_of};
use crate::forged_pairs::{judge_by, policy_text};
use crate::{forged, forged_pairs};

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

#[test]
fn a_setting_that_may_be_faster_is_called_so_and_one_that_is_not_is_free_to_choose() {
    let next = |lower: f64| {
        let mut reported = ab(Verdict::Pass);
        judge_by(&mut reported, policy_text());
        let property = "KV_CACHE_PRECISION=u8".to_owned();
        (reported.arms[1].label, reported.arms[1].differences) = (property.clone(), vec![property]);
        let decision = reported.decision.as_mut().unwrap();
        decision.comparisons[0].lower = lower;
        let text = text_of(&reported);
        text.lines().find(|line| line.starts_with("next: ")).unwrap().to_owned()
    };
    // 3 % is what a slow-down is excluded by: 1 / 1.03 is 0.971.
    assert_eq!(next(0.96), "next: the head's setting may be faster: measure more pairs on a quiet machine");
    assert_eq!(next(0.98), "next: choose either setting; for a smaller difference run more pairs");
}

#[test]
fn a_reason_that_invalidated_several_pairs_is_reported_once_with_their_number() {
    let text = text_of(&ab(Verdict::InvalidEnvironment));
    assert_eq!(text.matches("pages were read back from swap").count(), 1, "{text}");
    let once = "`swap-in` on `head`, 4 pairs, at first: `12` pages were read back from swap";
    assert!(text.contains(once), "{text}");
    assert_eq!(text.matches("  invalidated: `swap-in` on `head`\n").count(), 4, "{text}");
}

/// The longest names that a GPU and the reference prompts have.
#[test]
fn the_table_of_an_ab_is_whole_in_80_columns_and_names_what_it_leaves_out() {
    let mut record = forged_pairs::ab(&[0.0; 5]);
    let decision = record.decision.as_mut().unwrap();
    let mut comparison = decision.comparisons[0].clone();
    comparison.metric = Metric::PeakDeviceMemory;
    comparison.prompt = Some("openvino-advantages".to_owned());
    (comparison.ratio, comparison.lower, comparison.upper) = (0.877, 0.745, 1.248);
    decision.comparisons.push(comparison);
    record.gate_decision.clone_from(&record.decision);
    let text = decision_document(Subject::of(&record), record.decision.as_ref()).to_text(Some(80));
    let row = text.lines().find(|line| line.starts_with("peak_device_memory@1")).unwrap();
    let whole = "peak_device_memory@1 openvino-advantages -12.3 % [-25.5 %, +24.8 %] ok not worse";
    assert_eq!(row, whole, "{text}");
    assert!(text.contains("left out at 80 columns: better, pairs"), "{text}");
    assert!(!text.lines().any(|line| line.trim() == "worse"), "{text}");
}
