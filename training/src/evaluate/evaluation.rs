//! Measuring a checkpoint on one split: single view, flip and ten-crop, with and without known images.
//!
//! FER-2013's PrivateTest holds images that also stand in Training; the de-duplicated figure leaves them out. The
//! network runs exactly as in the application.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, ensure};
use fervis::{
    expression::{Logits, N_EXPRESSIONS},
    model::Classifier,
};
use serde::Serialize;

use crate::{
    augment::Views,
    data::{
        dataset::{Dataset, Split},
        duplicates::Duplicates,
        ferplus::FerPlus,
        target::one_hot,
    },
    evaluate::{
        agreement::Agreement,
        logits::logits_over,
        metrics::{ClassMetrics, Metrics},
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
    /// Accuracy, each image seen once, as it is.
    pub accuracy: f64,
    /// Standard error of an accuracy measured on so many images.
    pub accuracy_standard_error: f64,
    /// Accuracy of the logits averaged over the image and its mirror image.
    pub accuracy_flip: f64,
    /// Accuracy of the logits averaged over ten crops.
    pub accuracy_ten_crop: f64,
    /// Accuracy, single view, on the images that have no pixel-identical copy in Training.
    pub accuracy_deduplicated: f64,
    /// How many images these are.
    pub n_deduplicated: usize,
    /// Mean F1 of the seven classes, single view.
    pub macro_f1: f64,
    /// Precision by label, single view.
    pub per_class_precision: BTreeMap<&'static str, f64>,
    /// Recall by label, single view.
    pub per_class_recall: BTreeMap<&'static str, f64>,
    /// F1 by label, single view.
    pub per_class_f1: BTreeMap<&'static str, f64>,
    /// Expected calibration error of the single view with the checkpoint's temperature, 15 bins.
    pub ece: f64,
    /// Mean negative log-likelihood with the checkpoint's temperature.
    pub negative_log_likelihood: f64,
    /// Rows: the data's label; columns: the network's; both in FER-2013's order.
    pub confusion_matrix: [[u64; N_EXPRESSIONS]; N_EXPRESSIONS],
    /// Agreement of the single view with FER+, if its votes were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus: Option<Agreement>,
    /// The accuracy in it, of the logits averaged over the image and its mirror image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_flip: Option<f64>,
    /// The same over ten crops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_ten_crop: Option<f64>,
    /// The same for the single view of images that have no pixel-identical copy in Training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_deduplicated: Option<f64>,
    /// Expected calibration error by the votes: 70 % is to mean that 7 of 10 people say the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_calibration_error: Option<f64>,
    /// What comes of the checkpoint's threshold for "uncertain", by the votes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_uncertain: Option<RiskPoint>,
    /// What comes of the checkpoint's threshold for "uncertain", by the data's labels.
    pub uncertain: RiskPoint,
}

/// An evaluation and what it was made of.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The figures.
    pub evaluation: Evaluation,
    /// The single view's, for tables.
    pub single: Metrics,
    /// Confidence against accuracy of the answers.
    pub reliability: Reliability,
    /// The single view's, in file order, as the network gives them.
    pub logits: Vec<Logits>,
    /// The single view's with the checkpoint's temperature: by the votes, where they were given, else by the labels.
    pub answers: Vec<Answer>,
}

impl Evaluation {
    /// Measures `classifier` on `split`, against the votes of FER+ too if there are any.
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
            "the data has no {} images",
            split.name()
        );
        let labels = dataset.labels_of(indices);
        let temperature = classifier.info().temperature;
        let look = |views: Views| {
            // Ten views of every image may take minutes.
            log::info!(
                "{} images, views of each: {}",
                indices.len(),
                views.views().len()
            );
            logits_over(classifier, dataset, indices, views)
        };
        let logits = Views::ALL
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
        let by_label = |figure: fn(&ClassMetrics) -> f64| {
            let classes = single.classes.iter();
            classes
                .map(|class| (class.expression.name(), figure(class)))
                .collect()
        };
        let agreement = |indices: &[usize], logits: &[Logits]| {
            votes.map(|votes| Agreement::measure(votes, dataset, indices, logits, temperature))
        };
        let by_labels = risk::answers(&logits[0], &one_hot(&labels), temperature);
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
            per_class_precision: by_label(|class| class.precision),
            per_class_recall: by_label(|class| class.recall),
            per_class_f1: by_label(|class| class.f1),
            ece: single.calibration_error,
            negative_log_likelihood: single.negative_log_likelihood,
            confusion_matrix: single.confusion.counts,
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
