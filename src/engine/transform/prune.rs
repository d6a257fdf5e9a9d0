//! Removes rows from the cache.
//!
//! The graph requires that every layer holds the same number of rows, and counts a sliding layer's window in rows. So
//! all layers keep `budget` rows: sliding layers the newest, which is exact while those fill the window, and the others
//! those of each KV head that score highest.

use crate::engine::transform::score::{ByChance, Calibrated, Newest, Rows, Score, Snap};
use crate::engine::transform::{Cache, CacheLayout, Calibration, Due, Held, PruneSpec, Scorer, Transform};
use crate::error::{Error, Result};

pub(super) struct Pruner {
    spec: PruneSpec,
    score: Box<dyn Score>,
    layout: CacheLayout,
    scores: Vec<f64>,
    order: Vec<usize>,
    /// For each layer and head the rows that stay.
    kept: Vec<usize>,
}

impl Pruner {
    pub(super) fn new(spec: &PruneSpec, layout: &CacheLayout) -> Result<Self> {
        // The newest row sees itself and `window - 1` before it.
        if spec.budget + 1 < layout.window && !spec.allow_cut_window {
            return Err(Error::input(format!(
                "a budget of `{}` rows cuts the window of the sliding layers, which see {} rows",
                spec.budget, layout.window
            ))
            .hint(format!("use {} rows or more, or allow it: `allow-cut-window`", layout.window - 1)));
        }
        let score: Box<dyn Score> = match &spec.scorer {
            Scorer::Newest => Box::new(Newest),
            Scorer::Random(seed) => Box::new(ByChance::new(*seed)),
            Scorer::Snap => Box::new(Snap::new(layout)),
            Scorer::Calibrated(file) => Box::new(Calibrated::new(Calibration::read(file, layout)?, layout)?),
        };
        Ok(Self {
            spec: spec.clone(),
            score,
            layout: layout.clone(),
            scores: Vec::new(),
            order: Vec::new(),
            kept: Vec::new(),
        })
    }

    /// Rows at the beginning that always stay.
    fn first_rows(&self, held: Held) -> usize {
        if self.spec.keep_prompt { self.spec.sinks.max(held.prompt) } else { self.spec.sinks }
    }

    /// The rows of one head that stay, ascending.
    fn choose(&mut self, rows: usize, first: usize) {
        let newest = rows - self.spec.recent..rows;
        for (row, score) in self.scores.iter_mut().enumerate() {
            if row < first || newest.contains(&row) {
                *score = f64::INFINITY;
            }
        }
        let scores = &self.scores;
        self.order.clear();
        self.order.extend(0..rows);
        // Of equal scores the older row.
        let higher = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
        self.order.select_nth_unstable_by(self.spec.budget - 1, higher);
        self.order.truncate(self.spec.budget);
        self.order.sort_unstable();
    }
}

impl Transform for Pruner {
    fn reset(&mut self) {
        self.score.reset();
    }

    fn due(&self, held: Held) -> Option<Due> {
        let after_prompt = held.positions == held.prompt;
        let period = if after_prompt { 1 } else { self.spec.period };
        let is_due = held.rows >= self.spec.budget + period;
        is_due.then_some(Due { rows: 0..held.rows, layers: 0..self.layout.layers })
    }

    fn apply(&mut self, due: &Due, held: Held, cache: &mut Cache<'_>) -> Result<()> {
        let (rows, budget, heads) = (cache.rows(), self.spec.budget, self.layout.kv_heads);
        let first = self.first_rows(held);
        if first + self.spec.recent > budget {
            return Err(Error::input(format!(
                "a budget of `{budget}` rows has no place for the {first} rows at the beginning and the {} newest \
                 that always stay",
                self.spec.recent
            ))
            .hint(format!("use a budget above {}", first + self.spec.recent)));
        }
        self.scores.resize(rows, 0.0);
        self.kept.resize(self.layout.layers * heads * budget, 0);
        for layer in due.layers.clone() {
            for head in 0..heads {
                if self.layout.sliding[layer] {
                    self.order.clear();
                    self.order.extend(rows - budget..rows);
                } else {
                    let (keys, observed) = (cache.head(2 * layer, head), cache.observed.get(layer));
                    let queries = observed.map_or(&[][..], |it| &it.queries);
                    let sinks = observed.map_or(&[][..], |it| &it.sinks);
                    let seen = Rows { layer, head, keys, queries, sinks, held };
                    self.score.score(&seen, &mut self.scores);
                    self.choose(rows, first);
                }
                self.kept[(layer * heads + head) * budget..][..budget].copy_from_slice(&self.order);
            }
        }
        let kept = &self.kept;
        cache.keep(budget, |layer, head| &kept[(layer * heads + head) * budget..][..budget]);
        Ok(())
    }

    fn packed(&self) -> (usize, usize) {
        (0, 0)
    }

    fn buffer_bytes(&self) -> usize {
        let numbers = self.scores.capacity() + self.order.capacity() + self.kept.capacity();
        size_of::<usize>() * numbers + self.score.buffer_bytes()
    }

    fn queries(&self) -> usize {
        self.score.queries()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::transform::TransformSpec;
    use crate::engine::transform::cache::layout;

    /// Layer 0 slides over 5 rows, layer 1 sees all; two heads of one element.
    fn small() -> CacheLayout {
        CacheLayout { sliding: vec![true, false], window: 5, ..layout(2, 2, 1) }
    }

    fn build(name: &str) -> Result<Box<dyn Transform>> {
        Ok(name.parse::<TransformSpec>()?.build(&small())?.unwrap())
    }

    /// The rows that stay, for each state and head, of rows that hold their own number.
    #[track_caller]
    fn stay(transform: &mut dyn Transform, held: Held) -> Result<Vec<Vec<f32>>> {
        let rows: Vec<f32> = (0..held.rows).map(|row| row as f32).collect();
        let mut states = vec![rows.repeat(2); 4];
        let mut cache =
            Cache::new(&small(), states.iter_mut().map(Vec::as_mut_slice).collect(), held.rows).unwrap();
        let due = transform.due(held).unwrap();
        transform.apply(&due, held, &mut cache)?;
        Ok((0..8).map(|it| cache.head(it / 2, it % 2).to_vec()).collect())
    }

    fn held(rows: usize) -> Held {
        Held { rows, positions: rows, prompt: 2 }
    }

    #[test]
    fn streaming_keeps_the_sinks_and_the_newest_and_sliding_layers_the_newest_alone() {
        let mut transform = build("streaming-llm:6,sinks=2,period=4").unwrap();
        assert_eq!(transform.due(held(9)), None);
        let stayed = stay(&mut *transform, held(10)).unwrap();
        for (index, rows) in stayed.iter().enumerate() {
            let expected: &[f32] =
                if index < 4 { &[4.0, 5.0, 6.0, 7.0, 8.0, 9.0] } else { &[0.0, 1.0, 6.0, 7.0, 8.0, 9.0] };
            assert_eq!(rows, expected, "state {} head {}", index / 2, index % 2);
        }
    }

    #[test]
    fn a_prompt_longer_than_the_budget_is_pruned_at_once_and_an_answer_once_a_period() {
        let transform = build("streaming-llm:6,sinks=1,period=4").unwrap();
        assert!(transform.due(Held { rows: 7, positions: 7, prompt: 7 }).is_some());
        assert_eq!(transform.due(Held { rows: 6, positions: 6, prompt: 6 }), None);
        let later = |rows| transform.due(Held { rows, positions: 100, prompt: 7 }).is_some();
        assert_eq!([7, 8, 9, 10].map(later), [false, false, false, true]);
    }

    #[test]
    fn random_rows_are_those_of_the_seed_with_the_newest_and_keys_stay_with_their_values() {
        let mut transform = build("random:6,recent=2,period=4,seed=5").unwrap();
        let first = stay(&mut *transform, held(20)).unwrap();
        for head in &first[4..] {
            assert!(head.is_sorted() && head.ends_with(&[18.0, 19.0]) && head.len() == 6);
        }
        assert_eq!(first[4..6], first[6..8], "values of the same rows as their keys");
        assert_ne!(first[4], first[5], "each head has its own rows");
        transform.reset();
        assert_eq!(stay(&mut *transform, held(20)).unwrap(), first, "a generation is repeatable");
        let mut other = build("random:6,recent=2,period=4,seed=6").unwrap();
        assert_ne!(stay(&mut *other, held(20)).unwrap(), first);
    }

    #[test]
    fn a_budget_that_cuts_sliding_windows_is_refused_unless_it_is_allowed() {
        let error = build("streaming-llm:3,sinks=1").err().unwrap();
        assert!(error.to_string().contains("`3` rows cuts the window"), "{error}");
        assert!(error.hint_text().unwrap().contains("`allow-cut-window`"));
        assert!(build("streaming-llm:3,sinks=1,allow-cut-window").is_ok());
        assert!(build("streaming-llm:4,sinks=1").is_ok(), "the newest row sees four before it and itself");
    }

    #[test]
    fn a_prompt_that_must_stay_and_does_not_fit_is_refused() {
        let mut transform = build("random:6,recent=2,period=4,keep-prompt").unwrap();
        assert!(stay(&mut *transform, Held { prompt: 4, ..held(10) }).is_ok());
        let error = stay(&mut *transform, Held { prompt: 5, ..held(10) }).unwrap_err();
        assert!(error.to_string().contains("the 5 rows at the beginning"), "{error}");
    }
}
