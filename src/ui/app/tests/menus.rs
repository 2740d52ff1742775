//! Menu items by their labels, and the keys that do the same.

use super::*;
use crate::{model::Views, session::marker_keys::MarkerKeys, ui::words::text};

#[test]
fn view_items_switch_their_settings() {
    let mut window = Window::live(1);
    window.choose("View", "Mirror");
    assert!(!window.app().settings.mirror_webcams);
    assert!(
        !window.app().settings.mirror_others,
        "only webcams are affected"
    );
    // The menu stays open for the next switch.
    window.click("Boxes");
    assert!(!window.app().settings.boxes);
    window.click("Bars");
    assert!(!window.app().settings.bars);
    assert!(!window.shows("Face 0: angry"));
    window.click("Light");
    assert_eq!(window.app().settings.theme, ThemePreference::Light);
    assert_eq!(window.harness.ctx.theme(), egui::Theme::Light);
    window.click("Dark");
    assert_eq!(window.app().settings.theme, ThemePreference::Dark);
    window.click("Follow system");
    assert_eq!(window.app().settings.theme, ThemePreference::System);
}

#[test]
fn the_language_changes_at_once_and_is_kept() {
    let mut window = Window::live(1);
    // Chinese names itself, with a font of the system that tests do without.
    let ctx = &window.harness.ctx;
    ctx.set_missing_glyph_policy(egui::MissingGlyphPolicy::Tofu);
    window.choose("View", "Language");
    window.click("Deutsch");
    assert_eq!(window.app().settings.language, Some(Language::German));
    assert!(window.shows("Datei") && window.shows("Ansicht"));
    assert!(!window.shows("File"));
    window.click("English");
    assert!(window.shows("File") && !window.shows("Datei"));

    let french = Window::new(UiSettings {
        language: Some(Language::French),
        ..UiSettings::default()
    });
    assert!(french.shows("Fichier"));
}

/// Words are longer in other languages. (Chinese is shorter, and tests have no font for it.)
#[test]
fn menus_fit_the_smallest_window_in_every_language() {
    let languages = Language::ALL.into_iter();
    for language in languages.filter(|language| *language != Language::Chinese) {
        let settings = UiSettings {
            language: Some(language),
            ..UiSettings::default()
        };
        let window = Window::build(settings, crate::ui::MIN_WINDOW_SIZE, Arc::new(Vec::new));
        let help = window.harness.get_by_label(text!("menu-help")).rect();
        // In English the menu and the button have one name.
        let record = window.harness.query_all_by_label(text!("bar-record"));
        let record = record.map(|button| button.rect().left());
        let record = record.fold(f32::MIN, f32::max);
        assert!(help.right() < record, "{language:?}: {help} {record}");
    }
}

#[test]
fn faces_are_covered_by_menu_and_key_and_shown_one_by_one() {
    let mut window = Window::live(2);
    assert!(!window.shows("Show face"));
    window.choose("View", "Privacy");
    window.click("Blur faces");
    assert_eq!(window.app().settings.privacy, Some(Effect::Blur));
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Escape);
    for expected in [None, Some(Effect::Pixelate), Some(Effect::Blur)] {
        window.press(Modifiers::NONE, Key::H);
        assert_eq!(window.app().settings.privacy, expected);
    }

    let toggle = |window: &mut Window| {
        let mut boxes = window.harness.query_all_by_label("Show face");
        boxes.next().expect("the first face").click();
        drop(boxes);
        window.settle();
        window.app().privacy.shown().to_vec()
    };
    assert_eq!(toggle(&mut window), [TrackId(0)]);
    assert_eq!(toggle(&mut window), []);
    assert_eq!(toggle(&mut window), [TrackId(0)]);
    // Whoever comes next may be somebody else.
    let lost = SourceState::Lost("camera “C920” was disconnected".to_owned());
    window.send(Event::Source(lost));
    assert!(window.app().privacy.shown().is_empty());
}

#[test]
fn sliders_reach_the_pipeline() {
    let mut window = Window::live(1);
    window.click("View");
    let slider = |window: &Window, label: &str, value| {
        window
            .harness
            .get_by(|node| node.role() == Role::Slider && node.label().as_deref() == Some(label))
            .set_value_accesskit(value);
    };
    slider(&window, "Smoothing", 1000.0);
    window.settle();
    slider(&window, "Minimum face size", 150.0);
    window.settle();
    let label = "Mirror averaging (slower; helps “fervis” only)";
    let item = window
        .harness
        .get_by(|node| node.label().as_deref() == Some(label));
    item.click();
    window.settle();
    let told = window.told();
    let Some(Told::Apply(settings)) = told.last() else {
        panic!("{told:?}");
    };
    assert_eq!(settings.smoothing, Duration::from_secs(1));
    assert_eq!(settings.detect.min_face_size_px, 150);
    assert_eq!(settings.views, Views::Flip);
}

#[test]
fn source_items_open_sources() {
    let mut window = Window::live(1);
    window.choose("Source", "Demo");
    assert_eq!(window.told(), [Told::Open(SourceSpec::Demo)]);
    window.click("Source");
    assert!(window.shows("No camera found"));
    window.click("Refresh cameras");
    assert!(
        window.shows("Refresh"),
        "the menu stays open to show the result"
    );
}

#[test]
fn model_items_load_checkpoints() {
    let file = PathBuf::from("/models/mine.safetensors");
    let mut window = Window::new(UiSettings {
        recent_checkpoints: vec![file.clone()],
        ..UiSettings::default()
    });
    window.send(Event::CheckpointLoaded(fixtures::checkpoint()));
    let bundled = crate::model::bundled_names()[0];
    window.click("Model");
    let item = window.harness.get_by(|node| {
        node.role() == Role::MenuItemRadio && node.label().as_deref() == Some(bundled)
    });
    item.click();
    window.settle();
    assert_eq!(
        window.told(),
        [Told::Load(CheckpointChoice::Bundled(bundled.to_owned()))]
    );
    window.choose("Model", "mine.safetensors");
    assert_eq!(window.told(), [Told::Load(CheckpointChoice::File(file))]);
}

#[test]
fn a_second_network_stands_beside_the_first() {
    let mut window = Window::live(1);
    let names = crate::model::bundled_names();
    window.click("Model");
    window.click("Second network");
    let items = window.harness.get_all_by(|node| {
        node.role() == Role::MenuItemRadio && node.label().as_deref() == Some(names[1])
    });
    items.last().expect("an item in the inner menu").click();
    window.settle();
    let choice = CheckpointChoice::Bundled(names[1].to_owned());
    assert_eq!(window.told(), [Told::Second(Some(choice))]);
    let info = CheckpointInfo {
        name: "beside".to_owned(),
        ..(*fixtures::checkpoint()).clone()
    };
    window.send(Event::SecondChanged(Some(Arc::new(info))));
    assert!(window.shows("Second network: beside"));
    assert!(window.shows("Lower bar: beside."));
    window.send(Event::SecondFailed("“x” has other labels".to_owned()));
    window.send(Event::SecondChanged(None));
    assert!(window.shows("has other labels"));
    assert!(!window.shows("Lower bar"));
}

#[test]
fn help_items_open_windows_and_escape_closes_them() {
    let mut window = Window::live(0);
    window.choose("Help", "About fervis");
    assert!(window.shows("Everything runs on this computer"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Everything runs on this computer"));
    window.choose("Help", "Keyboard shortcuts");
    assert!(window.shows("Menus and windows"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Menus and windows"));
}

#[test]
fn quit_closes_the_window() {
    let mut window = Window::live(0);
    window.harness.get_by_label("File").click();
    window.settle();
    window.harness.get_by_label("Quit").click();
    check_closes(&mut window);
}

#[test]
fn a_signal_closes_the_window() {
    let mut window = Window::live(0);
    let quit = window.quit.clone();
    std::thread::spawn(move || quit.request()).join().unwrap();
    check_closes(&mut window);
}

#[track_caller]
fn check_closes(window: &mut Window) {
    let mut commands = Vec::new();
    for _ in 0..3 {
        window.harness.step();
        let output = window.harness.output();
        commands.extend(
            output
                .viewport_output
                .values()
                .flat_map(|viewport| viewport.commands.clone()),
        );
    }
    assert!(commands.contains(&ViewportCommand::Close), "{commands:?}");
}

#[test]
fn keys_do_what_menus_do() {
    let mut window = Window::live(1);
    window.press(Modifiers::NONE, Key::M);
    assert!(!window.app().settings.mirror_webcams);
    window.press(Modifiers::NONE, Key::B);
    assert!(!window.app().settings.boxes);
    window.press(Modifiers::NONE, Key::P);
    assert!(!window.app().settings.bars);
    let smoothing = window.app().settings.smoothing_ms;
    window.press(Modifiers::NONE, Key::CloseBracket);
    assert_eq!(window.app().settings.smoothing_ms, smoothing + 100);
    for _ in 0..40 {
        window.press(Modifiers::NONE, Key::OpenBracket);
    }
    assert_eq!(window.app().settings.smoothing_ms, 0);
    window.press(Modifiers::NONE, Key::Quote);
    assert_eq!(window.app().settings.uncertain_below_percent, Some(5));
    window.press(Modifiers::NONE, Key::U);
    assert_eq!(window.app().settings.uncertain_below_percent, None);
    for _ in 0..10 {
        window.type_text("-");
    }
    assert_eq!(
        window.app().settings.min_face_size_px,
        *FACE_SIZES_PX.start()
    );
    window.told();
    window.press(Modifiers::COMMAND, Key::D);
    assert_eq!(window.told(), [Told::Open(SourceSpec::Demo)]);
    window.press(Modifiers::NONE, Key::F1);
    assert!(window.shows("Menus and windows"));
}

#[test]
fn menus_work_with_the_keyboard() {
    let mut window = Window::live(1);
    window.press(Modifiers::ALT, Key::S);
    assert!(window.shows("Refresh"));
    for _ in 0..8 {
        let focused = window.harness.get_by_label("Demo").is_focused();
        if focused {
            break;
        }
        window.press(Modifiers::NONE, Key::ArrowDown);
    }
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.told(), [Told::Open(SourceSpec::Demo)]);
    // With Alt a letter opens a menu and is not a shortcut.
    window.press(Modifiers::ALT, Key::M);
    assert!(window.shows("Open checkpoint…"));
    assert!(window.app().settings.mirror_webcams);
}

#[test]
fn a_camera_shortcut_opens_the_camera_at_that_place() {
    let ctx = Context::default();
    let sources = [camera("A"), camera("B")];
    let mut marker_keys = MarkerKeys::default();
    marker_keys.words_mut()[1] = "not this key".to_owned();
    let key = |key| {
        let mut taken = None;
        let input = egui::RawInput {
            events: vec![egui::Event::Key {
                key,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers: Modifiers::COMMAND,
            }],
            ..Default::default()
        };
        let mut output = ctx.run_ui(input, |ui| {
            let context = KeyContext {
                cameras: &sources,
                mirror: true,
                boxes: true,
                bars: true,
                timeline: false,
                privacy: None,
                smoothing_ms: 300,
                views: Views::Single,
                uncertain_below_percent: 0,
                min_face_size_px: 80,
                windows_open: false,
                can_pause: false,
                marker_keys: &marker_keys,
                looped: false,
                session_open: false,
            };
            taken = taken.take().or(keyboard::take_command(ui.ctx(), context));
        });
        // No screen needs the font texture.
        output.textures_delta.clear();
        taken
    };
    assert_eq!(key(Key::Num2), Some(Command::OpenSource(camera("B"))));
    assert_eq!(key(Key::Num3), None);
}

/// A key that changes something says so, and the status bar leads back.
#[test]
fn a_changed_setting_is_said_and_can_be_reset() {
    let mut window = Window::live(1);
    window.press(Modifiers::NONE, Key::F);
    assert_eq!(window.app().readout.text(), "Mirror averaging on");
    window.press(Modifiers::NONE, Key::CloseBracket);
    assert_eq!(window.app().readout.text(), "Smoothing 400 ms");
    window.click("2 settings changed · Reset");
    assert_eq!(window.app().settings, UiSettings::default());
    assert!(!window.shows("Reset"));
}

/// Arrow keys go through a menu; they must not change the value of a slider on their way.
#[test]
fn arrow_keys_change_no_value_in_a_menu() {
    let mut window = Window::live(1);
    window.click("View");
    for _ in 0..30 {
        window.press(Modifiers::NONE, Key::ArrowDown);
        window.press(Modifiers::NONE, Key::ArrowRight);
    }
    assert_eq!(window.app().settings, UiSettings::default());
}

#[test]
fn an_opened_file_becomes_a_recent_one() {
    let mut window = Window::live(0);
    let path = std::path::absolute("clip.mp4").unwrap();
    let ctx = window.harness.ctx.clone();
    let open = Command::OpenSource(SourceSpec::Path(path.clone()));
    window.app().execute(open.clone(), &ctx);
    assert_eq!(window.app().settings.recent_files, Vec::<PathBuf>::new());
    window.send(Event::Source(SourceState::Live(fixtures::webcam())));
    assert_eq!(window.app().settings.recent_files, [path.as_path()]);
    // Without a camera it is offered again, and in the menu.
    window.press(Modifiers::COMMAND, Key::D);
    window.send(Event::Source(SourceState::NoCamera));
    window.told();
    window.click("clip.mp4");
    assert_eq!(window.told(), [Told::Open(SourceSpec::Path(path.clone()))]);
    window.choose("File", "Recent files");
    window.click("clip.mp4");
    assert_eq!(window.told(), [Told::Open(SourceSpec::Path(path))]);
}
