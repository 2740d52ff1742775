//! Starts the device and loads checkpoints in the background.
//!
//! The current network stays until the next one is ready; a failed load changes nothing. Only if the *first* checkpoint
//! fails, the bundled one takes its place, and the failure is reported.

use std::{io, sync::Arc};

use crossbeam_channel::{Receiver, Sender};

use super::{
    Event,
    classify_thread::Network,
    latest::Latest,
    parts::{ClassifyFaces, LoadNetwork, StartDevice},
    shared::Shared,
    words,
    worker::{Worker, guarded},
};
use crate::model::{self, CheckpointChoice, ComputeDevice, DeviceChoice};

/// What the loader is asked for.
enum Request {
    /// The current network.
    Current(CheckpointChoice),
    /// The second network, or none.
    Second(Option<CheckpointChoice>),
}

/// The running loader. Dropping it ends the thread after the current load.
pub(super) struct LoaderThread {
    requests: Sender<Request>,
    worker: Worker,
}

/// What the loader needs.
pub(super) struct Loader {
    pub start_device: StartDevice,
    pub load_network: LoadNetwork,
    /// Where ready networks go.
    pub networks: Arc<Latest<Network>>,
    /// Where second networks go; `None` means that there is none any more.
    pub seconds: Arc<Latest<Network>>,
    pub shared: Arc<Shared>,
}

impl LoaderThread {
    /// Starts the device and loads the first checkpoint, then waits for requests.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn spawn(
        loader: Loader,
        device: DeviceChoice,
        first: CheckpointChoice,
        second: Option<CheckpointChoice>,
    ) -> io::Result<Self> {
        let (requests, inbox) = crossbeam_channel::unbounded();
        let worker = Worker::spawn("loader", move || {
            loader.run(device, first, second, &inbox);
        })?;
        Ok(Self { requests, worker })
    }

    /// Loads a checkpoint in the background.
    pub fn load(&self, choice: CheckpointChoice) {
        // The thread ends only after `self` is gone.
        self.requests.send(Request::Current(choice)).ok();
    }

    /// Loads a second network in the background, or takes it away.
    pub fn load_second(&self, choice: Option<CheckpointChoice>) {
        self.requests.send(Request::Second(choice)).ok();
    }

    /// Closes the requests and returns the thread to wait for.
    pub fn finish(self) -> Worker {
        self.worker
    }
}

impl Loader {
    fn run(
        &self,
        device: DeviceChoice,
        first: CheckpointChoice,
        second: Option<CheckpointChoice>,
        requests: &Receiver<Request>,
    ) {
        let device = self.start(device);
        // Before the first network lets frames through, so that no frame lacks it.
        if second.is_some() {
            self.load_second(second, &device);
        }
        let fallback = model::bundled_names()
            .first()
            .map(|name| CheckpointChoice::Bundled((*name).to_owned()))
            .filter(|bundled| *bundled != first);
        if !self.load(first, &device) && !fallback.is_some_and(|choice| self.load(choice, &device))
        {
            self.shared.emit(Event::Warning(
                "no expressions are shown, since no network could be loaded".to_owned(),
            ));
            // Lets frames through without a network.
            drop(self.networks.put(None));
        }
        for request in requests {
            match request {
                Request::Current(choice) => drop(self.load(choice, &device)),
                Request::Second(choice) => self.load_second(choice, &device),
            }
        }
    }

    fn start(&self, choice: DeviceChoice) -> ComputeDevice {
        let device =
            guarded(|| (self.start_device)(choice)).unwrap_or_else(|panic| ComputeDevice {
                device: candle_core::Device::Cpu,
                name: "CPU".to_owned(),
                warning: Some(format!(
                    "the requested device could not be started: {panic}"
                )),
            });
        self.shared.emit(Event::Device {
            name: device.name.clone(),
            warning: device.warning.clone(),
        });
        device
    }

    /// Loads a checkpoint and, if that works, makes it the current network. Emits the outcome and returns whether it
    /// worked.
    fn load(&self, choice: CheckpointChoice, device: &ComputeDevice) -> bool {
        match self.read(&choice, device) {
            Ok(network) => {
                let info = Arc::clone(network.info());
                // One that was never taken is replaced, not lost.
                drop(self.networks.put(Some(network)));
                self.shared.emit(Event::CheckpointLoaded(info));
                true
            }
            Err(reason) => {
                self.shared.emit(Event::CheckpointFailed { choice, reason });
                false
            }
        }
    }

    /// Loads a second network, or takes it away, and emits the outcome.
    fn load_second(&self, choice: Option<CheckpointChoice>, device: &ComputeDevice) {
        match choice.map(|choice| self.read(&choice, device)).transpose() {
            Ok(second) => {
                let info = second.as_ref().map(|network| Arc::clone(network.info()));
                drop(self.seconds.put(second));
                self.shared.emit(Event::SecondChanged(info));
            }
            Err(reason) => self.shared.emit(Event::SecondFailed(reason)),
        }
    }

    fn read(
        &self,
        choice: &CheckpointChoice,
        device: &ComputeDevice,
    ) -> Result<Box<dyn ClassifyFaces>, String> {
        match guarded(|| (self.load_network)(choice, device)) {
            Ok(outcome) => outcome.map_err(|error| words(&error)),
            Err(panic) => Err(format!(
                "the checkpoint could not be loaded because of a bug: {panic}"
            )),
        }
    }
}
