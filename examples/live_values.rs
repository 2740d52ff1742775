//! Prints live values for some seconds: from a camera, or from the bundled clip.
//!
//! `cargo run --release --example live_values -- demo 5`, or `camera` instead of `demo`.

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use fervis::{
    capture::SourceSpec,
    model::{CheckpointChoice, DeviceChoice},
    pipeline::{Event, NextAnalysis, Pacing, Pipeline, PipelineConfig, Settings, SourceState},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let source = args.next().unwrap_or_else(|| "demo".to_owned());
    let seconds: f64 = args.next().map_or(Ok(5.0), |text| text.parse())?;

    // Capture, detection and classification run on threads of their own, which end when `pipeline` is dropped.
    let config = PipelineConfig {
        source: Some(SourceSpec::parse(&source)),
        checkpoint: CheckpointChoice::Bundled("fervis-plus".to_owned()),
        second: None,
        device: DeviceChoice::Auto,
        settings: Settings::default(),
        pacing: Pacing::Realtime,
    };
    let pipeline = Pipeline::start(config, || {})?;

    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds {
        while let Some(event) = pipeline.take_event() {
            match event {
                Event::Source(SourceState::Live(info)) => println!("{} is live", info.name),
                Event::Source(SourceState::NoCamera) => return Err("no camera found".into()),
                Event::Source(SourceState::Failed(reason))
                | Event::CheckpointFailed { reason, .. } => return Err(reason.into()),
                _ => {}
            }
        }
        if let NextAnalysis::Ready(analysis) = pipeline.wait_analysis(Duration::from_millis(100)) {
            for face in &analysis.faces {
                let (label, probability) = face.smoothed.top();
                println!(
                    "{:7.3} s  face {}  {:9} {:3.0} %",
                    analysis.frame.time.as_secs_f64(),
                    face.number,
                    label.name(),
                    probability * 100.0
                );
            }
        }
    }
    let stats = pipeline.stats();
    println!(
        "{} of {} frames analyzed",
        stats.n_analyzed, stats.n_captured
    );
    Ok(())
}
