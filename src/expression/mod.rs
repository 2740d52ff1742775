//! What a network tells apart, and probabilities over it.
//!
//! A network has from 2 to 32 [`Labels`]: the seven [`Expression`]s of FER-2013, or any others that its checkpoint names.
//! Everything downstream of the network is in the order of the labels. That of the seven expressions is FER-2013's,
//! [`Expression::ALL`], even if a checkpoint has another; the classifier reorders them.

mod fer2013;
mod labels;
mod values;

pub use self::{
    fer2013::{Expression, N_EXPRESSIONS},
    labels::{Label, LabelError, Labels, MAX_LABEL_CHARS, MAX_LABELS},
    values::{Logits, PerLabel, Probabilities},
};
