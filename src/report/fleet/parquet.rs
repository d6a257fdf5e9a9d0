//! A Parquet file that is written row by row, without Arrow: whole numbers, texts and lists of whole numbers. The same
//! rows give the same bytes. Its name has two parts: what its rows are of, and the sha256 of its bytes, by which damage is
//! seen before anything is read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{Type, TypePtr};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, NewFile};
use crate::record::{is_hex, sha256_of_file};

/// Values that a row group has in all its columns, and with them the memory that a file takes while it is written.
const GROUP_VALUES: usize = 1 << 18;
/// The file's own note of who wrote it. Without a version: the same rows are the same file.
const WRITTEN_BY: &str = "arcgauge";

const SHA256_DIGITS: usize = 64;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A signed whole number, or null.
    Integer,
    /// A text, or null.
    Text,
    /// Signed whole numbers; none where there are none.
    Integers,
}

impl Kind {
    /// As it is called in Parquet.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "INT64",
            Self::Text => "STRING",
            Self::Integers => "LIST of INT64",
        }
    }

    /// The kind of a column of a file; None of one that is of no table.
    fn of(column: &Type) -> Option<Self> {
        if column.is_group() {
            return Some(Self::Integers);
        }
        match column.get_physical_type() {
            Physical::INT64 => Some(Self::Integer),
            Physical::BYTE_ARRAY => Some(Self::Text),
            _ => None,
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Of a column of whole numbers.
    Integer(Option<i64>),
    /// Of a column of texts.
    Text(Option<String>),
    /// Of a column of lists.
    Integers(Vec<i64>),
}

/// A column of a table.
pub(super) struct Column<F: 'static> {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What it means, for the documentation.
    pub(super) meaning: &'static str,
    /// How its cell comes from what a row is of.
    pub(super) of: F,
}

/// The schema of a table.
pub(super) fn schema<F>(columns: &[Column<F>]) -> Result<TypePtr> {
    let columns = columns.iter().map(|Column { name, kind, .. }| match kind {
        Kind::Integer => format!("OPTIONAL INT64 {name};"),
        Kind::Text => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
        Kind::Integers => {
            format!("REQUIRED GROUP {name} (LIST) {{ REPEATED GROUP list {{ REQUIRED INT64 element; }} }}")
        }
    });
    let message = format!("message row {{ {} }}", columns.collect::<String>());
    let wrong = |cause| Error::harness(format!("a table has a schema that is none: {cause}"));
    parse_message_type(&message).map(Arc::new).map_err(wrong)
}

/// The values of a column that are not written yet, as Parquet has them: how far each is there, where lists begin, and
/// those that are there.
#[derive(Debug, Default)]
struct Values {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    integers: Vec<i64>,
    texts: Vec<ByteArray>,
}

impl Values {
    fn push(&mut self, cell: Cell) {
        match cell {
            Cell::Integer(value) => {
                self.definitions.push(i16::from(value.is_some()));
                self.integers.extend(value);
            }
            Cell::Text(value) => {
                self.definitions.push(i16::from(value.is_some()));
                self.texts.extend(value.map(|text| ByteArray::from(text.into_bytes())));
            }
            Cell::Integers(values) if values.is_empty() => {
                self.definitions.push(0);
                self.repetitions.push(0);
            }
            Cell::Integers(values) => {
                self.definitions.extend(values.iter().map(|_| 1));
                self.repetitions.extend((0..values.len()).map(|at| i16::from(at > 0)));
                self.integers.extend(values);
            }
        }
    }
}

/// A file, by what its rows are of and by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileName {
    pub(super) rows_sha256: String,
    bytes_sha256: String,
}

impl FileName {
    const EXTENSION: &'static str = ".parquet";

    /// None of a name that no file of a data set has.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (rows, bytes) = name.strip_suffix(Self::EXTENSION)?.split_once('-')?;
        let is_ours = [rows, bytes].iter().all(|part| is_hex(part, SHA256_DIGITS));
        is_ours.then(|| Self { rows_sha256: rows.to_owned(), bytes_sha256: bytes.to_owned() })
    }

    fn text(&self) -> String {
        format!("{}-{}{}", self.rows_sha256, self.bytes_sha256, Self::EXTENSION)
    }
}

/// The files of a folder of a data set. Errors: a folder that cannot be listed; a Parquet file that is none of ours.
pub(super) fn files_in(folder: &Path) -> Result<Vec<(FileName, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => {
            let error = Error::io("list", folder, &cause).as_input();
            return Err(error.hint("name a folder that can be written: `--output DIR`"));
        }
    };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(FileName::EXTENSION) {
            continue;
        }
        let path = entry.path();
        let named = FileName::parse(&name).filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let named = named.ok_or_else(|| unreadable(&path, "it has another name, or is no regular file"))?;
        files.push((named, path));
    }
    files.sort_unstable();
    Ok(files)
}

/// Whether a folder has a file of these rows.
pub(super) fn has_rows(folder: &Path, rows_sha256: &str) -> Result<bool> {
    Ok(files_in(folder)?.iter().any(|(name, _)| name.rows_sha256 == rows_sha256))
}

/// A file that is being written. It is there whole or not at all.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<NewFile>,
    folder: PathBuf,
    rows_sha256: String,
    kinds: Vec<Kind>,
    columns: Vec<Values>,
}

impl ParquetFile {
    /// Begins a file of this schema. Errors: a folder that cannot be written.
    pub(super) fn create(folder: &Path, rows_sha256: &str, schema: TypePtr) -> Result<Self> {
        let kinds: Option<Vec<Kind>> = schema.get_fields().iter().map(|column| Kind::of(column)).collect();
        let kinds = kinds.ok_or_else(|| Error::harness("a column is of a kind that no table has"))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::GZIP(GzipLevel::default()))
            .set_created_by(WRITTEN_BY.to_owned())
            .build();
        let file = NewFile::create(&folder.join(rows_sha256))?;
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties))
            .map_err(|cause| unwritten(folder, &cause))?;
        let columns = kinds.iter().map(|_| Values::default()).collect();
        Ok(Self { writer, folder: folder.to_owned(), rows_sha256: rows_sha256.to_owned(), kinds, columns })
    }

    /// Adds a row: a cell of each column, in their order.
    pub(super) fn push(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        let values: usize = self.columns.iter().map(|column| column.definitions.len()).sum();
        if values >= GROUP_VALUES { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<()> {
        self.try_write_group().map_err(|cause| unwritten(&self.folder, &cause))
    }

    fn try_write_group(&mut self) -> Result<(), ParquetError> {
        if self.columns.iter().all(|column| column.definitions.is_empty()) {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (kind, column) in self.kinds.iter().zip(&mut self.columns) {
            let Values { definitions, repetitions, integers, texts } = std::mem::take(column);
            let Some(mut out) = group.next_column()? else { break };
            match kind {
                Kind::Text => out.typed::<ByteArrayType>().write_batch(&texts, Some(&definitions), None)?,
                Kind::Integer => out.typed::<Int64Type>().write_batch(&integers, Some(&definitions), None)?,
                Kind::Integers => {
                    let repetitions = Some(repetitions.as_slice());
                    out.typed::<Int64Type>().write_batch(&integers, Some(&definitions), repetitions)?
                }
            };
            out.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends it. A file of its name is the same, and stays.
    pub(super) fn finish(mut self) -> Result<FileName> {
        self.write_group()?;
        let file = self.writer.into_inner().map_err(|cause| unwritten(&self.folder, &cause))?;
        let bytes_sha256 = sha256_of_file(file.temporary())?;
        let name = FileName { rows_sha256: self.rows_sha256, bytes_sha256 };
        file.keep_as(&name.text())?;
        Ok(name)
    }
}

/// A Parquet file of ours that is read again.
pub(super) struct ReadFile {
    reader: SerializedFileReader<File>,
    path: PathBuf,
}

impl ReadFile {
    /// Opens it. Errors: a file whose bytes are not those of its name, or that is no Parquet file.
    pub(super) fn open(name: &FileName, path: &Path) -> Result<Self> {
        // What reads Parquet trusts what it reads.
        if sha256_of_file(path)? != name.bytes_sha256 {
            return Err(unreadable(path, "its bytes are not those that its name is of"));
        }
        let file = files::open(path, FileKind::Large)?;
        let reader = SerializedFileReader::new(file).map_err(|cause| unreadable(path, &cause.to_string()))?;
        let read = Self { reader, path: path.to_owned() };
        let columns = read.schema();
        match columns.get_fields().iter().find(|column| Kind::of(column).is_none()) {
            None => Ok(read),
            Some(column) => Err(unreadable(path, &format!("its column `{}` is of no table", column.name()))),
        }
    }

    /// Its columns.
    pub(super) fn schema(&self) -> TypePtr {
        self.reader.metadata().file_metadata().schema_descr().root_schema_ptr()
    }

    /// The place of a column by its name.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.schema().get_fields().iter().position(|field| field.name() == column)
    }

    /// Gives each row, in their order.
    pub(super) fn for_each(&self, row: &mut dyn FnMut(Vec<Cell>) -> Result<()>) -> Result<()> {
        let rows =
            self.reader.get_row_iter(None).map_err(|cause| unreadable(&self.path, &cause.to_string()))?;
        for read in rows {
            let read = read.map_err(|cause| unreadable(&self.path, &cause.to_string()))?;
            row(self.cells(&read)?)?;
        }
        Ok(())
    }

    fn cells(&self, row: &Row) -> Result<Vec<Cell>> {
        let schema = self.schema();
        let columns = row.get_column_iter().zip(schema.get_fields());
        let cells = columns.map(|((_, value), column)| match (value, Kind::of(column)?) {
            (Field::Null, Kind::Integer) => Some(Cell::Integer(None)),
            (Field::Long(value), Kind::Integer) => Some(Cell::Integer(Some(*value))),
            (Field::Null, Kind::Text) => Some(Cell::Text(None)),
            (Field::Str(text), Kind::Text) => Some(Cell::Text(Some(text.clone()))),
            (Field::ListInternal(list), Kind::Integers) => {
                let long = |value: &Field| if let Field::Long(value) = value { Some(*value) } else { None };
                list.elements().iter().map(long).collect::<Option<_>>().map(Cell::Integers)
            }
            _ => None,
        });
        cells
            .collect::<Option<_>>()
            .ok_or_else(|| unreadable(&self.path, "a value is not of its column's kind"))
    }
}

fn unwritten(folder: &Path, cause: &ParquetError) -> Error {
    Error::harness(format!("cannot write a Parquet file in `{}`: {cause}", folder.display()))
        .hint("free some space there; what was written before is whole, and the same command goes on")
}

fn unreadable(path: &Path, cause: &str) -> Error {
    Error::input(format!("`{}` is no file of this data set: {cause}", path.display()))
        .hint("move it away, and export again: `cargo xtask history export --format parquet --output DIR`")
}
