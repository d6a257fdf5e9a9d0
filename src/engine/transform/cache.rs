//! The layout of a model's KV cache, and the cache as it was read.

use serde_json::Value;

use crate::engine::ModelFolder;
use crate::engine::transform::Rope;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};

/// More layers, heads and elements of a head than any model has, and few enough for tables over them.
const LARGEST_EXTENT: usize = 1024;

/// What a model's config says of its KV cache.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CacheLayout {
    /// Layers, each with a key state and a value state.
    pub layers: usize,
    /// Heads that ask, in each layer.
    pub query_heads: usize,
    /// Heads that have keys and values, in each layer.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_size: usize,
    /// Whether a layer sees only the newest rows.
    pub sliding: Vec<bool>,
    /// How many rows such a layer sees, the own one included.
    pub window: usize,
    /// How positions turn queries and keys, where that is known.
    pub rope: Option<Rope>,
    /// The hash of the model's weights, by which its calibration is recognised; checked where it is given.
    pub model_sha256: Option<String>,
}

impl CacheLayout {
    /// Reads it from a model's `config.json`.
    ///
    /// # Errors
    /// A config that does not state the shape.
    pub fn of(folder: &ModelFolder) -> Result<Self> {
        let file = folder.config_file();
        let config: Value = serde_json::from_str(&files::read_text(&file, FileKind::ModelText)?)
            .map_err(|cause| Error::input(format!("`{}` is not a model config: {cause}", file.display())))?;
        Self::from_config(&config).map_err(|name| {
            Error::input(format!("`{}` states no usable `{name}`", file.display()))
                .hint("KV experiments need a model whose config states the shape of its KV cache, as GPT-OSS")
        })
    }

    fn from_config(config: &Value) -> Result<Self, &'static str> {
        let number = |name: &'static str, largest: usize| {
            let number = config[name].as_u64().and_then(|it| usize::try_from(it).ok());
            number.filter(|it| (1..=largest).contains(it)).ok_or(name)
        };
        let layers = number("num_hidden_layers", LARGEST_EXTENT)?;
        let query_heads = number("num_attention_heads", LARGEST_EXTENT)?;
        let kv_heads = match &config["num_key_value_heads"] {
            Value::Null => query_heads,
            _ => number("num_key_value_heads", LARGEST_EXTENT)?,
        };
        let head_size = match &config["head_dim"] {
            Value::Null => number("hidden_size", LARGEST_EXTENT * query_heads)? / query_heads,
            _ => number("head_dim", LARGEST_EXTENT)?,
        };
        if head_size == 0 {
            return Err("hidden_size");
        }
        let kinds = config["layer_types"].as_array();
        let sliding = match kinds {
            Some(kinds) if kinds.len() != layers => return Err("layer_types"),
            Some(kinds) => kinds.iter().map(|kind| kind.as_str() == Some("sliding_attention")).collect(),
            None => vec![false; layers],
        };
        let window = if sliding.contains(&true) { number("sliding_window", usize::MAX / 2)? } else { 0 };
        if !query_heads.is_multiple_of(kv_heads) {
            return Err("num_key_value_heads");
        }
        let rope = Rope::from_config(config, head_size);
        Ok(Self { layers, query_heads, kv_heads, head_size, sliding, window, rope, model_sha256: None })
    }

    /// Bytes of one row of all layers, keys and values, at this size of an element.
    pub fn row_bytes(&self, element_bytes: usize) -> usize {
        2 * self.layers * self.kv_heads * self.head_size * element_bytes
    }
}

/// The queries of the newest tokens in one layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedQueries {
    /// Their queries, oldest first, each `(query heads, head size)`, as they meet the keys.
    pub queries: Vec<f32>,
    /// The attention sink of each query head; empty where the model has none.
    pub sinks: Vec<f32>,
}

/// All states as they were read: for each layer its keys and then its values, each `(KV heads, rows, head size)`.
pub struct Cache<'a> {
    states: Vec<&'a mut [f32]>,
    /// The queries of the newest tokens of each layer; empty unless requested.
    pub observed: &'a [ObservedQueries],
    kv_heads: usize,
    head_size: usize,
    rows: usize,
    rows_read: usize,
}

impl<'a> Cache<'a> {
    /// The states of a cache, in the order key, value of layer 0, key, value of layer 1 and so on.
    ///
    /// # Errors
    /// States that are not those of the layout, or do not hold this many rows: a cache with keys and values of
    /// different lengths gives wrong output without an error.
    pub fn new(layout: &CacheLayout, states: Vec<&'a mut [f32]>, rows: usize) -> Result<Self> {
        if states.len() != 2 * layout.layers {
            return Err(Error::input(format!(
                "the model has `{}` KV states where its config says {} layers",
                states.len(),
                layout.layers
            )));
        }
        let expected = layout.kv_heads * rows * layout.head_size;
        if let Some(index) = states.iter().position(|state| state.len() != expected) {
            return Err(Error::input(format!(
                "the {} of layer `{}` have {} elements where {rows} rows have {expected}",
                ["keys", "values"][index % 2],
                index / 2,
                states[index].len()
            ))
            .hint("keys and values of all layers must hold the same number of rows"));
        }
        let (kv_heads, head_size) = (layout.kv_heads, layout.head_size);
        Ok(Self { states, observed: &[], kv_heads, head_size, rows, rows_read: rows })
    }

    /// Rows that each layer holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Heads of a state.
    pub fn kv_heads(&self) -> usize {
        self.kv_heads
    }

    /// Width of a row.
    pub fn head_size(&self) -> usize {
        self.head_size
    }

    /// The rows of one head of one state, which is `2 * layer` for keys and one more for values.
    pub fn head(&self, state: usize, head: usize) -> &[f32] {
        let length = self.rows * self.head_size;
        &self.states[state][head * length..][..length]
    }

    /// The same, to change them.
    pub fn head_mut(&mut self, state: usize, head: usize) -> &mut [f32] {
        let length = self.rows * self.head_size;
        &mut self.states[state][head * length..][..length]
    }

    /// Keeps of each layer the rows that `kept` gives for layer and head: `count` of them, ascending.
    pub(super) fn keep<'k>(&mut self, count: usize, kept: impl Fn(usize, usize) -> &'k [usize]) {
        let (size, rows) = (self.head_size, self.rows);
        for (index, state) in self.states.iter_mut().enumerate() {
            for head in 0..self.kv_heads {
                let kept = kept(index / 2, head);
                debug_assert!(kept.len() == count && kept.is_sorted());
                for (to, &from) in kept.iter().enumerate() {
                    // Never past where it comes from, so nothing is overwritten before it has moved.
                    let from = (head * rows + from) * size;
                    state.copy_within(from..from + size, (head * count + to) * size);
                }
            }
        }
        self.rows = count;
    }

    /// The elements of a state, without the room that removed rows have left.
    pub fn state(&self, state: usize) -> &[f32] {
        &self.states[state][..self.kv_heads * self.rows * self.head_size]
    }

    /// Whether rows were removed.
    pub fn is_shorter(&self) -> bool {
        self.rows < self.rows_read
    }
}

#[cfg(test)]
pub(in crate::engine) use tests::layout;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::engine) fn layout(layers: usize, kv_heads: usize, head_size: usize) -> CacheLayout {
        CacheLayout {
            layers,
            query_heads: 2 * kv_heads,
            kv_heads,
            head_size,
            sliding: vec![false; layers],
            ..CacheLayout::default()
        }
    }

    #[test]
    fn the_shipped_model_s_config_gives_24_layers_of_which_every_other_one_slides() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        let layout = CacheLayout::of(&ModelFolder::open(&folder).unwrap()).unwrap();
        assert_eq!((layout.layers, layout.query_heads, layout.kv_heads, layout.head_size), (24, 16, 8, 64));
        assert!(layout.sliding.iter().enumerate().all(|(layer, sliding)| *sliding == (layer % 2 == 0)));
        assert_eq!(layout.window, 128);
        assert_eq!(layout.row_bytes(2), 49_152);
    }

    #[test]
    fn a_config_without_the_shape_is_refused_by_the_field() {
        let without_heads = json!({"num_hidden_layers": 2});
        assert_eq!(CacheLayout::from_config(&without_heads), Err("num_attention_heads"));
        let uneven = json!({"num_hidden_layers": 2, "num_attention_heads": 3, "num_key_value_heads": 2, "head_dim": 4});
        assert_eq!(CacheLayout::from_config(&uneven), Err("num_key_value_heads"));
    }

    #[test]
    fn a_shape_that_no_model_has_is_refused_by_the_field_before_tables_are_made_for_it() {
        let shape = json!({"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
            "hidden_size": 32, "rope_theta": 1e4});
        assert!(CacheLayout::from_config(&shape).is_ok());
        let fields = ["num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"];
        for (field, value) in
            fields.iter().flat_map(|field| [0, 1 << 60, 1 << 63, 100_000].map(|it| (field, it)))
        {
            let mut config = shape.clone();
            config[*field] = u64::into(value);
            assert_eq!(CacheLayout::from_config(&config), Err(*field), "{value}");
        }
        for hidden_size in [3, 1 << 63] {
            let mut config = shape.clone();
            (config["head_dim"], config["hidden_size"]) = (Value::Null, u64::into(hidden_size));
            assert_eq!(CacheLayout::from_config(&config), Err("hidden_size"), "{hidden_size}");
        }
        for (theta, scaling) in [
            (-1.0, Value::Null),
            (
                1e4,
                json!({"rope_type": "yarn", "factor": 0.0,
            "original_max_position_embeddings": 4096}),
            ),
        ] {
            let mut config = shape.clone();
            (config["rope_theta"], config["rope_scaling"]) = (theta.into(), scaling);
            assert_eq!(CacheLayout::from_config(&config).unwrap().rope, None, "{config}");
        }
    }

    #[test]
    fn keys_shorter_than_values_and_layers_of_unequal_length_are_refused_and_named() {
        let (mut whole, mut short) = (vec![0.0; 24], vec![0.0; 16]);
        let (mut other, mut another) = (whole.clone(), whole.clone());
        let refused = |states: Vec<&mut [f32]>| Cache::new(&layout(2, 2, 4), states, 3).err().unwrap();
        let error = refused(vec![&mut whole, &mut other, &mut short, &mut another]);
        assert_eq!(error.to_string(), "the keys of layer `1` have 16 elements where 3 rows have 24");
        assert!(error.hint_text().unwrap().contains("the same number of rows"));
        assert!(refused(vec![&mut whole, &mut short]).to_string().contains("`2` KV states"));
    }

    #[test]
    fn rows_that_are_kept_move_together_with_their_head() {
        let mut states: Vec<Vec<f32>> =
            (0..2).map(|state| (0..12).map(|it| (it + 100 * state) as f32).collect()).collect();
        let states = states.iter_mut().map(Vec::as_mut_slice).collect();
        let mut cache = Cache::new(&layout(1, 2, 2), states, 3).unwrap();
        cache.keep(2, |_, head| if head == 0 { &[0, 2] } else { &[1, 2] });
        assert_eq!(cache.state(0), [0.0, 1.0, 4.0, 5.0, 8.0, 9.0, 10.0, 11.0]);
        assert_eq!(cache.head(1, 1), [108.0, 109.0, 110.0, 111.0]);
        assert!(cache.is_shorter());
    }
}
