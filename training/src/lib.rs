//! Trains and evaluates the networks that fervis runs.
