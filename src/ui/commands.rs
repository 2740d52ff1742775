//! What people can ask of the application, wherever they ask it: menu, key, button or a dropped file.
//!
//! Panels only return a [`Command`]; `App` executes it after the layout. So every panel can be tested by what it
//! returns, and nothing changes while it is being drawn.

use std::{path::Path, time::Duration};

use egui::ThemePreference;

use crate::{
    capture::SourceSpec,
    model::{CheckpointChoice, checkpoint::EXTENSIONS},
};

/// One wish of the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Ask for an image or a video file, then open it.
    ChooseFile,
    /// Ask for a folder of images, then open it.
    ChooseFolder,
    /// Ask for a checkpoint file, then load it.
    ChooseCheckpoint,
    /// Look at another source.
    OpenSource(SourceSpec),
    /// Open the present source again from its start.
    PlayAgain,
    /// List the cameras again.
    RefreshCameras,
    /// Run another checkpoint.
    LoadCheckpoint(CheckpointChoice),
    /// Show the picture mirrored or not, for sources of the present kind.
    SetMirror(bool),
    /// Show boxes and names on the picture or not.
    SetBoxes(bool),
    /// Show the side panel or not.
    SetBars(bool),
    /// Time constant of the smoothing.
    SetSmoothing(Duration),
    /// Below this probability, %, no expression is named; `None` for what the checkpoint says.
    SetUncertainBelow(Option<u32>),
    /// Smallest face to look for, px.
    SetMinFaceSize(u32),
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
    /// End the application.
    Quit,
}

impl Command {
    /// What a file or folder that was dropped on the window, or chosen in a dialog, means.
    pub fn open_path(path: &Path) -> Self {
        let is_checkpoint = path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| {
                let mut known = EXTENSIONS.iter();
                known.any(|known| extension.eq_ignore_ascii_case(known))
            });
        if is_checkpoint {
            Self::LoadCheckpoint(CheckpointChoice::File(path.to_owned()))
        } else {
            Self::OpenSource(SourceSpec::Path(path.to_owned()))
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
        source("/tmp/safetensors");
        source("/tmp/photos");
    }
}
