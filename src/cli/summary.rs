//! The summary of an analysis, for people.
//!
//! Shares are of frames, not of seconds: when a camera drops frames, nothing is known about the time between. All
//! probabilities are smoothed, as the labels are.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::Arc,
    time::Duration,
};

use fervis::{
    expression::{Label, PerLabel},
    pipeline::{Analysis, Stats},
};

/// Width of a bar for a mean probability of 1, characters.
const BAR_WIDTH: f64 = 40.0;
/// Least width of the column of names, characters.
const NAME_WIDTH: usize = 9;
/// Faces listed one by one. The others are counted, or a crowd would scroll the rest away.
const MAX_FACES: usize = 6;
/// Images of a folder listed one by one; tables have all of them.
const MAX_IMAGES: usize = 200;

/// Collects results, one frame after another.
#[derive(Debug, Default)]
pub struct Summary {
    n_frames: u64,
    n_frames_with_faces: u64,
    last_time: Duration,
    /// By their numbers.
    faces: BTreeMap<u64, FaceSummary>,
    images: Vec<ImageSummary>,
    network: Option<String>,
}

/// An image file, and the label and probability of each of its faces.
#[derive(Debug)]
struct ImageSummary {
    file: Arc<str>,
    faces: Vec<(Label, f32)>,
}

#[derive(Debug, Default)]
struct FaceSummary {
    n_frames: u64,
    first: Duration,
    last: Duration,
    n_labeled: PerLabel<u64>,
    probability_sums: PerLabel<f64>,
}

/// What the summary says besides the results.
pub struct Circumstances<'a> {
    /// The source as the user named it.
    pub source: &'a str,
    /// The device's name.
    pub device: &'a str,
    /// Time from the first frame to the last result.
    pub elapsed: Duration,
    /// The pipeline's statistics at the end.
    pub stats: Stats,
    /// Smallest face to look for, px.
    pub min_face_size_px: u32,
    /// Notes from the run: files that were left out, and why.
    pub warnings: &'a [String],
}

impl Summary {
    /// Adds the result of a frame.
    pub fn add(&mut self, analysis: &Analysis) {
        let time = analysis.frame.time;
        self.n_frames += 1;
        self.n_frames_with_faces += u64::from(!analysis.faces.is_empty());
        self.last_time = time;
        if let Some(info) = &analysis.checkpoint
            && self.network.is_none()
        {
            self.network = Some(info.name.clone());
        }
        if let Some(file) = &analysis.frame.file {
            let faces = analysis.faces.iter().map(|face| face.smoothed.top());
            self.images.push(ImageSummary {
                file: Arc::clone(file),
                faces: faces.collect(),
            });
        }
        for face in &analysis.faces {
            let summary = self.faces.entry(face.number).or_insert(FaceSummary {
                first: time,
                n_labeled: PerLabel::new(face.smoothed.labels()),
                probability_sums: PerLabel::new(face.smoothed.labels()),
                ..FaceSummary::default()
            });
            summary.n_frames += 1;
            summary.last = time;
            summary.n_labeled[face.label.index()] += 1;
            for (label, probability) in face.smoothed.iter() {
                summary.probability_sums[label.index()] += f64::from(probability);
            }
        }
    }

    /// The text, several lines.
    pub fn text(&self, circumstances: &Circumstances<'_>) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        self.write(&mut text, circumstances).ok();
        text
    }

    fn write(&self, out: &mut String, circumstances: &Circumstances<'_>) -> fmt::Result {
        let Circumstances {
            source,
            device,
            elapsed,
            stats,
            min_face_size_px,
            warnings,
        } = circumstances;
        let is_folder = self.images.len() > 1;
        let frame = if is_folder { "image" } else { "frame" };
        writeln!(out, "{source}")?;
        write!(out, "  {}", count(self.n_frames, frame))?;
        if self.n_frames > 1 && !is_folder {
            write!(out, " over {:.1} s", self.last_time.as_secs_f64())?;
        }
        if stats.n_dropped > 0 {
            write!(out, ", {} not analyzed", stats.n_dropped)?;
        }
        if stats.n_damaged > 0 {
            write!(out, ", {} damaged and skipped", stats.n_damaged)?;
        }
        if !self.faces.is_empty() {
            write!(
                out,
                "; {}, seen in {} of {} {frame}s",
                count(self.faces.len() as u64, "face"),
                self.n_frames_with_faces,
                self.n_frames
            )?;
        }
        writeln!(out)?;
        if let [ImageSummary { file, .. }] = &self.images[..]
            && !source.ends_with(&**file)
        {
            writeln!(out, "  its only image: {file}")?;
        }
        let network = self.network.as_deref().unwrap_or("none");
        writeln!(out, "  network: {network}, {device}")?;
        let seconds = elapsed.as_secs_f64();
        if self.n_frames > 1 && seconds > 0.0 {
            let rate = self.n_frames as f64 / seconds;
            write!(out, "  {seconds:.1} s, {rate:.1} {frame}s/s")?;
            if let (Some(p50), Some(p95)) = (stats.latency_p50, stats.latency_p95) {
                write!(
                    out,
                    "; latency {:.0} ms (p95 {:.0} ms)",
                    p50.as_secs_f64() * 1e3,
                    p95.as_secs_f64() * 1e3
                )?;
            }
            writeln!(out)?;
        }
        if self.faces.is_empty() {
            writeln!(
                out,
                "\nNo face was found. Faces smaller than {min_face_size_px} px are ignored; change this with --min-face."
            )?;
        }
        if is_folder {
            self.write_images(out)?;
        } else {
            self.write_faces(out)?;
        }
        if !warnings.is_empty() {
            writeln!(out, "\nWarnings")?;
        }
        for warning in *warnings {
            writeln!(out, "  {warning}")?;
        }
        Ok(())
    }

    fn write_images(&self, out: &mut String) -> fmt::Result {
        let shown = &self.images[..self.images.len().min(MAX_IMAGES)];
        let widths = shown.iter().map(|image| image.file.chars().count());
        let width = widths.max().unwrap_or(0);
        writeln!(out)?;
        for ImageSummary { file, faces } in shown {
            let faces: Vec<String> = faces
                .iter()
                .map(|(label, probability)| format!("{label} {:.0} %", probability * 100.0))
                .collect();
            let faces = match faces[..] {
                [] => "no face".to_owned(),
                _ => faces.join(", "),
            };
            writeln!(out, "  {file:width$}  {faces}")?;
        }
        match self.images.len() - shown.len() {
            0 => Ok(()),
            n => writeln!(out, "  and {n} more; --json and --csv give all of them"),
        }
    }

    fn write_faces(&self, out: &mut String) -> fmt::Result {
        let mut by_length: Vec<_> = self.faces.iter().collect();
        by_length.sort_by_key(|(number, face)| (std::cmp::Reverse(face.n_frames), **number));
        let n_more = by_length.len().saturating_sub(MAX_FACES);
        by_length.truncate(MAX_FACES);
        by_length.sort_by_key(|(number, _)| **number);
        for (number, face) in by_length {
            writeln!(
                out,
                "\nFace {number}: {}, {:.1} s to {:.1} s",
                count(face.n_frames, "frame"),
                face.first.as_secs_f64(),
                face.last.as_secs_f64()
            )?;
            let names = face.n_labeled.labels().names();
            let width = names.map(|name| name.chars().count()).max();
            let width = width.unwrap_or_default().max(NAME_WIDTH);
            writeln!(out, "  {:width$} {:>8}  {:>8}", "", "frames", "mean")?;
            for (label, share, mean) in face.rows() {
                let bar = "#".repeat((mean * BAR_WIDTH).round() as usize);
                let row = format!(
                    "  {:width$} {:>6.0} %  {:>6.1} %  {bar}",
                    label.name(),
                    share * 100.0,
                    mean * 100.0
                );
                writeln!(out, "{}", row.trim_end())?;
            }
        }
        if n_more > 0 {
            writeln!(
                out,
                "\nand {} in fewer frames",
                count(n_more as u64, "more face")
            )?;
        }
        Ok(())
    }
}

impl FaceSummary {
    /// Labels with the share of frames that have this label and the mean probability, most probable first.
    fn rows(&self) -> Vec<(Label, f64, f64)> {
        let n = self.n_frames as f64;
        let mut rows: Vec<_> = self
            .n_labeled
            .by_label()
            .map(|(label, n_labeled)| {
                let share = n_labeled as f64 / n;
                (label, share, self.probability_sums.of(label) / n)
            })
            .collect();
        rows.sort_by(|a, b| b.2.total_cmp(&a.2));
        rows
    }
}

fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures::analysis;

    const HAPPY: [f32; 7] = [0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1];
    const NEUTRAL: [f32; 7] = [0.0, 0.0, 0.0, 0.1, 0.0, 0.2, 0.7];

    fn circumstances() -> Circumstances<'static> {
        Circumstances {
            source: "demo",
            device: "CPU, 2 threads",
            elapsed: Duration::from_secs(2),
            stats: Stats {
                latency_p50: Some(Duration::from_millis(40)),
                latency_p95: Some(Duration::from_millis(60)),
                ..Stats::default()
            },
            min_face_size_px: 80,
            warnings: &[],
        }
    }

    #[test]
    fn images_of_a_folder_are_listed_by_name() {
        let mut summary = Summary::default();
        for (file, faces) in [("a.jpg", &[(1, HAPPY), (2, NEUTRAL)][..]), ("bcd.png", &[])] {
            let mut analysis = analysis(0, Duration::ZERO, faces);
            let frame = Arc::get_mut(&mut analysis.frame).expect("no other owner");
            frame.file = Some(file.into());
            summary.add(&analysis);
        }
        let warnings = ["c.heic is left out: no".to_owned()];
        let circumstances = Circumstances {
            source: "photos",
            warnings: &warnings,
            ..circumstances()
        };
        assert_eq!(
            summary.text(&circumstances),
            "\
photos
  2 images; 2 faces, seen in 1 of 2 images
  network: none, CPU, 2 threads
  2.0 s, 1.0 images/s; latency 40 ms (p95 60 ms)

  a.jpg    happy 90 %, neutral 70 %
  bcd.png  no face

Warnings
  c.heic is left out: no
"
        );
    }

    #[test]
    fn lists_what_each_face_shows() {
        let mut summary = Summary::default();
        for frame in 0..4 {
            let smoothed = if frame == 3 { NEUTRAL } else { HAPPY };
            summary.add(&analysis(
                frame,
                Duration::from_millis(100 * frame),
                &[(1, smoothed)],
            ));
        }
        summary.add(&analysis(4, Duration::from_millis(400), &[]));
        assert_eq!(
            summary.text(&circumstances()),
            "\
demo
  5 frames over 0.4 s; 1 face, seen in 4 of 5 frames
  network: none, CPU, 2 threads
  2.0 s, 2.5 frames/s; latency 40 ms (p95 60 ms)

Face 1: 4 frames, 0.0 s to 0.3 s
              frames      mean
  happy         75 %    70.0 %  ############################
  neutral       25 %    25.0 %  ##########
  surprise       0 %     5.0 %  ##
  angry          0 %     0.0 %
  disgust        0 %     0.0 %
  fear           0 %     0.0 %
  sad            0 %     0.0 %
"
        );
    }

    #[test]
    fn counts_frames_that_were_not_analyzed() {
        let mut summary = Summary::default();
        summary.add(&analysis(0, Duration::ZERO, &[]));
        let mut circumstances = circumstances();
        circumstances.stats.n_dropped = 3;
        circumstances.stats.n_damaged = 18;
        let text = summary.text(&circumstances);
        assert!(
            text.contains("  1 frame, 3 not analyzed, 18 damaged and skipped\n"),
            "{text}"
        );
    }

    #[test]
    fn says_that_no_face_was_found() {
        let mut summary = Summary::default();
        summary.add(&analysis(0, Duration::ZERO, &[]));
        let text = summary.text(&circumstances());
        assert!(text.contains("  1 frame\n"), "{text}");
        assert!(
            text.contains("No face was found. Faces smaller than 80 px"),
            "{text}"
        );
    }

    #[test]
    fn a_crowd_does_not_scroll_the_rest_away() {
        let mut summary = Summary::default();
        let crowd: Vec<_> = (1..=9).map(|track| (track, HAPPY)).collect();
        summary.add(&analysis(0, Duration::ZERO, &crowd));
        summary.add(&analysis(1, Duration::from_millis(40), &crowd[3..]));
        let text = summary.text(&circumstances());
        assert!(
            !text.contains("Face 1:") && text.contains("Face 9:"),
            "{text}"
        );
        assert!(
            text.ends_with("and 3 more faces in fewer frames\n"),
            "{text}"
        );
    }
}
