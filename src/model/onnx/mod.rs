//! Networks of other programs as ONNX files, run by tract.
//!
//! Such a file says how large its input is and how many outputs it has, and seldom more. `proto` reads what it says,
//! `families` recognizes networks that many people use, and what is still open is assumed. `limits` refuses files that
//! would fill the memory or run for minutes. `network` runs the rest, one face at a time.
//!
//! Reading and running go through [`panics::catch`](crate::panics::catch): the runtime is not ours, and the file is from
//! anywhere.

mod families;
mod limits;
mod network;
mod proto;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::network::OnnxNetwork;
use self::{
    families::Family,
    network::{Arrangement, Normalization},
    proto::OnnxFile,
};
use super::{
    assumptions::{Assumed, Color, Order, Outputs, PerChannel, Settings},
    error::ModelError,
    preprocess::{CropGeometry, InputSpec},
    serialize::sha256,
};

/// A network that is ready to run, and what is known about it.
pub struct Loaded {
    /// The network.
    pub network: OnnxNetwork,
    /// The crop, and its size. The network takes values from 0 to 1 and normalizes them itself.
    pub input: InputSpec,
    /// The names of the outputs, in order.
    pub labels: Vec<String>,
    /// Divides the logits before softmax.
    pub temperature: f32,
    /// Below this probability the most probable label is uncertain; 0 for never.
    pub uncertain_below: f32,
    /// Number of weights.
    pub n_parameters: usize,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What is assumed or was said.
    pub assumed: Assumed,
}

/// Reads a network from the bytes of a file called `file` in messages. `folder` is where its further files are.
///
/// # Errors
/// [`ModelError::Refused`].
pub fn load(
    bytes: &[u8],
    folder: Option<&Path>,
    file: &str,
    said: &Settings,
) -> Result<Loaded, ModelError> {
    try_load(bytes, folder, said).map_err(|reason| ModelError::refused(file, reason))
}

fn try_load(bytes: &[u8], folder: Option<&Path>, said: &Settings) -> Result<Loaded, String> {
    let opened = OnnxFile::open(bytes)?;
    // What the file says about itself counts less than what people say about it.
    let said = said.clone().or(opened.stated.clone());
    let size = opened.input_size(&said)?;
    limits::check(&opened)?;
    let prepared = network::prepare(&opened, folder, size.shape)?;
    let n_outputs = prepared.n_outputs;
    let family = families::recognize(&size, n_outputs);
    let (names, order, order_is_a_guess) = labels(&said, family.as_ref(), n_outputs)?;
    let color = match (size.channels, said.color) {
        (1, _) => Color::Gray,
        (_, Some(color)) => color,
        (_, None) => Color::Rgb,
    };
    let usual = families::usual_normalization(&size, family.as_ref());
    let mean = said.mean.unwrap_or(usual.0);
    let std = said.std.unwrap_or(usual.1);
    let normalization = Normalization::new(mean, std);
    let arrangement = Arrangement {
        channels: size.channels,
        color,
        channels_last: size.channels_last,
    };
    let (network, outputs) = prepared.finish(arrangement, normalization, said.outputs)?;
    // Our own exports say everything.
    let usual_crop = opened.input.or(family.as_ref().map(Family::input));
    let usual_crop = usual_crop.unwrap_or(InputSpec::FER_2013);
    let crop = CropGeometry {
        scale: said.crop_scale.unwrap_or(usual_crop.crop.scale),
        shift_y: said.crop_shift.unwrap_or(usual_crop.crop.shift_y),
    };
    let says_crop = said.crop_scale.is_some() || said.crop_shift.is_some();
    let input = InputSpec {
        width: size.width,
        height: size.height,
        channels: if color == Color::Gray { 1 } else { 3 },
        mean: 0.0,
        std: 1.0,
        crop,
        upright_crop: if says_crop {
            None
        } else {
            usual_crop.upright_crop
        },
        ..usual_crop
    };
    let temperature = said.temperature.unwrap_or(1.0);
    let n_labels = names.len();
    Ok(Loaded {
        network,
        input,
        labels: names,
        temperature,
        uncertain_below: opened.uncertain_below,
        n_parameters: opened.n_parameters,
        sha256: sha256(&[bytes]),
        assumed: Assumed {
            family: family.as_ref().map(|family| family.name),
            order_is_a_guess,
            input_is_a_guess: said.mean.is_none() || said.std.is_none(),
            n_channels: size.channels,
            n_outputs: n_labels,
            settings: Settings {
                labels: Some(order),
                width: Some(size.width),
                height: Some(size.height),
                color: Some(color),
                mean: Some(mean),
                std: Some(std),
                outputs: Some(outputs),
                ..said
            },
        },
    })
}

/// The name of each output, their order, and whether that is a guess.
fn labels(
    said: &Settings,
    family: Option<&Family>,
    n_outputs: usize,
) -> Result<(Vec<String>, Order, bool), String> {
    if let Some(order) = &said.labels {
        // Networks for several tasks have further outputs behind the labels.
        let n_named = match (order, family) {
            (Order::Names(names), _) if names.len() < n_outputs => names.len(),
            (Order::Known(_), Some(family)) => family.n_labels,
            _ => n_outputs,
        };
        return Ok((order.names(n_named)?, order.clone(), false));
    }
    let known = match family {
        Some(family) => Some((Order::Known(family.order), family.n_labels)),
        None => families::usual_order(n_outputs).map(|order| (Order::Known(order), n_outputs)),
    };
    if let Some((order, n)) = known {
        return Ok((order.names(n)?, order, true));
    }
    let names: Vec<String> = (1..=n_outputs)
        .map(|number| format!("output {number}"))
        .collect();
    Ok((names.clone(), Order::Names(names), true))
}
