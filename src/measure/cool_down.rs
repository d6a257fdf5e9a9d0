//! Waits until the machine is as cool as it was when the first process was started.

use std::ops::ControlFlow;

use crate::measure::guard::Temperatures;
use crate::sys::Observed;

/// Two processes start at the same temperature when they start within this, degrees Celsius.
pub const SAME_START_CELSIUS: f64 = 3.0;
/// No longer wait than this, seconds: a machine in a warmer room never gets there.
pub const LONGEST_COOL_DOWN_SECONDS: u32 = 120;

/// What a cool-down needs of the world.
pub trait CoolDownScene {
    /// The temperatures now.
    fn temperatures(&mut self) -> Observed<Temperatures>;
    /// Lets one second pass.
    fn wait_one_second(&mut self);
    /// Called before each second with how many are left at most; breaks to stop waiting.
    fn report(&mut self, seconds_left: u32) -> ControlFlow<()>;
}

/// How a cool-down ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CooledDown {
    /// No sensor can be compared, so there was no wait.
    NotObserved {
        /// Why.
        reason: String,
    },
    /// The machine is as cool as it was.
    Cool {
        /// How long that took, seconds.
        waited_seconds: u32,
    },
    /// It is still warmer, and time is up.
    StillWarm {
        /// How long was waited, seconds.
        waited_seconds: u32,
        /// The sensor that is furthest above its baseline.
        sensor: String,
        /// By how much, degrees Celsius.
        above_celsius: f64,
    },
    /// The caller wanted to wait no longer.
    Interrupted,
}

/// Waits for every sensor of the chip to come down to at most [`SAME_START_CELSIUS`] above `baseline`,
/// the start of the first process. A machine that is cooler than the baseline is not waited for, since
/// waiting does not warm it.
pub fn cool_down(baseline: &Observed<Temperatures>, scene: &mut impl CoolDownScene) -> CooledDown {
    let baseline = match baseline {
        Observed::Observed(baseline) => baseline,
        Observed::NotObserved { reason } => return CooledDown::NotObserved { reason: reason.clone() },
    };
    let mut waited_seconds = 0;
    loop {
        let now = match scene.temperatures() {
            Observed::Observed(now) => now,
            Observed::NotObserved { reason } => return CooledDown::NotObserved { reason },
        };
        let Some(warmest) = warmest(baseline, &now) else {
            let reason = "no sensor of the first process's start can be read any more".to_owned();
            return CooledDown::NotObserved { reason };
        };
        if warmest.above_celsius <= SAME_START_CELSIUS {
            return CooledDown::Cool { waited_seconds };
        }
        if waited_seconds >= LONGEST_COOL_DOWN_SECONDS {
            let Warmest { sensor, above_celsius } = warmest;
            return CooledDown::StillWarm { waited_seconds, sensor, above_celsius };
        }
        if scene.report(LONGEST_COOL_DOWN_SECONDS - waited_seconds).is_break() {
            return CooledDown::Interrupted;
        }
        scene.wait_one_second();
        waited_seconds += 1;
    }
}

struct Warmest {
    sensor: String,
    above_celsius: f64,
}

/// The sensor furthest above its baseline, of those that both readings have.
fn warmest(baseline: &Temperatures, now: &Temperatures) -> Option<Warmest> {
    let before = baseline.of_the_chip();
    let rises = now.of_the_chip().into_iter().filter_map(|(sensor, celsius)| {
        Some(Warmest { sensor: sensor.to_owned(), above_celsius: celsius - before.get(sensor)? })
    });
    rises.max_by(|one, other| one.above_celsius.total_cmp(&other.above_celsius))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that cools by a fixed amount each second.
    struct Script {
        now_celsius: Option<f64>,
        cools_by_celsius: f64,
        reported: Vec<u32>,
        seconds: u32,
        breaks_at: Option<u32>,
    }

    impl Script {
        fn from(now_celsius: f64, cools_by_celsius: f64) -> Self {
            let now_celsius = Some(now_celsius);
            Self { now_celsius, cools_by_celsius, reported: vec![], seconds: 0, breaks_at: None }
        }
    }

    impl CoolDownScene for Script {
        fn temperatures(&mut self) -> Observed<Temperatures> {
            self.now_celsius.map_or_else(|| Observed::not("gone"), at)
        }

        fn wait_one_second(&mut self) {
            self.seconds += 1;
            self.now_celsius = self.now_celsius.map(|celsius| celsius - self.cools_by_celsius);
        }

        fn report(&mut self, seconds_left: u32) -> ControlFlow<()> {
            self.reported.push(seconds_left);
            if self.breaks_at == Some(seconds_left) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }

    fn at(celsius: f64) -> Observed<Temperatures> {
        let sensors = [("TCPU".to_owned(), celsius), ("iwlwifi_1".to_owned(), 90.0 + celsius)];
        Observed::Observed(Temperatures { by_sensor_celsius: sensors.into() })
    }

    #[test]
    fn it_waits_until_the_start_temperature_is_near_and_counts_down() {
        let mut script = Script::from(50.0, 2.0);
        assert_eq!(cool_down(&at(40.0), &mut script), CooledDown::Cool { waited_seconds: 4 });
        assert_eq!(script.reported, [120, 119, 118, 117]);
        assert_eq!(script.seconds, 4);
    }

    #[test]
    fn a_machine_within_three_degrees_or_cooler_is_not_waited_for() {
        for celsius in [43.0, 40.0, 20.0] {
            let mut script = Script::from(celsius, 1.0);
            assert_eq!(cool_down(&at(40.0), &mut script), CooledDown::Cool { waited_seconds: 0 });
            assert!(script.reported.is_empty());
        }
    }

    #[test]
    fn a_machine_that_stays_warm_is_waited_for_two_minutes_and_named() {
        let mut script = Script::from(50.0, 0.0);
        let expected =
            CooledDown::StillWarm { waited_seconds: 120, sensor: "TCPU".into(), above_celsius: 10.0 };
        assert_eq!(cool_down(&at(40.0), &mut script), expected);
        assert_eq!((script.reported.len(), script.seconds), (120, 120));
    }

    #[test]
    fn nothing_observed_is_no_wait() {
        let mut script = Script::from(50.0, 1.0);
        let never = cool_down(&Observed::not("no sensor"), &mut script);
        assert_eq!(never, CooledDown::NotObserved { reason: "no sensor".into() });
        script.now_celsius = None;
        assert_eq!(cool_down(&at(40.0), &mut script), CooledDown::NotObserved { reason: "gone".into() });
        let other = Temperatures { by_sensor_celsius: [("acpitz".to_owned(), 20.0)].into() };
        let unlike = cool_down(&Observed::Observed(other), &mut Script::from(50.0, 1.0));
        assert!(matches!(unlike, CooledDown::NotObserved { .. }));
        assert_eq!(script.seconds, 0);
    }

    #[test]
    fn it_can_be_interrupted() {
        let mut script = Script { breaks_at: Some(119), ..Script::from(50.0, 0.0) };
        assert_eq!(cool_down(&at(40.0), &mut script), CooledDown::Interrupted);
        assert_eq!(script.seconds, 1);
    }
}
