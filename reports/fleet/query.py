"""Runs queries in SQL on a data set of `history export --format parquet`; the results are CSV.

    python3 reports/fleet/query.py DATA QUERY.sql
    python3 reports/fleet/query.py DATA QUERY.sql... --output DIR
    python3 reports/fleet/query.py --spark spark://HOST:7077 DATA QUERY.sql

The result of one query is printed, unless a folder is named, in which each result then has its query's name. DATA is the
folder of the data set; with Spark it may also be an address that the cluster reads. Each table of it is a view of its
name, in which a record is once, though it is in several files.
"""

import argparse
import csv
import json
import pathlib
import sys
import time

# The kind of each column of each table.
TABLES = json.loads(pathlib.Path(__file__).with_name("tables.json").read_text(encoding="utf-8"))
# What names a row of each table.
KEYS = {
    "runs": "record_sha256, arm",
    "samples": "record_sha256, arm, sample",
    "tokens": "record_sha256, arm, sample",
    "guards": "record_sha256, arm, guard",
    "verdicts": "record_sha256",
    "pairs": "record_sha256, pair",
}


def once(table: str, source: str) -> str:
    """The view of a table: the first of equal rows."""
    keys = KEYS[table]
    numbered = f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {keys}) AS copy FROM {source}"
    return f"SELECT * FROM ({numbered}) AS numbered WHERE copy = 1"


def empty(table: str, kinds: dict[str, str]) -> str:
    """The view of a table that has no file, as that of A/Bs where there was none."""
    columns = TABLES[table] | {"machine_class": "STRING", "month": "STRING"}
    nulls = ", ".join(f"CAST(NULL AS {kinds[kind]}) AS {name}" for name, kind in columns.items())
    return f"SELECT {nulls} WHERE 1 = 0"


class DuckDb:
    """The data set on DuckDB, in this process."""

    KINDS = {"INT64": "BIGINT", "STRING": "VARCHAR", "LIST of INT64": "BIGINT[]"}

    def __init__(self, data: str) -> None:
        import duckdb

        self.connection = duckdb.connect()
        if not any(pathlib.Path(data).glob("runs/*/*/*.parquet")):
            raise ValueError("there is no data set")
        for table in KEYS:
            if not any(pathlib.Path(data, table).glob("*/*/*.parquet")):
                self.connection.execute(f"CREATE VIEW {table} AS {empty(table, self.KINDS)}")
                continue
            files = f"{data}/{table}/*/*/*.parquet".replace("'", "''")
            options = "hive_partitioning = true, hive_types_autocast = false, union_by_name = true"
            rows = f"read_parquet('{files}', {options})"
            self.connection.execute(f"CREATE VIEW {table} AS {once(table, rows)}")

    def result(self, query: str) -> tuple[list[str], list[tuple]]:
        result = self.connection.execute(query)
        return [column[0] for column in result.description], result.fetchall()


class Spark:
    """The data set on a cluster of Spark."""

    KINDS = {"INT64": "BIGINT", "STRING": "STRING", "LIST of INT64": "ARRAY<BIGINT>"}

    def __init__(self, master: str, data: str) -> None:
        from pyspark.errors import AnalysisException
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(master).appName("arcgauge")
        # A month is text, as on DuckDB.
        builder = builder.config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        for table in KEYS:
            try:
                rows = self.session.read.option("mergeSchema", "true").parquet(f"{data}/{table}")
            except AnalysisException:
                if table == "runs":
                    raise
                self.session.sql(empty(table, self.KINDS)).createOrReplaceTempView(table)
                continue
            rows.createOrReplaceTempView(f"{table}_files")
            self.session.sql(once(table, f"{table}_files")).createOrReplaceTempView(table)

    def result(self, query: str) -> tuple[list[str], list[tuple]]:
        result = self.session.sql(query)
        return result.columns, [tuple(row) for row in result.collect()]


def write(target, columns: list[str], rows: list[tuple]) -> None:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spark", metavar="URL", help="run it on a Spark cluster, and not on DuckDB")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("queries", metavar="QUERY.sql", type=pathlib.Path, nargs="+")
    parser.add_argument("--output", metavar="DIR", type=pathlib.Path, help="the folder of the results")
    wanted = parser.parse_args()
    if wanted.output is None and len(wanted.queries) > 1:
        parser.error("the results of several queries need a folder: --output DIR")
    query = wanted.queries[0]
    try:
        engine = Spark(wanted.spark, wanted.data) if wanted.spark else DuckDb(wanted.data)
        for query in wanted.queries:
            began = time.monotonic()
            columns, rows = engine.result(query.read_text(encoding="utf-8").rstrip().rstrip(";"))
            if wanted.output is None:
                write(sys.stdout, columns, rows)
                continue
            wanted.output.mkdir(parents=True, exist_ok=True)
            target = wanted.output / f"{query.stem}.csv"
            with open(target, "w", encoding="utf-8", newline="") as file:
                write(file, columns, rows)
            print(f"{target}: {len(rows)} rows in {time.monotonic() - began:.2f} s", file=sys.stderr)
    except ImportError as missing:
        sys.exit(f"error: there is no module `{missing.name}`\n\nhint: python3 -m pip install {missing.name}")
    except Exception as cause:  # each engine has errors of its own
        hint = "name the folder of `cargo xtask history export --format parquet`, and one of `reports/fleet/*.sql`"
        sys.exit(f"error: the query `{query}` on `{wanted.data}` failed: {cause}\n\nhint: {hint}")


if __name__ == "__main__":
    main()
