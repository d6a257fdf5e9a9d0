//! Text that wants to be more than text on a page: wherever a record holds words of others, any of these may
//! be what it holds. What can run sets `window.pwned`, which [`crate::browser::Look`] looks for.

use std::fs;

use crate::browser::{self, Look};

/// Longer than any name or subject that somebody writes, and than a page should show.
const LONG: usize = 100_000;

/// Every text, in the order of the lists: elements, attributes, ends, templates, letters, addresses, styles.
pub(crate) fn payloads() -> Vec<String> {
    let fixed = [&ELEMENTS[..], &ATTRIBUTES, &ENDS, &TEMPLATES, &LETTERS, &ADDRESSES, &STYLES].concat();
    let long = ["a".repeat(LONG), "<b>".repeat(LONG / 3), "word ".repeat(LONG / 5)];
    fixed.into_iter().map(str::to_owned).chain(long).collect()
}

/// New elements that run, load or lead elsewhere.
const ELEMENTS: [&str; 18] = [
    "<script>window.pwned=1</script>",
    "<ScRiPt>window.pwned=1</sCrIpT >",
    "<scr<script>ipt>window.pwned=1</scr</script>ipt>",
    "<script src=http://127.0.0.1:9/pwned.js></script>",
    "<script type=module>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<img src=http://127.0.0.1:9/pwned.png>",
    "<svg onload=window.pwned=1>",
    "<svg><script>window.pwned=1</script></svg>",
    "<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>",
    "<iframe srcdoc=\"<script>parent.pwned=1</script>\"></iframe>",
    "<details open ontoggle=window.pwned=1>",
    "<input autofocus onfocus=window.pwned=1>",
    "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content=\"0;url=http://127.0.0.1:9/\">",
    "<link rel=import href=http://127.0.0.1:9/>",
    "<form action=http://127.0.0.1:9/><button autofocus>send</button></form>",
];

/// What leaves the value of an attribute, however that is quoted.
const ATTRIBUTES: [&str; 9] = [
    "\" onmouseover=\"window.pwned=1\" x=\"",
    "' onmouseover='window.pwned=1' x='",
    "` onmouseover=`window.pwned=1` x=`",
    " autofocus onfocus=window.pwned=1 tabindex=0 ",
    "\"><script>window.pwned=1</script>",
    "'><img src=x onerror=window.pwned=1>",
    "\\\"; window.pwned=1; //",
    "\\'; window.pwned=1; //",
    "&quot; onmouseover=&quot;window.pwned=1",
];

/// What ends the element or the comment around it.
const ENDS: [&str; 14] = [
    "</script><script>window.pwned=1</script>",
    "</SCRIPT\n><script>window.pwned=1</script>",
    "</title><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "</textarea><script>window.pwned=1</script>",
    "</template></svg></table></main><script>window.pwned=1</script>",
    "<!-- <script>",
    "<!--<script>window.pwned=1",
    "--><script>window.pwned=1</script>",
    "--!><script>window.pwned=1</script>",
    "]]><script>window.pwned=1</script>",
    "<![CDATA[<script>window.pwned=1</script>]]>",
    "<?xml-stylesheet href=\"http://127.0.0.1:9/\"?>",
    "<plaintext>",
];

/// What a template or a program would put something in for.
const TEMPLATES: [&str; 9] = [
    "{{7*7}} {{ 7 * 7 }}",
    "{{ get_env(name=\"HOME\") }} {{ __tera_context }}",
    "{% raw %}{{ 1 }}{% endraw %}",
    "{% include \"/etc/passwd\" %}",
    "{# a comment #}",
    "${window.pwned=1}",
    "#{window.pwned=1}",
    "`${window.pwned=1}`",
    "{\"__proto__\": {\"pwned\": 1}, \"constructor\": 1}",
];

/// Letters that end lines, turn them round, are not seen, or are half of one.
const LETTERS: [&str; 12] = [
    "a\u{2028}window.pwned=1\u{2029}b",
    "\";\u{2028}window.pwned=1;//",
    "\u{202e}gpj.exe\u{202c} \u{2066}x\u{2069} \u{200f}",
    "nul\0 bell\x07 escape\x1b[2J delete\x7f",
    "\x01\x02\x03\u{b}\u{c}\r\n\t\u{85}\u{9b}31m",
    "\u{feff}\u{200b}\u{200d}\u{fffe}\u{ffff}\u{10ffff}",
    "\\ud800 \\u003cscript\\u003ewindow.pwned=1\\u003c/script\\u003e",
    "&lt;script&gt;window.pwned=1&lt;/script&gt; &amp;lt; &#60;b&#62; &#x3c;i> &undefined; &#0; &#xd800;",
    "+ADw-script+AD4-window.pwned=1+ADw-/script+AD4-",
    "\u{ff1c}script\u{ff1e}window.pwned=1\u{ff1c}/script\u{ff1e}",
    "👩‍💻🇩🇪 e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} Z\u{351}\u{36b}a\u{343}\u{36a}lgo 𒐫﷽",
    "line one\nline two\r\n\r\n# a heading\n\n| a | b |",
];

/// What a link must not lead to.
const ADDRESSES: [&str; 8] = [
    "javascript:window.pwned=1",
    "JaVa\tScRiPt:window.pwned=1",
    "\x01javascript:window.pwned=1",
    "data:text/html,<script>opener.pwned=1</script>",
    "data:text/html;base64,PHNjcmlwdD53aW5kb3cucHduZWQ9MTwvc2NyaXB0Pg==",
    "vbscript:window.pwned=1",
    "//127.0.0.1:9/pwned",
    "../../../../../../etc/passwd",
];

/// What a style sheet or the style of an element would take for its own.
const STYLES: [&str; 5] = [
    "}body{display:none}",
    "<style>body{display:none}</style>",
    "x;background:url(http://127.0.0.1:9/pwned.png)",
    "</style><link rel=stylesheet href=http://127.0.0.1:9/pwned.css>",
    "@import url(http://127.0.0.1:9/pwned.css);",
];

#[test]
fn a_page_that_writes_an_element_or_an_end_as_it_is_is_found_out_by_the_browser() {
    let Some(browser) = browser::here() else { return };
    let folder = tempfile::tempdir().unwrap();
    let texts = [&ELEMENTS[..], &ENDS, &["a word"]].concat();
    let page = |(at, text): (usize, &&str)| {
        let path = folder.path().join(format!("{at}.html"));
        let around = if text.contains("</style>") { "<style>p {} " } else { "" };
        fs::write(&path, format!("<!doctype html><title>x</title>{around}<p>{text}</p>")).unwrap();
        path
    };
    let pages: Vec<_> = texts.iter().enumerate().map(page).collect();
    let look = Look {
        widths: vec![768],
        schemes: vec!["light"],
        javascript: vec![true],
        axe: false,
        tabs: 0,
        ..Look::at(&pages)
    };
    let mut looks = browser.look(&look).looks;
    let harmless = looks.pop().unwrap();
    assert!(harmless.faults.is_empty(), "{harmless:?}");
    for (seen, text) in looks.iter().zip(&texts) {
        assert!(!seen.faults.is_empty() || seen.nodes != harmless.nodes, "nobody sees {text:?}");
    }
    // Most do harm where they are let, so that a page on which nothing is seen has let none.
    let ran = looks.iter().filter(|seen| seen.kinds().contains(&"ran")).count();
    assert!(ran >= 15, "only {ran} ran");
}
