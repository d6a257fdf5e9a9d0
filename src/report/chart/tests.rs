//! What every chart keeps to, and what a reader sees of one.

use roxmltree::{Document, Node};

use crate::report::chart::layout::width;
use crate::report::chart::palette::{chart_rules, light_colours};
use crate::report::chart::{Chart, Form};

/// The texts of a drawing, as they are shown.
pub(super) fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).expect("a drawing is XML");
    let texts = document.descendants().filter(|node| node.has_tag_name(name("text")));
    texts.filter_map(|node| Some(node.text()?.trim().to_owned())).collect()
}

/// The longest line or surface of a drawing, in points.
pub(super) fn most_points(svg: &str) -> usize {
    let document = Document::parse(svg).expect("a drawing is XML");
    let points = document.descendants().filter(|node| node.has_tag_name(name("polyline")));
    points.map(|node| node.attribute("points").unwrap_or_default().split(' ').count()).max().unwrap_or(0)
}

/// How many elements of a drawing have this tag and this colour.
pub(super) fn count(svg: &str, tag: &str, colour: &str) -> usize {
    let document = Document::parse(svg).expect("a drawing is XML");
    let has_colour =
        |node: &Node<'_, '_>| [node.attribute("fill"), node.attribute("stroke")].contains(&Some(colour));
    document.descendants().filter(|node| node.has_tag_name(name(tag)) && has_colour(node)).count()
}

fn name(tag: &str) -> (&'static str, &str) {
    ("http://www.w3.org/2000/svg", tag)
}

pub(super) fn check(chart: &Chart) {
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
