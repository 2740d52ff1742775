//! Every built-in recipe is read, and wrong ones are refused by file, line and key.

use fervis::model::three_block::ThreeBlockConfig;

use super::*;
use crate::{optimizer::AdamSettings, schedule::Plateau};

/// The built-in recipe of the reference network.
pub(crate) fn three_block() -> Recipe {
    Recipe::find("three-block").unwrap()
}

const TEXT: &str = include_str!("../../recipes/three-block.toml");

#[test]
fn the_reference_recipe_is_what_it_was() {
    let expected = Recipe {
        name: "three-block".to_owned(),
        published: None,
        seed: 2013,
        batch_size: 64,
        max_epochs: 60,
        first_weights: FirstWeights::Uniform,
        sampler: Sampler::Shuffled,
        rows: RowSettings::default(),
        network: Architecture::ThreeBlock(ThreeBlockConfig::default()),
        input: InputSettings::default(),
        augment: AugmentConfig::default(),
        loss: LossSettings::default(),
        auxiliary: None,
        distillation: None,
        optimizer: OptimizerSettings::Adamw(AdamSettings::new(1e-3, 1e-4)),
        groups: Vec::new(),
        schedule: Schedule::Plateau(Plateau {
            factor: 0.5,
            patience: 3,
        }),
        selection: Selection {
            metric: SelectionMetric::MacroF1,
            patience: 7,
        },
        ema: None,
        progressive_resizing: Vec::new(),
    };
    assert_eq!(three_block(), expected);
    assert_eq!(three_block().input_spec(), InputSpec::FER_2013);
}

#[test]
fn every_built_in_recipe_is_sound() {
    for (name, text) in super::file::EMBEDDED {
        let recipe = Recipe::find(name).unwrap();
        assert_eq!(recipe.name, *name);
        let network = recipe.network.name();
        let is_ours = name.starts_with("fervis") && network == "compact";
        assert!(is_ours || name.starts_with(network), "{name}");
        assert!(text.starts_with("# "), "{name} says where it is from");
    }
    assert!(Recipe::names().contains(&"three-block"));
}

#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    assert!(TEXT.contains(from), "{from}");
    let error = Recipe::parse(&TEXT.replace(from, to), "mine.toml").unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_name_file_line_and_key() {
    let line = |key: &str| {
        let at = TEXT.lines().position(|line| line.starts_with(key));
        at.unwrap() + 1
    };
    check(
        "learning_rate = 1e-3",
        "learning_rate = -1.0",
        &format!(
            "mine.toml, line {}: optimizer.adamw.learning_rate: is -1, but must be above 0 and at most 10",
            line("learning_rate")
        ),
    );
    check(
        "batch_size = 64",
        "batch_size = \"many\"",
        &format!(
            "mine.toml, line {}: batch_size: invalid type: string \"many\", expected usize",
            line("batch_size")
        ),
    );
    check(
        "hidden = 512",
        "hiden = 512",
        &format!(
            "mine.toml, line {}: network.hyperparameters.hiden: unknown field `hiden`, expected one of `channels`, \
             `hidden`, `dropout2d`, `dropout`",
            line("hidden")
        ),
    );
    check(
        "flip_probability = 0.5",
        "flip_probability = 1.5",
        &format!(
            "mine.toml, line {}: augment.flip_probability: is 1.5, but must be between 0 and 1",
            line("flip_probability")
        ),
    );
    check(
        "[selection]",
        "[[groups]]\nprefixes = [\"fc1.\"]\n[[groups]]\nprefixes = []\n[selection]",
        &format!(
            "mine.toml, line {}: groups[1].prefixes: is 0, but must be at least 1",
            line("[selection]") + 3
        ),
    );
    check(
        "[selection]",
        "[[progressive_resizing]]\nside_px = 32\nuntil = 0.5\n[selection]",
        &format!(
            "mine.toml, line {}: progressive_resizing[0].side_px: is 32, but the weights of three-block depend on the \
             size of the input",
            line("[selection]") + 1
        ),
    );
}

/// The parts that the reference recipe leaves out.
#[test]
fn errors_in_rows_cameras_and_teachers_are_named_too() {
    for (added, key, problem) in [
        (
            "[rows]\nmin_votes = 11",
            "rows.min_votes",
            "is 11, but must be at most 10",
        ),
        (
            "[rows]\nclaen = true",
            "rows.claen",
            "unknown field `claen`",
        ),
        (
            "[auxiliary]\nweight = 0.0",
            "auxiliary.weight",
            "is 0, but must be above 0",
        ),
        (
            "[distillation]\nshare = 0.5\ntemperature = 0.5",
            "distillation.temperature",
            "is 0.5, but must be between 1 and 100",
        ),
        (
            "[distillation]\nshare = 0.5\ntemperature = 1.0\nweights = [0.7, -0.3]",
            "distillation.weights",
            "is -0.3, but must be above 0",
        ),
        (
            "[augment.camera.resolution]\nmin_scale = 0.0",
            "augment.camera.resolution.min_scale",
            "is 0, but must be between 0.05 and 1",
        ),
        (
            "[augment.camera.light]\nmax_gain = 0.5",
            "augment.camera.light.max_gain",
            "is 0.5, but must be between 1 and 10",
        ),
        (
            "[augment.tilt]\nmax_deg = 200.0",
            "augment.tilt.max_deg",
            "is 200, but must be between 0 and 180",
        ),
        (
            "[augment.occlusion]\nprobability = 1.5",
            "augment.occlusion.probability",
            "is 1.5, but must be between 0 and 1",
        ),
        (
            "[augment.camera.jpeg]\nmin_quality = 0",
            "augment.camera.jpeg.min_quality",
            "is 0, but must be between 1 and 100",
        ),
        (
            "[augment.camera.blur]\nmax_sigma_px = 0.1",
            "augment.camera.blur.max_sigma_px",
            "must be between 0.3 and 10",
        ),
        (
            "[augment.box_noise]\nmax_shift = 1.5",
            "augment.box_noise.max_shift",
            "is 1.5, but must be between 0 and 1",
        ),
    ] {
        let text = format!("{TEXT}\n{added}\n");
        let error = Recipe::parse(&text, "mine.toml").unwrap_err().to_string();
        let last = text.trim_end().lines().count();
        let at = added
            .lines()
            .skip(1)
            .position(|line| key.ends_with(line.split(' ').next().unwrap()));
        let line = last - added.lines().skip(1).count() + 1 + at.unwrap();
        let start = format!("mine.toml, line {line}: {key}: ");
        assert!(error.starts_with(&start), "{error}\ninstead of {start}");
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn recipes_that_need_votes_say_so() {
    let needs = |name: &str| Recipe::find(name).unwrap().needs_votes();
    assert!(needs("fervis-plus") && needs("fervis") && !needs("fervis-small"));
    let mut recipe = three_block();
    assert!(!recipe.needs_votes());
    recipe.selection.metric = SelectionMetric::FerplusAgreement;
    assert!(recipe.needs_votes());
}

#[test]
fn a_recipe_is_found_by_its_network_too() {
    for (network, recipe) in [
        ("resnet18", "resnet18-finetune"),
        ("vgg19", "vgg19-transfer"),
        ("vgg16", "vgg16"),
    ] {
        assert_eq!(Recipe::find(network).unwrap().name, recipe);
    }
}

#[test]
fn an_unknown_name_says_what_there_is() {
    let error = Recipe::find("four-block").unwrap_err().to_string();
    assert!(error.contains("there is no recipe “four-block”"), "{error}");
    assert!(error.contains("three-block"), "{error}");
    let error = Recipe::find("no/such/file.toml").unwrap_err().to_string();
    assert!(error.starts_with("no/such/file.toml could not be read"));
}

#[test]
fn a_file_of_ones_own_is_found_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, TEXT.replace("batch_size = 64", "batch_size = 32")).unwrap();
    let recipe = Recipe::find(path.to_str().unwrap()).unwrap();
    assert_eq!(recipe.batch_size, 32);
}

/// A run keeps its recipe as JSON.
#[test]
fn a_recipe_survives_json() {
    let json = serde_json::to_string(&three_block()).unwrap();
    assert_eq!(
        serde_json::from_str::<Recipe>(&json).unwrap(),
        three_block()
    );
}
