//! `fervis analyze … --out FOLDER`: many files.
//!
//! Ctrl-C ends it soon, and the same command goes on later. What failed is listed at the end, and the exit status says
//! whether anything did.

use std::{fmt::Write, path::Path, process::ExitCode, sync::atomic::Ordering, time::Duration};

use anyhow::anyhow;
use crossbeam_channel::RecvTimeoutError;
use fervis::{
    batch::{Batch, BatchConfig, BatchError, Outcome, Report, Update, Who, default_n_jobs},
    error_text::error_text,
    time::clock,
};

use super::{
    analyze::INTERRUPTED, args::AnalyzeArgs, interrupt::stop_on_interrupt, output,
    progress::ManyProgress,
};

/// How often a request to end is looked for.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// What went wrong with all files, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn run(args: &AnalyzeArgs, out: &Path) -> anyhow::Result<ExitCode> {
    let config = config(args, out)?;
    let interrupted = stop_on_interrupt()?;
    let batch = Batch::start(config, || {})?;
    let mut progress = ManyProgress::new();
    let mut is_stopping = false;
    let ended = loop {
        match batch.updates().recv_timeout(LOOK_AROUND_EVERY) {
            Ok(Update::Ended(ended)) => break *ended,
            Ok(update) => show(&mut progress, update),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break Err(BatchError::Bug),
        }
        if interrupted.load(Ordering::Relaxed) && !is_stopping {
            is_stopping = true;
            batch.stop();
        }
    };
    drop(progress);
    drop(batch);
    let report = ended.map_err(|error| anyhow!(error_text(&error)))?;
    let is_whole = report.failures.is_empty() && !report.was_stopped;
    output::print(&summary(&report), ExitCode::SUCCESS)?;
    Ok(match (report.was_stopped, is_whole) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    })
}

fn config(args: &AnalyzeArgs, out: &Path) -> anyhow::Result<BatchConfig> {
    let many = &args.many;
    Ok(BatchConfig {
        inputs: args.paths()?,
        out: out.to_owned(),
        who: match (&many.pattern, &many.participants) {
            (Some(pattern), _) => Who::Pattern(pattern.clone()),
            (None, Some(table)) => Who::Table(table.clone()),
            (None, None) => Who::Unknown,
        },
        shard: many.shard,
        n_jobs: many.jobs.map_or_else(default_n_jobs, usize::from),
        overwrite: args.force,
        checkpoint: args.network.choice()?,
        second: args.network.second.clone(),
        device: args.network.device,
        settings: args.detection.settings(),
    })
}

fn show(progress: &mut ManyProgress, update: Update) {
    match update {
        Update::Planned {
            n_files,
            n_finished,
        } => {
            if n_finished > 0 {
                progress.note(&format!("{} finished before", files(n_finished)));
            }
            if n_files > 0 {
                progress.begin(n_files);
            }
        }
        Update::Note(text) => progress.note(&text),
        Update::Begun { job, file } => progress.begin_file(job, &file),
        Update::Opened { job, info } => progress.open_file(job, &info),
        Update::Advanced {
            job,
            n_frames,
            time,
        } => progress.advance(job, n_frames, time),
        Update::Done { job, file, outcome } => {
            progress.end_file(job, &format!("{file}: {}", outcome_words(&outcome)));
        }
        Update::Tables | Update::Ended(_) => {}
    }
}

fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Analyzed {
            n_frames,
            length,
            elapsed,
            ..
        } => format!(
            "{n_frames} frames, {} in {}, {:.1} frames/s",
            clock(*length),
            clock(*elapsed),
            per_second(*n_frames as f64, *elapsed)
        ),
        Outcome::Failed(reason) => format!("failed: {reason}"),
        Outcome::Stopped => "stopped".to_owned(),
    }
}

/// What was done, for people.
fn summary(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("writing to a string");
    let n_failed = report.failures.len();
    let parts = [
        (report.n_analyzed, "analyzed"),
        (report.n_finished, "finished before"),
        (n_failed, "failed"),
    ];
    let parts = parts.into_iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, words)| format!("{n} {words}")).collect();
    let of_them = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    };
    line(files(report.n_files) + &of_them);
    if report.n_analyzed > 0 {
        line(format!(
            "{} frames, {} of video in {}: {:.2} files/s, {:.1} frames/s",
            report.n_frames,
            clock(report.length),
            clock(report.elapsed),
            per_second(report.n_analyzed as f64, report.elapsed),
            per_second(report.n_frames as f64, report.elapsed),
        ));
    }
    for failure in &report.failures {
        // Most reasons name the file themselves.
        let name = failure.file.rsplit('/').next().unwrap_or(&failure.file);
        if failure.reason.contains(name) {
            line(format!("failed: {}", failure.reason));
        } else {
            line(format!("failed: {}: {}", failure.file, failure.reason));
        }
    }
    if report.was_stopped {
        line("interrupted; run the same command again to resume".to_owned());
    }
    for table in &report.tables {
        line(table.display().to_string());
    }
    text
}

fn files(n: usize) -> String {
    match n {
        1 => "1 file".to_owned(),
        _ => format!("{n} files"),
    }
}

fn per_second(count: f64, time: Duration) -> f64 {
    match time.as_secs_f64() {
        0.0 => 0.0,
        seconds => count / seconds,
    }
}

#[cfg(test)]
mod tests {
    use fervis::batch::Failure;

    use super::*;

    #[test]
    fn the_summary_counts_files_and_lists_failures() {
        let mut report = Report {
            n_files: 40,
            n_finished: 10,
            n_analyzed: 29,
            failures: vec![Failure {
                file: "day1/P07.mp4".to_owned(),
                reason: "the file is empty".to_owned(),
            }],
            n_frames: 2900,
            length: Duration::from_secs(116),
            elapsed: Duration::from_secs(58),
            was_stopped: false,
            tables: vec!["results/faces.csv".into()],
        };
        assert_eq!(
            summary(&report),
            "40 files: 29 analyzed, 10 finished before, 1 failed\n\
             2900 frames, 1:56 of video in 0:58: 0.50 files/s, 50.0 frames/s\n\
             failed: day1/P07.mp4: the file is empty\n\
             results/faces.csv\n"
        );
        report.n_analyzed = 0;
        report.failures.clear();
        report.was_stopped = true;
        report.tables.clear();
        assert_eq!(
            summary(&report),
            "40 files: 10 finished before\ninterrupted; run the same command again to resume\n"
        );
    }
}
