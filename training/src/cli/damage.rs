//! `fervis-train damage`: the images of `evaluate --robust`, for other programs.

use std::path::PathBuf;

use anyhow::Result;
use fervis_train::{
    augment::CORRUPTIONS,
    data::dataset::{Dataset, Split},
    fer2013::IMAGE_SIDE_PX,
};

use super::{output::Results, parse_split};

const EXAMPLES: &str = "\
Example:
  fervis-train damage damaged.npy --data fer2013.csv --split PublicTest";

/// Which images to damage, and which file to write.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// NumPy file to write: 8-bit luma of shape (kinds of damage, images, 48, 48)
    #[arg(value_name = "OUT.npy")]
    out: PathBuf,
    /// FER-2013, in any of the forms that `train` takes
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Training, PublicTest or PrivateTest
    #[arg(long, default_value = "PublicTest", value_parser = parse_split)]
    split: Split,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Damages a split in every way, and prints the ways, one a line, in the file's order.
pub fn run(args: &Args) -> Result<()> {
    let mut results = Results::new(args.force, Some(&args.data), []);
    let out = results.file(&args.out)?;
    let dataset = Dataset::load_for(&args.data, IMAGE_SIDE_PX)?;
    let indices = dataset.split(args.split);
    let shape = [
        CORRUPTIONS.len(),
        indices.len(),
        IMAGE_SIDE_PX,
        IMAGE_SIDE_PX,
    ];
    let mut file = npy_header(shape);
    for corruption in &CORRUPTIONS {
        for &index in indices {
            file.extend(corruption.apply(dataset.image(index), index as u64));
        }
    }
    out.write_whole(file)?;
    let names: String = CORRUPTIONS.map(|kind| format!("{}\n", kind.name)).concat();
    results.print(&names)
}

/// The beginning of a file of bytes in this shape, in version 1.0 of NumPy's format.
fn npy_header([kinds, images, height, width]: [usize; 4]) -> Vec<u8> {
    let description = format!(
        "{{'descr': '|u1', 'fortran_order': False, 'shape': ({kinds}, {images}, {height}, {width}), }}"
    );
    // Magic, version and length take 10 bytes; the values begin at a multiple of 64.
    let len = (10 + description.len() + 1).next_multiple_of(64) - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((len as u16).to_le_bytes());
    header.extend(format!("{description:<0$}\n", len - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.lib.format.write_array_header_1_0` writes the same for this shape.
    #[test]
    fn the_header_is_numpys() {
        let header = npy_header([15, 3589, 48, 48]);
        assert_eq!(header.len(), 128);
        assert_eq!(&header[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&header[10..]).unwrap();
        assert_eq!(
            text.trim_end(),
            "{'descr': '|u1', 'fortran_order': False, 'shape': (15, 3589, 48, 48), }"
        );
        assert!(text.ends_with(" \n"));
    }
}
