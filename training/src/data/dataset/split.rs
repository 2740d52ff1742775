//! The splits of the data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One image in this many becomes [`Split::PublicTest`] if the data has none, as in FER-2013: 3,589 against 28,709.
pub(super) const CARVED_FRACTION: usize = 8;

/// One image in this many becomes [`Split::PublicTest`], and another [`Split::PrivateTest`], if the data has no splits at
/// all: FER-2013's shares.
pub(super) const TEST_FRACTION: usize = 10;

fervis::named! {
    /// The splits of FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414), by their names in the dataset.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    pub enum Split {
        /// The training images.
        Training = "Training",
        /// The validation images: schedules, early stopping and the selection of an epoch use these. If the data has none,
        /// some of Training are used, see [`SplitOrigin`].
        PublicTest = "PublicTest",
        /// The test images, measured once, after everything has been selected.
        PrivateTest = "PrivateTest",
    }
}

impl Split {
    /// The split with this name in the `Usage` column, in upper or lower case.
    pub fn of_usage(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|split| split.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// Where the splits of a dataset come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SplitOrigin {
    /// The data itself.
    #[default]
    Given,
    /// The data has no PublicTest: an eighth of each class of Training is used, always the same images.
    CarvedPublicTest,
    /// The data has no splits: a tenth of each class is PublicTest, another PrivateTest, always the same images.
    ByChance,
}

impl fmt::Display for SplitOrigin {
    /// A sentence without its period.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the splits are those of the data"),
            Self::CarvedPublicTest => write!(
                f,
                "the data has no PublicTest images, so one in {CARVED_FRACTION} of each class of Training is used for it, \
                 always the same ones"
            ),
            Self::ByChance => write!(
                f,
                "the data has no train and test folders, so it is split at random, always the same way: one image in \
                 {TEST_FRACTION} of each class is PublicTest, one in {TEST_FRACTION} PrivateTest, the rest Training"
            ),
        }
    }
}
