//! The shape of the source tree: rules that the compiler does not check.
//!
//! Files are read as text without comments and strings, which is enough to see what imports what.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The modules of the library, and which others each may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("bounding_box", &[]),
    ("declare", &[]),
    ("error_text", &[]),
    ("expression", &[]),
    ("file_identity", &[]),
    ("frame", &[]),
    ("panics", &[]),
    ("percentiles", &[]),
    ("read", &[]),
    ("result_file", &["file_identity"]),
    ("shell_command", &[]),
    ("signals", &[]),
    ("time", &[]),
    ("palette", &["expression"]),
    ("oriented_box", &["bounding_box"]),
    ("capture", &["frame", "panics"]),
    ("fuzzing", &["capture", "model"]),
    (
        "detect",
        &["bounding_box", "frame", "model", "oriented_box", "panics"],
    ),
    (
        "model",
        &[
            "bounding_box",
            "error_text",
            "expression",
            "frame",
            "oriented_box",
            "panics",
            "read",
            "result_file",
        ],
    ),
    (
        "overlay",
        &[
            "bounding_box",
            "detect",
            "expression",
            "frame",
            "palette",
            "pipeline",
        ],
    ),
    ("privacy", &["bounding_box", "detect", "frame"]),
    (
        "pipeline",
        &[
            "bounding_box",
            "capture",
            "detect",
            "error_text",
            "expression",
            "frame",
            "model",
            "panics",
            "percentiles",
            "time",
        ],
    ),
    (
        "record",
        &[
            "bounding_box",
            "capture",
            "detect",
            "error_text",
            "expression",
            "file_identity",
            "frame",
            "model",
            "overlay",
            "panics",
            "percentiles",
            "pipeline",
            "privacy",
            "result_file",
            "session",
            "time",
        ],
    ),
    (
        "session",
        &[
            "bounding_box",
            "detect",
            "error_text",
            "expression",
            "file_identity",
            "model",
            "pipeline",
            "result_file",
            "time",
        ],
    ),
    (
        "export",
        &[
            "detect",
            "expression",
            "file_identity",
            "palette",
            "pipeline",
            "result_file",
            "session",
            "stream",
            "time",
        ],
    ),
    (
        "reanalyze",
        &[
            "bounding_box",
            "capture",
            "detect",
            "error_text",
            "expression",
            "frame",
            "model",
            "pipeline",
            "session",
            "time",
        ],
    ),
    (
        "summarize",
        &[
            "expression",
            "export",
            "palette",
            "reanalyze",
            "session",
            "time",
        ],
    ),
    (
        "batch",
        &[
            "capture",
            "error_text",
            "export",
            "model",
            "pipeline",
            "record",
            "result_file",
            "session",
        ],
    ),
    (
        "stream",
        &[
            "bounding_box",
            "detect",
            "error_text",
            "expression",
            "frame",
            "model",
            "panics",
            "pipeline",
            "result_file",
        ],
    ),
];

/// The same for the trainer.
const TRAINER_ARROWS: &[(&str, &[&str])] = &[
    ("export", &[]),
    ("fer2013", &[]),
    ("random", &[]),
    ("table", &[]),
    ("augment", &["fer2013", "random"]),
    ("data", &["augment", "fer2013", "random"]),
    ("recipe", &["augment", "data", "fer2013"]),
    (
        "evaluate",
        &["augment", "data", "fer2013", "random", "table"],
    ),
    (
        "report",
        &["augment", "data", "evaluate", "fer2013", "recipe", "table"],
    ),
    (
        "train",
        &[
            "augment", "data", "evaluate", "fer2013", "random", "recipe", "report",
        ],
    ),
];

/// Libraries that only the listed parts may use, so that each library can be left out or replaced.
const OWNED: &[(&str, &[&str])] = &[
    ("eframe", &["src/ui/"]),
    ("egui", &["src/ui/", "src/overlay/"]),
    ("rfd", &["src/ui/"]),
    ("nokhwa", &["src/capture/webcam/"]),
    ("nokhwa_bindings_macos", &["src/capture/webcam/"]),
    ("fs4", &["src/session/"]),
    ("fluent_bundle", &["src/ui/words/"]),
    ("fluent_syntax", &["src/ui/words/"]),
    ("glob", &["src/batch/"]),
    ("jpeg_encoder", &["src/capture/jpeg/", "src/record/"]),
    ("openh264", &["src/capture/", "src/record/"]),
    ("re_mp4", &["src/record/"]),
    ("re_rav1d", &["src/capture/"]),
    ("parquet", &["src/export/"]),
    ("plotters", &["src/export/"]),
    ("shiguredo_mp4", &["src/record/"]),
    ("v4l", &["src/capture/"]),
    ("zune_jpeg", &["src/capture/"]),
    ("rustface", &["src/detect/"]),
    ("safetensors", &["src/detect/pose.rs", "src/model/"]),
    ("sys_locale", &["src/ui/words/"]),
    ("unic_langid", &["src/ui/words/"]),
    ("tract_onnx", &["src/model/onnx/"]),
    ("zip", &["src/model/"]),
    ("rosc", &["src/stream/"]),
    ("trash", &["src/ui/"]),
    ("tungstenite", &["src/stream/"]),
    ("x11rb", &["src/ui/"]),
];

struct SourceFile {
    /// From the repository's root, with `/`.
    path: String,
    text: String,
}

impl SourceFile {
    /// The text without comments and without the contents of string literals.
    fn code(&self) -> String {
        let mut code = String::new();
        for line in self.text.lines() {
            let mut in_string = false;
            let mut chars = line.chars().peekable();
            while let Some(char) = chars.next() {
                match char {
                    '\\' if in_string => drop(chars.next()),
                    // The character `'"'` is not the start of a string.
                    '"' if code.ends_with('\'') && chars.peek() == Some(&'\'') => {}
                    '"' => in_string = !in_string,
                    '/' if !in_string && chars.peek() == Some(&'/') => break,
                    _ if in_string => {}
                    _ => code.push(char),
                }
            }
            code.push('\n');
        }
        code
    }

    fn is_library(&self) -> bool {
        let path = self.path.strip_prefix("training/").unwrap_or(&self.path);
        path.starts_with("src/") && path != "src/main.rs" && !path.starts_with("src/cli/")
    }
}

fn sources(folders: &[&str]) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).unwrap();
                files.push(SourceFile {
                    path: relative.to_str().unwrap().replace('\\', "/"),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(files.len() > 3, "the folders hold the sources");
    files
}

fn everything() -> Vec<SourceFile> {
    sources(&["src", "training", "tests"])
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The names right after each `crate::`, also in groups: `crate::{a::B, c::{D, E}}` names a and c.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        if code[..at].ends_with(|char: char| is_word(char) || char == '$') {
            continue;
        }
        let rest = code[at + found.len()..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            used.insert(rest.chars().take_while(|char| is_word(*char)).collect());
            continue;
        };
        let mut depth = 0;
        let mut name = String::new();
        let mut names_module = true;
        for char in group.chars() {
            match char {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    used.insert(std::mem::take(&mut name));
                    names_module = true;
                }
                ':' if depth == 0 => names_module = false,
                _ if depth == 0 && names_module && is_word(char) => name.push(char),
                _ => {}
            }
        }
        used.insert(name);
    }
    used.remove("");
    used
}

/// Whether `code` names the library `name` in a path.
fn names_library(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = &code[..at];
        // `::egui::` is the library too, `a::egui::` is not.
        let start = before.strip_suffix("::").unwrap_or(before);
        let starts = !start.ends_with(|char: char| is_word(char) || char == ':');
        let rest = &code[at + name.len()..];
        starts && (rest.starts_with("::") || (before.ends_with("use ") && rest.starts_with(';')))
    })
}

#[test]
fn imports_are_recognized() {
    let code = "use crate::{\n    a::B,\n    c::{D, e::F},\n    g,\n};\nfn f() { crate::h::i(); $crate::j; }";
    let used: Vec<String> = used_modules(code).into_iter().collect();
    assert_eq!(used, ["a", "c", "g", "h"]);
    assert!(names_library("use egui::Color32;", "egui"));
    assert!(names_library("fn f(ui: &mut egui::Ui)", "egui"));
    assert!(!names_library("use egui_kittest::Harness;", "egui"));
    assert!(!names_library("self.egui()", "egui"));
    assert!(names_library("use ::egui::Color32;", "egui"));
    assert!(!names_library("use a::egui::Color32;", "egui"));
    let file = SourceFile {
        path: String::new(),
        text: "a('\"'); b(\"egui::Ui // no\"); // egui::Ui\nc".to_owned(),
    };
    assert_eq!(file.code(), "a(''); b(); \nc\n");
}

#[test]
fn every_file_opens_with_its_purpose() {
    for SourceFile { path, text } in everything() {
        assert!(text.starts_with("//! "), "{path} opens without `//! …`");
    }
}

#[test]
fn arrows_point_one_way() {
    check_arrows("src/", ARROWS, &["lib", "ui"]);
    check_arrows("training/src/", TRAINER_ARROWS, &["lib"]);
}

/// Every module in `folder` uses only those that `arrows` allows; `top` may use all.
fn check_arrows(folder: &str, arrows: &[(&str, &[&str])], top: &[&str]) {
    for file in sources(&[folder]).iter().filter(|file| file.is_library()) {
        let Some(module) = file
            .path
            .strip_prefix(folder)
            .and_then(|path| path.split(['/', '.']).next())
        else {
            continue;
        };
        let Some((_, allowed)) = arrows.iter().find(|(name, _)| *name == module) else {
            let is_top = top.contains(&module);
            assert!(is_top, "{}: add its module to the arrows", file.path);
            continue;
        };
        for used in used_modules(&file.code()) {
            assert!(
                used == module || allowed.contains(&used.as_str()),
                "{} uses crate::{used}, which the arrows do not allow {module}",
                file.path
            );
        }
    }
}

#[test]
fn each_library_is_used_by_its_owner_only() {
    let files = sources(&["src"]);
    for (library, owners) in OWNED {
        let is_owned = |file: &&SourceFile| owners.iter().any(|owner| file.path.starts_with(owner));
        for file in files.iter().filter(|file| !is_owned(file)) {
            assert!(
                !names_library(&file.code(), library),
                "{} uses {library}, which belongs to {}",
                file.path,
                owners.join(" and ")
            );
        }
        let is_used = |file: &&SourceFile| names_library(&file.code(), library);
        assert!(
            files.iter().any(|file| is_used(&file)),
            "nothing uses {library}"
        );
    }
}

/// [`fervis::error_text`] adds the causes; an error that quotes its own cause would repeat it.
#[test]
fn errors_leave_their_cause_to_source() {
    for SourceFile { path, text } in sources(&["src", "training/src"]) {
        for (at, _) in text.match_indices("#[error(") {
            let rest = &text[at..];
            let (words, variant) = rest.split_once(")]").unwrap_or((rest, ""));
            let field: String = variant.lines().take(2).collect();
            let is_source = field.contains("#[from]") || field.contains("#[source]");
            let quotes = words.contains("{source") || is_source && words.contains("{0");
            assert!(!quotes, "{path}: {words} quotes its cause");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Assembled here, so that this file does not contain them.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    for SourceFile { path, text } in everything() {
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{path} contains a {mark}");
        }
    }
}
