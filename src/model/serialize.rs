//! Safetensors files that are byte for byte the same for the same content, and checksums of files.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
};

use safetensors::{SafeTensorError, View};
use sha2::{Digest, Sha256};

/// Bytes before the header: its length, little-endian.
const LENGTH_BYTES: usize = 8;

/// SHA-256 of `parts` one after another, as 64 hexadecimal digits.
pub fn sha256(parts: &[&[u8]]) -> String {
    let digest = parts.iter().fold(Sha256::new(), Digest::chain_update);
    let digits = digest.finalize();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the bytes of a safetensors file with these tensors and this header.
///
/// The crate `safetensors` writes the header's keys in the order of a `HashMap`, which differs from run to run. Here they
/// are sorted.
///
/// # Errors
/// If a tensor's shape and its number of bytes disagree, or the header is larger than the format allows.
pub fn serialize<S, V, I>(
    tensors: I,
    header: &BTreeMap<String, String>,
) -> Result<Vec<u8>, SafeTensorError>
where
    S: AsRef<str> + Ord + Display,
    V: View,
    I: IntoIterator<Item = (S, V)>,
{
    let unsorted: HashMap<String, String> = header.clone().into_iter().collect();
    let mut bytes = safetensors::serialize(tensors, Some(unsorted))?;
    if let Some((length, rest)) = bytes.split_first_chunk_mut::<LENGTH_BYTES>() {
        let length = u64::from_le_bytes(*length) as usize;
        let header = &mut rest[..length];
        // An object of `serde_json` is a sorted map. The same entries in another order take the same number of bytes.
        let object: serde_json::Value = serde_json::from_slice(header)
            .map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        let sorted = object.to_string();
        header.fill(b' ');
        header[..sorted.len()].copy_from_slice(sorted.as_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use safetensors::SafeTensors;

    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // FIPS 180-4's example.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&[b"a", b"bc"]), expected);
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let tensor = Tensor::new(&[1f32, 2.0, 3.0], &Device::Cpu).unwrap();
        let header: BTreeMap<String, String> = ('a'..='z')
            .map(|key| (key.to_string(), format!("\"{key}\" é")))
            .collect();
        let once = || serialize([("one", &tensor), ("two", &tensor)], &header).unwrap();
        let bytes = once();
        for _ in 0..8 {
            assert_eq!(once(), bytes);
        }
        let (_, read) = SafeTensors::read_metadata(&bytes).unwrap();
        let read: BTreeMap<_, _> = read.metadata().clone().unwrap().into_iter().collect();
        assert_eq!(read, header);
        let read = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(read.tensor("two").unwrap().data().len(), 12);
    }
}
