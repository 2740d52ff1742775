//! Damaged states, shared folders, finished runs, and data that is not FER-2013.

use super::*;

/// One flipped bit anywhere in the state, whether it is still readable or not.
#[test]
fn a_damaged_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(&recipe(1), folder.path());
    let path = folder.path().join("state.safetensors");
    let good = fs::read(&path).unwrap();
    let n_places = 40;
    let places = (0..n_places).map(|index| 8 + (good.len() - 9) * index / (n_places - 1));
    // Also in the name of the checksum.
    let name = good.windows(6).position(|bytes| bytes == b"sha256");
    for at in places.chain(name) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = try_run(&recipe(2), synthetic(20), folder.path(), &|| false).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("state.safetensors is damaged"),
            "byte {at}: {error}"
        );
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(run(&recipe(2), folder.path()).1.history.len(), 2);
}

/// Earlier versions wrote no checksum.
#[test]
fn a_state_without_a_checksum_is_resumed_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    run(&recipe(1), folder.path());
    let path = folder.path().join("state.safetensors");
    let bytes = fs::read(&path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mut header = header.metadata().clone().unwrap();
    header.remove("sha256").unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    fs::write(
        &path,
        safetensors::serialize(&tensors, Some(header)).unwrap(),
    )
    .unwrap();
    assert_eq!(run(&recipe(2), folder.path()).1.history.len(), 2);
    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert!(log.contains("has no checksum"), "{log}");
    assert!(log.contains("up to 2 epochs instead of 1"), "{log}");
    run(&recipe(3), folder.path());
    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert_eq!(log.matches("has no checksum").count(), 1, "{log}");
}

#[test]
fn two_runs_cannot_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let second = Cell::new(None);
    let stop = || {
        let error = try_run(&recipe(1), synthetic(20), folder.path(), &|| false).unwrap_err();
        second.set(Some(error.to_string()));
        true
    };
    try_run(&recipe(1), synthetic(20), folder.path(), &stop).unwrap();
    let error = second.take().unwrap();
    assert!(error.contains("in use by another run"), "{error}");
    // The first has released it.
    run(&recipe(1), folder.path());
}

fn cosine(max_epochs: usize, final_factor: f64) -> Recipe {
    Recipe {
        schedule: RateSchedule::Cosine(Cosine {
            warmup: 0.0,
            final_factor,
        }),
        ..recipe(max_epochs)
    }
}

#[test]
fn epochs_without_a_learning_rate_are_refused_and_others_are_announced() {
    let folder = tempfile::tempdir().unwrap();
    run(&cosine(2, 0.0), folder.path());
    let before = state(folder.path());
    // Resuming it unchanged, it is finished.
    let (outcome, _) = run(&cosine(2, 0.0), folder.path());
    assert_eq!(
        outcome,
        RunOutcome::Finished("all 2 epochs are done".to_owned())
    );
    let error = try_run(&cosine(4, 0.0), synthetic(20), folder.path(), &|| false).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("2 more at that rate would change nothing"),
        "{error}"
    );
    assert!(error.contains("--pretrained"), "{error}");
    assert_eq!(state(folder.path()), before);

    let folder = tempfile::tempdir().unwrap();
    run(&cosine(1, 0.1), folder.path());
    let (_, progress) = run(&cosine(2, 0.1), folder.path());
    assert_eq!(progress.history.len(), 2);
    let rate = progress.history[1].learning_rate;
    assert!(
        (rate / (0.1 * progress.learning_rate) - 1.0).abs() < 1e-9,
        "{rate}"
    );
    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert!(
        log.contains("1 further epochs train at its last learning rate"),
        "{log}"
    );
}

/// An unfinished run is extended, and says so.
#[test]
fn an_extended_run_spreads_the_rest_of_its_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let n_asked = Cell::new(0);
    // Within the second of two epochs of five steps.
    let stop = || n_asked.replace(n_asked.get() + 1) == 7;
    let interrupted = try_run(&cosine(2, 0.0), synthetic(20), folder.path(), &stop).unwrap();
    assert_eq!(interrupted.1.history.len(), 1);
    run(&cosine(4, 0.0), folder.path());
    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert!(log.contains("up to 4 epochs instead of 2"), "{log}");
}

/// Five of the seven classes, in folders without splits.
#[test]
fn other_data_is_not_called_fer_2013() {
    let data = tempfile::tempdir().unwrap();
    for (number, class) in ["angry", "fear", "happy", "sad", "neutral"]
        .iter()
        .enumerate()
    {
        let folder = data.path().join(class);
        fs::create_dir(&folder).unwrap();
        for i in 0..4 {
            let gray = image::Luma([(50 * number + 10 * i) as u8]);
            let image = image::GrayImage::from_pixel(60, 60, gray);
            image.save(folder.join(format!("{i}.png"))).unwrap();
        }
    }
    let dataset = Dataset::load(data.path()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, progress) = try_run(&recipe(1), dataset, folder.path(), &|| false).unwrap();
    let public = progress.best_public.unwrap();
    assert_eq!(public.n_images, 5);
    assert!(public.macro_f1 <= 1.0);
    let best = Checkpoint::read(&folder.path().join("best.safetensors")).unwrap();
    let training = best.metadata.training.to_string();
    assert!(
        training.contains("20 images that are not FER-2013's"),
        "{training}"
    );
    assert!(training.contains("split at random"), "{training}");
    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert!(log.contains("split at random"), "{log}");
}

/// Vertical and horizontal stripes of 1 px that fade toward the border become the same gray at 48×48: only a network that
/// sees 96×96 can distinguish them.
#[test]
fn a_network_of_96_px_sees_96_px() {
    let data = tempfile::tempdir().unwrap();
    for (class, upright) in [("happy", true), ("sad", false)] {
        let folder = data.path().join(class);
        fs::create_dir(&folder).unwrap();
        for i in 0..30_u32 {
            let image = image::GrayImage::from_fn(96, 96, |x, y| {
                let at = if upright { x } else { y };
                let fade = (std::f32::consts::PI * (at as f32 + 0.5) / 96.0)
                    .sin()
                    .powi(2);
                let sign = if (at + i).is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                };
                let amplitude = (60 + 2 * i) as f32;
                image::Luma([(128.0 + sign * amplitude * fade).round() as u8])
            });
            image.save(folder.join(format!("{i}.png"))).unwrap();
        }
    }
    let accuracy = |side_px: usize| {
        let mut recipe = recipe(8);
        recipe.input.side_px = side_px;
        recipe.augment = AugmentConfig::OFF;
        recipe.network = Architecture::ThreeBlock(ThreeBlockConfig {
            channels: [4, 4, 4],
            hidden: 8,
            dropout2d: 0.0,
            dropout: 0.0,
        });
        let folder = tempfile::tempdir().unwrap();
        let dataset = Dataset::load_for(data.path(), side_px).unwrap();
        let (_, progress) = try_run(&recipe, dataset, folder.path(), &|| false).unwrap();
        let best = progress.best(&recipe).unwrap();
        best.public_accuracy
    };
    assert_eq!(accuracy(96), 1.0);
    assert!(accuracy(48) <= 0.5);
}
