#!/usr/bin/env bash
# Runs a maintainer's command as the runner's user, in the runner's environment, and keeps what it leaves in
# the seed, which every later job sees: runtimes, built dependencies, compiled models.
#
#     sudo /usr/local/lib/arcgauge-runner/as-runner.sh [--in FOLDER] COMMAND...
#
# FOLDER is one below /srv/arcgauge/job. Run nothing here but what main has.
set -euo pipefail

readonly place=/srv/arcgauge user=arcgauge-runner
folder=$place/job
if [[ ${1-} == --in ]]; then
    folder=$place/job/${2:?"--in needs a folder"}
    shift 2
fi
(($#)) || { echo "usage: as-runner.sh [--in FOLDER] COMMAND..." >&2 && exit 2; }
((EUID == 0)) || { echo "error: only root can become $user; use sudo" >&2 && exit 2; }
if systemctl is-active --quiet arcgauge-runner.service || mountpoint -q "$place/job"; then
    echo "error: a job may be running; first: sudo systemctl stop arcgauge-runner" >&2
    exit 1
fi

mapfile -t environment </usr/local/lib/arcgauge-runner/environment
mount --bind "$place/seed/lower" "$place/job"
trap 'cd / && umount "$place/job"' EXIT
install -d -m 0755 -o "$user" -g "$user" "$place/job/home"
cd "$folder"
runuser -u "$user" -- env -i "${environment[@]}" TERM="${TERM-dumb}" "$@"
