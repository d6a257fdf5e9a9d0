"""Runs a query in SQL on a data set of `history export --format parquet`, and prints the result as CSV.

    python3 reports/fleet/query.py DATA QUERY.sql
    python3 reports/fleet/query.py --spark spark://HOST:7077 DATA QUERY.sql

DATA is the folder of the data set; with Spark it may also be an address that the cluster reads. Each table of it is a
view of its name, in which a record is once, though it is in several files.
"""

import argparse
import csv
import pathlib
import sys

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


def on_duckdb(data: str, query: str) -> tuple[list[str], list[tuple]]:
    import duckdb

    connection = duckdb.connect()
    for table in KEYS:
        if not any(pathlib.Path(data, table).glob("*/*/*.parquet")):
            continue
        files = f"{data}/{table}/*/*/*.parquet".replace("'", "''")
        source = f"read_parquet('{files}', hive_partitioning = true, union_by_name = true)"
        connection.execute(f"CREATE VIEW {table} AS {once(table, source)}")
    result = connection.execute(query)
    return [column[0] for column in result.description], result.fetchall()


def on_spark(master: str, data: str, query: str) -> tuple[list[str], list[tuple]]:
    from pyspark.errors import AnalysisException
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master(master).appName("arcgauge").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for table in KEYS:
        try:
            rows = session.read.option("mergeSchema", "true").parquet(f"{data}/{table}")
        except AnalysisException:
            continue  # there is no such table
        rows.createOrReplaceTempView(f"{table}_files")
        session.sql(once(table, f"{table}_files")).createOrReplaceTempView(table)
    result = session.sql(query)
    rows = [tuple(row) for row in result.collect()]
    columns = result.columns
    session.stop()
    return columns, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spark", metavar="URL", help="run it on a Spark cluster, and not on DuckDB")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("query", metavar="QUERY.sql", type=pathlib.Path)
    wanted = parser.parse_args()
    try:
        query = wanted.query.read_text(encoding="utf-8").rstrip().rstrip(";")
        if wanted.spark:
            columns, rows = on_spark(wanted.spark, wanted.data, query)
        else:
            columns, rows = on_duckdb(wanted.data, query)
    except ImportError as missing:
        sys.exit(f"error: there is no module `{missing.name}`\n\nhint: python3 -m pip install {missing.name}")
    except Exception as cause:  # each engine has errors of its own
        hint = "name the folder of `cargo xtask history export --format parquet`, and one of `reports/fleet/*.sql`"
        sys.exit(f"error: the query `{wanted.query}` on `{wanted.data}` failed: {cause}\n\nhint: {hint}")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


if __name__ == "__main__":
    main()
