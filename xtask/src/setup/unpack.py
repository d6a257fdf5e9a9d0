"""Unpacks of a wheel what is needed: the runtime's libraries and the licences they come under.

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
        if not entry.filename.startswith("openvino/libs/") and "/licenses/" not in entry.filename:
            continue
        path = os.path.join(target, *entry.filename.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(entry) as source, open(path, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
            # The finished folder's presence means complete, after a power cut too.
            sink.flush()
            os.fsync(sink.fileno())
