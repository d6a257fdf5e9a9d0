"""Makes a folder of links to a model, with the tokenizer IR of this release: `tokenizer_ir.py MODEL FOLDER`."""

import sys
from pathlib import Path

import openvino as ov
from openvino_tokenizers import convert_tokenizer
from transformers import PreTrainedTokenizerFast


def make(model: Path, folder: Path) -> None:
    """Fills the folder, which is there and empty."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(model / "tokenizer.json"), model_input_names=["input_ids", "attention_mask"]
    )
    for file in model.iterdir():
        # An IR of another release may be there, and must neither be used nor written through.
        if file.is_file() and not file.name.startswith(("openvino_tokenizer.", "openvino_detokenizer.")):
            (folder / file.name).symlink_to(file.resolve())
    for name, part in zip(("tokenizer", "detokenizer"), convert_tokenizer(tokenizer, with_detokenizer=True)):
        ov.save_model(part, folder / f"openvino_{name}.xml")


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
