//! Workflows as text: as much of YAML as they use, by its indentation, without comments.

use std::fs;
use std::path::Path;

/// A file of `.github/workflows`.
pub(crate) struct Workflow {
    /// Of the file, without its ending.
    pub(crate) name: String,
    /// As it is.
    pub(crate) with_comments: String,
    /// Without comments and empty lines.
    pub(crate) text: String,
}

/// One of its jobs.
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// One step of a job.
pub(crate) struct Step {
    pub(crate) text: String,
}

/// All of this checkout, by name.
pub(crate) fn workflows() -> Vec<Workflow> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.github/workflows"));
    let entries = fs::read_dir(folder).expect("the workflows").flatten();
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let with_comments = fs::read_to_string(&path).expect("a text");
            let lines = with_comments.lines().map(without_comment).filter(|line| !line.trim().is_empty());
            let text = lines.flat_map(|line| [line, "\n"]).collect();
            Workflow { name, with_comments, text }
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!found.is_empty(), "no workflows");
    found
}

/// A `#` that begins a comment follows white space and is followed by it; that of `gate #7` is none.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split_once(" # ").map_or(line, |(code, _)| code).trim_end()
}

impl Workflow {
    /// Whether a line is exactly this.
    pub(crate) fn has_line(&self, line: &str) -> bool {
        self.text.lines().any(|it| it == line)
    }

    /// The value of a key, wherever it stands first.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        value(&self.text, key)
    }

    /// The names of the events below `on:`.
    pub(crate) fn triggers(&self) -> Vec<String> {
        let below = self.text.lines().skip_while(|line| *line != "on:").skip(1);
        let events = below.take_while(|line| line.starts_with(' ')).filter(|line| indent(line) == 2);
        events.map(|line| line.trim().trim_end_matches(':').to_owned()).collect()
    }

    /// The jobs, in the order of the file.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        let below: Vec<_> = self.text.lines().skip_while(|line| *line != "jobs:").skip(1).collect();
        let blocks = blocks(&below, |line| indent(line) == 2);
        blocks
            .into_iter()
            .map(|text| {
                let name = text.lines().next().expect("its name").trim().trim_end_matches(':').to_owned();
                Job { name, text }
            })
            .collect()
    }
}

impl Job {
    /// The value of a key of the job itself, not of a step.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        value(self.head(), key)
    }

    /// A value that goes on over indented lines, as one line.
    pub(crate) fn folded(&self, key: &str) -> Option<String> {
        let begins = format!("    {key}: >-");
        let below = self.text.lines().skip_while(|line| *line != begins).skip(1);
        let lines: Vec<_> = below.take_while(|line| indent(line) > 4).map(str::trim).collect();
        (!lines.is_empty()).then(|| lines.join(" "))
    }

    /// What its token may do, as it is written.
    pub(crate) fn permissions(&self) -> Vec<&str> {
        let below = self.text.lines().skip_while(|line| *line != "    permissions:").skip(1);
        below.take_while(|line| indent(line) > 4).map(str::trim).collect()
    }

    /// Its steps, in their order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let below: Vec<_> = self.text.lines().skip_while(|line| *line != "    steps:").skip(1).collect();
        blocks(&below, |line| line.starts_with("      - ")).into_iter().map(|text| Step { text }).collect()
    }

    fn head(&self) -> &str {
        self.text.split("\n    steps:\n").next().unwrap_or_default()
    }
}

impl Step {
    /// The value of a key.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        value(&self.text, key)
    }

    /// What it gives to the shell, over one line or several.
    pub(crate) fn script(&self) -> Option<String> {
        match self.value("run")? {
            sign @ ("|" | ">-") => {
                let begins = format!("run: {sign}");
                let below = self.text.lines().skip_while(|line| line.trim() != begins).skip(1);
                let lines: Vec<_> = below.take_while(|line| indent(line) > 8).map(str::trim).collect();
                Some(lines.join("\n"))
            }
            line => Some(line.to_owned()),
        }
    }

    /// Whether it is the action that fetches a commit.
    pub(crate) fn is_checkout(&self) -> bool {
        self.value("uses").is_some_and(|action| action.starts_with("actions/checkout@"))
    }
}

/// `key: value` or `- key: value`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let begins = format!("{key}:");
    let line =
        |line: &'a str| line.trim_start().trim_start_matches("- ").strip_prefix(&begins).map(str::trim);
    text.lines().find_map(line)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines in pieces, each of which begins where it is said.
fn blocks(lines: &[&str], begins: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        if begins(line) {
            found.push(String::new());
        }
        if let Some(block) = found.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    found
}
