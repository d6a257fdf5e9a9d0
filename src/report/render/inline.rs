//! Scripts, styles and data that stand within a page, and the policy that names them.

use std::fmt::Write;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::record::sha256_source;

/// The Content-Security-Policy of a page: it loads nothing, sends nothing, and runs these scripts and styles
/// alone.
pub(super) fn security_policy(scripts: &[&str], styles: &[&str]) -> String {
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
