//! The rules on two processes whose times are to be compared.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::finding::{Guard, GuardFinding, GuardState, Observation};
use crate::judge::environment::observation::known;
use crate::judge::environment::process::{is_heat, throttle_readings};
use crate::judge::environment::{ProcessGuards, threshold};
use crate::measure::guard::Temperatures;

/// Whether two processes ran under the same conditions: GPU clock, power limits, start temperature.
#[must_use]
pub fn between(one: &ProcessGuards<'_>, other: &ProcessGuards<'_>) -> Vec<GuardFinding> {
    let mut findings = Vec::new();
    if [one, other].iter().any(|side| side.device == DeviceKind::Gpu) {
        findings.push(compare(median_clock(one), median_clock(other), clocks).of(Guard::GpuClock));
        let shares = compare(power_limit_percent(one), power_limit_percent(other), power_limits);
        findings.push(shares.of(Guard::GpuPowerLimit));
    }
    let temperatures = compare(start(one), start(other), temperatures);
    findings.push(temperatures.of(Guard::StartTemperature));
    findings
}

/// What only one side observed has vanished, whichever came first.
fn compare<T>(
    one: Result<T, Observation>,
    other: Result<T, Observation>,
    rule: impl Fn(T, T) -> Observation,
) -> Observation {
    match (one, other) {
        (Ok(one), Ok(other)) => rule(one, other),
        (Ok(_), Err(word)) | (Err(word), Ok(_)) => Observation { state: GuardState::Vanished, ..word },
        (Err(word), Err(_)) => word,
    }
}

/// MHz, of the readings at which the GPU was awake.
fn median_clock(side: &ProcessGuards<'_>) -> Result<f64, Observation> {
    let clocks = side.all_of(side.during(), |reading| known(&side.gpu(reading)?.actual_mhz).copied())?;
    let mut awake: Vec<u32> = clocks.into_iter().filter(|mhz| *mhz > 0).collect();
    awake.sort_unstable();
    let middle = awake.len() / 2;
    match awake.get(middle) {
        None => Err(Observation::not_observed("the GPU slept at every reading")),
        Some(upper) if awake.len() % 2 == 1 => Ok(f64::from(*upper)),
        Some(upper) => Ok(f64::midpoint(f64::from(awake[middle - 1]), f64::from(*upper))),
    }
}

fn clocks(one: f64, other: f64) -> Observation {
    let share = (one - other).abs() / one.max(other);
    let reported = format!("the GPU's median clock was {one} MHz and {other} MHz");
    if share > threshold::CLOCK_DIFFERENCE_SHARE {
        Observation::tripped(reported)
    } else {
        Observation::clean(reported)
    }
}

/// The share of readings at which something other than heat held the GPU back, percent.
fn power_limit_percent(side: &ProcessGuards<'_>) -> Result<f64, Observation> {
    let readings = throttle_readings(side)?;
    let limited = readings.iter().filter(|reasons| reasons.iter().any(|it| !is_heat(it))).count();
    Ok(limited as f64 * 100.0 / readings.len() as f64)
}

fn power_limits(one: f64, other: f64) -> Observation {
    let reported = format!("power limits held the GPU back in {one:.0} % and {other:.0} % of the readings");
    let is_far = (one - other).abs() > threshold::POWER_LIMIT_DIFFERENCE_POINTS;
    if is_far { Observation::tripped(reported) } else { Observation::clean(reported) }
}

fn start<'a>(side: &ProcessGuards<'a>) -> Result<&'a Temperatures, Observation> {
    let first = side.log.readings.first().ok_or_else(|| Observation::not_observed("there is no reading"))?;
    known(&first.temperatures_celsius).map_err(Observation::not_observed)
}

fn temperatures(one: &Temperatures, other: &Temperatures) -> Observation {
    let (one, other) = (one.of_the_chip(), other.of_the_chip());
    let both = one.iter().filter_map(|(sensor, celsius)| Some((sensor, *celsius, *other.get(sensor)?)));
    let furthest = both.max_by(|a, b| (a.1 - a.2).abs().total_cmp(&(b.1 - b.2).abs()));
    let Some((sensor, one, other)) = furthest else {
        return Observation::vanished("no sensor was read on both sides");
    };
    let reported = format!("`{sensor}` started at {one:.1} and {other:.1} degrees Celsius");
    let is_far = (one - other).abs() > threshold::START_DIFFERENCE_CELSIUS;
    if is_far { Observation::tripped(reported) } else { Observation::clean(reported) }
}
