//! What the user can ask the application to do, by menu, key, button or a dropped file.
//!
//! Panels only return a [`Command`]; `App` runs it after layout. So every panel can be tested by what it returns, and
//! nothing changes while it is being drawn.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use egui::ThemePreference;

use super::{compare::Part, dialogs::VIDEO_EXTENSIONS, words::Language};
use crate::{
    capture::{SourceSpec, still},
    detect::{Detector, TrackId},
    export::Format,
    model::{CheckpointChoice, Views, assumptions::Settings, import::EXTENSIONS},
    privacy::Effect,
    record::VideoChoice,
    session::{MANIFEST_FILE, annotations::Place},
    stream::Output,
};

/// One request by the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Ask for an image or a video file, then open it.
    ChooseFile,
    /// Ask for a folder of images, then open it.
    ChooseFolder,
    /// Ask for a session's folder, then open it.
    ChooseSession,
    /// Ask for a checkpoint file, then load it.
    ChooseCheckpoint,
    /// Open a folder: a session, or images.
    OpenFolder(PathBuf),
    /// Open another source.
    OpenSource(SourceSpec),
    /// Open the current source again from its start.
    PlayAgain,
    /// Control the file that plays.
    Play(PlayCommand),
    /// List the cameras again.
    RefreshCameras,
    /// Load another network.
    LoadCheckpoint(CheckpointChoice),
    /// Let a second network read the same faces, or none.
    LoadSecond(Option<CheckpointChoice>),
    /// Ask for a checkpoint file, then load it as the second network.
    ChooseSecond,
    /// Mirror the view or not, for sources of the current kind.
    SetMirror(bool),
    /// Show or hide boxes and names.
    SetBoxes(bool),
    /// Show or hide face meshes.
    SetMesh(bool),
    /// Show or hide the side panel.
    SetBars(bool),
    /// Cover faces in this way; `None` shows them.
    SetPrivacy(Option<Effect>),
    /// Show this face while others are covered (`true`), or cover it again.
    ShowFace(TrackId, bool),
    /// Call a face this; an empty name is none.
    NameFace(TrackId, String),
    /// Play files from the start again when they end.
    SetLoop(bool),
    /// Set the time constant of the smoothing.
    SetSmoothing(Duration),
    /// Set which views of a face the network averages.
    SetViews(Views),
    /// Name no expression below this probability, %; `None` takes the network's own threshold.
    SetUncertainBelow(Option<u32>),
    /// Set what finds faces.
    SetDetector(Detector),
    /// Ignore faces smaller than this, px.
    SetMinFaceSize(u32),
    /// Switch a live output on or off.
    ToggleOutput(Output),
    /// Set the port of a live output that is off.
    SetOutputPort(Output, u16),
    /// Use the light theme, the dark theme, or the system's.
    SetTheme(ThemePreference),
    /// Use this language, or the system's.
    SetLanguage(Option<Language>),
    /// Show or hide the last minute of all faces.
    SetTimeline(bool),
    /// Show or hide rates, latency and drops in the status bar.
    SetStatistics(bool),
    /// Set what changes measurements back to the defaults.
    ResetMeasured,
    /// Fill the screen with the window, or go back.
    ToggleFullscreen,
    /// Show or hide the About window.
    ToggleAbout,
    /// Show or hide the Keyboard window.
    ToggleKeyboard,
    /// Close the windows that Escape closes.
    CloseWindows,
    /// Ask what the current network of another program takes, and what its outputs mean.
    AskAboutNetwork,
    /// Load a network as this, and keep it beside the file.
    SetAssumptions(PathBuf, Box<Settings>),
    /// Close that window.
    CloseAssumptions,
    /// Remove the notice with this number.
    DismissNotice(u64),
    /// Ask for a file, then export the open session to it.
    Export(Format),
    /// Start a recording, or stop the current one.
    ToggleRecording,
    /// The key for recordings: start one, or stop the current one, after a question if it is long.
    RecordKey,
    /// The answer to that question, and to the one before another source or the end: continue (`true`), or keep recording.
    EndGuard(bool),
    /// Pause the recording, or resume it.
    PauseRecording,
    /// Set a marker in the recording.
    SetMarker,
    /// Ask for a note, then set a marker with it at the time of this command.
    SetMarkerWithNote,
    /// Set a marker with the words of this digit's key.
    SetNamedMarker(u8),
    /// Ask what the digits set as markers.
    BeginMarkerKeys,
    /// Keep what was written about the keys (`true`), or discard it.
    EndMarkerKeys(bool),
    /// Learn the resting face of everybody in view (`true`), or forget it.
    SetNeutral(bool),
    /// Begin an excluded span of the open session where it plays, or end it.
    Exclude,
    /// Ask about a marker or an excluded span of the open session.
    EditAnnotation(Place),
    /// Keep what was written about it (`true`), or discard it.
    EndAnnotation(bool),
    /// Move a marker or an excluded span to where the session plays.
    MoveAnnotation(Place),
    /// Remove a marker or an excluded span.
    RemoveAnnotation(Place),
    /// Take the latest change of markers and excluded spans back.
    UndoAnnotation,
    /// Set the marker whose note was being written (`true`), or discard it.
    EndNote(bool),
    /// Set which videos recordings have.
    SetVideo(VideoChoice),
    /// Ask for the folder that recordings go to.
    ChooseSessionsFolder,
    /// Show or hide the list of sessions.
    ToggleSessions,
    /// List the sessions again.
    RefreshSessions,
    /// Show a folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Ask for a file, then export this session to it.
    ExportSession(PathBuf, Format),
    /// Move a session to the system's trash.
    TrashSession(PathBuf),
    /// Ask who and what the next recordings are about.
    BeginAbout,
    /// Ask who and what this session is about.
    BeginRename(PathBuf),
    /// Keep what was written about the session (`true`), or discard it.
    EndAbout(bool),
    /// Show or hide the window for many files.
    ToggleMany,
    /// Ask for files to analyze.
    ChooseManyFiles,
    /// Ask for a folder of files to analyze.
    ChooseManyFolder,
    /// Ask for the folder of their results.
    ChooseManyOut,
    /// Analyze the chosen files.
    StartMany,
    /// Stop analyzing them.
    StopMany,
    /// Let another network read sessions.
    ReadAgain(Reading),
    /// Ask for a file with a network, then let it read these sessions.
    ChooseReader(Vec<PathBuf>),
    /// Ask how to share this session's video with hidden faces.
    BeginShare(PathBuf),
    /// Ask for the folder in which it is made.
    ChooseShareOut,
    /// Make what was asked for (`true`), or discard it.
    EndShare(bool),
    /// End the work on sessions with this number.
    CancelTool(u64),
    /// Compare these sessions.
    CompareSessions(Vec<PathBuf>),
    /// Compare the same ones by what is chosen now.
    RestartComparison,
    /// Stop comparing.
    CancelComparison,
    /// Ask for a file, then save this of the comparison.
    SaveComparison(Part),
    /// Quit.
    Quit,
}

/// Sessions that another network is to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Their folders.
    pub folders: Vec<PathBuf>,
    /// The network.
    pub network: CheckpointChoice,
    /// Whether it replaces what the same network read before.
    pub overwrite: bool,
}

/// One request about the file that plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlayCommand {
    /// Pause or resume; after the end, play from the start.
    TogglePause,
    /// Pause at the frame after this one.
    StepForward,
    /// Pause at the frame before this one.
    StepBack,
    /// Seek forward by [`SKIP`](super::player::SKIP).
    SkipForward,
    /// Seek back by [`SKIP`](super::player::SKIP).
    SkipBack,
    /// Seek to a time.
    Seek(Duration),
    /// Seek to a time while the slider is held; playback pauses until [`PlayCommand::EndDrag`].
    Drag(Duration),
    /// The slider was released.
    EndDrag,
    /// Play at this multiple of the file's own speed.
    SetSpeed(f64),
    /// Take the next lower speed in the menu.
    Slower,
    /// Take the next higher speed in the menu.
    Faster,
}

impl From<PlayCommand> for Command {
    fn from(command: PlayCommand) -> Self {
        Self::Play(command)
    }
}

impl Command {
    /// The command that opens a file or folder that was dropped on the window or chosen in a dialog.
    pub fn open_path(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_one_of = |known: &[&str]| {
            extension.is_some_and(|own| known.iter().any(|known| own.eq_ignore_ascii_case(known)))
        };
        let owned = || path.to_owned();
        if is_one_of(&EXTENSIONS) {
            Self::LoadCheckpoint(CheckpointChoice::File(owned()))
        } else if is_one_of(&still::EXTENSIONS) || is_one_of(&VIDEO_EXTENSIONS) {
            Self::OpenSource(SourceSpec::Path(owned()))
        } else if path.file_name().is_some_and(|name| name == MANIFEST_FILE) {
            Self::OpenFolder(path.parent().unwrap_or(path).to_owned())
        } else {
            // It may be a session. Another thread looks into it: the disk may be slow.
            Self::OpenFolder(owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_files_are_told_apart_by_their_extension() {
        let checkpoint = |path: &str| {
            let path = Path::new(path);
            assert_eq!(
                Command::open_path(path),
                Command::LoadCheckpoint(CheckpointChoice::File(path.to_owned()))
            );
        };
        let source = |path: &str| {
            let path = Path::new(path);
            assert_eq!(
                Command::open_path(path),
                Command::OpenSource(SourceSpec::Path(path.to_owned()))
            );
        };
        checkpoint("/tmp/best.safetensors");
        checkpoint("/tmp/BEST.SAFETENSORS");
        checkpoint("/tmp/best.pth");
        checkpoint("/tmp/best.pt");
        source("/tmp/clip.mp4");
        source("/tmp/face.JPG");
        let folder = |path: &str, folder: &str| {
            let expected = Command::OpenFolder(PathBuf::from(folder));
            assert_eq!(Command::open_path(Path::new(path)), expected);
        };
        folder("/tmp/safetensors", "/tmp/safetensors");
        folder("/tmp/photos", "/tmp/photos");
        folder("/tmp/2026-11-25/session.json", "/tmp/2026-11-25");
    }
}
