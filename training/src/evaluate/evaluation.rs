//! Measures a checkpoint on one split: single view, flip and ten-crop, with and without copies of training images.
//!
//! FER-2013's PrivateTest contains images of Training; the deduplicated figures exclude them. The network runs exactly as
//! in the application.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, ensure};
use fervis::{expression::Logits, model::Classifier};
use serde::Serialize;

use crate::{
    augment::ViewSet,
    data::{
        dataset::{Dataset, Split},
        duplicates::Duplicates,
        ferplus::FerPlus,
        target::one_hot,
    },
    evaluate::{
        agreement::Agreement,
        logits::logits_over,
        metrics::Metrics,
        reliability::Reliability,
        risk::{self, Answer, RiskPoint},
    },
};

/// Figures of one checkpoint on one split.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// The split's name.
    pub split: &'static str,
    /// Number of images.
    pub n: usize,
    /// Accuracy of the single view: each image once, unchanged.
    pub accuracy: f64,
    /// Standard error of the accuracy.
    pub accuracy_standard_error: f64,
    /// Accuracy of the logits averaged over the image and its mirror image.
    pub accuracy_flip: f64,
    /// Accuracy of the logits averaged over ten crops.
    pub accuracy_ten_crop: f64,
    /// Accuracy of the single view on the images without a pixel-identical copy in Training.
    pub accuracy_deduplicated: f64,
    /// Number of these images.
    pub n_deduplicated: usize,
    /// Mean F1 of the classes, single view.
    pub macro_f1: f64,
    /// Precision by label, single view.
    pub per_class_precision: BTreeMap<String, f64>,
    /// Recall by label, single view.
    pub per_class_recall: BTreeMap<String, f64>,
    /// F1 by label, single view.
    pub per_class_f1: BTreeMap<String, f64>,
    /// Expected calibration error of the single view at the checkpoint's temperature, 15 bins.
    pub ece: f64,
    /// Mean negative log-likelihood at the checkpoint's temperature.
    pub negative_log_likelihood: f64,
    /// Rows: the data's label; columns: the network's; both in the order of
    /// the network's labels.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// Agreement of the single view with FER+, if votes were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus: Option<Agreement>,
    /// The same accuracy, for logits averaged over the image and its mirror image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_flip: Option<f64>,
    /// The same, for logits averaged over ten crops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_ten_crop: Option<f64>,
    /// The same, for the single view of images without a pixel-identical copy in Training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_deduplicated: Option<f64>,
    /// Expected calibration error by the votes: 70 % should mean that 7 of 10 people say the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_calibration_error: Option<f64>,
    /// The effect of the checkpoint's threshold for "uncertain", by the votes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_uncertain: Option<RiskPoint>,
    /// The effect of the checkpoint's threshold for "uncertain", by the labels.
    pub uncertain: RiskPoint,
}

/// An evaluation and the answers behind it.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The figures.
    pub evaluation: Evaluation,
    /// The metrics of the single view.
    pub single: Metrics,
    /// Confidence against accuracy.
    pub reliability: Reliability,
    /// The logits of the single view, in the order of the data.
    pub logits: Vec<Logits>,
    /// The answers of the single view at the checkpoint's temperature, judged by the votes if given, else by the labels.
    pub answers: Vec<Answer>,
}

impl Evaluation {
    /// Measures `classifier` on `split`, by the labels and by FER+'s votes if given.
    ///
    /// # Errors
    /// If the network's inputs are not square, or the split is empty.
    pub fn measure(
        classifier: &mut Classifier,
        dataset: &Arc<Dataset>,
        split: Split,
        votes: Option<&FerPlus>,
    ) -> Result<Measured> {
        let indices = dataset.split(split);
        ensure!(
            !indices.is_empty(),
            "the data has no {} images; choose another split",
            split.name()
        );
        let labels = dataset.labels_of(indices);
        let temperature = classifier.info().temperature;
        let look = |views: ViewSet| {
            // Ten views of each image may take minutes.
            log::info!(
                "{} images, {} views each",
                indices.len(),
                views.views().len()
            );
            logits_over(classifier, dataset, indices, views)
        };
        let logits = ViewSet::ALL
            .map(look)
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        let [single, flip, ten] =
            [0, 1, 2].map(|views| Metrics::from_logits(&logits[views], &labels, temperature));
        let known: Vec<usize> = match split {
            Split::PrivateTest => Duplicates::find(dataset).private_test_in_training,
            Split::PublicTest => Duplicates::find(dataset).public_test_in_training,
            Split::Training => Vec::new(),
        };
        let unknown = indices
            .iter()
            .zip(&logits[0])
            .filter(|(index, _)| !known.contains(index));
        let (clean_indices, clean_logits): (Vec<usize>, Vec<Logits>) =
            unknown.map(|(index, logits)| (*index, *logits)).unzip();
        let clean_labels = dataset.labels_of(&clean_indices);
        let deduplicated = Metrics::from_logits(&clean_logits, &clean_labels, temperature);
        let agreement = |indices: &[usize], logits: &[Logits]| {
            votes.map(|votes| Agreement::measure(votes, dataset, indices, logits, temperature))
        };
        let by_labels = risk::answers(
            &logits[0],
            &one_hot(dataset.classes(), &labels),
            temperature,
        );
        let mut evaluation = Self {
            split: split.name(),
            n: indices.len(),
            accuracy: single.accuracy,
            accuracy_standard_error: single.accuracy_standard_error,
            accuracy_flip: flip.accuracy,
            accuracy_ten_crop: ten.accuracy,
            accuracy_deduplicated: deduplicated.accuracy,
            n_deduplicated: clean_labels.len(),
            macro_f1: single.macro_f1,
            per_class_precision: single.by_class(|class| class.precision),
            per_class_recall: single.by_class(|class| class.recall),
            per_class_f1: single.by_class(|class| class.f1),
            ece: single.calibration_error,
            negative_log_likelihood: single.negative_log_likelihood,
            confusion_matrix: single.confusion.counts.clone(),
            ferplus: agreement(indices, &logits[0]),
            ferplus_flip: agreement(indices, &logits[1]).map(|agreement| agreement.accuracy),
            ferplus_ten_crop: agreement(indices, &logits[2]).map(|agreement| agreement.accuracy),
            ferplus_deduplicated: agreement(&clean_indices, &clean_logits)
                .map(|agreement| agreement.accuracy),
            ferplus_calibration_error: None,
            ferplus_uncertain: None,
            uncertain: risk::at(&by_labels, classifier.info().uncertain_below.into()),
        };
        let logits = logits.into_iter().next().unwrap_or_default();
        let answers = match votes {
            None => by_labels,
            Some(votes) => {
                let (judged, truths) = votes.judged(indices);
                let of_judged = indices.iter().zip(&logits);
                let of_judged = of_judged.filter(|(index, _)| judged.binary_search(index).is_ok());
                let logits: Vec<Logits> = of_judged.map(|(_, logits)| *logits).collect();
                risk::answers(&logits, &truths, temperature)
            }
        };
        let reliability = Reliability::new(&answers);
        if votes.is_some() {
            let threshold = classifier.info().uncertain_below.into();
            evaluation.ferplus_calibration_error = Some(reliability.calibration_error());
            evaluation.ferplus_uncertain = Some(risk::at(&answers, threshold));
        }
        Ok(Measured {
            evaluation,
            single,
            reliability,
            logits,
            answers,
        })
    }
}
