//! Finds impossible values before a run starts.

use fervis::{expression::N_EXPRESSIONS, model::net::OutOfRange};

use super::{
    check_augment::check_augment,
    range::{Problem, need, positive, share, share_below_one, within},
    settings::Recipe,
};
use crate::recipe::{loss::ClassWeights, optimizer::OptimizerSettings, schedule::RateSchedule};

/// Images per step.
const MAX_BATCH_SIZE: usize = 4096;
/// Epochs of a run, and of every other count of epochs.
const MAX_EPOCHS: usize = 100_000;
/// Weights of a network: with gradients, two moments and averages they take 6 GB. torchvision's VGG-19 has 144 million.
const MAX_WEIGHTS: u64 = 300_000_000;
/// Activations of the first layer for a batch: 4 GB. All layers together have several times as many.
const MAX_ACTIVATIONS: u64 = 1 << 30;
/// Characters of a name, which also names a folder.
const MAX_NAME_LEN: usize = 100;

impl Recipe {
    /// The first impossible value, by its key.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let name = &self.name;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let fits = begins_well && name.len() <= MAX_NAME_LEN && name.chars().all(is_plain);
        need(
            "name",
            format!("“{name}”"),
            fits,
            "up to 100 letters, digits, “-”, “_” and “.”, the first a letter or a digit",
        )?;
        within("batch_size", self.batch_size, 1..=MAX_BATCH_SIZE)?;
        within("max_epochs", self.max_epochs, 1..=MAX_EPOCHS)?;
        within(
            "selection.patience",
            self.selection.patience,
            1..=MAX_EPOCHS,
        )?;
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
            positive("auxiliary.weight", auxiliary.weight, 1000.0)?;
        }
        if let Some(distillation) = &self.distillation {
            share("distillation.share", distillation.share)?;
            let temperature = distillation.temperature;
            within("distillation.temperature", temperature, 1.0..=100.0)?;
            for weight in &distillation.weights {
                positive("distillation.weights", *weight, 1e6)?;
            }
            let n_sizes = self.progressive_resizing.len();
            need(
                "progressive_resizing",
                format!("of {n_sizes} stages"),
                n_sizes == 0 || distillation.clean,
                "omitted with [distillation]: teachers need images of one size, unless distillation.clean is true",
            )?;
        }
        if let Some(ema) = &self.ema {
            share_below_one("ema.decay", ema.decay)?;
        }
        self.check_resizing()
    }

    fn check_input(&self) -> Result<(), Problem> {
        let input = &self.input;
        within("input.side_px", input.side_px, 8..=512)?;
        let (mean, std) = (input.mean, input.std);
        within("input.mean", mean, -1000.0..=1000.0)?;
        within("input.std", std, 1e-4..=1000.0)?;
        if let Some(OutOfRange { key, problem }) = self.network.out_of_range() {
            return Err((format!("network.hyperparameters.{key}"), problem));
        }
        if let Some(objection) = self.network.objection_to(&self.input_spec()) {
            return Err(("network".to_owned(), objection));
        }
        self.check_memory()
    }

    /// Refuses sizes beyond any machine's memory: a failed allocation would end the program without a message.
    fn check_memory(&self) -> Result<(), Problem> {
        let spec = self.input_spec();
        let n_weights = self.network.n_weights(&spec, N_EXPRESSIONS);
        if n_weights > MAX_WEIGHTS {
            let problem = format!(
                "ask for {} million weights, but a network may have at most {} million",
                n_weights / 1_000_000,
                MAX_WEIGHTS / 1_000_000
            );
            return Err(("network.hyperparameters".to_owned(), problem));
        }
        let side = self.largest_side_px() as u64;
        let shapes = self.network.weight_shapes(&spec, N_EXPRESSIONS);
        let kernels = shapes.iter().find(|(_, shape)| shape.len() == 4);
        let n_channels = kernels.map_or(1, |(_, shape)| shape[0] as u64);
        let n_values = self.batch_size as u64 * side * side * n_channels;
        if n_values > MAX_ACTIVATIONS {
            let problem = format!(
                "is {}, but {side}×{side} images of {n_channels} channels leave room for at most {}",
                self.batch_size,
                MAX_ACTIVATIONS / (side * side * n_channels)
            );
            return Err(("batch_size".to_owned(), problem));
        }
        Ok(())
    }

    fn check_loss(&self) -> Result<(), Problem> {
        let loss = &self.loss;
        let gamma = loss.focal_gamma;
        // Between 0 and 1, the gradient of a certain and right answer would be infinite.
        let fits = gamma == 0.0 || (1.0..=10.0).contains(&gamma);
        need("loss.focal_gamma", gamma, fits, "0 or between 1 and 10")?;
        share_below_one("loss.label_smoothing", loss.label_smoothing.into())?;
        share("loss.votes_share", loss.votes_share.into())?;
        if let ClassWeights::Given(weights) = loss.class_weights {
            for weight in weights {
                within("loss.class_weights.given", weight, 0.0..=1e6)?;
            }
            let sum: f64 = weights.iter().sum();
            need(
                "loss.class_weights.given",
                "0 for every class",
                sum > 0.0,
                "above 0 for at least one",
            )?;
        }
        Ok(())
    }

    fn check_groups(&self) -> Result<(), Problem> {
        for (index, group) in self.groups.iter().enumerate() {
            let key = |name: &str| format!("groups[{index}].{name}");
            let n_prefixes = group.prefixes.len();
            need(
                &key("prefixes"),
                format!("a list of {n_prefixes}"),
                n_prefixes > 0,
                "a list of at least one",
            )?;
            let factor = group.learning_rate_factor;
            within(&key("learning_rate_factor"), factor, 0.0..=1000.0)?;
            share(&key("weight_decay"), group.weight_decay.unwrap_or(0.0))?;
        }
        Ok(())
    }

    fn check_resizing(&self) -> Result<(), Problem> {
        let mut previous = 0.0;
        for (index, stage) in self.progressive_resizing.iter().enumerate() {
            let key = |name: &str| format!("progressive_resizing[{index}].{name}");
            let (side, until) = (stage.side_px, stage.until);
            within(&key("side_px"), side, 8..=512)?;
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
            let shapes = |input| self.network.weight_shapes(input, N_EXPRESSIONS);
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
            positive(&key("epsilon"), adam.epsilon, 1.0)
        }
    }
}

fn check_schedule(schedule: &RateSchedule) -> Result<(), Problem> {
    match schedule {
        RateSchedule::Constant => Ok(()),
        RateSchedule::Plateau(plateau) => share("schedule.plateau.factor", plateau.factor),
        RateSchedule::Step(step) => {
            share("schedule.step.factor", step.factor)?;
            within(
                "schedule.step.every_epochs",
                step.every_epochs,
                1..=MAX_EPOCHS,
            )
        }
        RateSchedule::Cosine(cosine) => {
            share_below_one("schedule.cosine.warmup", cosine.warmup)?;
            share("schedule.cosine.final_factor", cosine.final_factor)
        }
        RateSchedule::OneCycle(cycle) => {
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
                within(&format!("schedule.one-cycle.{name}"), divisor, 1.0..=1e12)?;
            }
            Ok(())
        }
    }
}
