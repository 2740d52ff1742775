//! Live outputs, switched on and off by menu and keys.

use std::io::{Read as _, Write as _};

use egui_kittest::kittest::NodeT as _;

use super::*;

/// Settings with which the system chooses a free port for the server.
fn any_port() -> UiSettings {
    UiSettings {
        websocket_port: 0,
        ..UiSettings::default()
    }
}

#[test]
fn stream_items_switch_outputs_on_and_off() {
    let mut window = Window::new(any_port());
    assert!(!window.shows("Streaming"), "off at the start");
    window.press(Modifiers::ALT, Key::T);
    window.click("WebSocket at ws://127.0.0.1:0");
    assert!(window.shows("Streaming on this computer"));
    let [websocket, osc, _] = window.app().streams.status();
    assert!(websocket.is_on && !osc.is_on);
    let url = websocket.url();
    assert!(window.shows(&format!("WebSocket {url}, no clients")));
    // The menu is still open and shows it as on.
    let label = format!("WebSocket at {url}");
    let item = window.harness.get_by(|node| {
        node.role() == Role::MenuItemCheckBox && node.label().as_deref() == Some(label.as_str())
    });
    assert_eq!(
        item.accesskit_node().toggled(),
        Some(egui::accesskit::Toggled::True)
    );

    let mut client = std::net::TcpStream::connect(websocket.address).unwrap();
    client
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    while window.app().streams.status()[0].n_clients != Some(1) {
        std::thread::yield_now();
    }
    window.settle();
    assert!(window.shows(&format!("WebSocket {url}, 1 client")));
    let is_attached = |window: &Window| window.engine.0.borrow().taps[0].upgrade().is_some();
    assert!(is_attached(&window));

    window.click(&label);
    assert!(!window.shows("Streaming"));
    assert!(!is_attached(&window));
    // The connection has ended.
    client.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn outputs_have_keys_and_can_be_on_from_the_start() {
    let on = vec![(Output::WebSocket, "127.0.0.1:0".parse().ok())];
    let options = StreamOptions {
        on,
        ..StreamOptions::default()
    };
    let mut window = Window::streaming(UiSettings::default(), options);
    let control_shift = Modifiers::COMMAND.plus(Modifiers::SHIFT);
    let is_on = |window: &mut Window| window.app().streams.status().map(|status| status.is_on);
    assert_eq!(is_on(&mut window), [true, false, false]);
    window.press(control_shift, Key::U);
    assert_eq!(is_on(&mut window), [true, true, false]);
    assert!(window.shows("OSC udp://127.0.0.1:9000"));
    window.press(control_shift, Key::W);
    assert_eq!(is_on(&mut window), [false, true, false]);
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut window = Window::new(UiSettings {
        websocket_port: port,
        ..UiSettings::default()
    });
    window.choose("Stream", &format!("WebSocket at ws://127.0.0.1:{port}"));
    assert!(window.shows(&format!(
        "WebSocket stays off: port {port} is in use by another program; choose another port."
    )));
    assert!(!window.app().streams.is_any_on());
    // Choose another port in the menu.
    let field = window.harness.get_by(|node| {
        node.role() == Role::SpinButton && node.label().as_deref() == Some("WebSocket port")
    });
    field.set_value_accesskit(f64::from(port - 1));
    window.settle();
    assert_eq!(window.app().settings.websocket_port, port - 1);
    assert!(window.shows(&format!("WebSocket at ws://127.0.0.1:{}", port - 1)));
}

#[test]
fn streaming_to_the_network_shows_a_warning() {
    let options = StreamOptions {
        on: vec![(Output::WebSocket, "0.0.0.0:0".parse().ok())],
        expose_to_network: true,
        ..StreamOptions::default()
    };
    let mut window = Window::streaming(UiSettings::default(), options);
    window.settle();
    assert!(window.shows("Anyone there can read the facial expressions"));
    assert!(window.shows("Streaming to the network"));
}
