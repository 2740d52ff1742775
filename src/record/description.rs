//! The description of a session as it begins, and the words for later changes.

use std::{path::Path, time::Instant};

use jiff::tz::TimeZone;

use super::{RecordingConfig, VideoChoice, clock::WallClock};
use crate::{
    capture::SourceSpec,
    expression::Labels,
    model::CheckpointInfo,
    percentiles::DurationHistogram,
    pipeline::{Settings, face_names::FaceNames},
    privacy::Effect,
    session::manifest::{self, Manifest, SCHEMA, Status},
};

/// A network as the description lists it.
pub(super) fn manifest_model(info: &CheckpointInfo) -> manifest::Model {
    manifest::Model {
        name: info.name.clone(),
        architecture: info.architecture.clone(),
        path: info.path.as_deref().map(display),
        sha256: info.sha256.clone(),
        labels: info.outputs.clone(),
        temperature: info.temperature,
        uncertain_below: info.uncertain_below,
    }
}

/// What is known when a recording begins.
pub(super) fn first_manifest(config: &RecordingConfig, wall: &WallClock) -> Manifest {
    let now = Instant::now();
    let info = config.info.as_ref();
    let settings = config.settings;
    Manifest {
        schema: SCHEMA.to_owned(),
        app: manifest::App {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        about: config.about.clone(),
        marker_keys: config.marker_keys.clone(),
        face_names: FaceNames::default(),
        status: Status::Recording,
        started: wall.rfc3339(now),
        ended: None,
        length_s: None,
        ended_because: None,
        clock: manifest::Clock {
            zero_unix_s: wall.unix_s(now),
            time_zone: TimeZone::system().iana_name().map(str::to_owned),
            time_s: "Seconds since the first frame by the source's own time, or by a clock that never jumps where the user \
                  sought or paused a file; unix_s is the wall clock when the recording began, continued by a clock \
                  that never jumps."
                .to_owned(),
        },
        source: manifest::Source {
            kind: source_kind(&config.source).to_owned(),
            name: info.map(|info| info.name.clone()).unwrap_or_default(),
            path: source_path(&config.source),
            width: info.map_or(0, |info| info.resolution.width_px),
            height: info.map_or(0, |info| info.resolution.height_px),
            nominal_rate_hz: info.and_then(|info| info.rate_hz),
            format: info.map(|info| info.format.clone()).unwrap_or_default(),
            n_bytes: source_bytes(&config.source),
        },
        device: config.device.clone(),
        models: Vec::new(),
        second_models: Vec::new(),
        settings: manifest::Settings {
            privacy: config.privacy.as_ref().map(|privacy| privacy_words(privacy.effect).to_owned()),
            uncertain_below: config.uncertain_below,
            ..manifest_settings(settings, config.video)
        },
        video: Vec::new(),
        counts: manifest::Counts::default(),
        latency_ms: manifest::Latency::default(),
        labels: Labels::FER_2013,
        columns: Manifest::data_dictionary(Labels::FER_2013),
        recovery: None,
    }
}

/// The settings as the description lists them, without privacy and threshold.
pub(crate) fn manifest_settings(settings: Settings, video: VideoChoice) -> manifest::Settings {
    manifest::Settings {
        smoothing_s: settings.smoothing.as_secs_f64(),
        views: settings.views,
        detector: settings.detect.detector,
        min_face_size_px: settings.detect.min_face_size_px,
        score_threshold: settings.detect.score_threshold,
        video: video.name().to_owned(),
        privacy: None,
        uncertain_below: None,
    }
}

/// The settings that changed, in the words of the description.
pub(super) fn changed_settings(before: Settings, now: Settings) -> Vec<String> {
    let (detect, detect_before) = (now.detect, before.detect);
    let mut words = Vec::new();
    if now.smoothing != before.smoothing {
        words.push(format!("smoothing_s {}", now.smoothing.as_secs_f64()));
    }
    if now.views != before.views {
        words.push(format!("views {}", now.views.name()));
    }
    if detect.detector != detect_before.detector {
        words.push(format!("detector {}", detect.detector.name()));
    }
    if detect.min_face_size_px != detect_before.min_face_size_px {
        words.push(format!("min_face_size_px {}", detect.min_face_size_px));
    }
    if detect.score_threshold != detect_before.score_threshold {
        words.push(format!("score_threshold {}", detect.score_threshold));
    }
    words
}

/// Median and 95th percentile, ms.
pub(super) fn latency_ms(latencies: &DurationHistogram) -> manifest::Latency {
    let percentile = |percent| {
        let latency = latencies.percentile(percent)?;
        Some(latency.as_micros() as f64 / 1000.0)
    };
    manifest::Latency {
        p50: percentile(50),
        p95: percentile(95),
    }
}

/// How faces are covered in the video, in words.
pub(super) fn privacy_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Pixelate => "faces are pixelated",
        Effect::Blur => "faces are blurred",
    }
}

fn source_kind(source: &SourceSpec) -> &'static str {
    match source {
        SourceSpec::Camera(_) => "camera",
        SourceSpec::Demo => "demo",
        SourceSpec::Path(_) => "file",
    }
}

fn source_path(source: &SourceSpec) -> Option<String> {
    match source {
        SourceSpec::Path(path) => {
            // The session may be opened from another working directory.
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Some(display(&absolute))
        }
        _ => None,
    }
}

/// The size of a file, bytes; `None` for any other source.
fn source_bytes(source: &SourceSpec) -> Option<u64> {
    let SourceSpec::Path(path) = source else {
        return None;
    };
    let metadata = path.metadata().ok()?;
    metadata.is_file().then_some(metadata.len())
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
