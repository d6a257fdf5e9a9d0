//! Compiles the bridges to the KV states and to string tensors. They need a C++ compiler and nothing of OpenVINO.

fn main() {
    let bridges = ["src/engine/openvino/state_bridge.cpp", "src/engine/openvino/string_bridge.cpp"];
    for bridge in bridges {
        println!("cargo::rerun-if-changed={bridge}");
    }
    println!("cargo::rerun-if-changed=src/engine/openvino/build.rs");
    // The release wheels are built with the C++11 ABI of libstdc++; the layouts in the bridge assume it.
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .warnings(true)
        .extra_warnings(true)
        .files(bridges)
        .compile("arcgauge_bridges");
}
