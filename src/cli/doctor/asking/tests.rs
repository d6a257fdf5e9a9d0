//! Tokenizer, prompts and goldens, on the fixtures of the repository and on altered ones.

use super::*;
use crate::cli::doctor::check::Status;
use crate::golden::Golden;
use crate::record::ManifestCheck;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn prompts() -> PromptSet {
    PromptSet::load(&repository().join("fixtures/prompts")).unwrap()
}

fn model() -> ModelIdentity {
    let goldens = shipped_goldens();
    let sha256 = goldens.goldens.values().next().unwrap().model_sha256.clone();
    ModelIdentity { name: "tiny-gpt-oss".into(), sha256, files: Vec::new(), manifest: ManifestCheck::Absent }
}

fn shipped_goldens() -> GoldenSet {
    GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap()
}

#[test]
fn a_tokenizer_that_knows_more_tokens_than_the_model_is_another_model_s() {
    let file = repository().join("fixtures/models/tiny-gpt-oss/tokenizer.json");
    let known = TextTokenizer::from_file(&file).unwrap().vocabulary_size();
    assert_eq!(tokenizer(&file, Some(known)).status, Status::Ok);
    assert_eq!(tokenizer(&file, None).status, Status::Ok);
    assert_eq!(tokenizer(&file, Some(known - 1)).status, Status::Warn);
}

#[test]
fn a_tokenizer_that_is_none_fails_with_the_flag_that_names_another() {
    let file = repository().join("Cargo.toml");
    let check = tokenizer(&file, None);
    assert_eq!(check.status, Status::Fail);
    assert!(check.fix.unwrap().contains("`--tokenizer FILE`"));
}

#[test]
fn without_a_tokenizer_pinned_prompts_suffice_and_unpinned_ones_do_not() {
    let pins = |unpinned: &[&str]| Pins {
        tokenizer: "o200k".into(),
        unpinned: unpinned.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(no_tokenizer(Some(&pins(&[]))).status, Status::Warn);
    assert_eq!(no_tokenizer(Some(&pins(&["fibonacci"]))).status, Status::Fail);
    assert_eq!(no_tokenizer(None).status, Status::Fail);
}

#[test]
fn the_reference_prompts_are_pinned_for_gpt_oss_and_not_for_others() {
    let gpt_oss = TokenizerIdentity {
        model_type: Some("gpt_oss".into()),
        vocabulary_size: Some(201_088),
        tokenizer_sha256: None,
    };
    let known = pins(&prompts(), &gpt_oss);
    let check = requested(&Ok(prompts()), known.as_ref(), true);
    assert_eq!(check.found, "3 reference prompts, token ids pinned for `o200k-harmony`");
    let other = TokenizerIdentity { model_type: Some("llama".into()), ..gpt_oss };
    assert!(pins(&prompts(), &other).is_none());
    let check = requested(&Ok(prompts()), None, true);
    assert_eq!(check.found, "3 reference prompts, no token ids pinned for this model's tokenizer");
}

#[test]
fn a_prompt_that_is_not_pinned_is_named() {
    let mut set = prompts();
    let identity = TokenizerIdentity { model_type: Some("x".into()), ..Default::default() };
    set.pinned[0].recognised_by = identity.clone();
    set.pinned[0].prompts.remove("fibonacci");
    let known = pins(&set, &identity);
    let check = requested(&Ok(set), known.as_ref(), true);
    assert!(check.found.ends_with("but not of `fibonacci`"), "{}", check.found);
}

#[test]
fn prompts_that_cannot_be_read_fail() {
    let nowhere = PromptSet::load(Path::new("/nowhere"));
    assert_eq!(requested(&nowhere, None, true).status, Status::Fail);
}

#[test]
fn goldens_of_this_model_s_files_are_counted() {
    let check = goldens(&Ok(shipped_goldens()), &model(), Some(&prompts()));
    assert_eq!(check, Check::ok(GOLDENS, "3 for `tiny-gpt-oss`, all made from this model's files"));
}

#[test]
fn a_golden_of_other_files_fails_and_a_missing_one_warns() {
    let mut set = shipped_goldens();
    let first: &mut Golden = set.goldens.values_mut().next().unwrap();
    first.model_sha256 = "another".into();
    let check = goldens(&Ok(set.clone()), &model(), Some(&prompts()));
    assert_eq!(check.status, Status::Fail);
    assert!(check.found.starts_with("1 of 3 for"), "{}", check.found);

    set = shipped_goldens();
    set.goldens.remove("fibonacci");
    let check = goldens(&Ok(set), &model(), Some(&prompts()));
    assert_eq!(check.status, Status::Warn);
    assert!(check.found.ends_with("none for prompt `fibonacci`"), "{}", check.found);
    assert_eq!(goldens(&Ok(GoldenSet::default()), &model(), None).status, Status::Warn);
}
