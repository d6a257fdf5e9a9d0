//! Flags that several verbs share. Names and defaults are those of the published benchmark.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::engine::openvino::Property;
use crate::error::{Error, Result};

/// Which model.
#[derive(Debug, Clone, Args)]
pub(super) struct ModelFlags {
    /// Folder with the OpenVINO model [default: the one of `model use`, else the shipped small model]
    #[arg(long, value_name = "DIR")]
    pub(super) model_dir: Option<PathBuf>,

    /// A tokenizer.json, in place of the tokenizer in the model's folder
    #[arg(long, value_name = "FILE")]
    pub(super) tokenizer: Option<PathBuf>,
}

/// Which model, where and how.
#[derive(Debug, Clone, Args)]
pub(super) struct EngineFlags {
    #[command(flatten)]
    pub(super) model: ModelFlags,

    /// Device to run on; only GPU falls back to the CPU where there is no GPU, with a message
    #[arg(long, value_name = "DEVICE", default_value = "GPU", value_parser = device_name)]
    pub(super) device: String,

    /// OpenVINO to use: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    pub(super) openvino: Option<String>,

    /// Compile property, over the defaults of the device; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE")]
    pub(super) properties: Vec<Property>,

    /// Compute the logits of every prompt token, as in the model's original graph, not only of the last one
    #[arg(long)]
    pub(super) all_logits: bool,
}

/// OpenVINO's names are in capitals; people write them in any case.
#[expect(clippy::unnecessary_wraps, reason = "the type of a value parser")]
fn device_name(text: &str) -> std::result::Result<String, Infallible> {
    Ok(text.to_ascii_uppercase())
}

impl EngineFlags {
    /// Refuses a device that no worker measures, before anything is locked, built or loaded.
    pub(super) fn check_device(&self) -> Result<()> {
        let number =
            self.device.strip_prefix("GPU.").map(|number| number.bytes().all(|it| it.is_ascii_digit()));
        if matches!(self.device.as_str(), "CPU" | "GPU") || number == Some(true) {
            return Ok(());
        }
        Err(Error::input(format!("device `{}` is not measured: arcgauge measures CPU and GPU", self.device))
            .hint("try `--device CPU`, `--device GPU` or, of several GPUs, `--device GPU.1`"))
    }

    /// The default series on the CPU.
    pub(super) fn on_cpu(model: ModelFlags, openvino: Option<String>) -> Self {
        Self { model, device: "CPU".to_owned(), openvino, properties: Vec::new(), all_logits: false }
    }

    /// The flags as they are typed, for a process of this program's own.
    pub(super) fn as_typed(&self) -> Vec<OsString> {
        let mut typed = self.model.as_typed();
        typed.extend(["--device".into(), self.device.clone().into()]);
        typed.extend(openvino_as_typed(self.openvino.as_ref()));
        for property in &self.properties {
            typed.extend(["--property".into(), property.to_string().into()]);
        }
        typed.extend(self.all_logits.then(|| "--all-logits".into()));
        typed
    }
}

impl ModelFlags {
    /// The flags as they are typed, for a process of this program's own.
    pub(super) fn as_typed(&self) -> Vec<OsString> {
        let named = [("--model-dir", &self.model_dir), ("--tokenizer", &self.tokenizer)];
        let given = named.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
        given.flat_map(|(flag, value)| [flag.into(), value.clone().into_os_string()]).collect()
    }
}

/// `--openvino` as it is typed.
pub(super) fn openvino_as_typed(openvino: Option<&String>) -> Vec<OsString> {
    openvino.map(|named| vec!["--openvino".into(), named.into()]).unwrap_or_default()
}
