//! What both sides are asked and judged by: prompts, goldens, published figures and policy, all of the base.

use crate::cli::ab::side::RequestedSides;
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate::side::{Builder, ChangedInputs, Inputs as InputFiles};
use crate::record::{
    ChangedInput, CommitContext, InUse, InputsRecord, PolicyText, Repository, Source, sha256_of_bytes,
};

/// The inputs, and where the sides come from.
pub(super) struct Inputs {
    /// The checkout that they are in.
    pub(super) root: Root,
    pub(super) repository: Option<Repository>,
    pub(super) base: Option<Source>,
    pub(super) head: Option<Source>,
    pub(super) record: InputsRecord,
    pub(super) policy: PolicyText,
    /// What the policy is called in messages.
    pub(super) policy_name: String,
    /// Keeps the checkout from being tidied away.
    _in_use: Option<InUse>,
}

impl Inputs {
    /// Finds the sides' commits, and takes the inputs from the base's: from a clean copy of a commit, from
    /// the work tree itself where that is the base.
    pub(super) fn of(root: &Root, requested: &RequestedSides, builder: &Builder) -> Result<Self> {
        let names_a_source = requested.base.source.is_some() || requested.head.source.is_some();
        let repository = names_a_source.then(|| Repository::open(root.path())).transpose()?;
        let find = |source: Option<&crate::gate::side::NamedSource>| {
            source.zip(repository.as_ref()).map(|(named, repository)| named.find(repository)).transpose()
        };
        let (base, head) = (find(requested.base.source.as_ref())?, find(requested.head.source.as_ref())?);
        let (inputs_root, in_use) = match (&base, &repository) {
            (Some(Source::Commit(commit)), Some(repository)) => {
                let in_use = builder.clone_of(repository, &commit.sha, &mut say)?;
                (Root::at(in_use.folder().to_owned()), Some(in_use))
            }
            _ => (root.clone(), None),
        };
        let policy_file = inputs_root.policy();
        let policy_name = match &base {
            Some(source) => format!("ci/gate.json of {}", source.commit().short()),
            None => policy_file.display().to_string(),
        };
        let text = files::read_text(&policy_file, FileKind::Text).map_err(|cause| {
            Error::input(format!("the policy `{policy_name}` cannot be read: {cause}"))
                .hint("name a base that has one: it is what the head is judged by")
        })?;
        let record = record(&inputs_root, repository.as_ref(), base.as_ref(), head.as_ref())?;
        let policy = PolicyText { sha256: sha256_of_bytes(text.as_bytes()), text };
        Ok(Self { root: inputs_root, repository, base, head, record, policy, policy_name, _in_use: in_use })
    }
}

fn record(
    inputs: &Root,
    repository: Option<&Repository>,
    base: Option<&Source>,
    head: Option<&Source>,
) -> Result<InputsRecord> {
    let files = InputFiles::of(inputs.path())?;
    let sha256 =
        sha256_of_bytes(format!("{}\n{}\n{}\n", files.prompts, files.goldens, files.policy).as_bytes());
    let (Some(repository), Some(base), Some(head)) = (repository, base, head) else {
        return Ok(InputsRecord { sha256, ..InputsRecord::default() });
    };
    let context = CommitContext::around(repository, head.commit().clone(), Some(base.commit().clone()))?;
    // What the base has gone on with since is no change of the head's.
    let from = context.merge_base.as_deref().unwrap_or(&base.commit().sha);
    let changed = ChangedInputs::between(repository, from, head)?;
    let files = changed.kinds().into_iter().flat_map(|(kind, paths)| {
        paths.iter().map(move |path| ChangedInput { kind: kind.to_owned(), path: path.clone() })
    });
    Ok(InputsRecord {
        from_commit: Some(base.commit().sha.clone()),
        sha256,
        changed_by_head: files.collect(),
        merge_base: context.merge_base,
        merge: context.merge,
        policy: PolicyText::default(),
    })
}
