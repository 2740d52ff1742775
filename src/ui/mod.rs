//! The window: live view, panels, menus.
//!
//! [`run`] starts the pipeline and shows its results until the window is closed. Panels draw plain data and return
//! commands; only `App` runs them.

use std::{ffi::OsString, sync::Arc};

use anyhow::{Context as _, anyhow, bail};
use eframe::NativeOptions;
use egui::ViewportBuilder;

pub use self::quit::QuitRequest;
use self::{
    app::{App, AppConfig},
    cameras::ListedCamera,
    settings::{Saver, UiSettings},
    words::Language,
};
use crate::{
    capture::{self, CameraChoice, SourceSpec, devices::CameraDevice},
    model::{CheckpointChoice, DeviceChoice},
    pipeline::{Pacing, Pipeline, PipelineConfig, Tap},
    stream::StreamOptions,
};

mod agreement;
mod annotation_saver;
mod app;
mod background;
mod bell;
mod cameras;
mod changes;
mod colors;
mod commands;
mod compare;
mod dialogs;
mod engine;
mod exports;
#[cfg(test)]
mod fixtures;
mod icons;
mod keyboard;
mod many;
mod messages;
mod panels;
mod player;
mod portraits;
mod privacy;
mod progress;
mod quit;
mod recordings;
mod replay;
mod session_tools;
mod sessions;
mod settings;
mod streams;
mod strips;
mod who;
mod window_icon;
mod words;

/// Size of a new window, points.
const WINDOW_SIZE: [f32; 2] = [1280.0, 800.0];
/// In a smaller window panels would overlap, points.
const MIN_WINDOW_SIZE: [f32; 2] = [720.0, 480.0];

/// How to start.
#[derive(Clone)]
pub struct UiOptions {
    /// The first source; the first camera if `None`.
    pub source: Option<SourceSpec>,
    /// The first network.
    pub checkpoint: CheckpointChoice,
    /// A second network that reads the same faces.
    pub second: Option<CheckpointChoice>,
    /// Where the network runs.
    pub device: DeviceChoice,
    /// Closes the window from outside, and ends everything in it.
    pub quit: QuitRequest,
    /// Live outputs that are on from the start, and who can read them.
    pub stream: StreamOptions,
    /// Taps attached from the first frame until the window closes.
    pub taps: Vec<Arc<dyn Tap>>,
}

/// Shows the window and returns when it is closed.
///
/// # Errors
/// If there is no display, no graphics, or no thread; the message says what to do.
pub fn run(options: UiOptions) -> anyhow::Result<()> {
    check_display(|name| std::env::var_os(name))?;
    let system_language = Language::of_system();
    words::set_language(system_language); // Until the settings are known.
    let (settings, settings_warning, saver) = load_settings();
    let size = settings
        .window_size
        .map(|size| size.map(|side| side as f32));
    let native_options = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("fervis")
            .with_app_id("fervis")
            .with_icon(window_icon::window_icon())
            .with_inner_size(size.unwrap_or(WINDOW_SIZE))
            .with_maximized(settings.maximized)
            .with_min_inner_size(MIN_WINDOW_SIZE),
        ..NativeOptions::default()
    };
    let source = options
        .source
        .unwrap_or_else(|| SourceSpec::Camera(CameraChoice::default()));
    let create_app = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        let ctx = cc.egui_ctx.clone();
        let wake = ctx.clone();
        options.quit.on_request(move || wake.request_repaint());
        let config = PipelineConfig {
            source: None, // `App` opens it once all taps are attached.
            checkpoint: options.checkpoint,
            second: options.second,
            device: options.device,
            settings: settings.pipeline_settings(),
            pacing: Pacing::Realtime,
        };
        let pipeline = Pipeline::start(config, move || ctx.request_repaint())?;
        let taps = options.taps.into_iter().map(|tap| pipeline.attach(tap));
        let taps = taps.collect();
        let app = App::new(
            &cc.egui_ctx,
            Box::new(pipeline),
            AppConfig {
                source,
                quit: options.quit,
                stream: options.stream,
                taps,
                settings,
                settings_warning,
                saver,
                system_language,
                list_cameras: Arc::new(list_cameras),
            },
        );
        Ok(Box::new(app))
    };
    eframe::run_native("fervis", native_options, Box::new(create_app))
        .map_err(|err| anyhow!("{}", explain(&err.to_string())))
}

/// The cameras of this computer, for the Source menu.
fn list_cameras() -> Vec<ListedCamera> {
    let listed = |device: CameraDevice| ListedCamera {
        name: device.name,
        problem: device.problem.map(|problem| problem.to_string()),
    };
    capture::cameras().into_iter().map(listed).collect()
}

/// The settings of the last run, what is wrong with them, and the thread that writes them.
fn load_settings() -> (UiSettings, Option<String>, Option<Saver>) {
    let Some(path) = settings::default_path(|name| std::env::var_os(name)) else {
        return (UiSettings::default(), None, None);
    };
    let (settings, warning) = match UiSettings::load(&path) {
        Ok(settings) => (settings, None),
        Err(warning) => (UiSettings::default(), Some(warning)),
    };
    let saver = Saver::start(path)
        .context("settings will not be saved")
        .inspect_err(|err| log::warn!("{err:#}"))
        .ok();
    (settings, warning, saver)
}

/// Fails early, with advice, where no window can be shown. `variable` reads the environment.
fn check_display(variable: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<()> {
    // On other systems a display does not depend on the environment.
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return Ok(());
    }
    let has_display = ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"]
        .into_iter()
        .any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    if !has_display {
        bail!(
            "no display found (neither DISPLAY nor WAYLAND_DISPLAY is set); \
             to run without a window, try `fervis analyze demo`"
        );
    }
    Ok(())
}

/// An error of the window system, with what to do.
fn explain(error: &str) -> String {
    format!(
        "cannot open a window: {error}; {}, or run without a window: \
         `fervis analyze demo`",
        remedy(&error.to_lowercase())
    )
}

#[cfg(all(unix, not(target_os = "macos")))]
fn remedy(error: &str) -> &'static str {
    // Packages of Debian and Ubuntu, found by adding one at a time to a bare system.
    if error.contains("xlib") || error.contains("xkbcommon") || error.contains("xcb") {
        "install libx11-6 libx11-xcb1 libxi6 libxcursor1 libxkbcommon-x11-0"
    } else if error.contains("glutin") || error.contains("egl") || error.contains("opengl") {
        "install libegl1 libgl1"
    } else if error.contains("wayland") {
        "install libwayland-client0 libwayland-egl1 libxkbcommon0"
    } else {
        "check that the display works"
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn remedy(error: &str) -> &'static str {
    // As in a remote desktop, or with the driver that Windows brings.
    if error.contains("glutin") || error.contains("opengl") {
        "install the graphics driver of the computer's maker, which brings OpenGL"
    } else {
        "check that the display works"
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn without_a_display_the_error_says_what_to_do() {
        let check = |set: &'static [(&str, &str)]| {
            check_display(move |name| {
                let (_, value) = set.iter().find(|(other, _)| *other == name)?;
                Some(OsString::from(value))
            })
        };
        let error = check(&[("DISPLAY", "")]).unwrap_err().to_string();
        assert!(error.contains("fervis analyze demo"), "{error}");
        assert!(check(&[("DISPLAY", ":0")]).is_ok());
        assert!(check(&[("WAYLAND_DISPLAY", "wayland-0")]).is_ok());
    }

    #[test]
    fn errors_of_the_window_system_name_packages() {
        let check = |error: &str, package: &str| {
            let text = explain(error);
            assert!(text.contains(package) && text.contains(error), "{text}");
        };
        check("Failed to load one of xlib's shared libraries", "libx11-6");
        check("Found no glutin configs matching the template", "libegl1");
        check("the broken pipe", "check that the display works");
    }
}
