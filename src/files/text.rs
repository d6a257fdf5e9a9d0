//! Text of others as bytes: UTF-8, and UTF-16 with a byte order mark, as Windows PowerShell writes it.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use crate::error::Error;

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are not read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// It has the mark of UTF-16 and breaks its rules.
    BrokenUtf16,
    /// Every second byte is 0, and no mark says which.
    UnmarkedUtf16,
    /// It has the mark of UTF-32.
    Utf32,
    /// Neither UTF-8 nor UTF-16.
    NotUtf8,
    /// A text that stands for the file in git, and is not the file.
    LfsPointer,
}

impl NoText {
    /// The next command.
    pub fn hint(self) -> &'static str {
        match self {
            Self::LfsPointer => LFS_HINT,
            _ => "write it as UTF-8: in PowerShell `COMMAND | Out-File -Encoding utf8 FILE`",
        }
    }

    /// The error of a file that a user has named or written.
    pub fn of_file(self, path: &Path) -> Error {
        Error::input(format!("`{}` cannot be read: {self}", path.display())).hint(self.hint())
    }
}

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenUtf16 => "it begins like UTF-16 and is not UTF-16 throughout",
            Self::UnmarkedUtf16 => "it looks like UTF-16 without a byte order mark",
            Self::Utf32 => "it is UTF-32",
            Self::NotUtf8 => "it is not UTF-8",
            Self::LfsPointer => "it is a pointer of git-lfs, and not the file itself",
        })
    }
}

/// How git-lfs brings a file in place of its pointer.
pub const LFS_HINT: &str = "fetch the files behind the pointers: `git lfs pull` in the folder";
const LFS_MARK: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Whether bytes are the text that stands for a file of git-lfs; the first of them are enough.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(LFS_MARK)
}

/// The text in bytes, without a byte order mark.
///
/// # Errors
/// When it is neither UTF-8 nor UTF-16 with a mark, or stands for another file.
pub fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, NoText> {
    if is_lfs_pointer(bytes) {
        return Err(NoText::LfsPointer);
    }
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(NoText::Utf32),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        // No text that is read here has a letter of 0.
        [_, 0, _, 0, ..] | [0, _, 0, _, ..] => Err(NoText::UnmarkedUtf16),
        _ => {
            let text = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
            std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| NoText::NotUtf8)
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, NoText> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return Err(NoText::BrokenUtf16) };
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(Cow::Owned).map_err(|_| NoText::BrokenUtf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a \u{fc}, \u{1f600}\r\n";

    fn utf_16_of(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn a_text_is_the_same_however_it_was_written() {
        let marked = [UTF_8_MARK, TEXT.as_bytes()].concat();
        let (little, big) = (utf_16_of(TEXT, u16::to_le_bytes), utf_16_of(TEXT, u16::to_be_bytes));
        for bytes in [TEXT.as_bytes(), &marked, &little, &big] {
            assert_eq!(text_of(bytes).as_deref(), Ok(TEXT));
        }
        assert_eq!(text_of(b"").as_deref(), Ok(""));
        assert_eq!(text_of(&utf_16_of("", u16::to_le_bytes)).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_text_says_why() {
        let mut odd = utf_16_of(TEXT, u16::to_le_bytes);
        odd.pop();
        for (bytes, why) in [
            (&odd[..], NoText::BrokenUtf16),
            (b"\xff\xfe\x00\xd8", NoText::BrokenUtf16),
            (b"{\0\"\0a\0", NoText::UnmarkedUtf16),
            (b"\0{\0\"", NoText::UnmarkedUtf16),
            (b"\xff\xfe\0\0{\0\0\0", NoText::Utf32),
            (b"\xfc\xfd", NoText::NotUtf8),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", NoText::LfsPointer),
        ] {
            assert_eq!(text_of(bytes), Err(why));
        }
    }
}
