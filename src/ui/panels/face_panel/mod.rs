//! The side panel: the probabilities of each face.
//!
//! Faces keep their positions whatever the numbers do. More than a few are folded to a line each, which opens with a click.

mod card;
mod rows;
#[cfg(test)]
mod tests;

use egui::{Key, RichText, ScrollArea, Ui};

pub use self::card::strip_ui;
use self::card::{Card, MAX_NAME_WIDTH, Naming, name_id, name_ui};
use crate::{
    detect::TrackId,
    pipeline::{FaceAnalysis, face_names::FaceNames},
    ui::{
        commands::Command, keyboard, portraits::Portraits, strips::Strips, who::who, words::text,
    },
};

/// More faces than this are folded to a line each. Three are as many as fit a window of 800 points.
const MAX_UNFOLDED: usize = 3;

/// Why there are no faces to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaceHint {
    /// The first network is being loaded.
    Loading,
    /// There is no network.
    NoNetwork,
    /// The first frame is being searched.
    Searching,
    /// The frame has no face.
    NoFace {
        /// Smaller faces are ignored, px.
        min_face_size_px: u32,
    },
    /// There is no frame.
    NoFrame,
    /// The session has no face at this time.
    NotSeen,
}

/// What the panel shows.
pub struct FacePanelData<'a> {
    /// The faces of one frame, in the order in which they are listed.
    pub faces: &'a [FaceAnalysis],
    /// Below this probability, 0 to 1, no label is named for a face; its bars do not change.
    pub uncertain_below: f32,
    /// Why there are no faces.
    pub hint: FaceHint,
    /// The tracks that stay visible while faces are covered; `None` if privacy is off.
    pub shown: Option<&'a [TrackId]>,
    /// What the faces are called, by their tracks.
    pub names: &'a FaceNames,
    /// What they look like; `None` while faces are covered.
    pub portraits: Option<&'a Portraits>,
    /// Whether the view, and with it each portrait, is flipped left to right.
    pub mirror: bool,
    /// The last minute of each face; `None` where a timeline shows it.
    pub strips: Option<&'a mut Strips>,
    /// The two networks that read the faces, if there are two.
    pub networks: Option<NetworkPair<'a>>,
}

/// Two networks that read the same faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkPair<'a> {
    /// The name of the current one.
    pub first: &'a str,
    /// The name of the one beside it.
    pub second: &'a str,
    /// The share of faces that both gave the same label over the last minute, 0 to 1, if known.
    pub agreement: Option<f32>,
}

/// The panel.
#[derive(Debug, Default)]
pub struct FacePanel {
    naming: Option<Naming>,
}

impl FacePanel {
    /// Draws the panel's content.
    pub fn ui(&mut self, ui: &mut Ui, data: FacePanelData<'_>) -> Option<Command> {
        let FacePanelData {
            faces,
            uncertain_below,
            hint,
            shown,
            names,
            portraits,
            mirror,
            mut strips,
            networks,
        } = data;
        let mut command = None;
        let opened = self.name_next(ui, faces);
        // Without this a short hint would make the panel shrink, and the frame jump.
        ui.take_available_width();
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new(text!("faces")).heading().size(17.0));
            if !faces.is_empty() {
                ui.label(RichText::new(faces.len().to_string()).weak().size(17.0));
            }
        });
        ui.add_space(2.0);
        if faces.is_empty() {
            hint_ui(ui, hint);
            let command = self.absent_ui(ui, faces, names);
            return self.keep_name(ui, names).or(command);
        }
        ui.label(
            RichText::new(match faces.iter().any(|face| face.corrected.is_some()) {
                true => text!("faces-legend-corrected"),
                false => text!("faces-legend"),
            })
            .small()
            .weak(),
        );
        if let Some(networks) = networks {
            networks_ui(ui, networks);
        }
        ui.add_space(4.0);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for (face_idx, face) in faces.iter().enumerate() {
                if face_idx > 0 {
                    ui.add_space(4.0);
                    ui.separator();
                }
                let card = Card {
                    face,
                    name: names.get(face.track.0),
                    who: who(names, face.track, face.number),
                    portrait: portraits.and_then(|portraits| portraits.of(face.track)),
                    mirror,
                    opens: opened == Some(face.track),
                    label: face.shown(uncertain_below),
                    is_open: shown.map(|shown| shown.contains(&face.track)),
                    second: networks.map(|networks| networks.second),
                };
                let asked = if faces.len() > MAX_UNFOLDED {
                    card.folded_ui(ui, &mut self.naming, strips.as_deref_mut())
                } else {
                    card.ui(ui, &mut self.naming, strips.as_deref_mut())
                };
                command = asked.or(command.take());
            }
            command = self.absent_ui(ui, faces, names).or(command.take());
            ui.add_space(8.0);
        });
        self.keep_name(ui, names).or(command)
    }

    /// With the key for it, goes to the name of the face after the one whose name is being written, or of the first one.
    fn name_next(&self, ui: &Ui, faces: &[FaceAnalysis]) -> Option<TrackId> {
        if !ui.input_mut(|input| input.consume_shortcut(&keyboard::NAME_FACE)) {
            return None;
        }
        let now = self.naming.as_ref().map(|naming| naming.track);
        let at = faces.iter().position(|face| Some(face.track) == now);
        let next = at.map_or(0, |at| (at + 1) % faces.len());
        let track = faces.get(next)?.track;
        ui.memory_mut(|memory| memory.request_focus(name_id(track)));
        Some(track)
    }

    /// Keeps the name that was being written once its field has lost the focus: by Enter, by a click elsewhere, or because
    /// its card was folded. Not by Escape.
    fn keep_name(&mut self, ui: &Ui, names: &FaceNames) -> Option<Command> {
        let is_written =
            |naming: &mut Naming| ui.memory(|memory| memory.has_focus(name_id(naming.track)));
        let done = self.naming.take_if(|naming| !is_written(naming))?;
        let is_kept = !ui.input(|input| input.key_pressed(Key::Escape));
        let is_new = names.get(done.track.0).unwrap_or_default() != done.text;
        (is_kept && is_new).then(|| done.command())
    }

    /// Draws the field of a name that is being written while its face is not in view: nothing that is typed is lost.
    fn absent_ui(
        &mut self,
        ui: &mut Ui,
        faces: &[FaceAnalysis],
        names: &FaceNames,
    ) -> Option<Command> {
        let Naming { track, number, .. } = *self.naming.as_ref()?;
        if faces.iter().any(|face| face.track == track) {
            return None;
        }
        ui.add_space(6.0);
        ui.label(RichText::new(text!("face-absent", number = number)).weak());
        let name = names.get(track.0);
        name_ui(ui, MAX_NAME_WIDTH, track, number, name, &mut self.naming)
    }
}

/// Which bar is whose, and how often the networks agree.
fn networks_ui(ui: &mut Ui, networks: NetworkPair<'_>) {
    let NetworkPair {
        first,
        second,
        agreement,
    } = networks;
    let mut words = text!("second-bars", first = first, second = second);
    if let Some(share) = agreement {
        let percent = format!("{:.0}", share * 100.0);
        words.push(' ');
        words.push_str(&text!("second-agreement", percent = percent));
    }
    ui.label(RichText::new(words).small().weak())
        .on_hover_text(text!("second-agreement-hint"));
}

fn hint_ui(ui: &mut Ui, hint: FaceHint) {
    let (title, body) = match hint {
        FaceHint::Loading => (
            text!("faces-loading"),
            text!("faces-loading-hint").to_owned(),
        ),
        FaceHint::NoNetwork => (
            text!("faces-no-network"),
            text!("faces-no-network-hint").to_owned(),
        ),
        FaceHint::Searching => (
            text!("faces-searching"),
            text!("faces-searching-hint").to_owned(),
        ),
        FaceHint::NoFace { min_face_size_px } => (
            text!("faces-none"),
            text!("faces-none-hint", px = min_face_size_px),
        ),
        FaceHint::NotSeen => (
            text!("faces-not-seen"),
            text!("faces-not-seen-hint").to_owned(),
        ),
        FaceHint::NoFrame => (
            text!("faces-no-frame"),
            text!("faces-no-frame-hint").to_owned(),
        ),
    };
    ui.add_space(10.0);
    ui.label(title);
    ui.label(RichText::new(body).weak());
}
