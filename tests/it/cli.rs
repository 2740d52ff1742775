//! The built program as scripts see it: standard output, standard error, exit status.
//!
//! The machine's displays are hidden from it, so that the outcome is the same everywhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn fervis(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fervis"))
        .args(args)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        // On an overloaded machine, threads that end slowly are logged.
        .env("RUST_LOG", "error")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Exit status 1, nothing on stdout, and one line on stderr that names `what`.
fn assert_fails(args: &[&str], what: &str) {
    let output = fervis(args);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {message}");
    assert_eq!(stdout(&output), "", "{args:?}");
    assert_eq!(message.lines().count(), 1, "{args:?}: {message}");
    assert!(
        message.starts_with("fervis: ") && message.contains(what),
        "{args:?}: {message}"
    );
}

/// Checks the form that scripts rely on. Returns the line's faces.
fn check_line(line: &str, frame: u64) -> Vec<Value> {
    assert!(
        line.starts_with(&format!(r#"{{"frame":{frame},"time_s":"#)),
        "{line}"
    );
    let value: Value = serde_json::from_str(line).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    // Only images have a `file`.
    let keys: Vec<&String> = keys.into_iter().filter(|key| *key != "file").collect();
    assert_eq!(keys, ["faces", "frame", "time_s"], "{line}");
    assert!(value["time_s"].as_f64().unwrap() >= 0.0, "{line}");
    let faces = value["faces"].as_array().unwrap().clone();
    for face in &faces {
        let edges = face["box"].as_array().unwrap();
        assert!(
            edges.len() == 4 && edges.iter().all(Value::is_number),
            "{line}"
        );
        assert!(face["track"].as_u64().is_some() && face["score"].is_number());
        for kind in ["raw", "smoothed"] {
            let probabilities = face[kind].as_object().unwrap();
            assert_eq!(probabilities.len(), 7, "{line}");
            let values = || probabilities.values().map(|value| value.as_f64().unwrap());
            assert!((values().sum::<f64>() - 1.0).abs() < 1e-4, "{line}");
        }
        let smoothed = face["smoothed"].as_object().unwrap();
        let label = smoothed[face["label"].as_str().unwrap()].as_f64().unwrap();
        let is_largest = smoothed
            .values()
            .all(|value| value.as_f64().unwrap() <= label);
        assert!(is_largest, "{line}");
    }
    faces
}

#[test]
#[cfg(feature = "h264-bundled")]
fn the_demo_gives_one_json_line_per_frame() {
    let output = fervis(&["analyze", "demo", "--json", "-", "--seconds", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 30, "one second of the clip");
    for (frame, line) in (0..).zip(&lines) {
        let faces = check_line(line, frame);
        assert!(!faces.is_empty(), "somebody is always in view: {line}");
    }
}

#[test]
fn an_image_is_one_frame() {
    let picture = in_repository("assets/faces/astronaut.png");
    let output = fervis(&["analyze", picture.to_str().unwrap(), "--json", "-"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(check_line(lines[0], 0).len(), 1, "{}", lines[0]);
}

#[test]
fn without_an_output_a_summary_is_printed() {
    let picture = in_repository("assets/faces/astronaut.png");
    let output = fervis(&["analyze", picture.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("astronaut.png"));
}

#[test]
fn images_of_a_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let picture = image::open(in_repository("assets/faces/astronaut.png")).unwrap();
    let picture = picture.into_rgb8();
    for name in ["a.jfif", "b, c.tif"] {
        let path = folder.path().join(name);
        let format = match name {
            "a.jfif" => image::ImageFormat::Jpeg,
            _ => image::ImageFormat::Tiff,
        };
        picture.save_with_format(path, format).unwrap();
    }
    let whole = fs::read(folder.path().join("a.jfif")).unwrap();
    fs::write(folder.path().join("cut.jpg"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.path().join("notes.txt"), "milk").unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    let path = folder.path().to_str().unwrap();
    let told = [
        "skipped, because fervis cannot read them as pictures: notes.txt",
        "subfolders are not read: more",
        "cut.jpg was skipped: the picture is cut short",
    ];

    let output = fervis(&["analyze", path, "--json", "-"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = stdout(&output).lines();
    let files: Vec<Value> = lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["file"].clone())
        .collect();
    assert_eq!(files, ["a.jfif", "b, c.tif"]);
    for words in told {
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }

    let output = fervis(&["analyze", path, "--csv", "-"]);
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert!(
        lines[0].ends_with(",second_label,second_model"),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains(",turned_away,file,corrected_"));
    let empty = ",".repeat(7 + 3 + 7 + 7 + 2);
    assert!(
        lines[1].ends_with(&format!(",a.jfif{empty}")),
        "{}",
        lines[1]
    );
    let named = format!(",\"b, c.tif\"{empty}");
    assert!(lines[2].ends_with(&named), "{}", lines[2]);

    let output = fervis(&["analyze", path]);
    let summary = stdout(&output);
    assert!(summary.contains("\n  a.jfif    "), "{summary}");
    for words in told {
        assert!(summary.contains(words), "{summary}");
    }
}

#[test]
fn a_missing_source_fails_in_one_line() {
    assert_fails(&["analyze", "no-such-clip.mp4"], "no-such-clip.mp4");
    let nothing = tempfile::tempdir().unwrap();
    let folder = nothing.path().to_str().unwrap();
    assert_fails(&["analyze", folder], folder);
}

#[test]
fn a_damaged_file_fails_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("empty.mp4", &b""[..]),
        ("notes.png", b"milk, eggs\n"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("cut.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1"),
        ("cut.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isom"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        assert_fails(&["analyze", path.to_str().unwrap(), "--json", "-"], name);
    }
}

#[test]
fn a_bad_checkpoint_fails_in_one_line() {
    let picture = in_repository("assets/faces/astronaut.png");
    let whole = fs::read(in_repository("models/three-block.safetensors")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("cut.safetensors", &whole[..whole.len() / 2]),
        ("header-only.safetensors", &whole[..20]),
        ("empty.safetensors", b""),
        ("words.safetensors", b"these are no weights at all"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let path = path.to_str().unwrap();
        let picture = picture.to_str().unwrap();
        assert_fails(&["analyze", picture, "--checkpoint", path], name);
    }
    let missing = "no-such-checkpoint";
    assert_fails(
        &[
            "analyze",
            picture.to_str().unwrap(),
            "--checkpoint",
            missing,
        ],
        missing,
    );
}

#[test]
fn usage_errors_have_their_own_status() {
    for args in [
        &["analyses", "demo"][..],
        &["analyze"],
        &["analyze", "demo", "--seconds", "soon"],
        &["analyze", "demo", "--device", "abacus"],
        &["analyze", "demo", "--json", "-", "--csv", "-"],
        &["analyze", "demo", "--rate", "15"],
        &["--nonsense"],
        &["analyze", "demo", "--websocket", "0.0.0.0:9117"],
        &["--osc", "192.168.1.20:9000"],
    ] {
        let output = fervis(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(stdout(&output), "", "{args:?}");
        assert!(stderr(&output).contains("error:"), "{args:?}");
    }
}

#[test]
fn lists_are_printed() {
    let output = fervis(&["models"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("fervis-plus (default)"));
    if cfg!(feature = "camera") {
        let output = fervis(&["devices"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stdout(&output).is_empty());
    }
}

#[test]
#[cfg(all(unix, not(target_os = "macos")))]
fn without_a_display_the_window_says_so() {
    if cfg!(feature = "gui") {
        assert_fails(&[], "no display");
    } else {
        assert_fails(&[], "no window");
    }
}

/// Without ffmpeg, the message says what the file is and gives the command that converts it.
#[test]
fn videos_that_need_ffmpeg_are_named() {
    for (name, kind) in [
        ("hevc.mp4", "HEVC (H.265) video"),
        ("interlaced.mp4", "interlaced H.264 video"),
        ("10-bit.mp4", "10-bit H.264 video"),
        ("422.mkv", "4:2:2 H.264 video"),
        ("vp9.webm", "VP9 video"),
    ] {
        let path = in_repository("tests/media").join(name);
        let output = Command::new(env!("CARGO_BIN_EXE_fervis"))
            .arg("analyze")
            .arg(&path)
            .env("PATH", in_repository("tests/media"))
            .env("RUST_LOG", "error")
            .output()
            .unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {message}");
        assert_eq!(message.lines().count(), 1, "{name}: {message}");
        for words in [kind, "ffmpeg -i", "yuv420p", name] {
            assert!(message.contains(words), "{name}: {message}");
        }
    }
}

#[test]
#[cfg(feature = "stream")]
fn a_port_in_use_ends_the_command() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let picture = in_repository("assets/faces/astronaut.png");
    let picture = picture.to_str().unwrap();
    assert_fails(&["analyze", picture, "--websocket", &port], &port);
}

#[test]
#[cfg(feature = "stream")]
fn osc_is_sent_during_an_analysis() {
    let listener = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let picture = in_repository("assets/faces/astronaut.png");
    let output = fervis(&["analyze", picture.to_str().unwrap(), "--osc", &port]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = format!("fervis: OSC: udp://127.0.0.1:{port}\n");
    assert_eq!(stderr(&output), told);
    // Datagrams wait for their reader: first the frame's, then the face's.
    let mut buffer = [0; 2048];
    for address in [&b"/fervis/frame\0"[..], b"/fervis/face/1/happy\0"] {
        let n_bytes = listener.recv(&mut buffer).unwrap();
        let has = buffer[..n_bytes]
            .windows(address.len())
            .any(|part| part == address);
        assert!(has, "{}", String::from_utf8_lossy(&buffer[..n_bytes]));
    }
}

#[test]
#[cfg(all(feature = "stream", feature = "h264-bundled"))]
fn a_websocket_client_gets_the_clip() {
    use std::{
        io::{BufRead, BufReader},
        process::Stdio,
    };

    let mut child = Command::new(env!("CARGO_BIN_EXE_fervis"))
        .args(["analyze", "demo", "--websocket", "0", "--json", "-"])
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = String::new();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    told.read_line(&mut words).unwrap();
    let url = words
        .trim_end()
        .strip_prefix("fervis: WebSocket: ")
        .unwrap();
    let (mut client, _) = tungstenite::connect(url).unwrap();
    let mut texts = Vec::new();
    loop {
        match client.read().unwrap() {
            tungstenite::Message::Text(text) => texts.push(text),
            tungstenite::Message::Close(_) => break,
            _ => {}
        }
    }
    assert!(child.wait().unwrap().success());
    let greeting: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(greeting["schema"], "fervis-stream/1");
    assert!(texts.len() > 1, "the clip lasts some seconds");
    for text in &texts[1..] {
        let message: Value = serde_json::from_str(text).unwrap();
        assert!(
            message["faces"].is_array() && message["unix_s"].is_f64(),
            "{text}"
        );
        assert_eq!(message["source"], 1);
    }
}
