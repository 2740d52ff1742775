//! Finds the faces in an image and prints how the network reads each of them.
//!
//! `cargo run --release --example faces_in_image -- assets/faces/astronaut.png`

use std::{env, error::Error};

use fervis::{
    capture::{self, SourceSpec},
    detect::{DetectConfig, FaceFinder},
    frame::FramePool,
    model::{
        CheckpointChoice, Classifier, ComputeDevice, DeviceChoice, Views, preprocess::FaceRegion,
    },
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: faces_in_image IMAGE")?;

    // Images, videos, cameras and the demo clip are all sources of frames.
    let mut source = capture::open(&SourceSpec::Path(path.into()))?;
    let frame = source
        .next_frame(&FramePool::default())?
        .ok_or("the file has no frames")?;

    let mut finder = FaceFinder::new(DetectConfig::default());
    let faces = finder.find(&frame);

    let device = ComputeDevice::start(DeviceChoice::Cpu);
    let checkpoint = CheckpointChoice::Bundled("fervis-plus".to_owned());
    let mut classifier = Classifier::load(&checkpoint, &device)?;
    let regions: Vec<FaceRegion> = faces
        .iter()
        .map(|face| FaceRegion {
            box_in_frame: face.box_in_frame,
            // With this, the network gets a tilted face upright.
            upright: face.shape.map(|shape| shape.upright),
        })
        .collect();
    // All faces go through the network in one batch.
    let logits = classifier.classify(&frame, &regions, Views::Single)?;
    let temperature = classifier.info().temperature;

    println!("{} px, faces: {}", frame.resolution(), faces.len());
    for (number, (face, logits)) in (1..).zip(faces.iter().zip(logits)) {
        let area = face.box_in_frame;
        println!(
            "\nface {number}: {:.0}×{:.0} px at ({:.0}, {:.0})",
            area.width, area.height, area.x, area.y
        );
        for (expression, probability) in logits.softmax(temperature).iter() {
            println!("  {:9} {:5.1} %", expression.name(), probability * 100.0);
        }
    }
    Ok(())
}
