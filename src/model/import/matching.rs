//! Matches the tensors of a file with the weights of one of our networks.
//!
//! People name the same layers differently (`features.0`, `conv1`, `block1.conv`), so a name decides only where it is
//! ours. Otherwise each of our layers takes the first unused layer of the file that has the same parts with the same
//! shapes: the layers must be the same, and those of one shape in the same order.

use std::collections::HashMap;

use candle_core::{DType, Result, Tensor};

/// Name and shape of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedShape {
    /// Its name, for example `features.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// The change of the first kernels from a color network to a gray one, or back. A gray image is like three equal channels,
/// so only the sum over the channels matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The kernels are summed over the channels.
    Summed,
    /// The gray kernel is divided evenly among this many channels.
    Spread(usize),
}

/// One of our weights and its tensor in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Our name.
    pub ours: String,
    /// Index of the file's tensor.
    pub index: usize,
    /// How the tensor is changed.
    pub change: Change,
}

/// The tensors that were found for our weights, and what was not found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matching {
    /// In our order.
    pub matched: Vec<Match>,
    /// Indices of biases that our convolutions do not have, each with our name of the running mean after it: such a bias only
    /// shifts the mean that is subtracted next.
    pub folded: Vec<(usize, String)>,
    /// Our names of weights that the file lacks.
    pub missing: Vec<String>,
    /// Indices of the file's tensors that match none of our weights.
    pub left_over: Vec<usize>,
}

impl Change {
    /// Applies the change. The result is in F32 if the values change, since half precision would round them.
    ///
    /// # Errors
    /// If candle cannot compute it.
    pub fn apply(self, tensor: &Tensor) -> Result<Tensor> {
        match self {
            Self::None => Ok(tensor.clone()),
            Self::Summed => tensor.to_dtype(DType::F32)?.sum_keepdim(1),
            Self::Spread(n_channels) => {
                let one = (tensor.to_dtype(DType::F32)? / n_channels as f64)?;
                Tensor::cat(&vec![one; n_channels], 1)
            }
        }
    }
}

/// Matches the weights of a network with the tensors of a file, both in order.
pub fn match_tensors(ours: &[(String, Vec<usize>)], theirs: &[NamedShape]) -> Matching {
    let ours = ours.iter().map(|(name, shape)| (name.as_str(), &shape[..]));
    let ours = modules(ours);
    let theirs = theirs.iter().map(|t| (t.name.as_str(), &t.shape[..]));
    let theirs = modules(theirs);
    let first_conv = |modules: &[Module<'_>]| modules.iter().position(Module::is_convolution);
    let firsts = first_conv(&ours).zip(first_conv(&theirs));
    let mut is_used = vec![false; theirs.len()];
    let mut matching = Matching::default();
    for (position, our) in ours.iter().enumerate() {
        let norm = ours.get(position + 1).filter(|next| next.follows(our));
        let change_to = |index: usize| {
            let may_change = firsts == Some((position, index));
            our.change_to(&theirs[index], norm.is_some(), may_change)
        };
        let free = |index: &usize| !is_used[*index] && change_to(*index).is_some();
        let same_name = theirs.iter().position(|their| their.name == our.name);
        let index = same_name
            .filter(free)
            .or_else(|| (0..theirs.len()).find(free));
        let Some((index, change)) = index.and_then(|index| Some((index, change_to(index)?))) else {
            let names = our.parts.iter().map(|part| part.full_name.to_owned());
            matching.missing.extend(names);
            continue;
        };
        is_used[index] = true;
        for part in &theirs[index].parts {
            match (our.part(part.name), norm) {
                (Some(our_part), _) => matching.matched.push(Match {
                    ours: our_part.full_name.to_owned(),
                    index: part.index,
                    change: if part.shape.len() > 1 {
                        change
                    } else {
                        Change::None
                    },
                }),
                (None, Some(norm)) => {
                    let mean = format!("{}.running_mean", norm.name);
                    matching.folded.push((part.index, mean));
                }
                (None, None) => matching.left_over.push(part.index),
            }
        }
    }
    let unused = theirs
        .iter()
        .zip(is_used)
        .filter(|(_, is_used)| !is_used)
        .flat_map(|(their, _)| their.parts.iter().map(|part| part.index));
    matching.left_over.extend(unused);
    matching
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
    /// Index among all tensors.
    index: usize,
}

impl<'a> Module<'a> {
    fn part(&self, name: &str) -> Option<&Part<'a>> {
        self.parts.iter().find(|part| part.name == name)
    }

    fn weight(&self) -> Option<&'a [usize]> {
        self.part("weight").map(|part| part.shape)
    }

    fn is_convolution(&self) -> bool {
        self.weight().is_some_and(|shape| shape.len() == 4)
    }

    /// Whether this is the normalization right after the convolution `before`, which has no bias: declared next, in the same
    /// block. Between blocks there may be other operations.
    fn follows(&self, before: &Self) -> bool {
        let block = |name: &'a str| name.rsplit_once('.').map_or("", |(block, _)| block);
        let mean = self.part("running_mean").map(|mean| mean.shape);
        let kernels = before.weight().filter(|_| before.is_convolution());
        before.part("bias").is_none()
            && block(self.name) == block(before.name)
            && mean
                .zip(kernels)
                .is_some_and(|(mean, kernels)| *mean == kernels[..1])
    }

    /// The change that the weight of `other` needs, if it has our parts with our shapes. It may also have a bias if `or_bias`,
    /// and other input channels if `may_change`.
    fn change_to(&self, other: &Self, or_bias: bool, may_change: bool) -> Option<Change> {
        let mut change = Change::None;
        for part in &self.parts {
            let theirs = other.part(part.name)?.shape;
            if theirs == part.shape {
                continue;
            }
            change = match (part.shape, theirs) {
                ([o, 1, h, w], [p, 3, i, x]) if may_change && (o, h, w) == (p, i, x) => {
                    Change::Summed
                }
                ([o, 3, h, w], [p, 1, i, x]) if may_change && (o, h, w) == (p, i, x) => {
                    Change::Spread(3)
                }
                _ => return None,
            };
        }
        let is_known = |part: &Part<'_>| {
            let is_bias = part.name == "bias" && part.shape == &self.parts[0].shape[..1];
            self.part(part.name).is_some() || (or_bias && is_bias)
        };
        other.parts.iter().all(is_known).then_some(change)
    }
}

/// Groups tensors by the part of the name before the last dot, in the order of their first tensors.
fn modules<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> Vec<Module<'a>> {
    let mut modules: Vec<Module<'a>> = Vec::new();
    let mut positions = HashMap::new();
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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn named(name: &str, shape: &[usize]) -> NamedShape {
        NamedShape {
            name: name.to_owned(),
            shape: shape.to_vec(),
        }
    }

    fn ours() -> Vec<(String, Vec<usize>)> {
        [
            ("stem.conv.weight", vec![4, 3, 3, 3]),
            ("stem.bn.weight", vec![4]),
            ("stem.bn.bias", vec![4]),
            ("stem.bn.running_mean", vec![4]),
            ("stem.bn.running_var", vec![4]),
            ("fc.weight", vec![7, 4]),
            ("fc.bias", vec![7]),
        ]
        .map(|(name, shape)| (name.to_owned(), shape))
        .to_vec()
    }

    /// Other names, an extra bias, and gray kernels: everything matches.
    #[test]
    fn layers_are_found_by_their_shapes() {
        let theirs = [
            named("0.weight", &[4, 1, 3, 3]),
            named("0.bias", &[4]),
            named("2.weight", &[4]),
            named("2.bias", &[4]),
            named("2.running_mean", &[4]),
            named("2.running_var", &[4]),
            named("5.weight", &[7, 4]),
            named("5.bias", &[7]),
        ];
        let matching = match_tensors(&ours(), &theirs);
        assert_eq!(matching.matched.len(), 7);
        assert_eq!(matching.matched[0].change, Change::Spread(3));
        assert!(
            matching.matched[1..]
                .iter()
                .all(|m| m.change == Change::None)
        );
        assert_eq!(matching.folded, [(1, "stem.bn.running_mean".to_owned())]);
        assert!(matching.missing.is_empty() && matching.left_over.is_empty());
    }

    #[test]
    fn unmatched_tensors_and_missing_weights_are_reported() {
        let theirs = [
            named("0.weight", &[4, 2, 3, 3]),
            named("fc.weight", &[7, 4]),
            named("fc.bias", &[7]),
        ];
        let matching = match_tensors(&ours(), &theirs);
        assert_eq!(matching.matched.len(), 2);
        assert_eq!(matching.left_over, [0]);
        assert_eq!(matching.missing.len(), 5);
    }

    #[test]
    fn gray_and_color_kernels_give_the_same_for_gray() {
        let kernels = Tensor::new(&[[1f32, 2.0, 3.0]], &Device::Cpu).unwrap();
        let kernels = kernels.reshape((1, 3, 1, 1)).unwrap();
        let gray = Change::Summed.apply(&kernels).unwrap();
        assert_eq!(gray.dims(), [1, 1, 1, 1]);
        let spread = Change::Spread(3).apply(&gray).unwrap();
        let flat = spread.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(flat, [2.0; 3]);
        // F16 has no 2049.
        let half = Tensor::new(&[[2048f32, 0.5, 0.5]], &Device::Cpu).unwrap();
        let half = half.reshape((1, 3, 1, 1)).unwrap();
        let half = half.to_dtype(DType::F16).unwrap();
        let gray = Change::Summed.apply(&half).unwrap();
        let gray = gray.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gray, [2049.0]);
    }
}
