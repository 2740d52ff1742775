//! What the window needs from the pipeline, as a trait.

use std::{sync::Arc, time::Duration};

use crate::{
    capture::SourceSpec,
    frame::Frame,
    model::CheckpointChoice,
    pipeline::{Analysis, Event, Pipeline, Settings, Stats, Tap, TapHandle, Transport},
};

/// Declares the trait, each method as [`Pipeline`] has it, and implements it for the pipeline.
macro_rules! engine {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)?) $(-> $result:ty)?;)*) => {
        /// What the window needs from the pipeline; each method is described there. Replay and tests have their own.
        pub trait Engine {
            $(fn $name(&self $(, $argument: $type)?) $(-> $result)?;)*
        }

        impl Engine for Pipeline {
            $(fn $name(&self $(, $argument: $type)?) $(-> $result)? {
                self.$name($($argument)?)
            })*
        }
    };
}

engine! {
    fn open(&self, source: SourceSpec);
    fn close(&self);
    fn load_checkpoint(&self, choice: CheckpointChoice);
    fn load_second(&self, choice: Option<CheckpointChoice>);
    fn apply(&self, settings: Settings);
    fn set_neutral(&self, learn: bool);
    fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle;
    fn take_preview(&self) -> Option<Arc<Frame>>;
    fn take_analysis(&self) -> Option<Analysis>;
    fn take_event(&self) -> Option<Event>;
    fn stats(&self) -> Stats;
    fn transport(&self) -> Option<Transport>;
    fn set_paused(&self, paused: bool);
    fn set_speed(&self, speed: f64);
    fn step(&self);
    fn seek(&self, time: Duration) -> bool;
}
