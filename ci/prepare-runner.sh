#!/usr/bin/env bash
# Makes a machine with an Intel Arc ready to gate pull requests; ci/arc-runner.md says what comes before and after.
set -euo pipefail

usage() {
    cat <<'HELP'
Usage: sudo ci/prepare-runner.sh [--check] [--root DIR]

Prepares this machine for the job `gate`: packages, the user arcgauge-runner, folders in /srv/arcgauge,
the runner's programs, units and hook, clocks, sleep, updates. Prints one line a change, and nothing where
all is well; a second run changes nothing. Never starts the runner.

Options:
  --check     change nothing; print what is missing
  --root DIR  work on the tree below DIR instead of /; of the commands that reach beyond files (apt-get,
              useradd, systemctl, ...) only those in DIR/commands are run
  -h, --help  this text

Reads /etc/arcgauge-runner/settings, and puts an example there at first. Lines begin with:
  changed:  done now (stdout)
  missing:  with --check: would be done (stdout)
  to do:    only you can do it (stderr)
  note:     worth a look; changes no exit code (stderr)

Exit codes: 0 all is well; 1 something is missing, or left to do; 2 usage.
HELP
}

check=no root='' left=0
while (($#)); do
    case $1 in
        --check) check=yes ;;
        --root) root=$(cd "${2:?--root needs a folder}" && pwd -P) && shift ;;
        -h | --help) usage && exit 0 ;;
        *) echo "error: unknown option \`$1\`; see --help" >&2 && exit 2 ;;
    esac
    shift
done
if [[ -z $root && $check == no && $EUID -ne 0 ]]; then
    echo "error: only root can prepare a machine; sudo ci/prepare-runner.sh, or --check to look" >&2
    exit 2
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly here check root user=arcgauge-runner place=/srv/arcgauge
readonly library=/usr/local/lib/arcgauge-runner etc=/etc/arcgauge-runner
# The driver, from the kernel to the compiler of its kernels.
measured_packages='intel-opencl-icd|ocl-icd-libopencl1|libze1|level-zero|libze-intel-gpu1|intel-level-zero-gpu'
measured_packages+='|libigc[0-9].*|libigdfcl[0-9].*|libigdgmm[0-9].*|intel-igc-.*'
measured_packages+='|linux-image-.*|linux-generic.*|linux-firmware|firmware-intel-.*'
readonly measured_packages
owner_of_root=$(stat -c %u "$root/")

changed() { echo "changed: $1"; }
to_do() { echo "to do: $1" >&2 && left=1; }
note() { echo "note: $1" >&2; }

# lacks WHAT: whether to fix it now; with --check it is only reported.
lacks() {
    [[ $check == no ]] && return
    echo "missing: $1" && left=1
    return 1
}

# machine COMMAND...: a command that reaches beyond files.
machine() {
    local command=$1
    shift
    if [[ -n $root && ! -x $root/commands/$command ]]; then
        echo "error: --root runs no \`$command\` of this machine, and there is none in $root/commands" >&2
        return 127
    fi
    "${root:+$root/commands/}$command" "$@"
}

# Whether systemd runs; where it does not, as in an image that is being made, units are only written and linked.
booted() { [[ -n $root || -d /run/systemd/system ]]; }

setting() { { sed -n "s/^$1=//p" "$root$etc/settings" 2>/dev/null || true; } | head -n 1; }

# put SOURCE TARGET MODE: a file as in the repository.
put() {
    local target=$root$2
    if [[ -f $target && ! -L $target ]] && cmp -s "$1" "$target" \
        && [[ $(stat -c %a:%u "$target") == "$3:$owner_of_root" ]]; then
        return
    fi
    lacks "$2" || return 0
    install -D -m "$3" "$1" "$target"
    changed "wrote $2"
}

# folder PATH MODE OWNER: a folder, and no link to one.
folder() {
    local path=$root$1
    if [[ ! -L $path && $(stat -c %F:%a:%u "$path" 2>/dev/null) == "directory:$2:$3" ]]; then
        return
    fi
    lacks "folder $1 of mode $2" || return 0
    mkdir -p "$path"
    chown "$3" "$path"
    chmod "$2" "$path"
    changed "made $1, mode $2"
}

settings() {
    if [[ ! -e $root$etc/settings ]] && lacks "$etc/settings"; then
        install -D -m 0644 "$here/runner/settings.example" "$root$etc/settings"
        changed "wrote $etc/settings, to be filled in"
    fi
    [[ -e $root$etc/settings ]] || return 0
    local name pattern what
    while read -r name pattern what; do
        [[ $(setting "$name") =~ $pattern ]] || to_do "set $name in $etc/settings: $what"
    done <<'PATTERNS'
REPOSITORY ^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$ owner/name
REGISTER_AT ^(orgs/[A-Za-z0-9-]+|repos/[A-Za-z0-9-]+/[A-Za-z0-9._-]+)$ orgs/OWNER or repos/OWNER/NAME
RUNNER_GROUP_ID ^[0-9]+$ a number
RUNNER_ARCHIVE ^/[^[:space:]]+$ a file, from /
RUNNER_SHA256 ^[0-9a-f]{64}$ 64 hexadecimal digits
MODEL ^([A-Za-z0-9_-][A-Za-z0-9._-]*)?$ a folder's name, or nothing
GPU_MHZ ^([1-9][0-9]{1,4})?$ a number of MHz, or nothing
READABLE_ENERGY ^(yes|no)$ yes or no
FREE_GB ^[0-9]+$ a number of GB
PATTERNS
}

# shellcheck disable=SC2016 # dpkg-query's own variables
installed() { [[ $(machine dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == *' ok installed' ]]; }

# any_installed NAME|NAME...: whether one of them is; the systems and Intel do not agree on names.
any_installed() {
    local name
    for name in ${1//|/ }; do
        installed "$name" && return
    done
    return 1
}

packages() {
    local names name wanted=()
    for names in git curl ca-certificates python3 python3-pip gcc g++ procps ocl-icd-libopencl1 intel-opencl-icd \
        'libze1|level-zero' 'libze-intel-gpu1|intel-level-zero-gpu'; do
        any_installed "$names" || wanted+=("$names")
    done
    ((${#wanted[@]})) || return 0
    lacks "packages: ${wanted[*]//|/ or }" || return 0
    machine apt-get update -qq
    for names in "${wanted[@]}"; do
        for name in ${names//|/ }; do
            if DEBIAN_FRONTEND=noninteractive machine apt-get install -y -qq "$name" >/dev/null 2>&1; then
                changed "installed $name"
                break
            fi
        done
        any_installed "$names" || to_do "install ${names//|/ or }: apt-get cannot; ci/arc-runner.md, step 2"
    done
}

account() {
    if ! machine id -u "$user" >/dev/null 2>&1 && lacks "user $user"; then
        machine useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$user"
        changed "made the user $user, without a password, a shell or rights"
    fi
    local groups group
    groups=" $(machine id -nG "$user" 2>/dev/null || true) "
    if [[ $groups != *' render '* ]] && lacks "$user in the group render"; then
        machine usermod --append --groups render "$user"
        changed "put $user into the group render"
    fi
    for group in sudo admin wheel adm docker lxd libvirt disk video; do
        [[ $groups != *" $group "* ]] || to_do "take $user out of the group $group: sudo gpasswd --delete $user $group"
    done
}

folders() {
    local uid name
    uid=$(machine id -u "$user" 2>/dev/null || echo none)
    folder "$etc" 755 "$owner_of_root"
    folder "$place" 755 "$owner_of_root"
    folder "$place/models" 755 "$owner_of_root"
    folder "$place/records" 750 "$owner_of_root"
    folder "$place/work" 700 "$owner_of_root"
    folder "$place/seed" 700 "$owner_of_root"
    # While a job runs, this is the job's own view.
    [[ -e $root$place/job/runner ]] || folder "$place/job" 755 "$owner_of_root"
    if [[ -d $root$place/seed && ! -x $root$place/seed ]]; then
        note "only root can look into $place/seed"
        return
    fi
    # The runner's own, and out of its reach but for the view of it that a job gets.
    for name in '' /cache /cargo /home /records /target; do
        folder "$place/seed/lower$name" 755 "$uid"
    done
}

files() {
    local name before=0
    for name in job-started.sh begin-job.sh end-job.sh tune.sh as-runner.sh admit.py; do
        put "$here/runner/$name" "$library/$name" 755
    done
    put "$here/runner/environment" "$library/environment" 644
    put "$here/runner/tmpfiles.conf" /etc/tmpfiles.d/arcgauge-runner.conf 644
    for name in arcgauge-runner.service arcgauge-tune.service; do
        cmp -s "$here/runner/$name" "$root/etc/systemd/system/$name" || before=1
        put "$here/runner/$name" "/etc/systemd/system/$name" 644
    done
    if ((before)) && [[ $check == no ]] && booted; then
        machine systemctl daemon-reload
    fi
}

# What `model use` and `history use` would write for this user.
arcgauge_settings() {
    local text model=''
    [[ -z $(setting MODEL) ]] || model="\"model_dir\": \"$place/models/$(setting MODEL)\", "
    text=$(mktemp)
    echo "{ $model\"store\": \"$place/job/records\" }" >"$text"
    put "$text" "$etc/config/arcgauge/settings.json" 644
    rm "$text"
}

model() {
    local name path
    name=$(setting MODEL)
    [[ -n $name ]] || return 0
    path=$place/models/$name
    if [[ ! -d $root$path ]]; then
        to_do "put the model into $path: ci/arc-runner.md, step 4"
        return 0
    fi
    if [[ -n $(find "$root$path" ! -type l \( -perm /222 -o ! -uid "$owner_of_root" \) -print -quit) ]] \
        && lacks "$path read-only, of root"; then
        chown -R "$owner_of_root" "$root$path"
        chmod -R a-w,a+rX "$root$path"
        changed "made $path read-only, of root"
    fi
    [[ -e $root$path/manifest.json ]] || to_do "give $path its manifest.json: ci/arc-runner.md, step 4"
}

programs() {
    local archive sha256 folder
    archive=$(setting RUNNER_ARCHIVE)
    sha256=$(setting RUNNER_SHA256)
    [[ -n $archive && $sha256 =~ ^[0-9a-f]{64}$ ]] || return 0
    folder=/opt/arcgauge-runner/${sha256:0:16}
    if [[ -e $root$folder/.whole && $(readlink "$root/opt/arcgauge-runner/current") == "${sha256:0:16}" ]]; then
        return
    fi
    if [[ ! -f $root$archive ]]; then
        to_do "download the Actions runner to $archive: ci/arc-runner.md, step 5"
        return
    fi
    if ! sha256sum --status --check <<<"$sha256  $root$archive"; then
        to_do "download $archive again: its sha256 is not RUNNER_SHA256"
        return
    fi
    lacks "the Actions runner in $folder" || return 0
    rm -rf "$root${folder:?}"
    mkdir -p "$root$folder"
    tar --extract --gzip --no-same-owner --file "$root$archive" --directory "$root$folder"
    chmod -R go-w "$root$folder"
    touch "$root$folder/.whole"
    ln -sfn "${sha256:0:16}" "$root/opt/arcgauge-runner/current"
    changed "unpacked the Actions runner into $folder"
}

credential() {
    local file=$etc/credential
    if [[ ! -s $root$file ]]; then
        to_do "put the credential into $file: ci/arc-runner.md, step 5"
    elif [[ -L $root$file || $(stat -c %a:%u "$root$file") != "600:$owner_of_root" ]] && lacks "$file for root alone"; then
        chown --no-dereference "$owner_of_root" "$root$file"
        chmod 0600 "$root$file"
        changed "made $file readable for root alone"
    fi
}

# masked WHY UNIT...: units that may not start.
masked() {
    local why=$1 unit now=()
    shift
    ! booted || now=(--now)
    for unit in "$@"; do
        [[ $(machine systemctl is-enabled "$unit" 2>/dev/null || true) != masked ]] || continue
        lacks "$unit masked ($why)" || continue
        machine systemctl mask "${now[@]}" --quiet "$unit"
        changed "masked $unit ($why)"
    done
}

machine_state() {
    local unit name held look_only=()
    masked "a machine that sleeps measures nothing" sleep.target suspend.target hibernate.target hybrid-sleep.target
    masked "updates come when you say so" apt-daily.timer apt-daily-upgrade.timer
    # Each would undo what tune.sh sets.
    for unit in power-profiles-daemon.service tlp.service tuned.service; do
        case $(machine systemctl is-enabled "$unit" 2>/dev/null || true) in
            enabled | static) masked "it changes the power profile" "$unit" ;;
        esac
    done
    if [[ $(machine systemctl is-enabled arcgauge-tune.service 2>/dev/null || true) != enabled ]] \
        && lacks "arcgauge-tune.service at each start"; then
        machine systemctl enable --quiet arcgauge-tune.service
        changed "arcgauge-tune.service runs at each start"
    fi
    [[ $check == no ]] || look_only=(--check)
    "$here/runner/tune.sh" --root "$root" "${look_only[@]}" || left=1
    held=$(machine apt-mark showhold)
    # shellcheck disable=SC2016 # dpkg-query's own variables
    for name in $(machine dpkg-query -W -f '${Package} ${Status}\n' | awk '$4 == "installed" { print $1 }' \
        | grep -xE "$measured_packages"); do
        ! grep -qxF "$name" <<<"$held" || continue
        lacks "$name held (another version is another epoch)" || continue
        machine apt-mark hold "$name" >/dev/null
        changed "holds $name (another version is another epoch)"
    done
}

look() {
    local card driver found=no
    for card in "$root"/sys/class/drm/card*; do
        [[ -e $card/device/vendor && $(<"$card/device/vendor") == 0x8086 ]] || continue
        found=yes
        driver=$(basename "$(readlink "$card/device/driver" || echo none)")
        [[ $driver == xe ]] || note "$(basename "$card") is driven by \`$driver\`; guards of a GPU are written for \`xe\`"
    done
    [[ $found == yes ]] || note "no Intel GPU in /sys/class/drm: \`bench\` would run on the CPU, and the gate refuses that"
    [[ -x $root/opt/arcgauge-rust/bin/cargo ]] || to_do "install Rust into /opt/arcgauge-rust: ci/arc-runner.md, step 3"
    if grep -q '^/' "$root/proc/swaps" 2>/dev/null; then
        note "swap is on; a run that reads from it is invalid: sudo swapoff --all, and take it out of /etc/fstab"
    fi
    if grep -qE '^nameserver (10|192\.168|172\.(1[6-9]|2[0-9]|3[01])|169\.254)\.' "$root/etc/resolv.conf" 2>/dev/null; then
        note "/etc/resolv.conf names a server in the house, which jobs may not reach; use systemd-resolved"
    fi
}

settings
packages
account
folders
files
arcgauge_settings
programs
credential
model
machine_state
look
exit "$left"
