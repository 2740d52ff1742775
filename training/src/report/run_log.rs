//! The log of a run: messages to the terminal and, with the time, to a file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use jiff::{Timestamp, Unit};

/// The log of a run.
#[derive(Debug)]
pub struct RunLog(File);

impl RunLog {
    /// Opens the file to append to.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(file))
    }

    /// Logs a line. A full disk does not end the run here; saving the state will.
    pub fn say(&mut self, line: &str) {
        // Nor does a closed terminal.
        writeln!(io::stdout(), "{line}").ok();
        let now = Timestamp::now();
        let now = now.round(Unit::Second).unwrap_or(now);
        if let Err(error) = writeln!(self.0, "{now}  {line}") {
            log::warn!("the log could not be written: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_time_and_are_appended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        RunLog::open(&path).unwrap().say("first");
        RunLog::open(&path).unwrap().say("second");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("Z  first") && lines[1].ends_with("Z  second"));
    }
}
