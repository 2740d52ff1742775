//! Batches of images, prepared on other threads while the network computes.
//!
//! The contents of a batch depend on the seed, the epoch and the images, never on threads or timing: the order of an
//! epoch is one shuffle, and every image has its own random generator. So a resumed epoch continues exactly; see
//! [`Epoch::first_batch`]. First numbers of the random keys: 1 order, 2 images, 3 first weights, 4 dropout, 5 mixup,
//! 8 widening, 9 damage for tests.

use std::{
    io, panic,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use serde::{Deserialize, Serialize};

use crate::{
    augment::{
        AugmentConfig, Normalization, View,
        mixup::{Mixed, mix},
    },
    data::{dataset::Dataset, sampler::Sampler},
    fer2013::IMAGE_SIDE_PX,
    random::SplitMix64,
};

/// First numbers of the random keys, which keep the order of an epoch independent of its images.
const ORDER_KEY: u64 = 1;
const IMAGE_KEY: u64 = 2;
const MIXUP_KEY: u64 = 5;

fervis::with_defaults! {
    /// How batches are assembled. `n_threads` and `queue_len` do not change their contents.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub struct LoaderConfig {
        /// Images per batch.
        pub batch_size: usize = 64,
        /// Whether the images left over at the end of an epoch form a shorter batch. If `false`, they are dropped from that
        /// epoch. Evaluation always keeps them.
        pub keep_short: bool = true,
        /// Threads that prepare batches. One is enough for a CPU: it prepares about 20,000 images per second.
        pub n_threads: usize = 1,
        /// How many finished batches each thread may hold ready.
        pub queue_len: usize = 2,
        /// Width and height of the images, px.
        pub side_px: usize = IMAGE_SIDE_PX,
        /// Which training images an epoch shows. Evaluation shows every image it is given.
        pub sampler: Sampler = Sampler::Shuffled,
    }
}

/// One pass over the training images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// The run's seed.
    pub seed: u64,
    /// Counted from 0.
    pub number: u64,
    /// How many batches to skip because an interrupted run has already seen them. The remaining ones are the same as
    /// without the interruption.
    pub first_batch: usize,
}

/// The images of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Normalized pixels of shape `(n, 1, side, side)`, flattened.
    pub images: Vec<f32>,
    /// The `n` labels, as FER-2013 numbers the expressions.
    pub labels: Vec<u32>,
    /// Indices of the images in the [`Dataset`].
    pub indices: Vec<usize>,
    /// How the images were blended, if mixup is on.
    pub mixed: Option<Mixed>,
}

impl Batch {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it holds no images. [`Batches`] never yields such a batch.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// The batches of one pass. Dropping it, even early, ends its threads.
#[derive(Debug)]
pub struct Batches {
    /// One per thread. Thread `t` of `n` makes batches `t`, `t + n`, …, so taking turns keeps the order.
    queues: Vec<Receiver<Batch>>,
    threads: Vec<JoinHandle<()>>,
    n_taken: usize,
    n_batches: usize,
}

impl Batches {
    /// An epoch of training: `indices` in the order of [`LoaderConfig::sampler`], each image augmented at random.
    ///
    /// # Errors
    /// If no thread can be started.
    ///
    /// # Panics
    /// If the batch size is 0.
    pub fn training(
        dataset: Arc<Dataset>,
        indices: &[usize],
        augment: AugmentConfig,
        normalization: Normalization,
        epoch: Epoch,
        config: LoaderConfig,
    ) -> io::Result<Self> {
        let Epoch { seed, number, .. } = epoch;
        let mut rng = SplitMix64::from_key(&[ORDER_KEY, seed, number]);
        let mut order = config.sampler.epoch(&dataset, indices, &mut rng);
        if !config.keep_short {
            order.truncate(order.len() - order.len() % config.batch_size);
        }
        let n_done = (epoch.first_batch * config.batch_size).min(order.len());
        order.drain(..n_done);
        let vary = move |(index, n_before): (usize, u64), output: &mut [f32]| {
            let key = [IMAGE_KEY, seed, number, index as u64, n_before];
            // An image's first variation in an epoch does not depend on whether more follow.
            let mut rng = SplitMix64::from_key(&key[..if n_before == 0 { 4 } else { 5 }]);
            augment.apply(dataset.input(index), normalization, &mut rng, output);
            (index, u32::from(dataset.label(index)))
        };
        let blend = move |batch_idx: usize, images: &mut [f32]| {
            let number_in_epoch = (epoch.first_batch + batch_idx) as u64;
            let mut rng = SplitMix64::from_key(&[MIXUP_KEY, seed, number, number_in_epoch]);
            let image_len = config.side_px * config.side_px;
            (augment.mixup_alpha > 0.0)
                .then(|| mix(images, image_len, augment.mixup_alpha, &mut rng))
        };
        Self::start(order, config, vary, blend)
    }

    /// One view of every image, in the order of `indices`.
    ///
    /// # Errors
    /// If no thread can be started.
    ///
    /// # Panics
    /// If the batch size is 0.
    pub fn evaluation(
        dataset: Arc<Dataset>,
        indices: &[usize],
        view: View,
        normalization: Normalization,
        config: LoaderConfig,
    ) -> io::Result<Self> {
        let show = move |index: usize, output: &mut [f32]| {
            view.apply(dataset.input(index), normalization, output);
            (index, u32::from(dataset.label(index)))
        };
        Self::start(indices.to_vec(), config, show, |_, _| None)
    }

    /// Starts the threads. `prepare` writes an image and returns its index and label; `blend` receives the number and
    /// the images of each batch.
    fn start<T: Copy + Send + Sync + 'static>(
        order: Vec<T>,
        config: LoaderConfig,
        prepare: impl Fn(T, &mut [f32]) -> (usize, u32) + Send + Sync + 'static,
        blend: impl Fn(usize, &mut [f32]) -> Option<Mixed> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        assert!(config.batch_size > 0, "a batch holds at least one image");
        let n_batches = order.len().div_ceil(config.batch_size);
        let n_threads = config.n_threads.clamp(1, n_batches.max(1));
        let image_len = config.side_px * config.side_px;
        let shared = Arc::new((order, prepare, blend));
        let mut batches = Self {
            queues: Vec::new(),
            threads: Vec::new(),
            n_taken: 0,
            n_batches,
        };
        for thread_idx in 0..n_threads {
            let (sender, queue) = sync_channel(config.queue_len);
            let shared = Arc::clone(&shared);
            let work = move || {
                let (order, prepare, blend) = &*shared;
                let chunks = order.chunks(config.batch_size).enumerate();
                for (batch_idx, chunk) in chunks.skip(thread_idx).step_by(n_threads) {
                    let mut images = vec![0.0; chunk.len() * image_len];
                    let (indices, labels) = chunk
                        .iter()
                        .zip(images.chunks_exact_mut(image_len))
                        .map(|(&item, output)| prepare(item, output))
                        .unzip();
                    let mixed = blend(batch_idx, &mut images);
                    let batch = Batch {
                        images,
                        labels,
                        indices,
                        mixed,
                    };
                    if sender.send(batch).is_err() {
                        return; // The epoch was dropped early.
                    }
                }
            };
            let name = format!("loader-{thread_idx}");
            // If a later thread fails to start, dropping `batches` ends the earlier ones.
            batches.threads.push(Builder::new().name(name).spawn(work)?);
            batches.queues.push(queue);
        }
        Ok(batches)
    }
}

impl Iterator for Batches {
    type Item = Batch;

    /// Waits for the next batch.
    ///
    /// # Panics
    /// If a loader thread panicked. Otherwise an epoch that ended early would pass for a complete one.
    fn next(&mut self) -> Option<Batch> {
        if self.n_taken == self.n_batches {
            return None;
        }
        let thread_idx = self.n_taken % self.queues.len();
        if let Ok(batch) = self.queues[thread_idx].recv() {
            self.n_taken += 1;
            return Some(batch);
        }
        match self.threads.swap_remove(thread_idx).join() {
            Err(cause) => panic::resume_unwind(cause),
            Ok(()) => unreachable!("a loader thread ends only after its last batch"),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n_left = self.n_batches - self.n_taken;
        (n_left, Some(n_left))
    }
}

impl ExactSizeIterator for Batches {}

impl Drop for Batches {
    fn drop(&mut self) {
        // Without a receiver, a thread that waits for room in its queue ends.
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // The thread has already printed its panic; panicking again here could abort.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::dataset::{Split, tests::synthetic},
        fer2013::IMAGE_LEN,
    };

    const EPOCH: Epoch = Epoch {
        seed: 1,
        number: 0,
        first_batch: 0,
    };

    const CONFIG: LoaderConfig = LoaderConfig {
        batch_size: 8,
        keep_short: true,
        n_threads: 1,
        queue_len: 2,
        side_px: IMAGE_SIDE_PX,
        sampler: Sampler::Shuffled,
    };

    fn epoch(epoch: Epoch, config: LoaderConfig) -> Vec<Batch> {
        varied(epoch, config, AugmentConfig::default())
    }

    fn varied(epoch: Epoch, config: LoaderConfig, augment: AugmentConfig) -> Vec<Batch> {
        let dataset = Arc::new(synthetic(30));
        let indices = dataset.split(Split::Training).to_vec();
        let normalization = Normalization::default();
        let batches =
            Batches::training(dataset, &indices, augment, normalization, epoch, config).unwrap();
        let n_promised = batches.len();
        let batches: Vec<Batch> = batches.collect();
        assert_eq!(batches.len(), n_promised);
        batches
    }

    fn order(batches: &[Batch]) -> Vec<usize> {
        batches.iter().flat_map(|b| b.indices.clone()).collect()
    }

    #[test]
    fn an_epoch_has_every_image_once_in_its_own_order() {
        let first = epoch(EPOCH, CONFIG);
        assert_eq!(
            first.iter().map(Batch::len).collect::<Vec<_>>(),
            [8, 8, 8, 6]
        );
        for batch in &first {
            assert_eq!(batch.images.len(), batch.len() * IMAGE_LEN);
            let labels: Vec<u32> = batch.indices.iter().map(|&i| i as u32 % 7).collect();
            assert_eq!(batch.labels, labels);
        }
        let mut sorted = order(&first);
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..30));

        let second = epoch(Epoch { number: 1, ..EPOCH }, CONFIG);
        let other_seed = epoch(Epoch { seed: 2, ..EPOCH }, CONFIG);
        assert_ne!(order(&first), order(&second));
        assert_ne!(order(&first), order(&other_seed));
    }

    #[test]
    fn threads_queues_and_interruptions_do_not_change_a_batch() {
        let whole = epoch(EPOCH, CONFIG);
        for (n_threads, queue_len) in [(1, 0), (2, 1), (3, 4), (50, 1), (0, 1)] {
            let config = LoaderConfig {
                n_threads,
                queue_len,
                ..CONFIG
            };
            assert_eq!(epoch(EPOCH, config), whole, "{n_threads} threads");
            for first_batch in 0..=5 {
                let resumed = Epoch {
                    first_batch,
                    ..EPOCH
                };
                let rest = whole.get(first_batch..).unwrap_or_default();
                assert_eq!(epoch(resumed, config), rest);
            }
        }
    }

    #[test]
    fn blended_and_balanced_epochs_resume_the_same_way() {
        let augment = AugmentConfig {
            mixup_alpha: 0.4,
            ..AugmentConfig::default()
        };
        let config = LoaderConfig {
            sampler: Sampler::Balanced,
            side_px: 32,
            ..CONFIG
        };
        let whole = varied(EPOCH, config, augment);
        assert!(whole.iter().all(|batch| batch.mixed.is_some()));
        assert_eq!(whole[0].images.len(), 8 * 32 * 32);
        let resumed = Epoch {
            first_batch: 2,
            ..EPOCH
        };
        let threads = LoaderConfig {
            n_threads: 2,
            ..config
        };
        assert_eq!(varied(resumed, threads, augment), whole[2..]);
    }

    #[test]
    fn an_image_varies_by_epoch_and_not_by_position() {
        let of_image = |batches: &[Batch]| {
            let (batch, at) = batches
                .iter()
                .find_map(|b| Some((b, b.indices.iter().position(|&i| i == 3)?)))
                .unwrap();
            batch.images[at * IMAGE_LEN..][..IMAGE_LEN].to_vec()
        };
        let image = of_image(&epoch(EPOCH, CONFIG));
        let larger = LoaderConfig {
            batch_size: 11,
            ..CONFIG
        };
        assert_eq!(image, of_image(&epoch(EPOCH, larger)));
        assert_ne!(
            image,
            of_image(&epoch(Epoch { number: 1, ..EPOCH }, CONFIG))
        );
    }

    #[test]
    fn a_short_batch_can_be_dropped() {
        let config = LoaderConfig {
            keep_short: false,
            ..CONFIG
        };
        let batches = epoch(EPOCH, config);
        assert_eq!(batches, epoch(EPOCH, CONFIG)[..3]);
        let too_large = LoaderConfig {
            batch_size: 31,
            ..config
        };
        assert!(epoch(EPOCH, too_large).is_empty());
    }

    #[test]
    fn evaluation_keeps_the_order_it_is_given() {
        let dataset = Arc::new(synthetic(10));
        let indices = [25, 3, 11];
        let raw = Normalization {
            mean: 0.0,
            std: 1.0 / 255.0,
        };
        let config = LoaderConfig {
            batch_size: 2,
            keep_short: false,
            ..CONFIG
        };
        let batches: Vec<Batch> =
            Batches::evaluation(Arc::clone(&dataset), &indices, View::PLAIN, raw, config)
                .unwrap()
                .collect();
        assert_eq!(order(&batches), indices);
        assert_eq!(batches[1].labels, [u32::from(dataset.label(11))]);
        let pixels: Vec<f32> = dataset.image(11).iter().map(|&p| f32::from(p)).collect();
        assert_eq!(batches[1].images, pixels);
    }

    #[test]
    fn dropping_an_epoch_early_ends_its_threads() {
        let dataset = Arc::new(synthetic(100));
        let indices: Vec<usize> = (0..300).collect();
        let config = LoaderConfig {
            n_threads: 3,
            queue_len: 1,
            ..CONFIG
        };
        let mut batches = Batches::evaluation(
            Arc::clone(&dataset),
            &indices,
            View::PLAIN,
            Normalization::default(),
            config,
        )
        .unwrap();
        assert!(batches.next().is_some());
        drop(batches);
        // The threads held the other references.
        assert_eq!(Arc::strong_count(&dataset), 1);
    }

    #[test]
    #[should_panic(expected = "range end index")]
    fn a_thread_that_panics_does_not_end_an_epoch_quietly() {
        let dataset = Arc::new(synthetic(1));
        let no_such_image = [0, 1, 2, 3];
        let normalization = Normalization::default();
        Batches::evaluation(dataset, &no_such_image, View::PLAIN, normalization, CONFIG)
            .unwrap()
            .for_each(drop);
    }
}
