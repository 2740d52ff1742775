//! Every key the window answers to, in one table.
//!
//! Menus read their shortcut texts from here and the Keyboard window lists it, so what is shown is what works.
//! Menus themselves open with Alt and their first letter and are then walked with the arrow keys.

use std::time::Duration;

use egui::{Context, Event, InputState, Key, KeyboardShortcut, Modifiers};

use super::{
    commands::Command,
    settings::{FACE_SIZES_PX, MAX_SMOOTHING_MS, MAX_UNCERTAIN_PERCENT},
    transport,
    transport::take_character,
};
use crate::{capture::SourceSpec, model::Views, privacy::Effect, stream::Output};

/// One step of the smoothing by key, ms.
const SMOOTHING_STEP_MS: u32 = 100;
/// One step of the threshold for "uncertain" by key, %.
const UNCERTAIN_STEP_PERCENT: u32 = 5;
/// One step of the minimum face size by key, px.
const FACE_SIZE_STEP_PX: u32 = 10;

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Open image or video.
pub const CHOOSE_FILE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::O);
/// Open folder.
pub const CHOOSE_FOLDER: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::O);
/// Open session.
pub const CHOOSE_SESSION: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::S);
/// Open checkpoint.
pub const CHOOSE_CHECKPOINT: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::K);
/// Quit.
pub const QUIT: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Q);
/// Run the demo.
pub const DEMO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::D);
/// Play again.
pub const PLAY_AGAIN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::R);
/// List the cameras again.
pub const REFRESH: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F5);
/// Mirror.
pub const MIRROR: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::M);
/// Boxes.
pub const BOXES: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::B);
/// Side panel.
pub const BARS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::P);
/// The face alone, or the mean of the face and its mirror image.
pub const VIEWS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F);
/// Start or end a recording.
pub const RECORD: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::R);
/// Pause a recording or go on.
pub const PAUSE_RECORDING: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::R);
/// Set a mark in the recording.
pub const MARK: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::K);
/// Set a mark with a note.
pub const MARK_WITH_NOTE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::K);
/// Next way to cover faces.
pub const PRIVACY: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::H);
/// The list of keys.
pub const KEYBOARD: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F1);
/// Live values for WebSocket clients. Not a single letter: nobody should start to stream by a slip.
pub const WEBSOCKET: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::W);
/// Live values over OSC, which travels by UDP.
pub const OSC: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::U);
const LESS_SMOOTHING: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::OpenBracket);
const MORE_SMOOTHING: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::CloseBracket);
/// Characters, since on many keyboards one of them needs Shift.
const SMALLER_FACES: char = '-';
const LARGER_FACES: char = '+';
const LESS_UNCERTAIN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Semicolon);
const MORE_UNCERTAIN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Quote);
/// The threshold for "uncertain" that the checkpoint has.
pub const UNCERTAIN_BY_NETWORK: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::U);
const CLOSE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Escape);

/// Keys of the cameras, in the order of the Source menu.
const CAMERA_KEYS: [Key; 9] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

/// The shortcut of the camera that is number `position` in the Source menu, from 0; the first nine have one.
pub fn camera(position: usize) -> Option<KeyboardShortcut> {
    CAMERA_KEYS
        .get(position)
        .map(|&key| KeyboardShortcut::new(Modifiers::COMMAND, key))
}

/// The shortcut that switches a live output.
pub const fn output(output: Output) -> KeyboardShortcut {
    match output {
        Output::WebSocket => WEBSOCKET,
        Output::Osc => OSC,
    }
}

/// What the meaning of a key depends on.
#[derive(Debug, Clone, Copy)]
pub struct KeyContext<'a> {
    /// Cameras in the order of the Source menu.
    pub cameras: &'a [SourceSpec],
    /// Whether the picture is mirrored now.
    pub mirror: bool,
    /// Whether boxes are shown now.
    pub boxes: bool,
    /// Whether the side panel is shown now.
    pub bars: bool,
    /// How faces are covered now.
    pub privacy: Option<Effect>,
    /// Time constant of the smoothing now, ms.
    pub smoothing_ms: u32,
    /// What the network looks at of each face now.
    pub views: Views,
    /// Below this probability, %, no expression is named now.
    pub uncertain_below_percent: u32,
    /// Smallest face now, px.
    pub min_face_size_px: u32,
    /// Whether a window is open that Escape closes.
    pub windows_open: bool,
    /// Whether a file plays that can be paused.
    pub can_pause: bool,
}

/// Takes a shortcut out of this frame's input and returns what it asks for.
///
/// Call it before the panels, so that no widget sees the key too. Text fields and open menus keep their keys.
pub fn take_command(ctx: &Context, state: KeyContext<'_>) -> Option<Command> {
    if ctx.text_edit_focused() {
        return None;
    }
    let in_menu = egui::Popup::is_any_open(ctx);
    if state.can_pause
        && !in_menu
        && let Some(playback) = transport::take_key(ctx)
    {
        return Some(Command::Playback(playback));
    }
    ctx.input_mut(|input| {
        let mut pressed = |shortcut: KeyboardShortcut| input.consume_shortcut(&shortcut);
        // Extra Shift and Alt are ignored when matching, so the longer combination comes first.
        if pressed(CHOOSE_FOLDER) {
            return Some(Command::ChooseFolder);
        }
        if pressed(CHOOSE_SESSION) {
            return Some(Command::ChooseSession);
        }
        for choice in Output::ALL {
            if pressed(output(choice)) {
                return Some(Command::ToggleOutput(choice));
            }
        }
        if pressed(CHOOSE_FILE) {
            return Some(Command::ChooseFile);
        }
        if pressed(CHOOSE_CHECKPOINT) {
            return Some(Command::ChooseCheckpoint);
        }
        if pressed(QUIT) {
            return Some(Command::Quit);
        }
        if pressed(DEMO) {
            return Some(Command::OpenSource(SourceSpec::Demo));
        }
        if pressed(PLAY_AGAIN) {
            return Some(Command::PlayAgain);
        }
        if pressed(REFRESH) {
            return Some(Command::RefreshCameras);
        }
        for (position, source) in state.cameras.iter().enumerate() {
            if camera(position).is_some_and(&mut pressed) {
                return Some(Command::OpenSource(source.clone()));
            }
        }
        if pressed(KEYBOARD) {
            return Some(Command::ToggleKeyboard);
        }
        if state.windows_open && !in_menu && pressed(CLOSE) {
            return Some(Command::CloseWindows);
        }
        let face_size = |px: u32| {
            let px = px.clamp(*FACE_SIZES_PX.start(), *FACE_SIZES_PX.end());
            Some(Command::SetMinFaceSize(px))
        };
        if take_character(input, SMALLER_FACES) {
            return face_size(state.min_face_size_px.saturating_sub(FACE_SIZE_STEP_PX));
        }
        if take_character(input, LARGER_FACES) {
            return face_size(state.min_face_size_px + FACE_SIZE_STEP_PX);
        }
        // These change something by small steps for as long as they are held.
        let mut held = |shortcut: KeyboardShortcut| take_exactly(input, shortcut, Repeats::Count);
        let smoothing = |ms: u32| Some(Command::SetSmoothing(Duration::from_millis(ms.into())));
        if held(LESS_SMOOTHING) {
            return smoothing(state.smoothing_ms.saturating_sub(SMOOTHING_STEP_MS));
        }
        if held(MORE_SMOOTHING) {
            return smoothing((state.smoothing_ms + SMOOTHING_STEP_MS).min(MAX_SMOOTHING_MS));
        }
        let uncertain = |percent: u32| {
            let percent = percent.min(MAX_UNCERTAIN_PERCENT);
            Some(Command::SetUncertainBelow(Some(percent)))
        };
        if held(LESS_UNCERTAIN) {
            let percent = state.uncertain_below_percent;
            return uncertain(percent.saturating_sub(UNCERTAIN_STEP_PERCENT));
        }
        if held(MORE_UNCERTAIN) {
            return uncertain(state.uncertain_below_percent + UNCERTAIN_STEP_PERCENT);
        }
        let mut pressed =
            |shortcut: KeyboardShortcut| take_exactly(input, shortcut, Repeats::Ignore);
        if pressed(PAUSE_RECORDING) {
            return Some(Command::PauseRecording);
        }
        if pressed(MARK_WITH_NOTE) {
            return Some(Command::MarkWithNote);
        }
        if pressed(RECORD) {
            return Some(Command::ToggleRecording);
        }
        if pressed(MARK) {
            return Some(Command::Mark);
        }
        if pressed(MIRROR) {
            return Some(Command::SetMirror(!state.mirror));
        }
        if pressed(BOXES) {
            return Some(Command::SetBoxes(!state.boxes));
        }
        if pressed(BARS) {
            return Some(Command::SetBars(!state.bars));
        }
        if pressed(VIEWS) {
            return Some(Command::SetViews(state.views.other()));
        }
        if pressed(PRIVACY) {
            // From "off" the first press must cover.
            return Some(Command::SetPrivacy(match state.privacy {
                None => Some(Effect::Pixelate),
                Some(Effect::Pixelate) => Some(Effect::Blur),
                Some(Effect::Blur) => None,
            }));
        }
        if pressed(UNCERTAIN_BY_NETWORK) {
            return Some(Command::SetUncertainBelow(None));
        }
        None
    })
}

/// Whether a key that is held counts again and again.
#[derive(Clone, Copy, PartialEq)]
enum Repeats {
    Count,
    Ignore,
}

/// Takes a key that was pressed with these modifiers and no others: with Alt, letters open menus.
///
/// What is held at the end of the frame does not matter: after a quick Shift+R, Shift is up again by then, and the letter
/// alone would end the recording that was to go on.
fn take_exactly(input: &mut InputState, shortcut: KeyboardShortcut, repeats: Repeats) -> bool {
    let is_it = |event: &Event| {
        matches!(event, Event::Key { key, pressed: true, repeat, modifiers, .. }
            if *key == shortcut.logical_key
                && modifiers.matches_exact(shortcut.modifiers)
                && (repeats == Repeats::Count || !repeat))
    };
    let at = input.events.iter().position(is_it);
    at.map(|at| input.events.remove(at)).is_some()
}

/// The list for the Keyboard window: groups of (keys, what they do).
pub fn list(ctx: &Context) -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let keys = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    // "[" says more than "OpenBracket".
    let symbol = |shortcut: KeyboardShortcut| shortcut.logical_key.symbol_or_name();
    let pair = |a, b| format!("{} and {}", symbol(a), symbol(b));
    let cameras = format!(
        "{} to {}",
        keys(KeyboardShortcut::new(Modifiers::COMMAND, CAMERA_KEYS[0])),
        keys(KeyboardShortcut::new(
            Modifiers::COMMAND,
            CAMERA_KEYS[CAMERA_KEYS.len() - 1]
        )),
    );
    vec![
        (
            "Open",
            vec![
                (keys(CHOOSE_FILE), "Image or video"),
                (keys(CHOOSE_FOLDER), "Folder of images"),
                (keys(CHOOSE_SESSION), "Recorded session"),
                (keys(CHOOSE_CHECKPOINT), "Checkpoint"),
                (cameras, "Camera by its place in the menu"),
                (keys(DEMO), "Demo"),
                (keys(PLAY_AGAIN), "Play again"),
                (keys(REFRESH), "Look for cameras"),
            ],
        ),
        ("Playback of files", transport::keys(ctx)),
        (
            "Record",
            vec![
                (keys(RECORD), "Start and stop"),
                (keys(PAUSE_RECORDING), "Pause and go on"),
                (keys(MARK), "Set a marker"),
                (keys(MARK_WITH_NOTE), "Set a marker with a note"),
            ],
        ),
        (
            "View",
            vec![
                (keys(MIRROR), "Mirror"),
                (keys(BOXES), "Boxes"),
                (keys(BARS), "Bars"),
                (keys(PRIVACY), "Pixelate faces, blur them, show them"),
                (
                    pair(LESS_SMOOTHING, MORE_SMOOTHING),
                    "Less and more smoothing",
                ),
                (keys(VIEWS), "Average with the mirror image"),
                (
                    pair(LESS_UNCERTAIN, MORE_UNCERTAIN),
                    "Less and more often uncertain",
                ),
                (keys(UNCERTAIN_BY_NETWORK), "Uncertain as the network says"),
                (
                    format!("{SMALLER_FACES} and {LARGER_FACES}"),
                    "Smaller and larger minimum face",
                ),
            ],
        ),
        (
            "Stream",
            vec![
                (keys(WEBSOCKET), "Live values for WebSocket clients"),
                (keys(OSC), "Live values over OSC"),
            ],
        ),
        (
            "Menus and windows",
            vec![
                (
                    "Alt+F, S, P, M, R, V, T, H".to_owned(),
                    "Open a menu, then arrow keys and Enter",
                ),
                ("Tab".to_owned(), "Next control"),
                (keys(CLOSE), "Close the menu or window"),
                (keys(KEYBOARD), "This list"),
                (keys(QUIT), "Quit"),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use egui::RawInput;

    use super::*;

    const STATE: KeyContext<'_> = KeyContext {
        cameras: &[],
        mirror: false,
        boxes: true,
        bars: true,
        privacy: None,
        smoothing_ms: 300,
        views: Views::Single,
        uncertain_below_percent: 40,
        min_face_size_px: 40,
        windows_open: false,
        can_pause: false,
    };

    /// What a key asks for that goes down with `modifiers`, which are up again before the frame ends; then in another frame
    /// for as long as it is held. egui itself finds out what is a repetition.
    fn held(modifiers: Modifiers, key: Key) -> [Option<Command>; 2] {
        let ctx = Context::default();
        std::array::from_fn(|_| {
            let mut command = None;
            let input = RawInput {
                events: vec![Event::Key {
                    key,
                    physical_key: None,
                    pressed: true,
                    repeat: false,
                    modifiers,
                }],
                ..RawInput::default()
            };
            let mut output = ctx.run_ui(input, |ui| command = take_command(ui.ctx(), STATE));
            output.textures_delta.clear();
            command
        })
    }

    #[test]
    fn a_letter_counts_with_what_was_held_when_it_went_down() {
        let pressed = |modifiers, key| {
            let [first, _] = held(modifiers, key);
            first
        };
        assert!(matches!(
            pressed(Modifiers::SHIFT, Key::R),
            Some(Command::PauseRecording)
        ));
        assert!(matches!(
            pressed(Modifiers::NONE, Key::R),
            Some(Command::ToggleRecording)
        ));
        assert!(matches!(
            pressed(Modifiers::SHIFT, Key::K),
            Some(Command::MarkWithNote)
        ));
        assert!(matches!(
            pressed(Modifiers::NONE, Key::F),
            Some(Command::SetViews(Views::Flip))
        ));
        assert!(pressed(Modifiers::ALT, Key::R).is_none());
        assert!(pressed(Modifiers::SHIFT, Key::M).is_none());
    }

    #[test]
    fn a_held_key_switches_once_but_steps_on() {
        assert!(matches!(
            held(Modifiers::NONE, Key::R),
            [Some(Command::ToggleRecording), None]
        ));
        assert!(matches!(
            held(Modifiers::NONE, Key::OpenBracket),
            [
                Some(Command::SetSmoothing(_)),
                Some(Command::SetSmoothing(_))
            ]
        ));
    }
}
