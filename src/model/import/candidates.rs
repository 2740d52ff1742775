//! The tensors of a file that may be the weights of one network.
//!
//! People save other tensors with the weights: the best accuracy so far, the weights of classes in the loss, the mean and
//! deviation of the pixels, a second copy of the network with averaged weights. Only their names tell them from weights,
//! since a layer that fervis does not know must never be ignored: the network would run, and be wrong.

use std::collections::HashSet;

use super::matching::NamedShape;

/// Prefixes that wrappers put before every name: `DataParallel`, `torch.compile`, and people's own.
const WRAPPERS: [&str; 5] = ["module.", "_orig_mod.", "model.", "net.", "network."];
/// The names of weights within a layer. A tensor with such a name belongs to a layer, whatever the layer's name.
const LAYER_PARTS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];
/// Words in the names of modules that have weights but are not layers: losses and metrics.
const NOT_LAYERS: [&str; 3] = ["criterion", "loss", "metric"];
/// Words in the names of tensors that are not weights.
const NOT_WEIGHTS: [&str; 13] = [
    "mean",
    "std",
    "class_weight",
    "cls_weight",
    "pos_weight",
    "loss",
    "acc",
    "best",
    "f1",
    "epoch",
    "step",
    "metric",
    "prior",
];

/// Tensors that may be a network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate {
    /// Names without prefixes of wrappers, and shapes, in the file's order.
    pub tensors: Vec<NamedShape>,
    /// The index of each in the set that it was taken from.
    pub indices: Vec<usize>,
    /// Names of tensors among them that are not weights.
    pub beside: Vec<String>,
    /// The common prefix of all names, if only a part of the set was taken.
    pub prefix: String,
}

impl Candidate {
    /// Whether `other` holds the same layers.
    fn is_copy_of(&self, other: &Self) -> bool {
        let shapes = |of: &Self| {
            of.tensors
                .iter()
                .map(|t| t.shape.clone())
                .collect::<Vec<_>>()
        };
        shapes(self) == shapes(other)
    }
}

/// The networks that a set of tensors may hold: all its weights as one, or one of several copies of a network.
pub fn candidates(set: &[NamedShape]) -> Vec<Candidate> {
    let mut whole = Candidate::default();
    let layers: HashSet<&str> = set
        .iter()
        .filter_map(|tensor| {
            let (layer, part) = layer_and_part(&tensor.name);
            LAYER_PARTS.contains(&part).then_some(layer)
        })
        .collect();
    for (index, tensor) in set.iter().enumerate() {
        if is_beside(tensor, &layers) {
            whole.beside.push(tensor.name.clone());
        } else {
            whole.tensors.push(tensor.clone());
            whole.indices.push(index);
        }
    }
    unwrap_names(&mut whole.tensors);
    let copies = copies_in(&whole);
    std::iter::once(whole).chain(copies).collect()
}

/// Splits a name at its last dot.
fn layer_and_part(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Whether a tensor is not part of the network. `layers` are the names of modules with weights.
fn is_beside(tensor: &NamedShape, layers: &HashSet<&str>) -> bool {
    let (layer, part) = layer_and_part(&tensor.name);
    let contains = |text: &str, words: &[&str]| {
        let text = text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    if layers.contains(layer) {
        return tensor.shape.len() < 4 && contains(layer, &NOT_LAYERS);
    }
    // A measured value, one value for each channel or class, or a mean image.
    let n_large_sides = tensor.shape.iter().filter(|side| **side > 1).count();
    n_large_sides <= 2 && contains(part, &NOT_WEIGHTS)
}

/// Removes the prefixes of wrappers while all names have the same.
fn unwrap_names(tensors: &mut [NamedShape]) {
    while let Some(wrapper) = WRAPPERS.into_iter().find(|wrapper| {
        !tensors.is_empty()
            && tensors
                .iter()
                .all(|tensor| tensor.name.starts_with(wrapper))
    }) {
        for tensor in &mut *tensors {
            tensor.name.drain(..wrapper.len());
        }
    }
}

/// Splits a set by the first word of the names, if all parts hold the same layers: a network and its averages, say.
fn copies_in(whole: &Candidate) -> Vec<Candidate> {
    let mut copies: Vec<Candidate> = Vec::new();
    for (tensor, index) in whole.tensors.iter().zip(&whole.indices) {
        let Some((first, rest)) = tensor.name.split_once('.') else {
            return Vec::new();
        };
        let position = copies.iter().position(|copy| copy.prefix == first);
        let position = position.unwrap_or_else(|| {
            copies.push(Candidate {
                prefix: first.to_owned(),
                beside: whole.beside.clone(),
                ..Candidate::default()
            });
            copies.len() - 1
        });
        let copy = &mut copies[position];
        copy.tensors.push(NamedShape {
            name: rest.to_owned(),
            shape: tensor.shape.clone(),
        });
        copy.indices.push(*index);
    }
    let are_copies = copies.len() > 1
        && copies[0]
            .tensors
            .iter()
            .any(|tensor| tensor.shape.len() == 4)
        && copies[1..].iter().all(|copy| copy.is_copy_of(&copies[0]));
    if !are_copies {
        return Vec::new();
    }
    for copy in &mut copies {
        unwrap_names(&mut copy.tensors);
    }
    // The trained weights before their averages.
    let is_average = |copy: &Candidate| {
        let name = copy.prefix.to_ascii_lowercase();
        ["ema", "avg", "average", "teacher", "momentum", "target"]
            .iter()
            .any(|word| name.contains(word))
    };
    copies.sort_by_key(is_average);
    copies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[(&str, &[usize])]) -> Vec<NamedShape> {
        names
            .iter()
            .map(|(name, shape)| NamedShape {
                name: (*name).to_owned(),
                shape: shape.to_vec(),
            })
            .collect()
    }

    fn names(candidate: &Candidate) -> Vec<&str> {
        candidate.tensors.iter().map(|t| t.name.as_str()).collect()
    }

    #[test]
    fn tensors_that_are_not_weights_are_set_aside() {
        let set = set(&[
            ("model.conv.weight", &[4, 1, 3, 3]),
            ("model.fc.weight", &[7, 4]),
            ("class_weights", &[7]),
            ("mean", &[1, 3, 1, 1]),
            ("normalize.std", &[3]),
            ("criterion.weight", &[7]),
            ("train_loss.criterion.bias", &[7]),
            ("best_acc1", &[]),
            ("mean_image", &[48, 48]),
        ]);
        let candidates = candidates(&set);
        assert_eq!(candidates.len(), 1);
        assert_eq!(names(&candidates[0]), ["conv.weight", "fc.weight"]);
        assert_eq!(candidates[0].indices, [0, 1]);
        assert_eq!(candidates[0].beside.len(), 7);
    }

    /// An unknown layer stays, so that the network is refused.
    #[test]
    fn layers_are_never_set_aside() {
        let set = set(&[
            ("act.weight", &[1]),
            ("meanpool.weight", &[7, 7]),
            ("bn.running_mean", &[4]),
            ("bn.mean_shift", &[4]),
            ("gamma", &[4]),
            ("loss_conv.weight", &[4, 1, 3, 3]),
            ("mean", &[4, 4, 4]),
            ("positions", &[1, 10, 4]),
        ]);
        let candidates = candidates(&set);
        assert_eq!(candidates[0].tensors.len(), set.len());
    }

    #[test]
    fn a_network_beside_its_averages_is_two_networks() {
        let set = set(&[
            ("ema_model.module.conv.weight", &[4, 1, 3, 3]),
            ("ema_model.module.fc.weight", &[7, 4]),
            ("online_model.conv.weight", &[4, 1, 3, 3]),
            ("online_model.fc.weight", &[7, 4]),
            ("step", &[]),
        ]);
        let candidates = candidates(&set);
        let prefixes: Vec<_> = candidates.iter().map(|c| c.prefix.as_str()).collect();
        assert_eq!(prefixes, ["", "online_model", "ema_model"]);
        for copy in &candidates[1..] {
            assert_eq!(names(copy), ["conv.weight", "fc.weight"]);
            assert_eq!(copy.beside, ["step"]);
        }
        assert_eq!(candidates[1].indices, [2, 3]);
    }

    /// A head after a network is part of it.
    #[test]
    fn parts_that_differ_are_one_network() {
        let set = set(&[
            ("backbone.conv.weight", &[4, 1, 3, 3]),
            ("backbone.fc.weight", &[7, 4]),
            ("head.weight", &[7, 7]),
        ]);
        assert_eq!(candidates(&set).len(), 1);
    }
}
