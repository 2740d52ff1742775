//! Learning from existing networks: their averaged, softened answers are targets beside the labels.
//!
//! The teachers see either exactly what the pupil sees, with all its variations, or the clean image, once before the run.
//! Only the second can teach a pupil more about damaged images than its teachers know: whatever the augmentation covers,
//! blurs or turns, the target stays what the teachers said of the undamaged face. Source: Hinton, Vinyals and Dean 2015,
//! arXiv:1503.02531, with their factor of T² that keeps gradients as large as those of labels.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, ensure};
use fervis::{
    expression::Logits,
    model::{CheckpointChoice, Classifier, ComputeDevice, Views},
};
use serde::{Deserialize, Serialize};

use crate::{
    augment::{self, Normalization},
    dataset::Dataset,
    evaluate::logits_over,
    loss::Target,
    recipe::Recipe,
    run_folder::Origin,
};

/// What a recipe says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationSettings {
    /// The teachers' share of the loss; the rest is the labels'.
    pub share: f64,
    /// Divides the logits of teachers and pupil before they become probabilities.
    pub temperature: f64,
    /// Whether the teachers look at the mirror image too, and what they say of the two is averaged.
    #[serde(default)]
    pub mirrored: bool,
    /// How much each teacher counts, in the order in which they are given. With weights their *probabilities* are averaged,
    /// each with the temperature of its checkpoint, as an ensemble of calibrated networks would answer. Without, their
    /// logits are averaged evenly.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Whether the teachers look at each image as it is stored, once before the run, instead of at what the pupil sees.
    #[serde(default)]
    pub clean: bool,
}

/// The networks learnt from.
pub struct Teachers {
    // Running a network changes its buffers; everything happens on the training thread.
    networks: RefCell<Vec<Classifier>>,
}

impl Teachers {
    /// Loads checkpoints.
    ///
    /// # Errors
    /// If one cannot be loaded.
    pub fn load(paths: &[PathBuf], device: &ComputeDevice) -> Result<Self> {
        let load = |path: &PathBuf| Classifier::load(&CheckpointChoice::File(path.clone()), device);
        let networks = paths.iter().map(load).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(networks))
    }

    /// Takes networks that are loaded.
    pub fn new(networks: Vec<Classifier>) -> Self {
        Self {
            networks: RefCell::new(networks),
        }
    }

    /// Whether they fit the recipe.
    ///
    /// # Errors
    /// If there are none, or not as many as the recipe has weights, or one wants images of another size.
    pub fn check(&self, recipe: &Recipe) -> Result<()> {
        let networks = self.networks.borrow();
        ensure!(
            !networks.is_empty(),
            "the recipe {} learns from other networks; give their checkpoints with --teacher",
            recipe.name
        );
        let settings = recipe.distillation.as_ref();
        let n_weights = settings.map_or(0, |settings| settings.weights.len());
        ensure!(
            n_weights == 0 || n_weights == networks.len(),
            "the recipe {} has weights for {n_weights} teachers, but --teacher names {}; give one for each weight, in the \
             same order",
            recipe.name,
            networks.len()
        );
        if settings.is_some_and(|settings| settings.clean) {
            // Each looks at images of its own size.
            return Ok(());
        }
        let side = recipe.input.side_px;
        for network in &*networks {
            let (spec, name) = (network.spec(), &network.info().name);
            ensure!(
                (spec.width, spec.height) == (side, side),
                "the teacher {name} looks at {}×{} pixels, the recipe {} at {side}×{side}",
                spec.width,
                spec.height,
                recipe.name
            );
        }
        Ok(())
    }

    /// A number that differs, as good as always, for other teachers.
    pub fn fingerprint(&self) -> u64 {
        let networks = self.networks.borrow();
        let bytes = networks
            .iter()
            .flat_map(|network| network.info().sha256.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Which they are, for the description of what learns from them.
    pub fn origins(&self) -> Vec<Origin> {
        let networks = self.networks.borrow();
        let origin = |network: &Classifier| {
            let info = network.info();
            let path = info.path.as_deref();
            Origin::new(path.unwrap_or(Path::new(&info.name)), &info.sha256)
        };
        networks.iter().map(origin).collect()
    }

    /// What they say of the images at `indices` as they are stored, by the images' numbers; of other images nothing.
    ///
    /// # Errors
    /// If a network fails, or its input is not square.
    pub fn clean_targets(
        &self,
        dataset: &Arc<Dataset>,
        indices: &[usize],
        settings: &DistillationSettings,
    ) -> Result<Vec<Target>> {
        let views = if settings.mirrored {
            augment::Views::Flip
        } else {
            augment::Views::Single
        };
        let mut networks = self.networks.borrow_mut();
        let look = |network: &mut Classifier| logits_over(network, dataset, indices, views);
        let answers = networks.iter_mut().map(look).collect::<Result<Vec<_>>>()?;
        let mut by_image = vec![Target::default(); dataset.len()];
        for (&index, target) in indices.iter().zip(softened(&networks, &answers, settings)) {
            by_image[index] = target;
        }
        Ok(by_image)
    }

    /// What they say of a batch of images that were normalized by `normalization`.
    ///
    /// # Errors
    /// If a network fails.
    pub fn targets(
        &self,
        images: &[f32],
        normalization: Normalization,
        settings: &DistillationSettings,
    ) -> Result<Vec<Target>> {
        let mut networks = self.networks.borrow_mut();
        let views = if settings.mirrored {
            Views::Flip
        } else {
            Views::Single
        };
        let mut answers = Vec::new();
        for network in &mut *networks {
            let spec = *network.spec();
            // Each has a normalisation of its own.
            let factor = normalization.std / spec.std;
            let offset = (normalization.mean - spec.mean) / spec.std;
            let own = |value: &f32| value * factor + offset;
            let inputs = images.iter().map(own).collect();
            answers.push(network.logits_of_views(inputs, views)?);
        }
        Ok(softened(&networks, &answers, settings))
    }
}

/// The answers of each network to the same images, averaged, and softened by the recipe's temperature.
fn softened(
    networks: &[Classifier],
    answers: &[Vec<Logits>],
    settings: &DistillationSettings,
) -> Vec<Target> {
    let n_images = answers.first().map_or(0, Vec::len);
    let sum: f64 = settings.weights.iter().sum();
    let of_image = |image: usize| {
        let mut mean = Logits::default();
        for (number, (network, answers)) in networks.iter().zip(answers).enumerate() {
            let (answer, share) = match settings.weights.get(number) {
                Some(weight) => {
                    let probabilities = answers[image].softmax(network.info().temperature);
                    (probabilities.0, (weight / sum) as f32)
                }
                None => (answers[image].0, 1.0 / networks.len() as f32),
            };
            let values = mean.0.iter_mut().zip(answer);
            values.for_each(|(mean, value)| *mean += share * value);
        }
        if !settings.weights.is_empty() {
            // Softmax takes logarithms back to what they are of.
            mean.0 = mean.0.map(|p| p.max(f32::MIN_POSITIVE).ln());
        }
        mean.softmax(settings.temperature as f32).0
    };
    (0..n_images).map(of_image).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device, Tensor};
    use fervis::{
        expression::Expression,
        model::{
            checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
            compact::CompactConfig,
            network::Architecture,
            preprocess::InputSpec,
        },
    };

    use super::*;
    use crate::{
        dataset::{IMAGE_LEN, Split},
        recipe::tests::three_block,
    };

    const ALONE: DistillationSettings = DistillationSettings {
        share: 0.5,
        temperature: 2.0,
        mirrored: false,
        weights: Vec::new(),
        clean: false,
    };

    /// A network of one channel whose logits are the mean of what is left of the image, times 1, 2, … 7.
    pub(crate) fn teacher(mean: f32, std: f32, factor: f64) -> Classifier {
        built(4, mean, std, factor, 1.0)
    }

    /// The same that looks at the pixel `tap` of the 3×3 around each, 4 the middle one.
    fn looking(tap: usize, mean: f32, std: f32, factor: f64) -> Classifier {
        built(tap, mean, std, factor, 1.0)
    }

    fn built(tap: usize, mean: f32, std: f32, factor: f64, temperature: f32) -> Classifier {
        let config = CompactConfig {
            channels: vec![1],
            convolutions: vec![1],
            dropout: 0.0,
            ..CompactConfig::default()
        };
        let input = InputSpec {
            width: 8,
            height: 8,
            mean,
            std,
            ..InputSpec::FER_2013
        };
        let network = Architecture::Compact(config);
        let mut weights: HashMap<String, Tensor> = network
            .weight_shapes(&input, 7)
            .into_iter()
            .map(|(name, shape)| {
                let ones = name.ends_with("running_var") || name.ends_with("bn1.weight");
                let value = if ones { 1.0 } else { 0.0 };
                (
                    name,
                    Tensor::full(value, shape, &Device::Cpu)
                        .unwrap()
                        .to_dtype(DType::F32)
                        .unwrap(),
                )
            })
            .collect();
        let mut kernel = [0f32; 9];
        kernel[tap] = 1.0;
        let kernel = Tensor::from_slice(&kernel, (1, 1, 3, 3), &Device::Cpu).unwrap();
        weights.insert("stage1.conv1.weight".to_owned(), kernel);
        let head = Tensor::arange(1f32, 8.0, &Device::Cpu).unwrap();
        let head = (head.reshape((7, 1)).unwrap() * factor).unwrap();
        weights.insert("fc.weight".to_owned(), head);
        let metadata = Metadata {
            format_version: FORMAT_VERSION,
            name: "teacher".to_owned(),
            architecture: network,
            labels: Expression::ALL.map(|e| e.name().to_owned()).to_vec(),
            input,
            temperature,
            uncertain_below: 0.0,
            training: serde_json::Value::Null,
            metrics: [].into(),
            license: "none".to_owned(),
        };
        let checkpoint = Checkpoint {
            metadata,
            weights,
            sha256: format!("{mean}{std}{factor}"),
        };
        Classifier::new(checkpoint, "teacher".to_owned(), None, &Device::Cpu).unwrap()
    }

    #[test]
    fn targets_are_the_softened_mean_of_the_logits() {
        let normalization = Normalization {
            mean: 0.5,
            std: 0.25,
        };
        // Two images, 0.6 and 0.8 in grey levels; seen by the second teacher as 0.6 and 0.8 less its own mean.
        let levels = [0.6_f32, 0.8];
        let images: Vec<f32> = levels
            .iter()
            .flat_map(|level| vec![(level - 0.5) / 0.25; 64])
            .collect();
        let teachers = Teachers::new(vec![teacher(0.5, 0.25, 1.0), teacher(0.0, 1.0, 3.0)]);
        let targets = teachers.targets(&images, normalization, &ALONE).unwrap();
        for (target, level) in targets.iter().zip(levels) {
            let per_class = ((level - 0.5) / 0.25 + 3.0 * level) / 2.0;
            let expected = Logits(std::array::from_fn(|class| (class + 1) as f32 * per_class));
            for (found, expected) in target.iter().zip(expected.softmax(2.0).0) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    /// A teacher that looks to the left of each pixel misses the last column of an image, and the first of its mirror image.
    #[test]
    fn mirror_images_count_as_much_as_images() {
        let normalization = Normalization {
            mean: 0.0,
            std: 1.0,
        };
        let both = DistillationSettings {
            mirrored: true,
            ..ALONE
        };
        let ramp = |slope: f32| (0..64).map(move |at| slope * (at % 8) as f32);
        let flipped: Vec<f32> =
            ramp(0.5)
                .collect::<Vec<_>>()
                .chunks(8)
                .fold(Vec::new(), |mut rows: Vec<f32>, row| {
                    rows.extend(row.iter().rev());
                    rows
                });
        let images: Vec<f32> = ramp(0.5).chain(ramp(0.25)).chain(flipped).collect();
        let teachers = Teachers::new(vec![looking(3, 0.0, 1.0, 1.0)]);
        let alone = teachers.targets(&images, normalization, &ALONE).unwrap();
        assert!((alone[0][6] - alone[2][6]).abs() > 1e-3, "{alone:?}");
        let targets = teachers.targets(&images, normalization, &both).unwrap();
        assert_eq!(targets.len(), 3);
        // Seven of a row's eight values 0, 1, … 7 times the slope: all but the last, and all but the first.
        for (target, slope) in targets.iter().zip([0.5, 0.25, 0.5]) {
            let per_class = slope * (21.0 + 28.0) / 8.0 / 2.0;
            let expected = Logits(std::array::from_fn(|class| (class + 1) as f32 * per_class));
            for (found, expected) in target.iter().zip(expected.softmax(2.0).0) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    /// With weights, what is averaged are probabilities, each with its own temperature.
    #[test]
    fn weights_blend_calibrated_probabilities() {
        let normalization = Normalization {
            mean: 0.0,
            std: 1.0,
        };
        let images = vec![0.5_f32; 64];
        let sharp = built(4, 0.0, 1.0, 3.0, 1.5);
        let teachers = Teachers::new(vec![teacher(0.0, 1.0, 1.0), sharp]);
        let settings = DistillationSettings {
            weights: vec![3.0, 1.0],
            ..ALONE
        };
        let targets = teachers.targets(&images, normalization, &settings).unwrap();
        let answer = |factor: f32| {
            Logits(std::array::from_fn(|class| {
                (class + 1) as f32 * 0.5 * factor
            }))
        };
        let (first, second) = (answer(1.0).softmax(1.0).0, answer(3.0).softmax(1.5).0);
        // The temperature of 2 is a square root of the probabilities.
        let roots: Vec<f32> = (0..7)
            .map(|class| (0.75 * first[class] + 0.25 * second[class]).sqrt())
            .collect();
        let sum: f32 = roots.iter().sum();
        for (found, root) in targets[0].iter().zip(&roots) {
            assert!((found - root / sum).abs() < 1e-4, "{found} {}", root / sum);
        }
    }

    #[test]
    fn clean_images_are_looked_at_as_they_are_stored() {
        let mut dataset = Dataset::new();
        for level in [51, 102, 204] {
            dataset.push(Split::Training, Expression::Happy, &[level; IMAGE_LEN]);
        }
        let dataset = Arc::new(dataset);
        let teachers = Teachers::new(vec![teacher(0.0, 1.0, 1.0)]);
        let by_image = teachers.clean_targets(&dataset, &[2, 0], &ALONE).unwrap();
        assert_eq!(by_image[1], Target::default(), "nobody asked");
        for (image, level) in [(0, 0.2), (2, 0.8)] {
            let expected = Logits(std::array::from_fn(|class| (class + 1) as f32 * level));
            for (found, expected) in by_image[image].iter().zip(expected.softmax(2.0).0) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    #[test]
    fn teachers_that_do_not_fit_are_refused() {
        let mut recipe = three_block();
        let refused =
            |recipe: &Recipe, teachers: Teachers| teachers.check(recipe).unwrap_err().to_string();
        assert!(refused(&recipe, Teachers::new(Vec::new())).contains("--teacher"));
        let small = || Teachers::new(vec![teacher(0.5, 0.5, 1.0)]);
        assert!(refused(&recipe, small()).contains("looks at 8×8 pixels"));
        recipe.distillation = Some(DistillationSettings {
            weights: vec![0.7, 0.3],
            clean: true,
            ..ALONE
        });
        let problem = refused(&recipe, small());
        assert!(
            problem.contains("weights for 2 teachers, but --teacher names 1"),
            "{problem}"
        );
        let two = Teachers::new(vec![teacher(0.5, 0.5, 1.0), teacher(0.5, 0.5, 2.0)]);
        two.check(&recipe).unwrap();
        let other = Teachers::new(vec![teacher(0.5, 0.5, 2.0)]);
        assert_ne!(small().fingerprint(), other.fingerprint());
    }
}
