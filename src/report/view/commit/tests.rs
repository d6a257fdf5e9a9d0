use crate::golden::GoldenResult;
use crate::judge::environment::{Guard, GuardWeight};
use crate::record::{Entry, Experiment, Outcome, open};
use crate::report::render::{PageKind, Parts, Renderer, Site};
use crate::report::view::commit::{Neighbours, RecordOfCommit, commit_page};
use crate::sys::Observed;

const CHARTS_OF_TIMES: [&str; 2] = ["Every token", "How long a token takes"];

/// A complete run, every token of which was checked.
fn verified() -> Experiment {
    let text = include_bytes!("../../../../fixtures/records/bench-3.0.json");
    let mut run: Experiment = open(text, "a record").unwrap();
    for prompt in &mut run.arms[0].prompts {
        prompt.golden = GoldenResult::Match;
    }
    run
}

fn edited(edit: impl FnOnce(&mut Experiment)) -> Experiment {
    let mut run = verified();
    edit(&mut run);
    run
}

fn entry_of(run: &Experiment) -> Entry {
    Entry::of("a.json".into(), run)
}

/// What the index says of the run of the commit before.
fn before() -> Entry {
    let mut entry = entry_of(&verified());
    entry.commit.as_mut().unwrap().sha = "b".repeat(40);
    entry.metric_values.as_mut().unwrap().tpot_ms *= 2.0;
    entry
}

/// The page as a reader gets it, without its head.
fn page(run: &Experiment, before: Option<&Entry>) -> String {
    page_with(run, &entry_of(run), before)
}

fn of_commit<'a>(entry: &'a Entry, record: &'a Experiment) -> RecordOfCommit<'a> {
    RecordOfCommit { entry, record, file: "records/a.json".into(), before: None, linked: &[] }
}

fn page_with(run: &Experiment, entry: &Entry, before: Option<&Entry>) -> String {
    let records = [RecordOfCommit { before, ..of_commit(entry, run) }];
    let (title, view) = commit_page(run.arms[0].commit.as_ref(), Neighbours::default(), &records);
    let site = Site { made_of: "1 record".to_owned(), newest_utc: None, is_demo: false };
    let renderer = Renderer::new(None).unwrap();
    let page = renderer.page(PageKind::Commit, &title, &site, &view, Parts::default()).unwrap();
    page.text.split_once("<h1").unwrap().1.to_owned()
}

/// The row of the table of values that begins with this title, as its cells.
fn row(page: &str, title: &str) -> Option<Vec<String>> {
    let table = page.split_once("Values by prompt")?.1.split_once("</table>")?.0;
    let row = table.split("<tr>").find(|row| row.contains(&format!(">{title}</th>")))?;
    Some(row.split("<td").skip(1).map(|cell| cell.split_once('>').unwrap().1.to_owned()).collect())
}

fn has_speed(row: &[String]) -> bool {
    row.iter().skip(1).take(3).all(|cell| cell.starts_with(|first: char| first.is_ascii_digit()))
}

#[test]
fn a_verified_run_has_a_speed_and_is_compared_with_the_commit_before() {
    let page = page(&verified(), Some(&before()));
    assert!(has_speed(&row(&page, "mean").unwrap()), "{page}");
    assert!(row(&page, "mean").unwrap().iter().any(|cell| cell.starts_with("-50.0 %")), "{page}");
    assert!(page.contains("bbbbbbbbbbbb") && page.contains("an observation, not a test"));
    for word in ["unverified", "No verified speed", "Not compared with"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(CHARTS_OF_TIMES.iter().all(|title| page.contains(&format!("{title}.</strong>"))));
}

#[test]
fn of_an_unverified_run_the_page_says_so_wherever_it_shows_times() {
    let run = edited(|run| run.arms[0].prompts[1].golden = GoldenResult::None);
    let page = page(&run, Some(&before()));
    assert!(page.contains("</span> unverified</span>") && !page.contains("</span> complete</span>"));
    assert!(page.contains("No verified speed: its output is unverified: no golden for"));
    for title in ["Values by prompt", "Every token", "How long a token takes"] {
        assert!(page.contains(&format!("{title} (unverified)")), "{title}");
        assert!(!page.contains(&format!("{title}.</strong>")), "{title}");
    }
    assert!(page.contains("this run has no verified speed") && !page.contains("an observation"));
}

#[test]
fn a_wrong_prompt_has_no_speed_and_its_run_neither_a_mean_nor_charts_of_times() {
    let run = edited(|run| {
        run.arms[0].outcome = Outcome::WrongOutput;
        run.arms[0].prompts[0].golden = GoldenResult::Break;
    });
    let titles: Vec<String> =
        run.arms[0].workload.prompts.iter().map(|prompt| prompt.title.clone()).collect();
    let page = page(&run, Some(&before()));
    assert!(page.contains("No verified speed: its output is wrong."));
    assert!(!has_speed(&row(&page, &titles[0]).unwrap()));
    assert!(has_speed(&row(&page, &titles[1]).unwrap()), "the others are right");
    assert_eq!(row(&page, "mean"), None);
    assert!(CHARTS_OF_TIMES.iter().all(|title| !page.contains(title)));
    assert!(page.contains("Memory by phase"));
}

#[test]
fn where_a_run_is_not_compared_with_the_commit_before_the_page_says_why() {
    let guard = Guard::ALL.into_iter().find(|guard| guard.weight() == GuardWeight::Invalidates).unwrap();
    let tripped = format!("guard-{}", guard.id());
    let no_change = |run: &Entry, before: &Entry, reason: &str| {
        let page = page_with(&verified(), run, Some(before));
        assert!(page.contains("Not compared with the previous commit"), "{reason}");
        assert!(page.contains(reason), "{reason}");
        assert!(!page.contains("an observation, not a test"), "{reason}");
        assert!(!page.contains("-50.0 %"), "{reason}");
    };
    let of_run = entry_of(&verified());
    let other = Entry { setting: entry_of(&edited(|run| run.machine.kernel = None)).setting, ..before() };
    no_change(&of_run, &other, "the environment changed since");
    let mut other = before();
    other.warning_ids.push(tripped.clone());
    no_change(&of_run, &other, "a guard tripped in the run before");
    let mut doubted = of_run.clone();
    doubted.warning_ids.push(tripped);
    no_change(&doubted, &before(), "a guard tripped in this run");
    let mut other = before();
    other.golden = Some(GoldenResult::None);
    no_change(&of_run, &other, "the run before has no verified speed");
}

#[test]
fn an_invalid_run_says_so_with_the_reading_in_its_first_word() {
    let run = edited(|run| {
        for process in &mut run.arms[0].processes {
            let Some(guards) = &mut process.guards else { continue };
            for reading in &mut guards.readings {
                reading.cpu_some_avg10_percent = Observed::Observed(99.0);
            }
        }
    });
    let page = page(&run, None);
    let runs = page.split_once("<h2>Run").unwrap().1;
    assert!(runs.contains("</span> INVALID: tasks waited for a processor"), "{runs}");
    assert!(!runs.contains("</span> complete</span>"));
}

#[test]
fn the_newest_valid_record_is_open_and_the_commits_beside_it_are_linked() {
    let run = |id: &str| {
        edited(|run| {
            run.run_id = id.to_owned();
            run.arms[0].commit.as_mut().unwrap().dirty = false;
        })
    };
    let (invalid, valid) = (run("aaaaaaaaaaaa"), run("bbbbbbbbbbbb"));
    let mut entries = [entry_of(&invalid), entry_of(&valid)];
    entries[0].warning_ids.push("guard-cpu-pressure".to_owned());
    entries[1].warning_ids.clear();
    let (previous, next) = ("c".repeat(40), "d".repeat(40));
    let neighbours = Neighbours { previous: Some(&previous), next: Some(&next), forge: None };
    let records = [of_commit(&entries[0], &invalid), of_commit(&entries[1], &valid)];
    let (_, view) = commit_page(invalid.arms[0].commit.as_ref(), neighbours, &records);
    assert_eq!(view["open"], "bbbbbbbbbbbb");
    assert_eq!(view["records"][0]["badge"]["word"], "INVALID: cpu-pressure");
    assert_eq!(view["records"][1]["badge"]["word"], "valid");
    assert_eq!(view["previous"]["href"], "commit/cccccccccccc.html");
    assert_eq!(view["next"]["href"], "commit/dddddddddddd.html");
    assert!(view["range"]["text"].as_str().unwrap().starts_with("cccccccccccc.."));
}

#[test]
fn the_newest_record_that_fails_is_open_before_a_valid_one() {
    let runs = ["aaaaaaaaaaaa", "bbbbbbbbbbbb"].map(|id| edited(|run| run.run_id = id.to_owned()));
    let mut entries = [entry_of(&runs[0]), entry_of(&runs[1])];
    for entry in &mut entries {
        entry.warning_ids.clear();
    }
    entries[1].outcome = Outcome::WrongOutput;
    let records = [of_commit(&entries[0], &runs[0]), of_commit(&entries[1], &runs[1])];
    let (_, view) = commit_page(None, Neighbours::default(), &records);
    assert_eq!(view["open"], "bbbbbbbbbbbb");
    assert_eq!(view["records"][0]["badge"]["word"], "valid");
}

#[test]
fn a_comparison_of_two_settings_is_no_gate() {
    let text = include_bytes!("../../../../fixtures/records/ab-3.0.json");
    let page_of = |differences: &[&str]| {
        let mut record: Experiment = open(text, "a record").unwrap();
        record.arms[1].differences = differences.iter().map(|&it| it.to_owned()).collect();
        page(&record, None)
    };
    assert!(page_of(&[]).contains("A pull request&#x27;s check"));
    let settings = page_of(&["KV_CACHE_PRECISION=u8"]);
    for of_a_gate in ["A pull request", "waive it", "gate.json", "nothing to do"] {
        assert!(!settings.contains(of_a_gate), "{of_a_gate}: {settings}");
    }
}
