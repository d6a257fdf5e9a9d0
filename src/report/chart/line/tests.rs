use super::*;
use crate::report::chart::palette::Role;
use crate::report::chart::tests::{check, count, most_points, texts};

fn line() -> Line {
    let point = |mean: f64| LinePoint {
        mean: Some(mean),
        low: Some(mean - 0.4),
        high: Some(mean + 0.4),
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
        labels: (0..5).map(|position| PositionLabel { position, text: format!("c{position}") }).collect(),
        references: vec![Reference { label: "published".to_owned(), metric_value: 47.1 }],
        epochs: vec![PositionLabel { position: 2, text: "2".to_owned() }],
        changes: vec![Change { position: 3, percent: 4.8, is_worse: true }],
    }
}

/// A long history: as many points as requested, with prompts and everything else.
fn long(positions: usize) -> Line {
    let metric_value = |at: usize, phase: f64| 47.0 + (at as f64 * 0.7 + phase).sin();
    Line {
        points: (0..positions)
            .map(|at| LinePoint {
                mean: Some(metric_value(at, 0.0)),
                verdict: Some(Mark::Holds),
                ..LinePoint::default()
            })
            .collect(),
        prompts: (0..3_u8)
            .map(|prompt| PromptLine {
                name: format!("prompt {prompt}"),
                metric_values: (0..positions).map(|at| Some(metric_value(at, f64::from(prompt)))).collect(),
            })
            .collect(),
        labels: (0..positions)
            .map(|position| PositionLabel { position, text: format!("commit {position}") })
            .collect(),
        epochs: (0..positions)
            .step_by((positions / 50).max(1))
            .map(|position| PositionLabel { position, text: position.to_string() })
            .collect(),
        changes: (0..positions)
            .step_by((positions / 40).max(1))
            .map(|position| Change { position, percent: -3.0, is_worse: false })
            .collect(),
        ..line()
    }
}

fn both(line: &Line) -> [String; 2] {
    let chart = line.chart();
    check(&chart);
    [chart.wide, chart.narrow]
}

#[test]
fn a_history_says_what_is_drawn_and_which_way_is_better() {
    for svg in both(&line()) {
        let texts = texts(&svg);
        for text in [
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
        ] {
            assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
        }
    }
}

#[test]
fn the_description_says_what_is_to_be_seen() {
    let mut line = line();
    line.points[1] = LinePoint { verdict: Some(Mark::Fails), ..LinePoint::default() };
    assert_eq!(
        line.chart().description,
        "On main. 5 positions; 1 without a value; 1 change point; verdict FAIL: 1; verdict ok: 4; \
         axis does not start at 0."
    );
}

#[test]
fn a_gap_is_not_bridged_and_a_lone_value_is_a_point() {
    let mut line = Line { prompts: Vec::new(), ..line() };
    let whole = both(&line).map(|svg| count(&svg, "polyline", Role::Mean.drawn()));
    line.points[1].mean = None;
    // One line in the legend, and one behind the gap: the value before it stands alone.
    for (svg, whole) in both(&line).iter().zip(whole) {
        assert_eq!(count(svg, "polyline", Role::Mean.drawn()), whole);
        assert_eq!(count(svg, "circle", Role::Mean.drawn()), 4);
    }
    line.points[3].mean = Some(f64::NAN);
    for svg in both(&line) {
        assert_eq!(count(&svg, "polyline", Role::Mean.drawn()), 1, "only the legend's");
        assert_eq!(count(&svg, "circle", Role::Mean.drawn()), 3);
    }
}

#[test]
fn a_failure_without_a_value_has_its_sign() {
    let mut line = Line { changes: Vec::new(), ..line() };
    line.points[1] = LinePoint { verdict: Some(Mark::Fails), ..LinePoint::default() };
    for svg in both(&line) {
        assert!(texts(&svg).contains(&"verdict: FAIL".to_owned()));
        // Two crossed lines in the legend and two on the strip.
        assert_eq!(count(&svg, "polyline", Role::Bad.drawn()), 4);
    }
}

#[test]
fn a_long_history_has_few_columns_and_says_that_points_are_means() {
    let chart = long(10_000).chart();
    check(&chart);
    assert!(most_points(&chart.wide) <= 600 && most_points(&chart.narrow) <= 240);
    assert!(texts(&chart.wide).contains(&"each point: the mean of up to 17".to_owned()));
    assert!(chart.wide.len() < 60_000, "{} bytes", chart.wide.len());
}

#[test]
fn the_worst_verdict_of_many_is_shown() {
    let mut line = Line { changes: Vec::new(), ..long(10_000) };
    line.points[5000].verdict = Some(Mark::Fails);
    for svg in both(&line) {
        assert_eq!(count(&svg, "polyline", Role::Bad.drawn()), 4);
    }
}

#[test]
fn hardly_any_values_are_no_obstacle() {
    for points in [
        vec![],
        vec![LinePoint::default()],
        vec![LinePoint { mean: Some(0.0), ..LinePoint::default() }],
        vec![LinePoint { mean: Some(-1e99), high: Some(f64::INFINITY), ..LinePoint::default() }; 2],
        vec![LinePoint { mean: Some(1e99), low: Some(f64::NAN), ..LinePoint::default() }],
        vec![LinePoint { mean: Some(f64::MAX), ..LinePoint::default() }; 3],
    ] {
        both(&Line { points: points.clone(), prompts: Vec::new(), ..line() });
        both(&Line { points, ..line() });
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
    line.labels[4].text.clone_from(&hostile);
    line.references[0].label.clone_from(&hostile);
    line.epochs[0].text.clone_from(&hostile);
    for svg in both(&line) {
        assert!(!svg.contains("<script") && !svg.contains("onload=\""), "{svg}");
    }
}

#[test]
fn more_prompts_than_can_be_distinguished_are_counted() {
    let mut line = line();
    line.prompts =
        (0..9).map(|at| PromptLine { name: format!("p{at}"), metric_values: vec![Some(47.0); 5] }).collect();
    for svg in both(&line) {
        assert!(texts(&svg).contains(&"3 more prompts only in the table".to_owned()));
    }
    assert!(line.chart().description.contains("3 more prompts without a line"));
}

#[test]
fn a_small_chart_says_the_same_in_less_room() {
    let chart = Line { prompts: Vec::new(), ..line() }.small_chart();
    check(&chart);
    for svg in [&chart.wide, &chart.narrow] {
        let texts = texts(svg);
        for text in ["published 47.10", "+4.80 %", "axis does not start at 0"] {
            assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
        }
    }
    assert!(chart.wide.len() < line().chart().wide.len());
}

#[test]
fn where_labels_have_no_room_those_of_regressions_stay() {
    let change = |position: usize| Change {
        position,
        percent: if position % 6 == 5 { 4.44 } else { -3.33 },
        is_worse: position % 6 == 5,
    };
    let crowded = Line { changes: (0..18).map(change).collect(), ..long(18) };
    for svg in both(&crowded) {
        let texts = texts(&svg);
        let of = |label: &str| texts.iter().filter(|text| text.as_str() == label).count();
        assert_eq!(of("+4.44 %"), 3);
        assert!(of("-3.33 %") < 15);
    }
}
