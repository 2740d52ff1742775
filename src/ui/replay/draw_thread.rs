//! Draws the lanes of the timeline away from the window.
//!
//! Only the newest request counts; while it is drawn the window shows the lanes before it, stretched to where they
//! belong now.

use std::{io, ops::Range, sync::Arc, thread};

use egui::{ColorImage, Theme};

use super::{
    curves,
    raster::{self, Style},
    recording::{Readings, Recording, TrackRows},
};
use crate::{expression::Probabilities, pipeline::Latest};

/// Which probabilities are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Values {
    /// Smoothed over time, as on the screen.
    #[default]
    Smoothed,
    /// Of each frame alone.
    Raw,
}

/// One face as one network read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Position in [`Recording::readings`].
    pub reading: usize,
    /// Position in [`Readings::tracks`].
    pub track: usize,
}

impl Lane {
    /// What the lane is about; `None` if it is of another recording.
    pub fn of(self, recording: &Recording) -> Option<(&Readings, &TrackRows)> {
        let readings = recording.readings.get(self.reading)?;
        Some((readings, readings.tracks.get(self.track)?))
    }
}

/// What to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Times at the left and the right edge, s.
    pub range: Range<f64>,
    /// Size of each lane, px.
    pub size_px: [usize; 2],
    /// Which lanes.
    pub lanes: Vec<Lane>,
    /// Which probabilities.
    pub values: Values,
    /// How.
    pub style: Style,
    /// For which ground.
    pub theme: Theme,
}

/// What was drawn.
pub struct Drawn {
    /// What was asked for.
    pub request: Request,
    /// A picture for each of the request's lanes, in their order.
    pub lanes: Vec<ColorImage>,
}

/// The running thread. Dropping it ends it.
pub struct DrawThread {
    requests: Arc<Latest<Request>>,
    drawn: Arc<Latest<Drawn>>,
}

impl DrawThread {
    /// Starts the thread for one recording; `wake` is called when something was drawn.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn spawn(recording: Arc<Recording>, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let requests = Arc::<Latest<Request>>::default();
        let drawn = Arc::<Latest<Drawn>>::default();
        thread::Builder::new().name("timeline".to_owned()).spawn({
            let (requests, drawn) = (Arc::clone(&requests), Arc::clone(&drawn));
            move || {
                while let Some(request) = requests.take() {
                    // A picture that nobody took yet is out of date.
                    drop(drawn.put(draw(&recording, request)));
                    wake();
                }
            }
        })?;
        Ok(Self { requests, drawn })
    }

    /// Has this drawn, instead of whatever else waits.
    pub fn ask(&self, request: Request) {
        drop(self.requests.put(request));
    }

    /// What was drawn since the last call.
    pub fn take(&self) -> Option<Drawn> {
        self.drawn.try_take()
    }
}

impl Drop for DrawThread {
    fn drop(&mut self) {
        // It ends after what it is drawing; the window does not wait for that.
        self.requests.close();
    }
}

/// Draws what was asked for.
pub fn draw(recording: &Recording, request: Request) -> Drawn {
    let [width, height] = request.size_px;
    let lanes = request.lanes.iter().map(|lane| {
        let columns = match lane.of(recording) {
            Some((readings, track)) => {
                let values = spans(recording, readings, track, &request);
                curves::columns(values, request.range.clone(), width)
            }
            None => vec![curves::Column::default(); width],
        };
        raster::lane(&columns, height, request.style, request.theme)
    });
    Drawn {
        lanes: lanes.collect(),
        request,
    }
}

/// A track's values in the requested range of time, each with the time during which it holds.
fn spans<'a>(
    recording: &'a Recording,
    readings: &'a Readings,
    track: &'a TrackRows,
    request: &Request,
) -> impl Iterator<Item = (Range<f64>, &'a Probabilities)> {
    let time = |row: &u32| readings.row(*row).time.as_secs_f64();
    let end_of = |row: &u32| {
        let row = readings.row(*row);
        recording
            .spans
            .end_of(row.frame)
            .unwrap_or(row.time)
            .as_secs_f64()
    };
    let Range { start, end } = request.range;
    let values = request.values;
    let first = track.rows.partition_point(|row| end_of(row) < start);
    let last = track.rows.partition_point(|row| time(row) < end);
    let rows = &track.rows[first..last.max(first)];
    rows.iter().map(move |row| {
        let face = &readings.row(*row).face;
        let probabilities = match values {
            Values::Smoothed => &face.smoothed,
            Values::Raw => &face.raw,
        };
        (time(row)..end_of(row), probabilities)
    })
}
