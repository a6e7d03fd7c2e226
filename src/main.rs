//! The command line of streamgauge, which comes with its last layer.

fn main() {}
