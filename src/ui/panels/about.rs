//! The windows of the Help menu.

use egui::{Align2, Context, Grid, RichText, ScrollArea, Ui, Window, vec2};

use crate::{
    model::CheckpointInfo,
    ui::{commands::Command, keyboard, words::text},
};

/// Height of a window besides its content, with a little space around it, points.
const TITLE_BAR_AND_MARGINS: f32 = 90.0;

/// What the About window shows.
#[derive(Debug, Clone, Copy)]
pub struct AboutData<'a> {
    /// The current network.
    pub checkpoint: Option<&'a CheckpointInfo>,
    /// Where it runs, once known.
    pub device: Option<&'a str>,
}

/// The networks that find faces, each with its origin and license.
fn face_networks() -> [(&'static str, &'static str); 3] {
    [
        (text!("about-detector"), text!("about-short-range")),
        (text!("view-mesh"), text!("about-mesh")),
        (text!("about-second-detector"), text!("about-seetaface")),
    ]
}

/// Draws the About window while `open`. Returns what was asked for.
pub fn about_ui(ctx: &Context, open: &mut bool, data: AboutData<'_>) -> Option<Command> {
    let mut command = None;
    window_ui(ctx, text!("help-about"), open, |ui| {
        ui.set_width(500.0);
        ui.label(RichText::new(concat!("fervis ", env!("CARGO_PKG_VERSION"))).heading());
        ui.label(text!("about-purpose"));
        ui.add_space(6.0);
        ui.label(text!("about-privacy"));
        ui.label(text!("about-estimate"));
        ui.add_space(6.0);
        ui.separator();
        ui.add_space(4.0);
        facts_ui(ui, data);
        if let Some(assumed) = data.checkpoint.and_then(|info| info.assumed.as_ref()) {
            ui.add_space(4.0);
            ui.label(format!("{assumed}."));
            if ui.button(text!("about-change")).clicked() {
                command = Some(Command::AskAboutNetwork);
            }
        }
        ui.add_space(6.0);
        let license = text!("about-license", license = env!("CARGO_PKG_LICENSE"));
        ui.label(RichText::new(license).weak());
    });
    command
}

fn facts_ui(ui: &mut Ui, data: AboutData<'_>) {
    Grid::new("facts")
        .num_columns(2)
        .spacing(vec2(16.0, 4.0))
        .show(ui, |ui| {
            let mut row = |name: &str, value: &str| {
                ui.label(RichText::new(name).weak());
                ui.label(value);
                ui.end_row();
            };
            row(
                text!("about-device"),
                data.device.unwrap_or(text!("about-not-started")),
            );
            for (name, value) in face_networks() {
                row(name, value);
            }
            let Some(checkpoint) = data.checkpoint else {
                row(text!("about-network"), text!("about-not-loaded"));
                return;
            };
            row(text!("about-network"), &checkpoint.name);
            row(text!("about-architecture"), &checkpoint.architecture);
            row(
                text!("about-parameters"),
                &in_millions(checkpoint.n_parameters),
            );
            for (name, value) in &checkpoint.metrics {
                row(name, value);
            }
            // Sixteen digits are enough to tell files apart.
            row("SHA-256", checkpoint.sha256.get(..16).unwrap_or_default());
        });
}

/// Draws the list of keys while `open`.
pub fn keyboard_ui(ctx: &Context, open: &mut bool) {
    window_ui(ctx, text!("help-keyboard"), open, |ui| {
        ui.set_width(430.0);
        // Nothing here is clicked, so rows can be close together.
        ui.spacing_mut().interact_size.y = 18.0;
        for (group, keys) in keyboard::list(ctx) {
            ui.add_space(4.0);
            ui.label(RichText::new(group).weak());
            Grid::new(group)
                .num_columns(2)
                .min_col_width(150.0)
                .spacing(vec2(16.0, 3.0))
                .show(ui, |ui| {
                    for (key, meaning) in keys {
                        ui.label(key);
                        ui.label(meaning);
                        ui.end_row();
                    }
                });
        }
        ui.add_space(4.0);
    });
}

/// Draws a window as high as its content, or as the application's window, where the rest is reached by scrolling.
fn window_ui(ctx: &Context, title: &str, open: &mut bool, content: impl FnOnce(&mut Ui)) {
    let max_height = ctx.content_rect().height() - TITLE_BAR_AND_MARGINS;
    Window::new(title)
        .open(open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .show(ctx, |ui| {
            ScrollArea::vertical()
                .max_height(max_height)
                // Otherwise it takes no more than the size at which egui begins to lay out any window.
                .min_scrolled_height(max_height)
                .show(ui, content);
        });
}

fn in_millions(n: usize) -> String {
    if n >= 100_000 {
        text!("about-millions", n = format!("{:.1}", n as f64 / 1e6))
    } else {
        n.to_string()
    }
}

#[cfg(test)]
mod tests {
    use egui::os::OperatingSystem;
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::ui::{colors, fixtures};

    #[test]
    fn about_shows_version_network_and_device() {
        let checkpoint = fixtures::checkpoint();
        let mut harness = Harness::new_ui(move |ui| {
            let data = AboutData {
                checkpoint: Some(&checkpoint),
                device: Some("CPU, 2 threads"),
            };
            about_ui(ui.ctx(), &mut true, data);
        });
        harness.run_ok();
        harness.get_by_label_contains(env!("CARGO_PKG_VERSION"));
        harness.get_by_label("CPU, 2 threads");
        harness.get_by_label("5.1 million");
        harness.get_by_label("62 %");
        harness.get_by_label_contains("BlazeFace");
    }

    #[test]
    fn what_is_assumed_can_be_changed() {
        let mut checkpoint = (*fixtures::checkpoint()).clone();
        checkpoint.assumed = Some(fixtures::assumed());
        let mut harness = Harness::new_ui_state(
            move |ui, sent: &mut Option<Command>| {
                let data = AboutData {
                    checkpoint: Some(&checkpoint),
                    device: None,
                };
                *sent = about_ui(ui.ctx(), &mut true, data).or(sent.take());
            },
            None,
        );
        harness.run_ok();
        harness.get_by_label("Assumed: FER+, grayscale 64×64, 0…255, FER+ order.");
        harness.get_by_label("Change…").click();
        harness.run_ok();
        assert_eq!(harness.state(), &Some(Command::AskAboutNetwork));
    }

    #[test]
    fn about_works_without_a_network() {
        let mut harness = Harness::new_ui(|ui| {
            let data = AboutData {
                checkpoint: None,
                device: None,
            };
            about_ui(ui.ctx(), &mut true, data);
        });
        harness.run_ok();
        harness.get_by_label("not loaded");
    }

    #[test]
    fn the_list_of_keys_fits_a_small_window() {
        let mut harness = Harness::builder().with_size([720.0, 480.0]).build_ui(|ui| {
            colors::install(ui.ctx());
            keyboard_ui(ui.ctx(), &mut true);
        });
        harness.run_ok();
        for label in [
            "Keyboard shortcuts",
            "Close window",
            "Ctrl+O",
            "Ctrl+Shift+O",
        ] {
            let rect = harness.get_by_label(label).rect();
            assert!(
                rect.top() >= 0.0 && rect.bottom() <= 480.0,
                "{label}: {rect}"
            );
        }
        // The rest is reached by scrolling.
        harness.get_by_label("Quit").scroll_to_me();
        harness.run_ok();
        let quit = harness.get_by_label("Quit").rect();
        assert!(quit.bottom() <= 480.0, "{quit}");
    }

    /// egui has their names; its fonts have no ⌘, so it writes `Cmd`.
    #[test]
    fn keys_have_their_names_on_a_mac() {
        let mut harness = Harness::builder().with_size([900.0, 900.0]).build_ui(|ui| {
            colors::install(ui.ctx());
            ui.ctx().set_os(OperatingSystem::Mac);
            keyboard_ui(ui.ctx(), &mut true);
        });
        harness.run_ok();
        let shown = |label: &str| harness.query_all_by_label_contains(label).next().is_some();
        for label in [
            "Cmd+O",
            "Shift+Cmd+O",
            "Ctrl+Cmd+F or double click",
            "Option+F, S",
        ] {
            assert!(shown(label), "{label}");
        }
        for label in ["Ctrl+O", "Alt+", "F11"] {
            assert!(!shown(label), "{label}");
        }
    }
}
