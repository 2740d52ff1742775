//! Every key of the window, and what it does.
//!
//! Menus take their shortcut texts from here and `list` has them for the Keyboard shortcuts window, so what is shown is what works.
//! Menus open with Alt and a letter, then the arrow keys move through them.

mod list;

use std::time::Duration;

use egui::{Context, Event, InputState, Key, KeyboardShortcut, Modifiers, os::OperatingSystem};

pub use self::list::list;
use super::{
    commands::{Command, PlayCommand},
    settings::{FACE_SIZES_PX, MAX_SMOOTHING_MS, MAX_UNCERTAIN_PERCENT},
};
use crate::{
    capture::SourceSpec, model::Views, privacy::Effect, session::marker_keys::MarkerKeys,
    stream::Output,
};

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
/// The list of sessions.
pub const SESSIONS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::L);
/// What the digits set as markers.
pub const MARKER_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::M);
/// Who and what the next recordings are about.
pub const ABOUT_SESSION: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::I);
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
/// Mirror averaging.
pub const VIEWS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F);
/// Start or stop a recording.
pub const RECORD: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::R);
/// Pause or resume a recording.
pub const PAUSE_RECORDING: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::R);
/// Set a marker in the recording.
pub const SET_MARKER: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::K);
/// Set a marker with a note.
pub const SET_MARKER_WITH_NOTE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::K);
/// Begin or end an excluded span of the open session.
pub const EXCLUDE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::X);
/// Take the latest change of the open session's markers and spans back.
pub const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
/// Learn the resting faces.
pub const SET_NEUTRAL: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::N);
/// Forget the resting faces.
pub const FORGET_NEUTRAL: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::N);
/// Next way to cover faces.
pub const PRIVACY: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::H);
/// The list of keys.
pub const KEYBOARD: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F1);
/// Live values for WebSocket clients. Not a single letter, so that nobody streams by accident.
pub const WEBSOCKET: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::W);
/// Live values over OSC, which travels by UDP.
pub const OSC: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::U);
/// Markers from other programs as OSC.
pub const OSC_MARKERS: KeyboardShortcut = KeyboardShortcut::new(CTRL_SHIFT, Key::M);
const LESS_SMOOTHING: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::OpenBracket);
const MORE_SMOOTHING: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::CloseBracket);
/// Characters, because some keyboards need Shift for one of them.
const SMALLER_FACES: char = '-';
const LARGER_FACES: char = '+';
const LESS_UNCERTAIN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Semicolon);
const MORE_UNCERTAIN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Quote);
/// The network's own threshold for "uncertain".
pub const UNCERTAIN_BY_NETWORK: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::U);
/// Play and pause.
pub const PLAY: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Space);
/// Back 5 seconds.
pub const SKIP_BACK: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::ArrowLeft);
/// Forward 5 seconds.
pub const SKIP_FORWARD: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::ArrowRight);
/// To the start.
pub const START: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Home);
/// Step back. Characters, not keys, because some keyboards need Shift for them.
pub const STEP_BACK: char = ',';
/// Step forward; see [`STEP_BACK`].
pub const STEP_FORWARD: char = '.';
/// Slower; see [`STEP_BACK`].
pub const SLOWER: char = '<';
/// Faster; see [`STEP_BACK`].
pub const FASTER: char = '>';
/// Play files again when they have ended.
pub const LOOP: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::L);
/// Write the name of the first face, or of the next one.
pub const NAME_FACE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F2);
/// View → Timeline.
pub const TIMELINE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::T);
const CLOSE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Escape);

/// The digits: with Ctrl the cameras in the order of the Source menu, alone the named markers.
const DIGITS: [Key; 9] = [
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

/// Full screen. On a Mac, F11 belongs to the system, and programs use Ctrl+Cmd+F.
pub const fn fullscreen(os: OperatingSystem) -> KeyboardShortcut {
    match os {
        OperatingSystem::Mac => {
            KeyboardShortcut::new(Modifiers::MAC_CMD.plus(Modifiers::CTRL), Key::F)
        }
        _ => KeyboardShortcut::new(Modifiers::NONE, Key::F11),
    }
}

/// The shortcut of the camera at `position` in the Source menu, from 0; only the first nine have one.
pub fn camera(position: usize) -> Option<KeyboardShortcut> {
    DIGITS
        .get(position)
        .map(|&key| KeyboardShortcut::new(Modifiers::COMMAND, key))
}

/// The shortcut that sets the marker of a digit's key, from 1 to 9.
pub fn named_marker(digit: u8) -> KeyboardShortcut {
    let at = usize::from(digit.clamp(1, 9)) - 1;
    KeyboardShortcut::new(Modifiers::NONE, DIGITS[at])
}

/// The shortcut that switches a live output.
pub const fn output(output: Output) -> KeyboardShortcut {
    match output {
        Output::WebSocket => WEBSOCKET,
        Output::Osc => OSC,
        Output::OscMarkers => OSC_MARKERS,
    }
}

/// The state that the effect of a key depends on.
#[derive(Debug, Clone, Copy)]
pub struct KeyContext<'a> {
    /// Cameras in the order of the Source menu.
    pub cameras: &'a [SourceSpec],
    /// Whether the view is mirrored now.
    pub mirror: bool,
    /// Whether boxes are shown now.
    pub boxes: bool,
    /// Whether the side panel is shown now.
    pub bars: bool,
    /// Whether the timeline is shown now.
    pub timeline: bool,
    /// How faces are covered now.
    pub privacy: Option<Effect>,
    /// Time constant of the smoothing now, ms.
    pub smoothing_ms: u32,
    /// Which views of a face the network averages now.
    pub views: Views,
    /// Below this probability, %, no expression is named now.
    pub uncertain_below_percent: u32,
    /// Smallest face now, px.
    pub min_face_size_px: u32,
    /// Whether the About or Keyboard shortcuts window is open, which Escape closes.
    pub windows_open: bool,
    /// Whether a file plays that can be paused.
    pub can_pause: bool,
    /// What the digits set as markers.
    pub marker_keys: &'a MarkerKeys,
    /// Whether a session is open, which can be annotated.
    pub session_open: bool,
    /// Whether files play again when they have ended.
    pub looped: bool,
}

/// Takes a shortcut out of the input and returns its command.
///
/// Call it before the panels, so that no widget sees the key too. Text fields and open menus keep their keys.
pub fn take_command(ctx: &Context, state: KeyContext<'_>) -> Option<Command> {
    if ctx.text_edit_focused() {
        return None;
    }
    let in_menu = egui::Popup::is_any_open(ctx);
    let os = ctx.os();
    if state.can_pause
        && !in_menu
        && let Some(command) = take_play_command(ctx)
    {
        return Some(command.into());
    }
    ctx.input_mut(|input| {
        let mut pressed = |shortcut: KeyboardShortcut| input.consume_shortcut(&shortcut);
        // Matching ignores extra Shift and Alt, so the longer combination comes first.
        for (shortcut, command) in [
            (CHOOSE_FOLDER, Command::ChooseFolder),
            (CHOOSE_SESSION, Command::ChooseSession),
            (WEBSOCKET, Command::ToggleOutput(Output::WebSocket)),
            (OSC, Command::ToggleOutput(Output::Osc)),
            (OSC_MARKERS, Command::ToggleOutput(Output::OscMarkers)),
            (CHOOSE_FILE, Command::ChooseFile),
            (CHOOSE_CHECKPOINT, Command::ChooseCheckpoint),
            (SESSIONS, Command::ToggleSessions),
            (ABOUT_SESSION, Command::BeginAbout),
            (MARKER_KEYS, Command::BeginMarkerKeys),
            (QUIT, Command::Quit),
            (DEMO, Command::OpenSource(SourceSpec::Demo)),
            (PLAY_AGAIN, Command::PlayAgain),
            (REFRESH, Command::RefreshCameras),
            (KEYBOARD, Command::ToggleKeyboard),
            (fullscreen(os), Command::ToggleFullscreen),
        ] {
            if pressed(shortcut) {
                return Some(command);
            }
        }
        for (position, source) in state.cameras.iter().enumerate() {
            if camera(position).is_some_and(&mut pressed) {
                return Some(Command::OpenSource(source.clone()));
            }
        }
        if state.windows_open && !in_menu && pressed(CLOSE) {
            return Some(Command::CloseWindows);
        }
        let fullscreen = input.viewport().fullscreen == Some(true);
        if fullscreen && !in_menu && input.consume_shortcut(&CLOSE) {
            return Some(Command::ToggleFullscreen);
        }
        if state.can_pause && take_exactly(input, LOOP, Repeats::Ignore) {
            return Some(Command::SetLoop(!state.looped));
        }
        if state.session_open {
            for (shortcut, command) in
                [(EXCLUDE, Command::Exclude), (UNDO, Command::UndoAnnotation)]
            {
                if take_exactly(input, shortcut, Repeats::Ignore) {
                    return Some(command);
                }
            }
        }
        for (digit, _) in state.marker_keys.all() {
            if take_digit(input, digit) {
                return Some(Command::SetNamedMarker(digit));
            }
        }
        let face_size = |px: u32| {
            let px = px.clamp(*FACE_SIZES_PX.start(), *FACE_SIZES_PX.end());
            Command::SetMinFaceSize(px)
        };
        let size_px = state.min_face_size_px;
        for (character, px) in [
            (SMALLER_FACES, size_px.saturating_sub(FACE_SIZE_STEP_PX)),
            (LARGER_FACES, size_px + FACE_SIZE_STEP_PX),
        ] {
            if take_character(input, character) {
                return Some(face_size(px));
            }
        }
        let smoothing = |ms: u32| {
            let ms = ms.min(MAX_SMOOTHING_MS);
            Command::SetSmoothing(Duration::from_millis(ms.into()))
        };
        let (less_ms, more_ms) = (
            state.smoothing_ms.saturating_sub(SMOOTHING_STEP_MS),
            state.smoothing_ms + SMOOTHING_STEP_MS,
        );
        let uncertain =
            |percent: u32| Command::SetUncertainBelow(Some(percent.min(MAX_UNCERTAIN_PERCENT)));
        let percent = state.uncertain_below_percent;
        let less = percent.saturating_sub(UNCERTAIN_STEP_PERCENT);
        let more = percent + UNCERTAIN_STEP_PERCENT;
        // The first press must cover.
        let privacy = match state.privacy {
            None => Some(Effect::Pixelate),
            Some(Effect::Pixelate) => Some(Effect::Blur),
            Some(Effect::Blur) => None,
        };
        // The first four repeat while they are held.
        for (shortcut, repeats, command) in [
            (LESS_SMOOTHING, Repeats::Count, smoothing(less_ms)),
            (MORE_SMOOTHING, Repeats::Count, smoothing(more_ms)),
            (LESS_UNCERTAIN, Repeats::Count, uncertain(less)),
            (MORE_UNCERTAIN, Repeats::Count, uncertain(more)),
            (PAUSE_RECORDING, Repeats::Ignore, Command::PauseRecording),
            (
                SET_MARKER_WITH_NOTE,
                Repeats::Ignore,
                Command::SetMarkerWithNote,
            ),
            (FORGET_NEUTRAL, Repeats::Ignore, Command::SetNeutral(false)),
            (SET_NEUTRAL, Repeats::Ignore, Command::SetNeutral(true)),
            (RECORD, Repeats::Ignore, Command::RecordKey),
            (SET_MARKER, Repeats::Ignore, Command::SetMarker),
            (MIRROR, Repeats::Ignore, Command::SetMirror(!state.mirror)),
            (BOXES, Repeats::Ignore, Command::SetBoxes(!state.boxes)),
            (BARS, Repeats::Ignore, Command::SetBars(!state.bars)),
            (
                TIMELINE,
                Repeats::Ignore,
                Command::SetTimeline(!state.timeline),
            ),
            (
                VIEWS,
                Repeats::Ignore,
                Command::SetViews(state.views.other()),
            ),
            (PRIVACY, Repeats::Ignore, Command::SetPrivacy(privacy)),
            (
                UNCERTAIN_BY_NETWORK,
                Repeats::Ignore,
                Command::SetUncertainBelow(None),
            ),
        ] {
            if take_exactly(input, shortcut, repeats) {
                return Some(command);
            }
        }
        None
    })
}

/// Takes a key that controls playback. A widget with the focus keeps the keys that it uses.
fn take_play_command(ctx: &Context) -> Option<PlayCommand> {
    let has_focus = ctx.memory(|memory| memory.focused().is_some());
    ctx.input_mut(|input| {
        if !has_focus && !input.modifiers.any() {
            for (shortcut, command) in [
                (PLAY, PlayCommand::TogglePause),
                (SKIP_BACK, PlayCommand::SkipBack),
                (SKIP_FORWARD, PlayCommand::SkipForward),
                (START, PlayCommand::Seek(Duration::ZERO)),
            ] {
                if input.consume_shortcut(&shortcut) {
                    return Some(command);
                }
            }
        }
        for (character, command) in [
            (STEP_BACK, PlayCommand::StepBack),
            (STEP_FORWARD, PlayCommand::StepForward),
            (SLOWER, PlayCommand::Slower),
            (FASTER, PlayCommand::Faster),
        ] {
            if take_character(input, character) {
                return Some(command);
            }
        }
        None
    })
}

/// Takes a typed character out of the input; true if it was typed.
fn take_character(input: &mut egui::InputState, character: char) -> bool {
    let is_it = |event: &egui::Event| matches!(event, egui::Event::Text(text) if text.chars().eq([character]));
    let at = input.events.iter().position(is_it);
    at.map(|at| input.events.remove(at)).is_some()
}

/// Whether the repetitions of a held key count.
#[derive(Clone, Copy, PartialEq)]
enum Repeats {
    Count,
    Ignore,
}

/// Takes a key that was pressed with exactly these modifiers: with Alt, letters open menus.
///
/// The modifiers at the end of the frame do not matter: after a quick Shift+R, Shift is up again by then, and R alone would
/// stop the recording instead of pausing it.
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

/// Takes a digit that was pressed by itself. Shift may be down: some keyboards need it for digits.
fn take_digit(input: &mut InputState, digit: u8) -> bool {
    let KeyboardShortcut {
        logical_key: key, ..
    } = named_marker(digit);
    [Modifiers::NONE, Modifiers::SHIFT]
        .into_iter()
        .any(|modifiers| {
            take_exactly(
                input,
                KeyboardShortcut::new(modifiers, key),
                Repeats::Ignore,
            )
        })
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
        timeline: false,
        privacy: None,
        smoothing_ms: 300,
        views: Views::Single,
        uncertain_below_percent: 40,
        min_face_size_px: 40,
        windows_open: false,
        can_pause: false,
        marker_keys: &NO_KEYS,
        session_open: false,
        looped: false,
    };
    static NO_KEYS: MarkerKeys = MarkerKeys::NONE;

    /// The commands of a key that goes down with `modifiers`, which are up again before the frame ends: in that frame, and
    /// in the next one while it is held. egui itself detects the repetition.
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
    fn a_letter_counts_with_the_modifiers_at_its_press() {
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
            Some(Command::RecordKey)
        ));
        assert!(matches!(
            pressed(Modifiers::SHIFT, Key::K),
            Some(Command::SetMarkerWithNote)
        ));
        assert!(matches!(
            pressed(Modifiers::NONE, Key::F),
            Some(Command::SetViews(Views::Flip))
        ));
        assert!(
            pressed(Modifiers::NONE, Key::Num1).is_none(),
            "it has no words"
        );
        assert!(pressed(Modifiers::ALT, Key::R).is_none());
        assert!(pressed(Modifiers::SHIFT, Key::M).is_none());
    }

    #[test]
    fn a_held_key_switches_once_but_steps_repeatedly() {
        assert!(matches!(
            held(Modifiers::NONE, Key::R),
            [Some(Command::RecordKey), None]
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
