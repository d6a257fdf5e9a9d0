//! A machine as noisy as they are, from a seed: what its processes measure for a side that is slower by a
//! known factor.
//!
//! ln(token time) = drift + process + generation + token:
//!
//! | part | of | how large |
//! |---|---|---|
//! | drift | the machine | Ornstein-Uhlenbeck, sd 1.5 %, 5 minutes |
//! | process | each process | normal, with the given sd; besides, 2 % of them are 5 % slower |
//! | generation | each prompt in each process | normal, sd 0.4 % |
//! | token | each token | first-order autoregressive, 0.7, sd 2 %; 0.3 % of tokens stall, by +100 % on average |
//!
//! A verdict sees the mean of 199 token times a generation. This mean is drawn as one number, by the
//! tokens' own variance, because a thousand sessions of single tokens would take minutes in a debug build; a
//! test compares it with single tokens.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Bernoulli, Binomial, Distribution, Exp1, StandardNormal};

const DRIFT_SD: f64 = 0.015;
const DRIFT_S: f64 = 300.0;
const SLOW_PROCESSES: f64 = 0.02;
const SLOW_PROCESS: f64 = 0.05;
const GENERATION_SD: f64 = 0.004;
const TOKEN_SD: f64 = 0.02;
const TOKEN_CORRELATION: f64 = 0.7;
const STALLS: f64 = 0.003;
/// Times between tokens of a generation.
const STEPS: u32 = 199;
const PROMPTS: usize = 3;
/// From one prompt to the next, and from a process's last to the next process's first: 30 s a process.
const PROMPT_S: f64 = 10.0;

/// A machine in the middle of its life.
pub(crate) struct NoisyMachine {
    random: ChaCha8Rng,
    drift_ln: f64,
    process_sd: f64,
    wavering_sd: f64,
    stalls: Binomial,
    /// By how much the second process of a pair is slower for being the second, a share.
    second_slower: f64,
    /// In the middle of a block of two pairs: whether the head began the first of them.
    head_began: Option<bool>,
}

impl NoisyMachine {
    /// A machine whose processes differ by this standard deviation, a share.
    pub(crate) fn new(seed: u64, process_sd: f64) -> Self {
        let mut machine = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            drift_ln: 0.0,
            process_sd,
            wavering_sd: mean_of_tokens_sd(),
            stalls: Binomial::new(STEPS.into(), STALLS).unwrap(),
            second_slower: 0.0,
            head_began: None,
        };
        machine.drift_ln = DRIFT_SD * machine.normal();
        machine
    }

    /// The same machine, on which whoever is second is slower by this share.
    pub(crate) fn with_second_slower(self, second_slower: f64) -> Self {
        Self { second_slower, ..self }
    }

    /// The difference of one pair: the mean over the prompts of ln(head / base), where the head is slower by
    /// this factor. Of every two pairs each side begins one; which one, is tossed.
    pub(crate) fn pair_ln(&mut self, factor: f64) -> f64 {
        let is_head_first = if let Some(head_began) = self.head_began.take() {
            !head_began
        } else {
            let tossed = self.happens(0.5);
            self.head_began = Some(tossed);
            tossed
        };
        let first = self.process();
        let second = self.process().map(|time| time * (1.0 + self.second_slower));
        let (base, head) = if is_head_first { (second, first) } else { (first, second) };
        let ratios = base.iter().zip(head).map(|(base, head)| (head * factor / base).ln());
        ratios.sum::<f64>() / PROMPTS as f64
    }

    /// The difference of one pair by drift and a normal noise alone, which together have the standard
    /// deviation that is requested.
    pub(crate) fn scripted_pair_ln(&mut self, factor: f64, pair_sd: f64) -> f64 {
        let process_s = PROMPT_S * PROMPTS as f64;
        let drift_variance = 2.0 * DRIFT_SD.powi(2) * (1.0 - (-process_s / DRIFT_S).exp());
        let noise_sd = (pair_sd.powi(2) - drift_variance).sqrt();
        let direction = if self.happens(0.5) { 1.0 } else { -1.0 };
        let before = self.drift_ln;
        let after = self.drift_on(process_s);
        self.drift_on(process_s);
        factor.ln() + direction * (after - before) + noise_sd * self.normal()
    }

    /// Mean token time of each prompt of a fresh process; 1 on a machine without noise.
    fn process(&mut self) -> [f64; PROMPTS] {
        let slow = if self.happens(SLOW_PROCESSES) { SLOW_PROCESS } else { 0.0 };
        let process_ln = self.process_sd * self.normal() + slow;
        std::array::from_fn(|_| {
            let drift_ln = self.drift_on(PROMPT_S);
            let generation_ln = GENERATION_SD * self.normal();
            (drift_ln + process_ln + generation_ln).exp() * self.mean_of_tokens()
        })
    }

    /// The mean of a generation's token noise, as one number.
    fn mean_of_tokens(&mut self) -> f64 {
        let wavering = self.wavering_sd * self.normal();
        let stalls = self.stalls.sample(&mut self.random);
        let stalled: f64 = (0..stalls).map(|_| self.stall()).sum();
        1.0 + wavering + stalled / f64::from(STEPS)
    }

    /// The same from single tokens.
    fn mean_of_single_tokens(&mut self) -> f64 {
        let innovation_sd = TOKEN_SD * (1.0 - TOKEN_CORRELATION.powi(2)).sqrt();
        let mut token_ln = TOKEN_SD * self.normal();
        let mut sum = 0.0;
        for _ in 0..STEPS {
            let stall = if self.happens(STALLS) { self.stall() } else { 0.0 };
            sum += token_ln.exp() * (1.0 + stall);
            token_ln = TOKEN_CORRELATION * token_ln + innovation_sd * self.normal();
        }
        sum / f64::from(STEPS)
    }

    fn drift_on(&mut self, seconds: f64) -> f64 {
        let kept = (-seconds / DRIFT_S).exp();
        self.drift_ln = kept * self.drift_ln + DRIFT_SD * (1.0 - kept.powi(2)).sqrt() * self.normal();
        self.drift_ln
    }

    fn stall(&mut self) -> f64 {
        Exp1.sample(&mut self.random)
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.random)
    }

    fn happens(&mut self, probability: f64) -> bool {
        Bernoulli::new(probability).unwrap().sample(&mut self.random)
    }
}

/// Standard deviation of the mean of so many values in a first-order autoregression:
/// `sd / n * sqrt(n + 2 * sum over k of (n - k) * correlation^k)`.
fn mean_of_tokens_sd() -> f64 {
    let n = f64::from(STEPS);
    let lags: f64 = (1..STEPS).map(|lag| (n - f64::from(lag)) * TOKEN_CORRELATION.powf(lag.into())).sum();
    TOKEN_SD / n * (n + 2.0 * lags).sqrt()
}

#[test]
fn a_generations_mean_drawn_as_one_number_is_spread_as_that_of_its_tokens() {
    let mut machine = NoisyMachine::new(1, 0.0);
    let mut moments = |draw: fn(&mut NoisyMachine) -> f64| {
        let means: Vec<f64> = (0..4_000).map(|_| draw(&mut machine)).collect();
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        let squares: f64 = means.iter().map(|it| (it - mean).powi(2)).sum();
        (mean, (squares / means.len() as f64).sqrt())
    };
    let (single_mean, single_sd) = moments(NoisyMachine::mean_of_single_tokens);
    let (mean, sd) = moments(NoisyMachine::mean_of_tokens);
    assert!((mean - single_mean).abs() < 5e-4, "{mean} and {single_mean}");
    assert!((sd / single_sd - 1.0).abs() < 0.08, "{sd} and {single_sd}");
}
