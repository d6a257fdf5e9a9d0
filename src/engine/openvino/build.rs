//! Compiles the bridges to the KV states and to string tensors. They need a C++ compiler and nothing of OpenVINO.

use std::env;

const LINUX: [&str; 2] = ["src/engine/openvino/state_bridge.cpp", "src/engine/openvino/string_bridge.cpp"];
const WINDOWS: [&str; 1] = ["src/engine/openvino/windows_bridge.cpp"];

fn main() {
    for bridge in LINUX.iter().chain(&WINDOWS) {
        println!("cargo::rerun-if-changed={bridge}");
    }
    println!("cargo::rerun-if-changed=src/engine/openvino/build.rs");
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(true).extra_warnings(true);
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "windows") {
        // Nothing of a standard library is in there. The unwinder finds a handler by its section's name.
        build.files(WINDOWS).cpp_link_stdlib(None);
        for flag in ["-fno-function-sections", "-fno-exceptions", "-fno-rtti"] {
            build.flag_if_supported(flag);
        }
    } else {
        // The release wheels are built with the C++11 ABI of libstdc++; the layouts in the bridge assume it.
        build.files(LINUX).define("_GLIBCXX_USE_CXX11_ABI", "1");
    }
    build.compile("arcgauge_bridges");
}
