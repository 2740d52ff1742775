//! Command line and start of the application.
fn main() {}
