//! What the window says when a setting changes, and which settings differ from the defaults.
//!
//! Keys change settings without a menu in sight. Each change is said, so that nobody measures with another setting than
//! they believe.

use super::{settings::UiSettings, words::text};
use crate::{detect::Detector, model::Views, privacy::Effect};

/// A setting that a key or a menu changes.
struct Setting {
    /// Whether it differs between two sets.
    differs: fn(&UiSettings, &UiSettings) -> bool,
    /// It in words.
    words: fn(&UiSettings) -> String,
    /// Takes it from another set. `None` if it changes only what is shown, not what is measured or recorded.
    copy: Option<fn(&mut UiSettings, &UiSettings)>,
}

/// A setting by the name of its field.
macro_rules! setting {
    (measured $field:ident, $words:expr) => {
        Setting {
            differs: |a, b| a.$field != b.$field,
            words: $words,
            copy: Some(|to, from| to.$field = from.$field),
        }
    };
    (shown $field:ident, $words:expr) => {
        Setting {
            differs: |a, b| a.$field != b.$field,
            words: $words,
            copy: None,
        }
    };
}

const SETTINGS: [Setting; 13] = [
    setting!(measured smoothing_ms, |settings| match settings.smoothing_ms {
        0 => text!("changed-smoothing-off").to_owned(),
        ms => text!("changed-smoothing", ms = ms),
    }),
    setting!(measured views, |settings| {
        on_off(text!("keys-averaging"), settings.views == Views::Flip)
    }),
    setting!(measured uncertain_below_percent, |settings| {
        match settings.uncertain_below_percent {
            Some(percent) => text!("changed-uncertain", percent = percent),
            None => text!("changed-own-threshold").to_owned(),
        }
    }),
    setting!(measured detector, |settings| match settings.detector {
        Detector::Both => text!("changed-all-detectors").to_owned(),
        Detector::Rustface => text!("changed-rustface").to_owned(),
    }),
    setting!(measured min_face_size_px, |settings| {
        text!("changed-min-face", px = settings.min_face_size_px)
    }),
    setting!(measured privacy, |settings| {
        let words = match settings.privacy {
            None => text!("changed-privacy-off"),
            Some(Effect::Pixelate) => text!("changed-privacy-pixelate"),
            Some(Effect::Blur) => text!("changed-privacy-blur"),
        };
        words.to_owned()
    }),
    setting!(shown mirror_webcams, |settings| on_off(text!("view-mirror"), settings.mirror_webcams)),
    setting!(shown mirror_others, |settings| on_off(text!("view-mirror"), settings.mirror_others)),
    setting!(shown boxes, |settings| on_off(text!("view-boxes"), settings.boxes)),
    setting!(shown mesh, |settings| on_off(text!("view-mesh"), settings.mesh)),
    setting!(shown timeline, |settings| on_off(text!("view-timeline"), settings.timeline)),
    setting!(shown loop_files, |settings| on_off(text!("keys-loop"), settings.loop_files)),
    setting!(shown bars, |settings| on_off(text!("view-bars"), settings.bars)),
];

fn on_off(name: &str, on: bool) -> String {
    match on {
        true => text!("changed-on", name = name),
        false => text!("changed-off", name = name),
    }
}

/// The setting that has changed, in words; `None` if none of those that are said has.
pub fn readout(before: &UiSettings, after: &UiSettings) -> Option<String> {
    let changed = SETTINGS
        .iter()
        .find(|setting| (setting.differs)(before, after))?;
    Some((changed.words)(after))
}

/// In words, the settings that differ from the defaults and change what is measured or recorded.
pub fn unusual(settings: &UiSettings) -> Vec<String> {
    let defaults = UiSettings::default();
    let differ = SETTINGS
        .iter()
        .filter(|setting| setting.copy.is_some() && (setting.differs)(settings, &defaults));
    differ.map(|setting| (setting.words)(settings)).collect()
}

/// Sets these to their defaults.
pub fn reset(settings: &mut UiSettings) {
    let defaults = UiSettings::default();
    for copy in SETTINGS.iter().filter_map(|setting| setting.copy) {
        copy(settings, &defaults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_said_in_words() {
        let before = UiSettings::default();
        let said = |change: fn(&mut UiSettings)| {
            let mut after = before.clone();
            change(&mut after);
            readout(&before, &after)
        };
        assert_eq!(said(|_| {}), None);
        assert_eq!(
            said(|settings| settings.smoothing_ms = 500).as_deref(),
            Some("Smoothing 500 ms")
        );
        assert_eq!(
            said(|settings| settings.views = Views::Flip).as_deref(),
            Some("Mirror averaging on")
        );
        assert_eq!(said(|settings| settings.osc_port = 9001), None);
    }

    #[test]
    fn what_is_measured_can_be_reset_and_the_rest_stays() {
        let mut settings = UiSettings {
            smoothing_ms: 0,
            detector: Detector::Rustface,
            boxes: false,
            ..UiSettings::default()
        };
        assert_eq!(unusual(&settings), ["Smoothing off", "rustface alone"]);
        reset(&mut settings);
        assert_eq!(unusual(&settings), Vec::<String>::new());
        assert!(!settings.boxes);
    }
}
