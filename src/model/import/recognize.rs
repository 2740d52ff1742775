//! Recognizes the architecture of a file's tensors by their names, their shapes, and the signs of the running means.
//!
//! There is no rule for any single architecture: each of [`Architecture::usual`] is given the sizes that the shapes imply
//! (`sizes`), and its weights are matched with the file's (`matching`). Shapes do not show whether a normalization comes
//! before or after ReLU, and a wrong guess would run without an error. But the output of ReLU never has a negative mean,
//! and the running means are in the file.

use std::{fmt, ops::RangeInclusive};

use super::{
    matching::{Matching, NamedShape, match_tensors},
    sizes::{Layers, infer},
};
use crate::{
    expression::{MAX_LABELS, N_EXPRESSIONS},
    model::{net::Architecture, preprocess::InputSpec},
};

/// Names listed in one sentence.
const MAX_NAMES: usize = 4;
/// This many non-negative means cannot be coincidence.
const MIN_TELLING_MEANS: usize = 16;
/// Outputs of the networks that can be shown.
const N_LABELS: RangeInclusive<usize> = 2..=MAX_LABELS;
/// Outputs of networks trained on ImageNet.
const IMAGENET_CLASSES: usize = 1000;

/// A recognized network.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognized {
    /// The architecture with its sizes.
    pub architecture: Architecture,
    /// Its input; the normalization comes from the options.
    pub input: InputSpec,
    /// Number of its outputs.
    pub n_outputs: usize,
    /// Its weights and their tensors; nothing is missing or left over.
    pub matching: Matching,
    /// Other architectures that fit too; the first in the list was chosen.
    pub also_fits: Vec<&'static str>,
}

/// Why an architecture does not fit.
struct Misfit {
    n_matched: usize,
    /// The difference in the number of layers.
    n_layers_off: usize,
    /// Whether it is certainly this architecture, only for another task.
    is_certain: bool,
    reason: String,
}

/// Recognizes the architecture, among all or only the one named `only`. `values` reads a tensor of the file.
///
/// # Errors
/// Why none fits, as the end of a sentence.
pub fn recognize(
    tensors: &[NamedShape],
    input: &InputSpec,
    only: Option<&str>,
    values: &mut dyn FnMut(usize) -> Result<Vec<f32>, String>,
) -> Result<Recognized, String> {
    let known: Vec<Architecture> = Architecture::usual().into();
    let names: Vec<&str> = known.iter().map(Architecture::name).collect();
    if let Some(only) = only
        && !names.contains(&only)
    {
        return Err(format!(
            "the architecture “{only}” cannot be imported; known: {}",
            names.join(", ")
        ));
    }
    let layers = Layers::of(tensors);
    let mut fitting = Vec::new();
    let mut misfits = Vec::new();
    for usual in known
        .iter()
        .filter(|usual| only.is_none_or(|only| only == usual.name()))
    {
        let fit = fit(usual, tensors, &layers, input).and_then(|recognized| {
            refute_by_means(&recognized, values)?;
            Ok(recognized)
        });
        match fit {
            Ok(recognized) => fitting.push(recognized),
            Err(misfit) => misfits.push((usual.name(), misfit)),
        }
    }
    // Fits without folded biases first. The sort is stable, so that among equals the first in the list is chosen.
    fitting.sort_by_key(|recognized| recognized.matching.folded.len());
    let mut fitting = fitting.into_iter();
    if let Some(mut first) = fitting.next() {
        first.also_fits = fitting.map(|other| other.architecture.name()).collect();
        return Ok(first);
    }
    misfits.sort_by_key(|(_, misfit)| (usize::MAX - misfit.n_matched, misfit.n_layers_off));
    let (nearest, misfit) = misfits
        .into_iter()
        .next()
        .ok_or_else(|| "it holds no network".to_owned())?;
    if misfit.is_certain {
        return Err(misfit.reason);
    }
    Err(match only {
        Some(only) => format!("it is not a {only} network: {}", misfit.reason),
        None => format!(
            "its {} tensors are not a network that fervis knows ({}); compared with {nearest}, the closest: {}",
            tensors.len(),
            names.join(", "),
            misfit.reason
        ),
    })
}

/// Infers the sizes of an architecture and matches the tensors one by one.
fn fit(
    usual: &Architecture,
    tensors: &[NamedShape],
    layers: &Layers,
    input: &InputSpec,
) -> Result<Recognized, Misfit> {
    let (counts, expected) = (layers.counts(), Layers::of_network(usual, input).counts());
    let no_match = |reason| Misfit {
        n_matched: 0,
        n_layers_off: counts.0.abs_diff(expected.0) + counts.1.abs_diff(expected.1),
        is_certain: false,
        reason,
    };
    let (architecture, input) = infer(usual, layers, input).map_err(no_match)?;
    let n_outputs = layers.n_classes().filter(|n| N_LABELS.contains(n));
    let n_outputs = n_outputs.unwrap_or(N_EXPRESSIONS);
    let expected = architecture.weight_shapes(&input, n_outputs);
    let matching = match_tensors(&expected, tensors);
    let Matching {
        matched,
        missing,
        left_over,
        ..
    } = &matching;
    if missing.is_empty() && left_over.is_empty() {
        return Ok(Recognized {
            architecture,
            input,
            n_outputs,
            matching,
            also_fits: Vec::new(),
        });
    }
    let left_over: Vec<&str> = left_over
        .iter()
        .map(|index| tensors[*index].name.as_str())
        .collect();
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    let n_matched = matched.len();
    if missing.len() + left_over.len() <= 4
        && let Some(n_outputs) = layers.n_classes().filter(|n| !N_LABELS.contains(n))
    {
        let name = usual.name();
        return Err(Misfit {
            n_matched,
            n_layers_off: 0,
            is_certain: true,
            reason: match n_outputs {
                IMAGENET_CLASSES => format!(
                    "it is a {name} network for ImageNet's {IMAGENET_CLASSES} classes, not for expressions; a training \
                     can start from it: fervis-train train --pretrained"
                ),
                _ => format!(
                    "it is a {name} network, but it has {n_outputs} outputs, and fervis shows from {} to {}",
                    N_LABELS.start(),
                    N_LABELS.end()
                ),
            },
        });
    }
    let reason = match layers.n_channels() {
        Some(n_channels) if ![1, 3].contains(&n_channels) => {
            format!("it takes {n_channels} channels; fervis supports 1 (gray)")
        }
        _ => format!(
            "{} of {} tensors match, {} missing{}, {} left over{}",
            matched.len(),
            expected.len(),
            missing.len(),
            Names(&missing),
            left_over.len(),
            Names(&left_over),
        ),
    };
    Err(Misfit {
        n_matched,
        n_layers_off: 0,
        is_certain: false,
        reason,
    })
}

/// Refuses an architecture whose normalizations are on the other side of ReLU than those of the file.
fn refute_by_means(
    recognized: &Recognized,
    values: &mut dyn FnMut(usize) -> Result<Vec<f32>, String>,
) -> Result<(), Misfit> {
    let misfit = |reason| Misfit {
        n_matched: recognized.matching.matched.len(),
        n_layers_off: 0,
        is_certain: false,
        reason,
    };
    let mut means = Vec::new();
    for matched in &recognized.matching.matched {
        if matched.ours.ends_with("running_mean") {
            means.extend(values(matched.index).map_err(misfit)?);
        }
    }
    let none_is_negative = means.iter().all(|mean| *mean >= 0.0);
    let is_untrained = means.iter().all(|mean| *mean == 0.0);
    if recognized.architecture.normalizes_after_relu() {
        if !none_is_negative {
            return Err(misfit(
                "its normalizations have negative means, so they do not come after ReLU".to_owned(),
            ));
        }
    } else if none_is_negative && !is_untrained && means.len() >= MIN_TELLING_MEANS {
        return Err(misfit(
            "none of its normalizations has a negative mean, so they come after ReLU".to_owned(),
        ));
    }
    Ok(())
}

/// The first few names, in brackets.
struct Names<'a>(&'a [&'a str]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(names) = self;
        let shown = names[..names.len().min(MAX_NAMES)].join(", ");
        match names.len() {
            0 => Ok(()),
            n if n > MAX_NAMES => write!(f, " ({shown}, …)"),
            _ => write!(f, " ({shown})"),
        }
    }
}
