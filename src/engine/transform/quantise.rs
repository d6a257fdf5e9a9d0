//! Quantises each row once, as it leaves the exact window, in blocks.
//!
//! A row is never quantised twice: without a norm correction its error grows with each pass. What goes back into the
//! cache is decoded from the packed buffer, so the reported bytes are those that the cache can be restored from.

use crate::engine::transform::{Cache, CacheLayout, Due, Held, Schedule, Transform};
use crate::error::{Error, Result};

/// Packs rows of one head.
pub(super) trait RowCodec {
    /// Rows that are packed together; they lie one behind the other.
    fn rows(&self) -> usize {
        1
    }

    /// Bytes that they take.
    fn packed_bytes(&self) -> usize;

    /// Packs `rows()` rows into `packed_bytes()` bytes.
    fn encode(&mut self, rows: &[f32], packed: &mut [u8]);

    /// The rows of what was packed.
    fn decode(&mut self, packed: &[u8], rows: &mut [f32]);

    /// Bytes of tables and scratch space.
    fn buffer_bytes(&self) -> usize;
}

/// Keys by one codec, values by another.
pub(super) struct Quantiser {
    codecs: [Box<dyn RowCodec>; 2],
    schedule: Schedule,
    layers: usize,
    packed: Vec<u8>,
    /// Rows of each layer that are packed: the first ones.
    done: usize,
    most_bytes: usize,
}

impl Quantiser {
    pub(super) fn new(
        keys: Box<dyn RowCodec>,
        values: Box<dyn RowCodec>,
        layout: &CacheLayout,
        schedule: Schedule,
    ) -> Self {
        let most_bytes = keys.buffer_bytes() + values.buffer_bytes();
        Self {
            codecs: [keys, values],
            schedule,
            layers: layout.layers,
            packed: Vec::new(),
            done: 0,
            most_bytes,
        }
    }
}

impl Transform for Quantiser {
    fn reset(&mut self) {
        self.packed.clear();
        self.done = 0;
    }

    fn due(&self, held: Held) -> Option<Due> {
        let Schedule { window, block } = self.schedule;
        let rows = held.rows.checked_sub(self.done + window)? / block * block;
        (rows > 0).then(|| Due { rows: self.done..self.done + rows, layers: 0..self.layers })
    }

    fn apply(&mut self, due: &Due, _held: Held, cache: &mut Cache<'_>) -> Result<()> {
        let (size, heads, rows) = (cache.head_size(), cache.kv_heads(), due.rows.len());
        let bytes: usize = self.codecs.iter().map(|codec| rows / codec.rows() * codec.packed_bytes()).sum();
        let mut at = self.packed.len();
        self.packed.resize(at + bytes * heads * self.layers, 0);
        for state in 0..2 * self.layers {
            let codec = &mut self.codecs[state % 2];
            let (together, length) = (codec.rows() * size, codec.packed_bytes());
            for head in 0..heads {
                let rows = &mut cache.head_mut(state, head)[due.rows.start * size..due.rows.end * size];
                for rows in rows.chunks_exact_mut(together) {
                    let packed = &mut self.packed[at..at + length];
                    codec.encode(rows, packed);
                    codec.decode(packed, rows);
                    at += length;
                }
            }
        }
        self.done = due.rows.end;
        let tables: usize = self.codecs.iter().map(|codec| codec.buffer_bytes()).sum();
        self.most_bytes = self.most_bytes.max(self.packed.capacity() + tables);
        Ok(())
    }

    fn packed(&self) -> (usize, usize) {
        (self.packed.len(), self.done)
    }

    fn buffer_bytes(&self) -> usize {
        self.most_bytes
    }
}

/// Refuses groups that do not fill a row.
pub(super) fn check_group(group: usize, head_size: usize) -> Result<()> {
    if head_size.is_multiple_of(group) {
        return Ok(());
    }
    Err(Error::input(format!("groups of `{group}` do not fill a head of {head_size}"))
        .hint(format!("use a `group` that divides {head_size}")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::transform::cache::layout;
    use crate::engine::transform::rotation::{gaussian, random_of};
    use crate::engine::transform::{Transform, TransformSpec};

    #[expect(clippy::cast_possible_truncation, reason = "rows are f32")]
    pub(in crate::engine::transform) fn gaussian_rows(rows: usize, size: usize, seed: u64) -> Vec<f32> {
        let mut random = random_of(seed);
        (0..rows * size).map(|_| gaussian(&mut random) as f32).collect()
    }

    /// Squared error as a share of the rows' squared length.
    pub(in crate::engine::transform) fn relative_error(codec: &mut dyn RowCodec, rows: &[f32]) -> f64 {
        let mut packed = vec![0; codec.packed_bytes()];
        let together = codec.rows() * 64;
        let mut back = vec![0.0; together];
        let (mut error, mut length) = (0.0, 0.0);
        for rows in rows.chunks_exact(together) {
            codec.encode(rows, &mut packed);
            codec.decode(&packed, &mut back);
            error += rows.iter().zip(&back).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>();
            length += rows.iter().map(|a| f64::from(a * a)).sum::<f64>();
        }
        error / length
    }

    fn quantiser(name: &str) -> Box<dyn Transform> {
        let spec: TransformSpec = name.parse().unwrap();
        spec.build(&layout(2, 3, 64)).unwrap().unwrap()
    }

    fn held(rows: usize) -> Held {
        Held { rows, positions: rows, prompt: 5 }
    }

    #[test]
    fn rows_are_due_in_blocks_as_they_leave_the_exact_window_and_each_once() {
        let mut transform = quantiser("absmax:int8,window=4,block=3");
        let mut due = Vec::new();
        for rows in 5..=14 {
            if let Some(it) = transform.due(held(rows)) {
                let mut states = vec![vec![1.0; 3 * rows * 64]; 4];
                let states = states.iter_mut().map(Vec::as_mut_slice).collect();
                transform
                    .apply(&it, held(rows), &mut Cache::new(&layout(2, 3, 64), states, rows).unwrap())
                    .unwrap();
                due.push((rows, it.rows));
            }
        }
        assert_eq!(due, [(7, 0..3), (10, 3..6), (13, 6..9)]);
        assert_eq!(transform.packed(), (9 * 2 * 2 * 3 * (64 + 4), 9));
        transform.reset();
        assert_eq!((transform.packed(), transform.due(held(6))), ((0, 0), None));
        assert_eq!(transform.due(held(17)).unwrap().rows, 0..12, "a long prompt at once");
    }

    #[test]
    fn rows_outside_the_block_keep_every_bit() {
        let mut transform = quantiser("turboquant:k4v2,block=2,window=1");
        let before: Vec<Vec<f32>> = (0..4).map(|state| gaussian_rows(3 * 5, 64, state)).collect();
        let mut after = before.clone();
        let states = after.iter_mut().map(Vec::as_mut_slice).collect();
        let mut cache = Cache::new(&layout(2, 3, 64), states, 5).unwrap();
        let due = transform.due(held(5)).unwrap();
        transform.apply(&due, held(5), &mut cache).unwrap();
        assert_eq!(due.rows, 0..4);
        for (before, after) in before.iter().zip(&after) {
            for (row, (old, new)) in before.chunks_exact(64).zip(after.chunks_exact(64)).enumerate() {
                assert_eq!(old == new, row % 5 == 4, "row {row}");
            }
        }
    }

    #[test]
    fn the_bytes_of_a_token_at_the_published_shape_are_those_of_its_packed_buffer() {
        let published = layout(24, 8, 64);
        for (name, bytes) in [
            ("turboquant:k8v8", 25_344),
            ("turboquant:k6v4", 16_128),
            ("turboquant:k4v4,rotation=hadamard", 13_056),
            ("turboquant:k3v3", 9_984),
            ("turboquant:k2v2", 6_912),
            ("turboquant:k4v4,form=prod", 13_824),
            ("absmax:int8", 26_112),
            ("hadamard-int4", 13_824),
        ] {
            let spec: TransformSpec =
                format!("{name}{}block=1", if name.contains(':') { "," } else { ":" }).parse().unwrap();
            let mut transform = spec.build(&published).unwrap().unwrap();
            let mut states = vec![vec![0.5; 8 * 64]; 48];
            let states = states.iter_mut().map(Vec::as_mut_slice).collect();
            let due = transform.due(held(1)).unwrap();
            transform.apply(&due, held(1), &mut Cache::new(&published, states, 1).unwrap()).unwrap();
            assert_eq!(transform.packed(), (bytes, 1), "{name}");
            assert!(transform.buffer_bytes() > bytes, "{name}: tables count, too");
        }
    }

    #[test]
    fn a_group_that_does_not_fill_a_row_is_refused() {
        let spec: TransformSpec = "absmax:int4,group=48".parse().unwrap();
        let error = spec.build(&layout(1, 1, 64)).err().unwrap();
        assert!(error.to_string().contains("`48`") && error.hint_text().unwrap().contains("divides 64"));
    }
}
