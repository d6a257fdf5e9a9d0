//! arcgauge
fn main(){}
