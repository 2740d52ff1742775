//! Which form a file or folder has, by what it holds.

use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use fervis::read;
use flate2::read::MultiGzDecoder;

use super::{
    csv,
    error::DatasetError,
    folder,
    images::Dataset,
    split::{Split, SplitOrigin},
    zip,
};
use crate::fer2013::IMAGE_SIDE_PX;

impl Dataset {
    /// The file of FER-2013's rows in a folder, for users who give the folder they unpacked.
    pub fn table_in(folder: &Path) -> Option<PathBuf> {
        ["fer2013.csv", "fer2013.csv.gz", "icml_face_data.csv"]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
    }

    /// Loads FER-2013, or other data of the same form, from what `path` turns out to hold:
    ///
    /// - `fer2013.csv` or `icml_face_data.csv`, plain or gzipped: columns `emotion`, `pixels` and `Usage` in any
    ///   order, spaces around the names allowed;
    /// - a folder of `train` and `test`, or of `Training`, `PublicTest` and `PrivateTest`, each with one folder per
    ///   expression, of images of any size and kind that the application reads; these are made upright, opaque and grey
    ///   as there, and resized to 48×48; any of the folders may be a link;
    /// - a folder with one folder per expression, which is split by chance, always the same way;
    /// - a folder that holds one of those files;
    /// - a zip of any of these.
    ///
    /// # Errors
    /// [`DatasetError`], naming the file and what is wrong with it. Nothing is skipped: one bad row or image
    /// refuses the whole set.
    pub fn load(path: &Path) -> Result<Self, DatasetError> {
        Self::load_for(path, IMAGE_SIDE_PX)
    }

    /// The same for a network whose input has this side, px: pictures that are larger than 48×48 keep what such a
    /// network can see ([`Self::input`]).
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_for(path: &Path, side_px: usize) -> Result<Self, DatasetError> {
        let name = path.display().to_string();
        let read_error = |source| DatasetError::Read {
            file: name.clone(),
            source,
        };
        let is_folder = std::fs::metadata(path).map_err(read_error)?.is_dir();
        let mut dataset = if is_folder {
            match Self::table_in(path) {
                Some(csv) => return Self::load_for(&csv, side_px),
                None => folder::load(path, side_px)?,
            }
        } else {
            let mut file = read::open(path).map_err(read_error)?;
            let magic = peek::<4>(&mut file).map_err(read_error)?;
            let file = read::open(path).map_err(read_error)?;
            match magic {
                [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => zip::load(file, &name, side_px)?,
                [0x1f, 0x8b, ..] => csv::load(MultiGzDecoder::new(BufReader::new(file)), &name)?,
                _ => csv::load(file, &name)?,
            }
        };
        if dataset.is_empty() {
            return Err(DatasetError::Form {
                file: name,
                problem: "holds no images".to_owned(),
            });
        }
        dataset.carve_public_test();
        if dataset.split_origin != SplitOrigin::Given {
            log::warn!("{name}: {}", dataset.split_origin);
        }
        log::info!(
            "{name}: {}",
            Split::ALL
                .map(|split| format!("{} {}", dataset.split(split).len(), split.name()))
                .join(", ")
        );
        Ok(dataset)
    }
}

/// The first bytes of a file; what a shorter file lacks is 0.
fn peek<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut n_read = 0;
    while n_read < N {
        match file.read(&mut bytes[n_read..])? {
            0 => break,
            n => n_read += n,
        }
    }
    Ok(bytes)
}
