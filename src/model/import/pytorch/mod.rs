//! PyTorch's files as sets of named tensors.
//!
//! `pickle` turns the program that such a file is into plain values, `objects` walks them, `container` finds the
//! numbers, and `state_dict` the sets of named tensors among the values (`stored_tensor`).

pub(super) mod container;
pub(super) mod objects;
pub(crate) mod pickle;
pub(super) mod state_dict;
pub(super) mod stored_tensor;
