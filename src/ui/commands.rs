//! What people can ask of the application, wherever they ask it: menu, key, button or a dropped file.
//!
//! Panels only return a [`Command`]; `App` executes it after the layout. So every panel can be tested by what it
//! returns, and nothing changes while it is being drawn.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use egui::ThemePreference;

use super::{dialogs::VIDEO_EXTENSIONS, player::Playback};
use crate::{
    capture::{SourceSpec, still},
    detect::{Detector, TrackId},
    export::Format,
    model::{CheckpointChoice, Views, import::EXTENSIONS},
    privacy::Effect,
    record::VideoChoice,
    session::MANIFEST_FILE,
    stream::Output,
};

/// One wish of the user.
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
    /// Open a folder: a session, or pictures.
    OpenFolder(PathBuf),
    /// Look at another source.
    OpenSource(SourceSpec),
    /// Open the present source again from its start.
    PlayAgain,
    /// Something about the file that plays.
    Playback(Playback),
    /// List the cameras again.
    RefreshCameras,
    /// Run another checkpoint.
    LoadCheckpoint(CheckpointChoice),
    /// Show the picture mirrored or not, for sources of the present kind.
    SetMirror(bool),
    /// Show boxes and names on the picture or not.
    SetBoxes(bool),
    /// Show face meshes with the boxes or not.
    SetMesh(bool),
    /// Show the side panel or not.
    SetBars(bool),
    /// Cover faces in this way, or not at all.
    SetPrivacy(Option<Effect>),
    /// Let this face be seen while others are covered, or not any longer.
    ShowFace(TrackId, bool),
    /// Time constant of the smoothing.
    SetSmoothing(Duration),
    /// What the network looks at of each face.
    SetViews(Views),
    /// Below this probability, %, no expression is named; `None` for what the checkpoint says.
    SetUncertainBelow(Option<u32>),
    /// What finds faces.
    SetDetector(Detector),
    /// Smallest face to look for, px.
    SetMinFaceSize(u32),
    /// Switch a live output on or off.
    ToggleOutput(Output),
    /// Another port for a live output that is off.
    SetOutputPort(Output, u16),
    /// Light, dark, or as the system says.
    SetTheme(ThemePreference),
    /// Show or hide the window about the application.
    ToggleAbout,
    /// Show or hide the list of keys.
    ToggleKeyboard,
    /// Close the topmost window.
    CloseWindows,
    /// Take the notice with this number away.
    DismissNotice(u64),
    /// Ask for a file, then export the open session to it.
    Export(Format),
    /// Start a recording, or end the one that goes on.
    ToggleRecording,
    /// Pause the recording, or go on with it.
    PauseRecording,
    /// Set a mark in the recording.
    Mark,
    /// Set a mark and ask for its note.
    MarkWithNote,
    /// Which videos recordings have.
    SetVideo(VideoChoice),
    /// Ask where recordings go.
    ChooseSessionsFolder,
    /// End the application.
    Quit,
}

impl Command {
    /// What a file or folder that was dropped on the window, or chosen in a dialog, means.
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
            // It may be a session; looking into it is not for this thread.
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
