//! Fits the temperature and the threshold for "uncertain".

use std::sync::Arc;

use anyhow::{Result, ensure};
use fervis::model::Classifier;

use crate::{
    augment::View,
    data::{
        dataset::{Dataset, Split},
        ferplus::FerPlus,
        target::one_hot,
    },
    evaluate::{
        logits::logits_of,
        metrics::cross_entropy,
        risk::{self, Answer},
        temperature::fit_temperature,
    },
};

/// The calibration of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Divides the logits.
    pub temperature: f32,
    /// Below this probability the application shows "uncertain".
    pub uncertain_below: f32,
    /// The answers, with that temperature.
    pub answers: Vec<Answer>,
    /// The answers with the checkpoint's previous temperature.
    pub answers_before: Vec<Answer>,
    /// Mean cross-entropy with the truth, in nats.
    pub surprise: f64,
    /// The same with the previous temperature.
    pub surprise_before: f64,
}

/// Fits both on PublicTest: to FER-2013's labels or, if votes are given, to their distributions, for networks that
/// learned from them. A confidence of 70 % then means that 7 of 10 people would say the same.
///
/// # Errors
/// If the data has no PublicTest images, or the network's inputs are not square.
pub fn calibrate(
    classifier: &mut Classifier,
    dataset: &Arc<Dataset>,
    votes: Option<&FerPlus>,
) -> Result<Calibration> {
    let public = dataset.split(Split::PublicTest);
    let (indices, truths) = match votes {
        Some(votes) => votes.judged(public),
        None => (
            public.to_vec(),
            one_hot(dataset.classes(), &dataset.labels_of(public)),
        ),
    };
    ensure!(
        !indices.is_empty(),
        "the data has no PublicTest images to calibrate with"
    );
    let logits = logits_of(classifier, dataset, &indices, View::PLAIN)?;
    let temperature = fit_temperature(&logits, &truths) as f32;
    let answers = risk::answers(&logits, &truths, temperature);
    let before = classifier.info().temperature;
    let surprise = |temperature: f32| cross_entropy(&logits, &truths, temperature.into());
    Ok(Calibration {
        temperature,
        uncertain_below: risk::uncertain_below(&answers) as f32,
        answers,
        answers_before: risk::answers(&logits, &truths, before),
        surprise: surprise(temperature),
        surprise_before: surprise(before),
    })
}
