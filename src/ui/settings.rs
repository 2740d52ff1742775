//! What the window remembers from one run to the next.
//!
//! A JSON file in the user's configuration folder. It is a convenience: if anything is wrong with it, the application starts
//! with the defaults and says so. A thread of its own writes it, and never leaves it incomplete.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::Sender;
use egui::ThemePreference;
use serde::{Deserialize, Serialize};

use super::words::{Language, text};
use crate::{
    detect::{DetectConfig, Detector},
    model::Views,
    pipeline,
    privacy::Effect,
    record::VideoChoice,
    result_file,
    session::{about::About, folder, marker_keys::MarkerKeys},
    stream::{Output, StreamConfig},
};

/// How many checkpoint files the Model menu remembers, and how many files and folders of images the File menu.
const MAX_RECENT: usize = 6;
/// Longest time constant of the smoothing on offer. Beyond it the bars lag seconds behind the face.
pub const MAX_SMOOTHING_MS: u32 = 2000;
/// Highest threshold on offer for "uncertain", %. Above it hardly any face would be named.
pub const MAX_UNCERTAIN_PERCENT: u32 = 95;
/// Smallest and largest minimum face size on offer, px. Below 20 px a face shows no expression; above 400 px only a face
/// that fills a webcam's frame is left.
pub const FACE_SIZES_PX: std::ops::RangeInclusive<u32> = 20..=400;

/// Sizes of everything in the window that are restored, %: those that egui's keys reach.
const ZOOMS: std::ops::RangeInclusive<u32> = 20..=500;
/// No screen is larger, points.
const MAX_WINDOW_SIDE: u32 = 16_000;

with_defaults! {
    /// Everything that is kept. Fields missing from the file take their defaults.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(default)]
    pub struct UiSettings {
        /// Whether sources that show people themselves (webcams) are mirrored.
        pub mirror_webcams: bool = true,
        /// Whether all other sources are mirrored.
        pub mirror_others: bool = false,
        /// Whether boxes and names are shown.
        pub boxes: bool = true,
        /// Whether face meshes are shown with the boxes.
        pub mesh: bool = false,
        /// Whether the side panel is shown.
        pub bars: bool = true,
        /// Whether the last minute of all faces is shown below the frame.
        pub timeline: bool = false,
        /// Whether files play again when they have ended.
        pub loop_files: bool = false,
        /// Whether the status bar shows rates, latency and drops.
        pub statistics: bool = false,
        /// How faces are covered; `None` shows them.
        pub privacy: Option<Effect> = None,
        /// Time constant of the smoothing, ms; 0 switches it off.
        pub smoothing_ms: u32 = pipeline::Settings::default().smoothing.as_millis() as u32,
        /// Which views of a face the network averages.
        pub views: Views = pipeline::Settings::default().views,
        /// Below this probability, %, no expression is named; `None` takes the network's own threshold.
        pub uncertain_below_percent: Option<u32> = None,
        /// What finds faces.
        pub detector: Detector = pipeline::Settings::default().detect.detector,
        /// Smaller faces are ignored, px of the frame.
        pub min_face_size_px: u32 = pipeline::Settings::default().detect.min_face_size_px,
        /// The language; `None` is the system's.
        pub language: Option<Language> = None,
        /// Light or dark.
        #[serde(with = "ThemeName")]
        pub theme: ThemePreference = ThemePreference::System,
        /// Size of everything in the window, %.
        pub zoom_percent: u32 = 100,
        /// Size of the window when it was last closed, points; where it goes, the window manager knows better.
        pub window_size: Option<[u32; 2]> = None,
        /// Whether it was maximized.
        pub maximized: bool = false,
        /// Port of the WebSocket server. Whether it is on is not kept: it is off at every start.
        pub websocket_port: u16 = Output::WebSocket.default_port(),
        /// Port that OSC is sent to.
        pub osc_port: u16 = Output::Osc.default_port(),
        /// Port on which markers are received as OSC.
        pub osc_markers_port: u16 = Output::OscMarkers.default_port(),
        /// Recent checkpoint files, the latest first.
        pub recent_checkpoints: Vec<PathBuf> = Vec::new(),
        /// Recent images, videos and folders of images, the latest first.
        pub recent_files: Vec<PathBuf> = Vec::new(),
        /// Which videos recordings have.
        pub video: VideoChoice = VideoChoice::default(),
        /// The folder that recordings go to; `None` takes the default.
        pub sessions_folder: Option<PathBuf> = None,
        /// Who and what the next recordings are about.
        pub about: About = About::default(),
        /// What the digits set as markers.
        pub marker_keys: MarkerKeys = MarkerKeys::default(),
    }
}

/// The names of themes in the file.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ThemePreference", rename_all = "lowercase")]
enum ThemeName {
    System,
    Light,
    Dark,
}

impl UiSettings {
    /// The folder that recordings go to.
    pub fn sessions_root(&self) -> PathBuf {
        let chosen = self.sessions_folder.clone();
        chosen.unwrap_or_else(folder::default_root)
    }

    /// Reads the settings in `path`; the defaults if it does not exist.
    ///
    /// # Errors
    /// A sentence for the user. The caller uses the defaults.
    pub fn load(path: &Path) -> Result<Self, String> {
        let json = match fs::read(path) {
            Ok(json) => json,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(err) => {
                return Err(text!(
                    "settings-unreadable",
                    file = path.display().to_string(),
                    reason = err.to_string()
                ));
            }
        };
        let settings: Self = serde_json::from_slice(&json).map_err(|err| {
            text!(
                "settings-damaged",
                file = path.display().to_string(),
                reason = err.to_string()
            )
        })?;
        Ok(settings.sanitized())
    }

    /// Writes the settings to `path`, and creates its folder if needed.
    ///
    /// # Errors
    /// Any I/O error. The file is then the old one or the new one, never a part of it.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        result_file::replace(path, &serde_json::to_vec_pretty(self)?)
    }

    /// Whether a source is shown mirrored, given [`crate::capture::SourceInfo::mirror_by_default`].
    pub fn mirror(&self, mirror_by_default: bool) -> bool {
        if mirror_by_default {
            self.mirror_webcams
        } else {
            self.mirror_others
        }
    }

    /// Sets what [`UiSettings::mirror`] returns for this kind of source.
    pub fn set_mirror(&mut self, mirror_by_default: bool, mirror: bool) {
        if mirror_by_default {
            self.mirror_webcams = mirror;
        } else {
            self.mirror_others = mirror;
        }
    }

    /// Puts a checkpoint file at the top of the recent ones.
    pub fn remember_checkpoint(&mut self, path: &Path) {
        remember(&mut self.recent_checkpoints, path);
    }

    /// Puts an image, a video or a folder of images at the top of the recent ones.
    pub fn remember_file(&mut self, path: &Path) {
        remember(&mut self.recent_files, path);
    }

    /// The settings of the pipeline.
    pub fn pipeline_settings(&self) -> pipeline::Settings {
        pipeline::Settings {
            detect: DetectConfig {
                detector: self.detector,
                min_face_size_px: self.min_face_size_px,
                ..DetectConfig::default()
            },
            smoothing: Duration::from_millis(self.smoothing_ms.into()),
            views: self.views,
        }
    }

    /// The addresses of the live outputs.
    pub fn stream_config(&self) -> StreamConfig {
        let mut config = StreamConfig::default();
        config.websocket.set_port(self.websocket_port);
        config.osc.set_port(self.osc_port);
        config.osc_markers.set_port(self.osc_markers_port);
        config
    }

    /// Sets the port of a live output.
    pub fn set_port(&mut self, output: Output, port: u16) {
        match output {
            Output::WebSocket => self.websocket_port = port,
            Output::Osc => self.osc_port = port,
            Output::OscMarkers => self.osc_markers_port = port,
        }
    }

    fn sanitized(mut self) -> Self {
        self.zoom_percent = self.zoom_percent.clamp(*ZOOMS.start(), *ZOOMS.end());
        self.window_size = self
            .window_size
            .map(|size| size.map(|side| side.min(MAX_WINDOW_SIDE)));
        self.smoothing_ms = self.smoothing_ms.min(MAX_SMOOTHING_MS);
        self.uncertain_below_percent = self
            .uncertain_below_percent
            .map(|percent| percent.min(MAX_UNCERTAIN_PERCENT));
        self.min_face_size_px = self
            .min_face_size_px
            .clamp(*FACE_SIZES_PX.start(), *FACE_SIZES_PX.end());
        // Port 0 would be a different port each time, and nobody listens on it.
        for (port, output) in [
            (&mut self.websocket_port, Output::WebSocket),
            (&mut self.osc_port, Output::Osc),
            (&mut self.osc_markers_port, Output::OscMarkers),
        ] {
            if *port == 0 {
                *port = output.default_port();
            }
        }
        self.recent_checkpoints.truncate(MAX_RECENT);
        self.recent_files.truncate(MAX_RECENT);
        self
    }
}

fn remember(recent: &mut Vec<PathBuf>, path: &Path) {
    recent.retain(|other| other != path);
    recent.insert(0, path.to_owned());
    recent.truncate(MAX_RECENT);
}

/// The path of the file in the user's configuration folder, if there is one. `variable` reads the environment.
pub fn default_path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name| {
        let folder = PathBuf::from(variable(name)?);
        // A relative path would depend on the working folder; XDG says to ignore it.
        folder.is_absolute().then_some(folder)
    };
    let config = if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    config.map(|config| config.join("fervis").join("settings.json"))
}

/// Writes settings on a thread of its own. Dropping it waits until the last ones are written.
pub struct Saver {
    outbox: Option<Sender<UiSettings>>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    /// Starts the thread that writes to `path`.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(path: PathBuf) -> io::Result<Self> {
        let (outbox, inbox) = crossbeam_channel::unbounded::<UiSettings>();
        let thread = thread::Builder::new()
            .name("settings".to_owned())
            .spawn(move || {
                while let Ok(settings) = inbox.recv() {
                    // A dragged slider sends many at once: only the newest is worth writing.
                    let newest = inbox.try_iter().last().unwrap_or(settings);
                    if let Err(err) = newest.save(&path) {
                        log::warn!("{}: settings could not be written: {err}", path.display());
                    }
                }
            })?;
        Ok(Self {
            outbox: Some(outbox),
            thread: Some(thread),
        })
    }

    /// Writes the settings soon. Returns at once.
    pub fn save(&self, settings: &UiSettings) {
        if let Some(outbox) = &self.outbox {
            // It fails only if the thread has panicked, which was reported then.
            outbox.send(settings.clone()).ok();
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.outbox = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> UiSettings {
        UiSettings {
            mirror_webcams: false,
            privacy: Some(Effect::Blur),
            smoothing_ms: 900,
            views: Views::Flip,
            uncertain_below_percent: Some(35),
            language: Some(Language::German),
            theme: ThemePreference::Light,
            recent_checkpoints: vec![PathBuf::from("/models/a.safetensors")],
            ..UiSettings::default()
        }
    }

    #[test]
    fn settings_survive_a_round_trip_and_leave_no_partial_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/settings.json");
        changed().save(&path).unwrap();
        assert_eq!(UiSettings::load(&path), Ok(changed()));
        let names: Vec<_> = fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["settings.json"]);
    }

    #[test]
    fn missing_incomplete_and_damaged_files_give_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        assert_eq!(UiSettings::load(&path), Ok(UiSettings::default()));
        fs::write(&path, r#"{"boxes":false,"from_the_future":1}"#).unwrap();
        let expected = UiSettings {
            boxes: false,
            ..UiSettings::default()
        };
        assert_eq!(UiSettings::load(&path), Ok(expected));
        fs::write(&path, r#"{"boxes":fal"#).unwrap();
        let reason = UiSettings::load(&path).unwrap_err();
        assert!(reason.contains("settings.json"), "{reason}");
        assert!(reason.contains("damaged"), "{reason}");
        assert!(UiSettings::load(folder.path()).is_err());
    }

    #[test]
    fn values_out_of_range_are_clamped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(
            &path,
            r#"{"smoothing_ms":999999,"min_face_size_px":0,"uncertain_below_percent":100,
                "websocket_port":0,"osc_port":9001}"#,
        )
        .unwrap();
        let settings = UiSettings::load(&path).unwrap();
        assert_eq!(settings.smoothing_ms, MAX_SMOOTHING_MS);
        assert_eq!(
            settings.uncertain_below_percent,
            Some(MAX_UNCERTAIN_PERCENT)
        );
        assert_eq!(settings.min_face_size_px, *FACE_SIZES_PX.start());
        let config = settings.stream_config();
        assert_eq!((config.websocket.port(), config.osc.port()), (9117, 9001));
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_file_is_in_the_configuration_folder() {
        let check = |set: &'static [(&str, &str)], expected: Option<&str>| {
            let path = default_path(|name| {
                let (_, value) = set.iter().find(|(other, _)| *other == name)?;
                Some(OsString::from(value))
            });
            assert_eq!(path, expected.map(PathBuf::from), "{set:?}");
        };
        check(
            &[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/config")],
            Some("/config/fervis/settings.json"),
        );
        check(
            &[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "config")],
            Some("/home/a/.config/fervis/settings.json"),
        );
        check(&[], None);
    }

    #[test]
    fn a_failed_save_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        // A file cannot replace a folder.
        let path = folder.path().join("settings.json");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("keep"), "").unwrap();
        assert!(changed().save(&path).is_err());
        assert!(path.join("keep").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn recent_checkpoints_are_unique_and_limited() {
        let mut settings = UiSettings::default();
        for number in 0..10 {
            settings.remember_checkpoint(Path::new(&format!("/{number}.safetensors")));
        }
        settings.remember_checkpoint(Path::new("/7.safetensors"));
        assert_eq!(settings.recent_checkpoints.len(), MAX_RECENT);
        assert_eq!(
            settings.recent_checkpoints[..2],
            [Path::new("/7.safetensors"), Path::new("/9.safetensors")]
        );
    }

    #[test]
    fn dropping_the_saver_writes_the_last_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let saver = Saver::start(path.clone()).unwrap();
        saver.save(&UiSettings::default());
        saver.save(&changed());
        drop(saver);
        assert_eq!(UiSettings::load(&path), Ok(changed()));
    }
}
