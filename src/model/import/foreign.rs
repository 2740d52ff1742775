//! Describes files that people mistake for checkpoints, in words that help.
//!
//! Files are identified by their first bytes or, where a format has no signature, by their structure; never by name.

/// The files that fervis reads instead.
const REMEDY: &str =
    "fervis runs PyTorch's weights (.pth, .pt, .safetensors) and its own checkpoints";

/// What to do with an ONNX network. Opening one comes here only if nothing in this program runs it.
const ONNX: &str = if cfg!(feature = "onnx") {
    "it is an ONNX network, which fervis runs as it is, but not as weights to convert or to train from"
} else {
    "it is an ONNX network, and this build of fervis does not run them; build one that does: \
     cargo build --release --features onnx"
};

/// Describes these bytes, as the end of a sentence, if they are a well-known format other than PyTorch's and safetensors.
pub(super) fn describe(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("it is empty".to_owned());
    }
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Some(
            "it is a Git LFS pointer, not the file itself; get the file with `git lfs pull`"
                .to_owned(),
        );
    }
    let what = by_magic(bytes)
        .or_else(|| by_text(bytes))
        .or_else(|| is_onnx(bytes).then_some("an ONNX network"))?;
    Some(match what {
        "an ONNX network" => ONNX.to_owned(),
        "a web page" => {
            "it is a web page; download the file itself (on GitHub: “Download raw file”)".to_owned()
        }
        what => format!("it is {what}; {REMEDY}"),
    })
}

/// Describes a zip archive with entries of these names, as the end of a sentence.
pub(super) fn describe_zip(names: &[String]) -> String {
    let has = |name: &str| {
        names
            .iter()
            .any(|known| known == name || known.ends_with(&format!("/{name}")))
    };
    let what = if has("model.weights.h5") || (has("config.json") && has("metadata.json")) {
        "a Keras network (.keras)"
    } else if has("MAR-INF/MANIFEST.json") {
        "an archive for TorchServe (.mar)"
    } else if has("archive_format") || has("serialized_exported_program.json") {
        "a program that torch.export wrote (.pt2)"
    } else if has("word/document.xml") || has("[Content_Types].xml") {
        "an Office document"
    } else if !names.is_empty() && names.iter().all(|name| name.ends_with(".npy")) {
        "an archive of NumPy arrays (.npz)"
    } else if has("saved_model.pb") {
        "a TensorFlow network (SavedModel)"
    } else {
        let inside = names.iter().find(|name| {
            let name = name.to_ascii_lowercase();
            [".pth", ".pt", ".safetensors"]
                .iter()
                .any(|end| name.ends_with(end))
        });
        return match inside {
            Some(inside) => {
                format!("it is a zip archive; unpack it and open “{inside}”, which is inside")
            }
            None => "it is a zip archive, but not one that torch.save wrote".to_owned(),
        };
    };
    format!("it is {what}; {REMEDY}")
}

fn by_magic(bytes: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| {
        bytes
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    // The signature of HDF5 is at 0 or, after a block of the user's, at a power of two from 512 on.
    let hdf5 = [0, 512, 1024, 2048].into_iter();
    let marks: [(bool, &str); 14] = [
        (
            hdf5.clone().any(|offset| at(offset, b"\x89HDF\r\n\x1a\n")),
            "an HDF5 file, as Keras writes (.h5)",
        ),
        (at(4, b"TFL3"), "a TensorFlow Lite network (.tflite)"),
        (at(4, b"ET12"), "an ExecuTorch program (.pte)"),
        // Torch for Lua: an object, its number, and the version.
        (
            at(0, b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1"),
            "a file of Torch 7, PyTorch's predecessor in Lua",
        ),
        (at(0, b"GGUF"), "a language model (GGUF)"),
        (at(0, b"\x93NUMPY"), "a NumPy array (.npy)"),
        (at(0, b"\x1f\x8b"), "a gzip archive"),
        (
            at(0, b"BZh") || at(0, b"\xfd7zXZ\0"),
            "a compressed archive",
        ),
        (at(0, b"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
        (at(0, b"Rar!\x1a\x07"), "a RAR archive"),
        (at(257, b"ustar"), "a tar archive"),
        (
            at(0, b"\x89PNG\r\n\x1a\n") || at(0, b"\xff\xd8\xff"),
            "an image",
        ),
        (at(0, b"%PDF-"), "a PDF document"),
        (at(4, b"ftyp"), "a video"),
    ];
    let found = marks.into_iter().find(|(is, _)| *is);
    found.map(|(_, what)| what)
}

fn by_text(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    let start = &start[..start.len().min(2000)];
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let is_xml = start.starts_with("<?xml");
    if start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || start.starts_with("<head")
        || (is_xml && start.contains("<html"))
    {
        Some("a web page")
    } else if is_xml && start.contains("<net ") {
        Some("an OpenVINO network")
    } else if is_xml && start.contains("<error") {
        Some("a web server's error message")
    } else if start.starts_with('{') && start.contains("weight_map") {
        Some("an index of several safetensors files")
    } else if start.starts_with('{') && start.contains("modeltopology") {
        Some("a TensorFlow.js network")
    } else {
        None
    }
}

/// Whether the bytes are fields of an ONNX `ModelProto` (github.com/onnx/onnx, `onnx.proto`) with a graph among them.
/// Protocol buffers have no signature.
pub fn is_onnx(bytes: &[u8]) -> bool {
    const GRAPH: u64 = 7;
    let mut rest = bytes;
    // Field 1 is the version, which every file starts with.
    let mut is_first = true;
    while let Some((tag, after)) = varint(rest) {
        let (field, kind) = (tag >> 3, tag & 7);
        if is_first && (field, kind) != (1, 0) {
            return false;
        }
        is_first = false;
        rest = match (field, kind) {
            // Version of the format, of the model.
            (1 | 5, 0) => match varint(after) {
                Some((_, after)) => after,
                None => return false,
            },
            // A file that is cut off has its graph cut off.
            (GRAPH, 2) => return varint(after).is_some(),
            // Producer, its version, domain, description, operators, properties, training, functions, devices.
            (2..=4 | 6 | 8 | 14 | 20 | 25 | 26, 2) => {
                let field = varint(after)
                    .and_then(|(length, after)| after.get(usize::try_from(length).ok()?..));
                match field {
                    Some(after) => after,
                    None => return false,
                }
            }
            _ => return false,
        };
    }
    false
}

/// Reads a varint of protocol buffers; also returns the rest.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_described() {
        let mut behind_block = vec![0; 512];
        behind_block.extend(b"\x89HDF\r\n\x1a\n");
        let mut tar = vec![b'x'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: [(&[u8], &str); 18] = [
            (b"", "empty"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
                "git lfs pull",
            ),
            (b"\n <!DOCTYPE html><html lang=\"en\">", "web page"),
            (b"<HTML><body>404", "web page"),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\"?><!DOCTYPE html><html>",
                "web page",
            ),
            (
                b"<?xml version=\"1.0\"?><Error><Code>AccessDenied",
                "error message",
            ),
            (
                b"<?xml version=\"1.0\"?>\n<net name=\"emotions\" version=\"11\">",
                "OpenVINO",
            ),
            (b"\x89HDF\r\n\x1a\n\0\0", "Keras"),
            (&behind_block, "Keras"),
            (b"\x1c\0\0\0TFL3\x14\0", "TensorFlow Lite"),
            // Version 8, produced by “pytorch” 2.1, a graph.
            (
                b"\x08\x08\x12\x07pytorch\x1a\x032.1:\xff\x01\x0a\x05",
                "ONNX",
            ),
            // Version 10, operators, then a graph.
            (b"\x08\x0aB\x02\x10\x11:\x80\x10", "ONNX"),
            (
                b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1\x0d\0\0\0nn.Sequential",
                "Lua",
            ),
            (b"GGUF\x03\0\0\0", "language model"),
            (&tar, "tar archive"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (
                b"{\"metadata\": {}, \"weight_map\": {}}",
                "several safetensors",
            ),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
        ];
        for (bytes, words) in cases {
            let described = describe(bytes).unwrap();
            assert!(described.contains(words), "{described}, not {words}");
        }
        for bytes in [
            &b"some text"[..],
            b"\x08\x08\x12\xff",
            b"\x08",
            b"\x12\x03abc",
            b"\x80\x02}.",
        ] {
            assert_eq!(describe(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn archives_are_described() {
        for (names, words) in [
            (
                &["metadata.json", "config.json", "model.weights.h5"][..],
                "Keras",
            ),
            (&["a.npy", "b.npy"], "NumPy"),
            (&["MAR-INF/MANIFEST.json", "best.pth"], "TorchServe"),
            (&["net/archive_format", "net/version"], "torch.export"),
            (&["readme.txt", "run/best.PTH"], "open “run/best.PTH”"),
            (&["readme.txt"], "not one that torch.save wrote"),
            (&[], "not one that torch.save wrote"),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let described = describe_zip(&names);
            assert!(described.contains(words), "{described}, not {words}");
        }
    }
}
