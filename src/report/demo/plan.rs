//! How much history is invented, and from which seed.

/// Tokens of each answer where nothing but the figures of many commits is wanted: the fewest that have a
/// mean time per output token with a spread.
const FEWEST_TOKENS: usize = 4;

/// What is invented. The same plan gives the same records, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoPlan {
    /// What all random numbers are drawn from.
    pub seed: u64,
    /// Commits of the line.
    pub commits: usize,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// Worker processes of each run.
    pub runs: usize,
    /// Machines that measure, 1 to 3. The first one measures every commit, and makes the A/Bs.
    pub machines: usize,
}

impl DemoPlan {
    /// What `report --demo` shows: four months of a project on three machines.
    #[must_use]
    pub fn sample() -> Self {
        Self { seed: 20, commits: 120, new_tokens: 60, runs: 3, machines: 3 }
    }

    /// So many commits on one machine, as cheap as they can be: for benches and for long pages.
    #[must_use]
    pub fn of_commits(commits: usize) -> Self {
        Self { commits, new_tokens: FEWEST_TOKENS, runs: 1, machines: 1, ..Self::sample() }
    }
}
