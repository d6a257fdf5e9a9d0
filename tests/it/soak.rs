//! `soak`: one arm for long: its pace in windows, before and after a pause and a restart.

use arcgauge::judge::soak::SoakResult;
use arcgauge::record::{Experiment, History, PlanKind, contradictions};

use crate::checkout::Checkout;
use crate::fake_worker::fake_worker;

/// Runs a soak on a scripted worker, with a pause of a second in each process.
fn soaked(checkout: &Checkout, time: &str, more: &[&str]) -> crate::ended::Ended {
    let (worker, lock) = (fake_worker(checkout, "well"), checkout.lock());
    let flags = [
        "soak",
        "--time",
        time,
        "--pause",
        "1s",
        "--device",
        "CPU",
        "--prompt",
        "fibonacci",
        "--prompt",
        "moe-vs-dense",
        "--unverified",
    ];
    let supervised =
        ["--max-new-tokens", "4", "--settle-limit-s", "0", "--worker", worker.to_str().unwrap(), "--lock"];
    checkout
        .run(flags.into_iter().chain(supervised).chain([lock.to_str().unwrap()]).chain(more.iter().copied()))
}

fn only_record(checkout: &Checkout) -> Experiment {
    let [file] = &checkout.store().files()[..] else { panic!("one record") };
    History::read(file).unwrap().record
}

/// Makes every generation of a process half as long again.
fn slow_down(record: &mut Experiment, process: usize) {
    for sample in record.arms[0].samples.iter_mut().filter(|sample| sample.process == process) {
        let times = sample.times.as_mut().unwrap();
        for ns in &mut times.token_ns {
            *ns += (*ns - times.submitted_ns) / 2;
        }
    }
}

#[test]
fn the_pace_is_seen_in_windows_before_and_after_the_pause_and_the_restart() {
    let checkout = Checkout::new();
    let ended = soaked(&checkout, "4s", &[]);
    ended
        .exits(0)
        .says("soak: 2 processes of 2 s, each with a pause of 1 s in the middle")
        .prints("TPOT after the pause")
        .prints("TPOT after the restart");
    let record = only_record(&checkout);
    assert_eq!((record.plan, record.rounds.len()), (PlanKind::Soak, 2));
    let result = SoakResult::of(&record.subject());
    assert!(result.windows.len() >= 10, "{}", result.windows.len());
    let stretches: Vec<_> = result.windows.iter().map(|it| (it.process, it.is_after_pause)).collect();
    assert!(stretches.is_sorted() && stretches.contains(&(0, true)) && stretches.contains(&(1, true)));
    assert!(result.windows.is_sorted_by(|one, other| one.at_s < other.at_s));
    let across_pause =
        result.windows.windows(2).find(|pair| pair[0].is_after_pause != pair[1].is_after_pause);
    let [before, after] = across_pause.unwrap() else { panic!("two windows") };
    assert!(after.at_s - before.at_s >= 1.0, "the pause is part of the time");

    let mut slower = record.clone();
    slow_down(&mut slower, 1);
    let (even, found) = (SoakResult::of(&record.subject()), SoakResult::of(&slower.subject()));
    let ratio = found.after_restart.unwrap() / even.after_restart.unwrap();
    assert!((ratio - 1.5).abs() < 0.01, "{ratio}");
    let restart_s = found.windows.iter().find(|window| window.process == 1).unwrap().at_s;
    assert!(found.changes.iter().any(|change| (change.at_s - restart_s).abs() < 1.0), "{:?}", found.changes);

    let mut forged = record;
    forged.plan = PlanKind::Bench;
    forged.sampling.soak = None;
    let named = contradictions(&forged).into_iter().map(|it| it.field).collect::<Vec<_>>();
    assert!(
        named.iter().any(|field| field.ends_with(".process")),
        "a bench asks each prompt once: {named:?}"
    );
}

#[test]
fn a_soak_is_listed_and_shown_on_a_page_and_is_no_baseline() {
    let checkout = Checkout::new();
    soaked(&checkout, "4s", &["--format", "json"]).exits(0).prints("\"schema\": \"arcgauge-soak@1\"");
    checkout.run(["history", "list"]).exits(0).prints("soak");
    let run_id = only_record(&checkout).run_id;
    checkout.run(["history", "show", &run_id]).exits(0).prints("TPOT after the restart");
    let pages = std::fs::read_dir(checkout.path("reports/site/commit")).unwrap();
    let pages: Vec<String> =
        pages.map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap()).collect();
    let [page] = &pages[..] else { panic!("one page") };
    assert!(page.contains("Time per output token over time") && page.contains("cargo xtask soak --time 4s"));
    checkout
        .run(["baseline", "pin", &run_id, "--id", "x", "--reason", "y"])
        .refuses("is of `soak`, whose speed is not that of a commit", "cargo xtask bench");
    soaked(&checkout, "9h", &[]).refuses("is too long", "several soaks");
}
