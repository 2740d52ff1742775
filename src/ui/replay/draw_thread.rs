//! Draws the lanes of the timeline on a thread of its own.
//!
//! Only the newest request counts. While it is drawn the window shows the previous lanes, stretched to the new range.

use std::{
    io,
    ops::Range,
    sync::Arc,
    thread::{self, JoinHandle},
};

use egui::{ColorImage, Theme};

use super::{
    loaded_session::{LoadedSession, Readings, TrackRows},
    raster::{self, LaneStyle},
};
use crate::{
    pipeline::Latest,
    session::columns::{Column, Held, columns},
};

/// Which probabilities are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Values {
    /// Smoothed over time, as on screen.
    #[default]
    Smoothed,
    /// Of each frame by itself.
    Raw,
}

/// One face as one network read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Position in [`LoadedSession::readings`].
    pub reading: usize,
    /// Position in [`Readings::tracks`].
    pub track: usize,
}

impl Lane {
    /// The readings and the track of the lane; `None` if it belongs to another session.
    pub fn of(self, loaded: &LoadedSession) -> Option<(&Readings, &TrackRows)> {
        let readings = loaded.readings.get(self.reading)?;
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
    /// As areas or lines.
    pub style: LaneStyle,
    /// In the colors of this theme.
    pub theme: Theme,
    /// Below this probability, 0 to 1, a face is uncertain.
    pub uncertain_below: f32,
}

/// A finished request.
pub struct Drawn {
    /// The request.
    pub request: Request,
    /// Each of the request's lanes, in their order.
    pub lanes: Vec<DrawnLane>,
}

/// A finished lane.
pub struct DrawnLane {
    /// Its probabilities.
    pub image: ColorImage,
    /// The stretches of time in which no label was shown, s.
    pub not_named: Vec<Range<f64>>,
}

/// The running thread. Dropping it ends the thread, and waits for what it is drawing: some ms.
pub struct DrawThread {
    requests: Arc<Latest<Request>>,
    drawn: Arc<Latest<Drawn>>,
    thread: Option<JoinHandle<()>>,
}

impl DrawThread {
    /// Starts the thread for one session; `wake` is called when something was drawn.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn spawn(loaded: Arc<LoadedSession>, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let requests = Arc::<Latest<Request>>::default();
        let drawn = Arc::<Latest<Drawn>>::default();
        let thread = thread::Builder::new().name("timeline".to_owned()).spawn({
            let (requests, drawn) = (Arc::clone(&requests), Arc::clone(&drawn));
            move || {
                while let Some(request) = requests.take() {
                    // Lanes that were not taken yet are out of date.
                    drop(drawn.put(draw(&loaded, request)));
                    wake();
                }
            }
        })?;
        Ok(Self {
            requests,
            drawn,
            thread: Some(thread),
        })
    }

    /// Draws this instead of any request that waits.
    pub fn request(&self, request: Request) {
        drop(self.requests.put(request));
    }

    /// What was drawn since the last call.
    pub fn take(&self) -> Option<Drawn> {
        self.drawn.try_take()
    }
}

impl Drop for DrawThread {
    fn drop(&mut self) {
        self.requests.close();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Draws a request.
pub fn draw(loaded: &LoadedSession, request: Request) -> Drawn {
    let [width, height] = request.size_px;
    let lanes = request.lanes.iter().map(|lane| {
        let columns = match lane.of(loaded) {
            Some((readings, track)) => {
                let values = spans(loaded, readings, track, &request);
                columns(values, request.range.clone(), width)
            }
            None => vec![Column::default(); width],
        };
        let Range { start, end } = request.range;
        let time = |column: usize| start + (end - start) * column as f64 / width.max(1) as f64;
        let not_named = raster::not_named(&columns);
        DrawnLane {
            image: raster::lane(&columns, height, request.style, request.theme),
            not_named: not_named.map(|at| time(at.start)..time(at.end)).collect(),
        }
    });
    Drawn {
        lanes: lanes.collect(),
        request,
    }
}

/// A track's values in the requested range.
fn spans<'a>(
    loaded: &'a LoadedSession,
    readings: &'a Readings,
    track: &'a TrackRows,
    request: &Request,
) -> impl Iterator<Item = Held<'a>> {
    let time = |row: &u32| readings.row(*row).time.as_secs_f64();
    let end_of = |row: &u32| {
        let row = readings.row(*row);
        loaded
            .spans
            .end_of(row.frame)
            .unwrap_or(row.time)
            .as_secs_f64()
    };
    let Range { start, end } = request.range;
    let (values, uncertain_below) = (request.values, request.uncertain_below);
    let first = track.rows.partition_point(|row| end_of(row) < start);
    let last = track.rows.partition_point(|row| time(row) < end);
    let rows = &track.rows[first..last.max(first)];
    rows.iter().map(move |row| {
        let face = &readings.row(*row).face;
        Held {
            time: time(row)..end_of(row),
            values: match values {
                Values::Smoothed => &face.smoothed,
                Values::Raw => &face.raw,
            },
            is_named: face.shown(uncertain_below).is_named(),
        }
    })
}
