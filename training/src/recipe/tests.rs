//! Every built-in recipe is valid, and wrong ones are refused by file, line and key.

use fervis::model::{
    net::{Architecture, ThreeBlockConfig},
    preprocess::InputSpec,
};

use super::{
    loss::LossSettings,
    optimizer::{AdamSettings, OptimizerSettings},
    schedule::{Plateau, RateSchedule},
    *,
};
use crate::{
    augment::AugmentConfig,
    data::{rows::RowSettings, sampler::Sampler},
};

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
        schedule: RateSchedule::Plateau(Plateau {
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
            "mine.toml, line {}: groups[1].prefixes: is a list of 0, but must be a list of at least one",
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

/// The parts that the reference recipe lacks.
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

/// Every number that a recipe can have, each on its own line.
const ALL_NUMBERS: &str = r#"name = "all"
seed = 1
batch_size = 8
max_epochs = 3
[network]
architecture = "compact"
[network.hyperparameters]
channels = [8, 8]
convolutions = [1, 1]
hidden = [8]
squeeze = 4
dropout = 0.1
stage_dropout = 0.1
[input]
side_px = 48
mean = 0.5
std = 0.5
[rows]
min_votes = 1
[augment]
flip_probability = 0.5
max_rotation_deg = 10.0
min_area = 0.9
max_area = 1.1
max_aspect_ratio = 1.1
max_shift = 0.1
max_contrast = 0.1
max_brightness = 0.1
max_gain = 0.1
crop_padding_px = 4
equalize_probability = 0.1
mixup_alpha = 0.1
[augment.erase]
probability = 0.1
min_area = 0.1
max_area = 0.2
max_aspect_ratio = 2.0
[augment.cutout]
probability = 0.1
side = 0.1
[augment.box_noise]
probability = 0.1
max_shift = 0.1
max_scale = 0.1
[augment.camera.light]
probability = 0.1
max_gamma = 2.0
min_gain = 0.5
[augment.camera.blur]
probability = 0.1
max_sigma_px = 1.0
[augment.camera.noise]
probability = 0.1
max_deviation = 0.1
[augment.camera.jpeg]
probability = 0.1
min_quality = 30
max_quality = 90
[loss]
focal_gamma = 2.0
label_smoothing = 0.1
votes_share = 0.1
class_weights = { given = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] }
[auxiliary]
weight = 0.5
[distillation]
share = 0.5
temperature = 2.0
[optimizer.adamw]
learning_rate = 1e-3
beta1 = 0.9
beta2 = 0.99
epsilon = 1e-8
weight_decay = 1e-4
[[groups]]
prefixes = ["fc"]
learning_rate_factor = 0.1
weight_decay = 0.0
frozen_epochs = 1
[schedule.one-cycle]
rise = 0.3
initial_divisor = 25.0
final_divisor = 1e4
[selection]
metric = "macro-f1"
patience = 7
[ema]
decay = 0.99
"#;

/// Non-numbers, negative numbers and absurd sizes are refused by line and key, for every key.
#[test]
fn impossible_numbers_are_refused() {
    Recipe::parse(ALL_NUMBERS, "all.toml").unwrap();
    let schedules = [
        "[schedule.plateau]\nfactor = 0.5\npatience = 3",
        "[schedule.step]\nfactor = 0.5\nevery_epochs = 3",
        "[schedule.cosine]\nwarmup = 0.1\nfinal_factor = 0.1",
    ];
    let one_cycle = "[schedule.one-cycle]\nrise = 0.3\ninitial_divisor = 25.0\nfinal_divisor = 1e4";
    let texts = schedules
        .iter()
        .map(|other| ALL_NUMBERS.replace(one_cycle, other));
    let sgd = ALL_NUMBERS.replace(
        "[optimizer.adamw]\nlearning_rate = 1e-3\nbeta1 = 0.9\nbeta2 = 0.99\nepsilon = 1e-8\n",
        "[optimizer.sgd]\nlearning_rate = 1e-3\nmomentum = 0.9\n",
    );
    assert_ne!(sgd, ALL_NUMBERS);
    let mut n_refused = 0;
    for text in texts.chain([ALL_NUMBERS.to_owned(), sgd]) {
        Recipe::parse(&text, "all.toml").unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some((key, value)) = line.split_once(" = ") else {
                continue;
            };
            if !value.contains(|c: char| c.is_ascii_digit()) {
                continue;
            }
            let is_whole = !value.contains(['.', 'e']);
            let bad: &[&str] = if is_whole {
                &[
                    "-1",
                    "0.5",
                    "nan",
                    "9223372036854775807",
                    "100000000",
                    "99999999999999999999",
                ]
            } else {
                &["nan", "inf", "-inf", "-1.0", "1e30", "-1e300"]
            };
            for bad in bad {
                // A mean may be negative; a seed and a number of epochs to wait may be any whole number.
                let may_be = match key {
                    "mean" => *bad == "-1.0",
                    "seed" | "frozen_epochs" => bad.parse::<i64>().is_ok_and(|n| n > 0),
                    "patience" => {
                        lines[index - 1].starts_with("factor")
                            && bad.parse::<i64>().is_ok_and(|n| n > 0)
                    }
                    _ => false,
                };
                // Of a list, the first number.
                let replaced = match value.find('[') {
                    Some(open) => {
                        let end = open + value[open..].find([',', ']']).unwrap();
                        format!("{}{bad}{}", &value[..=open], &value[end..])
                    }
                    None => (*bad).to_owned(),
                };
                let mut lines = lines.clone();
                let line = format!("{key} = {replaced}");
                lines[index] = &line;
                let Err(error) = Recipe::parse(&lines.join("\n"), "all.toml") else {
                    assert!(may_be, "{line}");
                    continue;
                };
                let error = error.to_string();
                let start = format!("all.toml, line {}: ", index + 1);
                assert!(error.starts_with(&start), "{line}: {error}");
                assert!(error.contains(key), "{line}: {error}");
                assert!(!error.contains('\n'), "{error}");
                n_refused += 1;
            }
        }
    }
    assert!(n_refused > 1000, "{n_refused}");
}

/// Sizes that are each within range, but too much together.
#[test]
fn sizes_beyond_any_memory_are_refused() {
    let with = |changes: &[(&str, &str)]| {
        let mut text = TEXT.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        Recipe::parse(&text, "mine.toml").unwrap_err().to_string()
    };
    let error = with(&[
        ("channels = [64, 128, 256]", "channels = [64, 128, 4096]"),
        ("hidden = 512", "hidden = 16384"),
    ]);
    assert!(error.contains("ask for 2420 million weights"), "{error}");
    let error = with(&[
        ("channels = [64, 128, 256]", "channels = [4096, 128, 256]"),
        ("batch_size = 64", "batch_size = 4096"),
    ]);
    assert!(
        error.contains("line 6: batch_size: is 4096, but 48×48"),
        "{error}"
    );
    let error = with(&[("name = \"three-block\"", "name = \"..\"")]);
    assert!(error.contains("name: is “..”"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_device_is_not_a_recipe() {
    let error = fervis::error_text::error_text(&Recipe::find("/dev/zero").unwrap_err());
    assert!(error.contains("it is a device"), "{error}");
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
fn an_unknown_name_lists_the_recipes() {
    let error = Recipe::find("four-block").unwrap_err().to_string();
    assert!(error.contains("there is no recipe “four-block”"), "{error}");
    assert!(error.contains("three-block"), "{error}");
    let error = Recipe::find("no/such/file.toml").unwrap_err().to_string();
    assert!(error.starts_with("no/such/file.toml could not be read"));
}

#[test]
fn a_file_is_found_by_its_path() {
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
