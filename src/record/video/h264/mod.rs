//! H.264 in MP4: the encoder and the file joined to a [`VideoWriter`].
//!
//! The file is made at once, its description with the first picture: only then does the encoder tell its parameters.

mod encoder;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use self::encoder::{Encoded, Encoder, NAME};
use super::{
    Clock, VideoError, VideoSettings, VideoSummary, VideoWriter, Written, duration_of,
    file::{self, Storage},
    mp4::{Finished, HybridMp4, Track, write_head},
    stats::Durations,
};
use crate::{
    frame::{RGBA_BYTES, Resolution},
    time::TICKS_PER_SECOND,
};

/// An MP4 file with its encoder.
pub(super) struct H264Writer<S> {
    path: PathBuf,
    /// Of the pictures that come.
    resolution: Resolution,
    encoder: Encoder,
    created: SystemTime,
    /// How long a picture is shown at the nominal rate, ticks.
    usual_duration: u32,
    clock: Clock,
    encode_times: Durations,
    output: Output<S>,
}

/// The file, in its states.
enum Output<S> {
    /// With its head, before the first picture.
    Started(S),
    Running(HybridMp4<S>),
    /// After the disk has refused something.
    Stopped(Option<HybridMp4<S>>),
}

impl H264Writer<File> {
    /// Makes the file.
    ///
    /// # Errors
    /// If it is there already or cannot be made, or if the encoder takes no pictures of this size.
    pub(super) fn create(path: &Path, settings: &VideoSettings) -> Result<Self, VideoError> {
        // First of all, so that a refusal leaves no file.
        let encoder = Encoder::new(settings)?;
        let file = file::create_new(path).map_err(|source| VideoError::Create {
            path: path.to_owned(),
            source,
        })?;
        Self::start(file, path, settings, encoder).inspect_err(|_| file::remove_new(path))
    }
}

impl<S: Storage> H264Writer<S> {
    fn start(
        mut storage: S,
        path: &Path,
        settings: &VideoSettings,
        encoder: Encoder,
    ) -> Result<Self, VideoError> {
        write_head(&mut storage).map_err(|err| VideoError::write(path, err))?;
        Ok(Self {
            path: path.to_owned(),
            resolution: settings.resolution,
            encoder,
            created: settings.created,
            usual_duration: (TICKS_PER_SECOND as f64 / settings.rate_hz()).round() as u32,
            clock: Clock::default(),
            encode_times: Durations::default(),
            output: Output::Started(storage),
        })
    }

    fn stopped(&self) -> VideoError {
        VideoError::Stopped {
            path: self.path.clone(),
        }
    }

    /// Notes that the disk refused something.
    fn stop(&mut self, err: io::Error) -> VideoError {
        self.output = match std::mem::replace(&mut self.output, Output::Stopped(None)) {
            Output::Running(mp4) => Output::Stopped(Some(mp4)),
            other @ Output::Stopped(_) => other,
            Output::Started(_) => Output::Stopped(None),
        };
        VideoError::write(&self.path, err)
    }
}

/// Puts an encoded picture into the file, which the first one starts.
fn add<S: Storage>(
    output: Output<S>,
    encoded: &Encoded<'_>,
    ticks: u64,
    created: SystemTime,
    usual_duration: u32,
) -> (Output<S>, io::Result<()>) {
    let mut mp4 = match output {
        Output::Running(mp4) => mp4,
        Output::Started(storage) => {
            let started = Track::new(
                encoded.sequence_parameters,
                encoded.picture_parameters,
                created,
            )
            .and_then(|track| HybridMp4::start(storage, track, usual_duration));
            match started {
                Ok(mp4) => mp4,
                Err(err) => return (Output::Stopped(None), Err(err)),
            }
        }
        stopped @ Output::Stopped(_) => return (stopped, Ok(())),
    };
    match mp4.push(encoded.data, encoded.is_key, ticks) {
        Ok(()) => (Output::Running(mp4), Ok(())),
        Err(err) => (Output::Stopped(Some(mp4)), Err(err)),
    }
}

impl<S: Storage> VideoWriter for H264Writer<S> {
    fn write(&mut self, rgba: &[u8], time: Duration) -> Result<Written, VideoError> {
        assert_eq!(
            rgba.len(),
            self.resolution.n_pixels() * RGBA_BYTES,
            "pictures have the size that was announced"
        );
        if matches!(self.output, Output::Stopped(_)) {
            return Err(self.stopped());
        }
        let ticks = self.clock.tick(time);
        let started = Instant::now();
        let encoded = self.encoder.encode(rgba, ticks)?;
        self.encode_times.add(started.elapsed());
        let Some(encoded) = encoded else {
            // The picture before stays until the next one comes: nothing is written, and no time is lost.
            return Ok(Written {
                pts_90k: ticks,
                in_video: false,
            });
        };
        let output = std::mem::replace(&mut self.output, Output::Stopped(None));
        let (output, added) = add(output, &encoded, ticks, self.created, self.usual_duration);
        self.output = output;
        added.map_err(|err| VideoError::write(&self.path, err))?;
        self.clock.commit(ticks);
        Ok(Written {
            pts_90k: ticks,
            in_video: true,
        })
    }

    fn sync(&mut self) -> Result<(), VideoError> {
        let synced = match &mut self.output {
            Output::Started(storage) => storage.sync(),
            Output::Running(mp4) => mp4.sync(),
            Output::Stopped(_) => return Err(self.stopped()),
        };
        synced.map_err(|err| self.stop(err))
    }

    fn len_bytes(&self) -> u64 {
        match &self.output {
            Output::Running(mp4) | Output::Stopped(Some(mp4)) => mp4.len_bytes(),
            Output::Started(_) | Output::Stopped(None) => 0,
        }
    }

    fn finish(self: Box<Self>) -> Result<VideoSummary, VideoError> {
        let finished = match self.output {
            Output::Running(mp4) | Output::Stopped(Some(mp4)) => mp4
                .finish()
                .map_err(|err| VideoError::write(&self.path, err))?,
            Output::Started(_) | Output::Stopped(None) => Finished::default(),
        };
        Ok(VideoSummary {
            file_name: self
                .path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            codec: NAME,
            encoder: encoder::name_and_version(),
            resolution: self.encoder.resolution(),
            n_frames: finished.n_samples.into(),
            n_lost_frames: finished.n_lost.into(),
            duration: duration_of(finished.end_ticks),
            bytes: finished.bytes,
            encode_p50: self.encode_times.quantile(0.5),
            encode_p95: self.encode_times.quantile(0.95),
        })
    }
}
