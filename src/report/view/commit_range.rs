//! The commits between two measured ones, with the forge's page of what changed there.

use serde::Serialize;

use crate::report::view::commit_link::{CommitLink, short};

/// A range of commits, as git writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitRange {
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

/// Where a forge compares two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    /// An address with `{base}` and `{head}` in it.
    template: String,
}

impl Forge {
    /// From an address with `{base}` and `{head}` in it; None where it is no such address.
    #[must_use]
    pub fn of_template(template: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:?=&%+@{}".contains(&byte);
        let is_web = template.starts_with("https://") || template.starts_with("http://");
        let is_whole = template.contains("{base}") && template.contains("{head}");
        (is_web && is_whole && template.bytes().all(is_plain)).then(|| Self { template: template.to_owned() })
    }

    /// From the address of a git remote, as in `git@github.com:OWNER/NAME.git`; None of a local one. A name and a
    /// password in it are left out.
    #[must_use]
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

    /// What its links are made of.
    pub(in crate::report) fn template(&self) -> &str {
        &self.template
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
