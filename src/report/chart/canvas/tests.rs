use super::*;

fn drawn(draw: impl FnOnce(&Canvas<'_>)) -> String {
    let heading = Heading { title: "T", description: "<&\"'>" };
    drawing(Form::Narrow, &heading, |canvas| {
        draw(canvas);
        100.0
    })
}

#[test]
fn the_first_tag_says_what_it_is_and_leaves_the_size_to_the_page() {
    let svg = drawn(|_| ());
    let first = svg.split_once('>').unwrap().0;
    assert!(first.contains("viewBox=\"0 0 1360 400\" class=\"chart narrow\" role=\"img\""), "{first}");
    assert!(first.contains("font-size=\"52\""), "13 px at four units each: {first}");
    assert!(first.contains("aria-label=\"T. &lt;&amp;&quot;&apos;&gt;\""), "{first}");
    assert!(!first.contains(" width=") && !first.contains(" height="), "{first}");
}

#[test]
fn text_of_others_stays_text_and_is_escaped_once() {
    let svg = drawn(|canvas| canvas.text(Role::Ink, Anchor::Start, at(1.0, 1.0), "</text><script>&amp;"));
    assert!(svg.contains("&lt;/text&gt;&lt;script&gt;&amp;amp;"), "{svg}");
    assert_eq!(svg.matches("font-size").count(), 1, "of the first tag: {svg}");
}

#[test]
fn a_place_that_is_no_number_is_not_drawn() {
    let svg = drawn(|canvas| {
        canvas.line(Role::Mean, 1.0, &[at(f64::NAN, 1.0), at(2.0, 2.0), at(3.0, 3.0)]);
        canvas.disc(Role::Mean, at(1.0, f64::INFINITY), 3.0);
    });
    assert!(svg.contains("points=\"8,8 12,12\"/>"), "{svg}");
    assert!(!svg.contains("<circle"), "{svg}");
}

#[test]
fn a_dashed_role_is_drawn_dashed() {
    let svg = drawn(|canvas| canvas.line(Role::Epoch, 1.0, &[at(2.0, 2.0), at(3.0, 3.0)]));
    assert!(svg.contains("stroke-dasharray=\"16 16\""), "{svg}");
}
