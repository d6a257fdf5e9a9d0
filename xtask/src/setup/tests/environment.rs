//! Set-up of Python environments against a fake `python3`.

use super::scene::{Scene, assert_says, left_in};
use crate::failure::Failure;
use crate::setup::environment::{Environment, Environments, GENAI, HUB_CLIENT, named};
use crate::setup::python::Python;

fn environments(scene: &Scene) -> Environments {
    let variables = [("PATH", scene.path.clone()), ("FAKE", scene.fake.into())];
    Environments {
        python: Python { environment: variables.map(|(name, value)| (name.into(), value)).into() },
        folder: Some(scene.folder.join("cache/peers")),
    }
}

fn failure(environment: Environment, fake: &'static str) -> Failure {
    let scene = Scene::new(fake);
    let failure = environments(&scene).provide(environment, |_| ()).expect_err("it misbehaves");
    let left = left_in(&scene.folder.join("cache/peers"));
    assert!(left.iter().all(|name| name.starts_with('.')), "nothing is kept: {left:?}");
    failure
}

#[test]
fn a_peer_is_made_once_and_needs_no_python_afterwards() {
    let mut scene = Scene::new("peer");
    environments(&scene).provide(GENAI, |_| ()).expect("made");
    let left = left_in(&scene.folder.join("cache/peers"));
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[1].starts_with("genai-") && left[1].len() == "genai-".len() + 12, "{left:?}");
    scene.path = scene.folder.clone().into();
    environments(&scene).provide(GENAI, |_| ()).expect("there");
}

#[test]
fn a_peer_that_cannot_be_made_leaves_nothing_and_says_why() {
    assert_says(&failure(GENAI, "small-disk"), &["no space on the disk", "1500 MB needed"]);
    assert_says(&failure(GENAI, "no-venv"), &["cannot make an environment", "python3-venv"]);
    assert_says(&failure(GENAI, "damaged"), &["requirements-genai.txt pins", "cargo xtask setup --peers"]);
    assert_says(&failure(GENAI, "full-disk"), &["no space on the disk", "while fetching"]);
    assert_says(
        &failure(GENAI, "broken"),
        &["the peer genai was installed and cannot be imported", "libopenvino_genai.so", "3.10 to 3.13"],
    );
    assert_says(
        &failure(HUB_CLIENT, "damaged"),
        &["xtask/hub/requirements.txt pins", "cargo xtask model fetch"],
    );
}

#[test]
fn a_peer_is_named_by_its_flag() {
    let names = |flag| named(flag).map(|peers| peers.iter().map(|peer| peer.name).collect::<Vec<_>>());
    assert_eq!(names("--peers"), Some(vec!["genai", "optimum"]));
    assert_eq!(names("--peers=genai"), Some(vec!["genai"]));
    assert_eq!(names("--peers=vllm"), None);
    assert_eq!(names("--peersgenai"), None);
}
