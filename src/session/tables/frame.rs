//! A row of `frames.csv`: a captured frame.

use std::{sync::Arc, time::Duration};

use super::{
    SECOND_DECIMALS, column, file, from_milliseconds,
    lines::{Cell, Column, Fields, Kind, Row},
    milliseconds,
};
use crate::{expression::Labels, time::Ticks};

named! {
    /// Whether a frame has a result.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FrameStatus {
        /// It was analyzed; without faces, there were none.
        Analyzed = "analysed",
        /// It could not be analyzed in time, or that failed: nothing is known about its faces.
        Skipped = "skipped",
    }
}

/// A captured frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameRow {
    /// Number of the row, from 0; joins the tables.
    pub frame: u64,
    /// When it was captured.
    pub time: Ticks,
    /// When it was captured, s since 1970 (UTC).
    pub unix_s: f64,
    /// The source's own time of it, s: for a file, where in the file it stands.
    pub source_s: f64,
    /// Whether it was analyzed.
    pub status: FrameStatus,
    /// Its number in the video, from 0 in each part; `None` if it is not in it.
    pub video_frame: Option<u64>,
    /// Number of faces; `None` if it was not analyzed.
    pub n_faces: Option<u64>,
    /// Time from capture to result; `None` if it was not analyzed.
    pub latency: Option<Duration>,
    /// Name of the picture file, if the source is pictures.
    pub file: Option<Arc<str>>,
}

impl Row for FrameRow {
    const FILE: &'static str = "frames.csv";

    fn columns(_: Labels) -> Vec<Column> {
        use Kind::{Double, Text, Whole};
        [
            ("frame", Whole, "", "Number of the captured frame, from 0; joins the tables."),
            ("time_s", Double, "s", "When it was captured, since the first frame, by a clock that never jumps."),
            ("pts_90k", Whole, "1/90000 s", "The same, exactly as in the video."),
            ("unix_s", Double, "s", "The same as seconds since 1970 (UTC)."),
            ("source_s", Double, "s", "The source's own time; for a file, where in the file the frame stands."),
            ("status", Text, "", "analysed, or skipped if it could not be analyzed in time: then nothing is known about its faces."),
            ("video_frame", Whole, "", "Number of the frame in its part of the video, from 0; empty if it is not in the video."),
            ("n_faces", Whole, "", "Number of faces; empty if the frame was not analyzed."),
            ("latency_ms", Double, "ms", "From capture to result; empty if the frame was not analyzed."),
            ("file", Text, "", "Name of the picture file, if the source is pictures."),
        ]
        .map(column)
        .to_vec()
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Whole(self.frame),
            Cell::Number(self.time.as_secs_f64(), SECOND_DECIMALS),
            Cell::Whole(self.time.0),
            Cell::Number(self.unix_s, SECOND_DECIMALS),
            Cell::Number(self.source_s, SECOND_DECIMALS),
            Cell::Text(self.status.name().into()),
            Cell::whole(self.video_frame),
            Cell::whole(self.n_faces),
            self.latency.map_or(Cell::Empty, milliseconds),
            Cell::text(self.file.as_deref()),
        ]
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let status = fields.text("status")?;
        Ok(Self {
            frame: fields.get("frame")?,
            time: fields.get("pts_90k")?,
            unix_s: fields.get("unix_s")?,
            source_s: fields.get("source_s")?,
            status: FrameStatus::from_name(status)
                .ok_or_else(|| format!("status is “{status}”, expected analysed or skipped"))?,
            video_frame: fields.optional("video_frame")?,
            n_faces: fields.optional("n_faces")?,
            latency: fields.optional("latency_ms")?.map(from_milliseconds),
            file: file(fields),
        })
    }
}
