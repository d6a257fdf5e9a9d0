//! What came of holding a model's files against its manifest.

use crate::record::{FaultyFile, Manifest};
use crate::report::number::{counted, file_size};
use crate::visible::one_line;

/// A line a faulty file, by what is wrong; of a model that is whole one line in all.
#[must_use]
pub fn verification(manifest: &Manifest, faulty: &[FaultyFile]) -> String {
    if faulty.is_empty() {
        let (files, identity) = (counted(manifest.files.len(), "file"), manifest.identity());
        let size = file_size(manifest.size_bytes());
        return format!("`{}` is whole: {files}, {size}, sha256 {identity}\n", manifest.name);
    }
    let lines = faulty
        .iter()
        .map(|FaultyFile { name, fault }| format!("{:<8} {} {fault}\n", fault.as_str(), one_line(name)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FileFault, ModelFile};

    #[test]
    fn each_faulty_file_has_a_line_and_a_whole_model_has_one() {
        let file = ModelFile { path: "config.json".into(), size_bytes: 1534, sha256: "ab".into() };
        let manifest = Manifest { schema: 1, name: "m".into(), files: vec![file] };
        assert!(verification(&manifest, &[]).starts_with("`m` is whole: 1 file, 1534 bytes, sha256 "));
        let faulty = [
            FaultyFile { name: "a.json".into(), fault: FileFault::Size { found: 1, stated: 2 } },
            FaultyFile { name: "b\n.json".into(), fault: FileFault::Extra },
            FaultyFile { name: "c.json".into(), fault: FileFault::Missing },
        ];
        let expected = "damaged  a.json has 1 bytes, the manifest says 2\n\
                        extra    b\\n.json is not in the model's manifest\n\
                        missing  c.json is missing, the manifest lists it\n";
        assert_eq!(verification(&manifest, &faulty), expected);
    }
}
