//! Loads the OpenVINO library.
//!
//! The library is loaded from a named file, so nothing has to be exported and no search path
//! matters. The first load of a process wins; one process uses one OpenVINO.

use std::path::Path;
use std::rc::Rc;

use openvino::{Core, DeviceType, PropertyKey, RwPropertyKey};

use crate::engine::openvino::release::Releases;
use crate::engine::openvino::state::{StateBridge, is_loaded};
use crate::engine::openvino::{FoundBy, Property, RuntimeLocation, failed};
use crate::error::{Error, Result};

/// A loaded OpenVINO.
pub struct Runtime {
    pub(super) core: Core,
    version: String,
    build: String,
    location: RuntimeLocation,
    state_bridge: Result<Rc<StateBridge>, String>,
}

impl Runtime {
    /// Loads the library at this place.
    ///
    /// # Errors
    /// When it cannot be opened, or another OpenVINO was loaded in this process before.
    pub fn load(location: RuntimeLocation) -> Result<Self> {
        let path = location.c_library.display().to_string();
        openvino_sys::library::load_from(location.c_library.clone()).map_err(|cause| {
            Error::harness(format!("cannot load OpenVINO from `{path}`: {cause}"))
                .hint("run `cargo xtask doctor`")
        })?;
        if !is_loaded(&location.c_library) {
            return Err(Error::harness(format!(
                "`{path}` was to be loaded, but this process runs another OpenVINO"
            ))
            .hint("one process uses one OpenVINO: use a process for each"));
        }
        let core = Core::new().map_err(|cause| {
            Error::harness(format!("OpenVINO at `{path}` does not start: {cause:?}"))
                .hint("run `cargo xtask doctor`")
        })?;
        let build = openvino::version().build_number;
        let version = build.split('-').next().unwrap_or_default().to_owned();
        if let FoundBy::Pinned(requested) = &location.found_by
            && *requested != version
        {
            return Err(Error::harness(format!(
                "OpenVINO `{requested}` was requested, but `{version}` is loaded from `{path}`"
            ))
            .hint("one process uses one OpenVINO: use a process for each"));
        }
        let state_bridge = open_bridge(&version, &location.c_library).map(Rc::new);
        Ok(Self { core, version, build, location, state_bridge })
    }

    /// As in "2026.4.1".
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The full build string.
    #[must_use]
    pub fn build(&self) -> &str {
        &self.build
    }

    /// Where it was loaded from.
    #[must_use]
    pub fn location(&self) -> &RuntimeLocation {
        &self.location
    }

    /// The access to KV states, or why there is none.
    ///
    /// # Errors
    /// The reason, as a phrase.
    pub fn state_bridge(&self) -> Result<Rc<StateBridge>, String> {
        self.state_bridge.clone()
    }

    /// The devices that OpenVINO sees, as in "CPU", "GPU" or "GPU.1".
    ///
    /// # Errors
    /// When the runtime refuses.
    pub fn available_devices(&self) -> Result<Vec<String>> {
        let devices = self.core.available_devices().map_err(|cause| failed("list the devices", &cause))?;
        Ok(devices.iter().map(ToString::to_string).collect())
    }

    /// A property of a device, where it has it. Leaks a few bytes a call: not for loops.
    #[must_use]
    pub fn device_property(&self, device: &str, key: &'static str) -> Option<String> {
        let key = PropertyKey::Other(key.into());
        self.core.get_property(&DeviceType::from(device), &key).ok()
    }

    /// Sets a property for all models compiled for a device from now on; "" is the core itself.
    ///
    /// # Errors
    /// When the runtime refuses the key or the value.
    pub(super) fn set_property(&mut self, device: &str, property: &Property) -> Result<()> {
        let key = RwPropertyKey::Other(property.key.clone().into());
        self.core.set_property(&DeviceType::from(device), &key, &property.value).map_err(|cause| {
            failed(&format!("set `{}={}` on `{device}`", property.key, property.value), &cause)
                .as_input()
                .hint("check the name and the value; `--property KEY=VALUE` takes OpenVINO's own")
        })
    }
}

fn open_bridge(version: &str, c_library: &Path) -> Result<StateBridge, String> {
    let releases = Releases::pinned();
    let tested = releases.get(version).is_some_and(|release| release.state_access_tested);
    if !tested {
        return Err(format!(
            "the KV states of OpenVINO `{version}` are out of reach: the state access was tested with {} only",
            releases.versions()
        ));
    }
    StateBridge::open(c_library)
}
