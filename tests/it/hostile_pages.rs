//! A record may hold words of whoever wrote a commit, a model or a driver. Whatever they are and wherever
//! they stand, on a page they are words: nothing runs, no element is new, and no file is where none belongs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arcgauge::measure::Metric;
use arcgauge::record::{
    Ancestry, Arm, Commit, DivergenceText, Experiment, History, InputsRecord, Outcome, PlanKind,
    PublishedValue, Round, Sampling, Warning,
};
use arcgauge::report::render::Renderer;
use tempfile::TempDir;

use crate::browser::{self, Browser, Look, Looks};
use crate::checkout::repository;
use crate::demo_site::{Making, chart_library, make};
use crate::every_text::Texts;
use crate::hostile_text::payloads;
use crate::{forged, forged_pairs, laid_out};

/// Below the folder of a test, so that a way up by three ends in it.
const DEEP: &str = "a/b/c/site";
/// Of a text that stands in every field by turns: a record has some of them a hundred times.
const LONGEST: usize = 2_000;
/// Records of each commit.
const KINDS: usize = 5;

/// The records of a commit, and which of their texts may be any words: complete, failed, slower, wrong, engines.
pub(crate) struct Samples([Texts; KINDS]);

/// Found by trying every text, which takes seconds.
pub(crate) static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let complete = with_all_there_is(forged::record());
    Samples([complete, failed(), slower(), wrong(), engines()].map(|record| Texts::of(&record)))
});

impl Samples {
    /// Adds the records of one commit, whose texts are replaced. A text has its number among all of its record.
    pub(crate) fn add(&self, store: &History, at: usize, words: &dyn Fn(&str, usize) -> String) {
        for (kind, texts) in self.0.iter().enumerate() {
            let number = |text: &str| texts.all().position(|one| one == text).unwrap();
            let mut record: Experiment = texts.with(|text| words(text, number(text)));
            record.run_id = id(at, kind);
            // A file is named by it, and no file may have a longer name.
            record.when_utc = record.when_utc.chars().take(100).collect();
            settle(&mut record, at);
            store.add(&record).unwrap();
        }
    }
}

fn id(at: usize, kind: usize) -> String {
    format!("{:012x}", at * KINDS + kind)
}

fn sha(at: usize) -> String {
    format!("{:012x}{}", at + 1, "0".repeat(28))
}

/// On the line of the others.
fn settle(run: &mut Experiment, at: usize) {
    for arm in &mut run.arms {
        let Commit { sha: own, parents, .. } = arm.commit.as_mut().unwrap();
        *own = sha(at);
        *parents = at.checked_sub(1).map(sha).into_iter().collect();
    }
}

/// With a text in every field that is for one.
fn with_all_there_is(mut record: Experiment) -> Experiment {
    let machine = &mut record.machine;
    (machine.gpu, machine.gpu_driver) = (Some("a GPU".into()), Some("a driver".into()));
    (machine.gpu_pci_ids, machine.microcode) = (vec!["8086:64a0".into()], Some("0x1".into()));
    for arm in &mut record.arms {
        arm.commit.as_mut().unwrap().difference_sha256 = Some("a difference".into());
        arm.model.edited_graph_sha256 = Some("an edited graph".into());
        arm.model.unedited_reason = Some("it was not".into());
        let runtime = arm.runtime.as_mut().unwrap();
        runtime.properties_requested = [("PROPERTY_ASKED".to_owned(), "an asked value".to_owned())].into();
        arm.prompts[0].divergence_text =
            Some(DivergenceText { before: "said".into(), expected: "meant".into(), got: "came".into() });
        for process in &mut arm.processes {
            process.output_tail = vec!["a line of the worker".into()];
            let mut guards = forged_pairs::guard_log(3, false);
            guards.cut_short_reason = Some("the watch was cut short".into());
            process.guards = Some(guards);
        }
        arm.warnings = vec![Warning::new("a-warning", "its message", "its advice")];
    }
    laid_out::record(&mut record);
    record
}

fn failed() -> Experiment {
    let mut record = with_all_there_is(forged::record());
    let arm = &mut record.arms[0];
    (arm.outcome, arm.failure) = (Outcome::Failed, Some("why it failed".into()));
    (record.outcome, record.failure) = (arm.outcome, arm.failure.clone());
    record.arms[0].samples.iter_mut().for_each(|sample| sample.times = None);
    record.arms[0].processes[0].exit_reason = "crashed".into();
    record.arms[0].processes[0].exit_detail = Some("why it crashed".into());
    record
}

fn slower() -> Experiment {
    let mut record = forged_pairs::ab(&[4.0, 5.0, 6.0, 5.0]);
    for side in &mut record.arms {
        side.differences = vec![format!("what differs in {}", side.label)];
    }
    let mut record = with_all_there_is(record);
    record.inputs = InputsRecord { merge: Some("a merge".into()), ..record.inputs };
    record.warnings = vec![Warning::new("ab-warning", "the message of the A/B", "the advice of the A/B")];
    laid_out::record(&mut record);
    record
}

fn wrong() -> Experiment {
    let mut record = forged_pairs::ab(&[4.0, 5.0, 6.0, 5.0]);
    forged_pairs::wrong(&mut record);
    record.arms[1].prompts[1].divergence_text =
        Some(DivergenceText { before: "said".into(), expected: "meant".into(), got: "came".into() });
    record.failure = Some("why the A/B failed".into());
    forged_pairs::judge(&mut record);
    record
}

fn engines() -> Experiment {
    let whole = with_all_there_is(forged::record());
    let engine = |label: &str, host_loop: &str| Arm {
        label: label.into(),
        host_loop: host_loop.into(),
        attention: Some("an attention".into()),
        differences: vec![format!("what {label} has for itself")],
        ..whole.arms[0].clone()
    };
    let metric_value = |series: &str| PublishedValue {
        baseline: None,
        series: series.into(),
        metric: Metric::EndToEndThroughput,
        value: 21.24,
    };
    let mut record = Experiment {
        run_id: id(0, 4),
        when_utc: "2026-11-24T12:00:00Z".into(),
        plan: PlanKind::Peers,
        failure: Some("why the engines failed".into()),
        arms: vec![engine("an engine", "a loop"), engine("another engine", "another loop")],
        rounds: vec![Round { order: vec![1, 0] }],
        sampling: Sampling { rounds_requested: Some(1), ignore_guards: true, ..Sampling::default() },
        published_engines: vec![metric_value("a published series"), metric_value("another one")],
        warnings: vec![Warning::new(
            "peers-warning",
            "the message of the engines",
            "the advice of the engines",
        )],
        ..whole
    };
    laid_out::record(&mut record);
    record
}

/// A store of so many commits, and its site.
struct HostileSite {
    folder: TempDir,
    pages: Vec<PathBuf>,
}

impl HostileSite {
    /// Of commits whose texts are these words, by turns: after as many commits each text was each of them.
    fn of(words: &[String]) -> Self {
        Self::of_texts(words.len(), &|at, _, number| words[(at + number) % words.len()].clone())
    }

    /// Of so many commits; of each text its commit, itself and its number are reported.
    fn of_texts(count: usize, words: &dyn Fn(usize, &str, usize) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = History::at(folder.path().join("store"));
        for at in 0..count {
            SAMPLES.add(&store, at, &|text, number| words(at, text, number));
        }
        let index = store.index();
        assert_eq!(index.entries.len(), KINDS * count, "{:?}", index.damaged);
        let ancestry = Ancestry::of_line((0..count).rev().map(sha));
        let making = Making::of(repository());
        let site = folder.path().join(DEEP);
        let renderer = Renderer::new(Some(chart_library())).unwrap();
        make(making.sources(&store, &index, &ancestry), &renderer, site.clone());
        let mut pages: Vec<PathBuf> = files(&site);
        pages.retain(|file| file.extension().is_some_and(|extension| extension == "html"));
        Self { folder, pages }
    }

    /// A letter of another font may be taller than its line, so texts of charts may touch.
    fn look(&self, browser: &Browser) -> Looks {
        let mut looks = browser.look(&Look {
            widths: vec![768],
            schemes: vec!["light"],
            javascript: vec![true],
            axe: false,
            tabs: 0,
            ..Look::at(&self.pages)
        });
        looks.looks.iter_mut().for_each(|seen| seen.faults.retain(|fault| fault.kind != "overlap"));
        looks
    }
}

/// Every file of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn whatever_the_texts_of_a_record_are_a_page_has_them_as_words() {
    let Some(browser) = browser::here() else { return };
    let cut = |text: &String| text.chars().take(LONGEST).collect();
    let hostile: Vec<String> = payloads().iter().map(cut).collect();
    let harmless: Vec<String> = (0..hostile.len()).map(|at| format!("word {at}")).collect();
    let site = HostileSite::of(&hostile);
    let looks = site.look(&browser);
    looks.are_faultless();
    let expected = HostileSite::of(&harmless).look(&browser);
    assert_eq!(looks.looks.len(), expected.looks.len());
    assert!(looks.looks.len() > hostile.len(), "a page for each commit and those of the site");
    for (seen, expected) in looks.looks.iter().zip(&expected.looks) {
        assert_eq!(seen.nodes, expected.nodes, "{} and {}", seen.page, expected.page);
    }
}

#[test]
fn a_name_of_a_hundred_thousand_letters_is_no_burden_to_a_page() {
    let Some(browser) = browser::here() else { return };
    let long: Vec<String> = payloads().into_iter().filter(|text| text.len() > LONGEST).collect();
    assert_eq!(long.len(), 3);
    let named = ["Größer, schneller \"und\" richtig", "main", "tiny-gpt-oss", "its message", "why it failed"];
    let site = HostileSite::of_texts(long.len(), &|at, text, _| {
        if named.contains(&text) { long[at].clone() } else { text.to_owned() }
    });
    site.look(&browser).are_faultless();
}

#[test]
fn texts_that_lead_elsewhere_leave_no_file_beside_the_site() {
    let ways: Vec<String> = payloads().into_iter().filter(|text| text.contains('/')).collect();
    let ways: Vec<String> = ways.into_iter().filter(|text| text.len() < LONGEST).collect();
    let site = HostileSite::of(&ways);
    let root = site.folder.path();
    let (mut of_store, mut of_site) = (0, 0);
    for file in files(root) {
        let below = file.strip_prefix(root).unwrap().to_str().unwrap();
        if below.starts_with("store/") {
            of_store += 1;
            continue;
        }
        let page = below.strip_prefix(DEEP).unwrap_or_else(|| panic!("{below} is no file of a site"));
        let parts: Vec<&str> = page.split('/').skip(1).collect();
        let plain =
            |part: &&str| part.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter));
        let is_known = parts.len() == 1 || ["commit", "records", "csv"].contains(&parts[0]);
        assert!(is_known && parts.len() <= 2 && parts.iter().all(plain), "{below}");
        of_site += 1;
    }
    assert_eq!(of_store, KINDS * ways.len() + 1, "every record, and the index");
    assert!(of_site > (KINDS + 1) * ways.len(), "{of_site}");
}

#[test]
fn what_somebody_else_may_have_written_is_among_the_texts() {
    let [complete, failed, slower, wrong, engines] = &SAMPLES.0;
    let has = |texts: &Texts, needed: &[&str]| {
        for needed in needed {
            assert!(texts.all().any(|text| text == *needed), "{needed} is not replaced");
        }
    };
    has(
        complete,
        &[
            "Größer, schneller \"und\" richtig",
            "main",
            "Fibonacci",
            "fibonacci",
            "tiny-gpt-oss",
            "A CPU",
            "a GPU",
            "6.1",
            "Linux",
            "a driver",
            "OMP_NUM_THREADS",
            "2",
            "INFERENCE_PRECISION_HINT",
            "f32",
            "2026.4.1-1",
            "arcgauge 0.1.0",
            "a-warning",
            "its message",
            "its advice",
            "a line of the worker",
            "there is no GPU",
            "said",
            "the watch was cut short",
        ],
    );
    has(failed, &["why it failed", "why it crashed", "crashed"]);
    has(slower, &["a-branch", "what differs in a-branch", "goldens", "ab-warning"]);
    has(
        engines,
        &["an engine", "another loop", "an attention", "why the engines failed", "a published series"],
    );
    has(wrong, &["why the A/B failed", "meant", "came"]);
}
