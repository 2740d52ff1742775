//! PyTorch's files as sets of named tensors.
//!
//! `pickle` reads the program that such a file is as plain values, `objects` walks them, `container` finds the storages of
//! the tensors' values, and `state_dict` the sets of named tensors (`stored_tensor`).

pub(super) mod container;
pub(super) mod objects;
pub(crate) mod pickle;
pub(super) mod state_dict;
pub(super) mod stored_tensor;
