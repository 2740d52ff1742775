//! The line at the bottom: the source, the rate and the network. View → Statistics adds rates, latency, drops and the device.
//!
//! Every figure has a slot of fixed width, right-aligned, so that nothing moves while numbers change. `App` refreshes the
//! figures only a few times a second: numbers that change at frame rate cannot be read.

use std::{fmt::Write as _, time::Duration};

use egui::{
    Align, Color32, FontId, Label, Layout, RichText, Role, Sense, TextStyle, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use crate::{
    capture::SourceInfo,
    pipeline::{SourceState, Stats, Transport},
    ui::{colors, commands::Command, words::text},
};

/// Height of one line, points.
pub const LINE_HEIGHT: f32 = 22.0;
/// Windows at least this wide have everything on one line, points.
const ONE_LINE_WIDTH: f32 = 1120.0;

/// Room between a figure's label and its slot, points.
const LABEL_GAP: f32 = 6.0;

/// What the bar shows.
#[derive(Debug, Clone)]
pub struct StatusData<'a> {
    /// State of the source.
    pub state: &'a SourceState,
    /// What the source delivers, once it has been live.
    pub info: Option<&'a SourceInfo>,
    /// Of a folder, which picture is shown, and its file's name.
    pub picture: Option<String>,
    /// How the file plays, if it is one that can be paused.
    pub transport: Option<Transport>,
    /// Rates, latency, drops.
    pub stats: Stats,
    /// The device, once known.
    pub device: Option<&'a str>,
    /// The name of the current network.
    pub checkpoint: Option<&'a str>,
    /// Whether another network is being loaded.
    pub loading: bool,
    /// Whether all figures are shown.
    pub statistics: bool,
    /// The settings that change measurements and are not the defaults, in words.
    pub unusual: Vec<String>,
}

/// Number of lines of the bar in a window of this width.
pub fn n_lines(window_width: f32, statistics: bool) -> usize {
    if statistics && window_width < ONE_LINE_WIDTH {
        2
    } else {
        1
    }
}

/// Draws the bar.
pub fn status_bar_ui(ui: &mut Ui, data: StatusData<'_>) -> Option<Command> {
    let data = &data;
    let mut command = None;
    ui.style_mut().override_text_style = Some(TextStyle::Small);
    ui.spacing_mut().item_spacing = vec2(18.0, 0.0);
    let line = vec2(ui.available_width(), LINE_HEIGHT);
    let right_to_left = Layout::right_to_left(Align::Center);
    let n_lines = n_lines(ui.available_width(), data.statistics);
    ui.allocate_ui_with_layout(line, right_to_left, |ui| {
        machine_ui(ui, data);
        command = unusual_ui(ui, data);
        match (data.statistics, n_lines) {
            (false, _) => rate_ui(ui, data),
            (true, 1) => figures_ui(ui, data),
            (true, _) => {}
        }
        source_ui(ui, data);
    });
    if n_lines > 1 {
        ui.allocate_ui_with_layout(line, right_to_left, |ui| figures_ui(ui, data));
    }
    command
}

/// How many settings are not the defaults, and the way back.
fn unusual_ui(ui: &mut Ui, data: &StatusData<'_>) -> Option<Command> {
    let text = match data.unusual.len() {
        0 => return None,
        n => text!("status-changed", count = n),
    };
    let button = ui.small_button(text);
    let explanation = text!("status-changed-hint", settings = data.unusual.join(", "));
    let button = button.on_hover_text(explanation);
    button.clicked().then_some(Command::ResetMeasured)
}

/// The source, its state and its format, at the left of the remaining room.
fn source_ui(ui: &mut Ui, data: &StatusData<'_>) {
    let rest = vec2(ui.available_width(), LINE_HEIGHT);
    ui.allocate_ui_with_layout(rest, Layout::left_to_right(Align::Center), |ui| {
        let palette = colors::palette(ui.ctx().theme());
        let is_photo = data.info.is_some_and(|info| info.n_frames == Some(1));
        let (color, words) = match data.state {
            SourceState::Starting => (palette.warning, text!("status-starting")),
            SourceState::Live(_) => match data.transport {
                None => (palette.good, text!("status-live")),
                Some(transport) if transport.paused => (palette.weak_text, text!("status-paused")),
                Some(_) => (palette.good, text!("status-playing")),
            },
            SourceState::NoCamera => (palette.weak_text, text!("status-no-camera")),
            SourceState::Lost(_) => (palette.warning, text!("status-lost")),
            SourceState::Waiting(_) => (palette.warning, text!("status-waiting")),
            SourceState::Failed(_) => (palette.error, text!("status-failed")),
            SourceState::Ended => (
                palette.weak_text,
                if is_photo {
                    text!("status-photo")
                } else {
                    text!("status-ended")
                },
            ),
        };
        ui.spacing_mut().item_spacing.x = 6.0;
        dot_ui(ui, color);
        let info = data
            .info
            .filter(|_| !matches!(data.state, SourceState::NoCamera));
        let text = match info {
            Some(info) => format!("{} · {words}", info.name),
            None => words.to_owned(),
        };
        ui.add(Label::new(text).truncate());
        if let Some(picture) = &data.picture {
            ui.add(Label::new(picture).truncate());
        }
        if let Some(info) = info {
            let mut format = info.resolution.to_string();
            if !info.format.is_empty() {
                // Writing into a String cannot fail.
                write!(format, " {}", info.format).ok();
            }
            ui.add(Label::new(RichText::new(format).weak()).truncate());
        }
    });
}

/// The network, and the device if figures are shown.
fn machine_ui(ui: &mut Ui, data: &StatusData<'_>) {
    let checkpoint = match (data.checkpoint, data.loading) {
        (Some(name), false) => name.to_owned(),
        (Some(name), true) => text!("status-loading-another", name = name),
        (None, true) => text!("status-loading").to_owned(),
        (None, false) => text!("status-no-network").to_owned(),
    };
    ui.add(Label::new(checkpoint).extend())
        .on_hover_text(text!("status-network-hint"));
    if !data.statistics {
        return;
    }
    ui.add(
        Label::new(RichText::new(data.device.unwrap_or(text!("status-starting-device"))).weak())
            .extend(),
    )
    .on_hover_text(text!("status-device-hint"));
}

/// Whether frames arrive.
fn is_running(data: &StatusData<'_>) -> bool {
    let paused = data.transport.is_some_and(|transport| transport.paused);
    matches!(data.state, SourceState::Live(_)) && !paused
}

fn in_fps(rate_hz: f64) -> String {
    format!("{rate_hz:.1} fps")
}

/// How many frames a second are analyzed, while any are: none of a session.
fn rate_ui(ui: &mut Ui, data: &StatusData<'_>) {
    if is_running(data) && data.stats.n_analyzed > 0 {
        figure_ui(
            ui,
            &Figure {
                label: text!("status-analysis"),
                value: in_fps(data.stats.analysis_rate_hz),
                widest: "88.8 fps",
                explanation: text!("status-analysis-more"),
            },
        );
    }
}

/// Rates, latency and drops, each in its slot. The caller lays out from right to left.
fn figures_ui(ui: &mut Ui, data: &StatusData<'_>) {
    let live = matches!(data.state, SourceState::Live(_));
    let ever_live = live || matches!(data.state, SourceState::Ended | SourceState::Lost(_));
    let stats = data.stats;
    let when = |known: bool, figure: String| if known { figure } else { NOTHING.to_owned() };
    let rate = |rate_hz: f64| when(is_running(data), in_fps(rate_hz));
    let figures = [
        Figure {
            label: text!("status-dropped"),
            value: when(ever_live, count(stats.n_dropped)),
            widest: "88,888",
            explanation: text!("status-dropped-hint"),
        },
        Figure {
            label: text!("status-latency"),
            value: when(ever_live, latency(stats.latency_p50, stats.latency_p95)),
            widest: "888 / 888 ms",
            explanation: text!("status-latency-hint"),
        },
        Figure {
            label: text!("status-analysis"),
            value: rate(stats.analysis_rate_hz),
            widest: "88.8 fps",
            explanation: text!("status-analysis-hint"),
        },
        Figure {
            label: text!("status-capture"),
            value: rate(stats.capture_rate_hz),
            widest: "88.8 fps",
            explanation: text!("status-capture-hint"),
        },
    ];
    for figure in &figures {
        figure_ui(ui, figure);
    }
    // Rare enough to appear only when needed. At the left end it moves no other figure.
    if ever_live && stats.n_damaged > 0 {
        figure_ui(
            ui,
            &Figure {
                label: text!("status-damaged"),
                value: count(stats.n_damaged),
                widest: "888",
                explanation: text!("status-damaged-hint"),
            },
        );
    }
}

/// Stands for an unknown figure.
const NOTHING: &str = "–";

/// One figure of the bar.
struct Figure {
    label: &'static str,
    value: String,
    /// The longest value to expect, which sets the width of the slot.
    widest: &'static str,
    explanation: &'static str,
}

/// A label and, right-aligned in its slot, a figure.
fn figure_ui(ui: &mut Ui, figure: &Figure) {
    let palette = colors::palette(ui.ctx().theme());
    let font: FontId = TextStyle::Small.resolve(ui.style());
    let layout = |text: &str, color: Color32| {
        ui.painter()
            .layout_no_wrap(text.to_owned(), font.clone(), color)
    };
    let label = layout(figure.label, palette.weak_text);
    let value = layout(&figure.value, palette.text);
    let value_width = layout(figure.widest, palette.text)
        .size()
        .x
        .max(value.size().x);
    let width = label.size().x + LABEL_GAP + value_width;
    let (rect, response) = ui.allocate_exact_size(vec2(width, LINE_HEIGHT), Sense::hover());
    let name = format!("{} {}", figure.label, figure.value);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    let top = rect.center().y - label.size().y / 2.0;
    let value_left = rect.right() - value.size().x;
    let painter = ui.painter();
    painter.galley(pos2(rect.left(), top), label, palette.weak_text);
    painter.galley(pos2(value_left, top), value, palette.text);
    response.on_hover_text(figure.explanation);
}

/// Draws a dot whose color says what the words beside it say.
pub fn dot_ui(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, color);
}

/// "42 / 88 ms".
fn latency(p50: Option<Duration>, p95: Option<Duration>) -> String {
    let ms = |time: Option<Duration>| {
        time.map_or(NOTHING.to_owned(), |time| {
            format!("{:.0}", time.as_secs_f64() * 1000.0)
        })
    };
    if p50.is_none() && p95.is_none() {
        return NOTHING.to_owned();
    }
    format!("{} / {} ms", ms(p50), ms(p95))
}

/// A count that always fits its slot: "12,345", "1.2 million".
fn count(n: u64) -> String {
    if n >= 1_000_000 {
        return text!("about-millions", n = format!("{:.1}", n as f64 / 1e6));
    }
    if n >= 10_000 {
        return format!("{},{:03}", n / 1000, n % 1000);
    }
    n.to_string()
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::ui::fixtures;

    const STATS: Stats = Stats {
        capture_rate_hz: 29.97,
        analysis_rate_hz: 24.04,
        latency_p50: Some(Duration::from_millis(42)),
        latency_p95: Some(Duration::from_millis(88)),
        n_captured: 1000,
        n_analyzed: 800,
        n_dropped: 12_345,
        n_damaged: 0,
    };

    fn harness(width: f32, state: SourceState, stats: Stats) -> Harness<'static> {
        let info = fixtures::webcam();
        let mut harness = Harness::builder()
            .with_size([width, 2.0 * LINE_HEIGHT])
            .build_ui(move |ui| {
                status_bar_ui(
                    ui,
                    StatusData {
                        state: &state,
                        info: Some(&info),
                        picture: None,
                        transport: None,
                        stats,
                        device: Some("CPU, 2 threads"),
                        checkpoint: Some("three-block"),
                        loading: false,
                        statistics: true,
                        unusual: Vec::new(),
                    },
                );
            });
        harness.run_ok();
        harness
    }

    #[test]
    fn the_figures_are_all_there_at_any_width() {
        for width in [800.0, 1000.0, 1400.0] {
            let harness = harness(width, SourceState::Live(fixtures::webcam()), STATS);
            harness.get_by_label("Integrated Webcam · live");
            harness.get_by_label("1280×720 MJPG");
            for label in [
                "capture 30.0 fps",
                "analysis 24.0 fps",
                "latency 42 / 88 ms",
                "dropped 12,345",
                "CPU, 2 threads",
                "three-block",
            ] {
                let rect = harness.get_by_label(label).rect();
                assert!(rect.left() >= 0.0 && rect.right() <= width, "{label}");
            }
        }
    }

    /// Source, rate, network, and what is not as usual: nothing else without being asked for.
    #[test]
    fn without_statistics_the_bar_is_short() {
        let info = fixtures::webcam();
        let draw = |state: SourceState, unusual: &[&str]| {
            let info = info.clone();
            let unusual: Vec<String> = unusual.iter().map(|&words| words.to_owned()).collect();
            let mut harness = Harness::builder()
                .with_size([800.0, LINE_HEIGHT])
                .build_ui_state(
                    move |ui, sent: &mut Option<Command>| {
                        let asked = status_bar_ui(
                            ui,
                            StatusData {
                                state: &state,
                                info: Some(&info),
                                picture: None,
                                transport: None,
                                stats: STATS,
                                device: Some("CPU, 2 threads"),
                                checkpoint: Some("three-block"),
                                loading: false,
                                statistics: false,
                                unusual: unusual.clone(),
                            },
                        );
                        *sent = asked.or(sent.take());
                    },
                    None,
                );
            harness.run_ok();
            harness
        };
        let live = SourceState::Live(info.clone());
        let harness = draw(live.clone(), &[]);
        harness.get_by_label("analysis 24.0 fps");
        harness.get_by_label("three-block");
        for label in ["CPU", "latency", "dropped", "changed"] {
            assert!(harness.query_by_label_contains(label).is_none(), "{label}");
        }
        let lost = draw(SourceState::Lost(String::new()), &[]);
        assert!(lost.query_by_label_contains("fps").is_none());
        let mut harness = draw(live, &["Smoothing off", "rustface alone"]);
        harness.get_by_label("2 settings changed · Reset").click();
        harness.run_ok();
        assert_eq!(harness.state(), &Some(Command::ResetMeasured));
    }

    #[test]
    fn damaged_frames_are_shown_once_there_are_any() {
        let stats = Stats {
            n_damaged: 17,
            ..STATS
        };
        for width in [800.0, 1000.0, 1400.0] {
            let harness = harness(width, SourceState::Live(fixtures::webcam()), stats);
            let rect = harness.get_by_label("damaged 17").rect();
            assert!(rect.left() >= 0.0 && rect.right() <= width, "{rect}");
            harness.get_by_label("Integrated Webcam · live");
        }
        let harness = harness(1280.0, SourceState::Live(fixtures::webcam()), STATS);
        assert!(harness.query_by_label_contains("damaged").is_none());
    }

    #[test]
    fn numbers_do_not_move_the_line() {
        let left = |stats| {
            harness(1280.0, SourceState::Live(fixtures::webcam()), stats)
                .get_by_label_contains("capture ")
                .rect()
                .left()
        };
        assert_eq!(left(STATS), left(Stats::default()));
        let damaged = Stats {
            n_damaged: 1,
            ..STATS
        };
        assert_eq!(left(STATS), left(damaged));
    }

    #[test]
    fn a_lost_source_has_no_rate() {
        let harness = harness(1280.0, SourceState::Lost(String::new()), STATS);
        harness.get_by_label("capture –");
        harness.get_by_label("Integrated Webcam · lost");
    }

    #[test]
    fn figures_in_words() {
        assert_eq!(latency(None, None), "–");
        assert_eq!(
            latency(Some(Duration::from_micros(41_600)), None),
            "42 / – ms"
        );
        assert_eq!(count(9_999), "9999");
        assert_eq!(count(10_007), "10,007");
        assert_eq!(count(1_250_000), "1.2 million");
    }
}
