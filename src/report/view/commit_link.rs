//! A commit as a link to its page.

use serde::Serialize;

/// Where a sha is told to people, so many digits.
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
    #[must_use]
    pub fn of(sha: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_sha = sha.len() == 40 && sha.bytes().all(is_hex);
        is_sha.then(|| Self { href: format!("commit/{}.html", short(sha)), short: short(sha).to_owned() })
    }
}

/// The first digits of a sha: also the name of its page, for in ten thousand commits the other digits alone
/// would be a third of what a page may weigh.
pub(in crate::report) fn short(sha: &str) -> &str {
    sha.get(..DIGITS).unwrap_or(sha)
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
}
