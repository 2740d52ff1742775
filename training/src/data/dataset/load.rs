//! Recognizes the form of a file or folder by its contents and loads it.

use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use fervis::{expression::Labels, read};
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
    /// The table of FER-2013 in a folder, for users who give the folder into which they unpacked it.
    pub fn table_in(folder: &Path) -> Option<PathBuf> {
        ["fer2013.csv", "fer2013.csv.gz", "icml_face_data.csv"]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
    }

    /// Loads FER-2013, or other data in the same form, whatever `path` holds:
    ///
    /// - `fer2013.csv` or `icml_face_data.csv`, plain or gzipped: columns `emotion`, `pixels` and `Usage` in any order,
    ///   with or without spaces around their names;
    /// - a folder with `train` and `test`, or `Training`, `PublicTest` and `PrivateTest`, each with one folder per
    ///   class, holding images of any size and format that the application reads. They become upright, opaque and
    ///   gray as there, and 48×48. Any of the folders may be a link;
    /// - a folder with one folder per class, which is split at random, always the same way;
    /// - a folder that holds one of the tables;
    /// - a zip of any of these.
    ///
    /// # Errors
    /// [`DatasetError`], naming the file and the problem. Nothing is skipped: one bad row or image is an error for the
    /// whole dataset.
    pub fn load(path: &Path) -> Result<Self, DatasetError> {
        Self::load_for(path, IMAGE_SIDE_PX)
    }

    /// Like [`Self::load`], for a network whose input has this side, px: images larger than 48×48 keep that resolution
    /// ([`Self::input`]).
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_for(path: &Path, side_px: usize) -> Result<Self, DatasetError> {
        Self::load_as(path, side_px, None)
    }

    /// Like [`Self::load_for`], with these classes in this order, such as those of a network. Images of other classes are
    /// left out, and a warning counts them. With `None`, every class of the data is one.
    ///
    /// # Errors
    /// As [`Self::load`], and if there is no image of any of the classes.
    pub fn load_as(
        path: &Path,
        side_px: usize,
        classes: Option<Labels>,
    ) -> Result<Self, DatasetError> {
        let name = path.display().to_string();
        let read_error = DatasetError::read(&name);
        let is_folder = std::fs::metadata(path).map_err(&read_error)?.is_dir();
        let mut dataset = if is_folder {
            match Self::table_in(path) {
                Some(csv) => return Self::load_as(&csv, side_px, classes),
                None => folder::load(path, side_px, classes)?,
            }
        } else {
            let mut file = read::open(path).map_err(&read_error)?;
            let magic = peek::<4>(&mut file).map_err(&read_error)?;
            let file = read::open(path).map_err(&read_error)?;
            match magic {
                [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => {
                    zip::load(file, &name, side_px, classes)?
                }
                [0x1f, 0x8b, ..] => csv::load(MultiGzDecoder::new(BufReader::new(file)), &name)?,
                _ => csv::load(file, &name)?,
            }
        };
        if dataset.is_empty() {
            return Err(DatasetError::form(&name, "holds no images"));
        }
        if let Some(classes) = classes {
            for (class, n) in dataset.choose(classes) {
                log::warn!("{name}: {n} images of the class “{class}” are left out");
            }
            if Split::ALL
                .iter()
                .all(|split| dataset.split(*split).is_empty())
            {
                let problem = format!("holds no image of any of the classes {}", classes.list());
                return Err(DatasetError::form(&name, problem));
            }
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

/// The first bytes of a file; a shorter file is padded with 0.
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
