//! The Analyze many window: which files, where their results go, and how far they are.

use std::path::{Path, PathBuf};

use egui::{
    Align, Context, DragValue, Label, Layout, ProgressBar, RichText, ScrollArea, TextEdit, Ui,
    Window, pos2, vec2,
};

use crate::{
    batch::{Pattern, default_n_jobs},
    ui::{
        colors,
        commands::Command,
        many::{Job, ManyState},
        words::text,
    },
};

/// Most files that are analyzed at the same time.
const MAX_JOBS: usize = 16;

/// What the user has chosen so far.
#[derive(Debug, Clone, PartialEq)]
pub struct ManyPanel {
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
    /// The folder of the results.
    pub out: Option<PathBuf>,
    /// What files' names say; may be empty.
    pub pattern: String,
    /// How many files are analyzed at the same time.
    pub n_jobs: usize,
}

impl Default for ManyPanel {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            out: None,
            pattern: String::new(),
            n_jobs: default_n_jobs(),
        }
    }
}

impl ManyPanel {
    /// Adds files and folders that are not there yet.
    pub fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            if !self.inputs.contains(&path) {
                self.inputs.push(path);
            }
        }
    }

    /// The pattern, if there is one.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn pattern(&self) -> Result<Option<Pattern>, String> {
        match self.pattern.trim() {
            "" => Ok(None),
            pattern => pattern.parse().map(Some),
        }
    }

    /// Draws the window while it is `open`.
    pub fn ui(&mut self, ctx: &Context, open: &mut bool, state: &ManyState) -> Option<Command> {
        let mut command = None;
        Window::new(text!("many-title"))
            .open(open)
            .collapsible(false)
            .default_pos(pos2(80.0, 70.0))
            .default_size(vec2(600.0, 440.0))
            .min_size(vec2(520.0, 300.0))
            .show(ctx, |ui| {
                command = if state.is_running {
                    running_ui(ui, state)
                } else {
                    self.choice_ui(ui, state)
                };
            });
        command
    }

    fn choice_ui(&mut self, ui: &mut Ui, state: &ManyState) -> Option<Command> {
        let mut command = None;
        ui.label(text!("many-purpose"));
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            if ui.button(text!("many-add-files")).clicked() {
                command = Some(Command::ChooseManyFiles);
            }
            if ui.button(text!("many-add-folder")).clicked() {
                command = Some(Command::ChooseManyFolder);
            }
            if !self.inputs.is_empty() && ui.button(text!("clear")).clicked() {
                self.inputs.clear();
            }
            ui.weak(text!("many-drop"));
        });
        let mut removed = None;
        ScrollArea::vertical()
            .id_salt("inputs")
            .max_height(110.0)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                for (at, input) in self.inputs.iter().enumerate() {
                    ui.horizontal(|ui| {
                        if ui.small_button(text!("many-remove")).clicked() {
                            removed = Some(at);
                        }
                        ui.add(Label::new(input.display().to_string()).truncate());
                    });
                }
            });
        if let Some(at) = removed {
            self.inputs.remove(at);
        }
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.label(text!("many-results"));
            if ui.button(text!("many-choose")).clicked() {
                command = Some(Command::ChooseManyOut);
            }
            match &self.out {
                Some(out) => ui.add(Label::new(out.display().to_string()).truncate()),
                None => ui.weak(text!("many-no-folder")),
            };
        });
        ui.horizontal(|ui| {
            let label = ui.label(text!("many-names"));
            let edit = TextEdit::singleline(&mut self.pattern)
                .hint_text("{participant}_{condition}")
                .desired_width(240.0);
            ui.add(edit).labelled_by(label.id);
            let label = ui.label(text!("many-jobs"));
            ui.add(DragValue::new(&mut self.n_jobs).range(1..=MAX_JOBS))
                .labelled_by(label.id);
        });
        let palette = colors::palette(ui.ctx().theme());
        let pattern = self.pattern();
        if let Err(reason) = &pattern {
            ui.colored_label(palette.error, reason);
        }
        ui.add_space(4.0);
        let is_ready = !self.inputs.is_empty() && self.out.is_some() && pattern.is_ok();
        ui.add_enabled_ui(is_ready, |ui| {
            if ui.button(text!("many-start")).clicked() {
                command = Some(Command::StartMany);
            }
        });
        if let Some(report) = &state.report {
            ui.separator();
            command = report_ui(ui, report, self.out.as_deref()).or(command);
        }
        command
    }
}

fn running_ui(ui: &mut Ui, state: &ManyState) -> Option<Command> {
    let mut command = None;
    let (share, text) = match state.n_files {
        None => (0.0, text!("many-looking").to_owned()),
        Some(0) => (1.0, text!("many-tables").to_owned()),
        Some(n_files) => {
            let share = state.n_done as f32 / n_files as f32;
            (
                share,
                text!("many-progress", done = state.n_done, all = n_files),
            )
        }
    };
    ui.horizontal(|ui| {
        let stop = match state.is_stopping {
            true => text!("many-stopping"),
            false => text!("many-stop"),
        };
        ui.add_enabled_ui(!state.is_stopping, |ui| {
            if ui.button(stop).clicked() {
                command = Some(Command::StopMany);
            }
        });
        ui.add(ProgressBar::new(share).text(text));
    });
    if state.n_finished > 0 {
        ui.weak(text!("many-finished-before", count = state.n_finished));
    }
    ui.add_space(6.0);
    for job in state.jobs.values() {
        job_ui(ui, job);
    }
    ui.separator();
    let palette = colors::palette(ui.ctx().theme());
    ScrollArea::vertical()
        .id_salt("lines")
        .auto_shrink([false, false])
        .stick_to_bottom(true)
        .show(ui, |ui| {
            for (text, is_bad) in &state.lines {
                let text = RichText::new(text);
                ui.label(if *is_bad {
                    text.color(palette.error)
                } else {
                    text
                });
            }
        });
    command
}

fn job_ui(ui: &mut Ui, job: &Job) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let frames = text!("many-frames", count = job.n_frames);
            match job.share {
                Some(share) => ui.add(ProgressBar::new(share).text(frames).desired_width(220.0)),
                None => ui.label(frames),
            };
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(&job.file).truncate());
            });
        });
    });
}

fn report_ui(
    ui: &mut Ui,
    report: &Result<crate::batch::Report, String>,
    out: Option<&Path>,
) -> Option<Command> {
    let palette = colors::palette(ui.ctx().theme());
    let report = match report {
        Ok(report) => report,
        Err(text) => {
            ui.colored_label(palette.error, text);
            return None;
        }
    };
    let mut command = None;
    ui.horizontal(|ui| {
        let n_failed = report.failures.len();
        ui.label(text!(
            "many-report",
            files = report.n_files,
            analyzed = report.n_analyzed,
            finished = report.n_finished,
            failed = n_failed
        ));
        if let Some(out) = out
            && ui.button(text!("show-folder")).clicked()
        {
            command = Some(Command::ShowFolder(out.to_owned()));
        }
    });
    ScrollArea::vertical()
        .id_salt("failures")
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for failure in &report.failures {
                let text = format!("{}: {}", failure.file, failure.reason);
                ui.colored_label(palette.error, text);
            }
        });
    command
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    fn clicked(panel: ManyPanel, state: ManyState, label: &'static str) -> Option<Command> {
        let mut harness = Harness::new_ui_state(
            move |ui, (panel, sent): &mut (ManyPanel, Option<Command>)| {
                let mut open = true;
                *sent = panel.ui(ui.ctx(), &mut open, &state).or(sent.take());
            },
            (panel, None),
        );
        harness.run_steps(3);
        harness.get_by_label(label).click();
        harness.run_steps(3);
        harness.into_state().1
    }

    #[test]
    fn it_starts_once_files_and_a_folder_are_chosen() {
        let mut panel = ManyPanel::default();
        assert_eq!(clicked(panel.clone(), ManyState::default(), "Start"), None);
        panel.add(["a.mp4".into(), "a.mp4".into()]);
        assert_eq!(panel.inputs.len(), 1, "once");
        panel.out = Some("results".into());
        let start = clicked(panel.clone(), ManyState::default(), "Start");
        assert_eq!(start, Some(Command::StartMany));
        panel.pattern = "{who}".to_owned();
        assert_eq!(clicked(panel, ManyState::default(), "Start"), None);
    }

    #[test]
    fn while_it_runs_it_can_be_stopped() {
        let state = ManyState {
            is_running: true,
            n_files: Some(40),
            n_done: 10,
            ..ManyState::default()
        };
        let stop = clicked(ManyPanel::default(), state, "Stop");
        assert_eq!(stop, Some(Command::StopMany));
    }
}
