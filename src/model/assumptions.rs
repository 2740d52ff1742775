//! What a file of another program does not say: the meaning of the outputs, and how pixels become the input.
//!
//! People say it in a file beside the network (`net.onnx.json` beside `net.onnx`), on the command line, or in the window,
//! which writes that file. What nobody says is assumed, and every place that shows the network shows what.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{model::error::ModelError, read, result_file::replace};

/// A larger file holds no settings.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// As for checkpoints.
const MAX_SIDE_PX: usize = 1024;

/// Mean and deviation of ImageNet's colors, red, green, blue; torchvision's.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// See [`IMAGENET_MEAN`].
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// What somebody said about a file. What is `None` is left to the file, or assumed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The meaning of the outputs, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Order>,
    /// Width of the input, px.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Height of the input, px.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<usize>,
    /// What the channels of the input are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Subtracted from pixels between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<PerChannel>,
    /// Divides the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<PerChannel>,
    /// Side of the square that is cut out, over the longer side of the face's box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_scale: Option<f32>,
    /// How far below the box's center the square's is, in sides of the box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_shift: Option<f32>,
    /// What the outputs are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// Divides the logits before softmax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
}

// No value is NaN: JSON has none, and [`Settings::check`] looks at what comes from elsewhere.
impl Eq for Settings {}

/// One value for all channels, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerChannel {
    /// For all.
    One(f32),
    /// For red, green and blue.
    Three([f32; 3]),
}

impl PerChannel {
    /// The value of each channel.
    pub fn each(self) -> [f32; 3] {
        match self {
            Self::One(value) => [value; 3],
            Self::Three(values) => values,
        }
    }

    /// The mean over the channels, for a network that sees three equal ones.
    pub fn of_gray(self) -> f32 {
        self.each().iter().sum::<f32>() / 3.0
    }
}

/// What the channels of an input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Luma; if the network takes three channels, they are equal.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, as in OpenCV.
    Bgr,
}

/// What the outputs of a network are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// Values before softmax.
    Logits,
    /// Values after softmax.
    Probabilities,
}

/// The meaning of the outputs: a list of names, or the name of an order that many networks share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Order {
    /// An order that has a name.
    Known(KnownOrder),
    /// The name of each output.
    Names(Vec<String>),
}

/// An order that many networks share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownOrder {
    /// FER-2013's seven.
    Fer2013,
    /// Seven or eight, as torchvision's `ImageFolder` numbers folders.
    Alphabetical,
    /// FER+'s eight.
    Ferplus,
    /// AffectNet's eight, or the first seven of them.
    Affectnet,
}

impl KnownOrder {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Fer2013,
        Self::Alphabetical,
        Self::Ferplus,
        Self::Affectnet,
    ];

    /// Its name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fer2013 => "FER-2013",
            Self::Alphabetical => "alphabetical",
            Self::Ferplus => "FER+",
            Self::Affectnet => "AffectNet",
        }
    }

    /// The names of `n` outputs, if it has so many.
    pub fn names(self, n: usize) -> Option<Vec<String>> {
        let names: &[&str] = match (self, n) {
            (Self::Fer2013, 7) => &[
                "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
            ],
            (Self::Alphabetical, 7) => &[
                "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
            ],
            (Self::Alphabetical, 8) => &[
                "angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise",
            ],
            (Self::Ferplus, 8) => &[
                "neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt",
            ],
            (Self::Affectnet, 7) => &[
                "neutral", "happy", "sad", "surprise", "fear", "disgust", "angry",
            ],
            (Self::Affectnet, 8) => &[
                "neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt",
            ],
            _ => return None,
        };
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }
}

impl Order {
    /// The names of `n` outputs. The error is the end of a sentence.
    #[cfg(feature = "onnx")]
    pub(crate) fn names(&self, n: usize) -> Result<Vec<String>, String> {
        match self {
            Self::Known(known) => known.names(n).ok_or_else(|| {
                format!(
                    "it has {n} outputs, and the order “{}” has no {n} labels",
                    known.name()
                )
            }),
            Self::Names(names) if names.len() == n => Ok(names.clone()),
            Self::Names(names) => Err(format!(
                "it has {n} outputs, but {} labels are given ({})",
                names.len(),
                names.join(", ")
            )),
        }
    }
}

impl Settings {
    /// The file beside a network that holds its settings: `net.onnx.json`.
    pub fn file_of(network: &Path) -> PathBuf {
        let mut name = OsString::from(network.file_name().unwrap_or_default());
        name.push(".json");
        network.with_file_name(name)
    }

    /// Reads the settings beside a network; none if there is no such file.
    ///
    /// # Errors
    /// [`ModelError`], if the file is there and cannot be used.
    pub fn beside(network: &Path) -> Result<Self, ModelError> {
        let path = Self::file_of(network);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = read::text(&path, MAX_FILE_BYTES).map_err(|source| ModelError::Read {
            path: path.clone(),
            source,
        })?;
        let settings: Result<Self, String> = serde_json::from_str(&text)
            .map_err(|error| format!("{error}; docs/checkpoints.md lists its keys"));
        let checked = settings.and_then(|settings| settings.check().map(|()| settings));
        checked.map_err(|reason| ModelError::refused(&path.display().to_string(), reason))
    }

    /// Writes the settings beside a network.
    ///
    /// # Errors
    /// [`ModelError::Write`].
    pub fn write_beside(&self, network: &Path) -> Result<(), ModelError> {
        let path = Self::file_of(network);
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        replace(&path, text.as_bytes()).map_err(|source| ModelError::Write { path, source })
    }

    /// Settings from `KEY=VALUE` texts, as the command line has them.
    ///
    /// # Errors
    /// What is wrong, as a sentence without its period.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, String> {
        let mut object = Map::new();
        for text in texts.iter().map(AsRef::as_ref) {
            let (key, value) = text
                .split_once('=')
                .ok_or_else(|| format!("“{text}” is not KEY=VALUE, for example mean=0.5"))?;
            object.insert(key.trim().to_owned(), value_of(value.trim()));
        }
        let settings: Self =
            serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())?;
        settings.check()?;
        Ok(settings)
    }

    /// These settings, and those of `other` for what these leave open.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            labels: self.labels.or(other.labels),
            width: self.width.or(other.width),
            height: self.height.or(other.height),
            color: self.color.or(other.color),
            mean: self.mean.or(other.mean),
            std: self.std.or(other.std),
            crop_scale: self.crop_scale.or(other.crop_scale),
            crop_shift: self.crop_shift.or(other.crop_shift),
            outputs: self.outputs.or(other.outputs),
            temperature: self.temperature.or(other.temperature),
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses values that no network can have. The error is a sentence without its period.
    ///
    /// # Errors
    /// What is out of range.
    pub fn check(&self) -> Result<(), String> {
        for (key, side) in [("width", self.width), ("height", self.height)] {
            if side.is_some_and(|side| !(1..=MAX_SIDE_PX).contains(&side)) {
                return Err(format!("{key} must be between 1 and {MAX_SIDE_PX}"));
            }
        }
        let within =
            |value: Option<f32>, max: f32| value.is_none_or(|value| (-max..=max).contains(&value));
        let positive = |value: Option<f32>, max: f32| {
            value.is_none_or(|value| (1.0 / max..=max).contains(&value))
        };
        let each = |values: Option<PerChannel>| values.map_or([None; 3], |v| v.each().map(Some));
        if !each(self.mean).into_iter().all(|mean| within(mean, 1e4)) {
            return Err("mean is out of range".to_owned());
        }
        if !each(self.std).into_iter().all(|std| positive(std, 1e4)) {
            return Err("std must be between 0.0001 and 10000".to_owned());
        }
        if !positive(self.crop_scale, 100.0) || !within(self.crop_shift, 100.0) {
            return Err("crop_scale or crop_shift is out of range".to_owned());
        }
        if !positive(self.temperature, 1e4) {
            return Err("temperature must be between 0.0001 and 10000".to_owned());
        }
        Ok(())
    }
}

/// The value that a text on the command line means: JSON, a list with commas, or the text itself.
fn value_of(text: &str) -> Value {
    let json = |text: &str| serde_json::from_str(text).ok();
    json(text).unwrap_or_else(|| match text.contains(',') {
        true => text
            .split(',')
            .map(str::trim)
            .map(|part| json(part).unwrap_or_else(|| Value::from(part)))
            .collect(),
        false => Value::from(text),
    })
}

/// What is assumed about a file of another program, or was said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumed {
    /// The family that the network was recognized as, if it was.
    pub family: Option<&'static str>,
    /// All settings as they are used.
    pub settings: Settings,
    /// Whether nobody said the order of the outputs, so that it is a guess.
    pub order_is_a_guess: bool,
    /// Whether nobody said how pixels become the input, so that it is a guess.
    pub input_is_a_guess: bool,
    /// Channels of the input, 1 or 3.
    pub n_channels: usize,
    /// Outputs that are labels.
    pub n_outputs: usize,
}

impl Assumed {
    /// Whether anything is a guess.
    pub fn is_a_guess(&self) -> bool {
        self.order_is_a_guess || self.input_is_a_guess
    }
}

/// For example `Assumed: grayscale 64×64, 0…255, FER+ order`.
impl fmt::Display for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.write_str(match (self.order_is_a_guess, self.input_is_a_guess) {
            (false, false) => "As set: ",
            (true, false) => "Assumed (the order): ",
            (false, true) => "Assumed (the input): ",
            (true, true) => "Assumed: ",
        })?;
        if let Some(family) = self.family {
            write!(f, "{family}, ")?;
        }
        f.write_str(match settings.color.unwrap_or(Color::Gray) {
            Color::Gray => "grayscale",
            Color::Rgb => "RGB",
            Color::Bgr => "BGR",
        })?;
        if let (Some(width), Some(height)) = (settings.width, settings.height) {
            write!(f, " {width}×{height}")?;
        }
        write!(f, ", {}", range(settings))?;
        match &settings.labels {
            None => Ok(()),
            Some(Order::Known(known)) => write!(f, ", {} order", known.name()),
            Some(Order::Names(names)) => write!(f, ", outputs {}", names.join(", ")),
        }
    }
}

/// The range of the input's values, or the name of their normalization.
fn range(settings: &Settings) -> String {
    let (Some(mean), Some(std)) = (settings.mean, settings.std) else {
        return "0…1".to_owned();
    };
    if (mean, std)
        == (
            PerChannel::Three(IMAGENET_MEAN),
            PerChannel::Three(IMAGENET_STD),
        )
    {
        return "ImageNet's normalization".to_owned();
    }
    match (mean, std) {
        (PerChannel::One(mean), PerChannel::One(std)) => {
            // The shortest way to write it: divisions by 1/255 leave a rest.
            let plain = |value: f32| ((value * 1000.0).round() / 1000.0).to_string();
            format!(
                "{}…{}",
                plain((0.0 - mean) / std),
                plain((1.0 - mean) / std)
            )
        }
        (mean, std) => format!("mean {:?}, deviation {:?}", mean.each(), std.each()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_and_the_file_say_the_same() {
        let said = Settings::parse(&[
            "labels=neutral, happy,contempt",
            "mean=0.485,0.456,0.406",
            "std=0.2",
            "color=bgr",
            "width=96",
            "outputs=probabilities",
        ])
        .unwrap();
        let file = r#"{"labels": ["neutral", "happy", "contempt"], "mean": [0.485, 0.456, 0.406], "std": 0.2,
            "color": "bgr", "width": 96, "outputs": "probabilities"}"#;
        assert_eq!(said, serde_json::from_str(file).unwrap());
        let known = Settings::parse(&["labels=ferplus"]).unwrap();
        assert_eq!(known.labels, Some(Order::Known(KnownOrder::Ferplus)));
        // What is said first counts.
        let both = said.clone().or(known);
        assert_eq!(both.labels, said.labels);
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, words: &str| {
            let error = Settings::parse(&[text]).unwrap_err();
            assert!(error.contains(words), "{error}, not {words}");
        };
        check("mean", "is not KEY=VALUE");
        check("size=64", "unknown field `size`");
        check("std=0", "std must be between");
        check("mean=1e9", "mean is out of range");
        check("width=5000", "width must be between 1 and 1024");
        check("crop_scale=-1", "crop_scale");
        check("color=purple", "purple");
    }

    #[test]
    fn settings_are_kept_beside_the_network() {
        let folder = tempfile::tempdir().unwrap();
        let network = folder.path().join("net.onnx");
        assert_eq!(Settings::beside(&network).unwrap(), Settings::default());
        let said = Settings::parse(&["labels=affectnet", "std=0.25"]).unwrap();
        said.write_beside(&network).unwrap();
        assert!(folder.path().join("net.onnx.json").exists());
        assert_eq!(Settings::beside(&network).unwrap(), said);
        std::fs::write(Settings::file_of(&network), "{\"std\": 0}").unwrap();
        let error = Settings::beside(&network).unwrap_err().to_string();
        assert!(
            error.contains("net.onnx.json cannot be used: std must"),
            "{error}"
        );
    }

    #[test]
    fn what_is_assumed_is_one_sentence() {
        let assumed = Assumed {
            family: None,
            settings: Settings {
                labels: Some(Order::Known(KnownOrder::Ferplus)),
                width: Some(64),
                height: Some(64),
                color: Some(Color::Gray),
                mean: Some(PerChannel::One(0.0)),
                std: Some(PerChannel::One(1.0 / 255.0)),
                ..Settings::default()
            },
            order_is_a_guess: true,
            input_is_a_guess: true,
            n_channels: 1,
            n_outputs: 8,
        };
        assert_eq!(
            assumed.to_string(),
            "Assumed: grayscale 64×64, 0…255, FER+ order"
        );
        let stated = Assumed {
            settings: Settings {
                labels: Some(Order::Names(vec!["calm".to_owned(), "tense".to_owned()])),
                color: Some(Color::Rgb),
                mean: Some(PerChannel::Three(IMAGENET_MEAN)),
                std: Some(PerChannel::Three(IMAGENET_STD)),
                ..assumed.settings.clone()
            },
            order_is_a_guess: false,
            input_is_a_guess: false,
            ..assumed
        };
        assert_eq!(
            stated.to_string(),
            "As set: RGB 64×64, ImageNet's normalization, outputs calm, tense"
        );
    }

    #[test]
    fn known_orders_have_each_label_once() {
        for known in KnownOrder::ALL {
            for n in 1..12 {
                let mut names = known.names(n).unwrap_or_default();
                assert!(names.is_empty() || names.len() == n);
                names.sort();
                names.dedup();
                assert!(names.is_empty() || names.len() == n, "{known:?}");
            }
        }
    }
}
