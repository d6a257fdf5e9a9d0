//! What changed by operator between two profiles. An observation of one process a side, not a test.

use std::collections::BTreeMap;

use crate::measure::Profile;

/// Operators in both profiles.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorChange {
    /// Their kind.
    pub kind: String,
    /// Their name without the layer's number; empty where it is all of the kind, or those that are not named.
    pub name: String,
    /// Their time in a decode step of the base and of the head, µs; 0 where a side has none.
    pub time_us: [f64; 2],
}

/// Two profiles of one workload, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileChange {
    /// By kind, the largest difference first.
    pub by_kind: Vec<OperatorChange>,
    /// By kind and name, the largest difference first.
    pub by_name: Vec<OperatorChange>,
    /// A step on the host's clock, µs.
    pub wall_us: [f64; 2],
    /// What no operator explains of it: host, memory, and what lies between operators, µs.
    pub unexplained_us: [f64; 2],
}

impl OperatorChange {
    /// From the base to the head, µs.
    pub fn difference_us(&self) -> f64 {
        self.time_us[1] - self.time_us[0]
    }
}

impl ProfileChange {
    /// From the base to the head.
    ///
    /// # Errors
    /// Why the two are not comparable.
    pub fn between(base: &Profile, head: &Profile) -> Result<Self, String> {
        let of = |profile: &Profile| format!("`{}` at depth {}", profile.prompt_id, profile.depth_tokens);
        if (&base.prompt_id, base.depth_tokens) != (&head.prompt_id, head.depth_tokens) {
            return Err(format!("the profiles are of {} and of {}", of(base), of(head)));
        }
        let profiles = [base, head];
        Ok(Self {
            by_kind: changes(profiles, false),
            by_name: changes(profiles, true),
            wall_us: profiles.map(|profile| profile.wall_us),
            unexplained_us: profiles.map(|profile| profile.wall_us - profile.operators_us()),
        })
    }

    /// The kind that changed most; None where no operator changed.
    pub fn largest(&self) -> Option<&OperatorChange> {
        self.by_kind.first().filter(|change| change.difference_us() != 0.0)
    }
}

fn changes(profiles: [&Profile; 2], by_name: bool) -> Vec<OperatorChange> {
    let mut times: BTreeMap<(&str, &str), [f64; 2]> = BTreeMap::new();
    for (side, profile) in profiles.into_iter().enumerate() {
        for operator in &profile.operators {
            let name = if by_name { operator.name.as_str() } else { "" };
            times.entry((&operator.kind, name)).or_default()[side] += operator.time_us;
        }
    }
    let change = |((kind, name), time_us): ((&str, &str), _)| OperatorChange {
        kind: kind.to_owned(),
        name: name.to_owned(),
        time_us,
    };
    let mut changes: Vec<OperatorChange> = times.into_iter().map(change).collect();
    changes.sort_by(|one, other| other.difference_us().abs().total_cmp(&one.difference_us().abs()));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::OperatorTime;

    fn profile(wall_us: f64, times: &[(&str, &str, f64)]) -> Profile {
        let operator = |&(kind, name, time_us): &(&str, &str, f64)| OperatorTime {
            kind: kind.into(),
            name: name.into(),
            count: 1,
            time_us,
        };
        let operators = times.iter().map(operator).collect();
        Profile { prompt_id: "a".into(), depth_tokens: 4096, steps: 32, wall_us, operators }
    }

    #[test]
    fn the_kind_that_changed_most_comes_first_and_what_no_operator_explains_is_stated() {
        let base =
            profile(100.0, &[("attention", "x", 30.0), ("attention", "y", 10.0), ("dense", "z", 40.0)]);
        let head = profile(150.0, &[("dense", "z", 45.0), ("attention", "y", 80.0), ("copy", "w", 5.0)]);
        let change = ProfileChange::between(&base, &head).unwrap();
        let largest = change.largest().unwrap();
        assert_eq!((largest.kind.as_str(), largest.time_us), ("attention", [40.0, 80.0]));
        assert_eq!((change.by_name[0].name.as_str(), change.by_name[0].time_us), ("y", [10.0, 80.0]));
        let copy = change.by_kind.iter().find(|it| it.kind == "copy").map(|it| it.time_us);
        assert_eq!(copy, Some([0.0, 5.0]), "the base has none");
        assert_eq!((change.wall_us, change.unexplained_us), ([100.0, 150.0], [20.0, 20.0]));
    }

    #[test]
    fn profiles_at_two_depths_are_not_compared() {
        let (base, mut head) = (profile(1.0, &[]), profile(1.0, &[]));
        assert_eq!(ProfileChange::between(&base, &head).unwrap().largest(), None);
        head.depth_tokens = 256;
        let refused = ProfileChange::between(&base, &head).unwrap_err();
        assert_eq!(refused, "the profiles are of `a` at depth 4096 and of `a` at depth 256");
    }
}
