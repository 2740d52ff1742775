//! The files that results must not replace, and printing.
//!
//! A reader of the standard output that left (`| head`) is not reported as an error.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use fervis::{
    capture::SourceSpec,
    model::CheckpointChoice,
    result_file::{ResultError, ResultFile},
    session::{
        MANIFEST_FILE, Session, is_session,
        tables::{AnnotationRow, EventRow, FaceRow, FrameRow, Row},
    },
};

/// The files and folders that a command reads, and that no result may replace.
pub fn inputs(source: Option<&SourceSpec>, checkpoint: &CheckpointChoice) -> Vec<PathBuf> {
    let mut inputs = Vec::new();
    if let Some(SourceSpec::Path(path)) = source {
        inputs.push(path.clone());
        if is_session(path) {
            let tables = [
                MANIFEST_FILE,
                FrameRow::FILE,
                FaceRow::FILE,
                EventRow::FILE,
                AnnotationRow::FILE,
            ];
            inputs.extend(tables.map(|name| path.join(name)));
        }
    }
    inputs.extend(checkpoint.path().map(Path::to_owned));
    inputs
}

/// The session with what was said of it in replay. If that cannot be read, a line on the terminal says so.
pub fn annotated(session: Session) -> Session {
    if let Some(problem) = &session.annotations_problem {
        // Nothing to do if stderr is closed.
        writeln!(io::stderr(), "fervis: {problem}").ok();
    }
    session.annotated()
}

/// Prints a command's result. Returns success, or `unread` if nobody reads it.
///
/// # Errors
/// If the standard output cannot be written.
pub fn print(text: &str, unread: ExitCode) -> Result<ExitCode, ResultError> {
    match ResultFile::stdout().write_lines(text) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(ResultError::ReaderGone(_)) => Ok(unread),
        Err(error) => Err(error),
    }
}
