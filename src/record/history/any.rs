//! A record whose kind is known when it has been read.

use crate::error::{Error, Result};
use crate::record::{AbRecord, Kept, PeersRecord, Place, RunRecord, header, open};

/// A record of any kind that can be kept.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyRecord {
    /// One run of `bench`.
    Run(Box<RunRecord>),
    /// One run of `ab`.
    Ab(Box<AbRecord>),
    /// One run of `peers`.
    Peers(Box<PeersRecord>),
}

impl AnyRecord {
    /// Reads the bytes of a record file, of whichever kind its header names.
    ///
    /// # Errors
    /// Bytes that are no whole record of a kind that is known.
    pub fn open(bytes: &[u8], name: &str) -> Result<Self> {
        match header(bytes, name)?.kind.as_str() {
            RunRecord::KIND => open(bytes, name).map(Box::new).map(Self::Run),
            AbRecord::KIND => open(bytes, name).map(Box::new).map(Self::Ab),
            PeersRecord::KIND => open(bytes, name).map(Box::new).map(Self::Peers),
            other => Err(Error::input(format!("record `{name}` is a `{other}`, which is not known here"))
                .hint("use a newer arcgauge")),
        }
    }

    /// Reads the bytes of a record file, and takes them only if such a record would have been written: by
    /// whoever it was, it is held to the rules of its schema.
    ///
    /// # Errors
    /// Bytes that are no whole record, or one that does not say what it measured.
    pub fn accept(bytes: &[u8], name: &str) -> Result<Self> {
        let record = Self::open(bytes, name)?;
        let major = header(bytes, name)?.schema.major;
        let checked = match &record {
            Self::Run(record) => check(record.as_ref(), major),
            Self::Ab(record) => check(record.as_ref(), major),
            Self::Peers(record) => check(record.as_ref(), major),
        };
        checked.map_err(|error| {
            Error::input(format!("record `{name}` is not taken: {error}")).hint("it is left as it is")
        })?;
        Ok(record)
    }

    /// The word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run(_) => RunRecord::KIND,
            Self::Ab(_) => AbRecord::KIND,
            Self::Peers(_) => PeersRecord::KIND,
        }
    }

    /// Where it belongs.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        match self {
            Self::Run(record) => record.place(),
            Self::Ab(record) => record.place(),
            Self::Peers(record) => record.place(),
        }
    }

    /// The run that it is filed by, without the rest.
    #[must_use]
    pub(super) fn into_run(self) -> RunRecord {
        match self {
            Self::Run(record) => *record,
            Self::Ab(record) => record.head.run,
            Self::Peers(record) => record.reference.run,
        }
    }

    /// The run that it is filed by: its own, that of its head, or that of the engine named first.
    #[must_use]
    pub fn run(&self) -> &RunRecord {
        match self {
            Self::Run(record) => record,
            Self::Ab(record) => &record.head.run,
            Self::Peers(record) => &record.reference.run,
        }
    }
}

fn check<R: Kept>(record: &R, major: u32) -> Result<()> {
    if major < R::SCHEMA.major { record.check_names() } else { record.check() }
}
