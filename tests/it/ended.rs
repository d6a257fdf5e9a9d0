//! A run of the binary that has ended.

use std::process::Output;

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// # Panics
    /// Where the run wrote what is no UTF-8.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The exit code is 2, the error names `fault`, and the hint `help`.
    #[track_caller]
    pub(crate) fn refuses(&self, fault: &str, help: &str) -> &Self {
        self.exits(2);
        assert!(self.error().contains(fault), "the error does not say {fault:?}\n{self}");
        assert!(!help.is_empty() && self.hint().contains(help), "the hint does not say {help:?}\n{self}");
        assert_eq!(self.stdout, "", "a refusal has no results");
        self
    }

    /// stdout has this.
    #[track_caller]
    pub(crate) fn prints(&self, part: &str) -> &Self {
        assert!(self.stdout.contains(part), "stdout does not say {part:?}\n{self}");
        self
    }

    /// stderr has this.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> &Self {
        assert!(self.stderr.contains(part), "stderr does not say {part:?}\n{self}");
        self
    }

    /// What stands between `error: ` and the hint.
    fn error(&self) -> &str {
        let from = self.stderr.find("error: ").map_or("", |at| &self.stderr[at..]);
        from.split("\nhint: ").next().unwrap_or_default()
    }

    /// What stands after `hint: `; for a fault of usage, what the parser advises.
    fn hint(&self) -> &str {
        let marks = ["\nhint: ", "\nUsage: ", "\nFor more information, try '--help'"];
        let starts = marks.iter().filter_map(|mark| self.stderr.find(mark));
        starts.min().map_or("", |at| &self.stderr[at..])
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "--- exit code\n{code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
