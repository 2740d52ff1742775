//! How arguments are written.
//!
//! Parsers look at the text only. Whether a file or a camera is there is found out by opening it, which is no usage
//! error but a failure like any other.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Args, CommandFactory,
    builder::{OsStringValueParser, TypedValueParser},
    error::ErrorKind,
};
use fervis::{
    capture::SourceSpec,
    detect::Detector,
    frame::Resolution,
    model::{self, CheckpointChoice, Views},
    pipeline::Settings,
};

use super::{Cli, NetworkArgs, stream::StreamArgs};

/// Arguments of `fervis analyze`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// What to analyse: camera, camera:NAME-OR-NUMBER, demo, a video, an image or a folder of images
    ///
    /// Of files every frame is analysed, as fast as that goes. Of a camera the newest frame is taken, until Ctrl-C
    /// or --seconds.
    #[arg(value_parser = source())]
    pub source: SourceSpec,

    /// Write one JSON object a line for every analysed frame; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write one row for every face of every analysed frame; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write the 468 points of the face mesh, one row for every face that has one; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub landmarks: Option<PathBuf>,

    /// Replace results that exist
    #[arg(long)]
    pub force: bool,

    /// Stop after N seconds: of a camera's time, or of a video's own
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<Duration>,

    /// How to look for faces and smooth their values.
    #[command(flatten)]
    pub detection: DetectionArgs,

    /// What reads the expressions, and where.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// What to ask of a camera.
    #[command(flatten)]
    pub camera: CameraArgs,

    /// Where results go while they are made.
    #[command(flatten)]
    pub stream: StreamArgs,
}

/// How to look for faces and smooth their values.
#[derive(Debug, Args)]
pub struct DetectionArgs {
    /// Time constant of the smoothing of probabilities, in milliseconds; 0 switches it off
    #[arg(long, value_name = "MS", default_value_t = Settings::default().smoothing.as_millis() as u64)]
    pub smoothing: u64,

    /// Look at the mirror image of each face too and take the mean: more accurate, and the network takes twice as long
    #[arg(long)]
    pub flip: bool,

    /// Smallest face to look for, in pixels of the picture; smaller takes longer
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=10_000),
          default_value_t = Settings::default().detect.min_face_size_px)]
    pub min_face: u32,

    /// What finds faces: both detectors with the face mesh, or rustface alone (no mesh, no upright crops)
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

/// What to ask of a camera; it gives the nearest it can.
#[derive(Debug, Args)]
#[command(next_help_heading = "Camera options")]
pub struct CameraArgs {
    /// Picture size to ask the camera for, such as 1280x720
    #[arg(long, value_name = "WxH", value_parser = resolution)]
    pub resolution: Option<Resolution>,

    /// Frames per second to ask the camera for
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rate: Option<u32>,

    /// Pixel format to ask the camera for
    #[arg(long, value_name = "FOURCC", ignore_case = true,
          value_parser = ["MJPG", "YUYV", "NV12", "RGB3", "BGR3"])]
    pub format: Option<String>,
}

impl CameraArgs {
    /// The source with what is asked of the camera. `command` is whose usage an error shows.
    ///
    /// # Errors
    /// If something is asked of a camera and the source is none.
    pub fn applied_to(
        &self,
        mut source: SourceSpec,
        command: &str,
    ) -> Result<SourceSpec, clap::Error> {
        if let SourceSpec::Camera(camera) = &mut source {
            camera.resolution = self.resolution;
            camera.rate_hz = self.rate;
            camera.format = self.format.as_ref().map(|name| name.to_uppercase());
        } else if self.resolution.is_some() || self.rate.is_some() || self.format.is_some() {
            return Err(usage(
                command,
                "--resolution, --rate and --format are for cameras; a file is taken as it is",
            ));
        }
        Ok(source)
    }
}

/// A usage error of a command.
fn usage(command: &str, message: &str) -> clap::Error {
    let mut cli = Cli::command();
    cli.build(); // So that the error shows the command's own usage.
    match cli.find_subcommand_mut(command) {
        Some(command) => command.error(ErrorKind::ArgumentConflict, message),
        None => cli.error(ErrorKind::ArgumentConflict, message),
    }
}

impl AnalyzeArgs {
    /// The source with what is asked of the camera.
    ///
    /// # Errors
    /// If something is asked of a camera and the source is none, or both outputs are the standard output.
    pub fn checked_source(&self) -> Result<SourceSpec, clap::Error> {
        let is_stdout = |path: &Option<PathBuf>| path.as_deref().is_some_and(|path| path == "-");
        if is_stdout(&self.json) && is_stdout(&self.csv) {
            return Err(usage(
                "analyze",
                "--json and --csv cannot both go to the standard output; give one of them a file",
            ));
        }
        self.camera.applied_to(self.source.clone(), "analyze")
    }
}

/// The checkpoint that is used unless another is asked for.
pub fn default_checkpoint() -> CheckpointChoice {
    let name = model::bundled_names()
        .first()
        .expect("a checkpoint is part of the binary");
    CheckpointChoice::Bundled((*name).to_owned())
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

/// Parses a checkpoint: a bundled name before a file.
pub fn checkpoint() -> impl TypedValueParser<Value = CheckpointChoice> {
    OsStringValueParser::new().try_map(|text: OsString| match text.to_str() {
        Some("") => Err("give a bundled checkpoint's name or a file"),
        Some(name) if model::bundled_names().contains(&name) => {
            Ok(CheckpointChoice::Bundled(name.to_owned()))
        }
        _ => Ok(CheckpointChoice::File(text.into())),
    })
}

fn detector(text: &str) -> Result<Detector, String> {
    [Detector::Both, Detector::Rustface]
        .into_iter()
        .find(|detector| detector.name() == text)
        .ok_or_else(|| "it is both or rustface".to_owned())
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
        // A deadline must be a time that clocks can hold.
        .filter(|duration| {
            !duration.is_zero() && *duration <= Duration::from_secs(100 * 365 * 86_400)
        })
        .ok_or_else(|| "give a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fervis::{capture::CameraChoice, model::DeviceChoice};

    use super::*;
    use crate::cli::Command;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
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
                rate_hz: Some(15),
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
            args.network.checkpoint(),
            CheckpointChoice::File("my.safetensors".into())
        );

        let args = analyze("demo").expect("valid");
        assert_eq!(args.detection.settings(), Settings::default());
        assert_eq!(args.network.device, DeviceChoice::Auto);
        assert_eq!(args.network.checkpoint(), default_checkpoint());
        let name = model::bundled_names()[0];
        let args = analyze(&format!("demo --checkpoint {name}")).expect("valid");
        assert_eq!(args.network.checkpoint(), default_checkpoint());
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
            "demo --nonsense",
            "demo clip.mp4",
        ] {
            let outcome = analyze(line).and_then(|args| args.checked_source());
            let error = outcome.expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        }
        for words in [["fervis", "analyse"], ["fervis", "--json"]] {
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
