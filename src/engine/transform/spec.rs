//! The name of an arm: which transform, with which options. `turboquant:k6v4,rotation=hadamard` is one.
//!
//! The printed form leaves out defaults and has the options in one order, so that two spellings are one arm.

use std::fmt::{self, Display, Formatter, Write};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::transform::options::{Options, count};
use crate::error::{Error, Result};

/// What is done to the KV cache.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformSpec {
    /// How.
    pub method: Method,
    /// When rows are quantised; of the other methods the default.
    pub schedule: Schedule,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Nothing: the reference.
    None,
    /// All states are read and written back at each token, unchanged.
    Copy,
    /// TurboQuant: a norm, and the nearest centroids of a rotated unit vector.
    TurboQuant(TurboQuantSpec),
    /// Symmetric integers with a scale a group, of a row as it is or rotated.
    Absmax(AbsmaxSpec),
    /// KIVI: keys per channel over a block of tokens, values per token, both with an offset.
    Kivi(KiviSpec),
    /// Removes rows.
    Prune(PruneSpec),
}

/// When a row is quantised: once, when it is older than the newest `window` rows and `block` such rows have gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The newest rows, which stay exact. 0 by default, which shows the mechanics in a short answer; 128 is usual in
    /// practice.
    pub window: usize,
    /// Rows that are quantised together, so that states are copied once a block. 32 by default.
    pub block: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { window: 0, block: 32 }
    }
}

/// TurboQuant (arXiv 2504.19874).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurboQuantSpec {
    /// Bits a coordinate of a key, 1 to 8.
    pub keys: u8,
    /// Bits a coordinate of a value, 1 to 8.
    pub values: u8,
    /// With or without a correction of inner products.
    pub form: TurboQuantForm,
    /// How vectors are rotated.
    pub rotation: RotationKind,
    /// Whether the code is scaled back to length one.
    pub norm_correction: bool,
    /// Of the rotation.
    pub seed: u64,
    /// Whether the model's graph does it, as rows enter the cache, instead of this program between steps.
    pub in_graph: bool,
}

/// The two forms of TurboQuant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TurboQuantForm {
    /// Least squared error.
    #[default]
    Mse,
    /// One bit less of that, and one bit of what is left, so that inner products are unbiased.
    Prod,
}

/// How vectors are rotated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RotationKind {
    /// A matrix, uniform among all rotations.
    #[default]
    Haar,
    /// Random signs and a Hadamard transform.
    Hadamard,
}

/// Symmetric integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsmaxSpec {
    /// 4 or 8.
    pub bits: u8,
    /// Values that share a scale.
    pub group: usize,
    /// Whether rows are rotated before, by a Hadamard transform of this seed.
    pub hadamard: Option<u64>,
}

/// KIVI (arXiv 2402.02750).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiviSpec {
    /// Bits a coordinate of a key, 1 to 8.
    pub keys: u8,
    /// Bits a coordinate of a value, 1 to 8.
    pub values: u8,
    /// Tokens of a key's channel, and values of a row, that share a scale.
    pub group: usize,
}

/// Which rows stay.
#[derive(Debug, Clone, PartialEq)]
pub struct PruneSpec {
    /// By what rows are chosen in layers that see all of them; sliding layers keep the newest.
    pub scorer: Scorer,
    /// Rows that stay, in every layer.
    pub budget: usize,
    /// The first rows, which always stay.
    pub sinks: usize,
    /// The newest rows, which always stay.
    pub recent: usize,
    /// Rows that come in between two removals.
    pub period: usize,
    /// Whether the rows of the prompt always stay.
    pub keep_prompt: bool,
    /// Whether the budget may be less than what a sliding layer sees.
    pub allow_cut_window: bool,
}

/// By what rows are chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Scorer {
    /// The newest (StreamingLLM, arXiv 2309.17453).
    Newest,
    /// By chance, of a seed.
    Random(u64),
    /// By the attention of the newest queries (SnapKV, arXiv 2404.14469).
    Snap,
    /// By what calibrated queries would attend to (TriAttention, arXiv 2604.04921), from this file.
    Calibrated(PathBuf),
}

const NAMES: &str = "`none`, `copy`, `turboquant:k6v4`, `absmax:int8`, `absmax:int4`, `hadamard-int8`, `hadamard-int4`, \
     `kivi:k2v2`, `streaming-llm:ROWS`, `snapkv:ROWS`, `random:ROWS`, `triattention:ROWS,calibration=FILE`";
const DEFAULT_SEED: u64 = 1;
const DEFAULT_GROUP: usize = 32;

impl TransformSpec {
    /// The untouched reference.
    pub const fn none() -> Self {
        Self { method: Method::None, schedule: Schedule { window: 0, block: 32 } }
    }

    /// What the edit of the graph needs; None where the graph stays as it is.
    pub fn in_graph(&self) -> Option<&TurboQuantSpec> {
        match &self.method {
            Method::TurboQuant(spec) if spec.in_graph => Some(spec),
            _ => None,
        }
    }

    /// The seed of its rotation or choice; None where nothing is drawn.
    pub fn seed(&self) -> Option<u64> {
        match &self.method {
            Method::TurboQuant(spec) => Some(spec.seed),
            Method::Absmax(spec) => spec.hadamard,
            Method::Prune(PruneSpec { scorer: Scorer::Random(seed), .. }) => Some(*seed),
            _ => None,
        }
    }

    /// The same with another seed, where it has one.
    pub fn with_seed(mut self, seed: u64) -> Self {
        match &mut self.method {
            Method::TurboQuant(spec) => spec.seed = seed,
            Method::Absmax(AbsmaxSpec { hadamard: Some(of_spec), .. })
            | Method::Prune(PruneSpec { scorer: Scorer::Random(of_spec), .. }) => *of_spec = seed,
            _ => {}
        }
        self
    }

    /// Whether it needs queries, which the graph gives only with an edit.
    pub fn needs_queries(&self) -> bool {
        matches!(&self.method, Method::Prune(PruneSpec { scorer: Scorer::Snap, .. }))
    }
}

impl FromStr for TransformSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let mut options = Options::parse(text, options)?;
        let mut schedule = Schedule::default();
        let method = match name {
            "none" => Method::None,
            "copy" => Method::Copy,
            "turboquant" => Method::TurboQuant(turboquant(&mut options, &mut schedule)?),
            "absmax" => {
                let bits = options.first(INTEGERS, integer_bits)?;
                Method::Absmax(absmax(bits, false, &mut options, &mut schedule)?)
            }
            "hadamard-int4" => Method::Absmax(absmax(4, true, &mut options, &mut schedule)?),
            "hadamard-int8" => Method::Absmax(absmax(8, true, &mut options, &mut schedule)?),
            "kivi" => Method::Kivi(kivi(&mut options, &mut schedule)?),
            "streaming-llm" => Method::Prune(prune(&mut options, Scorer::Newest, 4, 0)?),
            "random" => {
                let seed = options.seed(DEFAULT_SEED)?;
                Method::Prune(prune(&mut options, Scorer::Random(seed), 0, 16)?)
            }
            "snapkv" => Method::Prune(prune(&mut options, Scorer::Snap, 0, 16)?),
            "triattention" => Method::Prune(triattention(&mut options)?),
            _ => {
                return Err(Error::input(format!("there is no KV transform `{name}`"))
                    .hint(format!("there are {NAMES}")));
            }
        };
        options.end()?;
        Ok(Self { method, schedule })
    }
}

const INTEGERS: &str = "`int8` or `int4`";
const BITS: &str = "bits of keys and values, 1 to 8, as in `k6v4`";

fn integer_bits(text: &str) -> Option<u8> {
    match text {
        "int8" => Some(8),
        "int4" => Some(4),
        _ => None,
    }
}

fn two_bits(text: &str) -> Option<(u8, u8)> {
    let (keys, values) = text.strip_prefix('k')?.split_once('v')?;
    let bits = |text: &str| text.parse().ok().filter(|bits| (1..=8).contains(bits));
    Some((bits(keys)?, bits(values)?))
}

fn schedule(options: &mut Options, schedule: &mut Schedule) -> Result<()> {
    schedule.window = options.count("window", schedule.window)?;
    schedule.block = options.positive("block", schedule.block)?;
    Ok(())
}

fn turboquant(options: &mut Options, when: &mut Schedule) -> Result<TurboQuantSpec> {
    let (keys, values) = options.first(BITS, two_bits)?;
    let form = options.choice("form", &[("mse", TurboQuantForm::Mse), ("prod", TurboQuantForm::Prod)])?;
    let kinds = [("haar", RotationKind::Haar), ("hadamard", RotationKind::Hadamard)];
    let rotation = options.choice("rotation", &kinds)?;
    let norm_correction = options.flag("norm-correction");
    let seed = options.seed(DEFAULT_SEED)?;
    let in_graph = options.flag("in-graph");
    schedule(options, when)?;
    if in_graph && form == TurboQuantForm::Prod {
        return Err(options.fault("form=prod", "the graph does the form `mse` only"));
    }
    if in_graph && *when != Schedule::default() {
        return Err(options.fault(
            "in-graph",
            "in the graph each row is quantised as it comes: leave out `window` and `block`",
        ));
    }
    Ok(TurboQuantSpec { keys, values, form, rotation, norm_correction, seed, in_graph })
}

fn absmax(bits: u8, hadamard: bool, options: &mut Options, when: &mut Schedule) -> Result<AbsmaxSpec> {
    let group = options.positive("group", DEFAULT_GROUP)?;
    let hadamard = if hadamard { Some(options.seed(DEFAULT_SEED)?) } else { None };
    schedule(options, when)?;
    Ok(AbsmaxSpec { bits, group, hadamard })
}

fn kivi(options: &mut Options, when: &mut Schedule) -> Result<KiviSpec> {
    let (keys, values) = options.first(BITS, two_bits)?;
    let group = options.positive("group", DEFAULT_GROUP)?;
    when.block = group;
    schedule(options, when)?;
    if !when.block.is_multiple_of(group) {
        return Err(options.fault(
            &format!("block={}", when.block),
            &format!("keys share a scale over {group} tokens: use a multiple of that"),
        ));
    }
    Ok(KiviSpec { keys, values, group })
}

fn prune(options: &mut Options, scorer: Scorer, sinks: usize, recent: usize) -> Result<PruneSpec> {
    let spec = PruneSpec {
        scorer,
        budget: rows_that_stay(options)?,
        sinks: options.count("sinks", sinks)?,
        recent: options.count("recent", recent)?,
        period: options.positive("period", 32)?,
        keep_prompt: options.flag("keep-prompt"),
        allow_cut_window: options.flag("allow-cut-window"),
    };
    always_stay(options, spec)
}

fn triattention(options: &mut Options) -> Result<PruneSpec> {
    let calibration = options.text("calibration")?;
    let calibration = calibration.ok_or_else(|| {
        options.fault("calibration", "name the file with the model's calibration: `calibration=FILE`")
    })?;
    let spec = PruneSpec {
        scorer: Scorer::Calibrated(PathBuf::from(calibration)),
        budget: rows_that_stay(options)?,
        sinks: options.count("sinks", 0)?,
        recent: options.count("window", 0)?,
        period: options.positive("period", 128)?,
        keep_prompt: !options.flag("free-prompt"),
        allow_cut_window: options.flag("allow-cut-window"),
    };
    always_stay(options, spec)
}

fn rows_that_stay(options: &mut Options) -> Result<usize> {
    let rows = |text: &str| count(text).filter(|rows| *rows > 0);
    options.first("the rows that stay, as in `128` and up to 16777216", rows)
}

fn always_stay(options: &Options, spec: PruneSpec) -> Result<PruneSpec> {
    if spec.sinks + spec.recent > spec.budget {
        return Err(options.fault(
            &spec.budget.to_string(),
            &format!("{} rows always stay: use a budget above that", spec.sinks + spec.recent),
        ));
    }
    Ok(spec)
}

impl Display for TransformSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Schedule { window, block } = self.schedule;
        let mut text = Printed::default();
        match &self.method {
            Method::None => return f.write_str("none"),
            Method::Copy => return f.write_str("copy"),
            Method::TurboQuant(spec) => {
                text.first("turboquant", &format!("k{}v{}", spec.keys, spec.values));
                text.flag("form=prod", spec.form == TurboQuantForm::Prod);
                text.flag("rotation=hadamard", spec.rotation == RotationKind::Hadamard);
                text.flag("norm-correction", spec.norm_correction);
                text.number("seed", spec.seed, DEFAULT_SEED);
                text.flag("in-graph", spec.in_graph);
            }
            Method::Absmax(spec) => {
                match spec.hadamard {
                    None => text.first("absmax", &format!("int{}", spec.bits)),
                    Some(_) => text.name(&format!("hadamard-int{}", spec.bits)),
                }
                text.number("group", spec.group, DEFAULT_GROUP);
                text.number("seed", spec.hadamard.unwrap_or(DEFAULT_SEED), DEFAULT_SEED);
            }
            Method::Kivi(spec) => {
                text.first("kivi", &format!("k{}v{}", spec.keys, spec.values));
                text.number("group", spec.group, DEFAULT_GROUP);
                text.number("window", window, 0);
                text.number("block", block, spec.group);
                return f.write_str(&text.0);
            }
            Method::Prune(spec) => {
                text.pruning(spec);
                return f.write_str(&text.0);
            }
        }
        text.number("window", window, Schedule::default().window);
        text.number("block", block, Schedule::default().block);
        f.write_str(&text.0)
    }
}

/// A name that grows option by option.
#[derive(Default)]
struct Printed(String);

impl Printed {
    fn name(&mut self, name: &str) {
        self.0.push_str(name);
    }

    fn first(&mut self, name: &str, value: &str) {
        let _ = write!(self.0, "{name}:{value}");
    }

    fn option(&mut self, option: &str) {
        self.0.push(if self.0.contains(':') { ',' } else { ':' });
        self.0.push_str(option);
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.option(name);
        }
    }

    fn number<N: Copy + PartialEq + Display>(&mut self, name: &str, value: N, default: N) {
        if value != default {
            self.option(&format!("{name}={value}"));
        }
    }

    fn pruning(&mut self, spec: &PruneSpec) {
        let (name, sinks, recent) = match spec.scorer {
            Scorer::Newest => ("streaming-llm", 4, 0),
            Scorer::Random(_) => ("random", 0, 16),
            Scorer::Snap => ("snapkv", 0, 16),
            Scorer::Calibrated(_) => ("triattention", 0, 0),
        };
        self.first(name, &spec.budget.to_string());
        self.number("sinks", spec.sinks, sinks);
        match &spec.scorer {
            Scorer::Calibrated(file) => {
                self.number("window", spec.recent, recent);
                self.number("period", spec.period, 128);
                self.flag("free-prompt", !spec.keep_prompt);
                self.option(&format!("calibration={}", file.display()));
            }
            scorer => {
                self.number("recent", spec.recent, recent);
                self.number("period", spec.period, 32);
                if let Scorer::Random(seed) = scorer {
                    self.number("seed", *seed, DEFAULT_SEED);
                }
                self.flag("keep-prompt", spec.keep_prompt);
            }
        }
        self.flag("allow-cut-window", spec.allow_cut_window);
    }
}

impl Serialize for TransformSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TransformSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn printed(text: &str) -> String {
        text.parse::<TransformSpec>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    #[test]
    fn a_name_is_printed_without_defaults_and_in_one_order() {
        for canonical in [
            "none",
            "copy",
            "turboquant:k6v4",
            "turboquant:k4v4,form=prod,rotation=hadamard,norm-correction,seed=3,window=128,block=64",
            "turboquant:k4v3,rotation=hadamard,in-graph",
            "absmax:int8",
            "absmax:int4,group=64",
            "hadamard-int4",
            "hadamard-int4:group=64,seed=2",
            "hadamard-int8:window=16",
            "kivi:k2v2",
            "kivi:k2v4,group=16,window=128,block=32",
            "streaming-llm:128",
            "streaming-llm:64,sinks=8,period=16,allow-cut-window",
            "snapkv:128",
            "random:128,recent=32,seed=2",
            "triattention:128,calibration=cal.json",
            "triattention:2048,window=128,period=64,free-prompt,calibration=/tmp/cal.json",
        ] {
            assert_eq!(printed(canonical), canonical);
        }
        assert_eq!(printed("turboquant:block=32,k6v4,seed=1,form=mse,window=0"), "turboquant:k6v4");
        assert_eq!(printed("turboquant:k6v4,window=128,seed=2"), "turboquant:k6v4,seed=2,window=128");
        assert_eq!(printed("streaming-llm:sinks=4,128"), "streaming-llm:128");
        assert_eq!(printed("hadamard-int4:group=32"), "hadamard-int4");
        assert_eq!(printed("kivi:k2v2,group=16,block=16"), "kivi:k2v2,group=16");
    }

    #[test]
    fn a_name_in_json_is_its_text() {
        let spec: TransformSpec = serde_json::from_str("\"turboquant:seed=2,k6v4\"").unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), "\"turboquant:k6v4,seed=2\"");
    }

    #[test]
    fn a_wrong_part_is_named_and_the_hint_lists_what_exists() {
        for (text, part, hint) in [
            ("turbo", "`turbo`", "`turboquant:k6v4`"),
            ("turboquant", "`turboquant`", "1 to 8"),
            ("turboquant:k9v4", "`k9v4`", "1 to 8"),
            ("turboquant:k0v4", "`k0v4`", "1 to 8"),
            ("turboquant:k4v4,form=sum", "`form=sum`", "`mse`, `prod`"),
            ("turboquant:k4v4,rotation=dct", "`rotation=dct`", "`haar`, `hadamard`"),
            ("turboquant:k4v4,colour=red", "`colour=red`", "`norm-correction`"),
            ("turboquant:k4v4,seed=1,seed=2", "`seed=2`", "once"),
            ("turboquant:k4v4,block=0", "`block=0`", "above 0"),
            ("turboquant:k4v4,window=-1", "`window=-1`", "a whole number"),
            ("turboquant:k4v4,in-graph,form=prod", "`form=prod`", "`mse` only"),
            ("turboquant:k4v4,in-graph,window=128", "`in-graph`", "`window`"),
            ("absmax:int5", "`int5`", "`int8` or `int4`"),
            ("kivi:k2v2,block=33", "`block=33`", "multiple"),
            ("none:fast", "`fast`", "no options"),
            ("streaming-llm:many", "`many`", "`128`"),
            ("streaming-llm:4,sinks=8", "`4`", "8 rows always stay"),
            ("triattention:128", "`calibration`", "`calibration=FILE`"),
            ("triattention:128,calibration=c.json,recent=4", "`recent=4`", "`window=`"),
            ("random:128,,seed=1", "``", "comma"),
            ("streaming-llm:18446744073709551615", "`18446744073709551615`", "up to 16777216"),
            ("streaming-llm:128,sinks=18446744073709551600,recent=100", "`sinks=", "up to 16777216"),
            ("random:128,recent=18446744073709551615", "`recent=", "up to 16777216"),
            ("snapkv:128,period=18446744073709551615", "`period=", "up to 16777216"),
            ("absmax:int8,window=18446744073709551615", "`window=", "up to 16777216"),
            ("kivi:k2v2,group=18446744073709551615", "`group=", "up to 16777216"),
            ("turboquant:k4v4,block=18446744073709551615", "`block=", "up to 16777216"),
        ] {
            let error = text.parse::<TransformSpec>().unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
            let given = error.hint_text().unwrap_or_else(|| panic!("{text}: no hint"));
            assert!(given.contains(hint), "{text}: {given}");
        }
    }
}
