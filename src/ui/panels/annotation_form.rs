//! The window in which a marker or an excluded span of a session is written or changed.

use egui::{Context, Grid, Ui};

use super::form;
use crate::{
    session::{
        annotations::Place,
        tables::{AnnotationKind, AnnotationRow},
    },
    time::{Ticks, clock, parse_clock},
    ui::{colors, commands::Command, words::text},
};

/// Maximum length of a note, characters.
const MAX_CHARS: usize = 500;

/// A marker or a span while it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotationForm {
    /// Where it stands; `None` for a new marker.
    pub place: Option<Place>,
    before: AnnotationRow,
    time: String,
    end: String,
    detail: String,
    has_focus: bool,
}

impl AnnotationForm {
    /// A form for what stands at `place`, or for a new marker.
    pub fn new(place: Option<Place>, row: AnnotationRow) -> Self {
        let words = |time: Ticks| format!("{:.3}", clock(time.into()));
        Self {
            place,
            time: words(row.time),
            end: row.end.map(words).unwrap_or_default(),
            detail: row.detail.clone(),
            before: row,
            has_focus: false,
        }
    }

    /// A form for a new marker.
    pub fn new_marker(time: Ticks) -> Self {
        let row = AnnotationRow {
            kind: AnnotationKind::Marker,
            time,
            end: None,
            recorded: None,
            detail: String::new(),
        };
        Self::new(None, row)
    }

    /// What was written, or what is wrong with it.
    pub fn row(&self) -> Result<AnnotationRow, &'static str> {
        let words = |time: Ticks| format!("{:.3}", clock(time.into()));
        let read = |text: &str, before: Option<Ticks>| match before {
            // Not rounded if it was not changed.
            Some(before) if words(before) == text => Ok(before),
            _ => parse_clock(text)
                .map(Ticks::from)
                .ok_or(text!("annotation-times")),
        };
        let time = read(&self.time, Some(self.before.time))?;
        let end = match self.before.kind {
            AnnotationKind::Excluded => Some(read(&self.end, self.before.end)?),
            AnnotationKind::Marker | AnnotationKind::Removed => None,
        };
        if end.is_some_and(|end| end <= time) {
            return Err(text!("annotation-order"));
        }
        Ok(AnnotationRow {
            time,
            end,
            detail: self.detail.trim().to_owned(),
            ..self.before.clone()
        })
    }

    /// Draws the window. [`Command::EndAnnotation`] ends it.
    pub fn ui(&mut self, ctx: &Context) -> Option<Command> {
        let mut command = None;
        let title = match self.before.kind {
            AnnotationKind::Excluded => text!("annotation-excluded"),
            AnnotationKind::Marker | AnnotationKind::Removed => text!("marker"),
        };
        form::window_ui(ctx, title, 360.0, |ui| {
            let entered = self.fields_ui(ui);
            let problem = self.row().err();
            let palette = colors::palette(ctx.theme());
            // The line is always there, so that the buttons do not move.
            ui.colored_label(palette.error, problem.unwrap_or_default());
            ui.horizontal(|ui| {
                let ended = form::end_ui(ui, problem.is_none(), entered);
                command = ended.map(Command::EndAnnotation);
            });
        });
        command
    }

    /// Whether Enter was pressed in one of the fields.
    fn fields_ui(&mut self, ui: &mut Ui) -> bool {
        let is_span = self.before.kind == AnnotationKind::Excluded;
        let (what, begins) = match is_span {
            true => (text!("annotation-why"), text!("annotation-from")),
            false => (text!("annotation-what"), text!("annotation-time")),
        };
        let mut fields = vec![(what, &mut self.detail), (begins, &mut self.time)];
        if is_span {
            fields.push((text!("annotation-until"), &mut self.end));
        }
        let mut entered = false;
        let has_focus = &mut self.has_focus;
        Grid::new("annotation")
            .num_columns(2)
            .spacing([12.0, 6.0])
            .show(ui, |ui| {
                for (name, text) in fields {
                    entered |= form::field_ui(ui, name, (text, MAX_CHARS), 260.0, has_focus);
                    ui.end_row();
                }
            });
        entered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span() -> AnnotationRow {
        AnnotationRow {
            kind: AnnotationKind::Excluded,
            time: Ticks(90_001),
            end: Some(Ticks(180_000)),
            recorded: None,
            detail: "looked away".to_owned(),
        }
    }

    #[test]
    fn times_that_are_not_changed_stay_exact() {
        let form = AnnotationForm::new(Some(Place::Annotation(0)), span());
        assert_eq!(form.time, "0:01.000");
        assert_eq!(form.row(), Ok(span()));
    }

    #[test]
    fn wrong_times_are_named() {
        let mut form = AnnotationForm::new(None, span());
        form.end = "0:00.5".to_owned();
        assert_eq!(form.row(), Err("The span ends before it begins."));
        form.end = "soon".to_owned();
        assert_eq!(form.row(), Err("Write times as 12:04.5."));
        form.end = "1:00".to_owned();
        assert_eq!(form.row().unwrap().end, Some(Ticks(5_400_000)));
    }
}
