"""Unpacks of a wheel what is needed: a runtime's libraries and the licences they come under.

Called by `cargo xtask setup` as: python3 -c SCRIPT WHEEL TARGET
"""

import os
import shutil
import sys
import zipfile

wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        # What a wheel installs beside its packages; wheels that belong together share these folders.
        name = entry.filename.split(".data/data/")[-1]
        is_licence = "/licenses/" in name or name.endswith(("info/LICENSE", "info/LICENSE.txt", "programs.txt"))
        is_beside = name.endswith(".dll") and "/" not in name
        if not name.startswith(("openvino/libs/", "openvino_tokenizers/lib/", "lib/")) and not is_licence and not is_beside:
            continue
        path = os.path.join(target, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(entry) as source, open(path, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
            # The finished folder's presence means complete, after a power cut too.
            sink.flush()
            os.fsync(sink.fileno())
