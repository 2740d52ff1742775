//! The content of the Keyboard shortcuts window.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::{
    ABOUT_SESSION, BARS, BOXES, CHOOSE_CHECKPOINT, CHOOSE_FILE, CHOOSE_FOLDER, CHOOSE_SESSION,
    CLOSE, DEMO, DIGITS, EXCLUDE, FASTER, FORGET_NEUTRAL, KEYBOARD, LARGER_FACES, LESS_SMOOTHING,
    LESS_UNCERTAIN, LOOP, MARKER_KEYS, MIRROR, MORE_SMOOTHING, MORE_UNCERTAIN, NAME_FACE, OSC,
    OSC_MARKERS, PAUSE_RECORDING, PLAY, PLAY_AGAIN, PRIVACY, QUIT, RECORD, REFRESH, SESSIONS,
    SET_MARKER, SET_MARKER_WITH_NOTE, SET_NEUTRAL, SKIP_BACK, SKIP_FORWARD, SLOWER, SMALLER_FACES,
    START, STEP_BACK, STEP_FORWARD, TIMELINE, UNCERTAIN_BY_NETWORK, UNDO, VIEWS, WEBSOCKET,
    fullscreen,
};
use crate::ui::words::text;

/// The content of the Keyboard shortcuts window: groups of (keys, what they do).
pub fn list(ctx: &Context) -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let keys = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    // "[" is clearer than "OpenBracket".
    let symbol = |shortcut: KeyboardShortcut| shortcut.logical_key.symbol_or_name();
    let pair = |a, b| text!("keys-and", a = symbol(a), b = symbol(b));
    let camera = |digit| keys(KeyboardShortcut::new(Modifiers::COMMAND, digit));
    let last = DIGITS[DIGITS.len() - 1];
    let cameras = text!("keys-to", a = camera(DIGITS[0]), b = camera(last));
    let digits = text!("keys-to", a = "1", b = "9");
    vec![
        (
            text!("keys-open"),
            vec![
                (keys(CHOOSE_FILE), text!("keys-file")),
                (keys(CHOOSE_FOLDER), text!("keys-folder")),
                (keys(CHOOSE_SESSION), text!("keys-session")),
                (keys(SESSIONS), text!("keys-sessions")),
                (keys(CHOOSE_CHECKPOINT), text!("keys-checkpoint")),
                (cameras, text!("keys-camera")),
                (keys(DEMO), text!("source-demo")),
                (keys(PLAY_AGAIN), text!("source-play-again")),
                (keys(REFRESH), text!("source-refresh")),
            ],
        ),
        (text!("menu-playback"), play_keys(ctx)),
        (
            text!("menu-record"),
            vec![
                (keys(RECORD), text!("keys-record-toggle")),
                (keys(PAUSE_RECORDING), text!("keys-record-pause")),
                (keys(SET_MARKER), text!("record-mark")),
                (keys(SET_MARKER_WITH_NOTE), text!("keys-mark-with-note")),
                (digits.clone(), text!("keys-mark-own-words")),
                (keys(MARKER_KEYS), text!("keys-marker-keys")),
                (keys(ABOUT_SESSION), text!("keys-about")),
            ],
        ),
        (
            text!("keys-replay"),
            vec![
                (
                    format!(
                        "{}, {}, {digits}",
                        keys(SET_MARKER),
                        keys(SET_MARKER_WITH_NOTE)
                    ),
                    text!("keys-add-marker"),
                ),
                (keys(EXCLUDE), text!("keys-exclude")),
                (keys(UNDO), text!("record-undo")),
            ],
        ),
        (
            text!("menu-view"),
            vec![
                (keys(MIRROR), text!("view-mirror")),
                (keys(BOXES), text!("view-boxes")),
                (keys(BARS), text!("view-bars")),
                (keys(TIMELINE), text!("keys-timeline")),
                (keys(NAME_FACE), text!("keys-name-face")),
                (
                    text!("keys-or-double-click", key = keys(fullscreen(ctx.os()))),
                    text!("keys-fullscreen"),
                ),
                (
                    text!(
                        "keys-zoom",
                        plus = keys(KeyboardShortcut::new(Modifiers::COMMAND, Key::Plus))
                    ),
                    text!("keys-text-size"),
                ),
                (keys(PRIVACY), text!("keys-privacy")),
                (
                    pair(LESS_SMOOTHING, MORE_SMOOTHING),
                    text!("keys-smoothing"),
                ),
                (keys(VIEWS), text!("keys-averaging")),
                (
                    text!("keys-and", a = keys(SET_NEUTRAL), b = keys(FORGET_NEUTRAL)),
                    text!("keys-neutral"),
                ),
                (
                    pair(LESS_UNCERTAIN, MORE_UNCERTAIN),
                    text!("keys-uncertain"),
                ),
                (keys(UNCERTAIN_BY_NETWORK), text!("view-own-threshold")),
                (
                    characters(SMALLER_FACES, LARGER_FACES),
                    text!("keys-face-size"),
                ),
            ],
        ),
        (
            text!("menu-stream"),
            vec![
                (keys(WEBSOCKET), text!("keys-websocket")),
                (keys(OSC), text!("keys-osc")),
                (keys(OSC_MARKERS), text!("keys-osc-markers")),
            ],
        ),
        (
            text!("keys-windows"),
            vec![
                (
                    format!(
                        "{}, S, P, M, R, V, T, H",
                        keys(KeyboardShortcut::new(Modifiers::ALT, Key::F))
                    ),
                    text!("keys-open-menu"),
                ),
                ("Tab".to_owned(), text!("keys-tab")),
                (keys(CLOSE), text!("keys-close")),
                (keys(KEYBOARD), text!("keys-list")),
                (keys(QUIT), text!("file-quit")),
            ],
        ),
    ]
}

/// The playback group.
fn play_keys(ctx: &Context) -> Vec<(String, &'static str)> {
    let name = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    vec![
        (name(PLAY), text!("keys-play")),
        (
            text!("keys-and", a = name(SKIP_BACK), b = name(SKIP_FORWARD)),
            text!("keys-skip"),
        ),
        (name(START), text!("play-start")),
        (characters(STEP_BACK, STEP_FORWARD), text!("keys-step")),
        (characters(SLOWER, FASTER), text!("keys-speed")),
        (name(LOOP), text!("keys-loop")),
    ]
}

/// Two keys that are named by the characters that they type.
fn characters(a: char, b: char) -> String {
    text!("keys-and", a = a.to_string(), b = b.to_string())
}
