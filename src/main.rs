//! arcgauge
fn main() {}
