#!/usr/bin/env bash
# Called as root by arcgauge-runner.service before each job: a clean place, and a runner that is registered
# for one job alone. The credential goes no further than this script.
set -euo pipefail

readonly settings=/etc/arcgauge-runner/settings credential=/etc/arcgauge-runner/credential
readonly place=/srv/arcgauge notes=/run/arcgauge-runner
setting() { sed -n "s/^$1=//p" "$settings" | head -n 1; }
fail() {
    echo "error: $1" >&2
    exit 1
}

# What a power cut left.
/usr/local/lib/arcgauge-runner/end-job.sh

free=$(df --output=avail -BG "$place" | tail -n 1 | tr -dc 0-9)
((free >= $(setting FREE_GB))) || fail "$free GB are free at $place, FREE_GB asks for $(setting FREE_GB)"

# A job sees what the maintainer has put into the seed, and writes beside it.
install -d -m 0700 -o root -g root "$place/work"
install -d -m 0755 -o arcgauge-runner -g arcgauge-runner "$place/work/upper"
install -d -m 0700 -o root -g root "$place/work/overlay"
mount -t overlay arcgauge-job \
    -o "nosuid,nodev,lowerdir=$place/seed/lower,upperdir=$place/work/upper,workdir=$place/work/overlay" "$place/job"
install -d -m 0755 -o arcgauge-runner -g arcgauge-runner "$place/job/home" "$place/job/runner"
# A runner writes into its own folder: each job has its own.
cp -a --reflink=auto /opt/arcgauge-runner/current/. "$place/job/runner/"
chown -R arcgauge-runner:arcgauge-runner "$place/job/runner"

ask=$(python3 -I - "$(setting RUNNER_GROUP_ID)" <<'PYTHON'
import json, sys, time
labels = ["self-hosted", "linux", "x64", "arc-140v"]
name = f"arcgauge-{time.time_ns()}"
print(json.dumps({"name": name, "runner_group_id": int(sys.argv[1]), "labels": labels, "work_folder": "_work"}))
PYTHON
)
# By its standard input, so that no list of processes shows the credential.
answer=$(curl --silent --show-error --fail-with-body --max-time 60 --proto '=https' --config - \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
    --data "$ask" "https://api.github.com/$(setting REGISTER_AT)/actions/runners/generate-jitconfig" \
    <<<"header = \"Authorization: Bearer $(<"$credential")\"") \
    || fail "GitHub did not register a runner: $(tr -dc '[:print:]' <<<"$answer" | head -c 300)"
install -d -m 0700 -o root -g root "$notes"
(
    umask 077
    python3 -I -c '
import json, re, sys
given = json.load(sys.stdin)["encoded_jit_config"]
if not re.fullmatch(r"[A-Za-z0-9+/=]+", given):
    sys.exit("error: GitHub sent no configuration for a runner")
print("ACTIONS_RUNNER_INPUT_JITCONFIG=" + given)
' <<<"$answer" >"$notes/job"
)
