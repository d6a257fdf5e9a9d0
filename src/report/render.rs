//! From a view to a page: templates that escape what they are given, and a policy that lets nothing run but
//! what is named by its hash.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};
use tera::{Context, Kwargs, State, Tera};

use crate::error::{Error, Result};
use crate::record::{sha256_of_bytes, sha256_source};
use crate::report::chart::palette;
use crate::report::document::prose;
use crate::report::web::ChartLibrary;

/// Each template and its text. The names end in `.html`, for it is by them that values are escaped.
const TEMPLATES: [(&str, &str); 11] = [
    ("shell.html", include_str!("templates/shell.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("bisects.html", include_str!("templates/bisects.html")),
    ("commit.html", include_str!("templates/commit.html")),
    ("compare.html", include_str!("templates/compare.html")),
    ("history.html", include_str!("templates/history.html")),
    ("index.html", include_str!("templates/index.html")),
    ("machines.html", include_str!("templates/machines.html")),
    ("peers.html", include_str!("templates/peers.html")),
    ("report.html", include_str!("templates/report.html")),
    ("method.html", include_str!("templates/method.html")),
];
const STYLE: &str = include_str!("web/site.css");
const SITE_SCRIPT: &str = include_str!("web/site.js");

/// What a page has beside its view.
#[derive(Debug, Default)]
pub(in crate::report) struct Parts<'a> {
    /// Styles of its own, after the one that all pages have.
    pub(in crate::report) styles: Vec<&'a str>,
    /// Scripts of its own, run after the one that all pages have.
    pub(in crate::report) scripts: Vec<&'a str>,
    /// Data of its scripts, by [`json_block`].
    pub(in crate::report) data: Option<String>,
    /// Whether its charts can be zoomed, where the chart library is there.
    pub(in crate::report) has_live_charts: bool,
}

/// Makes pages.
#[derive(Debug)]
pub struct Renderer {
    templates: Tera,
    style: String,
    library: Option<ChartLibrary>,
}

impl Renderer {
    /// With the chart library, where there is one: without it the pages are whole, and their charts stand
    /// still.
    ///
    /// # Errors
    /// A template that is none, which is a fault of arcgauge.
    pub fn new(library: Option<ChartLibrary>) -> Result<Self> {
        let mut templates = Tera::new();
        // What stands in backticks is code, in templates as in documents.
        templates.register_filter("code", |text: &str, _: Kwargs, _: &State| prose(text));
        templates.add_raw_templates(TEMPLATES).map_err(|cause| fault("shell.html", &cause))?;
        Ok(Self { templates, style: style(), library })
    }

    /// Names all that a page is made of beside its view: a page that was made with another is rendered again.
    pub(in crate::report) fn identity(&self) -> String {
        let library = self.library.as_ref();
        let texts = TEMPLATES
            .iter()
            .map(|(_, text)| *text)
            .chain([self.style.as_str(), SITE_SCRIPT, env!("CARGO_PKG_VERSION")])
            .chain(library.into_iter().flat_map(|library| [library.script.as_str(), library.style.as_str()]));
        let hashes: Vec<String> = texts.map(|text| sha256_of_bytes(text.as_bytes())).collect();
        sha256_of_bytes(hashes.join(" ").as_bytes())
    }

    /// A whole page, at the place of its kind.
    ///
    /// # Errors
    /// A template that does not fit its view, which is a fault of arcgauge.
    pub(in crate::report) fn page(
        &self,
        kind: PageKind,
        title: &str,
        site: &Site,
        view: &Value,
        parts: Parts<'_>,
    ) -> Result<Page> {
        let library = self.library.as_ref().filter(|_| parts.has_live_charts);
        let mut scripts: Vec<&str> = library.map(|library| library.script.as_str()).into_iter().collect();
        scripts.push(SITE_SCRIPT);
        scripts.extend(parts.scripts);
        let mut styles = vec![self.style.as_str()];
        styles.extend(library.map(|library| library.style.as_str()));
        styles.extend(parts.styles);
        let inlined = json!({
            "security_policy": security_policy(&scripts, &styles),
            "styles": styles,
            "scripts": scripts,
            "data": parts.data,
        });
        let mut context = Context::new();
        context.insert("shell", &shell(kind, title, site));
        context.insert("page", view);
        context.insert("inlined", &inlined);
        let text = self.templates.render(kind.template(), &context);
        let text = text.map_err(|cause| fault(kind.template(), &cause))?;
        Ok(Page { path: kind.file().into(), text })
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its file, below the site's folder.
    pub path: PathBuf,
    /// Its bytes.
    pub text: String,
}

/// The style of all pages. The charts' colours come first: where the page has one of the same name, it counts.
fn style() -> String {
    let (light, dark) = (palette::light_colours(), palette::dark_colours());
    format!(
        ":root{{{light}}}@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\
         :root[data-theme=dark]{{{dark}}}\n{}{STYLE}",
        palette::chart_rules()
    )
}

fn fault(template: &str, cause: &tera::Error) -> Error {
    Error::harness(format!("the template `{template}` cannot be rendered: {cause}"))
        .hint("this is a fault of arcgauge; please report it")
}

/// The Content-Security-Policy of a page: it loads nothing, sends nothing, and runs these scripts and styles
/// alone.
fn security_policy(scripts: &[&str], styles: &[&str]) -> String {
    let sources = |texts: &[&str]| {
        let hashes: Vec<String> = texts.iter().map(|text| format!("'{}'", sha256_source(text))).collect();
        if hashes.is_empty() { "'none'".to_owned() } else { hashes.join(" ") }
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        sources(scripts),
        sources(styles)
    )
}

/// A value as JSON that can stand in a `script` element: what could end the element, begin a comment, or end
/// a line of a script is written as its number.
///
/// # Errors
/// None in practice: what is reported is made of strings and numbers.
pub(in crate::report) fn json_block(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(value)
        .map_err(|cause| Error::harness(format!("the data of a page cannot be written: {cause}")))?;
    let mut block = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            // They occur within strings only, where JSON knows these forms.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(block, "\\u{:04x}", u32::from(letter));
            }
            other => block.push(other),
        }
    }
    Ok(block)
}

/// A page of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Status.
    Overview,
    /// Trends.
    History,
    /// Two runs, from the summaries in the page.
    Compare,
    /// Which side of several made it worse.
    Bisects,
    /// Engines side by side.
    Peers,
    /// Changes of the KV cache.
    Kv,
    /// Machines, epochs, noise.
    Machines,
    /// The rules.
    Method,
    /// One commit; it stands in a folder of its own.
    Commit,
    /// Two runs, all that is reported of them; these pages stand in a folder of their own.
    Comparison,
    /// What queries found in the records of a fleet.
    Fleet,
}

impl PageKind {
    /// Pages that every page leads to, in order.
    pub const LISTED: [Self; 8] = [
        Self::Overview,
        Self::History,
        Self::Compare,
        Self::Bisects,
        Self::Peers,
        Self::Kv,
        Self::Machines,
        Self::Method,
    ];

    /// Its file, below the site's folder; of those that are many, the folder.
    pub fn file(self) -> &'static str {
        self.file_and_label().0
    }

    fn file_and_label(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("index.html", "Status"),
            Self::History => ("history.html", "Trends"),
            Self::Compare => ("compare.html", "Compare"),
            Self::Bisects => ("bisects.html", "Bisects"),
            Self::Peers => ("peers.html", "Engines"),
            Self::Kv => ("kv.html", "KV cache"),
            Self::Machines => ("machines.html", "Machines"),
            Self::Method => ("method.html", "Method"),
            Self::Commit => ("commit", "Commit"),
            Self::Comparison => ("compare", "Compare"),
            Self::Fleet => ("fleet.html", "Fleet"),
        }
    }

    /// The template of its own, or the one that it shares.
    fn template(self) -> &'static str {
        match self {
            Self::Kv => Self::Peers.file(),
            Self::Commit => "commit.html",
            Self::Comparison | Self::Fleet => "report.html",
            _ => self.file(),
        }
    }

    /// The way from this page to the site's folder.
    fn root(self) -> &'static str {
        match self {
            Self::Commit | Self::Comparison => "../",
            _ => "",
        }
    }
}

/// What is said of the whole site on each page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Site {
    /// What it was made of, as in "3 records".
    pub(in crate::report) made_of: String,
    /// When the newest of them began, UTC; None where there is none.
    pub(in crate::report) newest_utc: Option<String>,
    /// Whether the records are invented.
    pub(in crate::report) is_demo: bool,
}

/// The frame of a page of this kind.
fn shell(kind: PageKind, title: &str, site: &Site) -> Value {
    let of_listed = if kind == PageKind::Comparison { PageKind::Compare } else { kind };
    let link = |listed: PageKind| {
        let (file, label) = listed.file_and_label();
        json!({ "href": format!("{}{file}", kind.root()), "label": label, "is_current": listed == of_listed })
    };
    json!({
        "title": title,
        "root": kind.root(),
        "links": PageKind::LISTED.map(link),
        "made_of": site.made_of,
        "newest_utc": site.newest_utc,
        "is_demo": site.is_demo,
        "arcgauge_version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_leave_its_element_and_is_still_the_same_data() {
        let hostile = "</script><script>alert(1)</script><!-- & \u{2028}\u{2029} \\u003c \" ' \0";
        let block = json_block(&hostile).unwrap();
        assert!(!block.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{block}");
        assert_eq!(serde_json::from_str::<String>(&block).unwrap(), hostile);
    }

    #[test]
    fn a_policy_names_what_may_run_and_nothing_else() {
        let policy = security_policy(&["a", "b"], &[]);
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert_eq!(policy.matches("'sha256-").count(), 2);
        assert!(policy.contains("style-src 'none'"));
        assert!(!policy.contains("unsafe"));
    }
}
