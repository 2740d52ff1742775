//! `fervis devices` and `fervis models`.
//!
//! They list what can follow `camera:` and `--checkpoint`.

use std::{fmt::Write, process::ExitCode};

use fervis::{
    capture::{self, frame_rate::FrameRate},
    frame::Resolution,
    model::{self, CheckpointChoice, CheckpointInfo, Classifier, ComputeDevice, DeviceChoice},
};

use super::output;

/// Lists the cameras.
///
/// # Errors
/// If the standard output cannot be written.
pub fn devices() -> anyhow::Result<ExitCode> {
    if !cfg!(feature = "camera") {
        anyhow::bail!("this build has no camera support (feature `camera`)");
    }
    let devices = capture::cameras();
    let mut text = String::new();
    // Writing to a string cannot fail.
    for device in &devices {
        writeln!(text, "{}  {}", device.number, device.name).ok();
        if let Some(problem) = &device.problem {
            writeln!(text, "   cannot be used: {problem}").ok();
        }
        let formats = device.formats.iter().map(|format| {
            (
                format.pixel_format.to_string(),
                format.resolution,
                format.rate,
            )
        });
        text.push_str(&formats_text(formats));
    }
    if devices.is_empty() {
        text.push_str("No camera found.\n");
    } else {
        text.push_str("\nUse one with `fervis analyze camera:NUMBER` or `camera:NAME`.\n");
    }
    print(&text)
}

/// Lists the bundled checkpoints.
///
/// # Errors
/// If one cannot be read or the standard output cannot be written.
pub fn models() -> anyhow::Result<ExitCode> {
    let cpu = ComputeDevice::start(DeviceChoice::Cpu);
    let mut text = String::new();
    for (place, name) in model::bundled_names().iter().enumerate() {
        let choice = CheckpointChoice::Bundled((*name).to_owned());
        let classifier = Classifier::load(&choice, &cpu)?;
        text.push_str(&checkpoint_text(classifier.info(), place == 0));
    }
    text.push_str("\nUse one of these, or your own file, with `--checkpoint NAME-OR-FILE`.\n");
    print(&text)
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    Ok(output::print(text, ExitCode::FAILURE)?)
}

fn checkpoint_text(info: &CheckpointInfo, is_default: bool) -> String {
    let default = if is_default { " (default)" } else { "" };
    let mut text = format!(
        "{}{default}\n  network: {}, {} parameters\n",
        info.name,
        info.architecture,
        grouped(info.n_parameters)
    );
    for (name, value) in &info.metrics {
        writeln!(text, "  {name}: {value}").ok();
    }
    writeln!(text, "  sha256: {}", info.sha256).ok();
    text
}

/// A number with commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One line per pixel format and size, with its rates: a camera may offer hundreds of combinations.
fn formats_text(formats: impl Iterator<Item = (String, Resolution, FrameRate)>) -> String {
    let mut groups: Vec<(String, Resolution, Vec<FrameRate>)> = Vec::new();
    for (pixel_format, resolution, rate) in formats {
        match groups
            .iter_mut()
            .find(|group| group.0 == pixel_format && group.1 == resolution)
        {
            Some(group) => group.2.push(rate),
            None => groups.push((pixel_format, resolution, vec![rate])),
        }
    }
    groups.sort_by(|a, b| (&a.0, b.1).cmp(&(&b.0, a.1)));
    let mut text = String::new();
    for (pixel_format, resolution, mut rates) in groups {
        rates.sort_unstable_by(|a, b| b.cmp(a));
        let rates: Vec<String> = rates.iter().map(FrameRate::to_string).collect();
        writeln!(
            text,
            "   {pixel_format} {:>9} at {} Hz",
            resolution.to_string(),
            rates.join(", ")
        )
        .ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use fervis::expression::Labels;

    use super::*;

    #[test]
    fn formats_are_grouped_largest_first() {
        let format = |name: &str, width, height, rate| {
            let rate = FrameRate::whole(rate);
            (name.to_owned(), Resolution::new(width, height), rate)
        };
        let text = formats_text(
            [
                format("YUYV", 640, 480, 30),
                format("MJPG", 640, 480, 15),
                format("MJPG", 640, 480, 30),
                format("MJPG", 1280, 720, 30),
            ]
            .into_iter(),
        );
        assert_eq!(
            text,
            "   MJPG  1280×720 at 30 Hz\n   MJPG   640×480 at 30, 15 Hz\n   YUYV   640×480 at 30 Hz\n"
        );
    }

    #[test]
    fn a_checkpoint_is_described() {
        let info = CheckpointInfo {
            name: "three-block".to_owned(),
            path: None,
            architecture: "three-block".to_owned(),
            n_parameters: 5_093_383,
            labels: Labels::FER_2013,
            outputs: Vec::new(),
            temperature: 1.0,
            uncertain_below: 0.0,
            metrics: vec![("accuracy".to_owned(), "64.0 %".to_owned())],
            sha256: "ab12".to_owned(),
            assumed: None,
        };
        assert_eq!(
            checkpoint_text(&info, true),
            "three-block (default)\n  network: three-block, 5,093,383 parameters\n  accuracy: 64.0 %\n  sha256: ab12\n"
        );
        assert_eq!(grouped(12), "12");
        assert_eq!(grouped(123_456), "123,456");
    }
}
