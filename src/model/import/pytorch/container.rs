//! The two containers of PyTorch files: a pickle and the storages (arrays of values) that it refers to.
//!
//! Since PyTorch 1.6 the container is an uncompressed zip archive. Before, and still with
//! `_use_new_zipfile_serialization=False`, it is several pickles in a row, followed by the storages. In both, storages are
//! slices of the file, so opening a file costs no memory.

use std::{collections::HashMap, io, io::Cursor};

use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config},
};

use super::{
    pickle::{Pickle, Value},
    stored_tensor::storage_of,
};
use crate::model::import::foreign;

/// `0x1950a86a20f9469cfc6c`, pickled: the start of every file before PyTorch 1.6.
const LEGACY_MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// An opened file.
pub enum Container<'a> {
    /// A file since PyTorch 1.6.
    Zip {
        /// The whole file.
        bytes: &'a [u8],
        /// Its directory.
        archive: ZipArchive<Cursor<&'a [u8]>>,
        /// The folder of all entries, with its `/`.
        folder: String,
    },
    /// An older file: the storages by key.
    Legacy(HashMap<String, &'a [u8]>),
}

/// Whether PyTorch or Python's `pickle` may have written these first bytes.
///
/// A safetensors file starts with the length of its JSON, and one length in 32 starts as a pickle does.
pub fn looks_like_pytorch(bytes: &[u8]) -> bool {
    !looks_like_safetensors(bytes) && (bytes.starts_with(b"PK") || bytes.starts_with(b"\x80"))
}

/// Whether this starts as a safetensors file does, with the length of its JSON and a brace.
pub fn looks_like_safetensors(bytes: &[u8]) -> bool {
    bytes
        .split_first_chunk::<8>()
        .is_some_and(|(length, rest)| {
            let length = usize::try_from(u64::from_le_bytes(*length));
            rest.starts_with(b"{") && length.is_ok_and(|length| length <= rest.len())
        })
}

impl<'a> Container<'a> {
    /// Finds the pickle and the storages.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn open(bytes: &'a [u8]) -> Result<(Self, Pickle<'a>), String> {
        if bytes.starts_with(b"PK") {
            open_zip(bytes)
        } else if bytes.starts_with(LEGACY_MAGIC) {
            open_legacy(bytes)
        } else {
            Err(other_pickle(bytes))
        }
    }

    /// The bytes of one storage.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn storage(&mut self, key: &str) -> Result<&'a [u8], String> {
        match self {
            Self::Zip {
                bytes,
                archive,
                folder,
            } => part(bytes, archive, &format!("{folder}data/{key}")),
            Self::Legacy(storages) => {
                let found = storages.get(key).copied();
                found.ok_or_else(|| "values that its pickle refers to are missing".to_owned())
            }
        }
    }
}

fn open_zip(bytes: &[u8]) -> Result<(Container<'_>, Pickle<'_>), String> {
    // PyTorch puts nothing before the archive. If the crate `zip` has to guess where it starts, it takes the size of the
    // directory for its distance from the end and overlooks the ZIP64 records in between, so that a second entry which
    // happens to be there passes for the first.
    let config = Config {
        archive_offset: ArchiveOffset::Known(0),
    };
    let mut archive = ZipArchive::with_config(config, Cursor::new(bytes))
        .map_err(|error| format!("it is damaged or cut off ({error}); get it again"))?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .collect();
    let folder = names
        .iter()
        .filter_map(|name| name.strip_suffix("data.pkl"))
        .find(|folder| folder.is_empty() || folder.ends_with('/'))
        .ok_or_else(|| foreign::describe_zip(&names))?
        .to_owned();
    let has = |name: &str| {
        let name = format!("{folder}{name}");
        names.contains(&name)
    };
    if has("constants.pkl")
        || names
            .iter()
            .any(|name| name.starts_with(&format!("{folder}code/")))
    {
        return Err(
            "it is a TorchScript program; save the network's state_dict() with torch.save instead"
                .to_owned(),
        );
    }
    if has("byteorder") {
        let order = part(bytes, &mut archive, &format!("{folder}byteorder"))?;
        if order != b"little" {
            return Err(big_endian());
        }
    }
    let pickle = Pickle::read(part(bytes, &mut archive, &format!("{folder}data.pkl"))?)?;
    let container = Container::Zip {
        bytes,
        archive,
        folder,
    };
    Ok((container, pickle))
}

/// The bytes of one entry of the archive, after checking its checksum.
fn part<'a>(
    bytes: &'a [u8],
    archive: &mut ZipArchive<Cursor<&'a [u8]>>,
    name: &str,
) -> Result<&'a [u8], String> {
    let damaged = |cause: &dyn std::fmt::Display| {
        format!("its part “{name}” is missing or damaged ({cause}); get it again")
    };
    let mut entry = archive.by_name(name).map_err(|error| damaged(&error))?;
    if entry.compression() != CompressionMethod::Stored {
        return Err(format!(
            "its part “{name}” is compressed, which torch.save never does; save it again"
        ));
    }
    io::copy(&mut entry, &mut io::sink()).map_err(|error| damaged(&error))?;
    let start = entry
        .data_start()
        .and_then(|start| usize::try_from(start).ok());
    let length = usize::try_from(entry.size()).ok();
    start
        .zip(length)
        .and_then(|(start, length)| bytes.get(start..start.checked_add(length)?))
        .ok_or_else(|| damaged(&"it reaches beyond the file"))
}

fn open_legacy(bytes: &[u8]) -> Result<(Container<'_>, Pickle<'_>), String> {
    let mut rest = &bytes[LEGACY_MAGIC.len()..];
    let mut next = || -> Result<Pickle<'_>, String> {
        let pickle = Pickle::read(rest)?;
        rest = &rest[pickle.n_bytes()..];
        Ok(pickle)
    };
    let _protocol = next()?;
    let system = next()?;
    let little_endian = system.entry(system.root(), "little_endian");
    if little_endian.is_some_and(|id| *system.get(id) == Value::Bool(false)) {
        return Err(big_endian());
    }
    let pickle = next()?;
    let keys = next()?;

    let mut n_bytes_per_value = HashMap::new();
    for id in pickle.ids() {
        if let Some(storage) = storage_of(&pickle, id) {
            n_bytes_per_value.insert(storage.key, storage.n_bytes_per_value);
        }
    }
    let mut storages = HashMap::new();
    for id in keys.items(keys.root()).unwrap_or_default() {
        let key = keys.text(*id).ok_or_else(cut_off)?;
        let (count, behind) = rest.split_first_chunk::<8>().ok_or_else(cut_off)?;
        let n_bytes = n_bytes_per_value
            .get(key)
            .copied()
            .flatten()
            .ok_or_else(|| "it holds values of a type that fervis does not know".to_owned())?;
        let length = usize::try_from(u64::from_le_bytes(*count))
            .ok()
            .and_then(|count| count.checked_mul(n_bytes))
            .ok_or_else(cut_off)?;
        let storage = behind.get(..length).ok_or_else(cut_off)?;
        storages.insert(key.to_owned(), storage);
        rest = &behind[length..];
    }
    Ok((Container::Legacy(storages), pickle))
}

/// Describes a pickle that `torch.save` did not write.
fn other_pickle(bytes: &[u8]) -> String {
    let class = Pickle::read(bytes).ok().and_then(|pickle| {
        let ((module, name), _) = pickle.call(pickle.root())?;
        let is_plain = |text: &str| text.len() < 100 && !text.contains(char::is_control);
        (is_plain(module) && is_plain(name)).then(|| format!(" of {module}.{name}"))
    });
    format!(
        "it is a Python pickle{}, but not one that torch.save wrote; save the network's state_dict() with torch.save",
        class.unwrap_or_default()
    )
}

fn big_endian() -> String {
    "it was written on a big-endian machine; save it again on another".to_owned()
}

fn cut_off() -> String {
    "it is cut off; get it again".to_owned()
}
