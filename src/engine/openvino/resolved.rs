//! A runtime with a device resolved on it and its properties decided: all that is known before
//! minutes of compiling.

use std::path::Path;

use crate::engine::ModelFolder;
use crate::engine::openvino::{
    DeviceChoice, DeviceFacts, Graph, LoadRequest, OpenVinoEngine, Property, Runtime, RuntimeLocation,
    default_properties,
};
use crate::error::Result;

/// What will run where, and how it is set.
pub struct ResolvedRuntime {
    /// The loaded library.
    pub runtime: Runtime,
    /// What was requested and what will be compiled for.
    pub choice: DeviceChoice,
    /// What the runtime tells of that device.
    pub facts: DeviceFacts,
    /// The properties that are set before compiling: the device's defaults, and over them what was
    /// requested.
    pub properties: Vec<Property>,
}

impl ResolvedRuntime {
    /// Loads the library and settles the device.
    ///
    /// # Errors
    /// When the library cannot be loaded, or the device is not one that can be measured here.
    pub fn on(location: RuntimeLocation, device: &str, requested: &[Property]) -> Result<Self> {
        let runtime = Runtime::load(location)?;
        let choice = DeviceChoice::settle(device, &runtime.available_devices()?)?;
        let facts = DeviceFacts::read(&runtime, &choice.target, Path::new("/sys"));
        let properties = default_properties(choice.kind(), requested);
        Ok(Self { runtime, choice, facts, properties })
    }

    /// The machine's GPU, as OpenVINO names it, whatever device runs.
    #[must_use]
    pub fn gpu_name(&self) -> Option<String> {
        self.runtime.device_property("GPU", "FULL_DEVICE_NAME")
    }

    /// Compiles the model; the edited graph is written to `edited_graph`, and compiled models are kept
    /// in and taken from `compiled_models`.
    ///
    /// # Errors
    /// When the runtime refuses the model or a property, or the model does not run on the device that
    /// it was compiled for.
    pub fn load(
        &mut self,
        folder: &ModelFolder,
        graph: &Graph,
        edited_graph: Option<&Path>,
        compiled_models: Option<&Path>,
    ) -> Result<OpenVinoEngine> {
        let request = LoadRequest {
            folder,
            graph,
            device: &self.choice.target,
            properties: &self.properties,
            edited_graph,
            compiled_models,
        };
        OpenVinoEngine::load(&mut self.runtime, request)
    }
}
