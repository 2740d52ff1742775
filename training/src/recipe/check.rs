//! Values that would make no sense, found before a run starts.

use std::fmt::Display;

use super::Recipe;
use crate::{
    augment::{AugmentConfig, BlurConfig, CameraConfig},
    loss::ClassWeights,
    optimizer::OptimizerSettings,
    schedule::Schedule,
};

/// A key and what is wrong with it.
type Problem = (String, String);

/// Refuses `value` unless `fits`.
fn need<T: Display>(key: &str, value: T, fits: bool, expected: &str) -> Result<(), Problem> {
    if fits {
        return Ok(());
    }
    Err((
        key.to_owned(),
        format!("is {value}, but must be {expected}"),
    ))
}

/// Refuses what is not a share.
fn share(key: &str, value: f64) -> Result<(), Problem> {
    need(key, value, (0.0..=1.0).contains(&value), "between 0 and 1")
}

/// Refuses what is not in 0 up to below 1.
fn share_below_one(key: &str, value: f64) -> Result<(), Problem> {
    need(
        key,
        value,
        (0.0..1.0).contains(&value),
        "at least 0 and below 1",
    )
}

fn positive(key: &str, value: f64) -> Result<(), Problem> {
    need(key, value, value.is_finite() && value > 0.0, "above 0")
}

fn not_negative(key: &str, value: f64) -> Result<(), Problem> {
    need(key, value, value.is_finite() && value >= 0.0, "at least 0")
}

fn at_least_one(key: &str, value: usize) -> Result<(), Problem> {
    need(key, value, value > 0, "at least 1")
}

impl Recipe {
    /// The first value that makes no sense, by its key.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let name = &self.name;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fits = !name.is_empty() && name.chars().all(is_plain);
        need(
            "name",
            format!("“{name}”"),
            fits,
            "letters, digits, “-”, “_” and “.”",
        )?;
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("max_epochs", self.max_epochs)?;
        at_least_one("selection.patience", self.selection.patience)?;
        let votes = self.rows.min_votes;
        need(
            "rows.min_votes",
            votes,
            votes <= 10,
            "at most 10, FER+'s number of voters",
        )?;
        self.check_input()?;
        check_augment(&self.augment)?;
        self.check_loss()?;
        check_optimizer(&self.optimizer)?;
        self.check_groups()?;
        check_schedule(&self.schedule)?;
        if let Some(auxiliary) = &self.auxiliary {
            positive("auxiliary.weight", auxiliary.weight)?;
        }
        if let Some(distillation) = &self.distillation {
            share("distillation.share", distillation.share)?;
            let temperature = distillation.temperature;
            let fits = (1.0..=100.0).contains(&temperature);
            need(
                "distillation.temperature",
                temperature,
                fits,
                "between 1 and 100",
            )?;
            for weight in &distillation.weights {
                positive("distillation.weights", *weight)?;
            }
            let n_sizes = self.progressive_resizing.len();
            need(
                "progressive_resizing",
                format!("of {n_sizes} stages"),
                n_sizes == 0 || distillation.clean,
                "left out where other networks are learnt from: they look at images of one size, unless \
                 distillation.clean is true",
            )?;
        }
        if let Some(ema) = &self.ema {
            share_below_one("ema.decay", ema.decay)?;
        }
        self.check_resizing()
    }

    fn check_input(&self) -> Result<(), Problem> {
        let input = &self.input;
        let fits = (8..=512).contains(&input.side_px);
        need("input.side_px", input.side_px, fits, "between 8 and 512")?;
        let mean = f64::from(input.mean);
        need("input.mean", mean, mean.is_finite(), "a number")?;
        positive("input.std", input.std.into())?;
        match self.network.objection_to(&self.input_spec()) {
            Some(objection) => Err(("network".to_owned(), objection)),
            None => Ok(()),
        }
    }

    fn check_loss(&self) -> Result<(), Problem> {
        let loss = &self.loss;
        let gamma = loss.focal_gamma;
        // Between 0 and 1 the gradient of a certain and right answer is infinite.
        let fits = gamma == 0.0 || (1.0..=10.0).contains(&gamma);
        need("loss.focal_gamma", gamma, fits, "0 or between 1 and 10")?;
        share_below_one("loss.label_smoothing", loss.label_smoothing.into())?;
        share("loss.votes_share", loss.votes_share.into())?;
        if let ClassWeights::Given(weights) = loss.class_weights {
            for weight in weights {
                not_negative("loss.class_weights.given", weight)?;
            }
            let sum: f64 = weights.iter().sum();
            positive("loss.class_weights.given", sum)?;
        }
        Ok(())
    }

    fn check_groups(&self) -> Result<(), Problem> {
        for (index, group) in self.groups.iter().enumerate() {
            let key = |name: &str| format!("groups[{index}].{name}");
            at_least_one(&key("prefixes"), group.prefixes.len())?;
            not_negative(&key("learning_rate_factor"), group.learning_rate_factor)?;
            not_negative(&key("weight_decay"), group.weight_decay.unwrap_or(0.0))?;
        }
        Ok(())
    }

    fn check_resizing(&self) -> Result<(), Problem> {
        let mut previous = 0.0;
        for (index, stage) in self.progressive_resizing.iter().enumerate() {
            let key = |name: &str| format!("progressive_resizing[{index}].{name}");
            let (side, until) = (stage.side_px, stage.until);
            need(
                &key("side_px"),
                side,
                (8..=512).contains(&side),
                "between 8 and 512",
            )?;
            let fits = until > previous && until <= 1.0;
            need(
                &key("until"),
                until,
                fits,
                "above the stage before and at most 1",
            )?;
            previous = until;
            let mut small = self.input_spec();
            (small.width, small.height) = (side, side);
            let shapes = |input| self.network.weight_shapes(input, 7);
            if shapes(&small) != shapes(&self.input_spec()) {
                let problem = format!(
                    "is {side}, but the weights of {} depend on the size of the input",
                    self.network.name()
                );
                return Err((key("side_px"), problem));
            }
            if let Some(objection) = self.network.objection_to(&small) {
                return Err((key("side_px"), objection));
            }
        }
        Ok(())
    }
}

fn check_augment(augment: &AugmentConfig) -> Result<(), Problem> {
    for (name, value) in [
        ("flip_probability", augment.flip_probability),
        ("max_shift", augment.max_shift),
        ("max_contrast", augment.max_contrast),
        ("max_brightness", augment.max_brightness),
        ("max_gain", augment.max_gain),
        ("equalize_probability", augment.equalize_probability),
        ("erase.probability", augment.erase.probability),
        ("erase.min_area", augment.erase.min_area),
        ("cutout.probability", augment.cutout.probability),
        ("cutout.side", augment.cutout.side),
        ("occlusion.probability", augment.occlusion.probability),
        ("tilt.probability", augment.tilt.probability),
        ("box_noise.probability", augment.box_noise.probability),
        ("box_noise.max_shift", augment.box_noise.max_shift),
        ("box_noise.max_scale", augment.box_noise.max_scale),
        ("camera.light.probability", augment.camera.light.probability),
        ("camera.light.min_gain", augment.camera.light.min_gain),
        ("camera.blur.probability", augment.camera.blur.probability),
        (
            "camera.resolution.probability",
            augment.camera.resolution.probability,
        ),
        ("camera.noise.probability", augment.camera.noise.probability),
        (
            "camera.noise.max_deviation",
            augment.camera.noise.max_deviation,
        ),
        ("camera.jpeg.probability", augment.camera.jpeg.probability),
    ] {
        share(&format!("augment.{name}"), value.into())?;
    }
    for (key, degrees) in [
        ("augment.max_rotation_deg", augment.max_rotation_deg),
        ("augment.tilt.max_deg", augment.tilt.max_deg),
    ] {
        let fits = (0.0..=180.0).contains(&degrees);
        need(key, degrees, fits, "between 0 and 180")?;
    }
    let alpha = augment.mixup_alpha;
    let fits = (0.0..=2.0).contains(&alpha);
    need("augment.mixup_alpha", alpha, fits, "between 0 and 2")?;
    let (min, max) = (augment.min_area, augment.max_area);
    need(
        "augment.min_area",
        min,
        (0.01..=9.0).contains(&min),
        "between 0.01 and 9",
    )?;
    let fits = (min..=9.0).contains(&max);
    need(
        "augment.max_area",
        max,
        fits,
        "at least min_area and at most 9",
    )?;
    for (key, ratio) in [
        ("augment.max_aspect_ratio", augment.max_aspect_ratio),
        (
            "augment.erase.max_aspect_ratio",
            augment.erase.max_aspect_ratio,
        ),
    ] {
        need(
            key,
            ratio,
            (1.0..=10.0).contains(&ratio),
            "between 1 and 10",
        )?;
    }
    let padding = augment.crop_padding_px;
    need(
        "augment.crop_padding_px",
        padding,
        padding <= 24,
        "at most 24",
    )?;
    check_camera(&augment.camera)?;
    let area = augment.erase.max_area;
    let fits = (augment.erase.min_area..=1.0).contains(&area);
    need(
        "augment.erase.max_area",
        area,
        fits,
        "at least min_area and at most 1",
    )
}

fn check_camera(camera: &CameraConfig) -> Result<(), Problem> {
    let gamma = camera.light.max_gamma;
    need(
        "augment.camera.light.max_gamma",
        gamma,
        (1.0..=10.0).contains(&gamma),
        "between 1 and 10",
    )?;
    let gain = camera.light.max_gain;
    let fits = (1.0..=10.0).contains(&gain);
    need(
        "augment.camera.light.max_gain",
        gain,
        fits,
        "between 1 and 10",
    )?;
    let (min, max) = (camera.resolution.min_scale, camera.resolution.max_scale);
    need(
        "augment.camera.resolution.min_scale",
        min,
        (0.05..=1.0).contains(&min),
        "between 0.05 and 1",
    )?;
    need(
        "augment.camera.resolution.max_scale",
        max,
        (min..=1.0).contains(&max),
        "at least min_scale and at most 1",
    )?;
    let sigma = camera.blur.max_sigma_px;
    need(
        "augment.camera.blur.max_sigma_px",
        sigma,
        (BlurConfig::MIN_SIGMA_PX..=10.0).contains(&sigma),
        "between 0.3 and 10",
    )?;
    let (min, max) = (camera.jpeg.min_quality, camera.jpeg.max_quality);
    need(
        "augment.camera.jpeg.min_quality",
        min,
        (1..=100).contains(&min),
        "between 1 and 100",
    )?;
    need(
        "augment.camera.jpeg.max_quality",
        max,
        (min..=100).contains(&max),
        "at least min_quality and at most 100",
    )
}

fn check_optimizer(optimizer: &OptimizerSettings) -> Result<(), Problem> {
    let kind = match optimizer {
        OptimizerSettings::Sgd(_) => "sgd",
        OptimizerSettings::Adam(_) => "adam",
        OptimizerSettings::Adamw(_) => "adamw",
    };
    let key = |name: &str| format!("optimizer.{kind}.{name}");
    let rate = optimizer.learning_rate();
    let fits = rate > 0.0 && rate <= 10.0;
    need(&key("learning_rate"), rate, fits, "above 0 and at most 10")?;
    share(&key("weight_decay"), optimizer.weight_decay())?;
    match optimizer {
        OptimizerSettings::Sgd(sgd) => {
            share_below_one(&key("momentum"), sgd.momentum)?;
            let fits = !sgd.nesterov || sgd.momentum > 0.0;
            need(
                &key("nesterov"),
                sgd.nesterov,
                fits,
                "false where momentum is 0",
            )
        }
        OptimizerSettings::Adam(adam) | OptimizerSettings::Adamw(adam) => {
            share_below_one(&key("beta1"), adam.beta1)?;
            share_below_one(&key("beta2"), adam.beta2)?;
            positive(&key("epsilon"), adam.epsilon)
        }
    }
}

fn check_schedule(schedule: &Schedule) -> Result<(), Problem> {
    match schedule {
        Schedule::Constant => Ok(()),
        Schedule::Plateau(plateau) => share("schedule.plateau.factor", plateau.factor),
        Schedule::Step(step) => {
            share("schedule.step.factor", step.factor)?;
            at_least_one("schedule.step.every_epochs", step.every_epochs)
        }
        Schedule::Cosine(cosine) => {
            share_below_one("schedule.cosine.warmup", cosine.warmup)?;
            share("schedule.cosine.final_factor", cosine.final_factor)
        }
        Schedule::OneCycle(cycle) => {
            let fits = cycle.rise > 0.0 && cycle.rise < 1.0;
            need(
                "schedule.one-cycle.rise",
                cycle.rise,
                fits,
                "above 0 and below 1",
            )?;
            for (name, divisor) in [
                ("initial_divisor", cycle.initial_divisor),
                ("final_divisor", cycle.final_divisor),
            ] {
                let fits = divisor.is_finite() && divisor >= 1.0;
                need(
                    &format!("schedule.one-cycle.{name}"),
                    divisor,
                    fits,
                    "at least 1",
                )?;
            }
            Ok(())
        }
    }
}
