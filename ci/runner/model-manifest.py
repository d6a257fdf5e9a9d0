#!/usr/bin/env python3
"""Writes the manifest of a model's folder: the size and sha256 of every file.

    model-manifest.py FOLDER > manifest.json

arcgauge refuses a model whose files differ from the `manifest.json` beside them.
"""

import hashlib
import json
import os
import sys

NOT_THE_MODEL = ("manifest.json", "README.md", "LICENSE", "LICENSE.md")


def entry(folder, name):
    path = os.path.join(folder, name)
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": name, "size_bytes": os.path.getsize(path), "sha256": sha256}


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("usage: model-manifest.py FOLDER")
    folder = os.path.realpath(sys.argv[1])
    names = sorted(
        name
        for name in os.listdir(folder)
        if os.path.isfile(os.path.join(folder, name)) and name not in NOT_THE_MODEL and not name.startswith(".")
    )
    files = [entry(folder, name) for name in names]
    print(json.dumps({"schema": 1, "name": os.path.basename(folder), "files": files}, indent=2))


if __name__ == "__main__":
    main()
