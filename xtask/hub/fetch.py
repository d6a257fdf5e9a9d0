"""Lists a repository of the Hugging Face hub or downloads files of it, for `arcgauge model fetch`.

    fetch.py list REPOSITORY REVISION
    fetch.py download REPOSITORY COMMIT FOLDER FILE...

stdout is a JSON object a line: {"listing": ...}, {"finished": FILE}, {"note": TEXT} and, last, {"error": {"kind": ...,
"message": ...}}. A progress bar goes to stderr where that is a terminal. The files are checked by the caller.
"""

import errno
import json
import logging
import os
import re
import sys
import time
import warnings

# Over Xet a file that was cut begins again, over HTTP it is resumed. HF_HUB_DISABLE_XET=0 has Xet.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import httpx
from huggingface_hub import HfApi, constants, errors, hf_hub_download
from huggingface_hub.utils import tqdm

# What is still in memory when the process ends has to come again.
constants.DOWNLOAD_CHUNK_SIZE = 1 << 20
LONGEST_WAIT_S = 30
ATTEMPTS = 5


def report(**line):
    print(json.dumps(line), flush=True)


class Notes(logging.Handler):
    """What the library logs, as notes."""

    def emit(self, record):
        report(note=without_query(record.getMessage()))


def without_query(text):
    """A text whose addresses have lost their signatures."""
    return re.sub(r"\?[^\s'\"]+", "", str(text))


def list_repository(repository, revision):
    found = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=LONGEST_WAIT_S)
    files = [
        {
            "name": file.rfilename,
            "size_bytes": file.lfs.size if file.lfs else file.size,
            "sha256": file.lfs.sha256 if file.lfs else None,
            "git_blob": file.blob_id,
        }
        for file in found.siblings
    ]
    report(listing={"commit": found.sha, "files": files})


def download(repository, commit, folder, name):
    class Bar(tqdm):
        """A bar with the name of the file in place of what the server says: an address, which may be signed."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **{**options, "desc": name})

    file = {"repo_id": repository, "filename": name, "revision": commit, "local_dir": folder, "tqdm_class": Bar}
    try:
        hf_hub_download(**file)
    except errors.HfHubHTTPError as error:
        if error.response.status_code != 416:
            raise
        # What was to be resumed is longer than the file.
        hf_hub_download(**file, force_download=True)
    report(finished=name)


def may_pass(error):
    """Whether the same request may succeed later."""
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        # A store that the hub sends on to refuses an address that has expired; the hub gives another.
        is_expired = status == 403 and not str(error.response.url).startswith(constants.ENDPOINT)
        return status in (408, 429) or status >= 500 or is_expired
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return False
    return isinstance(error, httpx.TransportError) or "Consistency check failed" in str(error)


def persist(task, *arguments):
    """Runs a task again while its failures may pass, a few times in a row."""
    attempt = 0
    while True:
        began = time.monotonic()
        try:
            return task(*arguments)
        except Exception as error:
            # One that worked for a minute made progress.
            attempt = 1 if time.monotonic() - began > 60 else attempt + 1
            if attempt == ATTEMPTS or not may_pass(error):
                raise
            pause = 2 ** (attempt - 1)
            report(note=f"{reason(error)}; trying again in {pause} s")
            time.sleep(pause)


def kind(error):
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "offline"
    if isinstance(error, errors.GatedRepoError):
        return "gated"
    if isinstance(error, errors.RevisionNotFoundError):
        return "revision"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "hidden" if error.response.status_code == 401 else "repository"
    if isinstance(error, errors.HfHubHTTPError) and not isinstance(error, errors.EntryNotFoundError):
        return {401: "token", 403: "gated", 404: "repository"}.get(error.response.status_code, "failed")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk"
    return "failed"


def reason(error):
    """An error in a line, with what caused it where it says only that there was one."""
    cause = error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) else None
    text = " ".join(without_query(cause or error).split())
    return text or type(error).__name__


def main(task, repository, revision, folder=None, *names):
    library = logging.getLogger("huggingface_hub")
    library.handlers = [Notes()]
    warnings.simplefilter("ignore")
    try:
        if task == "list":
            persist(list_repository, repository, revision)
        for name in names:
            persist(download, repository, revision, folder, name)
    except Exception as error:
        report(error={"kind": kind(error), "message": reason(error)})
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
