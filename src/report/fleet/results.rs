//! What the queries of `reports/fleet` found, for a page: of each query the columns of its result, and how they are shown.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::report::document::{Cell, Document, Line, Table, number};
use crate::report::number::counted;
use crate::visible::one_line;

/// A table has so many rows at most; the files have all.
const MOST_ROWS: usize = 200;
const HOW_TO_QUERY: &str =
    "make it by `python3 reports/fleet/query.py DATA reports/fleet/*.sql --output results`";

/// A query of `reports/fleet`.
#[derive(Debug)]
struct Query {
    /// The name of its file.
    name: &'static str,
    heading: &'static str,
    /// What its rows are, and how to read them.
    explanation: &'static str,
    /// The label of the number of its rows at the top of the page.
    count: &'static str,
    /// What a result without rows means.
    none: &'static str,
    columns: &'static [Column],
}

/// A column of a result.
#[derive(Debug)]
struct Column {
    name: &'static str,
    shown: Shown,
}

#[derive(Debug, Clone, Copy)]
enum Shown {
    /// Text below this heading.
    Text(&'static str),
    /// A number below this heading.
    Number(&'static str),
    /// For programs alone.
    Hidden,
}

macro_rules! columns {
    ($($name:ident $kind:ident $(($heading:literal))?;)*) => {
        &[$(Column { name: stringify!($name), shown: Shown::$kind $(($heading))? },)*]
    };
}

/// In the order of the page.
const QUERIES: [Query; 6] = [
    Query {
        name: "speed",
        heading: "Speed by machine class",
        explanation: "Time per output token of the valid runs of the last 30 days, mean over units, with half of its \
                      95 % interval. A class is what a machine is made of; a unit is one machine of it.",
        count: "settings measured",
        none: "No valid run of the last 30 days.",
        columns: columns! {
            machine_class Text("machine class");
            model Text("model");
            device Text("device");
            openvino Text("OpenVINO");
            units Number("units");
            runs Number("runs");
            decode_steps Hidden;
            decode_ns Hidden;
            tpot_ms Number("TPOT ms");
            half_interval_ms Number("± ms");
        },
    },
    Query {
        name: "slow-units",
        heading: "Units that are slow for their class",
        explanation: "Units that are more than 5 % slower than the median unit of their class, with one model, \
                      OpenVINO and driver.",
        count: "slow units",
        none: "No unit is more than 5 % slower than the median unit of its class.",
        columns: columns! {
            unit_id Text("unit");
            machine_class Text("machine class");
            model Text("model");
            openvino Text("OpenVINO");
            gpu_driver Text("GPU driver");
            runs Number("runs");
            decode_steps Hidden;
            decode_ns Hidden;
            units Number("units of the class");
            tpot_ms Number("TPOT ms");
            over_median Number("times the median");
        },
    },
    Query {
        name: "creep",
        heading: "Units that become slower",
        explanation: "Units whose TPOT rose over the last 90 days with one driver and one OpenVINO: the slope in \
                      90 days, with half of its 95 % interval.",
        count: "units that become slower",
        none: "No unit becomes slower by more than 2 % in 90 days.",
        columns: columns! {
            unit_id Text("unit");
            machine_class Text("machine class");
            model Text("model");
            openvino Text("OpenVINO");
            gpu_driver Text("GPU driver");
            runs Number("runs");
            percent_in_90_days Number("% in 90 days");
            half_interval_percent Number("± %");
        },
    },
    Query {
        name: "driver-effect",
        heading: "Effect of a GPU driver",
        explanation: "TPOT of a unit after an update of its driver over that before it, less the change of the units \
                      of its class that kept theirs. Below 1 the new driver is faster.",
        count: "driver updates",
        none: "No unit changed its driver while others of its class kept theirs.",
        columns: columns! {
            machine_class Text("machine class");
            model Text("model");
            openvino Text("OpenVINO");
            before Text("driver before");
            after Text("driver after");
            units Number("units");
            tpot_ratio Number("TPOT ratio");
        },
    },
    Query {
        name: "regressions",
        heading: "Verdicts of A/Bs",
        explanation: "What became of the A/Bs of each OpenVINO and GPU driver.",
        count: "settings compared",
        none: "No A/B.",
        columns: columns! {
            model Text("model");
            device Text("device");
            head_openvino Text("OpenVINO of the head");
            gpu_driver Text("GPU driver");
            experiments Number("A/Bs");
            regressed Number("regressed");
            improved Number("improved");
            wrong_output Number("wrong output");
            undecided Number("undecided");
        },
    },
    Query {
        name: "invalid",
        heading: "Invalid runs",
        explanation: "Runs whose times a guard invalidated. A run in which two guards tripped counts for both.",
        count: "guards that tripped",
        none: "No guard tripped.",
        columns: columns! {
            machine_class Text("machine class");
            guard Text("guard");
            tripped Number("runs invalid");
            runs Number("all runs");
            percent Number("%");
        },
    },
];

/// The results of queries, each of another one.
#[derive(Debug)]
pub struct QueryResults {
    results: Vec<QueryResult>,
}

#[derive(Debug)]
struct QueryResult {
    query: &'static Query,
    file: PathBuf,
    /// Values in the order of the query's columns.
    rows: Vec<Vec<String>>,
}

impl QueryResults {
    /// Reads results from CSV, as `query.py` and DuckDB write it; which query each is of, its columns say.
    ///
    /// # Errors
    /// A file that cannot be read, is the result of no query, or has a value that its column cannot have; two results of
    /// one query.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let mut results: Vec<QueryResult> = Vec::new();
        for file in files {
            let result = QueryResult::read(file)?;
            if let Some(other) = results.iter().find(|other| other.query.name == result.query.name) {
                return Err(Error::input(format!(
                    "`{}` and `{}` are both results of `{}.sql`",
                    other.file.display(),
                    file.display(),
                    result.query.name
                ))
                .hint("name one of them; one query reads all files of a data set"));
            }
            results.push(result);
        }
        results.sort_by_key(|result| QUERIES.iter().position(|query| query.name == result.query.name));
        Ok(Self { results })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.results.len()
    }

    /// The report on them.
    pub fn document(&self) -> Document {
        let mut document = Document::default();
        document.text(Line::prose(
            "Results of queries on the records of many machines; `docs/fleet.md` says how they are made.",
        ));
        for result in &self.results {
            document.fact(result.query.count, result.rows.len().to_string());
        }
        self.results.iter().for_each(|result| result.add_to(&mut document));
        document
    }
}

/// Of the columns of another file the beginning is shown, characters.
const MOST_SHOWN: usize = 200;

impl QueryResult {
    fn read(file: &Path) -> Result<Self> {
        let text = files::read_text(file, FileKind::Imported).map_err(|error| error.hint(HOW_TO_QUERY))?;
        let fault = |what: String| Error::input(format!("`{}`: {what}", file.display())).hint(HOW_TO_QUERY);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let broken = |cause: csv::Error| fault(format!("this is no CSV: {cause}"));
        let headings = reader.headers().map_err(broken)?.clone();
        let query = QUERIES.iter().find(|query| query.has_columns(&headings)).ok_or_else(|| {
            let columns: Vec<&str> = headings.iter().collect();
            let columns: String = one_line(&columns.join(", ")).chars().take(MOST_SHOWN).collect();
            fault(format!("no query has a result with the columns `{columns}`"))
        })?;
        let place = |column: &Column| headings.iter().position(|heading| heading == column.name);
        let places: Vec<usize> = query.columns.iter().filter_map(place).collect();
        let mut rows = Vec::new();
        for (at, record) in reader.records().enumerate() {
            let record = record.map_err(broken)?;
            let values = places.iter().map(|at| record.get(*at).unwrap_or_default().to_owned());
            let values: Vec<String> = values.collect();
            let mut columns = query.columns.iter().zip(&values);
            if let Some((Column { name, .. }, value)) = columns.find(|(it, value)| !it.shown.takes(value)) {
                let (row, value) = (at + 1, one_line(value));
                return Err(fault(format!("`{name}` of row {row} is `{value}`, not a number")));
            }
            rows.push(values);
        }
        Ok(Self { query, file: file.to_owned(), rows })
    }

    fn add_to(&self, document: &mut Document) {
        let Query { heading, explanation, none, columns, .. } = self.query;
        document.section(*heading);
        document.text(*explanation);
        if self.rows.is_empty() {
            document.text(*none);
            return;
        }
        let headings = columns.iter().filter_map(|column| column.shown.heading());
        let rows = self.rows.iter().take(MOST_ROWS);
        let rows =
            rows.map(|row| columns.iter().zip(row).filter_map(|(column, value)| column.shown.cell(value)));
        document.table(Table::new(headings).with_rows(rows));
        if let Some(left) = self.rows.len().checked_sub(MOST_ROWS).filter(|left| *left > 0) {
            let name = self.file.file_name().unwrap_or_default().to_string_lossy();
            document.text(format!("{} more in `{name}`.", counted(left, "row")));
        }
    }
}

impl Query {
    /// In whatever order.
    fn has_columns(&self, headings: &csv::StringRecord) -> bool {
        headings.len() == self.columns.len()
            && self.columns.iter().all(|column| headings.iter().any(|heading| heading == column.name))
    }
}

impl Shown {
    /// Whether it can have this value: a number may be missing.
    fn takes(self, value: &str) -> bool {
        match self {
            Self::Text(_) | Self::Hidden => true,
            Self::Number(_) => value.is_empty() || value.parse::<f64>().is_ok_and(f64::is_finite),
        }
    }

    fn heading(self) -> Option<&'static str> {
        match self {
            Self::Text(heading) | Self::Number(heading) => Some(heading),
            Self::Hidden => None,
        }
    }

    fn cell(self, value: &str) -> Option<Cell> {
        match self {
            Self::Text(_) => Some(value.into()),
            Self::Number(_) => Some(number(Some(value.to_owned()).filter(|value| !value.is_empty()))),
            Self::Hidden => None,
        }
    }
}
