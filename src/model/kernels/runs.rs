//! Sharing out a batch: every thread takes one run of neighbouring images.
//!
//! Results of runs are combined in order, so a sum depends on the number of threads but never on their timing.

/// Cuts `n_images` into as many runs as there are threads, each a whole number of groups of `group` images.
pub(super) fn run_len(n_images: usize, group: usize) -> usize {
    let n_groups = n_images.div_ceil(group);
    (n_groups.div_ceil(rayon::current_num_threads()) * group).max(1)
}

/// Adds further sums to the first.
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
