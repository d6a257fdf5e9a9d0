//! From a view to a page: templates that escape what they are given, and a policy that lets nothing run but
//! what is named by its hash.

use std::fmt::Write;

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
pub struct Parts<'a> {
    /// Styles of its own, after the one that all pages have.
    pub styles: Vec<&'a str>,
    /// Scripts of its own, run after the one that all pages have.
    pub scripts: Vec<&'a str>,
    /// Data of its scripts, by [`json_block`].
    pub data: Option<String>,
    /// Whether its charts can be zoomed, where the chart library is there.
    pub has_live_charts: bool,
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
    pub fn identity(&self) -> String {
        let library = self.library.as_ref();
        let texts = TEMPLATES
            .iter()
            .map(|(_, text)| *text)
            .chain([self.style.as_str(), SITE_SCRIPT, env!("CARGO_PKG_VERSION")])
            .chain(library.into_iter().flat_map(|library| [library.script.as_str(), library.style.as_str()]));
        let hashes: Vec<String> = texts.map(|text| sha256_of_bytes(text.as_bytes())).collect();
        sha256_of_bytes(hashes.join(" ").as_bytes())
    }

    /// A whole page.
    ///
    /// # Errors
    /// A template that does not fit its view, which is a fault of arcgauge.
    pub fn page(
        &self,
        template: &str,
        shell: &Shell,
        view: &impl Serialize,
        parts: Parts<'_>,
    ) -> Result<String> {
        let library = self.library.as_ref().filter(|_| parts.has_live_charts);
        let scripts: Vec<&str> = library
            .map(|library| library.script.as_str())
            .into_iter()
            .chain([SITE_SCRIPT])
            .chain(parts.scripts)
            .collect();
        let styles: Vec<&str> = [self.style.as_str()]
            .into_iter()
            .chain(library.map(|library| library.style.as_str()))
            .chain(parts.styles)
            .collect();
        let inlined = json!({
            "security_policy": security_policy(&scripts, &styles),
            "styles": styles,
            "scripts": scripts,
            "data": parts.data,
        });
        let mut context = Context::new();
        context.insert("shell", &shell.0);
        context.insert("page", view);
        context.insert("inlined", &inlined);
        self.templates.render(template, &context).map_err(|cause| fault(template, &cause))
    }
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
pub fn json_block(value: &impl Serialize) -> Result<String> {
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
        match self {
            Self::Overview => "index.html",
            Self::History => "history.html",
            Self::Compare => "compare.html",
            Self::Bisects => "bisects.html",
            Self::Peers => "peers.html",
            Self::Kv => "kv.html",
            Self::Machines => "machines.html",
            Self::Method => "method.html",
            Self::Commit => "commit",
            Self::Comparison => "compare",
            Self::Fleet => "fleet.html",
        }
    }

    /// The template of its own, or the one that it shares.
    pub fn template(self) -> &'static str {
        match self {
            Self::Kv => Self::Peers.file(),
            Self::Comparison | Self::Fleet => "report.html",
            _ => self.file(),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Overview => "Status",
            Self::History => "Trends",
            Self::Compare | Self::Comparison => "Compare",
            Self::Bisects => "Bisects",
            Self::Peers => "Engines",
            Self::Kv => "KV cache",
            Self::Machines => "Machines",
            Self::Method => "Method",
            Self::Commit => "Commit",
            Self::Fleet => "Fleet",
        }
    }

    /// The way from this page to the site's folder.
    fn root(self) -> &'static str {
        match self {
            Self::Commit | Self::Comparison => "../",
            _ => "",
        }
    }

    /// The listed page that it belongs to.
    fn of_listed(self) -> Self {
        if self == Self::Comparison { Self::Compare } else { self }
    }
}

/// What is said of the whole site on each page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What it was made of, as in "3 records".
    pub made_of: String,
    /// When the newest of them began, UTC; None where there is none.
    pub newest_utc: Option<String>,
    /// Whether the records are invented.
    pub is_demo: bool,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Shell(Value);

impl Shell {
    /// The frame of a page of this kind.
    pub fn new(kind: PageKind, title: impl Into<String>, site: &Site) -> Self {
        let link = |listed: PageKind| {
            json!({
                "href": format!("{}{}", kind.root(), listed.file()),
                "label": listed.label(),
                "is_current": listed == kind.of_listed(),
            })
        };
        Self(json!({
            "title": title.into(),
            "root": kind.root(),
            "links": PageKind::LISTED.map(link),
            "made_of": site.made_of,
            "newest_utc": site.newest_utc,
            "is_demo": site.is_demo,
            "arcgauge_version": env!("CARGO_PKG_VERSION"),
        }))
    }
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
