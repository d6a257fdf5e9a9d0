use super::super::tests::{check, count, most_points, texts};
use super::*;

fn strip() -> TokenStrip {
    let generation = |prompt: &str, stall_at: usize| Generation {
        prompt: prompt.to_owned(),
        steps_ms: (0..200_u8)
            .map(|step| {
                47.0 + f64::from(step % 7) * 0.1 + if usize::from(step) == stall_at { 300.0 } else { 0.0 }
            })
            .collect(),
    };
    TokenStrip {
        row: "prompt",
        title: "Decode steps".to_owned(),
        description: String::new(),
        generations: vec![generation("short", 50), generation("short", 999), generation("long", 120)],
        shown_percent: 99.0,
    }
}

#[test]
fn a_stall_is_marked_where_it_was_and_told() {
    let chart = strip().chart();
    check(&chart);
    for svg in [&chart.wide, &chart.narrow] {
        // Two stalls and the legend's sign.
        assert_eq!(count(svg, "polygon", Role::Bad.drawn()), 3);
        let texts = texts(svg);
        for text in ["short: 2 generations", "long: 1 generation", "decode step of the generation"] {
            assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
        }
        assert!(
            texts.iter().any(|it| it.starts_with("2 steps above") && it.ends_with("up to 347.1 ms")),
            "{texts:?}"
        );
    }
    assert!(
        chart
            .description
            .starts_with("3 generations of 2 prompts; the slowest step took 347.1 ms; 2 steps above")
    );
}

#[test]
fn without_a_stall_nothing_is_cut_off() {
    let mut strip = strip();
    for generation in &mut strip.generations {
        generation.steps_ms.retain(|ms| *ms < 100.0);
    }
    let chart = strip.chart();
    check(&chart);
    assert_eq!(count(&chart.wide, "polygon", Role::Bad.drawn()), 0);
    assert!(!chart.description.contains("above"));
}

#[test]
fn a_stall_of_a_long_generation_is_not_averaged_away() {
    let mut steps_ms = vec![47.0; 10_000];
    steps_ms[7777] = 400.0;
    let generations = vec![Generation { prompt: "long".to_owned(), steps_ms }];
    let chart = TokenStrip { generations, ..strip() }.chart();
    check(&chart);
    assert!(most_points(&chart.wide) <= 600 && most_points(&chart.narrow) <= 240);
    assert_eq!(count(&chart.narrow, "polygon", Role::Bad.drawn()), 2);
    assert!(texts(&chart.wide).contains(&"each point: the slowest of up to 17".to_owned()));
}

#[test]
fn what_is_no_time_is_left_out() {
    for steps_ms in [vec![], vec![f64::NAN], vec![f64::INFINITY, 47.0], vec![0.0], vec![1e99; 3]] {
        let is_there = steps_ms.iter().any(|ms| ms.is_finite());
        let generations = vec![Generation { prompt: "<b>".to_owned(), steps_ms }];
        let chart = TokenStrip { generations, ..strip() }.chart();
        check(&chart);
        assert_eq!(texts(&chart.wide).contains(&"no decode steps".to_owned()), !is_there);
    }
}

#[test]
fn prompts_without_a_row_are_counted() {
    let generation = |at: usize| Generation { prompt: format!("p{at}"), steps_ms: vec![47.0; 9] };
    let chart = TokenStrip { generations: (0..11).map(generation).collect(), ..strip() }.chart();
    check(&chart);
    assert!(texts(&chart.narrow).contains(&"3 more prompts not drawn".to_owned()));
}

#[test]
fn as_many_prompts_as_a_record_can_have_are_sorted_into_rows_at_once() {
    let generation = |at: usize| Generation { prompt: format!("own-{at}"), steps_ms: vec![47.0] };
    let strip = TokenStrip { generations: (0..64_000).map(generation).collect(), ..strip() };
    let began = std::time::Instant::now();
    assert_eq!(strip.rows().len(), 64_000);
    // A comparison with every row before takes most of a minute.
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}
