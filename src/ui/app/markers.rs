//! Markers in the window: by keys, by other programs, and the answers to them.

use std::sync::Arc;

use egui::Context;

use super::App;
use crate::{
    pipeline::markers::{MarkerRelay, MarkerSet},
    time::clock,
    ui::{
        annotation_saver::AnnotationSaver,
        commands::Command,
        panels::{annotation_form::AnnotationForm, marker_form::MarkerForm},
        words::text,
    },
};

/// Longer texts of markers are cut on the frame, characters.
const MAX_SHOWN_CHARS: usize = 40;

/// What the window keeps about markers.
#[derive(Default)]
pub(super) struct Markers {
    /// A marker or an excluded span of the open session that is being written.
    pub annotation: Option<AnnotationForm>,
    /// Started with the first annotation.
    pub saver: Option<AnnotationSaver>,
    form: Option<MarkerForm>,
    relay: Arc<MarkerRelay>,
}

impl Markers {
    /// The way from other programs to the recording.
    pub fn relay(&self) -> Arc<MarkerRelay> {
        Arc::clone(&self.relay)
    }

    /// Whether a form is open; it has its own Cancel.
    pub fn is_form_open(&self) -> bool {
        self.form.is_some() || self.annotation.is_some()
    }

    /// Draws the form that is open.
    pub fn ui(&mut self, ctx: &Context) -> Option<Command> {
        match (&mut self.annotation, &mut self.form) {
            (Some(form), _) => form.ui(ctx),
            (None, Some(form)) => form.ui(ctx),
            (None, None) => None,
        }
    }
}

impl App {
    /// Shows a marker that was set.
    pub(super) fn take_markers(&mut self, now_s: f64) {
        if let Some(marker) = self.recordings.take_marker() {
            self.readout.show(words(&marker));
            self.strips.mark();
        }
        self.take_annotation_failures(now_s);
    }

    pub(super) fn execute_marker(&mut self, command: Command, ctx: &Context) {
        if self.annotate(&command, ctx) {
            return;
        }
        match command {
            Command::SetMarker => self.recordings.mark(""),
            Command::SetNamedMarker(digit) => {
                if let Some(words) = self.settings.marker_keys.words(digit) {
                    self.recordings.mark(words);
                }
            }
            Command::SetMarkerWithNote => self.recordings.begin_note(),
            Command::EndNote(set) => self.recordings.end_note(set),
            Command::SetNeutral(learn) => {
                self.engine.set_neutral(learn);
                if learn {
                    self.readout.show(text!("neutral-hold").to_owned());
                }
            }
            Command::BeginMarkerKeys => {
                let keys = self.settings.marker_keys.clone();
                self.markers.form = Some(MarkerForm::new(keys));
            }
            Command::EndMarkerKeys(kept) => {
                if let Some(form) = self.markers.form.take().filter(|_| kept) {
                    self.settings.marker_keys = form.keys.tidy();
                    self.save_settings();
                }
            }
            _ => {}
        }
    }
}

/// "Marker 3 · 12:04", and what it says.
fn words(marker: &MarkerSet) -> String {
    let words = text!(
        "marker-set",
        number = marker.number,
        time = clock(marker.time).to_string()
    );
    match marker.text.is_empty() {
        true => words,
        false => format!("{words} · {}", shortened(&marker.text)),
    }
}

/// A text that fits on the frame.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
