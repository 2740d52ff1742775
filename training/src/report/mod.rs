//! What a run shows of itself: plots, TensorBoard, a log, sheets of images, and tables of several runs.

pub mod figures;
pub mod plots;
pub mod preview;
pub mod run_folder;
pub mod run_log;
pub mod runs;
pub mod tensorboard;
