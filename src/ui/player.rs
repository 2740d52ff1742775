//! Playback of a file: turns play commands into calls of the engine.
//!
//! A seek takes up to a second where a video has few key frames. Meanwhile further seeks wait, and only the latest is
//! passed on once the frame has arrived: so a dragged slider shows frames all the way, and none of them late.

use std::time::Duration;

use super::{commands::PlayCommand, engine::Engine};
use crate::{
    capture::SourceInfo,
    frame::Frame,
    pipeline::{SPEEDS, SourceState, Transport},
};

/// How far one press of an arrow key seeks.
pub const SKIP: Duration = Duration::from_secs(5);

/// Speeds of the menu, and of the keys for slower and faster.
pub const SPEED_STEPS: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0];

/// Where a file is and how it plays, as shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayerStatus {
    /// The time of the frame shown, or the target of the latest seek.
    pub position: Duration,
    /// How long the file plays, if known.
    pub duration: Option<Duration>,
    /// Whether the user has paused it.
    pub paused: bool,
    /// Whether it has ended.
    pub is_over: bool,
    /// Multiple of the file's own speed.
    pub speed: f64,
    /// Of a folder of pictures, the number of the one shown, from 1, and how many there are.
    pub picture: Option<(u64, u64)>,
    /// Whether it plays again when it has ended.
    pub looped: bool,
}

/// The seeks in progress.
#[derive(Debug, Default)]
pub struct Player {
    /// The target of the engine's seek, until its frame has arrived.
    seeking: Option<Duration>,
    /// The target of the next seek.
    next: Option<Duration>,
    /// Whether the next frame is the first one after a seek.
    sought: bool,
    /// Set while the slider is held: whether to resume when it is released.
    drag: Option<bool>,
    /// The file has ended and plays again then, in the window's time, s.
    repeat_at_s: Option<f64>,
}

impl Player {
    /// What to show of the file whose frame is `shown`; `looped` says whether files play again when they have ended. `None`
    /// if the source cannot be paused.
    pub fn status(
        &self,
        transport: Option<Transport>,
        state: &SourceState,
        info: Option<&SourceInfo>,
        shown: Option<&Frame>,
        looped: bool,
    ) -> Option<PlayerStatus> {
        let transport = transport?;
        let is_over = match state {
            SourceState::Live(_) => false,
            SourceState::Ended => true,
            _ => return None,
        };
        let (shown, info) = (shown?, info?);
        let position = self.next.or(self.seeking).unwrap_or(shown.time);
        Some(PlayerStatus {
            position,
            duration: info.duration,
            paused: transport.paused && self.drag != Some(true),
            is_over: is_over && self.seeking.is_none(),
            speed: transport.speed,
            picture: picture(shown, info),
            looped,
        })
    }

    /// Runs `command` on the engine; `status` is what the user saw.
    pub fn execute(&mut self, command: PlayCommand, status: PlayerStatus, engine: &dyn Engine) {
        match command {
            PlayCommand::TogglePause => {
                if status.is_over {
                    self.seek(Duration::ZERO, engine);
                }
                engine.set_paused(!status.is_over && !status.paused);
            }
            PlayCommand::StepForward => {
                engine.set_paused(true);
                engine.step();
            }
            PlayCommand::StepBack => {
                engine.set_paused(true);
                // The engine shows the last frame before this one.
                let before = status.position.saturating_sub(Duration::from_nanos(1));
                self.seek(before, engine);
            }
            PlayCommand::SkipForward => self.seek(status.position.saturating_add(SKIP), engine),
            PlayCommand::SkipBack => self.seek(status.position.saturating_sub(SKIP), engine),
            PlayCommand::Seek(time) => self.seek(time, engine),
            PlayCommand::Drag(time) => {
                if self.drag.is_none() {
                    self.drag = Some(!status.paused);
                    engine.set_paused(true);
                }
                self.seek(time, engine);
            }
            PlayCommand::EndDrag => {
                if self.drag.take() == Some(true) {
                    engine.set_paused(false);
                }
            }
            PlayCommand::SetSpeed(speed) => engine.set_speed(speed),
            PlayCommand::Slower => {
                let slower = SPEED_STEPS.iter().rev().find(|step| **step < status.speed);
                engine.set_speed(*slower.unwrap_or(SPEEDS.start()));
            }
            PlayCommand::Faster => {
                let faster = SPEED_STEPS.iter().find(|step| **step > status.speed);
                engine.set_speed(*faster.unwrap_or(SPEEDS.end()));
            }
        }
    }

    /// A frame has arrived. Returns whether it is the first after a seek, so that older results do not belong to it.
    pub fn frame_arrived(&mut self, engine: &dyn Engine) -> bool {
        let sought = std::mem::take(&mut self.sought);
        self.seek_ended(engine);
        sought
    }

    /// The file has ended, which may be all that a seek in a damaged file leads to.
    pub fn seek_ended(&mut self, engine: &dyn Engine) {
        self.seeking = None;
        if let Some(next) = self.next.take() {
            self.seek(next, engine);
        }
    }

    /// The file has ended, and is to play again at `at_s`.
    pub fn repeat_at(&mut self, at_s: f64) {
        self.repeat_at_s = Some(at_s);
    }

    /// Whether it is time for the file to play again.
    pub fn takes_repeat(&mut self, now_s: f64) -> bool {
        self.repeat_at_s.take_if(|at_s| *at_s <= now_s).is_some()
    }

    /// The file is not to play again. Returns whether it was.
    pub fn cancel_repeat(&mut self) -> bool {
        self.repeat_at_s.take().is_some()
    }

    /// Forgets all seeks: another source was opened, or this one has failed.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn seek(&mut self, time: Duration, engine: &dyn Engine) {
        if self.seeking.is_some() {
            self.next = Some(time);
        } else if engine.seek(time) {
            self.seeking = Some(time);
            self.sought = true;
        }
    }
}

/// The number of a picture in its folder, from 1, and how many there are.
pub fn picture(shown: &Frame, info: &SourceInfo) -> Option<(u64, u64)> {
    let n_frames = info.n_frames.filter(|n_frames| *n_frames > 1)?;
    shown.file.as_ref()?;
    Some((shown.id.0 + 1, n_frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speed_of_the_menu_is_in_range() {
        assert!(SPEED_STEPS.iter().all(|speed| SPEEDS.contains(speed)));
        assert!(SPEED_STEPS.is_sorted());
    }
}
