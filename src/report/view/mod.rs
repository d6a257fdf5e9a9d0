//! What each page says, in words and formatted numbers: templates only loop over it.

pub(in crate::report) mod bisect;
pub(in crate::report) mod commit;
pub(in crate::report) mod compare;
pub(in crate::report) mod history;
pub(in crate::report) mod machines;
pub(in crate::report) mod method;
pub(in crate::report) mod overview;
pub(in crate::report) mod peers;
mod timeline;
mod track;

use serde::Serialize;

use crate::record::{Entry, EpochChange};
use crate::visible::one_line;

pub(in crate::report) use timeline::is_valid;
pub use timeline::{Change, EpochStart, Point, Timeline, changes_of, timelines};

/// So many digits of a sha are shown.
const DIGITS: usize = 12;

/// A commit and its page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitLink {
    /// The page, from a page of the site's own folder.
    pub href: String,
    /// The first digits of the sha.
    pub short: String,
}

impl CommitLink {
    /// The link of a sha; None where it is none, for a link is made of nothing else.
    pub fn of(sha: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_sha = sha.len() == 40 && sha.bytes().all(is_hex);
        is_sha.then(|| Self { href: format!("commit/{}.html", short(sha)), short: short(sha).to_owned() })
    }

    /// The link of a record's commit.
    pub fn of_entry(entry: &Entry) -> Option<Self> {
        Self::of(&entry.commit.as_ref()?.sha)
    }
}

/// The first digits of a sha: also the name of its page, for in ten thousand commits the other digits alone
/// would be a third of what a page may weigh.
pub(in crate::report) fn short(sha: &str) -> &str {
    sha.get(..DIGITS).unwrap_or(sha)
}

/// The place of a value among those that are known, which it joins.
fn place_in<T: PartialEq>(known: &mut Vec<T>, value: T) -> usize {
    known.iter().position(|it| *it == value).unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    })
}

/// A range of commits, as git writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::report) struct CommitRange {
    /// As in `55e9f04733a3..f0dae27cec4a`.
    text: String,
    /// The forge's comparison; None where the forge is not known.
    href: Option<String>,
}

impl CommitRange {
    /// From the commit before to this one; None where one of them is no sha.
    pub(in crate::report) fn of(from: &str, to: &str, forge: Option<&Forge>) -> Option<Self> {
        CommitLink::of(from).and(CommitLink::of(to))?;
        Some(Self {
            text: format!("{}..{}", short(from), short(to)),
            href: forge.map(|forge| forge.comparison(from, to)),
        })
    }
}

/// Where a forge compares two commits: an address with `{base}` and `{head}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    template: String,
}

impl Forge {
    /// From an address with `{base}` and `{head}` in it; None where it is no such address.
    pub fn of_template(template: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:?=&%+@{}".contains(&byte);
        let is_web = template.starts_with("https://") || template.starts_with("http://");
        let is_whole = template.contains("{base}") && template.contains("{head}");
        (is_web && is_whole && template.bytes().all(is_plain)).then(|| Self { template: template.to_owned() })
    }

    /// From the address of a git remote, as in `git@github.com:OWNER/NAME.git`; None of a local one. A name and a
    /// password in it are left out.
    pub fn of_remote(address: &str) -> Option<Self> {
        let (host, path) = match address.split_once("://") {
            Some(("https" | "http" | "ssh", rest)) => rest.split_once('/')?,
            Some(_) => return None,
            None => address.split_once(':').filter(|(host, _)| host.contains('.') && !host.contains('/'))?,
        };
        let host = host.rsplit('@').next()?;
        // The port of ssh is not the one of the web.
        let host = if address.starts_with("ssh") { host.split(':').next()? } else { host };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let infix = if host.contains("gitlab") { "/-" } else { "" };
        Self::of_template(&format!("https://{host}/{path}{infix}/compare/{{base}}...{{head}}"))
    }

    /// The page that compares two commits.
    fn comparison(&self, base: &str, head: &str) -> String {
        self.template.replace("{base}", base).replace("{head}", head)
    }

    /// The address that its links are made of.
    pub(in crate::report) fn template(&self) -> &str {
        &self.template
    }
}

pub(in crate::report) fn changed(change: &EpochChange) -> String {
    let value = |value: &Option<String>| {
        // Of a hash the first digits are enough.
        let value = value.as_deref().map_or_else(|| "unknown".to_owned(), one_line);
        let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { value[..DIGITS].to_owned() } else { value }
    };
    format!("{} {} to {}", one_line(&change.part), value(&change.from), value(&change.to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sha_becomes_a_link() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(CommitLink::of(sha).unwrap().href, "commit/0123456789ab.html");
        for other in ["", "../../etc/passwd", "javascript:alert(1)", &sha[..39], &sha.to_uppercase()] {
            assert_eq!(CommitLink::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_remote_leads_to_the_comparison_of_its_forge() {
        let hub = "https://github.com/owner/name/compare/{base}...{head}";
        for remote in [
            "git@github.com:owner/name.git",
            "https://github.com/owner/name.git",
            "https://user:secret@github.com/owner/name",
            "ssh://git@github.com:22/owner/name.git",
        ] {
            assert_eq!(Forge::of_remote(remote).unwrap().template, hub, "{remote}");
        }
        let lab = Forge::of_remote("git@gitlab.com:group/sub/name.git").unwrap();
        assert_eq!(lab.comparison("a", "b"), "https://gitlab.com/group/sub/name/-/compare/a...b");
        for local in ["/srv/name.git", "../name", "file:///srv/name", "C:\\name", "git@github.com:o/\"><n"] {
            assert_eq!(Forge::of_remote(local), None, "{local}");
        }
    }

    #[test]
    fn a_template_names_both_commits_and_is_a_web_address() {
        assert!(Forge::of_template("https://forge.test/{base}..{head}").is_some());
        for other in ["https://forge.test/{base}", "javascript:{base}{head}", "https://a/\"{base}{head}"] {
            assert_eq!(Forge::of_template(other), None, "{other}");
        }
    }
}
