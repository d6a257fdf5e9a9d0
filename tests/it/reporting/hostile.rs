//! Text of others, wherever they can put it, stays text: it makes the same lines, the same commands, the
//! same elements and the same markup as a harmless word.

use arcgauge::record::{Experiment, Verdict};
use arcgauge::visible::one_line;
use pulldown_cmark::{Event, Options, Parser, TextMergeStream};
use roxmltree::Document;
use serde_json::Value;

use super::{annotations_of, json_of, junit_of, markdown_of, text_of};
use crate::forged_ab::hostile;

const HOSTILE: [&str; 36] = [
    "$(touch x)",
    "`touch x`",
    "'; touch x; '",
    "::error::all is well",
    "\n::error::all is well",
    "\r::add-mask::a",
    "\u{2028}::stop-commands::x",
    "##[error]all is well",
    "%0A::error::all is well",
    "a,title=b:c::d",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<!-- hidden -->",
    "]]><failure/>",
    "\"/><failure message=\"",
    "&amp; &lt; &#0; &undefined;",
    "a | b",
    "a \\| b \\\\| c",
    "two\nlines",
    "two\r\n\r\n# A heading\n\n- item",
    "@everyone and @octocat",
    "fixes #1, GH-1, owner/repository#5",
    "[x](javascript:alert(1))",
    "[x]: https://example.org",
    "![](https://example.org/a.png)",
    "https://example.org/ www.example.org a@example.org",
    "**bold** _it_ ~~gone~~",
    "``` \n code",
    "</testsuite></testsuites>",
    ":white_check_mark:",
    "\u{202e}gpj.exe\u{202c} \u{2066}x\u{2069}",
    "nul\0",
    "\x1b[2J\x1b[1;1H\x1b]0;title\x07",
    "\u{b}\u{c}\u{85}\u{9b}31m",
    "\u{fffe}\u{ffff}\u{feff}\u{200b}",
    "\\ \\n \\u{0} %s {} {{x}}",
];

/// Every forgery with every text, beside the same with a word.
fn each(check: impl Fn(&str, &Experiment, &Experiment)) {
    for verdict in Verdict::ALL {
        let harmless = hostile(verdict, "word");
        for text in HOSTILE {
            check(text, &hostile(verdict, text), &harmless);
        }
    }
}

#[test]
fn a_terminal_and_a_log_get_our_lines_and_nothing_that_cannot_be_seen() {
    each(|hostile, reported, harmless| {
        let text = text_of(reported);
        assert_eq!(text.lines().count(), text_of(harmless).lines().count(), "{hostile:?}: {text}");
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{hostile:?}: {text:?}");
        assert!(!text.contains("##["), "{hostile:?}: {text}");
        assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{2028}', '\u{feff}']), "{hostile:?}: {text:?}");
        let is_command = |line: &str| line.trim_start().starts_with("::");
        assert!(!text.lines().any(is_command), "{hostile:?}: {text}");
    });
}

#[test]
fn a_runner_gets_our_commands_and_no_other() {
    each(|hostile, reported, harmless| {
        let (text, expected) = (annotations_of(reported), annotations_of(harmless));
        let kinds = |text: &str| -> Vec<String> {
            let kind = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
            text.split(['\n', '\r']).map(kind).collect()
        };
        assert_eq!(kinds(&text), kinds(&expected), "{hostile:?}: {text}");
        for line in text.lines() {
            // As a runner reads it: the properties end at the first `::`, and a comma parts them.
            let (properties, _) = line[2..].split_once("::").unwrap();
            assert!(properties.split_once(" title=arcgauge%3A ").is_some(), "{hostile:?}: {line}");
            assert!(!properties.contains(','), "{hostile:?}: {line}");
        }
        assert!(!text.contains("##["), "{hostile:?}: {text}");
    });
}

#[test]
fn junit_has_our_elements_and_the_text_within_them() {
    let names = |text: &str| -> Vec<String> {
        let document = Document::parse(text).unwrap_or_else(|cause| panic!("{cause}: {text}"));
        document.descendants().map(|node| node.tag_name().name().to_owned()).collect()
    };
    each(|hostile, reported, harmless| {
        let text = junit_of(reported);
        assert_eq!(names(&text), names(&junit_of(harmless)), "{hostile:?}: {text}");
        let document = Document::parse(&text).unwrap();
        let mut cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        let check = cases.find(|case| case.attribute("classname") == Some("check"));
        assert_eq!(check.unwrap().attribute("name"), Some(one_line(hostile).as_str()), "{text}");
    });
}

/// What a parser makes of Markdown that knows more markup than GitHub does.
fn events(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    let options = Options::all().difference(Options::ENABLE_SMART_PUNCTUATION);
    TextMergeStream::new(Parser::new_ext(markdown, options))
}

#[test]
fn a_pull_request_gets_our_markup_and_no_other() {
    let shape = |text: &str| -> Vec<String> {
        let reported = events(text).map(|event| match event {
            Event::Text(_) => "text".to_owned(),
            // The command to measure again names the base where that is a plain word.
            Event::Code(_) => "code".to_owned(),
            other => format!("{other:?}"),
        });
        reported.collect()
    };
    each(|hostile, reported, harmless| {
        let text = markdown_of(reported);
        assert_eq!(shape(&text), shape(&markdown_of(harmless)), "{hostile:?}: {text}");
        // GitHub looks for these in the text of the page, outside of code.
        let page = events(&text).filter_map(|event| match event {
            Event::Text(text) => Some(text.to_string()),
            _ => None,
        });
        let page = page.collect::<Vec<_>>().join("\n");
        for found in ["://", "@octocat", "@everyone", "@example", "#1", "#5", "GH-1", "www.", "##[", ":white"]
        {
            assert!(!page.contains(found), "{hostile:?} leaves {found:?}: {page}");
        }
    });
}

#[test]
fn a_program_gets_the_text_as_it_is() {
    each(|hostile, reported, _| {
        let text = json_of(reported);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["decision"]["reason"], hostile);
        assert_eq!(value["sides"]["head"]["commit"]["subject"], hostile);
        assert!(!text.contains("##["), "a runner takes it for a command: {text}");
    });
}
