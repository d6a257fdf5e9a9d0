//! Whether the published value can be judged here: model, device and prompts must be the published ones.

use crate::cli::doctor::model::FoundModel;
use crate::cli::doctor::runtime::Seen;
use crate::cli::root::Root;
use crate::engine::openvino::{DeviceChoice, DeviceFacts};
use crate::error::Result;
use crate::golden::GoldenSet;
use crate::record::PublishedReference;
use crate::record::first_light::{Check, CheckStatus as Status};
use crate::workload::PromptSet;

const PUBLISHED: &str = "published value";
const ACCEPT: &str = "measure the published files until their output is verified (`cargo xtask model fetch`, \
    `cargo xtask bench`), then `cargo xtask baseline accept-model RECORD --reason \"...\"`";
const USE: &str = "use an accepted one: `cargo xtask model use DIR`; or accept this one by a verified record: \
    `cargo xtask baseline accept-model RECORD --reason \"...\"`";
const BLESS: &str = "`cargo xtask bench`, then `cargo xtask golden bless --reason \"...\"`";

/// What a `bench` with these flags would run.
#[derive(Default)]
struct Subject {
    /// Name and sha256 of the model, where its files are known.
    model: Option<(String, String)>,
    /// The device's name and what is known of it.
    device: Option<(String, DeviceFacts)>,
    /// Ids of the reference prompts.
    prompts: Vec<String>,
    /// Those that have a golden.
    golden: Vec<String>,
}

/// Looks at what a `bench` of this device would run.
pub(super) fn examine(
    device: &str,
    model: Option<&FoundModel>,
    openvino: Option<&Seen>,
    root: &Root,
) -> Vec<Check> {
    let identity = model.and_then(|model| model.identity.as_ref());
    let goldens = identity.map(|identity| GoldenSet::load(&root.goldens(&identity.name)));
    let ids = |prompts: PromptSet| prompts.prompts.into_iter().map(|prompt| prompt.id).collect();
    let subject = Subject {
        model: identity.map(|identity| (identity.name.clone(), identity.sha256.clone())),
        device: openvino.and_then(|seen| target(device, seen)),
        prompts: PromptSet::load(&root.prompts()).map(ids).unwrap_or_default(),
        golden: goldens.and_then(Result::ok).map_or_else(Vec::new, |set| set.goldens.into_keys().collect()),
    };
    compare(&PublishedReference::read(&root.published()), &subject)
}

/// The device that would run.
fn target(device: &str, seen: &Seen) -> Option<(String, DeviceFacts)> {
    let names: Vec<String> = seen.devices.iter().map(|(name, _)| name.clone()).collect();
    let target = DeviceChoice::settle(device, &names).ok()?.target;
    let (_, facts) = seen.devices.iter().find(|(name, _)| *name == target)?;
    Some((target, facts.clone()))
}

fn compare(published: &Result<PublishedReference>, subject: &Subject) -> Vec<Check> {
    let published = match published {
        Ok(published) => published,
        Err(error) => {
            return vec![Check::of_error(PUBLISHED, error, "`git checkout -- fixtures/baselines`")];
        }
    };
    let value = published.reference.value;
    let obstacles = [
        model(published, subject),
        device(published, subject),
        prompts(published, subject),
        goldens(published, subject),
    ];
    let obstacles: Vec<Check> = obstacles
        .into_iter()
        .flatten()
        .map(|(reason, hint)| {
            let found = format!("{value} tok/s is not judged here: {reason}");
            Check::trouble(Status::Skip, PUBLISHED, found, hint)
        })
        .collect();
    if !obstacles.is_empty() {
        return obstacles;
    }
    let found = format!(
        "{value} tok/s can be judged here: model, device and prompts are the published ones, {} tokens each",
        published.new_tokens
    );
    vec![Check::ok(PUBLISHED, found)]
}

/// Why the value cannot be judged, and what to do about it.
type Obstacle = (String, String);

fn model(published: &PublishedReference, subject: &Subject) -> Option<Obstacle> {
    let model = &published.model;
    if model.accepted.is_empty() {
        return Some((format!("no files are accepted as {} yet", model.name), ACCEPT.to_owned()));
    }
    match &subject.model {
        None => Some(("the model's files are not known".to_owned(), USE.to_owned())),
        Some((_, sha256)) if model.accepted(sha256).is_some() => None,
        Some((name, sha256)) => {
            let reason = format!("model `{name}` ({}) is not accepted as {}", short(sha256), model.name);
            Some((reason, USE.to_owned()))
        }
    }
}

fn device(published: &PublishedReference, subject: &Subject) -> Option<Obstacle> {
    let device = &published.device;
    let Some((name, facts)) = &subject.device else {
        let reason = "no device is there that could be compared";
        return Some((reason.to_owned(), "run `cargo xtask setup`".to_owned()));
    };
    let hint = format!("it is judged on an {} alone, by `--device GPU`", device.name);
    if let Some(reason) = &facts.emulated_reason {
        return Some((format!("`{name}` is emulated: {reason}"), hint));
    }
    if device.is(facts.pci_id.as_deref(), facts.execution_units) {
        return None;
    }
    let reason = match (&facts.pci_id, facts.execution_units) {
        (Some(id), Some(units)) if device.pci_ids.contains(id) => {
            format!(
                "`{name}` is no {}: it has `{units}` execution units, not {}",
                device.name, device.execution_units
            )
        }
        (Some(id), None) if device.pci_ids.contains(id) => {
            format!(
                "the execution units of `{name}` are unknown, and {} has {}",
                device.name, device.execution_units
            )
        }
        (Some(id), _) => format!("`{name}` is no {}: its PCI id is `{id}`", device.name),
        (None, _) if name.starts_with("GPU") => {
            format!("the PCI id of `{name}` is unknown, and without it no GPU is an {}", device.name)
        }
        (None, _) => format!("`{name}` is no {}", device.name),
    };
    Some((reason, hint))
}

fn prompts(published: &PublishedReference, subject: &Subject) -> Option<Obstacle> {
    if subject.prompts == published.prompts {
        return None;
    }
    let named = |ids: &[String]| format!("`{}`", ids.join("`, `"));
    let reason = format!(
        "the reference prompts are {}, and the published ones {}",
        named(&subject.prompts),
        named(&published.prompts)
    );
    Some((reason, "restore them: `git checkout -- fixtures/prompts`".to_owned()))
}

/// Output that nothing vouches for has no speed that could be judged.
fn goldens(published: &PublishedReference, subject: &Subject) -> Option<Obstacle> {
    let missing: Vec<&str> =
        published.prompts.iter().filter(|id| !subject.golden.contains(id)).map(String::as_str).collect();
    let reason = format!("the model has no golden for `{}`", missing.join("`, `"));
    (!missing.is_empty()).then(|| (reason, BLESS.to_owned()))
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::error::Error;
    use crate::record::AcceptedModel;

    const SHA256: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn shipped() -> PublishedReference {
        PublishedReference::parse(include_str!("../../../fixtures/baselines/published.json")).unwrap()
    }

    fn with_an_accepted_model() -> PublishedReference {
        let mut published = shipped();
        published.model.accepted.push(AcceptedModel {
            sha256: SHA256.to_owned(),
            reason: "the hub's".to_owned(),
            accepted_utc: "2026-11-29T07:00:00Z".to_owned(),
            run_id: "0123456789ab".to_owned(),
            commit: "5".repeat(40),
        });
        published
    }

    /// Everything as it was published.
    fn arc_140v() -> Subject {
        let prompts = shipped().prompts;
        Subject {
            model: Some(("gpt-oss-20b-int4-ov".to_owned(), SHA256.to_owned())),
            device: Some(gpu(Some("8086:64a0"), Some(64))),
            golden: prompts.clone(),
            prompts,
        }
    }

    fn gpu(pci_id: Option<&str>, execution_units: Option<u32>) -> (String, DeviceFacts) {
        let pci_id = pci_id.map(str::to_owned);
        ("GPU".to_owned(), DeviceFacts { pci_id, execution_units, ..DeviceFacts::default() })
    }

    fn report(published: PublishedReference, subject: &Subject) -> String {
        compare(&Ok(published), subject).iter().map(Check::render).collect()
    }

    #[test]
    fn it_can_be_judged_once_a_model_is_accepted_and_until_then_the_hint_says_how_one_is() {
        assert_snapshot!(report(with_an_accepted_model(), &arc_140v()) + &report(shipped(), &arc_140v()), @r#"
        ok    published value    21.24 tok/s can be judged here: model, device and prompts are the published ones, 200 tokens each
        skip  published value    21.24 tok/s is not judged here: no files are accepted as gpt-oss-20b INT4 yet
              hint: measure the published files until their output is verified (`cargo xtask model fetch`, `cargo xtask bench`), then `cargo xtask baseline accept-model RECORD --reason "..."`
        "#);
    }

    #[test]
    fn each_obstacle_is_a_line_with_its_own_hint() {
        let subject = Subject {
            model: Some(("tiny-gpt-oss".to_owned(), "b".repeat(64))),
            device: Some(("CPU".to_owned(), DeviceFacts::default())),
            prompts: vec!["fibonacci".to_owned()],
            golden: vec!["fibonacci".to_owned()],
        };
        assert_snapshot!(report(with_an_accepted_model(), &subject), @r#"
        skip  published value    21.24 tok/s is not judged here: model `tiny-gpt-oss` (bbbbbbbbbbbb) is not accepted as gpt-oss-20b INT4
              hint: use an accepted one: `cargo xtask model use DIR`; or accept this one by a verified record: `cargo xtask baseline accept-model RECORD --reason "..."`
        skip  published value    21.24 tok/s is not judged here: `CPU` is no Intel Arc 140V GPU
              hint: it is judged on an Intel Arc 140V GPU alone, by `--device GPU`
        skip  published value    21.24 tok/s is not judged here: the reference prompts are `fibonacci`, and the published ones `moe-vs-dense`, `fibonacci`, `openvino-advantages`
              hint: restore them: `git checkout -- fixtures/prompts`
        skip  published value    21.24 tok/s is not judged here: the model has no golden for `moe-vs-dense`, `openvino-advantages`
              hint: `cargo xtask bench`, then `cargo xtask golden bless --reason "..."`
        "#);
    }

    #[test]
    fn a_gpu_is_an_arc_140v_by_its_pci_id_and_execution_units_alone() {
        let reason = |device, sha256: Option<&str>| {
            let model = sha256.map(|sha256| ("a model".to_owned(), sha256.to_owned()));
            let report = report(with_an_accepted_model(), &Subject { model, device, ..arc_140v() });
            assert!(report.contains("\n      hint: "), "{report}");
            report.lines().next().unwrap().split_once("not judged here: ").unwrap().1.to_owned()
        };
        let (name, mut emulated) = gpu(Some("8086:64a0"), Some(64));
        emulated.emulated_reason = Some("the OpenCL device is a processor".to_owned());
        assert_snapshot!([
            reason(Some(gpu(Some("8086:64a0"), Some(56))), Some(SHA256)),
            reason(Some(gpu(Some("8086:64a0"), None)), Some(SHA256)),
            reason(Some(gpu(Some("8086:e20b"), Some(160))), Some(SHA256)),
            reason(Some(gpu(None, Some(64))), Some(SHA256)),
            reason(Some((name, emulated)), Some(SHA256)),
            reason(None, Some(SHA256)),
            reason(Some(gpu(Some("8086:64a0"), Some(64))), None),
        ].join("\n"), @r#"
        `GPU` is no Intel Arc 140V GPU: it has `56` execution units, not 64
        the execution units of `GPU` are unknown, and Intel Arc 140V GPU has 64
        `GPU` is no Intel Arc 140V GPU: its PCI id is `8086:e20b`
        the PCI id of `GPU` is unknown, and without it no GPU is an Intel Arc 140V GPU
        `GPU` is emulated: the OpenCL device is a processor
        no device is there that could be compared
        the model's files are not known
        "#);
        let unreadable = Err(Error::input("`published.json` is not of the expected form"));
        let checks = compare(&unreadable, &arc_140v());
        assert_eq!(checks[0].status, Status::Fail);
        assert!(checks[0].fix.as_ref().unwrap().contains("git checkout"));
    }
}
