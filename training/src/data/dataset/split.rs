//! The parts of the data, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One image in this many becomes [`Split::PublicTest`] where the data has none: 3,589 against 28,709 in FER-2013.
pub(super) const CARVED_FRACTION: usize = 8;

/// One image in this many becomes [`Split::PublicTest`], and as many [`Split::PrivateTest`], where the data has no splits at
/// all: FER-2013's own shares.
pub(super) const TEST_FRACTION: usize = 10;

/// The parts of FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414), by the data set's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Split {
    /// What a network learns from.
    Training,
    /// The validation images: schedules, early stopping and the choice of an epoch look at these. Data that has none
    /// gets some of Training's, see [`SplitOrigin`].
    PublicTest,
    /// The test images, looked at once, when everything has been chosen.
    PrivateTest,
}

impl Split {
    /// All splits in the data set's order.
    pub const ALL: [Self; 3] = [Self::Training, Self::PublicTest, Self::PrivateTest];

    /// The data set's word for it, as in the `Usage` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::PublicTest => "PublicTest",
            Self::PrivateTest => "PrivateTest",
        }
    }

    /// The split the `Usage` column names, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|split| split.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// Where the splits of a data set are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SplitOrigin {
    /// The data says which image belongs to which.
    #[default]
    Given,
    /// The data has no PublicTest: an eighth of Training is it, class by class, always the same one.
    CarvedPublicTest,
    /// The data has no splits: a tenth of each class is PublicTest, a tenth PrivateTest, always the same ones.
    ByChance,
}

impl fmt::Display for SplitOrigin {
    /// A sentence without its full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the splits are those of the data"),
            Self::CarvedPublicTest => write!(
                f,
                "the data has no PublicTest images, so one in {CARVED_FRACTION} of each class of Training is held back for it, \
                 always the same ones"
            ),
            Self::ByChance => write!(
                f,
                "the data has no train and test folders, so it is split by chance, always the same way: one image in \
                 {TEST_FRACTION} of each class is PublicTest, one in {TEST_FRACTION} PrivateTest, the rest Training"
            ),
        }
    }
}
