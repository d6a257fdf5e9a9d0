use crate::golden::GoldenResult;
use crate::judge::environment::{Guard, GuardWeight};
use crate::record::{AnyRecord, Entry, Outcome, RunRecord, open};
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::view::commit::{CommitView, RecordOfCommit};

const CHARTS_OF_TIMES: [&str; 2] = ["Every token", "How long a token takes"];

/// A complete run, every token of which was checked.
fn verified() -> RunRecord {
    let text = include_bytes!("../../../../fixtures/records/schema-2.0.json");
    let mut run: RunRecord = open(text, "a record").unwrap();
    for prompt in &mut run.prompts {
        prompt.golden = GoldenResult::Match;
    }
    run
}

fn edited(edit: impl FnOnce(&mut RunRecord)) -> RunRecord {
    let mut run = verified();
    edit(&mut run);
    run
}

fn entry_of(run: &RunRecord) -> Entry {
    Entry::of("a.json".into(), &AnyRecord::Run(Box::new(run.clone())))
}

/// What the index says of the run of the commit before.
fn before() -> Entry {
    let mut entry = entry_of(&verified());
    entry.commit.as_mut().unwrap().sha = "b".repeat(40);
    entry.figures.as_mut().unwrap().tpot_ms *= 2.0;
    entry
}

/// The page as a reader gets it, without its head.
fn page(run: RunRecord, before: Option<&Entry>) -> String {
    let entry = entry_of(&run);
    page_with(run, &entry, before)
}

fn page_with(run: RunRecord, entry: &Entry, before: Option<&Entry>) -> String {
    let commit = run.commit.clone();
    let record = AnyRecord::Run(Box::new(run));
    let of_commit =
        RecordOfCommit { entry, record: &record, file: "records/a.json".into(), before, linked: &[] };
    let view = CommitView::of(commit.as_ref(), None, &[of_commit]);
    let site = Site { records: 1, newest_utc: None, is_demo: false };
    let shell = Shell::new(PageKind::Commit, view.title(), &site);
    let renderer = Renderer::new(None).unwrap();
    let text = renderer.page("commit.html", &shell, &view, Parts::default()).unwrap();
    text.split_once("<h1").unwrap().1.to_owned()
}

/// The row of the table of figures that begins with this title, as its cells.
fn row(page: &str, title: &str) -> Option<Vec<String>> {
    let table = page.split_once("Figures by prompt")?.1.split_once("</table>")?.0;
    let row = table.split("<tr>").find(|row| row.contains(&format!(">{title}</th>")))?;
    Some(row.split("<td").skip(1).map(|cell| cell.split_once('>').unwrap().1.to_owned()).collect())
}

fn has_speed(row: &[String]) -> bool {
    row.iter().skip(1).take(3).all(|cell| cell.starts_with(|first: char| first.is_ascii_digit()))
}

#[test]
fn a_verified_run_has_a_speed_and_is_held_against_the_commit_before() {
    let page = page(verified(), Some(&before()));
    assert!(has_speed(&row(&page, "mean").unwrap()), "{page}");
    assert!(row(&page, "mean").unwrap().iter().any(|cell| cell.starts_with("-50.0 %")), "{page}");
    assert!(page.contains("bbbbbbbbbbbb") && page.contains("an observation, not a test"));
    for word in ["unverified", "No verified speed", "Not held against"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(CHARTS_OF_TIMES.iter().all(|title| page.contains(&format!("{title}.</strong>"))));
}

#[test]
fn of_an_unverified_run_the_page_says_so_wherever_it_shows_times() {
    let run = edited(|run| run.prompts[1].golden = GoldenResult::None);
    let page = page(run, Some(&before()));
    assert!(page.contains("</span> unverified</span>") && !page.contains("</span> complete</span>"));
    assert!(page.contains("No verified speed: its output is unverified: no golden vouches for"));
    for title in ["Figures by prompt", "Every token", "How long a token takes"] {
        assert!(page.contains(&format!("{title} (unverified)")), "{title}");
        assert!(!page.contains(&format!("{title}.</strong>")), "{title}");
    }
    assert!(page.contains("this run has no verified speed") && !page.contains("an observation"));
}

#[test]
fn a_wrong_prompt_has_no_speed_and_its_run_neither_a_mean_nor_charts_of_times() {
    let run = edited(|run| {
        run.outcome = Outcome::WrongOutput;
        run.prompts[0].golden = GoldenResult::Break;
    });
    let titles: Vec<String> = run.workload.prompts.iter().map(|prompt| prompt.title.clone()).collect();
    let page = page(run, Some(&before()));
    assert!(page.contains("No verified speed: its output is wrong."));
    assert!(!has_speed(&row(&page, &titles[0]).unwrap()));
    assert!(has_speed(&row(&page, &titles[1]).unwrap()), "the others are right");
    assert_eq!(row(&page, "mean"), None);
    assert!(CHARTS_OF_TIMES.iter().all(|title| !page.contains(title)));
    assert!(page.contains("Memory by phase"));
}

#[test]
fn where_a_run_is_not_held_against_the_commit_before_the_page_says_why() {
    let guard = Guard::ALL.into_iter().find(|guard| guard.weight() == GuardWeight::Invalidates).unwrap();
    let tripped = format!("guard-{}", guard.id());
    let no_change = |run: &Entry, before: &Entry, because: &str| {
        let page = page_with(verified(), run, Some(before));
        assert!(page.contains("Not held against the commit before"), "{because}");
        assert!(page.contains(because), "{because}");
        assert!(!page.contains("an observation, not a test"), "{because}");
        assert!(!page.contains("-50.0 %"), "{because}");
    };
    let of_run = entry_of(&verified());
    let other = Entry { setting: entry_of(&edited(|run| run.machine.kernel = None)).setting, ..before() };
    no_change(&of_run, &other, "was exchanged since");
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
