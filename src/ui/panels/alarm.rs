//! The red pill over the frame while a recording gets nothing, or is about to have no room.

use std::time::{Duration, Instant};

use egui::{Area, Context, CornerRadius, Frame, Id, Margin, Order, Rect, RichText, vec2};

use crate::{
    record::{MIN_FREE_BYTES, Phase, RecorderStatus},
    ui::{colors, words::text},
};

/// How long no frame may come. Slow cameras in the dark deliver five a second.
const MAX_SILENCE: Duration = Duration::from_secs(2);
/// With less time than this until the disk is full, the pill says so.
const MIN_TIME_LEFT: Duration = Duration::from_secs(600);
/// The same with less space than this, bytes.
const MIN_SPACE_BYTES: u64 = 1_000_000_000;
/// A recording shorter than this says nothing about how fast it grows.
const MIN_ELAPSED: Duration = Duration::from_secs(10);

/// What is wrong with a recording at `now`, in words; `None` if nothing is. `is_waiting` says that the user has paused
/// the file that is recorded.
pub fn alarm(status: &RecorderStatus, is_waiting: bool, now: Instant) -> Option<String> {
    if status.phase != Phase::Recording {
        return None;
    }
    let silence = now.saturating_duration_since(status.last_frame_at);
    if silence >= MAX_SILENCE && !is_waiting {
        return Some(text!("alarm-silence", seconds = silence.as_secs()));
    }
    let free = status.free_bytes?;
    let left = (status.elapsed >= MIN_ELAPSED && status.n_bytes > 0).then(|| {
        let bytes_per_s = status.n_bytes as f64 / status.elapsed.as_secs_f64();
        let left_s = free.saturating_sub(MIN_FREE_BYTES) as f64 / bytes_per_s;
        Duration::try_from_secs_f64(left_s).unwrap_or(Duration::MAX)
    });
    match left {
        Some(left) if left < MIN_TIME_LEFT => {
            let minutes = left.as_secs() / 60;
            Some(match minutes {
                0 => text!("alarm-less-than-a-minute").to_owned(),
                minutes => text!("alarm-minutes", minutes = minutes),
            })
        }
        _ if free < MIN_SPACE_BYTES => Some(text!("alarm-space", megabytes = free / 1_000_000)),
        _ => None,
    }
}

/// Draws the pill at the top of `area`.
pub fn alarm_ui(ctx: &Context, area: Rect, words: &str) {
    let palette = colors::palette(ctx.theme());
    Area::new(Id::unique("recording alarm"))
        .order(Order::Middle)
        .interactable(false)
        .fixed_pos(area.left_top() + vec2(14.0, 14.0))
        .show(ctx, |ui| {
            Frame::new()
                .fill(palette.error)
                .corner_radius(CornerRadius::same(14))
                .inner_margin(Margin::symmetric(14, 6))
                .show(ui, |ui| {
                    let text = RichText::new(words)
                        .color(colors::ink_on(palette.error))
                        .strong();
                    ui.add(egui::Label::new(text).extend());
                });
        });
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::session::manifest::Counts;

    #[test]
    fn silence_and_a_full_disk_are_said() {
        let now = Instant::now();
        let status = RecorderStatus {
            phase: Phase::Recording,
            elapsed: Duration::from_secs(100),
            counts: Counts::default(),
            n_bytes: 100_000_000,
            free_bytes: Some(50_000_000_000),
            last_marker: None,
            last_frame_at: now,
        };
        let at = |s: u64| now + Duration::from_secs(s);
        assert_eq!(alarm(&status, false, at(1)), None);
        assert_eq!(
            alarm(&status, false, at(12)).as_deref(),
            Some("No frames for 12 s")
        );
        assert_eq!(alarm(&status, true, at(12)), None, "the file is paused");
        let paused = RecorderStatus {
            phase: Phase::Paused,
            ..status.clone()
        };
        assert_eq!(alarm(&paused, false, at(12)), None);
        // 1 MB a second, and 200 MB are kept to finish.
        for (free, words) in [
            (500_000_000, "Disk almost full: about 5 min left"),
            (210_000_000, "Disk almost full: less than a minute left"),
            (900_000_000, "Disk almost full: 900 MB left"),
        ] {
            let full = RecorderStatus {
                free_bytes: Some(free),
                ..status.clone()
            };
            assert_eq!(alarm(&full, false, now).as_deref(), Some(words));
        }
    }

    #[test]
    fn the_pill_has_a_name() {
        let harness = Harness::new_ui(|ui| alarm_ui(ui.ctx(), ui.max_rect(), "No frames for 12 s"));
        harness.get_by_label("No frames for 12 s");
    }
}
