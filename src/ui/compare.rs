//! Sessions compared by participant and condition: what `fervis summarize` does, on a thread of its own.

use std::{path::PathBuf, sync::Arc, time::Duration};

#[cfg(feature = "plots")]
use egui::ColorImage;
use egui::Context;

use super::{
    background::Background,
    messages::{Message, Severity, sentence},
    progress::Progress,
    words::text,
};
use crate::{
    error_text::error_text,
    result_file::Outputs,
    session::{MANIFEST_FILE, Session},
    summarize::{By, Summarizer, Summary},
};

/// How long a window that closes waits: a table is written in a moment, and a session is read in seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be saved of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All figures of all groups, as CSV.
    Table,
    /// The shares with their intervals, as SVG.
    Picture,
}

/// Sessions compared, and their picture.
pub struct Compared {
    /// The figures.
    pub summary: Summary,
    /// The shares as they are drawn.
    #[cfg(feature = "plots")]
    pub picture: Arc<ColorImage>,
    /// What to bear in mind, one sentence each.
    pub notes: Vec<String>,
}

/// A comparison, or none.
pub struct Compare {
    folders: Vec<PathBuf>,
    /// Number of the newest comparison; results of others are dropped.
    number: u64,
    running: Option<Progress>,
    outcomes: Background<(u64, Result<Compared, String>)>,
    result: Option<Result<Arc<Compared>, String>>,
    saved: Background<Message>,
    refused: Option<Message>,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            number: 0,
            running: None,
            outcomes: Background::new("comparison", PATIENCE),
            result: None,
            saved: Background::new("save comparison", PATIENCE),
            refused: None,
        }
    }
}

impl Drop for Compare {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Compare {
    /// Compares these sessions from now on.
    pub fn set_folders(&mut self, folders: Vec<PathBuf>) {
        self.folders = folders;
    }

    /// Number of sessions.
    pub fn n_sessions(&self) -> usize {
        self.folders.len()
    }

    /// Compares by this, and forgets what was compared before.
    pub fn start(&mut self, by: Vec<By>, ctx: &Context) {
        self.cancel();
        self.result = None;
        self.number += 1;
        let number = self.number;
        let progress = Progress::new(ctx, text!("compare-reading").to_owned());
        let (folders, own) = (self.folders.clone(), progress.clone());
        let max_side = ctx.input(|input| input.max_texture_side);
        let work = move || (number, compare(&folders, &by, max_side, &own));
        match self.outcomes.spawn(ctx, work) {
            Ok(()) => self.running = Some(progress),
            Err(error) => {
                let text = text!("no-thread", reason = error.to_string());
                self.result = Some(Err(text));
            }
        }
    }

    /// Ends it soon; nothing comes of it.
    pub fn cancel(&mut self) {
        if let Some(running) = self.running.take() {
            running.cancel();
            self.number += 1;
        }
    }

    /// How far it is, while it runs.
    pub fn running(&self) -> Option<&Progress> {
        self.running.as_ref()
    }

    /// What has come of it, or why nothing has.
    pub fn result(&self) -> Option<&Result<Arc<Compared>, String>> {
        self.result.as_ref()
    }

    /// Saves a part to `file`, and replaces that: the dialog has asked whether to.
    pub fn save(&mut self, part: Part, file: PathBuf, ctx: &Context) {
        let Some(Ok(compared)) = &self.result else {
            return;
        };
        let compared = Arc::clone(compared);
        let inputs: Vec<PathBuf> = self.folders.iter().map(|f| f.join(MANIFEST_FILE)).collect();
        let work = move || save(&compared.summary, part, file, inputs);
        if let Err(error) = self.saved.spawn(ctx, work) {
            let text = text!("no-thread", reason = error.to_string());
            self.refused = Some((Severity::Error, text));
        }
    }

    /// Takes what has ended since the last call, and returns messages about it.
    pub fn update(&mut self) -> Vec<Message> {
        while let Some((number, outcome)) = self.outcomes.take() {
            if number == self.number {
                self.running = None;
                self.result = Some(outcome.map(Arc::new));
            }
        }
        let saved = std::iter::from_fn(|| self.saved.take());
        self.refused.take().into_iter().chain(saved).collect()
    }
}

fn compare(
    folders: &[PathBuf],
    by: &[By],
    max_side: usize,
    progress: &Progress,
) -> Result<Compared, String> {
    let mut summarizer = Summarizer::new(by);
    let mut notes = Vec::new();
    for (n_read, folder) in folders.iter().enumerate() {
        if progress
            .advance(n_read as u64, folders.len() as u64)
            .is_break()
        {
            return Err(text!("tool-canceled").to_owned());
        }
        let session = Session::open(folder).map_err(|error| sentence(&error_text(&error)))?;
        notes.extend(session.annotations_problem.as_deref().map(sentence));
        let added = summarizer.add(session);
        added.map_err(|error| sentence(&error_text(&error)))?;
    }
    let summary = summarizer.finish();
    #[cfg(not(feature = "plots"))]
    let _ = max_side; // There is no picture.
    Ok(Compared {
        #[cfg(feature = "plots")]
        picture: picture(&summary, max_side)?,
        summary,
        notes,
    })
}

/// The picture, with every 2nd, 3rd, … pixel if it is too large for a texture.
#[cfg(feature = "plots")]
fn picture(summary: &Summary, max_side: usize) -> Result<Arc<ColorImage>, String> {
    let pixels = summary.pixels();
    let pixels = pixels.map_err(|error| sentence(&error_text(&error)))?;
    let [width, height] = pixels.size.map(|side| side as usize);
    let step = width.max(height).div_ceil(max_side.max(1)).max(1);
    let rows = pixels.rgb.chunks_exact(3 * width.max(1)).step_by(step);
    let rgb: Vec<u8> = rows
        .flat_map(|row| row.chunks_exact(3).step_by(step).flatten().copied())
        .collect();
    let size = [width.div_ceil(step), height.div_ceil(step)];
    Ok(Arc::new(ColorImage::from_rgb(size, &rgb)))
}

fn save(summary: &Summary, part: Part, file: PathBuf, inputs: Vec<PathBuf>) -> Message {
    let content: std::io::Result<Vec<u8>> = match part {
        Part::Table => Ok(summary.csv()),
        #[cfg(feature = "plots")]
        Part::Picture => summary.svg().map(String::into_bytes),
        #[cfg(not(feature = "plots"))]
        Part::Picture => Err(std::io::ErrorKind::Unsupported.into()),
    };
    let content = match content {
        Ok(content) => content,
        Err(error) => return (Severity::Error, sentence(&error_text(&error))),
    };
    let mut outputs = Outputs::new(true).reading(inputs);
    let written = outputs
        .file(&file)
        .and_then(|result| result.write_whole(content));
    match written {
        Ok(()) => (
            Severity::Info,
            text!("compare-saved", file = file.display().to_string()),
        ),
        Err(error) => (Severity::Error, sentence(&error_text(&error))),
    }
}
