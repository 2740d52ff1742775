//! The files and tables that show a run: its folder, figures, plots, TensorBoard events, log, image sheets, and the
//! comparison with other runs.

pub mod figures;
pub mod plots;
pub mod preview;
pub mod run_folder;
pub mod run_log;
pub mod runs;
pub mod tensorboard;
