//! Arguments that several commands share, and their parsers.
//!
//! Parsers look at the text only. Whether a file or a camera exists shows when it is opened, and that is a failure, not
//! a usage error.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser},
};
use fervis::{
    batch::{Pattern, Shard},
    capture::{SourceSpec, frame_rate::FrameRate},
    detect::Detector,
    frame::Resolution,
    model::{self, CheckpointChoice, Views, assumptions},
    pipeline::Settings,
    privacy::Effect,
    record::VideoChoice,
    result_file::is_stdout,
    session::about::{self, About},
};

use super::{NetworkArgs, stream::StreamArgs, usage};

const ANALYZE_EXAMPLES: &str = "\
Examples:
  fervis analyze demo
  fervis analyze clip.mp4 --json clip.jsonl --csv clip.csv
  fervis analyze photos --min-face 20 --csv photos.csv
  fervis analyze camera --seconds 60 --resolution 640x480 --json -
  fervis analyze day1 day2 extra.mp4 --out results --jobs 2
  fervis analyze videos/**/*.mp4 --out results --pattern {participant}_{condition}
  fervis analyze videos --out results --shard 2/8";

/// Arguments of `fervis analyze`.
#[derive(Debug, Args)]
#[command(after_help = ANALYZE_EXAMPLES)]
pub struct AnalyzeArgs {
    /// What to analyze: camera, camera:NAME-OR-NUMBER, demo, a video, an image or a folder of images; with --out, any
    /// number of videos, folders of videos, and patterns
    ///
    /// Every frame of a file is analyzed, as fast as possible. Of a camera the newest frame is taken, until Ctrl-C or
    /// --seconds. Put a pattern in quotes, such as '**/*.mp4', so that it finds files at any depth in every shell.
    #[arg(value_name = "SOURCE", value_parser = source(), required = true)]
    pub sources: Vec<SourceSpec>,

    /// What to do with many files.
    #[command(flatten)]
    pub many: ManyArgs,

    /// Write one JSON object per analyzed frame, one per line; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write one row per face of each analyzed frame; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write the 468 points of the face mesh, one row per face that has one; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub landmarks: Option<PathBuf>,

    /// Replace files that exist
    #[arg(long)]
    pub force: bool,

    /// Stop after N seconds of a camera's time, or of a video's own [default: at the end, or at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<Duration>,

    /// How faces are found and their values smoothed.
    #[command(flatten)]
    pub detection: DetectionArgs,

    /// Which network reads the expressions, and where it runs.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// What to ask of a camera.
    #[command(flatten)]
    pub camera: CameraArgs,

    /// Live values for other programs.
    #[command(flatten)]
    pub stream: StreamArgs,
}

/// What to do with many files.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many files")]
pub struct ManyArgs {
    /// Analyze every video, and write a session for each and one table of all into this folder
    ///
    /// Files that are finished there are skipped, and interrupted ones are started again. A file that fails does not
    /// stop the others.
    #[arg(long, value_name = "FOLDER",
          conflicts_with_all = ["json", "csv", "landmarks", "seconds", "websocket", "osc", "osc_markers", "resolution", "rate", "format"])]
    pub out: Option<PathBuf>,

    /// How many files to analyze at the same time [default: one for every four cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), requires = "out")]
    pub jobs: Option<u16>,

    /// Analyze only part I of N equal parts; which file is in which part depends on its name alone
    #[arg(long, value_name = "I/N", requires = "out")]
    pub shard: Option<Shard>,

    /// What files' names say, such as '{participant}_{condition}' or '{participant}/*'
    ///
    /// The places are {participant}, {name}, {condition} and {note}. `*` stands for anything in one name, `**` also for
    /// folders. A pattern without a `/` is about the file's own name.
    #[arg(
        long,
        value_name = "PATTERN",
        requires = "out",
        conflicts_with = "participants"
    )]
    pub pattern: Option<Pattern>,

    /// A table with the columns file and participant, and perhaps name, condition and note
    #[arg(long, value_name = "FILE", requires = "out")]
    pub participants: Option<PathBuf>,
}

/// How faces are found and their values smoothed.
#[derive(Debug, Args)]
pub struct DetectionArgs {
    /// Time constant for smoothing the probabilities, in milliseconds; 0 switches it off
    #[arg(long, value_name = "MS", default_value_t = Settings::default().smoothing.as_millis() as u64)]
    pub smoothing: u64,

    /// Mirror averaging: classify each face and its mirror image, and take the mean (slower; helps “fervis” only)
    #[arg(long)]
    pub flip: bool,

    /// Smallest face to look for, in pixels of the frame; smaller takes longer
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=10_000),
          default_value_t = Settings::default().detect.min_face_size_px)]
    pub min_face: u32,

    /// What finds faces: both detectors with the face mesh, or rustface alone (no mesh, no pose, no upright crops)
    #[arg(long, value_name = "both|rustface", default_value = Detector::default().name(), value_parser = detector)]
    pub detector: Detector,
}

impl DetectionArgs {
    /// The pipeline's settings.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings {
            smoothing: Duration::from_millis(self.smoothing),
            views: if self.flip {
                Views::Flip
            } else {
                Views::Single
            },
            ..Settings::default()
        };
        settings.detect.min_face_size_px = self.min_face;
        settings.detect.detector = self.detector;
        settings
    }
}

/// Who and what a session is about; all of it stands in `session.json` and in exports.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Who and what")]
pub struct AboutArgs {
    /// Who is in view, such as P01
    #[arg(long, value_name = "TEXT", value_parser = about::tidy)]
    pub participant: Option<String>,

    /// What the session is called
    #[arg(long, value_name = "TEXT", value_parser = about::tidy)]
    pub name: Option<String>,

    /// The experimental condition
    #[arg(long, value_name = "TEXT", value_parser = about::tidy)]
    pub condition: Option<String>,

    /// Anything else
    #[arg(long, value_name = "TEXT", value_parser = about::tidy)]
    pub note: Option<String>,
}

impl AboutArgs {
    /// The description of the session.
    pub fn about(&self) -> About {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        About {
            participant: text(&self.participant),
            name: text(&self.name),
            condition: text(&self.condition),
            note: text(&self.note),
        }
    }
}

/// What to ask of a camera, which gives the nearest it can.
#[derive(Debug, Args)]
#[command(next_help_heading = "Camera options")]
pub struct CameraArgs {
    /// Frame size to ask the camera for, such as 1280x720 [default: the nearest to 1280x720]
    #[arg(long, value_name = "WxH", value_parser = resolution)]
    pub resolution: Option<Resolution>,

    /// Frames per second to ask the camera for, such as 30 or 7.5 [default: the nearest to 30]
    #[arg(long, value_name = "HZ")]
    pub rate: Option<FrameRate>,

    /// Pixel format to ask the camera for [default: chosen by size and rate]
    #[arg(long, value_name = "FOURCC", ignore_case = true,
          value_parser = ["MJPG", "YUYV", "NV12", "RGB3", "BGR3"])]
    pub format: Option<String>,
}

impl CameraArgs {
    /// The source with these requests. An error shows the usage of `command`.
    ///
    /// # Errors
    /// If there is a request and the source is not a camera.
    pub fn applied_to(
        &self,
        mut source: SourceSpec,
        command: &str,
    ) -> Result<SourceSpec, clap::Error> {
        if let SourceSpec::Camera(camera) = &mut source {
            camera.resolution = self.resolution;
            camera.rate = self.rate;
            camera.format = self.format.as_ref().map(|name| name.to_uppercase());
        } else if self.resolution.is_some() || self.rate.is_some() || self.format.is_some() {
            return Err(usage(
                Some(command),
                "--resolution, --rate and --format are for cameras; a file has its own",
            ));
        }
        Ok(source)
    }
}

impl AnalyzeArgs {
    /// The files, folders and patterns to analyze with `--out`.
    ///
    /// # Errors
    /// If one of them is a camera or the demo clip.
    pub fn paths(&self) -> Result<Vec<PathBuf>, clap::Error> {
        let paths = self.sources.iter().map(|source| match source {
            SourceSpec::Path(path) => Ok(path.clone()),
            SourceSpec::Camera(_) | SourceSpec::Demo => Err(usage(
                Some("analyze"),
                &format!("--out is for files, and `{source}` is none; write ./{source} if it is one, or use `fervis record`"),
            )),
        });
        paths.collect()
    }

    /// The one source with what is asked of the camera.
    ///
    /// # Errors
    /// If there are several, if a camera's options are given and the source is not one, or if two results go to the
    /// standard output.
    pub fn checked_source(&self) -> Result<SourceSpec, clap::Error> {
        let [source] = &self.sources[..] else {
            return Err(usage(
                Some("analyze"),
                "for several files, say where their results go: --out FOLDER",
            ));
        };
        let results = [&self.json, &self.csv, &self.landmarks];
        let to_stdout = results.into_iter().flatten().filter(|path| is_stdout(path));
        if to_stdout.count() > 1 {
            return Err(usage(
                Some("analyze"),
                "only one of --json, --csv and --landmarks can go to the standard output; give the others a file",
            ));
        }
        self.camera.applied_to(source.clone(), "analyze")
    }
}

/// The name of the checkpoint that is used unless another is requested.
pub fn default_checkpoint() -> &'static str {
    model::bundled_names()
        .first()
        .expect("the binary has a checkpoint")
}

/// Parses a source; a path need not be valid Unicode.
pub fn source() -> impl TypedValueParser<Value = SourceSpec> {
    OsStringValueParser::new().try_map(|text: OsString| match text.to_str() {
        Some("") => Err("give a camera, `demo` or a path"),
        Some("camera:") => {
            Err("give the camera's name or number after the colon; `fervis devices` lists them")
        }
        Some(text) => Ok(SourceSpec::parse(text)),
        None => Ok(SourceSpec::Path(text.into())),
    })
}

/// Parses a checkpoint. A bundled name goes before a file of the same name.
pub fn checkpoint() -> impl TypedValueParser<Value = CheckpointChoice> {
    OsStringValueParser::new().try_map(|text: OsString| match text.to_str() {
        Some("") => Err("give a bundled checkpoint's name or a file"),
        Some(name) if model::bundled_names().contains(&name) => {
            Ok(CheckpointChoice::Bundled(name.to_owned()))
        }
        _ => Ok(CheckpointChoice::File(text.into())),
    })
}

/// One of these choices of videos, by its name.
pub fn video(choices: &[VideoChoice]) -> impl TypedValueParser<Value = VideoChoice> + use<> {
    let names = choices.iter().map(|choice| choice.name());
    PossibleValuesParser::new(names).map(|name| VideoChoice::from_name(&name).unwrap_or_default())
}

/// How faces are hidden.
pub fn effect() -> impl TypedValueParser<Value = Effect> {
    PossibleValuesParser::new([
        PossibleValue::new("pixelate").help("Blocks of one color, six across a face"),
        PossibleValue::new("blur").help("The same without edges"),
    ])
    .map(|name| match name.as_str() {
        "blur" => Effect::Blur,
        _ => Effect::Pixelate,
    })
}

/// Parses one `KEY=VALUE` about a network's file.
pub fn assumption(text: &str) -> Result<assumptions::Settings, String> {
    assumptions::Settings::parse(&[text])
}

/// The network to load: a checkpoint, with what is said about it.
///
/// # Errors
/// If something is said about a bundled checkpoint.
pub fn choice(
    checkpoint: &CheckpointChoice,
    assume: &[assumptions::Settings],
) -> anyhow::Result<CheckpointChoice> {
    let said = assume.iter().cloned().reduce(assumptions::Settings::or);
    match (checkpoint, said) {
        (_, None) => Ok(checkpoint.clone()),
        (CheckpointChoice::File(path), Some(said)) => {
            Ok(CheckpointChoice::FileAs(path.clone(), Box::new(said)))
        }
        (_, Some(_)) => anyhow::bail!(
            "--assume is about the file of another program; give one with --checkpoint"
        ),
    }
}

fn detector(text: &str) -> Result<Detector, String> {
    Detector::from_name(text).ok_or_else(|| "write both or rustface".to_owned())
}

fn resolution(text: &str) -> Result<Resolution, String> {
    text.split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .filter(|&(width, height): &(u32, u32)| width > 0 && height > 0)
        .map(|(width, height)| Resolution::new(width, height))
        .ok_or_else(|| "write it as width x height, such as 1280x720".to_owned())
}

/// Parses a number of seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        // Clocks cannot hold a deadline much further away.
        .filter(|duration| {
            !duration.is_zero() && *duration <= Duration::from_secs(100 * 365 * 86_400)
        })
        .ok_or_else(|| "give a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use fervis::{capture::CameraChoice, model::DeviceChoice};

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        let cli = Cli::command();
        let commands = cli.get_subcommands().map(|command| command.get_name());
        let mut commands: Vec<String> = commands.map(str::to_owned).collect();
        commands.push(String::new());
        for name in commands {
            let command = cli.find_subcommand(&name).unwrap_or(&cli);
            let text = command.get_after_help().map(ToString::to_string);
            let text = text.unwrap_or_default();
            let examples = text.lines().filter_map(|line| line.strip_prefix("  "));
            let examples: Vec<&str> = examples.collect();
            assert!(examples.len() > 1, "{name} has examples");
            for example in examples {
                // A description stands in a column of its own.
                let line = example.split("   ").next().unwrap_or(example);
                let words = line.replace("';'", ";");
                let parsed = Cli::try_parse_from(words.split_whitespace());
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }

    fn analyze(line: &str) -> Result<AnalyzeArgs, clap::Error> {
        let words = ["fervis", "analyze"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Some(Command::Analyze(args)) => Ok(*args),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn sources() {
        let check = |line: &str, expected: SourceSpec| {
            let source = analyze(line).and_then(|args| args.checked_source());
            assert_eq!(
                source.map_err(|error| error.to_string()),
                Ok(expected),
                "{line}"
            );
        };
        check("demo", SourceSpec::Demo);
        check("clip.mp4", SourceSpec::Path("clip.mp4".into()));
        check("./demo", SourceSpec::Path("./demo".into()));
        check("camera", SourceSpec::Camera(CameraChoice::default()));
        check(
            "camera:1 --resolution 640x480 --rate 15 --format mjpg",
            SourceSpec::Camera(CameraChoice {
                camera: Some("1".to_owned()),
                resolution: Some(Resolution::new(640, 480)),
                rate: Some(FrameRate::whole(15)),
                format: Some("MJPG".to_owned()),
                ..CameraChoice::default()
            }),
        );
    }

    #[test]
    fn settings_and_choices() {
        let args = analyze(
            "demo --json - --csv out.csv --seconds 1.5 --smoothing 0 --flip --min-face 40 --checkpoint my.safetensors \
             --device cuda:1",
        )
        .expect("valid");
        assert_eq!(args.json, Some("-".into()));
        assert_eq!(args.csv, Some("out.csv".into()));
        assert_eq!(args.seconds, Some(Duration::from_millis(1500)));
        assert_eq!(args.detection.settings().smoothing, Duration::ZERO);
        assert_eq!(args.detection.settings().views, Views::Flip);
        assert_eq!(args.detection.settings().detect.min_face_size_px, 40);
        assert_eq!(args.network.device, DeviceChoice::Cuda(1));
        assert_eq!(
            args.network.checkpoint,
            CheckpointChoice::File("my.safetensors".into())
        );

        let args = analyze("demo").expect("valid");
        assert_eq!(args.detection.settings(), Settings::default());
        assert_eq!(args.network.device, DeviceChoice::Auto);
        let bundled = |name: &str| CheckpointChoice::Bundled(name.to_owned());
        assert_eq!(args.network.checkpoint, bundled(default_checkpoint()));
        let args = analyze("demo --checkpoint three-block").expect("valid");
        assert_eq!(args.network.checkpoint, bundled("three-block"));
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in [
            "",
            "camera:",
            "demo --seconds 0",
            "demo --seconds -1",
            "demo --seconds nan",
            "demo --seconds inf",
            "demo --seconds 1e300",
            "demo --smoothing -5",
            "demo --min-face 0",
            "demo --device gpu",
            "demo --device cuda:x",
            "camera --resolution 640",
            "camera --resolution 0x480",
            "camera --rate 0",
            "camera --format H264",
            "demo --rate 15",
            "clip.mp4 --resolution 640x480",
            "demo --json - --csv -",
            "demo --csv - --landmarks -",
            "demo --nonsense",
            "demo clip.mp4",
            "a.mp4 b.mp4",
            "a.mp4 --jobs 2",
            "a.mp4 --out r --csv a.csv",
            "a.mp4 --out r --jobs 0",
            "a.mp4 --out r --shard 3/2",
            "a.mp4 --out r --pattern *.mp4",
            "a.mp4 --out r --pattern {participant} --participants who.csv",
            "a.mp4 --out r --osc",
        ] {
            let outcome = analyze(line).and_then(|args| args.checked_source());
            let error = outcome.expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        }
        for words in [["fervis", "analyses"], ["fervis", "--json"]] {
            let error = Cli::try_parse_from(words).expect_err("no such thing");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn the_window_takes_its_options() {
        let line = ["fervis", "--source", "demo", "--device", "cpu"];
        let cli = Cli::try_parse_from(line).expect("valid");
        assert!(cli.command.is_none());
        assert_eq!(cli.source, Some(SourceSpec::Demo));
        assert_eq!(cli.network.device, DeviceChoice::Cpu);
    }
}
