//! Fixtures on disk: JSON that people review and git keeps.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::Formatter;

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, refuse_links, write_whole};

/// Of a fixture's path these last parts are no links: the file, its folder, and the folder around that.
pub const LINKS_REFUSED: usize = 3;

/// Reads a fixture; `hint` is for one that is not of the expected form.
///
/// # Errors
/// A file that is missing or not of the expected form.
pub fn read<T: DeserializeOwned>(path: &Path, hint: &str) -> Result<T> {
    let text = files::read_text(path, FileKind::Fixture).map_err(|error| error.or_hint(hint))?;
    serde_json::from_str(&text).map_err(|cause| {
        Error::input(format!("`{}` is not of the expected form: {cause}", path.display())).hint(hint)
    })
}

/// Reads a fixture; None where it is not there.
///
/// # Errors
/// As [`read`].
pub fn read_where_there<T: DeserializeOwned>(path: &Path, hint: &str) -> Result<Option<T>> {
    match path.metadata() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::io("read", path, &cause).as_input().hint(hint)),
        Ok(_) => read(path, hint).map(Some),
    }
}

/// Writes a fixture, one line a field.
///
/// # Errors
/// When the file cannot be written, or it or a folder around it is a link.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<PathBuf> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, OneLineAField::default());
    value
        .serialize(&mut serializer)
        .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", path.display())))?;
    text.push(b'\n');
    refuse_links(path, LINKS_REFUSED)?;
    write_whole(path, &text, Overwrite::Replace)?;
    Ok(path.to_owned())
}

/// JSON with a line for each field of the outermost value: short enough for git, readable in a
/// review, where a token a line would be neither.
#[derive(Default)]
struct OneLineAField {
    depth: usize,
}

impl OneLineAField {
    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(if self.depth == 0 { b"\n" } else { b"" })?;
        writer.write_all(bracket)
    }

    fn separate<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(match (self.depth, first) {
            (1, true) => b"\n  ",
            (1, false) => b",\n  ",
            (_, true) => b"",
            (_, false) => b", ",
        })
    }
}

impl Formatter for OneLineAField {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
