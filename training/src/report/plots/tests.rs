//! The contents of the plots.

use fervis::expression::Logits;

use super::*;
use crate::{
    evaluate::{metrics::Metrics, reliability::Reliability, risk::Answer},
    report::figures::EpochFigures,
};

fn figures(epoch: usize, public_loss: f64) -> EpochFigures {
    EpochFigures {
        epoch,
        training_loss: 1.0,
        public_loss,
        public_accuracy: 0.5,
        public_macro_f1: 0.4,
        public_agreement: None,
        learning_rate: 1e-3,
        seconds: 1.0,
        images_per_second: 1.0,
    }
}

/// Unwraps a plot, and checks that every coordinate is a sensible number.
#[track_caller]
fn sound(svg: std::io::Result<String>) -> String {
    let svg = svg.unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    // An infinite value would become the largest integer.
    assert!(!svg.contains("2147483647"), "{svg}");
    svg
}

#[test]
fn agreement_has_a_curve_if_it_was_measured() {
    let with_votes = EpochFigures {
        public_agreement: Some(0.8),
        ..figures(1, 2.0)
    };
    assert!(sound(curves(&[with_votes])).contains("with FER+"));
    assert!(!sound(curves(&[figures(1, 2.0)])).contains("with FER+"));
}

#[test]
fn curves_go_from_the_first_value_to_the_last() {
    sound(curves(&[]));
    let one = sound(curves(&[figures(1, 2.0)]));
    assert_eq!(one.matches("<circle").count(), 5);
    let svg = sound(curves(&[figures(1, 3.0), figures(2, 2.0), figures(3, 1.0)]));
    // From the upper left corner of the first panel to its lower right one, two coordinates a pixel.
    assert!(svg.contains("128,72 608,252 1088,432"), "{svg}");
}

#[test]
fn the_matrix_shows_shares_and_counts() {
    let happy = |n: u8| Logits::from([0.5, 0.0, 0.0, n.into(), 0.0, 0.0, 0.0]);
    let metrics = Metrics::from_logits(&[1, 1, 1, 0].map(happy), &[3; 4], 1.0);
    let svg = sound(confusion(&metrics, "a < b"));
    for words in ["75 %", "25 %", "\n3\n", "\n1\n", "a &lt; b"] {
        assert!(svg.contains(words), "{words}");
    }
}

#[test]
fn the_reliability_diagram_has_a_bar_for_each_bin_with_predictions() {
    let answer = |confidence, right| Answer { confidence, right };
    let answers = [answer(0.9, 1.0), answer(0.9, 0.0), answer(0.3, 0.0)];
    let svg = sound(reliability(&Reliability::new(&answers)));
    assert!(
        svg.contains("3 predictions, calibration error 36.7 %"),
        "{svg}"
    );
    // The background; for each of the two bins that are not empty its accuracy, its gap and its count.
    assert_eq!(svg.matches("<rect").count(), 7);
    let empty = sound(reliability(&Reliability::new(&[])));
    assert!(empty.contains("0 predictions"));
    assert_eq!(empty.matches("<rect").count(), 1);
}

#[test]
fn the_risk_curve_names_the_threshold() {
    let answer = |confidence, right| Answer { confidence, right };
    let svg = sound(risk(&[answer(0.9, 1.0), answer(0.4, 0.0)], 0.5));
    assert!(svg.contains("from 50 % on 50.0 % answered, 0.0 % wrong"));
    sound(risk(&[], 0.5));
}
