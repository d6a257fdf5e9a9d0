use super::*;
use crate::measure::Metric;
use crate::record::Warning;

fn document(texts: usize) -> Document {
    let mut document = Document::default();
    document.title(Line::from("head ").and(Line::name("a|b")).and(" on x"));
    document.fact("A", "47.00 ms/token");
    document.fact("longer", Line::prose("see `cargo xtask doctor`"));
    let headings = ["metric", "prompt", "tok/s, prefill included", "interval", "reason"];
    let row = |value: &str| -> [Cell; 5] {
        [
            metric(Metric::EndToEndThroughput),
            "a_prompt".into(),
            number(Some(value.to_owned())),
            number(Some(format!("[{value}, {value}]"))),
            "some words that wrap ".repeat(texts).into(),
        ]
    };
    document.titled_table("Values", Table::new(headings).with_rows([row("-1.234"), row("12.34")]));
    document.warning("A", &Warning::new("id", "what is the case", "what to do"));
    document
}

#[test]
fn a_table_fits_its_width_and_breaks_no_number() {
    for width in [200, 80, 60, 40] {
        let text = document(3).to_text(Some(width));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        assert!(text.contains("[-1.234, -1.234]") && text.contains("e2e_throughput@1"), "{width}:\n{text}");
    }
    insta::assert_snapshot!(document(2).to_text(Some(60)), @r#"
    head `a|b` on x
    A       47.00 ms/token
    longer  see `cargo xtask doctor`

    Values
    metric           prompt     tok/s,         interval reason
                               prefill
                              included
    e2e_throughput@1 a_prompt   -1.234 [-1.234, -1.234] some
                                                        words
                                                        that
                                                        wrap
                                                        some
                                                        words
                                                        that
                                                        wrap
    e2e_throughput@1 a_prompt    12.34   [12.34, 12.34] some
                                                        words
                                                        that
                                                        wrap
                                                        some
                                                        words
                                                        that
                                                        wrap

    warning (A): what is the case
      what to do
    "#);
}

#[test]
fn the_settings_of_a_long_name_stand_below_each_other() {
    let mut document = Document::default();
    let name = "plugin:KEY_CACHE_PRECISION=u4+VALUE_CACHE_PRECISION=u4";
    document.table(Table::new(["arm", "TPOT ms"]).with_rows([[name.into(), number(Some("12.34".into()))]]));
    insta::assert_snapshot!(document.to_text(Some(44)), @r"
    arm                                     TPOT
                                              ms
    plugin:KEY_CACHE_PRECISION=u4+         12.34
    VALUE_CACHE_PRECISION=u4
    ");
    assert!(document.to_text(Some(80)).contains(name), "it stays on its line where there is room");
}

#[test]
fn markdown_has_the_same_blocks() {
    insta::assert_snapshot!(document(1).to_markdown(), @r#"
    ### head **a&#124;b** on x

    - A: 47.00 ms/token
    - longer: see `cargo xtask doctor`

    #### Values

    | metric | prompt | tok/s, prefill included | interval | reason |
    | --- | --- | --: | --: | --- |
    | `e2e_throughput@1` | a\_prompt | -1.234 | \[-1.234, -1.234\] | some words that wrap  |
    | `e2e_throughput@1` | a\_prompt | 12.34 | \[12.34, 12.34\] | some words that wrap  |

    - **warning** (A): what is the case; what to do
    "#);
}

#[test]
fn html_escapes_every_text_and_links_metrics() {
    let place = Place { root: "../", level: 2, of: "" };
    insta::assert_snapshot!(document(1).to_html(place), @r#"
    <p class="setting">head <strong>a|b</strong> on x</p>
    <dl class="facts sides">
    <div class="fact"><dt>A</dt><dd>47.00 ms/token</dd></div>
    <div class="fact"><dt>longer</dt><dd>see <code>cargo xtask doctor</code></dd></div>
    </dl>
    <h2>Values</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Values">
    <table class="stack">
    <thead><tr><th scope="col">metric</th><th scope="col">prompt</th><th scope="col" class="number">tok/s, prefill included</th><th scope="col" class="number">interval</th><th scope="col">reason</th></tr></thead>
    <tbody>
    <tr><th scope="row"><a href="../method.html#e2e_throughput@1" title="end-to-end throughput">e2e_throughput@1</a></th><td data-label="prompt">a_prompt</td><td class="number" data-label="tok/s, prefill included">-1.234</td><td class="number" data-label="interval">[-1.234, -1.234]</td><td data-label="reason">some words that wrap </td></tr>
    <tr><th scope="row"><a href="../method.html#e2e_throughput@1" title="end-to-end throughput">e2e_throughput@1</a></th><td data-label="prompt">a_prompt</td><td class="number" data-label="tok/s, prefill included">12.34</td><td class="number" data-label="interval">[12.34, 12.34]</td><td data-label="reason">some words that wrap </td></tr>
    </tbody>
    </table>
    </div>
    <h2>Warnings</h2>
    <ul>
    <li>(A) what is the case<br><span class="small">what to do</span></li>
    </ul>
    "#);
}

#[test]
fn a_sentence_stays_on_its_line_where_the_width_is_unknown() {
    let mut document = Document::default();
    document.text("some words ".repeat(20).trim());
    assert_eq!(document.to_text(None).lines().count(), 1);
    assert!(document.to_text(Some(40)).lines().all(|line| line.chars().count() <= 40));
}

#[test]
fn what_stands_in_backticks_is_code_and_nothing_else_is_markup() {
    let reported = |text: &str| {
        let mut document = Document::default();
        document.text(Line::prose(text));
        document.to_markdown()
    };
    assert_eq!(reported("`a_b` and `*c*` in _d_"), "`a_b` and `*c*` in \\_d\\_\n");
    assert_eq!(reported("`open"), "\\`open\n");
    assert_eq!(reported("see `a|b`"), format!("see \\`{}\\`\n", escape("a|b")));
    assert_eq!(reported("`x` ``"), "`x` \\`\\`\n");
}

#[test]
fn a_wrapped_cell_begins_no_command_to_a_runner() {
    let mut document = Document::default();
    let mut table = Table::new(["text"]);
    table.row([Cell::from("harmless ::error::x ##[error]y \u{1b}[2J\nz")]);
    document.table(table);
    let text = document.to_text(Some(20));
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    assert!(!text.contains("##[") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_page_has_a_table_of_as_many_rows_as_there_are_prompts_at_once() {
    let rows = (0..64_000).map(|at| [Cell::from(format!("own-{at}")), "text".into()]);
    let mut document = Document::default();
    document.titled_table("Values", Table::new(["prompt", "reason"]).with_rows(rows));
    let began = std::time::Instant::now();
    assert!(document.to_html(Place { root: "", level: 2, of: "" }).contains("own-63999"));
    // Where every row looks at all rows it takes minutes.
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn a_command_that_is_wrapped_can_be_pasted_and_a_column_stands_below_itself() {
    let mut document = Document::default();
    document.command("next", "cargo xtask ab --base main --head 0123456789ab --device GPU.0");
    insta::assert_snapshot!(document.to_text(Some(40)), @r"
    next:
      cargo xtask ab --base main --head \
        0123456789ab --device GPU.0
    ");
    insta::assert_snapshot!(fit("ok    subject  some words, and what `to --run next` is\n", Some(30)), @r"
    ok    subject  some words, and
                   what `to \
                   --run next` is
    ");
    assert_eq!(fit("a\tb of any length\n", None), "a\tb of any length\n");
}

#[test]
fn a_warning_that_was_printed_is_not_printed_again() {
    let (report, warnings) =
        document(1).split_warnings(&[Warning::new("id", "what is the case", "what to do")]);
    assert_eq!(warnings.to_text(None), "");
    assert!(!report.to_text(None).contains("what is the case"));
    assert!(document(1).split_warnings(&[]).1.to_text(None).contains("what is the case"));
}

#[test]
fn a_terminal_that_is_too_narrow_leaves_out_the_columns_that_a_table_can_do_without_and_names_them() {
    let row = |result: &str| -> [Cell; 4] {
        [metric(Metric::TimePerOutputToken), "lower".into(), number(Some("5".into())), result.into()]
    };
    let table = Table::new(["metric", "better", "pairs", "result"]).with_optional(&["better", "pairs"]);
    let mut document = Document::default();
    document.table(table.with_rows([row("not worse")]));
    insta::assert_snapshot!(document.to_text(Some(30)), @r"
    metric better pairs result
    tpot@1 lower      5 not worse
    ");
    insta::assert_snapshot!(document.to_text(Some(25)), @r"
    metric  pairs  result
    tpot@1      5  not worse
    left out at 25 columns:
    better
    ");
    insta::assert_snapshot!(document.to_text(Some(17)), @r"
    metric  result
    tpot@1  not worse
    left out at 17
    columns: better,
    pairs
    ");
    assert!(document.to_markdown().contains("| better | pairs |"), "{}", document.to_markdown());
}
