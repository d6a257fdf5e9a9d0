//! What a model is made of, for people and for programs.

use comfy_table::{CellAlignment, Table, presets};

use crate::engine::ModelShape;
use crate::engine::openvino::KindOfWeight;
use crate::error::{Error, Result};
use crate::record::{HashesFrom, ModelDescription};
use crate::report::model::made_by::made_lines;
use crate::report::number::{counted, file_size, percent};
use crate::visible;

const TITLE_WIDTH: usize = 13;

/// The description as JSON.
///
/// # Errors
/// Never, but for a fault of the writer.
pub fn model_description_json(description: &ModelDescription) -> Result<String> {
    let text = serde_json::to_string_pretty(description);
    text.map(|text| visible::json(&text) + "\n")
        .map_err(|cause| Error::harness(format!("cannot write a description: {cause}")))
}

/// The description as lines and tables.
#[must_use]
pub fn model_description(description: &ModelDescription) -> String {
    let ModelDescription { name, folder, sha256, shape, .. } = description;
    let mut lines = vec![name.clone(), line("folder", folder)];
    let by = match description.hashes_from {
        HashesFrom::Manifest => "by its manifest; `model verify` compares the files with it",
        HashesFrom::Files => "by its files; it has no manifest",
    };
    lines.push(line("identity", &format!("sha256 {sha256} ({by})")));
    if let Some(from) = &description.fetched_from {
        lines.push(line("fetched from", &format!("{} at {}", from.repository, from.commit)));
    }
    lines.extend(shape_lines(shape));
    lines.extend(weight_lines(description));
    lines.extend(made_lines(&description.made_by));
    lines.push(String::new());
    let files = description
        .files
        .iter()
        .map(|file| [file.path.clone(), file_size(file.size_bytes), file.sha256.clone()]);
    lines.extend(table(["file", "size", "sha256"], files, &[1]));
    lines.iter().map(|line| visible::line(line).trim_end().to_owned() + "\n").collect()
}

fn shape_lines(shape: &ModelShape) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let names: Vec<&str> = shape.model_type.iter().chain(&shape.architectures).map(String::as_str).collect();
    let window =
        shape.sliding_window_tokens.map_or_else(String::new, |tokens| format!(" (window of {tokens})"));
    let kinds: Vec<String> = shape
        .layers_by_attention
        .iter()
        .map(|(kind, count)| {
            let window = if kind.contains("sliding") { window.as_str() } else { "" };
            format!("{count} with {}{window}", kind.replace('_', " "))
        })
        .collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    let mut lines = vec![
        line("architecture", &names.join(", ")),
        line("layers", &format!("{}{kinds}", number(shape.layers))),
        line(
            "attention",
            &format!(
                "{} heads, {} of keys and values, {} wide; the hidden state {}",
                number(shape.attention_heads),
                number(shape.kv_heads),
                number(shape.head_size),
                number(shape.hidden_size)
            ),
        ),
    ];
    let width = shape.intermediate_size.map_or_else(String::new, |width| format!("; {width} wide"));
    lines.push(match (shape.experts, shape.experts_per_token) {
        (Some(all), Some(active)) => {
            line("experts", &format!("{all} a layer, {active} of them for a token{width}"))
        }
        _ => line("experts", "none"),
    });
    let (vocabulary, context) = (number(shape.vocabulary_tokens), number(shape.context_tokens));
    lines.push(line("vocabulary", &format!("{vocabulary} tokens; the context {context}")));
    lines
}

fn weight_lines(description: &ModelDescription) -> Vec<String> {
    let mut lines = vec![match (&description.weights, &description.weights_not_counted_reason) {
        (Some(weights), _) => line(
            "weights",
            &format!(
                "{}; a token reads {} at least (active_bytes_per_token {})",
                file_size(weights.total_bytes),
                file_size(weights.active_bytes_per_token),
                weights.active_bytes_per_token
            ),
        ),
        (None, reason) => line("weights", reason.as_deref().unwrap_or("not counted")),
    }];
    lines.push(match description.kv_cache {
        Some(kv) => line(
            "KV cache",
            &format!(
                "a token adds {} in f32, {} in f16, {} in u8 without its scales",
                counted_bytes(kv.f32_bytes_per_token),
                counted_bytes(kv.f16_bytes_per_token),
                counted_bytes(kv.u8_bytes_per_token)
            ),
        ),
        None => line("KV cache", "its states do not say their shape"),
    });
    let total: f64 = description.weights_by_kind.iter().map(|kind| kind.size_bytes as f64).sum();
    let rows = description.weights_by_kind.iter().map(|kind| {
        let share = percent(kind.size_bytes as f64 / total.max(1.0) * 100.0);
        [
            kind.kind.as_str().to_owned(),
            kind.precision.clone(),
            file_size(kind.size_bytes),
            share,
            parts(kind),
        ]
    });
    if total > 0.0 {
        lines.push(String::new());
        lines.extend(table(["weights", "precision", "size", "share", "of which"], rows, &[2, 3]));
    }
    lines
}

/// What else than the weights themselves is in a kind.
fn parts(kind: &KindOfWeight) -> String {
    let parts = kind.bytes_by_element_type.iter().filter(|_| kind.bytes_by_element_type.len() > 1);
    parts.map(|(name, bytes)| format!("{name} {}", file_size(*bytes))).collect::<Vec<_>>().join(", ")
}

pub(super) fn line(title: &str, text: &str) -> String {
    format!("{title:<TITLE_WIDTH$} {text}")
}

fn counted_bytes(bytes: u64) -> String {
    counted(usize::try_from(bytes).unwrap_or(usize::MAX), "byte")
}

fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    right: &[usize],
) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    for row in rows {
        table.add_row(row);
    }
    for at in right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use insta::assert_snapshot;

    use super::*;
    use crate::engine::ModelFolder;
    use crate::record::HashCache;

    #[test]
    fn the_shipped_model_is_described_whole() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        let folder = ModelFolder::open(&shipped).unwrap();
        let mut description =
            ModelDescription::of(&folder, &mut HashCache::default(), |name, _| panic!("{name} was read"))
                .unwrap();
        description.folder = "/models/tiny".to_owned();
        assert_snapshot!(model_description(&description), @r"
        tiny-gpt-oss
        folder        /models/tiny
        identity      sha256 62ea3becaa660793322b13ce5f5d12ce58d89fdedb095bdb8765ecd0f9cb7a43 (by its manifest; `model verify` compares the files with it)
        architecture  gpt_oss, GptOssForCausalLM
        layers        24: 12 with full attention, 12 with sliding attention (window of 128)
        attention     16 heads, 8 of keys and values, 64 wide; the hidden state 64
        experts       32 a layer, 4 of them for a token; 32 wide
        vocabulary    672 tokens; the context 131072
        weights       8.3 MB; a token reads 5.6 MB at least (active_bytes_per_token 5568576)
        KV cache      a token adds 98304 bytes in f32, 49152 bytes in f16, 24576 bytes in u8 without its scales

         weights     precision         size   share  of which
         experts     i4              3.0 MB  36.8 %  f16 0.3 MB, f32 0.4 MB, i4 2.4 MB
         router      u8         54528 bytes   0.7 %  f16 1536 bytes, f32 3072 bytes, u8 49920 bytes
         attention   u8              5.1 MB  61.3 %  f16 0.1 MB, f32 0.2 MB, u8 4.8 MB
         embeddings  u8         45024 bytes   0.5 %  f16 1344 bytes, u8 43680 bytes
         head        u8         45024 bytes   0.5 %  f16 1344 bytes, u8 43680 bytes
         norms       f32        12544 bytes   0.2 %
         other       i64          541 bytes   0.0 %  boolean 1 byte, f32 164 bytes, i32 48 bytes, i64 328 bytes

        compression   mode int8_asym, group_size -1, ratio 1.0, backup_mode int8_asym (as noted last, in the graph's rt_info)
        made by       OpenVINO 2026.4.1-22982-e213a147257-releases/2026/4, NNCF 3.4.0, optimum-intel 1.27.0, transformers 4.57.6, PyTorch 2.15.0

         file                       size  sha256
         config.json          1534 bytes  9949b30ffdbde4da7e582c04e174f64f859893cae31d7a02cb7b07c96afd7780
         openvino_model.bin       8.3 MB  8fe2ad78543d7c5180f4d1e51dc6714f7af686090ba30591c2a6474b48516d3e
         openvino_model.xml       3.0 MB  44a54fcdaf60d3a69c8122a21fbcf50ecb9bf7b37a8be2cf4bc31bcc3d906e2e
         tokenizer.json      32896 bytes  ad713af889b898137d2a55c89aa68c8357b9824ffad5426cb892570c17f1fdc3
        ");
    }

    #[test]
    fn what_a_model_does_not_say_is_not_made_up() {
        let description = ModelDescription {
            kind: "model-description".into(),
            schema: 1,
            name: "m\u{1b}[2J".into(),
            folder: "/m".into(),
            sha256: "ab".into(),
            hashes_from: HashesFrom::Files,
            fetched_from: None,
            shape: ModelShape::default(),
            weights_by_kind: Vec::new(),
            weights: None,
            weights_not_counted_reason: Some("the graph is strange".into()),
            kv_cache: None,
            made_by: std::collections::BTreeMap::new(),
            files: Vec::new(),
        };
        let text = model_description(&description);
        assert!(
            text.starts_with("m\\u{1b}[2J\n") && text.contains("weights       the graph is strange\n"),
            "{text}"
        );
        assert!(text.contains("layers        ?\n") && !text.contains("compression"), "{text}");
    }
}
