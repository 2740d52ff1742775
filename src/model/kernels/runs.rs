//! Splitting a batch among threads: each takes one run of consecutive images.
//!
//! The results of runs are combined in order, so a sum depends on the number of threads but never on their timing.

/// The length of a run when `n_images` are split into as many runs as there are threads, each a whole number of groups
/// of `group` images.
pub(super) fn run_len(n_images: usize, group: usize) -> usize {
    let n_groups = n_images.div_ceil(group);
    (n_groups.div_ceil(rayon::current_num_threads()) * group).max(1)
}

/// Adds up vectors of sums.
pub(super) fn add_up(sums: impl IntoIterator<Item = Vec<f32>>) -> Vec<f32> {
    let mut sums = sums.into_iter();
    let mut total = sums.next().unwrap_or_default();
    for sum in sums {
        total
            .iter_mut()
            .zip(sum)
            .for_each(|(total, value)| *total += value);
    }
    total
}
