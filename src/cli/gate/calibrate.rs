//! `gate calibrate`: what this machine's own A/A records say of its noise.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;

use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print, say};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate::{Calibration, calibrate as of_records};
use crate::judge::policy::Policy;
use crate::record::{Experiment, Machine, Outcome, PlanKind};
use crate::visible::one_line;

/// Flags of `gate calibrate`.
#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    /// The machine, by the name of its folder in the store [default: this one]
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Runs it.
pub(super) fn calibrate(args: &CalibrateArgs) -> Result<ExitCode> {
    let root = Root::find();
    let file = root.policy();
    let text = files::read_text(&file, FileKind::Text)?;
    let policy = Policy::parse(&text, &file.display().to_string())?;
    let machine = match &args.machine {
        Some(machine) => machine.clone(),
        None => Machine::of_this_host(None)?.slug,
    };
    let store = args.store.find(&root)?;
    let records = store.examine();
    let of_machine = records.filter_map(|examined| match examined.record {
        // Of this machine only what was measured here; a machine that is named may be another's.
        Ok(record) if record.plan == PlanKind::Ab && record.machine.slug == machine => {
            let counts = args.machine.is_some() || store.check_measured_here(&examined.path).is_ok();
            counts.then_some(record)
        }
        Ok(_) => None,
        Err(error) => {
            say(&format!("warning: {error}"));
            None
        }
    });
    let mut series: BTreeMap<Series, Vec<Experiment>> = BTreeMap::new();
    let genuine = |record: &Experiment| record.head().device.emulated_reason().is_none();
    let whole = |record: &Experiment| record.outcome != Outcome::Interrupted;
    for record in of_machine.filter(Experiment::is_against_itself).filter(genuine).filter(whole) {
        series.entry(Series::of(&record)).or_default().push(record);
    }
    let mut text = String::new();
    for (series, records) in &series {
        let records: Vec<&Experiment> = records.iter().collect();
        if let Some(calibration) = of_records(&records, &policy.sequential.rule()) {
            text += &reported(&series.name, &calibration);
        }
    }
    if text.is_empty() {
        return Err(Error::harness(format!("there is no A/A record of machine `{machine}` to learn from"))
            .hint("make some: `cargo xtask ab --base HEAD --head HEAD --measure-identical`"));
    }
    print(&format!("machine {}\n{text}", one_line(&machine)))?;
    Ok(ExitCode::from(exit_code::PASS))
}

/// What has to be the same in records that are taken together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    /// For people.
    name: String,
    model_sha256: String,
    workload_sha256: String,
    gpu: Option<String>,
}

impl Series {
    fn of(record: &Experiment) -> Self {
        let run = &record.head();
        let version = run.runtime.as_ref().map_or("unknown", |runtime| runtime.openvino_version.as_str());
        let mut name = format!(
            "{} on {}, OpenVINO {version}, {} prompts x {} tokens",
            run.model.name,
            run.device.actual(),
            run.workload.prompts.len(),
            run.workload.new_tokens
        );
        for difference in &record.head().differences {
            name += ", ";
            name += difference;
        }
        let (model_sha256, workload_sha256) = (run.model.sha256.clone(), run.workload.sha256.clone());
        Self { name: one_line(&name), model_sha256, workload_sha256, gpu: run.device.gpu_identity() }
    }
}

fn reported(name: &str, calibration: &Calibration) -> String {
    let Calibration { runs, pairs, pair_sd_percent, smallest_seen, said_regressed, false_alarm_percent } =
        calibration;
    let seen: Vec<String> = smallest_seen
        .iter()
        .map(|seen| format!("{:.2} % with {} pairs", seen.slowdown_percent, seen.pairs))
        .collect();
    format!(
        "\n{name}\n  A/A runs      {runs}, with {pairs} pairs\n  pair sd       {pair_sd_percent:.2} %\n  \
         can see       {} (a slow-down of this size, in four of five sessions)\n  \
         false alarms  {said_regressed} of {runs} runs said regressed; {false_alarm_percent:.2} % of sessions \
         drawn from their pairs would\n",
        seen.join(", ")
    )
}
