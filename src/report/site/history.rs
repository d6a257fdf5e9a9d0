//! The page of the history with the files that it leads to.

use crate::error::Result;
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::site::Page;
use crate::report::view::history::{HistoryPage, HistorySources};
use crate::report::web::{HISTORY_SCRIPTS, HISTORY_STYLE};

/// The page first.
pub(super) fn history_pages(
    sources: HistorySources<'_>,
    site: &Site,
    renderer: &Renderer,
) -> Result<Vec<Page>> {
    let history = HistoryPage::of(sources)?;
    let shell = Shell::new(PageKind::History, "Trends", site);
    let parts = Parts {
        styles: vec![HISTORY_STYLE],
        scripts: HISTORY_SCRIPTS.to_vec(),
        data: Some(history.data),
        has_live_charts: true,
    };
    let html = renderer.page("history.html", &shell, &history.view, parts)?;
    let files = history.csv_files.into_iter().map(|file| Page { path: file.path, text: file.text });
    Ok([Page { path: PageKind::History.file().into(), text: html }].into_iter().chain(files).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::report::view::history::example::{entries, published, published_series, timelines_of};

    /// The chart library's size, as it is and compressed: 1.6.32 has 52,938 and 23,100 bytes.
    const LIBRARY: Size = Size { raw: 54_000, compressed: 24_000 };
    /// What the page may weigh at ten thousand commits and three prompts.
    const PAGE: Size = Size { raw: 4_000_000, compressed: 500_000 };
    /// What the library and our own scripts may weigh.
    const SCRIPTS: usize = 100_000;

    #[derive(Debug)]
    struct Size {
        raw: usize,
        compressed: usize,
    }

    fn size(text: &str) -> Size {
        let mut gzip =
            Command::new("gzip").arg("-9").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = gzip.stdin.take().unwrap();
        let bytes = text.as_bytes().to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
        let output = gzip.wait_with_output().unwrap();
        writer.join().unwrap();
        Size { raw: text.len(), compressed: output.stdout.len() }
    }

    #[test]
    #[ignore = "heavy: ten seconds"]
    fn ten_thousand_commits_are_no_burden() {
        let entries = entries(10_000);
        let timelines = timelines_of(&entries);
        let (published, series) = (published(), published_series());
        let sources =
            HistorySources { timelines: &timelines, published: &published, published_series: &series };
        let site = Site { records: entries.len(), newest_utc: None, is_demo: false };
        let pages = history_pages(sources, &site, &Renderer::new(None).unwrap()).unwrap();
        let page = size(&pages[0].text);
        assert!(page.raw + LIBRARY.raw <= PAGE.raw, "{page:?}");
        assert!(page.compressed + LIBRARY.compressed <= PAGE.compressed, "{page:?}");
        // What a commit costs, and not what the test has of them.
        assert!(page.raw > 500_000, "{page:?}");
    }

    #[test]
    fn our_own_scripts_are_small() {
        let own: usize = HISTORY_SCRIPTS.iter().map(|script| script.len()).sum();
        assert!(own + LIBRARY.raw <= SCRIPTS, "{own}");
    }
}
