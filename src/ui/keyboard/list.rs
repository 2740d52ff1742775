//! The content of the Keyboard shortcuts window.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::{
    ABOUT_SESSION, BARS, BOXES, CHOOSE_CHECKPOINT, CHOOSE_FILE, CHOOSE_FOLDER, CHOOSE_SESSION,
    CLOSE, DEMO, DIGITS, EXCLUDE, FASTER, FORGET_NEUTRAL, KEYBOARD, LARGER_FACES, LESS_SMOOTHING,
    LESS_UNCERTAIN, MARKER_KEYS, MIRROR, MORE_SMOOTHING, MORE_UNCERTAIN, OSC, OSC_MARKERS,
    PAUSE_RECORDING, PLAY, PLAY_AGAIN, PRIVACY, QUIT, RECORD, REFRESH, SESSIONS, SET_MARKER,
    SET_MARKER_WITH_NOTE, SET_NEUTRAL, SKIP_BACK, SKIP_FORWARD, SLOWER, SMALLER_FACES, START,
    STEP_BACK, STEP_FORWARD, TIMELINE, UNCERTAIN_BY_NETWORK, UNDO, VIEWS, WEBSOCKET, fullscreen,
};

/// The content of the Keyboard shortcuts window: groups of (keys, what they do).
pub fn list(ctx: &Context) -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let keys = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    // "[" is clearer than "OpenBracket".
    let symbol = |shortcut: KeyboardShortcut| shortcut.logical_key.symbol_or_name();
    let pair = |a, b| format!("{} and {}", symbol(a), symbol(b));
    let cameras = format!(
        "{} to {}",
        keys(KeyboardShortcut::new(Modifiers::COMMAND, DIGITS[0])),
        keys(KeyboardShortcut::new(
            Modifiers::COMMAND,
            DIGITS[DIGITS.len() - 1]
        )),
    );
    vec![
        (
            "Open",
            vec![
                (keys(CHOOSE_FILE), "Image or video"),
                (keys(CHOOSE_FOLDER), "Folder of images"),
                (keys(CHOOSE_SESSION), "Recorded session"),
                (keys(SESSIONS), "List of sessions"),
                (keys(CHOOSE_CHECKPOINT), "Checkpoint"),
                (cameras, "Camera, in the order of the menu"),
                (keys(DEMO), "Demo"),
                (keys(PLAY_AGAIN), "Play again"),
                (keys(REFRESH), "Refresh cameras"),
            ],
        ),
        ("Playback", play_keys(ctx)),
        (
            "Record",
            vec![
                (keys(RECORD), "Start and stop"),
                (keys(PAUSE_RECORDING), "Pause and resume"),
                (keys(SET_MARKER), "Set marker"),
                (keys(SET_MARKER_WITH_NOTE), "Set marker with note"),
                ("1 to 9".to_owned(), "Set marker with your own words"),
                (keys(MARKER_KEYS), "Words of the marker keys"),
                (keys(ABOUT_SESSION), "Who and what"),
            ],
        ),
        (
            "Replay",
            vec![
                (
                    format!(
                        "{}, {}, 1 to 9",
                        keys(SET_MARKER),
                        keys(SET_MARKER_WITH_NOTE)
                    ),
                    "Add a marker",
                ),
                (keys(EXCLUDE), "Exclude from here, and to here"),
                (keys(UNDO), "Undo"),
            ],
        ),
        (
            "View",
            vec![
                (keys(MIRROR), "Mirror"),
                (keys(BOXES), "Boxes"),
                (keys(BARS), "Bars"),
                (keys(TIMELINE), "Timeline of the last minute"),
                (
                    format!("{} or double click", keys(fullscreen(ctx.os()))),
                    "Full screen and back",
                ),
                (
                    format!(
                        "{}, Minus and 0",
                        keys(KeyboardShortcut::new(Modifiers::COMMAND, Key::Plus))
                    ),
                    "Larger, smaller and normal text",
                ),
                (keys(PRIVACY), "Privacy: pixelate, blur, off"),
                (
                    pair(LESS_SMOOTHING, MORE_SMOOTHING),
                    "Less and more smoothing",
                ),
                (keys(VIEWS), "Mirror averaging"),
                (
                    format!("{} and {}", keys(SET_NEUTRAL), keys(FORGET_NEUTRAL)),
                    "Set neutral, and forget it",
                ),
                (
                    pair(LESS_UNCERTAIN, MORE_UNCERTAIN),
                    "Lower and higher “uncertain” threshold",
                ),
                (
                    keys(UNCERTAIN_BY_NETWORK),
                    "Use the network's own threshold",
                ),
                (
                    format!("{SMALLER_FACES} and {LARGER_FACES}"),
                    "Smaller and larger minimum face size",
                ),
            ],
        ),
        (
            "Stream",
            vec![
                (keys(WEBSOCKET), "WebSocket on and off"),
                (keys(OSC), "OSC on and off"),
                (keys(OSC_MARKERS), "Markers from OSC on and off"),
            ],
        ),
        (
            "Menus and windows",
            vec![
                (
                    format!(
                        "{}, S, P, M, R, V, T, H",
                        keys(KeyboardShortcut::new(Modifiers::ALT, Key::F))
                    ),
                    "Open a menu, then arrow keys and Enter",
                ),
                ("Tab".to_owned(), "Next control"),
                (keys(CLOSE), "Close menu or window"),
                (keys(KEYBOARD), "Show this list"),
                (keys(QUIT), "Quit"),
            ],
        ),
    ]
}

/// The playback group.
fn play_keys(ctx: &Context) -> Vec<(String, &'static str)> {
    let name = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    vec![
        (name(PLAY), "Play and pause"),
        (
            format!("{} and {}", name(SKIP_BACK), name(SKIP_FORWARD)),
            "Back and forward 5 seconds",
        ),
        (name(START), "Go to start"),
        (
            format!("{STEP_BACK} and {STEP_FORWARD}"),
            "Step back and forward",
        ),
        (format!("{SLOWER} and {FASTER}"), "Slower and faster"),
    ]
}
