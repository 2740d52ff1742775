//! The window in which people say what a network of another program takes and what its outputs mean.

use std::path::PathBuf;

use egui::{Align2, ComboBox, Context, Grid, RichText, TextEdit, Ui, Vec2, Window, vec2};

use crate::{
    model::{
        CheckpointInfo,
        assumptions::{
            Assumed, Color, IMAGENET_MEAN, IMAGENET_STD, KnownOrder, Order, PerChannel, Settings,
        },
    },
    ui::{colors, commands::Command, words::text},
};

/// Usual ways to scale pixels: mean, deviation.
const SCALES: [(PerChannel, PerChannel); 4] = [
    (PerChannel::One(0.0), PerChannel::One(1.0)),
    (PerChannel::One(0.5), PerChannel::One(0.5)),
    (PerChannel::One(0.0), PerChannel::One(1.0 / 255.0)),
    (
        PerChannel::Three(IMAGENET_MEAN),
        PerChannel::Three(IMAGENET_STD),
    ),
];

/// Their names.
fn scale_name(index: usize) -> &'static str {
    match index {
        0 => "0…1",
        1 => "-1…1",
        2 => "0…255",
        _ => text!("assume-imagenet"),
    }
}

/// What is being said about a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumptions {
    path: PathBuf,
    name: String,
    assumed: Assumed,
    /// The chosen order; `None` for names of one's own.
    order: Option<KnownOrder>,
    names: String,
    color: Color,
    /// The chosen scale; `None` for numbers of one's own.
    scale: Option<usize>,
    mean: String,
    std: String,
}

impl Assumptions {
    /// The window about a network, if it is one of another program.
    pub fn new(info: &CheckpointInfo) -> Option<Self> {
        let (path, assumed) = (info.path.clone()?, info.assumed.clone()?);
        let settings = &assumed.settings;
        let mean = settings.mean.unwrap_or(SCALES[0].0);
        let std = settings.std.unwrap_or(SCALES[0].1);
        let scale = SCALES.iter().position(|scale| *scale == (mean, std));
        let order = match settings.labels {
            Some(Order::Known(known)) => Some(known),
            _ => None,
        };
        Some(Self {
            name: info.name.clone(),
            path,
            order,
            names: info.outputs.join(", "),
            color: settings.color.unwrap_or(Color::Gray),
            scale,
            mean: in_words(mean),
            std: in_words(std),
            assumed,
        })
    }

    /// What the fields say. The error is a sentence.
    fn settings(&self) -> Result<Settings, String> {
        let n_outputs = self.assumed.n_outputs;
        let order = match self.order {
            Some(known) => Order::Known(known),
            None => {
                let names: Vec<String> = self
                    .names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty())
                    .collect();
                if names.len() != n_outputs {
                    return Err(text!(
                        "assume-count",
                        outputs = n_outputs,
                        names = names.len()
                    ));
                }
                Order::Names(names)
            }
        };
        let (mean, std) = match self.scale {
            Some(index) => SCALES[index],
            None => (
                numbers(text!("assume-mean"), &self.mean)?,
                numbers(text!("assume-deviation"), &self.std)?,
            ),
        };
        let settings = Settings {
            labels: Some(order),
            color: Some(self.color),
            mean: Some(mean),
            std: Some(std),
            ..self.assumed.settings.clone()
        };
        let checked = settings.check();
        checked
            .map(|()| settings)
            .map_err(|reason| format!("{reason}."))
    }

    /// Draws the window. Returns what to do with it.
    pub fn ui(&mut self, ctx: &Context) -> Option<Command> {
        let mut command = None;
        Window::new(text!("assume-title"))
            .collapsible(false)
            .resizable(false)
            .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
            .show(ctx, |ui| {
                ui.set_width(400.0);
                ui.label(text!("assume-why", name = &self.name));
                ui.add_space(6.0);
                Grid::new("assumptions")
                    .num_columns(2)
                    .spacing(vec2(16.0, 6.0))
                    .show(ui, |ui| self.fields_ui(ui));
                ui.add_space(6.0);
                let settings = self.settings();
                match &settings {
                    Ok(_) => {
                        let file = Settings::file_of(&self.path);
                        let file = file.file_name().unwrap_or_default().to_string_lossy();
                        ui.label(RichText::new(text!("assume-kept", file = file)).weak());
                    }
                    Err(reason) => {
                        let color = colors::palette(ui.ctx().theme()).error;
                        ui.label(RichText::new(reason).color(color));
                    }
                }
                ui.add_space(6.0);
                ui.horizontal(|ui| {
                    let button = egui::Button::new(text!("assume-use"));
                    if ui.add_enabled(settings.is_ok(), button).clicked()
                        && let Ok(settings) = settings
                    {
                        command = Some(Command::SetAssumptions(
                            self.path.clone(),
                            Box::new(settings),
                        ));
                    }
                    let canceled = ui.input(|input| input.key_pressed(egui::Key::Escape));
                    if ui.button(text!("cancel")).clicked() || canceled {
                        command = Some(Command::CloseAssumptions);
                    }
                });
            });
        command
    }

    fn fields_ui(&mut self, ui: &mut Ui) {
        let n_outputs = self.assumed.n_outputs;
        let label = ui.label(text!("assume-outputs"));
        let shown = self.order.map_or(text!("assume-as-named"), order_name);
        ComboBox::from_id_salt("order")
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for known in KnownOrder::ALL {
                    if let Some(names) = known.names(n_outputs) {
                        let response =
                            ui.selectable_value(&mut self.order, Some(known), order_name(known));
                        if response.clicked() {
                            self.names = names.join(", ");
                        }
                    }
                }
                ui.selectable_value(&mut self.order, None, text!("assume-as-named"));
            })
            .response
            .labelled_by(label.id);
        ui.end_row();
        let label = ui.label(text!("assume-in-order"));
        let edit = TextEdit::multiline(&mut self.names)
            .desired_rows(2)
            .desired_width(280.0);
        if ui.add(edit).labelled_by(label.id).changed() {
            self.order = None;
        }
        ui.end_row();
        if self.assumed.n_channels == 3 {
            let label = ui.label(text!("assume-channels"));
            let name = |color| match color {
                Color::Gray => text!("assume-gray"),
                Color::Rgb => text!("assume-rgb"),
                Color::Bgr => text!("assume-bgr"),
            };
            ComboBox::from_id_salt("color")
                .selected_text(name(self.color))
                .show_ui(ui, |ui| {
                    for color in [Color::Rgb, Color::Bgr, Color::Gray] {
                        ui.selectable_value(&mut self.color, color, name(color));
                    }
                })
                .response
                .labelled_by(label.id);
            ui.end_row();
        }
        let label = ui.label(text!("assume-values"));
        let shown = self.scale.map_or(text!("assume-numbers-below"), scale_name);
        ComboBox::from_id_salt("scale")
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for (index, (mean, std)) in SCALES.into_iter().enumerate() {
                    if ui
                        .selectable_value(&mut self.scale, Some(index), scale_name(index))
                        .clicked()
                    {
                        (self.mean, self.std) = (in_words(mean), in_words(std));
                    }
                }
                ui.selectable_value(&mut self.scale, None, text!("assume-numbers-below"));
            })
            .response
            .labelled_by(label.id);
        ui.end_row();
        for (name, text) in [
            (text!("assume-mean"), &mut self.mean),
            (text!("assume-deviation"), &mut self.std),
        ] {
            let label = ui.label(name);
            if ui
                .text_edit_singleline(text)
                .labelled_by(label.id)
                .changed()
            {
                self.scale = None;
            }
            ui.end_row();
        }
    }
}

fn order_name(order: KnownOrder) -> &'static str {
    match order {
        KnownOrder::Alphabetical => text!("assume-alphabetical"),
        order => order.name(),
    }
}

fn in_words(values: PerChannel) -> String {
    match values {
        PerChannel::One(value) => value.to_string(),
        PerChannel::Three(values) => values.map(|value| value.to_string()).join(", "),
    }
}

/// One number or three. The error is a sentence.
fn numbers(name: &str, text: &str) -> Result<PerChannel, String> {
    let numbers: Result<Vec<f32>, _> = text
        .split(',')
        .map(|number| number.trim().parse())
        .collect();
    match numbers.as_deref() {
        Ok([one]) if one.is_finite() => Ok(PerChannel::One(*one)),
        Ok([a, b, c]) if [a, b, c].iter().all(|n| n.is_finite()) => {
            Ok(PerChannel::Three([*a, *b, *c]))
        }
        _ => Err(text!("assume-numbers", name = name)),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::ui::fixtures;

    fn network() -> Assumptions {
        let info = CheckpointInfo {
            path: Some(PathBuf::from("/tmp/net.onnx")),
            assumed: Some(fixtures::assumed()),
            outputs: KnownOrder::Ferplus.names(8).unwrap(),
            ..(*fixtures::checkpoint()).clone()
        };
        Assumptions::new(&info).unwrap()
    }

    #[test]
    fn what_is_chosen_becomes_settings() {
        let mut state = (network(), None);
        state.0.order = Some(KnownOrder::Affectnet);
        let mut harness = Harness::new_ui_state(
            |ui, (network, sent): &mut (Assumptions, Option<Command>)| {
                *sent = network.ui(ui.ctx()).or(sent.take());
            },
            state,
        );
        harness.run_ok();
        harness.get_by_label_contains("net.onnx.json");
        harness.get_by_label("Use").click();
        harness.run_ok();
        let Some(Command::SetAssumptions(path, settings)) = &harness.state().1 else {
            panic!("{:?}", harness.state().1);
        };
        assert_eq!(path, &PathBuf::from("/tmp/net.onnx"));
        assert_eq!(settings.labels, Some(Order::Known(KnownOrder::Affectnet)));
        assert_eq!(settings.std, Some(PerChannel::One(1.0 / 255.0)));
    }

    #[test]
    fn what_cannot_be_is_said_and_not_sent() {
        let mut network = network();
        network.order = None;
        network.names = "calm, tense".to_owned();
        let error = network.settings().unwrap_err();
        assert_eq!(error, "The network has 8 outputs, and 2 are named.");
        network.order = Some(KnownOrder::Ferplus);
        network.scale = None;
        network.std = "wide".to_owned();
        let error = network.settings().unwrap_err();
        assert_eq!(error, "Deviation must be one number, or three with commas.");
        network.std = "0".to_owned();
        assert!(network.settings().unwrap_err().contains("std must be"));
        let mut harness = Harness::new_ui_state(
            |ui, network: &mut Assumptions| drop(network.ui(ui.ctx())),
            network,
        );
        harness.run_ok();
        harness.get_by_label_contains("std must be");
    }
}
