//! What people save around the weights. A small pickler makes the files here, in PyTorch's older format.

use super::*;
use crate::expression::Expression::{Angry, Disgust, Fear, Happy, Neutral, Sad, Surprise};

/// A value that is saved.
#[derive(Clone)]
enum Saved {
    Dict(Vec<(&'static str, Saved)>),
    /// A dictionary whose keys are numbers.
    Numbered(Vec<Saved>),
    List(Vec<Saved>),
    Text(&'static str),
    Int(u8),
    Float(f64),
    /// In f32, by its name in a state dictionary or as the value of a key.
    Tensor(Vec<usize>, Vec<f32>),
    /// `(prefix, scale)`: the state dictionary of the small network, its values multiplied by `scale`.
    Weights(&'static str, f32),
    /// An object of a class, with these fields.
    Object(&'static str, Vec<(&'static str, Saved)>),
}
use Saved::{Dict, Float, Int, List, Numbered, Object, Text, Weights};

/// The start of a file in the older format: a mark, the version of the protocol (1001), and the byte order.
const HEADER: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";

/// Writes one file.
#[derive(Default)]
struct Pickler {
    pickle: Vec<u8>,
    storages: Vec<Vec<f32>>,
}

impl Pickler {
    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend((text.len() as u32).to_le_bytes());
        self.pickle.extend(text.as_bytes());
    }

    fn int(&mut self, value: usize) {
        self.pickle.push(b'J');
        self.pickle.extend((value as i32).to_le_bytes());
    }

    fn tuple(&mut self, values: &[usize]) {
        self.pickle.push(b'(');
        values.iter().for_each(|value| self.int(*value));
        self.pickle.push(b't');
    }

    fn tensor(&mut self, shape: &[usize], values: &[f32]) {
        self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.pickle.extend(b"ctorch\nFloatStorage\n");
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int(values.len());
        self.pickle.extend(b"NtQ");
        self.int(0);
        self.tuple(shape);
        let strides: Vec<usize> = (0..shape.len())
            .map(|axis| shape[axis + 1..].iter().product())
            .collect();
        self.tuple(&strides);
        self.pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(values.to_vec());
    }

    fn fields(&mut self, fields: &[(&'static str, Saved)]) {
        self.pickle.extend(b"}(");
        for (key, value) in fields {
            self.text(key);
            self.save(value);
        }
        self.pickle.push(b'u');
    }

    fn save(&mut self, saved: &Saved) {
        match saved {
            Dict(entries) => self.fields(entries),
            Numbered(values) => {
                self.pickle.extend(b"}(");
                for (number, value) in values.iter().enumerate() {
                    self.int(number);
                    self.save(value);
                }
                self.pickle.push(b'u');
            }
            List(items) => {
                self.pickle.extend(b"](");
                items.iter().for_each(|item| self.save(item));
                self.pickle.push(b'e');
            }
            Text(text) => self.text(text),
            Int(value) => self.int((*value).into()),
            Float(value) => {
                self.pickle.push(b'G');
                self.pickle.extend(value.to_be_bytes());
            }
            Saved::Tensor(shape, values) => self.tensor(shape, values),
            Weights(prefix, scale) => {
                self.pickle.extend(b"ccollections\nOrderedDict\n)R(");
                for (name, tensor) in weights_of_network(prefix, *scale) {
                    self.text(name);
                    self.save(&tensor);
                }
                self.pickle.push(b'u');
            }
            Object(class, fields) => {
                let (module, name) = class.rsplit_once('.').unwrap();
                self.pickle
                    .extend(format!("c{module}\n{name}\n)R").as_bytes());
                self.fields(fields);
                self.pickle.push(b'b');
            }
        }
    }
}

/// What `torch.save(…, _use_new_zipfile_serialization=False)` writes.
fn file(saved: &Saved) -> Vec<u8> {
    let mut pickler = Pickler::default();
    pickler.save(saved);
    let mut bytes = HEADER.to_vec();
    bytes.extend(b"\x80\x02");
    bytes.extend(&pickler.pickle);
    bytes.push(b'.');
    let mut keys = Pickler::default();
    keys.pickle.extend(b"](");
    for key in 0..pickler.storages.len() {
        keys.text(&key.to_string());
    }
    bytes.extend(b"\x80\x02");
    bytes.extend(&keys.pickle);
    bytes.extend(b"e.");
    for storage in &pickler.storages {
        bytes.extend((storage.len() as u64).to_le_bytes());
        bytes.extend(storage.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

/// A small three-block network, and its input.
fn small() -> (Architecture, InputSpec) {
    let network = Architecture::ThreeBlock(ThreeBlockConfig {
        channels: [2, 3, 2],
        hidden: 4,
        ..ThreeBlockConfig::default()
    });
    let input = InputSpec {
        width: 8,
        height: 8,
        ..InputSpec::FER_2013
    };
    (network, input)
}

/// The weights of the small network, with a prefix before each name and all values multiplied by `scale`.
fn weights_of_network(prefix: &str, scale: f32) -> Vec<(&'static str, Saved)> {
    let (network, input) = small();
    let shapes = network.weight_shapes(&input, N_EXPRESSIONS).into_iter();
    let entry = |(name, shape): (String, Vec<usize>)| {
        let n_values = shape.iter().product::<usize>();
        let values = (0..n_values).map(|i| scale * (i as f32 + name.len() as f32) / 64.0);
        let values = values.collect();
        let name: &'static str = Box::leak(format!("{prefix}{name}").into_boxed_str());
        (name, Saved::Tensor(shape, values))
    };
    shapes.map(entry).collect()
}

fn weights_of(import: &Import) -> Vec<(String, Vec<f32>)> {
    let mut weights: Vec<_> = import
        .checkpoint
        .weights
        .iter()
        .map(|(name, tensor)| {
            let flat = tensor.flatten_all().unwrap().to_vec1().unwrap();
            (name.clone(), flat)
        })
        .collect();
    weights.sort_by(|(a, _), (b, _)| a.cmp(b));
    weights
}

fn scalar(value: f32) -> Saved {
    Saved::Tensor(vec![], vec![value])
}

fn vector(n: usize) -> Saved {
    Saved::Tensor(vec![n], vec![0.5; n])
}

/// The optimizer's state, whose averages have the weights' shapes.
fn adam() -> Saved {
    let moments = Dict(vec![
        ("step", scalar(9.0)),
        ("exp_avg", vector(2)),
        ("exp_avg_sq", vector(2)),
    ]);
    let groups = List(vec![Dict(vec![("lr", Float(1e-3))])]);
    let state = Numbered(vec![moments.clone(), moments]);
    Dict(vec![("state", state), ("param_groups", groups)])
}

/// A state dictionary with other entries before the weights.
fn weights_and(prefix: &str, others: Vec<(&'static str, Saved)>) -> Saved {
    Dict([others, weights_of_network(prefix, 1.0)].concat())
}

/// Two copies of the network in one state dictionary, the second with half the values.
fn two_copies(first: &str, second: &str) -> Saved {
    Dict(
        [
            weights_of_network(first, 1.0),
            weights_of_network(second, 0.5),
        ]
        .concat(),
    )
}

#[test]
fn the_weights_are_found_among_other_things() {
    let plain = weights_of(&import_plainly(&file(&Weights("", 1.0))).unwrap());
    assert_eq!(plain.len(), weights_of_network("", 1.0).len());
    let cases: Vec<(&str, Saved)> = vec![
        // The checkpoint of PyTorch's ImageNet example, the most common.
        (
            "state_dict",
            Dict(vec![
                ("epoch", Int(90)),
                ("arch", Text("resnet18")),
                ("state_dict", Weights("module.", 1.0)),
                ("best_acc1", scalar(63.0)),
                ("optimizer", adam()),
                ("scheduler", Dict(vec![("last_epoch", Int(90))])),
            ]),
        ),
        (
            "net",
            Dict(vec![
                ("net", Weights("", 1.0)),
                ("best_PublicTest_acc", scalar(63.0)),
                ("best_PrivateTest_acc", scalar(64.0)),
            ]),
        ),
        (
            "weights of classes, mean and deviation",
            Dict(vec![
                ("class_weights", vector(7)),
                ("mean", vector(1)),
                ("std", vector(1)),
                ("mean_image", Saved::Tensor(vec![8, 8], vec![0.5; 64])),
                ("model", Weights("_orig_mod.module.", 1.0)),
            ]),
        ),
        (
            "the same among the weights",
            weights_and(
                "",
                vec![
                    ("class_weights", vector(7)),
                    ("normalize.mean", Saved::Tensor(vec![1, 1, 1], vec![0.5])),
                    ("normalize.std", Saved::Tensor(vec![1, 1, 1], vec![0.5])),
                    ("criterion.weight", vector(7)),
                ],
            ),
        ),
        (
            "Lightning",
            Dict(vec![
                (
                    "state_dict",
                    weights_and("model.", vec![("loss_fn.weight", vector(7))]),
                ),
                ("hyper_parameters", Dict(vec![("lr", Float(1e-3))])),
                ("optimizer_states", List(vec![adam()])),
                ("loops", Dict(vec![("state_dict", Dict(vec![]))])),
            ]),
        ),
        (
            "an optimizer under another name",
            Dict(vec![("adam", adam()), ("net_state", Weights("", 1.0))]),
        ),
        (
            "averages beside the weights",
            Dict(vec![
                ("ema", Weights("", 0.5)),
                ("model", Weights("", 1.0)),
                ("updates", Int(7)),
            ]),
        ),
        (
            "averages among the weights",
            two_copies("model_ema.module.", "x."),
        ),
        (
            "dictionaries in dictionaries",
            Dict(vec![(
                "checkpoint",
                Dict(vec![("nets", Dict(vec![("fer", Weights("net.", 1.0))]))]),
            )]),
        ),
        (
            "a list",
            List(vec![Int(3), Weights("", 1.0), adam(), scalar(0.5)]),
        ),
        (
            "an object",
            Object(
                "trainer.Trainer",
                vec![("epoch", Int(3)), ("best", Weights("", 1.0))],
            ),
        ),
        (
            "another network first",
            Dict(vec![
                (
                    "state_dict",
                    Dict(vec![(
                        "detector.weight",
                        Saved::Tensor(vec![2, 1, 5, 5], vec![1.0; 50]),
                    )]),
                ),
                ("emotions", Weights("", 1.0)),
            ]),
        ),
    ];
    for (what, saved) in cases {
        let import = import_plainly(&file(&saved));
        let import = import.unwrap_or_else(|error| panic!("{what}: {error}"));
        if what == "averages among the weights" {
            // The weights of `x` are half those of the average here.
            let half = weights_of(&import_plainly(&file(&Weights("", 0.5))).unwrap());
            assert_eq!(weights_of(&import), half, "{what}");
            assert_eq!(import.weights.copies, ["model_ema"]);
        } else {
            assert_eq!(weights_of(&import), plain, "{what}");
        }
        if what == "averages beside the weights" {
            let report = import.to_string();
            assert!(
                report.contains("the same layers are also under: ema"),
                "{report}"
            );
        }
        if what == "the same among the weights" {
            let report = import.to_string();
            assert!(
                report.contains("not weights, not used: class_weights, normalize.mean"),
                "{report}"
            );
        }
    }
}

/// One more layer makes another network, even if everything fits without it.
#[test]
fn layers_that_do_not_fit_are_never_ignored() {
    for (name, tensor) in [
        ("head.weight", Saved::Tensor(vec![7, 7], vec![0.5; 49])),
        ("act.weight", vector(1)),
        ("scale", vector(2)),
        ("block1.bn.mean_shift", vector(2)),
        ("stn.weight", Saved::Tensor(vec![2, 1, 5, 5], vec![1.0; 50])),
    ] {
        let error = import_plainly(&file(&weights_and("", vec![(name, tensor)])));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("not a network that fervis knows"), "{error}");
    }
    // The message is about the largest set, not about other tensors.
    let beside = Dict(vec![
        ("best_acc1", scalar(1.0)),
        (
            "state_dict",
            weights_and("", vec![("act.weight", vector(1))]),
        ),
    ]);
    let error = import_plainly(&file(&beside)).unwrap_err().to_string();
    assert!(error.contains("1 left over (act.weight)"), "{error}");
}

#[test]
fn the_file_states_the_order_of_the_outputs() {
    let names = [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ];
    let alphabetical = [Angry, Disgust, Fear, Happy, Neutral, Sad, Surprise];
    let numbers = (0..).zip(names).map(|(number, name)| (name, Int(number)));
    let class_to_idx = Dict(numbers.collect());
    let classes = List(names.map(Text).to_vec());
    let idx_to_class = Numbered(names.map(Text).to_vec());
    let cases = [
        ("class_to_idx", class_to_idx.clone()),
        ("classes", classes.clone()),
        ("idx_to_class", idx_to_class),
    ];
    for (key, value) in cases {
        let saved = Dict(vec![("model", Weights("", 1.0)), (key, value.clone())]);
        let nested = Dict(vec![
            ("model", Weights("", 1.0)),
            ("args", Object("argparse.Namespace", vec![(key, value)])),
        ]);
        for saved in [saved, nested] {
            let import = import_plainly(&file(&saved)).unwrap();
            let labels = &import.checkpoint.metadata.labels;
            assert_eq!(*labels, alphabetical.map(|e| e.name().to_owned()));
            let said = import.assumptions();
            assert!(said.contains(&format!("as its “{key}” says")), "{said}");
        }
    }
    // The user's choice takes precedence.
    let saved = Dict(vec![("m", Weights("", 1.0)), ("classes", classes)]);
    let options = ImportOptions {
        labels: Some(
            Expression::ALL
                .map(|label| label.name().to_owned())
                .to_vec(),
        ),
        ..ImportOptions::default()
    };
    let import = import(&file(&saved), "my.pth", &options).unwrap();
    assert_eq!(import.checkpoint.metadata.labels[4], "sad");
    // Other classes are reported, and FER-2013's order is assumed.
    let other = List(vec![Text("happy"), Text("contempt")]);
    let saved = Dict(vec![("m", Weights("", 1.0)), ("classes", other)]);
    let import = import_plainly(&file(&saved)).unwrap();
    assert_eq!(import.checkpoint.metadata.labels[4], "sad");
    let said = import.assumptions();
    assert!(
        said.contains("names other classes (happy, contempt)"),
        "{said}"
    );
}

/// Training starts from the set that fits, too.
#[test]
fn first_weights_are_found_beside_other_things() {
    let (network, input) = small();
    let saved = Dict(vec![
        ("best_acc1", scalar(1.0)),
        ("state_dict", Weights("module.", 1.0)),
    ]);
    let taken = read_pretrained(&file(&saved), "my.pth", &network, &input, 7).unwrap();
    assert_eq!(taken.weights.len(), weights_of_network("", 1.0).len());
}

/// Objects may share their fields, so a small file could ask for any amount of work.
#[test]
fn a_small_pickle_takes_little_work() {
    // A million objects with the same state of 10 fields.
    let mut pickle = b"\x80\x02](}(".to_vec();
    for number in 0..10 {
        pickle.extend([b'K', number, b'K', number]);
    }
    pickle.extend(b"uq\x00");
    for _ in 0..1_000_000 {
        pickle.extend(b"cm\nC\n)Rh\x00b");
    }
    pickle.extend(b"e.");
    let mut bytes = HEADER.to_vec();
    bytes.extend(pickle);
    bytes.extend(b"\x80\x02].");
    refused(&bytes, "it holds no weights");
}
