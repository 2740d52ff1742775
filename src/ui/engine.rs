//! What the window needs from the pipeline, as a trait.

use std::{sync::Arc, time::Duration};

use crate::{
    capture::SourceSpec,
    frame::Frame,
    model::CheckpointChoice,
    pipeline::{Analysis, Event, Pipeline, Settings, Stats, Tap, TapHandle, Transport},
};

/// What the window needs from the pipeline. Replay and tests have their own.
pub trait Engine {
    /// See [`Pipeline::open`].
    fn open(&self, source: SourceSpec);
    /// See [`Pipeline::close`].
    fn close(&self);
    /// See [`Pipeline::load_checkpoint`].
    fn load_checkpoint(&self, choice: CheckpointChoice);
    /// See [`Pipeline::apply`].
    fn apply(&self, settings: Settings);
    /// See [`Pipeline::attach`].
    fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle;
    /// See [`Pipeline::take_preview`].
    fn take_preview(&self) -> Option<Arc<Frame>>;
    /// See [`Pipeline::take_analysis`].
    fn take_analysis(&self) -> Option<Analysis>;
    /// See [`Pipeline::take_event`].
    fn take_event(&self) -> Option<Event>;
    /// See [`Pipeline::stats`].
    fn stats(&self) -> Stats;
    /// See [`Pipeline::transport`].
    fn transport(&self) -> Option<Transport>;
    /// See [`Pipeline::set_paused`].
    fn set_paused(&self, paused: bool);
    /// See [`Pipeline::set_speed`].
    fn set_speed(&self, speed: f64);
    /// See [`Pipeline::step`].
    fn step(&self);
    /// See [`Pipeline::seek`].
    fn seek(&self, time: Duration) -> bool;
}

impl Engine for Pipeline {
    fn open(&self, source: SourceSpec) {
        self.open(source);
    }

    fn close(&self) {
        self.close();
    }

    fn load_checkpoint(&self, choice: CheckpointChoice) {
        self.load_checkpoint(choice);
    }

    fn apply(&self, settings: Settings) {
        self.apply(settings);
    }

    fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle {
        self.attach(tap)
    }

    fn take_preview(&self) -> Option<Arc<Frame>> {
        self.take_preview()
    }

    fn take_analysis(&self) -> Option<Analysis> {
        self.take_analysis()
    }

    fn take_event(&self) -> Option<Event> {
        self.take_event()
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn transport(&self) -> Option<Transport> {
        self.transport()
    }

    fn set_paused(&self, paused: bool) {
        self.set_paused(paused);
    }

    fn set_speed(&self, speed: f64) {
        self.set_speed(speed);
    }

    fn step(&self) {
        self.step();
    }

    fn seek(&self, time: Duration) -> bool {
        self.seek(time)
    }
}
