//! arcgauge
