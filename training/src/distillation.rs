//! Learning from networks that are there already: their averaged, softened answers are targets beside the labels.
//!
//! The teachers see the very image that the pupil sees, with all its variations. Source: Hinton, Vinyals and Dean 2015,
//! arXiv:1503.02531, with their factor of T² that keeps gradients as large as those of labels.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use fervis::{
    expression::Logits,
    model::{CheckpointChoice, Classifier, ComputeDevice, Views},
};
use serde::{Deserialize, Serialize};

use crate::{augment::Normalization, loss::Target, recipe::Recipe, run_folder::Origin};

/// What a recipe says about it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationSettings {
    /// The teachers' share of the loss; the rest is the labels'.
    pub share: f64,
    /// Divides the logits of teachers and pupil before they become probabilities.
    pub temperature: f64,
    /// Whether the teachers look at the mirror image too, and what they say of the two is averaged.
    #[serde(default)]
    pub mirrored: bool,
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

    /// Whether they can look at a recipe's images.
    ///
    /// # Errors
    /// If there are none, or one wants images of another size.
    pub fn check(&self, recipe: &Recipe) -> Result<()> {
        let networks = self.networks.borrow();
        ensure!(
            !networks.is_empty(),
            "the recipe {} learns from other networks; give their checkpoints with --teacher",
            recipe.name
        );
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

    /// What they say of a batch of images that were normalised by `normalization`: softmax of the mean of their logits
    /// over the temperature.
    ///
    /// # Errors
    /// If a network fails.
    pub fn targets(
        &self,
        images: &[f32],
        normalization: Normalization,
        settings: DistillationSettings,
    ) -> Result<Vec<Target>> {
        let mut networks = self.networks.borrow_mut();
        let views = if settings.mirrored {
            Views::Flip
        } else {
            Views::Single
        };
        let n_networks = networks.len() as f32;
        let mut sums: Vec<Logits> = Vec::new();
        for network in &mut *networks {
            let spec = *network.spec();
            // Each has a normalisation of its own.
            let factor = normalization.std / spec.std;
            let offset = (normalization.mean - spec.mean) / spec.std;
            let own = |value: &f32| value * factor + offset;
            let inputs = images.iter().map(own).collect();
            let logits = network.logits_of_views(inputs, views)?;
            sums.resize(logits.len(), Logits::default());
            for (sum, logits) in sums.iter_mut().zip(logits) {
                let values = sum.0.iter_mut().zip(logits.0);
                values.for_each(|(sum, logit)| *sum += logit / n_networks);
            }
        }
        let soften = |mean: &Logits| mean.softmax(settings.temperature as f32).0;
        Ok(sums.iter().map(soften).collect())
    }
}

#[cfg(test)]
mod tests {
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
    use crate::recipe::tests::three_block;

    const ALONE: DistillationSettings = DistillationSettings {
        share: 0.5,
        temperature: 2.0,
        mirrored: false,
    };

    /// A network of one channel whose logits are the mean of what is left of the image, times 1, 2, … 7.
    fn teacher(mean: f32, std: f32, factor: f64) -> Classifier {
        looking(4, mean, std, factor)
    }

    /// The same that looks at the pixel `tap` of the 3×3 around each, 4 the middle one.
    fn looking(tap: usize, mean: f32, std: f32, factor: f64) -> Classifier {
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
            temperature: 1.0,
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
        let targets = teachers.targets(&images, normalization, ALONE).unwrap();
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
        let alone = teachers.targets(&images, normalization, ALONE).unwrap();
        assert!((alone[0][6] - alone[2][6]).abs() > 1e-3, "{alone:?}");
        let targets = teachers.targets(&images, normalization, both).unwrap();
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

    #[test]
    fn teachers_that_do_not_fit_are_refused() {
        let recipe = three_block();
        let refused = |teachers: Teachers| teachers.check(&recipe).unwrap_err().to_string();
        assert!(refused(Teachers::new(Vec::new())).contains("--teacher"));
        let small = || Teachers::new(vec![teacher(0.5, 0.5, 1.0)]);
        assert!(refused(small()).contains("looks at 8×8 pixels"));
        let other = Teachers::new(vec![teacher(0.5, 0.5, 2.0)]);
        assert_ne!(small().fingerprint(), other.fingerprint());
    }
}
