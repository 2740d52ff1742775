//! Measures what the application's detector and crop cost: images are searched, cropped and classified as in live use.
//!
//! Others report accuracy on FER-2013's own crops, but in live use our detector makes the crops. Here each image, enlarged
//! and with a repeated border so that the detector has room, passes through detector, crop and network, and the answers
//! are compared with those for the same images straight in. Never compare them with the accuracy on *all* images: faces
//! that are not found are the harder ones.

use std::{fmt, sync::Arc};

use anyhow::Result;
use fervis::{
    detect::{DetectConfig, FaceFinder},
    expression::Logits,
    model::{Classifier, Views},
};
use serde::Serialize;

use crate::{
    data::{dataset::Dataset, ferplus::FerPlus},
    evaluate::{
        agreement::Agreement,
        framing::{find_face, region_of},
        metrics::Metrics,
    },
};

/// Two accuracies on the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Images compared.
    pub n: usize,
    /// Accuracy on the application's crops.
    pub through_detector: f64,
    /// Accuracy on the images themselves.
    pub straight: f64,
}

/// The figures of a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ThroughDetector {
    /// Images searched.
    pub n: usize,
    /// Images in which the detector found a face.
    pub n_found: usize,
    /// Accuracy by label on these.
    pub labels: Cost,
    /// Agreement with FER+ on those of these with a majority, if votes were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus: Option<Cost>,
}

impl ThroughDetector {
    /// Measures `classifier` on the images at `indices`; `straight` are its logits for the images themselves.
    ///
    /// # Errors
    /// If the network fails.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn measure(
        classifier: &mut Classifier,
        dataset: &Arc<Dataset>,
        indices: &[usize],
        straight: &[Logits],
        votes: Option<&FerPlus>,
    ) -> Result<Self> {
        assert_eq!(indices.len(), straight.len(), "one prediction per image");
        let mut finder = FaceFinder::new(DetectConfig::default());
        let mut found = Vec::new();
        let (mut through, mut as_they_are) = (Vec::new(), Vec::new());
        for (&index, logits) in indices.iter().zip(straight) {
            if let Some((frame, face)) = find_face(&mut finder, dataset.input(index)) {
                found.push(index);
                through.extend(classifier.classify(&frame, &[region_of(&face)], Views::Single)?);
                as_they_are.push(*logits);
            }
        }
        let labels = dataset.labels_of(&found);
        let accuracy = |logits: &[Logits]| Metrics::from_logits(logits, &labels, 1.0).accuracy;
        let with_voters = |votes: &FerPlus| {
            let agreement =
                |logits: &[Logits]| Agreement::measure(votes, dataset, &found, logits, 1.0);
            let (through, straight) = (agreement(&through), agreement(&as_they_are));
            Cost {
                n: through.n,
                through_detector: through.accuracy,
                straight: straight.accuracy,
            }
        };
        Ok(Self {
            n: indices.len(),
            n_found: found.len(),
            labels: Cost {
                n: found.len(),
                through_detector: accuracy(&through),
                straight: accuracy(&as_they_are),
            },
            ferplus: votes.map(with_voters),
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} % through the detector, {:.2} % straight in, on the same {} images",
            self.through_detector * 100.0,
            self.straight * 100.0,
            self.n
        )
    }
}

impl fmt::Display for ThroughDetector {
    /// Lines for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "faces found             {:6.2} % of {} images\n  accuracy               {}",
            self.n_found as f64 / self.n.max(1) as f64 * 100.0,
            self.n,
            self.labels
        )?;
        match &self.ferplus {
            Some(cost) => write!(f, "\n  agreement with FER+    {cost}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use fervis::{
        expression::Expression,
        model::{CheckpointChoice, ComputeDevice, DeviceChoice},
    };
    use image::imageops::{self, FilterType};

    use super::*;
    use crate::{
        augment::View,
        data::{dataset::Split, ferplus::Votes},
        evaluate::logits::logits_of,
        fer2013::IMAGE_SIDE_PX,
    };

    /// A bundled portrait, cropped like FER-2013's images, and a gray image in which nothing is found.
    #[test]
    fn a_face_is_found_and_a_gray_image_is_not() {
        let portrait = include_bytes!("../../../assets/faces/astronaut.png");
        let portrait = image::load_from_memory(portrait).unwrap().into_luma8();
        let face = imageops::crop_imm(&portrait, 169, 55, 115, 115).to_image();
        let side = IMAGE_SIDE_PX as u32;
        let face = imageops::resize(&face, side, side, FilterType::Triangle);
        let mut dataset = Dataset::default();
        dataset.push(Split::PrivateTest, Expression::Happy, face.as_raw());
        dataset.push(
            Split::PrivateTest,
            Expression::Sad,
            &[128; IMAGE_SIDE_PX * IMAGE_SIDE_PX],
        );
        let dataset = Arc::new(dataset);
        let device = ComputeDevice::start(DeviceChoice::Cpu);
        let mut classifier = Classifier::load(&CheckpointChoice::default(), &device).unwrap();
        let indices = [0, 1];
        let straight = logits_of(&mut classifier, &dataset, &indices, View::PLAIN).unwrap();
        let mut happy = Votes::default();
        happy.by_expression[Expression::Happy.index()] = 10;
        let votes = FerPlus::new(vec![happy; 2]);
        let found =
            ThroughDetector::measure(&mut classifier, &dataset, &indices, &straight, Some(&votes))
                .unwrap();
        assert_eq!((found.n, found.n_found), (2, 1));
        assert_eq!((found.labels.n, found.labels.through_detector), (1, 1.0));
        assert_eq!(found.labels.straight, 1.0);
        assert_eq!(found.ferplus, Some(found.labels));
        assert!(found.to_string().contains("50.00 % of 2 images"), "{found}");
    }
}
