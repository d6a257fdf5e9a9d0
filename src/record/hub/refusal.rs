//! What an answer means that is not what was asked for.

use std::time::Duration;

use crate::error::Error;
use crate::record::hub::address::{RepositoryName, Revision};
use crate::record::hub::asking::{Answer, Hub};
use crate::record::hub::transport::Head;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// It may yet succeed; the hub may have asked for a pause.
    Passing { because: String, pause: Option<Duration> },
    /// It will not.
    Final(Error),
    /// Whoever waits was told to stop.
    Stopped,
}

impl Fault {
    pub(super) fn passing(because: impl Into<String>) -> Self {
        Self::Passing { because: because.into(), pause: None }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) repository: &'a RepositoryName,
    /// A revision, or the commit that it was found to be.
    pub(super) revision: &'a str,
    /// None for the list of files.
    pub(super) file: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub(super) fn list(repository: &'a RepositoryName, revision: &'a Revision) -> Self {
        Self { repository, revision: revision.as_str(), file: None }
    }
}

/// What a status other than success means.
pub(super) fn fault(hub: &Hub, asked: Asked, answer: &Answer) -> Fault {
    let Asked { repository, revision, file } = asked;
    let (access, head) = (hub.access(), &answer.head);
    if !answer.is_own {
        // Its addresses are good for a while only; the hub gives another when it is asked again.
        let because = format!("the store that `{access}` sends on to answered {}", head.status);
        return Fault::Passing { because, pause: asked_pause(head) };
    }
    match head.status {
        401 if access.has_token() => Fault::Final(
            Error::input(format!("`{access}` does not accept the token for `{repository}`"))
                .hint("make a new one on the hub and give it as `HF_TOKEN`, or unset it if the repository is public"),
        ),
        // The hub does not tell strangers which private repositories there are.
        401 => Fault::Final(
            Error::input(format!(
                "`{access}` wants a token for `{repository}`: it is private or gated, or there is none of that name"
            ))
            .hint("check the name; a private or gated one needs a token: `HF_TOKEN=hf_... cargo xtask model fetch ...`"),
        ),
        403 => Fault::Final(
            Error::input(format!("`{access}` does not give you `{repository}`: it is gated, or the token may not read it"))
                .hint("accept its terms on the hub's page, then give a token that may read it: `HF_TOKEN=hf_...`"),
        ),
        404 => Fault::Final(missing(hub, asked, head.header("x-error-code").unwrap_or_default())),
        408 | 425 | 429 | 500..=599 => {
            Fault::Passing { because: format!("`{access}` answered {}", head.status), pause: asked_pause(head) }
        }
        status => {
            let what = file.unwrap_or("the list of files");
            Fault::Final(
                Error::harness(format!("`{access}` answered {status} for {what} of `{repository}` at `{revision}`"))
                    .hint("is `HF_ENDPOINT` a hub? unset it for the usual one"),
            )
        }
    }
}

fn missing(hub: &Hub, asked: Asked, code: &str) -> Error {
    let Asked { repository, revision, file } = asked;
    let access = hub.access();
    match (code, file) {
        ("RevisionNotFound", _) => Error::input(format!("`{repository}` has no revision `{revision}`"))
            .hint("leave out `--revision` for its main branch, or look at its history on the hub"),
        (_, Some(file)) => Error::input(format!("`{repository}` has no `{file}` at `{revision}`"))
            .hint("run the same command again; the hub may have been changed meanwhile"),
        ("RepoNotFound", _) => Error::input(format!("`{access}` has no repository `{repository}`"))
            .hint("check owner and name on the hub; a private one needs a token: `HF_TOKEN=hf_...`"),
        _ => Error::input(format!(
            "`{access}` has no repository `{repository}` with a revision `{revision}`"
        ))
        .hint("check owner, name and revision on the hub; a private one needs a token: `HF_TOKEN=hf_...`"),
    }
}

/// How long the hub asks to be left alone: by the usual header, or by when its limit begins anew.
fn asked_pause(head: &Head) -> Option<Duration> {
    let seconds = |text: &str| text.trim().parse().ok().map(Duration::from_secs);
    let limit = || head.header("ratelimit")?.split(';').find_map(|part| part.trim().strip_prefix("t="));
    head.header("retry-after").and_then(seconds).or_else(|| limit().and_then(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_says_in_two_ways_how_long_it_wants_to_be_left_alone() {
        let head = |name: &str, value: &str| Head {
            status: 429,
            headers: [(name.to_owned(), value.to_owned())].into(),
        };
        assert_eq!(asked_pause(&head("retry-after", "7")), Some(Duration::from_secs(7)));
        assert_eq!(
            asked_pause(&head("ratelimit", "\"resolvers\";r=0;t=123")),
            Some(Duration::from_secs(123))
        );
        assert_eq!(asked_pause(&head("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")), None);
        assert_eq!(asked_pause(&head("retry-after", "-1")), None);
    }
}
