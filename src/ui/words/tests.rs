//! What the compiler does not check: that every text that the window asks for exists, in every language.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Pattern, PatternElement},
    parser::parse,
};

use super::{Language, language, set_language, text};

/// Keys, each with the names of its arguments.
type Keys = BTreeMap<String, BTreeSet<String>>;

/// The keys of a language's file.
fn defined(language: Language) -> Keys {
    let name = language.code();
    let resource = parse(language.source()).unwrap_or_else(|(_, errors)| {
        panic!("{name}.ftl: {errors:?}");
    });
    let mut keys = Keys::new();
    for entry in resource.body {
        match entry {
            Entry::Message(message) => {
                let key = message.id.name;
                assert!(message.attributes.is_empty(), "{name}.ftl: {key}");
                let pattern = message.value.unwrap_or_else(|| panic!("{name}.ftl: {key}"));
                let mut args = BTreeSet::new();
                collect(&pattern, &mut args);
                let before = keys.insert(key.to_owned(), args);
                assert!(before.is_none(), "{name}.ftl has {key} twice");
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            Entry::Term(_) | Entry::Junk { .. } => panic!("{name}.ftl: {entry:?}"),
        }
    }
    keys
}

/// The arguments that a text shows or chooses by.
fn collect(pattern: &Pattern<&str>, args: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else {
            continue;
        };
        let inline = match expression {
            Expression::Inline(inline) => inline,
            Expression::Select { selector, variants } => {
                for variant in variants {
                    collect(&variant.value, args);
                }
                selector
            }
        };
        match inline {
            InlineExpression::VariableReference { id } => {
                args.insert(id.name.to_owned());
            }
            // `{ "{" }` is a brace that is shown.
            InlineExpression::StringLiteral { .. } => {}
            other => panic!("{other:?} is more than texts need"),
        }
    }
}

/// The sources of the window.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The keys that the window asks for.
fn used() -> Keys {
    let mut keys = Keys::new();
    for path in sources()
        .iter()
        .filter(|path| !path.ends_with("words/tests.rs"))
    {
        let source = fs::read_to_string(path).unwrap();
        let lines = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code: String = lines.map(|line| format!("{line}\n")).collect();
        for (at, found) in code.match_indices("text!(") {
            if code[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_') {
                continue;
            }
            let mut parts = parts(&code[at + found.len()..]).into_iter();
            let first = parts.next().unwrap_or_default();
            let key = first
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            let key = key.unwrap_or_else(|| panic!("{}: {first}", path.display()));
            let args: BTreeSet<String> = parts
                .map(|part| part.split('=').next().unwrap_or_default().trim().to_owned())
                .collect();
            let known = keys.entry(key.to_owned()).or_insert_with(|| args.clone());
            assert_eq!(*known, args, "{key} in {}", path.display());
        }
    }
    keys
}

/// The arguments of a call, from after its parenthesis to the one that closes it.
fn parts(code: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    let mut in_string = false;
    let mut chars = code.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' if in_string => {
                chars.next();
                continue;
            }
            '"' => in_string = !in_string,
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' if !in_string && depth == 0 => break,
            ')' | ']' | '}' if !in_string => depth -= 1,
            ',' if !in_string && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

#[test]
fn calls_are_taken_apart() {
    assert_eq!(
        parts("\n  \"a-b\",\n n = f(x, \")\"), m = [1, 2],\n) + c(d)"),
        ["\"a-b\"", "n = f(x, \")\")", "m = [1, 2]"]
    );
}

#[test]
fn every_text_is_used_and_every_used_text_exists() {
    let (used, defined) = (used(), defined(Language::English));
    let missing: Vec<_> = used
        .keys()
        .filter(|key| !defined.contains_key(*key))
        .collect();
    assert!(missing.is_empty(), "en.ftl lacks {missing:?}");
    let left: Vec<_> = defined
        .keys()
        .filter(|key| !used.contains_key(*key))
        .collect();
    assert!(left.is_empty(), "nothing in src/ui shows {left:?}");
    for (key, args) in &used {
        assert_eq!(&defined[key], args, "the arguments of {key}");
    }
}

#[test]
fn every_language_has_the_same_texts_with_the_same_arguments() {
    let english = defined(Language::English);
    for language in Language::ALL {
        let other = defined(language);
        let code = language.code();
        let keys = |keys: &Keys| keys.keys().cloned().collect::<BTreeSet<_>>();
        let (of_english, of_other) = (keys(&english), keys(&other));
        let missing: Vec<_> = of_english.difference(&of_other).collect();
        assert!(missing.is_empty(), "{code}.ftl lacks {missing:?}");
        let left: Vec<_> = of_other.difference(&of_english).collect();
        assert!(
            left.is_empty(),
            "{code}.ftl has {left:?}, which en.ftl lacks"
        );
        for (key, args) in &english {
            assert_eq!(&other[key], args, "the arguments of {key} in {code}.ftl");
        }
    }
}

/// Only Chinese needs a font of the system.
#[test]
fn the_built_in_font_has_every_character_but_the_chinese() {
    let ctx = egui::Context::default();
    let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
        let font = egui::FontId::proportional(14.0);
        for language in Language::ALL {
            let source = language.source();
            let lacks = |line: &&str| !ui.fonts_mut(|fonts| fonts.has_glyphs(&font, line));
            let lines: Vec<_> = source.lines().filter(lacks).collect();
            let is_chinese = language == Language::Chinese;
            assert_eq!(lines.is_empty(), !is_chinese, "{language:?}: {lines:?}");
        }
    });
    output.textures_delta.clear();
}

#[test]
fn texts_follow_the_language() {
    let texts = || (text!("label-happy"), text!("menu-file"));
    assert_eq!(language(), Language::English);
    assert_eq!(texts(), ("happy", "File"));
    set_language(Language::German);
    assert_eq!(texts(), ("Freude", "Datei"));
    set_language(Language::Chinese);
    assert_eq!(texts(), ("高兴", "文件"));
    assert_eq!(super::label("happy"), "高兴");
    assert_eq!(super::label("contempt"), "contempt", "of another network");
}

#[test]
fn what_no_language_has_shows_its_key() {
    set_language(Language::French);
    assert_eq!(super::plain("no such text"), "no such text");
}
