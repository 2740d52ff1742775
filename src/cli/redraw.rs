//! `fervis redraw`: draws a session's video again, with or without boxes, with faces hidden or shown.

use std::{ops::ControlFlow, path::PathBuf, process::ExitCode};

use clap::Args;
use fervis::{
    detect::TrackId,
    privacy::{Effect, FacePrivacy, Who},
    record::{VideoChoice, redraw},
    session::Session,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{args, output};

const EXAMPLES: &str = "\
Examples:
  fervis redraw monday --out monday-boxes
  fervis redraw monday --hide-faces pixelate --out shared
  fervis redraw monday --video clean --hide-faces blur --show-face 1 --out shared";

/// Every choice except no video.
const DRAWN: [VideoChoice; 3] = [
    VideoChoice::Annotated,
    VideoChoice::Clean,
    VideoChoice::Both,
];

/// Arguments of `fervis redraw`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RedrawArgs {
    /// Folder of the session; it is not changed
    session: PathBuf,

    /// Folder for the new video; it is created, and must be empty if it exists
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// Frames with boxes and labels, frames without, or one video of each
    #[arg(long, value_name = "WHICH", value_parser = args::video(&DRAWN), default_value = VideoChoice::default().name())]
    video: VideoChoice,

    /// Make faces unrecognizable [default: faces stay visible]
    #[arg(long, value_name = "HOW", value_parser = args::effect())]
    hide_faces: Option<Effect>,

    /// Leave this face visible; can be repeated
    #[arg(long, value_name = "NUMBER", requires = "hide_faces")]
    show_face: Vec<u64>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence.
pub fn run(args: &RedrawArgs) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.session)?;
    let shown = args.show_face.iter().map(|&track| TrackId(track));
    let privacy = args.hide_faces.map(|effect| FacePrivacy {
        effect,
        who: match args.show_face[..] {
            [] => Who::All,
            _ => Who::AllBut(shown.collect()),
        },
    });
    let bar = ProgressBar::new(session.frames.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {pos} of {len} frames, {eta} left")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    let redrawn = redraw::redraw(
        &session,
        args.video,
        privacy.as_ref(),
        &args.out,
        &mut |done| {
            bar.set_position(done);
            ControlFlow::Continue(())
        },
    )?;
    bar.finish_and_clear();
    if redrawn.has_old_boxes {
        eprintln!(
            "fervis: the session has no clean video, so the boxes of the recording stay visible; to avoid that, record \
             with --video clean or both"
        );
    }
    let files = redrawn
        .videos
        .iter()
        .map(|video| args.out.join(&video.file));
    let names: String = files.map(|file| format!("{}\n", file.display())).collect();
    Ok(output::print(&names, ExitCode::SUCCESS)?)
}
