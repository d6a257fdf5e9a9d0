//! The paths a Rust file names, seen from the crate's root: `use` trees opened, `super` resolved.

use super::tokens::Token;
use super::tree::File;

/// A path and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    /// From 1.
    pub(super) line: usize,
    /// Whether it was written from this crate: by `crate`, `self`, `super` or the crate's own name.
    pub(super) is_inside: bool,
    /// From the crate's root when it is inside, else as written.
    pub(super) segments: Vec<String>,
}

/// The library's own name, by which the binary calls it.
const OWN_NAME: &str = "arcgauge";

/// Every path of two segments or more, and everything a `use` brings in.
pub(super) fn named_paths(file: &File, tokens: Vec<Token<'_>>) -> Vec<NamedPath> {
    let mut reader = Reader { tokens, at: 0, module: module_of(&file.path), found: Vec::new() };
    reader.read();
    reader.found
}

/// `src/engine/mod.rs` and `src/engine.rs` are both the module `engine`.
fn module_of(path: &str) -> Vec<String> {
    let below = path.strip_prefix("src/").unwrap_or(path);
    let below = below.strip_suffix(".rs").unwrap_or(below);
    let mut module: Vec<String> = below.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// Where `self` is, inline modules included.
    module: Vec<String>,
    found: Vec<NamedPath>,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        let mut depth = 0;
        let mut inline = Vec::new(); // the depths at which inline modules began
        while let Some(token) = self.token(0) {
            match token.text {
                "mod" if self.is(2, "{") => {
                    self.module.extend(self.token(1).map(|name| name.text.to_owned()));
                    inline.push(depth);
                    self.at += 2;
                    continue; // the brace is counted next
                }
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        self.module.pop();
                    }
                }
                // `use<'a>` in a bound names lifetimes.
                "use" if !self.is(1, "<") => {
                    self.at += 1;
                    self.use_tree(&[]);
                    continue;
                }
                _ if token.is_word() && self.is(1, "::") && !self.continues_a_path() => {
                    self.path(token);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn token(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, text: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.text == text)
    }

    /// Behind `name::` or `>::` a word belongs to what began before; behind a leading `::` it begins.
    fn continues_a_path(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).map(|at| self.tokens[at]);
        before(1).is_some_and(|token| token.text == "::")
            && before(2).is_some_and(|token| token.is_word() || token.text == ">")
    }

    /// `a::b::c` in code.
    fn path(&mut self, first: Token<'a>) {
        let mut segments = vec![first.text];
        self.at += 1;
        while self.is(0, "::") && self.token(1).is_some_and(|token| token.is_word()) {
            segments.extend(self.token(1).map(|token| token.text));
            self.at += 2;
        }
        self.keep(first.line, &segments);
    }

    /// What stands behind `use`, or inside its braces: `a::{b, c::*} as d`.
    fn use_tree(&mut self, prefix: &[&'a str]) {
        let mut segments = prefix.to_vec();
        while let Some(token) = self.token(0) {
            match token.text {
                "::" | "$" => self.at += 1,
                "{" => {
                    self.at += 1;
                    // A semicolon only stands here in a file that does not compile.
                    while self.token(0).is_some() && !self.is(0, "}") && !self.is(0, ";") {
                        self.use_tree(&segments);
                        if self.is(0, ",") {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "," | "}" | ";" => return self.keep_unless_empty(token.line, &segments),
                "as" => self.at += 2,
                text => {
                    segments.push(text);
                    self.at += 1;
                }
            }
        }
    }

    fn keep_unless_empty(&mut self, line: usize, segments: &[&str]) {
        if !segments.is_empty() {
            self.keep(line, segments);
        }
    }

    fn keep(&mut self, line: usize, segments: &[&str]) {
        let (base, rest) = self.resolve(segments);
        let is_inside = base.is_some();
        let own = |segment: &&str| (*segment).to_owned();
        let segments = base.unwrap_or_default().into_iter().chain(rest.iter().map(own)).collect();
        self.found.push(NamedPath { line, is_inside, segments });
    }

    /// The module a path starts from, when it starts in this crate, and what follows.
    fn resolve<'s>(&self, segments: &'s [&'a str]) -> (Option<Vec<String>>, &'s [&'a str]) {
        match segments {
            ["crate" | OWN_NAME, rest @ ..] => (Some(Vec::new()), rest),
            ["self" | "super", ..] => {
                let mut module = self.module.clone();
                let steps = segments.iter().take_while(|it| ["self", "super"].contains(*it)).count();
                for _ in segments[..steps].iter().filter(|step| **step == "super") {
                    module.pop();
                }
                (Some(module), &segments[steps..])
            }
            _ => (None, segments),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tokens::tokens;
    use crate::tidy::tree::fixture;

    /// The paths inside with `crate`, the others as written.
    fn paths(path: &str, text: &str) -> Vec<String> {
        let tree = fixture::tree(&[(path, text)]);
        let found = named_paths(&tree.files[0], tokens(text));
        found
            .into_iter()
            .map(|path| {
                if path.is_inside {
                    format!("crate::{}", path.segments.join("::"))
                } else {
                    path.segments.join("::")
                }
            })
            .collect()
    }

    #[test]
    fn a_use_tree_is_opened() {
        let text = "pub(crate) use crate::{a::{B, c::D as E}, f::*, self as g}; use std::fs;";
        let expected = ["crate::a::B", "crate::a::c::D", "crate::f::*", "crate::self", "std::fs"];
        assert_eq!(paths("src/x/mod.rs", text), expected);
    }

    #[test]
    fn a_path_in_code_is_read_once_and_whole() {
        let text = "fn f() -> a::B<c::D> { <T as e::F>::g(); h.i(); ::j::k() }";
        assert_eq!(paths("src/x.rs", text), ["a::B", "c::D", "e::F", "j::k"]);
    }

    #[test]
    fn super_is_resolved_from_the_file_and_from_inline_modules() {
        assert_eq!(
            paths("src/x/y.rs", "use super::z; use super::super::w::v;"),
            ["crate::x::z", "crate::w::v"]
        );
        let text = "mod t { use super::super::a::b; } use super::c::d;";
        assert_eq!(paths("src/x/y.rs", text), ["crate::x::a::b", "crate::x::c::d"]);
        assert_eq!(paths("src/x.rs", "mod t { mod u { fn f() {} } use super::*; }"), ["crate::x::*"]);
    }

    #[test]
    fn the_crates_own_name_is_the_crate() {
        assert_eq!(paths("src/main.rs", "fn main() { arcgauge::cli::run() }"), ["crate::cli::run"]);
    }

    #[test]
    fn bounds_and_visibility_are_no_paths() {
        assert_eq!(paths("src/x.rs", "pub(crate) fn f() -> impl T + use<'a> {}"), Vec::<String>::new());
    }
}
