#!/usr/bin/env bash
# The Actions runner calls this before the first step of a job: ACTIONS_RUNNER_HOOK_JOB_STARTED.
# It lets a job pass that admit.py admits, and ends the runner's worker for any other. To fail is not
# enough: a step with `if: always()` runs after a hook that failed (actions/runner, issue 2811).
set -euo pipefail
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly here
# The tree that this was installed to: the machine's own, or a folder of a test.
readonly root=${here%/usr/local/lib/arcgauge-runner}

# -I: no variable of the job and no file of the working folder is taken for a part of Python.
if python3 -I "$here/admit.py" --settings "$root/etc/arcgauge-runner/settings"; then
    exit 0
fi

# The log reaches GitHub by the worker that is to be ended: give it time.
echo "This job ends here, and so does the runner that took it."
sleep 5

# The worker that called this; and in the unit, all else that it has.
ancestor=$PPID
while ((ancestor > 1)); do
    before=$(awk '$1 == "PPid:" { print $2 }' "/proc/$ancestor/status") || break
    if [[ $(<"/proc/$ancestor/comm") == Runner.Worker ]]; then
        kill -KILL "$ancestor" || true
        break
    fi
    ancestor=$before
done
group=$(sed -n 's/^0:://p' /proc/self/cgroup)
if [[ $group == */arcgauge-runner.service ]]; then
    while read -r process; do
        ((process == $$)) || kill -KILL "$process" || true
    done <"/sys/fs/cgroup$group/cgroup.procs"
fi
exit 1
