//! What the user says about an open session: markers and excluded spans, which are written beside the recording.

use std::{path::PathBuf, time::Duration};

use egui::Context;

use super::{App, markers::shortened};
use crate::{
    session::{annotations::Place, tables::EventRow},
    time::{Ticks, clock},
    ui::{
        annotation_saver::{AnnotationSaver, Said},
        commands::Command,
        keyboard,
        messages::Severity,
        panels::annotation_form::AnnotationForm,
        replay::{Excluding, Replay},
        words::text,
    },
};

impl App {
    /// Runs a command about markers in the open session; `false` if there is none, so that the command is about the
    /// recording.
    pub(super) fn annotate(&mut self, command: &Command, ctx: &Context) -> bool {
        let position = self.player_status().map(|status| status.position);
        let now_s = ctx.input(|input| input.time);
        let Some(replay) = &mut self.replay else {
            return false;
        };
        let position = position.unwrap_or_default();
        let mut words = None;
        match command {
            Command::SetMarker => {
                replay.notes.add_marker(position, String::new());
                words = Some(format!("{} · {}", text!("marker"), clock(position)));
            }
            Command::SetNamedMarker(digit) => {
                let Some(text) = self.settings.marker_keys.words(*digit) else {
                    return true;
                };
                words = Some(format!(
                    "{} · {} · {}",
                    text!("marker"),
                    clock(position),
                    shortened(text)
                ));
                replay.notes.add_marker(position, text.to_owned());
            }
            Command::SetMarkerWithNote => {
                self.markers.annotation = Some(AnnotationForm::new_marker(position.into()));
                return true;
            }
            Command::Exclude => words = Some(excluding(replay.notes.exclude(position))),
            Command::EditAnnotation(place) => {
                let recorded = replay.recorded_events();
                let row = replay.notes.annotations().at(*place, recorded);
                self.markers.annotation = row.map(|row| AnnotationForm::new(Some(*place), row));
                return true;
            }
            Command::EndAnnotation(kept) => {
                let form = self.markers.annotation.take().filter(|_| *kept);
                let Some((place, row)) = form.and_then(|form| Some((form.place, form.row().ok()?)))
                else {
                    return true;
                };
                match place {
                    Some(place) => replay.notes.set(place, row),
                    None => replay.notes.add_marker(row.time.into(), row.detail),
                }
            }
            Command::MoveAnnotation(place) => {
                let (notes, recorded) = replay.notes_mut();
                notes.move_to(*place, position, recorded);
            }
            Command::RemoveAnnotation(place) => {
                words = Some(removed(replay, *place, ctx));
                let (notes, recorded) = replay.notes_mut();
                notes.remove(*place, recorded);
            }
            Command::UndoAnnotation => {
                let is_undone = replay.notes.undo();
                words = Some(match is_undone {
                    true => text!("annotation-undone").to_owned(),
                    false => text!("annotation-not-undone").to_owned(),
                });
            }
            // A session is as it was recorded.
            Command::SetNeutral(_) => return true,
            _ => return false,
        }
        replay.show_notes();
        if let Some(words) = words {
            self.readout.show(words);
        }
        self.save_annotations(ctx, now_s);
        true
    }

    /// Writes the open session's annotations in the background, if they have changed.
    fn save_annotations(&mut self, ctx: &Context, now_s: f64) {
        let Some((folder, annotations)) = self.replay.as_mut().and_then(Replay::take_changed)
        else {
            return;
        };
        self.save_said(folder, Said::Annotations(annotations), ctx, now_s);
    }

    /// Writes what was said about a session in the background.
    pub(super) fn save_said(&mut self, folder: PathBuf, said: Said, ctx: &Context, now_s: f64) {
        if self.markers.saver.is_none() {
            match AnnotationSaver::start(ctx) {
                Ok(saver) => self.markers.saver = Some(saver),
                Err(error) => {
                    let text = text!("annotation-not-kept", reason = error.to_string());
                    self.notices.post(Severity::Error, text, now_s);
                }
            }
        }
        if let Some(saver) = &self.markers.saver {
            saver.save(folder, said);
        }
    }

    /// Says what could not be written.
    pub(super) fn take_annotation_failures(&mut self, now_s: f64) {
        let failures = self.markers.saver.as_ref();
        let failures = failures.map(|saver| std::iter::from_fn(|| saver.take_failure()));
        for (severity, text) in failures.into_iter().flatten() {
            self.notices.post(severity, text, now_s);
        }
    }
}

fn excluding(outcome: Excluding) -> String {
    let time = |time: Duration| format!("{:.1}", clock(time));
    match outcome {
        Excluding::Begun(from) => {
            text!("annotation-excluding", from = time(from))
        }
        Excluding::Done(from, to) => {
            text!("annotation-excluded-span", from = time(from), to = time(to))
        }
        Excluding::Canceled => text!("annotation-none-excluded").to_owned(),
    }
}

fn removed(replay: &Replay, place: Place, ctx: &Context) -> String {
    let recorded: &[EventRow] = replay.recorded_events();
    let row = replay.notes.annotations().at(place, recorded);
    let time: Ticks = row.map(|row| row.time).unwrap_or_default();
    text!(
        "annotation-deleted",
        time = format!("{:.1}", clock(time.into())),
        key = ctx.format_shortcut(&keyboard::UNDO)
    )
}
