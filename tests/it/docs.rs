//! The manual against the programs: links lead somewhere, commands and options exist, and no option is left out.
//!
//! What an option is comes from the programs' own `--help`. `fervis-train` belongs to another package, so it is
//! asked only where it was built beside `fervis`, as in a test of the whole workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Options of other programs (cargo, git, the tests' own scripts) that the documents name alone or in commands.
const FOREIGN_OPTIONS: [&str; 3] = ["--bench", "--features", "--no-default-features"];

/// The folders whose documents are checked. `training` and `models` have pages that the manual leads to.
const FOLDERS: [&str; 5] = ["", "docs", "models", "training", "assets"];

struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// The text outside fenced blocks, and the lines inside them with continued lines joined.
    fn parts(&self) -> (String, Vec<String>) {
        let (mut prose, mut code) = (String::new(), Vec::new());
        let mut in_code = false;
        let mut continued = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if !in_code {
                prose.push_str(line);
                prose.push('\n');
            } else if let Some(start) = line.strip_suffix('\\') {
                continued.push_str(start);
            } else {
                code.push(std::mem::take(&mut continued) + line);
            }
        }
        (prose, code)
    }

    /// The anchors of its headings, as forges make them.
    fn anchors(&self) -> BTreeSet<String> {
        let (prose, _) = self.parts();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        headings
            .map(|line| anchor(line.trim_start_matches('#')))
            .collect()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|char| match char {
        ' ' => Some('-'),
        '-' | '_' => Some(char),
        _ if char.is_alphanumeric() => Some(char),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                pages.push(Page { path, text });
            }
        }
    }
    assert!(pages.len() > 12, "the manual is there");
    pages
}

/// What stands between each `start` and the next `end`.
fn between<'a>(text: &'a str, start: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    text.split(start)
        .skip(1)
        .filter_map(move |rest| rest.split_once(end).map(|(inside, _)| inside))
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let (prose, _) = page.parts();
        let folder = page.path.parent().unwrap();
        for link in between(&prose, "](", ')') {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = match link.split_once('#') {
                Some((file, heading)) => (file, Some(heading)),
                None => (link, None),
            };
            let target = if file.is_empty() {
                page.path.clone()
            } else {
                folder.join(file)
            };
            let page = page.path.display();
            assert!(target.exists(), "{page}: {link} leads nowhere");
            if let Some(heading) = heading {
                let text = fs::read_to_string(&target).unwrap();
                let anchors = Page { path: target, text }.anchors();
                assert!(anchors.contains(heading), "{page}: {link}: no such heading");
            }
        }
    }
}

/// The options of each command of a program, by the command's name; the program's own have the name "".
type Options = BTreeMap<String, BTreeSet<String>>;

fn options_of(program: &Path) -> Options {
    let help = help(program, &[]);
    let commands = help.split_once("\nCommands:\n").map(|(_, rest)| rest);
    let lines = commands.unwrap_or_default().lines();
    let names = lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next());
    let mut options: Options = names
        .filter(|name| *name != "help")
        .map(|name| (name.to_owned(), options_in(&self::help(program, &[name]))))
        .collect();
    assert!(options.len() > 4, "{help}");
    options.insert(String::new(), options_in(&help));
    options
}

fn help(program: &Path, command: &[&str]) -> String {
    let output = Command::new(program)
        .args(command)
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Lines that define an option begin with it, after `-h, ` at the most.
fn options_in(help: &str) -> BTreeSet<String> {
    let definitions = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let short = line.starts_with('-') && line.get(2..4) == Some(", ");
        let line = if short { &line[4..] } else { line };
        line.starts_with("--").then(|| name_of_option(line))
    });
    definitions.map(str::to_owned).collect()
}

/// `--json` of `--json <FILE>`, `--json=-` or `--json,`.
fn name_of_option(text: &str) -> &str {
    let end = text
        .find(|char: char| !(char.is_ascii_alphanumeric() || char == '-'))
        .unwrap_or(text.len());
    &text[..end]
}

/// The words of each call of `program` in a line of shell, without the program's name.
fn calls<'a>(line: &'a str, program: &str) -> Vec<Vec<&'a str>> {
    // `cargo run … -p fervis-train -- train` and `target/release/fervis analyze` are calls too.
    let mut calls = Vec::new();
    let line = line.split(" #").next().unwrap_or(line);
    for command in line.split(['|', ';', '&']) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let is_call = |word: &&str| word.rsplit('/').next() == Some(program);
        if words.first() == Some(&"cargo") {
            let package = words
                .windows(2)
                .find(|pair| pair[0] == "-p")
                .map(|pair| pair[1]);
            let is_run = words.get(1) == Some(&"run") && !words.contains(&"--example");
            if is_run && package.unwrap_or("fervis") == program {
                let mut rest = words.into_iter().skip_while(|word| *word != "--");
                rest.next();
                calls.push(rest.collect());
            }
        } else if words.first().is_some_and(is_call) {
            calls.push(words[1..].to_vec());
        }
    }
    calls
}

/// The program, its options, or why it is not asked.
fn programs() -> Vec<(&'static str, Options)> {
    let fervis = Path::new(env!("CARGO_BIN_EXE_fervis"));
    let mut programs = vec![("fervis", options_of(fervis))];
    let name = format!("fervis-train{}", std::env::consts::EXE_SUFFIX);
    let trainer = fervis.with_file_name(name);
    if trainer.is_file() {
        programs.push(("fervis-train", options_of(&trainer)));
    } else {
        println!("skipped: {} was not built", trainer.display());
    }
    programs
}

#[test]
fn commands_and_options_exist() {
    let programs = programs();
    let knows_all = programs.len() > 1;
    let is_known = |option: &str| {
        let mut all = programs.iter().flat_map(|(_, options)| options.values());
        all.any(|options| options.contains(option)) || FOREIGN_OPTIONS.contains(&option)
    };
    let mut n_calls = 0;
    for page in pages() {
        // What changed once need not exist today.
        if page.path.ends_with("CHANGELOG.md") {
            continue;
        }
        let (prose, code) = page.parts();
        let spans: Vec<&str> = prose.split('`').skip(1).step_by(2).collect();
        let lines = code.iter().map(String::as_str).chain(spans.iter().copied());
        let path = page.path.display();
        for line in lines {
            for (program, options) in &programs {
                for words in calls(line, program) {
                    n_calls += 1;
                    let command = words.first().filter(|word| !word.starts_with('-'));
                    let command = command.copied().unwrap_or_default();
                    // `fervis COMMAND --help` stands for all of them.
                    let is_placeholder = command.chars().all(|char| !char.is_lowercase());
                    let command = if is_placeholder { "" } else { command };
                    let known = options.get(command);
                    let known =
                        known.unwrap_or_else(|| panic!("{path}: `{line}`: no such command"));
                    for option in words.iter().filter(|word| word.starts_with("--")) {
                        let option = name_of_option(option);
                        assert!(known.contains(option), "{path}: `{line}` has no {option}");
                    }
                }
            }
        }
        if knows_all {
            for span in spans.iter().filter(|span| span.starts_with("--")) {
                let option = name_of_option(span);
                // Of `-- --seconds 600`, arguments of a bench.
                if option == "--" {
                    continue;
                }
                assert!(is_known(option), "{path}: `{span}`: no program has it");
            }
        }
    }
    assert!(n_calls > 30, "the manual has commands");
}

#[test]
fn the_manual_names_every_option() {
    let fervis = options_of(Path::new(env!("CARGO_BIN_EXE_fervis")));
    let manual: String = pages()
        .into_iter()
        .filter(|page| {
            page.path
                .parent()
                .is_some_and(|folder| folder.ends_with("docs"))
        })
        .map(|page| page.text)
        .collect();
    let named: BTreeSet<&str> = manual
        .match_indices("--")
        .map(|(at, _)| name_of_option(&manual[at..]))
        .collect();
    for (command, options) in &fervis {
        for option in options {
            assert!(
                named.contains(option.as_str()),
                "docs/ never name {option} of {command}"
            );
        }
        assert!(
            manual.contains(&format!("fervis {command}")),
            "docs/ never name {command}"
        );
    }
}

#[test]
fn pages_are_read_right() {
    assert_eq!(
        anchor(" Video codecs and patents"),
        "video-codecs-and-patents"
    );
    assert_eq!(
        anchor("When it ends, and when it crashes"),
        "when-it-ends-and-when-it-crashes"
    );
    assert_eq!(
        calls(
            "cargo run --release -p fervis-train -- train --data a",
            "fervis-train"
        ),
        [["train", "--data", "a"]]
    );
    assert_eq!(calls("cargo run --release", "fervis"), [[""; 0]]);
    assert!(calls("cargo bench --bench fervis", "fervis").is_empty());
    assert_eq!(
        calls("cat a | target/release/fervis analyze - # now", "fervis"),
        [["analyze", "-"]]
    );
    assert_eq!(name_of_option("--json <FILE>"), "--json");
    let help = "Options:\n      --json <FILE>\n          Write …\n  -h, --help  Print help\n";
    assert_eq!(
        options_in(help),
        ["--help", "--json"].map(str::to_owned).into()
    );
}
