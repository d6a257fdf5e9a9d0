#!/usr/bin/env python3
"""Whether a job may run on this machine: one word, and why.

    admit.py --settings FILE

It reads what the Actions runner passes to its job-started hook: GITHUB_EVENT_NAME, GITHUB_WORKFLOW_REF,
GITHUB_REF, GITHUB_REPOSITORY, and the event's payload in the file GITHUB_EVENT_PATH. It prints
`admitted: ...` and ends with 0, or `refused: ...` with 1. What is missing, unknown or of another type
is refused. Nothing of the payload is printed that was not matched against a pattern first, because a
runner takes lines such as `::error::` in a hook's output for commands.
"""

import json
import os
import re
import sys

MAIN = "refs/heads/main"
GATE = "gate.yml"
NIGHTLY = "nightly.yml"
MAY_WRITE = ("OWNER", "MEMBER", "COLLABORATOR")
LARGEST_PAYLOAD = 16 * 1024 * 1024
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
SHA = re.compile(r"[0-9a-f]{40}")


class Refused(Exception):
    """Why a job may not run."""


def require(holds, why):
    if not holds:
        raise Refused(why)


def repository_of(settings):
    """The one repository that this machine works for."""
    named = None
    with open(settings, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("REPOSITORY="):
                named = line.strip().removeprefix("REPOSITORY=")
    require(named and REPOSITORY.fullmatch(named), "the settings name no REPOSITORY")
    return named


def without_doubles(pairs):
    """Of two values under one name, one reader takes the first and another the last."""
    names = [name for name, _ in pairs]
    require(len(names) == len(set(names)), "the payload has a name twice")
    return dict(pairs)


def payload_at(path):
    require(path, "GITHUB_EVENT_PATH is not set")
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST_PAYLOAD + 1)
        require(len(text) <= LARGEST_PAYLOAD, "the payload is too large")
        payload = json.loads(text.decode("utf-8"), object_pairs_hook=without_doubles)
    except (OSError, ValueError, RecursionError):
        raise Refused("the payload cannot be read") from None
    require(isinstance(payload, dict), "the payload is no object")
    return payload


def at(payload, path, kind):
    """The value at `a.b.c`, of exactly this type: true is no number here."""
    value = payload
    for name in path.split("."):
        require(isinstance(value, dict) and name in value, f"the payload has no `{path}`")
        value = value[name]
    require(type(value) is kind, f"the payload's `{path}` is of another type")
    return value


def workflow_of(environment, repository):
    """The workflow's file and the ref whose definition runs."""
    name = environment.get("GITHUB_WORKFLOW_REF", "")
    begin = f"{repository}/.github/workflows/"
    require(name.startswith(begin), "the workflow is of another repository")
    file, mark, ref = name.removeprefix(begin).partition("@")
    require(mark and file in (GATE, NIGHTLY), "only gate.yml and nightly.yml run here")
    return file, ref


def from_main(environment, ref):
    require(ref == MAIN, "the workflow is not the one of main")
    require(environment.get("GITHUB_REF") == MAIN, "the job is not on main")


def dispatched_gate(payload):
    """A maintainer's word for one exact commit."""
    head = at(payload, "inputs.head", str)
    # An input of type number comes as text or as a number.
    number = payload["inputs"].get("pull_request")
    number = str(number) if type(number) is int else number
    require(isinstance(number, str) and NUMBER.fullmatch(number), "the input `pull_request` is no number")
    require(SHA.fullmatch(head), "the input `head` is no full sha")
    return f"gate of pull request {number} at {head}, by dispatch on main"


def own_pull_request(payload, environment, repository, ref):
    """A branch of the repository itself, by somebody who may write to it."""
    number = at(payload, "number", int)
    require(at(payload, "pull_request.number", int) == number, "the payload names two pull requests")
    require(ref == f"refs/pull/{number}/merge", "the workflow is of another pull request")
    require(environment.get("GITHUB_REF") == ref, "the job is on another ref")
    for side in ("head", "base"):
        path = f"pull_request.{side}.repo"
        require(at(payload, f"{path}.full_name", str) == repository, f"the {side} is in another repository")
        require(
            at(payload, f"{path}.id", int) == at(payload, "repository.id", int),
            f"the {side} is in another repository of the same name",
        )
    require(at(payload, "pull_request.base.ref", str) == "main", "the base is not main")
    author = at(payload, "pull_request.author_association", str)
    require(author in MAY_WRITE, "its author is no owner, member or collaborator")
    head = at(payload, "pull_request.head.sha", str)
    require(SHA.fullmatch(head), "the head is no full sha")
    return f"gate of pull request {number} at {head}, a branch of the repository itself"


def admit(environment, settings):
    repository = repository_of(settings)
    require(environment.get("GITHUB_REPOSITORY") == repository, "the job is of another repository")
    file, ref = workflow_of(environment, repository)
    event = environment.get("GITHUB_EVENT_NAME")
    payload = payload_at(environment.get("GITHUB_EVENT_PATH"))
    if event == "schedule" and file == NIGHTLY:
        from_main(environment, ref)
        return "nightly, by schedule on main"
    require(event in ("workflow_dispatch", "pull_request"), "no job runs here for such an event")
    require(at(payload, "repository.full_name", str) == repository, "the payload is of another repository")
    if event == "workflow_dispatch":
        from_main(environment, ref)
        return "nightly, by dispatch on main" if file == NIGHTLY else dispatched_gate(payload)
    require(file == GATE, "only gate.yml runs here for a pull request")
    return own_pull_request(payload, environment, repository, ref)


def main():
    if len(sys.argv) != 3 or sys.argv[1] != "--settings":
        sys.exit("usage: admit.py --settings FILE")
    try:
        print(f"admitted: {admit(os.environ, sys.argv[2])}")
    except (Refused, OSError) as why:
        print(f"refused: {why if isinstance(why, Refused) else 'the settings cannot be read'}")
        sys.exit(1)


if __name__ == "__main__":
    main()
