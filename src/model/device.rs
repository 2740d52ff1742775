//! The device that computes, with a fallback to the CPU when a GPU does not start.

use std::{fmt, str::FromStr};

use candle_core::{Device, Error, Tensor};

use crate::panics;

/// Which device to compute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The GPU that this build supports, or the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
    /// The Metal device.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    /// Reads `auto`, `cpu`, `cuda`, `cuda:N` or `metal`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("“{text}” is none of auto, cpu, cuda, cuda:N, metal")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

/// The device that computes, its name for the status bar, and a warning if it is not the requested one.
#[derive(Debug, Clone)]
pub struct ComputeDevice {
    /// Candle's handle.
    pub device: Device,
    /// `CPU, 2 threads`, `CUDA 0`, `Metal`.
    pub name: String,
    /// Why it is not the requested device, if so.
    pub warning: Option<String>,
}

impl ComputeDevice {
    /// Starts the requested device, or the CPU with a warning. A GPU may take seconds: do not call this on the UI thread.
    pub fn start(choice: DeviceChoice) -> Self {
        let requested = match choice {
            DeviceChoice::Cpu => return Self::cpu(None),
            DeviceChoice::Auto if cfg!(feature = "cuda") => DeviceChoice::Cuda(0),
            DeviceChoice::Auto if cfg!(feature = "metal") => DeviceChoice::Metal,
            DeviceChoice::Auto => return Self::cpu(None),
            requested => requested,
        };
        let started = match requested {
            DeviceChoice::Cuda(number) if cfg!(feature = "cuda") => {
                // What loads NVIDIA's libraries panics where there are none.
                panics::catch(|| Device::new_cuda(number))
                    .unwrap_or_else(|| Err(Error::Msg("no library of NVIDIA's driver".to_owned())))
                    .map(|device| (device, format!("CUDA {number}")))
            }
            DeviceChoice::Metal if cfg!(feature = "metal") => {
                Device::new_metal(0).map(|device| (device, "Metal".to_owned()))
            }
            other => {
                let feature = if other == DeviceChoice::Metal {
                    "metal"
                } else {
                    "cuda"
                };
                return Self::cpu(Some(format!(
                    "this build has no {feature} support (build it with --features {feature}); using the CPU"
                )));
            }
        };
        match started.and_then(|(device, name)| try_out(&device).map(|()| (device, name))) {
            Ok((device, name)) => Self {
                device,
                name,
                warning: None,
            },
            Err(error) => Self::cpu(Some(format!(
                "{requested} did not start ({error}); using the CPU"
            ))),
        }
    }

    fn cpu(warning: Option<String>) -> Self {
        let n_threads = rayon::current_num_threads();
        let plural = if n_threads == 1 { "" } else { "s" };
        Self {
            device: Device::Cpu,
            name: format!("CPU, {n_threads} thread{plural}"),
            warning,
        }
    }
}

/// Runs a small convolution. A driver may open and still be unable to compute, because it is too old or out of memory.
fn try_out(device: &Device) -> candle_core::Result<()> {
    let image = Tensor::ones((1, 1, 4, 4), candle_core::DType::F32, device)?;
    let kernel = Tensor::ones((1, 1, 3, 3), candle_core::DType::F32, device)?;
    image
        .conv2d(&kernel, 1, 1, 1, 1)?
        .sum_all()?
        .to_scalar::<f32>()
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_round_trip_through_text() {
        for text in ["auto", "cpu", "cuda:0", "cuda:3", "metal"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "CPU"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_missing_gpu_becomes_the_cpu_with_a_warning() {
        for choice in [DeviceChoice::Cuda(0), DeviceChoice::Metal] {
            let started = ComputeDevice::start(choice);
            assert!(started.device.is_cpu());
            assert!(
                started
                    .warning
                    .is_some_and(|warning| warning.contains("using the CPU"))
            );
        }
        assert_eq!(ComputeDevice::start(DeviceChoice::Auto).warning, None);
    }
}
