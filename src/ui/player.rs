//! What the window does with a file that plays: turns wishes into what the engine is told.
//!
//! Going somewhere takes time, up to a second where a video can be decoded from few places only. While it is under
//! way further wishes wait, and only the newest is passed on when the picture has come: so a dragged slider shows
//! pictures all the way, and none of them late.

use std::time::Duration;

use super::{commands::Command, engine::Engine};
use crate::{
    capture::SourceInfo,
    pipeline::{SPEEDS, SourceState, Transport},
};

/// How far one press of an arrow key goes.
pub const SKIP: Duration = Duration::from_secs(5);

/// Speeds of the menu, and the steps from one to the next by key.
pub const SPEED_STEPS: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0];

/// One wish about a file that plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Playback {
    /// Stand still or play on; after the end, from the start.
    TogglePause,
    /// Stand still, at the frame after this one.
    StepForward,
    /// Stand still, at the frame before this one.
    StepBack,
    /// Go on by [`SKIP`].
    SkipForward,
    /// Go back by [`SKIP`].
    SkipBack,
    /// Go to a place.
    GoTo(Duration),
    /// Go to a place while the slider is held; it stands still until it is let go.
    DragTo(Duration),
    /// The slider was let go.
    EndDrag,
    /// Play so many times as fast as it was made.
    SetSpeed(f64),
    /// The next lower speed of the menu.
    Slower,
    /// The next higher one.
    Faster,
}

impl From<Playback> for Command {
    fn from(playback: Playback) -> Self {
        Self::Playback(playback)
    }
}

/// Where a file is and how it plays, to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayerView {
    /// The time of the frame on show, or of the one that was asked for last.
    pub position: Duration,
    /// How long the file plays, where it is known.
    pub duration: Option<Duration>,
    /// Whether it stands still because somebody wanted it to.
    pub paused: bool,
    /// Whether it is at its end.
    pub is_over: bool,
    /// Multiple of its own speed.
    pub speed: f64,
}

/// What is under way.
#[derive(Debug, Default)]
pub struct Player {
    /// Where the engine was told to go, until the picture of it has come.
    under_way: Option<Duration>,
    /// Where to go then.
    next: Option<Duration>,
    /// Whether the next frame is the first from another place.
    jumped: bool,
    /// The slider is held; whether to play on when it is let go.
    drag: Option<bool>,
}

impl Player {
    /// What to show of a file, with the time of the frame on show; `None` if it cannot be paused.
    pub fn view(
        &self,
        transport: Option<Transport>,
        state: &SourceState,
        info: Option<&SourceInfo>,
        shown: Option<Duration>,
    ) -> Option<PlayerView> {
        let transport = transport?;
        let is_over = match state {
            SourceState::Live(_) => false,
            SourceState::Ended => true,
            _ => return None,
        };
        let position = self.next.or(self.under_way).or(shown)?;
        Some(PlayerView {
            position,
            duration: info?.duration,
            paused: transport.paused && self.drag != Some(true),
            is_over: is_over && self.under_way.is_none(),
            speed: transport.speed,
        })
    }

    /// Tells the engine what `wish` means for what is shown as `view`.
    pub fn execute(&mut self, wish: Playback, view: PlayerView, engine: &dyn Engine) {
        match wish {
            Playback::TogglePause => {
                if view.is_over {
                    self.go_to(Duration::ZERO, engine);
                }
                engine.set_paused(!view.is_over && !view.paused);
            }
            Playback::StepForward => {
                engine.set_paused(true);
                engine.step();
            }
            Playback::StepBack => {
                engine.set_paused(true);
                // The last frame before this one, wherever it is.
                let before = view.position.saturating_sub(Duration::from_nanos(1));
                self.go_to(before, engine);
            }
            Playback::SkipForward => self.go_to(view.position.saturating_add(SKIP), engine),
            Playback::SkipBack => self.go_to(view.position.saturating_sub(SKIP), engine),
            Playback::GoTo(time) => self.go_to(time, engine),
            Playback::DragTo(time) => {
                if self.drag.is_none() {
                    self.drag = Some(!view.paused);
                    engine.set_paused(true);
                }
                self.go_to(time, engine);
            }
            Playback::EndDrag => {
                if self.drag.take() == Some(true) {
                    engine.set_paused(false);
                }
            }
            Playback::SetSpeed(speed) => engine.set_speed(speed),
            Playback::Slower => {
                let slower = SPEED_STEPS.iter().rev().find(|step| **step < view.speed);
                engine.set_speed(*slower.unwrap_or(SPEEDS.start()));
            }
            Playback::Faster => {
                let faster = SPEED_STEPS.iter().find(|step| **step > view.speed);
                engine.set_speed(*faster.unwrap_or(SPEEDS.end()));
            }
        }
    }

    /// A frame has come. Returns whether it is the first from another place, so that older results are not its own.
    pub fn frame_came(&mut self, engine: &dyn Engine) -> bool {
        let jumped = std::mem::take(&mut self.jumped);
        self.arrived(engine);
        jumped
    }

    /// The file is over. Where it is damaged that may be all that comes of going somewhere.
    pub fn arrived(&mut self, engine: &dyn Engine) {
        self.under_way = None;
        if let Some(next) = self.next.take() {
            self.go_to(next, engine);
        }
    }

    /// Another source is opened, or this one has failed: nothing is under way any more.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn go_to(&mut self, time: Duration, engine: &dyn Engine) {
        if self.under_way.is_some() {
            self.next = Some(time);
        } else if engine.seek(time) {
            self.under_way = Some(time);
            self.jumped = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speed_of_the_menu_can_be_had() {
        assert!(SPEED_STEPS.iter().all(|speed| SPEEDS.contains(speed)));
        assert!(SPEED_STEPS.is_sorted());
    }
}
