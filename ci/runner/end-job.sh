#!/usr/bin/env bash
# Called as root by arcgauge-runner.service after each job, however it ended: nothing of it goes on, its
# records are put aside, and all else that it wrote is gone.
set -euo pipefail

readonly place=/srv/arcgauge user=arcgauge-runner
readonly largest_record=16M most_records=100 most_jobs=500

# For people who want to know what happened: root's, and read by no job. Names are not trusted.
put_records_aside() {
    local upper=$place/work/upper/records aside record name count=0
    [[ -d $upper && ! -L $upper ]] || return 0
    aside=$place/records/$(date -u +%Y%m%dT%H%M%SZ)
    while IFS= read -r -d '' record; do
        ((++count <= most_records)) || break
        name=$(basename "$record" | tr -c '0-9A-Za-z._\n-' _ | tail -n 1)
        install -D -m 0644 -o root -g root "$record" "$aside/$name"
    done < <(timeout 30 find "$upper" -xdev -type f -name '*.json' -size "-$largest_record" -print0)
    find "$place/records" -mindepth 1 -maxdepth 1 -type d | sort | head -n "-$most_jobs" | xargs -r rm -rf --
}

# The unit has ended its own; this is for what has got out of it.
pkill -KILL -u "$user" || true
rm -f /run/arcgauge-runner/job
# Whatever is wrong with them, the rest is wiped.
put_records_aside || echo "warning: some records of the job were not put aside" >&2

while mountpoint -q "$place/job"; do
    umount "$place/job" || umount --lazy "$place/job"
done
rm -rf --one-file-system "$place/work/upper" "$place/work/overlay"
# What a job may write outside of its place; the device lock holds for all users and stays.
find /run/lock /dev/shm -xdev -user "$user" ! -name arcgauge-device.lock -delete || true
