#!/usr/bin/env bash
# Sets clocks and power so that a measurement finds the machine as it was: tune.sh [--check] [--root DIR]
# --check changes nothing, names what is not set, and then ends with 1. Silent where all is set.
set -euo pipefail

check=no root='' lacking=0
while (($#)); do
    case $1 in
        --check) check=yes ;;
        --root) root=$2 && shift ;;
        *) echo "usage: tune.sh [--check] [--root DIR]" >&2 && exit 2 ;;
    esac
    shift
done

setting() { { sed -n "s/^$1=//p" "$root/etc/arcgauge-runner/settings" 2>/dev/null || true; } | head -n 1; }

# set_all WHAT VALUE FILE...: writes the value to those files that hold another; one line for all.
set_all() {
    local what=$1 value=$2 wrong=() file
    shift 2
    for file in "$@"; do
        [[ -e $file && $(<"$file") != "$value" ]] && wrong+=("$file")
    done
    ((${#wrong[@]})) || return 0
    if [[ $check == yes ]]; then
        echo "missing: $what: $(<"${wrong[0]}") instead of $value"
        lacking=1
        return 0
    fi
    for file in "${wrong[@]}"; do
        if ! { echo "$value" >"$file"; } 2>/dev/null; then
            echo "to do: the kernel refuses \`$value\` in ${file#"$root"}" >&2
            lacking=1
            return 0
        fi
    done
    echo "changed: $what: $value"
}

# offers FILE VALUE: whether the list in the file has the value.
offers() { [[ -e $1 && " $(<"$1") " == *" $2 "* ]]; }

cpu=$root/sys/devices/system/cpu
if offers "$cpu/cpu0/cpufreq/scaling_available_governors" performance; then
    set_all "processor's governor" performance "$cpu"/cpu*/cpufreq/scaling_governor
fi
if offers "$cpu/cpu0/cpufreq/energy_performance_available_preferences" performance; then
    set_all "processor's energy preference" performance "$cpu"/cpu*/cpufreq/energy_performance_preference
fi
if offers "$root/sys/firmware/acpi/platform_profile_choices" performance; then
    set_all "power profile" performance "$root/sys/firmware/acpi/platform_profile"
fi

mhz=$(setting GPU_MHZ)
if [[ -n $mhz ]]; then
    found=no
    # gt0 is what computes; gt1 is the media engine. Anything but the `xe` driver has no such folder.
    for clocks in "$root"/sys/class/drm/card*/device/tile0/gt0/freq0; do
        [[ -e $clocks/max_freq ]] || continue
        found=yes
        lowest=$(<"$clocks/rpn_freq") highest=$(<"$clocks/rp0_freq")
        if ! [[ $mhz =~ ^[1-9][0-9]{1,4}$ ]] || ((mhz < lowest || mhz > highest)); then
            echo "to do: GPU_MHZ=$mhz: this GPU does $lowest to $highest MHz" >&2
            lacking=1
            continue
        fi
        # The lower limit may not pass the upper one on the way.
        if (($(<"$clocks/max_freq") < mhz)); then
            set_all "GPU's highest clock, MHz" "$mhz" "$clocks/max_freq"
            set_all "GPU's lowest clock, MHz" "$mhz" "$clocks/min_freq"
        else
            set_all "GPU's lowest clock, MHz" "$mhz" "$clocks/min_freq"
            set_all "GPU's highest clock, MHz" "$mhz" "$clocks/max_freq"
        fi
    done
    if [[ $found == no ]]; then
        echo "to do: GPU_MHZ=$mhz: no GPU under the driver \`xe\` offers its clocks" >&2
        lacking=1
    fi
fi

if [[ $(setting READABLE_ENERGY) == yes ]]; then
    for counter in "$root"/sys/class/powercap/intel-rapl:*/energy_uj; do
        [[ -e $counter && $(stat -c %a "$counter") != 444 ]] || continue
        if [[ $check == yes ]]; then
            echo "missing: energy counter ${counter#"$root"} readable by all"
            lacking=1
        else
            chmod 0444 "$counter"
            echo "changed: energy counter ${counter#"$root"}: readable by all"
        fi
    done
fi

exit "$lacking"
