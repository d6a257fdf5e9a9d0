//! The templates, compiled in, and what stands in a page beside its view.

use serde::Serialize;
use tera::{Context, Tera};

use crate::error::{Error, Result};
use crate::record::sha256_of_bytes;
use crate::report::chart::palette;
use crate::report::render::Shell;
use crate::report::render::inline::security_policy;
use crate::report::web::ChartLibrary;

/// Each template and its text. The names end in `.html`, for it is by them that values are escaped.
const TEMPLATES: [(&str, &str); 10] = [
    ("shell.html", include_str!("../templates/shell.html")),
    ("parts.html", include_str!("../templates/parts.html")),
    ("commit.html", include_str!("../templates/commit.html")),
    ("compare.html", include_str!("../templates/compare.html")),
    ("comparison.html", include_str!("../templates/comparison.html")),
    ("history.html", include_str!("../templates/history.html")),
    ("index.html", include_str!("../templates/index.html")),
    ("machines.html", include_str!("../templates/machines.html")),
    ("peers.html", include_str!("../templates/peers.html")),
    ("method.html", include_str!("../templates/method.html")),
];
const STYLE: &str = include_str!("../web/site.css");
const SITE_SCRIPT: &str = include_str!("../web/site.js");

/// What a page has beside its view.
#[derive(Debug, Default)]
pub struct Parts<'a> {
    /// Styles of its own, after the one that all pages have.
    pub styles: Vec<&'a str>,
    /// Scripts of its own, run after the one that all pages have.
    pub scripts: Vec<&'a str>,
    /// Data of its scripts, by [`json_block`](crate::report::render::json_block).
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

#[derive(Serialize)]
struct Inlined<'a> {
    security_policy: String,
    styles: Vec<&'a str>,
    scripts: Vec<&'a str>,
    data: Option<String>,
}

impl Renderer {
    /// With the chart library, where there is one: without it the pages are whole, and their charts stand
    /// still.
    ///
    /// # Errors
    /// A template that is none, which is a fault of arcgauge.
    pub fn new(library: Option<ChartLibrary>) -> Result<Self> {
        let mut templates = Tera::new();
        templates.add_raw_templates(TEMPLATES).map_err(|cause| fault("shell.html", &cause))?;
        Ok(Self { templates, style: style(), library })
    }

    /// Names all that a page is made of beside its view: a page that was made with another is made anew.
    #[must_use]
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
        let inlined = Inlined {
            security_policy: security_policy(&scripts, &styles),
            styles,
            scripts,
            data: parts.data,
        };
        let mut context = Context::new();
        context.insert("shell", shell);
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
