#!/usr/bin/env bash
# Stands for a command that reaches beyond files, in the tests of ci/prepare-runner.sh: remembers in
# ../state what the real one would have done to the machine.
set -euo pipefail

state=$(cd "$(dirname "$0")/../state" && pwd)
remembers() { grep -qxF "$2" "$state/$1" 2>/dev/null; }

case $(basename "$0") in
    id)
        [[ -e $state/groups ]] || exit 1
        if [[ $1 == -u ]]; then id -u; else cat "$state/groups"; fi
        ;;
    useradd) echo arcgauge-runner >"$state/groups" ;;
    usermod) echo 'arcgauge-runner render' >"$state/groups" ;;
    dpkg-query)
        if (($# == 4)); then
            remembers packages "$4" || exit 1
            if remembers held "$4"; then echo -n 'hold ok installed'; else echo -n 'install ok installed'; fi
        else
            sed 's/$/ install ok installed/' "$state/packages"
        fi
        ;;
    apt-get)
        [[ $1 == update ]] && exit 0
        remembers unknown "$4" && echo "E: Unable to locate package $4" >&2 && exit 100
        echo "$4" >>"$state/packages"
        ;;
    apt-mark) if [[ $1 == hold ]]; then echo "$2" >>"$state/held"; else cat "$state/held" 2>/dev/null || true; fi ;;
    systemctl)
        case $1 in
            is-enabled) remembers masked "$2" && echo masked && exit 1 || remembers enabled "$2" && echo enabled ;;
            mask) echo "${*: -1}" >>"$state/masked" ;;
            enable) echo "${*: -1}" >>"$state/enabled" ;;
            daemon-reload) echo reloaded >>"$state/reloads" ;;
        esac
        ;;
esac
