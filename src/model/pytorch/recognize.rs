//! Which architecture a file's tensors are, by their names and shapes.
//!
//! People name the same layers differently (`features.0`, `conv1`, `block1.conv`), so a name decides only where it is
//! ours. Otherwise each of our modules takes the first unused module of the file that has the same parts with the
//! same shapes: the layers must be the same, and those of one shape in the same order. A new architecture is one
//! more entry in [`RECOGNIZERS`].

use std::fmt;

use super::state_dict::StoredTensor;
use crate::{
    expression::N_EXPRESSIONS,
    model::{network::Architecture, preprocess::InputSpec, three_block::ThreeBlockConfig},
};

/// Names listed in one sentence; the rest are counted.
const MAX_NAMES: usize = 4;

/// How one architecture is recognised.
struct Recognizer {
    architecture: &'static str,
    /// The sizes that the tensors ask for, or why they cannot be this architecture.
    propose: fn(&Layers) -> Result<(Architecture, InputSize), String>,
    /// The batch normalisation that directly follows a convolution of ours. A bias that such a convolution has in the
    /// file only moves the mean that is subtracted next.
    norm_after: fn(&str) -> Option<String>,
}

/// All architectures that can be recognised.
const RECOGNIZERS: [Recognizer; 1] = [Recognizer {
    architecture: "three-block",
    propose: three_block,
    norm_after: |module| Some(format!("{}.bn", module.strip_suffix(".conv")?)),
}];

/// What the layers say about the input.
struct InputSize {
    channels: usize,
    width: usize,
    height: usize,
}

/// Shapes of `C` convolutions and `L` linear layers.
type Shapes<const C: usize, const L: usize> = ([[usize; 4]; C], [[usize; 2]; L]);

/// The shapes that tell architectures apart, in the file's order.
struct Layers {
    /// `(outputs, inputs, height, width)`.
    convolutions: Vec<[usize; 4]>,
    /// `(outputs, inputs)`.
    linears: Vec<[usize; 2]>,
}

impl Layers {
    fn of(tensors: &[StoredTensor]) -> Self {
        let shapes = tensors.iter().map(|tensor| tensor.shape.as_slice());
        Self {
            convolutions: shapes.clone().filter_map(|s| s.try_into().ok()).collect(),
            linears: shapes.filter_map(|s| s.try_into().ok()).collect(),
        }
    }

    /// The convolutions and linear layers, if there are so many.
    fn expect<const C: usize, const L: usize>(&self) -> Result<Shapes<C, L>, String> {
        let counts = (self.convolutions.len(), self.linears.len());
        let convolutions = self.convolutions.as_slice().try_into();
        let linears = self.linears.as_slice().try_into();
        convolutions.ok().zip(linears.ok()).ok_or_else(|| {
            format!(
                "it has {} convolutions and {} linear layers instead of {C} and {L}",
                counts.0, counts.1
            )
        })
    }
}

fn three_block(layers: &Layers) -> Result<(Architecture, InputSize), String> {
    let (convolutions, [fc1, _]) = layers.expect::<3, 2>()?;
    let channels = convolutions.map(|[outputs, ..]| outputs);
    // Three times half the size.
    let side = 8 * square_side(fc1[1], channels[2])?;
    let config = ThreeBlockConfig {
        channels,
        hidden: fc1[0],
        ..ThreeBlockConfig::default()
    };
    let input = InputSize {
        channels: convolutions[0][1],
        width: side,
        height: side,
    };
    Ok((Architecture::ThreeBlock(config), input))
}

/// Side of the square that `n_features` values in `channels` channels are.
fn square_side(n_features: usize, channels: usize) -> Result<usize, String> {
    let n_places = n_features.checked_div(channels).unwrap_or(0);
    let side = n_places.isqrt();
    if side == 0 || side * side * channels != n_features {
        return Err(format!(
            "its first linear layer takes {n_features} values, which is no square of {channels} channels"
        ));
    }
    Ok(side)
}

/// What was recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognized {
    /// The architecture with its sizes.
    pub architecture: Architecture,
    /// What it is fed with; the normalisation is `options`'.
    pub input: InputSpec,
    /// Our name and the index of the file's tensor, in our order.
    pub matched: Vec<(String, usize)>,
    /// Indices of biases of convolutions, each with our name of the running mean that takes it up.
    pub folded: Vec<(usize, String)>,
    /// Other architectures that fit as well; the first in the list was taken.
    pub also_fits: Vec<&'static str>,
}

/// Finds the architecture, among all or only the one called `only`.
///
/// # Errors
/// Why none fits, as the end of a sentence.
pub fn recognize(
    tensors: &[StoredTensor],
    input: &InputSpec,
    only: Option<&str>,
) -> Result<Recognized, String> {
    let wanted = |recognizer: &&Recognizer| only.is_none_or(|only| only == recognizer.architecture);
    if let Some(only) = only
        && !RECOGNIZERS
            .iter()
            .any(|recognizer| recognizer.architecture == only)
    {
        let known = RECOGNIZERS.map(|recognizer| recognizer.architecture);
        return Err(format!(
            "the architecture “{only}” cannot be imported; known: {}",
            known.join(", ")
        ));
    }
    let mut fitting: Vec<(&'static str, Recognized)> = Vec::new();
    let mut reasons = Vec::new();
    for recognizer in RECOGNIZERS.iter().filter(wanted) {
        match recognizer.fit(tensors, input) {
            Ok(recognized) => fitting.push((recognizer.architecture, recognized)),
            Err(reason) => reasons.push(format!("as {}, {reason}", recognizer.architecture)),
        }
    }
    // Without a detour before with one. Stable, so that of equals the first in the list is taken.
    fitting.sort_by_key(|(_, recognized)| recognized.folded.len());
    let fewest = fitting.first().map(|(_, first)| first.folded.len());
    let mut fitting = fitting
        .into_iter()
        .filter(|(_, recognized)| Some(recognized.folded.len()) == fewest);
    let Some((_, mut first)) = fitting.next() else {
        return Err(format!(
            "its {} tensors are no network that fervis knows: {}",
            tensors.len(),
            reasons.join("; ")
        ));
    };
    first.also_fits = fitting.map(|(name, _)| name).collect();
    Ok(first)
}

impl Recognizer {
    /// Matches the tensors one by one.
    fn fit(&self, tensors: &[StoredTensor], input: &InputSpec) -> Result<Recognized, String> {
        let (architecture, size) = (self.propose)(&Layers::of(tensors))?;
        if size.channels != input.channels {
            return Err(format!(
                "it takes {} channels; fervis feeds networks with {}",
                size.channels, input.channels
            ));
        }
        let input = InputSpec {
            width: size.width,
            height: size.height,
            ..*input
        };
        let expected = architecture.weight_shapes(&input, N_EXPRESSIONS);
        let theirs = modules(
            tensors
                .iter()
                .map(|t| (t.name.as_str(), t.shape.as_slice())),
        );
        let ours = modules(
            expected
                .iter()
                .map(|(name, shape)| (name.as_str(), shape.as_slice())),
        );
        let mut is_used = vec![false; theirs.len()];
        let mut missing = Vec::new();
        let mut recognized = Recognized {
            architecture,
            input,
            matched: Vec::new(),
            folded: Vec::new(),
            also_fits: Vec::new(),
        };
        for our in &ours {
            let norm = (self.norm_after)(our.name);
            let fits =
                |index: &usize| !is_used[*index] && our.fits(&theirs[*index], norm.is_some());
            let same_name = theirs
                .iter()
                .position(|their| their.name == our.name)
                .filter(fits);
            let Some(index) = same_name.or_else(|| (0..theirs.len()).find(fits)) else {
                missing.extend(our.parts.iter().map(|part| part.full_name));
                continue;
            };
            is_used[index] = true;
            for part in &theirs[index].parts {
                match our.part(part.name) {
                    Some(our_part) => {
                        recognized
                            .matched
                            .push((our_part.full_name.to_owned(), part.index));
                    }
                    None => {
                        let norm = norm.clone().unwrap_or_default();
                        recognized
                            .folded
                            .push((part.index, format!("{norm}.running_mean")));
                    }
                }
            }
        }
        let left_over = theirs
            .iter()
            .zip(&is_used)
            .filter(|(_, is_used)| !**is_used);
        let left_over: Vec<&str> = left_over
            .flat_map(|(their, _)| their.parts.iter().map(|part| part.full_name))
            .collect();
        if missing.is_empty() && left_over.is_empty() {
            return Ok(recognized);
        }
        let n_outputs = Layers::of(tensors)
            .linears
            .last()
            .map_or(0, |linear| linear[0]);
        if missing.iter().chain(&left_over).count() <= 4 && n_outputs != N_EXPRESSIONS {
            return Err(format!(
                "it has {n_outputs} outputs instead of {N_EXPRESSIONS}"
            ));
        }
        Err(format!(
            "{} of {} tensors match, {} missing{}, {} left over{}",
            recognized.matched.len(),
            expected.len(),
            missing.len(),
            Names(&missing),
            left_over.len(),
            Names(&left_over),
        ))
    }
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

/// A layer with its weights.
struct Module<'a> {
    name: &'a str,
    parts: Vec<Part<'a>>,
}

struct Part<'a> {
    /// `weight`, `bias`, `running_mean`, ….
    name: &'a str,
    full_name: &'a str,
    shape: &'a [usize],
    /// Among all tensors.
    index: usize,
}

impl<'a> Module<'a> {
    fn part(&self, name: &str) -> Option<&Part<'a>> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Whether `other` has the same parts with the same shapes; it may have a bias beyond that if `or_bias`.
    fn fits(&self, other: &Self, or_bias: bool) -> bool {
        let has_equal = |part: &Part<'_>| {
            let equal = other.part(part.name);
            equal.is_some_and(|equal| equal.shape == part.shape)
        };
        let is_known = |part: &Part<'_>| {
            let is_bias = part.name == "bias" && part.shape == &self.parts[0].shape[..1];
            self.part(part.name).is_some() || (or_bias && is_bias)
        };
        self.parts.iter().all(has_equal) && other.parts.iter().all(is_known)
    }
}

/// Groups tensors by everything before the last dot, in the order of the first of each.
fn modules<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> Vec<Module<'a>> {
    let mut modules: Vec<Module<'a>> = Vec::new();
    let mut positions = std::collections::HashMap::new();
    for (index, (full_name, shape)) in tensors.enumerate() {
        let (module, name) = full_name.rsplit_once('.').unwrap_or(("", full_name));
        let position = *positions.entry(module).or_insert(modules.len());
        if position == modules.len() {
            modules.push(Module {
                name: module,
                parts: Vec::new(),
            });
        }
        modules[position].parts.push(Part {
            name,
            full_name,
            shape,
            index,
        });
    }
    modules
}
