//! The whole window on a fake engine, driven by clicks and keys.

mod menus;
mod names;
mod player;
mod recording;
mod replay;
#[cfg(feature = "stream")]
mod streams;
mod tools;

use std::{
    cell::RefCell,
    collections::VecDeque,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Weak,
};

use egui::{Key, Modifiers, ThemePreference, ViewportCommand, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::*;
use crate::{
    capture::CameraChoice,
    detect::TrackId,
    frame::Resolution,
    model::assumptions::{KnownOrder, Settings as Said},
    pipeline::{Settings, Tap, Transport},
    privacy::Effect,
    stream::Output,
    ui::{compare::Part, fixtures, settings::FACE_SIZES_PX},
};

/// What a fake engine was told, and what it reports.
#[derive(Default)]
struct Script {
    told: Vec<Told>,
    taps: Vec<Weak<dyn Tap>>,
    events: VecDeque<Event>,
    frame: Option<Arc<Frame>>,
    analysis: Option<Analysis>,
    stats: Stats,
    transport: Option<Transport>,
}

#[derive(Debug, Clone, PartialEq)]
enum Told {
    Open(SourceSpec),
    Close,
    Load(CheckpointChoice),
    Second(Option<CheckpointChoice>),
    Apply(Settings),
    Neutral(bool),
    Paused(bool),
    Speed(f64),
    Step,
    Seek(Duration),
}

#[derive(Clone, Default)]
struct FakeEngine(Rc<RefCell<Script>>);

impl Engine for FakeEngine {
    fn open(&self, source: SourceSpec) {
        self.0.borrow_mut().told.push(Told::Open(source));
    }

    fn close(&self) {
        self.0.borrow_mut().told.push(Told::Close);
    }

    fn load_checkpoint(&self, choice: CheckpointChoice) {
        self.0.borrow_mut().told.push(Told::Load(choice));
    }

    fn load_second(&self, choice: Option<CheckpointChoice>) {
        self.0.borrow_mut().told.push(Told::Second(choice));
    }

    fn apply(&self, settings: Settings) {
        self.0.borrow_mut().told.push(Told::Apply(settings));
    }

    fn set_neutral(&self, learn: bool) {
        self.0.borrow_mut().told.push(Told::Neutral(learn));
    }

    fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle {
        self.0.borrow_mut().taps.push(Arc::downgrade(&tap));
        TapHandle::detached(tap)
    }

    fn take_preview(&self) -> Option<Arc<Frame>> {
        self.0.borrow_mut().frame.take()
    }

    fn take_analysis(&self) -> Option<Analysis> {
        self.0.borrow_mut().analysis.take()
    }

    fn take_event(&self) -> Option<Event> {
        self.0.borrow_mut().events.pop_front()
    }

    fn stats(&self) -> Stats {
        self.0.borrow().stats
    }

    fn transport(&self) -> Option<Transport> {
        self.0.borrow().transport
    }

    fn set_paused(&self, paused: bool) {
        let mut script = self.0.borrow_mut();
        script.told.push(Told::Paused(paused));
        if let Some(transport) = &mut script.transport {
            transport.paused = paused;
        }
    }

    fn set_speed(&self, speed: f64) {
        let mut script = self.0.borrow_mut();
        script.told.push(Told::Speed(speed));
        if let Some(transport) = &mut script.transport {
            transport.speed = speed;
        }
    }

    fn step(&self) {
        self.0.borrow_mut().told.push(Told::Step);
    }

    fn seek(&self, time: Duration) -> bool {
        self.0.borrow_mut().told.push(Told::Seek(time));
        true
    }
}

/// The window, its engine, and short names for what tests do with it.
struct Window {
    engine: FakeEngine,
    quit: QuitRequest,
    harness: Harness<'static, Option<App>>,
}

impl Window {
    fn new(settings: UiSettings) -> Self {
        Self::sized(settings, [1280.0, 800.0])
    }

    fn sized(settings: UiSettings, size: [f32; 2]) -> Self {
        Self::build(settings, size, Arc::new(Vec::new))
    }

    /// A window that has found these cameras.
    fn listing(names: &'static [&'static str]) -> Self {
        let list = || {
            let listed = |name: &&str| ListedCamera {
                name: (*name).to_owned(),
                problem: None,
            };
            names.iter().map(listed).collect()
        };
        let mut window = Self::build(UiSettings::default(), [1280.0, 800.0], Arc::new(list));
        window.app().cameras.wait();
        window
    }

    /// A window that was started with live outputs.
    #[cfg(feature = "stream")]
    fn streaming(settings: UiSettings, stream: StreamOptions) -> Self {
        Self::start(settings, stream, [1280.0, 800.0], Arc::new(Vec::new))
    }

    fn build(settings: UiSettings, size: [f32; 2], list_cameras: ListCameras) -> Self {
        Self::start(settings, StreamOptions::default(), size, list_cameras)
    }

    fn start(
        settings: UiSettings,
        stream: StreamOptions,
        size: [f32; 2],
        list_cameras: ListCameras,
    ) -> Self {
        let engine = FakeEngine::default();
        let quit = QuitRequest::default();
        let mut harness = Harness::builder().with_size(size).build_ui_state(
            {
                let engine = engine.clone();
                let quit = quit.clone();
                move |ui: &mut Ui, app: &mut Option<App>| {
                    let app = app.get_or_insert_with(|| {
                        App::new(
                            ui.ctx(),
                            Box::new(engine.clone()),
                            AppConfig {
                                source: SourceSpec::Camera(CameraChoice::default()),
                                quit: quit.clone(),
                                stream: stream.clone(),
                                taps: Vec::new(),
                                settings: settings.clone(),
                                settings_warning: None,
                                saver: None,
                                system_language: Language::English,
                                list_cameras: Arc::clone(&list_cameras),
                            },
                        )
                    });
                    app.update(&ui.ctx().clone());
                    app.draw(ui);
                }
            },
            None,
        );
        harness.run_steps(2);
        // Forget the calls at the start.
        engine.0.borrow_mut().told.clear();
        Self {
            engine,
            quit,
            harness,
        }
    }

    /// A window with a live webcam and `n_faces` faces.
    fn live(n_faces: usize) -> Self {
        let mut window = Self::new(UiSettings::default());
        window.send(Event::CheckpointLoaded(fixtures::checkpoint()));
        window.send(Event::Source(SourceState::Live(fixtures::webcam())));
        window.show(n_faces);
        window
    }

    fn send(&mut self, event: Event) {
        self.engine.0.borrow_mut().events.push_back(event);
        self.settle();
    }

    fn show(&mut self, n_faces: usize) {
        let frame = fixtures::frame(1, Resolution::new(1280, 720), Instant::now());
        {
            let mut script = self.engine.0.borrow_mut();
            script.analysis = Some(fixtures::analysis(&frame, fixtures::faces(n_faces)));
            script.frame = Some(frame);
        }
        self.settle();
    }

    /// Several frames: one takes news and input, a later one shows the result.
    fn settle(&mut self) {
        self.harness.run_steps(3);
    }

    fn app(&mut self) -> &mut App {
        self.harness
            .state_mut()
            .as_mut()
            .expect("it is created in the first frame")
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.settle();
    }

    fn choose(&mut self, menu: &str, item: &str) {
        self.click(menu);
        self.click(item);
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.settle();
    }

    /// Types a character, wherever its key is.
    fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.settle();
    }

    fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.engine.0.borrow_mut().told)
    }

    fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label_contains(label).count() > 0
    }
}

fn camera(name: &str) -> SourceSpec {
    SourceSpec::Camera(CameraChoice {
        camera: Some(name.to_owned()),
        ..CameraChoice::default()
    })
}

#[test]
fn another_source_clears_the_previous_frame() {
    let mut window = Window::live(2);
    assert!(window.shows("Face 1"));
    let late = fixtures::frame(9, Resolution::new(64, 48), Instant::now());
    window.press(Modifiers::COMMAND, Key::D);
    assert!(window.app().news.frame.is_none());
    // A frame of the previous source that arrives late is not shown.
    window.engine.0.borrow_mut().frame = Some(late);
    window.settle();
    assert!(window.app().news.frame.is_none());
    window.show(1);
    assert!(window.app().news.frame.is_some());
}

#[test]
fn a_failed_checkpoint_says_which_network_stays() {
    let mut window = Window::live(0);
    let choice = CheckpointChoice::File(PathBuf::from("/tmp/bad.safetensors"));
    window.send(Event::CheckpointFailed {
        choice,
        reason: "/tmp/bad.safetensors is cut short".to_owned(),
    });
    assert!(window.shows("/tmp/bad.safetensors is cut short. Still using “three-block”."));
    window.click("Dismiss");
    assert!(!window.shows("is cut short"));
}

#[test]
fn a_loaded_file_becomes_a_recent_one() {
    let mut window = Window::live(0);
    let path = PathBuf::from("/tmp/good.safetensors");
    window.send(Event::CheckpointLoaded(Arc::new(CheckpointInfo {
        name: "good".to_owned(),
        path: Some(path.clone()),
        ..(*fixtures::checkpoint()).clone()
    })));
    assert!(window.shows("Now using “good”."));
    assert_eq!(window.app().settings.recent_checkpoints, [path.as_path()]);
    assert_eq!(
        window.app().checkpoint_choice(),
        Some(CheckpointChoice::File(path))
    );
}

/// What is assumed stands in the message. What is chosen instead is used at once, and kept once the network is in use.
#[test]
fn what_is_assumed_about_a_network_is_said_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let info = CheckpointInfo {
        name: "net".to_owned(),
        path: Some(path.clone()),
        outputs: KnownOrder::Ferplus.names(8).unwrap(),
        assumed: Some(fixtures::assumed()),
        ..(*fixtures::checkpoint()).clone()
    };
    let mut window = Window::live(0);
    window.send(Event::CheckpointLoaded(Arc::new(info.clone())));
    assert!(window.shows("Now using “net”. Assumed: FER+, grayscale 64×64, 0…255, FER+ order."));
    window.engine.0.borrow_mut().told.clear();
    window.click("Change…");
    assert!(window.shows("Kept in net.onnx.json, beside the network."));
    // A window is in its place once its size is known.
    window.settle();
    window.click("Use");
    let told = window.told();
    let [Told::Load(CheckpointChoice::FileAs(file, said))] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(file, &path);
    assert!(!Said::file_of(&path).exists());
    window.send(Event::CheckpointLoaded(Arc::new(info)));
    assert_eq!(window.app().keeping.wait(), None);
    assert_eq!(Said::beside(&path).unwrap(), **said);
}

#[test]
fn a_device_that_is_not_the_requested_one_is_reported() {
    let mut window = Window::live(0);
    window.send(Event::Device {
        name: "CPU, 2 threads".to_owned(),
        warning: Some("CUDA 0 could not be started; the CPU is used".to_owned()),
    });
    assert!(window.shows("CUDA 0 could not be started; the CPU is used."));
    assert!(!window.shows("CPU, 2 threads"), "not without being asked");
    window.choose("View", "Statistics");
    assert!(window.shows("CPU, 2 threads"));
}

#[derive(Debug)]
struct DroppedAt(PathBuf);

impl egui::DroppedFile for DroppedAt {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("only the path is used".to_owned())
    }
}

#[test]
fn dropped_files_are_opened() {
    let mut window = Window::live(0);
    let mut drop_file = |path: &str| {
        let file = Arc::new(DroppedAt(PathBuf::from(path)));
        window.harness.input_mut().dropped_files.push(file);
        window.settle();
        window.told()
    };
    let clip = PathBuf::from("/tmp/clip.mp4");
    assert_eq!(
        drop_file("/tmp/clip.mp4"),
        [Told::Open(SourceSpec::Path(clip))]
    );
    let checkpoint = PathBuf::from("/tmp/a.safetensors");
    assert_eq!(
        drop_file("/tmp/a.safetensors"),
        [Told::Load(CheckpointChoice::File(checkpoint))]
    );
}

#[test]
fn figures_change_a_few_times_a_second_only() {
    let mut window = Window::live(1);
    let show = |window: &mut Window, n_dropped, time_s: f64| {
        window.engine.0.borrow_mut().stats.n_dropped = n_dropped;
        window.harness.input_mut().time = Some(time_s);
        window.harness.step();
        window.app().news.stats.n_dropped
    };
    let start_s = 100.0;
    assert_eq!(show(&mut window, 7, start_s), 7);
    assert_eq!(show(&mut window, 8, start_s + 0.1), 7);
    assert_eq!(show(&mut window, 9, start_s + 0.2), 7);
    assert_eq!(show(&mut window, 10, start_s + 0.3), 10);
}

#[test]
fn every_state_is_drawn_at_every_size_in_both_themes() {
    let states = [
        SourceState::Starting,
        SourceState::Live(fixtures::webcam()),
        SourceState::NoCamera,
        SourceState::Lost("camera “C920” was disconnected".to_owned()),
        SourceState::Failed("/tmp/a.mp4 cannot be opened: no video".to_owned()),
        SourceState::Ended,
    ];
    for size in [[720.0, 480.0], [1280.0, 800.0], [2560.0, 1440.0]] {
        for theme in [ThemePreference::Light, ThemePreference::Dark] {
            for n_faces in [0, 1, 6] {
                let mut window = Window::sized(
                    UiSettings {
                        theme,
                        ..UiSettings::default()
                    },
                    size,
                );
                window.show(n_faces);
                for state in &states {
                    window.send(Event::Source(state.clone()));
                    window.show(n_faces);
                }
                let expected = theme;
                let shown = window
                    .harness
                    .ctx
                    .options(|options| options.theme_preference);
                assert_eq!(shown, expected);
            }
        }
    }
}

#[test]
fn cameras_are_listed_and_opened_by_name() {
    let mut window = Window::listing(&["Integrated Webcam", "Desk"]);
    window.choose("Source", "Desk");
    assert_eq!(window.told(), [Told::Open(camera("Desk"))]);
    window.press(Modifiers::COMMAND, Key::Num1);
    assert_eq!(window.told(), [Told::Open(camera("Integrated Webcam"))]);
}
