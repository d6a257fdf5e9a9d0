//! Which files of a repository a model folder needs.

use crate::record::hub::address::is_file_name;

/// The graph, without which there is no model in OpenVINO's format.
pub(super) const GRAPH: &str = "openvino_model.xml";
/// What the graph and the config are in, and what tokenizers and templates are in.
const ENDINGS: [&str; 6] = [".json", ".jinja", ".txt", ".model", ".tiktoken", ".md"];
/// Documents without an ending, however they go on.
const DOCUMENTS: [&str; 4] = ["LICENSE", "LICENCE", "NOTICE", "USAGE_POLICY"];

/// Whether a file belongs to an OpenVINO model: its graphs with their weights, what is small and says
/// something about them, and the licence. Weights in other formats, folders and hidden files do not; and
/// `manifest.json` is ours to write.
pub(super) fn is_needed(path: &str) -> bool {
    if !is_file_name(path) || path == "manifest.json" || path.ends_with(".index.json") {
        return false;
    }
    let is_graph =
        path.starts_with("openvino_") && [".xml", ".bin"].iter().any(|ending| path.ends_with(ending));
    is_graph
        || ENDINGS.iter().any(|ending| path.ends_with(ending))
        || DOCUMENTS.iter().any(|document| path.starts_with(document))
}

/// Whether a path leads out of the folder that it is in, or is none: no honest repository has such a file.
pub(super) fn leads_out(path: &str) -> bool {
    path.split('/').any(|part| ["", ".", ".."].contains(&part))
        || path.contains(['\\', ':'])
        || path.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_repository_with_weights_in_several_formats_only_openvino_s_come() {
        let needed = [
            "openvino_model.xml",
            "openvino_model.bin",
            "openvino_tokenizer.xml",
            "openvino_detokenizer.bin",
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "chat_template.jinja",
            "merges.txt",
            "tokenizer.model",
            "README.md",
            "LICENSE",
        ];
        let rest = [
            "model-00001-of-00003.safetensors",
            "model.safetensors.index.json",
            "pytorch_model.bin",
            "model.gguf",
            "original/config.json",
            ".gitattributes",
            ".git/config",
            "manifest.json",
            "run.py",
            "a b.json",
        ];
        assert!(needed.iter().all(|path| is_needed(path)));
        assert_eq!(rest.iter().find(|path| is_needed(path) || leads_out(path)), None);
    }

    #[test]
    fn a_path_that_leads_out_is_told_from_one_that_leads_in() {
        for path in [
            "../x.json",
            "a/../../x.json",
            "/etc/passwd",
            "",
            "a//b",
            "./x",
            "..\\x.json",
            "C:x.json",
            "a\nb.json",
        ] {
            assert!(leads_out(path), "{path:?}");
        }
        assert!(!leads_out("original/config.json"));
    }
}
