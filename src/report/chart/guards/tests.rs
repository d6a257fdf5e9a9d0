use super::super::tests::{check, count, most_points, texts};
use super::*;

fn guards() -> Guards {
    let guard = |name: &str, unit: &str, level: f64, limit: Option<f64>, tripped_s: Vec<f64>| Guard {
        name: name.to_owned(),
        unit: unit.to_owned(),
        readings: (0..60_u8)
            .map(|second| Reading {
                at_s: f64::from(second),
                figure: Some(level + f64::from(second % 5) * level / 50.0),
            })
            .collect(),
        limit,
        tripped_s,
    };
    let span =
        |label: &str, from_s: f64| ProcessSpan { label: label.to_owned(), from_s, to_s: from_s + 15.0 };
    Guards {
        title: "Guards".to_owned(),
        description: String::new(),
        guards: vec![
            guard("GPU clock", "MHz", 2400.0, Some(2300.0), vec![]),
            guard("other processes", "% of a core", 8.0, Some(9.0), vec![33.0]),
        ],
        processes: vec![span("process 1", 2.0), span("process 2", 20.0), span("process 3", 38.0)],
    }
}

#[test]
fn every_guard_has_its_row_its_unit_and_its_limit() {
    let chart = guards().chart();
    check(&chart);
    for svg in [&chart.wide, &chart.narrow] {
        let texts = texts(svg);
        for text in ["seconds since the run began", "a measured process runs", "tripped", "limit"] {
            assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
        }
        assert!(texts.iter().any(|it| it.starts_with("GPU clock, MHz (limit 2300)")), "{texts:?}");
        assert!(texts.iter().any(|it| it.starts_with("other processes, % of a core")), "{texts:?}");
        // Three processes in each of two rows.
        assert_eq!(count(svg, "rect", Role::Shade.drawn()), 6);
    }
    assert_eq!(chart.description, "2 guards; other processes tripped 1 time.");
}

#[test]
fn when_none_tripped_it_says_so() {
    let mut guards = guards();
    guards.guards[1].tripped_s.clear();
    assert_eq!(guards.chart().description, "2 guards; none tripped.");
    assert_eq!(count(&guards.chart().wide, "polyline", Role::Bad.drawn()), 0);
}

#[test]
fn many_readings_keep_their_peaks() {
    let mut guards = guards();
    guards.guards.truncate(1);
    let readings = (0..20_000_u32).map(|at| Reading {
        at_s: f64::from(at) * 0.1,
        figure: Some(if at == 12_345 { 9000.0 } else { 2000.0 }),
    });
    guards.guards[0].readings = readings.collect();
    let chart = guards.chart();
    check(&chart);
    assert!(most_points(&chart.wide) <= 600 && most_points(&chart.narrow) <= 240);
    // The peak touches the axis's last number but one at least.
    assert!(texts(&chart.wide).contains(&"10000".to_owned()));
}

#[test]
fn a_missing_reading_leaves_a_gap() {
    let mut guards = guards();
    guards.guards.truncate(1);
    let whole = count(&guards.chart().wide, "polyline", Role::Tokens.drawn());
    guards.guards[0].readings[30].figure = None;
    assert_eq!(count(&guards.chart().wide, "polyline", Role::Tokens.drawn()), whole + 1);
}

#[test]
fn odd_readings_are_no_obstacle() {
    let reading = |at_s: f64, figure: f64| Reading { at_s, figure: Some(figure) };
    for readings in [
        vec![],
        vec![reading(0.0, 0.0)],
        vec![reading(f64::NAN, 1.0)],
        vec![reading(1.0, f64::INFINITY), reading(2.0, 1e99)],
        vec![reading(-5.0, 1.0), reading(1e9, 1.0)],
    ] {
        let mut guards = guards();
        guards.guards[0].readings.clone_from(&readings);
        guards.guards[1].readings.clone_from(&readings);
        check(&guards.chart());
        guards.processes.clear();
        guards.guards[1].tripped_s.clear();
        check(&guards.chart());
    }
    let none = Guards { guards: Vec::new(), ..guards() };
    check(&none.chart());
    assert!(texts(&none.chart().wide).contains(&"no readings".to_owned()));
}

#[test]
fn guards_without_a_row_are_counted() {
    let mut many = guards();
    many.guards = vec![many.guards[0].clone(); 15];
    let chart = many.chart();
    check(&chart);
    assert!(texts(&chart.narrow).contains(&"3 more guards not drawn".to_owned()));
}
