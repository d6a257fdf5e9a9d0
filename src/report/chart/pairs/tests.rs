use super::super::tests::{check, count, texts};
use super::*;

fn pairs() -> Pairs {
    let pair =
        |percent: f64, order, is_invalidated| PairPoint { percent: Some(percent), order, is_invalidated };
    Pairs {
        title: "Pairs".to_owned(),
        description: String::new(),
        metric: "time per token".to_owned(),
        better: Some(Direction::Lower),
        pairs: vec![
            pair(2.0, PairOrder::BaseFirst, false),
            pair(2.4, PairOrder::HeadFirst, false),
            pair(-9.0, PairOrder::BaseFirst, true),
            pair(1.8, PairOrder::HeadFirst, true),
        ],
        thresholds: vec![Threshold { label: "fails above".to_owned(), percent: 1.0 }],
        interval: Some(Interval {
            label: "mean, 95 %".to_owned(),
            low_percent: 1.5,
            mean_percent: 2.2,
            high_percent: 2.9,
        }),
    }
}

#[test]
fn order_invalidated_pairs_threshold_and_interval_are_seen_and_named() {
    let chart = pairs().chart();
    check(&chart);
    for svg in [&chart.wide, &chart.narrow] {
        let texts = texts(svg);
        for text in
            ["base ran first", "head ran first", "invalidated, base first", "fails above +1.00 %", "mean"]
        {
            assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
        }
        // In the legend and in the data.
        assert_eq!(count(svg, "circle", Role::Base.drawn()), 2);
        assert_eq!(count(svg, "polygon", Role::Head.drawn()), 2);
    }
    let reported = "4 pairs; 2 invalidated; mean, 95 %: +2.20 % (+1.50 % to +2.90 %); fails above +1.00 %.";
    assert_eq!(chart.description, reported);
}

#[test]
fn a_threshold_far_away_does_not_press_the_pairs_flat() {
    let thresholds = vec![Threshold { label: "fails above".to_owned(), percent: 500.0 }];
    let far = Pairs { thresholds, ..pairs() };
    assert!(far.axis().unwrap().high < 20.0);
    check(&far.chart());
}

#[test]
fn without_figures_there_are_no_pairs_to_see() {
    let none = PairPoint { percent: Some(f64::NAN), order: PairOrder::BaseFirst, is_invalidated: false };
    for pairs_of in [vec![], vec![none]] {
        let chart = Pairs { pairs: pairs_of, interval: None, ..pairs() }.chart();
        check(&chart);
        assert!(texts(&chart.wide).contains(&"no pairs with a figure".to_owned()));
    }
}

#[test]
fn odd_figures_are_no_obstacle() {
    let pair =
        |percent| PairPoint { percent: Some(percent), order: PairOrder::BaseFirst, is_invalidated: false };
    for pairs_of in [vec![pair(0.0)], vec![pair(1e99)], vec![pair(-50.0); 3], vec![pair(0.5); 2000]] {
        check(&Pairs { pairs: pairs_of.clone(), ..pairs() }.chart());
        check(&Pairs { pairs: pairs_of, interval: None, thresholds: Vec::new(), ..pairs() }.chart());
    }
}

#[test]
fn very_many_pairs_share_signs_and_say_so() {
    let pair = PairPoint { percent: Some(1.0), order: PairOrder::HeadFirst, is_invalidated: false };
    let chart = Pairs { pairs: vec![pair; 2000], ..pairs() }.chart();
    assert!(texts(&chart.wide).contains(&"each sign: up to 29 pairs".to_owned()));
    assert!(texts(&chart.wide).contains(&"mean of neighbouring pairs".to_owned()));
}
