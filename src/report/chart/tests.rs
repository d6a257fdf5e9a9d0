//! What every chart keeps to, and what a reader sees of one.

use roxmltree::{Document, Node};

use crate::measure::{Direction, Metric};
use crate::record::{ComparisonRecord, ComparisonResult, Side};
use crate::report::chart::layout::width;
use crate::report::chart::pairs::{Pairs, Threshold};
use crate::report::chart::palette::{Role, chart_rules, light_colours};
use crate::report::chart::token_strip::rows;
use crate::report::chart::{
    Change, Chart, Form, Generation, Guard, Line, LinePoint, MemoryPhase, PromptLine, Reference, Span,
    guards_chart, histogram, memory_chart, pairs_chart, token_strip,
};
use crate::report::decision::PairLine;
use crate::report::mark::Mark;

/// The texts of a drawing, as they are shown.
fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).expect("a drawing is XML");
    let texts = document.descendants().filter(|node| node.has_tag_name(name("text")));
    texts.filter_map(|node| Some(node.text()?.trim().to_owned())).collect()
}

/// The longest line or surface of a drawing, in points.
fn most_points(svg: &str) -> usize {
    let document = Document::parse(svg).expect("a drawing is XML");
    let points = document.descendants().filter(|node| node.has_tag_name(name("polyline")));
    points.map(|node| node.attribute("points").unwrap_or_default().split(' ').count()).max().unwrap_or(0)
}

/// How many elements of a drawing have this tag and this colour.
fn count(svg: &str, tag: &str, colour: &str) -> usize {
    let document = Document::parse(svg).expect("a drawing is XML");
    let has_colour =
        |node: &Node<'_, '_>| [node.attribute("fill"), node.attribute("stroke")].contains(&Some(colour));
    document.descendants().filter(|node| node.has_tag_name(name(tag)) && has_colour(node)).count()
}

fn name(tag: &str) -> (&'static str, &str) {
    ("http://www.w3.org/2000/svg", tag)
}

#[track_caller]
fn check(chart: &Chart) {
    for (svg, form) in [(&chart.wide, Form::Wide), (&chart.narrow, Form::Narrow)] {
        for bad in ["style=", "<style", "<script", "NaN", "inf,", ",inf", "href", "2147483647"] {
            let drawn = svg.split_once('>').unwrap().1;
            assert!(!drawn.contains(bad), "`{bad}` in {svg}");
        }
        let document = Document::parse(svg).expect("a drawing is XML");
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        assert_eq!(root.attribute("class"), Some(format!("chart {}", form.class()).as_str()));
        let label = root.attribute("aria-label").unwrap();
        assert!(label.starts_with(&chart.title) && label.ends_with(&chart.description), "{label}");
        let size: Vec<f64> =
            root.attribute("viewBox").unwrap().split(' ').map(|part| part.parse().unwrap()).collect();
        let [_, _, most_right, height] = size[..] else { panic!("{size:?}") };
        assert!((400.0..16_000.0).contains(&height), "{height}");
        let (rules, colours) = (chart_rules(), light_colours());
        let mut boxes: Vec<TextBox> = Vec::new();
        for node in root.descendants().filter(Node::is_element) {
            for colour in [node.attribute("fill"), node.attribute("stroke")].into_iter().flatten() {
                let is_known = colours.contains(&format!(":{colour};")) && rules.contains(colour);
                assert!(colour == "none" || is_known, "{colour} is not of the palette");
            }
            within(&node, most_right, height);
            if node.has_tag_name(name("text")) {
                let text = TextBox::of(&node);
                assert!(text.left >= 0.0 && text.right <= most_right, "`{}` is cut off", text.words);
                for other in &boxes {
                    assert!(!text.overlaps(other), "`{}` lies on `{}`", text.words, other.words);
                }
                boxes.push(text);
            }
        }
    }
}

/// Whether all that is drawn is on the chart.
fn within(node: &Node<'_, '_>, width: f64, height: f64) {
    let number = |text: &str| -> f64 { text.parse().unwrap_or_else(|_| panic!("`{text}` is no number")) };
    for (attribute, most) in [("x", width), ("y", height), ("cx", width), ("cy", height)] {
        if let Some(place) = node.attribute(attribute) {
            assert!((0.0..=most).contains(&number(place)), "{attribute} {place} is not within {most}");
        }
    }
    for point in node.attribute("points").unwrap_or_default().split_whitespace() {
        let (x, y) = point.split_once(',').unwrap();
        assert!((0.0..=width).contains(&number(x)) && (0.0..=height).contains(&number(y)), "{point}");
    }
}

/// The room of a text, a quarter of a pixel each.
struct TextBox {
    words: String,
    left: f64,
    right: f64,
    y: f64,
}

impl TextBox {
    fn of(node: &Node<'_, '_>) -> Self {
        let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let words = node.text().unwrap_or_default().trim().to_owned();
        let wide = width(&words) * 4.0;
        let left = match node.attribute("text-anchor").unwrap() {
            "start" => number("x"),
            "middle" => number("x") - wide / 2.0,
            _ => number("x") - wide,
        };
        Self { words, left, right: left + wide, y: number("y") }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && (self.y - other.y).abs() < 48.0
    }
}

/// Both forms, of which each has these texts.
#[track_caller]
fn forms_with(chart: &Chart, expected: &[&str]) -> [String; 2] {
    check(chart);
    for svg in [&chart.wide, &chart.narrow] {
        let texts = texts(svg);
        for text in expected {
            assert!(texts.iter().any(|it| it.starts_with(text)), "{text} of {texts:?}");
        }
    }
    [chart.wide.clone(), chart.narrow.clone()]
}

fn line() -> Line {
    let point = |mean: f64| LinePoint {
        mean: Some(mean),
        band: Some((mean - 0.4, mean + 0.4)),
        verdict: Some(Mark::Holds),
    };
    Line {
        title: "Time per token".to_owned(),
        description: "On main.".to_owned(),
        unit: "ms per token".to_owned(),
        better: Direction::Lower,
        mean_label: "mean of the prompts".to_owned(),
        band_label: "interval of 95 %".to_owned(),
        position_label: "commits on main, oldest to newest".to_owned(),
        points: [47.0, 47.2, 46.9, 49.1, 49.3].map(point).to_vec(),
        prompts: ["short", "long"]
            .map(|name| PromptLine { name: name.to_owned(), metric_values: vec![Some(46.0); 5] })
            .to_vec(),
        labels: (0..5).map(|position| (position, format!("c{position}"))).collect(),
        references: vec![Reference { label: "published".to_owned(), metric_value: 47.1 }],
        epochs: vec![(2, "2".to_owned())],
        changes: vec![Change { position: 3, percent: 4.8, is_worse: true }],
    }
}

/// A long history: as many points as requested, with prompts and everything else.
fn long(positions: usize) -> Line {
    let metric_value = |at: usize, phase: f64| Some(47.0 + (at as f64 * 0.7 + phase).sin());
    let point =
        |at| LinePoint { mean: metric_value(at, 0.0), verdict: Some(Mark::Holds), ..LinePoint::default() };
    let prompt = |prompt: u8| PromptLine {
        name: format!("prompt {prompt}"),
        metric_values: (0..positions).map(|at| metric_value(at, f64::from(prompt))).collect(),
    };
    let label = |position| (position, format!("commit {position}"));
    let every = |part: usize| (0..positions).step_by((positions / part).max(1));
    Line {
        points: (0..positions).map(point).collect(),
        prompts: (0..3).map(prompt).collect(),
        labels: (0..positions).map(label).collect(),
        epochs: every(50).map(label).collect(),
        changes: every(40).map(|position| Change { position, percent: -3.0, is_worse: false }).collect(),
        ..line()
    }
}

#[test]
fn a_history_says_what_is_drawn_and_which_way_is_better() {
    let expected = [
        "ms per token, lower is better",
        "axis does not start at 0",
        "mean of the prompts",
        "interval of 95 %",
        "short",
        "long",
        "published 47.10",
        "+4.80 %",
        "change: worse",
        "new epoch",
        "verdict: ok",
        "commits on main, oldest to newest",
        "c4",
    ];
    forms_with(&line().chart(), &expected);
    let mut line = line();
    line.points[1] = LinePoint { verdict: Some(Mark::Fails), ..LinePoint::default() };
    assert_eq!(
        line.chart().description,
        "On main. 5 positions; 1 without a value; 1 change point; verdict FAIL: 1; verdict ok: 4; \
         axis does not start at 0."
    );
    line.prompts.clear();
    let small = line.small_chart();
    forms_with(&small, &["published 47.10", "+4.80 %", "axis does not start at 0"]);
    assert!(small.wide.len() < line.chart().wide.len());
}

#[test]
fn a_gap_is_not_bridged_and_a_lone_value_is_a_point() {
    let mut line = Line { prompts: Vec::new(), ..line() };
    let drawn =
        |line: &Line, tag| forms_with(&line.chart(), &[]).map(|svg| count(&svg, tag, Role::Mean.drawn()));
    let whole = drawn(&line, "polyline");
    line.points[1].mean = None;
    // One line in the legend, and one behind the gap: the value before it stands alone.
    assert_eq!((drawn(&line, "polyline"), drawn(&line, "circle")), (whole, [4; 2]));
    line.points[3].mean = Some(f64::NAN);
    assert_eq!(
        (drawn(&line, "polyline"), drawn(&line, "circle")),
        ([1; 2], [3; 2]),
        "only the legend's line"
    );
}

#[test]
fn the_worst_verdict_of_many_is_shown_even_without_a_value() {
    let mut few = Line { changes: Vec::new(), ..line() };
    few.points[1] = LinePoint { verdict: Some(Mark::Fails), ..LinePoint::default() };
    let mut many = Line { changes: Vec::new(), ..long(10_000) };
    many.points[5000].verdict = Some(Mark::Fails);
    for line in [few, many] {
        for svg in forms_with(&line.chart(), &["verdict: FAIL"]) {
            // Two crossed lines in the legend and two on the strip.
            assert_eq!(count(&svg, "polyline", Role::Bad.drawn()), 4);
        }
    }
}

#[test]
fn a_long_history_has_few_columns_and_says_that_points_are_means() {
    let chart = long(10_000).chart();
    forms_with(&chart, &["each point: the mean of up to"]);
    assert!(most_points(&chart.wide) <= 600 && most_points(&chart.narrow) <= 240);
    assert!(chart.wide.len() < 60_000, "{} bytes", chart.wide.len());
}

#[test]
fn more_prompts_than_can_be_distinguished_are_counted() {
    let mut line = line();
    line.prompts =
        (0..9).map(|at| PromptLine { name: format!("p{at}"), metric_values: vec![Some(47.0); 5] }).collect();
    forms_with(&line.chart(), &["3 more prompts only in the table"]);
    assert!(line.chart().description.contains("3 more prompts without a line"));
}

#[test]
fn where_labels_have_no_room_those_of_regressions_stay() {
    let change = |position: usize| Change {
        position,
        percent: if position % 6 == 5 { 4.44 } else { -3.33 },
        is_worse: position % 6 == 5,
    };
    let crowded = Line { changes: (0..18).map(change).collect(), ..long(18) };
    for svg in forms_with(&crowded.chart(), &[]) {
        let texts = texts(&svg);
        let of = |label: &str| texts.iter().filter(|text| text.as_str() == label).count();
        assert_eq!(of("+4.44 %"), 3);
        assert!(of("-3.33 %") < 15);
    }
}

#[test]
fn the_percentiles_are_labelled_and_what_is_slower_shares_a_bar() {
    let steps_ms = (0..1000).map(|step| 46.0 + f64::from(step % 40) * 0.05);
    let chart = histogram("Spread", steps_ms.chain([90.0, 300.0]));
    let expected =
        ["p50 47.00 ms", "p95 47.90 ms", "p99 47.95 ms", "ms per token, lower is better", "all above 48"];
    for svg in forms_with(&chart, &expected) {
        assert_eq!(count(&svg, "rect", Role::Warn.drawn()), 1);
    }
    let reported = "Decode steps of all measured generations. 1002 decode steps; p50 47.00 ms; p95 47.90 ms; p99 47.95 ms; the slowest 300.0 ms.";
    assert_eq!(chart.description, reported);
}

fn processes(count: usize) -> Vec<String> {
    (1..=count).map(|at| format!("process {at}")).collect()
}

fn phases() -> Vec<MemoryPhase> {
    let phase = |name, mib: [f64; 3]| MemoryPhase { name, mib: mib.map(Some).to_vec() };
    vec![
        phase("load", [13_200.0, 13_210.0, 13_190.0]),
        phase("prefill", [12_100.0, 12_000.0, 12_050.0]),
        phase("decode", [11_900.0, 11_950.0, 11_925.0]),
    ]
}

#[test]
fn every_phase_has_its_group_and_its_largest_value() {
    let chart = memory_chart(&processes(3), phases());
    let expected = ["load", "prefill", "decode", "process 1", "process 3", "13210", "11950"];
    for svg in forms_with(&chart, &expected) {
        assert_eq!(count(&svg, "rect", Role::Prompt2.drawn()), 3, "a bar a phase");
    }
    assert!(texts(&chart.wide).contains(&"resident memory, peak, MiB, lower is better".to_owned()));
    assert_eq!(
        chart.description,
        "Load, prefill and decode: up to the end of the warm-up. Measured: peak_rss@1, as in the table. At most: load 13210 MiB; prefill 12100 MiB; decode 11950 MiB."
    );
    for mib in [None, Some(f64::NAN), Some(-1.0)] {
        let mut phases = phases();
        phases[0].mib[1] = mib;
        let [wide, _] = forms_with(&memory_chart(&processes(3), phases), &[]);
        assert_eq!(count(&wide, "rect", Role::Prompt2.drawn()), 2, "what was not read has no bar");
    }
    let many = phases().into_iter().map(|phase| {
        let mib = (0..20).map(|at| Some(f64::from(at))).collect();
        MemoryPhase { mib, ..phase }
    });
    let chart = memory_chart(&processes(20), many.collect());
    let [wide, _] = forms_with(&chart, &["the largest of 20 processes"]);
    assert_eq!(count(&wide, "rect", Role::Prompt1.drawn()), 3);
}

fn guards() -> Vec<Guard> {
    let guard = |name, unit, level: f64, limit: f64, tripped_s: &[f64]| {
        let reading = |second: u8| Some((f64::from(second), level + f64::from(second % 5) * level / 50.0));
        let (limit, tripped_s) = (Some(limit), tripped_s.to_vec());
        Guard { name, unit, readings: (0..60).map(reading).collect(), limit, tripped_s }
    };
    vec![
        guard("GPU clock", "MHz", 2400.0, 2300.0, &[]),
        guard("other processes", "% of a core", 8.0, 9.0, &[33.0]),
    ]
}

fn spans() -> Vec<Span> {
    let spans = processes(3).into_iter().zip([2.0, 20.0, 38.0]);
    spans.map(|(label, from_s)| Span { from_s, to_s: from_s + 15.0, label }).collect()
}

#[test]
fn every_guard_has_its_row_its_unit_and_its_limit() {
    let mut guards = guards();
    let chart = guards_chart(&guards, &spans());
    let expected = [
        "seconds since the run began",
        "a measured process runs",
        "tripped",
        "limit",
        "GPU clock, MHz (limit 2300)",
        "other processes, % of a core",
    ];
    for svg in forms_with(&chart, &expected) {
        // Three processes in each of two rows.
        assert_eq!(count(&svg, "rect", Role::Shade.drawn()), 6);
    }
    assert_eq!(chart.description, "A reading a second. 2 guards; other processes tripped 1 time.");
    guards[1].tripped_s.clear();
    let calm = guards_chart(&guards, &spans());
    assert_eq!(calm.description, "A reading a second. 2 guards; none tripped.");
    assert_eq!(count(&calm.wide, "polyline", Role::Bad.drawn()), 0);
    forms_with(&guards_chart(&vec![guards[0].clone(); 15], &spans()), &["3 more guards not drawn"]);
}

#[test]
fn many_readings_keep_their_peaks_and_a_missing_one_leaves_a_gap() {
    let mut guards = guards();
    guards.truncate(1);
    let lines =
        |guards: &[Guard]| count(&guards_chart(guards, &spans()).wide, "polyline", Role::Tokens.drawn());
    let whole = lines(&guards);
    guards[0].readings[30] = None;
    assert_eq!(lines(&guards), whole + 1);
    let reading = |at: u32| Some((f64::from(at) * 0.1, if at == 12_345 { 9000.0 } else { 2000.0 }));
    guards[0].readings = (0..20_000).map(reading).collect();
    // The peak touches the axis's last number but one at least.
    let [wide, narrow] = forms_with(&guards_chart(&guards, &spans()), &["10000"]);
    assert!(most_points(&wide) <= 600 && most_points(&narrow) <= 240);
}

fn pair(percent: f64, first: Side, is_invalidated: bool) -> PairLine {
    let invalidated_by = is_invalidated.then(|| "a guard".to_owned());
    PairLine { first, difference_percent: Some(percent), invalidated_by, counts_despite: None }
}

const THRESHOLDS: [Threshold; 1] = [("fails above", 1.0)];

fn comparison() -> ComparisonRecord {
    ComparisonRecord {
        metric: Metric::TimePerOutputToken,
        prompt: None,
        pairs: 3,
        ratio: 1.022,
        lower: 1.015,
        upper: 1.029,
        result: ComparisonResult::Regressed,
        reason: String::new(),
    }
}

#[test]
fn order_invalidated_pairs_threshold_and_interval_are_seen_and_named() {
    let four = [
        pair(2.0, Side::Base, false),
        pair(2.4, Side::Head, false),
        pair(-9.0, Side::Base, true),
        pair(1.8, Side::Head, true),
    ];
    let chart = pairs_chart(&four, &THRESHOLDS, Some(&comparison()));
    let expected =
        ["base ran first", "head ran first", "invalidated, base first", "fails above +1.00 %", "mean"];
    for svg in forms_with(&chart, &expected) {
        // In the legend and in the data.
        assert_eq!(count(&svg, "circle", Role::Base.drawn()), 2);
        assert_eq!(count(&svg, "polygon", Role::Head.drawn()), 2);
    }
    let reported = "The head against the base beside it; above 0 the head is slower. 4 pairs; 2 invalidated; mean of 3 pairs: +2.20 % (+1.50 % to +2.90 %); fails above +1.00 %.";
    assert_eq!(chart.description, reported);
    // A threshold far away does not press the pairs flat.
    let far = [("fails above", 500.0)];
    assert!(Pairs::new(&four, &far, Some(&comparison())).axis().unwrap().high < 20.0);
    check(&pairs_chart(&four, &far, Some(&comparison())));
    let very_many = vec![pair(1.0, Side::Head, false); 2000];
    let very_many = pairs_chart(&very_many, &THRESHOLDS, Some(&comparison()));
    let [wide, _] = forms_with(&very_many, &["mean of neighbouring pairs"]);
    assert!(texts(&wide).contains(&"each sign: up to 29 pairs".to_owned()));
}

fn generation(prompt: &str, steps_ms: impl IntoIterator<Item = f64>) -> Generation {
    Generation { prompt: prompt.to_owned(), steps_ms: steps_ms.into_iter().collect() }
}

fn strip(generations: &[Generation]) -> Chart {
    token_strip("Decode steps", "", "prompt", generations)
}

#[test]
fn a_stall_is_marked_where_it_was_and_reported() {
    let stalled = |prompt: &str, stall_at: u8| {
        let stall = |step: u8| if step == stall_at { 300.0 } else { 0.0 };
        generation(prompt, (0..200).map(|step| 47.0 + f64::from(step % 7) * 0.1 + stall(step)))
    };
    let mut generations = [stalled("short", 50), stalled("short", 255), stalled("long", 120)];
    let chart = strip(&generations);
    let expected =
        ["short: 2 generations", "long: 1 generation", "decode step of the generation", "2 steps above"];
    for svg in forms_with(&chart, &expected) {
        // Two stalls and the legend's sign.
        assert_eq!(count(&svg, "polygon", Role::Bad.drawn()), 3);
        assert!(texts(&svg).iter().any(|text| text.ends_with("up to 347.1 ms")));
    }
    let reported = "3 generations of 2 prompts; the slowest step took 347.1 ms; 2 steps above";
    assert!(chart.description.starts_with(reported), "{}", chart.description);
    for generation in &mut generations {
        generation.steps_ms.retain(|ms| *ms < 100.0);
    }
    let [wide, _] = forms_with(&strip(&generations), &[]);
    assert_eq!(count(&wide, "polygon", Role::Bad.drawn()), 0, "without a stall nothing is cut off");
    assert!(!strip(&generations).description.contains("above"));
}

#[test]
fn a_stall_of_a_long_generation_is_not_averaged_away() {
    let mut steps_ms = vec![47.0; 10_000];
    steps_ms[7777] = 400.0;
    let chart = strip(&[generation("long", steps_ms)]);
    let [wide, narrow] = forms_with(&chart, &["each point: the slowest of up to"]);
    assert!(most_points(&wide) <= 600 && most_points(&narrow) <= 240);
    assert_eq!(count(&narrow, "polygon", Role::Bad.drawn()), 2);
}

#[test]
fn as_many_prompts_as_a_record_can_have_are_sorted_into_rows_at_once() {
    let of = |count: usize| (0..count).map(|at| generation(&format!("own-{at}"), [47.0])).collect::<Vec<_>>();
    forms_with(&strip(&of(11)), &["3 more prompts not drawn"]);
    let many = of(64_000);
    let began = std::time::Instant::now();
    assert_eq!(rows(&many).len(), 64_000);
    // A comparison with every row before takes most of a minute.
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}

/// Values that are none, that are huge, that are one or hardly any.
const ODD: [&[f64]; 9] = [
    &[],
    &[f64::NAN],
    &[0.0],
    &[47.0],
    &[47.0; 500],
    &[0.0, 1e99],
    &[-1e99, -1e99],
    &[f64::MAX, f64::INFINITY, 5.0],
    &[1e-9, 47.0],
];

#[test]
fn odd_values_are_no_obstacle_to_any_chart() {
    for odd in ODD {
        let band = Some((f64::NAN, f64::INFINITY));
        let point = |mean: &f64| LinePoint { mean: Some(*mean), band, ..LinePoint::default() };
        let points: Vec<LinePoint> = odd.iter().map(point).chain([LinePoint::default()]).collect();
        check(&Line { points: points.clone(), prompts: Vec::new(), ..line() }.chart());
        check(&Line { points, ..line() }.chart());
        check(&histogram("Spread", odd.iter().copied()));
        let mib = odd.iter().copied().map(Some).collect();
        check(&memory_chart(&processes(3), vec![MemoryPhase { name: "load", mib }]));
        for at_s in [0.0, 1e9] {
            let mut guards = guards();
            guards[1].readings = odd.iter().map(|value| Some((at_s, *value))).collect();
            check(&guards_chart(&guards, &spans()));
            guards[1].tripped_s.clear();
            check(&guards_chart(&guards, &[]));
        }
        let odd_pairs: Vec<PairLine> = odd.iter().map(|percent| pair(*percent, Side::Base, false)).collect();
        check(&pairs_chart(&odd_pairs, &THRESHOLDS, Some(&comparison())));
        check(&pairs_chart(&odd_pairs, &[], None));
        check(&strip(&[generation("<b>", odd.iter().copied())]));
    }
    for (chart, words) in [
        (memory_chart(&processes(3), Vec::new()), "no figures"),
        (guards_chart(&[], &spans()), "no readings"),
        (pairs_chart(&[], &THRESHOLDS, None), "no pairs with a figure"),
        (strip(&[]), "no decode steps"),
    ] {
        forms_with(&chart, &[words]);
    }
}

#[test]
fn text_of_others_is_inert_and_fits() {
    let hostile = "</text></svg><script>alert(1)</script>\" onload=\"x\u{202e}\0".repeat(20);
    let mut line = line();
    line.title.clone_from(&hostile);
    line.unit.clone_from(&hostile);
    line.position_label.clone_from(&hostile);
    line.prompts[0].name.clone_from(&hostile);
    line.labels[4].1.clone_from(&hostile);
    line.references[0].label.clone_from(&hostile);
    line.epochs[0].1.clone_from(&hostile);
    let named = [hostile.clone(), "process 2".to_owned(), "process 3".to_owned()];
    let generations = [generation(&hostile, [47.0; 9])];
    for chart in [line.chart(), memory_chart(&named, phases()), strip(&generations)] {
        for svg in forms_with(&chart, &[]) {
            assert!(!svg.contains("<script") && !svg.contains("onload=\""), "{svg}");
        }
    }
}
