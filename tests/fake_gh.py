#!/usr/bin/env python3
"""The program `gh`, as far as a verdict is published with it, and without a network.

    gh api PATH
    gh api --method METHOD --input - PATH

FAKE_GH names a folder. What is requested stands in `answers.json` by its path: JSON, or {"file": NAME} for
bytes. What is sent is added to `sent.jsonl`; a comment that is sent is there for whoever asks next.
"""

import json
import os
import re
import sys
from pathlib import Path

STATE = Path(os.environ["FAKE_GH"])
COMMENTS = STATE / "comments.json"


def comments():
    return json.loads(COMMENTS.read_text()) if COMMENTS.exists() else []


def get(path):
    answers = json.loads((STATE / "answers.json").read_text())
    listing = re.fullmatch(r"repos/[^/]+/[^/]+/issues/\d+/comments\?per_page=(\d+)&page=(\d+)", path)
    if listing:
        count, page = int(listing[1]), int(listing[2])
        answer = comments()[(page - 1) * count : page * count]
    elif statuses := re.fullmatch(r"repos/[^/]+/[^/]+/commits/([0-9a-f]{40})/statuses\?per_page=100", path):
        answer = commit_of(statuses[1])
    elif path in answers:
        answer = answers[path]
    else:
        sys.exit("gh: Not Found (HTTP 404)")
    if isinstance(answer, dict) and set(answer) == {"file"}:
        sys.stdout.buffer.write((STATE / answer["file"]).read_bytes())
    else:
        json.dump(answer, sys.stdout)


def commit_of(sha):
    """The statuses of a commit, newest first."""
    sent = STATE / "sent.jsonl"
    lines = sent.read_text().splitlines() if sent.exists() else []
    every = [json.loads(line) for line in lines]
    ours = [{**it["body"], "creator": {"login": "github-actions[bot]"}}
            for it in every if it["path"].endswith(f"/statuses/{sha}")]
    return ours[::-1]


def send(method, path):
    body = json.load(sys.stdin)
    if (STATE / "refuses").exists() and re.search((STATE / "refuses").read_text(), path):
        sys.exit("gh: Resource not accessible by integration (HTTP 403)")
    with (STATE / "sent.jsonl").open("a") as sent:
        sent.write(json.dumps({"method": method, "path": path, "body": body}) + "\n")
    kept = comments()
    edited = re.fullmatch(r"repos/[^/]+/[^/]+/issues/comments/(\d+)", path)
    if method == "POST" and re.fullmatch(r"repos/[^/]+/[^/]+/issues/\d+/comments", path):
        kept.append({"id": 1000 + len(kept), "body": body["body"], "user": {"login": "github-actions[bot]"}})
    elif method == "PATCH" and edited:
        for comment in kept:
            if comment["id"] == int(edited[1]):
                comment["body"] = body["body"]
    COMMENTS.write_text(json.dumps(kept))
    print("{}")


def main(words):
    if words[:1] != ["api"]:
        sys.exit(f"gh: unknown command {words}")
    if words[1:2] == ["--method"]:
        assert words[3:5] == ["--input", "-"], words
        send(words[2], words[5])
    else:
        get(words[1])


main(sys.argv[1:])
