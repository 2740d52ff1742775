//! `docs/recipes.md` against the parser: every key is on the page, and every key on the page exists.

use std::{collections::BTreeSet, fs, path::Path};

use fervis::model::net::{Architecture, CompactConfig};
use fervis_train::recipe::Recipe;
use serde_json::Value;

/// A recipe with every optional table. It only has to be read, so its values mean nothing.
const RECIPE: &str = r#"
name = "page"
seed = 1
batch_size = 8
max_epochs = 3
OPTIMIZER
SCHEDULE
selection = { metric = "accuracy", patience = 1 }
network = { architecture = "resnet18", hyperparameters = { hidden = [8], dropout = 0.1 } }
loss = { class_weights = { given = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] } }
auxiliary = { weight = 0.5 }
distillation = { share = 0.5, temperature = 2.0, clean = true }
groups = [{ prefixes = ["fc"] }]
ema = { decay = 0.9 }
progressive_resizing = [{ side_px = 32, until = 0.5 }]
"#;

/// Collects the paths of all values, without the positions in lists.
fn collect(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        // The one key that is a choice of words or a table.
        Value::Object(fields) if !path.ends_with("class_weights") => {
            for (key, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(value, &format!("{path}{dot}{key}"), keys);
            }
        }
        Value::Array(items) if items.first().is_some_and(Value::is_object) => {
            collect(&items[0], path, keys);
        }
        _ => drop(keys.insert(path.to_owned())),
    }
}

/// The keys of the parser, with those of every optimizer, schedule and architecture.
fn parser_keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let optimizers = ["sgd", "adam", "adamw"];
    let schedules = [
        "plateau = { factor = 0.5, patience = 1 }",
        "step = { factor = 0.5, every_epochs = 1 }",
        "cosine = {}",
        "one-cycle = {}",
    ];
    for (number, schedule) in schedules.into_iter().enumerate() {
        let optimizer = optimizers[number % optimizers.len()];
        let optimizer = format!("optimizer = {{ {optimizer} = {{ learning_rate = 0.1 }} }}");
        let text = RECIPE
            .replace("OPTIMIZER", &optimizer)
            .replace("SCHEDULE", &format!("schedule = {{ {schedule} }}"));
        let recipe = Recipe::parse(&text, "page.toml").unwrap();
        collect(&serde_json::to_value(recipe).unwrap(), "", &mut keys);
    }
    let compact = Architecture::Compact(CompactConfig::default());
    for architecture in Architecture::usual().into_iter().chain([compact]) {
        let description = serde_json::to_value(architecture).unwrap();
        collect(&description, "network", &mut keys);
    }
    keys
}

/// What stands between backticks in a line.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The keys in the tables of the page, each below the tables that its heading names: `[optimizer.adam]`.
fn page_keys() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipes.md");
    let mut keys = BTreeSet::new();
    let mut tables: Vec<&str> = Vec::new();
    let page = fs::read_to_string(path).unwrap();
    for line in page.lines() {
        if line.starts_with('#') {
            let names = quoted(line).into_iter();
            tables = names
                .filter(|name| name.starts_with('['))
                .map(|name| name.trim_matches(['[', ']']))
                .collect();
        } else if let Some(cells) = line.strip_prefix("| `") {
            let key = cells.split('`').next().unwrap();
            match tables.as_slice() {
                [] => drop(keys.insert(key.to_owned())),
                tables => keys.extend(tables.iter().map(|table| format!("{table}.{key}"))),
            }
        }
    }
    keys
}

#[test]
fn the_page_has_every_key_of_the_parser_and_no_other() {
    let (parser, page) = (parser_keys(), page_keys());
    let missing: Vec<_> = parser.difference(&page).collect();
    let unknown: Vec<_> = page.difference(&parser).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    assert!(unknown.is_empty(), "not in the parser: {unknown:?}");
    assert!(parser.len() > 90, "{}", parser.len());
}
