//! The handle of a recording.
//!
//! The pipeline's threads only pass on a handle to each frame and a copy of each result. The queue in between is the
//! only one in the program that may hold frames. It is bounded: frames that do not fit are dropped and counted, so
//! recording never slows the live view or the analysis. Commands have a channel of their own and are never dropped.
//!
//! A file that is read with [`Pacing::EveryFrame`] is the exception: nobody watches, so its frames wait for the recorder
//! instead of being dropped.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    RecordError,
    config::RecordingConfig,
    recording::Recording,
    status::{Ending, Phase, RecorderStatus},
    tap::{Command, RecorderTap},
    thread::RecorderThread,
};
use crate::{
    panics::lock,
    pipeline::{
        Pacing, Tap,
        face_names::FaceNames,
        markers::{Marker, TakeMarkers},
    },
    privacy::FacePrivacy,
    session::{folder::free_bytes, manifest::Counts},
};

/// A running recording. Dropping it stops the recording and waits until its files are finished.
pub struct Recorder {
    folder: PathBuf,
    tap: Arc<RecorderTap>,
    status: Arc<Mutex<RecorderStatus>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Creates the session's folder and starts the thread. Then attach [`Recorder::tap`] to the pipeline.
    ///
    /// `wake` is called when a marker was set, and when the recording has ended. This creates a few small files, so do not
    /// call it on the UI thread.
    ///
    /// # Errors
    /// [`RecordError`] in the user's words.
    pub fn start(
        config: &RecordingConfig,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, RecordError> {
        let recording = Recording::start(config)?;
        let waits = config.pacing == Pacing::EveryFrame;
        let (tap, items, commands) = RecorderTap::new(waits, config.limit);
        let tap = Arc::new(tap);
        let status = Arc::new(Mutex::new(RecorderStatus {
            phase: Phase::Recording,
            elapsed: Duration::ZERO,
            counts: Counts::default(),
            n_bytes: 0,
            free_bytes: free_bytes(&config.folder),
            last_marker: None,
            last_frame_at: Instant::now(),
        }));
        let worker = RecorderThread::new(
            config.folder.clone(),
            items,
            commands,
            Arc::clone(&tap),
            Arc::clone(&status),
        );
        let thread = Builder::new()
            .name("recorder".to_owned())
            .spawn(move || {
                worker.run(recording, &wake);
                wake();
            })
            .map_err(RecordError::Thread)?;
        Ok(Self {
            folder: config.folder.clone(),
            tap,
            status,
            thread: Some(thread),
        })
    }

    /// The listener to attach to the pipeline.
    pub fn tap(&self) -> Arc<dyn Tap> {
        Arc::clone(&self.tap) as Arc<dyn Tap>
    }

    /// Number of messages in the queue.
    #[cfg(test)]
    pub(super) fn n_waiting(&self) -> usize {
        self.tap.n_waiting()
    }

    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its state.
    pub fn status(&self) -> RecorderStatus {
        lock(&self.status).clone()
    }

    /// Sets a marker at a moment, with a note that may be empty.
    pub fn mark(&self, note: String, at: Instant) {
        self.tap.send(Command::Marker(Marker {
            text: note,
            at,
            sent: None,
            answer: None,
        }));
    }

    /// Where markers of other programs go; see [`MarkerRelay`](crate::pipeline::markers::MarkerRelay).
    pub fn markers(&self) -> Arc<dyn TakeMarkers> {
        Arc::clone(&self.tap) as Arc<dyn TakeMarkers>
    }

    /// Pauses or resumes the recording.
    pub fn set_paused(&self, paused: bool) {
        self.tap.send(Command::Pause(paused, Instant::now()));
    }

    /// Covers faces in the videos from now on; `None` shows them.
    pub fn set_privacy(&self, privacy: Option<FacePrivacy>) {
        self.tap.send(Command::Privacy(privacy, Instant::now()));
    }

    /// Names faces, by their identities. The names may come late: they are in no table.
    pub fn name_faces(&self, names: FaceNames) {
        self.tap.send(Command::Names(names));
    }

    /// Stops the recording in the background; [`Phase::Ended`] follows when it is finished.
    pub fn stop(&self, reason: &str) {
        self.tap
            .send(Command::Stop(reason.to_owned(), Instant::now()));
    }

    /// A function that does what [`Recorder::stop`] does. It does nothing once the recorder is dropped.
    pub fn stopper(&self) -> impl Fn(&str) + Send + use<> {
        let tap = Arc::downgrade(&self.tap);
        move |reason| {
            if let Some(tap) = tap.upgrade() {
                tap.send(Command::Stop(reason.to_owned(), Instant::now()));
            }
        }
    }

    /// Waits until the recording has ended, by itself or after [`Recorder::stop`], and returns how.
    pub fn wait(mut self) -> (Ending, RecorderStatus) {
        self.join();
        let status = self.status();
        let ending = match &status.phase {
            Phase::Ended(ending) => ending.clone(),
            _ => Ending {
                reason: "the recording thread has ended unexpectedly".to_owned(),
                failed: true,
            },
        };
        (ending, status)
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread catches panics and reports them as the recording's ending.
            thread.join().ok();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop("the program was closed");
            self.join();
        }
    }
}
