//! Paths as they stand in commands that a user copies into a shell.

use std::path::Path;

/// A path as one word of a shell's command, quoted where that is needed: a command that removes must
/// never meet another file than the one that was meant.
pub(super) fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_the_path_that_was_meant() {
        for path in ["/plain/a-b_c.json", "/with a space", "/it's", "/a;b&&c", "/$HOME/*", "-", "/größer"] {
            let command = format!("printf %s {}", word(Path::new(path)));
            let output = Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), path);
        }
        assert_eq!(word(Path::new("/plain/a-b_c.json")), "/plain/a-b_c.json", "readable where it can be");
    }
}
